"""Plots stand where their values are; what cannot be drawn is said in words."""

import sys
from bisect import bisect_right
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.frames import Curve, PanelFrame, PlotFrame
from mdterm.feeds.intervals import HOUR, MINUTE, SECOND
from mdterm.feeds.specs import Plot, PlotSpec
from mdterm.widgets.axes import time_labels
from mdterm.widgets.candles import ASCII, BOXES, Scale
from mdterm.widgets.chart import PLOTS, Chart
from mdterm.widgets.palette import Palette
from mdterm.widgets.plots import Plotter, depth_range, is_empty, plot_words
from mdterm.widgets.plotting import (
    FINE,
    PLAIN,
    SOLID,
    Bounds,
    Stroke,
    draw_figure,
    size_up_to,
    strokes_of,
)
from mdterm.widgets.rows import text_of, width_of
from tests.widgets.charts import LIVE, MIDNIGHT, Shell, frame_of, shown, steps
from tests.workers import finished


def frame(kind: Plot, curves: list[Curve], **more: Any) -> PlotFrame:
    return PlotFrame("sim:X", kind, "1m", curves, 1, 3, len(curves[0].x) if curves else 0, **more)


def history(closes: list[float], **more: Any) -> PlotFrame:
    x = [(MIDNIGHT + at * MINUTE) / SECOND for at in range(len(closes))]
    high, low = [close + 1 for close in closes], [close - 1 for close in closes]
    curves = [Curve("high", x, high), Curve("low", x, low), Curve("close", x, closes)]
    return frame("history", curves, marks={"last": closes[-1]} if closes else {}, **more)


def depth() -> PlotFrame:
    bids, asks = Curve("bids", [95.0, 98.0, 99.0], [7.5, 3.5, 1.0]), Curve("asks", [101.0, 103.0], [3.0, 3.5])
    return frame("depth", [bids, asks], marks={"mid": 100.0})


def cvd(values: list[float], **more: Any) -> PlotFrame:
    x = [(MIDNIGHT + at * MINUTE) / SECOND for at in range(len(values))]
    return frame("cvd", [Curve("cvd", x, values)], since=MIDNIGHT, **more)


def profile() -> PlotFrame:
    prices = [100.0 + at for at in range(8)]
    buys, sells = [1.0, 2.0, 3.0, 9.0, 4.0, 2.0, 0.0, 1.0], [2.0] * 8
    curves = [Curve("buys", prices, buys), Curve("sells", prices, sells), Curve("others", prices, [0.0] * 8)]
    return frame("profile", curves, marks={"poc": 103.0, "val": 102.0, "vah": 104.0, "last": 105.0})


FRAMES = {
    "history": history([100.0 + at % 9 for at in range(60)]),
    "depth": depth(),
    "cvd": cvd([5.0, -3.0, 8.0]),
    "profile": profile(),
}


async def drawn(plotter: Plotter, told: PlotFrame, palette: Palette, width: int, height: int) -> list[str]:
    await plotter.draw(told, width, height, MIDNIGHT)
    return [text_of(row) for row in plotter.rows(told, palette, width, height, 0)]


# The figure


@pytest.mark.parametrize("marker", [FINE, SOLID, PLAIN])
def test_a_point_stands_in_the_cell_of_its_value(marker: str) -> None:
    bounds = Bounds(0.0, 19.0, 0.0, 9.0)
    for x, y in ((0.0, 0.0), (19.0, 9.0), (7.0, 3.0)):
        rows = draw_figure([Stroke("line", [x], [y])], bounds, 20, 10, marker)
        text = ["".join(part for part, _ in row) for row in rows]
        assert [len(row) for row in text] == [20] * 10
        found = [(row, at) for row, line in enumerate(text) for at, glyph in enumerate(line) if glyph != " "]
        assert found == [(9 - int(y), int(x))]


def test_strokes_keep_their_inks_and_later_ones_stand_before() -> None:
    bounds = Bounds(0.0, 9.0, 0.0, 9.0)
    rows = draw_figure(
        [Stroke("range", [0.0, 9.0], [4.0, 4.0]), Stroke("line", [0.0, 4.0], [4.0, 4.0])],
        bounds, 10, 10, PLAIN,
    )  # fmt: skip
    assert rows[5] == (("*****", "line"), ("*****", "range"))


