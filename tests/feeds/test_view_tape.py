"""The tape's frame: what is shown, what waits, and what a filter, a hold or a joining never changes."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.account import Fill
from mdterm.feeds.events import Liquidation, Position, Side, Trade
from mdterm.feeds.frames import TapeFrame, TapeRow
from mdterm.feeds.market import Market
from mdterm.feeds.prints import KEPT
from mdterm.feeds.specs import JOINS, TapeSpec
from mdterm.feeds.view_tape import tape_view
from tests.feeds.support import ADDRESS, NOW_NS, instrument, trade

MS = 1_000_000
SIDES: list[Side] = ["buy", "sell"]


def tape_of(market: Market, spec: TapeSpec) -> TapeFrame:
    return tape_view(market, spec, 0.0)


def prints(count: int) -> list[Trade]:
    """Return trades of sizes 1, 2, 3, … that no print joins."""
    return [trade(100.0, float(n + 1), ts=NOW_NS + n * MS) for n in range(count)]


def liquidation(price: float, size: float, position: Position | None, ts: int = NOW_NS) -> Liquidation:
    return Liquidation(ADDRESS, ts, ts, None, price, size, position, "SELL")


def test_the_newest_print_is_first_and_all_trades_are_counted() -> None:
    market = Market(instrument())
    market.apply(prints(50))
    frame = tape_of(market, TapeSpec(5))
    assert [row.size for row in frame.rows] == [50.0, 49.0, 48.0, 47.0, 46.0]
    assert (frame.trades, frame.newest, frame.waiting) == (50, 50, 0)


def test_a_filter_hides_rows_and_counts_them() -> None:
    market = Market(instrument())
    market.apply([*prints(50), trade(100.0, None, ts=NOW_NS + 10**9)])
    frame = tape_of(market, TapeSpec(5, min_size=49.0))
    assert [row.size for row in frame.rows] == [50.0, 49.0]
    assert (frame.trades, frame.min_size) == (51, 49.0)


def test_a_filter_may_be_worth_money() -> None:
    market = Market(instrument())
    market.apply(prints(50))
    frame = tape_of(market, TapeSpec(9, min_size=4_800.0, min_in_quote=True))
    assert [row.size for row in frame.rows] == [50.0, 49.0, 48.0]


def test_sizes_in_the_quote_currency_are_what_was_paid() -> None:
    market = Market(instrument())
    market.apply([trade(100.0, 2.0), trade(99.0, 3.0), trade(98.0, None, side=None)])
    frame = tape_of(market, TapeSpec(5, quote=True))
    assert [row.size for row in frame.rows] == [None, 497.0]
    assert frame.quote
    assert frame.cvd == 5.0, "CVD stays in the base"


TRADES = st.lists(
    st.builds(
        trade,
        price=st.integers(400, 440).map(lambda n: n / 4),
        size=st.none() | st.integers(0, 40).map(lambda n: n / 4),
        side=st.sampled_from(SIDES),
        ts=st.integers(0, 40).map(lambda n: NOW_NS + n * 10 * MS),
    ),
    max_size=70,
)


def passing(rows: Sequence[TapeRow], least: float | None) -> list[TapeRow]:
    return [row for row in rows if least is None or (row.size is not None and row.size >= least)]


@given(TRADES, st.integers(0, 70), st.none() | st.integers(0, 12), st.sampled_from(JOINS), st.integers(1, 20))
def test_what_is_held_and_what_waits_is_all_there_is(
    trades: list[Trade], cut: int, quarters: int | None, join_ms: int, rows: int
) -> None:
    """Counts add up to the trades, a filter takes rows away and no count, and what waits is exact."""
    market, least = Market(instrument()), None if quarters is None else quarters / 4
    before, after = trades[:cut], trades[cut:]
    if before:
        market.apply(before)
    hold = tape_of(market, TapeSpec(rows)).newest
    assert hold == len(before)
    if after:
        market.apply(after)
    every = tape_of(market, TapeSpec(1000, join_ms=join_ms))
    assert sum(row.count for row in every.rows) == every.trades == len(trades)
    assert (every.waiting, every.is_end) == (0, True)
    # A print that began before the hold belongs to it, though it went on for a moment.
    begun: list[bool] = []
    number = 1
    for row in reversed(every.rows):
        begun.insert(0, number <= hold)
        number += row.count
    frame = tape_of(market, TapeSpec(rows, min_size=least, hold=hold, join_ms=join_ms))
    held = passing([row for row, is_held in zip(every.rows, begun, strict=True) if is_held], least)
    fresh = passing([row for row, is_held in zip(every.rows, begun, strict=True) if not is_held], least)
    assert frame.rows == held[:rows]
    assert frame.waiting == len(fresh)
    assert not frame.is_waiting_least
    assert frame.trades == len(trades)
    assert frame.cvd == every.cvd


@given(TRADES, st.integers(0, 90), st.integers(1, 12), st.sampled_from(JOINS))
def test_scrolling_back_shows_what_came_before(
    trades: list[Trade], back: int, rows: int, join_ms: int
) -> None:
    market = Market(instrument())
    if trades:
        market.apply(trades)
    every = tape_of(market, TapeSpec(1000, join_ms=join_ms)).rows
    spec = TapeSpec(rows, hold=len(trades), back=back, join_ms=join_ms)
    frame = tape_of(market, spec)
    assert frame.back == min(back, max(0, len(every) - max(1, rows // 2)))
    assert frame.rows == every[frame.back : frame.back + rows]
    assert frame.is_end == (len(every) - frame.back <= rows)


def test_a_minute_can_be_gone_back_through() -> None:
    market = Market(instrument())
    for second in range(90):
        market.apply(
            [
                trade(100.0, 1.0, ts=NOW_NS + second * 1000 * MS + at * 5 * MS, seen=NOW_NS + second * 10**9)
                for at in range(200)
            ]
        )
        tape_of(market, TapeSpec(5))
    oldest = tape_of(market, TapeSpec(10, hold=18_000, back=10**9)).rows[-1]
    assert oldest.ts <= NOW_NS + 30 * 10**9


def test_a_hold_outlives_what_is_kept_and_says_that_more_may_wait() -> None:
    market = Market(instrument())
    for at in range(0, KEPT + 3000, 1000):
        market.apply([trade(100.0, 1.0, ts=NOW_NS + (at + n) * MS) for n in range(1000)])
        tape_of(market, TapeSpec(5))
    frame = tape_of(market, TapeSpec(5, hold=10))
    assert frame.rows == []
    assert frame.waiting == pytest.approx(KEPT, abs=2)
    assert frame.is_waiting_least
    assert frame.trades == KEPT + 3000


# --- liquidations -------------------------------------------------------------------------------------


def test_liquidations_stand_where_they_came_and_are_no_trades() -> None:
    market = Market(instrument())
    made = prints(3)
    market.apply(made[:2])
    market.apply([liquidation(99.0, 7.0, "long"), liquidation(98.0, 8.0, None)])
    market.apply(made[2:])
    frame = tape_of(market, TapeSpec(9))
    assert [(row.is_forced, row.position, row.size) for row in frame.rows] == [
        (False, None, 3.0),
        (True, None, 8.0),
        (True, "long", 7.0),
        (False, None, 2.0),
        (False, None, 1.0),
    ]
    assert (frame.trades, frame.waiting, frame.cvd) == (3, 0, 6.0)
    assert len(tape_of(market, TapeSpec(3)).rows) == 3
    assert [row.size for row in tape_of(market, TapeSpec(9, min_size=7.5)).rows] == [8.0]
    assert [row.size for row in tape_of(market, TapeSpec(9, min_size=690.0, min_in_quote=True)).rows] == [
        8.0,
        7.0,
    ]


def test_a_held_tape_takes_no_liquidation_in() -> None:
    market = Market(instrument())
    made = prints(4)
    market.apply(made[:3])
    market.apply([liquidation(99.0, 7.0, "long")])
    market.apply(made[3:])
    market.apply([liquidation(98.0, 8.0, "short")])
    held = tape_of(market, TapeSpec(9, hold=3))
    assert [row.size for row in held.rows] == [7.0, 3.0, 2.0, 1.0]
    assert held.waiting == 1
    assert [row.size for row in tape_of(market, TapeSpec(4, hold=4, back=1)).rows] == [7.0, 3.0, 2.0, 1.0]
    assert [row.size for row in tape_of(market, TapeSpec(4, hold=4, back=2)).rows] == [2.0, 1.0]


# --- own fills, the biggest ---------------------------------------------------------------------------


def fill(ms: int, price: str | None) -> dict[int, list[Fill]]:
    exact = None if price is None else Decimal(price)
    return {ms: [Fill("jayx:BTCUSDT", ms * MS, "1", "buy", exact, Decimal(1))]}


@pytest.mark.parametrize(
    ("ms", "price", "own"),
    [
        (0, "100.5", True),
        (0, "100.2", True),
        (0, "100.6", False),
        (0, None, False),
        (1, "100.5", False),
    ],
)
def test_a_print_is_own_by_its_millisecond_and_price(ms: int, price: str | None, own: bool) -> None:
    market = Market(instrument())
    market.apply([trade(100.1), trade(100.5)])
    frame = tape_view(market, TapeSpec(5), 0.0, fill(NOW_NS // MS + ms, price))
    assert [row.own for row in frame.rows] == [own]


def test_a_fill_in_a_longer_join_is_found() -> None:
    market = Market(instrument())
    market.apply([trade(100.1), trade(100.5, ts=NOW_NS + 60 * MS)])
    fills = fill(NOW_NS // MS + 60, "100.5")
    assert [row.own for row in tape_view(market, TapeSpec(5), 0.0, fills).rows] == [True, False]
    assert [row.own for row in tape_view(market, TapeSpec(5, join_ms=100), 0.0, fills).rows] == [True]


def test_the_biggest_is_told_where_it_is_asked_for() -> None:
    market = Market(instrument())
    market.apply([*prints(10), *(trade(100.0, 3.0 - n, ts=NOW_NS + (20 + n) * MS) for n in range(3))])
    assert tape_of(market, TapeSpec(5)).biggest is None
    biggest = tape_of(market, TapeSpec(5, min_size=11.0, biggest_since=0)).biggest
    assert biggest is not None
    assert biggest.size == 10.0, "a filter does not hide it"
    later = tape_of(market, TapeSpec(5, biggest_since=10)).biggest
    assert later is not None
    assert later.size == 3.0
    assert tape_of(market, TapeSpec(5, biggest_since=13)).biggest is None


def test_grades_come_with_the_rows() -> None:
    market = Market(instrument())
    sizes = [1.0 + at % 10 / 10 for at in range(200)]
    market.apply([trade(100.0, size, ts=NOW_NS + at * MS) for at, size in enumerate([*sizes, 50.0])])
    assert [row.grade for row in tape_of(market, TapeSpec(3)).rows] == [3, 1, 0]


def test_without_sizes_there_is_nothing_to_grade_or_filter_by() -> None:
    market = Market(instrument())
    market.apply([trade(100.0, None, ts=NOW_NS + at * MS) for at in range(100)])
    frame = tape_of(market, TapeSpec(5))
    assert [row.size for row in frame.rows] == [None] * 5
    assert {row.grade for row in frame.rows} == {0}
    assert (frame.median, frame.largest) == (0.0, 0.0)
