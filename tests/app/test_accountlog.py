"""The account log over the board: opened and closed by its key, fed only while it is open."""

from collections.abc import Callable
from typing import Any

import pytest

from mdterm.app.accountlog import AccountLogScreen
from mdterm.app.dashboard import Dashboard
from mdterm.feeds.specs import AccountSpec


@pytest.fixture
def make_app(port: Any, instruments: Any, clock: Any) -> Callable[..., Dashboard]:
    return lambda **options: Dashboard(port, instruments, clock=clock, **options)


@pytest.mark.parametrize("closing", ["K", "escape"])
async def test_it_is_fed_while_it_is_open(make_app: Any, port: Any, closing: str) -> None:
    app = make_app(accounts={"sim"})
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "account-log" not in port.bound
        await pilot.press("K")
        await pilot.pause()
        assert isinstance(app.screen, AccountLogScreen)
        address, spec = port.bound["account-log"]
        assert (address, type(spec)) == ("sim:BTCUSDT", AccountSpec)
        text = app.screen.changes.text()
        assert "ACCOUNT LOG sim-account" in text
        assert "▼S BTCUSDT filled     0.005 → 0.01" in text
        for key in ("j", "pagedown", "end", "home", "k", "x"):
            await pilot.press(key)
        await pilot.press(closing)
        await pilot.pause()
        assert app.screen is app.board
        assert "account-log" not in port.bound


async def test_frames_go_on_being_acknowledged_while_it_is_open(make_app: Any, port: Any) -> None:
    async with make_app(accounts={"sim"}).run_test(size=(80, 24)) as pilot:
        await pilot.press("K")
        await pilot.pause()
        number = port.push("account-log", "tape", shift=1)
        await pilot.pause()
        await pilot.pause()
        assert port.acked[-1] == number


async def test_the_account_stays_beside_symbols_of_other_providers(
    make_app: Any, instruments: Any, port: Any
) -> None:
    instruments.append(type(instruments[0])("other:X", "other", "kiyotaka", "X"))
    async with make_app(accounts={"sim"}).run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert pilot.app.board.account.display
        await pilot.press("5")
        await pilot.pause()
        assert pilot.app.board.account.display
        assert port.bound["account"][0] == "other:X"
        for _ in range(4):
            await pilot.press("1", "delete")
        await pilot.pause()
        assert not pilot.app.board.account.display
