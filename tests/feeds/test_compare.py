"""Which of two moves first, and how far they are apart: known lags are found, chance is not told."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdterm.feeds.compare import LEAST, MOVES, Lag, Pair, Pairs, drift_bps, lag_of
from tests.feeds.support import trade

MS = 1_000_000
A, B = "first:BTCUSDT", "second:BTCUSDT"


def moves(count: int, seed: int, every_ms: float = 50.0) -> list[tuple[int, float]]:
    """Return random moves at random times."""
    dice = random.Random(seed)
    at, found = 0.0, []
    for _ in range(count):
        at += dice.expovariate(1 / every_ms)
        found.append((round(at * MS), dice.gauss(0, 1e-4)))
    return found


def late(of: list[tuple[int, float]], ms: float, noise: float = 0.0) -> list[tuple[int, float]]:
    dice = random.Random(3)
    return [(at + round((ms + dice.gauss(0, noise)) * MS), move) for at, move in of]


@pytest.mark.parametrize("ms", [0, 40, 250, 1500, -250, -40])
@pytest.mark.parametrize("noise", [0.0, 4.0])
def test_a_known_lag_is_found(ms: float, noise: float) -> None:
    first = moves(200, 1)
    found = lag_of(first, sorted(late(first, ms, noise)))
    assert found is not None
    assert found.ms == pytest.approx(ms, abs=10)
    assert found.agreement > 0.6


def test_what_does_not_go_together_has_no_lag() -> None:
    told = [lag_of(moves(200, seed), moves(200, seed + 1000)) for seed in range(20)]
    assert sum(one is not None for one in told) <= 2
    assert all(one.agreement < LEAST + 0.15 for one in told if one is not None)


def test_too_little_tells_nothing() -> None:
    assert lag_of(moves(5, 1), moves(5, 1)) is None
    assert lag_of([], []) is None


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 10**10), st.floats(-0.01, 0.01)), max_size=60))
def test_agreement_is_a_share_whatever_moves(one: list[tuple[int, float]]) -> None:
    found = lag_of(sorted(one), sorted(one))
    assert found is None or LEAST <= found.agreement <= 1


def test_a_pair_remembers_no_more_than_it_must_and_takes_what_is_its_own() -> None:
    pairs = Pairs()
    pairs.set_pairs([(A, B)])
    for at in range(5 * MOVES):
        for address, behind in ((A, 0), (B, 120)):
            price = 100 + (at * 37 % 101) / 10
            pairs.take(address, [trade(price, address=address, seen=(at * 200 + behind) * MS)])
    pair: Pair = pairs.get(A, B)
    assert {len(one) for one in pair._moves.values()} == {MOVES}
    pair.look(0.0, 5 * MOVES * 200 * MS)
    assert isinstance(pair.lag, Lag)
    assert pair.lag.ms == pytest.approx(120, abs=10)


def test_drift_is_of_the_second_above_the_first() -> None:
    assert drift_bps(100.0, 100.1) == pytest.approx(10)
    assert drift_bps(100.0, 99.9) == pytest.approx(-10)
    assert drift_bps(None, 1.0) is None
    assert drift_bps(0.0, 1.0) is None
