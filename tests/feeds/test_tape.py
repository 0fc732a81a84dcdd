"""The tape joins, grades and counts as a plain recomputation over all trades does."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.events import Side, Trade
from mdterm.feeds.grades import LEAST, Scale, filter_steps, nearest_step, scale_of
from mdterm.feeds.market import Market, Quote
from mdterm.feeds.prints import KEPT, KEPT_CALM, REWIND_NS, Filter, Print, Prints
from mdterm.feeds.specs import JOINS
from mdterm.feeds.tape import Tape
from tests.feeds.support import NOW_NS, instrument, trade

MS = 1_000_000
SIDES: list[Side | None] = ["buy", "sell", None]
# Quarters add up exactly in any order.
TRADES = st.lists(
    st.builds(
        trade,
        price=st.integers(1, 40).map(lambda n: n / 4),
        size=st.none() | st.integers(0, 40).map(lambda n: n / 4),
        side=st.sampled_from(SIDES),
        ts=st.none() | st.integers(0, 5_000_000).map(lambda ns: NOW_NS + ns * 40),
        seen=st.integers(0, 5_000_000).map(lambda ns: NOW_NS + 9 * MS + ns),
    ),
    max_size=80,
)
CUTS = st.lists(st.integers(0, 80), max_size=6)


def time_of(one: Trade) -> int:
    return one.seen if one.ts is None else one.ts


def joined(trades: Sequence[Trade], join_ms: int) -> list[list[Trade]]:
    """Return the trades in groups: of one side, one after another, near enough to the group's first."""
    groups: list[list[Trade]] = []
    for one in trades:
        if groups:
            first = groups[-1][0]
            apart = time_of(one) // MS - time_of(first) // MS
            if one.side == first.side and 0 <= apart < join_ms:
                groups[-1].append(one)
                continue
        groups.append([one])
    return groups


def told(group: Sequence[Trade]) -> tuple[object, ...]:
    sizes = [one.size for one in group if one.size is not None]
    prices = [one.price for one in group]
    worth = [one.size * one.price for one in group if one.size is not None]
    return (
        time_of(group[0]),
        time_of(group[-1]),
        prices[0],
        prices[-1],
        min(prices),
        max(prices),
        sum(sizes) if sizes else None,
        sum(worth) if sizes else None,
        group[0].side,
        len(group),
    )


def rows_of(prints: Prints) -> list[Print]:
    return [*prints.closed, *([prints.open] if prints.open is not None else [])]


def batches(trades: Sequence[Trade], cuts: Sequence[int]) -> list[list[Trade]]:
    """Cut trades into runs at the places given."""
    at = [0, *sorted(cut % (len(trades) + 1) for cut in cuts), len(trades)]
    return [list(trades[begin:end]) for begin, end in pairwise(at) if begin < end]


@given(TRADES, CUTS, st.sampled_from(JOINS), st.integers(0, 6))
def test_prints_equal_a_plain_join_however_the_trades_arrive(
    trades: list[Trade], cuts: list[int], join_ms: int, first_look: int
) -> None:
    tape = Tape()
    for number, batch in enumerate(batches(trades, cuts)):
        if number >= first_look:
            tape.prints(join_ms)
        tape.fold(batch)
    groups = joined(trades, join_ms)
    rows = rows_of(tape.prints(join_ms))
    assert [
        (p.ts, p.last_ts, p.first_price, p.price, p.low, p.high, p.size, p.turnover, p.side, p.count)
        for p in rows
    ] == [told(group) for group in groups]
    numbers = [1 + sum(len(one) for one in groups[:at]) for at in range(len(groups))]
    assert [one.first for one in rows] == numbers, "a print is known by its first trade"
    assert tape.trades == len(trades) == sum(one.count for one in rows)
    assert tape.last == (trades[-1] if trades else None)
    assert tape.volume == sum(one.size or 0.0 for one in trades)


@given(TRADES, CUTS)
def test_the_direction_is_that_of_the_last_change(trades: list[Trade], cuts: list[int]) -> None:
    tape = Tape()
    for batch in batches(trades, cuts):
        tape.fold(batch)
    prices = [one.price for one in trades]
    ticks = [b - a for a, b in pairwise(prices) if a != b]
    assert tape.direction == (0 if not ticks else 1 if ticks[-1] > 0 else -1)


def calm(count: int, apart_ms: int, start: int = 0) -> list[Trade]:
    """Return trades so far apart that nothing is joined, seen as they happen."""
    return [
        trade(size=1.0 + at % 7, ts=NOW_NS + at * apart_ms * MS, seen=NOW_NS + at * apart_ms * MS)
        for at in range(start, start + count)
    ]


@pytest.mark.parametrize("is_watched", [True, False])
def test_a_calm_tape_keeps_thousands_of_prints(is_watched: bool) -> None:
    tape = Tape()
    for at in range(0, 12_000, 500):
        if is_watched:
            tape.prints(1)
        tape.fold(calm(500, 1000, at))
    prints = tape.prints(1)
    assert tape.trades == 12_000
    assert len(prints.closed) == pytest.approx(KEPT_CALM, abs=2)
    assert rows_of(prints)[-1].first == 12_000