def test_stems_reach_down_and_across() -> None:
    bounds = Bounds(0.0, 9.0, 0.0, 9.0)
    down = draw_figure([Stroke("bids", [3.0], [5.0], "x")], bounds, 10, 10, PLAIN)
    assert [row for row, cells in enumerate(down) if any(ink == "bids" for _, ink in cells)] == [
        4,
        5,
        6,
        7,
        8,
        9,
    ]
    across = draw_figure([Stroke("buys", [4.0], [5.0], "y")], bounds, 10, 10, PLAIN)
    assert across[4][0] == ("*****", "buys")


@pytest.mark.parametrize("kind", PLOTS)
def test_what_is_drawn_is_what_the_frame_holds(kind: Plot) -> None:
    told = FRAMES[kind]
    curves = {one.name: one for one in told.curves}
    strokes = strokes_of(told, Bounds(95.0, 105.0, 95.0, 110.0), 40, 16)
    if kind == "history":
        band, line = strokes
        assert line.y == curves["close"].y
        assert band.y[::2] == curves["low"].y
        assert band.y[1::2] == curves["high"].y
    elif kind == "cvd":
        assert strokes[0].y == [0.0, 0.0], "the line of nothing"
        assert (strokes[1].x, strokes[1].y) == (curves["cvd"].x, curves["cvd"].y)
    elif kind == "depth":
        for stroke in strokes:
            for price, size in zip(stroke.x, stroke.y, strict=True):
                assert size == plain_size(told, stroke.ink, price)
    else:
        prices, bought, sold = curves["buys"].x, curves["buys"].y, curves["sells"].y
        inks: dict[str, Stroke] = {stroke.ink: stroke for stroke in strokes}
        for ink, volumes in (("buys", bought), ("sells", [a + b for a, b in zip(bought, sold, strict=True)])):
            stroke = inks[ink]
            assert stroke.stems == "y"
            for price, volume in zip(stroke.y, stroke.x, strict=True):
                near = (bisect_right(prices, price - 0.3) - 1, bisect_right(prices, price + 0.3) - 1)
                assert volume in {volumes[at] for at in near if at >= 0}
            assert set(stroke.x) == {volume for volume in volumes if volume}, "no price is left out"


def plain_size(told: PlotFrame, side: str, price: float) -> float:
    """Return what stands between the best price of a side and ``price``."""
    curve = next(one for one in told.curves if one.name == side)
    reached = [
        size
        for at, size in zip(curve.x, curve.y, strict=True)
        if (at >= price if side == "bids" else at <= price)
    ]
    return max(reached, default=0.0)


@given(st.floats(80.0, 120.0))
def test_the_size_up_to_a_price(price: float) -> None:
    for curve in depth().curves:
        assert size_up_to(curve, price) == plain_size(depth(), curve.name, price)


# Figure and axes


@pytest.mark.parametrize("size", [(80, 18), (120, 30), (40, 8), (24, 5)])
@pytest.mark.parametrize("kind", PLOTS)
@pytest.mark.parametrize("glyphs", [BOXES, ASCII], ids=["boxes", "ascii"])
async def test_rows_fill_the_room_and_no_more(
    kind: Plot, size: tuple[int, int], glyphs: Any, palette: Palette
) -> None:
    plotter = Plotter(glyphs)
    await plotter.draw(FRAMES[kind], *size, MIDNIGHT)
    rows = plotter.rows(FRAMES[kind], palette, *size, 0)
    assert len(rows) == size[1]
    assert all(width_of(row) <= size[0] for row in rows)
    assert plotter.refusal is None
    if glyphs is ASCII:
        assert all(text_of(row).isascii() for row in rows)


async def test_the_last_price_is_marked_in_its_row(palette: Palette) -> None:
    plotter = Plotter(BOXES)
    told = history([100.0 + at for at in range(40)])
    text = await drawn(plotter, told, palette, 60, 20)
    row = next(at for at, line in enumerate(text) if "◂139.0" in line)
    assert row <= 1, "the highest close is the last one"
    assert any(glyph in "⠀⠁⠂⠄⡀⢀⠠⠐⠈⣀⠤⠒⠉⢸⡇⣿⡿⢿⣼⣷" for glyph in text[row][40:52])


