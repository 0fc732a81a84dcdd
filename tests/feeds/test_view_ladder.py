"""What a ladder tells beside its sizes: depth, a row in full, marks, windows, units; and where it stands."""

import asyncio
import math
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.account import Working
from mdterm.feeds.binding import Binding
from mdterm.feeds.events import Book, Order, Side, Trade
from mdterm.feeds.frames import LadderFrame
from mdterm.feeds.intervals import MINUTE, SECOND
from mdterm.feeds.market import Market
from mdterm.feeds.specs import LadderSpec, ViewSpec
from mdterm.feeds.status import Shown
from mdterm.feeds.touches import MOST
from mdterm.feeds.view_ladder import band_of, ladder_view, settle
from tests.feeds.support import NOW_NS, book, instrument, trade

BIDS = [(99.0, 2.0), (98.0, 3.0), (96.0, 5.0), (95.0, 7.0)]
ASKS = [(101.0, 1.0), (102.0, 4.0), (105.0, 6.0)]


def counted(made: Book, bids: list[int], asks: list[int]) -> Book:
    return msgspec.structs.replace(made, bid_counts=bids, ask_counts=asks)


def market_of(*events: Any, tick: float | None = 1.0) -> Market:
    market = Market(instrument(tick=tick))
    for one in events:
        market.apply([one])
    return market


def frame_of(market: Market, **wishes: Any) -> LadderFrame:
    wishes = {"rows": 15, "margin": 0} | wishes
    frame = ladder_view(market, settle(market, LadderSpec(**wishes)))
    assert frame is not None
    return frame


def by_row(frame: LadderFrame, values: list[Any] | None) -> dict[int, Any]:
    """Return what is told of rows, those without left out."""
    assert values is not None
    return {frame.top - at: value for at, value in enumerate(values) if value != 0}


# --- depth from the touch -----------------------------------------------------------------------------


def test_depth_adds_up_from_the_touch_and_over_rows_without_a_level() -> None:
    frame = frame_of(market_of(book(BIDS, ASKS)))
    assert by_row(frame, frame.cum_bids) == {99: 2.0, 98: 5.0, 97: 5.0, 96: 10.0, 95: 17.0}
    assert by_row(frame, frame.cum_asks) == {101: 1.0, 102: 5.0, 103: 5.0, 104: 5.0, 105: 11.0}


def test_depth_and_imbalance_are_over_the_levels_asked_for() -> None:
    frame = frame_of(market_of(book(BIDS, ASKS)), levels=2)
    assert by_row(frame, frame.cum_bids) == {99: 2.0, 98: 5.0}
    assert by_row(frame, frame.cum_asks) == {101: 1.0, 102: 5.0}
    assert (frame.imbalance, frame.imbalance_levels) == (0.0, 2)
    assert frame_of(market_of(book(BIDS, ASKS)), levels=50).imbalance_levels == 3


def test_depth_counts_levels_nearer_than_the_first_row_in_sight() -> None:
    frame = frame_of(market_of(book(BIDS, ASKS)), rows=3, centre=96, frozen=True)
    assert by_row(frame, frame.cum_bids) == {97: 5.0, 96: 10.0, 95: 17.0}
    assert by_row(frame, frame.cum_asks) == {}
    frame = frame_of(market_of(book(BIDS, ASKS)), rows=3, centre=104, frozen=True)
    assert by_row(frame, frame.cum_asks) == {103: 5.0, 104: 5.0, 105: 11.0}


levels_st = st.lists(
    st.tuples(st.integers(1, 60), st.integers(1, 80).map(lambda n: n / 8)),
    max_size=30,
    unique_by=lambda one: one[0],
)


@given(levels_st, levels_st, st.sampled_from([1, 2, 5]), st.integers(1, 30), st.integers(-40, 40))
def test_depth_equals_a_plain_sum(
    below: list[tuple[int, float]],
    above: list[tuple[int, float]],
    group: int,
    levels: int,
    away: int,
) -> None:
    bids = [(1000.0 - at, size) for at, size in sorted(below)]
    asks = [(1000.0 + at, size) for at, size in sorted(above)]
    centre = 1000 // group + away
    frame = frame_of(market_of(book(bids, asks)), group=group, levels=levels, centre=centre, frozen=True)
    for at in range(len(frame.bids)):
        row = frame.top - at
        for told, side, sign in ((frame.cum_bids[at], bids, -1), (frame.cum_asks[at], asks, 1)):
            weighed = side[:levels]
            rows = [sign * math.ceil(sign * price / group) for price, _ in weighed]
            is_inside = bool(rows) and sign * rows[0] <= sign * row <= sign * rows[-1]
            plain = sum(
                size for (_, size), one in zip(weighed, rows, strict=True) if sign * one <= sign * row
            )
            assert told == (plain if is_inside else 0.0)


