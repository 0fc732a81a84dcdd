"""How many decimals an instrument uses, learnt from what it sends."""

from collections import deque
from decimal import Decimal

MAX_DIGITS = 10
_WINDOW = 256


def decimals(value: float) -> int:
    """Return the decimals of the shortest text that reads back as ``value``, at most MAX_DIGITS."""
    text = repr(value)
    if "e" in text or "E" in text:
        text = format(Decimal(text), "f")
    _, _, fraction = text.partition(".")
    return min(len(fraction.rstrip("0")), MAX_DIGITS)


class Precision:
    """Infer decimals from the last 256 observations; one odd value does not widen a column.

    The answer is the largest number of decimals seen at least twice (once, while fewer than two
    observations exist), so a feed that pads or a single stray value changes nothing for good.
    """

    def __init__(self) -> None:
        self._window: deque[int] = deque()
        self._counts = [0] * (MAX_DIGITS + 1)
        self.digits = 0

    def observe(self, value: float) -> None:
        """Take one value into account."""
        found = decimals(value)
        window, counts = self._window, self._counts
        window.append(found)
        counts[found] += 1
        if len(window) > _WINDOW:
            counts[window.popleft()] -= 1
        needed = 2 if len(window) > 1 else 1
        for digits in range(MAX_DIGITS, -1, -1):
            if counts[digits] >= needed:
                self.digits = digits
                return

    @property
    def seen(self) -> int:
        """Observations in the window."""
        return len(self._window)
