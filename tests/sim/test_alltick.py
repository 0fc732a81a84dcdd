"""The simulated AllTick as a whole: real sockets and HTTP on loopback, the clock held."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from mdterm.feeds.alltick.codes import hong_kong_tick, kind_of
from mdterm.feeds.sim.alltick import AlltickVenue
from mdterm.feeds.sim.alltick_market import DEFAULT_CODES, AlltickSource, Board
from mdterm.feeds.sim.alltick_session import Rules
from mdterm.feeds.sim.faults import parse_faults
from mdterm.feeds.sim.history import History
from mdterm.feeds.sim.market import VenueBook, VenueTrade
from mdterm.feeds.sim.pace import Floor
from mdterm.feeds.sim.play import PlaySource
from mdterm.feeds.sim.venue import VenueConfig, VenueThread

Record = Callable[..., Path]
KEYS = "providers.alltick."
TS = 1_782_180_170_000_000_000


class House:
    """A venue with its endpoints, and sockets to it."""

    def __init__(self, venue: AlltickVenue, endpoints: dict[str, str]) -> None:
        self.venue = venue
        self.endpoints = endpoints
        self.sockets: list[ClientConnection] = []
        self.client = httpx.AsyncClient(verify=False)
        self._number = 0

    async def dial(self, family: str = "generic", token: str = "key") -> ClientConnection:
        """Open a socket."""
        url = f"{self.endpoints[f'{KEYS}{family}_url']}?token={quote(token)}"
        self.sockets.append(await connect(url, max_queue=None))
        return self.sockets[-1]

    async def ask(self, socket: ClientConnection, cmd_id: int, **data: Any) -> dict[str, Any]:
        """Send a request and return its answer; pushes before it are dropped."""
        self._number += 1
        request = {"cmd_id": cmd_id, "seq_id": 1, "trace": f"t{self._number}", "data": data}
        await socket.send(json.dumps(request))
        while True:
            frame = await self.frame(socket)
            if frame.get("trace") == request["trace"]:
                return frame

    async def frame(self, socket: ClientConnection) -> dict[str, Any]:
        """Return the next frame."""
        found = json.loads(await asyncio.wait_for(socket.recv(), 5))
        assert isinstance(found, dict)
        return found

    async def rest(self, socket: ClientConnection) -> list[dict[str, Any]]:
        """Return what was sent until the socket ended."""
        frames: list[dict[str, Any]] = []
        with contextlib.suppress(ConnectionClosed):
            while True:
                frames.append(await self.frame(socket))
        return frames

    async def drain(self, socket: ClientConnection) -> None:
        """Read until the socket ends, which raises ConnectionClosed."""
        while True:
            await self.frame(socket)

    async def get(self, family: str, endpoint: str, token: str = "key", **data: Any) -> tuple[int, Any]:
        """Ask over HTTP; a batch is posted."""
        url = f"{self.endpoints[f'{KEYS}{family}_http_url']}/{endpoint}"
        body = json.dumps({"trace": "t", "data": data})
        if endpoint == "batch-kline":
            reply = await self.client.post(url, params={"token": token}, content=body)
        else:
            reply = await self.client.get(url, params={"token": token, "query": body})
        return reply.status_code, reply.json()


Open = Callable[..., Awaitable[House]]


@pytest.fixture
async def house(clock: Any) -> AsyncIterator[Open]:
    """Give a way to open venues; they are closed at the end."""
    houses: list[House] = []
    runs: list[asyncio.Task[None]] = []

    async def start(play: Path | None = None, faults: str = "", **rules: Any) -> House:
        shared = None
        if play is not None:
            floor = Floor(PlaySource(play), clock)
            shared = floor, History(floor)
            runs.append(asyncio.create_task(floor.run()))
        venue = AlltickVenue(clock, Rules(**rules), faults=parse_faults(faults), shared=shared)
        houses.append(House(venue, await venue.start("127.0.0.1", 0)))
        return houses[-1]

    yield start
    for one in houses:
        for socket in one.sockets:
            await socket.close()
        await one.client.aclose()
        await one.venue.stop()
    for run in runs:
        run.cancel()
    await asyncio.gather(*runs, return_exceptions=True)


def codes(*names: str) -> list[dict[str, Any]]:
    return [{"code": name, "depth_level": 10} for name in names]


async def test_both_families_push_what_is_subscribed(house: Open, clock: Any) -> None:
    one = await house()
    assert one.venue.codes()[: len(DEFAULT_CODES)] == list(DEFAULT_CODES)
    stock = await one.dial("stock")
    await clock.advance(3.0)
    generic = await one.dial("generic")
    assert (await one.ask(stock, 22004, symbol_list=codes("700.HK")))["ret"] == 200
    await clock.advance(3.0)
    assert (await one.ask(generic, 22002, symbol_list=codes("GOLD", "BTCUSDT")))["ret"] == 200
    await clock.advance(2.0)
    push = await one.frame(stock)
    assert (push["cmd_id"], push["data"]["code"]) == (22998, "700.HK")
    seen = {(await one.frame(generic))["data"]["code"] for _ in range(60)}
    assert seen == {"GOLD", "BTCUSDT"}
    assert one.venue.server.violations == []


@pytest.mark.parametrize(("token", "status"), [("", 401), ("bad", 401), ("wrong-key", 401)])
async def test_bad_tokens_are_turned_away(house: Open, token: str, status: int) -> None:
    one = await house()
    with pytest.raises(InvalidStatus) as caught:
        await one.dial("stock", token)
    assert caught.value.response.status_code == status
    assert (await one.get("stock", "kline", token, code="700.HK"))[0] == 401


async def test_a_second_connection_and_a_hasty_one_are_turned_away(house: Open, clock: Any) -> None:
    one = await house()
    await one.dial("stock")
    for pause in (1.0, 4.0):
        await clock.advance(pause)
        with pytest.raises(InvalidStatus) as caught:
            await one.dial("stock")
        assert caught.value.response.status_code == 429
    await clock.advance(4.0)
    await one.dial("generic")
    assert len(one.venue.server.violations) == 2
    with pytest.raises(InvalidStatus, match="404"):
        await connect(one.endpoints[KEYS + "stock_url"] + "x?token=key")


async def test_silence_of_thirty_seconds_ends_a_connection(house: Open, clock: Any) -> None:
    one = await house()
    kept, lost = await one.dial("stock", "kept"), await one.dial("stock", "lost")
    await clock.advance(20.0)
    assert (await one.ask(kept, 22000))["cmd_id"] == 22001
    await clock.advance(15.0)
    with pytest.raises(ConnectionClosed):
        await one.frame(lost)
    assert (await one.ask(kept, 22000))["ret"] == 200


async def test_a_violation_is_answered_and_closed(house: Open, clock: Any) -> None:
    one = await house()
    socket = await one.dial()
    await one.ask(socket, 22004, symbol_list=codes("GOLD"))
    assert (await one.ask(socket, 22002, symbol_list=codes("GOLD")))["ret"] == 606
    with pytest.raises(ConnectionClosed):
        await one.drain(socket)


def row(at_ms: int, kind: str, symbol: str, **more: Any) -> dict[str, Any]:
    return {"ts": TS + at_ms * 1_000_000, "symbol": symbol, "type": kind} | more


async def test_a_recording_is_told_whole_though_the_kinds_are_asked_for_one_after_the_other(
    house: Open, clock: Any, record: Record
) -> None:
    rows = []
    for at in range(0, 3000, 100):
        rows.append(row(at, "trade", "IBM", price=181.5 + at / 1000, size=100, side="buy"))
        rows.append(row(at + 1, "book", "IBM", bids=[[181.4, at + 1]], asks=[[181.6, 5]]))
    one = await house(record(*rows))
    socket = await one.dial("stock")
    await one.ask(socket, 22004, symbol_list=codes("IBM.US"))
    await clock.advance(1.2)
    pushes: list[dict[str, Any]] = []
    request = {"cmd_id": 22002, "seq_id": 1, "trace": "b", "data": {"symbol_list": codes("IBM.US")}}
    await socket.send(json.dumps(request))
    await asyncio.sleep(0.01)
    await clock.advance(4.0)
    while len(pushes) < 60:
        frame = await one.frame(socket)
        pushes += [frame] if frame["cmd_id"] in (22998, 22999) else []
    prices = [float(one["data"]["price"]) for one in pushes if one["cmd_id"] == 22998]
    assert prices == [181.5 + at / 1000 for at in range(0, 3000, 100)]
    sizes = [float(one["data"]["bids"][0]["volume"]) for one in pushes if one["cmd_id"] == 22999]
    assert sizes == [at + 1 for at in range(0, 3000, 100)]
    # Plain letters are a code of the generic family, too.
    assert one.venue.server.knows("IBM", "generic")


async def test_a_cut_breaks_every_socket_and_silence_keeps_them(house: Open, clock: Any) -> None:
    one = await house(faults="drop@5,silence@1+3", repeats=False)
    socket = await one.dial()
    assert (await one.ask(socket, 22004, symbol_list=codes("BTCUSDT")))["ret"] == 200
    await clock.advance(0.9)
    before = [await one.frame(socket)]
    await clock.advance(3.0)
    answer = await one.ask(socket, 22000)
    assert answer["ret"] == 200
    assert before[0]["cmd_id"] == 22998
    await clock.advance(2.0)
    with pytest.raises(ConnectionClosed):
        await one.drain(socket)


async def test_the_night_is_silent_by_real_hours(house: Open, clock: Any) -> None:
    # The held clock stands on Friday 2027-01-15, 08:00 UTC: Hong Kong trades on, the mainland has closed.
    one = await house(hours="real", repeats=False)
    stock = await one.dial("stock")
    await one.ask(stock, 22004, symbol_list=codes("700.HK", "600519.SH"))
    await clock.advance(8.0)
    await one.venue.server.stop()
    told = [frame["data"]["code"] for frame in await one.rest(stock)]
    assert set(told) == {"700.HK"}


async def test_a_market_that_has_closed_tells_its_last_print_and_its_last_bars(
    house: Open, clock: Any
) -> None:
    # Friday 2027-01-15, 08:00 UTC: the mainland closed at 07:00.
    one = await house(hours="real")
    closed = 1_800_000_000_000 - 3_600_000
    stock = await one.dial("stock")
    assert (await one.ask(stock, 22004, symbol_list=codes("600519.SH")))["ret"] == 200
    push = await one.frame(stock)
    assert push["cmd_id"] == 22998
    assert closed - 1000 < int(push["data"]["tick_time"]) < closed
    await clock.advance(1.2)
    assert (await one.ask(stock, 22002, symbol_list=[{"code": "600519.SH", "depth_level": 5}]))["ret"] == 200
    book = await one.frame(stock)
    assert book["cmd_id"] == 22999
    assert int(book["data"]["tick_time"]) == int(push["data"]["tick_time"])
    await one.venue.server.stop()
    assert await one.rest(stock) == []


async def test_a_stock_that_sleeps_is_acknowledged_and_says_nothing(house: Open, clock: Any) -> None:
    one = await house()
    stock = await one.dial("stock")
    assert (await one.ask(stock, 22004, symbol_list=codes("857.HK")))["ret"] == 200
    await clock.advance(9.0)
    assert next(iter(one.venue.server.lines)).session.trade_count == 0


# The made-up market.


def taken(seconds: int, seed: int = 1) -> list[Any]:
    source = AlltickSource(seed, 1.0)
    begun = source.begin(TS)
    return source.take(begun + seconds * 1_000_000_000)


def test_prices_stand_on_their_ticks_and_time_does_not_step_back() -> None:
    events = taken(20)
    times = [event.ts for event in events]
    assert times == sorted(times)
    for event in events:
        if event.symbol in ("700.HK", "9988.HK"):
            prices = [event.price] if isinstance(event, VenueTrade) else []
            prices += event.bids[::2] if isinstance(event, VenueBook) else []
            for price in prices:
                tick = hong_kong_tick(price)
                assert price / tick == pytest.approx(round(price / tick))
    assert {event.symbol for event in events} >= set(DEFAULT_CODES)
    assert "857.HK" not in {event.symbol for event in events}


def test_a_stock_stands_at_its_limit() -> None:
    events = [event for event in taken(20) if event.symbol == "002574.SZ"]
    assert {event.price for event in events if isinstance(event, VenueTrade)} == {6.51}
    books = [event for event in events if isinstance(event, VenueBook)]
    assert books
    assert all(book.asks == () and book.bids[0] == 6.51 for book in books)


def test_the_same_seed_tells_the_same_market_and_every_kind_is_in_it() -> None:
    assert taken(3) == taken(3)
    assert taken(3) != taken(3, seed=2)
    kinds = {kind_of(code) for code in Board(AlltickSource(1, 1.0)).symbols}
    assert kinds == {"crypto", "forex", "metal", "energy", "cfd", "hk", "us", "cn", "index"}


# HTTP.


async def test_bars_agree_with_the_prints(house: Open, clock: Any) -> None:
    one = await house()
    status, told = await one.get(
        "stock",
        "kline",
        code="700.HK",
        kline_type=1,
        kline_timestamp_end=0,
        query_kline_num=500,
        adjust_type=0,
    )
    assert (status, told["ret"]) == (200, 200)
    bars = told["data"]["kline_list"]
    assert len(bars) == 500
    times = [int(bar["timestamp"]) for bar in bars]
    assert times == sorted(times)
    assert all(
        float(bar["low_price"]) <= float(bar["close_price"]) <= float(bar["high_price"]) for bar in bars
    )
    await clock.advance(10.0)
    status, told = await one.get("stock", "trade-tick", symbol_list=codes("700.HK"))
    (tick,) = told["data"]["tick_list"]
    assert isinstance(tick["seq"], str)
    await clock.advance(1.0)
    _, told = await one.get(
        "stock",
        "batch-kline",
        data_list=[
            {
                "code": "700.HK",
                "kline_type": kind,
                "kline_timestamp_end": 0,
                "query_kline_num": 2,
                "adjust_type": 0,
            }
            for kind in (1, 8)
        ],
    )
    minute, day = told["data"]["kline_list"]
    assert [len(one["kline_data"]) for one in (minute, day)] == [2, 2]
    assert one.venue.server.violations == []


async def test_what_http_refuses(house: Open, clock: Any) -> None:
    one = await house()
    bar = {"kline_type": 1, "kline_timestamp_end": 0, "query_kline_num": 2, "adjust_type": 0}
    cases: list[tuple[str, str, dict[str, Any], int]] = [
        ("generic", "kline", bar | {"code": "700.HK"}, 600),
        ("stock", "kline", bar | {"code": "nosuch.HK"}, 600),
        ("stock", "kline", bar | {"code": "700.HK", "kline_type": 6}, 400),
        ("stock", "kline", bar | {"code": "700.HK", "kline_timestamp_end": 5}, 400),
        ("stock", "kline", {"code": "700.HK"}, 400),
        ("stock", "batch-kline", {"data_list": [bar | {"code": "700.HK"}] * 101}, 603),
        ("generic", "static_info", {"symbol_list": codes("GOLD")}, 400),
        ("stock", "trade-tick", {"symbol_list": codes(*["700.HK"] * 51)}, 603),
    ]
    for family, endpoint, data, ret in cases:
        await clock.advance(4.0)
        assert (await one.get(family, endpoint, **data))[1]["ret"] == ret
    await clock.advance(4.0)
    _, told = await one.get("stock", "static_info", symbol_list=codes("700.HK", "HSI.HK"))
    (about,) = told["data"]["static_info_list"]
    assert (about["symbol"], about["lot_size"], about["currency"]) == ("700.HK", "100", "HKD")
    free = await one.get("stock", "trade-tick", "free-1", symbol_list=codes("AAPL.US"))
    assert free[1]["ret"] == 604
    assert (await one.get("stock", "nowhere/kline"))[0] == 404


async def test_too_many_requests_are_told_in_every_form(house: Open, clock: Any) -> None:
    one = await house()
    told = [await one.get("stock", "trade-tick", symbol_list=codes("700.HK")) for _ in range(5)]
    assert [(status, body.get("ret")) for status, body in told[1:]] == [
        (200, 429),
        (429, 429),
        (200, 605),
        (429, None),
    ]
    assert len(one.venue.server.violations) == 4


async def test_nonsense_on_the_http_port_is_dropped(house: Open) -> None:
    one = await house()
    port = int(one.endpoints[KEYS + "stock_http_url"].split(":")[2].split("/")[0])
    for nonsense in (b"\r\n\r\n", b"GET\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(nonsense)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        await writer.wait_closed()


async def test_the_venue_opens_it_beside_the_others(tmp_path: Path, record: Record) -> None:
    path = record(row(0, "trade", "IBM", price=181.5, size=100, side="buy"))
    for config in (
        VenueConfig(providers=("alltick",)),
        VenueConfig(providers=("kiyotaka", "alltick"), play=path),
    ):
        venue = VenueThread(config)
        urls = venue.start()
        try:
            mine = {key.removeprefix(KEYS) for key in urls if key.startswith(KEYS)}
            assert mine == {"stock_url", "generic_url", "stock_http_url", "generic_http_url"}
            async with connect(f"{urls[KEYS + 'stock_url']}?token=key") as socket:
                request = {"cmd_id": 22000, "seq_id": 1, "trace": "t", "data": {}}
                await socket.send(json.dumps(request))
                assert json.loads(await socket.recv())["cmd_id"] == 22001
        finally:
            await asyncio.to_thread(venue.stop)
