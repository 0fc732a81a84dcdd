"""The header: what matters most stays at every width."""

import re
from typing import Any

import pytest

from mdterm.feeds.frames import HeaderFrame, PanelFrame
from mdterm.feeds.status import Shown
from mdterm.widgets.header import Header
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import text_of

WALL = 1_763_682_461_000_000_000


@pytest.fixture
def header() -> Header:
    header = Header()
    header.symbol, header.venue = "BTCUSDT", "kiyotaka · BINANCE_FUTURES"
    return header


def told(header: Header, palette: Palette, width: int, **changes: Any) -> str:
    values: dict[str, Any] = {
        "address": "x",
        "symbol": "BTCUSDT",
        "venue": "x",
        "last": 61722.4,
        "direction": 1,
        "change": 0.0042,
        "high": 61839.9,
        "low": 61590.3,
        "vwap": 61701.2,
        "vwap_since": WALL,
        "digits": 1,
        "trades": 1,
    }
    frame = HeaderFrame(**{**values, **changes})
    header.frame, header.shown, header._wall = frame, Shown("LIVE", age=0.1), WALL
    (row,) = header.paint_rows(palette, width, 1)
    return text_of(row)


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (20, " BTCUSDT  61 722.4 ▲"),
        (30, " BTCUSDT  61 722.4 ▲  +0.42 % "),
        (60, " BTCUSDT  kiyotaka · BINANCE_FUTURES  61 722.4 ▲  +0.42 % … "),
        (81, " BTCUSDT kiyotaka·BINANCE_FUTURES  61 722.4 ▲  +0.42 %  VWAP 61 701.2  23:47 UTC "),
        (
            115,
            " BTCUSDT  kiyotaka · BINANCE_FUTURES  61 722.4 ▲  +0.42 %  VWAP 61 701.2"
            "  H 61 839.9  L 61 590.3 … 23:47:41 UTC ",
        ),
        (
            140,
            " BTCUSDT  kiyotaka · BINANCE_FUTURES  61 722.4 ▲  +0.42 %  VWAP 61 701.2 since 23:47:41"
            "  H 61 839.9  L 61 590.3 … 23:47:41 UTC ",
        ),
    ],
)
def test_what_is_told_at_a_width(header: Header, palette: Palette, width: int, line: str) -> None:
    text = told(header, palette, width)
    assert len(text) == width
    assert re.sub(" {3,}", " … ", text) == line


def test_what_is_not_known_is_a_dash_and_no_figure(header: Header, palette: Palette) -> None:
    line = told(
        header,
        palette,
        130,
        last=None,
        direction=0,
        change=None,
        vwap=None,
        high=None,
        low=None,
        vwap_since=None,
    )
    assert line.startswith(" BTCUSDT  kiyotaka · BINANCE_FUTURES  —   ")
    assert "VWAP" not in line


def test_an_estimated_or_doubtful_vwap_says_so(header: Header, palette: Palette) -> None:
    assert "VWAP ~61 701.2 " in told(header, palette, 120, is_vwap_estimated=True)
    assert "VWAP 61 701.2? " in told(header, palette, 120, unreliable_since=WALL)


LISTED = {"name": "Tencent", "lot": 100.0, "currency": "HKD", "last_ts": WALL - 3_725 * 10**9}


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (30, " 700.HK  380.2 ▲  +0.42 % … "),
        (52, " 700.HK Tencent  380.2 ▲  +0.42 %  traded 1h02m ago "),
        (80, " 700.HK Tencent  alltick  380.2 ▲  +0.42 %  traded 1h02m ago … 23:47:41 UTC "),
        (
            118,
            " 700.HK Tencent  alltick  380.2 ▲  +0.42 %  VWAP 379.1  H 381.4  L 369.8"
            "  lot 100 HKD  traded 1h02m ago  23:47:41 UTC ",
        ),
        (
            160,
            " 700.HK Tencent  alltick  380.2 ▲  +0.42 %  VWAP 379.1 since 23:47:41  H 381.4  L 369.8"
            "  lot 100 HKD  traded 1h02m ago … 23:47:41 UTC ",
        ),
    ],
)
def test_a_stocks_name_lot_and_last_trade_are_told(
    header: Header, palette: Palette, width: int, line: str
) -> None:
    header.symbol, header.venue = "700.HK", "alltick"
    figures = {"last": 380.2, "vwap": 379.1, "high": 381.4, "low": 369.8}
    assert re.sub(" {3,}", " … ", told(header, palette, width, **LISTED, **figures)) == line


@pytest.mark.parametrize(("age_s", "words"), [(9, ""), (10, "traded 10s ago"), (-5, "")])
def test_an_age_of_seconds_is_the_titles_affair(
    header: Header, palette: Palette, age_s: int, words: str
) -> None:
    line = told(header, palette, 160, last_ts=WALL - age_s * 10**9)
    assert ("traded" in line) == bool(words)
    assert words in line


def test_what_a_provider_tells_is_made_safe(header: Header, palette: Palette) -> None:
    line = told(header, palette, 160, name="Ten\x1b[2Jcent" + "x" * 60, currency="H\nKD")
    assert "\x1b" not in line
    assert "\n" not in line
    assert "…" in line


def test_a_price_that_got_longer_keeps_its_room(header: Header, palette: Palette) -> None:
    wide = told(header, palette, 81, last=100_000.0)
    narrow = told(header, palette, 81, last=99_999.9)
    assert wide.index("▲") == narrow.index("▲")


def test_names_from_outside_are_made_safe(header: Header, palette: Palette) -> None:
    header.symbol = "BTC\x1b[2J"
    assert "\x1b" not in told(header, palette, 80)


async def test_a_frame_sets_the_clock() -> None:
    header = Header()
    header.show(PanelFrame(Shown("LIVE"), None), 0.0, WALL)
    assert header._wall == WALL
