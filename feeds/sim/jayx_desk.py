"""The desk: an account that trades in the simulated market, so that orders, fills, tape and book agree.

A desk stands between a source and the floor and is a source itself, so every protocol sees its orders. It
rests a few limit orders near the touch and some farther out, and pulls those the market has left behind.

- A print at an order's price by the other side fills it, once what was there before it is used up. Such a
  fill is a part of that print.
- In a made-up market the orders come on top of what the crowd rests. Where the market trades through one, or
  moves past it, the fill is a print of its own at the order's price, just before.
- A recording is told as it was recorded, to the last print and level: there the orders are part of the size
  that is shown, and one that is traded through, or whose level goes, was pulled a moment before.

There are no fees. A buy locks price × size of the quote asset, a sell its size. All figures are exact.
"""

import math
import random
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from mdterm.feeds.sim.market import (
    Instrument,
    MarketSource,
    PastBar,
    VenueBook,
    VenueEvent,
    VenueTrade,
)

TRADED = 2
"""Instruments the account trades in: the first of the market that name their quote."""
_START_QUOTE = Decimal(100_000)
_START_WORTH = Decimal(25_000)
_SLOTS = ("near", "near", "far", "far")
_NEAR_BPS, _FAR_BPS = (0.0, 1.0), (6.0, 25.0)
_LEFT_BEHIND_BPS = {"near": 6.0, "far": 60.0}
_WAIT_S = (0.4, 3.0)
_ORDER_WORTH = (200.0, 4000.0)
_MS = 1_000_000

_LOT = Decimal("0.00000001")
_KNOWN_GRIDS = {"BTCUSDT": (Decimal("0.01"), Decimal("0.000001"))}


class Grid(Struct, frozen=True):
    """What one tick and one lot of a symbol are."""

    tick: Decimal
    lot: Decimal
    price_scale: int
    size_scale: int

    def ticks(self, price: float) -> int:
        """Return a price as ticks."""
        return round(price * self.price_scale)

    def lots(self, size: float) -> int:
        """Return a size as lots; whatever exists is at least one."""
        return max(1, round(size * self.size_scale)) if size > 0 else 0

    def price(self, ticks: int) -> float:
        """Return ticks as a price: the double nearest to the decimal."""
        return ticks / self.price_scale

    def size(self, lots: int) -> float:
        """Return lots as a size."""
        return lots / self.size_scale


def grid_of(instrument: Instrument) -> Grid:
    """Return the grid of an instrument: the provider's own where it is known, else the finest that fits."""
    tick, lot = _KNOWN_GRIDS.get(instrument.symbol, (Decimal(repr(instrument.tick)), _LOT))
    return Grid(tick, lot, int(1 / tick), int(1 / lot))


class Resting(Struct):
    """A limit order of the account. ``ahead`` is what rests before it at its price (lots)."""

    id: int
    symbol: str
    buy: bool
    ticks: int
    resd: int
    created: int
    slot: int
    ahead: int = 0
    exec: int = 0
    cost: int = 0
    last_lots: int | None = None
    last_ticks: int | None = None
    modified: int = 0
    state: str = "NEW"

    @property
    def is_open(self) -> bool:
        """Whether it rests."""
        return self.resd > 0 and self.state != "CANCELED"


class Money(Struct):
    """One asset of the account."""

    total: Decimal
    locked: Decimal = Decimal(0)

    @property
    def available(self) -> Decimal:
        """What may be used."""
        return self.total - self.locked


