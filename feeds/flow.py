"""What was traded at the bid and at the ask, per price: in sliding windows and since the day began.

A sell hits the bid and a buy takes the ask. Prices are integer ticks, converted once. Bounds: 65,536
(100 ms, price, side) entries for the windows; 65,536 (price, side) sums for the session, whose step
becomes ten times as wide when they are used up; 1,024 remembered prices; four bucketings of the session.
Of all of it 16 bytes an entry.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from mdterm.feeds.batch import Batch
from mdterm.feeds.burst import Burst
from mdterm.feeds.events import Trade
from mdterm.feeds.intervals import FLOW_WINDOWS, MINUTE, SECOND, Session, bucket_end, bucket_start
from mdterm.feeds.keyed import Keyed
from mdterm.feeds.windows import Windows

SLOT = SECOND // 10
"""The grain of the windows: as fine as the screen's beat."""
SESSION_KEYS = 65_536
_REMEMBERED_PRICES = 1_024
_HIGHEST = 1 << 60
"""Ticks that a price has at most, so that its key has 64 bits; prices beyond stand there."""
_BUCKETINGS = 4
_UNASKED = MINUTE
"""Venue time (ns) after which a bucketing that nobody asks for is kept up no more."""
_DIGITS = 10
"""Decimals that sizes have at most; what is finer is the dust of subtracting floats."""

# A key is a price in ticks and the aggressor in its two lowest bits.
_BUY, _SELL, _NEUTRAL = 0, 1, 2


class Column(NamedTuple):
    """Sizes traded at the bid and at the ask, one entry a row from the top down; 0.0 is nothing."""

    sells: list[float]
    buys: list[float]


class Buckets(dict[int, list[float]]):
    """The session by bucket of ``ticks`` ticks, ``[buys, sells, neutral]``, and which hold the most."""

    def __init__(self, ticks: int) -> None:
        super().__init__()
        self._ticks = ticks
        self._most = 0.0
        self._fullest: list[int] = []
        self._low = self._high = 0

    def pour(self, sums: Mapping[int, float]) -> None:
        """Add sizes by key."""
        ticks = self._ticks
        for key, size in sums.items():
            bucket = (key >> 2) // ticks
            cell = self.get(bucket)
            if cell is None:
                self._low = min(self._low, bucket) if self else bucket
                self._high = max(self._high, bucket) if self else bucket
                cell = self[bucket] = [0.0, 0.0, 0.0]
            cell[key & 3] += size
            # Volume only grows: whoever has the most was touched last.
            total = cell[0] + cell[1] + cell[2]
            if total > self._most:
                self._most, self._fullest = total, [bucket]
            elif total == self._most and bucket not in self._fullest:
                self._fullest.append(bucket)

    @property
    def poc(self) -> int | None:
        """The bucket with most volume; at a tie the nearest to the middle of the range, then the higher."""
        middle = (self._low + self._high) / 2
        return min(self._fullest, key=lambda bucket: (abs(bucket - middle), -bucket), default=None)


