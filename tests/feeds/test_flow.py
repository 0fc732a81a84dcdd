"""Flow windows equal what a plain look back over the tape gives."""

import tracemalloc
from math import ceil, floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdterm.feeds.burst import burst_of
from mdterm.feeds.events import Side, Trade
from mdterm.feeds.flow import SLOT, Flow
from mdterm.feeds.intervals import DAY, FLOW_WINDOWS, SECOND
from mdterm.feeds.windows import Windows

START = 1_723_161_540 * SECOND  # one minute before a day ends, UTC
TICK = 0.1


def trade(ts: int, ticks: int, size: float | None = 1.0, side: Side | None = "buy") -> Trade:
    """Return a trade at a venue time (ns) and a price in ticks of 0.1."""
    return Trade("a:b", ts, ts, None, round(ticks * TICK, 1), size, side)


def plain(trades: list[Trade], newest: int, window: str | None, group: int) -> dict[tuple[int, str], float]:
    """Return traded size by (row, side), looked up in the whole tape."""
    out: dict[tuple[int, str], float] = {}
    for one in trades:
        ts = one.ts or 0
        if window is not None and ts // SLOT <= newest // SLOT - FLOW_WINDOWS[window] // SLOT:
            continue
        if window is None and ts // DAY != newest // DAY:
            continue
        if one.side is None or one.size is None:
            continue
        ticks = round(one.price / TICK)
        row = ceil(ticks / group) if one.side == "buy" else floor(ticks / group)
        out[row, one.side] = out.get((row, one.side), 0.0) + one.size
    return out


sizes = st.one_of(st.none(), st.integers(1, 80).map(lambda n: n / 8))
sides: st.SearchStrategy[Side | None] = st.sampled_from(["buy", "sell", "sell", "buy", None])


