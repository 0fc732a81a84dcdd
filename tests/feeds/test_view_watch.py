"""The watchlist's view: which rows, in which order, and how long an order holds."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.address import Instrument
from mdterm.feeds.events import Book, Trade
from mdterm.feeds.frames import WatchRow
from mdterm.feeds.market import Market, Quote
from mdterm.feeds.specs import WatchSpec
from mdterm.feeds.status import Shown
from mdterm.feeds.view_watch import REFRESH_S, RESORT_S, Days, arrange, fits, watch_view

LIVE = Shown("LIVE", age=0.1)
TS = 1_763_682_461_997_000_000


def instrument(symbol: str) -> Instrument:
    return Instrument(f"sim:{symbol}", "sim", "sim", symbol)


def market(symbol: str, price: float | None = None, **book: Any) -> Market:
    made = Market(instrument(symbol))
    if price is not None:
        made.apply([Trade(made.instrument.address, TS, TS, None, price, 1.0, "buy", None)])
        made.fold()
    if book:
        address = made.instrument.address
        made.apply([Book(address, TS, TS, [99.95], [1.0], [100.05], [1.0], step=book["step"], unit="base")])
    return made


def row(address: str, **values: Any) -> WatchRow:
    plain = WatchRow(address, address, "sim", LIVE, None, 0, None, None, None, None, 1, [])
    return msgspec.structs.replace(plain, **values)


def order(spec: WatchSpec, rows: list[WatchRow], now: float = 0.0) -> list[str]:
    return [one.address for one in arrange(rows, spec, now)[1]]


def test_rows_know_their_place_in_the_persons_own_order() -> None:
    told = [(market(symbol), LIVE) for symbol in ("C", "A", "B")]
    _, frame = watch_view(told, WatchSpec(), 0.0)
    assert [(one.symbol, one.place) for one in frame.rows] == [("C", 1), ("A", 2), ("B", 3)]
    _, frame = watch_view(told, WatchSpec(sort="symbol"), 0.0)
    assert [(one.symbol, one.place) for one in frame.rows] == [("A", 2), ("B", 3), ("C", 1)]


def test_a_group_has_places_of_its_own() -> None:
    told = [(market(symbol), LIVE) for symbol in ("C", "A", "B")]
    _, frame = watch_view(told, WatchSpec(among=("sim:B", "sim:A")), 0.0)
    assert [(one.symbol, one.place) for one in frame.rows] == [("A", 1), ("B", 2)]
    assert frame.total == 2


def test_words_leave_rows_out_but_not_of_the_total() -> None:
    told = [(market(symbol), LIVE) for symbol in ("BTCUSDT", "ETHUSDT", "ETHBTC")]
    _, frame = watch_view(told, WatchSpec(words="eth"), 0.0)
    assert [(one.symbol, one.place) for one in frame.rows] == [("ETHUSDT", 2), ("ETHBTC", 3)]
    assert frame.total == 3


@pytest.mark.parametrize(
    ("words", "is_in"),
    [
        *(
            ("", True),
            ("btc", True),
            ("BTC", True),
            ("btc usdt", True),
            ("btc/usdt", True),
            ("kiyo btc", True),
        ),
        *(("eth", False), ("btc eth", False), ("  ", True), ("binance_futures:btc", True)),
    ],
)
def test_words_are_looked_for_anywhere_in_the_address(words: str, is_in: bool) -> None:
    assert fits(words, "kiyotaka:BINANCE_FUTURES:BTCUSDT") is is_in


@pytest.mark.parametrize(
    ("sort", "values", "expected"),
    [
        ("change", {"a": -0.1, "b": None, "c": 0.2}, ["c", "a", "b"]),
        ("volume", {"a": 5.0, "b": 7.0, "c": None}, ["b", "a", "c"]),
        ("pace", {"a": 0.5, "b": 12.0, "c": 1.0}, ["b", "c", "a"]),
        ("last", {"a": 0.5, "b": 12.0, "c": 1.0}, ["b", "c", "a"]),
        ("spread", {"a": 2.0, "b": 0.1, "c": None}, ["b", "a", "c"]),
    ],
)
def test_sorted_by_a_column_what_is_not_known_comes_last_either_way(
    sort: Any, values: dict[str, float | None], expected: list[str]
) -> None:
    field = {"spread": "spread_bps"}.get(sort, sort)
    rows = [row(address, **{field: value}) for address, value in values.items()]
    assert order(WatchSpec(sort=sort), rows) == expected
    known = [one for one in expected if values[one] is not None]
    unknown = [one for one in expected if values[one] is None]
    assert order(WatchSpec(sort=sort, reverse=True), rows) == [*reversed(known), *unknown]


def test_sorted_by_symbol_and_by_age() -> None:
    rows = [row("sim:b", symbol="b", shown=Shown("STALE", age=9.0)), row("sim:a", symbol="A")]
    assert order(WatchSpec(sort="symbol"), rows) == ["sim:a", "sim:b"]
    assert order(WatchSpec(sort="symbol", reverse=True), rows) == ["sim:b", "sim:a"]
    assert order(WatchSpec(sort="age"), rows) == ["sim:a", "sim:b"]
    assert order(WatchSpec(sort="age", reverse=True), rows) == ["sim:b", "sim:a"]


def test_an_order_holds_for_two_seconds() -> None:
    spec = WatchSpec(sort="last")
    spec, rows = arrange([row("a", last=2.0), row("b", last=1.0)], spec, 100.0)
    turned = [row("a", last=2.0), row("b", last=3.0)]
    for now in (100.1, 100.0 + RESORT_S - 0.01):
        spec, rows = arrange(turned, spec, now)
        assert [one.address for one in rows] == ["a", "b"]
        assert rows[1].last == 3.0, "the figures are those of now"
    spec, rows = arrange(turned, spec, 100.0 + RESORT_S)
    assert [one.address for one in rows] == ["b", "a"]


def test_other_rows_are_sorted_at_once() -> None:
    spec, _ = arrange([row("a", last=2.0), row("b", last=1.0)], WatchSpec(sort="last"), 100.0)
    rows = [row("a", last=2.0), row("b", last=1.0), row("c", last=9.0)]
    assert [one.address for one in arrange(rows, spec, 100.1)[1]] == ["c", "a", "b"]
    assert [one.address for one in arrange(rows[:1], spec, 100.1)[1]] == ["a"]


def test_there_is_a_spread_of_true_levels_only() -> None:
    told = [(market("A", 100.0, step=None), LIVE), (market("B", 100.0, step=5.0), LIVE)]
    _, frame = watch_view(told, WatchSpec(), 0.0)
    assert [one.spread_bps for one in frame.rows] == [10.0, None]


def test_pace_is_against_the_own_average() -> None:
    one = market("A", 100.0)
    spec = WatchSpec(sort="pace")
    for second in range(60):
        many = 20 if second >= 55 else 2
        one.apply([Trade("sim:A", TS, TS, None, 100.0, 1.0, "buy", None)] * many)
        one.fold()
        spec, frame = watch_view([(one, LIVE)], spec, float(second))
    pace = frame.rows[0].pace
    assert pace is not None
    assert 4.0 < pace < 8.0


def test_prices_are_of_the_moment_and_sums_at_most_half_a_second_behind() -> None:
    one, days, spec = market("A", 100.0), Days(), WatchSpec()
    assert watch_view([(one, LIVE)], spec, 0.0, days)[1].rows[0].volume == 1.0
    one.apply([Trade("sim:A", TS, TS, None, 101.0, 2.0, "buy", None)])
    row = watch_view([(one, LIVE)], spec, REFRESH_S - 0.1, days)[1].rows[0]
    assert (row.last, row.volume) == (101.0, 1.0)
    row = watch_view([(one, LIVE)], spec, REFRESH_S, days)[1].rows[0]
    assert (row.last, row.volume) == (101.0, 3.0)


def test_another_market_of_the_same_address_has_its_own_sums() -> None:
    days = Days()
    watch_view([(market("A", 100.0), LIVE)], WatchSpec(), 0.0, days)
    empty = watch_view([(market("A"), LIVE)], WatchSpec(), 0.1, days)[1].rows[0]
    assert (empty.last, empty.volume, empty.spark) == (None, None, [])


def test_the_light_tier_knows_neither_change_nor_pace_nor_spread() -> None:
    quote = Quote(instrument("A"))
    quote.apply([Trade("sim:A", TS, TS, None, 100.0, 1.0, "buy", None)])
    _, frame = watch_view([(quote, LIVE)], WatchSpec(), 0.0)
    one = frame.rows[0]
    assert (one.last, one.change, one.pace, one.spread_bps) == (100.0, None, None, None)


@given(
    st.lists(st.tuples(st.floats(-1, 1) | st.none(), st.floats(0, 9) | st.none()), max_size=8),
    st.sampled_from([None, "change", "volume", "symbol"]),
    st.booleans(),
)
def test_every_row_is_there_once_whatever_the_order(
    values: list[tuple[float | None, float | None]], sort: Any, is_reversed: bool
) -> None:
    rows = [row(f"sim:{at}", change=change, volume=volume) for at, (change, volume) in enumerate(values)]
    found = order(WatchSpec(sort=sort, reverse=is_reversed), rows)
    assert sorted(found) == sorted(one.address for one in rows)
