"""Every sample of the documentation gives exactly the lines that it should."""

from typing import Any

import pytest

from tests.kiyotaka import frames
from tests.kiyotaka.support import ADDRESS, SEEN, codec_of, lines

SECOND = 1_769_058_875_000_000_000
MS = 1_000_000
COIN = "kiyotaka:BINANCE_FUTURES:coin=BTC"

SAMPLES: dict[str, tuple[bytes, list[dict[str, Any]]]] = {
    "trade": (
        frames.TRADE,
        [
            {
                "kind": "trade",
                "ts": SECOND + 830 * MS,
                "id": "7126482260",
                "price": 90003.0,
                "size": 0.002,
                "side": "buy",
                "turnover": None,
            }
        ],
    ),
    "trade_agg": (
        frames.TRADE_AGG,
        [
            {
                "kind": "trade_agg",
                "ts": SECOND + 800 * MS,
                "open": 90003.1,
                "high": 90003.1,
                "low": 90001.9,
                "close": 90002.0,
                "volume": 1.284,
                "side": "sell",
                "first_ts": SECOND + 812 * MS,
                "last_ts": SECOND + 991 * MS,
            },
            {
                "kind": "trade_agg",
                "ts": SECOND + 800 * MS,
                "open": 90003.2,
                "high": 90004.0,
                "low": 90003.2,
                "close": 90004.0,
                "volume": 0.417,
                "side": "buy",
                "first_ts": SECOND + 803 * MS,
                "last_ts": SECOND + 988 * MS,
            },
        ],
    ),
    "book": (
        frames.BOOK,
        [
            {
                "kind": "book",
                "ts": SECOND + 1100 * MS,
                "bids": [[90000.0, 42.117], [89975.0, 18.904], [89950.0, 63.25], [89925.0, 21.7]],
                "asks": [[90025.0, 37.66], [90050.0, 55.012], [90075.0, 12.4], [90100.0, 140.75]],
                "step": 25.0,
                "unit": "base",
                "counts": None,
            }
        ],
    ),
    "liquidation": (
        frames.LIQUIDATION,
        [
            {
                "kind": "liquidation",
                "ts": SECOND + 25_420 * MS,
                "id": "394820175",
                "price": 89750.5,
                "size": 0.15,
                "position": "short",
                "raw_side": "SELL",
            }
        ],
    ),
    "funding": (
        frames.FUNDING_RATE,
        [{"kind": "funding", "ts": SECOND + 5_000 * MS, "rate": 0.0001, "predicted": 0.000087}],
    ),
    "open_interest": (
        frames.OPEN_INTEREST,
        [{"kind": "open_interest", "ts": SECOND + 10_512 * MS, "value": 84512.337}],
    ),
    "volume_profile": (
        frames.VOLUME_PROFILE,
        [
            {
                "kind": "volume_profile",
                "ts": SECOND - 35_000 * MS,
                "rows": [
                    [89950.0, 1.25, 0.87],
                    [89975.0, 3.41, 2.15],
                    [90000.0, 5.67, 4.32],
                    [90025.0, 2.89, 3.01],
                    [90050.0, 1.54, 1.1],
                ],
            }
        ],
    ),
}


@pytest.mark.parametrize(("sample", "expected"), SAMPLES.values(), ids=SAMPLES)
def test_a_sample_becomes_its_line(sample: bytes, expected: list[dict[str, Any]]) -> None:
    codec = codec_of()
    assert lines(codec.feed(sample, SEEN)) == expected
    assert codec.bad_frames == codec.unknown == codec.duplicates == 0


def test_the_overview_pages_trade_lacks_inverse() -> None:
    sample = frames.TRADE.replace(b',"inverse":false', b"")
    assert sample != frames.TRADE
    assert len(codec_of().feed(sample, SEEN)) == 1


def test_each_point_of_a_frame_finds_its_own_instrument() -> None:
    hyperliquid = "kiyotaka:HYPERLIQUID_FUTURES:BTC"
    events = codec_of(ADDRESS, hyperliquid).feed(frames.FUNDING_RATE, SEEN)
    assert [event.address for event in events] == [ADDRESS, hyperliquid]
    assert lines(events)[1] == {
        "kind": "funding",
        "ts": SECOND + 6_000 * MS,
        "rate": -0.0000125,
        "predicted": None,
    }


def test_a_grouped_book_has_no_symbol_and_is_known_by_its_coin() -> None:
    codec = codec_of(COIN, streams=("book",))
    (event,) = codec.feed(frames.GROUPED_BOOK, SEEN)
    assert event.address == COIN
    (line,) = lines([event])
    assert line["ts"] == SECOND + 1_000 * MS
    assert line["bids"] == [[90000.0, 512.4], [89975.0, 233.1]]
    assert line["asks"] == [[90025.0, 301.9], [90050.0, 288.0]]
    assert codec.feed(frames.BOOK, SEEN) == [], "one market's book is not the coin's"


@pytest.mark.parametrize("sample", [frames.REPLY, frames.NO_POINTS])
def test_control_frames_are_no_data_and_no_fault(sample: bytes) -> None:
    codec = codec_of()
    codec.due(0.0)
    assert codec.feed(sample, SEEN) == []
    assert (codec.verdicts, codec.bad_frames, codec.unknown) == ([], 0, 0)


def test_the_hostile_sample_loses_only_what_is_not_known() -> None:
    bybit = "kiyotaka:BYBIT:BTCUSDT"
    codec = codec_of(ADDRESS, bybit)
    events = codec.feed(frames.HOSTILE, SEEN)
    assert [event.address for event in events] == [bybit, ADDRESS]
    trade, book = lines(events)
    assert trade == {
        "kind": "trade",
        "ts": SECOND,
        "id": "a1",
        "price": 90001.5,
        "size": 0.01,
        "side": "sell",
        "turnover": None,
    }
    assert book["bids"] == [[90000.0, 1.0]], "the dangling price is dropped"
    assert book["asks"] == []
    assert (codec.unknown, codec.bad_frames) == (1, 0)


def test_duplicates_are_known_by_id_also_after_a_reconnect() -> None:
    codec = codec_of()
    assert len(codec.feed(frames.TRADE, SEEN)) == 1
    assert codec.feed(frames.TRADE, SEEN) == []
    codec.opened(5.0)
    assert codec.feed(frames.TRADE, SEEN) == []
    assert len(codec.feed(frames.LIQUIDATION, SEEN)) == 1
    assert codec.feed(frames.LIQUIDATION, SEEN) == []
    assert codec.duplicates == 3
    assert codec.bad_frames == 0


def test_out_of_order_times_are_late_not_duplicate() -> None:
    codec = codec_of()
    codec.feed(frames.TRADE, SEEN)
    late = frames.TRADE.replace(b"7126482260", b"7126482259").replace(b"1769058875", b"1769058870")
    (event,) = codec.feed(late, SEEN)
    assert event.ts == SECOND - 5_000 * MS + 830 * MS
