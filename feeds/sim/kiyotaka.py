"""Kiyotaka's WebSocket API, served.

What the docs say is served as they say; where they are silent this is what the simulated venue does:

- `/ws` carries BLOCK_BOOK_SNAPSHOT alone, `/nonbook/ws` everything else; REST lies on the same port.
  Without `?encoding=json` the socket is closed (1008) with the reason; an unknown path is 404.
- Nothing before `public/authenticate`: anything else is answered with -32001 and a close (1008). Any token
  that is not empty is accepted, except those that begin with `bad`, `wrong`, `invalid` or `refused`: those
  get {"jsonrpc":"2.0","id":N,"error":{"code":-32001,"message":"invalid token"}} and a close (1008).
- A message without `id` is a notification and is never acknowledged (the documented authenticate has none).
  With one the answer is {"jsonrpc":"2.0","id":N,"result":"ok"}.
- `public/subscribe` and `public/unsubscribe` take any number of channels. The channels that are understood
  are served even when others in the message are refused; the error names the first refused one:
  {"jsonrpc":"2.0","id":N,"error":{"code":-32602,"message":"INVALID_SYMBOL: …"}}, and without an `id`
  {"error":"INVALID_SYMBOL","message":"…"}. Codes are those of REST: INVALID_PARAMS, INVALID_EXCHANGE,
  INVALID_SYMBOL. A channel subscribed again replaces itself. `unknown_symbols="silent"` accepts unknown
  symbols and sends nothing for them.
- Every parameter of a channel is a string, numbers are refused. `blockSize` is required for books.
- More than `message_budget` messages within a minute: -32005 and a close (1008).
- `"compression":"brotli"` turns the connection's data frames binary, in one of four forms, because nobody
  has said which is real: one finished stream a message (`each`), one that is only flushed (`flush`), one
  window for the whole connection (`shared`), or plain text all the same (`text`). Answers are always text.
- TRADE_AGG without `batchInterval` batches seconds, VOLUME_PROFILE_AGG without `updateFrequency` comes once
  a second, books without it as often as they change. A profile covers the UTC day and starts anew with it.
- Grouped (`groupByType` "1") all symbols of the coin are added up, whatever the exchange named.
- LIQUIDATION: BUY means a long was liquidated, as the docs say (`liquidation_side="order"` turns it round).
- The newest book, funding and open interest are sent at once to whoever subscribes later.
- A connection that leaves 64 MB unread is closed (1008, too slow): nothing is ever left out silently.
"""

import asyncio
import contextlib
import json
import re
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import brotli
import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from mdterm.feeds.sim.faults import Mischief
from mdterm.feeds.sim.history import History
from mdterm.feeds.sim.kiyotaka_channels import Channels, Refusal
from mdterm.feeds.sim.kiyotaka_points import Point, Stream
from mdterm.feeds.sim.market import VenueEvent
from mdterm.feeds.sim.pace import Floor

PATHS = {"/ws": "book", "/nonbook/ws": "nonbook"}
BROTLI_FORMS = ("each", "flush", "shared", "text")
POINTS_PER_FRAME = 50

_UNREAD_LIMIT = 64 * 1024 * 1024
_BAD_KEY = re.compile(r"\s*$|bad|wrong|invalid|refused")
_POLICY = 1008


def is_key_good(key: str) -> bool:
    """Say whether the venue accepts a key."""
    return _BAD_KEY.match(key) is None


