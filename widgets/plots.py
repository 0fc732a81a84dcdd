"""The plots of a chart: figures with their axes, drawn beside the paint path and painted in a theme."""

import asyncio
import logging
from collections.abc import Sequence
from itertools import pairwise
from textwrap import wrap
from typing import Final

from rich.cells import cell_len
from rich.style import Style

from mdterm.feeds.frames import PlotFrame
from mdterm.feeds.intervals import SECOND
from mdterm.widgets.axes import price_ticks, round_step, time_labels
from mdterm.widgets.candles import ASCII, Glyphs, Scale, choose_scale, choose_volume_scale
from mdterm.widgets.figures import (
    cell,
    format_count,
    format_price,
    format_signed,
    format_since,
    format_size,
)
from mdterm.widgets.palette import Palette
from mdterm.widgets.plotting import (
    FINE,
    PLAIN,
    SOLID,
    Bounds,
    Cells,
    Ink,
    NoPlotextError,
    PlotError,
    draw_figure,
    strokes_of,
)
from mdterm.widgets.rows import NO_STYLE, Part, Row, merge

log = logging.getLogger(__name__)

AXIS: Final = 2
_LEAST: Final = (12, 3)
"""Columns and rows of the smallest figure."""
_LABEL_GAP: Final = 3
_BOLD: Final = Style(bold=True)
_NOTHING: Final = {
    "history": "no bars yet",
    "depth": "no book with sizes yet",
    "cvd": "no trades of a known side yet",
    "profile": "nothing traded yet",
}
_NAMES: Final = {"poc": "POC", "val": "VAL", "vah": "VAH"}
_SHADED: Final = str.maketrans("█▌*", "▒▒-")
"""Sells are shaded, so that they differ from buys without colour."""
_CALM: Final = 0.1
"""The depth's prices move on when the middle has moved by this share of them."""


class Figure:
    """A figure as it was drawn, with the frame it is of."""

    def __init__(self, frame: PlotFrame, bounds: Bounds, axis: int, cells: Sequence[Cells]) -> None:
        self.frame = frame
        self.bounds = bounds
        self.axis = axis
        self.cells = cells


class Plotter:
    """Draws frames, one at a time, and paints what it drew last."""

    def __init__(self, glyphs: Glyphs) -> None:
        self.glyphs = glyphs
        self.refusal: str | None = None
        """Why nothing can be drawn, in words."""
        self._figure: Figure | None = None
        self._asked: tuple[PlotFrame, int, int] | None = None
        self._is_busy = self._is_hopeless = False
        self._scale: Scale | None = None
        self._largest = 0.0
        self._axis = 0

    def clear(self) -> None:
        """Forget what was drawn, and its axes."""
        self._figure = self._asked = self._scale = None
        self._largest, self._axis = 0.0, 0

    def fit(self) -> None:
        """Draw once more, with axes as for what is there now."""
        self._asked = self._scale = None
        self._largest, self._axis = 0.0, 0

    def wants(self, frame: PlotFrame, width: int, height: int) -> bool:
        """Return whether the frame has yet to be drawn at this size; while one is drawn, no other is."""
        if self._is_busy or self._is_hopeless or is_empty(frame):
            return False
        return self._asked != (frame, width, height)

    async def draw(self, frame: PlotFrame, width: int, height: int, wall: int) -> None:
        """Draw a frame in a thread: plotext is slow to import, and large figures take their time."""
        self._is_busy, self._asked = True, (frame, width, height)
        try:
            if self._figure is not None and not _is_kin(self._figure.frame, frame):
                self.clear()
                self._asked = (frame, width, height)
            bounds = self._choose_bounds(frame, wall)
            self._axis = max(self._axis, axis_width(frame, bounds))
            columns, rows = width - AXIS - self._axis, height - 1
            if columns < _LEAST[0] or rows < _LEAST[1]:
                raise PlotError("too little room for a plot")
            marker = PLAIN if self.glyphs is ASCII else SOLID if frame.plot in ("depth", "profile") else FINE
            strokes = strokes_of(frame, bounds, columns, rows)
            cells = await asyncio.to_thread(draw_figure, strokes, bounds, columns, rows, marker)
            self._figure, self.refusal = Figure(frame, bounds, self._axis, cells), None
        except PlotError as error:
            self._figure, self.refusal = None, str(error)
            self._is_hopeless = isinstance(error, NoPlotextError)
        except Exception:
            # What a drawing library cannot draw must not end the program, nor look like a market at rest.
            log.exception("plot %s: not drawn", frame.plot)
            self._figure, self.refusal = None, "this plot could not be drawn; the log (L) tells"
        finally:
            self._is_busy = False

    def _choose_bounds(self, frame: PlotFrame, wall: int) -> Bounds:
        """Return the values at the edges: those of before for as long as they serve."""
        curves = {one.name: one for one in frame.curves}
        if frame.plot == "history":
            low, high = min(curves["low"].y), max(curves["high"].y)
            self._scale = choose_scale(low, high, frame.digits, self._scale, wall)
            return Bounds(0.0, max(1.0, len(curves["low"].y) - 1.0), self._scale.low, self._scale.high)
        if frame.plot == "cvd":
            x, y = curves["cvd"].x, curves["cvd"].y
            self._scale = choose_scale(min(0.0, *y), max(0.0, *y), frame.size_digits, self._scale, wall)
            return Bounds(x[0], max(x[-1], x[0] + 1.0), self._scale.low, self._scale.high)
        if frame.plot == "profile":
            prices = curves["buys"].x
            self._scale = choose_scale(prices[0], prices[-1], frame.digits, self._scale, wall)
            sums = [sum(volumes) for volumes in zip(*(one.y for one in frame.curves), strict=True)]
            self._largest = choose_volume_scale(max(sums), self._largest)
            return Bounds(0.0, self._largest or 1.0, self._scale.low, self._scale.high)
        left, right = depth_range(frame, self._scale)
        self._scale = Scale(left, right)
        sizes = [
            size
            for one in frame.curves
            for price, size in zip(one.x, one.y, strict=True)
            if left <= price <= right
        ]
        self._largest = choose_volume_scale(max(sizes, default=0.0), self._largest)
        return Bounds(left, right, 0.0, self._largest or 1.0)

    def rows(self, frame: PlotFrame, palette: Palette, width: int, height: int, offset_ns: int) -> list[Row]:
        """Return the figure drawn last with its axes, or in words why there is none."""
        figure = self._figure
        if is_empty(frame):
            return _words(_NOTHING[frame.plot], palette, width, height)
        if self.refusal is not None:
            return _words(self.refusal, palette, width, height)
        if figure is None or not _is_kin(figure.frame, frame):
            return _words("drawing …", palette, width, height)
        rows = paint_figure(figure, palette, self.glyphs)
        columns = width - AXIS - figure.axis
        rows.append(_paint_below(figure, palette, self.glyphs, max(1, columns), offset_ns))
        return rows[:height]


