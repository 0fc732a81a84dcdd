"""What is drawn over, below and beside the bars of a chart."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.frames import ChartFrame, ProfileFrame
from mdterm.feeds.intervals import MINUTE
from mdterm.widgets.candles import BOXES, Scale
from mdterm.widgets.chart import LINES, Chart
from mdterm.widgets.chart_columns import share_rows
from mdterm.widgets.chart_side import bin_rows
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import text_of, width_of
from tests.widgets.charts import (
    MIDNIGHT,
    PALETTES,
    Shell,
    bar,
    frame_of,
    paint,
    shown,
    steps,
)


def lined(count: int = 40, **wanted: Any) -> ChartFrame:
    """Return bars with two averages and a VWAP at fixed prices, and a CVD that goes up and down."""
    bars = [
        msgspec.structs.replace(
            one, vwap=99.1, averages=(102.9, 101.9), cvd_open=float(at % 2), cvd=float(1 - at % 2), delta=1.0
        )
        for at, one in enumerate(steps(count))
    ]
    return frame_of(bars, periods=(20, 50), sums_since=MIDNIGHT, **wanted)


def test_lines_pass_behind_bodies_and_before_wicks(palette: Palette) -> None:
    chart = Chart()
    spread = msgspec.structs.replace
    bars = [spread(one, averages=(101.4, None), vwap=100.5) for one in steps(12)]
    rows = paint(chart, frame_of(bars, periods=(20, 50)), palette, 24, 12)
    text = [text_of(row) for row in rows]
    assert text[0].startswith(" ⠤MA20 101.4 ")
    fast = next(row for row in rows[1:] if any(style == palette.line_1 for _, style in row))
    assert set(next(part for part, style in fast if style == palette.line_1)) <= set("⣀⠤⠒⠉")
    bodies = "".join(part for row in rows[1:] for part, _ in row)
    assert "║┃" in bodies
    assert all(style != palette.line_3 for row in rows[1:] for _, style in row), "the VWAP is behind bodies"


def test_every_line_has_its_glyph_and_its_place(palette: Palette) -> None:
    bars = [bar(at, (100.0, 100.0, 100.0, 100.0)) for at in range(10)]
    bars[0] = bar(0, (90.0, 110.0, 90.0, 110.0))
    lines = (105.0, 95.0, 101.0)
    bars = [msgspec.structs.replace(one, averages=lines[:2], vwap=lines[2]) for one in bars]
    chart = Chart()
    rows = paint(chart, frame_of(bars, periods=(20, 50), sums_since=MIDNIGHT), palette, 30, 20)
    scale = chart._scale
    assert scale is not None
    shares = share_rows(20, legend=True)
    for value, style, glyphs in zip(
        lines, (palette.line_1, palette.line_2, palette.line_3), BOXES.lines, strict=True
    ):
        found = [(at, part) for at, row in enumerate(rows[1:]) for part, painted in row if painted == style]
        assert [at for at, _ in found] == [scale.row(value, shares.price)]
        assert set(found[0][1]) <= set(glyphs)


def test_the_legend_tells_the_marked_bar_in_figures_that_stand_still(palette: Palette) -> None:
    chart = Chart()
    frame = lined(is_vwap_estimated=True)
    wide = text_of(paint(chart, frame, palette, 100, 20)[0])
    assert wide == " ⠤MA20 102.9  ⠄MA50 101.9  ⠶VWAP  ~99.1  CVD     +0.00  since 00:00:00 "
    chart.cursor = frame.bars[-2].open_ts
    marked = text_of(paint(chart, frame, palette, 100, 20)[0])
    assert marked == wide.replace("+0.00", "+1.00")
    assert text_of(paint(chart, frame, palette, 30, 20)[0]) == " ⠤MA20 102.9  ⠄MA50 101.9 "
    doubtful = lined(unreliable_since=MIDNIGHT + MINUTE)
    assert text_of(paint(chart, doubtful, palette, 100, 20)[0]).startswith(" unreliable since 00:01:00 ")


def test_the_cvd_has_candles_of_its_own(palette: Palette) -> None:
    chart = Chart()
    chart.with_cvd = True
    rows = paint(chart, lined(), palette, 40, 24)
    shares = share_rows(24, legend=True, cvd=True)
    below = rows[shares.legend + shares.price + shares.volume :][: shares.cvd]
    assert [text_of(row)[-1:] for row in below[-1:]] == ["D"], "named at the axis"
    drawn = {(part.strip(), style) for row in below for part, style in row if set(part) & set("║┃")}
    assert {style for _, style in drawn} == {palette.up, palette.down}


@pytest.mark.parametrize(("cvd", "volume"), [(12.5, 9_876.0), (-98_765.0, 1e7), (4_321.0, 0.25), (1e9, 3e12)])
def test_cheap_prices_leave_room_for_long_sums(palette: Palette, cvd: float, volume: float) -> None:
    chart = Chart()
    chart.with_cvd = True
    bars = [bar(at, (7.6, 7.7, 7.5, 7.6 + at / 100), volume) for at in range(30)]
    bars = [msgspec.structs.replace(one, cvd_open=0.0, cvd=cvd) for one in bars]
    rows = paint(chart, frame_of(bars, digits=2), palette, 60, 24)
    assert not any("##" in text_of(row) for row in rows)
    assert all(width_of(row) <= 60 for row in rows)


def test_bars_of_a_day_leave_no_room_for_a_cvd(palette: Palette) -> None:
    chart = Chart()
    chart.with_cvd = True
    for interval, is_named in (("4h", True), ("100t", True), ("1d", False), ("1w", False)):
        rows = paint(chart, lined(interval=interval), palette, 40, 24)
        assert any("CVD" in text_of(row)[-4:] for row in rows[1:]) == is_named


def test_liquidations_stand_off_their_bars(palette: Palette) -> None:
    bars = steps(6)
    bars[2] = msgspec.structs.replace(bars[2], longs=3.0)
    bars[4] = msgspec.structs.replace(bars[4], shorts=1.0)
    rows = paint(Chart(), frame_of(bars), palette, 20, 16)
    marks = {(part, style.color) for row in rows for part, style in row if part in ("L", "S")}
    assert marks == {("L", palette.liq_long.color), ("S", palette.liq_short.color)}
    text = [text_of(row) for row in rows]
    price = share_rows(16).price
    long_row = next(at for at, row in enumerate(text[:price]) if "L" in row)
    short_row = next(at for at, row in enumerate(text[:price]) if "S" in row)
    assert short_row < long_row


@given(st.floats(50.0, 150.0), st.floats(1.0, 60.0), st.integers(1, 40), st.floats(0.1, 5.0))
def test_the_profile_in_view_is_shared_out_to_the_rows(
    low: float, span: float, rows: int, step: float
) -> None:
    first, count = int(60 / step), int(80 / step)
    volumes = [float(at % 5) for at in range(count)]
    profile = ProfileFrame(
        step, 1, first, volumes, [0.0] * count, [1.0] * count, count // 2, 0, count - 1, "session", None
    )
    bins = bin_rows(profile, Scale(low, low + span), rows)
    height = span / rows
    for row, found in enumerate(bins.volumes):
        bottom = low + (rows - 1 - row) * height
        inside = [
            (volumes[at] + 1.0) * max(0.0, min(bottom + height, end) - max(bottom, end - step)) / step
            for at, end in ((at, (first + at + 1) * step) for at in range(count))
        ]
        assert found == pytest.approx(sum(inside), abs=1e-6)
    poc = (first + count // 2 + 0.5) * step
    if 0 <= bins.poc < rows:
        assert low + (rows - 1 - bins.poc) * height <= poc + 1e-9 <= low + (rows - bins.poc) * height + 2e-9
    else:
        assert not low <= poc < low + span


def test_the_profile_marks_value_area_and_poc(palette: Palette) -> None:
    chart = Chart()
    chart.with_profile = True
    profile = ProfileFrame(
        0.5, 1, 198, [1.0, 8.0, 4.0, 2.0, 1.0], [0.0] * 5, [0.0] * 5, 1, 1, 2, "session", MIDNIGHT
    )
    rows = paint(chart, frame_of(steps(60), profile=profile), palette, 60, 14)
    assert text_of(rows[0]).startswith(" POC 99.5  VA 99.5–100.0")
    at_poc = [text_of(row) for row in rows if any("◂" in part and style.bold for part, style in row)]
    assert at_poc
    assert all(width_of(row) <= 60 for row in rows)
    chart.with_profile = False
    assert chart.profile_width == 0


def test_bars_say_since_when_they_are_whole(palette: Palette) -> None:
    bars = steps(30)
    last = [text_of(row) for row in paint(Chart(), frame_of(bars, since=bars[12].open_ts), palette, 60, 10)][
        -1
    ]
    column = Chart()
    paint(column, frame_of(bars), palette, 60, 10)
    assert last.index("╵whole 00:12") == column.columns - 30 + 12
    never = [text_of(row) for row in paint(Chart(), frame_of(bars, since=None), palette, 60, 10)][-1]
    assert "not whole yet" in never
    always = [text_of(row) for row in paint(Chart(), frame_of(bars), palette, 60, 10)][-1]
    assert "whole" not in always


@given(
    st.integers(12, 140),
    st.integers(1, 40),
    st.sampled_from(range(len(LINES))),
    st.booleans(),
    st.booleans(),
    st.integers(0, 3),
)
def test_no_row_is_wider_than_the_panel_whatever_is_drawn(
    width: int, height: int, lines: int, cvd: bool, profile: bool, zoom: int
) -> None:
    chart = Chart()
    chart.lines, chart.with_cvd, chart.with_profile = lines, cvd, profile
    chart.choose_zoom(zoom)
    made = ProfileFrame(0.5, 1, 198, [1.0] * 5, [2.0] * 5, [0.0] * 5, 1, 1, 2, "session", MIDNIGHT)
    chart.frame = lined(200, profile=made)
    rows = chart.paint_body(PALETTES["dark"], width, height)
    assert len(rows) <= height
    assert all(width_of(row) <= width for row in rows)


def test_rows_are_shared_out_to_all_that_is_drawn() -> None:
    for height in range(1, 60):
        rows = share_rows(height, legend=True, cvd=True)
        assert rows.legend + rows.bars + rows.time == height
        assert rows.price >= max(1, height // 3)


def test_choices_are_kept() -> None:
    chart, other = Chart(), Chart()
    chart.choose_interval("500t")
    chart.zoom, chart.lines, chart.with_cvd, chart.with_profile = 3, 2, True, True
    other.restore(chart.keep())
    assert other.spec() == chart.spec()
    other.restore({"interval": "7m", "zoom": 99, "lines": -1, "profile": "yes", "cvd": 1})
    assert (other.interval, other.zoom, other.lines) == ("500t", 3, 2)
    assert not other.with_profile
    assert not other.with_cvd


async def test_the_marked_bar_as_a_row() -> None:
    app = Shell()
    async with app.run_test(size=(30, 12)):
        chart = app.chart
        chart.show(shown(lined()), 0.0, MIDNIGHT)
        assert chart.row_text() is None
        chart.move_cursor(0)
        assert chart.row_text() == "1m 00:39  O 101.0  H 101.5  L 99.5  C 100.0  V 4.00  Δ +1.00"
