"""The chart: every bar stands where its prices are, and nothing moves that need not."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events

from mdterm.feeds.frames import ChartFrame
from mdterm.feeds.intervals import DAY, MINUTE, SECOND
from mdterm.feeds.specs import ChartSpec
from mdterm.widgets.axes import format_moment, price_ticks, round_step, time_period, time_ticks
from mdterm.widgets.candles import (
    ASCII,
    BOXES,
    LOOSE_NS,
    Scale,
    candle_cells,
    choose_scale,
    choose_volume_scale,
    volume_cells,
)
from mdterm.widgets.chart import INTERVALS, MARGIN, Chart
from mdterm.widgets.chart_columns import share_rows
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

# Where a bar stands


@pytest.mark.parametrize(
    ("prices", "boxes", "plain"),
    [
        ((2.0, 8.0, 0.0, 5.0), "│║║│", "|oo|"),  # rising: hollow, in whole cells
        ((5.0, 8.0, 0.0, 2.0), "│┃┃│", "|##|"),  # falling: filled
        ((6.5, 7.5, 3.5, 5.5), "╽╿╵ ", "##| "),  # falling, to half a cell
        ((2.5, 2.5, 2.2, 2.2), "  ╻ ", "  # "),
        ((5.0, 5.0, 5.0, 5.0), " ─  ", " -  "),  # a price that did not move
        ((5.0, 7.5, 5.0, 5.0), "│┴  ", "|+  "),
        ((5.0, 7.5, 0.5, 5.0), "│┼││", "|+||"),
        ((5.0, 5.0, 2.5, 5.0), " ┬│ ", " +| "),
    ],
)
def test_a_bar_as_cells(prices: tuple[float, float, float, float], boxes: str, plain: str) -> None:
    # Four rows of two halves: a half cell is one price.
    scale = Scale(0.0, 8.0)
    assert candle_cells(bar(0, prices), scale, 4, BOXES) == boxes
    assert candle_cells(bar(0, prices), scale, 4, ASCII) == plain


@given(st.lists(st.floats(1.0, 99.0), min_size=4, max_size=4), st.integers(1, 40))
def test_a_column_reaches_from_its_low_to_its_high(prices: list[float], rows: int) -> None:
    opened, closed = prices[:2]
    one = bar(0, (opened, max(prices), min(prices), closed))
    scale = Scale(0.0, 100.0)
    cells = candle_cells(one, scale, rows, BOXES)
    drawn = [row for row, glyph in enumerate(cells) if glyph != " "]
    assert (drawn[0], drawn[-1]) == (scale.row(one.high, rows), scale.row(one.low, rows))
    assert drawn == list(range(drawn[0], drawn[-1] + 1))
    falling, rising = set("╻╽╹╿┃") & set(cells), "║" in cells
    assert (bool(falling), rising) == (closed < opened, closed > opened)


def test_volume_as_cells() -> None:
    assert volume_cells(8.0, 16.0, 1, BOXES) == "▄"
    assert volume_cells(16.0, 16.0, 1, BOXES) == "█"
    assert volume_cells(12.0, 16.0, 2, BOXES) == "▄█"
    assert volume_cells(0.001, 16.0, 2, BOXES) == " ▁", "traded, if little"
    assert volume_cells(0.0, 16.0, 2, BOXES) == "  "
    assert volume_cells(None, 16.0, 2, BOXES) == "  "
    assert volume_cells(99.0, 16.0, 2, BOXES) == "██"


# The scale


def test_the_scale_stays_while_prices_are_inside() -> None:
    first = choose_scale(100.0, 110.0, 1, None, 0)
    assert (first.low, first.high) == pytest.approx((99.4, 110.6))
    assert choose_scale(99.5, 110.5, 1, first, 1) is first
    assert choose_scale(101.0, 108.0, 1, first, 2) is first


def test_a_price_outside_moves_the_scale_at_once() -> None:
    first = choose_scale(100.0, 110.0, 1, None, 0)
    moved = choose_scale(100.0, 111.0, 1, first, 1)
    assert moved.low < 100.0
    assert moved.high > 111.0


def test_a_scale_too_wide_is_narrowed_only_after_a_while() -> None:
    wide = choose_scale(100.0, 110.0, 1, None, 0)
    loose = choose_scale(104.0, 106.0, 1, wide, 5)
    assert (loose.low, loose.high, loose.loose_since) == (wide.low, wide.high, 5)
    assert choose_scale(104.0, 106.0, 1, loose, 5 + LOOSE_NS - 1) is loose
    narrow = choose_scale(104.0, 106.0, 1, loose, 5 + LOOSE_NS)
    assert (narrow.low, narrow.high) == pytest.approx((103.88, 106.12))


def test_a_scale_used_again_forgets_that_it_was_loose() -> None:
    loose = Scale(99.0, 111.0, loose_since=5)
    assert choose_scale(100.0, 110.0, 1, loose, 5 + LOOSE_NS).loose_since is None


def test_a_market_that_stands_still_has_a_scale() -> None:
    still = choose_scale(100.0, 100.0, 1, None, 0)
    assert still.high - still.low == pytest.approx(0.4)
    assert still.low < 100.0 < still.high
    assert choose_scale(0.0, 0.0, 2, None, 0).low == 0.0


def test_the_volume_scale_leaves_the_running_bar_room_to_grow() -> None:
    scale = choose_volume_scale(10.0, 0.0)
    assert scale == 12.0
    assert choose_volume_scale(11.9, scale) == scale
    assert choose_volume_scale(4.0, scale) == scale
    assert choose_volume_scale(3.9, scale) == pytest.approx(4.68)
    assert choose_volume_scale(0.0, scale) == scale


# The axes


@pytest.mark.parametrize(
    ("span", "most", "digits", "step"),
    [(100.0, 5, 1, 20.0), (105.0, 5, 1, 50.0), (0.4, 4, 1, 0.1), (0.04, 4, 1, 0.1), (7e-7, 3, 8, 5e-7)],
)
def test_steps_are_round(span: float, most: int, digits: int, step: float) -> None:
    assert round_step(span, most, digits) == pytest.approx(step)


@given(st.floats(0.0, 1e6), st.floats(1e-3, 1e5), st.integers(2, 60))
def test_prices_of_the_axis_stand_where_bars_of_that_price_stand(low: float, span: float, rows: int) -> None:
    scale = Scale(low, low + span)
    ticks = price_ticks(scale, rows, 3)
    assert len(ticks) <= rows
    for row, price in ticks.items():
        assert scale.row(price, rows) == row
        assert scale.low - span * 1e-8 <= price <= scale.high


def test_times_are_apart_and_stand_under_the_first_bar_of_their_period() -> None:
    assert time_period("1m", 1) == 10 * MINUTE
    assert time_period("1m", 2) == 5 * MINUTE
    assert time_period("1s", 1) == 15 * SECOND
    assert time_period("1d", 1) == 14 * DAY
    bars = [bar(at, (1.0, 1.0, 1.0, 1.0)) for at in (-3, -2, 1, 9, 10, 11)]
    assert time_ticks(bars, 10 * MINUTE) == {2: "00:01", 4: "00:10"}
    assert time_ticks([bars[0], bar(0, (1.0, 1.0, 1.0, 1.0))], 10 * MINUTE) == {1: "11-20"}


def test_times_in_another_zone() -> None:
    bars = [bar(at, (1.0, 1.0, 1.0, 1.0)) for at in (9, 10)]
    assert time_ticks(bars, 10 * MINUTE, 60 * MINUTE) == {1: "01:10"}


def test_a_moment_tells_its_day_only_where_it_is_another() -> None:
    assert format_moment(MIDNIGHT, MIDNIGHT + MINUTE, "1m") == "00:00"
    assert format_moment(MIDNIGHT - MINUTE, MIDNIGHT, "1m") == "11-19 23:59"
    assert format_moment(MIDNIGHT, MIDNIGHT, "1s") == "00:00:00"
    assert format_moment(MIDNIGHT, MIDNIGHT + DAY, "1d") == "2025-11-20"


# The whole picture


def test_a_picture(palette: Palette) -> None:
    rows = paint(Chart(), frame_of(steps(14)), palette, 24, 10)
    assert [text_of(row) for row in rows] == [
        "   ││││││││││││││",
        "   ││││││││││││││",
        "   ║┃║┃║┃║┃║┃║┃║┃  101.0",
        "   ║┃║┃║┃║┃║┃║┃║┃",
        "   ║┃║┃║┃║┃║┃║┃║┃",
        "┄┄┄║┃║┃║┃║┃║┃║┃║┃ ◂100.0",
        "   ││││││││││││││",
        "   ││││││││││││││",
        "    ▁▂▃▄▆▇ ▁▂▃▄▆▇    VOL",
        "             ╵00:10",
    ]


def test_a_picture_without_box_characters(palette: Palette) -> None:
    rows = paint(Chart(glyphs=ASCII), frame_of(steps(6)), palette, 24, 10)
    text = [text_of(row) for row in rows]
    assert all(row.isascii() for row in text)
    assert text[3].endswith("o#o#o#")
    assert text[5] == "-----------o#o#o# <100.0"


def test_rows_are_shared_out_prices_first() -> None:
    shared = [share_rows(height) for height in range(1, 60)]
    assert all(rows.price + rows.volume + rows.time == at for at, rows in enumerate(shared, 1))
    assert [rows.price for rows in shared] == sorted(rows.price for rows in shared)
    assert all(rows.price >= 2 * rows.volume for rows in shared)


def test_direction_and_doubt_have_their_colours(palette: Palette) -> None:
    bars = steps(6)
    rows = paint(Chart(), frame_of(bars, since=bars[2].open_ts), palette, 20, 4)
    styles = {text.strip(): style for row in rows for text, style in row if set(text) & set("║┃")}
    assert styles == {"║": palette.up, "┃": palette.down, "║┃": palette.stale}
    unknown = paint(Chart(), frame_of(bars, since=None), palette, 20, 4)
    assert {style for row in unknown for text, style in row if "║" in text} == {palette.stale}


def test_prices_never_take_less_room_than_before(palette: Palette) -> None:
    chart = Chart()
    dear = [bar(at, (9999.5, 10_000.5, 9999.0, 10_000.0)) for at in range(5)]
    paint(chart, frame_of(dear), palette)
    before = chart.columns
    cheap = [bar(at, (99.5, 100.5, 99.0, 100.0)) for at in range(5)]
    paint(chart, frame_of(cheap), palette)
    assert chart.columns == before


@pytest.mark.parametrize("changed", [0, 5, -1])
def test_kept_columns_are_painted_anew_when_a_bar_changes(palette: Palette, changed: int) -> None:
    chart, bars = Chart(), steps(20)
    paint(chart, frame_of(bars), palette)
    bars[changed] = msgspec.structs.replace(bars[changed], close=100.6, open=100.4, volume=6.0)
    assert paint(chart, frame_of(bars), palette) == paint(Chart(), frame_of(bars), palette)


@given(
    st.lists(st.tuples(st.floats(0.5, 2e5), st.floats(0.5, 2e5), st.floats(0, 1e6)), max_size=50),
    st.integers(12, 140),
    st.integers(1, 40),
    st.integers(0, 2),
    st.booleans(),
)
def test_no_row_is_wider_than_the_panel(
    prices: list[tuple[float, float, float]], width: int, height: int, zoom: int, marked: bool
) -> None:
    chart = Chart()
    chart.choose_zoom(zoom)
    bars = [
        bar(at, (opened, max(opened, closed) * 1.01, min(opened, closed) * 0.99, closed), volume)
        for at, (opened, closed, volume) in enumerate(prices)
    ]
    chart.frame = frame_of(bars)
    chart.cursor = bars[len(bars) // 2].open_ts if bars and marked else None
    rows = chart.paint_body(PALETTES["dark"], width, height)
    assert len(rows) <= height
    assert all(width_of(row) <= width for row in rows)


# The panel


@pytest.mark.parametrize(
    ("width", "title"),
    [
        (100, f"─ CHART 1m   O 101.0  H 101.5  L 99.5  C 100.0  V 5.00 {'─' * 29} SIM LIVE 0.1s ─"),
        (60, "─ CHART 1m  O 101.0 H 101.5 L 99.5 C 100.0 ─ SIM LIVE 0.1s ─"),
        (50, "─ CHART 1m  C 100.0 V 5.00 ─────── SIM LIVE 0.1s ─"),
        (38, "─ CHART 1m  C 100.0 ── SIM LIVE 0.1s ─"),
        (27, "─ CHART 1m  SIM LIVE 0.1s ─"),
    ],
)
async def test_the_title_tells_what_fits(width: int, title: str) -> None:
    app = Shell()
    async with app.run_test(size=(width, 12)):
        app.chart.show(shown(frame_of(steps(20))), 0.0, MIDNIGHT)
        assert app.heading() == title


async def test_frames_of_another_interval_come_too_late() -> None:
    app = Shell()
    async with app.run_test(size=(80, 12)):
        chart = app.chart
        chart.show(shown(frame_of(steps(20))), 0.0, MIDNIGHT)
        chart.choose_interval("5m")
        assert chart.spec().interval == "5m"
        late = frame_of(steps(21))
        chart.show(shown(late), 0.1, MIDNIGHT)
        assert chart.frame != late
        five = frame_of(steps(9), interval="5m")
        chart.show(shown(five), 0.2, MIDNIGHT)
        assert chart.frame == five


async def test_looking_back_stays_with_the_same_bars() -> None:
    app = Shell()
    async with app.run_test(size=(30, 12)) as pilot:
        chart, bars = app.chart, steps(200)
        chart.show(shown(frame_of(bars)), 0.0, MIDNIGHT)
        before = chart.in_view(frame_of(bars))
        chart.scroll_bars(3)
        await pilot.pause()
        assert "3 BARS BACK" in app.heading()
        chart.show(shown(frame_of([*bars, bar(200, (100.0, 101.0, 99.0, 100.0))])), 0.2, MIDNIGHT)
        await pilot.pause()
        assert "4 BARS BACK" in app.heading()
        assert isinstance(chart.frame, ChartFrame)
        assert chart.in_view(chart.frame) == bars[-3 - len(before) : -3]
        chart.follow()
        await pilot.pause()
        assert chart.back == 0
        assert len(app.asked) == 3


async def test_scrolling_far_asks_for_older_bars_in_time() -> None:
    app = Shell()
    async with app.run_test(size=(30, 12)) as pilot:
        chart, bars = app.chart, steps(400)
        chart.show(shown(frame_of(bars[-62:])), 0.0, MIDNIGHT)
        for back in range(3, 90, 3):
            chart.scroll_bars(3)
            await pilot.pause()
            spec = chart.spec()
            assert isinstance(spec, ChartSpec)
            assert app.asked[-1] == spec.offset == max(0, back - MARGIN)
            held = bars[-spec.bars - spec.offset :][: spec.bars]
            chart.show(shown(frame_of(held, offset=spec.offset)), 0.1, MIDNIGHT)
            assert isinstance(chart.frame, ChartFrame)
            end = len(bars) - back
            assert chart.in_view(chart.frame) == bars[end - chart.window : end]


async def test_there_is_no_looking_back_beyond_the_first_bar() -> None:
    app = Shell()
    async with app.run_test(size=(30, 12)):
        app.chart.show(shown(frame_of(steps(5), is_start=True)), 0.0, MIDNIGHT)
        app.chart.scroll_bars(3)
        assert app.chart.back == 0
        app.chart.show(shown(frame_of(steps(40), is_start=True)), 0.0, MIDNIGHT)
        app.chart.scroll_bars(100)
        assert app.chart.back == 40 - app.chart.window


async def test_the_marked_bar_is_told_in_the_title() -> None:
    app = Shell()
    async with app.run_test(size=(100, 12)) as pilot:
        chart = app.chart
        chart.show(shown(frame_of(steps(20))), 0.0, MIDNIGHT)
        chart.move_cursor(-1)
        assert "00:19  O 101.0" in app.heading(), "the newest is marked first"
        chart.move_cursor(-1)
        assert "00:18  O 100.0" in app.heading()
        await pilot.click(Chart, offset=(chart.columns - 3, 5))
        assert "00:17  O 101.0" in app.heading()
        await pilot.click(Chart, offset=(98, 5))
        assert "1m   O 101.0" in app.heading(), "a click on the axis marks none"


async def test_the_cursor_pushes_the_window_at_either_edge() -> None:
    app = Shell()
    async with app.run_test(size=(30, 12)) as pilot:
        chart, bars = app.chart, steps(200)
        frame = frame_of(bars)
        chart.show(shown(frame), 0.0, MIDNIGHT)
        for _ in range(chart.window):
            chart.move_cursor(-1)
        assert chart.back == 0
        chart.move_cursor(-1)
        await pilot.pause()
        assert (chart.back, app.asked) == (1, [0])
        assert chart.cursor == chart.in_view(frame)[0].open_ts
        for _ in range(chart.window):
            chart.move_cursor(1)
        assert chart.back == 0
        assert chart.cursor == bars[-1].open_ts
        chart.move_cursor(1)
        assert chart.cursor == bars[-1].open_ts, "there is nothing after the newest"


async def test_the_wheel_pans_over_the_bars_and_zooms_over_the_prices() -> None:
    app = Shell()
    async with app.run_test(size=(60, 12)) as pilot:
        chart = app.chart
        chart.show(shown(frame_of(steps(200))), 0.0, MIDNIGHT)
        await pilot.pause()
        for x, back, zoom in ((10, 3, 1), (58, 3, 2)):
            await pilot._post_mouse_events([events.MouseScrollUp], Chart, offset=(x, 5))
            await pilot.pause()
            assert (chart.back, chart.zoom) == (back, zoom)
        await pilot._post_mouse_events([events.MouseScrollDown], Chart, offset=(10, 5))
        await pilot.pause()
        assert chart.back == 0


def test_every_interval_of_the_key_exists() -> None:
    for interval in INTERVALS:
        assert time_period(interval, 1, steps(5)) > 0
        assert format_moment(MIDNIGHT, MIDNIGHT, interval)
