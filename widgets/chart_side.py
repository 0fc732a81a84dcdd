"""What stands beside and below the bars: the session's profile, prices, times."""

import math
from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from rich.cells import cell_len
from rich.style import Style

from mdterm.feeds.frames import ChartBar, ChartFrame, ProfileFrame
from mdterm.widgets.axes import format_moment, price_ticks, time_period, time_ticks
from mdterm.widgets.candles import Scale, length_cells
from mdterm.widgets.chart_columns import Ground
from mdterm.widgets.figures import cell, format_price, format_signed, format_size
from mdterm.widgets.rows import NO_STYLE, Part, Row, merge

AXIS: Final = 2
"""Cells between what is drawn and the prices: a blank and a mark."""
_SUM_ROOM: Final = 6
"""Cells from which on a sum is told in thousands."""
_BOLD: Final = Style(bold=True)


# The profile


class Bins(Struct, frozen=True):
    """The session's volume by row of the chart, from the top down.

    The value area is from row ``top`` to ``bottom``. Where it or the point of control is not in view, its
    rows lie outside the chart.
    """

    volumes: list[float]
    poc: int
    top: int
    bottom: int


def bin_rows(profile: ProfileFrame, scale: Scale, rows: int) -> Bins:
    """Return a profile by rows of a chart; what reaches over several rows is shared out among them.

    Given to one row whole, it would make a comb of a profile that is about as fine as the chart.
    """
    volumes = [0.0] * rows
    height = (scale.high - scale.low) / rows
    each = profile.step / height

    def place(at: float) -> float:
        return ((profile.low + at) * profile.step - scale.low) / height

    for at, (bought, sold, rest) in enumerate(zip(profile.buys, profile.sells, profile.neutral, strict=True)):
        low, volume = place(at), bought + sold + rest
        if not volume or low >= rows or low + each <= 0:
            continue
        for found in range(max(0, int(low)), min(rows, int(low + each) + 1)):
            share = min(found + 1, low + each) - max(found, low)
            if share > 0:
                volumes[rows - 1 - found] += volume * share / each

    def row(at: int) -> int:
        return rows - 1 - math.floor(place(at + 0.5))

    return Bins(volumes, row(profile.poc), row(profile.vah), row(profile.val))


def paint_profile(bins: Bins, largest: float, width: int, ground: Ground) -> list[list[Part]]:
    """Return the profile by row in exactly ``width`` cells: bright in the value area, marked at the POC."""
    palette, painted = ground.palette, []
    for row, volume in enumerate(bins.volumes):
        text = length_cells(volume, largest, width - 1, ground.glyphs)
        style = palette.flat if bins.top <= row <= bins.bottom else palette.grid
        if row == bins.poc:
            style = palette.key + _BOLD
            text += ground.glyphs.mark
        painted.append([(text, style), (" " * (width - len(text)), NO_STYLE)])
    return painted


# The prices


def axis_width(frame: ChartFrame, scale: Scale, before: int) -> int:
    """Return the cells of the prices; never fewer than ``before``."""
    prices = (scale.high, scale.low, frame.last_price or 0.0)
    return max(before, *(len(format_price(price, frame.digits)) for price in prices))


def paint_axis(frame: ChartFrame, ground: Ground, width: int) -> list[list[Part]]:
    """Return the axis by row: round prices, the last price over them, what the rows below them mean."""
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
        words[0] = _volume_word(ground.volume, frame.size_digits)
    words += _cvd_words(frame, ground, width)
    painted += [[(" " * AXIS + cell(word, width), palette.muted)] if word else [] for word in words]
    return painted


def words_width(volume: float, cvd: Scale | None, digits: int) -> int:
    """Return the cells that the words below the prices take at least."""
    told = [_volume_word(volume, digits)]
    told += [] if cvd is None else [format_sum(value, 0, _SUM_ROOM) for value in (cvd.low, cvd.high)]
    return max(map(cell_len, told))


def _volume_word(volume: float, digits: int) -> str:
    return format_size(volume, 0 if volume >= 10 else min(digits, 2))


def _cvd_words(frame: ChartFrame, ground: Ground, width: int) -> list[str]:
    """Return what stands beside the CVD: its highest and lowest value, and its name."""
    rows, scale = ground.rows.cvd, ground.cvd
    words = [""] * rows
    if not rows:
        return words
    words[-1] = "CVD"
    if scale is not None and rows > 1:
        words[0] = format_sum(scale.high, frame.size_digits, width)
    if scale is not None and rows > 3:
        words[-2] = format_sum(scale.low, frame.size_digits, width)
    return words


def format_sum(value: float, digits: int, width: int) -> str:
    """Return a signed sum with as many decimals as fit, in thousands or millions where it is too long."""
    for decimals in range(min(digits, 2), -1, -1):
        text = format_signed(value, decimals)
        if len(text) <= width:
            return text
    return f"{'-' if value < 0 else '+'}{format_size(abs(value), 0)}"


# The times


def paint_times(bars: Sequence[ChartBar], interval: str, ground: Ground, offset_ns: int, width: int) -> Row:
    """Return the row of times, each under its bar, within ``width`` cells.

    Where the bars begin to be whole stands before all others: what is left of it lacks trades.
    """
    palette, zoom = ground.palette, ground.zoom
    left = ground.columns - len(bars) * zoom
    labels: list[tuple[int, str, Style]] = []
    whole = _whole_from(bars, ground.since)
    if whole is None:
        labels.append((max(0, left), "not whole yet", palette.warn))
    elif whole:
        moment = format_moment(bars[whole].open_ts, bars[-1].open_ts, interval, offset_ns)
        start, text = left + (whole + 1) * zoom - 1, f"{ground.glyphs.tick}whole {moment}"
        labels.append((min(start, max(0, width - len(text))), text, palette.warn))
    period = time_period(interval, zoom, bars)
    for index, text in time_ticks(bars, period, offset_ns).items():
        labels.append((left + (index + 1) * zoom - 1, ground.glyphs.tick + text, palette.muted))
    placed: list[tuple[int, str, Style]] = []
    for start, text, style in labels:
        end = start + len(text)
        if end <= width and all(end < at or start > at + len(other) for at, other, _ in placed):
            placed.append((start, text, style))
    parts: list[Part] = []
    at = 0
    for start, text, style in sorted(placed, key=lambda one: one[0]):
        parts += [(" " * (start - at), NO_STYLE), (text, style)]
        at = start + len(text)
    return merge(parts)


def _whole_from(bars: Sequence[ChartBar], since: int | None) -> int | None:
    """Return the index of the first bar that lacks nothing, None if there is none."""
    if since is None:
        return None
    return next((at for at, bar in enumerate(bars) if bar.open_ts >= since), None)
