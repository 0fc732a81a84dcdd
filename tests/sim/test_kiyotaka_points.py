"""Points as they stand on the wire."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.sim.kiyotaka_points import (
    BookEncoder,
    BookStream,
    Spacing,
    TradeEncoder,
    blocks,
    number,
    profile_rows,
)
from mdterm.feeds.sim.market import Instrument, VenueBook, VenueTrade

BTC = Instrument("BTCUSDT", "BTC", "USDT", 0.1)
BTC_USDC = Instrument("BTCUSDC", "BTC", "USDC", 0.1)
TS = 1_769_058_875_830_000_000
BOOK = VenueBook(
    "BTCUSDT", TS, (61800.2, 2.862, 61800.0, 1.0, 61799.9, 0.5), (61800.3, 4.0, 61801.0, 0.25, 61805.1, 3.0)
)


def encode(book: VenueBook = BOOK, **how: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"block": 0.1, "depth": None, "in_usd": False, "grouped": False} | how
    point = json.loads(BookEncoder((BTC,), "BINANCE_FUTURES", **given)(book))
    assert isinstance(point, dict)
    return point


def test_a_trade_is_the_documented_sample_to_the_byte() -> None:
    trade = VenueTrade("BTCUSDT", TS, "7126482260", 90003.0, 0.002, True)
    assert TradeEncoder(BTC, "BINANCE_FUTURES", "PERPETUAL")(trade) == (
        b'{"series":{"type":"TRADE","symbol":"BTCUSDT","exchange":"BINANCE_FUTURES",'
        b'"normalizedSymbol":"BTC-USDT","category":"PERPETUAL","side":"BUY","coin":"BTC","inverse":false},'
        b'"trade":{"id":"7126482260","price":90003,"amount":0.002,'
        b'"timestamp":{"seconds":1769058875,"nanoseconds":830000000}}}'
    )


def test_a_book_has_the_documented_series_and_the_true_levels() -> None:
    assert encode() == {
        "series": {
            "type": "BLOCK_BOOK_SNAPSHOT",
            "symbol": "BTCUSDT",
            "exchange": "BINANCE_FUTURES",
            "normalizedSymbol": "BTC-USDT",
            "coin": "BTC",
            "blockSize": 0.1,
            "inverse": False,
        },
        "blockBookSnapshot": {
            "bids": [61800.2, 2.862, 61800, 1, 61799.9, 0.5],
            "asks": [61800.3, 4, 61801, 0.25, 61805.1, 3],
            "timestamp": {"seconds": 1769058875, "nanoseconds": 830000000},
        },
    }


def test_bids_are_floored_and_asks_ceiled_to_their_block() -> None:
    book = encode(block=5.0)["blockBookSnapshot"]
    assert book["bids"] == [61800, 3.862, 61795, 0.5]
    assert book["asks"] == [61805, 4.25, 61810, 3]
    assert encode(block=25.0)["series"]["blockSize"] == 25


@pytest.mark.parametrize("block", [0.1, 0.05, 0.01])
def test_blocks_no_coarser_than_the_tick_leave_the_levels_alone(block: float) -> None:
    assert encode(block=block)["blockBookSnapshot"] == encode()["blockBookSnapshot"]


def test_depth_is_counted_in_blocks() -> None:
    assert encode(depth=1)["blockBookSnapshot"]["bids"] == [61800.2, 2.862]
    assert encode(block=5.0, depth=1)["blockBookSnapshot"]["asks"] == [61805, 4.25]


def test_sizes_in_dollars() -> None:
    bids = encode(in_usd=True)["blockBookSnapshot"]["bids"]
    assert bids[1] == pytest.approx(61800.2 * 2.862)


def test_an_empty_side_is_an_empty_list() -> None:
    empty = VenueBook("BTCUSDT", TS, (), BOOK.asks)
    assert encode(empty)["blockBookSnapshot"]["bids"] == []
    assert encode(empty, block=5.0)["blockBookSnapshot"]["bids"] == []


def test_a_grouped_book_adds_up_the_symbols_of_a_coin() -> None:
    grouped = BookEncoder((BTC, BTC_USDC), "BYBIT", block=0.1, depth=None, in_usd=False, grouped=True)
    grouped(BOOK)
    other = VenueBook("BTCUSDC", TS, (61800.2, 1.0, 61800.1, 7.0), ())
    point = json.loads(grouped(other))
    assert point["series"] == {
        "type": "BLOCK_BOOK_SNAPSHOT",
        "exchange": "BYBIT",
        "coin": "BTC",
        "blockSize": 0.1,
    }
    assert point["blockBookSnapshot"]["bids"] == [61800.2, 3.862, 61800.1, 7, 61800, 1, 61799.9, 0.5]


@given(
    ticks=st.lists(st.integers(1, 10**7), min_size=1, max_size=30, unique=True),
    decimals=st.integers(0, 7),
    times=st.sampled_from([1, 2, 5, 10, 25, 100]),
    is_bid=st.booleans(),
)
def test_every_level_falls_into_its_own_block(
    ticks: list[int], decimals: int, times: int, is_bid: bool
) -> None:
    ticks.sort(reverse=is_bid)
    scale = 10**decimals
    levels = tuple(value for tick in ticks for value in (tick / scale, 1.0))
    flat = blocks(levels, times / scale, decimals, 1000, math.floor if is_bid else math.ceil)
    expected: dict[float, float] = {}
    for tick in ticks:
        block = (tick // times if is_bid else -(-tick // times)) * times
        expected[block / scale] = expected.get(block / scale, 0.0) + 1.0
    assert dict(zip(flat[::2], flat[1::2], strict=True)) == expected


@given(st.integers(1, 10**9), st.integers(0, 8))
def test_a_number_reads_back_as_it_was(whole: int, decimals: int) -> None:
    value = whole / 10**decimals
    text = number(value)
    assert float(text) == value
    assert not text.endswith(b".0")


def test_profile_rows_are_sorted_triplets() -> None:
    assert profile_rows({3: [1.0, 2.0], 2: [0.5, 0.0]}, 25.0) == [50.0, 0.5, 0.0, 75.0, 1.0, 2.0]


def test_spacing_frees_what_comes_late_enough() -> None:
    spacing = Spacing(100)
    assert [spacing.is_free(ts) for ts in (1000, 1050, 1099, 1100, 1150, 1201)] == [
        True,
        False,
        False,
        True,
        False,
        True,
    ]


def test_of_snapshots_that_wait_the_latest_wins() -> None:
    encoder = BookEncoder((BTC,), "BYBIT", block=0.1, depth=1, in_usd=False, grouped=False)
    stream = BookStream(("BTCUSDT",), encoder, 100)
    out: list[bytes] = []
    for ts in (1000, 1010, 1020):
        stream.on(VenueBook("BTCUSDT", ts, (float(ts), 1.0), ()), out)
        stream.tick(ts + 1, out)
    stream.tick(1100, out)
    stream.tick(1300, out)
    assert [json.loads(point)["blockBookSnapshot"]["bids"][0] for point in out] == [1000, 1020]
