"""What the account looks like: one picture a size and theme, of an account that stands still."""

from typing import Any

import pytest

from mdterm.feeds.frames import AccountFrame, PanelFrame
from mdterm.feeds.status import Caution, Shown
from mdterm.widgets.account import Account
from mdterm.widgets.changes import Changes
from mdterm.widgets.panel import View
from tests.widgets.shell import Shell, showing
from tests.widgets.test_account import FRAME, WALL, make, order

LIVE = Shown("LIVE", age=0.1)
REFUSED = Shown(
    "REFUSED",
    detail="no API key: set providers.jayx.api_key or the environment variable MDTERM_JAYX_API_KEY",
)
RAW = Caution("raw", "nobody told what a tick and a lot of X are", is_raw=True)


def panel(
    frame: AccountFrame | None = FRAME, shown: Shown = LIVE, caution: Caution | None = None
) -> PanelFrame:
    return PanelFrame(shown, frame, simulated=True, caution=caution)


def size_id(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


@pytest.mark.parametrize("size", [(38, 12), (80, 24), (120, 40), (200, 60)], ids=size_id)
def test_account(snap_compare: Any, size: tuple[int, int]) -> None:
    assert snap_compare(Shell(Account(), "dark", panel(), WALL), terminal_size=size, run_before=showing())


@pytest.mark.parametrize("theme", ["light", "blue-orange", "ansi16", "mono"])
def test_themes(snap_compare: Any, theme: str) -> None:
    app = Shell(Account(), theme, panel(), WALL)
    assert snap_compare(app, terminal_size=(110, 18), run_before=showing())


@pytest.mark.parametrize("view", [Account, Changes], ids=["account", "log"])
def test_without_a_key(snap_compare: Any, view: type[View]) -> None:
    app = Shell(view(id="panel"), "dark", panel(None, REFUSED), WALL)
    assert snap_compare(app, terminal_size=(60, 10), run_before=showing())


def test_raw_and_more_than_fits(snap_compare: Any) -> None:
    orders = [
        order(id=str(at), size="1004817", remaining="1004817", ticks=None, bps=None) for at in range(30)
    ]
    shown = panel(make(orders=orders, open_orders=30), Shown("STALE", age=72.0), RAW)
    app = Shell(Account(), "dark", shown, WALL)
    assert snap_compare(app, terminal_size=(60, 14), run_before=showing())


@pytest.mark.parametrize("size", [(60, 10), (120, 24)], ids=size_id)
def test_log(snap_compare: Any, size: tuple[int, int]) -> None:
    app = Shell(Changes(), "dark", panel(), WALL)
    assert snap_compare(app, terminal_size=size, run_before=showing())
