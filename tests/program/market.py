"""A market that a test makes up and remembers, and what the screen must show of it."""

import random
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

from tests.program import screen
from tests.program.venue import Point, book_point, trade_point

NS_PER_MS = 1_000_000
LEVELS = 12


class Sent(NamedTuple):
    """A trade as it was sent; ``ts`` in ns."""

    ts: int
    price: float
    size: float
    side: str


class Shown(Protocol):
    """What a ladder is held against."""

    block: float
    bids: dict[float, float]
    asks: dict[float, float]


class Market:
    """One instrument. Prices are whole steps of ``block``, sizes whole thousandths."""

    def __init__(self, symbol: str, block: float, price: float, seed: int) -> None:
        self.symbol = symbol
        self.block = block
        self.digits = len(f"{block:.10f}".rstrip("0").partition(".")[2])
        self.trades: list[Sent] = []
        self.bids: dict[float, float] = {}
        self.asks: dict[float, float] = {}
        self._dice = random.Random(f"{symbol} {seed}")
        self._at = round(price / block)
        self._ts = 0

    def _price(self, steps: int) -> float:
        return round(steps * self.block, self.digits)

    def _size(self) -> float:
        return self._dice.choice((1, 3, 17, 250, 999, 1001, 4217)) / 1000

    def trade(self, count: int) -> list[Point]:
        """Make at least ``count`` trades: single ones, and sweeps of one side in one millisecond."""
        dice = self._dice
        points: list[Point] = []
        while len(points) < count:
            now = time.time_ns()
            # Whole milliseconds, often the same one: what is joined is decided by side and order as well.
            self._ts = max(now - now % NS_PER_MS, self._ts + dice.choice((0, NS_PER_MS)))
            side = dice.choice(("BUY", "SELL"))
            step = 1 if side == "BUY" else -1
            for _ in range(dice.choice((1, 1, 1, 2, 3, 7))):
                self._at += dice.choice((0, 0, step))
                ts = self._ts + dice.randrange(NS_PER_MS)
                sent = Sent(ts, self._price(self._at), self._size(), side)
                self.trades.append(sent)
                points.append(trade_point(self.symbol, f"t{len(self.trades)}", *sent))
        return points

    def book(self) -> list[Point]:
        """Make a new book around the last price; every level may be missing."""
        dice = self._dice
        prices = {
            step: [self._price(self._at + step * distance) for distance in range(1, LEVELS + 1)]
            for step in (-1, 1)
        }
        self.bids, self.asks = (
            {price: self._size() for price in prices[step] if dice.random() < 0.9} for step in (-1, 1)
        )
        bids, asks = list(self.bids.items()), list(self.asks.items())
        return [book_point(self.symbol, time.time_ns(), self.block, bids, asks)]


def prints_of(trades: Sequence[Sent], most: int) -> list[tuple[str, str, float, float, int]]:
    """Return the newest ``most`` rows of a tape: time, side, price, size, trades joined; newest first.

    Trades of one side and one venue millisecond that come one after another are one row: sizes added,
    the price that of the last.
    """
    rows: list[tuple[str, str, float, float, int]] = []
    at = len(trades)
    while at and len(rows) < most:
        last = trades[at - 1]
        begin = at - 1
        while begin and _is_joined(trades[begin - 1], last):
            begin -= 1
        joined = trades[begin:at]
        ms = last.ts // NS_PER_MS
        second = ms // 1000 % 86_400
        clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{ms % 1000:03d}"
        rows.append((clock, last.side, last.price, sum(trade.size for trade in joined), len(joined)))
        at = begin
    return rows


def _is_joined(before: Sent, after: Sent) -> bool:
    return before.side == after.side and before.ts // NS_PER_MS == after.ts // NS_PER_MS


def tape_faults(lines: Sequence[str], trades: Sequence[Sent], least: int = 1) -> list[str]:
    """Return what is wrong with the tape, which shall show the newest of these trades."""
    shown = screen.tape(lines)
    rows = prints_of(trades, len(shown))
    faults = []
    if len(shown) < min(least, len(prints_of(trades, least))):
        faults.append(f"only {len(shown)} prints")
    for row, (clock, side, price, size, count) in zip(shown, rows, strict=False):
        if (row.time, row.side, row.price) != (clock, side, price) or not screen.tells(row.size, size):
            faults.append(f"{row} is not {(clock, side, price, size)}")
        if row.joined not in (1, count):  # where it is narrow the number of trades is not told
            faults.append(f"{row} joins {count} trades")
    if len(rows) < len(shown):
        faults.append(f"{len(shown)} prints of {len(rows)}")
    return faults


def ladder_faults(lines: Sequence[str], market: Shown) -> list[str]:
    """Return what is wrong with the ladder, which shall show the newest book, ungrouped."""
    rows = screen.ladder(lines)
    faults = [] if len(rows) >= 10 else [f"only {len(rows)} levels"]
    for row in rows:
        for name, text, side in (("bid", row.bid, market.bids), ("ask", row.ask, market.asks)):
            size = side.get(row.price)
            if (size is None) != (not text) or (size is not None and not screen.tells(text, size)):
                faults.append(f"{name} {text!r} at {row.price} is not {size}")
    bid, ask = screen.best(rows)
    for name, best, price in (
        ("bid", bid, max(market.bids, default=None)),
        ("ask", ask, min(market.asks, default=None)),
    ):
        if (None if best is None else best.price) != price:
            faults.append(f"best {name} {best} is not {price}")
    steps = {round(above.price - below.price, 10) for above, below in pairwise(rows)}
    if steps - {market.block}:
        faults.append(f"rows are {steps} apart")
    return faults


def faults_of(lines: Sequence[str], market: Market, least_prints: int = 1) -> list[str]:
    """Return everything that is wrong with a screen that shall show this market as it is now."""
    if not (screen.has_panel(lines, "LADDER") and screen.has_panel(lines, "TAPE")):
        return ["ladder or tape is hidden"]
    faults = []
    count, last = screen.trade_count(lines), market.trades[-1].price if market.trades else None
    if count != len(market.trades):
        faults.append(f"{count} trades are not {len(market.trades)}")
    if screen.header(lines) != (market.symbol, last):
        faults.append(f"{screen.header(lines)} is not {(market.symbol, last)}")
    return faults + ladder_faults(lines, market) + tape_faults(lines, market.trades, least_prints)
