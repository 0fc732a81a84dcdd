"""Derivatives: figures with their names, what matters first, and nothing that is not known."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.frames import DerivativesFrame, LiquidationRow, ProfileFrame
from mdterm.feeds.status import Shown
from mdterm.themes.palettes import DARK
from mdterm.widgets.derivatives import Derivatives, share_rows
from mdterm.widgets.funding import paint_funding, paint_interest
from mdterm.widgets.liquidations import (
    choose_columns,
    paint_heads,
    paint_liquidated,
    paint_liquidated_briefly,
    paint_liquidation,
)
from mdterm.widgets.palette import Palette, make_palette
from mdterm.widgets.rows import text_of, width_of
from mdterm.widgets.volume_profile import bin_profile, paint_bin, paint_profile_heads

WALL = 1_763_682_461_997_000_000
DARK_PALETTE = make_palette({**DARK.variables, "background": DARK.background or ""})
PROFILE = ProfileFrame(
    step=10.0,
    digits=0,
    low=6170,
    buys=[1.0, 4.0, 10.0, 2.0, 1.0],
    sells=[1.0, 2.0, 10.0, 6.0, 0.0],
    neutral=[0.0, 0.0, 0.0, 0.0, 1.0],
    poc=2,
    val=1,
    vah=3,
    source="session",
    since=WALL - 3600_000_000_000,
)
FRAME = DerivativesFrame(
    address="sim:X",
    funding=0.0001,
    predicted=0.000112,
    funding_shown=Shown("LIVE", age=1.0),
    open_interest=78_412.13,
    open_interest_change=243.1,
    open_interest_share=0.0031,
    liquidations=[
        LiquidationRow(WALL, 61712.0, 0.412, "long", "SELL"),
        LiquidationRow(WALL - 1_000_000_000, 61739.9, 12.03, "short", "BUY"),
        LiquidationRow(WALL - 2_000_000_000, 61700.0, 1.0, None, None),
    ],
    liquidation_count=3,
    liquidated={
        "60s": (412_600.0, 0.0, 0.0),
        "5m": (1_412_600.0, 9_210.0, 0.0),
        "1h": (2e6, 753_210.0, 0.0),
    },
    profile=PROFILE,
    missing=[],
    digits=1,
    size_digits=3,
)


def frame(**changes: Any) -> DerivativesFrame:
    return msgspec.structs.replace(FRAME, **changes)


def body(one: DerivativesFrame, width: int, height: int) -> list[str]:
    panel = Derivatives()
    panel.frame = one
    return [text_of(row) for row in panel.paint_body(DARK_PALETTE, width, height)]


# Funding and open interest


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, " funding    +0.0100 %  pred +0.0112 %"),
        ({"funding": -0.000305, "predicted": None}, " funding    -0.0305 %  pred —"),
        ({"funding": None}, " funding            —  pred +0.0112 %"),
        ({"missing": ["funding"], "funding": None}, " funding          n/a"),
        ({"funding_shown": Shown("STALE", age=61.0)}, " funding    +0.0100 %  STALE 1m01s"),
    ],
)
def test_funding(changes: dict[str, Any], text: str) -> None:
    assert text_of(paint_funding(frame(**changes), DARK_PALETTE, 40)).rstrip() == text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, " open int    78 412.1  ▲ +0.31 % 5m"),
        (
            {"open_interest_change": -1.0, "open_interest_share": -0.002},
            " open int    78 412.1  ▼ -0.20 % 5m",
        ),
        ({"open_interest_share": None}, " open int    78 412.1  ▲ +243.1 5m"),
        ({"open_interest_change": None}, " open int    78 412.1  — 5m"),
        ({"open_interest": None, "open_interest_change": None}, " open int           —  — 5m"),
        ({"missing": ["open_interest"]}, " open int         n/a"),
        ({"open_interest": 12_345_678.9}, " open int  12 345 679  ▲ +0.31 % 5m"),
    ],
)
def test_open_interest(changes: dict[str, Any], text: str) -> None:
    assert text_of(paint_interest(frame(**changes), DARK_PALETTE, 40)) == text


# Liquidations


def test_sums_of_the_windows_stand_under_their_names(palette: Palette) -> None:
    assert [text_of(row) for row in paint_liquidated(FRAME, palette, 40)] == [
        " LIQUIDATIONS      60s       5m       1h",
        "   longs        412.6K    1.41M    2.00M",
        "   shorts            0    9 210   753.2K",
    ]
    assert len(text_of(paint_liquidated(FRAME, palette, 34)[0])) == 31, "a window that does not fit goes"


def test_positions_that_nobody_told_have_a_row_of_their_own(palette: Palette) -> None:
    unknown = frame(liquidated={"60s": (1.0, 2.0, 3.0)})
    assert [text_of(row) for row in paint_liquidated(unknown, palette, 40)][1:] == [
        "   longs             1",
        "   shorts            2",
        "   unknown           3",
    ]


def test_sums_in_one_line(palette: Palette) -> None:
    assert text_of(paint_liquidated_briefly(FRAME, palette, 40)) == " liquid.     L 412.6K  S 0 60s"


def test_each_liquidation_tells_position_and_raw_side(palette: Palette) -> None:
    columns = choose_columns(FRAME, 40, None)
    rows = [paint_liquidation(row, FRAME, columns, palette) for row in FRAME.liquidations]
    assert [text_of(row) for row in rows] == [
        " 23:47:41.997  L  61 712.0   0.412  SELL",
        " 23:47:40.997  S  61 739.9  12.030  BUY ",
        " 23:47:39.997  ?  61 700.0   1.000  —   ",
    ]
    assert [row[1][1] for row in rows] == [palette.liq_long, palette.liq_short, palette.flat]


def test_what_a_liquidation_was_worth_is_told_where_there_is_room(palette: Palette) -> None:
    columns = choose_columns(FRAME, 60, None)
    assert text_of(paint_heads(columns, palette)) == " TIME          P     PRICE    SIZE     VALUE  RAW   "
    rows = [text_of(paint_liquidation(row, FRAME, columns, palette)) for row in FRAME.liquidations]
    assert rows[:2] == [
        " 23:47:41.997  L  61 712.0   0.412     25.4K  SELL  ",
        " 23:47:40.997  S  61 739.9  12.030    742.7K  BUY   ",
    ]


def test_raw_sides_are_made_safe(palette: Palette) -> None:
    row = LiquidationRow(WALL, 1.0, 1.0, "long", "\x1b]0;x\x07")
    assert text_of(paint_liquidation(row, FRAME, choose_columns(FRAME, 60, None), palette)).isprintable()


def test_columns_never_become_narrower() -> None:
    wide = choose_columns(FRAME, 60, None)
    small = choose_columns(frame(liquidations=[LiquidationRow(WALL, 1.0, 1.0, "long", None)]), 60, wide)
    assert (small.price, small.size) == (wide.price, wide.size)


# The profile


def test_a_profile_that_fits_is_shown_as_it_is() -> None:
    bins = bin_profile(PROFILE, 5)
    assert [price for price, *_ in bins.rows] == [61740.0, 61730.0, 61720.0, 61710.0, 61700.0]
    assert (bins.poc, bins.top, bins.bottom, bins.largest) == (2, 1, 3, 20.0)


def test_a_profile_too_tall_is_joined_at_multiples() -> None:
    bins = bin_profile(PROFILE, 3)
    assert bins.rows == [(61740.0, 1.0, 1.0, 0.0), (61720.0, 12.0, 0.0, 16.0), (61700.0, 5.0, 0.0, 3.0)]
    assert (bins.poc, bins.top, bins.bottom) == (1, 1, 2)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=80), st.integers(0, 10_000), st.integers(1, 40))
def test_joining_loses_nothing(volumes: list[float], low: int, rows: int) -> None:
    none = [0.0] * len(volumes)
    profile = msgspec.structs.replace(PROFILE, low=low, buys=volumes, sells=none, neutral=none, poc=0, val=0)
    profile = msgspec.structs.replace(profile, vah=len(volumes) - 1)
    bins = bin_profile(profile, rows)
    assert len(bins.rows) <= rows or rows < 2
    assert sum(buys for _, buys, _, _ in bins.rows) == pytest.approx(sum(volumes))
    assert (bins.top, bins.bottom, bins.poc) == (0, len(bins.rows) - 1, len(bins.rows) - 1)


def test_bars_of_the_profile(palette: Palette) -> None:
    bins = bin_profile(PROFILE, 5)
    rows = [text_of(paint_bin(bins, at, 6, 0, palette, 30)) for at in range(5)]
    assert rows == [
        " 61 740  ━━",
        " 61 730 ┃━━──────",
        " 61 720 ┃━━━━━━━━━━──────────◀",
        " 61 710 ┃━━━━──",
        " 61 700  ━─",
    ]


def heads(profile: ProfileFrame, width: int) -> list[str]:
    return [text_of(row) for row in paint_profile_heads(profile, DARK_PALETTE, width, WALL)]


def test_the_profile_tells_whose_it_is_and_since_when() -> None:
    assert heads(PROFILE, 70) == [" PROFILE  POC 61 720  VA 61 710–61 730  session since 22:47:41"]
    assert heads(PROFILE, 40) == [" PROFILE  session since 22:47:41", "  POC 61 720  VA 61 710–61 730"]
    assert heads(PROFILE, 31) == [" PROFILE  since 22:47:41", "  POC 61 720  VA 61 710–61 730"]
    assert heads(PROFILE, 20) == [" PROFILE  session", "  POC 61 720", "  VA 61 710–61 730"]
    yesterday = msgspec.structs.replace(PROFILE, since=WALL - 48 * 3600_000_000_000)
    assert heads(yesterday, 40)[0] == " PROFILE  session since 11-18 23:47"


@pytest.mark.parametrize("width", range(19, 90))
def test_whose_profile_it_is_is_told_in_any_room(width: int) -> None:
    theirs = msgspec.structs.replace(PROFILE, source="provider", since=None)
    assert "provider" in " ".join(heads(theirs, width))
    ours = " ".join(heads(PROFILE, width))
    assert "session" in ours or "since" in ours
    assert all(len(row) <= width for row in (*heads(theirs, width), *heads(PROFILE, width)))


# The whole


@pytest.mark.parametrize("height", range(1, 30))
@pytest.mark.parametrize("width", [36, 40, 60, 84, 140])
def test_every_size_is_filled_but_not_exceeded(width: int, height: int) -> None:
    panel = Derivatives()
    panel.frame = FRAME
    rows = panel.paint_body(DARK_PALETTE, width, height)
    assert len(rows) <= height
    assert all(width_of(row) <= width for row in rows)
    assert text_of(rows[0]).startswith(" funding ")
    assert height < 2 or text_of(rows[1]).startswith(" open int ")


def test_what_matters_first_stays_where_it_is_low() -> None:
    assert [line.split()[0] for line in body(FRAME, 40, 3)] == ["funding", "open", "liquid."]
    assert share_rows(FRAME, 12) == 0
    assert share_rows(FRAME, 13) == 6
    assert share_rows(FRAME, 25) == 10
    assert share_rows(frame(profile=None), 30) == 0


def test_before_the_first_liquidation_the_profile_has_their_room() -> None:
    calm = frame(liquidations=[], liquidation_count=0)
    assert share_rows(calm, 13) == 7
    assert share_rows(calm, 25) == 19
    lines = body(calm, 40, 25)
    assert lines[5].strip() == "none received yet"
    assert lines[6].startswith(" PROFILE")


def test_an_instrument_without_derivatives_still_has_a_profile() -> None:
    spot = frame(missing=["funding", "open_interest", "liquidation"], liquidations=[])
    lines = body(spot, 40, 10)
    assert [line.split()[-1] for line in lines[:3]] == ["n/a"] * 3
    assert lines[3].startswith(" PROFILE")
    assert "◀" in "".join(lines)


def test_no_liquidation_yet_is_said() -> None:
    assert body(frame(liquidations=[]), 40, 8)[5].strip() == "none received yet"


def test_the_profile_stands_beside_where_it_is_wide() -> None:
    lines = body(FRAME, 100, 8)
    assert "funding" in lines[0]
    assert "PROFILE" in lines[0]
