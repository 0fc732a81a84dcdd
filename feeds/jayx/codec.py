"""JayX's market data as a pure machine: one symbol, one interval, one ``precise`` a connection.

Payloads name neither the symbol of a book nor the interval of a candle [DOC], so the connection itself is
the tag.
"""

import logging
from collections.abc import Sequence

from msgspec.structs import replace

from mdterm.feeds.contract import Due, Want
from mdterm.feeds.events import Book, Candle, Event, Side, Trade
from mdterm.feeds.jayx import facts, wire
from mdterm.feeds.jayx.framing import Dialect
from mdterm.feeds.jayx.overlap import Overlap
from mdterm.feeds.jayx.talk import Talk
from mdterm.feeds.jayx.units import Units, normal_ms

SIDES: dict[str, Side] = {"BUY": "buy", "SELL": "sell"}
log = logging.getLogger(__name__)

_MS = 1_000_000
_CANDLES_KEPT = 2000
_HANDOVER = 2_000_000_000
"""How long (ns) a newer connection waits for its trades to meet those of the older one."""


class Generations:
    """Which of a symbol's connections is believed: a newer one silences the older one for good.

    The trades known are the symbol's, not a connection's, so nothing is told twice by two of them. A push
    holds the newest trades alone: a newer connection takes over once all that it has told reaches back to
    what the older one told, so that nothing is lost between them, unless the older one has fallen silent.
    """

    def __init__(self) -> None:
        self.overlap = Overlap()
        self._latest = 0
        self._believed = 0
        self._heard_at = 0
        self._waiting_since: int | None = None

    def begin(self) -> int:
        """Return the number of a new connection."""
        self._latest += 1
        return self._latest

    @property
    def is_first(self) -> bool:
        """Whether no connection has told anything yet."""
        return not self._believed

    def believes(self, generation: int, seen: int) -> bool:
        """Return whether data of a connection counts at ``seen`` (ns)."""
        if generation != self._believed:
            return False
        self._heard_at = seen
        return True

    def take_over(self, generation: int, seen: int, held: Sequence[wire.Trade]) -> bool:
        """Let a newer connection be believed, if it may. ``held`` is all it has told, the newest first."""
        if self._believed and not self.overlap.continues(held):
            if self._waiting_since is None:
                self._waiting_since = seen
            # What lies between is not to be had any more once the older one is silent, or for so long.
            if seen - min(self._waiting_since, self._heard_at) <= _HANDOVER:
                return False
            log.warning("trades may be missing between two connections")
        self._believed, self._waiting_since, self._heard_at = generation, None, seen
        return True

    def is_past(self, generation: int) -> bool:
        """Return whether a newer connection has taken over."""
        return generation < self._believed


