"""From JayX's counts of ticks and lots to prices and sizes, without losing a digit on the way."""

from decimal import Context, Decimal

import msgspec

from mdterm.feeds.jayx.facts import SECONDS_BELOW

_MOST_DIGITS = 40
_LATEST_MS = 4_102_444_800_000
"""The year 2100: later than this is no time."""
_EXACT = Context(prec=120)
"""Products of a count and a step are exact up to here; nothing believable comes near."""


class Scale:
    """A step (``None``: unknown, counts stay counts) that multiplies whole counts."""

    __slots__ = ("_denominator", "_numerator", "step")

    def __init__(self, step: Decimal | None) -> None:
        self.step = step
        self._numerator, self._denominator = (step or Decimal(1)).as_integer_ratio()

    def number(self, count: int) -> float:
        """Return the float nearest to count × step: the one that reading the decimal gives."""
        # True division of integers is correctly rounded; multiplying floats is not.
        return count * self._numerator / self._denominator

    def text(self, count: int) -> str:
        """Return count × step as a plain decimal without trailing zeros."""
        return plain(_EXACT.multiply(Decimal(count), self.step or Decimal(1)))


class Units(msgspec.Struct, frozen=True):
    """What one tick and one lot of a symbol are."""

    tick: Scale
    lot: Scale

    def notional(self, cost: int) -> str:
        """Return lots × ticks as an amount of the quote currency."""
        tick, lot = self.tick.step or Decimal(1), self.lot.step or Decimal(1)
        return plain(_EXACT.multiply(Decimal(cost), _EXACT.multiply(tick, lot)))


def units_of(tick: Decimal | None, lot: Decimal | None) -> Units:
    """Return the units of a symbol."""
    return Units(Scale(tick), Scale(lot))


def plain(value: Decimal) -> str:
    """Return a decimal without exponent and without trailing zeros after the point."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def told(value: Decimal) -> str | None:
    """Return a decimal as it was told, without exponent; None where it is none or absurdly long."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > _MOST_DIGITS or value.adjusted() > _MOST_DIGITS:
        return None
    return format(value, "f")


def normal_ms(time: int | None) -> int | None:
    """Return a time told in seconds or milliseconds as milliseconds, None where it is none."""
    if time is None or time <= 0:
        return None
    ms = time * 1000 if time < SECONDS_BELOW else time
    return ms if ms < _LATEST_MS else None
