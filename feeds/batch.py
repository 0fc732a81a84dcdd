"""A run of trades by column: read out once, so that several sums can be made of it without a loop each."""

from collections.abc import Sequence
from functools import cached_property
from operator import mul

from mdterm.feeds.bars import SIDED, SIZED, Bar
from mdterm.feeds.burst import burst_of
from mdterm.feeds.events import Trade

FEW = 24
"""Trades up to which a loop of one's own is as cheap as columns."""
_SMALL = 2
"""Trades up to which trades are as small as columns of them."""


class Batch:
    """Trades in the order received. Columns have an entry a trade.

    ``is_plain`` while there are more than a few, every time, size and side is known and times never go
    back; only then the columns and what is made of them may be used. ``volume`` is the sum of the sizes.
    ``kept`` are the same trades in as little memory as they can be kept in.
    """

    def __init__(self, trades: Sequence[Trade]) -> None:
        self.trades = trades
        self.is_plain = False
        burst = burst_of(trades) if len(trades) > FEW else None
        self._burst = burst
        if burst is None:
            return
        self.times, self.prices, self.sizes, self.sides = burst.times, burst.prices, burst.sizes, burst.sides
        self.volume = sum(burst.sizes)
        self.is_plain = burst.times == sorted(burst.times)

    @cached_property
    def kept(self) -> Sequence[Trade]:
        """The trades, for keeping."""
        burst = self._burst or (burst_of(self.trades) if len(self.trades) > _SMALL else None)
        return tuple(self.trades) if burst is None else burst.packed()

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
        assert self._burst is not None
        prices = self.prices[start:end]
        volume, buy = sum(self.sizes[start:end]), sum(self.buys[start:end])
        last = self.times[end - 1]
        return Bar(
            open_ts,
            prices[0],
            max(prices),
            min(prices),
            prices[-1],
            volume,
            buy,
            volume - buy,  # 0.0 where all are buys: both are sums of the same numbers then
            sum(self.turnovers[start:end]),
            self.times[start],
            last,
            last,
            self._burst.seens[end - 1],
            SIZED | SIDED,
        )
