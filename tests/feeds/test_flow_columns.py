"""Columns that were reset, windows that fill, and the bucket with most volume."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdterm.feeds.events import Side, Trade
from mdterm.feeds.flow import SLOT, Flow
from mdterm.feeds.intervals import DAY, FLOW_WINDOWS, SECOND
from mdterm.feeds.profile import session_profile

START = 1_723_161_600 * SECOND  # a day's first second, UTC
TICK = 0.1


def trade(at: int, ticks: int, size: float = 1.0, side: Side | None = "buy") -> Trade:
    """Return a trade so many tenths of a second into the day, at a price in ticks."""
    ts = START + at * SLOT
    return Trade("a:b", ts, ts, None, round(ticks * TICK, 1), size, side)


def buys(flow: Flow, window: str | None = None, top: int = 1010, step: float = TICK) -> dict[int, float]:
    column = flow.column(window, top, 30, step)
    assert column is not None
    return {top - row: size for row, size in enumerate(column.buys) if size}


drawn = st.lists(
    st.tuples(st.integers(990, 1010), st.integers(1, 8).map(lambda n: n / 4)), min_size=1, max_size=60
)


@given(drawn, st.sampled_from([1, 2, 5, 10]), st.integers(1, 20))
@settings(max_examples=150, deadline=None, database=None)
def test_the_fullest_bucket_is_the_point_of_control(
    trades: list[tuple[int, float]], ticks: int, batch: int
) -> None:
    flow = Flow(TICK)
    flow.buckets(ticks)
    made = [trade(at, *one) for at, one in enumerate(trades)]
    for at in range(0, len(made), batch):
        flow.fold(made[at : at + batch])
    profile = session_profile(flow, ticks)
    assert profile is not None
    assert flow.buckets(ticks).poc == profile.low + profile.poc
    late = Flow(TICK)
    late.fold(made)
    assert late.buckets(ticks).poc == profile.low + profile.poc, "asked for only later"


def test_without_trades_there_is_no_point_of_control() -> None:
    assert Flow(TICK).buckets(1).poc is None


def test_columns_sum_from_their_reset_on_and_the_session_goes_on() -> None:
    flow = Flow(TICK)
    flow.fold([trade(0, 1000, 2.0), trade(1, 1001, 3.0)])
    flow.reset_columns()
    assert (flow.known_from, flow.marked_at) == (START + SLOT, START + SLOT)
    for window in (*FLOW_WINDOWS, None):
        assert buys(flow, window) == {}
    flow.fold([trade(2, 1001, 0.5)])
    for window in (*FLOW_WINDOWS, None):
        assert buys(flow, window) == {1001: 0.5}
    assert dict(flow.buckets(1)) == {1000: [2.0, 0.0, 0.0], 1001: [3.5, 0.0, 0.0]}
    flow.reset_columns()
    assert buys(flow) == {}


def test_a_reset_holds_when_the_tick_becomes_finer_and_the_session_coarser() -> None:
    flow = Flow(TICK, session_keys=50)
    flow.fold([trade(0, 1000, 2.0), trade(0, 1003, 4.0)])
    flow.reset_columns()
    flow.fold([trade(1, 1003, 0.5)])
    flow.refine(0.05)
    assert buys(flow, top=1010) == {1003: 0.5}
    flow.fold([trade(2, at, 1.0) for at in range(2000, 2060)])
    assert flow.session_step > 2
    wide = TICK * flow.session_step / 2
    assert buys(flow, top=110, step=wide)[101] == 0.5


def test_a_new_day_begins_without_the_reset() -> None:
    flow = Flow(TICK)
    flow.fold([trade(0, 1000, 2.0)])
    flow.reset_columns()
    flow.fold([trade(DAY // SLOT, 1000, 1.5)])
    assert flow.marked_at is None
    assert buys(flow) == {1000: 1.5}


@pytest.mark.parametrize(("tenths", "known"), [(0, 0), (30, 3), (50, 5), (9000, 5)])
def test_a_window_is_known_for_as_long_as_trades_were_seen(tenths: int, known: int) -> None:
    flow = Flow(TICK)
    assert flow.known_for("5s") == 0
    flow.fold([trade(0, 1000)])
    flow.advance(START + tenths * SLOT)
    assert flow.known_for("5s") == known * SECOND
    flow.reset()
    assert flow.known_for("5s") == 0


def test_what_the_bounds_cut_off_is_not_known() -> None:
    flow = Flow(TICK)
    for at in range(40):
        flow.fold([trade(at * 10, ticks) for ticks in range(1000, 3000)])
    assert flow.now == START + 390 * SLOT
    assert flow.known_for("5s") == 5 * SECOND
    assert flow.known_for("60s") < 39 * SECOND, "some of it had to leave early"
