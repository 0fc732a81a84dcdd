"""The bars of a chart: which of them are in view, at what scales, and how they are painted."""

from collections.abc import Sequence
from typing import Final

from mdterm.feeds.frames import ChartBar, ChartFrame
from mdterm.feeds.intervals import DAY, LENGTHS
from mdterm.widgets.candles import Glyphs, Scale, choose_scale, choose_volume_scale, extent
from mdterm.widgets.chart_columns import (
    Columns,
    Ground,
    Rows,
    cvd_candle,
    draw_through,
    mark_column,
    paint_column,
    share_rows,
)
from mdterm.widgets.chart_side import (
    AXIS,
    axis_width,
    bin_rows,
    paint_axis,
    paint_profile,
    paint_times,
    words_width,
)
from mdterm.widgets.chart_words import paint_legend
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Panel
from mdterm.widgets.rows import NO_STYLE, Part, Row, merge

ZOOMS: Final = (1, 2, 3, 5)
"""Cells a bar may take."""
_LEAST_COLUMNS: Final = 8
_PROFILE: Final = (6, 24)
"""Cells of the profile, at least and at most; there is none without so many columns to it."""
_COLUMNS_TO_PROFILE: Final = 5


class Bars(Panel):
    """A panel that paints bars, with what is drawn over, below and beside them."""

    def __init__(self, *, id: str, glyphs: Glyphs) -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id)
        self.glyphs = glyphs
        self.zoom = ZOOMS[0]
        self.with_profile = False
        self.with_cvd = False
        self.back = 0
        """Bars between the right edge and the newest."""
        self.cursor: int | None = None
        """When the marked bar begins (ns); None for none."""
        self._scale: Scale | None = None
        self._cvd_scale: Scale | None = None
        self._volume = 0.0
        self._largest = 0.0
        self._axis = 0
        self._width = 1
        self._ground: tuple[Ground, list[ChartBar]] | None = None
        self._columns = Columns()
        self._made: list[list[Part]] = []
        """The rows of all bars but the newest: only that one changes with every trade."""

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

    def in_view(self, frame: ChartFrame) -> list[ChartBar]:
        """Return the bars in view, oldest first."""
        first = self.first(frame)
        return frame.bars[first : first + self.window]

    def first(self, frame: ChartFrame) -> int:
        """Return the index of the first bar in view."""
        later = max(0, self.back - frame.offset)
        return max(0, len(frame.bars) - later - self.window)

    def marked(self, bars: Sequence[ChartBar]) -> int | None:
        """Return which of the bars is marked."""
        if self.cursor is None:
            return None
        return next((at for at, bar in enumerate(bars) if bar.open_ts == self.cursor), None)

    def told(self, frame: ChartFrame) -> tuple[ChartBar, bool]:
        """Return the bar that is told in figures, and whether it is the marked one."""
        bars = self.in_view(frame)
        at = self.marked(bars)
        return bars[-1 if at is None else at], at is not None

    def begin(self, *, keep_axis: bool) -> None:
        """Choose scales anew; the prices' width is that of an instrument."""
        self._scale = self._cvd_scale = None
        self._volume = self._largest = 0.0
        if not keep_axis:
            self._axis = 0

    def rescale(self) -> None:
        """Choose the prices' scale anew."""
        self._scale = self._cvd_scale = None

    # What is painted

    def paint_bars(self, frame: ChartFrame, palette: Palette, width: int, height: int) -> list[Row]:
        """Return legend, candles, volume, CVD and times, with profile and prices beside them."""
        self._width = width
        is_told = bool(frame.periods or frame.profile or frame.sums_since)
        # A CVD is of one session: bars of a day or more have none.
        is_short = LENGTHS.get(frame.interval, 0) < DAY
        rows = share_rows(height, legend=is_told, cvd=self.with_cvd and is_short)
        self._choose_scales(frame)
        bars = self.in_view(frame)
        ground = self._make_ground(frame, bars, rows, palette)
        legend = []
        if rows.legend:
            told = self.told(frame)[0]
            legend = [
                paint_legend(frame, told, palette, self.glyphs, self._axis, width, self._wall, self.offset_ns)
            ]
        painted = legend + self._paint_columns(frame, bars, ground)
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
        words = words_width(self._volume, self._cvd_scale, frame.size_digits)
        self._axis = max(self._axis, words)

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
            self.marked(bars),
            frame.since,
            palette,
            self.glyphs,
        )

    def _paint_columns(self, frame: ChartFrame, bars: list[ChartBar], ground: Ground) -> list[Row]:
        """Return the rows of the bars with profile and prices beside them."""
        rows, palette, columns = ground.rows, ground.palette, ground.columns
        if self._ground is None or self._ground[0] != ground or self._ground[1] != bars[:-1]:
            self._ground = (ground, bars[:-1])
            left: Part = (" " * (columns - len(bars) * self.zoom), NO_STYLE)
            self._made = [list(merge([left, *row])) for row in self._columns.paint(bars[:-1], ground)]
        running = paint_column(bars[-1], ground)
        if ground.cursor == len(bars) - 1:
            running = mark_column(running, palette.cursor)
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
