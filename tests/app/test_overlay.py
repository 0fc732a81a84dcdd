"""What the lines to type in have in common: what closes them, what is typed, what is pasted."""

from collections.abc import Iterable
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.screen import Screen

from mdterm.app.dashboard import Dashboard
from mdterm.app.groupscreen import GroupScreen
from mdterm.app.jump import JumpScreen
from mdterm.app.keymap import DEFAULT_KEYMAP, textual_key
from mdterm.app.overlay import Prompt
from mdterm.app.roster import Roster
from mdterm.app.state import State

PROMPTS = ("alerts", "groups", "palette", "search")


@pytest.fixture
def app(port: Any, instruments: Any, clock: Any) -> Dashboard:
    return Dashboard(port, instruments, clock=clock)


def screen_of(app: Dashboard) -> Screen[Any]:
    """Return what is on top now; it is another one after every key."""
    return app.screen


async def opened(pilot: Pilot[int], command: str) -> Prompt[Any]:
    """Return the prompt that a command opens."""
    await pilot.press(textual_key(DEFAULT_KEYMAP.keys_of(command)[0]))
    await pilot.pause()
    screen = pilot.app.screen
    assert isinstance(screen, Prompt)
    return screen


@pytest.mark.parametrize("command", PROMPTS)
@pytest.mark.parametrize("closing", ["escape", None])
async def test_escape_closes_and_so_does_the_opening_key(
    app: Dashboard, command: str, closing: str | None
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, command)
        await pilot.press(closing or textual_key(DEFAULT_KEYMAP.keys_of(command)[0]))
        await pilot.pause()
        assert screen_of(app) is app.board


@pytest.mark.parametrize("command", PROMPTS)
async def test_a_key_that_is_a_character_is_typed_behind_others(app: Dashboard, command: str) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        prompt = await opened(pilot, command)
        await pilot.press("x", "y", "backspace")
        assert prompt.line.typed == "x"
        key = DEFAULT_KEYMAP.keys_of(command)[0]
        await pilot.press(textual_key(key))
        await pilot.pause()
        if len(key) == 1:
            assert prompt.line.typed == f"x{key}"
            assert screen_of(app) is prompt
        else:
            assert screen_of(app) is app.board


@pytest.mark.parametrize("command", PROMPTS)
async def test_what_is_pasted_is_typed_without_what_nobody_can_type(app: Dashboard, command: str) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        prompt = await opened(pilot, command)
        await pilot.press("x")
        app.post_message(events.Paste(" BTC\x1b[2JUSDT\r\n" + 200 * "9"))
        await pilot.pause()
        await pilot.pause()
        assert prompt.line.typed == ("xBTC[2JUSDT" + 200 * "9")[: prompt.line.LONGEST]


async def test_a_replay_goes_to_a_time_that_is_typed_in_words_that_are_one(app: Dashboard) -> None:
    found: list[int | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        screen = JumpScreen(DEFAULT_KEYMAP, 1_763_682_461_997_000_000)
        app.push_screen(screen, found.append)
        await pilot.press(*"noon", "enter")
        assert screen.times.problem
        await pilot.press(*["backspace"] * 4, *"23:00", "enter")
        await pilot.pause()
        assert screen_of(app) is app.board
    assert found == [1_763_679_600_000_000_000]


async def test_a_click_puts_a_symbol_into_a_group_and_takes_it_out(
    port: Any, instruments: Any, clock: Any, tmp_path: Any
) -> None:
    roster = Roster(State(tmp_path / "state.json"), {"alts": ["sim:SOLUSDT"], "majors": ["sim:BTCUSDT"]})
    app = Dashboard(port, instruments, clock=clock, roster=roster)
    async with app.run_test(size=(80, 24)) as pilot:
        prompt = await opened(pilot, "groups")
        assert isinstance(prompt, GroupScreen)
        _, y = prompt.line.region.offset
        for expected in (["sim:SOLUSDT", "sim:BTCUSDT"], ["sim:SOLUSDT"]):
            await pilot.click(offset=(10, y + 2))
            await pilot.pause()
            assert roster.members("alts") == expected
        await pilot.click(offset=(10, y + 4))
        await pilot.pause()
        assert screen_of(app) is prompt, "nothing stands there"
        assert roster.members("majors") == ["sim:BTCUSDT"]


async def typed_at_once(pilot: Pilot[int], keys: Iterable[str]) -> None:
    """Have keys come faster than the program looks at them."""
    for key in keys:
        pilot.app.post_message(events.Key(textual_key(key), key if len(key) == 1 else None))
    for _ in range(5):
        await pilot.pause()


@pytest.mark.parametrize("command", ["help", "log", "account-log", "away", *PROMPTS])
@pytest.mark.parametrize("times", range(1, 6))
async def test_opened_and_closed_at_once_as_often_as_one_likes(
    app: Dashboard, command: str, times: int
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await typed_at_once(pilot, times * [DEFAULT_KEYMAP.keys_of(command)[0]])
        assert len(app.screen_stack) == 1 + times % 2


async def test_a_line_gets_what_is_typed_behind_the_key_that_opens_it(app: Dashboard) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        theme, shown = app.theme, app.board.instrument.address
        await typed_at_once(pilot, "/t2")
        screen = screen_of(app)
        assert isinstance(screen, Prompt)
        assert screen.line.typed == "t2"
        assert (app.theme, app.board.instrument.address) == (theme, shown)


async def test_a_filter_gets_what_is_typed_behind_its_key(app: Dashboard) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        shown = app.board.instrument.address
        await typed_at_once(pilot, "Fet2")
        assert app.board.watchlist.words == "et2"
        assert app.board.instrument.address == shown


async def test_the_board_gets_what_is_typed_behind_the_key_that_closes(app: Dashboard) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        layout = app.board.layout_name
        await typed_at_once(pilot, "?L?2l")
        assert screen_of(app) is app.board
        assert app.board.instrument is app.board.instruments[1]
        assert app.board.layout_name != layout
