"""What passed while nobody looked: shown to who comes back, and by its key."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from mdterm.app.absences import BEHIND_KEY_S
from mdterm.app.awayscreen import AwayScreen
from mdterm.app.dashboard import Dashboard, Rewound
from mdterm.feeds.frames_away import AwaySpec
from tests.app.test_takeaway import FakeSink


@pytest.fixture
def make_app(port: Any, instruments: Any, clock: Any) -> Callable[..., Dashboard]:
    return lambda **options: Dashboard(port, instruments, clock=clock, **options)


def wait(app: Dashboard, clock: Any, seconds: int) -> None:
    """Let time go by, a look a second."""
    for _ in range(seconds):
        clock.now += 1.0
        app.tick()


async def told(pilot: Pilot[int]) -> None:
    """Wait until what passed is shown."""
    async with asyncio.timeout(10):
        while not isinstance(pilot.app.screen, AwayScreen):
            await pilot.pause(0.01)


@pytest.mark.parametrize("closing", ["U", "escape", "space"])
async def test_the_key_shows_it_and_it_is_fed_while_it_is_open(
    make_app: Any, port: Any, closing: str
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        assert port.absences[:2] == ["returned", "left"]
        await pilot.press("U")
        await pilot.pause()
        assert isinstance(app.screen, AwayScreen)
        assert port.bound["away"] == ("sim:BTCUSDT", AwaySpec(5))
        text = app.screen.lines.text()
        assert "WHAT PASSED 15:28:41–23:47:39 8h18m" in text
        await pilot.press("tab")
        await pilot.pause()
        assert port.bound["away"][1].is_running
        assert "since 23:47:29 12s" in app.screen.lines.text()
        for key in ("end", "j", "pagedown", "k", "home"):
            await pilot.press(key)
        await pilot.press(closing)
        await pilot.pause()
        assert app.screen is app.board
        assert "away" not in port.bound


async def test_any_other_key_closes_it_and_does_what_it_does(make_app: Any) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("U")
        await pilot.pause()
        await pilot.press("]")
        await pilot.pause()
        assert app.screen is app.board
        assert app.board.instrument.symbol == "ETHUSDT"


async def test_who_comes_back_is_told(make_app: Any, port: Any, clock: Any) -> None:
    app = make_app(away_after_s=60.0)
    async with app.run_test(size=(80, 24)) as pilot:
        app.outlet.open(FakeSink())
        wait(app, clock, 5)
        app.app_focus = False
        await pilot.pause()
        assert port.absences[2:] == ["left"]
        wait(app, clock, 61)
        app.app_focus = True
        await told(pilot)
        assert port.absences[2:] == ["left", "returned"]


async def test_the_key_of_who_comes_back_is_obeyed_first(make_app: Any, port: Any, clock: Any) -> None:
    app = make_app(away_after_s=60.0)
    async with app.run_test(size=(80, 24)) as pilot:
        app.outlet.open(FakeSink())
        app.app_focus = False
        await pilot.pause()
        wait(app, clock, 61)
        await pilot.press("]")
        assert app.board.instrument.symbol == "ETHUSDT"
        await told(pilot)
        assert port.absences.count("returned") == 2


@pytest.mark.parametrize(
    ("absent_s", "after_s", "is_told"),
    [(3600.0, 60.0, True), (20.0, 10.0, False), (3600.0, float("inf"), False)],
)
async def test_who_attaches_to_a_feed_that_ran_alone_is_told(
    make_app: Any, port: Any, absent_s: float, after_s: float, is_told: bool
) -> None:
    app = make_app(away_after_s=after_s)
    app.absent_s = absent_s
    async with app.run_test(size=(80, 24)) as pilot:
        if is_told:
            await told(pilot)
        await pilot.pause(BEHIND_KEY_S + 0.05)
        assert isinstance(app.screen, AwayScreen) is is_told


@pytest.mark.parametrize("knows_focus", [False, True])
async def test_after_long_without_a_key_it_is_offered_where_nothing_tells_of_the_focus(
    make_app: Any, port: Any, clock: Any, knows_focus: bool
) -> None:
    app = make_app(away_after_s=60.0)
    async with app.run_test(size=(80, 24)) as pilot:
        if knows_focus:
            app.post_message(events.AppFocus())
            await pilot.pause()
        wait(app, clock, 3720)
        await pilot.press("]")
        await pilot.pause()
        assert app.screen is app.board
        assert port.absences[2:] == ["returned"]
        offered = [one.words for one in app.notices.kept]
        assert offered == ([] if knows_focus else ["U tells what passed in the 1h02m since the last key"])


async def test_a_short_absence_is_not_told(make_app: Any, port: Any, clock: Any) -> None:
    app = make_app(away_after_s=60.0)
    async with app.run_test(size=(80, 24)) as pilot:
        app.outlet.open(FakeSink())
        app.app_focus = False
        await pilot.pause()
        wait(app, clock, 50)
        app.app_focus = True
        await pilot.pause()
        assert "returned" not in port.absences[2:]


async def test_a_program_that_was_stopped_tells_it_when_it_goes_on(make_app: Any, clock: Any) -> None:
    app = make_app(away_after_s=60.0)
    async with app.run_test(size=(80, 24)) as pilot:
        clock.now += 3600.0
        wait(app, clock, 4)
        await told(pilot)
        await pilot.press("tab")
        app.action_away()
        assert sum(isinstance(one, AwayScreen) for one in app.screen_stack) == 1
        assert app.screen.lines.shows_running is False


async def test_a_terminal_that_took_nothing_is_told_when_it_takes_again(make_app: Any, clock: Any) -> None:
    app = make_app(away_after_s=60.0)
    async with app.run_test(size=(80, 24)) as pilot:
        for behind in range(5, 100):
            clock.now += 1.0
            app.attend_terminal(float(behind))
        assert app.screen is app.board
        app.attend_terminal(None)
        await told(pilot)


async def test_back_from_the_past_what_passed_is_told(make_app: Any, clock: Any) -> None:
    app = make_app(away_after_s=60.0)
    async with app.run_test(size=(80, 24)) as pilot:
        app.post_message(Rewound(clock))
        await pilot.pause()
        await pilot.press("U")
        await pilot.pause()
        assert app.screen is app.board
        assert "leads back" in app.notices.kept[-1].words
        wait(app, clock, 61)
        app.post_message(Rewound())
        await told(pilot)


@pytest.mark.parametrize(("absent_s", "is_told"), [(None, False), (20.0, False), (61.0, True)])
async def test_who_attaches_to_a_feed_that_nobody_looked_at_is_told(
    make_app: Any, absent_s: float | None, is_told: bool
) -> None:
    app = make_app()
    app.absent_s = absent_s
    async with app.run_test(size=(80, 24)) as pilot:
        if is_told:
            await told(pilot)
        await pilot.pause(2 * BEHIND_KEY_S)
        assert isinstance(app.screen, AwayScreen) == is_told
