"""A recording as a market."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mdterm.feeds.sim.market import Instrument, VenueBook, VenueCandle, VenueTrade
from mdterm.feeds.sim.play import PlayError, PlaySource

TS = 1_723_161_255_343_040_266
LATER = 1 << 62


def trade(ts: int, symbol: str = "BTCUSDT", price: float = 61800.3, side: str = "buy") -> dict[str, Any]:
    return {"ts": ts, "symbol": symbol, "type": "trade", "price": price, "size": 0.003, "side": side}


def book(ts: int, symbol: str = "BTCUSDT") -> dict[str, Any]:
    return {"ts": ts, "symbol": symbol, "type": "book", "bids": [[61800.2, 2.862]], "asks": [[61800.3, 1]]}


def test_rows_come_in_their_order_with_exact_times(record: Callable[..., Path]) -> None:
    path = record(book(TS), trade(TS + 1), trade(TS + 1, side="sell"), trade(TS + 7_000_000_001))
    source = PlaySource(path, keep_time=True)
    assert source.begin(5) == TS
    first, *trades = source.take(LATER)
    assert first == VenueBook("BTCUSDT", TS, (61800.2, 2.862), (61800.3, 1.0))
    assert [(t.ts, t.buy) for t in trades if isinstance(t, VenueTrade)] == [
        (TS + 1, True),
        (TS + 1, False),
        (TS + 7_000_000_001, True),
    ]
    assert source.next_ts() is None


def test_times_are_moved_by_one_constant_so_that_the_first_is_now(record: Callable[..., Path]) -> None:
    source = PlaySource(record(trade(TS), trade(TS + 3), trade(TS + 1_000_000_007)))
    now = 1_800_000_000_123_456_789
    assert source.begin(now) == now
    assert [event.ts for event in source.take(LATER)] == [now, now + 3, now + 1_000_000_007]


def test_taking_stops_before_the_given_time(record: Callable[..., Path]) -> None:
    source = PlaySource(record(trade(TS), trade(TS + 10), trade(TS + 20)), keep_time=True)
    source.begin(0)
    assert [event.ts for event in source.take(TS + 20)] == [TS, TS + 10]
    assert source.next_ts() == TS + 20


def test_a_row_that_steps_back_keeps_its_place_and_its_time(record: Callable[..., Path]) -> None:
    source = PlaySource(record(trade(TS + 10), trade(TS), trade(TS + 20)), keep_time=True)
    source.begin(0)
    assert [event.ts for event in source.take(TS + 11)] == [TS + 10, TS]


def test_ids_increase_and_a_venue_started_again_does_not_repeat_them(record: Callable[..., Path]) -> None:
    path = record(*(trade(TS + at) for at in range(50)))

    def ids(now: int, keep_time: bool = False) -> list[int]:
        source = PlaySource(path, keep_time=keep_time)
        source.begin(now)
        return [int(event.id) for event in source.take(LATER) if isinstance(event, VenueTrade)]

    first, second = ids(1_800_000_000_000_000_000), ids(1_800_000_000_005_000_000)
    assert first == sorted(set(first))
    assert first[-1] < second[0]
    assert ids(1, keep_time=True) == ids(2, keep_time=True)


def test_several_symbols_and_bars_are_played(record: Callable[..., Path]) -> None:
    candle = {
        "ts": TS,
        "symbol": "A-PERP",
        "type": "candle",
        "interval": "1m",
        "open_ts": TS - 60_000_000_000,
    }
    candle |= {"open": 1.25, "high": 2, "low": 1, "close": 1.5, "volume": 7}
    path = record(candle, trade(TS, "DOGEUSDT", 0.10217), trade(TS, "IBM", 181.5))
    source = PlaySource(path, keep_time=True)
    assert source.instruments == (
        Instrument("A-PERP", "A", "PERP", 0.01),
        Instrument("DOGEUSDT", "DOGE", "USDT", 0.00001),
        Instrument("IBM", "IBM", "", 0.1),
    )
    source.begin(0)
    assert source.take(LATER)[0] == VenueCandle(
        "A-PERP", TS, TS - 60_000_000_000, 60_000_000_000, 1.25, 2.0, 1.0, 1.5, 7.0
    )


def test_a_gzipped_recording_is_the_same(record: Callable[..., Path], tmp_path: Path) -> None:
    plain = record(trade(TS), book(TS + 5))
    packed = tmp_path / "rows.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    sources = [PlaySource(path, keep_time=True) for path in (plain, packed)]
    for source in sources:
        source.begin(0)
    assert sources[0].take(LATER) == sources[1].take(LATER)


def test_an_interval_without_meaning_is_said(record: Callable[..., Path]) -> None:
    candle = {"ts": TS, "symbol": "A", "type": "candle", "interval": "soon", "open_ts": TS, "volume": 1}
    with pytest.raises(PlayError, match="'soon'"):
        PlaySource(record(candle | dict.fromkeys(("open", "high", "low", "close"), 1.0)))


def test_a_recording_torn_off_is_said(record: Callable[..., Path], tmp_path: Path) -> None:
    torn = tmp_path / "torn.gz"
    torn.write_bytes(gzip.compress(record(*(trade(TS + at) for at in range(500))).read_bytes())[:-40])
    with pytest.raises(PlayError, match="cannot be read"):
        PlaySource(torn)