def test_depth_over_unknown_sizes_is_unknown() -> None:
    frame = frame_of(market_of(book([(99.0, 1.0), (98.0, None), (97.0, 2.0)], [(101.0, None)])))
    assert by_row(frame, frame.cum_bids) == {99: 1.0, 98: None, 97: None}
    assert by_row(frame, frame.cum_asks) == {101: None}


# --- one row in full ----------------------------------------------------------------------------------


def test_the_cursor_tells_a_row_in_full() -> None:
    market = market_of(counted(book(BIDS, ASKS), [1, 2, 3, 4], [5, 6, 7]))
    told = frame_of(market, cursor=96).cursor
    assert told is not None
    assert (told.row, told.side, told.size, told.count) == (96, "bid", 5.0, 3)
    assert told.cumulative == 10.0
    assert told.notional == 2 * 99 + 3 * 98 + 5 * 96
    assert told.ticks == -4.0
    assert told.bps == pytest.approx(-400.0)
    told = frame_of(market, cursor=103).cursor
    assert told is not None
    assert (told.side, told.size, told.count, told.cumulative) == ("ask", 0.0, 0, 5.0)
    told = frame_of(market, cursor=52, group=2).cursor
    assert told is not None
    assert (told.side, told.size, told.count, told.cumulative) == ("ask", 0.0, 0, 5.0)
    told = frame_of(market, cursor=51, group=2).cursor
    assert told is not None
    assert (told.side, told.size, told.count, told.ticks) == ("ask", 5.0, 11, 2.0)


def test_inside_the_spread_nothing_rests() -> None:
    told = frame_of(market_of(book(BIDS, ASKS)), cursor=100).cursor
    assert told is not None
    assert (told.side, told.size, told.count, told.ticks) == (None, None, None, 0.0)


def test_of_buckets_no_distance_is_told() -> None:
    told = frame_of(market_of(book(BIDS, ASKS, 1.0)), cursor=98).cursor
    assert told is not None
    assert (told.size, told.count, told.ticks, told.bps) == (3.0, None, None, None)


def test_without_a_book_a_row_has_nothing_to_tell() -> None:
    told = frame_of(market_of(trade(100.0)), cursor=98).cursor
    assert told is not None
    assert (told.side, told.size, told.cumulative, told.ticks) == (None, None, None, None)


def test_the_microprice_leans_to_the_lighter_side() -> None:
    assert frame_of(market_of(book(BIDS, ASKS))).micro == (99.0 * 1.0 + 101.0 * 2.0) / 3.0
    assert frame_of(market_of(book(BIDS, ASKS, 1.0))).micro is None
    assert frame_of(market_of(book([(99.0, None)], ASKS))).micro is None


# --- the session's marks ------------------------------------------------------------------------------


def test_high_low_vwap_and_poc_are_rows() -> None:
    market = market_of(book(BIDS, ASKS), trade(97.0, 1.0), trade(104.0, 1.0, "sell"), trade(101.0, 4.0))
    frame = frame_of(market)
    assert (frame.high, frame.low, frame.poc) == (104, 97, 101)
    assert frame.vwap == round((97 + 104 + 404) / 6)
    frame = frame_of(market, group=5)
    assert (frame.high, frame.low, frame.poc, frame.vwap) == (20, 19, 20, 20)
    unmarked = frame_of(market, marks=False)
    assert (unmarked.high, unmarked.low, unmarked.vwap, unmarked.poc) == (None, None, None, None)


def test_rows_that_would_move_the_ladder_are_named() -> None:
    market = market_of(book(BIDS, ASKS))
    spec = settle(market, LadderSpec(21))
    frame = frame_of(market, rows=21)
    assert frame.trigger == band_of(spec) + 1
    assert spec.centre is not None
    assert frame.trigger is not None
    for edge, moves in ((frame.trigger - 1, False), (frame.trigger, True)):
        market.apply([book([(spec.centre + edge - 1.0, 1.0)], [(float(spec.centre + edge), 1.0)])])
        assert (settle(market, spec).centre != spec.centre) == moves
    assert frame_of(market, frozen=True).trigger is None
    assert frame_of(market, dynamic=True).trigger is None


# --- where it stands ----------------------------------------------------------------------------------


def test_dynamic_keeps_the_mid_in_the_middle_unless_it_is_held() -> None:
    market = market_of(book(BIDS, ASKS))
    spec = settle(market, LadderSpec(21, dynamic=True))
    market.apply([book([(102.0, 1.0)], [(104.0, 1.0)])])
    assert settle(market, spec).centre == 103
    held = msgspec.structs.replace(spec, frozen=True)
    assert settle(market, held).centre == 100


