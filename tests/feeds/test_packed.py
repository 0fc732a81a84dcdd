"""What is packed tells the same as dicts of it would."""

from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds import keyed
from mdterm.feeds.keyed import Keyed
from mdterm.feeds.slots import Slots

CELLS = st.dictionaries(st.integers(-50, 2_000), st.integers(1, 80).map(lambda n: n / 8), max_size=8)


@given(st.lists(st.tuples(CELLS, st.booleans()), max_size=60), st.integers(-60, 2_000), st.integers(0, 500))
def test_sums_by_key_are_those_of_a_dict(
    steps: list[tuple[dict[int, float], bool]], low: int, width: int
) -> None:
    packed, plain = Keyed(), dict[int, float]()
    for cells, looks in steps:
        packed.pour(cells)
        for key, size in cells.items():
            plain[key] = plain.get(key, 0.0) + size
        if looks:
            assert packed.is_over(len(plain) - 1)
            assert not packed.is_over(len(plain))
            assert list(packed.between(low, low + width)) == [
                (key, plain[key]) for key in sorted(plain) if low <= key < low + width
            ]
    assert list(packed.items()) == sorted(plain.items())
    assert packed.span() == ((min(plain), max(plain)) if plain else None)


def test_many_keys_are_sorted_in_before_anybody_looks() -> None:
    packed = Keyed((key, 1.0) for key in range(5 * keyed._FRESH, 0, -1))
    assert len(packed._fresh) <= keyed._FRESH
    assert packed.span() == (1, 5 * keyed._FRESH)


def test_slots_take_keys_of_any_size() -> None:
    slots, cells = Slots(), {7: 1.0, 1 << 40: 2.0, -(1 << 33): 3.0}
    for slot in range(10):
        slots.put(slot, dict(cells) if slot == 2 else {slot: 1.0})
    assert slots.get(2) == cells
    assert [slots.get(slot) for slot in (1, 9)] == [{1: 1.0}, {9: 1.0}]


@given(
    st.lists(
        st.one_of(st.tuples(st.integers(0, 30), CELLS), st.tuples(st.integers(0, 30), st.none())), max_size=60
    )
)
def test_slots_are_those_of_a_dict_in_whatever_order_they_come(
    steps: list[tuple[int, dict[int, float] | None]],
) -> None:
    """A slot without cells stands for all before it being let go."""
    packed, plain = Slots(), dict[int, dict[int, float]]()
    for slot, cells in steps:
        if cells is None:
            packed.drop(slot)
            plain = {one: held for one, held in plain.items() if one >= slot}
        else:
            packed.put(slot, dict(cells))
            plain[slot] = cells
        assert packed.held == sum(map(len, plain.values()))
        assert list(packed) == sorted(plain)
        assert len(packed) == len(plain)
    assert {slot: packed.get(slot) for slot in packed} == plain
    assert packed.get(99) is None
    assert packed.within(5, 20) == [slot for slot in sorted(plain) if 5 <= slot < 20]
