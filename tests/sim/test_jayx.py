"""JayX as the simulated venue serves it, over real sockets and a held clock."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from mdterm.app.commands.simulate import simulate
from mdterm.feeds.contract import Want
from mdterm.feeds.events import Book, Candle, Event, Trade
from mdterm.feeds.jayx import facts, framing, wire
from mdterm.feeds.jayx.codec import Generations, MarketCodec
from mdterm.feeds.jayx.feed import Options, make
from mdterm.feeds.jayx.framing import Dialect
from mdterm.feeds.jayx.units import units_of
from mdterm.feeds.sim.faults import parse_faults
from mdterm.feeds.sim.jayx import JayxServer
from mdterm.feeds.sim.jayx_wire import FRAMINGS, PING_INTERVAL_MS, PING_TIMEOUT_MS
from mdterm.feeds.sim.venue import Venue, VenueConfig, VenueError

Open = Callable[..., Awaitable[Venue]]
Record = Callable[..., Path]

URL = "providers.jayx.url"
TS = 1_700_000_000_000_000_000
MS = 1_000_000
DIALECTS = {
    "socketio": Dialect("socketio", eio=4, rules=4),
    "socketio3": Dialect("socketio", eio=3, rules=3),
    "envelope": Dialect("envelope"),
    "envelope-message": Dialect("envelope", envelope=("event", "message")),
    "flat": Dialect("flat"),
}


class Line:
    """A socket to the venue that speaks one dialect, at the lowest level."""

    def __init__(self, socket: ClientConnection, dialect: Dialect, namespace: str) -> None:
        self.socket = socket
        self._dialect = dialect
        self._namespace = namespace

    async def ask(self, event: str, **fields: str) -> None:
        message = {"category": "spot", "symbol": "BTCUSDT", **fields}
        await self.socket.send(framing.encode(self._dialect, self._namespace, event, message))

    async def packet(self) -> framing.Packet:
        return framing.read_packet(await asyncio.wait_for(self.socket.recv(decode=False), 5))

    async def update(self) -> wire.Update:
        """Return the next message that says something."""
        while True:
            packet = await self.packet()
            if packet.kind == "message":
                found = wire.understand(packet.name, packet.body).update
                assert found is not None
                return found

    async def drain(self) -> None:
        """Read until the connection ends. Raise ConnectionClosed."""
        while True:
            await self.packet()


@pytest.fixture
async def dial_jayx() -> AsyncIterator[Callable[..., Awaitable[Line]]]:
    """Give a way to open lines; they are closed at the end."""
    sockets: list[ClientConnection] = []

    async def dial(venue: Venue, form: str = "envelope", namespace: str = "/") -> Line:
        dialect = DIALECTS[form]
        url = framing.dial_url(venue.endpoints[URL], dialect, "/socket.io/")
        socket = await connect(url, max_queue=None, ping_interval=None)
        sockets.append(socket)
        line = Line(socket, dialect, namespace)
        if dialect.form == "socketio":
            assert (await line.packet()).kind == "open"
            if dialect.eio == 3:
                assert (await line.packet()).kind == "connect"
            if dialect.eio == 4 or namespace != "/":
                await socket.send("40" if namespace == "/" else f"40{namespace},")
                joined = await line.packet()
                assert (joined.kind, joined.namespace) == ("connect", namespace)
        return line

    yield dial
    for socket in sockets:
        await socket.close()


Dial = Callable[..., Awaitable[Line]]


def trade(ms: float, price: float = 61800.3, size: float = 0.5, side: str = "buy") -> dict[str, Any]:
    ts = TS + int(ms * MS)
    return {"ts": ts, "symbol": "BTCUSDT", "type": "trade", "price": price, "size": size, "side": side}


def book(ms: float, bid: float = 61800.2, ask: float = 61800.3, size: float = 9.0) -> dict[str, Any]:
    levels = {"bids": [[bid, size], [bid - 0.1, size]], "asks": [[ask, size], [ask + 0.1, size]]}
    return {"ts": TS + int(ms * MS), "symbol": "BTCUSDT", "type": "book", **levels}


def server_of(venue: Venue) -> JayxServer:
    assert venue.jayx is not None
    return venue.jayx


async def settled(venue: Venue, sockets: int) -> None:
    """Wait until the venue has so many subscribed connections."""
    while sum(session.is_subscribed for session in server_of(venue).sessions) < sockets:
        await asyncio.sleep(0)


@pytest.mark.parametrize("form", DIALECTS)
async def test_every_framing_serves_everything(
    form: str, open_venue: Open, dial_jayx: Dial, clock: Any
) -> None:
    line = await dial_jayx(await open_venue(providers=("jayx",), jayx_framing=form), form)
    await line.ask("orderbook", precise="1")
    await line.ask("kline", interval="60")
    await line.ask("positions", apiKey="key")
    await line.ask("openorders", apiKey="key")
    seen: dict[type[wire.Update], wire.Update] = {}
    while len(seen) < 4:
        await clock.advance(0.3)
        update = await line.update()
        seen[type(update)] = update
    told = seen[wire.Orderbook]
    assert isinstance(told, wire.Orderbook)
    assert told.book is not None
    assert len(told.book.bids) > 10
    candle = seen[wire.Klines]
    assert isinstance(candle, wire.Klines)
    assert candle.candles[0].symbol == "BTCUSDT"


async def test_a_venue_that_takes_any_framing_answers_in_the_same(
    open_venue: Open, dial_jayx: Dial, clock: Any
) -> None:
    venue = await open_venue(providers=("jayx",))
    begins = {
        "envelope": '{"event":"positions","data":{"spot"',
        "envelope-message": '{"event":"positions","message":{"spot"',
        "flat": '{"event":"positions","spot"',
    }
    for form in DIALECTS:
        line = await dial_jayx(venue, form)
        await line.ask("positions", apiKey="key")
        frame = str(await asyncio.wait_for(line.socket.recv(), 5))
        assert frame.startswith(begins.get(form, '42["positions",{"spot"')), form


async def test_a_namespace_is_kept(open_venue: Open, dial_jayx: Dial) -> None:
    line = await dial_jayx(await open_venue(providers=("jayx",)), "socketio", "/spot")
    await line.ask("positions", apiKey="key")
    assert (await line.packet()).namespace == "/spot"


@pytest.mark.parametrize(
    ("spoken", "asked", "status"),
    [
        ("socketio", "/", 404),
        ("socketio", "/socket.io/?EIO=3&transport=websocket", 400),
        ("socketio3", "/socket.io/?EIO=4&transport=websocket", 400),
        ("envelope", "/socket.io/?EIO=4&transport=websocket", 404),
        ("any", "/socket.io/?EIO=5&transport=websocket", 400),
    ],
)
async def test_another_framing_is_turned_away(spoken: str, asked: str, status: int, open_venue: Open) -> None:
    venue = await open_venue(providers=("jayx",), jayx_framing=spoken)
    with pytest.raises(InvalidStatus) as caught:
        await connect(venue.endpoints[URL] + asked)
    assert caught.value.response.status_code == status


@pytest.mark.parametrize("key", ["", "bad", "wrong-1", "invalid", "refused", "badger"])
@pytest.mark.parametrize("event", ["positions", "openorders"])
async def test_a_bad_key_is_refused(event: str, key: str, open_venue: Open, dial_jayx: Dial) -> None:
    line = await dial_jayx(await open_venue(providers=("jayx",)))
    await line.ask(event, apiKey=key)
    assert await line.update() == wire.Trouble("invalid apiKey")
    with pytest.raises(ConnectionClosed) as caught:
        await line.packet()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1008


async def test_what_is_not_traded_is_said(open_venue: Open, dial_jayx: Dial) -> None:
    line = await dial_jayx(await open_venue(providers=("jayx",)))
    await line.ask("orderbook", symbol="NOPE")
    assert await line.update() == wire.Trouble("no such symbol NOPE")
    await line.ask("kline", interval="61")
    assert await line.update() == wire.Trouble("no such interval")
    await line.socket.send("not json")
    await line.socket.send('{"event":"unheard of","data":{"symbol":"BTCUSDT"}}')
    await line.ask("positions", apiKey="key")
    assert isinstance(await line.update(), wire.Positions)


async def test_engine_4_is_pinged_and_cut_when_it_does_not_answer(
    open_venue: Open, dial_jayx: Dial, clock: Any
) -> None:
    line = await dial_jayx(await open_venue(providers=("jayx",)), "socketio")
    for _ in range(2):
        await clock.advance(PING_INTERVAL_MS / 1000)
        assert (await line.packet()).kind == "ping"
        await line.socket.send("3")
        await line.ask("kline", interval="0")  # whoever answers this has heard the pong
        assert await line.update() == wire.Trouble("no such interval")
        await clock.advance(PING_TIMEOUT_MS / 1000)
    await clock.advance(PING_INTERVAL_MS / 1000)
    assert (await line.packet()).kind == "ping"
    await clock.advance(PING_TIMEOUT_MS / 1000)
    with pytest.raises(ConnectionClosed):
        await line.packet()


async def test_engine_3_pings_itself_and_is_cut_when_it_stops(
    open_venue: Open, dial_jayx: Dial, clock: Any
) -> None:
    line = await dial_jayx(await open_venue(providers=("jayx",)), "socketio3")
    patience = (PING_INTERVAL_MS + PING_TIMEOUT_MS) / 1000
    await line.socket.send("2")
    assert (await line.packet()).kind == "pong"
    await clock.advance(patience)
    await line.socket.send("2")
    assert (await line.packet()).kind == "pong"
    await clock.advance(patience)
    await clock.advance(patience)
    with pytest.raises(ConnectionClosed):
        await line.drain()


def reader() -> MarketCodec:
    """Return a client's codec for BTCUSDT."""
    codec = MarketCodec(
        address="jayx:BTCUSDT",
        symbol="BTCUSDT",
        interval="1m",
        precise="1",
        dialect=Dialect("envelope"),
        namespace="/",
        units=units_of(*facts.UNITS["BTCUSDT"]),
        generations=Generations(),
    )
    codec.want([Want(0, "jayx:BTCUSDT", stream) for stream in ("book", "trade", "candle")])
    codec.opened(0.0)
    return codec


