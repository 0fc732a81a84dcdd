"""What Kiyotaka's REST answers look like, read tolerantly: names as on the wire.

``{"series": [{"id": {…, "side": "BUY"}, "points": [{"Point": {"open": …, "timestamp": {"s": …}}}]}]}`` [DOC].
Accepted as well: points as the sockets wrap them, their spelling of times, numbers as text, zeros left
out, ``series`` and ``points`` missing. A point that cannot be read costs only itself.
"""

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from mdterm.feeds.address import AddressError, Instrument, parse_address
from mdterm.feeds.events import Candle
from mdterm.feeds.intervals import bucket_start

_LAST_SECOND = 1 << 33  # beyond the year 2200: an int64 of ns must hold it
_DEEPEST = 3
_LISTS = ("series", "points")
# Text that is none, and nesting without end, are raised as themselves.
_READ_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class WireError(ValueError):
    """An answer that cannot be read at all."""


class Time(msgspec.Struct):
    """Seconds and nanoseconds, in either spelling; zeros may be left out."""

    s: int | None = None
    ns: int | None = None
    seconds: int | None = None
    nanoseconds: int | None = None

    def total(self) -> int | None:
        """Return ns since the epoch, None for what is no time."""
        seconds = self.s if self.s is not None else self.seconds
        rest = self.ns if self.ns is not None else self.nanoseconds
        if not seconds or not 0 < seconds < _LAST_SECOND or not 0 <= (rest or 0) < 1_000_000_000:
            return None
        return seconds * 1_000_000_000 + (rest or 0)


class Aggregation(msgspec.Struct):
    """OHLCV; zeros may be left out."""

    open: float | None = None
    high: float | None = None
    low: float | None = None
    close: float | None = None
    volume: float | None = None
    timestamp: Time | None = None
    firstTimestamp: Time | None = None
    lastTimestamp: Time | None = None


class Identity(msgspec.Struct):
    """``id`` of a series; the sockets say ``symbol`` for ``rawSymbol``."""

    exchange: str | None = None
    rawSymbol: str | None = None
    symbol: str | None = None
    side: str | None = None


class Point(Aggregation):
    """A point bare, or wrapped as REST or as the sockets do."""

    wrapped: Aggregation | None = msgspec.field(name="Point", default=None)
    tradeAggregation: Aggregation | None = None
    series: Identity | None = None


class Group(msgspec.Struct):
    """One series."""

    id: Identity | None = None
    series: Identity | None = None
    points: list[Point] | None = None


class Answer(msgspec.Struct):
    """The whole answer of /v1/points."""

    series: list[Group] | None = None
    points: list[Point] | None = None


class _RawGroup(msgspec.Struct):
    id: msgspec.Raw = msgspec.Raw()
    series: msgspec.Raw = msgspec.Raw()
    points: list[msgspec.Raw] | None = None


class _RawAnswer(msgspec.Struct):
    series: list[msgspec.Raw] | None = None
    points: list[msgspec.Raw] | None = None


class Failure(msgspec.Struct):
    """``{"error": "RATE_LIMITED", "message": "…", "retry_after": 12}`` [DOC]."""

    error: str | None = None
    message: str | None = None
    retry_after: float | None = None


_answers = msgspec.json.Decoder(Answer, strict=False)
_raw_answers = msgspec.json.Decoder(_RawAnswer, strict=False)
_raw_groups = msgspec.json.Decoder(_RawGroup, strict=False)
_points = msgspec.json.Decoder(Point, strict=False)
_identities: msgspec.json.Decoder[Identity | None] = msgspec.json.Decoder(Identity | None, strict=False)
_failures = msgspec.json.Decoder(Failure, strict=False)


class Leg(msgspec.Struct, gc=False):
    """One side of one bar; ``side`` None where the answer does not tell sides. Times in ns."""

    side: str | None
    ts: int
    first: int | None
    last: int | None
    open: float
    high: float
    low: float
    close: float
    volume: float


def read_answer(body: bytes) -> Answer:
    """Return the answer with every point that can be read. Raise WireError."""
    try:
        return _answers.decode(body)
    except _READ_ERRORS:
        pass
    try:
        raw = _raw_answers.decode(body)
    except _READ_ERRORS:
        raw = _raw_answers.decode(_without_nan(body))
    answer = Answer(series=[], points=list(_readable(raw.points or [])))
    assert answer.series is not None
    for one in raw.series or []:
        try:
            group = _raw_groups.decode(one)
            identity = _identities.decode(group.id or group.series or b"null")
        except _READ_ERRORS:
            continue
        answer.series.append(Group(id=identity, points=list(_readable(group.points or []))))
    return answer


def _without_nan(body: bytes) -> bytes:
    """Return an answer with null for NaN and Infinity, which are no JSON but are sent. Raise WireError."""
    try:
        whole = json.loads(body, parse_constant=lambda _: None)
        if isinstance(whole, dict) and all(isinstance(whole.get(name) or [], list) for name in _LISTS):
            return msgspec.json.encode({name: whole.get(name) or None for name in _LISTS})
    except (ValueError, RecursionError, OverflowError):
        raise WireError("the answer is not JSON") from None
    raise WireError("the answer is not of a known shape")


def _readable(raws: Sequence[msgspec.Raw]) -> Iterator[Point]:
    for raw in raws:
        try:
            yield _points.decode(raw)
        except _READ_ERRORS:
            continue


def legs(answer: Answer, instrument: Instrument) -> list[Leg]:
    """Return the sides of the instrument's bars; what is no bar or another market's is left out."""
    found = []
    for group in answer.series or []:
        identity = group.id or group.series or Identity()
        found += [leg for point in group.points or [] if (leg := _leg(point, identity, instrument))]
    for point in answer.points or []:
        leg = _leg(point, Identity(), instrument)
        if leg is not None:
            found.append(leg)
    return found


