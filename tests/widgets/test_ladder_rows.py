"""The ladder's rows: columns that stand still, figures that are told in full."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from rich.style import Style

from mdterm.feeds.frames import LadderFrame, OwnOrder
from mdterm.themes.palettes import MONO
from mdterm.widgets.ladder_columns import (
    GAP,
    SETS,
    Columns,
    Figure,
    choose_columns,
    granted,
    room_for,
    sets_that_fit,
)
from mdterm.widgets.ladder_rows import Scales, bar_scale, common_digits, paint_heads, paint_level
from mdterm.widgets.palette import Palette, make_palette
from mdterm.widgets.rows import text_of

_BOLD = Style(bold=True)
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
    assert large.size.digits < before.size.digits
    assert choose_columns(small, 28, large).size.digits == large.size.digits


def test_decimals_come_with_what_is_learnt_of_the_instrument(make_ladder: MakeLadder) -> None:
    first = choose_columns(make_ladder(size_digits=0), 28, None)
    assert first.size.digits == 0
    assert choose_columns(make_ladder(), 28, first).size.digits == 3


def test_a_column_too_narrow_for_a_figure_says_so(make_ladder: MakeLadder, palette: Palette) -> None:
    row = paint_level(make_ladder(), 5, Columns(left=0, size=Figure(3, 1, 3), price=5), 10.0, palette)
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
    assert len(barred) == columns.size.width
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


# Sells and buys beside the price

SELLS = [0.0, 0.0, 0.0, 0.5, 2.25, 3.962, 0.0, 0.0001, 0.0]
BUYS = [0.0, 0.383, 0.0, 12.0, 1.439, 0.0, 0.0, 0.0, 0.0]


@pytest.fixture
def make_flow(make_ladder: MakeLadder) -> MakeLadder:
    """Return a maker of ladders that know what traded in the last minute."""

    def make(**changes: Any) -> LadderFrame:
        return make_ladder(**{"sells": SELLS, "buys": BUYS, "window": "60s"} | changes)

    return make


def full_rows(frame: LadderFrame, width: int, palette: Palette) -> list[str]:
    """Return the text of the heads and of every row, with sells and buys where there is room."""
    columns = choose_columns(frame, width, None, ["flow"])
    rows = [paint_heads(columns, palette, with_own=bool(frame.own))]
    rows += [paint_level(frame, at, columns, 10.0, palette) for at in range(len(frame.bids))]
    return [text_of(row) for row in rows]


def test_sells_and_buys_stand_beside_the_price(make_flow: MakeLadder, palette: Palette) -> None:
    assert full_rows(make_flow(), 40, palette) == [
        "    BID   SELLS  PRICE    BUYS     ASK",
        "                 100.4           1.500",
        "·                100.3   0.383        ",
        "                 100.2           12.3K",
        "          0.500  100.1  12.000   9.605",
        "▲         2.250  100.0   1.439        ",
        "  2.321   3.962   99.9                ",
        "  8.783           99.8                ",
        "·     —  <0.001   99.7                ",
        "                  99.6                ",
    ]


def test_where_it_is_narrow_the_book_comes_first(make_flow: MakeLadder, palette: Palette) -> None:
    assert full_rows(make_flow(), 28, palette)[1:] == levels(make_ladder_of(make_flow()), 28, palette)


def make_ladder_of(frame: LadderFrame) -> LadderFrame:
    """Return a ladder without what traded."""
    return msgspec.structs.replace(frame, sells=None, buys=None, window=None)


@pytest.mark.parametrize("width", range(20, 140))
def test_every_row_keeps_its_columns_apart_and_inside(
    make_flow: MakeLadder, palette: Palette, width: int
) -> None:
    own = [OwnOrder(1004, "sell", 9_999.5), OwnOrder(999, "buy", 0.0125)]
    frame = make_flow(bids=[1234.5] * 9, asks=[9999.25] * 9, sells=[1234.5] * 9, buys=[9999.25] * 9, own=own)
    columns = choose_columns(frame, width, None, ["flow"])
    assert columns.left + columns.width <= width or columns.size.width == 1
    heads, *rows = full_rows(frame, width, palette)
    names = re.split(r" +", heads.strip())
    assert names in (
        ["BID", "PRICE", "ASK"],
        ["BID", "PRICE", "ASK", "OWN"],
        ["BID", "SELLS", "PRICE", "BUYS", "ASK"],
        ["BID", "SELLS", "PRICE", "BUYS", "ASK", "OWN"],
    )
    ends = [heads.index(name) + len(name) for name in names[: names.index("ASK") + 1]]
    for row in rows:
        if "#" in row:
            assert width < 24, "a figure is cut only where nothing fits"
            continue
        for end in ends:
            assert row[end - 1].isalnum(), (row, "each figure ends under its head")
            assert row[end : end + GAP].strip(" ▴▾") == "", row


def test_the_columns_depend_on_the_width_alone(make_flow: MakeLadder) -> None:
    quiet = make_flow(sells=[0.0] * 9, buys=[0.0] * 9)
    for width in range(28, 120):
        one, other = (choose_columns(frame, width, None, ["flow"]) for frame in (quiet, make_flow()))
        assert one.left == other.left
        assert one.own == other.own
        assert (one.size.width, one.flow.width) == (other.size.width, other.flow.width)


def test_a_large_sum_costs_decimals_once(make_flow: MakeLadder) -> None:
    before = choose_columns(make_flow(buys=[1_500.0] * 9), 45, None, ["flow"])
    assert before.flow.digits == 1
    assert choose_columns(make_flow(), 45, before, ["flow"]) == before


def test_what_is_not_known_is_no_zero(make_flow: MakeLadder, palette: Palette) -> None:
    heads, *rows = full_rows(make_flow(sells=None, buys=None), 40, palette)
    for name in ("SELLS", "BUYS"):
        assert {row[heads.index(name) + len(name) - 1] for row in rows} == {"—"}


# Own orders

OWN = [OwnOrder(1004, "sell", 0.5), OwnOrder(999, "buy", 0.0125), OwnOrder(997, "buy", 3.0)]


def test_own_orders_stand_at_the_edge_with_what_still_works(make_flow: MakeLadder, palette: Palette) -> None:
    rows = full_rows(make_flow(own=OWN), 62, palette)
    assert rows[0].split() == ["BID", "SELLS", "PRICE", "BUYS", "ASK", "OWN"]
    told = [row[rows[0].index("ASK") + 3 :] for row in rows]
    assert told[1:] == ["  S 0.5000", *[""] * 4, "  B 0.0125", "", "  B 3.0000", ""]


def test_where_it_is_narrow_own_orders_are_marked(make_flow: MakeLadder, palette: Palette) -> None:
    for width in (28, 45):
        rows = full_rows(make_flow(own=OWN), width, palette)
        assert "OWN" not in rows[0]
        assert [row[-1] for row in rows[1:] if row[-1] in "▴▾◆"] == ["▾", "▴", "▴"]
        assert len({row.rindex(row[-1]) for row in rows[1:] if row[-1] in "▴▾◆"}) == 1


def test_orders_of_both_sides_on_one_row_are_told_as_both(make_flow: MakeLadder, palette: Palette) -> None:
    own = [OwnOrder(1000, "buy", 1.0), OwnOrder(1000, "sell", 2.0)]
    assert full_rows(make_flow(own=own), 62, palette)[5].rstrip().endswith("  B+S")
    assert full_rows(make_flow(own=own), 45, palette)[5].endswith("◆")


def test_own_orders_have_their_own_colour(make_flow: MakeLadder, palette: Palette) -> None:
    frame = make_flow(own=OWN)
    columns = choose_columns(frame, 62, None, ["flow"])
    row = paint_level(frame, 0, columns, 10.0, palette)
    assert [text for text, style in row if style == palette.own] == ["S 0.5000"]


# Sets of columns

FULL = {
    "bid_changes": [1.5, -2.25, 0.0, 12.5, 0.0, -0.125, 1234.5, 0.0, 0.0],
    "ask_changes": [0.0, 0.0, -9999.25, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0],
    "volumes": [0.5, 1.25, 2.0, 4.0, 8.0, 4.0, 2.0, 0.0, 0.25],
    "cum_bids": [0.0, 0.0, 0.0, 0.0, 0.0, 2.321, 11.104, None, None],
    "cum_asks": [13.5, 12.0, 12.0, 9.605, 0.0, 0.0, 0.0, 0.0, 0.0],
    "diagonals": [0, 0, 0, 1, 0, 2, 0, 0, 0],
}
HEADS = ["VOL", "ΣBID", "±BID", "BID", "SELLS", "PRICE", "BUYS", "ASK", "±ASK", "ΣASK", "DELTA", "OWN"]


@pytest.fixture
def make_full(make_flow: MakeLadder) -> MakeLadder:
    """Return a maker of ladders that know everything that can be told of a row."""

    def make(**changes: Any) -> LadderFrame:
        return make_flow(**(FULL | changes))

    return make


def set_rows(frame: LadderFrame, width: int, palette: Palette, name: str) -> list[str]:
    """Return the text of heads and rows with a set of columns, as the panel shows them."""
    columns = choose_columns(frame, width, None, SETS[name], with_bars=True)
    scales = Scales().grown(frame, slice(0, 9))
    rows = [paint_heads(columns, palette, with_own=bool(frame.own))]
    rows += [paint_level(frame, at, columns, scales, palette) for at in range(len(frame.bids))]
    return [text_of(row) for row in rows]


def test_all_columns_in_their_order(make_full: MakeLadder, palette: Palette) -> None:
    rows = set_rows(make_full(own=OWN), 124, palette, "all")
    assert rows[0].split() == HEADS
    assert rows[4].split() == ["4.000", "+12.50", "0.500", "100.1", "12.000", "9.605", "9.605", "+11.500"]
    assert rows[6].split() == ["4.000", "2.321", "-0.12", "2.321", "3.962", "99.9", "-3.962", "B", "0.0125"]


@pytest.mark.parametrize("name", list(SETS))
@pytest.mark.parametrize("width", [*range(28, 60, 3), 75, 96, 110, 124, 160])
def test_every_set_keeps_its_columns_apart_and_inside(
    make_full: MakeLadder, palette: Palette, name: str, width: int
) -> None:
    big = [1234.5] * 9
    frame = make_full(bids=big, asks=big, sells=big, buys=big, cum_bids=big, cum_asks=big, own=OWN)
    heads, *rows = set_rows(frame, width, palette, name)
    names = heads.split()
    assert {"BID", "PRICE", "ASK"} <= set(names)
    assert names == [one for one in HEADS if one in names], "always in one order"
    assert len(heads) <= width
    ends = [heads.index(f" {one}") + 1 + len(one) for one in names if one != "OWN"]
    for row in rows:
        assert len(row) <= width
        assert "#" not in row
        for end in ends:
            figure = row[end - 1 : end]
            assert figure.strip() == "" or figure.isalnum(), (row, "each figure ends under its head")
            if end != ends[-1]:
                assert row[end : end + GAP].strip() == "", row


def test_a_bar_touches_no_own_order(make_full: MakeLadder) -> None:
    plain = make_palette({**MONO.variables, "background": MONO.background or ""})
    frame = make_full(own=[OwnOrder(1003, "sell", 0.5)], cum_asks=[13.5] * 9)
    row = set_rows(frame, 124, plain, "book")[2]
    assert re.search(r"S +0\.5\d* ━━", row), row


def test_what_there_is_room_for_depends_on_the_set_order() -> None:
    assert granted(SETS["all"], 16) == ()
    assert granted(SETS["all"], 30) == ("flow",)
    assert granted(SETS["all"], 37) == ("flow", "volume"), "what does not fit lets smaller ones pass"
    assert sets_that_fit(30) == ["book", "flow", "changes", "depth", "profile"]
    assert sets_that_fit(16) == ["book"]
    assert set(granted(SETS["all"], 200)) == set(SETS["all"])


def test_room_is_what_prices_and_edges_leave(make_ladder: MakeLadder) -> None:
    assert room_for(make_ladder(), 30) == 30 - 2 - len("100.4")
    wide = choose_columns(make_ladder(top=100_004), 45, None)
    assert room_for(make_ladder(), 45, wide) == 45 - 3 - wide.price, "a mark has a blank before it"


def test_a_change_has_its_sign_and_nothing_is_blank(make_full: MakeLadder, palette: Palette) -> None:
    heads, *rows = set_rows(make_full(), 60, palette, "changes")
    end = heads.index("±BID") + 4
    told = [row[:end].lstrip("·▲ ") for row in rows]
    assert told == ["+1.5", "-2.2", "", "+12.5", "", "-0.1", "+1 234.5", "", ""]
    unknown = set_rows(make_full(bid_changes=None, ask_changes=None), 60, palette, "changes")
    assert {row[heads.index("±ASK") + 3] for row in unknown[1:]} == {"—"}


def test_delta_is_what_was_bought_less_what_was_sold(make_full: MakeLadder, palette: Palette) -> None:
    heads, *rows = set_rows(make_full(), 75, palette, "profile")
    end = heads.index("DELTA") + 5
    told = [row[end - 8 : end].strip() for row in rows]
    assert told == ["", "+0.383", "", "+11.500", "-0.811", "-3.962", "", "-<0.001", ""]


def test_depth_is_told_where_something_rests(make_full: MakeLadder, palette: Palette) -> None:
    heads, *rows = set_rows(make_full(), 62, palette, "depth")
    end = heads.index("ΣASK") + 4
    assert [row[end - 6 : end].strip() for row in rows][:5] == ["13.500", "", "12.000", "9.605", ""]


# Bars, marks and emphasis


def test_bars_of_depth_stand_outside_and_grow_outwards(make_full: MakeLadder, palette: Palette) -> None:
    frame = make_full()
    columns = choose_columns(frame, 60, None, (), with_bars=True)
    assert columns.bar >= 4
    scales = Scales().grown(frame, slice(0, 9))
    assert scales.depth == 20.0
    row = paint_level(frame, 0, columns, scales, palette)
    assert row[-1] == (" " * round(columns.bar * 13.5 / 20), palette.ask_bar)
    row = paint_level(frame, 6, columns, scales, palette)
    cells = round(columns.bar * 11.104 / 20)
    assert row[0] == (" " * (columns.left - cells), row[0][1])
    assert row[1] == (" " * cells, palette.bid_bar)


def test_without_fills_bars_are_lines(make_full: MakeLadder) -> None:
    plain = make_palette({**MONO.variables, "background": MONO.background or ""})
    rows = set_rows(make_full(), 60, plain, "book")
    assert rows[1].endswith("━")
    assert "━" in rows[7][:12]
    assert "━" not in rows[5]


def test_marks_of_the_session_stand_behind_the_asks(make_full: MakeLadder, palette: Palette) -> None:
    frame = make_full(high=1004, low=996, vwap=1002, poc=1001, cum_bids=[], cum_asks=[])
    rows = set_rows(frame, 60, palette, "book")[1:]
    assert [row[-1] if row[-1] in "HLVP" else "" for row in rows] == ["H", "", "V", "P", "", "", "", "", "L"]
    assert all(row[-2] == " " for row in rows if row[-1] in "HLVP"), "a letter must not touch a figure"
    narrow = [
        text_of(paint_level(frame, at, choose_columns(frame, 28, None), 1.0, palette)) for at in range(9)
    ]
    assert not any(set(row) & set("HLVP") for row in narrow)
    both = make_full(vwap=1001, poc=1001, own=OWN[:1])
    assert set_rows(both, 60, palette, "book")[4].rstrip().endswith("P"), "the one that matters most"


def test_the_price_of_a_mark_has_its_style(make_full: MakeLadder, palette: Palette) -> None:
    frame = make_full(vwap=1002)
    columns = choose_columns(frame, 60, None, (), with_bars=True)
    row = paint_level(frame, 2, columns, Scales(size=1.0), palette)
    style = next(style for text, style in row if text.strip() == "100.2")
    assert (style.color, style.bold) == (palette.key.color, True)


def test_a_large_size_is_bold_and_underlined(make_full: MakeLadder, palette: Palette) -> None:
    frame = make_full(usual=2.0, bids=[0.0] * 5 + [50.0] + [0.0] * 3)
    scales = Scales().grown(frame, slice(0, 9))
    assert scales.large == 10.0
    columns = choose_columns(frame, 60, None, (), with_bars=True)
    for at, figure in ((2, "12.3K"), (5, "50.000")):
        row = paint_level(frame, at, columns, scales, palette)
        large = [(text, style) for text, style in row if style.underline]
        assert "".join(text for text, _ in large) == figure, "and not the blanks before it"
        assert all((style.color, style.bold) == (palette.big_1.color, True) for _, style in large)
    assert not any(style.underline for _, style in paint_level(frame, 3, columns, scales, palette))


def test_only_the_digits_that_differ_stand_out(make_ladder: MakeLadder, palette: Palette) -> None:
    frame = make_ladder(top=617_260, centre=617_256, last=617_256, best_bid=617_255, best_ask=617_257)
    common = common_digits(frame, range(9))
    assert common == len("61 72")
    columns = choose_columns(frame, 45, None)
    row = paint_level(frame, 0, columns, 10.0, palette, common)
    price = [(text.strip(), style) for text, style in row if any(digit in text for digit in "67")]
    assert price[0][0].endswith("61 72")
    assert (price[0][1], price[1]) == (palette.muted, ("6.0", palette.text + _BOLD))
    assert text_of(row) == text_of(paint_level(frame, 0, columns, 10.0, palette))
    assert common_digits(make_ladder(), range(9)) == 0, "99.9 and 100.0 have none in one place"


def test_what_outweighs_the_other_side_is_underlined(make_full: MakeLadder, palette: Palette) -> None:
    frame = make_full()
    columns = choose_columns(frame, 60, None, ["flow"])
    for at, figure in ((3, "12.000"), (5, "3.962")):
        row = paint_level(frame, at, columns, 10.0, palette)
        underlined = [text for text, style in row if style.underline]
        assert underlined == [figure]
    assert not any(style.underline for _, style in paint_level(frame, 4, columns, 10.0, palette))


def test_the_rows_that_would_move_the_ladder_are_marked(make_ladder: MakeLadder, palette: Palette) -> None:
    assert [row[0] for row in levels(make_ladder(), 28, palette)] == [*" ·  ▲  · "]
    assert [row[0] for row in levels(make_ladder(trigger=None), 28, palette)] == [*"    ▲    "]


@pytest.mark.parametrize(
    "size", [0.5, 9.75, 999.5, 1234.5, 9_999.9, 99_999.0, 123_456.0, 9.9e6, 7.77e8, 3e12]
)
def test_no_figure_is_cut_however_narrow(make_full: MakeLadder, palette: Palette, size: float) -> None:
    values = [size] * 9
    frame = make_full(
        sells=values, buys=[0.0] * 9, volumes=values, cum_bids=values, cum_asks=values, bid_changes=values,
        ask_changes=[-size] * 9,
    )  # fmt: skip
    for width in range(28, 100):
        for name in SETS:
            assert "#" not in "".join(set_rows(frame, width, palette, name)), (width, name)
