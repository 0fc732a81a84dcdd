"""The four messages of the documentation, verbatim, and codecs to read them."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from mdterm.feeds.contract import Want
from mdterm.feeds.events import Stream
from mdterm.feeds.jayx.codec import Generations, MarketCodec
from mdterm.feeds.jayx.framing import Dialect
from mdterm.feeds.jayx.private import PrivateCodec
from mdterm.feeds.jayx.units import units_of

EXAMPLES = Path(__file__).parent / "examples"
KEY = "clmsionk21ru"


@pytest.fixture(scope="session")
def examples() -> dict[str, str]:
    """The documentation's examples by event."""
    return {path.stem: path.read_text() for path in EXAMPLES.glob("*.json")}


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
        crowded: Callable[[str], None] = lambda words: None,
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
            crowded=crowded,
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
