"""Read JayX bodies that the strict decoder refused: one bad entry must not cost its siblings.

Accepts numbers written as text and whole numbers written with a point. What cannot be read is left out and
counted; nothing is guessed.
"""

import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from mdterm.feeds.jayx import wire

_LARGEST = 4 * 1024 * 1024
_Read = TypeVar("_Read")


def read(body: bytes) -> tuple[wire.Message, int]:
    """Return the message with all that can be read, and how many entries were left out.

    Raise msgspec.DecodeError when the body is no JSON object.
    """
    if len(body) > _LARGEST:
        raise msgspec.DecodeError("too large")
    try:
        whole = loads(body)
    except ValueError:
        raise msgspec.DecodeError("not JSON") from None
    if not isinstance(whole, dict):
        raise msgspec.DecodeError("not an object")
    reader = _Reader()
    message = wire.Message()
    for name in ("event", "data", "message"):
        if name in whole:
            setattr(message, name, Raw(msgspec.json.encode(whole[name])))
    for name in ("error", "status", "statusCode", "code", "success"):
        setattr(message, name, whole.get(name))
    if "orderBook" in whole:
        message.orderBook = reader.book(whole["orderBook"])
    if isinstance(whole.get("trades"), list):
        message.trades = reader.all(whole["trades"], _trade)
    if isinstance(whole.get("spot"), list):
        message.spot = reader.all(whole["spot"], _position)
    for name in ("add", "modify"):
        if name in whole:
            setattr(message, name, reader.entries(whole[name]))
    if "cancel" in whole:
        found = whole["cancel"]
        message.cancel = reader.all(found, _cancelled) if isinstance(found, list) else []
    return message, reader.left_out


def loads(body: bytes) -> Any:
    """Read JSON with its numbers exact. Raise ValueError."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_refuse)
    except (RecursionError, InvalidOperation) as error:
        raise ValueError("not JSON") from error


class _Reader:
    """Reads entries and counts those that cannot be read."""

    def __init__(self) -> None:
        self.left_out = 0

    def all(self, found: list[Any], one: Callable[[Any], _Read]) -> list[_Read]:
        """Read every entry that can be read."""
        kept: list[_Read] = []
        for raw in found:
            try:
                kept.append(one(raw))
            except (TypeError, ValueError, KeyError, InvalidOperation):
                self.left_out += 1
        return kept

    def book(self, found: Any) -> wire.OrderBook | None:
        """Read both sides; a side that is no list counts as a broken book."""
        if not isinstance(found, dict):
            return None
        asks, bids = found.get("asks") or [], found.get("bids") or []
        if not isinstance(asks, list) or not isinstance(bids, list):
            self.left_out += 1
            return None
        return wire.OrderBook(self.all(asks, _level), self.all(bids, _level))

    def entries(self, found: Any) -> wire.Entry | list[wire.Entry] | None:
        """Read one entry, a list of them, or nothing."""
        if isinstance(found, list):
            return self.all(found, _entry)
        if isinstance(found, dict):
            return next(iter(self.all([found], _entry)), None)
        return None


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise TypeError("not a number")
    number = Decimal(value)
    # Bounded first: the integer of 1e999999 would take all memory.
    if not number.is_finite() or abs(number.adjusted()) > 30 or number != number.to_integral_value():
        raise ValueError("not a whole number")
    return int(number)


def _whole_or_none(value: Any) -> int | None:
    return None if value is None else _whole(value)


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise TypeError("not a number")
    return Decimal(value)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _level(raw: Any) -> wire.Level:
    try:
        count = _whole_or_none(raw.get("count"))
    except (TypeError, ValueError, AttributeError, InvalidOperation):
        count = None
    return wire.Level(_whole(raw["ticks"]), _whole(raw["lots"]), count)


def _trade(raw: Any) -> wire.Trade:
    return wire.Trade(
        _whole(raw["lots"]), _whole(raw["ticks"]), _whole(raw["created"]), _text(raw.get("side"))
    )


def _position(raw: Any) -> wire.Position:
    if not isinstance(raw["asset"], str):
        raise TypeError("an asset is text")
    return wire.Position(raw["asset"], _decimal(raw["balance"]), _decimal(raw["available"]))


def _id(value: Any) -> int | str | None:
    if isinstance(value, bool) or not isinstance(value, int | str | None):
        raise TypeError("an id is a number or text")
    return value


def _cancelled(raw: Any) -> wire.Entry | int | str:
    if isinstance(raw, dict):
        return _entry(raw)
    found = _id(raw)
    if found is None:
        raise TypeError("an id is a number or text")
    return found


def _entry(raw: Any) -> wire.Entry:
    entry = wire.Entry(id=_id(raw.get("id"))) if isinstance(raw, dict) else None
    if entry is None:
        raise TypeError("an entry is an object")
    for name in ("symbol", "type", "state", "side"):
        setattr(entry, name, _text(raw.get(name)))
    for name in ("created", "o", "h", "l", "c", "v", "m", "resd", "exec", "cost", "modified"):
        setattr(entry, name, _whole_or_none(raw.get(name)))
    for name in ("price", "quantity"):
        value = raw.get(name)
        setattr(entry, name, None if value is None else _decimal(value))
    return entry