def test_a_busy_tape_keeps_two_minutes_and_is_bounded() -> None:
    tape = Tape()
    prints = tape.prints(0)
    for at in range(0, 20_000, 100):
        tape.fold(calm(100, 10, at))  # 100 a second
        tape.prints(0)
    oldest, newest = prints.closed[0].ts, prints.closed[-1].ts
    assert newest - oldest == REWIND_NS
    for at in range(20_000, 70_000, 1000):
        tape.fold(calm(1000, 1, at))
        tape.prints(0)
    assert len(prints.closed) == KEPT
    assert tape.trades == 70_000


def test_prints_made_late_do_not_begin_in_the_middle_of_a_sweep() -> None:
    tape = Tape()
    sweep = [trade(100.0 - at / 10, ts=NOW_NS, seen=NOW_NS) for at in range(KEPT)]
    tape.fold(sweep)
    tape.fold(calm(10, 1000, 1))
    first = rows_of(tape.prints(1))[0]
    assert (first.first, first.count) == (KEPT + 1, 1)


def test_what_nobody_looks_at_any_more_is_let_go_and_comes_back_the_same() -> None:
    tape = Tape()
    made = calm(9_000, 100)
    tape.prints(1)
    for at in range(0, 9_000, 100):
        tape.fold(made[at : at + 100])
        if at == 4_000:
            first = tape.prints(1)
        if at == 4_100:
            assert tape.prints(1) is first, "ten seconds later they are still there"
    again = tape.prints(1)
    assert again is not first
    assert [one.first for one in rows_of(again)] == [
        one + 9_000 - len(rows_of(again)) + 1 for one in range(len(rows_of(again)))
    ]


# --- grades and filters -------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 400).map(lambda n: n / 4), max_size=300))
def test_grades_are_shares_of_the_sample(sizes: list[float]) -> None:
    scale = scale_of(sizes)
    if len(sizes) < LEAST:
        assert {scale.grade(size) for size in sizes} <= {0}
        return
    for grade, most in ((1, 0.10), (2, 0.03), (3, 0.005)):
        above = sum(scale.grade(size) >= grade for size in sizes)
        assert above <= most * len(sizes) + 1
    assert list(scale.limits) == sorted(scale.limits)
    assert scale.grade(None) == 0


def test_where_all_are_equal_none_is_large() -> None:
    assert scale_of([100.0] * 500).grade(100.0) == 0
    assert scale_of([100.0] * 500).grade(101.0) == 3


@given(st.lists(st.integers(1, 4000).map(lambda n: n / 4), min_size=1, max_size=400), st.integers(1, 60))
def test_the_grade_of_a_closed_print_never_changes(sizes: list[float], step: int) -> None:
    prints = Prints(0)
    seen: dict[int, int] = {}
    trades = [trade(size=size, ts=NOW_NS + at * MS) for at, size in enumerate(sizes)]
    for at in range(0, len(trades), step):
        prints.take(trades[at : at + step], at + 1)
        for one in prints.closed:
            assert seen.setdefault(one.first, one.grade) == one.grade


@given(st.floats(1e-6, 1e6), st.floats(1, 1e5))
def test_filter_steps_are_round_and_lie_within(median: float, times: float) -> None:
    largest = median * times
    steps = filter_steps(median, largest)
    assert steps == sorted(steps)
    assert 1 <= len(steps) <= 24
    assert all(step > median for step in steps)
    assert all(step <= largest for step in steps[1:])
    assert {f"{step:e}"[0] for step in steps} <= {"1", "2", "5"}
    assert {float(f"{step:.0e}") for step in steps} == set(steps)


def test_filter_steps_of_a_market() -> None:
    assert filter_steps(0.034, 46.0) == [0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0]
    assert filter_steps(100.0, 100.0) == [200.0]
    assert filter_steps(0.0, 0.0) == []


@given(st.floats(1e-6, 1e9))
def test_the_nearest_step_is_near(value: float) -> None:
    step = nearest_step(value)
    assert 1 / 1.6 <= step / value <= 1.6
    assert filter_steps(step * 0.999, step) == [step]


@given(TRADES, CUTS, st.sampled_from(JOINS), st.integers(0, 40), st.booleans())
def test_a_filter_passes_what_is_large_enough_and_counts_nothing_away(
    trades: list[Trade], cuts: list[int], join_ms: int, quarters: int, quote: bool
) -> None:
    only, tape = Filter(quarters / 4, quote), Tape()
    for batch in batches(trades, cuts):
        tape.fold(batch)
        tape.prints(join_ms).passing(only)
    prints = tape.prints(join_ms)
    passing = list(prints.passing(only))
    assert passing == [one for one in prints.closed if only.passes(one)]
    assert all((one.turnover if quote else one.size or 0.0) or quarters == 0 for one in passing)
    assert tape.trades == len(trades), "a filter changes no count"


