"""Books, trades and candles of one market link."""

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.contract import Want
from mdterm.feeds.events import Book, Candle, Event, Trade
from mdterm.feeds.jayx import facts
from mdterm.feeds.jayx.codec import Generations, MarketCodec
from mdterm.feeds.jayx.framing import Dialect
from mdterm.feeds.jayx.units import units_of

SEEN = 1_716_136_436_800_000_000
Make = Callable[..., MarketCodec]


def of(events: Sequence[Event], kind: type[Any]) -> list[Any]:
    return [event for event in events if type(event) is kind]


def level(ticks: Any, lots: Any = 5, count: Any = 1) -> dict[str, Any]:
    return {"ticks": ticks, "lots": lots, "count": count}


def book(bids: list[Any], asks: list[Any], trades: Any = ()) -> bytes:
    return json.dumps({"orderBook": {"asks": asks, "bids": bids}, "trades": list(trades)}).encode()


def print_(created: Any, ticks: Any = 6_678_147, lots: Any = 5, side: Any = "BUY") -> dict[str, Any]:
    return {"lots": lots, "ticks": ticks, "side": side, "created": created}


def bar(created: int, close: int = 105, m: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "_id": "x",
        "created": created,
        "o": 100,
        "h": 110,
        "l": 90,
        "c": close,
        "v": 7,
        "m": m or created + 39,
        "symbol": "BTCUSDT",
        **fields,
    }


def test_the_documented_book_and_trades(market: Make, examples: dict[str, str]) -> None:
    events = market().feed(examples["orderbook"].encode(), SEEN)
    assert of(events, Book) == [
        Book(
            "jayx:BTCUSDT",
            None,
            SEEN,
            [66576.78, 65911.01, 65245.24],
            [0.997207, 2.989353, 4.989821],
            [66843.63, 67512.07, 68180.5],
            [1.004817, 2.993562, 4.992059],
            None,
            "base",
            [1, 1, 1],
            [1, 1, 1],
        )
    ]
    ms = 1_000_000
    assert of(events, Trade) == [
        Trade("jayx:BTCUSDT", 1716136436745 * ms, SEEN, None, 66640.49, 0.00151, "buy"),
        Trade("jayx:BTCUSDT", 1716136436747 * ms, SEEN, None, 66703.38, 0.000591, "buy"),
        Trade("jayx:BTCUSDT", 1716136436758 * ms, SEEN, None, 66674.18, 0.003779, "buy"),
    ]


def test_the_documented_candle(market: Make, examples: dict[str, str]) -> None:
    assert market().feed(examples["kline"].encode(), SEEN) == [
        Candle(
            "jayx:BTCUSDT",
            1_716_131_619_000_000_000,
            SEEN,
            "1m",
            1_716_131_580_000_000_000,
            66781.47,
            66900.62,
            66747.83,
            66895.23,
            0.24169,
            False,
        )
    ]


def test_a_book_is_replaced_whole_and_sorted_here(market: Make) -> None:
    codec = market()
    codec.feed(book([level(99), level(98)], [level(101)]), SEEN)
    (second,) = codec.feed(book([level(97, 1, 4), level(99, 2, 5), level(98, 3, 6)], []), SEEN)
    assert isinstance(second, Book)
    assert second.bid_prices == [0.99, 0.98, 0.97]
    assert second.bid_sizes == [0.000002, 0.000003, 0.000001]
    assert second.bid_counts == [5, 6, 4]
    assert (second.ask_prices, second.ask_counts) == ([], [])


@pytest.mark.parametrize("bids", [[level(101)], [level(102)], [level(99), level(101)]])
def test_a_crossed_book_is_not_taken(market: Make, bids: list[Any]) -> None:
    codec = market()
    events = codec.feed(book(bids, [level(101)], [print_(1716136436745)]), SEEN)
    assert [type(event) for event in events] == [Trade]
    assert codec.crossed == 1
    assert codec.feed(book([level(100)], [level(101)]), SEEN) != []


def test_what_cannot_be_a_level_costs_only_itself(market: Make) -> None:
    codec = market()
    asks = [
        level(101),
        level(102, 0),
        level(103, -4),
        level(-104),
        level("105", "6"),
        level(None),
        level(1.5),
        level(10**400),
        "level",
        {"ticks": 106},
        level(107, 8, "many"),
    ]
    (event,) = codec.feed(book([], asks), SEEN)
    assert isinstance(event, Book)
    assert event.ask_prices == [1.01, 1.05, 1.07]
    assert event.ask_sizes == [0.000005, 0.000006, 0.000008]
    assert event.ask_counts is None  # one level tells none, so none is told
    assert codec.bad_frames == 7


