"""The account in the simulated market: its orders, its money, the tape and the book agree."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from mdterm.feeds.account import Account, Fill
from mdterm.feeds.contract import Want
from mdterm.feeds.events import Book, Event, Trade
from mdterm.feeds.jayx.codec import Generations, MarketCodec
from mdterm.feeds.jayx.framing import Dialect
from mdterm.feeds.jayx.private import PrivateCodec
from mdterm.feeds.jayx.units import units_of
from mdterm.feeds.sim.jayx_board import Board
from mdterm.feeds.sim.jayx_desk import Desk, Resting
from mdterm.feeds.sim.market import (
    Instrument,
    PastBar,
    VenueBook,
    VenueEvent,
    VenueFunding,
    VenueTrade,
    instrument_of,
)
from mdterm.feeds.sim.synthetic import LISTINGS, SyntheticSource

NOW = 1_800_000_000_000_000_000
MS = 1_000_000
SYMBOLS = ("BTCUSDT", "ETHUSDT")


class Script:
    """A source that tells what it is given, a cell at a time."""

    def __init__(self, has_past: bool) -> None:
        self.has_past = has_past
        self.cell: list[VenueEvent] = []
        self.instruments: tuple[Instrument, ...] = (instrument_of("BTCUSDT", 0.1),)

    def begin(self, now_ns: int) -> int:
        return now_ns

    def next_ts(self) -> int | None:
        return None

    def take(self, until: int) -> list[VenueEvent]:
        told, self.cell = self.cell, []
        return told

    def past(self, symbol: str, minutes: int) -> list[PastBar]:
        return []


def book(at: int, bids: Sequence[tuple[float, float]], asks: Sequence[tuple[float, float]]) -> VenueBook:
    flat = [tuple(number for level in side for number in level) for side in (bids, asks)]
    return VenueBook("BTCUSDT", NOW + at * MS, flat[0], flat[1])


def trade(at: int, price: float, size: float, buy: bool) -> VenueTrade:
    return VenueTrade("BTCUSDT", NOW + at * MS, f"t{at}", price, size, buy)


BIDS = [(100.0 - step / 10, 50.0) for step in range(20)]
ASKS = [(100.1 + step / 10, 50.0) for step in range(20)]


def quoting(has_past: bool, *, seed: int = 1) -> tuple[Script, Desk]:
    """Return a desk whose account rests an order on each side, next to the touch or at it."""
    script = Script(has_past)
    desk = Desk(script, seed)
    for at in range(0, 6000, 100):
        script.cell = [book(at, BIDS, ASKS)]
        desk.take(NOW)
        near = [one for one in desk.resting("BTCUSDT") if abs(one.ticks - 10_005) < 100]
        if {one.buy for one in near} == {True, False}:
            desk.changed.clear()
            return script, desk
    raise AssertionError("the account never quoted")


def run(script: Script, desk: Desk, *events: VenueEvent) -> list[VenueEvent]:
    script.cell = list(events)
    return desk.take(NOW)


def best_of(desk: Desk, buy: bool) -> Resting:
    orders = [one for one in desk.resting("BTCUSDT") if one.buy == buy]
    return max(orders, key=lambda one: one.ticks if buy else -one.ticks)


def price_of(order: Resting) -> float:
    return order.ticks / 100


def test_a_print_at_the_price_fills_what_is_left_of_it() -> None:
    script, desk = quoting(has_past=False)
    order = best_of(desk, buy=True)
    ahead, resd = order.ahead, order.resd
    total = desk.money["USDT"].total
    size = (ahead + resd // 2) / 1e6
    told = run(script, desk, trade(7000, price_of(order), size, buy=False))
    assert told == [trade(7000, price_of(order), size, buy=False)]
    assert (order.resd, order.exec, order.state) == (resd - resd // 2, resd // 2, "TRADE")
    assert order.cost == order.exec * order.ticks
    assert total - desk.money["USDT"].total == Decimal(order.cost) * Decimal("0.01") * Decimal("0.000001")
    assert [one.id for one in desk.changed] == [order.id]


def test_what_rests_before_an_order_is_used_up_first() -> None:
    script, desk = quoting(has_past=False)
    order = best_of(desk, buy=False)
    assert order.ahead > 0
    run(script, desk, trade(7000, price_of(order), (order.ahead - 1) / 1e6, buy=True))
    assert (order.exec, order.ahead) == (0, 1)
    run(script, desk, trade(7001, price_of(order), order.resd / 1e6, buy=False))
    assert order.exec == 0  # a seller does not take what is offered


def test_a_made_up_market_that_trades_through_prints_the_fill() -> None:
    script, desk = quoting(has_past=True)
    orders = sorted((o for o in desk.resting("BTCUSDT") if o.buy), key=lambda o: -o.ticks)
    through = trade(7000, 98.0, 1.0, buy=False)
    passed = [one for one in orders if one.ticks > 9800]
    assert passed
    *prints, last = run(script, desk, through)
    assert last == through
    assert [(one.price, one.buy) for one in prints if isinstance(one, VenueTrade)] == [
        (price_of(one), False) for one in passed
    ]
    assert all(one.resd == 0 and one.id not in desk.orders for one in passed)


def test_a_made_up_market_that_moves_past_prints_the_fill() -> None:
    script, desk = quoting(has_past=True)
    order = best_of(desk, buy=True)
    moved = book(7000, [(98.0, 1.0)], [(98.1, 1.0)])
    *prints, shown = run(script, desk, moved)
    assert isinstance(shown, VenueBook)
    assert price_of(order) in [one.price for one in prints if isinstance(one, VenueTrade)]
    assert shown.bids[0] < shown.asks[0]


def test_a_made_up_book_shows_the_orders_on_top() -> None:
    script, desk = quoting(has_past=True)
    (shown,) = run(script, desk, book(7000, BIDS, ASKS))
    assert isinstance(shown, VenueBook)
    sizes = dict(zip(shown.bids[0::2], shown.bids[1::2], strict=True))
    own: Counter[float] = Counter()
    for one in desk.resting("BTCUSDT"):
        if one.buy:
            own[price_of(one)] += one.resd
    assert own
    for price, lots in own.items():
        before = dict(BIDS).get(price, 0.0)
        assert round(sizes[price] * 1e6) == round(before * 1e6) + lots


def test_a_recording_is_told_as_it_was_recorded() -> None:
    script, desk = quoting(has_past=False)
    resting = len(desk.resting("BTCUSDT"))
    events: list[VenueEvent] = [
        book(7000, BIDS, ASKS),
        trade(7001, 99.0, 1.0, buy=False),
        VenueFunding("BTCUSDT", NOW, 0.1, None),
        book(7002, [(97.0, 1.0)], [(97.1, 1.0)]),
    ]
    assert run(script, desk, *events) == events
    # What was traded through, and what the book has no room for, was pulled in time.
    assert {one.state for one in desk.changed} >= {"CANCELED"}
    assert resting > len([one for one in desk.resting("BTCUSDT") if one.ticks > 9700 and one.buy])


def test_another_symbol_is_not_the_accounts() -> None:
    script, desk = quoting(has_past=True)
    event = VenueTrade("XYZ", NOW, "1", 1.0, 1.0, True)
    assert run(script, desk, event) == [event]


def test_a_half_empty_book_is_let_be() -> None:
    script, desk = quoting(has_past=True)
    event = book(7000, [], ASKS)
    assert run(script, desk, event) == [event]


# Ten minutes, told over the wire and read back.


class Watcher:
    """All that a client of the account sees of two symbols, and its checks."""

    def __init__(self, desk: Desk) -> None:
        self.account = Account("jayx")
        self.books: dict[str, Book] = {}
        self.trades: dict[str, int] = dict.fromkeys(SYMBOLS, 0)
        self._grids = desk.grids
        units = {symbol: units_of(desk.grids[symbol].tick, desk.grids[symbol].lot) for symbol in SYMBOLS}
        self.private = PrivateCodec(
            name="jayx",
            api_key="key",
            dialect=Dialect("flat"),
            namespace="/",
            units=units.__getitem__,
            symbol_of=lambda address: address.partition(":")[2],
        )
        self.private.opened(0.0)
        self.markets = {}
        for symbol in SYMBOLS:
            codec = MarketCodec(
                address=f"jayx:{symbol}",
                symbol=symbol,
                interval="1m",
                precise="1",
                dialect=Dialect("flat"),
                namespace="/",
                units=units[symbol],
                generations=Generations(),
            )
            codec.want([Want(0, f"jayx:{symbol}", stream) for stream in ("book", "trade")])
            codec.opened(0.0)
            self.markets[symbol] = codec

    def hear(self, board: Board, changed: Sequence[Resting], assets: set[str], fresh: dict[str, int]) -> None:
        """Read one cell's messages, then check that all of it agrees."""
        prints: Counter[tuple[str, Decimal, str]] = Counter()
        for symbol, codec in self.markets.items():
            body = board.orderbook(symbol, fresh[symbol])
            if body is None:
                continue
            for event in codec.feed(body, NOW):
                if isinstance(event, Trade):
                    self.trades[symbol] += 1
                    assert event.side is not None
                    size = self._grids[symbol].lots(event.size or 0.0)
                    prints[event.address, Decimal(repr(event.price)), event.side] += size
                elif isinstance(event, Book):
                    self.books[symbol] = event
        events: list[Event] = []
        if changed:
            events += self.private.feed(board.changed_orders(changed), NOW)
        if assets:
            events += self.private.feed(board.positions(assets), NOW)
        self.account.fills.clear()
        self.account.apply(events)
        self._check_fills(self.account.fills, prints)
        if events:
            self._check_money()
        self._check_books()

    def _check_fills(self, fills: Iterable[Fill], prints: Counter[tuple[str, Decimal, str]]) -> None:
        """Every fill is on the tape in the same moment: its price, the other side, at least its size."""
        for fill in fills:
            assert fill.price is not None
            taker = "sell" if fill.side == "buy" else "buy"
            symbol = fill.address.partition(":")[2]
            key = (fill.address, fill.price.normalize(), taker)
            found = next((at for at in prints if (at[0], at[1].normalize(), at[2]) == key), None)
            assert found is not None, fill
            prints[found] -= int(fill.size / self._grids[symbol].lot)
            assert prints[found] >= 0

    def _check_money(self) -> None:
        """What is locked is exactly what the open orders hold, and every figure adds up."""
        assert self.account.broken() == []
        held: Counter[str] = Counter()
        for one in self.account.open_orders():
            assert one.price is not None
            assert one.remaining is not None
            assert one.size == (one.filled or 0) + one.remaining
            coin = one.order.address.partition(":")[2].removesuffix("USDT")
            if one.order.side == "buy":
                held["USDT"] += one.price * one.remaining  # type: ignore[assignment]
            else:
                held[coin] += one.remaining  # type: ignore[assignment]
        for holding in self.account.holdings.values():
            assert holding.total == holding.available + holding.locked
            assert holding.locked == held[holding.asset]

    def _check_books(self) -> None:
        """The book holds at least what rests of the account's own, and is never crossed."""
        for one in self.account.open_orders():
            found = self.books.get(one.order.address.partition(":")[2])
            assert one.price is not None
            assert one.remaining is not None
            if found is None:
                continue
            buy = one.order.side == "buy"
            prices = found.bid_prices if buy else found.ask_prices
            sizes = found.bid_sizes if buy else found.ask_sizes
            price = float(one.price)
            if not prices or (price < prices[-1] if buy else price > prices[-1]):
                continue
            assert price in prices, one
            size = sizes[prices.index(price)]
            assert size is not None
            assert Decimal(repr(size)) >= one.remaining


