"""What is promised of every event, whatever the frame was that it came of."""

import json
import math
from collections.abc import Collection
from typing import Any

from mdterm.feeds.events import (
    Balance,
    Book,
    Candle,
    Event,
    Liquidation,
    Order,
    Trade,
    TradeAgg,
    VolumeProfile,
    encode_line,
)
from mdterm.feeds.text import clean

_LAST_NS = 2**63


def check_event(event: Event, addresses: Collection[str]) -> None:
    """Hold an event to what is promised of it and of its line. Raise AssertionError."""
    line = json.loads(encode_line(event, depth=1000), parse_constant=_refuse)
    # An account tells orders of any symbol: what it names must at least be an address.
    if not isinstance(event, Order) or event.address.partition(":")[0] not in addresses:
        assert event.address in addresses
    else:
        assert event.address.isprintable()
        assert len(event.address) < 100
    assert event.ts is None or 0 < event.ts < _LAST_NS, event.ts
    if isinstance(event, Trade | Liquidation):
        assert 0 < event.price < math.inf
        assert event.size is None or 0 <= event.size < math.inf
        assert line["price"] == event.price
        assert event.id is None or 0 < len(event.id) <= 128
    elif isinstance(event, Book):
        _check_side(event.bid_prices, event.bid_sizes, -1)
        _check_side(event.ask_prices, event.ask_sizes, 1)
        assert event.step is None or event.step > 0
        if event.step is None and event.bid_prices and event.ask_prices:
            assert event.bid_prices[0] <= event.ask_prices[0], "a crossed book of true levels"
    elif isinstance(event, TradeAgg):
        assert all(0 < one < math.inf for one in (event.open, event.high, event.low, event.close))
        assert 0 <= event.volume < math.inf
    elif isinstance(event, Candle):
        assert 0 < event.low <= min(event.open, event.close)
        assert max(event.open, event.close) <= event.high < math.inf
        assert event.volume is None or 0 <= event.volume < math.inf
        assert 0 <= event.open_ts < _LAST_NS
    elif isinstance(event, VolumeProfile):
        assert event.rows == sorted(event.rows)
        assert all(price > 0 and buy >= 0 and sell >= 0 for price, buy, sell in event.rows)
    elif isinstance(event, Balance):
        assert event.asset
        assert event.asset == clean(event.asset)
        assert math.isfinite(float(event.total))
        assert math.isfinite(float(event.available))
    elif isinstance(event, Order):
        assert event.id
        for text in (event.id, event.type or "", event.state or ""):
            assert text == clean(text, 200), "raw text of a venue"
            assert len(text) <= 200


def _check_side(prices: list[float], sizes: list[float | None], sign: int) -> None:
    assert len(prices) == len(sizes)
    assert prices == sorted(prices, key=lambda price: sign * price)
    assert all(0 < price < math.inf for price in prices)
    assert all(size is None or 0 < size < math.inf for size in sizes)


def _refuse(word: str) -> Any:
    raise AssertionError(f"{word} is no JSON")