class MarketCodec(Talk):
    """One market link. Lives across reconnects, so that it knows the last list of trades."""

    def __init__(
        self,
        *,
        address: str,
        symbol: str,
        interval: str,
        precise: str,
        dialect: Dialect,
        namespace: str,
        units: Units,
        generations: Generations,
    ) -> None:
        super().__init__(dialect, namespace)
        self.crossed = 0
        """Books that were not taken because they were crossed."""
        self.passed_over = 0
        """Frames that came before this connection took over from an older one, or after a newer one had."""
        self._address = address
        self._symbol = symbol
        self._interval = interval
        self._precise = precise
        self._units = units
        self._is_bridged = False
        self._awaits_trades = True
        self._held: list[wire.Trade] = []
        """What was told before this connection could take over, the oldest first."""
        self._holding = Overlap()
        self._generations = generations
        self._generation = generations.begin()
        self._streams: frozenset[str] = frozenset()
        self._asked: set[str] = set()
        self._candles: dict[int, Candle] = {}
        self._newest = 0

    @property
    def duplicates(self) -> int:
        """Trades that were repeated."""
        return self._generations.overlap.repeated

    def is_bridged(self) -> bool:
        """Return whether the first list of trades on this socket met what was known before."""
        return self._is_bridged

    def want(self, wants: Sequence[Want]) -> None:
        """Set what is wanted; how to unsubscribe is not documented, so the rest is dropped here."""
        self._streams = frozenset(want.stream for want in wants)

    def opened(self, now: float) -> None:
        """Begin anew on a fresh socket."""
        super().opened(now)
        self._asked.clear()
        self._is_bridged, self._awaits_trades = False, True
        self._held, self._holding = [], Overlap()

    def due(self, now: float) -> Due:
        """Ask for candles, and for the book with its trades."""
        messages, next_due = self._talk_due(now)
        if self._line.ready:
            if "candle" in self._streams and "kline" not in self._asked:
                seconds = str(facts.INTERVALS[self._interval])
                messages.append(self._subscribe("kline", {"interval": seconds}))
            if self._streams & {"book", "trade"} and "orderbook" not in self._asked:
                messages.append(self._subscribe("orderbook", {"precise": self._precise}))
        return Due(messages, next_due)

    def _subscribe(self, event: facts.Event, more: dict[str, str]) -> str:
        self._asked.add(event)
        return self._ask(event, {"category": facts.CATEGORY, "symbol": self._symbol, **more})

    def feed(self, frame: bytes, seen: int) -> list[Event]:
        """Turn one frame into events. Never raise."""
        update = self._update(frame)
        if update is None:
            return []
        if isinstance(update, wire.Trouble):
            if not self._flowing:
                self.verdicts.append(self._verdict(update.words, (self._address,)))
            return []
        if not isinstance(update, wire.Orderbook | wire.Klines):
            self.unknown += 1
            return []
        if not self._generations.believes(self._generation, seen):
            taken = self._take_over(update, seen)
            if taken is None:
                self.passed_over += 1
                return []
            update = taken
        self._flowing = True
        if isinstance(update, wire.Orderbook):
            return self._orderbook(update, seen)
        return self._klines(update, seen)

    def _take_over(
        self, update: wire.Orderbook | wire.Klines, seen: int
    ) -> wire.Orderbook | wire.Klines | None:
        """Return the update with all trades held back, None while an older connection is believed."""
        generations, own = self._generations, self._generation
        if generations.is_past(own):
            return None
        if isinstance(update, wire.Orderbook):
            self._held += self._holding.fresh(self._sound(update.trades))
        elif self._streams & {"book", "trade"} and not generations.is_first:
            return None  # trades decide; where none are wanted none can be lost
        held = self._held[::-1]
        if not generations.take_over(own, seen, held):
            return None
        self._held, self._holding = [], Overlap()
        return wire.Orderbook(update.book, held) if isinstance(update, wire.Orderbook) else update

    def _orderbook(self, update: wire.Orderbook, seen: int) -> list[Event]:
        events: list[Event] = []
        if update.trades:
            trades = self._trades(update.trades, seen)
            if "trade" in self._streams:
                events += trades
        if update.book is not None and "book" in self._streams:
            book = self._book(update.book, seen)
            if book is not None:
                events.append(book)
        return events

    def _trades(self, told: Sequence[wire.Trade], seen: int) -> list[Trade]:
        sound = self._sound(told)
        overlap = self._generations.overlap
        if self._awaits_trades:
            self._awaits_trades = False
            self._is_bridged = overlap.is_met_by(sound)
        price, size = self._units.tick.number, self._units.lot.number
        trades: list[Trade] = []
        for one in overlap.fresh(sound):
            ms = normal_ms(one.created)
            side = SIDES.get(one.side.upper()) if one.side else None
            ts = None if ms is None else ms * _MS
            trades.append(Trade(self._address, ts, seen, None, price(one.ticks), size(one.lots), side))
        return trades

    def _sound(self, told: Sequence[wire.Trade]) -> list[wire.Trade]:
        """Return the trades that can be; count those that cannot."""
        sound = [one for one in told if one.ticks > 0 and one.lots > 0 and one.created > 0]
        self.bad_frames += len(told) - len(sound)
        return sound

    def _book(self, told: wire.OrderBook, seen: int) -> Book | None:
        """Return the whole new book, or None for one that cannot be (the last good one stays)."""
        bids, asks = self._side(told.bids), self._side(told.asks)
        bids.reverse()
        if bids and asks and bids[0].ticks >= asks[0].ticks:
            self.crossed += 1
            return None
        price, size = self._units.tick.number, self._units.lot.number
        counted = all(one.count is not None for one in (*bids, *asks))
        return Book(
            self._address,
            None,
            seen,
            [price(one.ticks) for one in bids],
            [size(one.lots) for one in bids],
            [price(one.ticks) for one in asks],
            [size(one.lots) for one in asks],
            None,
            "base",
            [one.count or 0 for one in bids] if counted else None,
            [one.count or 0 for one in asks] if counted else None,
        )

    def _side(self, told: Sequence[wire.Level]) -> list[wire.Level]:
        """Return the levels that hold something, in rising price."""
        kept = [one for one in told if one.ticks > 0 and one.lots > 0]
        if len(kept) < len(told):
            self.bad_frames += sum(one.ticks <= 0 or one.lots < 0 for one in told)
        kept.sort(key=lambda one: one.ticks)
        return kept

    def _klines(self, update: wire.Klines, seen: int) -> list[Event]:
        if "candle" not in self._streams:
            return []
        found: dict[int, Candle] = {}
        for entry in update.candles:
            candle = self._candle(entry, seen)
            if candle is not None:
                found[candle.open_ts] = candle
        if not found:
            return []
        events: list[Event] = []
        newest = max(self._newest, *found)
        before = self._candles.get(self._newest)
        if before is not None and newest > self._newest and self._newest not in found:
            found[self._newest] = before  # told once more, as a bar that is over
        for open_ts in sorted(found):
            candle = _closed(found[open_ts], open_ts < newest, seen)
            had = self._candles.get(open_ts)
            if had is None or not _is_same(had, candle):
                events.append(candle)
            self._candles[open_ts] = candle
        self._newest = newest
        while len(self._candles) > _CANDLES_KEPT:
            del self._candles[min(self._candles)]
        return events

    def _candle(self, entry: wire.Entry, seen: int) -> Candle | None:
        if entry.symbol is not None and entry.symbol != self._symbol:
            self.unknown += 1
            return None
        opened = normal_ms(entry.created)
        ends = (entry.o, entry.h, entry.l, entry.c)
        ticks = [one for one in ends if one is not None and one > 0]
        if opened is None or len(ticks) < len(ends) or (entry.v is not None and entry.v < 0):
            self.bad_frames += 1
            return None
        if ticks[1] < max(ticks) or ticks[2] > min(ticks):
            self.bad_frames += 1
            return None
        changed = normal_ms(entry.m)
        price = self._units.tick.number
        return Candle(
            self._address,
            None if changed is None else changed * _MS,
            seen,
            self._interval,
            opened * _MS,
            price(ticks[0]),
            price(ticks[1]),
            price(ticks[2]),
            price(ticks[3]),
            None if entry.v is None else self._units.lot.number(entry.v),
            False,
        )


def _closed(candle: Candle, closed: bool, seen: int) -> Candle:
    return candle if candle.closed == closed else replace(candle, closed=closed, seen=seen)


def _is_same(one: Candle, other: Candle) -> bool:
    return (one.ts, one.open, one.high, one.low, one.close, one.volume, one.closed) == (
        other.ts,
        other.open,
        other.high,
        other.low,
        other.close,
        other.volume,
        other.closed,
    )