def test_ten_minutes_in_which_everything_agrees() -> None:
    desk = Desk(SyntheticSource(7, 1.0, LISTINGS[:2]), 7)
    board, origin = Board(desk), desk.begin(NOW)
    watcher = Watcher(desk)
    counts = dict.fromkeys(SYMBOLS, 0)
    fills = partial = cancelled = 0
    for cell in range(1, 10 * 60 * 10 + 1):
        board.take(desk.take(origin + cell * 100 * MS))
        changed, desk.changed[:] = list(desk.changed), []
        assets, desk.changed_assets = desk.changed_assets, set()
        fresh = {symbol: board.trade_count.get(symbol, 0) - counts[symbol] for symbol in SYMBOLS}
        counts = {symbol: board.trade_count.get(symbol, 0) for symbol in SYMBOLS}
        watcher.hear(board, changed, assets, fresh)
        fills += len(watcher.account.fills)
        partial += sum(one.state == "TRADE" and one.resd > 0 for one in changed)
        cancelled += sum(one.state == "CANCELED" for one in changed)
    assert watcher.trades == counts
    assert min(counts.values()) > 1000
    assert [codec.crossed for codec in watcher.markets.values()] == [0, 0]
    assert [codec.bad_frames for codec in watcher.markets.values()] == [0, 0]
    assert fills > 50
    assert partial > 10
    assert cancelled > 5
    assert watcher.private.bad_frames == 0
    rest = json.loads(board.open_orders("BTCUSDT"))["modify"]
    assert {str(one["id"]) for one in rest} == {
        one.order.id for one in watcher.account.open_orders("jayx:BTCUSDT")
    }