def test_the_absence_of_a_book_is_not_an_empty_book(market: Make) -> None:
    codec = market()
    assert codec.feed(b'{"trades":[]}', SEEN) == []
    assert codec.feed(b'{"orderBook":null,"trades":[]}', SEEN) == []
    assert codec.feed(b'{"orderBook":{"asks":5,"bids":[]}}', SEEN) == []
    (event,) = codec.feed(b'{"orderBook":{"asks":[],"bids":[]}}', SEEN)
    assert isinstance(event, Book)
    assert (event.bid_prices, event.ask_prices) == ([], [])


def test_trades_that_cannot_be_cost_only_themselves(market: Make) -> None:
    codec = market()
    trades = [
        print_(50),
        print_(40, side="sell"),
        print_(30, side="?"),
        print_(20, side=None),
        print_("10"),
        print_(9, ticks=0),
        print_(8, lots=-1),
        print_(7, ticks="x"),
        print_(-6),
        None,
    ]
    events = of(codec.feed(json.dumps({"trades": trades}).encode(), SEEN), Trade)
    assert [event.side for event in events] == ["buy", None, None, "sell", "buy"]
    assert codec.bad_frames == 5


def test_trades_are_told_once_also_across_connections(market: Make) -> None:
    codec = market()
    first = [print_(1716136436000 + at) for at in (3, 2, 1)]
    assert len(codec.feed(json.dumps({"trades": first}).encode(), SEEN)) == 3
    codec.opened(10.0)
    second = [print_(1716136436005), print_(1716136436004), *first]
    events = of(codec.feed(json.dumps({"trades": second}).encode(), SEEN), Trade)
    assert [event.ts for event in events] == [1716136436004000000, 1716136436005000000]
    assert codec.duplicates == 3


def test_only_what_is_wanted_comes_out(market: Make, examples: dict[str, str]) -> None:
    frames = [examples["orderbook"].encode(), examples["kline"].encode()]
    for streams, kinds in (
        (("book",), {Book}),
        (("trade",), {Trade}),
        (("candle",), {Candle}),
        ((), set()),
    ):
        codec = market(streams=streams)
        assert {type(event) for frame in frames for event in codec.feed(frame, SEEN)} == kinds


def test_raw_counts_where_nobody_told_the_units(market: Make, examples: dict[str, str]) -> None:
    codec = market(tick=None, lot=None)
    events = codec.feed(examples["orderbook"].encode(), SEEN)
    assert of(events, Book)[0].bid_prices == [6657678.0, 6591101.0, 6524524.0]
    assert of(events, Trade)[-1].size == 3779.0


# Candles.


def kline(modify: Any = None, add: Any = None) -> bytes:
    return json.dumps({"add": add, "modify": modify}).encode()


def told(events: Sequence[Event]) -> list[tuple[int, float, bool]]:
    return [(one.open_ts // 10**9, one.close, one.closed) for one in of(events, Candle)]


def test_the_bar_before_is_told_closed_when_a_later_one_appears(market: Make) -> None:
    codec = market()
    assert told(codec.feed(kline(bar(60)), SEEN)) == [(60, 1.05, False)]
    assert told(codec.feed(kline(bar(60, 106)), SEEN)) == [(60, 1.06, False)]
    assert told(codec.feed(kline(add=bar(120)), SEEN + 5)) == [(60, 1.06, True), (120, 1.05, False)]
    assert told(codec.feed(kline(bar(180, 104), bar(240)), SEEN)) == [
        (120, 1.05, True),
        (180, 1.04, True),
        (240, 1.05, False),
    ]


def test_what_closes_the_old_and_opens_the_new_is_told_once_each(market: Make) -> None:
    codec = market()
    codec.feed(kline(bar(60)), SEEN)
    assert told(codec.feed(kline(bar(60, 108), bar(120)), SEEN)) == [(60, 1.08, True), (120, 1.05, False)]


def test_a_bar_that_is_mended_late_stays_closed(market: Make) -> None:
    codec = market()
    codec.feed(kline([bar(60), bar(120)]), SEEN)
    assert told(codec.feed(kline(bar(60, 109)), SEEN)) == [(60, 1.09, True)]


def test_lists_come_oldest_first(market: Make) -> None:
    codec = market()
    events = codec.feed(kline(add=[bar(180), bar(60), bar(120)]), SEEN)
    assert told(events) == [(60, 1.05, True), (120, 1.05, True), (180, 1.05, False)]


def test_nothing_new_is_not_told(market: Make) -> None:
    codec = market()
    codec.feed(kline(bar(60)), SEEN)
    assert codec.feed(kline(bar(60)), SEEN + 1) == []
    assert codec.feed(kline(), SEEN) == []
    assert codec.feed(b'{"event":"kline","data":{"add":[],"modify":[]}}', SEEN) == []
    codec.opened(9.0)
    assert codec.feed(kline(bar(60)), SEEN + 2) == []
    assert codec.unknown == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"o": 0},
        {"h": None},
        {"h": 104},
        {"l": 101},
        {"v": -1},
        {"created": None},
        {"c": 105.5},
        {"created": -60},
    ],
)
def test_a_candle_that_cannot_be_is_left_out(market: Make, fields: dict[str, Any]) -> None:
    codec = market()
    events = codec.feed(kline([{**bar(60), **fields}, bar(120)]), SEEN)
    assert told(events) == [(120, 1.05, False)]
    assert codec.bad_frames == 1


