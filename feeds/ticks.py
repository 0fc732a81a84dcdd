"""Bars of so many trades each, cut in the order received.

Bounds: 1,500 bars of every size (and a sixteenth more before they are cut back), so 150,000 trades in bars
of 100 and ten times as many in bars of 1,000; 512 trades that wait to be counted. Counting begins with the
first trade received; the bars before it cannot be had, since no provider tells trades of the past.
"""

from collections.abc import Sequence

import msgspec

from mdterm.feeds.bars import SIDED, SIZED, UNSPLIT, Bar, Series
from mdterm.feeds.batch import Batch
from mdterm.feeds.events import Trade
from mdterm.feeds.intervals import TICK_SIZES

KEPT = 1_500
_GRAIN = min(TICK_SIZES.values())
"""Every size is a multiple of this."""
_MANY = 512


class Ticks:
    """The tick bars of one instrument. Their ``open_ts`` only grow, so that they can stand for the bar."""

    def __init__(self) -> None:
        self._whole_from: int | None = None
        self._pending: list[Trade] = []
        """Trades that wait: most tick bars are never looked at, and many at once are cheaper."""
        self._series = {name: Series(KEPT, reserves=True) for name in TICK_SIZES}
        self._held = dict.fromkeys(TICK_SIZES, 0)
        """Trades in the newest bar, by interval."""
        self._is_cut = True

    def fold(self, trades: Sequence[Trade], batch: Batch | None = None) -> None:
        """Take trades in, in the order received, each once; ``batch`` holds the same by column."""
        if batch is not None and batch.is_plain:
            self._catch_up()
            self._take(batch)
            return
        self._pending += trades
        if len(self._pending) >= _MANY:
            self._catch_up()

    def _catch_up(self) -> None:
        trades, self._pending = self._pending, []
        if trades:
            self._take(Batch(trades))

    def _take(self, batch: Batch) -> None:
        trades = batch.trades
        at, grain = 0, next(iter(self._held))
        while at < len(trades):
            # No run goes over the end of a bar of any size.
            end = min(at + _GRAIN - self._held[grain] % _GRAIN, len(trades))
            bar = batch.bar(at, end, batch.times[at]) if batch.is_plain else bar_of_trades(trades[at:end])
            if self._is_cut:
                self._whole_from, self._is_cut = bar.open_ts, False
            for name in TICK_SIZES:
                self._add(name, bar, end - at)
            at = end

    def _add(self, name: str, run: Bar, trades: int) -> None:
        series, held = self._series[name], self._held[name]
        newest = series.newest
        if newest is None or held == 0:
            start = run.open_ts if newest is None else max(run.open_ts, newest.open_ts + 1)
            series.put(msgspec.structs.replace(run, open_ts=start))
        else:
            newest.extend(run)
            series.put(newest)
        self._held[name] = (held + trades) % TICK_SIZES[name]

    def interrupted(self) -> None:
        """Say that trades may be missing now: the bars before stand, and the next trade begins a bar."""
        self._catch_up()
        self._held = dict.fromkeys(TICK_SIZES, 0)
        self._is_cut = True

    @property
    def whole_from(self) -> int | None:
        """Since when no trade is missing (ns): the first one, or the first after the link was lost."""
        self._catch_up()
        return self._whole_from

    def series(self, interval: str) -> Series:
        """Return the bars of one size, up to the last trade taken in."""
        self._catch_up()
        return self._series[interval]


def bar_of_trades(trades: Sequence[Trade]) -> Bar:
    """Return trades, at least one, as one bar in the order given."""
    first, last = trades[0], trades[-1]
    start = first.seen if first.ts is None else first.ts
    end = last.seen if last.ts is None else last.ts
    prices = [trade.price for trade in trades]
    buy = sell = other = turnover = 0.0
    flags = 0
    for trade in trades:
        size = trade.size
        if size is None:
            continue
        turnover += trade.price * size
        if trade.side == "buy":
            buy += size
            flags |= SIZED | SIDED
        elif trade.side == "sell":
            sell += size
            flags |= SIZED | SIDED
        else:
            other += size
            flags |= SIZED | UNSPLIT
    return Bar(
        open_ts=start,
        open=prices[0],
        high=max(prices),
        low=min(prices),
        close=prices[-1],
        volume=buy + sell + other,
        buy=buy,
        sell=sell,
        turnover=turnover,
        first_ts=start,
        last_ts=end,
        ts=end,
        seen=last.seen,
        flags=flags,
    )
