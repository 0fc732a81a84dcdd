"""How a message of JayX is wrapped: Socket.IO over Engine.IO 4 or 3, an envelope, or nothing at all.

No framing is documented, so what comes in is read in every form, whichever was chosen for going out::

    {…}   {"event":e,"data":x}   {"event":e,"message":x}   42["e",x]   42/ns,["e",x]   4217["e",x]   ["e",x]

What goes out, and who beats the heart, follows the ``Dialect``.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import msgspec

from mdterm.feeds.contract import Due
from mdterm.feeds.jayx import facts

Form = Literal["socketio", "envelope", "flat"]
PacketKind = Literal[
    "message", "open", "close", "ping", "pong", "connect", "disconnect", "refused", "noop", "unknown"
]


class Dialect(msgspec.Struct, frozen=True):
    """One way to talk. ``eio`` is the Engine.IO version to dial with; ``rules`` whose heartbeat and
    connecting are followed, None while that has to be found out on the line."""

    form: Form
    eio: Literal[3, 4] = 4
    rules: Literal[3, 4] | None = None
    envelope: tuple[str, str] = ("event", "data")

    def words(self) -> str:
        """Say what it is, for a person."""
        if self.form == "socketio":
            return f"socketio (EIO {self.rules or self.eio})"
        if self.form == "envelope":
            return f"envelope ({'/'.join(self.envelope)})"
        return self.form


class Packet(NamedTuple):
    """What one frame is. ``body`` is JSON, or the words of a refusal; ``name`` is the event if it is told."""

    kind: PacketKind
    name: str | None = None
    body: bytes = b""
    namespace: str = "/"


_LEAST_BEAT_MS, _MOST_BEAT_MS = 1_000, 3_600_000


class OpenPacket(msgspec.Struct):
    """Engine.IO's first packet; times in ms."""

    pingInterval: int = 25_000
    pingTimeout: int = 20_000


_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_text = msgspec.json.Decoder(str).decode
_open = msgspec.json.Decoder(OpenPacket).decode
_encode = msgspec.json.Encoder().encode

_ENGINE: dict[int, PacketKind] = {
    ord("1"): "close",
    ord("2"): "ping",
    ord("3"): "pong",
    ord("5"): "noop",
    ord("6"): "noop",
}
_SOCKET: dict[int, PacketKind] = {
    ord("0"): "connect",
    ord("1"): "disconnect",
    ord("2"): "message",
    ord("4"): "refused",
}
_OPENING = (b"{", b"[")


def read_packet(frame: bytes) -> Packet:
    """Say what a frame is, under any framing. Raise msgspec.DecodeError where an array is broken."""
    head = frame[:1]
    if head == b"{":
        return Packet("message", None, frame)
    if head == b"[":
        return _named(frame)
    if head == b"4":
        return _socket(frame)
    if head == b"0":
        return Packet("open", None, frame[1:])
    kind = _ENGINE.get(frame[0]) if frame else None
    if kind is not None and len(frame) <= len("2probe"):
        return Packet(kind)
    bare = frame.lstrip(b"\xef\xbb\xbf \t\r\n")
    return read_packet(bare) if bare != frame and bare else Packet("unknown")


def _socket(frame: bytes) -> Packet:
    """Read a Socket.IO packet: ``42["e",x]``, with a namespace or an acknowledgement number before it."""
    if frame[1:2] in _OPENING:
        return read_packet(frame[1:])  # Engine.IO without Socket.IO on top
    kind = _SOCKET.get(frame[1]) if len(frame) > 1 else None
    if kind is None:
        return Packet("unknown")  # acknowledgements and binary events, which nobody asked for
    rest, namespace = frame[2:], "/"
    if rest[:1] == b"/":
        name, _, rest = rest.partition(b",")
        namespace = name.partition(b"?")[0].decode("utf-8", "replace")
    if kind != "message":
        return Packet(kind, None, rest, namespace)
    return _named(rest.lstrip(b"0123456789"), namespace)


def _named(array: bytes, namespace: str = "/") -> Packet:
    """Read ``["event", payload]``."""
    parts = _array(array)
    if len(parts) < 2:
        return Packet("unknown")
    return Packet("message", _text(parts[0]), bytes(parts[1]), namespace)


def encode(dialect: Dialect, namespace: str, event: str, fields: Mapping[str, str]) -> str:
    """Return the message that asks for ``event``."""
    if dialect.form == "socketio":
        prefix = "" if namespace == "/" else f"{namespace},"
        return f"42{prefix}{_encode([event, fields]).decode()}"
    name, payload = dialect.envelope
    if dialect.form == "envelope":
        return _encode({name: event, payload: fields}).decode()
    return _encode({name: event, **fields}).decode()


