"""JayX's WebSocket API, served. What the docs leave open is decided here:

- Socket.IO (Engine.IO 4 and 3) lies on `/socket.io/`, bare sockets on any other path; `framing` restricts
  the venue to one form. Engine.IO 4 asked of a venue that speaks 3 is HTTP 400, as real servers answer.
- A connection holds any number of subscriptions; payloads carry no tag, as in the docs' examples. Prices
  are ticks, sizes lots: BTCUSDT by 0.01 and 0.000001, others as `/api/v1/public/exchangeInfo` tells.
- `orderbook` is answered with the book at once, and pushed at most every 50 ms with at least the newest 30
  trades, and with every one since the push before. `precise` is taken and means nothing.
- `kline` is pushed at most every 200 ms: `modify` is the running bar; when one begins, `modify` is the one
  before for the last time and `add` the new one.
- Any key that is not empty is good, except those that begin with `bad`, `wrong`, `invalid` or `refused`:
  they get the event `error` with {"message": "invalid apiKey"} and a close (1008). `positions` and
  `openorders` are answered with everything, then with what changed, in the same moment as the book and the
  trades that go with it. Orders that were cancelled come in `cancel` by their id alone.
- An unknown symbol gets the event `error` with {"message": "no such symbol …"}.
- Faults of the scope `book` touch sockets with market data, `nonbook` those with private subscriptions.
"""

import asyncio
import contextlib
import http
import logging
from collections import deque
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from mdterm.feeds.sim import jayx_wire
from mdterm.feeds.sim.faults import Mischief
from mdterm.feeds.sim.jayx_board import INTERVALS, Board
from mdterm.feeds.sim.jayx_desk import Desk, Resting
from mdterm.feeds.sim.jayx_wire import Heard, Wrap
from mdterm.feeds.sim.kiyotaka import is_key_good
from mdterm.feeds.sim.market import VenueBook, VenueCandle, VenueEvent, VenueTrade
from mdterm.feeds.sim.pace import EARLY_S, Floor

EXCHANGE_INFO = "/api/v1/public/exchangeInfo"
BOOK_EVERY_NS = 50_000_000
KLINE_EVERY_NS = 200_000_000

_UNREAD_LIMIT = 64 * 1024 * 1024
_POLICY = 1008


class Ended(Exception):
    """The venue ends a connection, in words."""


class _Told(msgspec.Struct):
    """What a subscription was told so far: when, up to which trade, or up to which candle."""

    at: int = 0
    trades: int = 0
    bar: int | None = None
    is_due: bool = True


