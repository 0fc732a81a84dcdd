"""Candles of one instrument: cut from its trades, mended by the provider's own bars, folded to any interval.

Bars are cut by venue time alone. A late trade goes into the bar it belongs to; open and close follow
(venue time, arrival). Bounds, each with a sixteenth more before it is cut back: 3,600 bars of 1 s (an hour
without a pause), 14,400 of 1 m (ten days), 5,000 of every other interval asked for. Beside them 64 gaps, and
the trades of the newest two minutes (ten while a backfill is awaited), at most 20,000.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from mdterm.feeds.bars import ESTIMATED, GIVEN, SETTLED, SIZED, Bar, Series, bar_of
from mdterm.feeds.batch import Batch
from mdterm.feeds.events import Candle, Trade, TradeAgg
from mdterm.feeds.folded import Folded, sum_bars
from mdterm.feeds.gaps import Gaps
from mdterm.feeds.intervals import (
    LENGTHS,
    MINUTE,
    PARENTS,
    SECOND,
    Session,
    bucket_end,
    bucket_start,
    parent_of,
)
from mdterm.feeds.running import Running
from mdterm.feeds.runs import AggRuns, RecentTrades, runs_of, seconds_of

SECOND_BARS = 3_600
MINUTE_BARS = 14_400
FOLDED_BARS = 5_000
SETTLE = 5 * SECOND
"""How far the provider must be past a bar's end before its own bar of it is the last word."""

Source = Literal["trade", "trade_agg"]


class Sums(msgspec.Struct, frozen=True):
    """Sums from ``anchor`` (ns) through ``last_ts``; what is not known is None.

    Volume, buys and sells are exact, since the provider's bars carry them. No bar carries a turnover:
    where one stands for trades that were not seen, its typical price (H+L+C)/3 stands in, and
    ``is_vwap_estimated`` tells it (the screen writes ``~``). ``complete`` is False while trades since the
    anchor may be missing. A trade after ``last_ts`` is not in the sums yet.
    """

    anchor: int
    volume: float | None
    buys: float | None
    sells: float | None
    vwap: float | None
    is_vwap_estimated: bool
    last_ts: int | None
    complete: bool

    @property
    def cvd(self) -> float | None:
        """Return buys minus sells since the anchor."""
        return None if self.buys is None or self.sells is None else self.buys - self.sells


def sums_of(candles: Sequence[Candle], anchor: int) -> Sums:
    """Return the sums of a provider's bars since ``anchor``; complete if the bars reach back to it."""
    bars = sorted((bar_of(one, one.open_ts, GIVEN) for one in candles), key=lambda bar: bar.open_ts)
    total = sum_bars((bar for bar in bars if bar.open_ts >= anchor), anchor)
    return _sums(total, anchor, bool(bars) and bars[0].open_ts <= anchor)


def _sums(total: Bar | None, anchor: int, complete: bool) -> Sums:
    if total is None:
        return Sums(anchor, None, None, None, None, False, None, complete)
    bar = total.candle("", "1d", closed=False)
    vwap = total.turnover / total.volume if total.volume > 0 else None
    estimated = bool(total.flags & ESTIMATED)
    return Sums(anchor, bar.volume, bar.buy, bar.sell, vwap, estimated, bar.last_ts, complete)


