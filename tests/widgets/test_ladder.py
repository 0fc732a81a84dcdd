"""The ladder's rows: columns that stand still, figures that are told in full."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from mdterm.feeds.frames import LadderFrame, OwnOrder, PanelFrame
from mdterm.feeds.status import Shown
from mdterm.widgets.ladder import (
    GAP,
    Columns,
    Ladder,
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
    columns = choose_columns(frame, width, None, with_flow=True)
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
    columns = choose_columns(frame, width, None, with_flow=True)
    assert columns.left + columns.width <= width or columns.size == 1
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
        one, other = (choose_columns(frame, width, None, with_flow=True) for frame in (quiet, make_flow()))
        assert (one.left, one.size, one.flow, one.own) == (other.left, other.size, other.flow, other.own)


def test_a_large_sum_costs_decimals_once(make_flow: MakeLadder) -> None:
    before = choose_columns(make_flow(buys=[1_500.0] * 9), 45, None, with_flow=True)
    assert before.flow_digits == 1
    assert choose_columns(make_flow(), 45, before, with_flow=True) == before


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
    columns = choose_columns(frame, 62, None, with_flow=True)
    row = paint_level(frame, 0, columns, 10.0, palette)
    assert [text for text, style in row if style == palette.own] == ["S 0.5000"]


# The panel


@pytest.fixture
def show(palette: Palette) -> Callable[..., list[str]]:
    """Return what shows a frame in a ladder and returns its rows as text."""

    def show(ladder: Ladder, frame: LadderFrame, width: int, height: int = 12) -> list[str]:
        ladder.palette = palette
        ladder.show(PanelFrame(Shown("LIVE", age=0.1), frame), 0.0, 0)
        return [text_of(row) for row in ladder.paint_rows(palette, width, height)]

    return show


def test_the_title_tells_the_window_of_sells_and_buys(
    make_flow: MakeLadder, show: Callable[..., list[str]]
) -> None:
    assert show(Ladder(), make_flow(), 45)[0].startswith("─ LADDER 0.1 · 60s ──")
    assert show(Ladder(), make_flow(window=None), 45)[0].startswith("─ LADDER 0.1 · session ──")
    assert "60s" not in show(Ladder(), make_flow(), 28)[0], "no such columns, no window"


def test_columns_stay_when_sums_become_known(make_flow: MakeLadder, show: Callable[..., list[str]]) -> None:
    ladder = Ladder()
    before = show(ladder, make_flow(sells=None, buys=None), 45)
    after = show(ladder, make_flow(), 45)
    assert before[1] == after[1]
    assert before[2].rindex("1.500") == after[2].rindex("1.500")


def test_an_order_that_comes_or_changes_is_painted(
    make_flow: MakeLadder, show: Callable[..., list[str]]
) -> None:
    ladder = Ladder()
    assert not any(row.endswith("▾") for row in show(ladder, make_flow(), 45))
    assert sum(row.endswith("▾") for row in show(ladder, make_flow(own=OWN), 45)) == 1
    wide = show(ladder, make_flow(own=OWN), 62)
    assert wide[2].endswith("S 0.5000")
    assert show(ladder, make_flow(own=OWN[:1]), 62)[2].endswith("S    0.5"), "as fine as the orders are"
