"""Ids are remembered exactly within a bound, and no further than twice of it."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.recent import Recent, RecentIds

SECOND = 1_000_000_000


def test_an_id_is_new_once() -> None:
    recent = Recent()
    assert [recent.is_new(key) for key in ("a", "b", "a", ("a",), "b")] == [True, True, False, True, False]


@given(st.lists(st.integers(0, 60), max_size=400), st.integers(1, 20))
def test_the_last_so_many_ids_are_known_and_no_more_than_twice_as_many(keys: list[int], count: int) -> None:
    recent = Recent(count=count, age_s=1e9)
    order: list[int] = []
    for key in keys:
        is_new = recent.is_new(key)
        recent.turn(0)
        assert len(recent.current) + len(recent.previous) <= 2 * count
        if key in order[-count:]:
            assert not is_new
        elif key not in order[-2 * count :]:
            assert is_new
        if is_new:
            order.append(key)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=200))
def test_an_id_is_known_for_its_time_and_no_longer_than_twice(gaps: list[int]) -> None:
    """One new id at each moment; all of the last ten seconds are known, none is older than about twenty."""
    recent = Recent(count=10**9, age_s=10.0)
    now, born = 0, {}
    for number, gap in enumerate(gaps):
        now += gap * SECOND
        recent.turn(now)
        assert recent.is_new(number)
        born[number] = now
        known = recent.current | recent.previous
        for key, at in born.items():
            if now - at <= 10 * SECOND:
                assert key in known
    longest = max(gaps, default=0) * SECOND
    assert all(now - born[int(str(key))] <= 20 * SECOND + 2 * longest for key in known)


def test_a_clock_that_steps_back_forgets_nothing() -> None:
    recent = Recent(age_s=10.0)
    recent.turn(100 * SECOND)
    recent.is_new("a")
    recent.turn(50 * SECOND)
    assert not recent.is_new("a")


IDS = st.one_of(st.integers(0, 1200).map(str), st.text("abAB09", min_size=1, max_size=3))


@given(st.lists(IDS, max_size=400), st.integers(1, 40))
def test_rising_ids_are_told_apart_as_any_others(keys: list[str], count: int) -> None:
    plain, rising = Recent(count=count), RecentIds(count=count)
    for number, key in enumerate(keys):
        # As the hot path does: what is above all the others is only noted.
        if key > rising.top and len(key) == rising.width:
            rising.top = key
            rising.fresh.append(key)
            is_new = True
        else:
            is_new = rising.is_new(key)
        assert is_new == plain.is_new(key)
        if number % 7 == 0:
            plain.turn(number)
            rising.turn(number)
            assert len(rising) <= 2 * (count + 7)


def test_an_id_that_is_no_text_does_not_raise_the_mark() -> None:
    recent = RecentIds()
    assert [recent.is_new(key) for key in (("liquidation", "9"), "5", "9", ("liquidation", "9"))] == [
        True,
        True,
        True,
        False,
    ]
    assert (recent.width, recent.top) == (1, "9")


def test_rising_numbers_take_little_room() -> None:
    """A generation of 20,000 ids of 19 letters would be 2 MB as a set of text."""
    recent = RecentIds()
    first = 1_795_222_814_188_000_000
    assert recent.is_new(str(first))
    tracemalloc.start()
    for number in range(1, 40_000):
        key = recent.top = str(first + number)
        recent.fresh.append(key)
        if number % 100 == 0:
            recent.turn(0)
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 500_000
    assert not recent.is_new(str(first + 39_999))
    assert not recent.is_new(str(first + 21_000))


def test_numbers_of_more_than_64_bits_are_known_as_well() -> None:
    recent = RecentIds()
    largest = (1 << 63) - 1
    for number in (largest - 1, largest, largest + 1, largest + 2, 10**30):
        assert recent.is_new(str(number))
    recent.turn(0)
    for number in (largest - 1, largest, largest + 1, largest + 2, 10**30):
        assert not recent.is_new(str(number))


@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(0, 9), st.booleans()), max_size=60), st.integers(1, 40)
)
def test_ids_noted_at_once_are_known_as_single_ones_are(
    runs: list[tuple[int, int, bool]], count: int
) -> None:
    """Each run goes on above the newest, or as far back as it says."""
    plain, rising = Recent(count=count), RecentIds(count=count)
    newest = 100
    for number, (length, back, letters) in enumerate(runs):
        first = max(100, newest - back + 1)
        numbers = range(first, min(first + length, 1_000))
        newest = max(newest, *numbers) if numbers else newest
        ids = [f"x{one}" if letters else str(one) for one in numbers]
        if len(ids) > 1 and ids[0] > rising.top and {len(ids[0])} == {rising.width}:
            rising.note("".join(ids), ids[-1], len(ids))
            told = [True] * len(ids)
        else:
            told = [rising.is_new(one) for one in ids]
        assert told == [plain.is_new(one) for one in ids]
        plain.turn(number)
        rising.turn(number)
        assert len(rising) <= 2 * (count + 7)
