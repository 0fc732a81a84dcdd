"""What a trade costs from the socket to market state, beside a bare receive loop in the same run.

A server in a process of its own sends the same frames to several clients in turn, round after round:
``bare`` receives bytes; ``decode`` also decodes them to typed objects, all fields that matter, as a good
loop of one's own would; ``json`` is the standard library's decoder. ``state`` is the program's own way:
codec, duplicates by id, market with tape, candles and flow, folded. ``feed`` is the whole feed with
its connection, watchdog, health and beat, as the dashboard runs it. Figures are CPU time of the client.
"""

import asyncio
import importlib
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection as Pipe

import brotli
import msgspec
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from mdterm.feeds.address import Address
from mdterm.feeds.clock import SystemClock
from mdterm.feeds.contract import Want
from mdterm.feeds.kiyotaka.feed import Kiyotaka, Options
from mdterm.feeds.market import Market
from mdterm.feeds.runtime import Feed
from tests.benchmarks.table import Row, at_least

ADDRESS = "kiyotaka:BINANCE_FUTURES:BTCUSDT"
Feeder = Callable[[bytes], None]


class Stamp(msgspec.Struct, gc=False):
    """A time on the wire."""

    seconds: int
    nanoseconds: int = 0


class Series(msgspec.Struct, gc=False):
    """What a point is of."""

    type: str
    exchange: str | None = None
    symbol: str | None = None
    side: str | None = None
    coin: str | None = None


class WireTrade(msgspec.Struct, gc=False):
    """A trade on the wire."""

    id: str
    price: float
    amount: float
    timestamp: Stamp


class Point(msgspec.Struct, gc=False):
    """A series and its trade."""

    series: Series
    trade: WireTrade


class Message(msgspec.Struct, gc=False):
    """A frame."""

    points: list[Point]


_decode = msgspec.json.Decoder(Message).decode


def frames(count: int, per_frame: int, compressed: bool) -> list[bytes]:
    """Return frames of ``per_frame`` trades each, every trade with an id of its own."""
    made, number = [], 7_000_000_000
    for _ in range(count):
        points = []
        for _ in range(per_frame):
            number += 1
            points.append(
                {
                    "series": {
                        "type": "TRADE",
                        "symbol": "BTCUSDT",
                        "exchange": "BINANCE_FUTURES",
                        "normalizedSymbol": "BTC-USDT",
                        "category": "PERPETUAL",
                        "side": "BUY" if number % 3 else "SELL",
                        "coin": "BTC",
                        "inverse": False,
                    },
                    "trade": {
                        "id": str(number),
                        "price": 61800.0 + number % 97 / 10,
                        "amount": number % 1000 / 1000 + 0.001,
                        "timestamp": {
                            "seconds": 1_769_058_875 + number % 100_000 // 1000,
                            "nanoseconds": number % 1000 * 1_000_000,
                        },
                    },
                }
            )
        frame = json.dumps({"points": points}, separators=(",", ":")).encode()
        made.append(brotli.compress(frame, quality=5) if compressed else frame)
    return made


def serve_frames(pipe: Pipe, made: list[bytes], compressed: bool) -> None:
    """Send all frames to whoever connects, in a process of its own."""

    async def send(ws: ServerConnection) -> None:
        for frame in made:
            await ws.send(frame, text=not compressed)
        await ws.wait_closed()

    async def run() -> None:
        async with serve(send, "127.0.0.1", 0, compression=None) as server:
            pipe.send(next(iter(server.sockets)).getsockname()[1])
            await asyncio.get_running_loop().run_in_executor(None, pipe.recv)

    asyncio.run(run())


def feeders(compressed: bool) -> dict[str, Callable[[], tuple[Feeder, Callable[[], int]]]]:
    """Return, by name, what is done with a frame, and how many trades it found."""

    def unpack(frame: bytes) -> bytes:
        return bytes(brotli.decompress(frame)) if compressed else frame

    def bare() -> tuple[Feeder, Callable[[], int]]:
        return (lambda frame: None), (lambda: -1)

    def decode() -> tuple[Feeder, Callable[[], int]]:
        found = [0]

        def feed(frame: bytes) -> None:
            found[0] += len(_decode(unpack(frame)).points)

        return feed, lambda: found[0]

    def stdlib() -> tuple[Feeder, Callable[[], int]]:
        found = [0]

        def feed(frame: bytes) -> None:
            found[0] += len(json.loads(unpack(frame))["points"])

        return feed, lambda: found[0]

    def state() -> tuple[Feeder, Callable[[], int]]:
        provider = Kiyotaka("kiyotaka", Options(token="none"))
        instrument = provider.resolve(Address("kiyotaka", "BTCUSDT", "BINANCE_FUTURES"))
        (link,) = provider.plan([Want(0, ADDRESS, "trade")])
        codec = provider.codec(link)
        codec.want(link.wants)
        codec.opened(0.0)
        market, wall = Market(instrument), SystemClock().wall

        def feed(frame: bytes) -> None:
            events = codec.feed(frame, wall())
            if events:
                market.apply(events)

        def count() -> int:
            market.fold()
            return market.trade_count

        return feed, count

    return {"bare": bare, "decode": decode, "state": state, "json": stdlib}