def _leg(point: Point, identity: Identity, instrument: Instrument) -> Leg | None:
    identity = point.series or identity
    symbol = identity.rawSymbol or identity.symbol
    if symbol is not None and symbol != instrument.symbol:
        return None
    if identity.exchange is not None and identity.exchange != instrument.exchange:
        return None
    body = point.wrapped or point.tradeAggregation or point
    first = body.firstTimestamp.total() if body.firstTimestamp is not None else None
    last = body.lastTimestamp.total() if body.lastTimestamp is not None else None
    ts = body.timestamp.total() if body.timestamp is not None else first
    prices = (body.open or 0.0, body.high or 0.0, body.low or 0.0, body.close or 0.0)
    volume = body.volume or 0.0
    if ts is None or not all(math.isfinite(price) and price > 0 for price in prices):
        return None
    if not math.isfinite(volume) or volume < 0 or body.high != max(prices) or body.low != min(prices):
        return None
    side = None if identity.side is None else identity.side.upper()
    return Leg(side, ts, first, last, prices[0], prices[1], prices[2], prices[3], volume)


def candles_of(found: Sequence[Leg], address: str, interval: str, seen: int) -> list[Candle]:
    """Join the sides of each bar: sorted, each bar once; all but the newest are closed.

    Per bar, open is that of the side that traded first, close of the one that traded last [INFER]; told
    twice, the later telling of a side counts.
    """
    bars: dict[int, dict[str | None, Leg]] = {}
    for leg in found:
        sides = bars.setdefault(bucket_start(leg.ts, interval), {})
        held = sides.get(leg.side)
        if held is None or (leg.last or 0, leg.volume) >= (held.last or 0, held.volume):
            sides[leg.side] = leg
    newest = max(bars, default=0)
    out = []
    for open_ts in sorted(bars):
        sides = bars[open_ts]
        if len(sides) > 1:
            sides.pop(None, None)
        # A side without trades may be told with the other's prices and no volume: it moved nothing.
        traded = [leg for leg in sides.values() if leg.volume > 0] or list(sides.values())
        opens = min(traded, key=lambda leg: leg.first or leg.ts)
        closes = max(traded, key=lambda leg: leg.last or leg.ts)
        firsts = [leg.first for leg in traded if leg.first is not None]
        lasts = [leg.last for leg in traded if leg.last is not None]
        last = max(lasts, default=None)
        split = {side: leg.volume for side, leg in sides.items()}
        out.append(
            Candle(
                address=address,
                ts=last,
                seen=seen,
                interval=interval,
                open_ts=open_ts,
                open=opens.open,
                high=max(leg.high for leg in traded),
                low=min(leg.low for leg in traded),
                close=closes.close,
                volume=sum(split.values()),
                closed=open_ts < newest,
                buy=None if None in split else split.get("BUY", 0.0),
                sell=None if None in split else split.get("SELL", 0.0),
                first_ts=min(firsts, default=None),
                last_ts=last,
            )
        )
    return out


def read_failure(body: bytes) -> Failure:
    """Return what an error tells; empty where it cannot be read."""
    try:
        return _failures.decode(body)
    except _READ_ERRORS:
        return Failure()


def read_object(body: bytes) -> Any:
    """Return an answer of unknown shape. Raise WireError."""
    try:
        return msgspec.json.decode(body)
    except _READ_ERRORS:
        raise WireError("the answer is not JSON") from None


def read_block_size(body: bytes) -> float | None:
    """Return the finest block size of ``{"blockSizes": [3]}``; None for 0 or nothing. Raise WireError."""
    whole = read_object(body)
    sizes = whole.get("blockSizes") if isinstance(whole, dict) else None
    found = []
    for one in sizes if isinstance(sizes, list) else []:
        try:
            size = float(one)
        except (TypeError, ValueError, OverflowError):
            continue
        if math.isfinite(size) and size > 0 and not isinstance(one, bool):
            found.append(size)
    return min(found, default=None)


class Listing(msgspec.Struct, frozen=True):
    """A market that can be watched: its address and the words it is found by."""

    address: str
    symbol: str
    words: str


def read_markets(body: bytes, instance: str) -> list[Listing]:
    """Return the rows of /v1/markets, whatever stands around them. Raise WireError."""
    found = []
    for row in _rows(read_object(body), 0):
        symbol, exchange = row.get("rawSymbol", row.get("symbol")), row.get("exchange")
        if not (isinstance(symbol, str) and isinstance(exchange, str)):
            continue
        address = f"{instance}:{exchange}:{symbol}"
        try:
            parse_address(address)
        except AddressError:
            continue
        names = (exchange, symbol, row.get("normalizedSymbol"), row.get("coin"))
        words = " ".join(name for name in names if isinstance(name, str))
        found.append(Listing(address, symbol.lower(), words.lower()))
    return found


def _rows(value: Any, depth: int) -> list[dict[str, Any]]:
    """Return the first list of objects in an envelope that nobody documents."""
    if isinstance(value, list):
        return [row for row in value if isinstance(row, dict)]
    if isinstance(value, dict) and depth < _DEEPEST:
        for one in value.values():
            rows = _rows(one, depth + 1)
            if rows:
                return rows
    return []


def flatten(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield every scalar of an answer of unknown shape as ``(dotted name, text)``."""
    if isinstance(value, dict | list) and depth < _DEEPEST:
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for key, one in entries:
            yield from flatten(one, f"{name}.{key}" if name else str(key), depth + 1)
    elif isinstance(value, str | int | float):
        yield name, str(value)