class RpcError(Exception):
    """A message that is answered with an error; `closes` says that the socket goes with it."""

    def __init__(self, code: int, message: str, *, rest_code: str = "", closes: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.rest_code = rest_code
        self.closes = closes


class _Outgoing(NamedTuple):
    due: float
    frame: str | bytes


class Packer:
    """Turn frames into what the connection's compression makes of them."""

    def __init__(self, form: str) -> None:
        self._form = form
        self._shared: brotli.Compressor | None = None
        self.on = False

    def pack(self, frame: bytes) -> str | bytes:
        """Return text as str and binary as bytes, the way the socket tells them apart."""
        if not self.on or self._form == "text":
            return frame.decode()
        if self._form == "each":
            return bytes(brotli.compress(frame, quality=4))
        if self._form == "flush":
            one = brotli.Compressor(quality=4)
            return bytes(one.process(frame) + one.flush())
        if self._shared is None:
            self._shared = brotli.Compressor(quality=4)
        return bytes(self._shared.process(frame) + self._shared.flush())


class Session:
    """One connection: who it is, what it hears, and what still has to be sent."""

    def __init__(self, socket: ServerConnection, family: str, server: "KiyotakaServer") -> None:
        self.socket = socket
        self.family = family
        self._server = server
        self._packer = Packer(server.brotli_form)
        self._streams: dict[str, Stream] = {}
        self._hearing: dict[tuple[type[VenueEvent], str], list[Stream]] = {}
        self._queue: deque[_Outgoing] = deque()
        self._unread = 0
        self._wake = asyncio.Event()
        self._backlog: list[Point] = []
        self._authenticated = False
        self._last_words: str | None = None
        self._recent: deque[float] = deque()

    async def serve(self) -> None:
        """Answer the client until it goes."""
        writer = asyncio.create_task(self._write())
        try:
            async for message in self.socket:
                try:
                    self._receive(message)
                except RpcError as error:
                    self._last_words = error.message
                    self._wake.set()
                    await writer
                    return
        except ConnectionClosed:
            pass
        finally:
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionClosed):
                await writer

    def call(self, events: Iterable[VenueEvent], until: int) -> None:
        """Hear what happened in one cell of the market."""
        out: list[Point] = []
        hearing = self._hearing
        for event in events:
            for stream in hearing.get((type(event), event.symbol), ()):
                stream.on(event, out)
        for stream in self._streams.values():
            stream.tick(until, out)
        self._send_points(out)

    def cut(self) -> None:
        """Break the connection as a dying network does."""
        self.socket.transport.abort()

    def _receive(self, message: str | bytes) -> None:
        number: object = None
        try:
            try:
                request = json.loads(message)
            except ValueError:
                self._spend()
                raise RpcError(-32700, "not JSON") from None
            number = request.get("id") if isinstance(request, dict) else None
            self._spend()
            if not isinstance(request, dict):
                raise RpcError(-32600, "not a request")
            params = request.get("params")
            self._obey(request.get("method"), params if isinstance(params, dict) else {})
        except RpcError as error:
            self._answer_error(number, error)
            if error.closes:
                raise
        else:
            if number is not None:
                self._send_text({"jsonrpc": "2.0", "id": number, "result": "ok"})
        # What a new subscription may have of the past follows the answer to it.
        self._send_points(self._backlog)
        self._backlog = []

    def _obey(self, method: object, params: dict[str, Any]) -> None:
        if method == "public/authenticate":
            token = params.get("token")
            if not isinstance(token, str) or not is_key_good(token) or self._server.mischief.refuses_keys():
                raise RpcError(-32001, "invalid token", closes=True)
            self._authenticated = True
            return
        if not self._authenticated:
            raise RpcError(-32001, "authenticate first", closes=True)
        if method not in ("public/subscribe", "public/unsubscribe"):
            raise RpcError(-32601, "no such method")
        channels = params.get("channels")
        if not isinstance(channels, list) or not channels:
            raise RpcError(
                -32602, "INVALID_PARAMS: channels is a list of channels", rest_code="INVALID_PARAMS"
            )
        if method == "public/subscribe":
            self._packer.on = params.get("compression") == "brotli"
            self._subscribe(channels)
        else:
            self._unsubscribe(channels)

    def _subscribe(self, channels: list[object]) -> None:
        refused: Refusal | None = None
        for channel in channels:
            try:
                key, stream = self._server.channels.open(channel, self.family)
            except Refusal as refusal:
                refused = refused or refusal
                continue
            if stream is not None:
                self._streams[key] = stream
                self._server.channels.catch_up(stream, key.partition("\n")[0], self._backlog)
        self._index()
        if self._streams:
            self._server.floor.begin()
        if refused is not None:
            raise RpcError(-32602, f"{refused.code}: {refused}", rest_code=refused.code)

    def _unsubscribe(self, channels: list[object]) -> None:
        for channel in channels:
            try:
                key = self._server.channels.key(channel, self.family)
            except Refusal as refusal:
                raise RpcError(-32602, f"{refusal.code}: {refusal}", rest_code=refusal.code) from None
            self._streams.pop(key, None)
        self._index()

    def _index(self) -> None:
        self._hearing = {}
        for stream in self._streams.values():
            for kind in stream.hears:
                for symbol in stream.symbols:
                    self._hearing.setdefault((kind, symbol), []).append(stream)

    def _spend(self) -> None:
        now = self._server.floor.clock.monotonic()
        while self._recent and now - self._recent[0] >= 60:
            self._recent.popleft()
        self._recent.append(now)
        if len(self._recent) > self._server.message_budget:
            raise RpcError(-32005, "too many messages", closes=True)

    def _answer_error(self, number: object, error: RpcError) -> None:
        if number is None and error.rest_code:
            self._send_text({"error": error.rest_code, "message": error.message.partition(": ")[2]})
        else:
            shown = {"code": error.code, "message": error.message}
            self._send_text({"jsonrpc": "2.0", "id": number, "error": shown})

    def _send_text(self, message: dict[str, object]) -> None:
        self._push(_Outgoing(0.0, msgspec.json.encode(message).decode()))

    def _send_points(self, points: list[Point]) -> None:
        mischief = self._server.mischief
        if not points or mischief.is_silent(self.family):
            return
        late = mischief.delay_s(self.family)
        due = self._server.floor.clock.monotonic() + late if late else 0.0
        for at in range(0, len(points), POINTS_PER_FRAME):
            frame = b'{"points":[' + b",".join(points[at : at + POINTS_PER_FRAME]) + b"]}"
            garbage = mischief.garbage(self.family, frame)
            if garbage is not None:
                self._push(_Outgoing(due, garbage.decode(errors="replace")))
            self._push(_Outgoing(due, self._packer.pack(frame)))

    def _push(self, outgoing: _Outgoing) -> None:
        self._queue.append(outgoing)
        self._unread += len(outgoing.frame)
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
                wait = self._queue[0].due - clock.monotonic() if self._queue[0].due else 0.0
                if wait > 0:
                    await clock.sleep(wait)
                frame = self._queue.popleft().frame
                self._unread -= len(frame)
                await self.socket.send(frame)
            if self._last_words is not None:
                await self.socket.close(_POLICY, self._last_words)
                return


