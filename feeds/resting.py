"""What was added to a book and what was taken away, per price, apart from what was traded.

Stacked is positive and pulled negative, summed from ``since`` on: a flash is over before an eye has found
it. Between two looks at the book a price's change is its new size minus its old one plus what was traded
there; so at any price initial size + changes − traded = resting size, whatever order trades and books come
in. Only prices that both books reach are compared: a level that leaves the last of 50 was not pulled.
Bounds: 16,384 prices a side, the nearest to the touch are kept.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from mdterm.feeds.events import Book, Trade
from mdterm.feeds.grid import row_of

MOST_PRICES: Final = 16_384
_DIGITS: Final = 10
"""Decimals that sizes have at most; what is finer is the dust of adding floats."""


class _Side:
    """The resting sizes of one side by tick, and what became of them."""

    def __init__(self, *, is_ask: bool) -> None:
        self.is_ask = is_ask
        self.changes: dict[int, float] = {}
        self.sizes: dict[int, float] | None = None
        """The side as it was looked at last; None where there is nothing to compare with."""
        self.traded: dict[int, float] = {}

    def look(self, prices: Sequence[float], sizes: Sequence[float | None], tick: float) -> None:
        new: dict[int, float] = {}
        is_ask = self.is_ask
        for price, size in zip(prices, sizes, strict=True):
            if size is None:  # not published: nothing can be said of this side
                self.forget()
                return
            at = row_of(price, tick, 1, up=is_ask)
            new[at] = new.get(at, 0.0) + size
        old, traded = self.sizes, self.traded
        self.sizes, self.traded = new, {}
        if not old or not new:
            return  # an emptied side is one that is not known
        edge = min(max(old), max(new)) if is_ask else max(min(old), min(new))
        # Most levels are as they were.
        differing = {at for at, _ in old.items() ^ new.items()}
        for at in differing | traded.keys():
            if at > edge if is_ask else at < edge:
                continue
            change = new.get(at, 0.0) - old.get(at, 0.0) + traded.get(at, 0.0)
            if change:
                total = round(self.changes.get(at, 0.0) + change, _DIGITS)
                if total:
                    self.changes[at] = total
                else:
                    self.changes.pop(at, None)
        self._bound(new)

    def forget(self) -> None:
        """Have nothing to compare the next book with."""
        self.sizes, self.traded = None, {}

    def _bound(self, new: Mapping[int, float]) -> None:
        if len(self.changes) > MOST_PRICES:
            touch = min(new) if self.is_ask else max(new)
            near = sorted(self.changes, key=lambda at: abs(at - touch))[: MOST_PRICES // 2]
            self.changes = {at: self.changes[at] for at in near}


class Resting:
    """Pulled and stacked size of one instrument's book by price in ticks of ``tick``."""

    def __init__(self, tick: float) -> None:
        self.tick = tick
        self.since: int | None = None
        """When it was begun to look (ns, wall clock)."""
        self._bids, self._asks = _Side(is_ask=False), _Side(is_ask=True)
        self._book: Book | None = None

    @property
    def bids(self) -> Mapping[int, float]:
        """Stacked (positive) and pulled (negative) bids by tick."""
        return self._bids.changes

    @property
    def asks(self) -> Mapping[int, float]:
        """Stacked (positive) and pulled (negative) asks by tick."""
        return self._asks.changes

    def trade(self, trades: Sequence[Trade]) -> None:
        """Take trades in: a sell takes from the bid, a buy from the ask, else whichever rests there."""
        bids, asks, tick = self._bids, self._asks, self.tick
        for trade in trades:
            size, side = trade.size, trade.side
            if not size:
                continue
            if side is None:
                at = row_of(trade.price, tick, 1, up=False)
                side = "sell" if at in (bids.sizes or ()) else "buy"
            one = asks if side == "buy" else bids
            at = row_of(trade.price, tick, 1, up=one.is_ask)
            one.traded[at] = one.traded.get(at, 0.0) + size
        for one in (bids, asks):
            if len(one.traded) > MOST_PRICES:  # nobody has looked for long
                one.forget()

    def look(self, book: Book) -> None:
        """Compare a book with the one looked at before; every trade received must have been taken in."""
        if book is self._book:
            return
        if self.since is None:
            self.since = book.seen
        self._book = book
        self._bids.look(book.bid_prices, book.bid_sizes, self.tick)
        self._asks.look(book.ask_prices, book.ask_sizes, self.tick)

    def interrupt(self) -> None:
        """Compare nothing over a gap: what was traded in it is not known. The sums stay."""
        self._book = None
        self._bids.forget()
        self._asks.forget()
