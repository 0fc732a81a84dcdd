"""Trades of one second joined into short bars, so that what is built on them costs nothing per trade."""

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence

from mdterm.feeds.bars import ESTIMATED, SIDED, SIZED, Bar
from mdterm.feeds.batch import Batch
from mdterm.feeds.events import Trade, TradeAgg
from mdterm.feeds.intervals import MINUTE, SECOND

RECENT_TRADES = 20_000
RECENT_SPAN = MINUTE
WAITING_SPAN = 10 * MINUTE
"""How long trades are kept while a backfill is still to come."""


def runs_of(trades: Sequence[Trade]) -> list[Bar]:
    """Join neighbours of one second; ``open_ts`` is the second. Trades without a venue time are left out."""
    runs: list[Bar] = []
    start = end = first = last = flags = 0
    open_ = high = low = close = buy = sell = other = turnover = 0.0
    prior: Trade | None = None
    for trade in trades:
        ts = trade.ts
        if ts is None:
            continue
        price = trade.price
        if start <= ts < end:
            if price > high:
                high = price
            elif price < low:
                low = price
            if ts >= last:
                last, close = ts, price
            elif ts < first:
                first, open_ = ts, price
        else:
            if prior is not None:
                seen, volume = prior.seen, buy + sell + other
                runs.append(
                    Bar(
                        start,
                        open_,
                        high,
                        low,
                        close,
                        volume,
                        buy,
                        sell,
                        turnover,
                        first,
                        last,
                        last,
                        seen,
                        flags,
                    )
                )
            start = ts - ts % SECOND
            end = start + SECOND
            open_ = high = low = close = price
            first = last = ts
            buy = sell = other = turnover = 0.0
            flags = 0
        prior = trade
        size = trade.size
        if size is not None:
            turnover += price * size
            side = trade.side
            if side == "buy":
                buy += size
                flags = SIZED | SIDED
            elif side == "sell":
                sell += size
                flags = SIZED | SIDED
            else:
                other += size
                flags |= SIZED
    if prior is not None:
        seen, volume = prior.seen, buy + sell + other
        runs.append(
            Bar(start, open_, high, low, close, volume, buy, sell, turnover, first, last, last, seen, flags)
        )
    return runs


def seconds_of(batch: Batch) -> list[Bar]:
    """Return the same of a plain batch."""
    times, runs, at = batch.times, [], 0
    while at < len(times):
        start = times[at] - times[at] % SECOND
        end = bisect_left(times, start + SECOND, at)
        runs.append(batch.bar(at, end, start))
        at = end
    return runs


class AggRuns:
    """Turn the provider's joined prints into runs, whether it sends increments or running totals.

    Increments are documented; should two points of one side have the same batch time and grow, they are
    running totals, and only what was added counts.
    """

    def __init__(self) -> None:
        self._before: dict[str | None, TradeAgg] = {}

    def runs_of(self, aggs: Sequence[TradeAgg]) -> list[Bar]:
        """Return one run a point; points without any venue time are left out."""
        runs = []
        for agg in aggs:
            last = agg.last_ts if agg.last_ts is not None else agg.ts
            if last is None:
                continue
            first = min(last, agg.first_ts) if agg.first_ts is not None else last
            open_, high, low, volume = agg.open, agg.high, agg.low, agg.volume
            before = self._before.get(agg.side)
            self._before[agg.side] = agg
            if before is not None and _grows(before, agg):
                first, open_, volume = last, before.close, agg.volume - before.volume
                high = agg.high if agg.high > before.high else max(open_, agg.close)
                low = agg.low if agg.low < before.low else min(open_, agg.close)
            runs.append(
                Bar(
                    open_ts=first - first % SECOND,
                    open=open_,
                    high=high,
                    low=low,
                    close=agg.close,
                    volume=volume,
                    buy=volume if agg.side == "buy" else 0.0,
                    sell=volume if agg.side == "sell" else 0.0,
                    turnover=volume * (high + low + agg.close) / 3,
                    first_ts=first,
                    last_ts=last,
                    ts=last,
                    seen=agg.seen,
                    flags=SIZED | ESTIMATED | (SIDED if agg.side is not None else 0),
                )
            )
        return runs


def _grows(before: TradeAgg, agg: TradeAgg) -> bool:
    """Whether ``agg`` is ``before`` with more in it."""
    return (
        agg.ts is not None
        and agg.ts == before.ts
        and agg.volume >= before.volume
        and agg.open == before.open
        and agg.high >= before.high
        and agg.low <= before.low
        and agg.first_ts == before.first_ts
    )


class RecentTrades:
    """What was traded last, for joining it to a provider's running bar: at most 20,000 trades.

    Kept are those of the newest minute and the one before; ten minutes of them while a backfill is awaited.
    """

    def __init__(self) -> None:
        self.is_backfill_awaited = True
        self._batches: deque[tuple[int, int, Sequence[Trade] | Sequence[Bar]]] = deque()
        self._count = 0
        self._lost_through = -1

    def add(self, oldest: int, newest: int, batch: Sequence[Trade] | Sequence[Bar]) -> None:
        """Keep a batch with the venue times of its oldest and newest entry."""
        batches = self._batches
        batches.append((oldest, newest, batch))
        self._count += len(batch)
        span = WAITING_SPAN if self.is_backfill_awaited else RECENT_SPAN
        floor = newest - newest % MINUTE - span
        while batches and (self._count > RECENT_TRADES or batches[0][1] < floor):
            _, dropped, gone = batches.popleft()
            self._count -= len(gone)
            self._lost_through = max(self._lost_through, dropped)

    def covers(self, ts: int) -> bool:
        """Whether every trade after ``ts`` is still here."""
        return ts >= self._lost_through

    def after(self, ts: int, start: int, end: int) -> list[Bar]:
        """Return the trades of ``[start, end)`` later than ``ts`` as runs, in the order received."""
        runs: list[Bar] = []
        for oldest, newest, batch in self._batches:
            if newest <= ts or newest < start or oldest >= end:
                continue
            trades = []
            for one in batch:
                if isinstance(one, Bar):
                    if one.last_ts > ts and start <= one.first_ts < end:
                        runs.append(one)
                elif one.ts is not None and one.ts > ts and start <= one.ts < end:
                    trades.append(one)
            runs += runs_of(trades)
        return runs
