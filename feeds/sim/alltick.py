"""AllTick, served: two sockets and its HTTP paths. What the docs leave open is decided here:

- `/quote-stock-b-ws-api` and `/quote-b-ws-api` carry the two families; a code of the other one is 600. HTTP
  lies on a port of its own, under `/quote-stock-b-api` and `/quote-b-api`.
- A token that begins with the name of a plan (`professional-1`) has that plan, any other `plan` of the
  rules; one with the word `silent` in it (`free-silent`) is answered and told nothing, one with the word
  `hours` (`basic-hours`) trades in the markets' real hours, and hears of their close at night.
- Tokens that begin with `bad`, `wrong`, `invalid` or `refused`, or are empty, are HTTP 401.
- Upgrades sooner after one another than the plan's reconnect spacing, over both families, are HTTP 429, and
  so are more sockets of one family than the plan has connections.
- Two messages on a socket within 1 s, heartbeats included, or two subscriptions on different sockets of a
  token within 3 s: 606 and a close. 30 s without a heartbeat: a close.
- An answer, then the last print and the last book of every code in the request, as if they were new.
- One bad code fails the whole request; too many codes are 603.
- `857.HK` is known and always asleep: acknowledged, then silence; `002574.SZ` stands at its limit.
- A socket that leaves 64 MB unread is closed: nothing is ever left out silently.
- Of the faults those without a scope, and of the scopes `rest` and `auth`, touch this venue.
"""

import asyncio
import contextlib
import http
import logging
from collections import deque
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from mdterm.feeds.alltick import facts
from mdterm.feeds.sim.alltick_hours import Night
from mdterm.feeds.sim.alltick_http import AlltickHttp, Answer, listen
from mdterm.feeds.sim.alltick_market import AlltickSource, Board
from mdterm.feeds.sim.alltick_session import Rules, Session, Token, plan_of, rules_of
from mdterm.feeds.sim.faults import Fault, Mischief
from mdterm.feeds.sim.history import History
from mdterm.feeds.sim.kiyotaka import is_key_good
from mdterm.feeds.sim.market import VenueBook, VenueEvent, VenueTrade
from mdterm.feeds.sim.pace import Clock, Floor

PATHS: dict[str, facts.Family] = {"/quote-stock-b-ws-api": "stock", "/quote-b-ws-api": "generic"}
_UNREAD_LIMIT = 64 * 1024 * 1024
_POLICY = 1008
_LOOK_S = 0.05


def faults_of(faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """Return the faults that touch this venue."""
    return tuple(one for one in faults if one.scope in (None, "rest", "auth"))


class Line:
    """One socket with what still has to be sent on it."""

    def __init__(self, socket: ServerConnection, session: Session, server: "AlltickServer") -> None:
        self.session = session
        self._socket = socket
        self._server = server
        self._queue: deque[tuple[float, str]] = deque()
        self._unread = 0
        self._wake = asyncio.Event()

    async def serve(self) -> None:
        """Answer the client until it goes or is sent away."""
        tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._expire())]
        try:
            async for message in self._socket:
                self.push(self.session.receive(message, self._server.floor.clock.monotonic()))
                if self.session.trades or self.session.books:
                    self._server.floor.begin()
                if self.session.closes is not None:
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

    def push(self, frames: list[str], late_s: float = 0.0) -> None:
        """Queue frames."""
        due = self._server.floor.clock.monotonic() + late_s if late_s else 0.0
        for frame in frames:
            self._queue.append((due, frame))
            self._unread += len(frame)
        self._wake.set()

    def cut(self) -> None:
        """Break the connection as a dying network does."""
        self._socket.transport.abort()

    async def _write(self) -> None:
        clock = self._server.floor.clock
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                if self._unread > _UNREAD_LIMIT:
                    await self._socket.close(_POLICY, "too slow")
                    return
                due, frame = self._queue[0]
                if due and due > clock.monotonic():
                    await clock.sleep(due - clock.monotonic())
                self._queue.popleft()
                self._unread -= len(frame)
                await self._socket.send(frame)
            if self.session.closes is not None:
                await self._socket.close(_POLICY, self.session.closes)
                return

    async def _expire(self) -> None:
        clock = self._server.floor.clock
        while (wait := self.session.expires_at() - clock.monotonic()) > 0:
            await clock.sleep(wait)
        self.session.expire()
        self._wake.set()


