"""Counts of ticks and lots become prices and sizes without losing a digit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.jayx.units import Scale, normal_ms, plain, told, units_of

STEPS = st.builds(
    lambda digits, exponent: Decimal(digits).scaleb(-exponent), st.integers(1, 999), st.integers(0, 12)
)


@given(st.integers(0, 10**15), STEPS)
def test_a_number_is_the_float_that_its_decimal_reads_as(count: int, step: Decimal) -> None:
    scale = Scale(step)
    assert scale.number(count) == float(Decimal(count) * step)
    assert Decimal(scale.text(count)) == Decimal(count) * step
    assert float(scale.text(count)) == scale.number(count)


@given(st.integers(0, 10**15), st.integers(0, 10**15), STEPS)
def test_what_remains_and_what_was_filled_make_the_size(resd: int, done: int, step: Decimal) -> None:
    lot = Scale(step)
    assert Decimal(lot.text(resd)) + Decimal(lot.text(done)) == Decimal(lot.text(resd + done))


@given(st.integers(1, 10**9), st.integers(1, 10**9), STEPS, STEPS)
def test_the_average_fill_is_cost_over_filled(ticks: int, lots: int, tick: Decimal, lot: Decimal) -> None:
    units = units_of(tick, lot)
    average = Decimal(units.notional(ticks * lots)) / Decimal(units.lot.text(lots))
    assert average == pytest.approx(Decimal(ticks) * tick, rel=Decimal("1e-25"))


def test_the_documented_figures() -> None:
    units = units_of(Decimal("0.01"), Decimal("0.000001"))
    assert units.tick.number(6678147) == 66781.47
    assert units.lot.text(1_000_000) == "1"
    assert units.lot.number(3779) == 0.003779
    assert units.notional(6_755_935_000) == "67.55935"


def test_an_unknown_step_leaves_the_count() -> None:
    units = units_of(None, Decimal("0.1"))
    assert units.tick.number(6678147) == 6678147.0
    assert units.tick.text(6678147) == "6678147"
    assert units.lot.text(5) == "0.5"


@pytest.mark.parametrize(
    ("value", "text"),
    [("1E+3", "1000"), ("1.500", "1.5"), ("100", "100"), ("0.00", "0"), ("1E-7", "0.0000001")],
)
def test_plain_decimals(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.000998", "0.000998"),
        ("9932.440650", "9932.440650"),
        ("1E-7", "0.0000001"),
        ("-3", "-3"),
        ("0", "0"),
        ("NaN", None),
        ("Infinity", None),
        ("1E+999999", None),
        ("1E-999999", None),
        ("9" * 60, None),
    ],
)
def test_decimals_are_told_as_they_came(value: str, text: str | None) -> None:
    assert told(Decimal(value)) == text


@pytest.mark.parametrize(
    ("time", "ms"),
    [
        (1_716_131_580, 1_716_131_580_000),
        (1_716_136_436_758, 1_716_136_436_758),
        (0, None),
        (-5, None),
        (None, None),
        (10**18, None),
    ],
)
def test_seconds_and_milliseconds_are_told_apart(time: int | None, ms: int | None) -> None:
    assert normal_ms(time) == ms
