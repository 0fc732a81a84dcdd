"""What the lines to type in have in common: what closes them, what is typed, what is pasted."""

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
