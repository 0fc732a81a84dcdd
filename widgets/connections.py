"""The connections: a row each, and why, where one is in trouble."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Size

from mdterm.feeds.frames import LinkLine
from mdterm.feeds.status import Shown
from mdterm.feeds.text import clean
from mdterm.widgets.figures import UNKNOWN, cell, fit
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Line
from mdterm.widgets.rows import NO_STYLE, Part, Row, merge, spread, width_of
from mdterm.widgets.state import aged, format_reason, format_state, state_style

GAP: Final = "  "
_NAME: Final = 8
_DELAY: Final = len("99.9 s")
_RATE: Final = len("9999 msg/s")
_BOLD: Final = Style(bold=True)


class Columns(Struct, frozen=True):
    """Widths in cells; 0 for a column that there is no room for."""

    name: int
    state: int
    delay: int
    rate: int

    @property
    def width(self) -> int:
        """Cells from edge to edge."""
        return 1 + self.name + sum(2 + one for one in (self.state, self.delay, self.rate) if one)


def choose_columns(links: Sequence[LinkLine], width: int, before: Columns | None) -> Columns:
    """Return the columns that fit: name and state, then the delay, then messages a second.

    Where it is narrow names are cut rather than states.
    """
    longest = max((cell_len(link.key) for link in links), default=0)
    name = max(min(longest, 24), before.name if before else 0, _NAME)
    state = max([len("LIVE 59.9s"), *(len(format_state(link.shown)) for link in links)])
    name = max(_NAME, min(name, width - 1 - len(GAP) - state))
    state = len("LIVE 59.9s")
    for found in (Columns(name, state, _DELAY, _RATE), Columns(name, state, _DELAY, 0)):
        if found.width <= width:
            return found
    return Columns(name, state, 0, 0)


def notes_of(links: Sequence[LinkLine]) -> list[str]:
    """Return what is worth knowing of how connections talk, each note once; named where there are several."""
    told = list(dict.fromkeys((link.provider, clean(link.note)) for link in links if link.note))
    return [note if len(told) == 1 else f"{clean(provider)}: {note}" for provider, note in told]


def format_delay(delay_ms: float | None) -> str:
    """Return how old data is when it arrives; below zero the exchange's clock is ahead of ours."""
    if delay_ms is None:
        return UNKNOWN
    if abs(delay_ms) < 999.5:
        return f"{delay_ms:.0f} ms"
    return f"{delay_ms / 1000:.1f} s" if abs(delay_ms) < 99_950 else f"{delay_ms / 1000:.0f} s"


def paint_link(link: LinkLine, shown: Shown, columns: Columns, palette: Palette, width: int) -> list[Row]:
    """Return a connection's row. One in trouble tells why instead of figures that mean nothing now."""
    parts: list[Part] = [(" " + fit(link.key, columns.name), palette.text), (GAP, NO_STYLE)]
    state, style = format_state(shown), state_style(shown, palette)
    if not shown.is_current:
        parts += [(state, style)]
        reason: Part = (GAP + format_reason(shown), palette.muted)
        if not reason[0].strip() or width_of([*parts, reason]) <= width:
            return [merge([*parts, reason] if reason[0].strip() else parts)]
        return [merge(parts), ((fit("   " + reason[0].strip(), width), palette.muted),)]
    parts += [(state.ljust(columns.state), style)]
    if columns.delay:
        parts += [(GAP + cell(format_delay(link.delay_ms), columns.delay), palette.text)]
    if columns.rate:
        parts += [(GAP + cell(f"{link.rate:.0f} msg/s", columns.rate), palette.muted)]
    return [merge(parts)]


class Connections(Line):
    """All connections. They belong to no instrument: every frame set tells of them."""

    NAME: Final = "LINKS"

    def __init__(self, *, id: str = "connections") -> None:  # noqa: A002  # Textual's own name for it
        super().__init__(id=id)
        self.links: Sequence[LinkLine] = ()
        self._told_at = 0.0
        self._now = 0.0
        self._columns: Columns | None = None
        self._feed = ""

    def set_feed(self, words: str) -> None:
        """Say whose the connections are, where they are not this program's own."""
        self._feed = words
        self.refresh(layout=True)
        self.repaint()

    def set_links(self, links: Sequence[LinkLine], made: float) -> None:
        """Take the connections as they were at ``made`` (s, monotonic)."""
        self._told_at = self._now = made
        wanted = self.get_content_height(self.size, self.size, 0)
        self.links = tuple(links)
        if self.get_content_height(self.size, self.size, 0) != wanted:
            self.refresh(layout=True)
        self.repaint()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the rows of the title and of every connection; in trouble each may want two."""
        troubled = sum(not one.shown.is_current for one in self.links)
        return 1 + len(self.links) + troubled + len(self._notes())

    def _notes(self) -> list[str]:
        return [*([self._feed] if self._feed else []), *notes_of(self.links)]

    def tick(self, now: float) -> None:
        """Let the ages advance."""
        self._now = now
        self.repaint()

    def fit(self) -> None:
        """Let columns and scales be those of what is shown now."""
        self._columns = None

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return a title that counts, and the connections, those in trouble first."""
        told = [(link, aged(link.shown, self._now - self._told_at)) for link in self.links]
        troubled = sum(not shown.is_current for _, shown in told)
        words = f"{troubled} of {len(told)} in trouble" if troubled else f"{len(told)} live"
        grid = palette.grid
        left: list[Part] = [("─ ", grid), (self.NAME, palette.text + _BOLD), (" ", grid)]
        right: list[Part] = [(f" {words}", palette.warn if troubled else palette.muted), (" ─", grid)]
        rows = [spread(left, right, width, "─", grid)]
        columns = self._columns = choose_columns(self.links, width, self._columns)
        for link, shown in sorted(told, key=lambda one: one[1].is_current):
            rows += paint_link(link, shown, columns, palette, width)
        rows += [((fit(f" {note}", width), palette.muted),) for note in self._notes()]
        return rows[:height]
