"""The chart: candles with their volume below, the newest at the right edge; or a plot of all there is."""

from collections.abc import Mapping, Sequence
from typing import Final, get_args

from textual import events
from textual.message import Message

from mdterm.feeds.frames import ChartBar, ChartFrame, ChartSpec, PanelFrame, Plot, PlotFrame, PlotSpec
from mdterm.feeds.intervals import TICK_SIZES
from mdterm.widgets.axes import format_moment
from mdterm.widgets.candles import BOXES, Glyphs, Scale, choose_scale, choose_volume_scale, extent
from mdterm.widgets.chart_columns import Ground, Rows, cvd_candle, draw_through, paint_columns, share_rows
from mdterm.widgets.chart_side import (
    AXIS,
    axis_width,
    bin_rows,
    paint_axis,
    paint_profile,
    paint_times,
)
from mdterm.widgets.chart_words import bar_words, paint_legend
from mdterm.widgets.figures import fit
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Kept, Panel
from mdterm.widgets.plots import Plotter, plot_words
from mdterm.widgets.rows import NO_STYLE, Part, Row, merge
from mdterm.widgets.state import format_state

INTERVALS: Final = (*TICK_SIZES, "1s", "5s", "15s", "1m", "5m", "15m", "1h", "4h", "1d", "1w")
"""The intervals in the order of their key."""
DEFAULT_INTERVAL: Final = "1m"
ZOOMS: Final = (1, 2, 3, 5)
"""Cells a bar may take."""
LINES: Final[tuple[tuple[tuple[int, ...], bool], ...]] = (
    ((), False),
    ((), True),
    ((20,), False),
    ((20, 50), False),
    ((20, 50), True),
)
"""What their key goes through: the periods of the moving averages, and whether the VWAP is drawn."""
PLOTS: Final[tuple[Plot, ...]] = get_args(Plot)
MARGIN: Final = 32
"""Bars beyond either edge that a frame holds: cursor and scroll need not wait for the next one."""
_LEAST_COLUMNS: Final = 8
_STATE_ROOM: Final = len("LIVE 0.1s")
_PROFILE: Final = (6, 24)
"""Cells of the profile, at least and at most; there is none without so many columns to it."""
_COLUMNS_TO_PROFILE: Final = 5


