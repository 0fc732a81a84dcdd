"""Every frame that the docs, captures and clients show, and what becomes of it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdterm.feeds.alltick.codec import AllTickCodec
from mdterm.feeds.alltick.feed import Options, make
from mdterm.feeds.contract import Link, Want
from mdterm.feeds.events import Book, Event, Stream, Trade

Watching = Callable[..., Any]
SEEN = 1_800_000_000_000_000_000
MS = 1_000_000

TRADES: list[tuple[str, Trade]] = [
    (
        # docs of 2026-06
        '{"cmd_id":22998,"data":{"code":"1288.HK","seq":1782180168224,"tick_time":1782180164000,'
        '"price":"651.12","volume":"300","turnover":"12345.6","trade_direction":1}}',
        Trade("alltick:1288.HK", 1782180164000 * MS, SEEN, "1782180168224", 651.12, 300.0, "buy", 12345.6),
    ),
    (
        # captured: metals have sizes at times, and a direction that means nothing
        '{"cmd_id":22998,"data":{"code":"GOLD","seq":24618487,"tick_time":1781166146694,"price":"4101.91",'
        '"volume":"8.00","turnover":"32815.28","trade_direction":1}}',
        Trade("alltick:GOLD", 1781166146694 * MS, SEEN, "24618487", 4101.91, 8.0, None, 32815.28),
    ),
    (
        # captured after the close in New York
        '{"cmd_id":22998,"data":{"code":"AAPL.US","seq":27755950,"tick_time":1751068801000,'
        '"price":"201.187000","volume":"174","turnover":"35006.099000","trade_direction":1}}',
        Trade("alltick:AAPL.US", 1751068801000 * MS, SEEN, "27755950", 201.187, 174.0, "buy", 35006.099),
    ),
    (
        # the same with the types of before 2026-06
        '{"cmd_id":22998,"data":{"code":"AAPL.US","seq":"27755950","tick_time":"1751068801000",'
        '"price":"201.187000","volume":"174","turnover":"35006.099000","trade_direction":1}}',
        Trade("alltick:AAPL.US", 1751068801000 * MS, SEEN, "27755950", 201.187, 174.0, "buy", 35006.099),
    ),
    (
        # old docs: seconds
        '{"cmd_id":22998,"data":{"code":"1288.HK","seq":"1605509068000001","tick_time":"1605509068",'
        '"price":"651.12","volume":"300","turnover":"12345.6","trade_direction":1}}',
        Trade("alltick:1288.HK", 1605509068000 * MS, SEEN, "1605509068000001", 651.12, 300.0, "buy", 12345.6),
    ),
    (
        # old docs: a volume of zero
        '{"cmd_id":22998,"data":{"code":"857.HK","seq":"30841439","tick_time":"1677831545217",'
        '"price":"136.302","volume":"0","turnover":"0","trade_direction":0}}',
        Trade("alltick:857.HK", 1677831545217 * MS, SEEN, "30841439", 136.302, 0.0, None, 0.0),
    ),
    (
        '{"cmd_id":22998,"data":{"code":"BTCUSDT","seq":1782180171007,"tick_time":1782180170991,'
        '"price":"104233.51","volume":"0.00192","turnover":"200.1283392","trade_direction":2}}',
        Trade(
            "alltick:BTCUSDT",
            1782180170991 * MS,
            SEEN,
            "1782180171007",
            104233.51,
            0.00192,
            "sell",
            200.1283392,
        ),
    ),
    (
        # forex without volume and turnover, and a direction as text
        '{"cmd_id":22998,"data":{"code":"EURUSD","seq":1782180172110,"tick_time":1782180172054,'
        '"price":"1.08234","trade_direction":"0"}}',
        Trade("alltick:EURUSD", 1782180172054 * MS, SEEN, "1782180172110", 1.08234, None, None, None),
    ),
    (
        # a client's test: seconds, no seq
        '{"cmd_id":22998,"data":{"code":"GOLD","tick_time":"1791000000","price":"2675.25","volume":"3"}}',
        Trade("alltick:GOLD", 1791000000000 * MS, SEEN, None, 2675.25, 3.0, None, None),
    ),
]

CHINA_BIDS: tuple[list[float], list[float | None]] = (
    [37.7, 37.69, 37.68, 37.67, 37.66],
    [460.0, 69.0, 290.0, 29.0, 119.0],
)
CHINA_ASKS: tuple[list[float], list[float | None]] = (
    [37.71, 37.72, 37.73, 37.74, 37.75],
    [32.0, 125.0, 83.0, 38.0, 17.0],
)

BOOKS: list[tuple[str, str, Book]] = [
    (
        # docs: the old form of a code, seconds
        "1288.HK",
        '{"cmd_id":22999,"data":{"code":"HK-1288","seq":1605509068000001,"tick_time":1605509068,'
        '"bids":[{"price":"9.12","volume":"9.12"}],"asks":[{"price":"147.12","volume":"147.12"}]}}',
        Book("alltick:1288.HK", 1605509068000 * MS, SEEN, [9.12], [9.12], [147.12], [147.12], None, "base"),
    ),
    (
        # captured at the close in Shenzhen: lots of 100 shares, which no word of ours names
        "000651.SZ",
        '{"cmd_id":22999,"data":{"code":"000651.SZ","seq":1836410,"tick_time":1720162800891,'
        '"bids":[{"price":"37.700000","volume":"460"},{"price":"37.690000","volume":"69"},'
        '{"price":"37.680000","volume":"290"},{"price":"37.670000","volume":"29"},'
        '{"price":"37.660000","volume":"119"}],"asks":[{"price":"37.710000","volume":"32"},'
        '{"price":"37.720000","volume":"125"},{"price":"37.730000","volume":"83"},'
        '{"price":"37.740000","volume":"38"},{"price":"37.750000","volume":"17"}]}}',
        Book("alltick:000651.SZ", 1720162800891 * MS, SEEN, *CHINA_BIDS, *CHINA_ASKS, None, None),
    ),
    (
        # captured: limit-up, nobody sells
        "002574.SZ",
        '{"cmd_id":22999,"data":{"code":"002574.SZ","seq":"10924236","tick_time":"1741849202917",'
        '"bids":[{"price":"6.510000","volume":"95542"},{"price":"6.500000","volume":"1318"},'
        '{"price":"6.490000","volume":"89"},{"price":"6.480000","volume":"85"},'
        '{"price":"6.470000","volume":"134"}],"asks":[{"price":"0.000000","volume":"0"},'
        '{"price":"0.000000","volume":"0"},{"price":"0.000000","volume":"0"},'
        '{"price":"0.000000","volume":"0"},{"price":"0.000000","volume":"0"}]}}',
        Book(
            "alltick:002574.SZ",
            1741849202917 * MS,
            SEEN,
            [6.51, 6.5, 6.49, 6.48, 6.47],
            [95542.0, 1318.0, 89.0, 85.0, 134.0],
            [],
            [],
        ),
    ),
    (
        "857.HK",
        '{"cmd_id":22999,"data":{"code":"857.HK","seq":"30686349","tick_time":"1677830357227",'
        '"bids":[{"price":"136.424","volume":"100000.00"}],"asks":[{"price":"136.427","volume":"400000.00"}]}}',
        Book(
            "alltick:857.HK",
            1677830357227 * MS,
            SEEN,
            [136.424],
            [100000.0],
            [136.427],
            [400000.0],
            None,
            "base",
        ),
    ),
    (
        # a client's test: no volume, no seq
        "GOLD",
        '{"cmd_id":22999,"data":{"code":"GOLD","tick_time":"1791000000123",'
        '"bids":[{"price":"2675.20"}],"asks":[{"price":"2675.30"}]}}',
        Book("alltick:GOLD", 1791000000123 * MS, SEEN, [2675.2], [None], [2675.3], [None]),
    ),
    (
        "BTCUSDT",
        '{"cmd_id":22999,"data":{"code":"BTCUSDT","seq":1782180171044,"tick_time":1782180171020,'
        '"bids":[{"price":"104233.50","volume":"0.61"},{"price":"104233.20","volume":"0.05"},'
        '{"price":"104232.99","volume":"1.2"},{"price":"104232.10","volume":"0.4"},'
        '{"price":"104231.00","volume":"2.015"}],"asks":[{"price":"104233.51","volume":"1.73"},'
        '{"price":"104233.90","volume":"0.2"},{"price":"104234.00","volume":"0.9"},'
        '{"price":"104235.11","volume":"0.03"},{"price":"104236.00","volume":"3"}]}}',
        Book(
            "alltick:BTCUSDT",
            1782180171020 * MS,
            SEEN,
            [104233.5, 104233.2, 104232.99, 104232.1, 104231.0],
            [0.61, 0.05, 1.2, 0.4, 2.015],
            [104233.51, 104233.9, 104234.0, 104235.11, 104236.0],
            [1.73, 0.2, 0.9, 0.03, 3.0],
            None,
            "base",
        ),
    ),
    (
        # a client's keys; zero is unknown where no sizes are published
        "EURUSD",
        '{"cmd_id":22999,"data":{"code":"EURUSD","seq":"1","tick_time":"1782180172054",'
        '"bid_list":[{"price":"1.0823","volume":"0"}],"ask_list":[{"price":"1.0825","volume":"0"}]}}',
        Book("alltick:EURUSD", 1782180172054 * MS, SEEN, [1.0823], [None], [1.0825], [None]),
    ),
    (
        # delisted or suspended
        "600000.SH",
        '{"cmd_id":22999,"data":{"code":"600000.SH","seq":11,"tick_time":1741849203000,'
        '"bids":[{"price":"0.000000","volume":"0"}],"asks":[{"price":"0.000000","volume":"0"}]}}',
        Book("alltick:600000.SH", 1741849203000 * MS, SEEN, [], [], [], []),
    ),
    (
        "TSLA.US",
        '{"cmd_id":22999,"data":{"code":"TSLA.US","seq":12,"tick_time":1751068790000,"bids":[],'
        '"asks":[{"price":"323.650000","volume":"100"}]}}',
        Book("alltick:TSLA.US", 1751068790000 * MS, SEEN, [], [], [323.65], [100.0], None, "base"),
    ),
]


@pytest.mark.parametrize(("frame", "expected"), TRADES)
def test_a_print(watching: Watching, frame: str, expected: Trade) -> None:
    socket = watching(expected.address.partition(":")[2])
    assert socket.feed(frame, SEEN) == [expected]
    assert (socket.codec.bad_frames, socket.codec.unknown) == (0, 0)


@pytest.mark.parametrize(("code", "frame", "expected"), BOOKS)
def test_a_book(watching: Watching, code: str, frame: str, expected: Book) -> None:
    socket = watching(code)
    assert socket.feed(frame, SEEN) == [expected]
    assert (socket.codec.bad_frames, socket.codec.unknown) == (0, 0)


def trade(**fields: Any) -> dict[str, Any]:
    whole = {"code": "BTCUSDT", "seq": 1, "tick_time": 1782180170991, "price": "2", "volume": "3"} | fields
    return {"cmd_id": 22998, "data": {key: value for key, value in whole.items() if value is not ...}}


@pytest.mark.parametrize(
    ("sent", "ts"),
    [
        (1782180170, 1782180170_000_000_000),
        ("1782180170", 1782180170_000_000_000),
        (1782180170991, 1782180170_991_000_000),
        ("1782180170991", 1782180170_991_000_000),
        (1782180170991123, 1782180170_991_123_000),
        ("1782180170991123456", 1782180170_991_123_456),
        (1782180170.5, 1782180170_000_000_000),
        ("1782180170991.0", 1782180170_991_000_000),
        (0, None),
        ("0", None),
        ("", None),
        (None, None),
        (..., None),
        (-5, None),
        ("soon", None),
        (True, None),
        (10**30, None),
    ],
)
def test_times_of_every_unit(watching: Watching, sent: Any, ts: int | None) -> None:
    (event,) = watching("BTCUSDT").feed(trade(tick_time=sent))
    assert event.ts == ts


@pytest.mark.parametrize("code", ["EURUSD", "GOLD", "USOIL", "US500", "HSI.HK", ".DJI.US", "000001.SH"])
@pytest.mark.parametrize("volume", ["0", "", None, ..., 0, "0.00"])
def test_a_size_that_nobody_publishes_is_unknown(watching: Watching, code: str, volume: Any) -> None:
    socket = watching(code)
    (event,) = socket.feed(trade(code=code, volume=volume, turnover=volume, trade_direction=1))
    assert (event.size, event.turnover, event.side) == (None, None, None)
    level = {"price": "2"} if volume is ... else {"price": "2", "volume": volume}
    (book,) = socket.feed(
        {"cmd_id": 22999, "data": {"code": code, "tick_time": 5, "bids": [level], "asks": []}}
    )
    assert (book.bid_prices, book.bid_sizes, book.unit) == ([2.0], [None], None)


@pytest.mark.parametrize("code", ["BTCUSDT", "700.HK", "AAPL.US", "600519.SH"])
@pytest.mark.parametrize(("direction", "side"), [(0, None), (1, "buy"), ("2", "sell"), (7, None), ("", None)])
def test_an_aggressor_where_there_is_one(watching: Watching, code: str, direction: Any, side: str) -> None:
    (event,) = watching(code).feed(trade(code=code, trade_direction=direction))
    assert event.side == side


def test_other_spellings_and_white_labels(watching: Watching) -> None:
    socket = watching("BTCUSDT")
    data = {"code": "BTCUSDT", "timestamp": 1782180170991, "price": 2, "volumn": 3, "quoteVolume": 6}
    (event,) = socket.feed({"cmd_id": 22998, "data": data})
    assert (event.ts, event.price, event.size, event.turnover) == (1782180170991 * MS, 2.0, 3.0, 6.0)


BIDS = [{"price": "2", "volume": "5"}, {"price": "1", "volume": "4"}]


@pytest.mark.parametrize(
    "bids",
    [
        BIDS,
        json.dumps(BIDS),
        [["2", "5"], ["1", "4"]],
        [[2, 5], [1, 4]],
        [json.dumps(level) for level in BIDS],
        list(reversed(BIDS)),
        [*BIDS, {"price": "0.5", "volume": "0"}],
        [{"price": "0.000000", "volume": "0"}, *BIDS],
        [{"price": 2, "volumn": 5}, {"price": 1.0, "volume": 4.0}],
    ],
)
@pytest.mark.parametrize("asks", [[], None, "", "[]", ...])
def test_every_form_of_a_side(watching: Watching, bids: Any, asks: Any) -> None:
    data = {"code": "BTCUSDT", "tick_time": 1782180170991, "bids": bids, "asks": asks}
    data = {key: value for key, value in data.items() if value is not ...}
    socket = watching("BTCUSDT")
    (book,) = socket.feed({"cmd_id": 22999, "data": data})
    assert (book.bid_prices, book.bid_sizes) == ([2.0, 1.0], [5.0, 4.0])
    assert (book.ask_prices, book.ask_sizes, book.step) == ([], [], None)
    assert socket.codec.bad_frames == 0


def test_a_bad_level_costs_only_itself(watching: Watching) -> None:
    socket = watching("BTCUSDT")
    bids = [
        *BIDS,
        {"price": "x", "volume": "1"},
        {"volume": "1"},
        {"price": "3", "volume": "-1"},
        None,
        7,
        "?",
    ]
    (book,) = socket.feed({"cmd_id": 22999, "data": {"code": "BTCUSDT", "bids": bids, "asks": []}})
    assert book.bid_prices == [2.0, 1.0]
    assert socket.codec.bad_frames == 6


def test_a_crossed_book_is_counted_and_not_shown_and_a_locked_one_is(watching: Watching) -> None:
    socket = watching("BTCUSDT")
    crossed = {"code": "BTCUSDT", "bids": BIDS, "asks": [{"price": "1.5", "volume": "1"}]}
    assert socket.feed({"cmd_id": 22999, "data": crossed}) == []
    assert socket.codec.crossed == 1
    locked = {"code": "BTCUSDT", "bids": BIDS, "asks": [{"price": "2", "volume": "1"}]}
    assert len(socket.feed({"cmd_id": 22999, "data": locked})) == 1


def test_several_documents_in_one_frame(watching: Watching) -> None:
    socket = watching("BTCUSDT")
    frame = "\n".join([json.dumps(trade(seq=1)), "{broken", json.dumps(trade(seq=2)), ""])
    assert [event.id for event in socket.feed(frame)] == ["1", "2"]
    assert socket.codec.bad_frames == 1


def test_a_byte_order_mark_and_blanks_are_no_fault(watching: Watching) -> None:
    frame = b"\xef\xbb\xbf  " + json.dumps(trade()).encode() + b"\r\n"
    assert len(watching("BTCUSDT").feed(frame)) == 1


HOSTILE: list[bytes | dict[str, Any]] = [
    b"",
    b"null",
    b"[]",
    b"7",
    b'"text"',
    b"{",
    b"not json",
    b"\x1b]0;title\x07{",
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    {},
    {"data": {}},
    {"cmd_id": 22998},
    {"cmd_id": 22998, "data": None},
    {"cmd_id": 22998, "data": []},
    {"cmd_id": 22998, "data": {}},
    {"cmd_id": 22998, "data": {"code": 7, "price": "2"}},
    {"cmd_id": "22998", "data": {"code": None}},
    trade(price=...),
    trade(price=None),
    trade(price=""),
    trade(price="NaN"),
    trade(price="Infinity"),
    trade(price="1e999"),
    trade(price="-2"),
    trade(price="0"),
    trade(price=[1]),
    trade(price="1_000"),
    trade(price=10**400),
    trade(price=True),
    trade(volume="-1"),
    {"cmd_id": 22999, "data": {"code": "BTCUSDT"}},
    {"cmd_id": 22999, "data": {"code": "BTCUSDT", "bids": "{", "asks": []}},
    {"cmd_id": 22999, "data": {"code": "BTCUSDT", "bids": 5, "asks": {}}},
]


@pytest.mark.parametrize("frame", HOSTILE, ids=lambda frame: str(frame)[:40])
def test_a_hostile_frame_is_counted_and_not_fatal(watching: Watching, frame: bytes | dict[str, Any]) -> None:
    socket = watching("BTCUSDT")
    before = socket.codec.bad_frames
    assert socket.feed(frame) == []
    assert socket.codec.bad_frames > before
    assert len(socket.feed(trade())) == 1
    assert socket.codec.verdicts == []


def test_numbers_that_are_written_otherwise_are_read(watching: Watching) -> None:
    socket = watching("BTCUSDT")
    frame = {"cmd_id": "22998", "data": trade(price=2.5, volume="1e-3", seq=None)["data"]}
    (event,) = socket.feed(frame)
    assert (event.price, event.size, event.id) == (2.5, 0.001, None)
    (event,) = socket.feed(trade(seq=True, tick_time={"s": 1}, volume=[], trade_direction=[]))
    assert (event.id, event.ts, event.size, event.side) == (None, None, None, None)


def test_what_is_not_known_or_not_wanted_is_counted_apart(watching: Watching) -> None:
    socket = watching("BTCUSDT")
    assert socket.feed({"cmd_id": 22997, "data": {"code": "BTCUSDT"}}) == []
    assert socket.feed(trade(code="ETHUSDT")) == []
    assert socket.feed(trade(code="btcusdt")) == []
    assert (socket.codec.unknown, socket.codec.unwanted, socket.codec.bad_frames) == (1, 2, 0)


# The quick way of reading a frame and the patient one tell the same.

CODES = ("BTCUSDT", "EURUSD", "700.HK", "600519.SH", "GOLD", ".DJI.US")
VALUES = st.one_of(
    st.sampled_from(
        ["", "0", "0.000000", "1", "-1", "2.50", "1e3", "NaN", "-inf", "x", None, 0, 1, 2, True, ""]
    ),
    st.floats(-10, 1e9),
    st.floats(0.01, 1e6).map(lambda value: f"{value:.6f}"),
    st.integers(-5, 10**19),
    st.integers(0, 10**16).map(str),
)
FIELDS = (
    "price",
    "volume",
    "volumn",
    "turnover",
    "quoteVolume",
    "trade_direction",
    "tick_time",
    "timestamp",
    "seq",
)
LEVEL = st.dictionaries(st.sampled_from(["price", "volume", "volumn"]), VALUES, max_size=3)
SIDE: st.SearchStrategy[Any] = st.one_of(st.lists(LEVEL, max_size=6), st.none(), st.just([]))


def codec_of(stream: Stream) -> AllTickCodec:
    codec = make("alltick", Options(token="t")).codec(Link("alltick/any", "alltick", "wss://h", ()))
    codec.want([Want(0, f"alltick:{code}", stream) for code in CODES])
    return codec


READERS: dict[Stream, tuple[AllTickCodec, AllTickCodec]] = {
    "trade": (codec_of("trade"), codec_of("trade")),
    "book": (codec_of("book"), codec_of("book")),
}


def read_both_ways(stream: Stream, frame: dict[str, Any]) -> tuple[list[Event], list[Event], int, int]:
    """Return the events of a frame, those of the same with a line of nonsense, and what was counted bad."""
    quick, patient = READERS[stream]
    before = quick.bad_frames, patient.bad_frames
    text = json.dumps(frame)
    found = quick.feed(text.encode(), SEEN), patient.feed(f"{text}\n?".encode(), SEEN)
    return *found, quick.bad_frames - before[0], patient.bad_frames - before[1] - 1


@settings(max_examples=200, deadline=None, derandomize=True)
@given(data=st.dictionaries(st.sampled_from(FIELDS), VALUES), code=st.sampled_from(CODES))
def test_prints_are_read_the_same_both_ways(data: dict[str, Any], code: str) -> None:
    quick, patient, bad, worse = read_both_ways("trade", {"cmd_id": 22998, "data": {"code": code, **data}})
    assert quick == patient
    assert bad == worse
    for event in quick:
        assert isinstance(event, Trade)
        assert 0 < event.price < float("inf")
        assert event.size is None or 0 <= event.size < float("inf")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(bids=SIDE, asks=SIDE, stamp=VALUES, code=st.sampled_from(CODES))
def test_books_are_read_the_same_both_ways(bids: Any, asks: Any, stamp: Any, code: str) -> None:
    data = {"code": code, "bids": bids, "asks": asks, "tick_time": stamp}
    quick, patient, bad, worse = read_both_ways("book", {"cmd_id": 22999, "data": data})
    assert quick == patient
    assert bad == worse
    for event in quick:
        assert isinstance(event, Book)
        assert event.bid_prices == sorted(event.bid_prices, reverse=True)
        assert event.ask_prices == sorted(event.ask_prices)
        sizes = [*event.bid_sizes, *event.ask_sizes]
        assert all(size is None or 0 < size < float("inf") for size in sizes)
