"""Bars of a longer interval, kept up with a shorter one change by change."""

from collections.abc import Iterable
from itertools import groupby

import msgspec

from mdterm.feeds.bars import GIVEN, SETTLED, Bar, Series
from mdterm.feeds.intervals import Session, bucket_end, bucket_start


class Folded:
    """A series whose bars are sums of a parent's bars; the provider's own bars stand before sums."""

    def __init__(self, interval: str, parent: Series, keep: int, session: Session | None) -> None:
        self.series = Series(keep)
        self._interval = interval
        self._parent = parent
        self._session = session
        self._synced = 0
        self._reach: tuple[int | None, int | None] = (None, None)
        # What the running bar was before the parent's newest bar: (bucket, the key it ends before, sum).
        self._closed: tuple[int, int, Bar | None] = (-1, -1, None)

    def sync(self, told_from: int | None, whole_from: int | None, joined_at: int | None) -> None:
        """Take in what changed in the parent, which is whole from ``whole_from`` on.

        The bucket that is cut where the provider's past begins (``told_from``) would tell a wrong open and
        volume and is left out, except where trading was joined (``joined_at``) and while it runs.
        """
        parent, newest = self._parent, self._parent.newest
        if (told_from, whole_from) != self._reach:
            self._reach, self._synced = (told_from, whole_from), -1  # other buckets are whole now
        if newest is None or parent.version == self._synced:
            return
        keys = parent.changed(self._synced)
        self._synced = parent.version
        running = self._start(newest.open_ts)
        for bucket, group in groupby(keys, self._start):
            end = bucket_end(bucket, self._interval, self._session)
            whole = whole_from is not None and whole_from <= bucket
            held = self.series.get(bucket)
            if held is not None and held.flags & (SETTLED if whole else SETTLED | GIVEN):
                continue
            if parent.dropped_through is not None and parent.dropped_through >= bucket:
                continue  # what is left of the parent's bars is less than what was summed
            is_cut = told_from is not None and bucket < told_from < end
            has_joined = joined_at is not None and bucket <= joined_at < end
            if is_cut and bucket != running and not has_joined:
                continue
            first = next(iter(group))
            total = self._run_on(bucket, first) if bucket == running else None
            if total is None:
                total = sum_bars(parent.between(bucket, end), bucket)
            if total is not None and total != held:
                self.series.put(total)

    def _start(self, key: int) -> int:
        return bucket_start(key, self._interval, self._session)

    def _run_on(self, bucket: int, first_changed: int) -> Bar:
        """Return the running bar: what is closed of it is summed once, the newest bar each time."""
        newest = self._parent.newest
        assert newest is not None
        at, before, closed = self._closed
        if at != bucket or first_changed < before:
            before, closed = bucket, None
        if before < newest.open_ts:
            for bar in self._parent.between(before, newest.open_ts):
                if closed is None:
                    closed = bar.starting(bucket)
                else:
                    closed.extend(bar)
        self._closed = (bucket, newest.open_ts, closed)
        total = msgspec.structs.replace(closed) if closed is not None else None
        if total is None:
            return newest.starting(bucket)
        total.extend(newest)
        return total


def sum_bars(bars: Iterable[Bar], open_ts: int) -> Bar | None:
    """Return bars that follow one another as one longer bar."""
    total: Bar | None = None
    for bar in bars:
        if total is None:
            total = bar.starting(open_ts)
        else:
            total.extend(bar)
    return total
