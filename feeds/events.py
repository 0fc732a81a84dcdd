"""What a provider said, in the program's own words: frozen structs, one per kind.

Shapes shared by all: ``address`` is the resolved address, ``ts`` the venue's time (ns since the epoch,
UTC, or None), ``seen`` the wall clock when the frame was received (ns). Prices and sizes are float64
unless said otherwise; account figures are decimal strings. Field names are the keys of ``mdterm tail``,
so that an event encodes to its line without a step between.
"""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Literal, get_args

import msgspec

Side = Literal["buy", "sell"]
Position = Literal["long", "short"]
Unit = Literal["base", "quote", "contracts"]
State = Literal["connecting", "live", "quiet", "stale", "gap", "reconnecting", "refused", "closed"]
Stream = Literal[
    "trade",
    "trade_agg",
    "book",
    "candle",
    "liquidation",
    "funding",
    "open_interest",
    "volume_profile",
    "balance",
    "order",
]


class Event(msgspec.Struct, frozen=True, gc=False, tag_field="kind"):
    """The head that every event has."""

    address: str
    ts: int | None
    seen: int


class Trade(Event, frozen=True, gc=False, tag="trade"):
    """One print. ``side`` is the aggressor's, None where the provider's side carries no information."""

    id: str | None
    price: float
    size: float | None
    side: Side | None
    turnover: float | None = None


class TradeAgg(Event, frozen=True, gc=False, tag="trade_agg"):
    """Prints of one side joined by the provider over a short window (a disjoint increment)."""

    open: float
    high: float
    low: float
    close: float
    volume: float
    side: Side | None
    first_ts: int | None
    last_ts: int | None


class Book(Event, frozen=True, gc=False, tag="book"):
    """A whole book, best first: parallel columns per side, zero and absent levels already removed.

    ``step`` None means true price levels, a number the width of the provider's buckets. A size is None
    where the provider publishes none. ``counts`` are orders per level.
    """

    bid_prices: list[float]
    bid_sizes: list[float | None]
    ask_prices: list[float]
    ask_sizes: list[float | None]
    step: float | None = None
    unit: Unit | None = None
    bid_counts: list[int] | None = None
    ask_counts: list[int] | None = None


class Candle(Event, frozen=True, gc=False, tag="candle"):
    """A bar of ``interval`` that opened at ``open_ts`` (ns). ``buy``/``sell`` split the volume if known.

    ``first_ts`` and ``last_ts`` (ns) are the bar's first and last trade where the provider tells them;
    a live trade at or before ``last_ts`` is already inside the bar.
    """

    interval: str
    open_ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float | None
    closed: bool
    buy: float | None = None
    sell: float | None = None
    first_ts: int | None = None
    last_ts: int | None = None


class Liquidation(Event, frozen=True, gc=False, tag="liquidation"):
    """A forced trade. ``position`` is what was liquidated, ``raw_side`` the provider's own word."""

    id: str | None
    price: float
    size: float
    position: Position | None
    raw_side: str | None


class Funding(Event, frozen=True, gc=False, tag="funding"):
    """Funding as a decimal per the venue's native interval (0.0001 is 0.01 %)."""

    rate: float | None
    predicted: float | None


class OpenInterest(Event, frozen=True, gc=False, tag="open_interest"):
    """Open interest, in contracts or base asset as the venue has it."""

    value: float


class VolumeProfile(Event, frozen=True, gc=False, tag="volume_profile"):
    """The provider's own profile, whole: ``[[price, buy, sell], …]`` in rising price."""

    rows: list[tuple[float, float, float]]
    step: float | None = None


class Balance(Event, frozen=True, gc=False, tag="balance"):
    """An asset of the account; decimal strings."""

    asset: str
    total: str
    available: str


class Order(Event, frozen=True, gc=False, tag="order"):
    """An open order, or one that just left (``removed``). Figures are decimal strings; times ns."""

    id: str
    side: Side | None
    type: str | None
    state: str | None
    price: str | None
    size: str | None
    filled: str | None
    remaining: str | None
    cost: str | None
    created: int | None
    modified: int | None
    removed: bool