def is_empty(frame: PlotFrame) -> bool:
    """Return whether there is nothing to draw."""
    return not any(one.x for one in frame.curves)


def _is_kin(one: PlotFrame, other: PlotFrame) -> bool:
    return (one.address, one.plot, one.interval) == (other.address, other.plot, other.interval)


def depth_range(frame: PlotFrame, before: Scale | None) -> tuple[float, float]:
    """Return the lowest and highest price of the depth: as far up as down, unless one side is missing."""
    bids, asks = (one.x for one in frame.curves)
    if not bids or not asks:
        prices = bids or asks
        return prices[0], max(prices[-1], prices[0] + 10.0**-frame.digits)
    middle = (bids[-1] + asks[0]) / 2
    reach = max(min(middle - bids[0], asks[-1] - middle), 10.0**-frame.digits)
    if before is not None:
        had, moved = (before.high - before.low) / 2, abs((before.high + before.low) / 2 - middle)
        if moved <= _CALM * had and abs(had - reach) <= 2 * _CALM * had:
            return before.low, before.high
    return middle - reach, middle + reach


# The words


def plot_words(frame: PlotFrame, wall: int | None, offset_ns: int) -> list[str]:
    """Return what a plot is of, in the title: the most important first."""
    local = None if wall is None else wall + offset_ns
    since = "" if frame.since is None else f"since {format_since(frame.since + offset_ns, local)}"
    if is_empty(frame):
        return [frame.plot]
    curves = {one.name: one for one in frame.curves}
    digits = min(2, frame.size_digits)
    if frame.plot == "history":
        high, low = max(curves["high"].y), min(curves["low"].y)
        told = [
            f"{frame.interval} history",
            f"{format_count(frame.count)} bars",
            f"H {format_price(high, frame.digits)} L {format_price(low, frame.digits)}",
            f"whole {since}" if since else "not whole yet",
        ]
    elif frame.plot == "depth":
        bids, asks = (curves[name].y for name in ("bids", "asks"))
        told = [
            "depth",
            f"bids {format_size(max(bids, default=0.0), digits) or '0'}"
            f" asks {format_size(max(asks, default=0.0), digits) or '0'}",
            f"{format_count(frame.count)} levels",
        ]
        if "mid" in frame.marks:
            told.insert(2, f"mid {format_price(frame.marks['mid'], frame.digits + 1)}")
    elif frame.plot == "cvd":
        told = ["CVD", format_signed(curves["cvd"].y[-1], digits), since]
        if frame.unreliable_since is not None:
            told.append(f"unreliable since {format_since(frame.unreliable_since + offset_ns, local)}")
    else:
        bought, sold = (sum(curves[name].y) for name in ("buys", "sells"))
        poc, low_, high_ = (format_price(frame.marks[name], frame.digits) for name in ("poc", "val", "vah"))
        share = f"{bought / (bought + sold) * 100:.0f} % bought" if bought + sold else ""
        told = ["profile", f"POC {poc} VA {low_}–{high_}", share, since]
    first, *more = (one for one in told if one)
    return [first, *(f" {one}" for one in more)]


