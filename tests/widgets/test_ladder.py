"""The ladder's rows: columns that stand still, figures that are told in full."""

import re
from collections.abc import Callable

import msgspec
import pytest

from mdterm.feeds.frames import LadderFrame
from mdterm.widgets.ladder import (
    Columns,
    bar_scale,
    choose_columns,
    paint_heads,
    paint_level,
    paint_readout,
)
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import text_of

MakeLadder = Callable[..., LadderFrame]


def levels(frame: LadderFrame, width: int, palette: Palette) -> list[str]:
    """Return the text of every row."""
    columns = choose_columns(frame, width, None)
    return [text_of(paint_level(frame, at, columns, 10.0, palette)) for at in range(len(frame.bids))]


def test_rows_at_the_narrowest_layout(make_ladder: MakeLadder, palette: Palette) -> None:
    assert levels(make_ladder(), 28, palette) == [
        "           100.4     1.500",
        "·          100.3          ",
        "           100.2     12.3K",
        "           100.1     9.605",
        "▲          100.0          ",
        "    2.321   99.9          ",
        "    8.783   99.8          ",
        "·       —   99.7          ",
        "            99.6          ",
    ]


@pytest.mark.parametrize("width", [28, 45, 75, 120])
def test_heads_stand_over_their_columns(make_ladder: MakeLadder, palette: Palette, width: int) -> None:
    columns = choose_columns(make_ladder(), width, None)
    heads = text_of(paint_heads(columns, palette))
    rows = levels(make_ladder(), width, palette)
    assert heads.index("BID") + 3 == len(rows[5].rstrip()[: -len("99.9")].rstrip())
    assert heads.index("PRICE") + 5 == rows[5].index("99.9") + 4
    assert heads.index("ASK") + 3 == len(rows[0])
    assert columns.left + columns.width <= width


@pytest.mark.parametrize("width", [28, 45, 75])
def test_columns_are_two_blanks_apart_and_thousands_one(
    make_ladder: MakeLadder, palette: Palette, width: int
) -> None:
    frame = make_ladder(top=617_260, centre=617_256, asks=[1234.5] * 9, bids=[1234.5] * 9)
    for row in levels(frame, width, palette):
        figures = re.split(r" {2,}", row.lstrip("·▲ ").strip())
        assert len(figures) == 3, row
        assert re.fullmatch(r"61 7\d\d\.\d", figures[1])


def test_columns_grow_but_never_shrink(make_ladder: MakeLadder) -> None:
    narrow = choose_columns(make_ladder(), 45, None)
    wide = choose_columns(make_ladder(top=100_004), 45, narrow)
    assert wide.price > narrow.price
    assert choose_columns(make_ladder(), 45, wide) == wide


def test_a_size_that_comes_and_goes_costs_decimals_once(make_ladder: MakeLadder) -> None:
    small = make_ladder()
    before = choose_columns(small, 28, None)
    large = choose_columns(make_ladder(asks=[9_000.0] * 9), 28, before)
    assert large.digits < before.digits
    assert choose_columns(small, 28, large).digits == large.digits


def test_decimals_come_with_what_is_learnt_of_the_instrument(make_ladder: MakeLadder) -> None:
    first = choose_columns(make_ladder(size_digits=0), 28, None)
    assert first.digits == 0
    assert choose_columns(make_ladder(), 28, first).digits == 3


def test_a_column_too_narrow_for_a_figure_says_so(make_ladder: MakeLadder, palette: Palette) -> None:
    row = paint_level(make_ladder(), 5, Columns(left=0, size=3, price=5, whole=1, digits=3), 10.0, palette)
    assert text_of(row) == " ###   99.9     "


@pytest.mark.parametrize(("direction", "mark"), [(1, "▲"), (-1, "▼"), (0, "▸")])
def test_the_last_price_is_marked_at_the_edge(
    make_ladder: MakeLadder, palette: Palette, direction: int, mark: str
) -> None:
    assert levels(make_ladder(direction=direction), 28, palette)[4].startswith(mark)


def test_bars_are_behind_the_numbers_and_change_no_text(make_ladder: MakeLadder, palette: Palette) -> None:
    frame = make_ladder()
    columns = choose_columns(frame, 45, None)
    full = paint_level(frame, 6, columns, 8.783, palette)
    none = paint_level(frame, 6, columns, 1e9, palette)
    assert text_of(full) == text_of(none)
    barred = "".join(text for text, style in full if style.bgcolor is not None)
    assert len(barred) == columns.size
    assert all(style.bgcolor is None for _, style in none)


@pytest.mark.parametrize(
    ("largest", "before", "scale"),
    [
        (8.0, 0.0, 10.0),
        (8.0, 10.0, 10.0),
        (2.1, 10.0, 10.0),
        (1.9, 10.0, 2.0),
        (11.0, 10.0, 20.0),
        (0.0, 5.0, 5.0),
        (0.003, 0.0, 0.005),
        (450.0, 0.0, 500.0),
    ],
)
def test_bars_rescale_only_when_they_must(largest: float, before: float, scale: float) -> None:
    assert bar_scale(largest, before) == pytest.approx(scale)


def test_the_readout_tells_spread_and_imbalance_with_its_depth(
    make_ladder: MakeLadder, palette: Palette
) -> None:
    text = text_of(paint_readout(make_ladder(), palette, 75))
    assert text.startswith(" spread 0.2  20.0 bps  bids 54 % ━")
    assert text.endswith("─ 46 % asks of 10 ")
    assert text_of(paint_readout(make_ladder(), palette, 28)) == " spread 0.2  bids 54 %"


def test_a_book_of_buckets_has_no_spread(make_ladder: MakeLadder, palette: Palette) -> None:
    frame = make_ladder(bucketed=True, spread=None, spread_bps=None, imbalance=None)
    assert text_of(paint_readout(frame, palette, 45)) == " bucket gap 0.2  imbalance —"
    empty = msgspec.structs.replace(frame, best_ask=None)
    assert text_of(paint_readout(empty, palette, 45)).startswith(" bucket gap —")


@pytest.mark.parametrize("width", range(10, 90))
def test_the_readout_never_outgrows_its_panel(make_ladder: MakeLadder, palette: Palette, width: int) -> None:
    assert len(text_of(paint_readout(make_ladder(), palette, width))) <= max(width, len(" spread 0.2"))