class Session:
    """One connection: what it hears, and what still has to be sent."""

    def __init__(self, socket: ServerConnection, server: "JayxServer") -> None:
        assert socket.request is not None
        url = urlsplit(socket.request.path)
        self.socket = socket
        self._server = server
        is_socketio = url.path == jayx_wire.SOCKET_PATH
        self._version = 3 if parse_qs(url.query).get("EIO") == ["3"] else 4
        form = ("socketio" if self._version == 4 else "socketio3") if is_socketio else server.framing
        self._wrap = Wrap(form)
        self._is_socketio = is_socketio
        self._books: dict[str, _Told] = {}
        self._klines: dict[tuple[str, int], _Told] = {}
        self._private = False
        self._orders: set[str] = set()
        self._balances = False
        self._queue: deque[tuple[float, str]] = deque()
        self._unread = 0
        self._wake = asyncio.Event()
        self._last_words: str | None = None
        self._alive = asyncio.Event()

    @property
    def scope(self) -> str:
        """Which faults touch it."""
        return "nonbook" if self._private else "book"

    @property
    def is_subscribed(self) -> bool:
        """Whether it was asked for anything yet."""
        return bool(self._books or self._klines or self._private)

    async def serve(self) -> None:
        """Answer the client until it goes."""
        tasks = [asyncio.create_task(self._write())]
        if self._is_socketio:
            self._push(jayx_wire.open_packet(self._version))
            if self._version == 3:
                self._push(jayx_wire.connect_packet(3, "/"))
            tasks.append(asyncio.create_task(self._beat()))
        try:
            async for frame in self.socket:
                try:
                    self._receive(frame if isinstance(frame, str) else frame.decode(errors="replace"))
                except Ended as error:
                    self._last_words = str(error)
                    self._wake.set()
                    await tasks[0]
                    return
        except ConnectionClosed:
            pass
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                    await task

    def cut(self) -> None:
        """Break the connection as a dying network does."""
        self.socket.transport.abort()

    # What comes in.

    def _receive(self, frame: str) -> None:
        self._alive.set()
        if self._is_socketio:
            if frame[:1] == "2":
                self._push("3" + frame[1:])
                return
            if frame[:1] in ("1", "3") or frame[:2] == "41":
                return
            if frame.startswith("40"):
                self._join(frame[2:])
                return
        heard = self._wrap.hear(frame)
        if heard is not None:
            self._subscribe(heard)

    def _join(self, asked: str) -> None:
        namespace = asked.partition(",")[0].partition("?")[0] if asked.startswith("/") else "/"
        self._wrap.namespace = "" if namespace == "/" else f"{namespace},"
        self._push(jayx_wire.connect_packet(self._version, namespace))

    def _subscribe(self, heard: Heard) -> None:
        server, message = self._server, heard.message
        if heard.event in ("positions", "openorders"):
            key = message.get("apiKey")
            if not isinstance(key, str) or not is_key_good(key) or server.mischief.refuses_keys():
                self._send("error", b'{"message":"invalid apiKey"}')
                raise Ended("invalid apiKey")
            self._private = True
        symbol = message.get("symbol")
        if heard.event != "positions" and symbol not in server.floor.instruments:
            words = {"message": f"no such symbol {str(symbol)[:40]}"}
            self._send("error", msgspec.json.encode(words))
            return
        server.floor.begin()
        if heard.event == "positions":
            self._balances = True
            self._send("positions", server.board.positions(None))
        elif heard.event == "openorders":
            self._orders.add(str(symbol))
            self._send("openorders", server.board.open_orders(str(symbol)))
        elif heard.event == "orderbook":
            self._subscribe_book(str(symbol))
        elif heard.event == "kline":
            self._subscribe_kline(str(symbol), message)

    def _subscribe_book(self, symbol: str) -> None:
        # Who comes while the market is young gets all of it, however many came before.
        count = 0 if self._server.is_young() else self._server.board.trade_count.get(symbol, 0)
        self._books[symbol] = _Told(trades=count)
        self._push_book(symbol, self._server.floor.until)

    def _subscribe_kline(self, symbol: str, message: dict[str, Any]) -> None:
        try:
            interval = int(message.get("interval", ""))
        except (TypeError, ValueError):
            interval = 0
        if interval not in INTERVALS:
            self._send("error", b'{"message":"no such interval"}')
            return
        self._klines[symbol, interval] = _Told()
        self._push_kline(symbol, interval, self._server.floor.until)

    # What goes out.

    def call(self, events: list[VenueEvent], until: int, changed: list[Resting], assets: set[str]) -> None:
        """Hear what happened in one cell of the market, to the account too."""
        traded = {event.symbol for event in events if isinstance(event, VenueTrade | VenueCandle)}
        moved = traded | {event.symbol for event in events if isinstance(event, VenueBook)}
        own = {order.symbol for order in changed}
        speed = self._server.floor.speed
        for symbol, told in self._books.items():
            told.is_due = told.is_due or symbol in moved
            if told.is_due and (symbol in own or until - told.at >= BOOK_EVERY_NS * speed):
                self._push_book(symbol, until)
        for (symbol, interval), told in self._klines.items():
            told.is_due = told.is_due or symbol in traded
            has_begun = told.is_due and told.bar != self._server.board.opening(symbol, interval)
            if told.is_due and (has_begun or until - told.at >= KLINE_EVERY_NS * speed):
                self._push_kline(symbol, interval, until)
        mine = [order for order in changed if order.symbol in self._orders]
        if mine:
            self._send("openorders", self._server.board.changed_orders(mine))
        if assets and self._balances:
            self._send("positions", self._server.board.positions(assets))

    def _push_book(self, symbol: str, until: int) -> None:
        board, told = self._server.board, self._books[symbol]
        count = board.trade_count.get(symbol, 0)
        body = board.orderbook(symbol, count - told.trades)
        if body is not None:
            told.trades, told.at, told.is_due = count, until, False
            self._send("orderbook", body)

    def _push_kline(self, symbol: str, interval: int, until: int) -> None:
        told = self._klines[symbol, interval]
        found = self._server.board.kline(symbol, interval, told.bar)
        if found is not None:
            body, told.bar = found
            told.at, told.is_due = until, False
            self._send("kline", body)

    def _send(self, event: str, body: bytes) -> None:
        mischief = self._server.mischief
        if mischief.is_silent(self.scope):
            return
        late = mischief.delay_s(self.scope)
        due = self._server.floor.clock.monotonic() + late if late else 0.0
        frame = self._wrap.pack(event, body)
        garbage = mischief.garbage(self.scope, frame.encode())
        if garbage is not None:
            self._push(garbage.decode(errors="replace"), due)
        self._push(frame, due)

    def _push(self, frame: str, due: float = 0.0) -> None:
        self._queue.append((due, frame))
        self._unread += len(frame)
        self._wake.set()

    async def _write(self) -> None:
        clock = self._server.floor.clock
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                if self._unread > _UNREAD_LIMIT:
                    await self.socket.close(_POLICY, "too slow")
                    return
                due, frame = self._queue.popleft()
                if due and (wait := due - clock.monotonic()) > 0:
                    await clock.sleep(wait)
                self._unread -= len(frame)
                await self.socket.send(frame)
            if self._last_words is not None:
                await self.socket.close(_POLICY, self._last_words)
                return

    async def _beat(self) -> None:
        """Beat Engine.IO's heart, and end a connection whose other side has stopped beating."""
        clock = self._server.floor.clock
        interval, timeout = jayx_wire.PING_INTERVAL_MS / 1000, jayx_wire.PING_TIMEOUT_MS / 1000
        while True:
            if self._version == 4:
                await clock.sleep(interval)
                self._alive.clear()
                self._push("2")
                await clock.sleep(timeout)
            else:
                self._alive.clear()
                await clock.sleep(interval + timeout)
            if not self._alive.is_set():
                self.cut()
                return


