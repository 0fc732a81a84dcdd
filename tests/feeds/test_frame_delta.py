"""What changed, and what becomes of it at the other end: always what was there."""

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.frame_delta import SAME, diff, patch

ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**62), 2**62),
    st.floats(),
    st.decimals(-100_000, 100_000, places=3).map(float),
    st.integers(1_700_000_000_000, 1_800_000_000_000).map(lambda ms: ms * 1_000_000),
    st.text(max_size=4),
)
TREES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=8), st.dictionaries(st.sampled_from("abcdef"), inner, max_size=5)
    ),
    max_leaves=30,
)


def far_end(old: Any, change: Any) -> Any:
    """Return what the other end makes of a change."""
    return patch(old, msgspec.msgpack.decode(msgspec.msgpack.encode(change), strict=False))


def told(old: Any, new: Any) -> Any:
    """Return a change, and make sure that the other end has then what this one has."""
    sent = copy.deepcopy(new)
    change = diff(old, sent)
    found = old if change is SAME else far_end(old, change)
    assert found == sent or repr(found) == repr(sent)  # NaN is not equal to itself
    assert is_close(sent, new)
    return change


def is_close(one: Any, other: Any) -> bool:
    """Whether two trees differ at most in what no screen shows."""
    if isinstance(one, float) and isinstance(other, float) and one == one:
        return one == other or abs(one - other) <= max(1e-9 * abs(other), 1e-12) or abs(one - other) < 5e-5
    if isinstance(one, list):
        return len(one) == len(other) and all(map(is_close, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_close(one[key], other[key]) for key in one)
    return one == other or repr(one) == repr(other)


@given(TREES, TREES)
def test_the_other_end_has_what_was_sent(old: Any, new: Any) -> None:
    told(old, new)


@given(st.lists(TREES, max_size=12), st.lists(TREES, max_size=4), st.integers(0, 6), st.integers(0, 6))
def test_a_list_that_moved_is_what_it_is_there_too(
    kept: list[Any], fresh: list[Any], front: int, back: int
) -> None:
    told(kept, [*fresh, *kept[: len(kept) - back]])
    told(kept, [*kept[front:], *fresh])


@given(st.lists(st.floats(0, 1e6).map(lambda one: round(one, 4)), min_size=1, max_size=20))
def test_a_chain_of_changes_does_not_drift(values: list[float]) -> None:
    here = there = {"price": 0.0}
    for value in values:
        new = {"price": value}
        change = diff(here, new)
        there = there if change is SAME else far_end(there, change)
        here = new
        assert there == here == {"price": value}


def test_a_price_that_moved_is_a_small_number() -> None:
    assert told({"last": 61_767.8, "name": "x"}, {"last": 61_767.9, "name": "x"}) == {0: 100}


def test_a_time_in_whole_milliseconds_is_counted_in_these() -> None:
    assert told([1_763_600_000_123_000_000], [1_763_600_000_373_000_000]) == [[0], [250]]


def test_new_prints_are_told_and_the_others_only_move() -> None:
    prints = [{"ts": at, "price": 5.0, "size": at / 8} for at in range(20, 0, -1)]
    new = [{"ts": 21, "price": 5.0, "size": 1.0}, *prints[:-1]]
    assert told(prints, new) == [20, 1, [0], [{0: 1, 2: -1500}]]


def test_the_noise_of_sums_is_no_change() -> None:
    assert diff({"cvd": 0.3}, {"cvd": 0.1 + 0.2}) is SAME


@pytest.mark.parametrize(
    "change", [5, {0: 1}, {"x": 1, 7: 1}, [1, 2, 3], [[0], [1, 2]], [[9], [1]], [10**9, 0, [], []], []]
)
def test_a_change_that_does_not_fit_is_an_error(change: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        patch(["a"], change)
