"""Kiyotaka's sockets: how frames are packed, and what goes wrong with them when asked to."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import brotli
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from mdterm.feeds.sim import kiyotaka
from mdterm.feeds.sim.faults import parse_faults
from mdterm.feeds.sim.venue import Venue

Open = Callable[..., Awaitable[Venue]]
Dial = Callable[..., Awaitable[Any]]
Record = Callable[..., Path]

TS = 1_700_000_000_000_000_000
MS = 1_000_000


def trade(at_ms: float, symbol: str = "BTCUSDT", price: float = 61800.3, side: str = "buy") -> dict[str, Any]:
    ts = TS + round(at_ms * MS)
    return {"ts": ts, "symbol": symbol, "type": "trade", "price": price, "size": 0.5, "side": side}


def channel(kind: str = "TRADE", symbol: str = "BTCUSDT", **params: Any) -> dict[str, Any]:
    needed = {"blockSize": "0.1"} if kind == "BLOCK_BOOK_SNAPSHOT" else {}
    common = {"type": kind, "category": "*", "exchange": "BINANCE_FUTURES", "symbol": symbol}
    return common | needed | params


async def closed(line: Any) -> tuple[int, str]:
    """Return code and reason of the close that follows."""
    with pytest.raises(ConnectionClosed) as caught:
        await line.frame()
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


@pytest.mark.parametrize("form", ["each", "flush", "shared", "text"])
async def test_brotli_in_every_form(
    open_venue: Open, dial: Dial, record: Record, clock: Any, form: str
) -> None:
    line = await dial(await open_venue(play=record(trade(0), trade(5), trade(10)), brotli_form=form))
    assert (await line.subscribe(channel(), compression="brotli"))["result"] == "ok"
    await clock.advance(0.05)
    frames = [await line.socket.recv() for _ in range(3)]
    assert all(isinstance(frame, str if form == "text" else bytes) for frame in frames)
    shared = brotli.Decompressor()
    texts = []
    for frame in frames:
        if form == "shared":
            frame = shared.process(frame)
        elif form == "flush":
            with pytest.raises(brotli.error):
                brotli.decompress(frame)
            frame = brotli.Decompressor().process(frame)
        elif form == "each":
            frame = brotli.decompress(frame)
        texts.append(json.loads(frame))
    assert [len(text["points"]) for text in texts] == [1, 1, 1]


async def test_without_compression_frames_are_text(
    open_venue: Open, dial: Dial, record: Record, clock: Any
) -> None:
    line = await dial(await open_venue(play=record(trade(0))))
    await line.subscribe(channel())
    await clock.advance(0.05)
    assert isinstance(await line.socket.recv(), str)


async def test_who_leaves_too_much_unread_is_closed(
    open_venue: Open, dial: Dial, record: Record, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kiyotaka, "_UNREAD_LIMIT", 10_000)
    line = await dial(await open_venue(play=record(*(trade(0) for _ in range(500)))))
    await line.subscribe(channel())
    await clock.advance(0.01)
    await line.socket.wait_closed()
    assert (line.socket.close_code, line.socket.close_reason) == (1008, "too slow")


async def test_a_drop_cuts_the_socket_without_a_goodbye(open_venue: Open, dial: Dial, clock: Any) -> None:
    venue = await open_venue(faults=parse_faults("drop:nonbook@5+2"))
    line, other = await dial(venue), await dial(venue, "book")
    await line.subscribe(channel("LIQUIDATION"))
    await clock.advance(5.1)
    await line.socket.wait_closed()
    assert line.socket.close_code == 1006
    with pytest.raises(InvalidStatus):
        await dial(venue)
    assert (await other.subscribe(channel("BLOCK_BOOK_SNAPSHOT")))["result"] == "ok"
    await clock.advance(2)
    assert (await (await dial(venue)).subscribe(channel("LIQUIDATION")))["result"] == "ok"


async def test_silence_sends_nothing_and_stays_polite(
    open_venue: Open, dial: Dial, record: Record, clock: Any
) -> None:
    rows = [trade(at) for at in (0, 1500, 2500, 4500)]
    line = await dial(await open_venue(play=record(*rows), faults=parse_faults("silence:nonbook@1+3")))
    await line.subscribe(channel())
    await clock.advance(5)
    assert len(await line.rest()) == 2


async def test_delay_comes_late_but_comes(open_venue: Open, dial: Dial, record: Record, clock: Any) -> None:
    line = await dial(await open_venue(play=record(trade(0), trade(100)), faults=parse_faults("delay=2000")))
    await line.subscribe(channel())
    await clock.advance(1.9)
    await (await line.socket.ping())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await line.frame()
    await clock.advance(1)
    assert len(await line.points(2)) == 2


async def test_garbage_comes_before_the_data(
    open_venue: Open, dial: Dial, record: Record, clock: Any
) -> None:
    line = await dial(
        await open_venue(play=record(*(trade(10 * at) for at in range(6))), faults=parse_faults("garbage"))
    )
    await line.subscribe(channel())
    await clock.advance(1)
    for _ in range(6):
        with pytest.raises(json.JSONDecodeError):
            await line.frame()
        assert len((await line.frame())["points"]) == 1


@pytest.mark.parametrize(("spec", "status"), [("refuse", 503), ("refuse:nonbook=429", 429)])
async def test_refused_upgrades(open_venue: Open, dial: Dial, spec: str, status: int) -> None:
    venue = await open_venue(faults=parse_faults(spec))
    with pytest.raises(InvalidStatus) as caught:
        await dial(venue)
    assert caught.value.response.status_code == status


async def test_every_key_can_be_refused(open_venue: Open, dial: Dial) -> None:
    line = await dial(await open_venue(faults=parse_faults("refuse:auth")), token="good")
    assert (await line.frame())["error"]["message"] == "invalid token"
    assert await closed(line) == (1008, "invalid token")
