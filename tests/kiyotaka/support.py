"""A codec with every channel wanted, and points to feed it with."""

import json
from collections.abc import Sequence
from typing import Any

from mdterm.feeds.contract import Want
from mdterm.feeds.events import Event, Stream, encode_line
from mdterm.feeds.kiyotaka import facts
from mdterm.feeds.kiyotaka.codec import KiyotakaCodec
from mdterm.feeds.kiyotaka.feed import ChannelOptions, Kiyotaka, Options

TOKEN = "sk-very/secret+key="
ADDRESS = "kiyotaka:BINANCE_FUTURES:BTCUSDT"
SEEN = 1_769_058_877_000_000_000
STREAMS: tuple[Stream, ...] = tuple(facts.CHANNELS)


def provider(**options: Any) -> Kiyotaka:
    """Return an instance that need not ask for a block size."""
    whole: dict[str, Any] = {"token": TOKEN, "block_size": 25.0}
    return Kiyotaka("kiyotaka", Options(**(whole | options)))


def codec_of(
    *addresses: str, streams: tuple[Stream, ...] = STREAMS, of: Kiyotaka | None = None, **options: Any
) -> KiyotakaCodec:
    """Return an opened codec that wants ``streams`` of ``addresses``, both families on one link."""
    found = of if of is not None else provider(**options)
    wants = [Want(0, address, stream) for address in addresses or (ADDRESS,) for stream in streams]
    codec = found.codec(found.plan(wants)[0])
    codec.want(wants)
    codec.opened(0.0)
    return codec


def channels(**of: Any) -> dict[str, ChannelOptions]:
    """Return the options of one kind of channel."""
    kind = of.pop("kind")
    return {kind: ChannelOptions(**of)}


def series(kind: str, **fields: Any) -> dict[str, Any]:
    """Return a series; a field given as None is left out."""
    whole = {"type": kind, "symbol": "BTCUSDT", "exchange": "BINANCE_FUTURES", "coin": "BTC"} | fields
    return {key: value for key, value in whole.items() if value is not None}


def stamp(seconds: Any = 1769058875, nanoseconds: Any = 830000000) -> dict[str, Any]:
    """Return a time of the WebSocket."""
    return {"seconds": seconds, "nanoseconds": nanoseconds}


def trade(
    id_: Any = "7126482260", *, side: str | None = "BUY", drop: str = "", **fields: Any
) -> dict[str, Any]:
    """Return a TRADE point, changed by ``fields`` and without the field ``drop``."""
    body = {"id": id_, "price": 90003, "amount": 0.002, "timestamp": stamp()} | fields
    body.pop(drop, None)
    return {"series": series("TRADE", side=side), "trade": body}


def book(bids: Any, asks: Any, **of_series: Any) -> dict[str, Any]:
    """Return a BLOCK_BOOK_SNAPSHOT point."""
    return {
        "series": series("BLOCK_BOOK_SNAPSHOT", **({"blockSize": 25} | of_series)),
        "blockBookSnapshot": {"bids": bids, "asks": asks, "timestamp": stamp()},
    }


def frame(*points: Any) -> bytes:
    """Return a data frame."""
    return json.dumps({"points": list(points)}).encode()


def lines(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Return events as a strict reader of ``mdterm tail`` gets them, without address and ``seen``."""

    def refuse(word: str) -> Any:
        raise AssertionError(f"{word} is no JSON")

    found = [json.loads(encode_line(event), parse_constant=refuse) for event in events]
    for one in found:
        assert one.pop("seen") == SEEN
        assert one.pop("address")
    return found