class CandleStore:
    """The bars of one instrument, fed by exactly one counted source."""

    def __init__(self, address: str, source: Source = "trade", session: Session | None = None) -> None:
        self.address = address
        self.source = source
        self.session = session
        self.gaps = Gaps()
        self.newest_ts: int | None = None
        """The newest venue time among the trades (ns)."""
        self.joined_at: int | None = None
        """Venue time (ns) from which on every trade was seen, interruptions apart."""
        self._base = {"1s": Series(SECOND_BARS, reserves=True), "1m": Series(MINUTE_BARS)}
        self._folded: dict[str, Folded] = {}
        self._told_from: dict[str, int] = {}
        # The provider's bars that trades still add to, by key: what it had told when it was asked.
        self._running: dict[int, Bar] = {}
        self._recent = RecentTrades()
        self._aggs = AggRuns()
        self._running_sums = Running(session)

    # Trades come in.

    def fold(self, trades: Sequence[Trade], batch: Batch | None = None) -> None:
        """Take trades in, in the order received, each once. Left out where trade_agg is the source.

        ``batch`` holds the same trades by column.
        """
        if self.source == "trade":
            batch = batch or Batch(trades)
            self._take(seconds_of(batch) if batch.is_plain else runs_of(trades), batch.kept)

    def fold_aggs(self, aggs: Sequence[TradeAgg]) -> None:
        """Take the provider's joined prints in. Left out where trade is the source."""
        if self.source == "trade_agg":
            runs = self._aggs.runs_of(aggs)
            self._take(runs, [msgspec.structs.replace(run) for run in runs])

    def interrupted(self) -> None:
        """Say that the link was lost: trades after the newest one may be missing."""
        if self.newest_ts is not None:
            self.gaps.begin(self.newest_ts)
            self._recent.is_backfill_awaited = True

    def missed(self, start: int, end: int) -> None:
        """Say that trades between two times (ns) may be missing though the link was not lost."""
        self.gaps.missed(start, end)
        self._recent.is_backfill_awaited = True

    def bridged(self) -> None:
        """Say that the link is back and that nothing was missed."""
        self.gaps.bridge()
        self._recent.is_backfill_awaited = bool(self.gaps.current)

    def _take(self, runs: list[Bar], batch: Sequence[Trade] | Sequence[Bar]) -> None:
        if not runs:
            return
        seconds, minutes, running = self._base["1s"], self._base["1m"], self._running
        oldest, newest = runs[0].first_ts, runs[0].last_ts
        straddled = set()
        for run in runs:
            oldest, newest = min(oldest, run.first_ts), max(newest, run.last_ts)
            if self.gaps.is_open:
                self.gaps.saw(run.first_ts)
                self.gaps.saw(run.last_ts)
            minute = run.open_ts - run.open_ts % MINUTE
            told = running.get(minute)
            if told is None or run.first_ts > told.last_ts:
                minutes.absorb(minute, run)
            elif run.last_ts > told.last_ts:
                straddled.add(minute)
            seconds.absorb(run.open_ts, run)
        if self.joined_at is None:
            self.joined_at = runs[0].last_ts
        self.newest_ts = newest if self.newest_ts is None else max(newest, self.newest_ts)
        self._recent.add(oldest, newest, batch)
        for minute in straddled:
            self._run_on(running[minute])

    def _run_on(self, told: Bar) -> bool:
        """Set a minute to what the provider told of it and the trades after; False if those are gone."""
        if not self._recent.covers(told.last_ts):
            return False
        bar = msgspec.structs.replace(told)
        start = bar.open_ts
        for run in self._recent.after(told.last_ts, start, start + MINUTE):
            bar.absorb(run)
        self._base["1m"].mend(bar)
        return True

    # The provider's bars come in.

    def merge(self, candles: Sequence[Candle], since: int | None = None) -> bool:
        """Take the provider's bars of one interval in, in any order; return whether anything changed.

        ``since`` (ns) is the start of the range asked for, by default the oldest bar. A settled bar
        replaces ours; one that may still grow is joined with the trades after its ``last_ts``. Bars
        shorter than a minute come from trades alone: ValueError.
        """
        if not candles:
            return False
        interval = candles[0].interval
        if LENGTHS[interval] < MINUTE:
            raise ValueError(f"bars of {interval} come from trades alone")
        series = self._level(interval)
        before = series.version
        told = max(one.open_ts if one.last_ts is None else one.last_ts for one in candles)
        start = min(one.open_ts for one in candles)
        start = start if since is None else min(start, since)
        self._told_from[interval] = min(start, self._told_from.get(interval, start))
        until = told
        for candle in sorted(candles, key=lambda one: one.open_ts):
            key = bucket_start(candle.open_ts, interval, self.session)
            end = bucket_end(key, interval, self.session)
            if candle.closed and (candle.last_ts is None or told >= end + SETTLE):
                self._settle(series, candle, key, end)
            elif interval != "1m":
                if not self._is_whole(parent_of(interval, self.session), key):
                    series.mend(bar_of(candle, key, GIVEN))
            elif not self._join(series, candle, key):
                until = min(until, key)
        if interval == "1m":
            self.gaps.cover(start, until)
            self._recent.is_backfill_awaited = bool(self.gaps.current)
            for key in sorted(self._running)[:-2]:
                del self._running[key]
        return series.version != before

    def _settle(self, series: Series, candle: Candle, key: int, end: int) -> None:
        """Take in a bar that is the provider's last word."""
        bar, held = bar_of(candle, key, SETTLED), series.get(key)
        if held is not None and not held.flags & ESTIMATED and held.volume > 0 and self.has_seen(key, end):
            # We saw these trades: their own average price is better than the typical one.
            bar.turnover = held.turnover * (bar.volume / held.volume)
            bar.flags &= ~ESTIMATED
        if series is self._base["1m"]:
            self._running.pop(key, None)
        series.mend(bar)

    def _join(self, minutes: Series, candle: Candle, key: int) -> bool:
        """Take in a bar of a minute that may still grow; False if it cannot be joined with ours exactly."""
        told, held = bar_of(candle, key, GIVEN), minutes.get(key)
        if held is not None and held.flags & SETTLED:
            return True
        seen_whole = (
            self.joined_at is not None and self.joined_at <= key and not self.gaps.broke(key, key + MINUTE)
        )
        if candle.last_ts is None:
            # Which trades are inside cannot be told: ours are exact if we saw them all.
            if held is None or not seen_whole:
                minutes.mend(told)
            return True
        known = self._running.get(key)
        if known is not None and known.last_ts > told.last_ts:
            return True
        if self._run_on(told):
            self._running[key] = told
            return True
        # The trades after it are gone. Ours lacks nothing if it was joined before or seen whole.
        if held is None or (known is None and not seen_whole and held.volume < told.volume):
            minutes.mend(told)
        return False

    # Bars go out.

    def candles(self, interval: str, count: int) -> list[Candle]:
        """Return the newest ``count`` bars, oldest first; all but the newest are closed."""
        bars = self._level(interval).last(count)
        return [one.candle(self.address, interval, one is not bars[-1]) for one in bars]

    def series(self, interval: str) -> Series:
        """Return all bars of an interval, to be read."""
        return self._level(interval)

    def running(self) -> Running:
        """Return the session's sums by minute, as they are now."""
        self._running_sums.sync(self._base["1m"])
        return self._running_sums

    def closes(self, interval: str, count: int) -> list[float]:
        """Return the newest ``count`` closes, oldest first."""
        return [bar.close for bar in self._level(interval).last(count)]

    def version(self, interval: str) -> int:
        """Return a number that grows with every change of the interval's bars."""
        return self._level(interval).version

    def changed(self, interval: str, since: int = 0) -> tuple[int, list[Candle]]:
        """Return the version, and the bars that changed after version ``since``, oldest first.

        That a later bar appeared changes the one before: it comes once more, closed. So does a closed bar
        that a late trade or the provider corrected.
        """
        series = self._level(interval)
        newest, found = series.newest, []
        for key in series.changed(since):
            bar = series.get(key)
            if bar is not None:
                found.append(bar.candle(self.address, interval, bar is not newest))
        return series.version, found

    def covered_from(self, interval: str) -> int | None:
        """Return from when on (ns) the bars of an interval are whole, None while there are none."""
        return self._reaches_back(interval, self.joined_at)

    def sums(self, anchor: int | None = None) -> Sums | None:
        """Return the sums of a day, by default the newest; ``anchor`` is when the day begins (ns)."""
        days = self._level("1d")
        if anchor is None:
            if days.newest is None:
                return None
            anchor = days.newest.open_ts
        bar = days.get(anchor)
        end = bucket_end(anchor, "1d", self.session)
        missing = any(start < end and (stop is None or stop > anchor) for start, stop in self.gaps.current)
        given = bar is not None and bool(bar.flags & (SETTLED | GIVEN))
        return _sums(
            bar, anchor, not missing and (given or self._is_whole(parent_of("1d", self.session), anchor))
        )

    def has_seen(self, start: int, end: int) -> bool:
        """Whether every trade of ``[start, end)`` came over the link: no backfill, no interruption."""
        return (
            self.joined_at is not None
            and self.newest_ts is not None
            and self.joined_at <= start
            and self.newest_ts >= end
            and not self.gaps.broke(start, end)
        )

    def received(self, start: int, end: int) -> float | None:
        """Return the volume that came over the link in ``[start, end)`` (whole seconds), None if unknown."""
        seconds = self._base["1s"]
        if seconds.dropped_through is not None and seconds.dropped_through >= start:
            return None
        bars = list(seconds.between(start, end))
        if bars and not any(bar.flags & SIZED for bar in bars):
            return None
        return sum(bar.volume for bar in bars)

    def _reaches_back(self, interval: str, joined: int | None) -> int | None:
        starts = [self._told_from[interval]] if interval in self._told_from else []
        inner = joined
        if interval in PARENTS:
            inner = self._reaches_back(parent_of(interval, self.session), joined)
        if inner is not None:
            start = bucket_start(inner, interval, self.session)
            starts.append(start if start == inner else bucket_end(start, interval, self.session))
        return min(starts, default=None)

    def _is_whole(self, interval: str, key: int) -> bool:
        start = self.covered_from(interval)
        return start is not None and start <= key

    def _level(self, interval: str) -> Series:
        base = self._base.get(interval)
        if base is not None:
            return base
        parent = parent_of(interval, self.session)
        series = self._level(parent)
        folded = self._folded.get(interval)
        if folded is None:
            folded = self._folded[interval] = Folded(interval, series, FOLDED_BARS, self.session)
        folded.sync(self._reaches_back(parent, None), self.covered_from(parent), self.joined_at)
        return folded.series
