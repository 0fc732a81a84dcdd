"""What the ladder looks like: a picture a size, set of columns and theme, of a market that stands still."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from mdterm.feeds.account import Working
from mdterm.feeds.address import Instrument
from mdterm.feeds.events import Book, Order, Side, Trade
from mdterm.feeds.frames import PanelFrame
from mdterm.feeds.market import Market
from mdterm.feeds.status import Shown
from mdterm.feeds.view_ladder import ladder_view, settle
from mdterm.themes.palettes import THEMES
from mdterm.widgets.ladder import Ladder

SECOND = 1_000_000_000
BEGIN = 1_763_682_461 * SECOND
"""2025-11-20 23:47:41 UTC."""
TICK = 0.1
MID = 617_224
LIVE = Shown("LIVE", age=0.1)


def size_at(tick: int, seed: int) -> float:
    """Return a size that is the same every time and different at every price."""
    size = round(0.35 * (tick * seed % 29 + 1), 3)
    return size * 9 if tick % 17 == 3 else size


def book_at(second: int) -> Book:
    """Return a book of 30 levels a side, some of which changed since the second before."""
    bids = [MID - 1 - at for at in range(30) if at % 7 != 4]
    asks = [MID + 1 + at for at in range(30) if at % 6 != 5]
    return Book(
        "sim:X",
        BEGIN + second * SECOND,
        BEGIN + second * SECOND,
        [tick * TICK for tick in bids],
        [size_at(tick, 31 + second % 3 * (tick % 4 == 1)) for tick in bids],
        [tick * TICK for tick in asks],
        [size_at(tick, 13 + second % 4 * (tick % 5 == 2)) for tick in asks],
        None,
        "base",
        [1 + tick % 9 for tick in bids],
        [1 + tick % 7 for tick in asks],
    )


def make_market(seconds: int = 90) -> Market:
    """Return a market whose price went up and down by a few steps for so many seconds."""
    market = Market(Instrument("sim:X", "sim", "kiyotaka", "X", tick=TICK, simulated=True))
    for second in range(seconds):
        market.apply([book_at(second)])
        market.pulled_and_stacked()
        trades = []
        for at in range(6):
            is_buy = (second * 5 + at * 3) % 7 < 4
            tick = MID + (1 if is_buy else -1) * (1 + (second * at) % 8) + (second % 5 - 2)
            ts = BEGIN + second * SECOND + at * SECOND // 8
            side: Side = "buy" if is_buy else "sell"
            trades.append(Trade("sim:X", ts, ts, None, tick * TICK, size_at(tick + at, 7) / 4, side))
        market.apply(trades)
    market.apply([book_at(seconds)])
    return market


def working(side: Side, tick: int, size: str) -> Working:
    price, number = Decimal(tick) / 10, Decimal(size)
    order = Order("a:b", 0, 0, "1", side, "LIMIT", "open", str(price), size, "0", size, None, 0, 0, False)
    return Working(order, price, number, Decimal(0), number, None)


OWN = [working("sell", MID + 4, "0.5"), working("buy", MID - 3, "1.25"), working("buy", MID - 5, "0.0125")]


class Shell(App[None]):
    """One ladder and nothing else."""

    CSS = "Shell > Screen { background: $background; } Screen > * { width: 100%; height: 100%; }"

    def __init__(self, theme: str, prepare: Callable[[Ladder], None], seconds: int = 90) -> None:
        super().__init__()
        for one in THEMES:
            self.register_theme(one)
        self.theme = theme
        self.ladder = Ladder()
        self.market = make_market(seconds)
        prepare(self.ladder)

    def compose(self) -> ComposeResult:
        yield self.ladder

    def push(self) -> None:
        """Show what the ladder asks for, as the feed would."""
        frame = ladder_view(self.market, settle(self.market, self.ladder.spec()), OWN)
        self.ladder.show(PanelFrame(LIVE, frame, True), 0.0, BEGIN)


def showing(then: Callable[[Ladder], None] = lambda ladder: None) -> Callable[[Pilot[None]], Any]:
    """Return what shows the market, does something to the ladder, and shows what it asks for then."""

    async def show(pilot: Pilot[None]) -> None:
        await pilot.pause()
        assert isinstance(pilot.app, Shell)
        pilot.app.push()
        then(pilot.app.ladder)
        pilot.app.push()
        for _ in range(2):
            await pilot.pause()

    return show


def with_columns(name: str, **choices: Any) -> Callable[[Ladder], None]:
    def prepare(ladder: Ladder) -> None:
        ladder.columns = name
        for choice, value in choices.items():
            setattr(ladder, choice, value)

    return prepare


def size_id(size: object) -> str:
    return f"{size[0]}x{size[1]}" if isinstance(size, tuple) else str(size)


@pytest.mark.parametrize("size", [(28, 15), (45, 13), (42, 23), (60, 34)], ids=size_id)
def test_the_book_as_it_stands_on_the_board(snap_compare: Any, size: tuple[int, int]) -> None:
    assert snap_compare(Shell("dark", with_columns("book")), terminal_size=size, run_before=showing())


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=size_id)
def test_all_columns(snap_compare: Any, size: tuple[int, int]) -> None:
    assert snap_compare(Shell("dark", with_columns("all")), terminal_size=size, run_before=showing())


@pytest.mark.parametrize("name", ["flow", "changes", "depth", "profile"])
def test_sets(snap_compare: Any, name: str) -> None:
    assert snap_compare(Shell("dark", with_columns(name)), terminal_size=(60, 24), run_before=showing())


@pytest.mark.parametrize("theme", ["light", "blue-orange", "ansi16", "mono"])
def test_themes(snap_compare: Any, theme: str) -> None:
    def mark(ladder: Ladder) -> None:
        ladder.move_cursor(1)
        ladder.move_cursor(2)

    app = Shell(theme, with_columns("profile"))
    assert snap_compare(app, terminal_size=(90, 24), run_before=showing(mark))


def test_cursor_where_it_is_narrow(snap_compare: Any) -> None:
    def mark(ladder: Ladder) -> None:
        ladder.move_cursor(-1)
        ladder.move_cursor(-2)

    app = Shell("dark", with_columns("book"))
    assert snap_compare(app, terminal_size=(42, 23), run_before=showing(mark))


def test_scrolled_in_quote_and_grouped(snap_compare: Any) -> None:
    app = Shell("dark", with_columns("profile", in_quote=True, group=2, window=None))
    assert snap_compare(app, terminal_size=(90, 24), run_before=showing(lambda ladder: ladder.scroll_rows(4)))


def test_dynamic_while_the_window_fills(snap_compare: Any) -> None:
    app = Shell("dark", with_columns("flow", dynamic=True, window="8m"), seconds=40)
    assert snap_compare(app, terminal_size=(70, 20), run_before=showing())