async def test_prices_never_take_less_room_and_the_scale_is_calm(palette: Palette) -> None:
    plotter = Plotter(BOXES)
    first = await drawn(plotter, history([99_000.0, 101_000.0] * 20 + [99_900.0]), palette, 60, 20)
    again = await drawn(plotter, history([99_000.0, 101_000.0] * 20 + [99_900.0, 99_800.0]), palette, 60, 20)
    prices = [
        [
            (row, line.split("  ")[-1].strip())
            for row, line in enumerate(text[:-1])
            if line.endswith("0.0") and "◂" not in line
        ]
        for text in (first, again)
    ]
    assert len(prices[0]) > 2
    assert set(prices[1]) <= set(prices[0]), "the same prices stand in the same places"


def test_the_depth_reaches_as_far_up_as_down_and_moves_calmly() -> None:
    assert depth_range(depth(), None) == (97.0, 103.0)
    assert depth_range(depth(), Scale(97.1, 103.1)) == (97.1, 103.1)
    assert depth_range(depth(), Scale(90.0, 96.0)) == (97.0, 103.0)
    one_sided = frame("depth", [Curve("bids", [95.0, 99.0], [2.0, 1.0]), Curve("asks", [], [])])
    assert depth_range(one_sided, None) == (95.0, 99.0)


def test_times_do_not_touch_and_stand_at_round_moments() -> None:
    times = [MIDNIGHT + at * MINUTE for at in range(600)]
    labels = time_labels(times, [at / 599 for at in range(600)], 100)
    assert [text for _, text in labels][:2] == ["╵02:00", "╵04:00"]
    assert all(one[0] + len(one[1]) < after[0] for one, after in pairwise(labels))
    assert time_labels(times[:1], [0.0], 100) == []
    night = [MIDNIGHT, MIDNIGHT + 9 * HOUR, MIDNIGHT + 9 * HOUR + MINUTE]
    assert [start for start, _ in time_labels(night, [0.0, 0.5, 1.0], 60)] == [30]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("history", "1m history  60 bars  H 109.0 L 99.0  not whole yet"),
        ("depth", "depth  bids 7.50 asks 3.50  mid 100.00  3 levels"),
        ("cvd", "CVD  +8.00  since 00:00:00"),
        ("profile", "profile  POC 103.0 VA 102.0–104.0  58 % bought"),
    ],
)
def test_the_title_tells_what_is_plotted(kind: Plot, words: str) -> None:
    assert " ".join(plot_words(FRAMES[kind], MIDNIGHT + HOUR, 0)) == words


def test_a_doubtful_cvd_says_so() -> None:
    told = cvd([1.0, 2.0], unreliable_since=MIDNIGHT + MINUTE)
    assert plot_words(told, MIDNIGHT + HOUR, 0)[-1] == " unreliable since 00:01:00"


@pytest.mark.parametrize("kind", PLOTS)
async def test_where_there_is_nothing_it_says_what_is_missing(kind: Plot, palette: Palette) -> None:
    names = {"history": ("high", "low", "close"), "depth": ("bids", "asks"), "cvd": ("cvd",), "profile": ()}
    told = frame(kind, [Curve(name, [], []) for name in names[kind]])
    plotter = Plotter(BOXES)
    assert is_empty(told)
    assert not plotter.wants(told, 60, 10)
    text = " ".join(text_of(row).strip() for row in plotter.rows(told, palette, 60, 10, 0))
    assert text.strip() in {
        "no bars yet", "no book with sizes yet", "no trades of a known side yet", "nothing traded yet",
    }  # fmt: skip
    assert plot_words(told, MIDNIGHT, 0) == [kind]


async def test_without_plotext_it_says_so(monkeypatch: pytest.MonkeyPatch, palette: Palette) -> None:
    monkeypatch.setitem(sys.modules, "plotext", None)
    plotter = Plotter(BOXES)
    text = " ".join(await drawn(plotter, depth(), palette, 60, 10))
    assert "plotext cannot be imported" in text
    assert not plotter.wants(depth(), 60, 10), "it is not tried again and again"