def test_numbers_as_text_and_unknown_volume(market: Make) -> None:
    (event,) = market().feed(kline({**bar(60), "o": "100", "v": None}), SEEN)
    assert isinstance(event, Candle)
    assert (event.open, event.volume) == (1.0, None)


def test_a_candle_of_another_symbol_is_not_ours(market: Make) -> None:
    codec = market()
    assert codec.feed(kline(bar(60, symbol="ETHUSDT")), SEEN) == []
    assert codec.unknown == 1


@pytest.mark.parametrize(("name", "seconds"), facts.INTERVALS.items())
def test_every_interval_is_asked_in_seconds(market: Make, name: str, seconds: int) -> None:
    codec = market(interval=name)
    asked = json.loads(codec.due(0.0).messages[0])
    assert asked["data"]["interval"] == str(seconds)
    (event,) = codec.feed(kline(bar(seconds * 3)), SEEN)
    assert isinstance(event, Candle)
    assert event.interval == name


# Two connections of one symbol.


def test_a_newer_connection_silences_the_older_with_its_first_data(market: Make) -> None:
    generations = Generations()
    old, new = market(generations=generations), market(generations=generations)
    one = json.dumps({"trades": [print_(1716136436001)]}).encode()
    two = json.dumps({"trades": [print_(1716136436002), print_(1716136436001)]}).encode()
    assert len(old.feed(one, SEEN)) == 1
    assert len(new.feed(two, SEEN)) == 1
    assert old.feed(book([level(1)], [level(2)]), SEEN) == []
    assert old.passed_over == 1
    assert len(new.feed(book([level(1)], [level(2)]), SEEN)) == 1


def trades(*numbers: int) -> bytes:
    """Return a push with the newest trades of all, by the millisecond that each happened in."""
    told = [print_(1716136436000 + one) for one in sorted(numbers, reverse=True)]
    return json.dumps({"orderBook": {"asks": [level(2)], "bids": [level(1)]}, "trades": told}).encode()