class KiyotakaServer:
    """All connections of one Kiyotaka-like venue over one market."""

    def __init__(
        self,
        floor: Floor,
        history: History,
        mischief: Mischief,
        *,
        brotli_form: str,
        message_budget: int,
        unknown_symbols: str,
        liquidation_side: str,
    ) -> None:
        self.floor = floor
        self.mischief = mischief
        self.brotli_form = brotli_form
        self.message_budget = message_budget
        self.channels = Channels(
            floor,
            history,
            silent_about_unknown=unknown_symbols == "silent",
            longs_are_buys=liquidation_side == "position",
        )
        self.sessions: set[Session] = set()
        floor.heed(self._call)

    async def serve(self, socket: ServerConnection) -> None:
        """Serve one WebSocket, whichever family its path names."""
        assert socket.request is not None
        url = urlsplit(socket.request.path)
        if parse_qs(url.query).get("encoding") != ["json"]:
            await socket.close(_POLICY, "encoding=json is required")
            return
        session = Session(socket, PATHS[url.path], self)
        self.sessions.add(session)
        try:
            await session.serve()
        finally:
            self.sessions.discard(session)

    def cut(self, scope: str) -> None:
        """Cut every socket of a family."""
        for session in tuple(self.sessions):
            if session.family == scope:
                session.cut()

    def _call(self, events: list[VenueEvent], until: int) -> None:
        for session in tuple(self.sessions):
            session.call(events, until)
