"""The lines around the panels: the instrument, the symbols to choose from, the keys and the figures."""

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.message import Message

from mdterm.feeds.status import Shown
from mdterm.feeds.views import HeaderFrame, LinkLine, PanelFrame
from mdterm.widgets.figures import (
    fit,
    format_age,
    format_count,
    format_price,
    format_rate,
    format_time,
)
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import NOTHING_YET, Line
from mdterm.widgets.rows import NO_STYLE, Part, Row, spread, width_of
from mdterm.widgets.state import format_state, state_style

_BOLD: Final = Style(bold=True)
_LONGEST_NAME: Final = 24


class Header(Line):
    """The instrument in one line: name, venue, last, day figures, and the clock where there is room."""

    def __init__(self, *, id: str = "header") -> None:  # noqa: A002  # Textual's own name for it
        super().__init__(id=id)
        self.symbol = ""
        self.venue = ""
        self.frame: HeaderFrame | None = None
        self.shown = NOTHING_YET
        self._wall = 0
        self._price_width = 0

    def switch(self, symbol: str, venue: str) -> None:
        """Name another instrument; its figures come with its first frame."""
        self.symbol, self.venue, self.frame, self.shown = symbol, venue, None, NOTHING_YET
        self._price_width = 0
        self.repaint()

    def show(self, panel: PanelFrame, wall: int) -> None:
        """Take a frame."""
        self.frame = panel.frame if isinstance(panel.frame, HeaderFrame) else None
        self.shown = panel.shown
        self._wall = wall
        self.repaint()

    def tick(self, wall: int) -> None:
        """Let the clock advance."""
        self._wall = wall
        self.repaint()

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return the line; what matters least goes first where there is no room."""
        frame = self.frame
        body = palette if self.shown.is_current or frame is None else palette.dimmed()
        symbol = fit(self.symbol, min(cell_len(self.symbol), _LONGEST_NAME))
        venue = fit(self.venue, min(cell_len(self.venue), _LONGEST_NAME + 8))
        price = format_price(frame.last if frame else None, frame.digits if frame else 0)
        self._price_width = max(self._price_width, len(price))
        mark = "▲" if frame and frame.direction > 0 else "▼" if frame and frame.direction < 0 else " "
        moved = body.moved(frame.direction if frame else 0)
        left: list[Part] = [(f" {symbol}", body.text + _BOLD), (f"  {venue}", body.muted)]
        left += [(f"  {price.rjust(self._price_width)} {mark}", moved + _BOLD)]
        if frame is not None:
            left += _figures(frame, body)
        clock: list[Part] = [(f"  {format_time(self._wall)} UTC ", palette.muted)] if self._wall else []
        if width_of(left[:3]) + width_of(clock) > width:
            clock = []
        if width_of(left[:3]) > width:
            del left[1]
        return [spread(left, clock, width, " ", NO_STYLE)]


def _figures(frame: HeaderFrame, palette: Palette) -> list[Part]:
    """Return change, VWAP, high and low; each is one part, so that it can be left out whole."""
    parts: list[Part] = []
    if frame.change is not None:
        parts += [(f"  {frame.change * 100:+.2f} %", palette.moved((frame.change > 0) - (frame.change < 0)))]
    digits = frame.digits
    if frame.vwap is not None:
        parts += [(f"  VWAP {format_price(frame.vwap, digits)}", palette.text)]
    if frame.high is not None and frame.low is not None:
        high, low = format_price(frame.high, digits), format_price(frame.low, digits)
        parts += [(f"  H {high}  L {low}", palette.text)]
    return parts


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
        for link in sorted(self.links, key=lambda one: one.shown.is_current):
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


_CHOSEN: Final = Style(bold=True, reverse=True)


class StatusLine(Line):
    """The last line: keys that matter now, and figures that stand in fixed places."""

    COUNT: Final = len("999 999 999 trades")
    DELAY: Final = len("99.9 s")
    FPS: Final = len("60 fps")
    RATE: Final = len("999.9 kB/s")

    def __init__(self, *, id: str = "status") -> None:  # noqa: A002  # Textual's own name for it
        super().__init__(id=id)
        self.hints: Sequence[tuple[str, str]] = ()
        self.trades: int | None = None
        self.delay_ms: float | None = None
        self.fps = 0.0
        self.rate = 0.0
        self.behind_s: float | None = None
        self.simulated = False

    def set_hints(self, hints: Sequence[tuple[str, str]]) -> None:
        """Set the keys and what they do, the most useful first."""
        self.hints = tuple(hints)
        self.repaint()

    def count(self, trades: int | None) -> None:
        """Set the exact number of trades of the shown instrument."""
        if trades != self.trades:
            self.trades = trades
            self.repaint()

    def measure(
        self, *, fps: float, rate: float, delay_ms: float | None, behind_s: float | None, simulated: bool
    ) -> None:
        """Set the figures that are told once a second. ``behind_s`` is None while the screen keeps up."""
        self.fps, self.rate, self.delay_ms = fps, rate, delay_ms
        self.behind_s, self.simulated = behind_s, simulated
        self.repaint()

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return the line."""
        right = self.figures(palette)
        left: list[Part] = []
        for key, does in self.hints:
            one: list[Part] = [(" ", NO_STYLE), (key, palette.key), (f" {does} ", palette.muted)]
            if width_of(left) + width_of(one) + width_of(right) > width:
                break
            left += one
        if self.behind_s is not None:
            late = f" {format_age(self.behind_s)} behind "
            while left and width_of(left) + len(late) + width_of(right) > width:
                del left[-3:]
            left += [(late, palette.warn)]
        return [spread(left, right, width, " ", NO_STYLE)]

    def figures(self, palette: Palette) -> list[Part]:
        """Return the right end of the line; every figure keeps its place whatever its value."""
        trades = "—" if self.trades is None else format_count(self.trades)
        delay = "—" if self.delay_ms is None else _format_delay(self.delay_ms)
        word = "trade" if self.trades == 1 else "trades"
        return [
            (f"{trades} {word}".rjust(self.COUNT), palette.text),
            (f"  {delay.rjust(self.DELAY)}", palette.muted),
            (f" {f'{self.fps:.0f} fps'.rjust(self.FPS)}", palette.muted),
            (f" {format_rate(self.rate).rjust(self.RATE)}", palette.muted),
            (" SIM " if self.simulated else "     ", palette.warn),
        ]


def _format_delay(delay_ms: float) -> str:
    """Return how old data is when it arrives, in a figure of steady width."""
    if abs(delay_ms) < 999.5:
        return f"{delay_ms:.0f} ms"
    return f"{delay_ms / 1000:.1f} s" if abs(delay_ms) < 99_950 else f"{delay_ms / 1000:.0f} s"
