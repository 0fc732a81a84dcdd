"""The watchlist in one line."""

from collections.abc import Sequence
from typing import Final

import msgspec
from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.message import Message

from mdterm.feeds.frames import LinkLine, PanelFrame, WatchFrame, WatchRow
from mdterm.feeds.specs import WatchSpec
from mdterm.feeds.status import Shown
from mdterm.widgets.candles import spark_cells
from mdterm.widgets.figures import fit
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import View
from mdterm.widgets.rows import NO_STYLE, Part, Row, spread, width_of
from mdterm.widgets.state import aged, format_state, state_style
from mdterm.widgets.watch_columns import format_change

_CHOSEN: Final = Style(bold=True, reverse=True)
SPARK: Final = 4
_CHANGE: Final = len("+12.34")


class WatchStrip(View):
    """The watchlist in one line: each symbol behind the digit that shows it, and how the links are.

    Where there is room for all symbols, each tells its change and, if that fits too, its newest closes.
    """

    class Chosen(Message):
        """A symbol was clicked."""

        def __init__(self, address: str) -> None:
            super().__init__()
            self.address = address

    def __init__(self, *, id: str = "watch") -> None:  # noqa: A002  # Textual's own name for it
        super().__init__(id=id)
        self.listed: Sequence[tuple[str, str]] = ()
        """Address and symbol of each instrument."""
        self.selected: str | None = None
        self.links: Sequence[LinkLine] = ()
        self._among: tuple[str, ...] | None = None
        self._spans: list[tuple[int, int, str]] = []
        self._told_at = self._links_at = self._now = 0.0

    def set_symbols(self, listed: Sequence[tuple[str, str]], *, is_group: bool = False) -> None:
        """Set addresses and symbols in the order of their digits: all, or those of a group."""
        self.listed = tuple(listed)
        self._among = tuple(address for address, _ in listed) if is_group else None
        self.repaint()

    def spec(self) -> WatchSpec:
        """Return all instruments, with the few closes that there is room for."""
        return WatchSpec(spark=SPARK, among=self._among)

    def show(self, panel: PanelFrame, made: float, wall: int) -> None:
        """Take a frame."""
        self._told_at = self._now = made
        super().show(panel, made, wall)

    def tick(self, now: float, wall: int) -> None:
        """Let states grow old: what the feed has not said again for long is not live."""
        self._now = now
        super().tick(now, wall)

    def clear(self, now: float) -> None:
        """Stay: the list is over all instruments."""

    def select(self, address: str) -> None:
        """Mark the symbol that is shown."""
        self.selected = address
        self.repaint()

    def set_links(self, links: Sequence[LinkLine], made: float) -> None:
        """Take the state of the connections as of ``made`` (s, monotonic)."""
        self.links, self._links_at, self._now = tuple(links), made, max(made, self._now)
        self.repaint()

    def _current_links(self) -> list[LinkLine]:
        elapsed = self._now - self._links_at
        return [msgspec.structs.replace(one, shown=aged(one.shown, elapsed)) for one in self.links]

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return the line. Links that are well need no room when it is scarce."""
        links = self._current_links()
        right = _links(links, palette, width // 2)
        names = [fit(symbol, min(cell_len(symbol), 14)) for _, symbol in self.listed]
        told = self._told(palette, names, width - width_of(right))
        if not any(told) and all(link.shown.is_current for link in links):
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
            address = self.listed[index][0]
            chosen = address == self.selected
            left += [(f"{index + 1} " if index < 9 else "", palette.key)]
            left += [(names[index], palette.text + _CHOSEN if chosen else palette.muted), *told[index]]
            left += [("  ", NO_STYLE)]
            spans.append((at, at + taken[index], address))
            at += taken[index] + 2
        self._spans = spans
        return [spread(left, right, width, " ", NO_STYLE)]

    def _told(self, palette: Palette, names: Sequence[str], room: int) -> list[list[Part]]:
        """Return what is told behind each name: change and closes, the change, or nothing."""
        nothing: list[list[Part]] = [[] for _ in names]
        frame_rows = self.frame.rows if isinstance(self.frame, WatchFrame) else []
        by_address = {row.address: row for row in frame_rows}
        rows = [by_address[address] for address, _ in self.listed if address in by_address]
        if not names or len(rows) != len(names):
            return nothing
        fixed = 1 + sum((4 if at < 9 else 2) + cell_len(name) for at, name in enumerate(names))
        each = (room - fixed) // len(names)
        if each < 1 + _CHANGE:
            return nothing
        elapsed, with_spark = self._now - self._told_at, each >= 2 + _CHANGE + SPARK
        return [_figures(row, aged(row.shown, elapsed), palette, with_spark=with_spark) for row in rows]

    def _first_shown(self, taken: Sequence[int], room: int) -> int:
        """Return the first symbol to show so that the selected one is in view."""
        selected = next((at for at, (address, _) in enumerate(self.listed) if address == self.selected), 0)
        first, at = 0, 1
        for index, cells in enumerate(taken):
            at += cells + 2
            while at > room and first < selected and index <= selected:
                at -= taken[first] + 2
                first += 1
        return first

    def on_click(self, event: events.Click) -> None:
        """Choose the symbol under the pointer."""
        for start, end, address in self._spans:
            if start <= event.x < end:
                self.post_message(self.Chosen(address))
                return


def _links(links: Sequence[LinkLine], palette: Palette, room: int) -> list[Part]:
    """Return the connections, those in trouble first, as many as fit."""
    parts: list[Part] = []
    # A provider with two sockets is told once, by the one in trouble.
    worst = {link.provider: link for link in sorted(links, key=lambda one: not one.shown.is_current)}
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


def _figures(row: WatchRow, shown: Shown, palette: Palette, *, with_spark: bool) -> list[Part]:
    """Return a symbol's change, and its newest closes; its state in their place where it is not live."""
    room = _CHANGE + (1 + SPARK if with_spark else 0)
    if not shown.is_current or shown.word == "CLOSED":
        word = shown.word if len(shown.word) <= room else shown.word[: room - 1] + "…"
        return [(f" {word.ljust(room)}", state_style(shown, palette))]
    change = row.change or 0.0
    parts = [(f" {format_change(row.change).rjust(_CHANGE)}", palette.moved((change > 0) - (change < 0)))]
    return [*parts, (f" {spark_cells(row.spark, SPARK)}", palette.muted)] if with_spark else parts
