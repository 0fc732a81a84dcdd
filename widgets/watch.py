"""The watchlist in one line."""

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.message import Message

from mdterm.feeds.frames import LinkLine
from mdterm.feeds.status import Shown
from mdterm.widgets.figures import fit
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Line
from mdterm.widgets.rows import NO_STYLE, Part, Row, spread, width_of
from mdterm.widgets.state import format_state, state_style

_CHOSEN: Final = Style(bold=True, reverse=True)


class WatchStrip(Line):
    """The watchlist in one line: each symbol behind the digit that shows it, and how the links are."""

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
        room = width - width_of(right)
        names = [fit(symbol, min(cell_len(symbol), 14)) for symbol in self.symbols]
        first = self._first_shown(names, room)
        left: list[Part] = [("‹", palette.muted) if first else (" ", NO_STYLE)]
        at, spans = 1, []
        for index in range(first, len(names)):
            key = f"{index + 1} " if index < 9 else ""
            taken = len(key) + cell_len(names[index])
            if at + taken + 1 > room:
                left += [("›", palette.muted)]
                break
            chosen = index == self.selected
            left += [(key, palette.key), (names[index], palette.text + _CHOSEN if chosen else palette.muted)]
            left += [("  ", NO_STYLE)]
            spans.append((at, at + taken, index))
            at += taken + 2
        self._spans = spans
        return [spread(left, right, width, " ", NO_STYLE)]

    def _first_shown(self, names: list[str], room: int) -> int:
        """Return the first symbol to show so that the selected one is in view."""
        first, at = 0, 1
        for index, name in enumerate(names):
            at += (2 if index < 9 else 0) + cell_len(name) + 2
            while at > room and first < self.selected and index <= self.selected:
                at -= (2 if first < 9 else 0) + cell_len(names[first]) + 2
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