@given(TRADES, CUTS, st.lists(st.integers(0, 80), min_size=6, max_size=6))
def test_the_biggest_is_the_first_of_the_largest_since_then(
    trades: list[Trade], cuts: list[int], marks: list[int]
) -> None:
    tape, since = Tape(), 0
    for batch, mark in zip(batches(trades, cuts), [*marks, 0], strict=False):
        tape.fold(batch)
        since = min(mark, tape.trades)
        prints = tape.prints(1)
        sized = [one for one in rows_of(prints) if one.first > since and one.size is not None]
        largest = max((one.size or 0.0 for one in sized), default=None)
        expected = next((one for one in sized if one.size == largest), None)
        assert prints.biggest(since) == expected
    assert tape.prints(1).biggest(tape.trades) is None


def test_a_scale_needs_some_prints() -> None:
    prints = Prints(0)
    for at, one in enumerate(calm(LEAST * 2, 10)):
        prints.take([one], at + 1)
        assert prints.scale.limits == () or at >= LEAST
    assert prints.scale.limits
    assert isinstance(prints.scale, Scale)
    assert prints.limits() == (prints.scale.median, prints.scale.largest)


# --- the pace -----------------------------------------------------------------------------------------


def test_the_pace_is_that_of_the_last_seconds() -> None:
    tape = Tape()
    assert tape.pace(0.0).trades == 0.0
    for second in range(1, 31):
        tape.fold([trade(size=0.5, ts=NOW_NS + second * MS)] * 20)
        assert tape.pace(float(second)).trades == 20.0
        assert tape.pace(float(second)).volume == 10.0
    assert tape.pace(30.6).trades == pytest.approx(100 / 5, abs=5)
    for second in range(31, 40):
        tape.pace(float(second))
    assert tape.pace(40.0).trades == 0.0


def test_the_pace_is_compared_with_its_own_average() -> None:
    tape = Tape()
    for second in range(300):
        tape.fold([trade(size=1.0)] * 10)
        speed = tape.pace(float(second))
        assert (speed.trades_ratio is None) == (second < 30)
    assert speed.trades_ratio == pytest.approx(1.0, abs=0.01)
    for second in range(300, 310):
        tape.fold([trade(size=3.0)] * 20)
        speed = tape.pace(float(second))
    assert speed.trades_ratio == pytest.approx(2.0, abs=0.1)
    assert speed.volume_ratio == pytest.approx(6.0 / 1.167, abs=0.3)


def test_a_pace_nobody_read_for_a_while_is_none_of_now() -> None:
    tape = Tape()
    for second in range(60):
        tape.fold([trade(size=1.0)] * 10)
        tape.pace(float(second))
    tape.fold([trade(size=1.0)] * 36_000)
    assert tape.pace(3_660.0).trades == 0.0
    tape.fold([trade(size=1.0)] * 20)
    speed = tape.pace(3_661.0)
    assert speed.trades == 20.0
    assert speed.trades_ratio == pytest.approx(2.0, abs=0.02), "the average is that of the whole time"


# --- the count, through both tiers of the market ------------------------------------------------------


@given(TRADES, CUTS, st.sets(st.integers(0, 6)))
def test_the_count_is_exact_at_every_moment(trades: list[Trade], cuts: list[int], looks: set[int]) -> None:
    market, quote = Market(instrument()), Quote(instrument())
    received = 0
    for number, batch in enumerate(batches(trades, cuts)):
        market.apply(batch)
        quote.apply(batch)
        received += len(batch)
        if number in looks:
            market.fold()
        assert market.trade_count == quote.trade_count == received
    market.fold()
    assert market.tape.trades == len(trades)


def test_a_burst_of_any_length_is_counted() -> None:
    market = Market(instrument())
    for _ in range(7):
        market.apply([trade()] * 1001)
        market.apply([trade()])
    assert market.trade_count == 7 * 1002
    assert market.tape.trades + 2_047 >= 7 * 1002, "what is not folded yet is bounded"
    market.fold()
    assert market.tape.trades == 7 * 1002


@given(TRADES.filter(bool))
def test_a_quotes_day_is_that_of_its_trades(trades: list[Trade]) -> None:
    quote = Quote(instrument())
    quote.apply(trades)
    assert quote.last == trades[-1]
    assert quote.high == max(one.price for one in trades)
    assert quote.low == min(one.price for one in trades)
    assert quote.volume == sum(one.size or 0.0 for one in trades)
    assert list(quote.closes) == [(NOW_NS // (60_000 * MS), trades[-1].price)]


def test_a_quotes_day_begins_anew_and_late_trades_belong_to_none() -> None:
    quote, day = Quote(instrument()), 86_400_000 * MS
    quote.apply([trade(10.0, 5.0)])
    quote.apply([trade(8.0, 1.0, ts=NOW_NS + day), trade(20.0, 7.0, ts=NOW_NS)])
    assert (quote.high, quote.low, quote.volume) == (8.0, 8.0, 1.0)
    assert quote.trade_count == 3


def test_a_quote_keeps_sixty_minutes() -> None:
    quote = Quote(instrument())
    quote.apply([trade(float(minute + 1), ts=NOW_NS + minute * 60_000 * MS) for minute in range(100)])
    assert [close for _, close in quote.closes] == [float(price) for price in range(41, 101)]
