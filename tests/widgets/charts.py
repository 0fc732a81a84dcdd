"""A chart with bars that rise by 1 and fall back by 1, alone or in an app with nothing else."""

from collections.abc import Sequence
from typing import Any

import msgspec
from textual.app import App, ComposeResult

from mdterm.feeds.frames import ChartBar, ChartFrame, PanelFrame
from mdterm.feeds.intervals import MINUTE
from mdterm.feeds.specs import ChartSpec
from mdterm.feeds.status import Shown
from mdterm.themes.palettes import THEMES
from mdterm.widgets.chart import Chart
from mdterm.widgets.palette import Palette, make_palette
from mdterm.widgets.rows import Row

PALETTES = {
    theme.name: make_palette({**theme.variables, "background": theme.background or ""}) for theme in THEMES
}
MIDNIGHT = 1_763_596_800_000_000_000
"""2025-11-20 00:00:00 UTC."""
LIVE = Shown("LIVE", age=0.1)


def bar(at: int, prices: tuple[float, float, float, float], volume: float | None = 1.0) -> ChartBar:
    opened, high, low, closed = prices
    return ChartBar(MIDNIGHT + at * MINUTE, opened, high, low, closed, volume, None)


def steps(count: int) -> list[ChartBar]:
    """Return bars that rise by 1 from 100 and fall back by 1, one after the other."""
    up, down = (100.0, 101.5, 99.5, 101.0), (101.0, 101.5, 99.5, 100.0)
    return [bar(at, up if at % 2 == 0 else down, float(at % 7)) for at in range(count)]


def frame_of(bars: Sequence[ChartBar], **changes: Any) -> ChartFrame:
    since = bars[0].open_ts if bars else None
    last = bars[-1].close if bars else None
    frame = ChartFrame("sim:X", "1m", list(bars), 0, 1, 3, last, 1, since, 1)
    return msgspec.structs.replace(frame, **changes)


def paint(chart: Chart, frame: ChartFrame, palette: Palette, width: int = 60, height: int = 12) -> list[Row]:
    chart.frame = frame
    return chart.paint_body(palette, width, height)


class Shell(App[None]):
    """A chart and nothing else."""

    CSS = "Shell > Screen { background: $background; } Chart { width: 100%; height: 100%; }"

    def __init__(self, chart: Chart | None = None, theme: str = "dark") -> None:
        super().__init__()
        for one in THEMES:
            self.register_theme(one)
        self.theme = theme
        self.chart = chart or Chart()
        self.asked: list[int] = []

    def compose(self) -> ComposeResult:
        yield self.chart

    def on_chart_scrolled(self) -> None:
        self.asked.append(offset_of(self.chart))

    def heading(self) -> str:
        return self.chart.render_line(0).text


def shown(frame: ChartFrame) -> PanelFrame:
    return PanelFrame(LIVE, frame, simulated=True)


def offset_of(chart: Chart) -> int:
    spec = chart.spec()
    assert isinstance(spec, ChartSpec)
    return spec.offset
