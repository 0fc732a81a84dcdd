"""Candles and volume as cells: pure functions from bars to the glyphs of their columns."""

from collections.abc import Sequence
from itertools import chain
from typing import Final

from msgspec import Struct

from mdterm.feeds.frames import ChartBar

LOOSE_SHARE: Final = 0.5
"""A price range of which less is used is too wide …"""
LOOSE_NS: Final = 10_000_000_000
"""… but is only narrowed when it has been so for this long."""
_PADDING: Final = 0.06
"""Room above and below the prices, as a share of their range, so that not every new high moves all."""
_LEAST_TICKS: Final = 4
"""The least range, in steps of the last decimal: a market that stands still is a line, not a wall."""


class Glyphs(Struct, frozen=True):
    """What a chart is drawn with. Tables are indexed by ``3 × upper + lower`` half of a cell.

    A half is 0 empty, 1 wick, 2 body. Rising bodies are hollow, falling ones filled: the direction can
    be read without colour. ``flat`` is indexed by wick above + 2 × wick below.
    """

    rising: str
    falling: str
    flat: str
    volume: str
    """From empty to full."""
    line: str
    """Where the last price is, between the bars."""
    mark: str
    """Points from the axis to the last price."""
    tick: str
    """Under the bar that a time belongs to."""
    lines: tuple[str, str, str]
    """Each line over the bars, from the lowest quarter of a cell to the highest: thin, dotted, thick."""
    bar: str
    """A bar that grows to the right, from a trace to full."""
    forced: str
    """Below a bar in which longs were liquidated, above one in which shorts were."""


#                       ·· ·w ·b  w· ww wb  b· bw bb
BOXES: Final = Glyphs(
    " ╷║╵│║║║║", " ╷╻╵│╽╹╿┃", "─┴┬┼", " ▁▂▃▄▅▆▇█", "┄", "◂", "╵",
    ("⣀⠤⠒⠉", "⡀⠄⠂⠁", "⣤⠶⠶⠛"), "▏▎▍▌▋▊▉█", "LS",
)  # fmt: skip
ASCII: Final = Glyphs(
    " |o||oooo", " |#||####", "-+++", " .:|#", "-", "<", "'", ("....", ",,,,", "===="), "=", "LS"
)


class Scale(Struct, frozen=True):
    """The prices at the chart's lower and upper edge; ``loose_since`` (ns) while less than half is used."""

    low: float
    high: float
    loose_since: int | None = None

    def half(self, price: float, rows: int) -> int:
        """Return the half cell that holds a price, 0 at the bottom, among ``2 × rows``."""
        at = int((price - self.low) / (self.high - self.low) * 2 * rows)
        return min(max(at, 0), 2 * rows - 1)

    def quarter(self, price: float, rows: int) -> int | None:
        """Return the quarter of a cell that holds a price, 0 at the bottom; None outside the scale."""
        if not self.low <= price <= self.high:
            return None
        return min(int((price - self.low) / (self.high - self.low) * 4 * rows), 4 * rows - 1)

    def row(self, price: float, rows: int) -> int:
        """Return the row that holds a price, 0 at the top."""
        return rows - 1 - self.half(price, rows) // 2


def choose_scale(lowest: float, highest: float, digits: int, before: Scale | None, wall: int) -> Scale:
    """Return the scale for prices from ``lowest`` to ``highest``: ``before`` for as long as it serves.

    A scale that followed every price would make all bars jump whenever one of them grew.
    """
    if before is not None and before.low <= lowest and highest <= before.high:
        if (highest - lowest) >= LOOSE_SHARE * (before.high - before.low):
            return before if before.loose_since is None else Scale(before.low, before.high)
        since = wall if before.loose_since is None else before.loose_since
        if wall - since < LOOSE_NS:
            return before if since == before.loose_since else Scale(before.low, before.high, since)
    least = _LEAST_TICKS * 10.0**-digits
    padding = max((highest - lowest) * _PADDING, (least - (highest - lowest)) / 2)
    low, high = lowest - padding, highest + padding
    if low < 0 <= lowest:
        low = 0.0
    if not high > low:
        high = low + max(abs(low) * 1e-9, least)
    return Scale(low, high)


