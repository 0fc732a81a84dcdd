"""Everything by the mouse: hints, help, palette, search, titles, and what closes an overlay."""

from typing import Any

import pytest
from textual.events import MouseScrollDown
from textual.pilot import Pilot
from textual.screen import Screen

from mdterm.app.dashboard import Dashboard
from mdterm.app.help import HelpScreen
from mdterm.app.palette import PaletteScreen
from tests.workers import finished


@pytest.fixture
def app(port: Any, instruments: Any, clock: Any) -> Dashboard:
    return Dashboard(port, instruments, clock=clock)


async def place(pilot: Pilot[int], words: str) -> tuple[int, int]:
    """Return where words stand on the screen."""
    await pilot.pause()
    await pilot.pause()
    for y, strip in enumerate(pilot.app.screen._compositor.render_strips()):
        if words in strip.text:
            return strip.text.index(words), y
    raise LookupError(words)


async def click(pilot: Pilot[int], words: str, times: int = 1) -> None:
    await pilot.click(offset=await place(pilot, words), times=times)
    for _ in range(3):  # the click, the key that it stands for, and what that does
        await pilot.pause()
    await finished(pilot.app)
    await pilot.pause()


def screen_of(app: Dashboard) -> Screen[Any]:
    """Return what is on top now; it is another one after every key."""
    return app.screen


async def test_a_hint_is_its_key(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await click(pilot, "layout")
        assert app.board.layout_name == "tape"
        await click(pilot, "1-9")
        assert app.board.at == 1
        await click(pilot, "? help")
        assert isinstance(app.screen, HelpScreen)


async def test_figures_are_no_keys(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await click(pilot, "trades")
        assert app.screen is app.board
        assert app.board.layout_name == "trader"


async def test_a_line_of_the_help_does_what_it_says(app: Dashboard) -> None:
    theme = app.theme
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("question_mark", *["down"] * 40)
        await click(pilot, "tell times in UTC")
        assert screen_of(app) is app.board
        assert app.board.zone.name != "utc"
        await pilot.press("question_mark")
        await click(pilot, "show a symbol of the watchlist")
        assert isinstance(app.screen, HelpScreen)  # which digit, is not to be known
        assert app.theme == theme


async def test_a_row_of_the_palette_is_run_and_the_wheel_moves_in_it(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("colon", *"layout")
        await click(pilot, "show the next layout")
        assert screen_of(app) is app.board
        assert app.board.layout_name == "tape"
        await pilot.press("colon")
        palette = app.screen
        assert isinstance(palette, PaletteScreen)
        await pilot._post_mouse_events([MouseScrollDown], offset=(60, 20))
        assert palette.found.at == 1


async def test_a_found_symbol_is_shown_by_a_click(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("slash")
        await click(pilot, "sim:DOGEUSDT")
        assert app.screen is app.board
        assert app.board.instrument.symbol == "DOGEUSDT"


@pytest.mark.parametrize("key", ["question_mark", "colon", "slash", "L", "a"])
async def test_a_click_beside_an_overlay_or_on_its_title_closes_it(app: Dashboard, key: str) -> None:
    async with app.run_test(size=(200, 60)) as pilot:
        await pilot.press(key)
        assert app.screen is not app.board
        await pilot.click(offset=(2, 2))
        await pilot.pause()
        assert app.screen is app.board
        await pilot.press(key)
        await click(pilot, "ALERTS" if key == "a" else "closes")
        assert app.screen is app.board


async def test_two_clicks_on_a_title_give_the_panel_the_room_of_all(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await click(pilot, "TAPE", times=2)
        assert app.board.has_class("-maximised")
        assert app.board.focused is app.board.tape
        await click(pilot, "TAPE", times=2)
        assert not app.board.has_class("-maximised")
