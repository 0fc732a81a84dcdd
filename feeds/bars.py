"""Bars of one interval in the order of time, small in memory, with a record of what changed.

Only the newest bar is an object; older ones are packed in 105 bytes each, since a dashboard that runs for
days holds thousands of them for every instrument.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from math import isclose
from struct import Struct

import msgspec

from mdterm.feeds.events import Candle

SIZED = 1
"""A size is known, so ``volume`` means something."""
SIDED = 2
"""An aggressor is known, so ``buy`` and ``sell`` mean something."""
UNSPLIT = 4
"""Part of the volume came without a split into buys and sells."""
SETTLED = 8
"""The provider's own closed bar: trades change it no more."""
GIVEN = 16
"""The provider's running bar, as it was when asked."""
ESTIMATED = 32
"""Part of the turnover is typical price × volume instead of Σ(price·size)."""

UNKNOWN = -1
"""In place of a time that nobody told."""

_CHANGES_KEPT = 512
_PACKING = Struct("<8d4qB")
_SIZE = _PACKING.size
_RESERVED_FROM = 2
"""Bars from which on there is room for all at once: whoever stays that long stays longer."""


class Bar(msgspec.Struct, gc=False):
    """One bar. ``ts`` is the venue's last change of it; times in ns, UNKNOWN where there is none."""

    open_ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    buy: float
    sell: float
    turnover: float
    first_ts: int
    last_ts: int
    ts: int
    seen: int
    flags: int

    def absorb(self, run: "Bar") -> None:
        """Take in trades that arrived after all that are inside; open and close follow venue time."""
        if run.first_ts < self.first_ts:
            self.first_ts, self.open = run.first_ts, run.open
        if run.last_ts >= self.last_ts:
            self.last_ts, self.close = run.last_ts, run.close
            self.ts = run.last_ts
        if run.high > self.high:
            self.high = run.high
        if run.low < self.low:
            self.low = run.low
        self.volume += run.volume
        self.buy += run.buy
        self.sell += run.sell
        self.turnover += run.turnover
        self.seen = run.seen
        self.flags |= run.flags

    def extend(self, later: "Bar") -> None:
        """Take in the bar that follows in time; only what the whole may inherit passes on."""
        self.close = later.close
        if later.high > self.high:
            self.high = later.high
        if later.low < self.low:
            self.low = later.low
        self.volume += later.volume
        self.buy += later.buy
        self.sell += later.sell
        self.turnover += later.turnover
        self.last_ts, self.ts = later.last_ts, later.ts
        self.seen = max(self.seen, later.seen)
        self.flags |= later.flags & ~(SETTLED | GIVEN)

    def tells_same(self, other: "Bar") -> bool:
        """Whether the figures agree but for the rounding of sums in another order."""
        return (
            (self.open, self.high, self.low, self.close) == (other.open, other.high, other.low, other.close)
            and isclose(self.volume, other.volume, rel_tol=1e-9)
            and isclose(self.buy, other.buy, rel_tol=1e-9, abs_tol=1e-9 * self.volume)
            and isclose(self.sell, other.sell, rel_tol=1e-9, abs_tol=1e-9 * self.volume)
            and not (self.flags ^ other.flags) & (SIZED | SIDED | UNSPLIT)
        )

    def starting(self, open_ts: int) -> "Bar":
        """Return a copy as the first part of a longer bar."""
        return msgspec.structs.replace(self, open_ts=open_ts, flags=self.flags & ~(SETTLED | GIVEN))

    def candle(self, address: str, interval: str, closed: bool) -> Candle:
        """Return the bar as an event."""
        flags = self.flags
        split = flags & SIDED and not flags & UNSPLIT
        return Candle(
            address=address,
            ts=None if self.ts == UNKNOWN else self.ts,
            seen=self.seen,
            interval=interval,
            open_ts=self.open_ts,
            open=self.open,
            high=self.high,
            low=self.low,
            close=self.close,
            volume=self.volume if flags & SIZED else None,
            closed=closed,
            buy=self.buy if split else None,
            sell=self.sell if split else None,
            first_ts=None if self.first_ts == UNKNOWN else self.first_ts,
            last_ts=None if self.last_ts == UNKNOWN else self.last_ts,
        )


