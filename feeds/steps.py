"""The price step of an instrument whose step depends on its price, as on the Hong Kong exchange."""

from collections.abc import Callable

from mdterm.feeds.events import Book

Rule = Callable[[float], float | None]
"""Return the step at a price, None where no rule tells it."""

_CALM = 0.02
"""How far above the edge of a band all prices must be before rows become coarser."""


class Steps:
    """The step for all prices on the screen at once: the finest of them, and no to and fro at an edge."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._step: float | None = None

    def step(self, book: Book | None, last: float | None) -> float | None:
        """Return the step, None where the prices themselves say that the rule does not hold for them."""
        prices = [] if book is None else [*book.bid_prices, *book.ask_prices]
        if not prices and last is not None:
            prices = [last]
        if not prices:
            return self._step
        low = min(prices)
        step = self._rule(low)
        if step is not None and self._step is not None and step > self._step:
            calm = self._rule(low * (1 - _CALM))
            step = self._step if calm is None else max(self._step, calm)
        self._step = step
        # Exchange-traded funds have a table of their own: one odd price proves nothing, most of them do.
        is_odd = step is not None and 2 * sum(_is_off(price, step) for price in prices) > len(prices)
        return None if is_odd else step


def _is_off(price: float, step: float) -> bool:
    count = price / step
    return abs(count - round(count)) > 1e-4