class Desk:
    """A market source with an account in it. ``changed`` holds orders that changed and were not yet told."""

    def __init__(self, source: MarketSource, seed: int) -> None:
        self._source = source
        self._dice = random.Random(f"desk {seed}")
        self.has_past = source.has_past
        self._is_recorded = not source.has_past
        self.grids = {one.symbol: grid_of(one) for one in source.instruments}
        self.orders: dict[int, Resting] = {}
        self.money: dict[str, Money] = {}
        self.changed: list[Resting] = []
        self.changed_assets: set[str] = set()
        self._traded = {one.symbol: one for one in [i for i in source.instruments if i.quote][:TRADED]}
        for one in self._traded.values():
            self.money.setdefault(one.quote, Money(_START_QUOTE))
        self._next_id = 117_805_625
        self._not_before: dict[tuple[str, int, bool], int] = {}

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """What the source trades."""
        return self._source.instruments

    def begin(self, now_ns: int) -> int:
        """Let the source begin."""
        return self._source.begin(now_ns)

    def next_ts(self) -> int | None:
        """Return the time of the source's next event."""
        return self._source.next_ts()

    def past(self, symbol: str, minutes: int) -> list[PastBar]:
        """Return the source's past."""
        return self._source.past(symbol, minutes)

    def take(self, until: int) -> list[VenueEvent]:
        """Return the source's events with the account's part in them."""
        told: list[VenueEvent] = []
        for event in self._source.take(until):
            if event.symbol in self._traded:
                if isinstance(event, VenueTrade):
                    self._meet(event, told)
                elif isinstance(event, VenueBook):
                    told.append(self._look(event, told))
                    continue
            told.append(event)
        return told

    def resting(self, symbol: str) -> list[Resting]:
        """Return the open orders of a symbol."""
        return [one for one in self.orders.values() if one.symbol == symbol]

    # What the market does to the orders.

    def _meet(self, trade: VenueTrade, told: list[VenueEvent]) -> None:
        """Fill what a print reaches; the best prices first."""
        grid = self.grids[trade.symbol]
        ticks, left = grid.ticks(trade.price), grid.lots(trade.size)
        for order in sorted(self.resting(trade.symbol), key=lambda one: -one.ticks if one.buy else one.ticks):
            if order.buy == trade.buy:
                continue
            beyond = (order.ticks - ticks) * (1 if order.buy else -1)
            if beyond > 0:
                self._passed(order, trade.ts, told)
            elif beyond == 0:
                used = min(order.ahead, left)
                order.ahead -= used
                filled = min(order.resd, left - used)
                left -= used + filled
                if filled:
                    self._fill(order, filled, trade.ts)

    def _passed(self, order: Resting, ts: int, told: list[VenueEvent]) -> None:
        """The market has gone past an order that rests."""
        if self._is_recorded:
            self._cancel(order, ts)
            return
        grid = self.grids[order.symbol]
        price, size = grid.price(order.ticks), grid.size(order.resd)
        told.append(
            VenueTrade(order.symbol, ts, f"{order.id}-{order.exec + order.resd}", price, size, not order.buy)
        )
        self._fill(order, order.resd, ts)

    def _fill(self, order: Resting, lots: int, ts: int) -> None:
        coin, quote = self._assets(order.symbol)
        grid = self.grids[order.symbol]
        size, worth = lots * grid.lot, lots * order.ticks * grid.lot * grid.tick
        order.resd -= lots
        order.exec += lots
        order.cost += lots * order.ticks
        order.last_lots, order.last_ticks = lots, order.ticks
        order.modified, order.state = ts, "TRADE"
        given, got, paid, gain = (quote, coin, worth, size) if order.buy else (coin, quote, size, worth)
        given.total -= paid
        given.locked -= paid
        got.total += gain
        self._note(order)
        if not order.resd:
            self._gone(order, ts)

    def _cancel(self, order: Resting, ts: int) -> None:
        self._unlock(order)
        order.modified, order.state = ts, "CANCELED"
        self._note(order)
        self._gone(order, ts)

    def _gone(self, order: Resting, ts: int) -> None:
        del self.orders[order.id]
        wait = self._dice.uniform(*_WAIT_S) * (1 if order.slot < 2 else 3)
        self._not_before[order.symbol, order.slot, order.buy] = ts + int(wait * 1e9)

    # What the account does.

    def _look(self, book: VenueBook, told: list[VenueEvent]) -> VenueBook:
        """Look at a new book: pull, place, and return the book with the orders in it."""
        if not book.bids or not book.asks:
            return book
        grid = self.grids[book.symbol]
        self._endow(book)
        best_bid, best_ask = grid.ticks(book.bids[0]), grid.ticks(book.asks[0])
        shown = {side: _lots_by_ticks(grid, book.bids if side else book.asks) for side in (True, False)}
        for order in self.resting(book.symbol):
            edge = best_ask if order.buy else best_bid
            if (edge <= order.ticks) if order.buy else (edge >= order.ticks):
                self._passed(order, book.ts, told)
                continue
            behind = (best_bid - order.ticks) if order.buy else (order.ticks - best_ask)
            is_left_behind = behind * 1e4 > _LEFT_BEHIND_BPS[_SLOTS[order.slot]] * best_bid
            if is_left_behind or (self._is_recorded and _has_lost_its_level(order, shown[order.buy])):
                self._cancel(order, book.ts)
            else:
                order.ahead = min(order.ahead, shown[order.buy].get(order.ticks, 0))
        for slot in range(len(_SLOTS)):
            for buy in (True, False):
                self._place(book, slot, buy, shown[buy])
        return book if self._is_recorded else self._with_orders(book)

    def _endow(self, book: VenueBook) -> None:
        """Give the account its first coins of an instrument, when a price is known."""
        coin = self._traded[book.symbol].coin
        if coin not in self.money:
            lots = int(float(_START_WORTH) / book.bids[0] * self.grids[book.symbol].size_scale)
            self.money[coin] = Money(lots * self.grids[book.symbol].lot)
            self.changed_assets.add(coin)

    def _place(self, book: VenueBook, slot: int, buy: bool, shown: dict[int, int]) -> None:
        """Rest one order a slot and side, after a while, where the account can pay for it."""
        if any(one.slot == slot and one.buy == buy for one in self.resting(book.symbol)):
            return
        dice, grid = self._dice, self.grids[book.symbol]
        if book.ts < self._not_before.get((book.symbol, slot, buy), 0) or dice.random() < 0.7:
            return
        best = grid.ticks(book.bids[0] if buy else book.asks[0])
        away = dice.uniform(*(_NEAR_BPS if _SLOTS[slot] == "near" else _FAR_BPS)) * best / 1e4
        step = grid.ticks(self._traded[book.symbol].tick)
        ticks = best - int(away) // step * step * (1 if buy else -1)
        lots = int(dice.uniform(*_ORDER_WORTH) / grid.price(ticks) * grid.size_scale)
        lots -= lots % _market_lot(shown)
        if self._is_recorded:
            room = [(abs(at - ticks), at) for at, there in shown.items() if there >= 2 * lots]
            if not room:
                return
            ticks = min(room)[1]
        order = Resting(self._next_id, book.symbol, buy, ticks, lots, book.ts, slot, modified=book.ts)
        if lots <= 0 or ticks <= 0 or not self._lock(order):
            return
        self._next_id += 1
        there = shown.get(ticks, 0)
        order.ahead = max(0, there - lots) if self._is_recorded else there
        self.orders[order.id] = order
        self._note(order)

    def _with_orders(self, book: VenueBook) -> VenueBook:
        """Return a made-up book with the account's orders on top."""
        sides = []
        for buy, flat in ((True, book.bids), (False, book.asks)):
            own = [one for one in self.resting(book.symbol) if one.buy == buy]
            sides.append(_with_own(self.grids[book.symbol], flat, own, buy) if own else flat)
        return replace(book, bids=sides[0], asks=sides[1])

    # Money.

    def _assets(self, symbol: str) -> tuple[Money, Money]:
        instrument = self._traded[symbol]
        return self.money[instrument.coin], self.money[instrument.quote]

    def _held(self, order: Resting) -> tuple[Money, Decimal]:
        """Return the asset that an order locks, and how much for what remains of it."""
        coin, quote = self._assets(order.symbol)
        grid = self.grids[order.symbol]
        size = order.resd * grid.lot
        return (quote, size * order.ticks * grid.tick) if order.buy else (coin, size)

    def _lock(self, order: Resting) -> bool:
        asset, amount = self._held(order)
        if amount > asset.available / 3:
            return False
        asset.locked += amount
        return True

    def _unlock(self, order: Resting) -> None:
        asset, amount = self._held(order)
        asset.locked -= amount

    def _note(self, order: Resting) -> None:
        instrument = self._traded[order.symbol]
        self.changed_assets |= {instrument.coin, instrument.quote}
        self.changed.append(replace(order))