def bar_of(candle: Candle, open_ts: int, flags: int) -> Bar:
    """Return a provider's candle as a bar; its turnover is estimated from the typical price."""
    if candle.volume is not None:
        flags |= SIZED | ESTIMATED
        flags |= UNSPLIT if candle.buy is None or candle.sell is None else SIDED
    volume = candle.volume or 0.0
    return Bar(
        open_ts=open_ts,
        open=candle.open,
        high=candle.high,
        low=candle.low,
        close=candle.close,
        volume=volume,
        buy=candle.buy or 0.0,
        sell=candle.sell or 0.0,
        turnover=volume * (candle.high + candle.low + candle.close) / 3,
        first_ts=UNKNOWN if candle.first_ts is None else candle.first_ts,
        last_ts=UNKNOWN if candle.last_ts is None else candle.last_ts,
        ts=UNKNOWN if candle.ts is None else candle.ts,
        seen=candle.seen,
        flags=flags,
    )


class Series:
    """At most ``keep`` bars of one interval and a sixteenth more; keys of 512 changes and an eighth more.

    ``reserves``: after its first bars it takes room for all of them, since columns that grow side by side
    for hours leave holes behind each other, and a program that runs for days needs the room anyway.
    """

    def __init__(self, keep: int, *, reserves: bool = False) -> None:
        self._keep = keep
        self._reserves = reserves
        self._keys = array("q")
        self._packed = bytearray()
        """The bars but the newest in the order of their keys, and room for more."""
        self.newest: Bar | None = None
        """The newest bar itself."""
        self.version = 0
        """Grows with every change."""
        self.dropped_through: int | None = None
        """The newest key that was given up for the bound."""
        self._changed_at, self._changed = array("q"), array("q")
        """Versions that changes made, and the keys of the bars that they changed."""
        self._forgotten = 0

    def __len__(self) -> int:
        """Return how many bars there are."""
        return len(self._keys) + (self.newest is not None)

    def get(self, key: int) -> Bar | None:
        """Return the bar that opened at ``key``; changes of it count only when it is put back."""
        if self.newest is not None and self.newest.open_ts == key:
            return self.newest
        at = bisect_left(self._keys, key)
        if at < len(self._keys) and self._keys[at] == key:
            return Bar(key, *_PACKING.unpack_from(self._packed, at * _SIZE))
        return None

    def put(self, bar: Bar) -> None:
        """Set a bar. A new newest one closes the one before, which counts as a change of it."""
        key, newest = bar.open_ts, self.newest
        if newest is None or key == newest.open_ts:
            self.newest = bar
        elif key > newest.open_ts:
            self._insert(len(self._keys), newest)
            self.newest = bar
            self._log(newest.open_ts)
            self._trim()
        else:
            if self.dropped_through is not None and key <= self.dropped_through:
                return
            at = bisect_left(self._keys, key)
            if at < len(self._keys) and self._keys[at] == key:
                self._packed[at * _SIZE : (at + 1) * _SIZE] = _pack(bar)
            else:
                self._insert(at, bar)
                self._trim()
        self._log(key)

    def mend(self, bar: Bar) -> None:
        """Set a bar; one that tells what is known keeps the times it lacks, and counts as no change."""
        held = self.get(bar.open_ts)
        if held is None or not bar.tells_same(held):
            self.put(bar)
            return
        if bar.last_ts == UNKNOWN:
            bar.first_ts, bar.last_ts, bar.ts = held.first_ts, held.last_ts, held.ts
        bar.seen = held.seen
        if held is self.newest:
            self.newest = bar
        else:
            at = bisect_left(self._keys, bar.open_ts)
            self._packed[at * _SIZE : (at + 1) * _SIZE] = _pack(bar)

    def absorb(self, key: int, run: Bar) -> None:
        """Take trades into the bar that opens at ``key``, unless the provider has settled it."""
        bar = self.newest
        if bar is not None and bar.open_ts == key:
            if not bar.flags & SETTLED:
                bar.absorb(run)
                self._log(key)
            return
        bar = self.get(key)
        if bar is None:
            self.put(msgspec.structs.replace(run, open_ts=key))
        elif not bar.flags & SETTLED:
            bar.absorb(run)
            self.put(bar)

    def changed(self, since: int) -> list[int]:
        """Return the keys of bars that changed after version ``since``, oldest first; all if long ago."""
        if since < self._forgotten:
            keys = self._keys.tolist()
            return keys if self.newest is None else [*keys, self.newest.open_ts]
        return sorted(set(self._changed[bisect_right(self._changed_at, since) :]))

    def last(self, count: int) -> list[Bar]:
        """Return the newest ``count`` bars, oldest first."""
        if self.newest is None or count < 1:
            return []
        end = len(self._keys)
        return [*self._unpack(max(0, end - count + 1), end), self.newest]

    def between(self, start: int, end: int) -> Iterator[Bar]:
        """Yield the bars that opened in ``[start, end)``, oldest first."""
        first = bisect_left(self._keys, start)
        yield from self._unpack(first, bisect_left(self._keys, end, first))
        if self.newest is not None and start <= self.newest.open_ts < end:
            yield self.newest

    def oldest_key(self) -> int | None:
        """Return when the oldest bar opened."""
        if self._keys:
            return self._keys[0]
        return None if self.newest is None else self.newest.open_ts

    def before(self, key: int) -> int | None:
        """Return when the last bar before ``key`` opened."""
        if self.newest is not None and self.newest.open_ts < key:
            return self.newest.open_ts
        at = bisect_left(self._keys, key)
        return self._keys[at - 1] if at else None

    def _log(self, key: int) -> None:
        self.version += 1
        versions, keys = self._changed_at, self._changed
        if keys and keys[-1] == key:
            versions[-1] = self.version
            return
        versions.append(self.version)
        keys.append(key)
        if len(keys) >= _CHANGES_KEPT + _CHANGES_KEPT // 8:
            excess = len(keys) - _CHANGES_KEPT
            self._forgotten = versions[excess - 1]
            del versions[:excess], keys[:excess]

    def _trim(self) -> None:
        # In steps, so that the list is not moved along for every new bar.
        excess = len(self) - self._keep
        if excess >= max(1, self._keep // 16):
            self.dropped_through = self._keys[excess - 1]
            kept = self._packed[excess * _SIZE : len(self._keys) * _SIZE]
            self._packed[: len(kept)] = kept
            del self._keys[:excess]

    def _insert(self, at: int, bar: Bar) -> None:
        count, packed = len(self._keys), self._packed
        if (count + 1) * _SIZE > len(packed):
            room = count + max(16, count // 8)
            if self._reserves and count >= _RESERVED_FROM:
                room = self._keep + self._keep // 16 + 1
            packed += bytes(room * _SIZE - len(packed))
        if at < count:
            packed[(at + 1) * _SIZE : (count + 1) * _SIZE] = packed[at * _SIZE : count * _SIZE]
        packed[at * _SIZE : (at + 1) * _SIZE] = _pack(bar)
        self._keys.insert(at, bar.open_ts)

    def _unpack(self, start: int, end: int) -> Iterator[Bar]:
        """Yield the packed bars from index ``start`` to before ``end``, as they are now."""
        packed = _PACKING.iter_unpack(self._packed[start * _SIZE : end * _SIZE])
        for key, fields in zip(self._keys[start:end], packed, strict=True):
            yield Bar(key, *fields)


def _pack(bar: Bar) -> bytes:
    return _PACKING.pack(*msgspec.structs.astuple(bar)[1:])
