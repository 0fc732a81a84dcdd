"""Find out how a JayX server frames its messages, which nobody has written down.

All framings are tried at once, each on a socket of its own, and the first that shows something understood
wins: Socket.IO its opening packet, the bare ones an answer to a subscription of public data. No key is sent.
"""

import asyncio
import logging
import ssl
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from mdterm.feeds import policy
from mdterm.feeds.jayx import facts, framing, wire
from mdterm.feeds.jayx.framing import Dialect
from mdterm.feeds.text import clean

log = logging.getLogger(__name__)

_MAX_FRAME = 16 * 1024 * 1024


class Asked(msgspec.Struct, frozen=True):
    """What is dialled, and what is asked for on a bare socket."""

    base: str
    path: str
    symbol: str
    precise: str
    tls_verify: bool = True
    patience_s: float = facts.PROBE_S


class ProbeError(Exception):
    """No framing was found, in words. ``reached`` says that a server at least answered."""

    def __init__(self, words: str, reached: bool) -> None:
        super().__init__(words)
        self.reached = reached


class _Mute(Exception):
    """A framing that showed nothing; ``frame`` is the last that came and was not understood."""

    def __init__(self, frame: bytes = b"") -> None:
        super().__init__("nothing understood")
        self.frame = frame


def candidates(form: str, envelope: tuple[str, str]) -> list[Dialect]:
    """Return the dialects to try, likeliest first."""
    if form == "socketio":
        return [Dialect("socketio")]
    envelopes = dict.fromkeys([envelope, ("event", "data"), ("event", "message")])
    return [
        Dialect("socketio"),
        *(Dialect("envelope", envelope=one) for one in envelopes),
        Dialect("flat", envelope=envelope),
    ]


async def probe(asked: Asked, dialects: Sequence[Dialect]) -> Dialect:
    """Return the first dialect that works, completed by what was learnt. Raise ProbeError."""
    attempts = [_Attempt(asked, one) for one in dialects]
    tasks = [asyncio.ensure_future(one.run()) for one in attempts]
    waiting = set(tasks)
    try:
        while waiting:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for attempt, task in zip(attempts, tasks, strict=True):
                if attempt.was_greeted and task in waiting:
                    break  # no other server greets like that; how to go on is known in a moment
                if task.done() and task.exception() is None:
                    found = task.result()
                    log.info("framing: %s", found.words())
                    return found
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    errors = [error for task in tasks if (error := task.exception()) is not None]
    frames = [error.frame for error in errors if isinstance(error, _Mute) and error.frame]
    if frames:
        log.warning("not understood: %s", clean(frames[0][:400].decode("utf-8", "replace")))
    if any(isinstance(error, _Mute) for error in errors):
        raise ProbeError("connected, but nothing that came was understood", reached=True)
    statuses = sorted({one.response.status_code for one in errors if isinstance(one, InvalidStatus)})
    if statuses:
        shown = ", ".join(map(str, statuses))
        raise ProbeError(f"the server answered HTTP {shown} instead of a WebSocket", reached=True)
    raise ProbeError(policy.judge(errors[0]).words, reached=False)


class _Attempt:
    """One framing tried on one socket."""

    def __init__(self, asked: Asked, dialect: Dialect) -> None:
        self._asked = asked
        self._dialect = dialect
        self.was_greeted = False
        """Whether Engine.IO's opening packet came."""
        self._connected = False
        self._frame = b""

    async def run(self) -> Dialect:
        """Return the dialect, completed, if the server speaks it. Raise what ended the attempt."""
        try:
            async with asyncio.timeout(self._asked.patience_s):
                return await self._session()
        except InvalidStatus as error:
            # An old server says so of the new version; a new one would not take the old.
            if self._dialect != Dialect("socketio") or error.response.status_code != 400:
                raise
            return await _Attempt(self._asked, Dialect("socketio", eio=3)).run()
        except (TimeoutError, ConnectionClosed) as error:
            if not self._connected:
                raise
            raise _Mute(self._frame) from error

    async def _session(self) -> Dialect:
        asked = self._asked
        url = framing.dial_url(asked.base, self._dialect, asked.path)
        context: ssl.SSLContext | None = None
        if url.startswith("wss:"):
            context = ssl.create_default_context()
            if not asked.tls_verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
        # A server that never answers the goodbye must not hold up the winner.
        async with connect(
            url,
            ssl=context,
            proxy=None if urlsplit(url).hostname in facts.LOOPBACK else True,
            compression=None,
            max_size=_MAX_FRAME,
            ping_interval=None,
            close_timeout=0.2,
        ) as ws:
            self._connected = True
            return await (self._socketio(ws) if self._dialect.form == "socketio" else self._bare(ws))

    async def _socketio(self, ws: ClientConnection) -> Dialect:
        dialect = self._dialect
        self._frame = await ws.recv(decode=False)
        if not self._frame.startswith(b"0{"):
            raise _Mute(self._frame)
        self.was_greeted = True
        if dialect.eio == 3:
            return replace(dialect, rules=3)
        # A 2.x server takes the new version's number too, but connects by itself.
        try:
            async with asyncio.timeout(facts.UNPROMPTED_S):
                unprompted = await ws.recv(decode=False)
        except TimeoutError:
            return replace(dialect, rules=4)
        return replace(dialect, rules=3 if unprompted.startswith(b"40") else 4)

    async def _bare(self, ws: ClientConnection) -> Dialect:
        asked, dialect = self._asked, self._dialect
        interval = str(facts.INTERVALS[facts.DEFAULT_INTERVAL])
        # A symbol that does not exist must not hide the framing.
        for symbol in dict.fromkeys((asked.symbol, facts.DEFAULT_SYMBOL)):
            common = {"category": facts.CATEGORY, "symbol": symbol}
            for event, more in (("orderbook", {"precise": asked.precise}), ("kline", {"interval": interval})):
                await ws.send(framing.encode(dialect, "/", event, {**common, **more}))
        while not _is_data(self._frame, dialect):
            self._frame = await ws.recv(decode=False)
        return dialect


def _is_data(frame: bytes, dialect: Dialect) -> bool:
    try:
        packet = framing.read_packet(frame)
        if packet.kind != "message":
            return False
        update = wire.understand(packet.name, packet.body, dialect.envelope).update
    except msgspec.DecodeError:
        return False
    return update is not None and not isinstance(update, wire.Trouble)