class Flow:
    """Traded size by price tick and aggressor."""

    def __init__(self, tick: float, session: Session | None = None, session_keys: int = SESSION_KEYS) -> None:
        self.tick = tick
        self.anchor: int | None = None
        """When the session began (ns)."""
        self.version = 0
        """Grows with every change."""
        self.session_step = 1
        """Width of the session's prices in ticks."""
        self.known_from: int | None = None
        """Venue time (ns) from which on the windows hold every trade: the first one, or the last reset."""
        self.marked_at: int | None = None
        """Venue time (ns) from which on the session's columns sum, where they were reset since it began."""
        self._marked: Keyed | None = None
        self._session = session
        self._session_keys = session_keys
        self._ends = 0
        self._sums = Keyed()
        self._buckets: dict[int, Buckets] = {}
        self._asked: dict[int, int] = {}
        """When a bucketing was asked for last (ns, venue)."""
        self._windows = Windows(SLOT, FLOW_WINDOWS.values(), summed=self._summed)
        self._keys: dict[float, int] = {}
        self._bought: dict[float, list[float]] = {}
        self._sold: dict[float, list[float]] = {}
        """What the session bought and sold by price since its sums by key were brought up."""

    def fold(self, trades: Sequence[Trade], batch: Batch | None = None) -> None:
        """Take trades in, in any order; those without size or venue time are left out.

        ``batch`` holds the same trades by column.
        """
        batch = batch or Batch(trades)
        if batch.is_plain and self._put_aside(batch):
            return
        self._settle()
        newest, slots = self._sort_plain(batch) if batch.is_plain else self._sort(trades)
        if not slots:
            return
        self.version += 1
        if self.known_from is None:
            self.known_from = min(slots) * SLOT
        self._windows.advance(newest)
        for ticks in [ticks for ticks, asked in self._asked.items() if asked < newest - _UNASKED]:
            del self._asked[ticks]
            self._buckets.pop(ticks, None)
        for slot in sorted(slots):
            self._add(slot * SLOT, slots[slot])
            self._windows.add(slot, slots[slot])

    def _put_aside(self, batch: Batch) -> bool:
        """Sum a batch for the session alone and leave the windows for who looks; False if that cannot be."""
        times, windows, kept = batch.times, self._windows, batch.kept
        if (
            windows.is_looked_at
            or self._buckets
            or self.anchor is None
            or not self.anchor <= times[0] <= times[-1] < self._ends
            or (windows.now is not None and times[0] < windows.now - windows.now % SLOT)
            or not isinstance(kept, Burst)
        ):
            return False
        self.version += 1
        bought, sold = self._bought, self._sold
        for price, size, side in zip(batch.prices, batch.sizes, batch.sides, strict=True):
            try:
                (bought if side == "buy" else sold)[price][0] += size
            except KeyError:
                (bought if side == "buy" else sold)[price] = [size]
        waiting = len(bought) + len(sold)
        if waiting > _REMEMBERED_PRICES or self._sums.is_over(self._session_keys - waiting):
            self._settle()
        at = 0
        while at < len(times):
            slot = times[at] // SLOT
            end = bisect_left(times, slot * SLOT + SLOT, at)
            windows.put_aside(slot, kept, at, end)
            at = end
        windows.advance(times[-1])
        return True

    def _settle(self) -> None:
        """Bring the session's sums by key up to those by price."""
        if not self._bought and not self._sold:
            return
        cells: dict[int, float] = {}
        for sums, mark in ((self._bought, _BUY), (self._sold, _SELL)):
            for price, (size,) in sums.items():
                key = self._keys.get(price)
                key = (self._key(price) if key is None else key) | mark
                cells[key] = cells.get(key, 0.0) + size
            sums.clear()
        self._pour(cells)

    def _summed(self, burst: Burst, start: int, end: int) -> dict[int, float]:
        """Return the sizes of some trades of a burst by key."""
        cells: dict[int, float] = {}
        keys = self._keys
        prices, sizes, sides = burst.prices[start:end], burst.sizes[start:end], burst.sides[start:end]
        for price, size, side in zip(prices, sizes, sides, strict=True):
            key = keys.get(price)
            if key is None:
                key = self._key(price)
            if side != "buy":
                key |= _SELL
            cells[key] = cells.get(key, 0.0) + size
        return cells

    def _sort_plain(self, batch: Batch) -> tuple[int, dict[int, dict[int, float]]]:
        """Return the newest time, and sizes by slot and key, of a batch whose slots follow each other."""
        prices, times, known = batch.prices, batch.times, self._keys
        fresh = [price for price in set(prices) if price not in known]
        if len(known) + len(fresh) > _REMEMBERED_PRICES:
            return self._sort(batch.trades)
        for price in fresh:
            self._key(price)
        slots: dict[int, dict[int, float]] = {}
        sizes, sides, at = batch.sizes, batch.sides, 0
        while at < len(times):
            slot = times[at] // SLOT
            end = bisect_left(times, slot * SLOT + SLOT, at)
            cells = slots[slot] = {}
            for price, size, side in zip(prices[at:end], sizes[at:end], sides[at:end], strict=True):
                key = known[price] if side == "buy" else known[price] | _SELL
                cells[key] = cells.get(key, 0.0) + size
            at = end
        return times[-1], slots

    def _sort(self, trades: Sequence[Trade]) -> tuple[int, dict[int, dict[int, float]]]:
        """Return the newest time, and sizes by slot and key."""
        start = end = newest = 0
        slots: dict[int, dict[int, float]] = {}
        cells: dict[int, float] = {}
        keys = self._keys
        for trade in trades:
            ts, size = trade.ts, trade.size
            if ts is None or size is None:
                continue
            if not start <= ts < end:
                slot = ts // SLOT
                start, end = slot * SLOT, slot * SLOT + SLOT
                cells = slots.setdefault(slot, {})
            if ts > newest:
                newest = ts
            price, side = trade.price, trade.side
            key = keys.get(price)
            if key is None:
                key = self._key(price)
            if side != "buy":
                key += _SELL if side == "sell" else _NEUTRAL
            cells[key] = cells.get(key, 0.0) + size
        return newest, slots

    def advance(self, ts: int) -> None:
        """Move the windows to venue time ``ts`` though nothing was traded."""
        self._windows.advance(ts)

    def refine(self, tick: float) -> None:
        """Go over to a finer tick. A coarser one is ignored: prices between its steps would be lost."""
        if tick >= self.tick:
            return
        ratio = self.tick / tick

        def rename(key: int) -> int:
            return (min(round((key >> 2) * ratio), _HIGHEST) << 2) | key & 3

        # What waits by price is summed by the old tick first.
        self._settle()
        self._windows.rename(rename)
        self.tick = tick
        self._keys.clear()
        self._buckets.clear()
        self._sums = Keyed((rename(key), size) for key, size in self._sums.items())
        if self._marked is not None:
            self._marked = Keyed((rename(key), size) for key, size in self._marked.items())
        self.session_step = max(1, round(self.session_step * ratio))
        self.version += 1

    @property
    def now(self) -> int | None:
        """Venue time (ns) at which the windows end."""
        return self._windows.now

    def known_for(self, window: str) -> int:
        """Return for how long (ns) of a window the trades are known; its length once it is full."""
        length, now = FLOW_WINDOWS[window], self._windows.now
        if now is None or self.known_from is None:
            return 0
        since = max(self.known_from, self._windows.cut_at or self.known_from)
        return max(0, min(length, now - since))

    def reset_columns(self) -> None:
        """Let the windows and the columns of the session sum from now on; the session itself goes on."""
        self._settle()
        self._windows.clear()
        self.known_from = self.marked_at = self._windows.now
        self._marked = Keyed(self._sums.items())
        self.version += 1

    def reset(self) -> None:
        """Begin the windows and the session anew."""
        self._windows.clear()
        self.known_from = self._windows.now
        self._begin()
        self.version += 1

    def column(self, window: str | None, top: int, height: int, step: float) -> Column | None:
        """Return ``height`` rows of ``step`` (a price) from row ``top`` down; ``window`` None: the session.

        Row r is price r × step. Sells are rounded down to their row and buys up, as bids and asks are on
        a ladder. None where sums are not known as finely as the rows.
        """
        group = round(step / self.tick)
        if group < 1 or (window is None and group % self.session_step):
            return None
        if window is not None:
            sums = self._windows.sums(FLOW_WINDOWS[window])
            if height * group < len(sums):
                return _looked_up(sums, top, height, group)
            return _column(((key, cell[0]) for key, cell in sums.items()), top, height, group)
        self._settle()
        lowest, highest = (top - height) * group << 2, (top * group + group) << 2
        whole = _column(self._sums.between(lowest, highest), top, height, group)
        if self._marked is None:
            return whole
        before = _column(self._marked.between(lowest, highest), top, height, group)
        return Column(
            [round(now - then, _DIGITS) for now, then in zip(whole.sells, before.sells, strict=True)],
            [round(now - then, _DIGITS) for now, then in zip(whole.buys, before.buys, strict=True)],
        )

    def buckets(self, ticks: int) -> Buckets:
        """Return the session by bucket of ``ticks`` ticks: ``[buys, sells, neutral]``, rounded down.

        Bucket b is price b × ticks × tick. Kept up with the trades while it is asked for.
        """
        found = self._buckets.pop(ticks, None)
        if found is None:
            self._settle()
            found = Buckets(ticks)
            found.pour(dict(self._sums.items()))
            if len(self._buckets) >= _BUCKETINGS:
                del self._buckets[next(iter(self._buckets))]
        self._buckets[ticks] = found
        self._asked[ticks] = self._windows.now or 0
        return found

    def span(self) -> tuple[int, int] | None:
        """Return the session's lowest and highest price in ticks."""
        self._settle()
        span = self._sums.span()
        return None if span is None else (span[0] >> 2, span[1] >> 2)

    def _key(self, price: float) -> int:
        if len(self._keys) >= _REMEMBERED_PRICES:
            self._keys.clear()
        key = self._keys[price] = min(round(price / self.tick), _HIGHEST) << 2
        return key

    def _begin(self) -> None:
        self._bought.clear()
        self._sold.clear()
        self._sums = Keyed()
        self._buckets.clear()
        self._marked = None
        self.marked_at = None
        self.session_step = 1

    def _add(self, ts: int, cells: Mapping[int, float]) -> None:
        """Add to the session that ``ts`` belongs to, unless it is over."""
        if self.anchor is None or ts >= self._ends:
            self.anchor = bucket_start(ts, "1d", self._session)
            self._ends = bucket_end(self.anchor, "1d", self._session)
            self._begin()
        elif ts < self.anchor:
            return
        self._pour(cells)

    def _pour(self, cells: Mapping[int, float]) -> None:
        """Add to the session."""
        step = self.session_step
        if step == 1:
            self._sums.pour(cells)
        else:
            for key, size in cells.items():
                self._sums.add(_widened(key, step), size)
        for found in self._buckets.values():
            found.pour(cells)
        if self._sums.is_over(self._session_keys):
            self.session_step = step = step * 10
            self._sums = Keyed((_widened(key, step), size) for key, size in self._sums.items())
            if self._marked is not None:
                self._marked = Keyed((_widened(key, step), size) for key, size in self._marked.items())


