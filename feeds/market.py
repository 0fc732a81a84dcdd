"""The state of one instrument. No loop, no clock: events and times come in, views read.

Two tiers share one interface: ``Market`` for what stands on the screen and in the watchlist,
``Quote`` for the many that only need a last price. Bounds: tape 5,000 prints, 512 pending trades,
one book; a Quote holds 60 closes.
"""

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from mdterm.feeds.address import Instrument
from mdterm.feeds.events import Book, Event, Trade
from mdterm.feeds.precision import Precision
from mdterm.feeds.tape import NS_PER_DAY, Tape

FULL_TIER = 32
"""Instruments that get a full Market; the rest get a Quote."""
_PENDING = 512
_MINUTE = 60_000_000_000


class State(Protocol):
    """What both tiers offer."""

    instrument: Instrument

    def apply(self, events: Sequence[Event]) -> None:
        """Take a run of events of one kind, in the order received."""

    @property
    def trade_count(self) -> int:
        """Trades received, each once."""

    def bbo(self) -> tuple[float | None, float | None]:
        """Return best bid and best ask, None where there is none."""


class Market:
    """Everything the screen can show of one instrument."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.book: Book | None = None
        self.tape = Tape()
        self.prices = Precision()
        self.sizes = Precision()
        self.gap_since: int | None = None
        """Wall time (ns) since which trades may be missing; None while all is known."""
        self._pending: list[Trade] = []

    def apply(self, events: Sequence[Event]) -> None:
        """Take a run of events of one kind. Trades are folded later, in batches."""
        first = events[0]
        if type(first) is Trade:
            self._pending += events  # type: ignore[arg-type]  # a run is of one kind
            if len(self._pending) >= _PENDING:
                self.fold()
        elif type(first) is Book:
            newest = events[-1]
            assert type(newest) is Book
            self.book = newest

    def fold(self) -> None:
        """Bring every sum up to the last trade received."""
        pending = self._pending
        if not pending:
            return
        self._pending = []
        # Reading decimals costs more than folding; a few samples per batch are enough.
        for trade in pending[:: max(1, len(pending) // 4)]:
            self.prices.observe(trade.price)
            if trade.size is not None:
                self.sizes.observe(trade.size)
        day = self.tape.anchor_day
        self.tape.fold(pending)
        if day is not None and self.tape.anchor_day != day:
            self.gap_since = None  # the sums began anew, so nothing they hold is missing

    @property
    def trade_count(self) -> int:
        """Trades received, each once."""
        return self.tape.trades + len(self._pending)

    @property
    def tick(self) -> float:
        """The price step of a row: the bucket width, the known tick, or the smallest step seen."""
        if self.book is not None and self.book.step:
            return self.book.step
        if self.instrument.tick is not None:
            return self.instrument.tick
        return 10.0**-self.price_digits

    @property
    def price_digits(self) -> int:
        """Decimals of a price."""
        if self.prices.seen == 0 and self.book is not None:
            for price in (*self.book.bid_prices[:8], *self.book.ask_prices[:8]):
                self.prices.observe(price)
        return self.prices.digits

    @property
    def size_digits(self) -> int:
        """Decimals of a size."""
        if self.sizes.seen == 0 and self.book is not None:
            for size in (*self.book.bid_sizes[:16], *self.book.ask_sizes[:16]):
                if size is not None:
                    self.sizes.observe(size)
        return self.sizes.digits

    def bbo(self) -> tuple[float | None, float | None]:
        """Return best bid and best ask of the newest book."""
        book = self.book
        if book is None:
            return None, None
        return (
            book.bid_prices[0] if book.bid_prices else None,
            book.ask_prices[0] if book.ask_prices else None,
        )


class Quote:
    """The light tier: last, best bid and offer, day figures and a minute sparkline, for thousands."""

    __slots__ = ("ask", "bid", "closes", "day", "high", "instrument", "last", "low", "trade_count", "volume")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.last: Trade | None = None
        self.bid: float | None = None
        self.ask: float | None = None
        self.high: float | None = None
        self.low: float | None = None
        self.volume = 0.0
        self.day: int | None = None
        self.trade_count = 0
        self.closes: deque[tuple[int, float]] = deque(maxlen=60)

    def apply(self, events: Sequence[Event]) -> None:
        """Take a run of events of one kind."""
        newest = events[-1]
        if type(newest) is Book:
            self.bid = newest.bid_prices[0] if newest.bid_prices else None
            self.ask = newest.ask_prices[0] if newest.ask_prices else None
        elif type(newest) is Trade:
            for event in events:
                assert type(event) is Trade
                self._trade(event)

    def _trade(self, trade: Trade) -> None:
        ts = trade.ts if trade.ts is not None else trade.seen
        day = ts // NS_PER_DAY
        if self.day is None or day > self.day:
            self.day, self.high, self.low, self.volume = day, None, None, 0.0
        self.high = trade.price if self.high is None else max(self.high, trade.price)
        self.low = trade.price if self.low is None else min(self.low, trade.price)
        self.volume += trade.size or 0.0
        self.trade_count += 1
        self.last = trade
        minute = ts // _MINUTE
        if self.closes and self.closes[-1][0] == minute:
            self.closes[-1] = (minute, trade.price)
        elif not self.closes or minute > self.closes[-1][0]:
            self.closes.append((minute, trade.price))

    def bbo(self) -> tuple[float | None, float | None]:
        """Return best bid and best ask."""
        return self.bid, self.ask
