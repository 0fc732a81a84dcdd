"""The volume profile: what was traded at each price, its point of control and its value area."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec

from mdterm.feeds.events import VolumeProfile
from mdterm.feeds.flow import Flow

VALUE_AREA = 0.70
MAX_ROWS = 2_000
"""More rows than any chart has; wider steps are taken instead."""
_STEPS = (1, 2, 5)


class Profile(msgspec.Struct, frozen=True):
    """Volume by price: row i is price ``(low + i) × step``, rising; prices of a bucket are rounded down.

    ``poc`` is the row with most volume; of several, the one nearest to the middle of the range, then the
    higher. ``val``…``vah`` are the rows around it that hold 70 % of the volume: the two rows above are
    weighed against the two below and the heavier pair is taken, both at a tie; empty rows at the edges
    are cut off. All three are row numbers. ``neutral`` is volume without an aggressor.
    """

    step: float
    low: int
    buys: list[float]
    sells: list[float]
    neutral: list[float]
    total: float
    poc: int
    val: int
    vah: int

    def price(self, row: int) -> float:
        """Return the price of a row."""
        return round((self.low + row) * self.step, 10)


def profile_of(cells: Mapping[int, Sequence[float]], step: float) -> Profile | None:
    """Return the profile of ``{row: (buys, sells, neutral)}``; None where nothing was traded.

    Raise ValueError for more than 2,000 rows from lowest to highest.
    """
    if not cells:
        return None
    low, high = min(cells), max(cells)
    height = high - low + 1
    if height > MAX_ROWS:
        raise ValueError(f"{height} rows: take a wider step")
    buys, sells, neutral = [0.0] * height, [0.0] * height, [0.0] * height
    for row, (bought, sold, rest) in cells.items():
        buys[row - low], sells[row - low], neutral[row - low] = bought, sold, rest
    totals = [sum(row) for row in zip(buys, sells, neutral, strict=True)]
    total = sum(totals)
    if total <= 0:
        return None
    poc = point_of_control(totals)
    val, vah = value_area(totals, poc)
    return Profile(step, low, buys, sells, neutral, total, poc, val, vah)


def point_of_control(totals: Sequence[float]) -> int:
    """Return the row with most volume; at a tie the nearest to the middle, then the higher."""
    most, middle = max(totals), (len(totals) - 1) / 2
    rows = [row for row, volume in enumerate(totals) if volume == most]
    return min(rows, key=lambda row: (abs(row - middle), -row))


def value_area(totals: Sequence[float], poc: int, share: float = VALUE_AREA) -> tuple[int, int]:
    """Return the first and last row of the area around ``poc`` that holds ``share`` of the volume."""
    low = high = poc
    held, wanted = totals[poc], share * sum(totals)
    top = len(totals) - 1
    while held < wanted and (low > 0 or high < top):
        above = sum(totals[high + 1 : high + 3])
        below = sum(totals[max(0, low - 2) : low])
        # Where one side has ended, the other goes on alone.
        up = high < top and (low == 0 or above >= below)
        down = low > 0 and (high == top or below >= above)
        if up:
            high, held = min(top, high + 2), held + above
        if down:
            low, held = max(0, low - 2), held + below
    while totals[high] == 0:
        high -= 1
    while totals[low] == 0:
        low += 1
    return low, high


def session_profile(flow: Flow, ticks: int | None = None, rows: int = 200) -> Profile | None:
    """Return the profile of the flow's session by buckets of ``ticks`` ticks.

    Without ``ticks``, or where they would give more than 2,000 rows, the finest of 1, 2, 5, 10, … is taken
    that gives at most ``rows`` rows.
    """
    span = flow.span()
    if span is None:
        return None
    width = span[1] - span[0]
    limit = MAX_ROWS if ticks is not None else rows
    if ticks is None or width // ticks >= limit - 1:
        ticks = next(
            base * 10**power
            for power in range(16)
            for base in _STEPS
            if width // (base * 10**power) < rows - 1
        )
    return profile_of(flow.buckets(ticks), flow.tick * ticks)


def event_profile(event: VolumeProfile, ticks: int = 1) -> Profile | None:
    """Return the profile that the provider sent, by buckets of ``ticks`` of its own steps.

    The step of a profile that names none is the least distance between its prices.
    """
    prices = sorted({price for price, _, _ in event.rows})
    step = event.step
    if not step:
        apart = [high - low for low, high in pairwise(prices)]
        step = round(min(apart), 10) if apart else 1.0
    if not prices:
        return None
    while (prices[-1] - prices[0]) / step // ticks >= MAX_ROWS - 1:
        ticks *= 10
    cells: dict[int, list[float]] = {}
    for price, bought, sold in event.rows:
        cell = cells.setdefault(round(price / step) // ticks, [0.0, 0.0, 0.0])
        cell[0] += bought
        cell[1] += sold
    return profile_of(cells, round(step * ticks, 10))
