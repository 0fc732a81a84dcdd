"""Prints: trades joined as a trader reads them, each with its grade, and those that pass a filter.

A print is what came one after another of one side within ``join_ms`` of its first trade (0: every trade
alone, 1: the same venue millisecond). While trades may still join it, it is open; once the next one has
begun it is closed and nothing about it changes any more, its grade included.

Bounds: 30,000 closed prints, and never more than 5,000 of them older than two minutes; of the prints that
pass a filter, 5,000.
"""

from collections import deque
from collections.abc import Sequence
from itertools import islice

import msgspec

from mdterm.feeds.events import Side, Trade
from mdterm.feeds.grades import NOTHING, SAMPLE, Scale, scale_of

NS_PER_MS = 1_000_000
KEPT = 30_000
"""Prints, or trades, kept at most: a minute of 500 a second."""
KEPT_CALM = 5_000
"""Prints, or trades, kept however old they are."""
REWIND_NS = 120_000_000_000
"""How long they are kept beyond that, if there is room."""
PASSING = 5_000
_FIRST_SCALE = 8
_SCALE_EVERY = 512


class Print(msgspec.Struct, gc=False):
    """One row of the tape. ``first`` is the number of its first trade, counted from 1.

    ``price`` is the last trade's and ``first_price`` the first one's; ``size`` and ``turnover`` (size ×
    price) are sums, None if no trade had a size. ``ts`` and ``last_ts`` (ns) are its first and last trade's,
    ``seen`` the first one's; ``scale`` is what it is graded by.
    """

    first: int
    ts: int
    price: float
    size: float | None
    side: Side | None
    count: int
    first_price: float
    last_ts: int
    low: float
    high: float
    turnover: float | None
    seen: int
    scale: Scale

    @property
    def grade(self) -> int:
        """0 to 3: how large it is among the prints that came before it."""
        return self.scale.grade(self.size)


class Filter(msgspec.Struct, frozen=True):
    """The prints of at least ``least``: a size, or where ``quote`` a turnover."""

    least: float
    quote: bool = False

    def passes(self, one: Print) -> bool:
        """Return whether a print is large enough; one of unknown size is not."""
        size = one.turnover if self.quote else one.size
        return size is not None and size >= self.least


class Prints:
    """The trades of one instrument, joined in one way, newest last."""

    def __init__(self, join_ms: int) -> None:
        self.join_ms = join_ms
        self.closed: deque[Print] = deque()
        self.open: Print | None = None
        self.scale = NOTHING
        """What the next print is graded by."""
        self.printed = 0
        """Prints begun since the first trade taken."""
        self._rescale_at = _FIRST_SCALE
        self._filter: Filter | None = None
        self._passing: deque[Print] = deque(maxlen=PASSING)
        self._since = 0
        self._biggest: Print | None = None

    def take(self, trades: Sequence[Trade], number: int) -> None:
        """Take trades in, in the order received; ``number`` is that of the first one."""
        newest, join_ms, reach = self.open, self.join_ms, -1
        begun = 0
        if newest is not None:
            begun = newest.ts // NS_PER_MS
            reach = begun + join_ms
        for trade in trades:
            price, size = trade.price, trade.size
            ts = trade.ts if trade.ts is not None else trade.seen
            if newest is not None and newest.side == trade.side and begun <= ts // NS_PER_MS < reach:
                newest.count += 1
                newest.price = price
                newest.last_ts = ts
                if price > newest.high:
                    newest.high = price
                elif price < newest.low:
                    newest.low = price
                if size is not None:
                    newest.size = size if newest.size is None else newest.size + size
                    newest.turnover = (newest.turnover or 0.0) + size * price
            else:
                if newest is not None:
                    self._close(newest)
                turnover = None if size is None else size * price
                side, seen = trade.side, trade.seen
                newest = Print(
                    number, ts, price, size, side, 1, price, ts, price, price, turnover, seen, self.scale
                )
                begun = ts // NS_PER_MS
                reach = begun + join_ms
                self.printed += 1
            number += 1
        self.open = newest

    def _close(self, one: Print) -> None:
        closed = self.closed
        closed.append(one)
        if self._filter is not None and self._filter.passes(one):
            self._passing.append(one)
        if one.first > self._since and _is_bigger(one, self._biggest):
            self._biggest = one
        if self.printed >= self._rescale_at:
            self._rescale_at += min(self._rescale_at, _SCALE_EVERY)
            sizes = (p.size for p in islice(reversed(closed), SAMPLE))
            self.scale = scale_of([size for size in sizes if size is not None])
        while len(closed) > KEPT_CALM and (len(closed) > KEPT or closed[0].seen < one.seen - REWIND_NS):
            closed.popleft()

    def passing(self, only: Filter | None) -> deque[Print]:
        """Return the closed prints that pass a filter; kept up with the trades until another is asked for."""
        if only is None:
            return self.closed
        if only != self._filter:
            self._filter = only
            self._passing = deque((one for one in self.closed if only.passes(one)), maxlen=PASSING)
        return self._passing

    def biggest(self, since: int) -> Print | None:
        """Return the largest print that began after trade ``since``, the first of several."""
        if since != self._since:
            self._since, self._biggest = since, None
            for one in self.closed:
                if one.first > since and _is_bigger(one, self._biggest):
                    self._biggest = one
        newest = self.open
        if newest is not None and newest.first > since and _is_bigger(newest, self._biggest):
            return newest
        return self._biggest

    def limits(self) -> tuple[float, float]:
        """Return median and largest size of the newest prints; zeros where there are none, or no sizes."""
        if self.scale is not NOTHING or self.printed > _FIRST_SCALE:
            return self.scale.median, self.scale.largest
        sizes = [one.size for one in (*self.closed, self.open) if one is not None and one.size is not None]
        found = scale_of(sizes)
        return found.median, found.largest


def _is_bigger(one: Print, than: Print | None) -> bool:
    return one.size is not None and (than is None or than.size is None or one.size > than.size)
