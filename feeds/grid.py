"""The grid of prices that a ladder's rows stand on."""

import math
from typing import Final

GROUP_STEPS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)
"""Ticks that a ladder's row may hold."""


def row_of(price: float, tick: float, group: int, *, up: bool) -> int:
    """Return the row that holds a price: asks are rounded up to it, all else down."""
    exact = price / tick
    ticks = round(exact)
    if abs(exact - ticks) > 1e-4 + 4e-16 * abs(exact):
        # Not on the grid: a trade inside a bucket, or buckets named by their middle.
        ticks = math.ceil(exact) if up else math.floor(exact)
    return -((-ticks) // group) if up else ticks // group


def step_of(tick: float, group: int) -> float:
    """Return the shortest decimal of ``group`` ticks: 0.1 × 3 must not print as 0.30000000000000004."""
    return round(tick * group, 10)
