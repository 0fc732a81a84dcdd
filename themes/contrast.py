"""How well a colour is read on another, as WCAG 2 measures it."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from textual.color import Color
from textual.theme import Theme

from mdterm.themes.roles import TEXT_ROLES

LEGIBLE: Final = 4.5
"""The contrast that text needs at least."""
ON_FILLS: Final = (("bid", "bid-bar"), ("ask", "ask-bar"), ("text", "cursor"), ("key", "cursor"))
"""The roles that are written on others than the ground, and what they stand on there."""
NO_COLOUR: Final = "ansi_default"
"""The terminal's own, of which nothing is known."""
# xterm's own sixteen colours; most terminals' are lighter on black.
_XTERM: Final = (
    *("#000000", "#cd0000", "#00cd00", "#cdcd00", "#0000ee", "#cd00cd", "#00cdcd", "#e5e5e5"),
    *("#7f7f7f", "#ff0000", "#00ff00", "#ffff00", "#5c5cff", "#ff00ff", "#00ffff", "#ffffff"),
)


class Pair(NamedTuple):
    """A role and what it is written on, with the contrast of the two."""

    role: str
    ground: str
    ratio: float


def luminance(colour: str) -> float:
    """Return the relative luminance, 0 to 1."""
    read = Color.parse(colour)
    if read.ansi is not None and read.ansi >= 0:
        read = Color.parse(_XTERM[read.ansi])
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in read.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def pairs(theme: Theme) -> Iterator[Pair]:
    """Return what is written on what in a theme, as far as both colours are known."""
    colours: Mapping[str, str] = {"background": theme.background or NO_COLOUR, **theme.variables}
    for role, ground in (*((role, "background") for role in TEXT_ROLES), *ON_FILLS):
        if NO_COLOUR not in (colours[role], colours[ground]):
            yield Pair(role, ground, contrast(colours[role], colours[ground]))
