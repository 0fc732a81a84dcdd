"""The venue as a whole: real sockets on loopback, a real thread."""

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

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
    ],
)
def test_a_configuration_without_meaning_is_refused(config: VenueConfig) -> None:
    with pytest.raises(VenueError):
        Venue(config)
