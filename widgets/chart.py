"""The chart: candles with their volume below, the newest at the right edge."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.style import Style
from textual import events
from textual.message import Message

from mdterm.feeds.frames import ChartBar, ChartFrame, ChartSpec, PanelFrame
from mdterm.widgets.axes import format_moment, price_ticks, time_period, time_ticks
from mdterm.widgets.candles import (
    BOXES,
    Glyphs,
    Scale,
    candle_cells,
    choose_scale,
    choose_volume_scale,
    extent,
    volume_cells,
)
from mdterm.widgets.figures import cell, fit, format_price, format_size
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Panel
from mdterm.widgets.rows import NO_STYLE, Part, Row, merge
from mdterm.widgets.state import format_state

INTERVALS: Final = ("1s", "5s", "15s", "1m", "5m", "15m", "1h", "4h", "1d", "1w")
"""The intervals in the order of their key."""
DEFAULT_INTERVAL: Final = "1m"
ZOOMS: Final = (1, 2, 3)
"""Cells a bar may take."""
AXIS: Final = 2
"""Cells between the newest bar and the prices: a blank and a mark."""
_LEAST_COLUMNS: Final = 8
_BOLD: Final = Style(bold=True)
_RUNS: Final = re.compile(" +|[^ ]+")
_STATE_ROOM: Final = len("LIVE 0.1s")


@dataclass(frozen=True)
class Rows:
    """How the rows under the title are shared out."""

    price: int
    volume: int
    time: int


def share_rows(height: int) -> Rows:
    """Return the rows of prices, volume and times; prices come first where there are few."""
    time = 1 if height >= 7 else 0
    volume = 0 if height < 5 else 1 if height < 11 else 2 if height < 20 else 3 if height < 32 else 4
    return Rows(max(1, height - time - volume), volume, time)


@dataclass(frozen=True)
class Ground:
    """All that the columns of the bars but the newest are painted from, beside the bars themselves."""

    rows: Rows
    columns: int
    zoom: int
    scale: Scale
    volume: float
    cursor: int | None
    """Which of the visible bars is marked."""
    since: int | None
    """From when on (ns) bars are whole."""
    palette: Palette
    glyphs: Glyphs


def visible(frame: ChartFrame, columns: int, zoom: int) -> list[ChartBar]:
    """Return the bars that fit, oldest first."""
    return frame.bars[-max(1, columns // zoom) :]


def bar_style(bar: ChartBar, since: int | None, palette: Palette) -> Style:
    """Return the style of a bar: by its direction, or grey where trades of it may be missing."""
    if since is None or bar.open_ts < since:
        return palette.stale
    return palette.moved((bar.close > bar.open) - (bar.close < bar.open))


def paint_columns(bars: Sequence[ChartBar], ground: Ground, first: int = 0) -> list[list[Part]]:
    """Return the cells of bars as parts, by row: prices, then volume. ``first`` is the index of the first."""
    rows, zoom, glyphs = ground.rows, ground.zoom, ground.glyphs
    painted: list[list[Part]] = [[] for _ in range(rows.price + rows.volume)]
    pad = " " * (zoom - 1)
    for at, bar in enumerate(bars, first):
        cells = candle_cells(bar, ground.scale, rows.price, glyphs)
        cells += volume_cells(bar.volume, ground.volume, rows.volume, glyphs) if rows.volume else ""
        # Volume has one colour: its direction stands above it, and a row of one colour is one part.
        styles = [bar_style(bar, ground.since, ground.palette), ground.palette.muted]
        if at == ground.cursor:
            styles = [style + ground.palette.cursor for style in styles]
        for y, (row, glyph) in enumerate(zip(painted, cells, strict=True)):
            row.append((pad, NO_STYLE))
            # A blank has no colour, so that neighbours of one colour stay one part across it.
            is_seen = glyph != " " or at == ground.cursor
            row.append((glyph, styles[y >= rows.price] if is_seen else NO_STYLE))
    return painted


def underline_price(parts: Sequence[Part], glyphs: Glyphs, style: Style) -> list[Part]:
    """Return a row with the line of the last price where it was blank."""
    drawn: list[Part] = []
    for text, painted in parts:
        if painted.bgcolor is not None or painted.reverse:
            drawn.append((text, painted))  # the marked bar
            continue
        runs = _RUNS.findall(text)
        drawn += [(glyphs.line * len(run), style) if run[0] == " " else (run, painted) for run in runs]
    return drawn


def axis_width(frame: ChartFrame, scale: Scale, before: int) -> int:
    """Return the cells of the prices; never fewer than ``before``."""
    prices = (scale.high, scale.low, frame.last_price or 0.0)
    return max(before, *(len(format_price(price, frame.digits)) for price in prices))


def paint_axis(frame: ChartFrame, ground: Ground, width: int) -> list[list[Part]]:
    """Return the axis by row: round prices, the last price over them, and what the volume's rows mean."""
    palette, rows = ground.palette, ground.rows
    ticks = price_ticks(ground.scale, rows.price, frame.digits)
    last = None
    if frame.last_price is not None and ground.scale.low <= frame.last_price <= ground.scale.high:
        last = ground.scale.row(frame.last_price, rows.price)
    painted: list[list[Part]] = []
    for row in range(rows.price):
        if row == last:
            style = palette.moved(frame.direction) + _BOLD
            text = cell(format_price(frame.last_price, frame.digits), width)
            painted.append([(" ", NO_STYLE), (ground.glyphs.mark + text, style)])
        elif row in ticks:
            text = cell(format_price(ticks[row], frame.digits), width)
            painted.append([(" " * AXIS + text, palette.muted)])
        else:
            painted.append([])
    words = [""] * rows.volume
    if rows.volume:
        words[-1] = "VOL"
    if rows.volume > 1:
        words[0] = format_size(ground.volume, 0 if ground.volume >= 10 else min(frame.size_digits, 2))
    painted += [[(" " * AXIS + cell(word, width), palette.muted)] if word else [] for word in words]
    return painted


