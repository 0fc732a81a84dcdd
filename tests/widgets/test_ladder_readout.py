"""The lines under a ladder: each figure has its place, and what is not known is not made up."""

from collections.abc import Callable

import msgspec
import pytest

from mdterm.feeds.frames import CursorRow, LadderFrame
from mdterm.widgets.ladder_readout import paint_cursor, paint_readout, paint_touch, paint_weight
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import text_of

MakeLadder = Callable[..., LadderFrame]
MARKED = CursorRow(
    row=999,
    side="bid",
    size=2.321,
    count=12,
    cumulative=14.25,
    notional=1_423.6,
    ticks=-1.0,
    bps=-10.0,
)


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


def test_two_lines_tell_the_touch_and_its_weight(make_ladder: MakeLadder, palette: Palette) -> None:
    frame = make_ladder(micro=100.04)
    touch = text_of(paint_touch(frame, palette, 60))
    assert touch == " spread    0.2  20.00 bps  mid 100.00  micro 100.04"
    assert text_of(paint_touch(frame, palette, 40)) == " spread    0.2  20.00 bps  mid 100.00"
    assert text_of(paint_touch(frame, palette, 28)) == " spread    0.2  20.00 bps"
    assert text_of(paint_weight(frame, palette, 60)).endswith("46 % asks of 10 ")


def test_figures_of_the_touch_keep_their_places(make_ladder: MakeLadder, palette: Palette) -> None:
    told = [
        text_of(paint_touch(make_ladder(spread=spread, spread_bps=bps, micro=100.0), palette, 60))
        for spread, bps in ((0.1, 0.02), (12.3, 123.0), (None, None))
    ]
    assert len({text.index("mid") for text in told}) == 1
    assert told[2].split()[:3] == ["spread", "—", "—"]


def test_of_buckets_only_their_gap_is_told(make_ladder: MakeLadder, palette: Palette) -> None:
    frame = make_ladder(bucketed=True, spread=None, spread_bps=None, mid=None)
    assert text_of(paint_touch(frame, palette, 60)) == " bucket gap    0.2  no true levels"


def test_the_marked_row_is_told_in_full(make_ladder: MakeLadder, palette: Palette) -> None:
    (line,) = paint_cursor(make_ladder(cursor=MARKED), 999, palette, 90, 2)
    assert text_of(line) == " ▶99.9 bid 2.321 ×12  -1.0 ticks -10.00 bps  Σ 14.250  value 1 424"


def test_where_it_is_narrow_it_takes_two_lines_then_less(make_ladder: MakeLadder, palette: Palette) -> None:
    frame = make_ladder(cursor=MARKED)
    told = [text_of(line) for line in paint_cursor(frame, 999, palette, 45, 2)]
    assert told == [" ▶99.9 bid 2.321 ×12  -1.0 ticks -10.00 bps", "  Σ 14.250  value 1 424"]
    assert [text_of(line) for line in paint_cursor(frame, 999, palette, 28, 1)] == [" ▶99.9 bid 2.321 ×12"]


@pytest.mark.parametrize("width", range(20, 90))
def test_the_marked_row_never_outgrows_its_panel(
    make_ladder: MakeLadder, palette: Palette, width: int
) -> None:
    lines = paint_cursor(make_ladder(cursor=MARKED), 999, palette, width, 2)
    assert len(lines) <= 2
    assert all(len(text_of(line)) <= width for line in lines)


def test_a_row_whose_figures_are_not_here_yet_invents_none(make_ladder: MakeLadder, palette: Palette) -> None:
    (line,) = paint_cursor(make_ladder(cursor=MARKED), 1000, palette, 90, 2)
    assert text_of(line) == " ▶100.0 —"
    inside = CursorRow(1000, None, None, None, None, None, 0.0, 0.0)
    (line,) = paint_cursor(make_ladder(cursor=inside), 1000, palette, 90, 2)
    assert text_of(line) == " ▶100.0  no side  +0.0 ticks +0.00 bps"


def test_an_empty_row_says_zero_and_an_unpublished_size_nothing(
    make_ladder: MakeLadder, palette: Palette
) -> None:
    empty = msgspec.structs.replace(MARKED, size=0.0, count=0)
    (line,) = paint_cursor(make_ladder(cursor=empty), 999, palette, 90, 2)
    assert text_of(line).startswith(" ▶99.9 bid 0  -1.0")
    unknown = msgspec.structs.replace(MARKED, size=None, count=None, cumulative=None, notional=None)
    (line,) = paint_cursor(make_ladder(cursor=unknown), 999, palette, 90, 2)
    assert text_of(line).startswith(" ▶99.9 bid —  -1.0")
    assert text_of(line).endswith("Σ —  value —")