async def told(line: Line, codec: MarketCodec) -> list[Event]:
    """Return all that was told until now."""
    await line.ask("kline", interval="0")
    events: list[Event] = []
    while not codec.verdicts:
        frame = await asyncio.wait_for(line.socket.recv(decode=False), 5)
        if b"no such interval" in frame:
            return events
        events += codec.feed(frame, TS)
    raise AssertionError(codec.verdicts)


async def test_a_recording_comes_out_as_it_went_in(
    open_venue: Open, dial_jayx: Dial, record: Record, clock: Any
) -> None:
    trades = [
        trade(at * 7, round(61800.1 + at % 5 / 10, 1), at / 1000, "sell" if at % 3 else "buy")
        for at in range(1, 400)
    ]
    books = [book(at * 100, 61800 - at / 10) for at in range(28)]
    rows = sorted([*trades, *books], key=lambda row: row["ts"])
    path = record(book(-1), *rows)
    venue = await open_venue(providers=("jayx",), play=path, keep_time=True)
    line, codec = await dial_jayx(venue), reader()
    await line.ask("orderbook")
    await settled(venue, 1)
    await clock.advance(4)
    events = await told(line, codec)
    assert [(e.price, e.size, e.side) for e in events if isinstance(e, Trade)] == [
        (one["price"], one["size"], one["side"]) for one in trades
    ]
    assert [e.ts for e in events if isinstance(e, Trade)] == [one["ts"] // MS * MS for one in trades]
    last = [event for event in events if isinstance(event, Book)][-1]
    assert list(zip(last.bid_prices, last.bid_sizes, strict=True)) == [(61797.3, 9.0), (61797.2, 9.0)]
    assert last.bid_counts is not None


async def test_who_comes_a_moment_later_gets_the_beginning_too(
    open_venue: Open, dial_jayx: Dial, record: Record, clock: Any
) -> None:
    venue = await open_venue(providers=("jayx",), play=record(*(trade(at * 10) for at in range(200))))
    first, second = await dial_jayx(venue), await dial_jayx(venue)
    await first.ask("orderbook")
    await settled(venue, 1)
    await clock.advance(1.5)
    await second.ask("orderbook")
    await settled(venue, 2)
    await clock.advance(1.5)
    for line in (first, second):
        codec = reader()
        assert len([one for one in await told(line, codec) if isinstance(one, Trade)]) == 200


async def test_candles_are_the_trades(open_venue: Open, dial_jayx: Dial, record: Record, clock: Any) -> None:
    start = 1_700_000_040 * 1000 - TS // MS  # a full minute, in ms after the first row
    rows = [
        book(0),
        trade(start, 100.0, 1.0),
        trade(start + 20_000, 103.0, 2.0),
        trade(start + 30_000, 99.0, 0.5),
        trade(start + 61_000, 101.0, 4.0),
    ]
    venue = await open_venue(providers=("jayx",), play=record(*rows), keep_time=True)
    line, codec = await dial_jayx(venue), reader()
    await line.ask("kline", interval="60")
    await settled(venue, 1)
    await clock.advance(110)
    found = [event for event in await told(line, codec) if isinstance(event, Candle)]
    closed = [one for one in found if one.closed]
    assert [(c.open, c.high, c.low, c.close, c.volume) for c in closed] == [(100.0, 103.0, 99.0, 99.0, 3.5)]
    assert (found[-1].open, found[-1].volume, found[-1].closed) == (101.0, 4.0, False)
    assert found[-1].open_ts - closed[0].open_ts == 60 * 10**9


async def test_bars_of_a_recording_without_trades_are_told(
    open_venue: Open, dial_jayx: Dial, record: Record, clock: Any
) -> None:
    minute = 1_700_000_040 * 10**9
    bars = [
        {
            "ts": minute + at * 60 * 10**9,
            "symbol": "BTCUSDT",
            "type": "candle",
            "interval": "1m",
            "open": 100.0,
            "high": 103.0 + at,
            "low": 99.0,
            "close": 101.0,
            "volume": 2.5,
            "open_ts": minute + (at - 1) * 60 * 10**9,
        }
        for at in (1, 2, 3)
    ]
    venue = await open_venue(providers=("jayx",), play=record(*bars), keep_time=True)
    line, codec = await dial_jayx(venue), reader()
    await line.ask("kline", interval="60")
    await settled(venue, 1)
    await clock.advance(200)
    found = [event for event in await told(line, codec) if isinstance(event, Candle)]
    assert [one.high for one in found if one.closed] == [104.0, 105.0]
    assert found[-1].high == 106.0


async def test_a_fill_reaches_orders_balances_and_tape_in_one_moment(
    open_venue: Open, dial_jayx: Dial, clock: Any
) -> None:
    """On one socket the three stand next to each other: book with its trades, orders, balances."""
    venue = await open_venue(providers=("jayx",), seed=7)
    line = await dial_jayx(venue)
    for event in ("orderbook", "positions", "openorders"):
        await line.ask(event, apiKey="key")
    await settled(venue, 1)
    updates: list[wire.Update] = []
    for _ in range(40):
        await clock.advance(0.5)
        await line.ask("kline", interval="0")
        while not isinstance(update := await line.update(), wire.Trouble):
            updates.append(update)
    fills = 0
    for at, update in enumerate(updates):
        if not isinstance(update, wire.OpenOrders) or not any(one.exec for one in update.upserts):
            continue
        before, after = updates[at - 1], updates[at + 1]
        assert isinstance(before, wire.Orderbook)
        assert isinstance(after, wire.Positions)
        for one in update.upserts:
            if one.state == "TRADE":
                fills += 1
                assert one.modified in {print_.created for print_ in before.trades}
                assert one.price in {Decimal(print_.ticks) / 100 for print_ in before.trades}
    assert fills > 3


async def test_faults_touch_the_sockets_of_their_scope(open_venue: Open, dial_jayx: Dial, clock: Any) -> None:
    venue = await open_venue(providers=("jayx",), faults=parse_faults("drop:nonbook@5"))
    market, private = await dial_jayx(venue), await dial_jayx(venue)
    await market.ask("orderbook")
    await private.ask("positions", apiKey="key")
    await settled(venue, 2)
    await clock.advance(6)
    with pytest.raises(ConnectionClosed):
        await private.drain()
    assert isinstance(await market.update(), wire.Orderbook)


@pytest.mark.parametrize(
    ("fault", "status"), [("refuse=500", 500), ("refuse:rest=418", 418), ("refuse:rest=599", 599)]
)
async def test_refusals(fault: str, status: int, open_venue: Open) -> None:
    venue = await open_venue(providers=("jayx",), faults=parse_faults(fault))
    async with httpx.AsyncClient(trust_env=False) as client:
        base = venue.endpoints["providers.jayx.rest_url"]
        assert (await client.get(base + "/api/v1/public/exchangeInfo")).status_code == status


async def test_every_key_can_be_refused(open_venue: Open, dial_jayx: Dial) -> None:
    line = await dial_jayx(await open_venue(providers=("jayx",), faults=parse_faults("refuse:auth")))
    await line.ask("positions", apiKey="key")
    assert await line.update() == wire.Trouble("invalid apiKey")


async def test_silence_and_garbage(open_venue: Open, dial_jayx: Dial, clock: Any) -> None:
    faults = parse_faults("silence:book@2+100,garbage")
    venue = await open_venue(providers=("jayx",), faults=faults)
    line, codec = await dial_jayx(venue), reader()
    await line.ask("orderbook")
    await settled(venue, 1)
    await clock.advance(10)
    await line.socket.close()
    frames = [frame async for frame in line.socket]
    events = [event for frame in frames for event in codec.feed(str(frame).encode(), TS)]
    books = [event for event in events if isinstance(event, Book)]
    assert 5 < len(books) < 50  # two seconds of them
    assert codec.bad_frames + codec.unknown >= len(books)


async def test_units_are_told_over_http_and_the_provider_learns_them(open_venue: Open) -> None:
    venue = await open_venue(providers=("jayx",))
    rest = venue.endpoints["providers.jayx.rest_url"]
    provider = make("jayx", Options(url=venue.endpoints[URL], framing="flat", rest_url=rest))
    want = [Want(0, "jayx:ETHUSDT", "book")]
    assert provider.plan(want) == []  # what the integers mean comes first
    await provider.learn()
    assert len(provider.plan(want)) == 1
    units = provider.units("ETHUSDT")
    assert (str(units.tick.step), str(units.lot.step)) == ("0.01", "1E-8")
    assert json.loads(server_of(venue).board.exchange_info())["code"] == 0


async def test_without_it_the_venue_speaks_no_jayx(open_venue: Open) -> None:
    venue = await open_venue()
    assert URL not in venue.endpoints
    assert venue.jayx is None


def test_the_command_offers_every_framing() -> None:
    (option,) = [one for one in simulate.params if one.name == "jayx_framing"]
    assert isinstance(option.type, click.Choice)
    assert tuple(option.type.choices) == FRAMINGS


def test_a_framing_without_meaning_is_refused() -> None:
    with pytest.raises(VenueError, match="jayx_framing is one of any, socketio"):
        Venue(VenueConfig(jayx_framing="smoke"))


async def test_the_venue_remembers_a_bounded_number_of_trades(
    open_venue: Open, dial_jayx: Dial, record: Record, clock: Any
) -> None:
    venue = await open_venue(providers=("jayx",), play=record(*(trade(at) for at in range(9000))))
    line = await dial_jayx(venue)
    await line.ask("kline", interval="60")
    await settled(venue, 1)
    await clock.advance(10)
    board = server_of(venue).board
    assert board.trade_count["BTCUSDT"] == 9000
    assert len(board.trades("BTCUSDT")) == 4000
