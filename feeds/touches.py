"""Best bids and offers in their order, for what must not depend on when somebody looks."""

from array import array
from collections.abc import Sequence
from math import isnan, nan
from typing import Final

from mdterm.feeds.events import Book

Touch = tuple[float | None, float | None]
"""Best bid and best ask, None where there is none."""

MOST: Final = 8_192
"""Touches that are kept, the newest; and up to an eighth more."""


class Touches:
    """What the touch of a market was since somebody first asked, each change once; 16 bytes a change."""

    def __init__(self) -> None:
        self.count = 0
        """Changes so far, those among them that are no longer kept."""
        self._bids, self._asks = array("d"), array("d")
        """NaN where there is none."""
        self._newest: Touch = (None, None)

    def take(self, books: Sequence[Book]) -> None:
        """Note the touch of each book."""
        for book in books:
            bids, asks = book.bid_prices, book.ask_prices
            touch = (bids[0] if bids else None, asks[0] if asks else None)
            if touch != self._newest:
                self._newest = touch
                self._bids.append(nan if touch[0] is None else touch[0])
                self._asks.append(nan if touch[1] is None else touch[1])
                self.count += 1
        if len(self._bids) > MOST + MOST // 8:
            del self._bids[:-MOST], self._asks[:-MOST]

    def since(self, count: int) -> list[Touch]:
        """Return the changes after the first ``count``, as far as they are kept."""
        new = min(self.count - count, len(self._bids))
        if new <= 0:
            return []
        pairs = zip(self._bids[-new:], self._asks[-new:], strict=True)
        return [(None if isnan(bid) else bid, None if isnan(ask) else ask) for bid, ask in pairs]
