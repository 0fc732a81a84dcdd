"""A time in which the program did not run is noticed, and told as a gap that a backfill can close."""

from mdterm.feeds.gaps import Gaps
from mdterm.feeds.vigil import UNSEEN_S, Vigil
from tests.feeds.support import NOW_NS, FakeClock


def test_late_looks_are_no_stop() -> None:
    clock = FakeClock()
    vigil = Vigil(clock)
    for _ in range(5):
        clock.advance(UNSEEN_S)
        assert vigil.missed() is None


def test_a_stop_is_told_once_with_its_beginning() -> None:
    clock = FakeClock()
    vigil = Vigil(clock)
    clock.advance(1.0)
    assert vigil.missed() is None
    clock.advance(20.0)
    assert vigil.missed() == NOW_NS + 1_000_000_000
    assert vigil.missed() is None


def test_a_missed_time_is_a_gap_until_it_is_covered() -> None:
    gaps = Gaps()
    gaps.missed(100, 200)
    assert (gaps.current, gaps.since, gaps.is_open) == ([(100, 200)], 100, False)
    assert gaps.broke(150, 160)
    gaps.saw(300)
    assert gaps.current == [(100, 200)]
    gaps.cover(50, 250)
    assert gaps.since is None


def test_what_is_lost_since_before_says_more() -> None:
    gaps = Gaps()
    gaps.begin(50)
    gaps.missed(100, 200)
    assert gaps.current == [(50, None)]
