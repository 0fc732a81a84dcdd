"""Point of control and value area equal a plain computation."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdterm.feeds.events import Side, Trade, VolumeProfile
from mdterm.feeds.flow import Flow
from mdterm.feeds.profile import (
    MAX_ROWS,
    event_profile,
    point_of_control,
    profile_of,
    session_profile,
    value_area,
)


def event(rows: list[tuple[float, float, float]], step: float | None = None) -> VolumeProfile:
    """Return a provider's profile."""
    return VolumeProfile("a:b", 1, 1, rows, step)


def plain_area(totals: list[int], poc: int) -> tuple[int, int]:
    """Grow the area pair by pair, as it is done on paper."""
    inside = {poc}
    while sum(totals[row] for row in inside) < 0.7 * sum(totals):
        above = [row for row in (max(inside) + 1, max(inside) + 2) if row < len(totals)]
        below = [row for row in (min(inside) - 1, min(inside) - 2) if row >= 0]
        up, down = sum(totals[row] for row in above), sum(totals[row] for row in below)
        if above and (not below or up >= down):
            inside |= set(above)
        if below and (not above or down >= up):
            inside |= set(below)
    traded = [row for row in inside if totals[row]]
    return min(traded), max(traded)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60).filter(any))
@settings(max_examples=300, deadline=None, database=None)
def test_poc_and_value_area_equal_a_plain_computation(totals: list[int]) -> None:
    poc = point_of_control(totals)
    assert totals[poc] == max(totals)
    assert value_area(totals, poc) == plain_area(totals, poc)


@given(
    st.lists(
        st.tuples(st.integers(-50, 300), st.integers(1, 16), st.sampled_from(["buy", "sell", None])),
        min_size=1,
        max_size=60,
    ),
    st.integers(1, 7),
    st.integers(1, 20),
)
@settings(max_examples=200, deadline=None, database=None)
def test_session_profile_equals_a_plain_sum(
    drawn: list[tuple[int, int, Side | None]], ticks: int, batch: int
) -> None:
    flow = Flow(0.25)
    trades = [Trade("a:b", 1, 1, None, at * 0.25, size / 8, side) for at, size, side in drawn]
    for at in range(0, len(trades), batch):
        flow.fold(trades[at : at + batch])
        session_profile(flow, ticks)  # from now on kept up with the trades
    profile = session_profile(flow, ticks)
    assert profile is not None
    assert profile.step == 0.25 * ticks
    for row in range(len(profile.buys)):
        inside = [(size / 8, side) for at, size, side in drawn if at // ticks == profile.low + row]
        assert profile.buys[row] == sum(size for size, side in inside if side == "buy")
        assert profile.sells[row] == sum(size for size, side in inside if side == "sell")
        assert profile.neutral[row] == sum(size for size, side in inside if side is None)
        assert profile.price(row) == (profile.low + row) * ticks * 0.25
    assert profile.total == sum(size for _, size, _ in drawn) / 8
    assert profile.val <= profile.poc <= profile.vah


@pytest.mark.parametrize(
    ("totals", "poc"),
    [([5, 1, 5], 2), ([5, 1, 1, 1, 5, 1], 4), ([1, 5, 5, 1], 2), ([3], 0), ([5, 5, 5, 5, 5], 2)],
)
def test_ties_of_the_poc_go_to_the_middle_then_up(totals: list[int], poc: int) -> None:
    assert point_of_control(totals) == poc


@pytest.mark.parametrize(
    ("totals", "area"),
    [
        ([1, 2, 10, 2, 1], (0, 4)),  # a tie takes both pairs: 10 of 16 is less than 70 %
        ([0, 0, 10, 0, 0], (2, 2)),
        ([1, 1, 10, 3, 1], (2, 4)),  # the pair above weighs more
        ([7, 0, 0, 0, 3], (0, 0)),
        ([6, 0, 0, 0, 4], (0, 4)),  # it must cross the empty rows
        ([4, 5, 0], (0, 1)),  # the empty edge is cut off
    ],
)
def test_value_areas(totals: list[int], area: tuple[int, int]) -> None:
    assert value_area(totals, point_of_control(totals)) == area


def test_a_step_is_found_that_fits() -> None:
    flow = Flow(0.1)
    flow.fold([Trade("a:b", 1, 1, None, 100.0, 1.0, "buy"), Trade("a:b", 1, 1, None, 400.0, 1.0, "sell")])
    fitted = session_profile(flow)
    assert fitted is not None
    assert fitted.step == 2.0  # 3,000 ticks: 151 rows of 20
    assert len(fitted.buys) == 151
    wide = session_profile(flow, ticks=1)
    assert wide is not None
    assert len(wide.buys) <= 200
    assert session_profile(Flow(0.1)) is None


def test_the_providers_own_profile() -> None:
    profile = event_profile(event([(89950.0, 1.25, 0.87), (90000.0, 5.0, 4.0), (89975.0, 3.0, 2.0)], 25.0))
    assert profile is not None
    assert (profile.step, profile.price(0), profile.price(2)) == (25.0, 89950.0, 90000.0)
    assert profile.buys == [1.25, 3.0, 5.0]
    assert profile.price(profile.poc) == 90000.0
    doubled = event_profile(event([(89950.0, 1.0, 0.0), (89975.0, 3.0, 2.0), (90000.0, 5.0, 4.0)], 25.0), 2)
    assert doubled is not None
    assert (doubled.step, doubled.buys) == (50.0, [4.0, 5.0])


def test_a_profile_without_a_step_takes_its_least_distance() -> None:
    profile = event_profile(event([(10.0, 1.0, 0.0), (10.5, 1.0, 0.0), (12.0, 1.0, 0.0)]))
    assert profile is not None
    assert (profile.step, profile.buys) == (0.5, [1.0, 1.0, 0.0, 0.0, 1.0])


def test_an_outlier_makes_the_rows_wider_and_not_many() -> None:
    profile = event_profile(event([(1.0, 1.0, 0.0), (2.0, 1.0, 0.0), (900_000.0, 1.0, 0.0)], 1.0))
    assert profile is not None
    assert len(profile.buys) <= MAX_ROWS


@pytest.mark.parametrize("rows", [[], [(1.0, 0.0, 0.0)]])
def test_nothing_traded_is_no_profile(rows: list[tuple[float, float, float]]) -> None:
    assert event_profile(event(rows)) is None


def test_too_many_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="wider"):
        profile_of({0: (1.0, 0.0, 0.0), MAX_ROWS: (1.0, 0.0, 0.0)}, 1.0)
