"""Decimals are learnt from what comes, and one odd value changes nothing for good."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.precision import MAX_DIGITS, Precision, decimals

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("value", "digits"),
    [(90003.0, 0), (0.1, 1), (90003.25, 2), (1e-7, 7), (1.5e-9, 10), (1e-30, 10), (1e22, 0), (-0.125, 3)],
)
def test_decimals_are_those_of_the_shortest_text(value: float, digits: int) -> None:
    assert decimals(value) == digits


@given(FINITE)
def test_decimals_are_in_bounds_and_enough(value: float) -> None:
    digits = decimals(value)
    assert 0 <= digits <= MAX_DIGITS
    exact = Decimal(repr(value))
    if abs(int(exact.as_tuple().exponent)) <= MAX_DIGITS and abs(value) < 1e15:
        assert float(f"{value:.{digits}f}") == value


@given(st.integers(0, 6), st.integers(0, MAX_DIGITS), st.integers(1, 40), st.integers(0, 40))
def test_one_odd_value_does_not_widen_a_column(usual: int, odd: int, before: int, after: int) -> None:
    """Not even the first: two later observations mend it."""
    precision = Precision()
    for _ in range(before):
        precision.observe(1.0 + 10.0**-usual if usual else 1.0)
    precision.observe(1.0 + 10.0**-odd if odd else 1.0)
    for _ in range(after):
        precision.observe(1.0 + 10.0**-usual if usual else 1.0)
    if before + after >= 2:
        assert precision.digits == usual
    assert precision.seen == before + 1 + after


def test_values_that_come_again_do_widen_it_until_they_are_old() -> None:
    precision = Precision()
    for value in (1.5, 2.5, 1.25, 1.75):
        precision.observe(value)
    assert precision.digits == 2
    for _ in range(256):
        precision.observe(3.5)
    assert precision.digits == 1
    assert precision.seen == 256


def test_nothing_observed_is_no_decimals() -> None:
    assert (Precision().digits, Precision().seen) == (0, 0)


@given(st.lists(st.integers(0, MAX_DIGITS), min_size=1, max_size=600))
def test_the_answer_is_the_widest_seen_twice_lately(seen: list[int]) -> None:
    precision = Precision()
    expected = 0
    for at, digits in enumerate(seen):
        precision.observe(1.0 + 10.0**-digits if digits else 1.0)
        window = seen[max(0, at - 255) : at + 1]
        twice = [one for one in window if window.count(one) >= (2 if len(window) > 1 else 1)]
        expected = max(twice, default=expected)
    assert precision.digits == expected
