"""Trades of one second joined into short bars, so that what is built on them costs nothing per trade."""

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from math import isnan, nan
from struct import Struct
from typing import TypeGuard

from mdterm.feeds.bars import ESTIMATED, SIDED, SIZED, Bar
from mdterm.feeds.batch import FEW, Batch
from mdterm.feeds.burst import Burst
from mdterm.feeds.events import Side, Trade, TradeAgg
from mdterm.feeds.intervals import MINUTE, SECOND

RECENT_TRADES = 20_000
RECENT_SPAN = MINUTE
WAITING_SPAN = 10 * MINUTE
"""How long trades are kept while a backfill is still to come."""
_CHUNK = 512
_TRADE = Struct("<2q2dB")
_SIDES: tuple[Side | None, ...] = (None, "buy", "sell")


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


class _Packed:
    """Trades in the order received, in 33 bytes each; the provider's joined prints as they are."""

    def __init__(self) -> None:
        self.oldest = self.newest = 0
        """Venue times (ns)."""
        self._figures = bytearray()
        self._bars: list[Bar] = []
        self._burst: Burst | None = None

    def __len__(self) -> int:
        if self._burst is not None:
            return len(self._burst)
        return len(self._figures) // _TRADE.size + len(self._bars)

    def is_full(self) -> bool:
        return self._burst is not None or len(self) >= _CHUNK

    def add(self, oldest: int, newest: int, batch: Sequence[Trade] | Sequence[Bar]) -> None:
        self.oldest, self.newest = min(oldest, self.oldest or oldest), max(newest, self.newest)
        if _is_packed(batch):
            self._burst = batch
            return
        for one in batch:
            if isinstance(one, Bar):
                self._bars.append(one)
            elif one.ts is not None:
                size = nan if one.size is None else one.size
                self._figures += _TRADE.pack(one.ts, one.seen, one.price, size, _SIDES.index(one.side))

    def unpacked(self) -> Sequence[Trade] | Sequence[Bar]:
        if self._burst is not None:
            return self._burst
        if self._bars:
            return self._bars
        return [
            Trade("", ts, seen, None, price, None if isnan(size) else size, _SIDES[side])
            for ts, seen, price, size, side in _TRADE.iter_unpack(self._figures)
        ]


def _is_packed(batch: Sequence[Trade] | Sequence[Bar]) -> TypeGuard[Burst]:
    """Whether a batch is packed as it is; many small ones are smaller together."""
    return isinstance(batch, Burst) and len(batch) > FEW


def _after(batch: Sequence[Trade] | Sequence[Bar], ts: int, start: int, end: int) -> list[Bar]:
    """Return what of a batch is of ``[start, end)`` and later than ``ts``."""
    runs: list[Bar] = []
    trades: list[Trade] = []
    for one in batch:
        if isinstance(one, Bar):
            if one.last_ts > ts and start <= one.first_ts < end:
                runs.append(one)
        elif one.ts is not None and one.ts > ts and start <= one.ts < end:
            trades.append(one)
    return runs + runs_of(trades)


class RecentTrades:
    """What was traded last, for joining it to a provider's running bar: at most 20,000 trades.

    Kept are those of the newest minute and the one before; ten minutes of them while a backfill is awaited,
    the older ones packed: the tape has let them go, and most providers never ask for them again.
    """

    def __init__(self) -> None:
        self.is_backfill_awaited = True
        self._batches: deque[tuple[int, int, Sequence[Trade] | Sequence[Bar]]] = deque()
        self._packed: deque[_Packed] = deque()
        self._count = 0
        self._lost_through = -1

    def add(self, oldest: int, newest: int, batch: Sequence[Trade] | Sequence[Bar]) -> None:
        """Keep a batch with the venue times of its oldest and newest entry."""
        batches, packed = self._batches, self._packed
        batches.append((oldest, newest, batch))
        self._count += len(batch)
        minute = newest - newest % MINUTE
        while batches and batches[0][1] < minute - RECENT_SPAN:
            began, ended, gone = batches.popleft()
            if not self.is_backfill_awaited:
                self._lose(ended, len(gone))
                continue
            if not packed or packed[-1].is_full() or _is_packed(gone):
                packed.append(_Packed())
            had = len(packed[-1])
            packed[-1].add(began, ended, gone)
            self._count -= len(gone) - (len(packed[-1]) - had)
        span = WAITING_SPAN if self.is_backfill_awaited else RECENT_SPAN
        while packed and (self._count > RECENT_TRADES or packed[0].newest < minute - span):
            self._lose(packed[0].newest, len(packed[0]))
            packed.popleft()
        while batches and self._count > RECENT_TRADES:
            _, ended, gone = batches.popleft()
            self._lose(ended, len(gone))

    def covers(self, ts: int) -> bool:
        """Whether every trade after ``ts`` is still here."""
        return ts >= self._lost_through

    def after(self, ts: int, start: int, end: int) -> list[Bar]:
        """Return the trades of ``[start, end)`` later than ``ts`` as runs, in the order received."""
        runs: list[Bar] = []
        for one in self._packed:
            if one.newest > ts and one.newest >= start and one.oldest < end:
                runs += _after(one.unpacked(), ts, start, end)
        for oldest, newest, batch in self._batches:
            if newest > ts and newest >= start and oldest < end:
                runs += _after(batch, ts, start, end)
        return runs

    def _lose(self, newest: int, count: int) -> None:
        self._count -= count
        self._lost_through = max(self._lost_through, newest)
