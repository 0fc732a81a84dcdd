"""An event's line has the documented keys, all of them, and is strict JSON."""

import json
from typing import Any

import pytest

from mdterm.feeds.events import (
    KINDS,
    STREAM_OF,
    Balance,
    Book,
    Candle,
    Event,
    FeedStatus,
    Funding,
    Liquidation,
    OpenInterest,
    Order,
    Trade,
    TradeAgg,
    VolumeProfile,
    encode_line,
    encode_lines,
)
from tests.feeds.support import book

HEAD = ("kimchi:BTC", 5, 7)
KEYS = {"kind", "address", "ts", "seen"}

# One event of each kind with as little in it as there can be, and the keys of its line.
LEAST: list[tuple[Event, set[str]]] = [
    (Trade(*HEAD, None, 1.0, None, None), {"id", "price", "size", "side", "turnover"}),
    (
        TradeAgg(*HEAD, 1.0, 1.0, 1.0, 1.0, 0.0, None, None, None),
        {"open", "high", "low", "close", "volume", "side", "first_ts", "last_ts"},
    ),
    (Book(*HEAD, [], [], [], []), {"bids", "asks", "step", "unit", "counts"}),
    (
        Candle(*HEAD, "1m", 0, 1.0, 1.0, 1.0, 1.0, None, False),
        {"interval", "open_ts", "open", "high", "low", "close", "volume", "closed"},
    ),
    (Liquidation(*HEAD, None, 1.0, 1.0, None, None), {"id", "price", "size", "position", "raw_side"}),
    (Funding(*HEAD, None, None), {"rate", "predicted"}),
    (OpenInterest(*HEAD, 0.0), {"value"}),
    (VolumeProfile(*HEAD, [], 25.0), {"rows"}),
    (Balance(*HEAD, "BTC", "1.50", "0"), {"asset", "total", "available"}),
    (
        Order(*HEAD, "1", None, None, None, None, None, None, None, None, None, None, False),
        {
            "id",
            "side",
            "type",
            "state",
            "price",
            "size",
            "filled",
            "remaining",
            "cost",
            "created",
            "modified",
            "removed",
        },
    ),
    (FeedStatus(*HEAD, "live", None), {"state", "detail"}),
]


@pytest.mark.parametrize(
    ("event", "keys"), LEAST, ids=lambda given: getattr(given, "state", type(given).__name__)
)
def test_unknown_fields_are_null_and_never_absent(event: Event, keys: set[str]) -> None:
    line = encode_line(event)
    assert b"\n" not in line
    found = json.loads(line)
    assert set(found) == KEYS | keys
    assert list(found)[:2] == ["kind", "address"]
    assert (found["address"], found["ts"], found["seen"]) == HEAD


def test_every_kind_has_a_stream_of_its_name() -> None:
    kinds = {json.loads(encode_line(event))["kind"] for event, _ in LEAST}
    assert kinds == {*KINDS, "status"}
    assert set(STREAM_OF.values()) == set(KINDS)
    for event, _ in LEAST:
        if type(event) is not FeedStatus:
            assert json.loads(encode_line(event))["kind"] == STREAM_OF[type(event)]


def line_of(event: Event, depth: int = 10) -> dict[str, Any]:
    found = json.loads(encode_line(event, depth))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("depth", [0, 1, 10, 1000])
def test_a_books_line_has_so_many_levels(depth: int) -> None:
    levels = [(100.0 - n, float(n + 1)) for n in range(30)]
    line = line_of(book(levels, levels[::-1]), depth)
    assert line["bids"] == [list(level) for level in levels[:depth]]
    assert line["asks"] == [list(level) for level in levels[::-1][:depth]]
    assert line["counts"] is None


def test_counts_of_orders_ride_along() -> None:
    event = Book(*HEAD, [2.0, 1.0], [1.0, None], [3.0], [1.0], bid_counts=[4, 5], ask_counts=[6])
    line = line_of(event, depth=1)
    assert line["counts"] == {"bids": [4], "asks": [6]}
    assert line_of(event)["bids"] == [[2.0, 1.0], [1.0, None]]


@pytest.mark.parametrize("price", [0.1, 1e-7, 90003.0, 123456789.125, 5e-324])
def test_a_price_reads_back_exactly(price: float) -> None:
    assert line_of(Trade(*HEAD, None, price, None, None))["price"] == price


def test_text_is_escaped_and_not_changed() -> None:
    said = 'a"\\\x1b\u202e漢'
    line = encode_line(FeedStatus(*HEAD, "refused", said))
    assert json.loads(line)["detail"] == said
    assert b"\x1b" not in line


def test_many_lines_at_once_are_the_lines_one_by_one() -> None:
    trade = Trade("a:b", 1, 2, "x", 1.5, None, "buy")
    depth = Book("a:b", 1, 2, [1.0], [None], [2.0], [3.0])
    status = FeedStatus("a:b", None, 2, "live", None)
    for events in ([], [trade], [trade, status, trade], [trade, depth, status]):
        assert encode_lines(events) == b"".join(encode_line(one) + b"\n" for one in events)
