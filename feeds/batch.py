"""A run of trades by column: read out once, so that several sums can be made of it without a loop each."""

from collections.abc import Sequence
from functools import cached_property
from operator import mul

from mdterm.feeds.bars import SIDED, SIZED, Bar
from mdterm.feeds.events import Side, Trade

FEW = 24
"""Trades up to which a loop of one's own is as cheap as columns."""


class Batch:
    """Trades in the order received. Columns have an entry a trade.

    ``is_plain`` while there are more than a few and every time, size and side is known and times never go
    back; ``times``, ``sizes`` and what is made of them may be used only then.
    """

    def __init__(self, trades: Sequence[Trade]) -> None:
        self.trades = trades
        self.is_plain = False
        if len(trades) <= FEW:
            return
        times = [trade.ts for trade in trades]
        sizes = [trade.size for trade in trades]
        self.sides: list[Side | None] = [trade.side for trade in trades]
        if None in times or None in sizes or None in self.sides:
            return
        self.times: list[int] = times  # type: ignore[assignment]  # none is None
        self.sizes: list[float] = sizes  # type: ignore[assignment]  # none is None
        self.prices = [trade.price for trade in trades]
        self.is_plain = self.times == sorted(self.times)

    @cached_property
    def turnovers(self) -> list[float]:
        """Sizes × prices."""
        return list(map(mul, self.prices, self.sizes))

    @cached_property
    def buys(self) -> list[float]:
        """The sizes of buys, and 0.0 for each sell."""
        return [size if side == "buy" else 0.0 for size, side in zip(self.sizes, self.sides, strict=True)]

    @cached_property
    def sells(self) -> list[float]:
        """The sizes of sells, and 0.0 for each buy."""
        return [0.0 if side == "buy" else size for size, side in zip(self.sizes, self.sides, strict=True)]

    def bar(self, start: int, end: int, open_ts: int) -> Bar:
        """Return the trades from index ``start`` to before ``end`` as one bar."""
        prices = self.prices[start:end]
        buy, sell = sum(self.buys[start:end]), sum(self.sells[start:end])
        last = self.times[end - 1]
        return Bar(
            open_ts,
            prices[0],
            max(prices),
            min(prices),
            prices[-1],
            buy + sell,
            buy,
            sell,
            sum(self.turnovers[start:end]),
            self.times[start],
            last,
            last,
            self.trades[end - 1].seen,
            SIZED | SIDED,
        )
