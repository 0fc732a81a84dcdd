"""The person's watchlist: edits over the configured one, an order of their own, groups."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.app.roster import Roster
from mdterm.app.state import State

BASE = ["sim:A", "sim:B", "sim:C"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


def again(path: Path, base: list[str] = BASE) -> list[str]:
    """Return the list at the next start."""
    return Roster(State(path)).arrange(base)


def test_without_edits_it_is_the_configured_list(path: Path) -> None:
    assert again(path) == BASE


def test_edits_hold_at_the_next_start(path: Path) -> None:
    state = State(path)
    roster = Roster(state)
    roster.arrange(BASE)
    roster.add("sim:D")
    roster.remove("sim:B")
    state.save()
    assert again(path) == ["sim:A", "sim:C", "sim:D"]
    assert again(path, [*BASE, "sim:E"]) == ["sim:A", "sim:C", "sim:E", "sim:D"], "the configuration grew"


def test_what_is_taken_away_and_added_again_leaves_no_trace(path: Path) -> None:
    state = State(path)
    roster = Roster(state)
    roster.arrange(BASE)
    for address in ("sim:B", "sim:D"):
        roster.remove(address)
        roster.add(address)
        roster.remove(address)
    roster.add("sim:B")
    state.save()
    assert state.table("watchlist", "edits") == {}
    assert again(path) == BASE


def test_an_order_holds_and_what_it_does_not_know_comes_last(path: Path) -> None:
    state = State(path)
    roster = Roster(state)
    roster.arrange(BASE)
    roster.reorder(["sim:C", "sim:A", "sim:B"])
    state.save()
    assert again(path) == ["sim:C", "sim:A", "sim:B"]
    assert again(path, ["sim:NEW", *BASE]) == ["sim:C", "sim:A", "sim:B", "sim:NEW"]
    assert again(path, ["sim:B", "sim:C"]) == ["sim:C", "sim:B"]


def test_two_programs_add_to_one_list(path: Path) -> None:
    first, second = State(path), State(path)
    one, other = Roster(first), Roster(second)
    for roster in (one, other):
        roster.arrange(BASE)
    one.add("sim:X")
    other.add("sim:Y")
    other.remove("sim:A")
    first.save()
    second.save()
    assert again(path) == ["sim:B", "sim:C", "sim:X", "sim:Y"]


def test_groups_are_the_configured_ones_with_edits_over_them(path: Path) -> None:
    configured = {"majors": ["sim:A", "sim:B"], "empty": []}
    state = State(path)
    roster = Roster(state, configured)
    roster.arrange(BASE)
    assert roster.groups() == ["majors"]
    roster.group("majors", "sim:C")
    roster.ungroup("majors", "sim:A")
    roster.group("mine", "sim:A")
    state.save()
    kept = Roster(State(path), configured)
    assert {name: kept.members(name) for name in kept.groups()} == {
        "majors": ["sim:B", "sim:C"],
        "mine": ["sim:A"],
    }
    kept.group("majors", "sim:A")
    kept.ungroup("majors", "sim:C")
    kept.ungroup("mine", "sim:A")
    assert kept.groups() == ["majors"]
    assert kept.members("majors") == ["sim:A", "sim:B"]


def test_what_leaves_the_list_leaves_its_groups() -> None:
    roster = Roster(None, {"majors": ["sim:A", "sim:B"]})
    roster.arrange(BASE)
    roster.group("mine", "sim:A")
    roster.remove("sim:A")
    assert roster.members("majors") == ["sim:B"]
    assert roster.groups() == ["majors"]


def test_without_a_state_file_edits_hold_for_this_run() -> None:
    roster = Roster()
    roster.arrange(BASE)
    roster.add("sim:D")
    assert roster.added == ["sim:D"]


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "remove"]), st.sampled_from([*BASE, "sim:X", "sim:Y"])), max_size=12
    )
)
def test_the_list_is_what_the_edits_make_of_it(edits: list[tuple[str, str]]) -> None:
    roster = Roster()
    expected = roster.arrange(BASE)
    for what, address in edits:
        if what == "add":
            roster.add(address)
            expected += [address] if address not in expected else []
        else:
            roster.remove(address)
            expected = [one for one in expected if one != address]
    assert sorted(roster.arrange(BASE)) == sorted(expected)
