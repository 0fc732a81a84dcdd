"""Amounts: exact where they fit, rounded where they do not, never a figure that is not so."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.widgets.amounts import (
    GAP,
    GROW,
    Amounts,
    Need,
    fit_amounts,
    format_amount,
    grant,
    parse_amount,
)

AMOUNTS = st.decimals(min_value=0, max_value=10**12, allow_nan=False, places=8).map(lambda one: f"{one:f}")


@pytest.mark.parametrize(
    ("amount", "room", "text"),
    [
        ("9932.44065", 11, "9 932.44065"),
        ("9932.44065000", 11, "9 932.44065"),
        ("9932.44065", 9, "9 932.441"),
        ("9932.44065", 6, "9 932"),
        ("9999.99", 7, "10 000"),
        ("123456789.12", 9, "123.5M"),
        ("0.000998", 8, "0.000998"),
        ("0.000998", 6, "0.0010"),
        ("0.000998", 4, "<0.1"),
        ("0", 3, "0"),
        ("-12.5", 8, "-12.5"),
        ("1E+3", 8, "1 000"),
        (None, 3, "—"),
        ("NaN", 3, "NaN"),
        ("1E+999999", 12, "1E+999999"),
        ("\x1b[31m", 6, "·[31m"),
    ],
)
def test_an_amount_is_told_as_exactly_as_it_fits(amount: str | None, room: int, text: str) -> None:
    assert format_amount(amount, room) == text


@given(AMOUNTS, st.integers(5, 30))
def test_what_is_told_is_the_amount_to_the_last_digit_told(amount: str, room: int) -> None:
    text = format_amount(amount, room)
    assert len(text) <= max(room, 7)
    if text[0] == "<":
        assert 0 < Decimal(amount) < Decimal(text[1:])
    elif text[-1].isdigit():
        told = Decimal(text.replace(" ", ""))
        behind = len(text.partition(".")[2])
        assert abs(told - Decimal(amount)) <= Decimal(1).scaleb(-behind) / 2


def test_a_column_that_has_room_is_aligned_on_the_point() -> None:
    amounts = ["0.000998", "9932.44065", "12", "1.5"]
    column = fit_amounts(amounts, Need().grown(amounts), 13)
    assert [column.text(one) for one in amounts] == [
        "     0.000998",
        " 9 932.44065 ",
        "    12       ",
        "     1.5     ",
    ]


def test_a_column_gives_up_the_point_before_it_hides_a_small_amount() -> None:
    small = ["0.000998", "9932.44065"]
    column = fit_amounts(small, Need().grown(small), 9)
    assert [column.text(one) for one in small] == [" 0.000998", "9 932.441"]
    large = ["12.123456", "9932.44065"]
    column = fit_amounts(large, Need().grown(large), 9)
    assert [column.text(one) for one in large] == ["   12.123", "9 932.441"]


def test_decimals_of_a_kind_are_filled_up() -> None:
    column = Amounts(9, 2)
    assert [column.text(one, 2) for one in ("61000", "61730.55", "0.1")] == [
        "61 000.00",
        "61 730.55",
        "     0.10",
    ]
    assert column.text(None, 2) == "        —"
    assert Amounts(3, 0).text("12345") == "###", "never cut"


def test_a_column_never_needs_less_than_before() -> None:
    need = Need().grown(["12345.678", None, "nothing"])
    assert (need.whole, need.digits, need.width) == (6, 3, 10)
    assert need.grown(["1"]) == need
    assert need.grown(["0.12345"]) == Need(6, 5)


@given(st.lists(AMOUNTS, min_size=1, max_size=6), st.integers(6, 24))
def test_every_cell_of_a_column_has_its_width(amounts: list[str], width: int) -> None:
    column = fit_amounts(amounts, Need().grown(amounts), width)
    texts = [column.text(one) for one in amounts]
    assert {len(text) for text in texts} == {width}
    if column.digits is not None:
        points = {text.index(".") for text in texts if "." in text}
        assert len(points) <= 1


def test_no_number_no_amount() -> None:
    assert [parse_amount(one) for one in (None, "", "x", "inf", "1e99")] == [None] * 5


def test_earlier_wishes_are_granted_first_and_growth_takes_what_is_left() -> None:
    steps = [("a", 5, 1), ("b", 4, GAP), ("c", 9, GAP), ("a", 8, GROW), ("c", 12, GROW), ("d", 1, GAP)]
    assert grant(30, steps) == {"a": 8, "b": 4, "c": 12}
    assert grant(12, steps) == {"a": 5, "b": 4}, "a column comes whole or not at all"
    assert grant(14, steps) == {"a": 7, "b": 4}
    assert grant(3, steps) == {"d": 1}
    assert grant(0, steps) == {}
