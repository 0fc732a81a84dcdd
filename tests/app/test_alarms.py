"""Alerts on the screen: set, fired, armed again, removed, and heard where somebody sits."""

from typing import Any

import pytest

from mdterm.app.alertscreen import AlertScreen
from mdterm.app.dashboard import Dashboard
from mdterm.app.signals import signal_sequence
from mdterm.feeds.alerts import Alarm, Rule
from tests.app.test_takeaway import FakeSink

WALL = 1_723_160_861_997_000_000


@pytest.fixture
def app(port: Any, instruments: Any, clock: Any, monkeypatch: pytest.MonkeyPatch) -> Dashboard:
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.delenv("STY", raising=False)
    return Dashboard(port, instruments, clock=clock)


def text_of(app: Dashboard) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def test_one_is_written_fires_and_is_armed_again(app: Dashboard, port: Any) -> None:
    address = app.board.instrument.address
    rule = Rule(address, "cross", 64000)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a", *"cross 64000", "enter")
        assert port.rules == (rule,)
        assert "cross 64000" in text_of(app)
        assert "armed" in text_of(app)
        port.raised(Alarm(rule, WALL, f"{address} crossed 64000 upward: 64000.1"))
        await pilot.pause()
        await pilot.press("escape", "a")
        assert "fired 23:47:41" in text_of(app)
        await pilot.press("enter")
        assert "armed" in text_of(app)
        await pilot.press("delete")
        assert port.rules == ()
        assert "no alerts yet" in text_of(app)
        await pilot.press("a")
        assert not isinstance(app.screen, AlertScreen)
    assert any(f"{address} crossed 64000" in one.words for one in app.notices.kept)


async def test_what_is_no_alert_is_told_and_nothing_is_lost(app: Dashboard, port: Any) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("a", *"cross ", "enter")
        assert "write for example" in text_of(app)
        assert "cross" in text_of(app)
        assert port.rules == ()
        await pilot.press(*"1 again", "enter")
        assert port.rules == (Rule(app.board.instrument.address, "cross", 1, repeats=True),)


async def test_an_alarm_rings_and_notifies_through_the_terminal(app: Dashboard, port: Any) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        sink = FakeSink()
        app.outlet.open(sink)
        app.credit.answered()
        port.raised(Alarm(Rule("sim:X", "big", 1), WALL, "sim:X 3 bought; at \x1b[31m1"))
        await pilot.pause()
    assert sink.written.count("\x07") == 1
    assert "\x1b]9;sim:X 3 bought, at" in sink.written
    assert "\x1b]777;notify;mdterm;sim:X 3 bought, at" in sink.written
    assert "\x1b[31m" not in sink.written


async def test_a_terminal_that_is_behind_gets_the_newest_few(app: Dashboard, port: Any) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        sink = FakeSink()
        sink.is_drained = lambda: False  # type: ignore[method-assign]
        app.outlet.open(sink)
        for at in range(100):
            port.raised(Alarm(Rule("sim:X", "big", 1, repeats=True), WALL, f"sim:X {at} bought"))
        await pilot.pause()
        assert "bought" not in sink.written
        sink.is_drained = lambda: True  # type: ignore[method-assign]
        app.credit.answered()
        app.outlet.release()
    assert "sim:X 99 bought" in sink.written
    assert sink.written.count("\x07") <= 8
    assert sum("bought" in one.words for one in app.notices.kept) == 100


def test_only_what_is_wanted_is_sent() -> None:
    assert signal_sequence("x", ("bell",), {}) == "\x07"
    assert signal_sequence("x", (), {}) == ""
    assert signal_sequence("x", ("osc9",), {"TMUX": "1"}).endswith("\x1bPtmux;\x1b\x1b]9;x\x1b\x1b\\\x1b\\")
