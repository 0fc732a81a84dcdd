"""The layouts: which panels stand where, what is bound, and what the keys do to the new panels."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.geometry import Region, Size
from textual.pilot import Pilot
from textual.widget import Widget

from mdterm.app.dashboard import Dashboard
from mdterm.app.layout_keys import LAYOUTS
from mdterm.feeds.specs import ChartSpec, PlotSpec
from mdterm.feeds.status import Shown
from mdterm.widgets.chart import MARGIN, PLOTS

SIZES = [(40, 12), (60, 20), (80, 24), (100, 30), (120, 40), (160, 24), (200, 60)]
EVERYTHING = {"watchlist", "connections", "account", "derivatives", "ladder", "tape", "chart"}


@pytest.fixture
def make_app(port: Any, instruments: Any, clock: Any) -> Callable[..., Dashboard]:
    return lambda **options: Dashboard(port, instruments, clock=clock, **{"accounts": ["sim"], **options})


async def settle(pilot: Pilot[int]) -> None:
    for _ in range(3):
        await pilot.pause()


def regions(app: Dashboard) -> dict[str, Region]:
    """Return the panels that are on the screen, and where."""
    placed = app.board._compositor.visible_widgets
    names = {widget.id: region for widget, (region, _) in placed.items() if isinstance(widget, Widget)}
    return {
        name: region for name, region in names.items() if name in EVERYTHING | {"compare"} and region.area
    }


def lines_of(app: Dashboard) -> list[str]:
    return [strip.text for strip in app.screen._compositor.render_strips()]


@pytest.mark.parametrize(
    ("size", "layout", "panels"),
    [
        ((60, 20), "trader", {"ladder", "tape"}),
        ((80, 24), "trader", {"ladder", "tape", "chart"}),
        ((80, 24), "tape", {"ladder", "tape"}),
        ((80, 24), "chart", {"chart"}),
        ((80, 24), "derivatives", {"derivatives"}),
        ((80, 24), "account", {"account"}),
        ((120, 40), "account", {"account", "ladder"}),
        ((120, 24), "trader", EVERYTHING - {"account"}),
        ((120, 40), "trader", EVERYTHING),
        ((120, 40), "tape", EVERYTHING - {"chart"}),
        ((120, 40), "chart", EVERYTHING - {"ladder", "tape"}),
        ((200, 60), "trader", EVERYTHING),
        ((200, 60), "derivatives", {"derivatives", "chart"}),
        ((60, 20), "watch", {"watchlist", "connections"}),
        ((80, 24), "watch", {"watchlist", "connections"}),
        ((200, 60), "watch", {"watchlist", "connections", "chart"}),
    ],
)
async def test_panels_of_a_layout(
    make_app: Any, port: Any, size: tuple[int, int], layout: str, panels: set[str]
) -> None:
    async with make_app(layout=layout).run_test(size=size) as pilot:
        await settle(pilot)
        assert set(regions(pilot.app)) == panels
        # What is not on the screen costs nothing: it is not bound.
        assert set(port.bound) - {"header", "watch"} == panels - {"connections"}
        assert ("watch" in port.bound) == ("watchlist" not in panels)


@pytest.mark.parametrize("size", SIZES, ids=lambda one: f"{one[0]}x{one[1]}")
@pytest.mark.parametrize("layout", LAYOUTS)
async def test_panels_do_not_overlap_and_none_is_cut(
    make_app: Any, size: tuple[int, int], layout: str
) -> None:
    async with make_app(layout=layout).run_test(size=size) as pilot:
        await settle(pilot)
        found = list(regions(pilot.app).values())
        screen = Region(0, 0, *size)
        assert found
        assert all(screen.contains_region(region) for region in found)
        assert not any(one.overlaps(other) for at, one in enumerate(found) for other in found[:at])
        assert all(len(line) == size[0] for line in lines_of(pilot.app))


async def test_the_key_shows_one_layout_after_the_other_and_the_keys_follow(make_app: Any) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        seen = []
        for _ in range(len(LAYOUTS) + 1):
            await settle(pilot)
            seen.append((pilot.app.board.layout_name, pilot.app.board.focused.id))
            await pilot.press("l")
        assert seen == [
            ("trader", "ladder"),
            ("tape", "ladder"),
            ("chart", "chart"),
            ("derivatives", "derivatives"),
            ("account", "account"),
            ("compare", "compare"),
            ("watch", "watchlist"),
            ("trader", "ladder"),
        ]


@pytest.mark.parametrize("panel", ["watchlist", "account", "derivatives", "ladder", "tape", "chart"])
async def test_every_panel_can_have_the_whole_room(make_app: Any, port: Any, panel: str) -> None:
    async with make_app().run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        pilot.app.board.query_one(f"#{panel}").focus()
        await pilot.press("m")
        await settle(pilot)
        assert regions(pilot.app) == {panel: Region(0, 1, 120, 38)}
        assert set(port.bound) - {"header", "watch"} == {panel}
        await pilot.press("escape")
        await settle(pilot)
        assert set(regions(pilot.app)) == EVERYTHING


@pytest.mark.parametrize("size", [(120, 40), (120, 18), (80, 24), (60, 20)])
async def test_where_the_list_is_hidden_the_line_says_what_the_digits_mean(
    make_app: Any, size: tuple[int, int]
) -> None:
    async with make_app().run_test(size=size) as pilot:
        board = pilot.app.board
        board.hidden["trader"] = {"watchlist"}
        board.hide_panels()
        await settle(pilot)
        assert any("1 BTCUSDT" in line for line in lines_of(pilot.app))
        await pilot.press("H")
        await settle(pilot)
        assert board.symbols.display != board.watchlist.is_on_screen


async def test_where_there_is_no_account_nothing_is_kept_free_for_one(make_app: Any) -> None:
    async with make_app(accounts=[]).run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert set(regions(pilot.app)) == EVERYTHING - {"account"}


async def test_intervals_go_up_and_down_and_end(make_app: Any, port: Any) -> None:
    async with make_app().run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        intervals = []
        for key in ("i", "i", "I", "I", "I", *["I"] * 9, *["i"] * 20):
            await pilot.press(key)
            await settle(pilot)
            intervals.append(port.bound["chart"][1].interval)
        assert intervals[:5] == ["5m", "15m", "5m", "1m", "15s"]
        assert intervals[5:10] == ["5s", "1s", "1000t", "500t", "100t"]
        assert intervals[13] == "100t", "the ends do not wrap"
        assert intervals[-1] == "1w"
        assert "CHART 1w" in "\n".join(lines_of(pilot.app))


async def test_the_interval_stays_when_another_symbol_is_shown(make_app: Any, port: Any) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("i", "2")
        await settle(pilot)
        assert port.bound["chart"][0] == "sim:ETHUSDT"
        assert port.bound["chart"][1].interval == "5m"


async def test_bars_are_marked_zoomed_and_let_go(make_app: Any, port: Any) -> None:
    async with make_app().run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("left", "left")
        assert "1m  23:46 O" in "\n".join(lines_of(pilot.app))
        await pilot.press("right")
        assert "1m  23:47 O" in "\n".join(lines_of(pilot.app))
        await pilot.press("escape")
        assert "23:47 O" not in "\n".join(lines_of(pilot.app))
        await pilot.press(".")
        await settle(pilot)
        width = pilot.app.board.chart.size.width
        assert port.bound["chart"] == ("sim:BTCUSDT", ChartSpec("1m", bars=width // 2 + MARGIN))
        await pilot.press(",")
        await settle(pilot)
        assert port.bound["chart"] == ("sim:BTCUSDT", ChartSpec("1m", bars=width + MARGIN))


async def test_looking_back_and_home_again(make_app: Any, port: Any) -> None:
    async with make_app().run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        chart = pilot.app.board.chart
        await pilot.press(*["left"] * (chart.window + 5))
        await settle(pilot)
        assert chart.back == 5
        assert "5 BARS BACK" in "\n".join(lines_of(pilot.app))
        await pilot.press("home")
        await settle(pilot)
        assert (chart.back, chart.cursor) == (0, None)


async def test_what_is_drawn_with_the_bars_is_asked_of_the_feed(make_app: Any, port: Any) -> None:
    async with make_app().run_test(size=(120, 40)) as pilot:
        await settle(pilot)

        async def after(*keys: str) -> ChartSpec | PlotSpec:
            await pilot.press(*keys)
            await settle(pilot)
            spec = port.bound["chart"][1]
            assert isinstance(spec, ChartSpec | PlotSpec)
            return spec

        told = [await after("A") for _ in range(5)]
        assert [(one.averages, one.vwap) for one in told if isinstance(one, ChartSpec)] == [
            ((), True),
            ((20,), False),
            ((20, 50), False),
            ((20, 50), True),
            ((), False),
        ]
        beside = await after("P", "C")
        assert isinstance(beside, ChartSpec)
        assert beside.profile > 0
        assert beside.cvd
        plots = [await after("p") for _ in range(5)]
        assert [one.plot if isinstance(one, PlotSpec) else None for one in plots] == [*PLOTS, None]


async def test_the_watchlist_chooses_by_cursor_and_by_click(make_app: Any, port: Any) -> None:
    async with make_app().run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        pilot.app.board.watchlist.focus()
        await pilot.press("down", "j", "k", "enter")
        await settle(pilot)
        assert lines_of(pilot.app)[0].startswith(" ETHUSDT")
        await pilot.click("#watchlist", offset=(8, 5))
        await settle(pilot)
        assert lines_of(pilot.app)[0].startswith(" DOGEUSDT")
        assert lines_of(pilot.app)[6].startswith("▸4 DOGEUSDT")
        assert port.bound["ladder"][0] == "sim:DOGEUSDT"


async def test_a_click_gives_a_panel_the_keys(make_app: Any) -> None:
    async with make_app().run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.click("#tape", offset=(5, 5))
        assert pilot.app.board.focused is pilot.app.board.tape


async def test_a_resize_at_any_layout_binds_what_is_there_then(make_app: Any, port: Any) -> None:
    async with make_app().run_test(size=(200, 60)) as pilot:
        for size in ((80, 24), (60, 20), (30, 8), (120, 40)):
            await pilot.resize_terminal(*size)
            await settle(pilot)
            shown = set(regions(pilot.app)) - {"connections"}
            assert set(port.bound) - {"header", "watch"} == shown
            assert port.bound["ladder"][1].rows == pilot.app.board.ladder.level_rows


async def test_links_in_trouble_get_the_rows_for_their_reasons(make_app: Any, port: Any) -> None:
    async with make_app().run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        assert pilot.app.board.connections.size.height == 2
        port.link = Shown("RECONNECTING", age=3.0, attempt=2, detail="the server closed the connection")
        port.push("ladder")
        await settle(pilot)
        text = "\n".join(lines_of(pilot.app))
        assert "1 of 1 in trouble" in text
        assert "sim/nonbook  RECONNECTING 3s (try 2)" in text
        assert "the server closed the connection" in text


async def test_a_size_that_was_missed_is_taken_up(
    make_app: Callable[..., Dashboard], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        app.board._screen_resized(Size(110, 41))  # as by a layout that came late
        await settle(pilot)
        assert app.board._compositor.size == Size(110, 41)
        monkeypatch.setattr(app, "terminal_size", lambda: Size(120, 40))
        app.check_size()
        await settle(pilot)
        assert app.board._compositor.size == Size(120, 40)
        monkeypatch.setattr(app, "terminal_size", lambda: Size(80, 24))  # nobody told of it
        app.check_size()
        await pilot.pause(0.05)
        await settle(pilot)
        assert app.board._compositor.size == app.size == Size(80, 24)
        laid_out = app.board._compositor.full_map
        app.check_size()
        await settle(pilot)
        assert app.board._compositor.full_map is laid_out, "what is right is left alone"