def _widened(key: int, step: int) -> int:
    """Return the key at the edge of its wide step: buys rounded up and the rest down, as rows are."""
    at, side = key >> 2, key & 3
    at = -((-at) // step) * step if side == _BUY else at // step * step
    return (at << 2) | side


def _looked_up(sums: Mapping[int, Sequence[float]], top: int, height: int, group: int) -> Column:
    """Return rows of ``group`` ticks where few prices are looked at: each is asked for."""
    sells, buys, nothing = [0.0] * height, [0.0] * height, (0.0,)
    for row in range(height):
        low = (top - row) * group
        for at in range(low, low + group):
            sells[row] += sums.get((at << 2) | _SELL, nothing)[0]
        for at in range(low - group + 1, low + 1):
            buys[row] += sums.get(at << 2, nothing)[0]
    return Column(sells, buys)


def _column(sums: Iterable[tuple[int, float]], top: int, height: int, group: int) -> Column:
    """Return sums by key as rows of ``group`` ticks."""
    sells, buys = [0.0] * height, [0.0] * height
    highest, lowest = top * group + group, (top - height) * group
    for key, size in sums:
        at, side = key >> 2, key & 3
        if not lowest <= at < highest:
            continue
        if side == _BUY:
            row = top + (-at) // group
            if 0 <= row < height:
                buys[row] += size
        elif side == _SELL:
            row = top - at // group
            if 0 <= row < height:
                sells[row] += size
    return Column(sells, buys)