def milliseconds(events: Sequence[Event]) -> list[int]:
    return [one.ts // 1_000_000 % 1000 for one in of(events, Trade)]


def test_a_newer_connection_waits_until_its_trades_meet_those_of_the_older(market: Make) -> None:
    """A push holds the newest trades alone: what lies between would be lost."""
    generations = Generations()
    old, new = market(generations=generations), market(generations=generations)
    assert milliseconds(old.feed(trades(1, 2, 3), SEEN)) == [1, 2, 3]
    assert new.feed(trades(6, 7), SEEN) == []
    assert new.feed(kline(bar(1716131580)), SEEN) == []
    assert new.passed_over == 2
    assert milliseconds(old.feed(trades(4, 5, 6), SEEN)) == [4, 5, 6]
    assert milliseconds(new.feed(trades(6, 7, 8), SEEN)) == [7, 8]
    assert new.feed(kline(bar(1716131580)), SEEN) != []
    assert old.feed(trades(7, 8), SEEN) == []
    assert old.passed_over == 1


def test_what_was_told_while_a_connection_waited_is_not_lost(market: Make) -> None:
    """An older connection that lags is passed by whole pushes; each of them holds only what is new."""
    generations = Generations()
    old, new = market(generations=generations), market(generations=generations)
    assert milliseconds(old.feed(trades(1, 2, 3), SEEN)) == [1, 2, 3]
    for told in (trades(6, 7), trades(8, 9), trades(10, 11)):
        assert new.feed(told, SEEN) == []
    assert milliseconds(old.feed(trades(4, 5, 6), SEEN)) == [4, 5, 6]
    assert milliseconds(new.feed(trades(11, 12), SEEN)) == [7, 8, 9, 10, 11, 12]
    assert old.feed(trades(7, 8), SEEN) == []


@pytest.mark.parametrize("is_old_silent", [True, False])
def test_what_never_meets_is_not_waited_for_for_ever(market: Make, is_old_silent: bool) -> None:
    generations = Generations()
    old, new = market(generations=generations), market(generations=generations)
    old.feed(trades(1, 2), SEEN)
    later = SEEN + 2_100_000_000
    if not is_old_silent:
        assert new.feed(trades(500), SEEN + 1) == []
        old.feed(trades(1, 2, 3), later - 1)
    told = milliseconds(new.feed(trades(900, 901), later))
    assert told == ([900, 901] if is_old_silent else [500, 900, 901]), "what came while it waited is told"
    assert old.feed(trades(1, 2, 3, 4), later) == []


def test_a_list_that_meets_what_was_known_says_that_nothing_was_missed(market: Make) -> None:
    codec = market()
    codec.feed(trades(1, 2, 3), SEEN)
    assert not codec.is_bridged(), "before the first list nobody knows what was missed"
    for told, is_bridged in ((trades(3, 4, 5), True), (trades(9, 10), False), (trades(10), True)):
        codec.opened(1.0)
        codec.feed(told, SEEN)
        assert codec.is_bridged() == is_bridged
    codec.feed(trades(90), SEEN)
    assert codec.is_bridged(), "only the first list of a socket tells"


def test_who_wants_bars_alone_loses_nothing_by_taking_over(market: Make) -> None:
    generations = Generations()
    old, new = (market(("candle",), generations=generations) for _ in range(2))
    assert old.feed(kline(bar(1716131580)), SEEN) != []
    assert new.feed(kline(bar(1716131580, close=106)), SEEN) != []
    assert old.feed(kline(bar(1716131580, close=104)), SEEN) == []


# What is not understood.


@pytest.mark.parametrize(
    ("frame", "bad", "unknown"),
    [
        (b"not json", 0, 1),
        (b"{", 1, 0),
        (b'{"what":1}', 0, 1),
        (b'["kline",5]', 1, 0),
        (b'42["kline"', 1, 0),
        (b"42[1,2]", 1, 0),
        (b"[[[[", 1, 0),
        (b"\xff\xfe", 0, 1),
        (b'{"event":"kline","data":5}', 0, 1),
        (b'{"event":"subscribed","data":{"ok":true}}', 0, 1),
        (b'{"spot":[]}', 0, 1),
        (b'{"orderBook":' + b"[" * 100_000, 1, 0),
        (b'{"trades":[{"lots":' + b"9" * 5000 + b"}]}", 1, 0),
    ],
)
def test_frames_that_say_nothing_are_counted(market: Make, frame: bytes, bad: int, unknown: int) -> None:
    codec = market()
    assert codec.feed(frame, SEEN) == []
    assert (codec.bad_frames, codec.unknown) == (bad, unknown)


NAMES = """event data message orderBook asks bids trades add modify cancel spot ticks lots o id created error
status x""".split()  # noqa: SIM905  # twenty quoted words read worse
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.lists(_JSON.map(lambda found: json.dumps(found).encode()) | st.binary(max_size=40), max_size=4))
def test_nothing_that_comes_breaks_the_codec(frames: list[bytes]) -> None:
    codec = MarketCodec(
        address="jayx:A",
        symbol="A",
        interval="1m",
        precise="1",
        dialect=Dialect("envelope", envelope=("type", "payload")),
        namespace="/",
        units=units_of(Decimal(1), None),
        generations=Generations(),
    )
    codec.want([Want(0, "jayx:A", stream) for stream in ("book", "trade", "candle")])
    for frame in frames:
        for event in codec.feed(frame, SEEN):
            assert not isinstance(event, Trade) or event.price > 0


# Complaints.


@pytest.mark.parametrize(
    "frame",
    [
        b'42["error",{"message":"no such symbol"}]',
        b'{"event":"exception","data":{"status":"error","message":"no such symbol"}}',
        b'{"error":"no such symbol"}',
        b'{"error":{"code":404,"message":"no such symbol"}}',
        b'{"code":404,"message":"no such symbol"}',
        b'{"event":"error","message":"no such symbol"}',
        b'{"success":false,"message":"no such symbol"}',
    ],
)
def test_a_complaint_refuses_the_symbol(market: Make, frame: bytes) -> None:
    codec = market()
    assert codec.feed(frame, SEEN) == []
    (verdict,) = codec.verdicts
    assert (verdict.detail, verdict.addresses) == ("no such symbol", ("jayx:BTCUSDT",))


def test_a_complaint_while_data_flows_refuses_nothing(market: Make, examples: dict[str, str]) -> None:
    codec = market()
    codec.feed(examples["kline"].encode(), SEEN)
    codec.feed(b'{"error":"something else"}', SEEN)
    assert codec.verdicts == []


def test_too_many_is_a_pause_and_no_refusal(market: Make) -> None:
    codec = market()
    codec.feed(b'{"code":429,"message":"Too many requests"}', SEEN)
    (verdict,) = codec.verdicts
    assert (verdict.addresses, verdict.final) == ((), False)


def test_a_complaint_cannot_write_on_the_terminal(market: Make) -> None:
    codec = market()
    codec.feed(b'{"error":"\\u001b[31mred\\u202e"}', SEEN)
    assert codec.verdicts[0].detail == "·[31mred·"