class JayxServer:
    """All connections of one JayX-like venue over one market with an account in it."""

    def __init__(self, floor: Floor, desk: Desk, mischief: Mischief, *, framing: str) -> None:
        self.floor = floor
        self.mischief = mischief
        self.framing = framing
        self.board = Board(desk)
        self.sessions: set[Session] = set()
        self._desk = desk
        self._heard_at: float | None = None
        self._server: Server | None = None
        floor.heed(self._call)

    def is_young(self) -> bool:
        """Say whether the market began so lately that its first listeners are still arriving."""
        return self._heard_at is None or self.floor.clock.monotonic() - self._heard_at <= EARLY_S

    def refusal(self, path: str) -> int | None:
        """Return the HTTP status that a framing not spoken here is answered with, None to go on."""
        url = urlsplit(path)
        if url.path != jayx_wire.SOCKET_PATH:
            return 404 if self.framing.startswith("socketio") else None
        if self.framing not in ("any", "socketio", "socketio3"):
            return 404
        version = parse_qs(url.query).get("EIO", [""])[0]
        spoken = {"socketio": ("4",), "socketio3": ("3",)}.get(self.framing, ("3", "4"))
        return None if version in spoken else 400

    async def listen(self, host: str, port: int, logger: logging.Logger) -> dict[str, str]:
        """Listen; return the endpoints by configuration key. Raise OSError."""
        self._server = await serve(
            self.serve,
            host,
            port,
            process_request=self._process_request,
            compression=None,
            ping_interval=None,  # the framing has its own heartbeat
            server_header=None,
            write_limit=1024 * 1024,
            logger=logger,
        )
        shown, bound = self._server.sockets[0].getsockname()[:2]
        where = f"[{shown}]:{bound}" if ":" in shown else f"{shown}:{bound}"
        return {"providers.jayx.url": f"ws://{where}", "providers.jayx.rest_url": f"http://{where}"}

    async def close(self, goodbye_s: float) -> None:
        """Close every socket; a client that does not answer the goodbye is cut off."""
        if self._server is None:
            return
        self._server.close()
        try:
            await asyncio.wait_for(self._server.wait_closed(), goodbye_s)
        except TimeoutError:
            for connection in tuple(self._server.all_connections):
                connection.transport.abort()
            await self._server.wait_closed()

    async def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        if urlsplit(request.path).path == EXCHANGE_INFO:
            refused = self.mischief.refusal("rest")
            if refused is not None:
                return _respond(refused, b'{"message":"refused"}')
            return _respond(200, self.board.exchange_info())
        refused = self.mischief.refusal("book") or self.refusal(request.path)
        return None if refused is None else _respond(refused, b'{"code":0,"message":"refused"}')

    async def serve(self, socket: ServerConnection) -> None:
        """Serve one WebSocket."""
        session = Session(socket, self)
        self.sessions.add(session)
        try:
            await session.serve()
        finally:
            self.sessions.discard(session)

    def cut(self, scope: str) -> None:
        """Cut every socket that a fault touches."""
        for session in tuple(self.sessions):
            if session.scope == scope:
                session.cut()

    def _call(self, events: list[VenueEvent], until: int) -> None:
        if self._heard_at is None:
            self._heard_at = self.floor.clock.monotonic()
        self.board.take(events)
        if not self.is_young():
            self.board.forget(self.floor.speed)
        changed, self._desk.changed[:] = list(self._desk.changed), []
        assets, self._desk.changed_assets = self._desk.changed_assets, set()
        for session in tuple(self.sessions):
            session.call(events, until, changed, assets)


def _respond(status: int, content: bytes) -> Response:
    headers = {
        "Content-Type": "application/json",
        "Content-Length": str(len(content)),
        "Connection": "close",
    }
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = "Refused"
    return Response(status, phrase, Headers(headers), content)
