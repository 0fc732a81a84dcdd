"""Events as tables: the columns of each kind, with their types, one row an event or a level.

Times are ns since the epoch, UTC. Prices and sizes are float64. What is not known is empty. Figures of an
account are decimal text, since they are exact. ``docs/recording.md`` documents them.
"""

from collections.abc import Iterator
from typing import Final, Literal

from mdterm.feeds.events import Book, Event, VolumeProfile

Type = Literal["time", "integer", "number", "text", "flag"]
Columns = tuple[tuple[str, Type], ...]
Value = int | float | str | bool | None

_HEAD: Final[Columns] = (("ts", "time"), ("seen", "time"), ("address", "text"))
COLUMNS: Final[dict[str, Columns]] = {
    "trade": (
        *_HEAD,
        ("id", "text"),
        ("price", "number"),
        ("size", "number"),
        ("side", "text"),
        ("turnover", "number"),
    ),
    "trade_agg": (
        *_HEAD,
        *((name, "number") for name in ("open", "high", "low", "close", "volume")),
        ("side", "text"),
        ("first_ts", "time"),
        ("last_ts", "time"),
    ),
    "book": (
        *_HEAD,
        ("side", "text"),
        ("level", "integer"),
        ("price", "number"),
        ("size", "number"),
        ("orders", "integer"),
        ("step", "number"),
        ("unit", "text"),
    ),
    "candle": (
        *_HEAD,
        ("interval", "text"),
        ("open_ts", "time"),
        *((name, "number") for name in ("open", "high", "low", "close", "volume")),
        ("closed", "flag"),
    ),
    "liquidation": (
        *_HEAD,
        ("id", "text"),
        ("price", "number"),
        ("size", "number"),
        ("position", "text"),
        ("raw_side", "text"),
    ),
    "funding": (*_HEAD, ("rate", "number"), ("predicted", "number")),
    "open_interest": (*_HEAD, ("value", "number")),
    "volume_profile": (*_HEAD, ("price", "number"), ("buy", "number"), ("sell", "number")),
    "balance": (*_HEAD, ("asset", "text"), ("total", "text"), ("available", "text")),
    "order": (
        *_HEAD,
        *((name, "text") for name in ("id", "side", "type", "state", "price", "size")),
        *((name, "text") for name in ("filled", "remaining", "cost")),
        ("created", "time"),
        ("modified", "time"),
        ("removed", "flag"),
    ),
    "status": (*_HEAD, ("state", "text"), ("detail", "text")),
}


def kind_of(event: Event) -> str:
    """Return the kind of an event, as ``mdterm tail`` names it."""
    kind = event.__struct_config__.tag
    assert isinstance(kind, str)
    return kind


def rows_of(event: Event, depth: int) -> Iterator[tuple[Value, ...]]:
    """Yield the rows of an event: a level each for a book, a price each for a profile."""
    head: tuple[Value, ...] = (event.ts, event.seen, event.address)
    if type(event) is Book:
        sides = (
            ("bid", event.bid_prices, event.bid_sizes, event.bid_counts),
            ("ask", event.ask_prices, event.ask_sizes, event.ask_counts),
        )
        for side, prices, sizes, counts in sides:
            for level, (price, size) in enumerate(zip(prices[:depth], sizes, strict=False)):
                orders = None if counts is None else counts[level]
                yield (*head, side, level + 1, price, size, orders, event.step, event.unit)
    elif type(event) is VolumeProfile:
        for row in event.rows:
            yield (*head, *row)
    else:
        yield tuple(getattr(event, name) for name, _ in COLUMNS[kind_of(event)])
