"""The screen tells the truth: what a terminal shows equals what the venue sent."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.program import screen
from tests.program.dashboard import open_dashboard, wait_for_truth
from tests.program.launch import WITHIN_S
from tests.program.market import Market, tape_faults
from tests.program.terminal import Terminal
from tests.program.venue import Venue

MARKETS = (("BTCUSDT", 0.1, 61_800.0), ("ETHUSDT", 0.01, 2_677.9), ("DOGEUSDT", 0.00001, 0.1031))
SIZES = [(80, 24, 8), (120, 40, 16)]
"""Columns, lines, and the prints that must have room."""
A_FRAME = 60
"""Trades that the moving market below makes between two frames, at most, on a busy machine."""


@pytest.fixture
def markets() -> list[Market]:
    return [Market(*each, seed=7) for each in MARKETS]


@pytest.fixture
def venue(markets: list[Market]) -> Iterator[Venue]:
    with Venue(block_sizes={market.symbol: market.block for market in markets}) as venue:
        yield venue


@pytest.mark.parametrize(("columns", "lines", "prints"), SIZES)
def test_levels_last_price_prints_and_count_are_those_sent(
    tmp_path: Path, venue: Venue, markets: list[Market], columns: int, lines: int, prints: int
) -> None:
    with open_dashboard(tmp_path, venue, markets, columns=columns, lines=lines) as terminal:
        for amount in (1, 3, 200):
            for market in markets:
                venue.publish(market.trade(amount) + market.book())
            for number, market in enumerate(markets, 1):
                terminal.press(str(number))
                wait_for_truth(terminal, market, least_prints=prints if amount == 200 else 1)
        assert terminal.words() == ""


@contextmanager
def moving(venue: Venue, markets: list[Market]) -> Iterator[None]:
    """Let the markets move meanwhile."""
    stopped = threading.Event()

    def move() -> None:
        while not stopped.wait(0.02):
            for market in markets:
                venue.publish(market.trade(2) + market.book())

    mover = threading.Thread(target=move)
    mover.start()
    try:
        yield
    finally:
        stopped.set()
        mover.join()


@pytest.mark.parametrize(("columns", "lines", "prints"), SIZES)
def test_every_picture_of_a_moving_market_is_true(
    tmp_path: Path, venue: Venue, markets: list[Market], columns: int, lines: int, prints: int
) -> None:
    market = markets[0]
    with open_dashboard(tmp_path, venue, markets, columns=columns, lines=lines) as terminal:
        pictures: dict[int, list[str]] = {}

        def watch(lines: list[str]) -> bool:
            count = screen.trade_count(lines)
            if count is not None and screen.tape(lines):
                assert count >= max(pictures, default=0)
                # The count, the prints and the last price are of one moment, or of two neighbouring ones.
                moments = sorted(range(count - A_FRAME, count + A_FRAME), key=lambda n: abs(n - count))
                sent = [market.trades[:n] for n in moments if 0 < n <= len(market.trades)]
                assert any(not tape_faults(lines, trades) for trades in sent)
                assert any(screen.header(lines) == (market.symbol, trades[-1].price) for trades in sent)
                pictures[count] = list(lines)
            return len(pictures) >= 20

        with moving(venue, markets[:1]):
            terminal.wait_for(watch)
        wait_for_truth(terminal, market, least_prints=prints)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_truth_survives_any_keys_and_sizes(
    tmp_path: Path, venue: Venue, markets: list[Market], seed: int
) -> None:
    dice = random.Random(seed)
    keys = [*"123[]`-+=cfkjmt 123", "\t", "\x0c", "\x1b[A", "\x1b[B", "\x1b[<64;10;10M", "\x1b[<65;10;10M"]
    with open_dashboard(tmp_path, venue, markets) as terminal:
        with moving(venue, markets):
            for _ in range(60):
                if dice.random() < 0.2:
                    terminal.resize(dice.randint(60, 170), dice.randint(20, 50))
                elif dice.random() < 0.1:
                    look_at_help(terminal)
                else:
                    terminal.press("".join(dice.choices(keys, k=dice.randint(1, 4))))
                # A frame between two doings, so that they do not all fall into one.
                terminal.wait_for_frame()
        terminal.resize(100, 30)
        for number, market in enumerate(markets, 1):
            terminal.press(str(number))
            calm(terminal)
            wait_for_truth(terminal, market, least_prints=8)
        assert terminal.words() == ""


@pytest.mark.parametrize(("opening", "closing"), [("?", "?"), (":", "\x1b"), (":", ":")])
def test_what_opens_and_closes_at_any_moment_stops_nothing(
    tmp_path: Path, venue: Venue, markets: list[Market], opening: str, closing: str
) -> None:
    market = markets[0]
    with open_dashboard(tmp_path, venue, markets[:1]) as terminal:
        with moving(venue, markets[:1]):
            for _ in range(40):
                terminal.press_and_see(opening)
                terminal.press_and_see(closing)
        terminal.press("\x1b")
        wait_for_truth(terminal, market)
        assert terminal.words() == ""


def test_a_key_right_behind_escape_is_obeyed_too(tmp_path: Path, venue: Venue, markets: list[Market]) -> None:
    with open_dashboard(tmp_path, venue, markets) as terminal:
        for number in ("2", "3", "1"):
            terminal.press("L")
            terminal.wait_for(lambda lines: any("─ LOG " in line for line in lines))
            terminal.press(f"\x1b{number}")
            symbol = markets[int(number) - 1].symbol

            def is_there(lines: list[str], symbol: str = symbol) -> bool:
                return lines[0].startswith(f" {symbol}") and not any("─ LOG " in line for line in lines)

            terminal.wait_for(is_there)
        assert terminal.words() == ""


def look_at_help(terminal: Terminal, within: float = WITHIN_S) -> None:
    """Open the help and close it: every key pressed before has been obeyed then."""
    terminal.press("?")
    terminal.wait_for(lambda lines: any("─ KEYS " in line for line in lines), within)
    terminal.press("?")
    terminal.wait_for(lambda lines: not any("─ KEYS " in line for line in lines), within)


def calm(terminal: Terminal) -> None:
    """Let everything go that was held, enlarged or grouped, as a person does who looks at the titles."""
    terminal.press("c" + 13 * "-")
    look_at_help(terminal)
    lines = terminal.lines()
    if not (screen.has_panel(lines, "LADDER") and screen.has_panel(lines, "TAPE")):
        terminal.press("m")
        terminal.wait_for(lambda lines: screen.has_panel(lines, "LADDER") and screen.has_panel(lines, "TAPE"))
    if "PAUSED" in screen.title(terminal.lines(), "TAPE"):
        terminal.press(" ")
