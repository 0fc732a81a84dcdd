"""A terminal that stops reading delays no heartbeat and no count, and then shows the present at once."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import screen
from tests.program.dashboard import open_dashboard, wait_for_truth
from tests.program.market import Market
from tests.program.venue import Venue

STALL_S = float(os.environ.get("STALL_SECONDS", "6"))
RATE = 500
"""Messages a second."""
PONG_S = 2.0
SCREENFUL = 16_384
"""Bytes that a terminal of 80×24 may find waiting for it: about what one painting of all cells takes."""


@pytest.fixture
def venue() -> Iterator[Venue]:
    with Venue(block_sizes={"BTCUSDT": 0.1}, ping_every=1.0) as venue:
        yield venue


def send(venue: Venue, market: Market, seconds: float) -> None:
    """Send trades and books at the rate, as a market does: whether or not anybody keeps up."""
    began, sent = time.monotonic(), 0
    while (elapsed := time.monotonic() - began) < seconds:
        while sent < elapsed * RATE:
            venue.publish(market.book() if sent % 5 == 0 else market.trade(1))
            sent += 1
        time.sleep(0.005)


def test_a_stalled_terminal_costs_no_trade_and_shows_the_present_when_it_reads_again(
    tmp_path: Path, venue: Venue
) -> None:
    market = Market("BTCUSDT", 0.1, 61_800.0, seed=5)
    with open_dashboard(tmp_path, venue, [market]) as terminal:
        venue.publish(market.trade(5) + market.book())
        wait_for_truth(terminal, market)
        pongs = len(venue.pongs)
        terminal.stall()
        send(venue, market, STALL_S)
        pings_since = 2 * (STALL_S - PONG_S)  # two sockets, one ping a second each
        venue.wait_for(lambda: len(venue.pongs) - pongs >= pings_since)
        assert max(venue.pongs[pongs:]) < PONG_S
        assert venue.sockets_lost == []

        waiting, received = terminal.unread(), len(terminal.received)
        assert waiting <= SCREENFUL
        terminal.resume()
        resumed = time.monotonic()
        wait_for_truth(terminal, market, least_prints=8, within=2.0)
        # What a person sees is the present at once, not a film of what was missed.
        assert len(terminal.received) - received <= waiting + 3 * SCREENFUL
        assert time.monotonic() - resumed < 2.0
        assert screen.state(terminal.lines(), "TAPE").word == "LIVE"
        assert terminal.words() == ""


def test_sigterm_ends_a_stalled_program_and_gives_the_terminal_back(tmp_path: Path, venue: Venue) -> None:
    market = Market("BTCUSDT", 0.1, 61_800.0, seed=6)
    with open_dashboard(tmp_path, venue, [market]) as terminal:
        venue.publish(market.trade(5) + market.book())
        wait_for_truth(terminal, market)
        assert terminal.attributes() != terminal.attributes_before
        terminal.stall()
        send(venue, market, 1.5)
        asked = time.monotonic()
        terminal.signal(signal.SIGTERM)
        assert terminal.wait(within=10.0) == 143
        assert time.monotonic() - asked < 3.0
        assert terminal.attributes() == terminal.attributes_before
        terminal.resume()
        terminal.wait_for(lambda lines: terminal.is_left())