class AlltickServer:
    """All sockets and all HTTP of one AllTick-like venue over one market."""

    def __init__(
        self, floor: Floor, history: History, rules: Rules, faults: tuple[Fault, ...] = (), seed: int = 1
    ) -> None:
        self.floor = floor
        self.board = Board(floor.source)
        self.tokens: dict[str, Token] = {}
        self.lines: set[Line] = set()
        self._rules = rules
        self._faults = faults_of(faults)
        self._seed = seed
        self._last: dict[str, VenueTrade] = {}
        self._night = Night(floor, history)
        self.http = AlltickHttp(
            floor,
            history,
            self.board,
            rules_of=lambda token: rules_of(token, rules),
            night=self._night,
            is_token_good=self._is_token_good,
            newest=self.newest,
        )
        self._sockets: Server | None = None
        self._listener: asyncio.Server | None = None
        self._cuts: asyncio.Task[None] | None = None
        floor.heed(self._call)

    @property
    def violations(self) -> list[str]:
        """Everything that any client did against the rules, sockets first."""
        told = [words for token in self.tokens.values() for words in token.violations]
        return told + [words for meter in self.http.meters.values() for words in meter.violations]

    async def start(self, host: str, port: int) -> dict[str, str]:
        """Listen on ``port`` and, for HTTP, the one after it (0: any two); return the endpoints by key."""
        began = self.floor.clock.monotonic()
        self._mischief = Mischief(self._faults, self._seed, lambda: self.floor.clock.monotonic() - began)
        self._sockets = await serve(
            self._serve,
            host,
            port,
            process_request=self._process_request,
            compression=None,
            server_header=None,
            write_limit=1024 * 1024,
            logger=_quiet_logger(),
        )
        self._listener = await listen(self._answer, host, port + 1 if port else 0)
        if self._faults:
            self._cuts = asyncio.create_task(self._run_cuts())
        sockets, web = (_where(one.sockets[0].getsockname()) for one in (self._sockets, self._listener))
        keys = "providers.alltick."
        return {
            keys + "stock_url": f"ws://{sockets}/quote-stock-b-ws-api",
            keys + "generic_url": f"ws://{sockets}/quote-b-ws-api",
            keys + "stock_http_url": f"http://{web}/quote-stock-b-api",
            keys + "generic_http_url": f"http://{web}/quote-b-api",
        }

    async def stop(self, goodbye_s: float = 0.3) -> None:
        """Close everything; a client that does not answer the goodbye is cut off."""
        if self._cuts is not None:
            self._cuts.cancel()
        for server in (self._sockets, self._listener):
            if server is not None:
                server.close()
        if self._sockets is not None:
            try:
                await asyncio.wait_for(self._sockets.wait_closed(), goodbye_s)
            except TimeoutError:
                for connection in tuple(self._sockets.all_connections):
                    connection.transport.abort()
                await self._sockets.wait_closed()

    def cut(self) -> None:
        """Break every socket."""
        for line in tuple(self.lines):
            line.cut()

    # The market, as a session sees it.

    def knows(self, code: str, family: facts.Family) -> bool:
        """Whether a family has a code."""
        return self.board.knows(code, family)

    def newest(self, code: str, kind: type[VenueEvent], *, by_hours: bool) -> VenueEvent | None:
        """Return the last print or book of a code; ``by_hours`` the last before its market closed."""
        symbol = self.board.symbols[code]
        if by_hours and self._night.is_closed(code, self.floor.now_ns()):
            return self._night.last(code, symbol, kind)
        return self._last.get(symbol) if kind is VenueTrade else self.floor.latest.get((VenueBook, symbol))

    def early(self, code: str, kind: type[VenueEvent]) -> list[VenueEvent]:
        """Return what the market told before anybody subscribed to this."""
        told = self.floor.claim(self.board.symbols[code], f"alltick {kind.__name__} {code}")
        return [event for event in told if type(event) is kind]

    def _call(self, events: list[VenueEvent], until: int) -> None:
        for event in events:
            if isinstance(event, VenueTrade):
                self._last[event.symbol] = event
            elif not isinstance(event, VenueBook):
                continue
            for code in self.board.codes.get(event.symbol, ()):
                for line in self.lines:
                    if line.session.by_hours and self._night.is_closed(code, event.ts):
                        continue
                    if frames := line.session.call(code, event):
                        self._send(line, frames)

    def _send(self, line: Line, frames: list[str]) -> None:
        scope = line.session.family
        if self._mischief.is_silent(scope):
            return
        for frame in frames:
            garbage = self._mischief.garbage(scope, frame.encode())
            if garbage is not None:
                line.push([garbage.decode(errors="replace")])
        line.push(frames, self._mischief.delay_s(scope))

    # Sockets and requests.

    def _is_token_good(self, token: str) -> bool:
        return is_key_good(token) and not self._mischief.refuses_keys()

    async def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        url = urlsplit(request.path)
        family = PATHS.get(url.path)
        if family is None:
            return _refuse(404, b'{"error_msg":"no such path"}')
        refusal = self._mischief.refusal(family)
        if refusal is not None:
            return _refuse(refusal, b'{"error_msg":"the simulated venue was told to refuse"}')
        name = _token(request.path)
        if not self._is_token_good(name):
            return _refuse(401, b'{"ret":401,"msg":"token invalid"}')
        token = self.tokens.setdefault(name, Token(plan_of(name, self._rules)))
        status = token.admit(family, self.floor.clock.monotonic())
        return None if status is None else _refuse(status, b'{"error_msg":"Too many requests"}')

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        path = socket.request.path
        token = self.tokens[_token(path)]
        now = self.floor.clock.monotonic()
        rules = rules_of(_token(path), self._rules)
        line = Line(socket, Session(PATHS[urlsplit(path).path], token, self, rules, now), self)
        self.lines.add(line)
        try:
            await line.serve()
        finally:
            self.lines.discard(line)
            line.session.gone()

    async def _answer(self, method: str, target: str, body: bytes) -> Answer:
        refusal = self._mischief.refusal("rest")
        if refusal is not None:
            return refusal, b'{"error_msg":"the simulated venue was told to refuse"}'
        status, content = await self.http.answer(method, target, body)
        while self._mischief.is_silent("rest"):
            await self.floor.clock.sleep(_LOOK_S)
        await self.floor.clock.sleep(self._mischief.delay_s("rest"))
        return status, self._mischief.garbage("rest", content) or content

    async def _run_cuts(self) -> None:
        while True:
            await self.floor.clock.sleep(_LOOK_S)
            # A fault without a scope names them all; the sockets here are none of `rest`.
            if any(scope != "rest" for scope in self._mischief.cuts()):
                self.cut()


