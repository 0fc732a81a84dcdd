"""Kiyotaka's messages as they are on the wire, with its own names.

Only the fields that are used are decoded, and what no price, size or time can be is refused while decoding.
A series stays raw: a stream repeats the same few, so each is read once and known by its bytes from then on.
Everything but ``type`` is optional on a series [DOC tolerance].
Example frame [DOC]::

    {"points":[{"series":{"type":"TRADE","symbol":"BTCUSDT","exchange":"BINANCE_FUTURES","side":"BUY",
    "coin":"BTC"},"trade":{"id":"7126482260","price":90003,"amount":0.002,
    "timestamp":{"seconds":1769058875,"nanoseconds":830000000}}}]}
"""

from typing import Annotated, Any

import msgspec

LONGEST_ID = 128
"""Ids are remembered, so their length is bounded; the longest that exchanges use is 36."""
MOST = 1e18
"""No price or size is more; with it no sum, product or row of a ladder leaves float64."""
NEWEST_S = 4_102_444_800
"""The year 2100: later than this is no time."""
NS = 1_000_000_000
Id = Annotated[str, msgspec.Meta(max_length=LONGEST_ID)]
Price = Annotated[float, msgspec.Meta(gt=0.0, lt=MOST)]
Size = Annotated[float, msgspec.Meta(ge=0.0, lt=MOST)]
Seconds = Annotated[int, msgspec.Meta(gt=0, lt=NEWEST_S)]
Nanoseconds = Annotated[int, msgspec.Meta(ge=0, lt=NS)]


class Stamp(msgspec.Struct, gc=False):
    """[SDK] proto Timestamp; nanoseconds are omitted at zero."""

    seconds: Seconds
    nanoseconds: Nanoseconds = 0


class Series(msgspec.Struct, gc=False):
    """Identity of a point. ``side`` is here, never in the payload [DOC]."""

    type: str
    exchange: str | None = None
    symbol: str | None = None  # absent on grouped books [DOC]
    side: str | None = None
    coin: str | None = None
    blockSize: float | None = None


class Trade(msgspec.Struct, gc=False):
    """[DOC] ``amount`` is in the base asset."""

    id: Id
    price: Price
    amount: Size | None = None
    timestamp: Stamp | None = None


class TradeAggregation(msgspec.Struct, gc=False):
    """[DOC] OHLCV of one side's trades in one batch. Zero-valued doubles may be omitted."""

    open: float
    high: float
    low: float
    close: float
    timestamp: Stamp | None = None
    volume: float = 0.0
    firstTimestamp: Stamp | None = None
    lastTimestamp: Stamp | None = None


class BlockBookSnapshot(msgspec.Struct, gc=False):
    """[DOC] flat ``[price, size, …]``, closest to mid first; always a full snapshot."""

    timestamp: Stamp | None = None
    bids: list[float] = []
    asks: list[float] = []


class Liquidation(msgspec.Struct, gc=False):
    """[DOC] like a trade; what the side means is disputed."""

    price: float
    amount: float
    timestamp: Stamp | None = None
    id: Id | None = None


class FundingRate(msgspec.Struct, gc=False):
    """[DOC] either figure may be absent."""

    timestamp: Stamp | None = None
    fundingRate: float | None = None
    predictedFundingRate: float | None = None


class OpenInterest(msgspec.Struct, gc=False):
    """[DOC] in contracts or base asset, depending on the exchange."""

    timestamp: Stamp | None = None
    openInterest: float | None = None


class VolumeProfileAggregation(msgspec.Struct, gc=False):
    """[DOC] flat ``[price, buy, sell, …]``; ``timestamp`` is [INFER]."""

    profile: list[float] = []
    timestamp: Stamp | None = None


class Point(msgspec.Struct, gc=False):
    """One series (see ``read_series``) and one payload under a typed key."""

    series: msgspec.Raw
    trade: Trade | None = None
    tradeAggregation: TradeAggregation | None = None
    blockBookSnapshot: BlockBookSnapshot | None = None
    liquidation: Liquidation | None = None
    fundingRate: FundingRate | None = None
    openInterest: OpenInterest | None = None
    volumeProfileAggregation: VolumeProfileAggregation | None = None


class Message(msgspec.Struct, gc=False):
    """Data (``points``) or control: JSON-RPC replies, and REST-style errors [INFER]."""

    points: list[Point] = []
    id: int | str | None = None
    result: Any = None
    error: Any = None
    message: str | None = None


PAYLOADS: dict[str, str] = {
    "TRADE": "trade",
    "TRADE_AGG": "tradeAggregation",
    "BLOCK_BOOK_SNAPSHOT": "blockBookSnapshot",
    "LIQUIDATION": "liquidation",
    "FUNDING_RATE": "fundingRate",
    "OPEN_INTEREST": "openInterest",
    "VOLUME_PROFILE_AGG": "volumeProfileAggregation",
}

decode = msgspec.json.Decoder(Message).decode
read_series = msgspec.json.Decoder(Series).decode
