"""What a trade costs from the socket to market state, beside a bare receive loop in the same run.

    python tests/benchmarks/receive_cost.py [FRAMES] [ROUNDS]

A server in a process of its own sends the same frames to four clients in turn, round after round:
``bare`` receives bytes; ``decode`` also decodes them to typed structs; ``state`` is the program's own path
(codec, duplicates by id, market with tape, candles and flow folded); ``json`` is the standard library's
decoder, for comparison. Figures are CPU time of the client's process; the ratio of medians is what counts.
"""

import asyncio
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe

import brotli
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from mdterm.feeds.address import Address
from mdterm.feeds.clock import SystemClock
from mdterm.feeds.contract import Want
from mdterm.feeds.events import Event
from mdterm.feeds.kiyotaka import wire
from mdterm.feeds.kiyotaka.feed import Kiyotaka, Options
from mdterm.feeds.market import Market

ADDRESS = "kiyotaka:BINANCE_FUTURES:BTCUSDT"
Feeder = Callable[[bytes], None]


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
            found[0] += len(wire.decode(unpack(frame)).points)

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
            events: list[Event] = codec.feed(frame, wall())
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


def measure(count: int, per_frame: int, rounds: int, compressed: bool) -> None:
    """Print a row for each way to take the frames."""
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
    finally:
        here.send(None)
        server.join()
    median = {name: statistics.median(times) for name, times in taken.items()}
    kind = "brotli" if compressed else "plain"
    for name, seconds in median.items():
        print(
            f"{per_frame:3d} trades a frame, {kind:6s} {name:6s} {seconds / count * 1e6:7.2f} µs/frame "
            f"{seconds / count / per_frame * 1e6:6.2f} µs/trade   × bare {seconds / median['bare']:5.2f}   "
            f"of decode's rate {median['decode'] / seconds:4.2f}"
        )


def main() -> None:
    """Measure single and batched frames, plain and compressed."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    for per_frame, frame_count in ((1, count), (20, max(1, count // 8))):
        for compressed in (False, True):
            measure(frame_count, per_frame, rounds, compressed)


if __name__ == "__main__":
    main()
