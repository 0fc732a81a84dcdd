"""The tape: the newest trades, prints made of them, liquidations between them, and the exact count.

Trades are counted as they come. Prints are made when somebody looks, and at the latest every 4,096 trades,
so that an instrument nobody looks at costs next to nothing.

Bounds: 30,000 trades, and never more than 5,000 of them older than two minutes; 1,000 liquidations; prints
joined in at most three ways.
"""

from collections import deque
from collections.abc import Sequence

import msgspec

from mdterm.feeds.batch import Batch
from mdterm.feeds.events import Liquidation, Trade
from mdterm.feeds.pace import Pace, Speed
from mdterm.feeds.prints import KEPT, KEPT_CALM, REWIND_NS, Prints
from mdterm.feeds.roll import Roll

LIQUIDATIONS = 1_000
_UNPRINTED = 4_096
_UNASKED_NS = 30_000_000_000
"""Prints that nobody has asked for so long are made anew when somebody does."""


class Forced(msgspec.Struct, frozen=True, gc=False):
    """A liquidation, and the number of the last trade that came before it."""

    after: int
    event: Liquidation


class Tape:
    """What was traded, in the order received."""

    def __init__(self) -> None:
        self.trades = 0
        """Trades received since the start, each once."""
        self.volume = 0.0
        """Their sizes, as far as they are known."""
        self.last: Trade | None = None
        self.direction = 0
        """1 after an uptick, -1 after a downtick, 0 before the first change."""
        self.liquidations: deque[Forced] = deque(maxlen=LIQUIDATIONS)
        self._kept = Roll(KEPT, KEPT_CALM)
        self._fresh: list[Trade] = []
        self._prints: dict[int, Prints] = {}
        self._asked: dict[int, int] = {}
        """When the newest trade was seen (ns) as prints were asked for last; 0 where there was none yet."""
        self._pace = Pace()

    def fold(self, trades: Sequence[Trade], batch: Batch | None = None) -> None:
        """Take trades in, in the order received; ``batch`` holds the same by column."""
        if not trades:
            return
        batch = batch or Batch(trades)
        self._turn(batch.prices if batch.is_plain else [trade.price for trade in trades])
        self.last = trades[-1]
        self.trades += len(trades)
        self.volume += batch.volume if batch.is_plain else sum([trade.size or 0.0 for trade in trades])
        kept = self._kept
        kept.add(batch.kept)
        if self._prints:
            self._keep_up(trades)
        if len(kept) > KEPT_CALM:
            kept.forget(self.last.seen - REWIND_NS)
        oldest, forced = self.trades - len(kept), self.liquidations
        while forced and forced[0].after < oldest:
            forced.popleft()  # what it stood between is gone

    def _keep_up(self, trades: Sequence[Trade]) -> None:
        """Have trades wait to be printed; let prints go that nobody asks for: they take much room."""
        now = trades[-1].seen
        for join_ms, asked in list(self._asked.items()):
            if not asked:
                self._asked[join_ms] = now
            elif asked < now - _UNASKED_NS:
                del self._asked[join_ms]
                self._prints.pop(join_ms, None)
        if not self._prints:
            self._fresh = []
            return
        self._fresh += trades
        if len(self._fresh) >= _UNPRINTED:
            self._print()

    def newest(self, count: int) -> list[Trade]:
        """Return the newest trades received, at most so many, oldest first."""
        return self._kept.last(min(count, self.trades))

    def recall(self, trades: Sequence[Trade]) -> None:
        """Take in what an earlier run had received, before anything else: it stands there, uncounted."""
        if not self.trades and not self._kept:
            self._kept.add(trades[-KEPT_CALM:])
            self._prints.clear()

    def rejoin(self, ts: int) -> None:
        """Let recalled trades of ``ts`` (ns, venue) and later go: the provider tells them once more."""
        if not self.trades and self._kept:
            self._kept.rejoin(ts)
            self._prints.clear()

    def liquidate(self, events: Sequence[Liquidation], after: int) -> None:
        """Take liquidations in; ``after`` is the number of the last trade received before them."""
        self.liquidations.extend(Forced(after, event) for event in events)

    def prints(self, join_ms: int) -> Prints:
        """Return the prints joined within ``join_ms`` (one of JOINS), up to the last trade."""
        self._print()
        self._asked[join_ms] = 0 if self.last is None else self.last.seen
        found = self._prints.get(join_ms)
        if found is None:
            found = self._prints[join_ms] = Prints(join_ms)
            left_out = self.trades - len(self._kept)
            found.take(list(self._kept), left_out + 1)
            if left_out > 0 and found.closed:
                found.closed.popleft()  # it may have begun before what is kept
        return found

    def pace(self, now: float) -> Speed:
        """Return trades and volume a second at ``now`` (s, monotonic)."""
        return self._pace.read(now, self.trades, self.volume)

    def _print(self) -> None:
        fresh = self._fresh
        if fresh:
            self._fresh = []
            first = self.trades - len(fresh) + 1
            for one in self._prints.values():
                one.take(fresh, first)

    def _turn(self, prices: Sequence[float]) -> None:
        """Note the direction of the last change of price."""
        newest = prices[-1]
        for at in range(len(prices) - 2, -1, -1):
            price = prices[at]
            if price != newest:
                self.direction = 1 if newest > price else -1
                return
        if self.last is not None and self.last.price != newest:
            self.direction = 1 if newest > self.last.price else -1
