"""The tape's rows: time, side, price, size, in this order; and what a person does to the tape."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style

from mdterm.feeds.events import Position
from mdterm.feeds.frames import PanelFrame, TapeFrame, TapeRow
from mdterm.feeds.status import Shown
from mdterm.themes.palettes import DARK
from mdterm.widgets.palette import Palette, make_palette
from mdterm.widgets.panel import Kept
from mdterm.widgets.rows import Row, text_of, width_of
from mdterm.widgets.tape import Tape
from mdterm.widgets.tape_rows import (
    Columns,
    choose_columns,
    format_least,
    format_ratio,
    paint_heads,
    paint_print,
    paint_sums,
    volume_words,
)
from tests.widgets.conftest import TS

LIVE = Shown("LIVE", age=0.1)
DARK_PALETTE = make_palette({**DARK.variables, "background": DARK.background or ""})

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
        ("▲ 61 722.4       0.145", palette.bid),
        ("▼ 61 722.1      12.500", palette.ask),
        ("· 61 722.0           —", palette.flat),
    ]


# --- weight, own fills, liquidations ------------------------------------------------------------------


def styled(row: TapeRow, palette: Palette, frame: TapeFrame, **more: bool) -> list[tuple[str, str]]:
    columns = choose_columns(frame, 44, None)
    return [(text.strip(), str(style)) for text, style in paint_print(row, columns, 1, palette, **more)][1:]


def test_grades_differ_in_weight_then_colour_then_fill(make_tape: MakeTape, palette: Palette) -> None:
    frame, plain = make_tape(), make_tape().rows[0]
    looks = [styled(msgspec.structs.replace(plain, grade=grade), palette, frame) for grade in range(4)]
    bold = str(palette.bid + Style(bold=True))
    assert looks[0] == [("▲ 61 722.4       0.145", str(palette.bid))]
    assert looks[1] == [("▲ 61 722.4", str(palette.bid)), ("0.145", bold)]
    assert looks[2] == [("▲ 61 722.4", bold), ("0.145", str(palette.big_1))]
    assert looks[3] == [("▲ 61 722.4", bold), ("0.145", str(palette.big_2))]


def test_own_fills_have_a_mark_and_flash_at_first(make_tape: MakeTape, palette: Palette) -> None:
    own = msgspec.structs.replace(make_tape().rows[0], own=True)
    columns = choose_columns(make_tape(), 44, None)
    row = paint_print(own, columns, 1, palette)
    assert text_of(row) == "23:47:41.997 ◆▲ 61 722.4       0.145"
    fresh = paint_print(own, columns, 1, palette, is_fresh=True)
    assert text_of(fresh) == text_of(row)
    assert [style.reverse for _, style in fresh][-1]
    assert not [style.reverse for _, style in row][-1]


@pytest.mark.parametrize(("position", "letter"), [("long", "L"), ("short", "S"), (None, "?")])
def test_a_liquidation_is_told_by_whose_position_it_was(
    make_tape: MakeTape, palette: Palette, position: Position | None, letter: str
) -> None:
    forced = TapeRow(TS, 61_700.0, 1.25, None, 1, is_forced=True, position=position)
    columns = choose_columns(make_tape(), 44, None)
    row = paint_print(forced, columns, 1, palette)
    assert text_of(row) == f"23:47:41.997  {letter} 61 700.0       1.250  LIQ"
    roles = {"long": palette.liq_long, "short": palette.liq_short, None: palette.flat}
    assert row[-1][1] == roles[position]


@pytest.mark.parametrize(
    ("count", "wide", "narrow"),
    [(2, "  ×2", "  ×2"), (99, "  ×99", "  ×99"), (129, "  ×129", " ×129"), (1208, "  ×1208", "  ×1K")],
)
def test_the_number_of_trades_never_lies(
    make_tape: MakeTape, palette: Palette, count: int, wide: str, narrow: str
) -> None:
    row = msgspec.structs.replace(make_tape().rows[1], count=count)
    for width, told in ((46, wide), (39, narrow)):
        columns = choose_columns(make_tape(), width, None)
        text = text_of(paint_print(row, columns, 1, palette))
        assert text[text.index("12.5") :].partition(" ")[2] == told[1:]
        assert len(text) <= columns.width <= width


def test_where_there_is_room_a_sweep_tells_where_it_began(make_tape: MakeTape, palette: Palette) -> None:
    sweep = msgspec.structs.replace(make_tape().rows[1], first_price=61_791.0)
    frame = make_tape(rows=[sweep, make_tape().rows[0]])
    columns = choose_columns(frame, 60, None, with_start=True)
    assert [text_of(row) for row in (paint_heads(columns, palette), *painted(frame, columns, palette))] == [
        "TIME               PRICE        SIZE             FROM",
        "23:47:41.956  ▼ 61 722.1      12.500  ×3     61 791.0",
        "23:47:41.997  ▲ 61 722.4       0.145",
    ]


def painted(frame: TapeFrame, columns: Columns, palette: Palette) -> list[Row]:
    return [paint_print(row, columns, frame.digits, palette) for row in frame.rows]


@given(st.integers(20, 120), st.floats(0, 1e12), st.integers(0, 3), st.booleans(), st.integers(1, 10**6))
def test_no_row_is_wider_than_its_columns(width: int, size: float, grade: int, own: bool, count: int) -> None:
    row = TapeRow(TS, 61_722.4, size, "buy", count, 61_000.0, grade, own)
    frame = TapeFrame("a", [row], 1, 3, 1, 1, 0, 1.0, 1.0, TS, None, None)
    columns = choose_columns(frame, width, None, with_start=True)
    painted_row = paint_print(row, columns, 1, DARK_PALETTE)
    assert width_of(painted_row) <= max(columns.width, 26)
    assert columns.width <= max(width, 26)


# --- the pace and the filter in words -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("ratio", "words"),
    [(None, "×—  "), (0.0, "×0.0"), (1.84, "×1.8"), (9.96, "×10 "), (123.4, "×123"), (5e9, "×999")],
)
def test_ratios_take_four_cells(ratio: float | None, words: str) -> None:
    assert format_ratio(ratio) == words


@given(st.none() | st.floats(0, 1e11), st.none() | st.floats(0, 1e4))
def test_the_pace_of_the_volume_never_changes_its_width(pace: float | None, ratio: float | None) -> None:
    frame = TapeFrame("a", [], 1, 3, 1, 1, 0, 1.0, 1.0, TS, None, None, volume_pace=pace, volume_ratio=ratio)
    assert len(volume_words(frame)) == len("VOL   208.1K/s ×0.4")


@pytest.mark.parametrize(
    ("least", "words"),
    [
        (0.05, "0.05"),
        (1e-7, "0.0000001"),
        (500.0, "500"),
        (5e3, "5000"),
        (2e4, "20K"),
        (1e6, "1M"),
        (5e9, "5B"),
    ],
)
def test_a_filter_is_told_as_it_is_chosen(least: float, words: str) -> None:
    assert format_least(least) == words


# --- what a person does to it -------------------------------------------------------------------------


@pytest.fixture
def tape(make_tape: MakeTape) -> Tape:
    one = Tape()
    one.address = "sim:X"
    one.frame = make_tape(newest=500, median=0.034, largest=46.0, last_price=60_000.0)
    return one


def test_the_filter_goes_through_the_instruments_own_sizes(tape: Tape) -> None:
    assert tape.spec().min_size is None
    seen = []
    for _ in range(12):
        tape.filter_larger()
        seen.append(tape.spec().min_size)
    assert seen == [0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 20.0, 20.0, 20.0]
    for _ in range(9):
        tape.filter_smaller()
    assert tape.spec().min_size is None


def test_a_chosen_filter_stays_when_the_sizes_change(tape: Tape, make_tape: MakeTape) -> None:
    tape.filter_larger()
    tape.frame = make_tape(median=7.0, largest=300.0, last_price=60_000.0)
    assert tape.spec().min_size == 0.05
    tape.filter_larger()
    assert tape.spec().min_size == 10.0


def test_each_instrument_has_its_own_filter(tape: Tape) -> None:
    tape.filter_larger()
    tape.address = "sim:Y"
    assert tape.spec().min_size is None
    tape.address = "sim:X"
    assert tape.spec().min_size == 0.05


def test_a_filter_keeps_its_units_and_the_next_step_takes_those_that_are_shown(tape: Tape) -> None:
    tape.filter_larger()
    tape.in_quote = True
    assert (tape.spec().quote, tape.spec().min_size, tape.spec().min_in_quote) == (True, 0.05, False)
    tape.filter_larger()
    assert (tape.spec().min_size, tape.spec().min_in_quote) == (5_000.0, True)
    tape.in_quote = False
    tape.filter_larger()
    assert (tape.spec().min_size, tape.spec().min_in_quote) == (0.1, False)


def test_scrolling_back_holds_and_the_newest_print_lets_go(tape: Tape, make_tape: MakeTape) -> None:
    tape.scroll_prints(-3)
    assert tape.spec().hold is None, "forward of the newest there is nothing"
    tape.scroll_prints(3)
    assert (tape.spec().hold, tape.spec().back) == (500, 3)
    tape.frame = make_tape(newest=900, back=3)
    tape.scroll_prints(20)
    assert (tape.spec().hold, tape.spec().back) == (500, 23)
    tape.frame = make_tape(newest=950, back=11, is_end=True)
    tape.scroll_prints(20)
    assert tape.spec().back == 11, "there is nothing further back"
    tape.scroll_prints(-11)
    assert (tape.spec().hold, tape.spec().back) == (None, 0)


def test_a_hold_begins_at_the_newest_trade(tape: Tape) -> None:
    tape.hold_or_run()
    assert (tape.spec().hold, tape.spec().back) == (500, 0)
    tape.hold_or_run()
    assert tape.spec().hold is None


def test_what_waits_is_told(tape: Tape, make_tape: MakeTape) -> None:
    assert tape.badge() == ""
    tape.hold_or_run()
    tape.frame = make_tape(waiting=38)
    assert tape.badge() == "PAUSED +38"
    tape.frame = make_tape(waiting=30_000, is_waiting_least=True)
    assert tape.badge() == "PAUSED ≥30000"


def test_what_is_held_stays_though_it_is_not_kept_any_more(tape: Tape, make_tape: MakeTape) -> None:
    tape.hold_or_run()
    held = make_tape(newest=600)
    tape.show(PanelFrame(LIVE, held), 0.0, TS)
    tape.show(PanelFrame(LIVE, make_tape(newest=90_000, rows=[], is_waiting_least=True)), 0.0, TS)
    frame = tape.frame
    assert isinstance(frame, TapeFrame)
    assert (frame.rows, frame.newest) == (held.rows, 90_000)
    tape.show(PanelFrame(LIVE, make_tape(rows=[], join_ms=100)), 0.0, TS)
    assert isinstance(tape.frame, TapeFrame)
    assert tape.frame.rows == [], "another question has another answer"


def test_a_tape_that_goes_back_in_time_is_let_go(tape: Tape, make_tape: MakeTape) -> None:
    tape.scroll_prints(3)
    tape.latch()
    tape.clear_biggest()
    tape.show(PanelFrame(LIVE, make_tape(newest=499)), 0.0, TS)
    assert (tape.spec().hold, tape.spec().back, tape.spec().biggest_since) == (None, 0, 0)


def test_the_joining_goes_round(tape: Tape) -> None:
    spans = []
    for _ in range(4):
        spans.append(tape.spec().join_ms)
        tape.next_join()
    assert spans == [1, 100, 0, 1]


def test_the_biggest_stays_until_it_is_cleared(tape: Tape) -> None:
    tape.clear_biggest()
    assert tape.spec().biggest_since is None
    tape.latch()
    assert tape.spec().biggest_since == 0
    tape.clear_biggest()
    assert tape.spec().biggest_since == 500
    tape.clear(0.0)
    assert tape.spec().biggest_since == 0, "another instrument has its own"
    tape.latch()
    assert tape.spec().biggest_since is None


def test_the_title_tells_filter_joining_and_pace(tape: Tape, make_tape: MakeTape) -> None:
    assert tape.details() == ["  2/s", "×—  "]
    tape.frame = make_tape(min_size=0.5, join_ms=100, pace=123.4, pace_ratio=1.84)
    assert tape.details() == ["≥0.5", "100ms", "123/s", "×1.8"]
    tape.frame = make_tape(min_size=0.5, join_ms=0, quote=True)
    assert tape.details() == ["≥0.5 base", "single", "  2/s", "×—  "]
    tape.frame = make_tape(min_size=2e4, min_in_quote=True)
    assert tape.details()[0] == "≥20K quote"


def test_choices_come_back_at_the_next_start(tape: Tape) -> None:
    tape.filter_larger()
    tape.in_quote, tape.address = True, "sim:Y"
    tape.filter_larger()
    tape.next_join()
    tape.latch()
    again = Tape()
    again.restore(tape.keep())
    assert again.keep() == tape.keep()
    assert (again.join_ms, again.is_latched) == (100, True)
    assert again.filters == {"sim:X": (0.05, False), "sim:Y": (5_000.0, True)}


@pytest.mark.parametrize(
    "kept",
    [
        {"join-ms": 7, "biggest": 1},
        {"join-ms": "1", "min-size sim:X": 5},
        {"min-size sim:X": "inf quote"},
        {"min-size sim:X": "-1 base"},
        {"min-size sim:X": "1 apple"},
        {"min-size sim:X": ""},
    ],
)
def test_what_does_not_fit_is_passed_over(kept: dict[str, Kept]) -> None:
    tape = Tape()
    tape.restore(kept)
    assert tape.keep() == Tape().keep()
    assert tape.filters == {}


# --- the whole body -----------------------------------------------------------------------------------


def body(tape: Tape, width: int, height: int) -> list[str]:
    rows = tape.paint_body(DARK_PALETTE, width, height)
    assert len(rows) == height
    assert all(width_of(row) <= width for row in rows)
    return [text_of(row) for row in rows]


def test_the_biggest_stands_over_the_prints(tape: Tape, make_tape: MakeTape) -> None:
    tape.latch()
    big = TapeRow(TS - 10**10, 61_600.0, 46.0, "sell", 88, 61_650.0, 3)
    tape.frame = make_tape(biggest=big)
    assert body(tape, 60, 8)[1].rstrip() == "23:47:31.997  ▼ 61 600.0      46.000  ×88    61 650.0"
    assert len(body(tape, 34, 8)[1]) == 34, "its ground fills the row"
    tape.frame = make_tape(biggest=None)
    assert body(tape, 34, 8)[1].rstrip() == "— nothing printed so far"
    tape._wall = TS
    tape.clear_biggest()
    assert body(tape, 40, 8)[1].rstrip() == "— nothing printed since 23:47:41"


def test_the_volume_has_a_place_where_there_is_one(tape: Tape, make_tape: MakeTape) -> None:
    tape.frame = make_tape(volume_pace=3.38, volume_ratio=0.4)
    assert body(tape, 60, 8)[-1] == "CVD -1 012.410 since 23:47:41            VOL     3.38/s ×0.4"
    assert body(tape, 34, 8)[-1] == "CVD -1 012.410 since 23:47:41"
    assert body(tape, 34, 20)[-2:] == ["VOL     3.38/s ×0.4", "CVD -1 012.410 since 23:47:41"]


def test_the_end_of_what_is_kept_is_told(tape: Tape, make_tape: MakeTape) -> None:
    tape.frame = make_tape(is_end=True)
    assert "no older" not in "".join(body(tape, 34, 10))
    tape.hold_or_run()
    assert body(tape, 34, 10)[4] == "no older prints are kept"