def test_a_ladder_stays_at_its_prices_when_more_digits_become_known() -> None:
    market = market_of(*[book([(100.0, 1.0)], [(101.0, 1.0)])] * 2, tick=None)
    spec = settle(market, LadderSpec(21))
    assert (spec.centre, spec.step) == (100, 1.0)
    held = msgspec.structs.replace(spec, frozen=True, cursor=99)
    market.apply([book([(100.25, 1.0), (99.75, 1.0)], [(101.25, 1.0)])])
    moved = settle(market, held)
    assert (moved.step, moved.centre, moved.cursor) == (0.01, 10_000, 9_900)
    assert settle(market, moved) is moved


def test_rows_are_as_fine_as_the_book_not_as_its_trades() -> None:
    market = market_of(tick=None)
    market.apply([book([(100.25, 1.0), (100.0, 1.0)], [(100.5, 1.0), (100.75, 1.0)])])
    for at in range(100, 360):
        market.apply([trade(float(at))])
        market.fold()
    assert market.prices.digits == 0, "all trades at whole prices"
    assert frame_of(market).step == 0.01
    market.apply([trade(100.3755), trade(100.3765)] * 4)
    market.fold()
    assert frame_of(market, flow=True).step == 0.01, "trades inside the spread make no finer rows"


# --- what traded --------------------------------------------------------------------------------------


