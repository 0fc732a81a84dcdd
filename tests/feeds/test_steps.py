"""Rows as wide as the exchange's own steps, calm at the edge of a band."""

from mdterm.feeds.address import Instrument
from mdterm.feeds.alltick.codes import hong_kong_tick
from mdterm.feeds.events import Book
from mdterm.feeds.market import Market
from mdterm.feeds.steps import Steps

ADDRESS = "alltick:700.HK"


def book(*prices: float) -> Book:
    """Return a book of one bid and the rest asks."""
    bid, *asks = prices
    return Book(ADDRESS, None, 0, [bid], [1.0], asks, [1.0] * len(asks))


def test_the_step_is_the_one_of_the_lowest_price_in_sight() -> None:
    steps = Steps(hong_kong_tick)
    assert steps.step(None, None) is None
    assert steps.step(None, 380.2) == 0.2
    assert steps.step(book(199.9, 200.0, 200.2), None) == 0.1


def test_a_price_at_an_edge_changes_the_rows_once() -> None:
    steps = Steps(hong_kong_tick)
    found = [steps.step(None, price) for price in (200.4, 199.9, 200.2, 199.9, 203.0, 204.2, 203.8, 199.9)]
    assert found == [0.2, 0.1, 0.1, 0.1, 0.1, 0.2, 0.2, 0.1]


def test_prices_that_stand_between_the_steps_disprove_the_rule() -> None:
    steps = Steps(hong_kong_tick)
    assert steps.step(book(25.37, 25.39, 25.41), None) is None  # a fund: the table would say 0.02
    assert steps.step(book(25.36, 25.38, 25.41), None) == 0.02  # one odd price proves nothing
    assert Steps(lambda price: None).step(None, 5.0) is None


def test_a_market_takes_its_rows_from_the_rule_and_else_from_what_it_sees() -> None:
    instrument = Instrument(ADDRESS, "alltick", "alltick", "700.HK")
    market = Market(instrument, step_at=hong_kong_tick)
    market.apply([book(380.2, 380.4)])
    assert market.tick == 0.2
    market.apply([book(380.3, 380.5)])
    assert market.tick == 0.1