def dial_url(base: str, dialect: Dialect, path: str) -> str:
    """Return the URL to dial: the base itself, or Socket.IO's path and query on it."""
    parts = urlsplit(base)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    where, query = parts.path, parts.query
    if dialect.form == "socketio":
        if not where.rstrip("/").endswith(path.rstrip("/")):
            where = where.rstrip("/") + path
        asked = f"EIO={dialect.eio}&transport=websocket"
        query = f"{query}&{asked}" if query else asked
    return urlunsplit((scheme, parts.netloc, where or "/", query, ""))


class Line:
    """The talk beneath the messages on one connection: opening, connecting, heartbeats.

    Frames come without a time, so they only set marks; ``due`` brings the time.
    """

    def __init__(self, dialect: Dialect, namespace: str) -> None:
        self.ready = False
        """Whether messages may be sent."""
        self.broken: str | None = None
        """Why the connection is of no use any more, in words."""
        self.refusal: bytes | None = None
        """What the server said when it refused to connect."""
        self._dialect = dialect
        self._namespace = namespace
        self.opened(0.0)

    def opened(self, now: float) -> None:
        """Begin anew on a fresh socket."""
        self.ready = self._dialect.form != "socketio"
        self.broken = self.refusal = None
        self.rules = self._dialect.rules
        self._opened_at = now
        self._hello: OpenPacket | None = None
        self._hello_at: float | None = None
        self._asked = False
        self._pongs = 0
        self._heard = False
        self._alive_until: float | None = None
        self._ping_at: float | None = None

    def take(self, packet: Packet) -> None:
        """Take note of a packet that carries no message."""
        self._heard = True
        kind = packet.kind
        if kind == "ping":
            self._pongs += 1
        elif kind == "open":
            try:
                self._hello = _open(packet.body)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                self._hello = OpenPacket()
        elif kind == "connect":
            if packet.body.startswith(b"{"):
                self.rules = 4
            elif not self._asked or self.rules is None:
                self.rules = 3  # it connected us unprompted
            self.ready = self.ready or packet.namespace == self._namespace
        elif kind == "refused":
            self.refusal = packet.body
        elif kind in ("close", "disconnect"):
            self.broken = "the server ended the session"

    def heard(self) -> None:
        """Take note that a message came."""
        self._heard = True

    def due(self, now: float) -> Due:
        """Return what the framing itself has to say now, and when to ask again."""
        if self._dialect.form != "socketio":
            return Due([], None)
        messages = ["3"] * self._pongs
        self._pongs = 0
        if self._hello is None:
            return Due(messages, self._wait_for_hello(now))
        if self._hello_at is None:
            self._hello_at = now
        times = [self._connect(now, messages), self._beat(now, self._hello, messages)]
        return Due(messages, min((at for at in times if at is not None), default=None))

    def _wait_for_hello(self, now: float) -> float | None:
        deadline = self._opened_at + facts.OPEN_PACKET_S
        if now >= deadline:
            self.broken = "no Socket.IO session was opened in time"
            return None
        return deadline

    def _connect(self, now: float, messages: list[str]) -> float | None:
        """Ask for the namespace, unless a 2.x server does it by itself."""
        if self.ready or self._asked:
            return None
        assert self._hello_at is not None
        if self.rules is None:
            patience = self._hello_at + facts.UNPROMPTED_S
            if now < patience:
                return patience
            self.rules = 4
        if self._namespace == "/":
            if self.rules == 3:
                return None
            messages.append("40")
        else:
            messages.append(f"40{self._namespace}{',' if self.rules == 4 else ''}")
        self._asked = True
        return None

    def _beat(self, now: float, hello: OpenPacket, messages: list[str]) -> float:
        """Beat the heart where that is the client's part, and watch the server's."""
        # A server that asks for a beat without a pause, or in a thousand years, gets neither.
        interval, timeout = (
            min(max(told, _LEAST_BEAT_MS), _MOST_BEAT_MS) / 1000
            for told in (hello.pingInterval, hello.pingTimeout)
        )
        if self._heard or self._alive_until is None:
            self._alive_until = now + interval + timeout
            self._heard = False
        if now >= self._alive_until:
            self.broken = "the server's heartbeat stopped"
        if self.rules != 3:
            return self._alive_until
        if self._ping_at is None:
            self._ping_at = now + interval
        if now >= self._ping_at:
            messages.append("2")
            self._ping_at = now + interval
        return min(self._alive_until, self._ping_at)
