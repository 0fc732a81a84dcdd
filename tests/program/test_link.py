"""What goes over the link: nothing that is not needed, and enough even if the terminal never answers."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import screen
from tests.program.dashboard import open_dashboard, wait_for_truth
from tests.program.market import Market
from tests.program.venue import Venue

STILL_S = 3.0
THIN_S = 6.0
THIN_BYTES_S = 5_000
STILL_BYTES_S = 400
"""A clock, an age in each of two titles, the rates in the last line, and the questions that pace it all."""


@pytest.fixture
def venue() -> Iterator[Venue]:
    with Venue(block_sizes={"BTCUSDT": 0.1}) as venue:
        yield venue


def test_a_terminal_that_never_answers_still_moves(tmp_path: Path, venue: Venue) -> None:
    market = Market("BTCUSDT", 0.1, 61_800.0, seed=8)
    with open_dashboard(tmp_path, venue, [market], answers=False) as terminal:
        for _ in range(5):
            venue.publish(market.trade(20) + market.book())
            wait_for_truth(terminal, market)
        assert terminal.positions_asked > 0
        assert terminal.words() == ""


def test_a_still_market_writes_clock_and_ages_alone(tmp_path: Path, venue: Venue) -> None:
    market = Market("BTCUSDT", 0.1, 61_800.0, seed=9)
    with open_dashboard(tmp_path, venue, [market]) as terminal:
        venue.publish(market.trade(20) + market.book())
        wait_for_truth(terminal, market, least_prints=8)
        # Until the pace has run down to nothing, there is news to write.
        terminal.wait_for(lambda lines: " 0/s " in screen.title(lines, "TAPE"))
        before, began = len(terminal.received), time.monotonic()
        shown = terminal.lines()
        body = screen.ladder(shown), screen.tape(shown)
        terminal.wait_for(lambda lines: time.monotonic() - began >= STILL_S)
        written = len(terminal.received) - before
        assert 0 < written / (time.monotonic() - began) <= STILL_BYTES_S
        shown = terminal.lines()
        assert (screen.ladder(shown), screen.tape(shown)) == body


@pytest.mark.parametrize("keys", ["", "l"], ids=["ladder", "tape"])
def test_a_slow_link_gets_less_than_5_kb_a_second_of_the_busiest_market(
    tmp_path: Path, venue: Venue, keys: str
) -> None:
    market = Market("BTCUSDT", 0.1, 61_800.0, seed=10)
    over = threading.Event()

    def trade() -> None:
        while not over.wait(0.05):
            venue.publish(market.trade(40) + market.book())

    with open_dashboard(
        tmp_path, venue, [market], columns=120, lines=40, options=["--slow-link"]
    ) as terminal:
        busy = threading.Thread(target=trade)
        busy.start()
        try:
            terminal.press(keys)
            terminal.wait_for(lambda lines: "slow link" in lines[-1] and screen.trade_count(lines))
            began, before = time.monotonic(), len(terminal.received)
            terminal.wait_for(lambda lines: time.monotonic() - began >= THIN_S, THIN_S + 10)
            written = len(terminal.received) - before
            elapsed = time.monotonic() - began
        finally:
            over.set()
            busy.join()
        assert THIN_BYTES_S / 10 < written / elapsed < THIN_BYTES_S
        terminal.wait_for(lambda lines: screen.trade_count(lines) == len(market.trades))
