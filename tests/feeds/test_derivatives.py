"""Funding, open interest and liquidations."""

from hypothesis import given, settings
from hypothesis import strategies as st

from mdterm.feeds.derivatives import LIQUIDATION_WINDOWS, LIQUIDATIONS_KEPT, Derivatives, Liquidated
from mdterm.feeds.events import Funding, Liquidation, OpenInterest, Position
from mdterm.feeds.intervals import MINUTE, SECOND

START = 1_723_161_540 * SECOND


def interest(at: int, value: float) -> OpenInterest:
    """Return open interest ``at`` seconds after the start."""
    return OpenInterest("a:b", START + at * SECOND, START, value)


def liquidation(at: float, price: float, size: float, position: Position | None) -> Liquidation:
    """Return a liquidation ``at`` seconds after the start."""
    return Liquidation("a:b", START + round(at * 1e9), START, None, price, size, position, "BUY")


def test_the_newest_funding_stands() -> None:
    state = Derivatives()
    newest = Funding("a:b", START + 5, START, 0.0001, None)
    state.fund([newest, Funding("a:b", START, START, 0.5, 0.5)])
    assert state.funding == newest


def test_the_change_of_open_interest_over_five_minutes() -> None:
    state = Derivatives()
    assert state.interest_change() is None
    state.interest([interest(at, 1000.0 + at) for at in range(0, 300, 5)])
    assert state.interest_change() is None
    state.interest([interest(at, 1000.0 + at) for at in range(300, 1200, 5)])
    change = state.interest_change()
    assert change is not None
    assert (change.value, change.change, change.since) == (2195.0, 300.0, START + 895 * SECOND)
    assert change.share == 300 / 1895


def test_open_interest_from_before_a_long_silence_is_no_five_minutes_ago() -> None:
    state = Derivatives()
    state.interest([interest(0, 1000.0), interest(3600, 2000.0)])
    assert state.interest_change() is None


def test_older_open_interest_is_left_out_and_samples_are_one_a_second() -> None:
    state = Derivatives()
    for at in range(700):
        state.interest([interest(at, 1.0), interest(at, 2.0), interest(at - 100, 99.0)])
    change = state.interest_change()
    assert change is not None
    assert (change.value, change.change) == (2.0, 0.0)
    state.interest([OpenInterest("a:b", None, START + 701 * SECOND, 0.0)])  # no venue time: the receipt's
    after = state.interest_change()
    assert after is not None
    assert (after.change, after.share) == (-2.0, -1.0)


@given(
    st.lists(
        st.tuples(st.integers(0, 7200), st.integers(1, 50), st.sampled_from(["long", "short", None])),
        max_size=60,
    )
)
@settings(max_examples=100, deadline=None, database=None)
def test_liquidation_sums_equal_a_plain_look_back(drawn: list[tuple[int, int, Position | None]]) -> None:
    state = Derivatives()
    for at, size, position in drawn:
        state.liquidate([liquidation(at, 100.0, size / 4, position)])
    newest = max((at for at, _, _ in drawn), default=0)
    for window, length in LIQUIDATION_WINDOWS.items():
        inside = [(size, position) for at, size, position in drawn if at > newest - length // SECOND]
        expected = [
            sum(size * 25.0 for size, held in inside if held == one) for one in ("long", "short", None)
        ]
        assert state.liquidated(window) == Liquidated(*expected)
    assert state.liquidation_count == len(state.liquidations) == len(drawn)


def test_liquidations_leave_as_time_goes_by_and_are_bounded() -> None:
    state = Derivatives()
    state.liquidate([liquidation(0, 10.0, 2.0, "long") for _ in range(LIQUIDATIONS_KEPT + 5)])
    assert len(state.liquidations) == LIQUIDATIONS_KEPT
    assert state.liquidation_count == LIQUIDATIONS_KEPT + 5
    assert state.liquidated("60s").longs == 20.0 * (LIQUIDATIONS_KEPT + 5)
    state.advance(START + MINUTE)
    assert state.liquidated("60s").longs == 0.0
    assert state.liquidated("5m").longs == 20.0 * (LIQUIDATIONS_KEPT + 5)
