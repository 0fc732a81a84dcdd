"""What each panel looks like alone: one picture a size and theme, of a market that stands still."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from mdterm.feeds.frames import Frame, PanelFrame
from mdterm.feeds.status import Shown
from mdterm.themes.palettes import THEMES
from mdterm.widgets.chart import Chart
from mdterm.widgets.connections import Connections
from mdterm.widgets.derivatives import Derivatives
from mdterm.widgets.panel import Line, Panel
from mdterm.widgets.watchlist import Watchlist
from tests.app.standing import LINKS, LIVE, WALL, make_chart, make_derivatives, make_watch


class Shell(App[None]):
    """One panel and nothing else."""

    CSS = "Shell > Screen { background: $background; } Screen > * { width: 100%; height: 100%; }"

    def __init__(self, panel: Line, theme: str) -> None:
        super().__init__()
        for one in THEMES:
            self.register_theme(one)
        self.theme = theme
        self.panel = panel

    def compose(self) -> ComposeResult:
        yield self.panel


def size_id(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def showing(
    frame: Frame, then: Callable[[Any], None] = lambda panel: None, shown: Shown = LIVE
) -> Callable[[Pilot[None]], Any]:
    """Return what shows a frame in the panel, and then does something to it."""

    async def show(pilot: Pilot[None]) -> None:
        await pilot.pause()
        assert isinstance(pilot.app, Shell)
        panel = pilot.app.panel
        assert isinstance(panel, Panel)
        panel.show(PanelFrame(shown, frame, True), 0.0, WALL)
        then(panel)
        for _ in range(2):
            await pilot.pause()

    return show


SIZES = {
    Chart: [(30, 6), (60, 9), (80, 20), (200, 50)],
    Watchlist: [(38, 9), (60, 9), (120, 9)],
    Derivatives: [(40, 4), (40, 16), (60, 30), (120, 30)],
}
FRAMES: dict[type[Panel], Callable[[], Frame]] = {
    Chart: make_chart,
    Watchlist: make_watch,
    Derivatives: make_derivatives,
}


@pytest.mark.parametrize(
    ("kind", "size"),
    [(kind, size) for kind, sizes in SIZES.items() for size in sizes],
    ids=lambda one: one.__name__.lower() if isinstance(one, type) else size_id(one),
)
def test_panel(snap_compare: Any, kind: type[Panel], size: tuple[int, int]) -> None:
    panel = kind(id="panel")
    assert snap_compare(Shell(panel, "dark"), terminal_size=size, run_before=showing(FRAMES[kind]()))


@pytest.mark.parametrize("theme", ["light", "blue-orange", "ansi16", "mono"])
@pytest.mark.parametrize(
    ("kind", "size"),
    [(Chart, (80, 16)), (Watchlist, (80, 9)), (Derivatives, (90, 16))],
    ids=["chart", "watchlist", "derivatives"],
)
def test_themes(snap_compare: Any, kind: type[Panel], size: tuple[int, int], theme: str) -> None:
    panel = kind(id="panel")
    assert snap_compare(Shell(panel, theme), terminal_size=size, run_before=showing(FRAMES[kind]()))


def test_stale(snap_compare: Any) -> None:
    lost = Shown("STALE", age=42.0)
    assert snap_compare(
        Shell(Chart(), "dark"), terminal_size=(80, 16), run_before=showing(make_chart(), shown=lost)
    )


def test_marked_bar(snap_compare: Any) -> None:
    def mark(chart: Chart) -> None:
        chart.choose_zoom(1)
        chart.move_cursor(0)
        chart.move_cursor(-12)

    assert snap_compare(
        Shell(Chart(), "dark"), terminal_size=(80, 16), run_before=showing(make_chart(), then=mark)
    )


def test_cursor_away_from_the_shown_instrument(snap_compare: Any) -> None:
    def move(watchlist: Watchlist) -> None:
        watchlist.select("kiyotaka:ETHUSDT")
        watchlist.move_cursor(3)

    assert snap_compare(
        Shell(Watchlist(), "dark"), terminal_size=(80, 9), run_before=showing(make_watch(), then=move)
    )


def test_without_derivatives(snap_compare: Any) -> None:
    spot = make_derivatives(missing=["funding", "open_interest", "liquidation"], liquidations=[])
    assert snap_compare(Shell(Derivatives(), "dark"), terminal_size=(40, 16), run_before=showing(spot))


@pytest.mark.parametrize("size", [(40, 8), (80, 8)], ids=size_id)
def test_connections(snap_compare: Any, size: tuple[int, int]) -> None:
    panel = Connections()

    async def show(pilot: Pilot[None]) -> None:
        await pilot.pause()
        panel.set_links(LINKS, made=0.0)
        await pilot.pause()

    assert snap_compare(Shell(panel, "dark"), terminal_size=size, run_before=show)