def _words(text: str, palette: Palette, width: int, height: int) -> list[Row]:
    lines = wrap(text, max(1, width - 2))[:height]
    rows: list[Row] = [()] * height
    for y, line in enumerate(lines, (height - len(lines)) // 2):
        rows[y] = ((" " * max(0, (width - len(line)) // 2) + line, palette.muted),)
    return rows


# The figure and its axes


def _styles(palette: Palette) -> dict[Ink, Style]:
    return {
        "": NO_STYLE,
        "line": palette.key,
        "range": palette.grid,
        "bids": palette.bid,
        "asks": palette.ask,
        "buys": palette.bid,
        "sells": palette.ask,
        "others": palette.flat,
    }


def _label(frame: PlotFrame, bounds: Bounds, value: float) -> str:
    """Return a value of the vertical axis, all of them with as many decimals."""
    if frame.plot in ("history", "profile"):
        return format_price(value, frame.digits)
    digits = 0 if max(abs(bounds.low), abs(bounds.high)) >= 100 else min(2, frame.size_digits)
    if frame.plot == "depth":
        return format_size(value, digits) or "0"
    text = format_size(abs(value), digits)
    return f"{'-' if value < 0 else '+'}{text}" if text else "0"


def axis_width(frame: PlotFrame, bounds: Bounds) -> int:
    """Return the cells of the vertical axis."""
    told = (bounds.low, bounds.high, *_levels(frame).values())
    width = max(cell_len(_label(frame, bounds, value)) for value in told)
    return width + (len("POC ") if frame.plot == "profile" else 0)


def _levels(frame: PlotFrame) -> dict[str, float]:
    """Return the values that are marked on the vertical axis."""
    if frame.plot == "cvd":
        return {"last": frame.curves[0].y[-1]}
    return frame.marks if frame.plot in ("history", "profile") else {}


def paint_figure(figure: Figure, palette: Palette, glyphs: Glyphs) -> list[Row]:
    """Return the figure's rows with the values at their right."""
    styles, frame, bounds = _styles(palette), figure.frame, figure.bounds
    count = len(figure.cells)
    # A figure's edges are the middle of its first and last row.
    half = (bounds.high - bounds.low) / max(1, count - 1) / 2
    scale = Scale(bounds.low - half, bounds.high + half)
    digits = frame.digits if frame.plot in ("history", "profile") else frame.size_digits
    labels: dict[int, Part] = {
        row: (" " * AXIS + cell(_label(frame, bounds, value), figure.axis), palette.muted)
        for row, value in price_ticks(scale, count, digits).items()
    }
    for name, value in _levels(frame).items():
        if scale.low <= value <= scale.high:
            word = _NAMES.get(name, "")
            text = f"{word} {_label(frame, bounds, value)}" if word else _label(frame, bounds, value)
            style = palette.text + _BOLD if name == "last" else palette.key + _BOLD
            labels[scale.row(value, count)] = (cell(glyphs.mark + text, AXIS + figure.axis), style)
    rows: list[Row] = []
    for row, cells in enumerate(figure.cells):
        parts: list[Part] = [
            (text.translate(_SHADED) if ink == "sells" else text, styles[ink]) for text, ink in cells
        ]
        rows.append(merge([*parts, labels.get(row, ("", NO_STYLE))]))
    return rows


def _paint_below(figure: Figure, palette: Palette, glyphs: Glyphs, width: int, offset_ns: int) -> Row:
    """Return the row of times, prices or volumes under a figure."""
    frame, bounds = figure.frame, figure.bounds
    if frame.plot in ("history", "cvd"):
        times = [round(at * SECOND) for at in frame.curves[0].x]
        span = bounds.right - bounds.left
        if frame.plot == "history":
            places = [at / span for at in range(len(times))]
        else:
            places = [(at - bounds.left) / span for at in frame.curves[0].x]
        labels = time_labels(times, places, width, offset_ns, glyphs.tick)
    else:
        labels = _values_below(frame, bounds, width, glyphs.tick)
    parts: list[Part] = []
    at = 0
    for start, text in labels:
        parts += [(" " * (start - at), NO_STYLE), (text, palette.muted)]
        at = start + cell_len(text)
    return merge(parts)


def _values_below(frame: PlotFrame, bounds: Bounds, width: int, tick: str) -> list[tuple[int, str]]:
    """Return round prices or volumes as (first cell, text)."""
    is_price = frame.plot == "depth"
    digits = frame.digits if is_price else frame.size_digits

    def text_of(value: float) -> str:
        if is_price:
            return tick + format_price(value, digits)
        return tick + (format_size(value, 0 if value >= 10 else min(2, digits)) or "0")

    span = bounds.right - bounds.left
    room = max(cell_len(text_of(value)) for value in (bounds.left, bounds.right)) + _LABEL_GAP
    step = round_step(span, max(1, width // room), digits)
    first = -int(-bounds.left // step)
    found = []
    for at in range(first, first + width):
        value = at * step
        start = round((value - bounds.left) / span * (width - 1))
        if start + cell_len(text_of(value)) > width:
            break
        found.append((start, text_of(value)))
    following = [*found, (width + room, "")]
    return [one for one, after in pairwise(following) if one[0] + cell_len(one[1]) < after[0]]
