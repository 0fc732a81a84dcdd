"""The tape: prints as a trader reads them, and the count that must never lose one."""

from collections import deque
from collections.abc import Sequence

import msgspec

from mdterm.feeds.events import Side, Trade

NS_PER_MS = 1_000_000
TAPE_PRINTS = 5_000
"""Prints kept: at 15 a second, five and a half minutes."""


class Print(msgspec.Struct, gc=False):
    """One row: trades of one side and one venue millisecond that came one after another.

    ``price`` is the last trade's, ``size`` the sum (None if no trade had one), ``count`` the trades.
    ``first_price`` is where a sweep began.
    """

    number: int
    ts: int
    price: float
    size: float | None
    side: Side | None
    count: int
    first_price: float
    seen: int


class Tape:
    """The last prints, and the exact count of trades."""

    def __init__(self, keep: int = TAPE_PRINTS) -> None:
        self.prints: deque[Print] = deque(maxlen=keep)
        self.printed = 0
        """Prints made since the start: the number of the newest one."""
        self.trades = 0
        """Trades received since the start, each once."""
        self.last: Trade | None = None
        self.direction = 0
        """1 after an uptick, -1 after a downtick, 0 before the first change."""
        self._pace: deque[tuple[float, int]] = deque(maxlen=64)

    def fold(self, trades: Sequence[Trade]) -> None:
        """Take trades in, in the order received."""
        prints = self.prints
        newest = prints[-1] if prints else None
        last = self.last
        for trade in trades:
            price, size, side = trade.price, trade.size, trade.side
            ts = trade.ts if trade.ts is not None else trade.seen
            if last is not None and price != last.price:
                self.direction = 1 if price > last.price else -1
            last = trade
            if newest is not None and newest.side == side and newest.ts // NS_PER_MS == ts // NS_PER_MS:
                newest.count += 1
                newest.price = price
                newest.seen = trade.seen
                if size is not None:
                    newest.size = size if newest.size is None else newest.size + size
            else:
                self.printed += 1
                newest = Print(self.printed, ts, price, size, side, 1, price, trade.seen)
                prints.append(newest)
        self.last = last
        self.trades += len(trades)

    def pace(self, now: float, window_s: float = 5.0) -> float:
        """Return trades per second over the last ``window_s``, sampled when it is called."""
        pace = self._pace
        if not pace or now - pace[-1][0] >= 0.5:
            pace.append((now, self.trades))
        while len(pace) > 1 and now - pace[0][0] > window_s:
            pace.popleft()
        elapsed = now - pace[0][0]
        return (self.trades - pace[0][1]) / elapsed if elapsed >= 0.5 else 0.0
