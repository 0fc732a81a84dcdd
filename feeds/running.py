"""Sums since the session began, minute by minute: what a VWAP line and a CVD line are drawn from.

Kept up with the minutes change by change; as long as they are (14,400).
"""

from array import array
from bisect import bisect_left
from typing import NamedTuple

from mdterm.feeds.bars import SIDED, UNSPLIT, Bar, Series
from mdterm.feeds.intervals import MINUTE, Session, bucket_start


class Sum(NamedTuple):
    """Sums of a session through some minute.

    ``delta`` is buys minus sells since ``delta_from`` (ns): it begins anew behind a minute of which they
    are not known.
    """

    start: int
    turnover: float
    volume: float
    delta: float
    delta_from: int

    @property
    def vwap(self) -> float | None:
        """Return the average price, None where no size is known."""
        return self.turnover / self.volume if self.volume > 0 else None

    def plus(self, bar: Bar, length: int = MINUTE) -> "Sum":
        """Return the sums with a further bar of ``length`` (ns) in them."""
        start, turnover, volume, delta, since = self
        if bar.volume > 0 and (bar.flags & UNSPLIT or not bar.flags & SIDED):
            delta, since = 0.0, bar.open_ts + length
        else:
            delta += bar.buy - bar.sell
        return Sum(start, turnover + bar.turnover, volume + bar.volume, delta, since)


class Running:
    """The sums at the end of every minute, the newest one apart."""

    def __init__(self, session: Session | None = None) -> None:
        self._session = session
        self._synced = -1
        self._minutes: Series | None = None
        self._keys = array("q")
        self._sums: list[Sum] = []

    def sync(self, minutes: Series) -> None:
        """Take in what changed."""
        self._minutes, newest = minutes, minutes.newest
        if newest is None or minutes.version == self._synced:
            return
        changed = minutes.changed(self._synced) if self._synced >= 0 else []
        self._synced = minutes.version
        first = changed[0] if changed else -1
        oldest = minutes.oldest_key()
        if oldest is not None and self._keys and self._keys[0] < oldest:
            gone = bisect_left(self._keys, oldest)
            del self._keys[:gone], self._sums[:gone]
        kept = bisect_left(self._keys, first)
        del self._keys[kept:], self._sums[kept:]
        begin = self._keys[-1] + 1 if self._keys else -1
        for bar in minutes.between(begin, newest.open_ts):
            start = bucket_start(bar.open_ts, "1d", self._session)
            self._sums.append(self._closed(bar.open_ts, start).plus(bar))
            self._keys.append(bar.open_ts)

    def _closed(self, key: int, start: int) -> Sum:
        """Return the sums of the closed minutes before ``key`` in the session that began at ``start``."""
        at = bisect_left(self._keys, key)
        if at and self._keys[at - 1] >= start:
            return self._sums[at - 1]
        return Sum(start, 0.0, 0.0, 0.0, start)

    def before(self, ts: int, within: int) -> Sum:
        """Return the sums of all minutes that opened before ``ts``, of the session that ``within`` is in."""
        start = bucket_start(within, "1d", self._session)
        newest = None if self._minutes is None else self._minutes.newest
        if newest is not None and start <= newest.open_ts < ts:
            return self._closed(newest.open_ts, start).plus(newest)
        return self._closed(ts, start)

    def deltas(self) -> tuple[list[int], list[float]]:
        """Return the newest session's CVD: where each minute began (ns), and its sum at the end of it."""
        newest = None if self._minutes is None else self._minutes.newest
        if newest is None:
            return [], []
        last = self.before(newest.open_ts + 1, newest.open_ts)
        first = bisect_left(self._keys, last.delta_from)
        times, sums = self._keys[first:].tolist(), [one.delta for one in self._sums[first:]]
        if last.delta_from <= newest.open_ts:
            times.append(newest.open_ts)
            sums.append(last.delta)
        return times, sums
