"""A Kiyotaka-like server that sends exactly what a test tells it to, and remembers what it was told.

It runs on a thread of its own. Nothing of the project is in it: it is written after the provider's
documentation, so that a mistake on the program's side cannot cancel out here.
"""

import asyncio
import contextlib
import http
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.program.launch import WITHIN_S

EXCHANGE = "BINANCE_FUTURES"
Point = dict[str, Any]


def stamp(ts: int) -> dict[str, int]:
    """Return a time (ns) as the sockets write it."""
    seconds, nanoseconds = divmod(ts, 1_000_000_000)
    return {"seconds": seconds, "nanoseconds": nanoseconds}


def trade_point(symbol: str, number: str, ts: int, price: float, size: float, side: str) -> Point:
    """Return a TRADE point; ``side`` is the aggressor's, BUY or SELL."""
    series = {"type": "TRADE", "symbol": symbol, "exchange": EXCHANGE, "category": "PERPETUAL", "side": side}
    return {
        "series": series,
        "trade": {"id": number, "price": price, "amount": size, "timestamp": stamp(ts)},
    }


def book_point(
    symbol: str,
    ts: int,
    block: float,
    bids: Sequence[tuple[float, float]],
    asks: Sequence[tuple[float, float]],
) -> Point:
    """Return a BLOCK_BOOK_SNAPSHOT point."""
    series = {"type": "BLOCK_BOOK_SNAPSHOT", "symbol": symbol, "exchange": EXCHANGE, "blockSize": block}
    book = {
        "bids": list(itertools.chain.from_iterable(bids)),
        "asks": list(itertools.chain.from_iterable(asks)),
        "timestamp": stamp(ts),
    }
    return {"series": series, "blockBookSnapshot": book}


class Session:
    """One socket of the program's: what it subscribed to, and what is on its way to it."""

    def __init__(self, socket: ServerConnection, family: str) -> None:
        self.socket = socket
        self.family = family
        self.channels: set[tuple[str, str]] = set()
        self.queue: asyncio.Queue[str] = asyncio.Queue()


