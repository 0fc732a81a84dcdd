"""A service in a process of its own that sends trades and books at an exact rate, and notes when.

It follows Kiyotaka's documentation as far as the program needs, and nothing of the project is in it.
"""

import asyncio
import contextlib
import json
import multiprocessing
import time
from collections.abc import Iterator
from ctypes import c_double, c_int64
from multiprocessing.connection import Connection as Pipe
from multiprocessing.sharedctypes import Synchronized, SynchronizedArray
from typing import Any, NamedTuple

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

EXCHANGE = "BINANCE_FUTURES"
NOTED = 1 << 20
"""Trades whose time of sending is kept."""
LEVELS = 50
_TICK_S = 0.001


class Load(NamedTuple):
    """What is sent: trades and books a second in all, each instrument in turn; ``per_frame`` trades a frame.

    Trades end after ``until_s`` seconds.
    """

    symbols: tuple[str, ...]
    trades: float
    books: float = 0.0
    per_frame: int = 1
    until_s: float = float("inf")


class Told(NamedTuple):
    """What the service shares: how many trades were sent to the first instrument, and when."""

    sent: "Synchronized[int]"
    total: "Synchronized[int]"
    times: "SynchronizedArray[float]"


class Market:
    """One instrument's trades and books, as text ready to be sent."""

    def __init__(self, symbol: str, seed: int) -> None:
        head = {"symbol": symbol, "exchange": EXCHANGE, "category": "PERPETUAL", "coin": symbol[:-4]}
        self._sides = [
            json.dumps({"type": "TRADE", **head, "side": side}, separators=(",", ":"))
            for side in ("BUY", "SELL")
        ]
        self._book = json.dumps(
            {"type": "BLOCK_BOOK_SNAPSHOT", **head, "blockSize": 0.1}, separators=(",", ":")
        )
        self.number = seed
        self._state = seed * 7919 + 1
        self._ticks = 617_000

    def _draw(self, below: int) -> int:
        self._state = (self._state * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        return (self._state >> 8) % below

    def trade(self, now: int) -> str:
        """Return a point of one trade."""
        self.number += 1
        side = self._draw(2)
        self._ticks += self._draw(3) - 1
        seconds, rest = divmod(now, 1_000_000_000)
        return (
            f'{{"series":{self._sides[side]},"trade":{{"id":"{self.number}","price":{self._ticks / 10},'
            f'"amount":{self._draw(4000) / 1000 + 0.001:.3f},'
            f'"timestamp":{{"seconds":{seconds},"nanoseconds":{rest}}}}}}}'
        )

    def book(self, now: int) -> str:
        """Return a point of one book; a third of its sizes differ from the one before."""
        seconds, rest = divmod(now, 1_000_000_000)
        turn = self._draw(3)
        sides = []
        for sign in (-1, 1):
            flat = []
            for level in range(1, LEVELS + 1):
                salt = self._draw(9000) if level % 3 == turn else 4000 + level * 7
                flat.append(f"{(self._ticks + sign * level) / 10},{salt / 1000 + 0.001:.3f}")
            sides.append(",".join(flat))
        return (
            f'{{"series":{self._book},"blockBookSnapshot":{{"bids":[{sides[0]}],"asks":[{sides[1]}],'
            f'"timestamp":{{"seconds":{seconds},"nanoseconds":{rest}}}}}}}'
        )


async def _greet(socket: ServerConnection, asked: set[str]) -> None:
    """Accept every key and every subscription; note the kinds that were asked for."""
    with contextlib.suppress(ConnectionClosed):
        async for message in socket:
            said: dict[str, Any] = json.loads(message)
            for channel in said.get("params", {}).get("channels", ()):
                asked.add(channel["type"] if isinstance(channel, dict) else str(channel).partition("?")[0])
            await socket.send(json.dumps({"jsonrpc": "2.0", "id": said.get("id"), "result": "ok"}))


async def _send(socket: ServerConnection, load: Load, told: Told, pipe: Pipe, books: bool) -> None:
    """Send what is due until the socket closes."""
    markets = [Market(symbol, (at + 1) * 1_000_000_000) for at, symbol in enumerate(load.symbols)]
    begun, due, turn, then = time.perf_counter(), 0.0, 0, 0.0
    with contextlib.suppress(ConnectionClosed):
        while True:
            passed = time.perf_counter() - begun
            rate = load.books if books else load.trades if passed < load.until_s else 0.0
            due, then = due + rate * (passed - then), passed
            per_frame = 1 if books else load.per_frame
            while due >= per_frame:
                due -= per_frame
                market = markets[turn % len(markets)]
                now = time.time_ns()
                points = [market.book(now)] if books else [market.trade(now) for _ in range(per_frame)]
                await socket.send(f'{{"points":[{",".join(points)}]}}')
                if not books:
                    _note(told, per_frame, is_first=turn % len(markets) == 0)
                turn += 1
            await asyncio.sleep(_TICK_S)


def _note(told: Told, trades: int, *, is_first: bool) -> None:
    told.total.value += trades
    if is_first:
        now = time.monotonic()
        for at in range(told.sent.value, min(NOTED, told.sent.value + trades)):
            told.times[at] = now
        told.sent.value += trades


def _serve(pipe: Pipe, load: Load, told: Told) -> None:
    async def take(socket: ServerConnection) -> None:
        assert socket.request is not None
        asked: set[str] = set()
        listening = asyncio.create_task(_greet(socket, asked))
        while not asked and not listening.done():
            await asyncio.sleep(0.01)
        await _send(socket, load, told, pipe, "nonbook" not in socket.request.path)
        listening.cancel()

    async def run() -> None:
        async with serve(take, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
            pipe.send(next(iter(server.sockets)).getsockname()[1])
            await asyncio.get_running_loop().run_in_executor(None, pipe.recv)

    asyncio.run(run())


@contextlib.contextmanager
def running(load: Load) -> Iterator[tuple[str, Told]]:
    """Run the service; yield its base URL and what it shares."""
    told = Told(
        multiprocessing.Value(c_int64, 0),
        multiprocessing.Value(c_int64, 0),
        multiprocessing.Array(c_double, NOTED, lock=False),
    )
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(there, load, told), daemon=True)
    process.start()
    try:
        yield f"ws://127.0.0.1:{here.recv()}", told
    finally:
        process.terminate()
        process.join()


def arguments(url: str, symbols: tuple[str, ...]) -> list[str]:
    """Return the program's arguments for watching these instruments at the service."""
    settings = {
        "book_url": f"{url}/ws",
        "nonbook_url": f"{url}/nonbook/ws",
        "rest_url": "http://127.0.0.1:9",  # nobody answers: there is no history
        "block_size": "0.1",
    }
    sets = [
        part for name, value in settings.items() for part in ("--set", f"providers.kiyotaka.{name}={value}")
    ]
    return [*sets, *(f"kiyotaka:{EXCHANGE}:{symbol}" for symbol in symbols)]
