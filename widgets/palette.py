"""The styles of a theme's roles, looked up once per theme and never per cell."""

from collections.abc import Mapping
from functools import cached_property

from msgspec import Struct
from msgspec.structs import fields, replace
from rich.style import Style
from textual.color import Color


class Palette(Struct, frozen=True, dict=True):
    """One Rich style per colour role. Fields are the roles with ``_`` for ``-``; ``base`` is the ground."""

    base: Style
    text: Style
    muted: Style
    key: Style
    bid: Style
    ask: Style
    up: Style
    down: Style
    flat: Style
    live: Style
    stale: Style
    warn: Style
    big_1: Style
    big_2: Style
    liq_long: Style
    liq_short: Style
    own: Style
    line_1: Style
    line_2: Style
    line_3: Style
    grid: Style
    bid_bar: Style
    ask_bar: Style
    cursor: Style

    @cached_property
    def dimmed(self) -> "Palette":
        """Return the palette of a panel whose data is not current: one grey, no fills."""
        kept = ("base", "warn", "grid", "key")
        return replace(self, **{f.name: self.stale for f in fields(self) if f.name not in kept})

    def moved(self, direction: int) -> Style:
        """Return the style of a price by its last move."""
        return self.up if direction > 0 else self.down if direction < 0 else self.flat


_FILLS = frozenset({"bid_bar", "ask_bar", "cursor"})


def make_palette(variables: Mapping[str, str]) -> Palette:
    """Return the palette of a theme's variables (``bid``, ``bid-style`` and so on)."""
    ground = Color.parse(variables["background"]).rich_color
    styles = {"base": Style() if ground.is_default else Style(bgcolor=ground)}
    for one in fields(Palette):
        if one.name == "base":
            continue
        role = one.name.replace("_", "-")
        colour = Color.parse(variables[role]).rich_color
        attributes = Style.parse(variables[f"{role}-style"])
        if one.name in _FILLS:
            # A fill of the default colour is no fill: nothing is written for it.
            fill = Style() if colour.is_default else Style(bgcolor=colour)
        else:
            fill = Style(color=colour)
        styles[one.name] = fill + attributes
    return Palette(**styles)
