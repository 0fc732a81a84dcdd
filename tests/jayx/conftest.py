"""The four messages of the documentation, verbatim, and a few ways to make others."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from mdterm.feeds.contract import Want
from mdterm.feeds.events import Stream
from mdterm.feeds.jayx.codec import Generations, MarketCodec
from mdterm.feeds.jayx.framing import Dialect
from mdterm.feeds.jayx.private import PrivateCodec
from mdterm.feeds.jayx.units import units_of

KLINE = """{
  "add": null,
  "modify": {
    "_id": "664a16fccb5c1735c25557a0",
    "created": 1716131580,
    "o": 6678147,
    "h": 6690062,
    "l": 6674783,
    "c": 6689523,
    "v": 241690,
    "m": 1716131619,
    "symbol": "BTCUSDT"
  }
}
"""
ORDERBOOK = """{
  "orderBook": {
    "asks": [
      {
        "ticks": 6684363,
        "lots": 1004817,
        "count": 1
      },
      {
        "ticks": 6751207,
        "lots": 2993562,
        "count": 1
      },
      {
        "ticks": 6818050,
        "lots": 4992059,
        "count": 1
      }
    ],
    "bids": [
      {
        "ticks": 6657678,
        "lots": 997207,
        "count": 1
      },
      {
        "ticks": 6591101,
        "lots": 2989353,
        "count": 1
      },
      {
        "ticks": 6524524,
        "lots": 4989821,
        "count": 1
      }
    ]
  },
  "trades": [
    {
      "lots": 3779,
      "ticks": 6667418,
      "side": "BUY",
      "created": 1716136436758
    },
    {
      "lots": 591,
      "ticks": 6670338,
      "side": "BUY",
      "created": 1716136436747
    },
    {
      "lots": 1510,
      "ticks": 6664049,
      "side": "BUY",
      "created": 1716136436745
    }
  ]
}
"""
POSITIONS = """{
  "spot": [
    {
      "asset": "BTC",
      "balance": "0.000998",
      "available": "0.000998"
    },
    {
      "asset": "USDT",
      "balance": "9932.44065",
      "available": "9932.44065"
    }
  ]
}
"""
OPENORDERS = """{ 
    "cancel": [], 
    "modify": [ { 
        "id": 117805625, 
        "type": "LIMIT", 
        "state": "NEW", 
        "side": "BUY", 
        "resd": 1000000, 
        "exec": 0, 
        "cost": 0, 
        "lastLots": null, 
        "lastTicks": null, 
        "created": 1716135452487, 
        "modified": 1716135452487, 
        "symbol": "BTCUSDT", 
        "price": "1000", 
        "quantity": "1000" 
    } ] 
}
"""

EXAMPLES = {"kline": KLINE, "orderbook": ORDERBOOK, "positions": POSITIONS, "openorders": OPENORDERS}
KEY = "clmsionk21ru"


@pytest.fixture(scope="session")
def examples() -> dict[str, str]:
    """The documentation's examples by event."""
    return EXAMPLES


@pytest.fixture
def market() -> Callable[..., MarketCodec]:
    """Give a way to make a market link's codec that wants everything."""

    def make(
        streams: tuple[Stream, ...] = ("book", "trade", "candle"),
        generations: Generations | None = None,
        dialect: Dialect | None = None,
        interval: str = "1m",
        **units: str | None,
    ) -> MarketCodec:
        tick, lot = units.get("tick", "0.01"), units.get("lot", "0.000001")
        codec = MarketCodec(
            address="jayx:BTCUSDT",
            symbol="BTCUSDT",
            interval=interval,
            precise="1",
            dialect=dialect or Dialect("envelope"),
            namespace="/",
            units=units_of(Decimal(tick) if tick else None, Decimal(lot) if lot else None),
            generations=generations or Generations(),
        )
        codec.want([Want(0, "jayx:BTCUSDT", stream) for stream in streams])
        codec.opened(0.0)
        return codec

    return make


@pytest.fixture
def private() -> Callable[..., PrivateCodec]:
    """Give a way to make a private link's codec."""

    def make(
        symbols: tuple[str, ...] = ("BTCUSDT",),
        dialect: Dialect | None = None,
        doubted: Callable[[str, str], None] = lambda symbol, words: None,
        lot: str | None = "0.000001",
    ) -> PrivateCodec:
        units = units_of(Decimal("0.01"), Decimal(lot) if lot else None)
        codec = PrivateCodec(
            name="jayx",
            api_key=KEY,
            dialect=dialect or Dialect("envelope"),
            namespace="/",
            units=lambda symbol: units,
            symbol_of=lambda address: address.partition(":")[2],
            doubted=doubted,
        )
        codec.want(
            [
                Want(0, "jayx:BTCUSDT", "balance"),
                *(Want(0, f"jayx:{symbol}", "order") for symbol in symbols),
            ]
        )
        codec.opened(0.0)
        return codec

    return make


@pytest.fixture
def frame() -> Callable[..., bytes]:
    """Give a way to write a message as a bare frame."""

    def write(**fields: Any) -> bytes:
        return json.dumps(fields).encode()

    return write
