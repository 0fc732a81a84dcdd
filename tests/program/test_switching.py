"""Switching costs the provider nothing that it limits: a key that is held sends no more than its budget."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mdterm.feeds.kiyotaka.facts import MESSAGES_PER_MINUTE
from tests.program import screen
from tests.program.dashboard import open_dashboard, wait_for_truth
from tests.program.market import Market
from tests.program.test_screen import moving
from tests.program.venue import Venue

HELD_S = 10.0
A_REPEAT_S = 1 / 30
"""What keyboards repeat a held key in."""


@pytest.fixture
def markets() -> list[Market]:
    """Return more instruments than books stay subscribed for."""
    return [Market(f"COIN{at}USDT", 0.1, 100.0 * (at + 1), seed=5) for at in range(14)]


@pytest.fixture
def venue(markets: list[Market]) -> Iterator[Venue]:
    with Venue(block_sizes={market.symbol: market.block for market in markets}) as venue:
        yield venue


def test_a_held_key_sends_no_more_than_the_budget_and_ends_at_the_truth(
    tmp_path: Path, venue: Venue, markets: list[Market]
) -> None:
    first = markets[:1]
    with open_dashboard(tmp_path, venue, first, watch=markets) as terminal:
        # The first look at an instrument is taken; what follows is what switching costs.
        before = len(venue.requests)
        with moving(venue, markets):
            pause = threading.Event()
            for _ in range(round(HELD_S / A_REPEAT_S)):
                terminal.press("]")
                pause.wait(A_REPEAT_S)
        sent = venue.requests[before:]
        assert len(sent) <= MESSAGES_PER_MINUTE, sent
        shown, _ = screen.header(terminal.lines())
        assert shown in {market.symbol for market in markets}
        terminal.press("1")
        venue.wait_subscribed(("BLOCK_BOOK_SNAPSHOT", markets[0].symbol))
        venue.publish(markets[0].trade(3) + markets[0].book())
        wait_for_truth(terminal, markets[0])
        assert terminal.words() == ""


def test_symbols_of_the_watchlist_are_warm(tmp_path: Path, venue: Venue, markets: list[Market]) -> None:
    few = markets[:5]
    with open_dashboard(tmp_path, venue, few) as terminal:
        for market in few:
            venue.publish(market.trade(5) + market.book())
        for number in range(len(few)):
            terminal.press(str(number + 1))
            wait_for_truth(terminal, few[number])
        asked = len(venue.requests)
        # Nothing more is sent by the venue: all that is shown now was there before it was asked for.
        for number in (1, 2, 4, 0, 3):
            terminal.press(str(number + 1))
            wait_for_truth(terminal, few[number])
        assert len(venue.requests) == asked
        assert terminal.words() == ""
