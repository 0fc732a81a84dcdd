"""What the account looks like: one picture a size and theme, of a market that stands still."""

from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from mdterm.feeds.frames import AccountFrame, BalanceRow, ChangeRow, Frame, OrderRow, PanelFrame
from mdterm.feeds.status import Shown
from mdterm.themes.palettes import THEMES
from mdterm.widgets.account import Account
from mdterm.widgets.panel import Panel

WALL = 1_763_682_461_997_000_000
"""2025-11-20 23:47:41.997 UTC."""
SECOND = 1_000_000_000
LIVE = Shown("LIVE", age=0.1)


class Shell(App[None]):
    """One panel and nothing else."""

    CSS = "Shell > Screen { background: $background; } Screen > * { width: 100%; height: 100%; }"

    def __init__(self, panel: Panel, theme: str, told: PanelFrame) -> None:
        super().__init__()
        for one in THEMES:
            self.register_theme(one)
        self.theme = theme
        self.panel = panel
        self.told = told

    def compose(self) -> ComposeResult:
        yield self.panel


async def settle(pilot: Pilot[None]) -> None:
    await pilot.pause()
    assert isinstance(pilot.app, Shell)
    pilot.app.panel.show(pilot.app.told, 0.0, WALL)
    for _ in range(2):
        await pilot.pause()


def order(symbol: str, side: Any, state: str, price: str, size: str, filled: float, **more: Any) -> OrderRow:
    return OrderRow(
        address=f"jayx:{symbol}",
        symbol=symbol,
        id="19471623",
        side=side,
        type="LIMIT",
        state=state,
        price=price,
        size=size,
        remaining=None,
        filled=filled,
        average=None,
        ticks=more.get("ticks"),
        bps=more.get("bps"),
        created=more.get("created", WALL - 3600 * SECOND),
    )


ACCOUNT = AccountFrame(
    provider="jayx",
    quote="USDT",
    balances=[
        BalanceRow("ETH", "12.5", "11.25", "1.25", 33_520.25, 0.7703),
        BalanceRow("USDT", "9932.44065", "8932.44065", "1000", 9932.44065, 0.2283),
        BalanceRow("BTC", "0.000998", "0.000998", "0", 61.60, 0.0014),
        BalanceRow("SHIB", "123456789.12", "123456789.12", "0", None, None),
    ],
    value=43_514.29,
    unpriced=["SHIB"],
    orders=[
        order("BTCUSDT", "buy", "open", "61000.00", "1.0000", 0.0, ticks=-72_240, bps=117.0),
        order("BTCUSDT", "sell", "partly filled", "61730.55", "0.025", 0.4, ticks=8, bps=1.3),
        order("ETHUSDT", "buy", "pending", "2500", "2", 0.0, bps=677.0, created=WALL - 200_000 * SECOND),
    ],
    open_orders=3,
    log=[
        ChangeRow(WALL - SECOND, "filled", "BTCUSDT sell 19471623", "filled", "0.005", "0.01"),
        ChangeRow(WALL - SECOND, "balance", "BTC", "total", "0.001998", "0.000998"),
        ChangeRow(WALL - 2 * SECOND, "balance", "USDT", "available", "9932.44065", "8932.44065"),
        ChangeRow(WALL - 60 * SECOND, "placed", "BTCUSDT buy 19471620", "size", None, "1.0000"),
        ChangeRow(WALL - 61 * SECOND, "left", "ETHUSDT sell 9", "state", "open", "cancelled"),
        ChangeRow(WALL - 62 * SECOND, "changed", "ETHUSDT sell 9", "price", "2700.5", "2700.75"),
    ],
)


def picture(panel: Panel, theme: str, frame: Frame | None, shown: Shown = LIVE) -> Shell:
    return Shell(panel, theme, PanelFrame(shown, frame, simulated=True))


@pytest.mark.parametrize(("width", "height"), [(38, 8), (38, 18), (60, 14), (100, 20)])
def test_account(snap_compare: Any, width: int, height: int) -> None:
    app = picture(Account(), "dark", ACCOUNT)
    assert snap_compare(app, terminal_size=(width, height), run_before=settle)


@pytest.mark.parametrize("theme", ["light", "mono"])
def test_account_in_other_themes(snap_compare: Any, theme: str) -> None:
    assert snap_compare(picture(Account(), theme, ACCOUNT), terminal_size=(80, 18), run_before=settle)


def test_account_without_a_key(snap_compare: Any) -> None:
    refused = Shown(
        "REFUSED",
        detail="no API key: set providers.jayx.api_key or the environment variable MDTERM_JAYX_API_KEY",
    )
    app = picture(Account(), "dark", None, refused)
    assert snap_compare(app, terminal_size=(38, 8), run_before=settle)


def test_account_that_was_refused_later(snap_compare: Any) -> None:
    app = picture(Account(), "dark", ACCOUNT, Shown("REFUSED", detail="the server refused: key revoked"))
    assert snap_compare(app, terminal_size=(60, 14), run_before=settle)
