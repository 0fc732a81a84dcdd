"""What the chart looks like: one picture a size and a theme, of a market that stands still."""

import math
from itertools import accumulate, pairwise
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from mdterm.feeds.frames import ChartBar, ChartFrame, Curve, PanelFrame, PlotFrame, ProfileFrame
from mdterm.feeds.intervals import HOUR, MINUTE, SECOND
from mdterm.feeds.specs import Plot
from mdterm.themes.palettes import THEMES
from mdterm.widgets.candles import ASCII
from mdterm.widgets.chart import PLOTS, Chart
from tests.widgets.charts import LIVE, Shell
from tests.workers import finished

WALL = 1_763_682_461_997_000_000
"""2025-11-20 23:47:41.997 UTC."""
SIZES = [(80, 24), (120, 40), (200, 60)]
THEME_NAMES = [theme.name for theme in THEMES]


def waves(count: int) -> list[float]:
    """Return prices that wander as three waves do."""
    return [
        round(61_700 + 34 * math.sin(at / 17) + 11 * math.sin(at / 3.1) + 5 * math.sin(at * 1.7), 1)
        for at in range(count)
    ]


def mean(closes: list[float], at: int, period: int) -> float | None:
    return sum(closes[at + 1 - period : at + 1]) / period if at + 1 >= period else None


def make_bars(count: int = 260, *, lines: bool = False, cvd: bool = False) -> list[ChartBar]:
    newest, prices = WALL - WALL % MINUTE, waves(count + 1)
    closes, bars = prices[1:], []
    total = turnover = traded = 0.0
    for at, (opened, closed) in enumerate(pairwise(prices)):
        wick = 2.5 + 4 * abs(math.sin(at * 2.3))
        volume = round(12 + 11 * math.sin(at / 5) + 6 * abs(math.sin(at * 1.3)), 3)
        delta = round(volume * math.sin(at / 2.1) / 2, 3)
        turnover, traded = turnover + closed * volume, traded + volume
        bars.append(
            ChartBar(
                newest - (count - 1 - at) * MINUTE,
                opened,
                round(max(opened, closed) + wick, 1),
                round(min(opened, closed) - wick / 2, 1),
                closed,
                volume,
                delta,
                turnover / traded if lines else None,
                total if cvd else None,
                total + delta if cvd else None,
                (mean(closes, at, 20), mean(closes, at, 50)) if lines else (),
                4.5 if at in (count - 30, count - 8) else 0.0,
                2.25 if at == count - 19 else 0.0,
            )
        )
        total += delta
    return bars