@given(
    st.lists(st.tuples(st.integers(0, 15 * 600), st.integers(990, 1010), sizes, sides), max_size=80),
    st.integers(1, 30),
    st.sampled_from([1, 2, 5]),
    st.integers(0, 20 * 60),
)
@settings(max_examples=200, deadline=None, database=None)
def test_windows_equal_a_plain_look_back(
    drawn: list[tuple[int, int, float | None, Side | None]], batch: int, group: int, silence: int
) -> None:
    trades = [trade(START + at * SECOND // 10, ticks, size, side) for at, ticks, size, side in drawn]
    flow = Flow(TICK)
    for at in range(0, len(trades), batch):
        flow.fold(trades[at : at + batch])
    newest = max((one.ts or 0 for one in trades if one.size is not None), default=0)
    day = newest // DAY
    for pause in (0, silence):
        flow.advance(newest + pause * SECOND)
        for window in (*FLOW_WINDOWS, None):
            column = flow.column(window, 1020 // group, 60, TICK * group)
            assert column is not None
            got = {}
            for row, (sold, bought) in enumerate(zip(column.sells, column.buys, strict=True)):
                if sold:
                    got[1020 // group - row, "sell"] = sold
                if bought:
                    got[1020 // group - row, "buy"] = bought
            now = newest if window is None else newest + pause * SECOND
            assert got == plain(trades, now, window, group), window
    assert flow.anchor is None or flow.anchor // DAY == day


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 3), st.floats(0.001, 1e9)), max_size=200))
@settings(max_examples=100, deadline=None, database=None)
def test_no_dust_is_left_when_a_sum_has_left_the_window(entries: list[tuple[int, int, float]]) -> None:
    windows = Windows(1, [5, 20])
    for slot, key, size in entries:
        windows.add(slot, {key: size})
    newest = max((slot for slot, _, _ in entries), default=0)
    for length in (5, 20):
        expected = {key for slot, key, _ in entries if slot > newest - length}
        assert set(windows.sums(length)) == expected
    windows.advance(newest + 20)
    assert windows.sums(5) == windows.sums(20) == {}


def test_reading_few_rows_and_many_rows_agrees() -> None:
    flow = Flow(TICK)
    flow.fold(
        [trade(START + at, 500 + at * 7 % 1000, 1.0, "buy" if at % 3 else "sell") for at in range(2000)]
    )
    whole = flow.column("8m", 1600, 1200, TICK)
    part = flow.column("8m", 1000, 40, TICK)
    assert whole is not None
    assert part is not None
    assert part.sells == whole.sells[600:640]
    assert part.buys == whole.buys[600:640]
    assert sum(part.sells) > 0
    coarse = flow.column("8m", 100, 4, TICK * 10)
    assert coarse is not None
    assert coarse.sells[0] == sum(whole.sells[1600 - 1009 : 1600 - 999])
    assert coarse.buys[0] == sum(whole.buys[1600 - 1000 : 1600 - 990])


def test_a_new_day_begins_anew_and_late_trades_stay_out_of_it() -> None:
    flow = Flow(TICK)
    flow.fold([trade(START, 1000, 3.0)])
    flow.fold([trade(START + 60 * SECOND, 1000, 1.0), trade(START + 59 * SECOND, 1000, 5.0)])
    column, session = flow.column("8m", 1000, 1, TICK), flow.column(None, 1000, 1, TICK)
    assert column is not None
    assert session is not None
    assert column.buys == [9.0]
    assert session.buys == [1.0]
    assert flow.anchor == START + 60 * SECOND


def test_a_finer_tick_keeps_what_was_traded() -> None:
    flow = Flow(0.5)
    flow.fold([Trade("a:b", START, START, None, 100.5, 2.0, "buy")])
    flow.buckets(10)
    flow.refine(0.1)
    flow.fold([Trade("a:b", START, START, None, 100.1, 1.0, "sell")])
    for window in ("5s", None):
        column = flow.column(window, 1005, 5, 0.1)
        if window is None:
            assert column is None  # half a point wide is what is known of the session's first price
            column = flow.column(window, 201, 1, 0.5)
            assert column is not None
            assert (column.buys, column.sells) == ([2.0], [0.0])
            continue
        assert column is not None
        assert (column.buys, column.sells) == ([2.0, 0, 0, 0, 0], [0, 0, 0, 0, 1.0])
    flow.refine(0.5)
    assert flow.tick == 0.1


def test_rows_finer_than_the_tick_are_not_known() -> None:
    assert Flow(1.0).column("5s", 10, 5, 0.1) is None


def test_a_session_of_too_many_prices_becomes_coarser() -> None:
    flow = Flow(TICK, session_keys=50)
    trades = [trade(START, 1000 + at, 1.0, "buy" if at % 2 else "sell") for at in range(60)]
    for one in trades:
        flow.fold([one])
    assert flow.session_step == 10
    assert flow.column(None, 1060, 70, TICK) is None
    column = flow.column(None, 107, 10, TICK * 10)
    expected = plain(trades, START, None, 10)
    assert column is not None
    assert {(107 - row, "buy"): size for row, size in enumerate(column.buys) if size} == {
        key: size for key, size in expected.items() if key[1] == "buy"
    }
    assert sum(column.sells) == 30.0


def test_windows_are_bounded_and_say_so() -> None:
    windows = Windows(1, [100], entries=64)
    for slot in range(50):
        windows.add(slot, dict.fromkeys(range(4), 1.0))
    assert windows.cut_at is not None
    assert windows.cut_at > 30
    assert windows.sums(100)[0][0] == 50 - windows.cut_at
    windows.add(3, {0: 1.0})  # before the cut: it would never leave
    assert windows.sums(100)[0][0] == 50 - windows.cut_at


def test_forgotten_prices_are_read_again() -> None:
    flow = Flow(TICK)
    flow.fold([trade(START, at, 1.0) for at in range(1, 9000)])
    flow.fold([trade(START, 5, 1.0)])
    column = flow.column("5s", 5, 1, TICK)
    assert column is not None
    assert column.buys == [2.0]


def test_reset_forgets_windows_and_session() -> None:
    flow = Flow(TICK)
    flow.fold([trade(START, 1000)])
    flow.reset()
    flow.fold([trade(START, 1000, 0.5)])
    for window in ("8m", None):
        column = flow.column(window, 1000, 1, TICK)
        assert column is not None
        assert column.buys == [0.5]


def test_buckets_are_kept_up() -> None:
    flow = Flow(TICK)
    flow.fold([trade(START, 1003, 1.0)])
    buckets = flow.buckets(5)
    flow.fold([trade(START, 1004, 2.0, "sell"), trade(START, 1005, 3.0, None)])
    assert flow.buckets(5) is buckets
    assert buckets == {200: [1.0, 2.0, 0.0], 201: [0.0, 0.0, 3.0]}
    for ticks in (1, 2, 10, 20):
        flow.buckets(ticks)
    assert flow.buckets(5) is not buckets
    assert flow.buckets(5) == buckets


def test_buckets_that_nobody_asks_for_are_let_go_and_made_anew() -> None:
    flow, begin = Flow(TICK), START - 600 * SECOND
    flow.fold([trade(begin, 1003, 1.0)])
    buckets = flow.buckets(5)
    flow.fold([trade(begin + 30 * SECOND, 1004, 2.0)])
    assert flow.buckets(5) is buckets
    flow.fold([trade(begin + 120 * SECOND, 1004, 4.0)])
    assert flow.buckets(5) is not buckets
    assert flow.buckets(5) == {200: [7.0, 0.0, 0.0]}


@pytest.mark.parametrize("field", ["size", "ts"])
def test_trades_without_size_or_time_are_left_out(field: str) -> None:
    flow = Flow(TICK)
    flow.fold([Trade("a:b", None if field == "ts" else START, START, None, 100.0, None, "buy")])
    assert flow.version == 0
    assert flow.span() is None


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3), st.booleans()), max_size=120))
@settings(max_examples=100, deadline=None, database=None)
def test_a_window_is_the_same_whether_it_was_looked_at_all_the_time_or_not(
    steps: list[tuple[int, int, bool]],
) -> None:
    """Slots are of 0.1 s; a window that nobody asks for is let go after ten seconds."""
    lengths = [5 * SECOND, 60 * SECOND]
    watched, unwatched = Windows(SECOND // 10, lengths), Windows(SECOND // 10, lengths)
    for slot, key, is_asked in steps:
        for windows in (watched, unwatched):
            windows.add(slot, {key: 1.0})
        for length in lengths:
            told = {name: cell[0] for name, cell in watched.sums(length).items()}
            if is_asked:
                assert {name: cell[0] for name, cell in unwatched.sums(length).items()} == told


def quarter_of_a_hundred(slot: int) -> list[Trade]:
    """Return 25 trades of one slot of 0.1 s."""
    ts, base = START - 3_600 * SECOND + slot * SLOT, slot * 7
    return [
        trade(ts + at * 1_000_000, 1_000 + (base + at) % 40, (1 + at) / 8, "buy" if at % 3 else "sell")
        for at in range(25)
    ]


def test_what_nobody_looks_at_is_kept_in_little_memory_and_is_right_when_somebody_does() -> None:
    """Four minutes of 250 trades a second, in bursts that nothing but the windows keeps."""
    seen, unseen = Flow(TICK), Flow(TICK)
    seen.column("8m", 1_000, 1, TICK)
    tracemalloc.start()
    for slot in range(2_400):
        burst = burst_of(quarter_of_a_hundred(slot))
        assert burst is not None
        unseen.fold(burst)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 3_500_000
    for slot in range(2_400):
        seen.fold(quarter_of_a_hundred(slot))
    for window in (*FLOW_WINDOWS, None):
        assert unseen.column(window, 1_050, 60, TICK) == seen.column(window, 1_050, 60, TICK)
