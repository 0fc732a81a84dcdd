"""The tape's rows: time, side, price, size, in this order."""

from collections.abc import Callable

import pytest

from mdterm.feeds.frames import TapeFrame
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import text_of
from mdterm.widgets.tape_rows import choose_columns, paint_heads, paint_print, paint_sums

MakeTape = Callable[..., TapeFrame]


def prints(frame: TapeFrame, width: int, palette: Palette) -> list[str]:
    columns = choose_columns(frame, width, None)
    return [text_of(paint_print(row, columns, frame.digits, palette)) for row in frame.rows]


def test_rows_where_there_is_room(make_tape: MakeTape, palette: Palette) -> None:
    assert prints(make_tape(), 44, palette) == [
        "23:47:41.997  ▲ 61 722.4       0.145",
        "23:47:41.956  ▼ 61 722.1      12.500  ×3",
        "23:47:41.915  · 61 722.0           —",
    ]


def test_rows_at_the_narrowest_layout(make_tape: MakeTape, palette: Palette) -> None:
    assert prints(make_tape(), 31, palette) == [
        "23:47:41.997  ▲ 61 722.4   0.14",
        "23:47:41.956  ▼ 61 722.1  12.50",
        "23:47:41.915  · 61 722.0      —",
    ]


def test_where_a_size_would_not_fit_the_milliseconds_go(make_tape: MakeTape, palette: Palette) -> None:
    assert prints(make_tape(), 28, palette)[0] == "23:47:41  ▲ 61 722.4   0.145"


@pytest.mark.parametrize("width", [28, 31, 34, 44, 60])
def test_heads_stand_over_their_columns(make_tape: MakeTape, palette: Palette, width: int) -> None:
    columns = choose_columns(make_tape(), width, None)
    heads = text_of(paint_heads(columns, palette))
    row = prints(make_tape(), width, palette)[0]
    assert heads.index("PRICE") + 5 == row.index("722.4") + 5
    assert len(heads) == len(row)
    assert columns.width <= width


def test_columns_never_shrink(make_tape: MakeTape) -> None:
    wide = choose_columns(make_tape(rows=[make_tape().rows[0]]), 44, None)
    cheap = make_tape(rows=[])
    assert choose_columns(cheap, 44, wide).price == wide.price


def test_cvd_tells_its_start_and_whether_to_trust_it(make_tape: MakeTape, palette: Palette) -> None:
    assert text_of(paint_sums(make_tape(), palette, 44)) == "CVD -1 012.410 since 23:47:41"
    doubtful = make_tape(unreliable_since=1_763_682_000_000_000_000)
    assert text_of(paint_sums(doubtful, palette, 44)) == "CVD -1 012.410 unreliable since 23:40:00"
    assert text_of(paint_sums(doubtful, palette, 31)) == "CVD -1 012.410 unreliable"


def test_sides_differ_by_glyph_and_style(make_tape: MakeTape, palette: Palette) -> None:
    columns = choose_columns(make_tape(), 44, None)
    rows = [paint_print(row, columns, 1, palette) for row in make_tape().rows]
    assert [row[1] for row in rows] == [
        ("▲ 61 722.4       0.145", palette.up),
        ("▼ 61 722.1      12.500", palette.down),
        ("· 61 722.0           —", palette.flat),
    ]