class Chart(Panel):
    """The bars of one instrument."""

    NAME = "CHART"

    class Scrolled(Message):
        """Other bars are wanted than the frame holds."""

    def __init__(self, *, id: str = "chart", glyphs: Glyphs = BOXES) -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id)
        self.interval = DEFAULT_INTERVAL
        self.zoom = ZOOMS[0]
        self.lines = 0
        """Which of LINES is drawn."""
        self.with_profile = False
        self.with_cvd = False
        self.plot: Plot | None = None
        """The plot that is shown instead of the bars."""
        self.glyphs = glyphs
        self.back = 0
        """Bars between the right edge and the newest."""
        self.cursor: int | None = None
        """When the marked bar begins (ns); None for none."""
        self.plotter = Plotter(glyphs)
        self._scale: Scale | None = None
        self._cvd_scale: Scale | None = None
        self._volume = 0.0
        self._largest = 0.0
        self._axis = 0
        self._width = 1
        self._ground: tuple[Ground, list[ChartBar]] | None = None
        self._made: list[list[Part]] = []
        """The columns of all bars but the newest: only that one changes with every trade."""

    # What there is room for

    @property
    def has_axis(self) -> bool:
        """Whether there is room for prices beside the bars."""
        return self._width - AXIS - self._axis >= _LEAST_COLUMNS

    @property
    def profile_width(self) -> int:
        """Cells of the profile beside the bars."""
        room = self._width - AXIS - self._axis
        least, most = _PROFILE
        if not self.with_profile or room < least * _COLUMNS_TO_PROFILE:
            return 0
        return min(most, room // _COLUMNS_TO_PROFILE)

    @property
    def columns(self) -> int:
        """Cells that the bars may take."""
        if not self.has_axis:
            return max(ZOOMS[-1], self._width)
        return self._width - AXIS - self._axis - self.profile_width

    @property
    def window(self) -> int:
        """Bars that fit."""
        return max(1, self.columns // self.zoom)

    def spec(self) -> ChartSpec | PlotSpec:
        """Return the bars that fit and some beyond either edge, or a plot as fine as the panel."""
        width, height = self.size
        if self.plot is not None:
            # A profile has its prices one above the other, the rest has its points side by side.
            points = height - AXIS if self.plot == "profile" else 2 * width
            return PlotSpec(self.plot, self.interval, points=max(2, points))
        averages, vwap = LINES[self.lines]
        return ChartSpec(
            self.interval,
            bars=max(1, width // self.zoom) + MARGIN + min(self.back, MARGIN),
            offset=max(0, self.back - MARGIN),
            averages=averages,
            vwap=vwap,
            cvd=self.with_cvd,
            profile=max(1, height) if self.with_profile else 0,
            quote=self.in_quote,
        )

    def in_view(self, frame: ChartFrame) -> list[ChartBar]:
        """Return the bars in view, oldest first."""
        first = self._first(frame)
        return frame.bars[first : first + self.window]

    def _first(self, frame: ChartFrame) -> int:
        """Return the index of the first bar in view."""
        later = max(0, self.back - frame.offset)
        return max(0, len(frame.bars) - later - self.window)

    # Frames

    def show(self, panel: PanelFrame, made: float, wall: int) -> None:
        """Take a frame; what was made for another interval or plot comes too late."""
        new, old = panel.frame, self.frame
        if isinstance(new, PlotFrame):
            if (new.plot, new.interval) != (self.plot, self.interval):
                return
        elif isinstance(new, ChartFrame):
            if new.interval != self.interval or self.plot is not None:
                return
            if not isinstance(old, ChartFrame) or (new.address, new.interval) != (old.address, old.interval):
                self._begin(keep_axis=getattr(old, "address", None) == new.address)
            elif self.back and new.offset == old.offset:
                self._stay(old.bars, new.bars)
            if new.is_start:
                self.back = max(0, min(self.back, new.offset + len(new.bars) - self.window))
        super().show(panel, made, wall)

    def _begin(self, *, keep_axis: bool) -> None:
        self._scale = self._cvd_scale = None
        self._volume = self._largest = 0.0
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
        self.plotter.clear()
        self._begin(keep_axis=False)
        super().clear(now)

    def keep(self) -> dict[str, Kept]:
        """Return interval, zoom and what is drawn beside the bars."""
        return {
            "interval": self.interval,
            "zoom": self.zoom,
            "lines": self.lines,
            "profile": self.with_profile,
            "cvd": self.with_cvd,
        }

    def restore(self, kept: Mapping[str, Kept]) -> None:
        """Take up what was kept, as far as there still is such a thing."""
        interval, zoom, lines = (kept.get(name) for name in ("interval", "zoom", "lines"))
        if interval in INTERVALS:
            self.interval = str(interval)
        if zoom in ZOOMS:
            self.zoom = int(zoom)
        if type(lines) is int and 0 <= lines < len(LINES):
            self.lines = lines
        self.with_profile = kept.get("profile") is True
        self.with_cvd = kept.get("cvd") is True

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

    def next_lines(self) -> None:
        """Draw the next of the lines over the bars."""
        self.lines = (self.lines + 1) % len(LINES)

    def next_plot(self) -> None:
        """Show the next plot, and after the last one the bars again."""
        order = (None, *PLOTS)
        self.plot = order[(order.index(self.plot) + 1) % len(order)]

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
        wanted = max(0, self.back + by)
        if frame.is_start and by > 0:
            wanted = min(wanted, max(0, frame.offset + len(frame.bars) - self.window))
        if wanted != self.back:
            self.back = wanted
            self.post_message(self.Scrolled())
            self.repaint()

    def move_cursor(self, by: int) -> None:
        """Mark the bar ``by`` bars later; at the edge it pushes the window. The newest in view is first."""
        frame = self.frame
        if not isinstance(frame, ChartFrame) or not frame.bars:
            return
        first, bars = self._first(frame), frame.bars
        at = self._marked(bars)
        at = min(first + self.window, len(bars)) - 1 if at is None else at + by
        at = max(0, min(at, len(bars) - 1))
        self.cursor = bars[at].open_ts
        if at < first:
            self.scroll_bars(first - at)
        elif at >= first + self.window:
            self.scroll_bars(first + self.window - at - 1)
        self.repaint()

    def _marked(self, bars: Sequence[ChartBar]) -> int | None:
        if self.cursor is None:
            return None
        return next((at for at, bar in enumerate(bars) if bar.open_ts == self.cursor), None)

    # What the title tells

    def badge(self) -> str:
        """Say when the newest bar is not in view."""
        return f"{self.back} BARS BACK" if self.back and self.plot is None else ""

    def details(self) -> list[str]:
        """Return the interval, and open, high, low, close, volume and delta of the marked or newest bar."""
        frame = self.frame
        state = max(len(format_state(self.current(), self._wall, self.offset_ns)), _STATE_ROOM)
        badges = [self.badge(), "SIM" if self.simulated else "", self.caution.badge if self.caution else ""]
        room = (
            self.size.width - len(f"─ {self.NAME} ") - state - 2 - sum(len(one) + bool(one) for one in badges)
        )
        if isinstance(frame, PlotFrame):
            return plot_words(frame, self._wall, self.offset_ns)
        if not isinstance(frame, ChartFrame) or not frame.bars:
            return [self.interval]
        bar, is_marked = self._told(frame)
        moment = format_moment(bar.open_ts, frame.bars[-1].open_ts, frame.interval, self.offset_ns)
        room -= len(f"{frame.interval} ")
        return [frame.interval, *bar_words(bar, frame, moment if is_marked else None, room)]

    def _told(self, frame: ChartFrame) -> tuple[ChartBar, bool]:
        """Return the bar that is told in figures, and whether it is the marked one."""
        bars = self.in_view(frame)
        at = self._marked(bars)
        return bars[-1 if at is None else at], at is not None

    def row_text(self) -> str | None:
        """Return the marked bar in figures."""
        frame = self.frame
        if not isinstance(frame, ChartFrame) or not frame.bars or not self._told(frame)[1]:
            return None
        bar = self._told(frame)[0]
        moment = format_moment(bar.open_ts, bar.open_ts, frame.interval, self.offset_ns)
        return " ".join([frame.interval, *(one.strip() for one in bar_words(bar, frame, moment, 1_000))])

    # What is painted

    def paint_body(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return candles, what is drawn over and below them, profile, prices and times; or a plot."""
        frame = self.frame
        if isinstance(frame, PlotFrame):
            return self._paint_plot(frame, palette, width, height)
        assert isinstance(frame, ChartFrame)
        if not frame.bars:
            return [((fit(f"  no {frame.interval} bars yet", width), palette.muted),)]
        self._width = width
        is_told = bool(frame.periods or frame.profile or frame.sums_since)
        rows = share_rows(height, legend=is_told, cvd=self.with_cvd)
        self._choose_scales(frame)
        bars = self.in_view(frame)
        ground = self._make_ground(frame, bars, rows, palette)
        legend = []
        if rows.legend:
            told = self._told(frame)[0]
            legend = [
                paint_legend(frame, told, palette, self.glyphs, self._axis, width, self._wall, self.offset_ns)
            ]
        painted = legend + self._paint_bars(frame, bars, ground)
        if rows.time:
            room = min(width, ground.columns + AXIS)
            painted.append(paint_times(bars, frame.interval, ground, self.offset_ns, room))
        return painted

    def _choose_scales(self, frame: ChartFrame) -> None:
        """Fit the scales to the bars in view, calmly; the axis may take columns from the bars."""
        wall, last = self._wall or 0, self._last(frame)
        bars = self.in_view(frame)
        self._scale = choose_scale(*extent(bars, last), frame.digits, self._scale, wall)
        self._axis = axis_width(frame, self._scale, self._axis)
        bars = self.in_view(frame)
        self._volume = choose_volume_scale(
            max((bar.volume or 0.0 for bar in bars), default=0.0), self._volume
        )
        candles = [one for one in map(cvd_candle, bars) if one is not None]
        if candles:
            self._cvd_scale = choose_scale(*extent(candles, None), frame.size_digits, self._cvd_scale, wall)

    def _last(self, frame: ChartFrame) -> float | None:
        """Return the last price, where the newest bar is in view."""
        return None if self.back or frame.offset else frame.last_price

    def _make_ground(self, frame: ChartFrame, bars: list[ChartBar], rows: Rows, palette: Palette) -> Ground:
        assert self._scale is not None
        cvd = self._cvd_scale
        return Ground(
            rows,
            self.columns,
            self.zoom,
            Scale(self._scale.low, self._scale.high),
            self._volume,
            None if cvd is None else Scale(cvd.low, cvd.high),
            self._marked(bars),
            frame.since,
            palette,
            self.glyphs,
        )

    def _paint_bars(self, frame: ChartFrame, bars: list[ChartBar], ground: Ground) -> list[Row]:
        """Return the rows of the bars with profile and prices beside them."""
        rows, palette, columns = ground.rows, ground.palette, ground.columns
        if self._ground is None or self._ground[0] != ground or self._ground[1] != bars[:-1]:
            self._ground = (ground, bars[:-1])
            left: Part = (" " * (columns - len(bars) * self.zoom), NO_STYLE)
            self._made = [list(merge([left, *row])) for row in paint_columns(bars[:-1], ground)]
        running = paint_columns(bars[-1:], ground, len(bars) - 1)
        axis = paint_axis(frame, ground, self._axis) if self.has_axis else [[] for _ in range(rows.bars)]
        side = self._paint_side(frame, ground)
        last = self._last(frame)
        lined = {} if last is None else {ground.scale.row(last, rows.price)}
        painted: list[Row] = []
        for row, (before, after, label) in enumerate(zip(self._made, running, axis, strict=True)):
            parts = [*before, *after]
            if row in lined:
                parts = draw_through(parts, self.glyphs.line, palette.grid)
            painted.append(merge([*parts, *side[row], *label]))
        return painted

    def _paint_side(self, frame: ChartFrame, ground: Ground) -> list[list[Part]]:
        """Return the profile by row of the bars."""
        width, rows = self.profile_width, ground.rows
        if not width:
            return [[] for _ in range(rows.bars)]
        blank: list[Part] = [(" " * width, NO_STYLE)]
        if frame.profile is None:
            return [blank] * rows.bars
        bins = bin_rows(frame.profile, ground.scale, rows.price)
        self._largest = choose_volume_scale(max(bins.volumes), self._largest)
        gap: Part = (" ", NO_STYLE)
        painted = [[gap, *row] for row in paint_profile(bins, self._largest, width - 1, ground)]
        return painted + [blank] * (rows.bars - rows.price)

    def _paint_plot(self, frame: PlotFrame, palette: Palette, width: int, height: int) -> list[Row]:
        """Return the plot, drawn beside the paint path; the one before stands until it is there."""
        if self.plotter.wants(frame, width, height):
            self.run_worker(self._draw(frame, width, height), group="plot")
        return self.plotter.rows(frame, palette, width, height, self.offset_ns)

    async def _draw(self, frame: PlotFrame, width: int, height: int) -> None:
        await self.plotter.draw(frame, width, height, self._wall or 0)
        self.repaint()

    # What the mouse does

    def on_resize(self, event: events.Resize) -> None:
        """Choose the scale for the new height; the base class paints."""
        self._scale = self._cvd_scale = None

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Look further back; over the prices, come closer."""
        self._wheel(event, 3, 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Look further on; over the prices, step back."""
        self._wheel(event, -3, -1)

    def _wheel(self, event: events.MouseEvent, bars: int, zoom: int) -> None:
        event.stop()
        if event.x >= self.columns and self.has_axis:
            self.choose_zoom(zoom)
        else:
            self.scroll_bars(bars)

    def on_click(self, event: events.Click) -> None:
        """Mark the bar under the pointer; on the axis or the title, mark none."""
        frame = self.frame
        self.cursor = None
        if isinstance(frame, ChartFrame) and frame.bars and event.y > 0:
            bars = self.in_view(frame)
            at = (event.x - (self.columns - len(bars) * self.zoom)) // self.zoom
            if 0 <= at < len(bars) and event.x < self.columns:
                self.cursor = bars[at].open_ts
        self.repaint()
