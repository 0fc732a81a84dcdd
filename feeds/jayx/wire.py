"""JayX's messages as they are on the wire, with its own names; and which message one is, by its shape.

Payloads carry no tag [DOC], so the shape decides: ``orderBook`` or ``trades`` is a book, ``spot`` a list of
balances, ``cancel`` or entries with an ``id`` are orders, entries with an ``o`` are candles. Example [DOC]::

    {"add":null,"modify":{"_id":"664a16fccb5c1735c25557a0","created":1716131580,"o":6678147,"h":6690062,
    "l":6674783,"c":6689523,"v":241690,"m":1716131619,"symbol":"BTCUSDT"}}
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, Raw, UnsetType


class Level(msgspec.Struct, gc=False):
    """[DOC calls lots "tick size"; they are counts of lots.] ``count`` is orders at the level."""

    ticks: int
    lots: int
    count: int | None = None


class OrderBook(msgspec.Struct, gc=False):
    """[DED] the top levels whole, to replace what was known."""

    asks: list[Level] = []
    bids: list[Level] = []


class Trade(msgspec.Struct, gc=False, frozen=True):
    """[DOC] no id; ``created`` in ms; newest first in the list [DED]."""

    lots: int
    ticks: int
    created: int
    side: str | None = None


class Position(msgspec.Struct, gc=False):
    """[DOC] human decimal strings."""

    asset: str
    balance: Decimal
    available: Decimal


class Entry(msgspec.Struct, gc=False):
    """A candle or an order: what ``add`` and ``modify`` hold.

    [DOC] ``o h l c`` ticks, ``v`` lots, ``m`` last change (s), ``created`` s for candles and ms for orders.
    ``resd`` is what remains [SIB] (DOC: "reserved"), ``exec`` what was filled, ``cost`` the sum of
    lots × ticks filled [SIB], ``price`` human; ``quantity`` is of uncertain meaning.
    """

    created: int | None = None
    symbol: str | None = None
    o: int | None = None
    h: int | None = None
    l: int | None = None  # noqa: E741  # the wire's name
    c: int | None = None
    v: int | None = None
    m: int | None = None
    id: int | str | None = None
    type: str | None = None
    state: str | None = None
    side: str | None = None
    resd: int | None = None
    exec: int | None = None
    cost: int | None = None
    modified: int | None = None
    price: Decimal | None = None
    quantity: Decimal | None = None


class Message(msgspec.Struct, gc=False):
    """Every field any message or envelope has."""

    event: Raw = Raw()
    data: Raw = Raw()
    message: Raw = Raw()
    orderBook: OrderBook | UnsetType | None = UNSET
    trades: list[Trade] | None = None
    add: Entry | list[Entry] | UnsetType | None = UNSET
    modify: Entry | list[Entry] | UnsetType | None = UNSET
    cancel: list[Entry | int | str] | UnsetType | None = UNSET
    spot: list[Position] | None = None
    error: Any = None
    status: Any = None
    statusCode: Any = None
    code: Any = None
    success: Any = None


class Klines(msgspec.Struct, frozen=True):
    """Candles in the order to apply them: what changed, then what is new."""

    candles: Sequence[Entry]


class Orderbook(msgspec.Struct, frozen=True):
    """A whole book (None: the message has trades alone), and the newest trades."""

    book: OrderBook | None
    trades: Sequence[Trade]


class Positions(msgspec.Struct, frozen=True):
    """Balances."""

    spot: Sequence[Position]


class OpenOrders(msgspec.Struct, frozen=True):
    """Orders that are new or changed, then those that left (whole or by their id alone)."""

    upserts: Sequence[Entry]
    cancel: Sequence[Entry | int | str]


class Trouble(msgspec.Struct, frozen=True):
    """The server complains."""

    words: str


Update = Klines | Orderbook | Positions | OpenOrders | Trouble

_decode = msgspec.json.Decoder(Message).decode
_names = msgspec.json.Decoder(dict[str, Raw]).decode
_string = msgspec.json.Decoder(str).decode

_TROUBLE = frozenset({"error", "exception", "unauthorized", "connect_error", "unauthenticated"})
_ENVELOPES = (("event", "data"), ("event", "message"))
_DEEPEST = 4


class Reading(NamedTuple):
    """What a body says, None where it is not understood, and how many entries could not be read."""

    update: Update | None
    left_out: int = 0


def understand(
    name: str | None, body: bytes, envelope: tuple[str, str] = ("event", "data"), depth: int = 0
) -> Reading:
    """Read a body, opening envelopes on the way. Raise msgspec.DecodeError where it is no JSON object."""
    left_out = 0
    if body[:1] == b'"':
        body = _string(body).encode()  # encoded twice
    try:
        message = _decode(body)
    except msgspec.ValidationError:
        from mdterm.feeds.jayx import lenient

        message, left_out = lenient.read(body)
    update = _by_shape(name, message)
    if update is None and depth < _DEEPEST:
        inner, called = _open(message, body, envelope)
        if inner is not None:
            return understand(called or name, inner, envelope, depth + 1)
        update = _trouble(called or name, message)
    return Reading(update, left_out)


def _by_shape(name: str | None, message: Message) -> Update | None:
    if message.orderBook is not UNSET or message.trades is not None:
        book = None if message.orderBook is UNSET else message.orderBook
        return Orderbook(book, message.trades or [])
    if message.spot is not None:
        return Positions(message.spot)
    add, modify = _entries(message.add), _entries(message.modify)
    if message.cancel is not UNSET:
        return OpenOrders([*add, *modify], message.cancel or [])
    if message.add is UNSET and message.modify is UNSET:
        return None
    if any(entry.o is not None for entry in (*modify, *add)):
        return Klines([*modify, *add])
    if add or modify or isinstance(message.add, list) or isinstance(message.modify, list):
        # An empty list says nothing by itself; the docs have lists for orders only.
        return Klines([]) if name == "kline" else OpenOrders([*add, *modify], [])
    return OpenOrders([], []) if name == "openorders" else Klines([])


def _entries(found: Entry | list[Entry] | UnsetType | None) -> list[Entry]:
    if found is None or found is UNSET:
        return []
    return found if isinstance(found, list) else [found]


def _open(message: Message, body: bytes, envelope: tuple[str, str]) -> tuple[bytes | None, str | None]:
    """Return what lies in an envelope, and the event it names."""
    event, payload = bytes(message.event), bytes(message.data) or bytes(message.message)
    if not payload and envelope not in _ENVELOPES:
        fields = _names(body)
        event, payload = bytes(fields.get(envelope[0], b"")), bytes(fields.get(envelope[1], b""))
    name = _string(event) if event[:1] == b'"' else None
    return payload if payload[:1] == b"{" or payload[:2] == b'"{' else None, name


def _trouble(name: str | None, message: Message) -> Trouble | None:
    numbers = (message.code, message.statusCode, message.status)
    if not (
        (name or "").lower() in _TROUBLE
        or message.error
        or message.success is False
        or message.status == "error"
        or any(isinstance(one, int) and 400 <= one < 600 for one in numbers)
    ):
        return None
    error = message.error
    if isinstance(error, dict):
        error = error.get("message") or error.get("code")
    raw = bytes(message.message) or bytes(message.data)
    told = _string(raw) if raw[:1] == b'"' else None
    return Trouble(str(told or (error if isinstance(error, str) else None) or message.code or "refused"))


def words_of(refusal: bytes) -> str:
    """Return the words of a refusal to connect: ``{"message":…}``, a text, or nothing."""
    try:
        found = msgspec.json.decode(refusal)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return refusal[:200].decode("utf-8", "replace") or "refused"
    if isinstance(found, dict):
        found = found.get("message") or found.get("error")
    return str(found or "refused")