class FeedStatus(Event, frozen=True, gc=False, tag="status"):
    """The state of an address's data as a whole, at each change."""

    state: State
    detail: str | None


KINDS: tuple[str, ...] = get_args(Stream)

STREAM_OF: dict[type[Event], Stream] = {
    Trade: "trade",
    TradeAgg: "trade_agg",
    Book: "book",
    Candle: "candle",
    Liquidation: "liquidation",
    Funding: "funding",
    OpenInterest: "open_interest",
    VolumeProfile: "volume_profile",
    Balance: "balance",
    Order: "order",
}


class _BookLine(msgspec.Struct, gc=False):
    kind: str
    address: str
    ts: int | None
    seen: int
    bids: list[tuple[float, float | None]]
    asks: list[tuple[float, float | None]]
    step: float | None
    unit: Unit | None
    counts: dict[str, list[int]] | None


class _CandleLine(msgspec.Struct, gc=False):
    kind: str
    address: str
    ts: int | None
    seen: int
    interval: str
    open_ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float | None
    closed: bool


class _ProfileLine(msgspec.Struct, gc=False):
    kind: str
    address: str
    ts: int | None
    seen: int
    rows: list[tuple[float, float, float]]


class _OrderLine(msgspec.Struct, gc=False):
    kind: str
    address: str
    ts: int | None
    seen: int
    id: str
    side: Side | None
    type: str | None
    state: str | None
    price: msgspec.Raw | None
    size: msgspec.Raw | None
    filled: msgspec.Raw | None
    remaining: msgspec.Raw | None
    cost: msgspec.Raw | None
    created: int | None
    modified: int | None
    removed: bool


_encoder = msgspec.json.Encoder()


def _exact(text: str | None) -> msgspec.Raw | None:
    """Return a decimal string as the JSON number of the same digits; None if it is no finite number."""
    if text is None:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return msgspec.Raw(format(number, "f").encode()) if number.is_finite() else None


_AS_THEY_ARE = frozenset({Trade, TradeAgg, Liquidation, Funding, OpenInterest, Balance, FeedStatus})
"""Kinds whose fields are the keys of their line."""


def encode_lines(events: Sequence[Event], depth: int = 10) -> bytes:
    """Encode events as lines of ``mdterm tail``, each with its newline."""
    if _AS_THEY_ARE.issuperset(map(type, events)):
        return _encoder.encode_lines(events)
    return b"".join([encode_line(event, depth) + b"\n" for event in events])


def encode_line(event: Event, depth: int = 10) -> bytes:
    """Encode an event as one line of ``mdterm tail`` (strict JSON, no newline).

    ``depth`` caps the levels of a book. Keys follow the documented contract of ``tail``.
    """
    if type(event) is Book:
        counts = None
        if event.bid_counts is not None and event.ask_counts is not None:
            counts = {"bids": event.bid_counts[:depth], "asks": event.ask_counts[:depth]}
        return _encoder.encode(
            _BookLine(
                "book",
                event.address,
                event.ts,
                event.seen,
                list(zip(event.bid_prices[:depth], event.bid_sizes[:depth], strict=True)),
                list(zip(event.ask_prices[:depth], event.ask_sizes[:depth], strict=True)),
                event.step,
                event.unit,
                counts,
            )
        )
    if type(event) is Candle:
        return _encoder.encode(
            _CandleLine(
                "candle",
                event.address,
                event.ts,
                event.seen,
                event.interval,
                event.open_ts,
                event.open,
                event.high,
                event.low,
                event.close,
                event.volume,
                event.closed,
            )
        )
    if type(event) is Order:
        return _encoder.encode(
            _OrderLine(
                "order",
                event.address,
                event.ts,
                event.seen,
                event.id,
                event.side,
                event.type,
                event.state,
                _exact(event.price),
                _exact(event.size),
                _exact(event.filled),
                _exact(event.remaining),
                _exact(event.cost),
                event.created,
                event.modified,
                event.removed,
            )
        )
    if type(event) is VolumeProfile:
        return _encoder.encode(
            _ProfileLine("volume_profile", event.address, event.ts, event.seen, event.rows)
        )
    return _encoder.encode(event)
