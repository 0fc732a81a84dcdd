"""The ladder's keys on the board: what they ask of the feed, and where they go."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from textual.app import App

from mdterm.app.dashboard import Dashboard
from mdterm.feeds.frames import CursorRow, LadderFrame, PanelFrame
from mdterm.feeds.specs import LadderSpec
from tests.app.conftest import make_ladder
from tests.app.standing import LIVE


def lines_of(app: App[Any]) -> list[str]:
    """Return the screen as text."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


async def settle(pilot: Any) -> list[str]:
    await pilot.pause()
    await pilot.pause()
    return lines_of(pilot.app)


@pytest.fixture
def make_app(port: Any, instruments: Any, clock: Any) -> Callable[[], Dashboard]:
    return lambda: Dashboard(port, instruments, clock=clock)


def spec_of(port: Any) -> LadderSpec:
    spec = port.bound["ladder"][1]
    assert isinstance(spec, LadderSpec)
    return spec


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (["w"], {"flow": True}),
        (["w", "w"], {"changes": True}),
        (["W"], {"flow": True, "window": "60s"}),
        (["W", "W"], {"flow": True, "window": "8m"}),
        (["w", "W", "W"], {"window": None}),
        (["d"], {"levels": 20}),
        (["d", "d", "d"], {"levels": 5}),
        (["v"], {"quote": True}),
        (["v", "v"], {"quote": False}),
        (["D"], {"dynamic": True}),
        (["D", "D"], {"dynamic": False}),
        (["k"], {"cursor": 617_225, "frozen": True, "centre": 617_224}),
        (["k", "k", "up"], {"cursor": 617_227}),
        (["j", "down"], {"cursor": 617_222}),
        (["k", "escape"], {"cursor": None, "frozen": False}),
        (["k", "c"], {"cursor": None, "frozen": False}),
        (["pageup"], {"frozen": True}),
        (["pageup", "escape"], {"frozen": False}),
        (["f", "k", "escape"], {"cursor": None, "frozen": True}),
    ],
)
async def test_each_key_asks_for_its_view(
    make_app: Any, port: Any, keys: list[str], told: dict[str, Any]
) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press(*keys)
        await settle(pilot)
        spec = spec_of(port)
        assert {name: getattr(spec, name) for name in told} == told


async def test_a_reset_is_asked_for_once(make_app: Any, port: Any) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        asked: list[bool] = []
        respec = port.respec

        def note(name: str, spec: LadderSpec) -> None:
            asked.append(spec.reset)
            respec(name, spec)

        port.respec = note
        await pilot.press("R")
        await settle(pilot)
        await pilot.press("w")
        await settle(pilot)
        assert asked == [True, False]


async def test_units_are_those_of_every_view(make_app: Any) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("v")
        board = pilot.app.board
        assert board.in_quote
        assert all(view.in_quote for view in board.views.values())


async def test_the_cursor_is_the_ladders_unless_a_list_has_the_keys(make_app: Any) -> None:
    async with make_app().run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        board = pilot.app.board
        board.watchlist.focus()
        await pilot.press("j")
        assert board.ladder.cursor is None
        board.chart.focus()
        await pilot.press("j")
        assert board.ladder.cursor == 617_223


async def test_another_symbol_is_followed_and_columns_stay(make_app: Any, port: Any) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("w", "k", "2")
        await settle(pilot)
        spec = spec_of(port)
        assert port.bound["ladder"][0] == "sim:ETHUSDT"
        assert (spec.flow, spec.cursor, spec.frozen) == (True, None, False)


async def test_the_marked_row_is_told_below_the_ladder(make_app: Any, port: Any) -> None:
    async with make_app().run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.press("k")
        await settle(pilot)
        frame = make_ladder("sim:BTCUSDT", spec_of(port), 617_224)
        marked = CursorRow(617_225, "ask", 3.5, 4, 3.5, 216_029.0, 1.0, 0.02)
        told: LadderFrame = msgspec.structs.replace(frame, cursor=marked)
        port.send({"ladder": PanelFrame(LIVE, told, True)})
        lines = await settle(pilot)
        at = pilot.app.board.ladder.region
        below = "\n".join(line[at.x : at.right] for line in lines[at.bottom - 2 : at.bottom])
        assert "▶61 722.5 ask 3.500 ×4" in below
        assert "+1.0 ticks" in below
        assert "HELD" in lines[at.y]
