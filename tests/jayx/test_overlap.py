"""Trades that are repeated from push to push are told exactly once, also across connections."""

from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.jayx.overlap import Overlap
from mdterm.feeds.jayx.wire import Trade


def trade(number: int, created: int, side: str = "BUY") -> Trade:
    return Trade(number, 6_678_147, created, side)


def newest_first(trades: list[Trade], until: int, length: int) -> list[Trade]:
    return trades[max(0, until - length) : until][::-1]


TIMES = st.lists(st.integers(0, 3), min_size=1, max_size=80).map(
    lambda gaps: [1_716_136_436_000 + sum(gaps[: at + 1]) for at in range(len(gaps))]
)


STEPS = st.lists(st.integers(0, 30), min_size=1, max_size=30)


def pushes(steps: list[int], whole: int) -> list[int]:
    """Return up to which trade each push tells."""
    return [min(whole, sum(steps[: at + 1])) for at in range(len(steps))]


@given(TIMES, st.integers(1, 12), STEPS)
def test_a_window_that_slides_tells_each_trade_once(times: list[int], length: int, steps: list[int]) -> None:
    """Any number of trades between two pushes, up to the length of the list; many in one millisecond."""
    trades = [trade(at, ms) for at, ms in enumerate(times)]
    overlap = Overlap()
    told: list[Trade] = []
    ends = pushes([min(step, length) for step in steps], len(trades))
    for until in ends:
        told += overlap.fresh(newest_first(trades, until, length))
    assert told == trades[: ends[-1]]


@given(TIMES, st.integers(2, 12), STEPS)
def test_a_list_that_grows_with_what_is_new_tells_each_trade_once(
    times: list[int], repeated: int, steps: list[int]
) -> None:
    """The server sends all since its last push and some of before."""
    trades = [trade(at, ms) for at, ms in enumerate(times)]
    overlap = Overlap()
    told: list[Trade] = []
    ends = pushes(steps, len(trades))
    for before, until in zip([0, *ends], ends, strict=False):
        told += overlap.fresh(newest_first(trades, until, until - before + repeated))
    assert told == trades[: ends[-1]]


@given(st.lists(st.integers(1, 3), min_size=1, max_size=60), STEPS)
def test_disjoint_lists_tell_each_trade_once(gaps: list[int], steps: list[int]) -> None:
    trades = [trade(at, 1_716_136_436_000 + sum(gaps[: at + 1])) for at in range(len(gaps))]
    overlap = Overlap()
    told: list[Trade] = []
    ends = pushes(steps, len(trades))
    for before, until in zip([0, *ends], ends, strict=False):
        told += overlap.fresh(newest_first(trades, until, until - before))
    assert told == trades[: ends[-1]]


@given(TIMES, st.integers(0, 40), st.integers(1, 40))
def test_after_a_gap_nothing_is_told_twice(times: list[int], missed: int, length: int) -> None:
    """What happened meanwhile and is still in the list is told; the rest is lost, never doubled."""
    trades = [trade(at, ms) for at, ms in enumerate(times)]
    overlap = Overlap()
    before = max(1, len(trades) - missed)
    told = overlap.fresh(newest_first(trades, before, length))
    told += overlap.fresh(newest_first(trades, len(trades), length))
    assert len(set(told)) == len(told)
    assert told == sorted(told, key=lambda one: one.lots)
    in_sight = len(trades) - before <= length - 1
    if in_sight:
        assert told[-1] == trades[-1]
        assert len(told) == min(before, length) + len(trades) - before


def test_equal_trades_are_not_one() -> None:
    overlap = Overlap()
    same = trade(5, 1000)
    assert overlap.fresh([same, same]) == [same, same]
    assert overlap.fresh([trade(6, 1000), same, same]) == [trade(6, 1000)]
    assert overlap.fresh([same, trade(6, 1000), same, same]) == [same]


def test_a_list_that_is_oldest_first_is_turned() -> None:
    overlap = Overlap()
    one, two, three = trade(1, 10), trade(2, 20), trade(3, 30)
    assert overlap.fresh([one, two]) == [one, two]
    assert overlap.fresh([two, three]) == [three]


def test_a_late_trade_is_not_a_duplicate() -> None:
    overlap = Overlap()
    overlap.fresh([trade(3, 30), trade(1, 10), trade(0, 5)])
    late = trade(2, 20)
    assert overlap.fresh([trade(4, 40), trade(3, 30), late, trade(1, 10)]) == [late, trade(4, 40)]


def test_what_is_older_than_all_that_is_known_is_not_told() -> None:
    overlap = Overlap()
    overlap.fresh([trade(9, 90), trade(8, 80)])
    assert overlap.fresh([trade(9, 90), trade(8, 80), trade(7, 70)]) == []
    assert overlap.fresh([trade(10, 100), trade(6, 60)]) == [trade(10, 100)]


def test_the_memory_is_bounded_and_still_lines_up() -> None:
    overlap = Overlap()
    trades = [trade(at, at + 1) for at in range(5000)]
    assert overlap.fresh(trades[::-1]) == trades
    more = [trade(at, at + 1) for at in range(5000, 5010)]
    assert overlap.fresh([*more[::-1], *trades[::-1]]) == more
    assert overlap.repeated == 5000


def test_an_empty_list_changes_nothing() -> None:
    overlap = Overlap()
    overlap.fresh([trade(1, 10)])
    assert overlap.fresh([]) == []
    assert overlap.fresh([trade(1, 10)]) == []
