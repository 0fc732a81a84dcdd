"""The watchlist in one line."""

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.message import Message

from mdterm.feeds.frames import LinkLine, WatchFrame, WatchRow, WatchSpec
from mdterm.feeds.status import Shown
from mdterm.widgets.candles import spark_cells
from mdterm.widgets.figures import fit
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import View
from mdterm.widgets.rows import NO_STYLE, Part, Row, spread, width_of
from mdterm.widgets.state import format_state, state_style
from mdterm.widgets.watchlist import format_change

_CHOSEN: Final = Style(bold=True, reverse=True)
SPARK: Final = 4
_CHANGE: Final = len("+12.34")


class WatchStrip(View):
    """The watchlist in one line: each symbol behind the digit that shows it, and how the links are.

    Where there is room for all symbols, each tells its change and, if that fits too, its newest closes.
    """

    class Chosen(Message):
        """A symbol was clicked; ``index`` counts from 0."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, id: str = "watch") -> None:  # noqa: A002  # Textual's own name for it
        super().__init__(id=id)
        self.symbols: Sequence[str] = ()
        self.selected = 0
        self.links: Sequence[LinkLine] = ()
        self._spans: list[tuple[int, int, int]] = []

    def set_symbols(self, symbols: Sequence[str]) -> None:
        """Set the symbols in the order of their digits."""
        self.symbols = tuple(symbols)
        self.repaint()

    def spec(self) -> WatchSpec:
        """Return all instruments, with the few closes that there is room for."""
        return WatchSpec(spark=SPARK)

    def clear(self, now: float) -> None:
        """Stay: the list is over all instruments."""

    def select(self, index: int) -> None:
        """Mark the symbol that is shown."""
        self.selected = index
        self.repaint()

    def set_links(self, links: Sequence[LinkLine]) -> None:
        """Take the state of the connections."""
        self.links = tuple(links)
        self.repaint()

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return the line. Links that are well need no room when it is scarce."""
        right = self._links(palette, width // 2)
        names = [fit(symbol, min(cell_len(symbol), 14)) for symbol in self.symbols]
        told = self._told(palette, names, width - width_of(right))
        if not any(told) and all(link.shown.is_current for link in self.links):
            # That all links are well is worth less than what the symbols do.
            without = self._told(palette, names, width - 1)
            told, right = (without, []) if any(without) else (told, right)
        room = width - width_of(right)
        taken = [
            (2 if at < 9 else 0) + cell_len(name) + width_of(more)
            for at, (name, more) in enumerate(zip(names, told, strict=True))
        ]
        first = self._first_shown(taken, room)
        left: list[Part] = [("‹", palette.muted) if first else (" ", NO_STYLE)]
        at, spans = 1, []
        for index in range(first, len(names)):
            if at + taken[index] + 1 > room:
                left += [("›", palette.muted)]
                break
            chosen = index == self.selected
            left += [(f"{index + 1} " if index < 9 else "", palette.key)]
            left += [(names[index], palette.text + _CHOSEN if chosen else palette.muted), *told[index]]
            left += [("  ", NO_STYLE)]
            spans.append((at, at + taken[index], index))
            at += taken[index] + 2
        self._spans = spans
        return [spread(left, right, width, " ", NO_STYLE)]

    def _told(self, palette: Palette, names: Sequence[str], room: int) -> list[list[Part]]:
        """Return what is told behind each name: change and closes, the change, or nothing."""
        rows = self.frame.rows if isinstance(self.frame, WatchFrame) else []
        if len(rows) != len(names):
            return [[] for _ in names]
        fixed = 1 + sum((4 if at < 9 else 2) + cell_len(name) for at, name in enumerate(names))
        each = (room - fixed) // len(names)
        if each < 1 + _CHANGE:
            return [[] for _ in names]
        return [_figures(row, palette, with_spark=each >= 2 + _CHANGE + SPARK) for row in rows]

    def _first_shown(self, taken: Sequence[int], room: int) -> int:
        """Return the first symbol to show so that the selected one is in view."""
        first, at = 0, 1
        for index, cells in enumerate(taken):
            at += cells + 2
            while at > room and first < self.selected and index <= self.selected:
                at -= taken[first] + 2
                first += 1
        return first

    def _links(self, palette: Palette, room: int) -> list[Part]:
        """Return the connections, those in trouble first, as many as fit."""
        parts: list[Part] = []
        # A provider with two sockets is told once, by the one in trouble.
        worst = {link.provider: link for link in sorted(self.links, key=lambda one: not one.shown.is_current)}
        for link in sorted(worst.values(), key=lambda one: one.shown.is_current):
            told = link.shown if not link.shown.is_current else Shown(link.shown.word)
            one: list[Part] = [
                (f"  {fit(link.provider, min(cell_len(link.provider), 14))} ", palette.muted),
                (format_state(told), state_style(told, palette)),
            ]
            if width_of(parts) + width_of(one) + 1 > room:
                break
            parts += one
        return [*parts, (" ", NO_STYLE)]

    def on_click(self, event: events.Click) -> None:
        """Choose the symbol under the pointer."""
        for start, end, index in self._spans:
            if start <= event.x < end:
                self.post_message(self.Chosen(index))
                return


def _figures(row: WatchRow, palette: Palette, *, with_spark: bool) -> list[Part]:
    """Return a symbol's change, and its newest closes; its state in their place where it is not live."""
    room = _CHANGE + (1 + SPARK if with_spark else 0)
    if not row.shown.is_current or row.shown.word == "CLOSED":
        word = row.shown.word if len(row.shown.word) <= room else row.shown.word[: room - 1] + "…"
        return [(f" {word.ljust(room)}", state_style(row.shown, palette))]
    change = row.change or 0.0
    parts = [(f" {format_change(row.change).rjust(_CHANGE)}", palette.moved((change > 0) - (change < 0)))]
    return [*parts, (f" {spark_cells(row.spark, SPARK)}", palette.muted)] if with_spark else parts