def extent(bars: Sequence[ChartBar], last: float | None) -> tuple[float, float]:
    """Return the lowest and the highest price of the bars and of the last price."""
    lasts = () if last is None else (last,)
    return min(chain((bar.low for bar in bars), lasts)), max(chain((bar.high for bar in bars), lasts))


def choose_volume_scale(largest: float, before: float) -> float:
    """Return the volume of a full column: ``before`` while it is filled by a third or more."""
    if largest <= 0:
        return before
    # The largest is often the running bar, which grows: with no room above it all would shrink each time.
    return before if before / 3 <= largest <= before else largest * 1.2


def candle_cells(bar: ChartBar, scale: Scale, rows: int, glyphs: Glyphs) -> str:
    """Return a bar's column, top to bottom, one glyph a row."""
    low, high = scale.half(bar.low, rows), scale.half(bar.high, rows)
    opened, closed = scale.half(bar.open, rows), scale.half(bar.close, rows)
    halves = [0] * (2 * rows)
    halves[low : high + 1] = [1] * (high + 1 - low)
    if bar.open == bar.close:
        table = glyphs.rising
    else:
        bottom, top = min(opened, closed), max(opened, closed)
        halves[bottom : top + 1] = [2] * (top + 1 - bottom)
        table = glyphs.rising if bar.close > bar.open else glyphs.falling
    cells = [table[3 * halves[2 * row + 1] + halves[2 * row]] for row in range(rows - 1, -1, -1)]
    if bar.open == bar.close:
        cells[rows - 1 - closed // 2] = glyphs.flat[(high > closed) + 2 * (low < closed)]
    return "".join(cells)


def line_cell(value: float, scale: Scale, rows: int, levels: str) -> tuple[int, str] | None:
    """Return the row in which a line passes a bar, 0 at the top, and its glyph there."""
    quarter = scale.quarter(value, rows)
    return None if quarter is None else (rows - 1 - quarter // 4, levels[quarter % 4])


def length_cells(value: float, largest: float, width: int, glyphs: Glyphs) -> str:
    """Return a bar that grows to the right; whatever there is shows at least a trace."""
    if value <= 0 or largest <= 0 or width <= 0:
        return ""
    steps = len(glyphs.bar)
    filled = max(1, min(width * steps, round(value / largest * width * steps)))
    whole, rest = divmod(filled, steps)
    return glyphs.bar[-1] * whole + (glyphs.bar[rest - 1] if rest else "")


def volume_cells(volume: float | None, largest: float, rows: int, glyphs: Glyphs) -> str:
    """Return a volume column, top to bottom; whatever was traded shows at least a trace."""
    steps = len(glyphs.volume) - 1
    filled = 0
    if volume and largest > 0:
        filled = max(1, min(rows * steps, round(volume / largest * rows * steps)))
    return "".join(glyphs.volume[max(0, min(steps, filled - row * steps))] for row in range(rows - 1, -1, -1))


def spark_cells(closes: Sequence[float], count: int, glyphs: Glyphs = BOXES) -> str:
    """Return the newest ``count`` closes as one row, oldest first; blank where there are fewer."""
    shown = closes[-count:] if count > 0 else []
    if not shown:
        return " " * count
    lowest, highest = min(shown), max(shown)
    steps = len(glyphs.volume) - 2
    if highest <= lowest:
        cells = glyphs.volume[1 + steps // 2] * len(shown)
    else:
        cells = "".join(
            glyphs.volume[1 + round((close - lowest) / (highest - lowest) * steps)] for close in shown
        )
    return cells.rjust(count)