def make_profile() -> ProfileFrame:
    volumes = [
        90 * math.exp(-(((at - 30) / 9) ** 2)) + 60 * math.exp(-(((at - 44) / 4) ** 2)) for at in range(60)
    ]
    sold = [volume * (0.4 + math.sin(at) / 8) for at, volume in enumerate(volumes)]
    bought = [volume - less for volume, less in zip(volumes, sold, strict=True)]
    return ProfileFrame(2.0, 0, 61_640 // 2, bought, sold, [0.0] * 60, 30, 20, 46, "session", WALL - 3 * HOUR)


def make_chart(*, overlays: bool = False, interval: str = "1m", whole: int = 45) -> ChartFrame:
    bars = make_bars(lines=overlays, cvd=overlays)
    frame = ChartFrame("sim:X", interval, bars, 0, 1, 3, bars[-1].close, 1, bars[-whole].open_ts, 1)
    if not overlays:
        return frame
    return msgspec.structs.replace(
        frame,
        periods=(20, 50),
        profile=make_profile(),
        sums_since=WALL - WALL % (24 * HOUR),
        is_vwap_estimated=True,
    )


def make_plot(kind: Plot) -> PlotFrame:
    curves: list[Curve]
    marks: dict[str, float] = {}
    closes = waves(400)
    x = [(WALL - WALL % MINUTE - (399 - at) * MINUTE) / SECOND for at in range(400)]
    if kind == "history":
        high, low = [close + 3 for close in closes], [close - 4 for close in closes]
        curves = [Curve("high", x, high), Curve("low", x, low), Curve("close", x, closes)]
        marks = {"last": closes[-1]}
    elif kind == "depth":
        steps = [0.3 + 2.5 * abs(math.sin(at * 1.9)) for at in range(60)]
        bids = [round(61_700 - at * 0.5, 1) for at in range(60)]
        asks = [round(61_700.5 + at * 0.5, 1) for at in range(60)]
        curves = [
            Curve("bids", bids[::-1], list(accumulate(steps))[::-1]),
            Curve("asks", asks, list(accumulate(steps[7:] + steps[:7]))),
        ]
        marks = {"mid": 61_700.25}
    elif kind == "cvd":
        curves = [Curve("cvd", x, [close - 61_690 + at / 30 for at, close in enumerate(closes)])]
    else:
        told = make_profile()
        prices = [(told.low + at) * told.step for at in range(60)]
        sides = {"buys": told.buys, "sells": told.sells, "others": told.neutral}
        curves = [Curve(name, prices, volumes) for name, volumes in sides.items()]
        marks = {"poc": prices[30], "val": prices[20], "vah": prices[46], "last": 61_712.0}
    since = WALL - 9 * HOUR if kind in ("cvd", "profile") else None
    return PlotFrame("sim:X", kind, "1m", curves, 1, 3, len(curves[0].x), marks, since)


def picture(chart: Chart, frame: ChartFrame | PlotFrame, theme: str = "dark") -> Any:
    """Return an app with the chart, and what shows the frame in it."""
    app = Shell(chart, theme)

    async def show(pilot: Pilot[None]) -> None:
        await pilot.pause()
        chart.show(PanelFrame(LIVE, frame, simulated=True), 0.0, WALL)
        await pilot.pause()
        await finished(app)
        for _ in range(2):
            await pilot.pause()

    return app, show


def with_everything() -> Chart:
    chart = Chart()
    chart.lines, chart.with_cvd, chart.with_profile = 4, True, True
    return chart


def plotting(kind: Plot) -> Chart:
    chart = Chart()
    chart.plot = kind
    return chart


@pytest.mark.parametrize("size", SIZES, ids=lambda one: f"{one[0]}x{one[1]}")
@pytest.mark.parametrize("overlays", [False, True], ids=["bars", "overlays"])
def test_chart(snap_compare: Any, size: tuple[int, int], overlays: bool) -> None:
    chart = with_everything() if overlays else Chart()
    app, show = picture(chart, make_chart(overlays=overlays))
    assert snap_compare(app, terminal_size=size, run_before=show)


@pytest.mark.parametrize("theme", THEME_NAMES)
def test_chart_in_each_theme(snap_compare: Any, theme: str) -> None:
    app, show = picture(with_everything(), make_chart(overlays=True), theme)
    assert snap_compare(app, terminal_size=(100, 30), run_before=show)


@pytest.mark.parametrize("size", SIZES, ids=lambda one: f"{one[0]}x{one[1]}")
@pytest.mark.parametrize("kind", PLOTS)
def test_plot(snap_compare: Any, kind: Plot, size: tuple[int, int]) -> None:
    app, show = picture(plotting(kind), make_plot(kind))
    assert snap_compare(app, terminal_size=size, run_before=show)


@pytest.mark.parametrize("theme", THEME_NAMES)
@pytest.mark.parametrize("kind", PLOTS)
def test_plot_in_each_theme(snap_compare: Any, kind: Plot, theme: str) -> None:
    app, show = picture(plotting(kind), make_plot(kind), theme)
    assert snap_compare(app, terminal_size=(80, 20), run_before=show)


def test_little_room(snap_compare: Any) -> None:
    app, show = picture(with_everything(), make_chart(overlays=True))
    assert snap_compare(app, terminal_size=(60, 12), run_before=show)


def test_a_marked_bar_that_was_zoomed(snap_compare: Any) -> None:
    chart = with_everything()
    chart.zoom = 3
    app, show = picture(chart, make_chart(overlays=True))

    async def mark(pilot: Pilot[None]) -> None:
        await show(pilot)
        chart.move_cursor(0)
        chart.move_cursor(-9)
        await pilot.pause()

    assert snap_compare(app, terminal_size=(120, 30), run_before=mark)


def test_without_box_characters(snap_compare: Any) -> None:
    chart = Chart(glyphs=ASCII)
    chart.lines, chart.with_cvd, chart.with_profile = 4, True, True
    app, show = picture(chart, make_chart(overlays=True), "ansi16")
    assert snap_compare(app, terminal_size=(100, 30), run_before=show)


def test_tick_bars(snap_compare: Any) -> None:
    frame = make_chart(interval="100t", whole=260)
    bars = [
        msgspec.structs.replace(one, open_ts=WALL - (259 - at) * 1_700_000_000 - at % 7 * 90_000_000)
        for at, one in enumerate(frame.bars)
    ]
    chart = Chart()
    chart.choose_interval("100t")
    app, show = picture(chart, msgspec.structs.replace(frame, bars=bars, since=bars[0].open_ts))
    assert snap_compare(app, terminal_size=(80, 24), run_before=show)