class AlltickVenue:
    """The server with its market: the one that others play too, or a made-up one of its own."""

    def __init__(
        self,
        clock: Clock,
        rules: Rules,
        *,
        seed: int = 1,
        rate: float = 1.0,
        start_ns: int | None = None,
        faults: tuple[Fault, ...] = (),
        shared: tuple[Floor, History] | None = None,
    ) -> None:
        self._own: Floor | None = None
        if shared is None:
            self._own = Floor(AlltickSource(seed, rate), clock, start_ns=start_ns)
            shared = self._own, History(self._own)
        self.server = AlltickServer(*shared, rules, faults, seed)
        self._run: asyncio.Task[None] | None = None

    def codes(self) -> list[str]:
        """Return what can be subscribed, the best known first."""
        return self.server.board.offered()

    async def start(self, host: str, port: int) -> dict[str, str]:
        """Listen on two ports, ``port`` and the next (0: any); return the endpoints by configuration key."""
        endpoints = await self.server.start(host, port)
        if self._own is not None:
            self._run = asyncio.create_task(self._own.run())
        return endpoints

    async def stop(self) -> None:
        """Close every socket and end."""
        if self._run is not None:
            self._run.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._run
        await self.server.stop()


def _token(path: str) -> str:
    return parse_qs(urlsplit(path).query).get("token", [""])[0]


def _quiet_logger() -> logging.Logger:
    """Return a logger for the sockets that keeps clients' broken handshakes, and tokens, to itself."""
    logger = logging.getLogger(f"{__name__}.sockets")
    logger.setLevel(logging.CRITICAL)
    return logger


def _where(name: tuple[str, int]) -> str:
    host, port = name[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _refuse(status: int, content: bytes) -> Response:
    headers = Headers(
        {
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            "Connection": "close",
        }
    )
    return Response(status, http.HTTPStatus(status).phrase, headers, content)