def paint_times(bars: Sequence[ChartBar], interval: str, ground: Ground, offset_ns: int, width: int) -> Row:
    """Return the row of times, each under its bar, within ``width`` cells."""
    palette, zoom = ground.palette, ground.zoom
    period = time_period(interval, zoom)
    left = ground.columns - len(bars) * zoom
    parts: list[Part] = []
    at = 0
    for index, text in time_ticks(bars, period, offset_ns).items():
        start = left + (index + 1) * zoom - 1
        text = ground.glyphs.tick + text
        if start < at + bool(at) or start + len(text) > width:
            continue
        parts += [(" " * (start - at), NO_STYLE), (text, palette.muted)]
        at = start + len(text)
    return merge(parts)


class Chart(Panel):
    """The bars of one instrument."""

    NAME = "CHART"

    class Scrolled(Message):
        """Other bars are wanted than the frame holds."""

    def __init__(self, *, id: str = "chart", glyphs: Glyphs = BOXES) -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id)
        self.interval = DEFAULT_INTERVAL
        self.zoom = ZOOMS[0]
        self.glyphs = glyphs
        self.back = 0
        """Bars between the right edge and the newest."""
        self.cursor: int | None = None
        """When the marked bar begins (ns); None for none."""
        self._scale: Scale | None = None
        self._volume = 0.0
        self._axis = 0
        self._width = 1
        self._ground: tuple[Ground, list[ChartBar]] | None = None
        self._made: list[list[Part]] = []
        """The columns of all bars but the newest: only that one changes with every trade."""

    @property
    def columns(self) -> int:
        """Cells that the bars may take."""
        return self._width - AXIS - self._axis if self.has_axis else max(ZOOMS[-1], self._width)

    @property
    def has_axis(self) -> bool:
        """Whether there is room for prices beside the bars."""
        return self._width - AXIS - self._axis >= _LEAST_COLUMNS

    def spec(self) -> ChartSpec:
        """Return the bars that fit."""
        return ChartSpec(self.interval, bars=max(1, self.size.width // self.zoom), offset=self.back)

    def show(self, panel: PanelFrame, made: float, wall: int) -> None:
        """Take a frame; what was made for another interval comes too late."""
        new, old = panel.frame, self.frame
        if isinstance(new, ChartFrame):
            if new.interval != self.interval:
                return
            if not isinstance(old, ChartFrame) or (new.address, new.interval) != (old.address, old.interval):
                self._begin(keep_axis=isinstance(old, ChartFrame) and new.address == old.address)
            elif self.back and new.offset == old.offset == self.back:
                self._stay(old.bars, new.bars)
        super().show(panel, made, wall)

    def _begin(self, *, keep_axis: bool) -> None:
        self._scale, self._volume = None, 0.0
        if not keep_axis:
            self._axis = 0

    def _stay(self, old: Sequence[ChartBar], new: Sequence[ChartBar]) -> None:
        """Keep looking at the same bars when a new one begins."""
        later = sum(bar.open_ts > old[-1].open_ts for bar in new) if old else 0
        if later:
            self.back += later
            self.post_message(self.Scrolled())

    def clear(self, now: float) -> None:
        """Show nothing, and follow the next instrument's newest bar."""
        self.back, self.cursor = 0, None
        self._begin(keep_axis=False)
        super().clear(now)

    # What the keys do

    def choose_interval(self, interval: str) -> None:
        """Ask for bars of another length; those that are shown stay until they come."""
        self.interval, self.back, self.cursor = interval, 0, None

    def choose_zoom(self, by: int) -> None:
        """Give a bar more cells or fewer; the ends do not wrap."""
        at = ZOOMS.index(self.zoom) + by
        if 0 <= at < len(ZOOMS):
            self.zoom, self._scale = ZOOMS[at], None
            self.post_message(self.Scrolled())
            self.repaint()

    def follow(self) -> None:
        """Show the newest bars, none marked."""
        moved, self.back, self.cursor = bool(self.back), 0, None
        if moved:
            self.post_message(self.Scrolled())
        self.repaint()

    def scroll_bars(self, by: int) -> None:
        """Look ``by`` bars further back (positive) or on."""
        frame = self.frame
        if not isinstance(frame, ChartFrame):
            return
        # Where the frame is not full, there is no more past.
        is_all = len(frame.bars) < self.columns // self.zoom
        wanted = max(0, self.back + (0 if is_all and by > 0 else by))
        if wanted != self.back:
            self.back = wanted
            self.post_message(self.Scrolled())

    def move_cursor(self, by: int) -> None:
        """Mark the bar ``by`` bars later; beyond the edge other bars come. The newest is marked first."""
        frame = self.frame
        if not isinstance(frame, ChartFrame) or not frame.bars:
            return
        bars = visible(frame, self.columns, self.zoom)
        at = self._marked(bars)
        at = len(bars) - 1 if at is None else at + by
        if at < 0:
            self.scroll_bars(1)
        elif at >= len(bars):
            self.scroll_bars(-1)
        self.cursor = bars[max(0, min(at, len(bars) - 1))].open_ts
        self.repaint()

    def _marked(self, bars: Sequence[ChartBar]) -> int | None:
        if self.cursor is None:
            return None
        return next((at for at, bar in enumerate(bars) if bar.open_ts == self.cursor), None)

    # What the title tells

    def badge(self) -> str:
        """Say when the newest bar is not in view."""
        return f"{self.back} BARS BACK" if self.back else ""

    def details(self) -> list[str]:
        """Return the interval, and open, high, low, close and volume of the marked or the newest bar."""
        frame = self.frame
        if not isinstance(frame, ChartFrame) or not frame.bars:
            return [self.interval]
        interval, bars = frame.interval, visible(frame, self.columns, self.zoom)
        at = self._marked(bars)
        bar = bars[-1 if at is None else at]
        state = max(len(format_state(self.current(), self._wall, self.offset_ns)), _STATE_ROOM)
        right = state + 2 + (4 if self.simulated else 0) + len(self.badge()) + bool(self.badge())
        moment = None
        if at is not None:
            moment = format_moment(bar.open_ts, bars[-1].open_ts, interval, self.offset_ns)
        room = self.size.width - len(f"─ {self.NAME} {interval} ") - right
        return [interval, *_bar_words(bar, frame, moment, room)]

    def paint_body(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return candles, volume and times."""
        frame = self.frame
        assert isinstance(frame, ChartFrame)
        if not frame.bars:
            return [((fit(f"  no {frame.interval} bars yet", width), palette.muted),)]
        rows = share_rows(height)
        self._width = width
        bars = visible(frame, self.columns, self.zoom)
        last = None if frame.offset else frame.last_price
        self._scale = scale = choose_scale(*extent(bars, last), frame.digits, self._scale, self._wall or 0)
        self._axis = axis_width(frame, scale, self._axis)
        bars = visible(frame, self.columns, self.zoom)
        self._volume = choose_volume_scale(
            max((bar.volume or 0.0 for bar in bars), default=0.0), self._volume
        )
        columns, newest = self.columns, len(bars) - 1
        bounds = Scale(scale.low, scale.high)
        ground = Ground(
            rows,
            columns,
            self.zoom,
            bounds,
            self._volume,
            self._marked(bars),
            frame.since,
            palette,
            self.glyphs,
        )
        if self._ground is None or self._ground[0] != ground or self._ground[1] != bars[:-1]:
            self._ground = (ground, bars[:-1])
            left: Part = (" " * (columns - len(bars) * self.zoom), NO_STYLE)
            self._made = [list(merge([left, *row])) for row in paint_columns(bars[:-1], ground)]
        at_last = None if last is None else bounds.row(last, rows.price)
        painted: list[Row] = []
        running, axis = paint_columns(bars[-1:], ground, newest), paint_axis(frame, ground, self._axis)
        if not self.has_axis:
            axis = [[] for _ in axis]
        for row, (before, after, label) in enumerate(zip(self._made, running, axis, strict=True)):
            parts = [*before, *after]
            if row == at_last:
                parts = underline_price(parts, self.glyphs, palette.grid)
            painted.append(merge([*parts, *label]))
        if rows.time:
            painted.append(
                paint_times(bars, frame.interval, ground, self.offset_ns, min(width, columns + AXIS))
            )
        return painted

    def on_resize(self, event: events.Resize) -> None:
        """Choose the scale for the new height; the base class paints."""
        self._scale = None

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Look further back."""
        event.stop()
        self.scroll_bars(3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Look further on."""
        event.stop()
        self.scroll_bars(-3)

    def on_click(self, event: events.Click) -> None:
        """Mark the bar under the pointer; on the axis or the title, mark none."""
        frame = self.frame
        self.cursor = None
        if isinstance(frame, ChartFrame) and frame.bars and event.y > 0:
            bars = visible(frame, self.columns, self.zoom)
            at = (event.x - (self.columns - len(bars) * self.zoom)) // self.zoom
            if 0 <= at < len(bars) and event.x < self.columns:
                self.cursor = bars[at].open_ts
        self.repaint()


def _bar_words(bar: ChartBar, frame: ChartFrame, moment: str | None, room: int) -> list[str]:
    """Return a bar in figures: all of them, or the most important ones that fit in ``room`` cells."""
    opened, high, low, closed = (
        format_price(price, frame.digits) for price in (bar.open, bar.high, bar.low, bar.close)
    )
    volume = format_size(bar.volume, min(2, frame.size_digits)) or "0"
    when = "" if moment is None else f"{moment} "
    prices = f"O {opened} H {high} L {low} C {closed}"
    for words in (
        f" {when} O {opened}  H {high}  L {low}  C {closed}  V {volume}",
        f" {when}{prices} V {volume}",
        f" {when}{prices}",
        f" {when}C {closed} V {volume}",
        f" {when}C {closed}",
        f" {when}",
    ):
        if len(words) < room:
            return [words.rstrip()] if words.strip() else []
    return []
