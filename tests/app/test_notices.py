"""What happened is kept in words, secrets struck out, and shown with the reasons of the present."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from mdterm.app.dashboard import Dashboard
from mdterm.app.logscreen import LogScreen
from mdterm.app.notices import KEPT, NoticeHandler, Notices
from mdterm.feeds.frames import LinkLine, PanelFrame
from mdterm.feeds.status import Shown

LIVE = Shown("LIVE", age=0.1)
LOST = Shown("RECONNECTING", age=2.0, attempt=1, detail="the server closed the connection")
REFUSED = Shown("REFUSED", detail="the key is not valid")


def link(shown: Shown, key: str = "kiyotaka/book") -> LinkLine:
    return LinkLine(key, "kiyotaka", shown, None, 0.0)


@pytest.fixture
def notices() -> Notices:
    return Notices(lambda: 0)


def test_each_change_of_a_connection_is_told_once(notices: Notices) -> None:
    told = []
    for shown in (Shown("CONNECTING"), LIVE, LIVE, LOST, LOST, LIVE, REFUSED):
        told += [(one.level, one.words) for one in notices.compare([link(shown)])]
    assert told == [
        ("warning", "kiyotaka/book RECONNECTING 2s (try 1): the server closed the connection"),
        ("info", "kiyotaka/book is live again"),
        ("error", "kiyotaka/book REFUSED: the key is not valid"),
    ]
    assert [one.words for one in notices.kept] == [words for _, words in told]


def test_it_is_bounded_and_made_safe(notices: Notices) -> None:
    for at in range(KEPT + 5):
        notices.add(f"{at} \x1b]0;x\x07 {'x' * 1000}")
    assert len(notices.kept) == KEPT
    assert notices.kept[-1].words.startswith(f"{KEPT + 4} ·]0;x·")
    assert max(len(one.words) for one in notices.kept) <= 400


def test_the_log_hands_on_its_warnings_with_secrets_struck_out(notices: Notices) -> None:
    log = logging.getLogger("mdterm.test_notices")
    handler = NoticeHandler(notices, lambda text: text.replace("s3cret", "•••"))
    log.addHandler(handler)
    try:
        log.info("nothing to see")
        log.warning("refused with %s", "s3cret")
        log.error("broken")
    finally:
        log.removeHandler(handler)
    assert [(one.level, one.words) for one in notices.kept] == [
        ("warning", "refused with •••"),
        ("error", "broken"),
    ]


@pytest.fixture
def make_app(port: Any, instruments: Any, clock: Any) -> Callable[..., Dashboard]:
    return lambda **options: Dashboard(port, instruments, clock=clock, **options)


async def settle(pilot: Pilot[int]) -> list[str]:
    for _ in range(3):
        await pilot.pause()
    return [strip.text.rstrip() for strip in pilot.app.screen._compositor.render_strips()]


async def test_the_reason_of_a_panel_is_one_key_away(make_app: Any, port: Any) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        port.send({"tape": PanelFrame(REFUSED, None)})
        await settle(pilot)
        await pilot.press("L")
        lines = await settle(pilot)
        assert "  now  TAPE REFUSED: the key is not valid" in lines


@pytest.mark.parametrize("key", ["escape", "L"])
async def test_the_log_is_closed_by_the_keys_that_open_it(make_app: Any, key: str) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("L")
        assert isinstance(pilot.app.screen, LogScreen)
        await pilot.press(key)
        await settle(pilot)
        assert pilot.app.screen is pilot.app.board


async def test_the_newest_stands_at_the_end_and_earlier_ones_are_scrolled_to(make_app: Any) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        for at in range(100):
            pilot.app.notices.add(f"notice {at}")
        await pilot.press("L")
        assert (await settle(pilot))[-1].endswith("notice 99")
        await pilot.press("k", "up", "pageup")
        assert not (await settle(pilot))[-1].endswith("notice 99")
        for _ in range(20):
            await pilot.press("pageup")
        assert any(line.endswith("notice 0") for line in await settle(pilot))
        for _ in range(30):
            await pilot.press("pagedown")
        assert (await settle(pilot))[-1].endswith("notice 99")


async def test_a_refused_connection_is_announced(make_app: Any, port: Any) -> None:
    async with make_app().run_test(size=(80, 24), notifications=True) as pilot:
        await settle(pilot)
        port.link = REFUSED
        port.push("ladder")
        lines = await settle(pilot)
        assert any("sim/nonbook REFUSED" in line for line in lines)
        assert [one.level for one in pilot.app.notices.kept] == ["error"]
