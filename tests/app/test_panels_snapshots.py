"""What each panel looks like alone: one picture a size and theme, of a market that stands still."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from mdterm.feeds.frames import (
    ChartBar,
    ChartFrame,
    DerivativesFrame,
    Frame,
    LinkLine,
    LiquidationRow,
    PanelFrame,
    ProfileFrame,
    WatchFrame,
    WatchRow,
)
from mdterm.feeds.intervals import HOUR, MINUTE
from mdterm.feeds.status import Shown
from mdterm.themes.palettes import THEMES
from mdterm.widgets.chart import Chart
from mdterm.widgets.connections import Connections
from mdterm.widgets.derivatives import Derivatives
from mdterm.widgets.panel import Line, Panel
from mdterm.widgets.watchlist import Watchlist

WALL = 1_763_682_461_997_000_000
"""2025-11-20 23:47:41.997 UTC."""
LIVE = Shown("LIVE", age=0.1)


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


def make_bars(count: int = 240) -> list[ChartBar]:
    """Return minutes of a price that wanders as two waves do, the newest begun at 23:47."""
    newest, closes = WALL - WALL % MINUTE, []
    for at in range(count + 1):
        wave = 34 * math.sin(at / 17) + 11 * math.sin(at / 3.1) + 5 * math.sin(at * 1.7)
        closes.append(round(61_700 + wave, 1))
    bars = []
    for at, (opened, closed) in enumerate(pairwise(closes)):
        wick = 2.5 + 4 * abs(math.sin(at * 2.3))
        high, low = round(max(opened, closed) + wick, 1), round(min(opened, closed) - wick / 2, 1)
        volume = round(12 + 11 * math.sin(at / 5) + 6 * abs(math.sin(at * 1.3)), 3)
        bars.append(ChartBar(newest - (count - 1 - at) * MINUTE, opened, high, low, closed, volume, None))
    return bars


def make_chart(**changes: Any) -> ChartFrame:
    bars = make_bars()
    frame = ChartFrame("sim:X", "1m", bars, 0, 1, 3, bars[-1].close, 1, bars[-45].open_ts, 1)
    return msgspec.structs.replace(frame, **changes)


def make_watch() -> WatchFrame:
    states = {
        2: Shown("LIVE", age=1.3),
        3: Shown("CLOSED", since=WALL - 4 * HOUR),
        4: Shown("RECONNECTING", age=3.2, attempt=2),
        5: Shown("STALE", age=72.0),
        6: Shown("WARMING"),
    }
    rows = [
        WatchRow(
            address=f"{provider}:{symbol}",
            symbol=symbol,
            provider=provider,
            shown=states.get(at, LIVE),
            last=last,
            direction=(1, -1, 0)[at % 3],
            change=change,
            bid=None if last is None else last - 10.0**-digits,
            ask=None if last is None else last + 10.0**-digits,
            volume=volume,
            digits=digits,
            spark=[] if last is None else [last * (1 + math.sin(x / 2 + at) / 1000) for x in range(30)],
        )
        for at, (provider, symbol, last, digits, change, volume) in enumerate(
            [
                ("kiyotaka", "BTCUSDT", 61_722.4, 1, 0.0042, 21_308.123),
                ("kiyotaka", "ETHUSDT", 2_681.62, 2, -0.0011, 91_308.1),
                ("alltick", "GOLD", 2_431.1, 1, 0.0003, None),
                ("alltick", "700.HK", 371.4, 1, None, 1.2e6),
                ("jayx", "BTCUSDT", 61_720.0, 1, 0.004, 12.4),
                ("kiyotaka", "DOGEUSDT", 0.12345, 5, -0.1234, 9.1e9),
                ("kiyotaka", "1000PEPEUSDT", None, 0, None, None),
            ]
        )
    ]
    return WatchFrame(rows)


def make_derivatives(**changes: Any) -> DerivativesFrame:
    volumes = [900 * math.exp(-(((at - 13) / 6) ** 2)) + 40 for at in range(30)]
    profile = ProfileFrame(
        step=20.0,
        digits=0,
        low=61_400 // 20,
        buys=[volume * (0.5 + math.sin(at) / 8) for at, volume in enumerate(volumes)],
        sells=[volume * 0.45 for volume in volumes],
        neutral=[0.0] * len(volumes),
        poc=13,
        val=9,
        vah=18,
        source="session",
        since=WALL - 3 * HOUR,
    )
    liquidations = [
        LiquidationRow(
            WALL - at * 1_412_000_000,
            61_712.0 + at * 7 % 11,
            round(0.4 + 7 * abs(math.sin(at * 3)), 3),
            ("long", "short", "short", None)[at % 4],
            ("SELL", "BUY", "BUY", None)[at % 4],
        )
        for at in range(30)
    ]
    frame = DerivativesFrame(
        address="sim:X",
        funding=0.0001,
        predicted=0.000112,
        funding_shown=LIVE,
        open_interest=78_412.1,
        open_interest_change=243.1,
        open_interest_share=0.0031,
        liquidations=liquidations,
        liquidation_count=30,
        liquidated={
            "60s": (412_600.0, 3_210.0, 0.0),
            "5m": (1.41e6, 53_210.0, 0.0),
            "1h": (2.4e6, 7.5e5, 0.0),
        },
        profile=profile,
        missing=[],
        digits=1,
        size_digits=3,
    )
    return msgspec.structs.replace(frame, **changes)


LINKS = [
    LinkLine("kiyotaka/book", "kiyotaka", LIVE, 38.2, 412.0),
    LinkLine("kiyotaka/nonbook", "kiyotaka", LIVE, 1238.2, 31.0),
    LinkLine(
        "alltick/stock", "alltick", Shown("REFUSED", detail="the token is not valid for this plan"), None, 0
    ),
    LinkLine(
        "jayx/BTCUSDT",
        "jayx",
        Shown("RECONNECTING", age=3.2, attempt=2, detail="the server closed the connection: try again later"),
        None,
        0,
    ),
]


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
        watchlist.select(1)
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
