"""The venue as a whole: real sockets on loopback, a real thread."""

import asyncio
import json
import socket
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from mdterm.feeds.sim.play import BookRow, PlaySource, TradeRow, rows
from mdterm.feeds.sim.venue import Venue, VenueConfig, VenueError, VenueThread

TS = 1_700_000_000_000_000_001
TRADE = {"symbol": "AUSDT", "type": "trade", "price": 61800.3, "size": 0.003}
ROWS = [
    {"ts": TS, "symbol": "AUSDT", "type": "book", "bids": [[61800.2, 2.862]], "asks": [[61800.3, 1.0]]},
    TRADE | {"ts": TS + 1, "side": "buy"},
    TRADE | {"ts": TS + 4_000_002, "side": "sell"},
]


def recording(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "rows.ndjson"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


async def test_a_thread_serves_the_market_and_stops(tmp_path: Path) -> None:
    venue = VenueThread(VenueConfig(play=recording(tmp_path, ROWS), keep_time=True))
    urls = venue.start()
    try:
        assert set(urls) == {f"providers.kiyotaka.{name}_url" for name in ("book", "nonbook", "rest")}
        assert venue.symbols() == ["AUSDT"]
        async with connect(urls["providers.kiyotaka.nonbook_url"] + "?encoding=json") as ws:
            await ws.send(json.dumps({"method": "public/authenticate", "params": {"token": "any"}}))
            channel = {"type": "TRADE", "exchange": "BINANCE_FUTURES", "symbol": "AUSDT", "category": "*"}
            subscribe = {
                "jsonrpc": "2.0",
                "id": 0,
                "method": "public/subscribe",
                "params": {"channels": [channel]},
            }
            await ws.send(json.dumps(subscribe))
            assert json.loads(await ws.recv()) == {"jsonrpc": "2.0", "id": 0, "result": "ok"}
            points: list[dict[str, Any]] = []
            while len(points) < 2:
                points += json.loads(await ws.recv())["points"]
        assert [point["trade"]["timestamp"] for point in points] == [
            {"seconds": 1_700_000_000, "nanoseconds": 2},
            {"seconds": 1_700_000_000, "nanoseconds": 4_000_003},
        ]
        assert [point["series"]["side"] for point in points] == ["BUY", "SELL"]
    finally:
        await asyncio.to_thread(venue.stop)


def test_a_taken_port_is_said_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(VenueError, match=f"127.0.0.1:{port}"):
            VenueThread(VenueConfig(port=port)).start()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"", "no rows"),
        (b'{"ts":1,"symbol":"A","type":"tick"}\n', ":1: not a trade, book or candle row"),
        (b"\x1f\x8b\x08\x00broken", "cannot be read"),
        (b'{"ts":1,"symbol":"A","type":"trade","price":1,"size":1,"side":"up"}\n', ":1: not a trade"),
    ],
)
def test_a_recording_that_cannot_be_played_is_said_in_words(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "rows.ndjson"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VenueError, match=words):
        VenueThread(VenueConfig(play=path))


@pytest.mark.parametrize(
    "config",
    [
        VenueConfig(providers=("nasdaq",)),
        VenueConfig(rate=0),
        VenueConfig(speed=-1),
        VenueConfig(brotli_form="x"),
        VenueConfig(port=70_000),
    ],
)
def test_a_configuration_without_meaning_is_refused(config: VenueConfig) -> None:
    with pytest.raises(VenueError):
        Venue(config)


def test_a_thread_that_failed_can_be_stopped_all_the_same() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        venue = VenueThread(VenueConfig(port=taken.getsockname()[1]))
        with pytest.raises(VenueError):
            venue.start()
    venue.stop()
    venue.stop()


async def test_a_client_that_says_nothing_does_not_hold_up_the_end(tmp_path: Path) -> None:
    venue = VenueThread(VenueConfig(play=recording(tmp_path, ROWS)))
    urls = await asyncio.to_thread(venue.start)
    host, port = urls["providers.kiyotaka.rest_url"].removeprefix("http://").split(":")
    _reader, writer = await asyncio.open_connection(host, int(port))
    upgrade = "GET /ws?encoding=json HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    writer.write(f"{upgrade}Sec-WebSocket-Key: {'A' * 22}==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
    assert b"101" in await _reader.readline()
    await asyncio.wait_for(asyncio.to_thread(venue.stop), 3)
    writer.close()


RECORDED = Path(__file__).resolve().parents[2].parent / "shared" / "market-data"
FAST = 200.0


@pytest.mark.skipif(not RECORDED.exists(), reason="the recordings are not here")
async def test_a_recorded_market_is_told_whole_at_many_times_its_speed() -> None:
    """Every trade once and in order, and every book, level by level."""
    path = RECORDED / "btcusdt_usdm_perp_20240808.ndjson.gz"
    wanted_trades, wanted_books = [], []
    for row in rows(path):
        if isinstance(row, TradeRow):
            wanted_trades.append((row.ts, row.price, row.size, row.side.upper()))
        elif isinstance(row, BookRow):
            flat = [[number for level in side for number in level] for side in (row.bids, row.asks)]
            wanted_books.append((row.ts, *flat))
    venue = VenueThread(VenueConfig(play=path, speed=FAST, keep_time=True))
    urls = await asyncio.to_thread(venue.start)

    async def collect(family: str, channel: dict[str, str], count: int) -> list[dict[str, Any]]:
        points: list[dict[str, Any]] = []
        url = urls[f"providers.kiyotaka.{family}_url"] + "?encoding=json"
        async with connect(url, compression=None, max_queue=None) as ws:
            await ws.send(json.dumps({"method": "public/authenticate", "params": {"token": "any"}}))
            common = {"exchange": "BINANCE_FUTURES", "symbol": "BTCUSDT", "category": "*"}
            params = {"channels": [common | channel]}
            await ws.send(json.dumps({"jsonrpc": "2.0", "method": "public/subscribe", "params": params}))
            while len(points) < count:
                points += json.loads(await asyncio.wait_for(ws.recv(), 10))["points"]
        return points

    def ts_of(payload: dict[str, Any]) -> int:
        return int(payload["timestamp"]["seconds"]) * 10**9 + int(payload["timestamp"]["nanoseconds"])

    try:
        trades, books = await asyncio.gather(
            collect("nonbook", {"type": "TRADE"}, len(wanted_trades)),
            collect("book", {"type": "BLOCK_BOOK_SNAPSHOT", "blockSize": "0.1"}, len(wanted_books)),
        )
    finally:
        await asyncio.to_thread(venue.stop)
    assert [
        (ts_of(p["trade"]), p["trade"]["price"], p["trade"]["amount"], p["series"]["side"]) for p in trades
    ] == wanted_trades
    assert [
        (ts_of(p["blockBookSnapshot"]), p["blockBookSnapshot"]["bids"], p["blockBookSnapshot"]["asks"])
        for p in books
    ] == wanted_books
    ids = [int(p["trade"]["id"]) for p in trades]
    assert all(a < b for a, b in pairwise(ids))


@pytest.mark.skipif(not RECORDED.exists(), reason="the recordings are not here")
@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.gz")), ids=lambda path: path.name.partition(".")[0])
def test_every_recording_can_be_played(path: Path) -> None:
    source = PlaySource(path, keep_time=True)
    source.begin(0)
    assert len(source.take(1 << 62)) > 500
    assert source.next_ts() is None
