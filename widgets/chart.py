"""The chart: candles with their volume below, the newest at the right edge; or a plot of all there is."""

from collections.abc import Mapping, Sequence
from typing import Final, get_args

from textual import events
from textual.message import Message

from mdterm.feeds.frames import ChartBar, ChartFrame, PanelFrame, PlotFrame
from mdterm.feeds.intervals import TICK_SIZES
from mdterm.feeds.specs import ChartSpec, Plot, PlotSpec
from mdterm.widgets.axes import format_moment
from mdterm.widgets.candles import BOXES, Glyphs
from mdterm.widgets.chart_bars import ZOOMS, Bars
from mdterm.widgets.chart_side import AXIS
from mdterm.widgets.chart_words import bar_words
from mdterm.widgets.figures import fit
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Kept
from mdterm.widgets.plots import Plotter, plot_words
from mdterm.widgets.rows import Row
from mdterm.widgets.state import format_state

INTERVALS: Final = (*TICK_SIZES, "1s", "5s", "15s", "1m", "5m", "15m", "1h", "4h", "1d", "1w")
"""The intervals in the order of their key."""
DEFAULT_INTERVAL: Final = "1m"
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
_STATE_ROOM: Final = len("LIVE 0.1s")


class Chart(Bars):
    """The bars of one instrument."""

    NAME = "CHART"

    class Scrolled(Message):
        """Other bars are wanted than the frame holds."""

    def __init__(self, *, id: str = "chart", glyphs: Glyphs = BOXES) -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id, glyphs=glyphs)
        self.interval = DEFAULT_INTERVAL
        self.lines = 0
        """Which of LINES is drawn."""
        self.plot: Plot | None = None
        """The plot that is shown instead of the bars."""
        self.plotter = Plotter(glyphs)

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
                self.begin(keep_axis=getattr(old, "address", None) == new.address)
            elif self.back and new.offset == old.offset:
                self._stay(old.bars, new.bars)
            if new.is_start:
                self.back = max(0, min(self.back, new.offset + len(new.bars) - self.window))
        super().show(panel, made, wall)

    def _stay(self, old: Sequence[ChartBar], new: Sequence[ChartBar]) -> None:
        """Keep looking at the same bars when a new one begins."""
        later = sum(bar.open_ts > old[-1].open_ts for bar in new) if old else 0
        if later:
            self.back += later
            self.post_message(self.Scrolled())

    def fit(self) -> None:
        """Let columns and scales be those of what is shown now."""
        self.plotter.fit()
        self.begin(keep_axis=False)

    def clear(self, now: float) -> None:
        """Show nothing, and follow the next instrument's newest bar."""
        self.back, self.cursor = 0, None
        self.plotter.clear()
        self.begin(keep_axis=False)
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
            self.zoom = ZOOMS[at]
            self.rescale()
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
        first, bars = self.first(frame), frame.bars
        at = self.marked(bars)
        at = min(first + self.window, len(bars)) - 1 if at is None else at + by
        at = max(0, min(at, len(bars) - 1))
        self.cursor = bars[at].open_ts
        if at < first:
            self.scroll_bars(first - at)
        elif at >= first + self.window:
            self.scroll_bars(first + self.window - at - 1)
        self.repaint()

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
        bar, is_marked = self.told(frame)
        moment = format_moment(bar.open_ts, frame.bars[-1].open_ts, frame.interval, self.offset_ns)
        room -= len(f"{frame.interval} ")
        return [frame.interval, *bar_words(bar, frame, moment if is_marked else None, room)]

    def row_text(self) -> str | None:
        """Return the marked bar in figures."""
        frame = self.frame
        if not isinstance(frame, ChartFrame) or not frame.bars or not self.told(frame)[1]:
            return None
        bar = self.told(frame)[0]
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
        return self.paint_bars(frame, palette, width, height)

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
        self.rescale()

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
