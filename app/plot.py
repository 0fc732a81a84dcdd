"""Candles as characters: drawn by plotext, or in a plain way where it cannot be had."""

import contextlib
import io
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, Final

from mdterm.feeds.frames import ChartBar, ChartFrame
from mdterm.widgets.figures import format_price

RISING, FALLING, FLAT = "█", "░", "─"
"""Bodies of bars: which way one went must be legible without colour."""
_SMALLEST: Final = (8, 3)
_PRICES_EVERY: Final = 4
_TIMES_EVERY: Final = 12
_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"
_SECOND: Final = 1_000_000_000


def plot_bars(frame: ChartFrame, width: int, height: int) -> list[str]:
    """Return the newest bars that fit, one a column, with prices at the right and times below."""
    digits = frame.digits
    bars = frame.bars
    highest, lowest = max(bar.high for bar in bars), min(bar.low for bar in bars)
    label = max(len(format_price(price, digits)) for price in (highest, lowest))
    columns, rows = width - label - 1, height - 1
    if columns < _SMALLEST[0] or rows < _SMALLEST[1]:
        return []
    bars = bars[-columns:]
    highest, lowest = max(bar.high for bar in bars), min(bar.low for bar in bars)
    if highest == lowest:  # a market that stands still is a line in the middle
        step = 10.0**-digits
        highest, lowest = highest + step, lowest - step
    try:
        import plotext
    except ImportError:
        body = _closes(bars, columns, rows - 1, highest, lowest)
        body = _labelled(body, columns, highest, lowest, digits, label)
        return [*body, "closes only: plotext cannot be imported"[:columns], _times(bars, columns)]
    body = _candles(plotext, bars, columns, rows, highest, lowest)
    return [*_labelled(body, columns, highest, lowest, digits, label), _times(bars, columns)]


def _candles(
    plotext: Any, bars: Sequence[ChartBar], columns: int, rows: int, highest: float, lowest: float
) -> list[str]:
    """Return the bars as plotext draws them, but for the bodies: it tells them apart by colour."""
    figure = plotext.figure
    figure.clear()
    plotext.terminal.limit(False, False)  # the size asked for, not the terminal's
    figure.theme("colorless").plot_size(columns, rows)
    figure.axes(False)
    data = {
        "date": list(range(len(bars))),
        "open": [bar.open for bar in bars],
        "close": [bar.close for bar in bars],
        "high": [bar.high for bar in bars],
        "low": [bar.low for bar in bars],
    }
    figure.draw(figure.candlestick(data))
    figure.ruler("x").lim(0, columns - 1)
    figure.ruler("y").lim(lowest, highest)
    for axis in ("x", "y"):
        figure.ruler(axis).ticks([], [])
    # It tells of values that fall on one spot, as bars of a still market do: nobody asked.
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        matrix = figure.build()
    # One bar a column, so the column tells which bar a body belongs to.
    bodies = [FLAT if bar.close == bar.open else RISING if bar.close > bar.open else FALLING for bar in bars]
    return [
        "".join(body if char == RISING else char for char, body in zip_longest(line, bodies, fillvalue=""))
        for line in matrix.string(colorless=True).splitlines()
    ]


def _closes(bars: Sequence[ChartBar], columns: int, rows: int, highest: float, lowest: float) -> list[str]:
    """Return the closes as columns that rise from the lowest price."""
    steps = [round((bar.close - lowest) / (highest - lowest) * rows * 8) for bar in bars]
    lines = []
    for row in range(rows):
        floor = (rows - 1 - row) * 8
        lines.append("".join(_EIGHTHS[max(0, min(8, step - floor))] for step in steps).ljust(columns))
    return lines


def _labelled(
    body: Sequence[str], columns: int, highest: float, lowest: float, digits: int, label: int
) -> list[str]:
    """Return the rows with the price of every few of them."""
    rows = len(body)
    out = []
    for row, line in enumerate(body):
        text = ""
        if row % _PRICES_EVERY == 0:
            price = highest - row * (highest - lowest) / max(1, rows - 1)
            text = format_price(price, digits).rjust(label)
        out.append(f"{line.ljust(columns)} {text}")
    return out


def _times(bars: Sequence[ChartBar], columns: int) -> str:
    """Return the row of times (UTC), each under its bar; days where a bar lasts one."""
    import time

    length = bars[-1].open_ts - bars[-2].open_ts if len(bars) > 1 else 0
    form = "%m-%d" if length >= 86_400 * _SECOND else "%H:%M"
    line = ""
    for at in range(0, len(bars), _TIMES_EVERY):
        text = time.strftime(form, time.gmtime(bars[at].open_ts // _SECOND))
        if at + len(text) <= columns:
            line = line.ljust(at) + text
    return line
