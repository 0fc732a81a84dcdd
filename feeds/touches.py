"""Best bids and offers in their order, for what must not depend on when somebody looks."""

from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Final

from mdterm.feeds.events import Book

Touch = tuple[float | None, float | None]
"""Best bid and best ask, None where there is none."""

MOST: Final = 4_096
"""Touches kept at most, the newest."""


class Touches:
    """What the touch of a market was since somebody first asked, each change once."""

    def __init__(self) -> None:
        self.count = 0
        """Changes so far, those among them that are no longer kept."""
        self._kept: deque[Touch] = deque(maxlen=MOST)
        self._newest: Touch = (None, None)

    def take(self, books: Sequence[Book]) -> None:
        """Note the touch of each book."""
        for book in books:
            bids, asks = book.bid_prices, book.ask_prices
            touch = (bids[0] if bids else None, asks[0] if asks else None)
            if touch != self._newest:
                self._newest = touch
                self._kept.append(touch)
                self.count += 1

    def since(self, count: int) -> list[Touch]:
        """Return the changes after the first ``count``, as far as they are kept."""
        new = min(self.count - count, len(self._kept))
        return list(islice(self._kept, len(self._kept) - new, None)) if new > 0 else []
