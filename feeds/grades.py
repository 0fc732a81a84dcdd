"""How large a print is among its like: grades, and the sizes that a filter offers.

Thresholds come from the instrument's own newest prints, so that they fit bitcoin and a penny stock alike.
"""

from bisect import bisect_left
from collections.abc import Sequence
from decimal import Decimal

import msgspec

SAMPLE = 2_000
"""Prints that are looked at: the newest."""
LEAST = 64
"""Before so many prints nothing is called large."""
QUANTILES = (0.90, 0.97, 0.995)
"""A print above the n-th of these shares of its like is of grade n; below the first it is of grade 0."""
MOST_STEPS = 24
_MANTISSAS = (1, 2, 5)


class Scale(msgspec.Struct, frozen=True, gc=False):
    """Sizes of the newest prints: the grades' limits (rising), the median and the largest."""

    limits: tuple[float, ...]
    median: float
    largest: float

    def grade(self, size: float | None) -> int:
        """Return 0 to 3. Strictly above a limit: where most sizes are equal, none of them is large."""
        return 0 if size is None else bisect_left(self.limits, size)


NOTHING = Scale((), 0.0, 0.0)


def scale_of(sizes: Sequence[float]) -> Scale:
    """Return the scale of a sample, in any order; without limits while there are fewer than 64."""
    if not sizes:
        return NOTHING
    ranked = sorted(sizes)
    last = len(ranked) - 1
    limits = tuple(ranked[round(share * last)] for share in QUANTILES) if len(ranked) >= LEAST else ()
    return Scale(limits, ranked[last // 2], ranked[-1])


def filter_steps(median: float, largest: float) -> list[float]:
    """Return the numbers 1, 2, 5 × 10ⁿ above the median up to the largest; one at least, 24 at most."""
    if largest <= 0:
        return []
    power = Decimal(repr(max(median, largest / 1e6))).adjusted()
    steps: list[float] = []
    while len(steps) < MOST_STEPS:
        for mantissa in _MANTISSAS:
            step = float(f"{mantissa}e{power}")
            if step > largest and steps:
                return steps
            if step > median:
                steps.append(step)
        power += 1
    return steps


def nearest_step(value: float) -> float:
    """Return the number 1, 2, 5 × 10ⁿ that is nearest to a value above 0, by ratio."""
    power = Decimal(repr(value)).adjusted()
    near = [float(f"{mantissa}e{power + at}") for at in (0, 1) for mantissa in _MANTISSAS]
    return min(near, key=lambda step: max(step / value, value / step))
