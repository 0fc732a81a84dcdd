"""What the simulated AllTick writes: pushes, answers, ticks and bars, in the types of today or of before.

Stocks have six decimals, everything else its natural ones. Forex has neither volume nor turnover, CFDs and
indices a volume of "0"; the direction of all of them is a constant 1. A-share volumes are lots of 100.
"""

import json
from collections.abc import Iterable
from typing import Any

from mdterm.feeds.alltick.codes import DEPTHS, SIDED, Kind, kind_of
from mdterm.feeds.sim.history import Bar
from mdterm.feeds.sim.market import VenueBook, VenueTrade

TYPES = ("current", "legacy")
_SIZELESS: frozenset[Kind] = frozenset({"cfd", "index", "energy"})
_STOCKS: frozenset[Kind] = frozenset({"hk", "us", "cn", "index"})
_EMPTY_SIDE = 5


def price_text(price: float, kind: Kind) -> str:
    """Return a price as the provider writes it."""
    return f"{price:.6f}" if kind in _STOCKS else plain(price)


def plain(number: float) -> str:
    """Return a number without an exponent, no longer than it must be."""
    text = f"{number:.10f}".rstrip("0").rstrip(".")
    return text or "0"


def trade_data(code: str, trade: VenueTrade, types: str, *, http: bool = False) -> dict[str, Any]:
    """Return a print as the data of a push, or of a tick over HTTP, which counts otherwise."""
    kind = kind_of(code)
    number = int(trade.id)
    data: dict[str, Any] = {
        "code": code,
        "seq": number % 10**8 if http else number % 10**16,
        "tick_time": trade.ts // 1_000_000,
        "price": price_text(trade.price, kind),
    }
    if kind in _SIZELESS:
        data |= {"volume": "0", "turnover": "0"}
    elif kind != "forex":
        factor = 100 if kind == "cn" else 1
        data["volume"] = plain(trade.size)
        data["turnover"] = price_text(trade.price * trade.size * factor, kind)
    data["trade_direction"] = (1 if trade.buy else 2) if kind in SIDED else 1
    return _typed(data, "legacy" if http else types)


def book_data(code: str, book: VenueBook, depth: int, types: str, *, http: bool = False) -> dict[str, Any]:
    """Return a book, ``depth`` levels at most; the empty side of a limit has levels of zero."""
    kind = kind_of(code)
    depth = max(1, min(depth, DEPTHS[kind]))
    bids, asks = _levels(book.bids, depth, kind), _levels(book.asks, depth, kind)
    empty = [{"price": "0.000000", "volume": "0"}] * min(_EMPTY_SIDE, depth)
    data = {
        "code": code,
        "seq": book.ts // 1_000_000,
        "tick_time": book.ts // 1_000_000,
        "bids": bids or empty,
        "asks": asks or empty,
    }
    return _typed(data, "legacy" if http else types)


def bar_data(code: str, bar: Bar) -> dict[str, str] | None:
    """Return a K-line, None for a bar without trades."""
    whole, kind = bar.whole, kind_of(code)
    if whole is None:
        return None
    sizeless = kind in _SIZELESS or kind == "forex"
    factor = 100 if kind == "cn" else 1
    return {
        "timestamp": str(bar.open_ts // 1_000_000_000),
        "open_price": price_text(whole.open, kind),
        "close_price": price_text(whole.close, kind),
        "high_price": price_text(whole.high, kind),
        "low_price": price_text(whole.low, kind),
        "volume": "0" if sizeless else plain(round(whole.volume, 8)),
        "turnover": "0" if sizeless else price_text(whole.turnover * factor, kind),
    }


def push(cmd_id: int, data: dict[str, Any]) -> str:
    """Return a push frame: it has nothing but these two."""
    return json.dumps({"cmd_id": cmd_id, "data": data}, separators=(",", ":"))


def answer(ret: int, msg: str, cmd_id: int, seq_id: int, trace: str) -> str:
    """Return the answer to a request."""
    head = {"ret": ret, "msg": msg, "cmd_id": cmd_id, "seq_id": seq_id, "trace": trace, "data": {}}
    return json.dumps(head, separators=(",", ":"))


def _levels(flat: Iterable[float], depth: int, kind: Kind) -> list[dict[str, str]]:
    numbers = tuple(flat)[: 2 * depth]
    levels = []
    for price, size in zip(numbers[::2], numbers[1::2], strict=True):
        level = {"price": price_text(price, kind)}
        if kind in _SIZELESS:
            level["volume"] = "0"
        elif kind != "forex":
            level["volume"] = plain(size)
        levels.append(level)
    return levels


def _typed(data: dict[str, Any], types: str) -> dict[str, Any]:
    if types == "legacy":
        data["seq"], data["tick_time"] = str(data["seq"]), str(data["tick_time"])
    return data