async def receive(port: int, count: int, feed: Feeder) -> float:
    """Receive every frame and return the CPU time it took."""
    async with connect(f"ws://127.0.0.1:{port}", compression=None, max_size=None, proxy=None) as ws:
        recv = ws.recv
        feed(await recv(decode=False))
        begun = time.process_time()
        for _ in range(count - 1):
            feed(await recv(decode=False))
        return time.process_time() - begun


def measure(count: int, per_frame: int, rounds: int, compressed: bool) -> dict[str, float]:
    """Return CPU seconds a frame for each way to take the frames, medians of the rounds."""
    made = frames(count, per_frame, compressed)
    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve_frames, args=(there, made, compressed))
    server.start()
    try:
        port = here.recv()
        taken: dict[str, list[float]] = {}
        for _ in range(rounds):
            for name, make in feeders(compressed).items():
                feed, found = make()
                taken.setdefault(name, []).append(asyncio.run(receive(port, count, feed)))
                assert found() in (-1, count * per_frame), "a trade was lost"
            taken.setdefault("feed", []).append(asyncio.run(whole_feed(port, count * per_frame)))
    finally:
        here.send(None)
        server.join()
    return {name: statistics.median(times) / count for name, times in taken.items()}


async def whole_feed(port: int, trades: int) -> float:
    """Let the whole feed receive every trade; return the CPU time it took."""
    url = f"ws://127.0.0.1:{port}"
    options = Options(token="none", nonbook_url=url, book_url=url, block_size=0.1)
    feed = Feed({"kiyotaka": Kiyotaka("kiyotaka", options)})
    instrument = feed.resolve(ADDRESS)
    begun = time.process_time()
    feed.listen([(ADDRESS, "trade")], lambda events: None)
    market = feed.markets[ADDRESS] = Market(instrument)
    while market.trade_count < trades:
        await asyncio.sleep(0.002)
    market.fold()
    took = time.process_time() - begun
    await feed.close()
    return took


def parsing() -> Row | None:
    """Compare with ccxt's parsing of the same trades, where it is installed."""
    try:
        ccxt = importlib.import_module("ccxt")
    except ImportError:
        return None
    venue = ccxt.binanceusdm()
    text = json.dumps(
        {"e": "trade", "E": 1, "s": "BTCUSDT", "t": 1, "p": "61800.1", "q": "0.1", "T": 1, "m": True}
    )
    count = 3_000
    begun = time.thread_time()
    for _ in range(count):
        venue.parse_trade(json.loads(text))
    theirs = (time.thread_time() - begun) / count
    made, (feed, _) = frames(count // 20, 20, False), feeders(False)["state"]()
    begun = time.thread_time()
    for frame in made:
        feed(frame)
    ours = (time.thread_time() - begun) / count
    beside = f"{ours * 1e6:.2f} µs, ccxt {theirs * 1e6:.1f} µs a trade"
    return at_least("decode and state, × ccxt's parsing", theirs / ours, 4, "×", beside)


TARGETS = {1: 0.75, 20: 0.6}


def rows(short: bool) -> Iterator[Row]:
    """Measure single and batched frames, plain and compressed."""
    count, rounds = (4_000, 3) if short else (16_000, 7)
    for per_frame in (1, 20):
        for compressed in (False, True):
            median = measure(count if per_frame == 1 else count // 8, per_frame, rounds, compressed)
            kind = f"{per_frame} a frame, {'brotli' if compressed else 'plain'}"
            each = {name: seconds * 1e6 for name, seconds in median.items()}
            told = " ".join(f"{name} {each[name]:.1f}" for name in ("bare", "decode", "json")) + " µs a frame"
            for way in ("state", "feed"):
                share, figure = each["decode"] / each[way], f"{way} {each[way]:.1f}, {told}"
                what = f"socket → {way}, {kind}: of bare receive + decode"
                yield at_least(what, share, TARGETS[per_frame], "", figure)
    row = parsing()
    if row is not None:
        yield row
