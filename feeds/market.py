"""The state of one instrument. No loop, no clock: events and times come in, views read.

Two tiers share one interface: ``Market`` for what stands on the screen and in the watchlist,
``Quote`` for the many that only need a last price. Bounds: 1,024 pending trades, one book, and what
tape, candles, flow and derivatives state; a Quote holds 60 closes.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, cast

import msgspec

from mdterm.feeds.address import Instrument
from mdterm.feeds.batch import Batch
from mdterm.feeds.burst import Burst, joined
from mdterm.feeds.candles import CandleStore, Source
from mdterm.feeds.derivatives import Derivatives
from mdterm.feeds.events import (
    Book,
    Candle,
    Event,
    Funding,
    Liquidation,
    OpenInterest,
    Trade,
    TradeAgg,
    VolumeProfile,
)
from mdterm.feeds.flow import Flow
from mdterm.feeds.intervals import DAY, MINUTE, Session
from mdterm.feeds.precision import Precision, decimals
from mdterm.feeds.resting import Resting
from mdterm.feeds.steps import Rule, Steps
from mdterm.feeds.tape import Tape
from mdterm.feeds.ticks import Ticks
from mdterm.feeds.touches import Touch, Touches

if TYPE_CHECKING:
    from mdterm.feeds.away import Span

FULL_TIER = 32
"""Instruments that get a full Market; the rest get a Quote."""
_PENDING = 1_024


CloseBefore = Callable[[int], float | None]
"""Return the close that a price at some time (ns) is compared with, None while it is not known."""


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


class Sums(msgspec.Struct, frozen=True):
    """The day's figures from ``since`` (ns): CVD, VWAP and volume, None where unknown.

    ``is_vwap_estimated`` where the provider's bars stand for trades that were not seen (the screen writes
    ``~``). ``unreliable_since`` (ns) while trades may be missing.
    """

    since: int | None
    volume: float | None
    cvd: float | None
    vwap: float | None
    is_vwap_estimated: bool
    open: float | None
    high: float | None
    low: float | None
    unreliable_since: int | None


class Market:
    """Everything the screen can show of one instrument."""

    def __init__(
        self,
        instrument: Instrument,
        *,
        source: Source = "trade",
        session: Session | None = None,
        step_at: Rule | None = None,
        close_before: CloseBefore | None = None,
    ) -> None:
        self.instrument = instrument
        self._close_before = close_before
        self.book: Book | None = None
        self.tape = Tape()
        self.candles = CandleStore(instrument.address, source, session)
        self.flow: Flow | None = None
        self.ticks = Ticks()
        self.derivatives = Derivatives()
        self.profile: VolumeProfile | None = None
        """The provider's own profile, where it sends one."""
        self.prices = Precision()
        self.levels = Precision()
        """The decimals of a book's prices: trades inside the spread must not make its rows finer."""
        self.resting: Resting | None = None
        """What was pulled and stacked, since somebody first looked."""
        self.touches: Touches | None = None
        """How the touch moved, since somebody first looked."""
        self.sizes = Precision()
        self.spans: list[Span] = []
        """What it does while nobody looks, for each screen that somebody has left."""
        self._session = session
        self._steps = None if step_at is None else Steps(step_at)
        self._pending: list[Trade] = []
        self._bursts: list[Burst] = []
        """What is pending, as long as nothing but bursts came."""
        self._waiting = 0
        """How many trades are pending."""
        self._books = 0

    def apply(self, events: Sequence[Event]) -> None:
        """Take a run of events of one kind. Trades are folded later, in batches."""
        if type(events) is Burst:
            if self._pending:
                self._pending += events
            else:
                self._bursts.append(events)
            self._waiting += len(events)
            if self._waiting >= _PENDING:
                self.fold()
            return
        first = events[0]
        if type(first) is Trade:
            if self._bursts:
                self._pending = self._take_bursts()
            self._pending += events  # type: ignore[arg-type]  # a run is of one kind
            self._waiting += len(events)
            if self._waiting >= _PENDING:
                self.fold()
        elif type(first) is Book:
            newest = events[-1]
            assert type(newest) is Book
            self.book = newest
            if self.touches is not None:
                self.touches.take(cast(Sequence[Book], events))
            self._sample_book(newest)
        elif type(first) is TradeAgg:
            self.candles.fold_aggs(cast(Sequence[TradeAgg], events))
        elif type(first) is Candle:
            self.merge(cast(Sequence[Candle], events))
        elif type(first) is Liquidation:
            self.derivatives.liquidate(cast(Sequence[Liquidation], events))
            self.tape.liquidate(cast(Sequence[Liquidation], events), self.trade_count)
        elif type(first) is Funding:
            self.derivatives.fund(cast(Sequence[Funding], events))
        elif type(first) is OpenInterest:
            self.derivatives.interest(cast(Sequence[OpenInterest], events))
        elif type(first) is VolumeProfile:
            newest_profile = events[-1]
            assert type(newest_profile) is VolumeProfile
            self.profile = newest_profile

    def _sample_book(self, book: Book) -> None:
        """Learn decimals from a book now and then: reading them costs more than keeping the book."""
        self._books += 1
        if self._books > 4 and self._books % 64:
            return
        for price in (*book.bid_prices[:4], *book.ask_prices[:4]):
            self.prices.observe(price)
            self.levels.observe(price)
        for size in (*book.bid_sizes[:8], *book.ask_sizes[:8]):
            if size is not None:
                self.sizes.observe(size)

    def fold(self) -> None:
        """Bring tape, candles and flow up to the last trade received."""
        if not self._waiting:
            return
        pending: Sequence[Trade] = self._pending
        if self._bursts:
            pending = joined(self._bursts) or self._take_bursts()
            self._bursts = []
        else:
            self._pending = []
        self._waiting = 0
        batch, limit = Batch(pending), pending[-1].seen + DAY
        newest = batch.times[-1] if batch.is_plain else max([trade.ts or 0 for trade in pending])
        if newest > limit:
            # One absurd time must not carry the day, the chart and every sum into the future.
            pending = [
                msgspec.structs.replace(trade, ts=None) if (trade.ts or 0) > limit else trade
                for trade in pending
            ]
            batch = Batch(pending)
        # Reading decimals costs more than folding; a few samples per batch are enough.
        for at in range(0, len(pending), max(1, len(pending) // 4)):
            trade = pending[at]
            self.prices.observe(trade.price)
            if trade.size is not None:
                self.sizes.observe(trade.size)
        self.tape.fold(pending, batch)
        self.candles.fold(pending, batch)
        self.ticks.fold(pending, batch)
        for span in self.spans:
            span.fold(pending, batch)
        if self.resting is not None:
            self.resting.trade(pending)
        tick = self.instrument.tick or 10.0 ** -max(self.prices.digits, self.levels.digits)
        if self.flow is None:
            self.flow = Flow(tick, self._session)
        elif tick < self.flow.tick:
            self.flow.refine(tick)
        self.flow.fold(pending, batch)

    def _take_bursts(self) -> list[Trade]:
        bursts, self._bursts = self._bursts, []
        return [trade for burst in bursts for trade in burst]

    def merge(self, candles: Sequence[Candle]) -> None:
        """Take the provider's own bars in; before any trade they also tell the decimals."""
        self.fold()
        self.candles.merge(candles)
        if self.tape.last is None:
            for candle in candles[-64:]:
                self.prices.observe(candle.close)

    def interrupted(self) -> None:
        """Say that the trades' link was lost: from the newest trade on some may be missing."""
        self.fold()
        self.candles.interrupted()
        self.ticks.interrupted()
        if self.resting is not None:
            self.resting.interrupt()

    def missed(self, start: int, end: int) -> None:
        """Say that nobody listened between two times (ns): trades may be missing though the link held."""
        self.fold()
        self.candles.missed(start, end)
        self.ticks.interrupted()
        if self.resting is not None:
            self.resting.interrupt()

    def pulled_and_stacked(self) -> Resting:
        """Return what was pulled and stacked up to the newest book, since this was first asked."""
        self.fold()
        if self.resting is None or self.resting.tick != self.tick:
            self.resting = Resting(self.tick)
        if self.book is not None:
            self.resting.look(self.book)
        return self.resting

    def touched(self, since: int | None) -> tuple[list[Touch], int]:
        """Return how the touch moved after its first ``since`` changes, and how many there were by now.

        None looks from now on.
        """
        if self.touches is None:
            self.touches = Touches()
            if self.book is not None:
                self.touches.take([self.book])
        count = self.touches.count
        return ([] if since is None else self.touches.since(since)), count

    def reset_columns(self) -> None:
        """Let sells, buys and changes sum from now on; the session's own figures go on."""
        self.fold()
        if self.flow is not None:
            self.flow.reset_columns()
        self.resting = None

    @property
    def gap_since(self) -> int | None:
        """Venue time (ns) since which trades of the day may be missing; None while all is known."""
        return self.sums().unreliable_since

    def sums(self) -> Sums:
        """Return the day's figures: since the day began where the provider told the part we missed."""
        self.fold()
        store = self.candles
        day, sums = store.candles("1d", 1), store.sums()
        if not day or sums is None:
            return Sums(None, None, None, None, False, None, None, None, None)
        bar = day[-1]
        since = sums.anchor
        if not sums.complete:
            known = [ts for ts in (store.joined_at, store.covered_from("1m")) if ts is not None]
            since = max(since, min(known, default=since))
        # A gap of an earlier day is in no sum of this one.
        missing = next((begin for begin, end in store.gaps.current if end is None or end > sums.anchor), None)
        return Sums(
            since,
            sums.volume,
            sums.cvd,
            sums.vwap,
            sums.is_vwap_estimated,
            bar.open if since == sums.anchor else None,
            bar.high,
            bar.low,
            missing,
        )

    @property
    def last_price(self) -> float | None:
        """What it traded at last."""
        return None if self.tape.last is None else self.tape.last.price

    @property
    def previous_close(self) -> float | None:
        """What the change counts from where the provider tells it; looking may have it fetched."""
        return _previous_close(self._close_before, self.tape.last)

    @property
    def trade_count(self) -> int:
        """Trades received, each once."""
        return self.tape.trades + self._waiting

    @property
    def tick(self) -> float:
        """The price step of a row: the bucket width, the known tick, or the smallest step seen."""
        if self.book is not None and self.book.step:
            return self.book.step
        if self.instrument.tick is not None:
            return self.instrument.tick
        if self._steps is not None:
            last = None if self.tape.last is None else self.tape.last.price
            step = self._steps.step(self.book, last)
            if step is not None:
                return step
        digits = self.levels.digits if self.levels.seen else self.price_digits
        return 10.0**-digits

    @property
    def price_digits(self) -> int:
        """Decimals of a price."""
        # Never coarser than the grid that the provider names: a price must not be told rounded.
        grid = self.instrument.tick or (None if self.book is None else self.book.step)
        return max(self.prices.digits, decimals(grid) if grid else 0)

    @property
    def size_digits(self) -> int:
        """Decimals of a size."""
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


def _previous_close(close_before: CloseBefore | None, last: Trade | None) -> float | None:
    if close_before is None or last is None:
        return None
    return close_before(last.seen if last.ts is None else last.ts)


class Quote:
    """The light tier: last, best bid and offer, day figures and a minute sparkline, for thousands."""

    __slots__ = (
        "ask",
        "bid",
        "close_before",
        "closes",
        "day",
        "high",
        "instrument",
        "last",
        "low",
        "spans",
        "trade_count",
        "volume",
    )

    def __init__(self, instrument: Instrument, close_before: CloseBefore | None = None) -> None:
        self.instrument = instrument
        self.close_before = close_before
        self.last: Trade | None = None
        self.bid: float | None = None
        self.ask: float | None = None
        self.high: float | None = None
        self.low: float | None = None
        self.volume = 0.0
        self.day: int | None = None
        self.trade_count = 0
        self.spans: list[Span] = []
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
            for span in self.spans:
                span.fold(cast(Sequence[Trade], events))

    def fold(self) -> None:
        """Do nothing: trades are folded as they come."""

    def _trade(self, trade: Trade) -> None:
        ts = trade.ts if trade.ts is not None else trade.seen
        day = ts // DAY
        if self.day is None or day > self.day:
            self.day, self.high, self.low, self.volume = day, None, None, 0.0
        if day == self.day:  # a late trade of yesterday is in no figure of today
            self.high = trade.price if self.high is None else max(self.high, trade.price)
            self.low = trade.price if self.low is None else min(self.low, trade.price)
            self.volume += trade.size or 0.0
        self.trade_count += 1
        self.last = trade
        minute = ts // MINUTE
        if self.closes and self.closes[-1][0] == minute:
            self.closes[-1] = (minute, trade.price)
        elif not self.closes or minute > self.closes[-1][0]:
            self.closes.append((minute, trade.price))

    @property
    def last_price(self) -> float | None:
        """What it traded at last."""
        return None if self.last is None else self.last.price

    @property
    def previous_close(self) -> float | None:
        """What the change counts from where the provider tells it; looking may have it fetched."""
        return _previous_close(self.close_before, self.last)

    def bbo(self) -> tuple[float | None, float | None]:
        """Return best bid and best ask."""
        return self.bid, self.ask
