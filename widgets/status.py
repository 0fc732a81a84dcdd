"""The last line: keys that matter now, and figures that stand in fixed places."""

from collections.abc import Sequence
from typing import Final

from textual import events
from textual.message import Message

from mdterm.feeds.frames import ReplayLine
from mdterm.feeds.text import clean
from mdterm.widgets.figures import fit, format_age, format_count, format_date, format_rate, format_time
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Line
from mdterm.widgets.rows import NO_STYLE, Part, Row, spread, width_of

_REPLAY_HINTS: Final = (("x", "stop/go"), (";", "step"), ("(", "slower"), (")", "faster"), ("J", "time"))

WIDE: Final = 100
"""Columns from which on there is room for the figures of a link as well."""
FAR_S: Final = 2.0
"""From there on a link is marked: keys that ask the feed take as long."""


class StatusLine(Line):
    """The last line: keys that matter now, and figures that stand in fixed places."""

    class Pressed(Message):
        """A key was clicked."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

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
        self.link: tuple[float, float | None] | None = None
        """Bytes/s that come from a feed on another machine, and how far away (s) it is there and back."""
        self.simulated = False
        self.replay: ReplayLine | None = None
        self._offset_ns = 0
        self._places: list[tuple[str, int, int]] = []
        """Where each key stands now: first cell, and the one behind."""
        self.is_slow_link = False
        """Whether less is drawn on purpose."""

    def tell_replay(self, line: ReplayLine | None, offset_ns: int) -> None:
        """Set where a replay stands; None while the market is live."""
        if (line, offset_ns) != (self.replay, self._offset_ns):
            self.replay, self._offset_ns = line, offset_ns
            self.repaint()

    def set_hints(self, hints: Sequence[tuple[str, str]]) -> None:
        """Set the keys and what they do, the most useful first."""
        self.hints = tuple(hints)
        self.repaint()

    def switch(self, *, simulated: bool) -> None:
        """Begin to tell of another instrument."""
        self.trades, self.simulated = None, simulated
        self.repaint()

    def count(self, trades: int) -> None:
        """Set the exact number of trades of the shown instrument."""
        if trades != self.trades:
            self.trades = trades
            self.repaint()

    def measure(self, *, fps: float, rate: float, delay_ms: float | None, behind_s: float | None) -> None:
        """Set the figures that are told once a second. ``behind_s`` is None while the screen keeps up."""
        self.fps, self.rate, self.delay_ms, self.behind_s = fps, rate, delay_ms, behind_s
        self.repaint()

    def measure_link(self, rate: float, delay_s: float | None) -> None:
        """Set the figures of the way to a feed on another machine, once a second."""
        self.link = rate, delay_s
        self.repaint()

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return the line."""
        right = self.figures(palette, with_all=self.link is None or width >= WIDE)
        if self.replay is not None:
            self._places = []
            # What is shown is not the market of now: that comes before every key.
            told = self._replayed(self.replay, palette, width - width_of(right))
            return [spread(told, right, width, " ", NO_STYLE)]
        left: list[Part] = [(" slow link ", palette.warn)] if self.is_slow_link else []
        self._places = []
        for key, does in self.hints:
            one: list[Part] = [(" ", NO_STYLE), (key, palette.key), (f" {does} ", palette.muted)]
            if width_of(left) + width_of(one) + width_of(right) > width:
                break
            self._places.append((key, width_of(left), width_of(left) + width_of(one)))
            left += one
        if self.behind_s is not None:
            late = f" {format_age(self.behind_s)} behind "
            while left and width_of(left) + len(late) + width_of(right) > width:
                del left[-3:]
                del self._places[-1:]
            left += [(late, palette.warn)]
        return [spread(left, right, width, " ", NO_STYLE)]

    def _replayed(self, one: ReplayLine, palette: Palette, room: int) -> list[Part]:
        """Return that it is a replay, of when, how fast, and what is wrong; as long as there is room for."""
        at, name = one.at + self._offset_ns, "REWIND" if one.is_rewind else "REPLAY"
        how = "SEEKING" if one.is_seeking else "ENDED" if one.has_ended else "PAUSED" if one.is_paused else ""
        pace = f"×{one.speed:g}"
        short = f"{name} {format_time(at)} {pace:<4} {how:<7}"
        long = f"{name} {format_date(at)} {format_time(at)} {pace:<4} {how:<7}"
        text = next((one for one in (long, short) if len(one) + 1 <= room), f"{name} {how}")
        parts: list[Part] = [(f" {text}", palette.warn)]
        words = fit(clean(one.words), max(0, room - width_of(parts) - 3)).rstrip()
        if words:
            parts.append((f"  {words} ", palette.warn))
        keys = "".join(f" {key} {does} " for key, does in _REPLAY_HINTS)
        if not words and width_of(parts) + len(keys) + 2 <= room:
            for key, does in _REPLAY_HINTS:
                parts += [(" ", NO_STYLE), (key, palette.key), (f" {does} ", palette.muted)]
        return parts

    def on_click(self, event: events.Click) -> None:
        """Press the key whose hint was clicked."""
        event.stop()
        key = next((key for key, start, end in self._places if start <= event.x < end), None)
        if key is not None:
            self.post_message(self.Pressed(key))

    def figures(self, palette: Palette, *, with_all: bool = True) -> list[Part]:
        """Return the right end of the line; every figure keeps its place whatever its value.

        Where there is no room for all, those of the link stand in the place of what is drawn here.
        """
        trades = "—" if self.trades is None else format_count(self.trades)
        delay = "—" if self.delay_ms is None else _format_delay(self.delay_ms)
        word = "trade" if self.trades == 1 else "trades"
        drawn: list[Part] = [
            (f" {f'{self.fps:.0f} fps'.rjust(self.FPS)}", palette.muted),
            (f" {format_rate(self.rate).rjust(self.RATE)}", palette.muted),
        ]
        return [
            (f"{trades} {word}".rjust(self.COUNT), palette.text),
            (f"  {delay.rjust(self.DELAY)}", palette.muted),
            *(drawn if with_all else []),
            *([] if self.link is None else self._link(*self.link, palette)),
            (" SIM " if self.simulated else "     ", palette.warn),
        ]

    def _link(self, rate: float, delay_s: float | None, palette: Palette) -> list[Part]:
        """Return what crosses the link, and how long it takes there and back."""
        delay = "—" if delay_s is None else _format_delay(delay_s * 1000)
        words = f"  ↓{format_rate(rate).rjust(self.RATE)} {delay.rjust(self.DELAY)}"
        return [(words, palette.muted if delay_s is None or delay_s < FAR_S else palette.warn)]


def _format_delay(delay_ms: float) -> str:
    """Return how old data is when it arrives, in a figure of steady width."""
    if abs(delay_ms) < 999.5:
        return f"{delay_ms:.0f} ms"
    return f"{delay_ms / 1000:.1f} s" if abs(delay_ms) < 99_950 else f"{delay_ms / 1000:.0f} s"