def test_a_window_says_how_much_of_it_is_known() -> None:
    market = market_of(book(BIDS, ASKS), trade(100.0, ts=NOW_NS))
    for seconds, filled in ((0, 0), (12, 12), (59, 59), (60, None), (300, None)):
        market.apply([trade(100.0, ts=NOW_NS + seconds * SECOND)])
        assert frame_of(market, flow=True, window="60s").filled == filled
    assert frame_of(market, flow=True, window="8m").filled == 300
    frame = frame_of(market, flow=True, window=None)
    assert (frame.filled, frame.flow_since) == (None, NOW_NS // (SECOND // 10) * (SECOND // 10))


def test_a_reset_begins_windows_and_changes_anew_and_leaves_the_session() -> None:
    market = market_of(book(BIDS, ASKS), trade(101.0, 4.0), trade(99.0, 1.0, "sell"))
    spec = settle(market, LadderSpec(15, margin=0, flow=True, changes=True, volume=True, window=None))
    ladder_view(market, spec)
    market.apply([book([(99.0, 8.0)], [(101.0, 1.0)])])
    frame = ladder_view(market, spec)
    assert frame is not None
    assert by_row(frame, frame.bid_changes) == {99: 6.0}
    later = NOW_NS + MINUTE
    market.apply([trade(101.0, 2.0, ts=later)])
    for window in ("60s", None):
        spec = settle(market, msgspec.structs.replace(spec, reset=True, window=window))
        assert spec.reset is False, "once"
        frame = ladder_view(market, spec)
        assert frame is not None
        assert not any(frame.buys or [1])
        assert not any(frame.sells or [1])
        assert not any(frame.bid_changes or [1])
        assert by_row(frame, frame.volumes) == {101: 6.0, 99: 1.0}
        assert frame.poc == 101
        if window is None:
            assert frame.flow_since == later
        else:
            assert frame.filled == 0
    market.apply([trade(101.0, 0.5, ts=later + SECOND)])
    frame = ladder_view(market, spec)
    assert frame is not None
    assert by_row(frame, frame.buys) == {101: 0.5}


async def test_a_reset_that_was_not_done_yet_is_not_lost() -> None:
    """Another key may be pressed before the panel's task has made its next frame."""
    made: list[LadderSpec] = []

    def make(spec: ViewSpec, now: float) -> tuple[ViewSpec, None]:
        assert isinstance(spec, LadderSpec)
        made.append(spec)
        return msgspec.structs.replace(spec, reset=False), None

    offered = asyncio.Event()
    binding = Binding(
        "ladder",
        "a:b",
        LadderSpec(20, centre=50, step=0.5),
        simulated=False,
        make=make,
        state=lambda: Shown("LIVE"),
        now=lambda: 0.0,
        offer=lambda binding, panel: offered.set(),
    )
    binding.respec(LadderSpec(20, reset=True))
    binding.respec(LadderSpec(20, flow=True))
    for _ in range(2):
        offered.clear()
        binding.render()
        await offered.wait()
    binding.close()
    assert [(one.reset, one.flow, one.centre, one.step) for one in made] == [
        (True, True, 50, 0.5),
        (False, True, 50, 0.5),
    ]


def test_diagonals_weigh_buys_against_the_sells_a_row_below() -> None:
    market = market_of(
        book(BIDS, ASKS),
        trade(101.0, 9.0),
        trade(100.0, 3.0, "sell"),
        trade(102.0, 2.0),
        trade(101.0, 6.1, "sell"),
        trade(99.0, 0.1),
    )
    frame = frame_of(market, flow=True, window="60s")
    # 101 bought 9 against 3 sold at 100: three times; 101 sold 6.1 against 2 bought at 102: more than that.
    assert by_row(frame, frame.diagonals) == {101: 1 | 2}, "0.1 bought at 99 is too little to tell anything"
    assert frame_of(market).diagonals is None


# --- units --------------------------------------------------------------------------------------------


def order(side: Side, price: str, remaining: str) -> Working:
    one = Order("a:b", 0, 0, "1", side, "LIMIT", "open", price, remaining, "0", remaining, None, 0, 0, False)
    number = Decimal(remaining)
    return Working(one, Decimal(price), number, Decimal(0), number, None)


def test_quote_sizes_are_size_times_price() -> None:
    market = market_of(book(BIDS, ASKS), trade(101.0, 2.0), trade(99.0, 1.5, "sell"))
    spec = settle(
        market, LadderSpec(15, margin=0, quote=True, flow=True, changes=True, volume=True, window=None)
    )
    ladder_view(market, spec)
    market.apply([book([(99.0, 3.0), *BIDS[1:]], ASKS)])
    frame = ladder_view(market, spec, [order("buy", "95", "0.5")])
    assert frame is not None
    assert frame.in_quote
    assert by_row(frame, frame.bids) == {99: 297.0, 98: 294.0, 96: 480.0, 95: 665.0}
    assert by_row(frame, frame.cum_asks)[105] == 101 + 408 + 630
    assert (by_row(frame, frame.buys), by_row(frame, frame.sells)) == ({101: 202.0}, {99: 148.5})
    assert by_row(frame, frame.volumes) == {101: 202.0, 99: 148.5}
    assert by_row(frame, frame.bid_changes) == {99: 99.0}
    assert [one.remaining for one in frame.own] == [47.5]
    assert frame.largest == 665.0
    assert frame.imbalance == frame_of(market).imbalance, "weighed as the book has it"


@pytest.mark.parametrize(("unit", "is_quote"), [("quote", True), ("contracts", False)])
def test_what_is_not_in_the_base_is_not_converted(unit: Any, is_quote: bool) -> None:
    market = market_of(msgspec.structs.replace(book(BIDS, ASKS), unit=unit))
    frame = frame_of(market, quote=True)
    assert by_row(frame, frame.bids)[99] == 2.0
    assert frame.in_quote is is_quote


def test_changes_of_sizes_that_are_not_published_are_unknown() -> None:
    market = market_of(book([(99.0, None)], [(101.0, 1.0)]))
    frame = frame_of(market, changes=True)
    assert (frame.bid_changes, frame.ask_changes) == (None, None)


def test_the_usual_size_is_the_mean_of_those_in_view() -> None:
    assert frame_of(market_of(book(BIDS, ASKS))).usual == pytest.approx(28 / 7)
    assert frame_of(market_of(trade(100.0))).usual == 0.0


def test_nothing_is_told_of_what_was_not_asked_for() -> None:
    market = market_of(book(BIDS, ASKS), Trade("a:b", NOW_NS, NOW_NS, None, 101.0, 1.0, "buy"))
    frame = frame_of(market)
    assert (frame.sells, frame.buys, frame.volumes, frame.bid_changes, frame.cursor) == (None,) * 5
    assert market.resting is None


@given(st.lists(st.integers(-40, 40), min_size=1, max_size=60), st.data())
def test_where_the_ladder_stands_does_not_depend_on_when_it_is_looked_at(
    steps: list[int], data: st.DataObject
) -> None:
    seldom, often = market_of(), market_of()
    one, other = settle(seldom, LadderSpec(21)), settle(often, LadderSpec(21))
    price, books = 1_000, []
    for step in steps:
        price += step
        books.append(book([(price - 1.0, 1.0)], [(price + 1.0, 1.0)]))
    for each in books:
        often.apply([each])
        other = settle(often, other)
    while books:
        amount = data.draw(st.integers(1, len(books)))
        seldom.apply(books[:amount])
        del books[:amount]
        if data.draw(st.booleans()):
            one = settle(seldom, one)
    one = settle(seldom, one)
    assert (one.centre, one.step) == (other.centre, other.step)


def test_moves_that_are_no_longer_kept_are_passed_over() -> None:
    market = market_of()
    spec = settle(market, LadderSpec(21))
    books = [book([(1_000.0 + at % 2, 1.0)], [(1_002.0, 1.0)]) for at in range(2 * MOST)]
    market.apply([book([(5_000.0, 1.0)], [(5_001.0, 1.0)]), *books])
    spec = settle(market, spec)
    assert (spec.centre, spec.seen) == (1_001, 2 * MOST + 1)
    assert len(market.touched(0)[0]) <= MOST + MOST // 8
