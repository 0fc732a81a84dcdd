"""What the service may send instead of its samples, and what must never come of it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.events import Book, Liquidation, OpenInterest, Trade, TradeAgg, VolumeProfile
from tests.kiyotaka.support import (
    ADDRESS,
    SEEN,
    book,
    channels,
    codec_of,
    frame,
    lines,
    series,
    stamp,
    trade,
)

TS = 1_769_058_875_830_000_000
GOOD = trade("good")


def payload(kind: str, key: str, **fields: Any) -> dict[str, Any]:
    """Return a point of any kind."""
    return {"series": series(kind), key: {"timestamp": stamp()} | fields}


# --- numbers and times --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "given", "expected"),
    [
        ("price", "90003.5", 90003.5),
        ("price", " 90003.5 ", 90003.5),
        ("price", 9.00035e4, 90003.5),
        ("price", 90003, 90003.0),
        ("size", "0.002", 0.002),
        ("size", 0, 0.0),
        ("size", None, None),
        ("size", "NaN", None),
        ("size", float("nan"), None),
    ],
)
def test_numbers_may_be_text(field: str, given: Any, expected: float | None) -> None:
    wire = {"size": "amount"}.get(field, field)
    (event,) = codec_of().feed(frame(trade(**{wire: given})), SEEN)
    assert getattr(event, field) == expected


def test_a_missing_amount_is_unknown_and_not_zero() -> None:
    (event,) = codec_of().feed(frame(trade(drop="amount")), SEEN)
    assert isinstance(event, Trade)
    assert event.size is None


@pytest.mark.parametrize(
    ("given", "ns"),
    [
        (stamp(), TS),
        ({"seconds": 1769058875}, TS - 830_000_000),
        ({"seconds": "1769058875", "nanoseconds": "830000000"}, TS),
        ({"s": 1769058875, "ns": 830000000}, TS),
        ({"s": 1769058875}, TS - 830_000_000),
        (None, None),
        ({}, None),
        ("2026-01-22T05:14:35Z", None),
        (1769058875, None),
        ({"seconds": None}, None),
        (stamp(0, 0), None),
        (stamp(-5), None),
        (stamp(10**11), None),
        (stamp(10**30), None),
        (stamp("9" * 5000), None),
        (stamp(1769058875, -1), None),
        (stamp(1769058875, 10**9), None),
        (stamp(1769058875, 10**30), None),
        (stamp("1769058875", 10**30), None),
        (stamp("Infinity", 0), None),
        (stamp(float("nan"), 0), None),
        (stamp([], {}), None),
    ],
)
def test_a_time_that_cannot_be_is_no_time(given: Any, ns: int | None) -> None:
    points = (
        trade(timestamp=given),
        payload("OPEN_INTEREST", "openInterest", openInterest=5, timestamp=given),
        payload("LIQUIDATION", "liquidation", id="x", price=1, amount=1, timestamp=given),
        book([], []) | {"blockBookSnapshot": {"bids": [], "asks": [], "timestamp": given}},
    )
    found = lines(codec_of().feed(frame(*points), SEEN))
    assert [line["ts"] for line in found] == [ns] * 4


def test_a_missing_timestamp_is_no_time() -> None:
    (event,) = codec_of().feed(frame(trade(drop="timestamp")), SEEN)
    assert event.ts is None


@pytest.mark.parametrize(
    ("id_", "expected"),
    [
        (7126482260, "7126482260"),
        (10**40, None),
        ("", None),
        (None, None),
        (True, None),
        ([], None),
        ("x" * 128, "x" * 128),
        ("x" * 129, None),
    ],
)
def test_ids_are_short_text_or_none(id_: Any, expected: str | None) -> None:
    events = codec_of().feed(frame(trade(id_)), SEEN)
    assert [line["id"] for line in lines(events)] == [expected]


def test_trades_without_id_are_never_duplicates() -> None:
    codec = codec_of()
    assert len(codec.feed(frame(trade(None), trade(None), trade("")), SEEN)) == 3
    assert codec.duplicates == 0


def test_an_id_as_a_number_is_the_same_id() -> None:
    assert len(codec_of().feed(frame(trade("17"), trade(17)), SEEN)) == 1


def test_ids_of_instruments_and_of_kinds_are_apart() -> None:
    bybit = "kiyotaka:BYBIT:BTCUSDT"
    other = trade("1") | {"series": series("TRADE", exchange="BYBIT")}
    liquidation = payload("LIQUIDATION", "liquidation", id="1", price=1, amount=1)
    assert len(codec_of(ADDRESS, bybit).feed(frame(trade("1"), other, liquidation), SEEN)) == 3


# --- what never comes out -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    [
        trade("bad", price=-1),
        trade("bad", price=0),
        trade("bad", amount=-0.5),
        trade("bad", price="NaN"),
        trade("bad", price=float("inf")),
        trade("bad", price="-Infinity"),
        trade("bad", amount=float("inf")),
        trade("bad", amount="Infinity"),
        trade("bad", price=10**400),
        trade("bad", price="9" * 6000),
        trade("bad", price=None),
        trade("bad", price=True),
        trade("bad", price=[90003]),
        trade("bad", drop="price"),
        {"series": series("TRADE"), "trade": None},
        {"series": series("TRADE"), "trade": []},
        {"series": series("TRADE"), "trade": "90003"},
        {"series": series("TRADE")},
        {"series": series("TRADE"), "liquidation": {"price": 1, "amount": 1, "timestamp": stamp()}},
        {"series": series("TRADE"), "blockBookSnapshot": {"bids": [1, 1], "asks": [], "timestamp": stamp()}},
        {"series": {"type": 5}, "trade": {}},
        {"series": None},
        {"series": "TRADE"},
        {"series": []},
        {},
        None,
        7,
        "TRADE",
        [],
        payload("LIQUIDATION", "liquidation", id="x", price=-1, amount=1),
        payload("LIQUIDATION", "liquidation", id="x", price=1, amount="NaN"),
        payload("LIQUIDATION", "liquidation", id="x", price=1),
        payload("OPEN_INTEREST", "openInterest", openInterest=-1),
        payload("OPEN_INTEREST", "openInterest", openInterest="NaN"),
        payload("OPEN_INTEREST", "openInterest"),
        payload("TRADE_AGG", "tradeAggregation", open=1, high=1, low=1, close=-1),
        payload("TRADE_AGG", "tradeAggregation", open=1, high=1, low=1, close="NaN"),
        payload("TRADE_AGG", "tradeAggregation", open=1, high=1, low=1, close=1, volume="NaN"),
        payload("TRADE_AGG", "tradeAggregation", open=1, high=1, low=1),
        payload("FUNDING_RATE", "trade", price=1, amount=1),
    ],
    ids=lambda bad: json.dumps(bad)[:90],
)
def test_a_bad_entry_is_counted_and_costs_no_sibling(bad: Any) -> None:
    codec = codec_of()
    found = lines(codec.feed(frame(GOOD, bad, trade("also good")), SEEN))
    assert [line.get("id") for line in found] == ["good", "also good"]
    assert codec.bad_frames == 1
    assert codec.duplicates == 0


@pytest.mark.parametrize(
    "raw",
    [
        b'{"id":"\xff","price":90003,"amount":1,"timestamp":{"seconds":1}}',
        b'{"id":"x","price":90003,"amount":1,"timestamp":{"seconds":1},"note":"\xc3\x28"}',
        b'{"id":"\\ud800","price":90003,"amount":1,"timestamp":{"seconds":1}}',
        b'{"id":"x","price":NaN,"amount":1,"timestamp":{"seconds":1}}',
        b'{"id":"x","price":-Infinity,"amount":1,"timestamp":{"seconds":1}}',
        b'{"id":"x","price":1e999,"amount":1,"timestamp":{"seconds":1}}',
        b'{"id":"x","price":90003,"amount":1,"timestamp":{"seconds":' + b"1" * 5000 + b"}}",
    ],
)
def test_bytes_that_are_hardly_json_cost_no_sibling(raw: bytes) -> None:
    codec = codec_of()
    point = (
        json.dumps({"series": series("TRADE"), "trade": 0}).encode().replace(b'"trade": 0', b'"trade":' + raw)
    )
    data = frame(GOOD, "here").replace(b'"here"', point)
    found = lines(codec.feed(data, SEEN))
    assert found[0]["id"] == "good"
    assert all(line["price"] > 0 for line in found)
    assert len(found) + codec.bad_frames == 2


def test_absurd_figures_never_come_out() -> None:
    """A price of 1e300 would make every row of a ladder an overflow."""
    codec = codec_of()
    points = (trade(price=1e300), trade(amount=1e300), book([1e300, 1, 90000, 1], [90025, 1e300]))
    (event,) = codec.feed(frame(*points), SEEN)
    assert isinstance(event, Book)
    assert (event.bid_prices, event.ask_prices) == ([90000.0], [])


# --- books and profiles -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bids", "expected"),
    [
        ([], []),
        (None, []),
        ("90000,1", []),
        ([90000], []),
        ([90000, 1.0, 89975], [(90000.0, 1.0)]),
        (["90000", "1.5"], [(90000.0, 1.5)]),
        ([89975, 2, 90000, 1], [(90000.0, 1.0), (89975.0, 2.0)]),
        ([90000, 0, 89975, 2], [(89975.0, 2.0)]),
        ([90000, -1, 89975, 2], [(89975.0, 2.0)]),
        ([-90000, 1, 89975, 2], [(89975.0, 2.0)]),
        ([90000, None, 89975, 2], [(89975.0, 2.0)]),
        ([90000, {}, 89975, 2], [(89975.0, 2.0)]),
        ([90000, 1, "NaN", 1, 89975, 2], [(90000.0, 1.0), (89975.0, 2.0)]),
        ([90000, 1, float("nan"), 1, 89975, 2], [(90000.0, 1.0), (89975.0, 2.0)]),
        ([90000, 1, 89975, "NaN"], [(90000.0, 1.0)]),
        ([90000, 1, 89975, float("inf")], [(90000.0, 1.0)]),
        ([float("inf"), 1, 89975, 2], [(89975.0, 2.0)]),
    ],
)
def test_a_side_is_sorted_and_holds_real_levels_only(bids: Any, expected: list[tuple[float, float]]) -> None:
    codec = codec_of()
    (event,) = codec.feed(frame(book(bids, [90025, 3])), SEEN)
    assert isinstance(event, Book)
    assert list(zip(event.bid_prices, event.bid_sizes, strict=True)) == expected
    assert (event.ask_prices, event.ask_sizes) == ([90025.0], [3.0])
    assert codec.bad_frames == 0


def test_asks_are_sorted_upwards() -> None:
    (event,) = codec_of().feed(frame(book([], [90050, 2, 90025, 1])), SEEN)
    assert isinstance(event, Book)
    assert event.ask_prices == [90025.0, 90050.0]
    assert event.bid_prices == []


NUMBER = st.one_of(
    st.floats(),
    st.integers(-5, 100_000),
    st.sampled_from(["NaN", "Infinity", "-Infinity", "0", "90000", "1.5", 0, -0.0]),
)


@given(st.lists(NUMBER, max_size=30), st.lists(NUMBER, max_size=30))
def test_levels_are_the_possible_pairs_best_first(bids: list[Any], asks: list[Any]) -> None:
    """However they come: in any order, with any number anywhere, with a dangling last one."""
    (event,) = codec_of().feed(frame(book(bids, asks)), SEEN)
    assert isinstance(event, Book)
    for given_side, prices, sizes, sign in (
        (bids, event.bid_prices, event.bid_sizes, -1),
        (asks, event.ask_prices, event.ask_sizes, 1),
    ):
        numbers = [float(one) for one in given_side]
        pairs = zip(numbers[::2], numbers[1::2], strict=False)
        possible = [(price, size) for price, size in pairs if 0 < price < 1e18 and 0 < size < 1e18]
        expected = sorted(possible, key=lambda level: sign * level[0])
        assert list(zip(prices, sizes, strict=True)) == expected


@pytest.mark.parametrize("side", ["bids", "asks"])
def test_a_side_may_be_missing(side: str) -> None:
    point = book([90000, 1], [90025, 1])
    del point["blockBookSnapshot"][side]
    (line,) = lines(codec_of().feed(frame(point), SEEN))
    assert [bool(line["bids"]), bool(line["asks"])] == [side != "bids", side != "asks"]


@pytest.mark.parametrize("given", [None, "25", 0, -25, "NaN", 1e-300, [], "wide"])
def test_the_width_of_a_bucket_is_the_one_asked_for_where_none_is_told(given: Any) -> None:
    (event,) = codec_of().feed(frame(book([90000, 1], [], blockSize=given)), SEEN)
    assert isinstance(event, Book)
    assert event.step == 25.0


def test_the_width_told_wins_over_the_one_asked_for() -> None:
    (event,) = codec_of().feed(frame(book([90000, 1], [], blockSize=5)), SEEN)
    assert isinstance(event, Book)
    assert event.step == 5.0


@pytest.mark.parametrize(("quote", "unit"), [(None, "base"), ("COIN", "base"), ("USD", "quote")])
def test_the_unit_follows_the_quote_asked_for(quote: str | None, unit: str) -> None:
    codec = codec_of(channels=channels(kind="BLOCK_BOOK_SNAPSHOT", quote=quote))
    (event,) = codec.feed(frame(book([90000, 1], [])), SEEN)
    assert isinstance(event, Book)
    assert event.unit == unit


@pytest.mark.parametrize(
    ("profile", "rows"),
    [
        ([], []),
        (None, []),
        ([89950, 1.25], []),
        ([89950, 1.25, 0.87, 89975], [(89950.0, 1.25, 0.87)]),
        ([89975, 1, 1, 89950, 2, 2], [(89950.0, 2.0, 2.0), (89975.0, 1.0, 1.0)]),
        ([89950, -1, 1, 89975, 1, 1], [(89975.0, 1.0, 1.0)]),
        (["89950", "1", "0", "NaN", 1, 1, 89975, "Infinity", 1], [(89950.0, 1.0, 0.0)]),
    ],
)
def test_a_profile_holds_whole_and_real_rows_only(
    profile: Any, rows: list[tuple[float, float, float]]
) -> None:
    point = payload("VOLUME_PROFILE_AGG", "volumeProfileAggregation", profile=profile)
    (event,) = codec_of().feed(frame(point), SEEN)
    assert isinstance(event, VolumeProfile)
    assert event.rows == rows
    assert event.step is None


def test_a_profile_may_have_no_time() -> None:
    point = payload("VOLUME_PROFILE_AGG", "volumeProfileAggregation", profile=[1, 2, 3])
    del point["volumeProfileAggregation"]["timestamp"]
    (event,) = codec_of().feed(frame(point), SEEN)
    assert event.ts is None


# --- sides, rates, sums -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "expected"), [("BUY", "buy"), ("SELL", "sell"), (None, None), ("NONE", None)]
)
def test_a_trades_side_is_on_its_series(side: str | None, expected: str | None) -> None:
    (event,) = codec_of().feed(frame(trade(side=side) | {"side": "BUY"}), SEEN)
    assert isinstance(event, Trade)
    assert event.side == expected


@pytest.mark.parametrize(
    ("means", "side", "position"),
    [
        ("position", "BUY", "long"),
        ("position", "SELL", "short"),
        ("order", "BUY", "short"),
        ("order", "SELL", "long"),
        ("position", None, None),
        ("order", "LONG", None),
    ],
)
def test_who_was_liquidated_follows_the_convention_in_force(
    means: str, side: str | None, position: str | None
) -> None:
    point = payload("LIQUIDATION", "liquidation", id="x", price=1, amount=1)
    point["series"] = series("LIQUIDATION", side=side)
    (event,) = codec_of(liquidation_side=means).feed(frame(point), SEEN)
    assert isinstance(event, Liquidation)
    assert (event.position, event.raw_side) == (position, side)


def test_an_unknown_side_is_made_safe_to_show() -> None:
    point = payload("LIQUIDATION", "liquidation", id="x", price=1, amount=1)
    point["series"] = series("LIQUIDATION", side="\x1b]0;owned\x07" + "x" * 500)
    (event,) = codec_of().feed(frame(point), SEEN)
    assert isinstance(event, Liquidation)
    assert event.raw_side is not None
    assert event.raw_side.isprintable()
    assert len(event.raw_side) <= 16


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"fundingRate": 0.0001, "predictedFundingRate": 0.0002}, (0.0001, 0.0002)),
        ({"fundingRate": 0.0001}, (0.0001, None)),
        ({"predictedFundingRate": -0.0002}, (None, -0.0002)),
        ({}, (None, None)),
        ({"fundingRate": None, "predictedFundingRate": "0.0002"}, (None, 0.0002)),
        ({"fundingRate": "NaN", "predictedFundingRate": "Infinity"}, (None, None)),
        ({"fundingRate": 0}, (0.0, None)),
    ],
)
def test_either_funding_rate_may_be_absent(fields: dict[str, Any], expected: tuple[Any, Any]) -> None:
    (line,) = lines(codec_of().feed(frame(payload("FUNDING_RATE", "fundingRate", **fields)), SEEN))
    assert (line["rate"], line["predicted"]) == expected


def test_no_open_interest_is_not_an_open_interest_of_zero() -> None:
    codec = codec_of()
    (event,) = codec.feed(frame(payload("OPEN_INTEREST", "openInterest", openInterest=0)), SEEN)
    assert isinstance(event, OpenInterest)
    assert event.value == 0.0
    assert codec.feed(frame(payload("OPEN_INTEREST", "openInterest", openInterest=None)), SEEN) == []


def test_a_batch_without_its_trades_times_has_the_batchs() -> None:
    point = payload("TRADE_AGG", "tradeAggregation", open=1, high=2, low=1, close=2)
    (event,) = codec_of().feed(frame(point), SEEN)
    assert isinstance(event, TradeAgg)
    assert (event.first_ts, event.last_ts, event.volume, event.side) == (TS, TS, 0.0, None)


# --- whose point it is --------------------------------------------------------------------------------


def test_points_that_nobody_wants_are_dropped_and_not_faults() -> None:
    codec = codec_of(streams=("trade",))
    other = trade("1") | {"series": series("TRADE", symbol="ETHUSDT", coin="ETH")}
    elsewhere = trade("2") | {"series": series("TRADE", exchange="BYBIT")}
    assert codec.feed(frame(other, elsewhere, book([1, 1], [])), SEEN) == []
    assert (codec.bad_frames, codec.unknown) == (0, 0)


def test_what_is_wanted_no_more_is_dropped_at_once() -> None:
    codec = codec_of()
    codec.want([])
    assert codec.feed(frame(trade("1"), book([1, 1], [])), SEEN) == []


def test_a_series_without_exchange_is_the_only_one_of_its_symbol() -> None:
    alone = trade("1") | {"series": series("TRADE", exchange=None)}
    assert len(codec_of().feed(frame(alone), SEEN)) == 1
    assert codec_of(ADDRESS, "kiyotaka:BYBIT:BTCUSDT").feed(frame(alone), SEEN) == []


def test_a_coins_book_without_exchange_is_not_another_coins() -> None:
    codec = codec_of("kiyotaka:BINANCE_FUTURES:coin=BTC", streams=("book",))
    bitcoin = book([90000, 1], [], symbol=None, exchange=None)
    ether = book([3000, 1], [], symbol=None, exchange=None, coin="ETH")
    assert [line["bids"] for line in lines(codec.feed(frame(bitcoin, ether), SEEN))] == [[[90000.0, 1.0]]]


def test_grouping_by_configuration_is_grouping() -> None:
    codec = codec_of(
        "kiyotaka:BINANCE_FUTURES:BTC",
        streams=("book",),
        channels=channels(kind="BLOCK_BOOK_SNAPSHOT", group_by_type=True),
    )
    (event,) = codec.feed(frame(book([90000, 1], [], symbol=None)), SEEN)
    assert event.address == "kiyotaka:BINANCE_FUTURES:BTC"


@pytest.mark.parametrize("missing", ["coin", "blockSize"])
def test_fields_of_a_series_are_optional(missing: str) -> None:
    (event,) = codec_of().feed(frame(book([90000, 1], [], **{missing: None})), SEEN)
    assert event.address == ADDRESS


def test_unknown_types_and_fields_are_counted_or_ignored() -> None:
    codec = codec_of()
    extra = trade("1", quoteAmount=180.0) | {"extra": {"a": [1]}}
    extra["series"]["session"] = "0"
    points = (extra, {"series": {"type": "NEW"}}, {"series": {"type": "NEWER"}, "x": []})
    assert len(codec.feed(frame(*points), SEEN)) == 1
    assert (codec.unknown, codec.bad_frames) == (2, 0)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b"{}",
        b"[]",
        b"null",
        b"hello",
        b'{"points":null}',
        b'{"points":{}}',
        b'{"points":"x"}',
        b'{"points":[]}{"points":[]}',
        b'{"id":[],"result":1}',
        b'{"id":1.5,"error":null,"message":5}',
        b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"points":[],"result":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
    ],
    ids=lambda raw: repr(raw[:40]),
)
def test_frames_that_say_nothing_give_nothing(raw: bytes) -> None:
    codec = codec_of()
    assert codec.feed(raw, SEEN) == []
    assert codec.verdicts == []
    assert len(codec.feed(frame(GOOD), SEEN)) == 1


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b" \r\n\t", b"\n"])
def test_blanks_and_marks_before_json_do_not_matter(before: bytes) -> None:
    assert len(codec_of().feed(before + frame(GOOD), SEEN)) == 1
