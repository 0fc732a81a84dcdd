"""What goes over the link: nothing that is not needed, and enough even if the terminal never answers."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import screen
from tests.program.dashboard import open_dashboard, wait_for_truth
from tests.program.market import Market
from tests.program.venue import Venue

STILL_S = 3.0
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