def _has_lost_its_level(order: Resting, shown: dict[int, int]) -> bool:
    """Say whether a recorded book shows less at an order's price than the order itself."""
    farthest = min(shown) if order.buy else max(shown)
    is_hidden = order.ticks < farthest if order.buy else order.ticks > farthest
    return not is_hidden and shown.get(order.ticks, 0) < order.resd


def _market_lot(shown: dict[int, int]) -> int:
    """Return the market's own size step, a power of ten lots: an odd order would give itself away."""
    step, common = 1, math.gcd(*shown.values())
    while common and common % (step * 10) == 0:
        step *= 10
    return step


def _lots_by_ticks(grid: Grid, flat: tuple[float, ...]) -> dict[int, int]:
    return {grid.ticks(price): grid.lots(size) for price, size in zip(flat[0::2], flat[1::2], strict=True)}


def _with_own(grid: Grid, flat: tuple[float, ...], own: list[Resting], buy: bool) -> tuple[float, ...]:
    lots = _lots_by_ticks(grid, flat)
    farthest = (min if buy else max)(lots)
    for order in own:
        if (order.ticks >= farthest) if buy else (order.ticks <= farthest):
            lots[order.ticks] = lots.get(order.ticks, 0) + order.resd
    levels: list[float] = []
    for ticks in sorted(lots, reverse=buy):
        levels += (grid.price(ticks), grid.size(lots[ticks]))
    return tuple(levels)
