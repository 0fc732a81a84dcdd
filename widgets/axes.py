"""The axes of a chart: round prices and times, and where they stand. Pure."""

import math
import time
from collections.abc import Sequence
from typing import Final

from mdterm.feeds.frames import ChartBar
from mdterm.feeds.intervals import DAY, HOUR, LENGTHS, MINUTE, SECOND
from mdterm.widgets.candles import Scale

_STEPS: Final = (1, 2, 5)
_LABEL_GAP: Final = 3
"""Blanks between two times on the axis, at least."""
_PERIODS: Final = (
    *(n * SECOND for n in (1, 5, 10, 15, 30)),
    *(n * MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * HOUR for n in (1, 2, 3, 6, 12)),
    *(n * DAY for n in (1, 2, 7, 14, 28, 91, 182, 364)),
)
_FIRST_MONDAY: Final = 4 * DAY


def round_step(span: float, most: int, digits: int) -> float:
    """Return the least 1, 2 or 5 × 10ⁿ of which at most ``most`` fit into ``span``; no finer than a digit."""
    wanted = max(span / max(1, most), 10.0**-digits)
    power = math.floor(math.log10(wanted) + 1e-9)
    for exponent in (power, power + 1):
        for base in _STEPS:
            step = base * 10.0**exponent
            if step >= wanted * (1 - 1e-9):
                return step
    raise AssertionError("1 × 10ⁿ⁺¹ is never below what was wanted")


def price_ticks(scale: Scale, rows: int, digits: int) -> dict[int, float]:
    """Return the round prices of the axis by the row they stand in (0 at the top)."""
    apart = 4 if rows >= 36 else 3 if rows >= 20 else 2
    span = scale.high - scale.low
    step = round_step(span, max(1, rows // apart), digits)
    first = math.ceil((scale.low - span * 1e-9) / step)
    ticks: dict[int, float] = {}
    for at in range(first, first + rows + 1):
        price = at * step
        if price > scale.high:
            break
        ticks.setdefault(scale.row(price, rows), price)
    return ticks


def time_period(interval: str, cells_a_bar: int, bars: Sequence[ChartBar] = ()) -> int:
    """Return how far apart (ns) the times on the axis are, so that they do not touch.

    Tick bars have no length of their own: theirs is what those in view lasted on average.
    """
    length = LENGTHS.get(interval)
    if length is None:
        length = max(1, (bars[-1].open_ts - bars[0].open_ts) // (len(bars) - 1)) if len(bars) > 1 else SECOND
    for period in _PERIODS:
        cells = period / length * cells_a_bar
        if period >= length and cells >= len(format_tick(0, period)) + _LABEL_GAP:
            return period
    return _PERIODS[-1]


def format_tick(ts: int, period: int, offset_ns: int = 0) -> str:
    """Return the time of a bar as the axis tells it: no finer than the times are apart."""
    local = ts + offset_ns
    day = time.gmtime(local // SECOND)
    if period >= 28 * DAY:
        return time.strftime("%Y-%m", day)
    if period >= DAY or (period >= MINUTE and local % DAY == 0):
        return time.strftime("%m-%d", day)
    return time.strftime("%H:%M" if period >= MINUTE else "%H:%M:%S", day)


def format_moment(ts: int, newest: int, interval: str, offset_ns: int = 0) -> str:
    """Return when a bar begins; its date where that is not the newest bar's."""
    length, local = LENGTHS.get(interval, SECOND), ts + offset_ns
    form = "%Y-%m-%d" if length >= DAY else "%H:%M" if length >= MINUTE else "%H:%M:%S"
    if length < DAY and local // DAY != (newest + offset_ns) // DAY:
        form = f"%m-%d {form}"
    return time.strftime(form, time.gmtime(local // SECOND))


def time_ticks(bars: Sequence[ChartBar], period: int, offset_ns: int = 0) -> dict[int, str]:
    """Return the times under the bars by index: the first bar of each period, where there is one before."""
    ticks: dict[int, str] = {}
    shift = offset_ns - _FIRST_MONDAY
    for at in range(1, len(bars)):
        if (bars[at].open_ts + shift) // period != (bars[at - 1].open_ts + shift) // period:
            ticks[at] = format_tick(bars[at].open_ts, period, offset_ns)
    return ticks


def time_labels(
    times: Sequence[int], places: Sequence[float], width: int, offset_ns: int = 0, tick: str = "╵"
) -> list[tuple[int, str]]:
    """Return times (ns) under a plot as (first cell, text); ``places`` are where they stand, 0 to 1."""
    if len(times) < 2:
        return []
    span = times[-1] - times[0]
    room = len("00:00:00") + _LABEL_GAP
    period = next((one for one in _PERIODS if span / one * room <= width), _PERIODS[-1])
    labels: list[tuple[int, str]] = []
    end = -_LABEL_GAP
    for at in range(1, len(times)):
        shift = offset_ns - _FIRST_MONDAY
        if (times[at] + shift) // period == (times[at - 1] + shift) // period:
            continue
        text = tick + format_tick(times[at] - (times[at] + shift) % period, period, offset_ns)
        start = round(places[at] * (width - 1))
        if start >= end + 1 and start + len(text) <= width:
            labels.append((start, text))
            end = start + len(text)
    return labels