async def test_a_plot_that_fails_says_so_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, palette: Palette, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*given: Any) -> None:
        raise RuntimeError("the library's own")

    plotter = Plotter(BOXES)
    with monkeypatch.context() as patched:
        patched.setattr("mdterm.widgets.plots.draw_figure", fail)
        assert "could not be drawn" in " ".join(await drawn(plotter, depth(), palette, 60, 10))
    assert "the library's own" in caplog.text
    assert plotter.wants(FRAMES["cvd"], 60, 10)
    assert "+8.00" in " ".join(await drawn(plotter, FRAMES["cvd"], palette, 60, 10))


async def test_a_panel_too_small_says_so(palette: Palette) -> None:
    text = await drawn(Plotter(BOXES), depth(), palette, 14, 3)
    assert " ".join(" ".join(text).split()) == "too little room for a plot"


@pytest.mark.parametrize(("glyphs", "bought", "sold"), [(BOXES, "█", "▒"), (ASCII, "*", "-")])
async def test_sells_differ_from_buys_without_colour(
    glyphs: Any, bought: str, sold: str, palette: Palette
) -> None:
    text = await drawn(Plotter(glyphs), profile(), palette, 60, 20)
    rows = [line for line in text[:-1] if bought in line and sold in line]
    assert len(rows) > 3
    assert all(line.rindex(bought) < line.index(sold) for line in rows if "◂" not in line)


# In the panel


def told(one: PlotFrame) -> PanelFrame:
    return PanelFrame(LIVE, one, simulated=True)


async def test_plots_come_one_after_the_other_and_bars_last() -> None:
    app = Shell()
    async with app.run_test(size=(80, 20)) as pilot:
        chart = app.chart
        chart.show(shown(frame_of(steps(20))), 0.0, MIDNIGHT)
        seen = []
        for _ in range(len(PLOTS) + 1):
            chart.next_plot()
            spec = chart.spec()
            seen.append(spec.plot if isinstance(spec, PlotSpec) else None)
        assert seen == [*PLOTS, None]
        chart.next_plot()
        chart.show(shown(frame_of(steps(21))), 0.1, MIDNIGHT)
        assert "CHART 1m   O" in app.heading(), "bars come too late now, and those that are here stay"
        chart.show(told(FRAMES["depth"]), 0.1, MIDNIGHT)
        assert "CHART 1m   O" in app.heading(), "so does another plot"
        chart.show(told(FRAMES["history"]), 0.2, MIDNIGHT)
        await finished(app)
        await pilot.pause()
        assert "CHART 1m history  60 bars" in app.heading()
        assert "◂105.0" in "\n".join(chart.render_line(y).text for y in range(20))


ROUNDS = 50
"""How often a busy machine may have looked elsewhere before a worker begins."""


async def test_the_newest_frame_is_drawn_when_the_one_before_is_done() -> None:
    app = Shell()
    async with app.run_test(size=(80, 20)) as pilot:
        chart = app.chart
        chart.next_plot()
        for at in range(5):
            chart.show(told(history([100.0] * 20 + [103.0 + at])), 0.1 * at, MIDNIGHT)
        for _ in range(ROUNDS):
            await finished(app)
            await pilot.pause()
            drawn = "\n".join(chart.render_line(y).text for y in range(20))
            if "◂107.0" in drawn:
                break
        assert "◂107.0" in drawn


async def test_another_size_is_drawn_anew() -> None:
    app = Shell()
    async with app.run_test(size=(80, 20)) as pilot:
        chart = app.chart
        chart.next_plot()
        chart.show(told(FRAMES["history"]), 0.0, MIDNIGHT)
        await finished(app)
        await pilot.resize_terminal(100, 30)
        await pilot.pause()
        await finished(app)
        await pilot.pause()
        assert chart.render_line(29).text.lstrip().startswith("╵")


def test_an_unknown_volume_is_no_side() -> None:
    odd = msgspec.structs.replace(
        profile(), curves=[*profile().curves[:2], Curve("others", [100.0 + at for at in range(8)], [5.0] * 8)]
    )
    others, known, _ = strokes_of(odd, Bounds(0.0, 20.0, 99.0, 108.0), 40, 16)
    assert max(others.x) == max(known.x) + 5.0


def test_the_chart_starts_with_bars() -> None:
    assert Chart().plot is None