class Venue:
    """The server. ``refuses`` is how it turns a key away: with words, an HTTP status or a close code.

    ``ping_every`` (s) makes it ping on its own; how long each pong took stands in ``pongs``. So many sockets
    as ``hangs_up`` says are broken in the same breath in which their subscription is acknowledged.
    """

    def __init__(
        self,
        *,
        block_sizes: dict[str, float] | None = None,
        refuses: str | int | None = None,
        ping_every: float | None = None,
        hangs_up: int = 0,
    ) -> None:
        self.block_sizes = block_sizes or {}
        self.port = 0
        self.sockets_opened: list[str] = []
        """The family of every socket that was asked for, refused ones included."""
        self.sockets_lost: list[str] = []
        """The family of every socket that was closed by the other side or broke."""
        self.tokens: list[str] = []
        self.requests: list[str] = []
        """The method of every message that came, authentication apart."""
        self.pongs: list[float] = []
        self._refuses = refuses
        self._ping_every = ping_every
        self._hangs_up = hangs_up
        self._sessions: set[Session] = set()
        self._news = threading.Condition()
        self._server: Server | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.open()

    # For the test

    def options(self) -> list[str]:
        """Return the command-line options that lead the program here."""
        settings = {
            "book_url": f"ws://127.0.0.1:{self.port}/ws",
            "nonbook_url": f"ws://127.0.0.1:{self.port}/nonbook/ws",
            "rest_url": f"http://127.0.0.1:{self.port}",
        }
        options = [f"--set=providers.kiyotaka.{key}={value}" for key, value in settings.items()]
        for symbol, size in self.block_sizes.items():
            options.append(f'--set=providers.kiyotaka.block_sizes."{EXCHANGE}:{symbol}"={size}')
        return options

    def open(self) -> None:
        """Listen; after ``kill`` on the same port as before."""
        self._run(self._open())

    def kill(self) -> None:
        """Vanish as a process does that is killed: every socket breaks, nobody listens."""
        self._run(self._kill())

    def publish(self, points: Iterable[Point]) -> None:
        """Send points to whoever subscribed to them, as one frame a socket, in the order of the calls."""
        taken = list(points)
        self._loop.call_soon_threadsafe(self._publish, taken)

    def wait_subscribed(self, *channels: tuple[str, str]) -> None:
        """Return once every ``(type, symbol)`` is subscribed to."""
        wanted = set(channels)

        def is_there() -> bool:
            return wanted <= {channel for session in self._sessions for channel in session.channels}

        self.wait_for(is_there)

    def wait_for(self, condition: Callable[[], bool], within: float = WITHIN_S) -> None:
        """Return once ``condition`` holds; it is looked at whenever something happens here."""
        with self._news:
            assert self._news.wait_for(condition, within), f"not within {within} s: {self._sessions}"

    def close(self) -> None:
        """End."""
        self.kill()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WITHIN_S)
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # On the loop

    def _run(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(WITHIN_S)

    async def _open(self) -> None:
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            self.port,
            process_request=self._process_request,
            compression=None,
            ping_interval=None,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _kill(self) -> None:
        if self._server is None:
            return
        for connection in tuple(self._server.connections):
            connection.transport.abort()
        self._server.close()
        await self._server.wait_closed()
        self._server = None

    def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        url = urlsplit(request.path)
        if url.path in ("/ws", "/nonbook/ws"):
            family = "book" if url.path == "/ws" else "nonbook"
            with self._news:
                self.sockets_opened.append(family)
                self._news.notify_all()
            if isinstance(self._refuses, int) and self._refuses < 1000:
                return _respond(self._refuses, {"error": "INVALID_API_KEY", "message": "unknown key"})
            return None
        if url.path == "/v1/block-sizes":
            symbol = parse_qs(url.query).get("rawSymbol", [""])[0]
            return _respond(200, {"blockSizes": [self.block_sizes.get(symbol, 0)]})
        return _respond(200, {"series": []})

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        session = Session(socket, "book" if urlsplit(socket.request.path).path == "/ws" else "nonbook")
        writer = asyncio.create_task(self._write(session))
        pinger = asyncio.create_task(self._ping(session))
        with self._news:
            self._sessions.add(session)
        try:
            async for message in socket:
                if not await self._answer(session, json.loads(message)):
                    return
        except ConnectionClosed:
            pass
        finally:
            with self._news:
                self._sessions.discard(session)
                self.sockets_lost.append(session.family)
                self._news.notify_all()
            for task in (writer, pinger):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                    await task

    async def _answer(self, session: Session, request: dict[str, Any]) -> bool:
        """Answer a request; return whether the conversation goes on."""
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": request.get("id"), "result": "ok"}
        if request["method"] == "public/authenticate":
            self.tokens.append(request["params"]["token"])
            if isinstance(self._refuses, int):
                await session.socket.close(self._refuses)
                return False
            if self._refuses is not None:
                del answer["result"]
                answer["error"] = {"code": -32001, "message": self._refuses}
        else:
            self.requests.append(request["method"])
            channels = {(each["type"], each["symbol"]) for each in request["params"]["channels"]}
            with self._news:
                if request["method"] == "public/subscribe":
                    session.channels |= channels
                else:
                    session.channels -= channels
                self._news.notify_all()
        await session.socket.send(json.dumps(answer))
        if self._hangs_up and request["method"] == "public/subscribe":
            self._hangs_up -= 1
            session.socket.transport.abort()
        return "error" not in answer

    def _publish(self, points: list[Point]) -> None:
        for session in self._sessions:
            heard = [
                point
                for point in points
                if (point["series"]["type"], point["series"]["symbol"]) in session.channels
            ]
            if heard:
                session.queue.put_nowait(json.dumps({"points": heard}))

    async def _write(self, session: Session) -> None:
        while True:
            await session.socket.send(await session.queue.get())

    async def _ping(self, session: Session) -> None:
        while self._ping_every is not None:
            await asyncio.sleep(self._ping_every)
            began = time.monotonic()
            await (await session.socket.ping())
            with self._news:
                self.pongs.append(time.monotonic() - began)
                self._news.notify_all()


def _respond(status: int, content: dict[str, Any]) -> Response:
    body = json.dumps(content).encode()
    headers = Headers({"Content-Type": "application/json", "Content-Length": str(len(body))})
    return Response(status, http.HTTPStatus(status).phrase, headers, body)
