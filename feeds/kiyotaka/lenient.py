"""Read Kiyotaka points that the strict decoder refused: one bad entry must not cost its siblings.

Accepts numeric strings, ``s``/``ns`` for ``seconds``/``nanoseconds``, missing zeros, NaN and Infinity
(dropped later), and points wrapped as ``{"Point": …}``. Everything else is left out and counted.
"""

import json
import math
from typing import Any

import msgspec

from mdterm.feeds.kiyotaka import wire

_LARGEST = 4 * 1024 * 1024
_LONGEST_INTEGER = 30  # Python refuses to read integers of more than 4300 digits


def read(data: bytes) -> tuple[wire.Message | None, int]:
    """Return the message with every point that can be read, and the number of points left out.

    None when the frame is no JSON object at all.
    """
    if len(data) > _LARGEST:
        return None, 1
    try:
        # Bytes that are no UTF-8 and figures of thousands of digits cost their own point only.
        whole = json.loads(data.decode("utf-8", "replace"), parse_int=_integer)
    except (ValueError, RecursionError):
        return None, 1
    if not isinstance(whole, dict):
        return None, 1
    message = wire.Message(
        id=whole.get("id") if isinstance(whole.get("id"), int | str) else None,
        result=whole.get("result"),
        error=whole.get("error"),
        message=whole.get("message") if isinstance(whole.get("message"), str) else None,
    )
    left_out = 0
    points = whole.get("points")
    for raw in points if isinstance(points, list) else []:
        try:
            message.points.append(_point(raw))
        except (TypeError, ValueError, KeyError, OverflowError):
            left_out += 1
    return message, left_out


def read_series(data: bytes) -> wire.Series | None:
    """Return a series that the strict decoder refused; None if it cannot be read either."""
    try:
        return _series(json.loads(data.decode("utf-8", "replace"), parse_int=_integer))
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError):
        return None


def _series(series: Any) -> wire.Series:
    kind = series["type"]
    if not isinstance(kind, str):
        raise TypeError("type of a series must be text")
    return wire.Series(
        type=_text(kind) or "",
        exchange=_text(series.get("exchange")),
        symbol=_text(series.get("symbol")),
        side=_text(series.get("side")),
        coin=_text(series.get("coin")),
        blockSize=_step(series.get("blockSize")),
    )


def _point(raw: Any) -> wire.Point:
    series = _series(raw["series"])
    kind = series.type
    point = wire.Point(series=msgspec.Raw(msgspec.json.encode(series)))
    key = wire.PAYLOADS.get(kind)
    if key is None:
        return point
    body = raw.get(key, raw.get("Point"))
    if not isinstance(body, dict):
        raise TypeError("a point without its payload")
    setattr(point, key, _READERS[kind](body))
    return point


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= _LONGEST_INTEGER else float(text)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError("not a number")
    return float(value)


def _optional(value: Any) -> float | None:
    if value is None:
        return None
    number = _number(value)
    return number if math.isfinite(number) else None


def _step(value: Any) -> float | None:
    try:
        return _optional(value)
    except (TypeError, ValueError, OverflowError):
        return None  # the width that was asked for stands in


def _text(value: Any) -> str | None:
    """Return text; halves of surrogate pairs, which JSON can escape, would break every encoder later."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else None


def _id(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    found = _text(value)
    return found if found is not None and len(found) <= wire.LONGEST_ID else None


def _stamp(value: Any) -> wire.Stamp | None:
    """Read a time; None for one that is missing, unreadable or absurd."""
    if not isinstance(value, dict):
        return None
    try:
        seconds = int(value.get("seconds", value.get("s", 0)) or 0)
        nanoseconds = int(value.get("nanoseconds", value.get("ns", 0)) or 0)
    except (TypeError, ValueError, OverflowError):
        return None
    if not 0 < seconds < wire.NEWEST_S or not 0 <= nanoseconds < wire.NS:
        return None
    return wire.Stamp(seconds, nanoseconds)


def _flat(value: Any, width: int) -> list[float]:
    """Return whole groups of ``width`` numbers, leaving out groups that hold anything else."""
    if not isinstance(value, list):
        return []
    out: list[float] = []
    for at in range(0, len(value) - width + 1, width):
        try:
            out += [_number(one) for one in value[at : at + width]]
        except (TypeError, ValueError, OverflowError):
            continue
    return out


def _trade(body: Any) -> wire.Trade:
    price, amount = _number(body["price"]), body.get("amount")
    size = math.nan if amount is None else _number(amount)
    if not 0.0 < price < wire.MOST or size < 0.0 or size >= wire.MOST:
        raise ValueError("no price or no size")
    return wire.Trade(
        id=_id(body.get("id")) or "",
        price=price,
        amount=None if math.isnan(size) else size,
        timestamp=_stamp(body.get("timestamp")),
    )


def _aggregation(body: Any) -> wire.TradeAggregation:
    first, last = body.get("firstTimestamp"), body.get("lastTimestamp")
    return wire.TradeAggregation(
        open=_number(body["open"]),
        high=_number(body["high"]),
        low=_number(body["low"]),
        close=_number(body["close"]),
        volume=_number(body.get("volume") or 0.0),  # proto leaves zeros out; NaN is dropped later
        timestamp=_stamp(body.get("timestamp")),
        firstTimestamp=None if first is None else _stamp(first),
        lastTimestamp=None if last is None else _stamp(last),
    )


def _book(body: Any) -> wire.BlockBookSnapshot:
    return wire.BlockBookSnapshot(
        timestamp=_stamp(body.get("timestamp")),
        bids=_flat(body.get("bids"), 2),
        asks=_flat(body.get("asks"), 2),
    )


def _liquidation(body: Any) -> wire.Liquidation:
    return wire.Liquidation(
        price=_number(body["price"]),
        amount=_number(body["amount"]),
        timestamp=_stamp(body.get("timestamp")),
        id=_id(body.get("id")),
    )


def _funding(body: Any) -> wire.FundingRate:
    return wire.FundingRate(
        timestamp=_stamp(body.get("timestamp")),
        fundingRate=_optional(body.get("fundingRate")),
        predictedFundingRate=_optional(body.get("predictedFundingRate")),
    )


def _open_interest(body: Any) -> wire.OpenInterest:
    return wire.OpenInterest(
        timestamp=_stamp(body.get("timestamp")), openInterest=_optional(body.get("openInterest"))
    )


def _profile(body: Any) -> wire.VolumeProfileAggregation:
    return wire.VolumeProfileAggregation(
        profile=_flat(body.get("profile"), 3), timestamp=_stamp(body.get("timestamp"))
    )


_READERS = {
    "TRADE": _trade,
    "TRADE_AGG": _aggregation,
    "BLOCK_BOOK_SNAPSHOT": _book,
    "LIQUIDATION": _liquidation,
    "FUNDING_RATE": _funding,
    "OPEN_INTEREST": _open_interest,
    "VOLUME_PROFILE_AGG": _profile,
}
