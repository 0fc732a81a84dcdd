"""What a provider knows of its instruments reaches their markets and their headers."""

from typing import Any

import pytest

from mdterm.feeds.address import parse_address
from mdterm.feeds.alltick.feed import AllTick, Options
from mdterm.feeds.contract import Listed, Listing
from mdterm.feeds.events import Candle, Trade
from mdterm.feeds.listing import new_market, new_quote, stand_in
from mdterm.feeds.market import Market
from mdterm.feeds.specs import WatchSpec
from mdterm.feeds.status import Shown, StreamHealth
from mdterm.feeds.view_header import header_view
from mdterm.feeds.view_watch import Days, watch_row

OPENING = 1_783_517_400_000_000_000  # Wednesday 2026-07-08, 09:30 in New York
HOUR = 3_600_000_000_000


class Fetched(AllTick):
    """A provider that knows what others would have to fetch."""

    def listing(self, instrument: Any) -> Listing:
        return Listing("Apple", 1.0, "USD")

    def previous_close(self, instrument: Any, ts: int) -> float | None:
        return 200.0

    def stands_in(self, instrument: Any, stream: Any) -> str | None:
        return "polled" if stream == "trade" else None


@pytest.fixture
def provider() -> AllTick:
    return Fetched("alltick", Options(token="secret"))


def market_of(provider: AllTick, code: str) -> Market:
    return new_market(provider, provider.resolve(parse_address(f"alltick:{code}")))


def trade(code: str, ts: int, price: float) -> Trade:
    return Trade(f"alltick:{code}", ts, ts, str(ts), price, 1.0, "buy")


def test_the_provider_is_one_that_knows_more(provider: AllTick) -> None:
    assert isinstance(provider, Listed)


def test_sums_begin_with_the_opening(provider: AllTick) -> None:
    market = market_of(provider, "AAPL.US")
    market.apply([trade("AAPL.US", OPENING - HOUR, 190.0), trade("AAPL.US", OPENING, 210.0)])
    market.apply([trade("AAPL.US", OPENING + HOUR, 220.0)])
    sums = market.sums()
    assert (sums.since, sums.vwap, sums.low) == (OPENING, 215.0, 210.0)
    assert market_of(provider, "BTCUSDT").candles.session is None


def test_a_change_counts_from_the_previous_close_where_there_is_one(provider: AllTick) -> None:
    plain = Market(provider.resolve(parse_address("alltick:AAPL.US")))
    plain.apply([trade("AAPL.US", OPENING, 210.0)])
    assert header_view(plain).change in (None, 0.0)  # from the day's open
    market = market_of(provider, "AAPL.US")
    market.apply([trade("AAPL.US", OPENING, 210.0)])
    frame = header_view(market, provider.listing(market.instrument))
    assert frame.change == pytest.approx(0.05)
    assert frame.is_from_close
    assert (frame.name, frame.lot, frame.currency, frame.last_ts) == ("Apple", 1.0, "USD", OPENING)
    row = watch_row(market, Shown("LIVE"), WatchSpec(), 0.0, 1, Days())
    assert row.change == frame.change


def test_the_light_tier_has_a_change_too(provider: AllTick) -> None:
    quote = new_quote(provider, provider.resolve(parse_address("alltick:AAPL.US")))
    assert watch_row(quote, Shown("LIVE"), WatchSpec(), 0.0, 1, Days()).change is None
    quote.apply([trade("AAPL.US", OPENING, 190.0)])
    assert watch_row(quote, Shown("LIVE"), WatchSpec(), 0.0, 1, Days()).change == pytest.approx(-0.05)


def test_what_stands_in_for_a_socket_is_noted_stream_by_stream(provider: AllTick) -> None:
    instrument = provider.resolve(parse_address("alltick:GOLD"))
    trades, books = StreamHealth(0.0, 10.0), StreamHealth(0.0, 10.0)
    stand_in(provider, instrument, "trade", trades)
    stand_in(provider, instrument, "book", books)
    assert (trades.stands_in, books.stands_in) == ("polled", None)


def test_a_day_of_the_provider_is_the_day_of_the_prints(provider: AllTick) -> None:
    market = market_of(provider, "AAPL.US")
    day = Candle("alltick:AAPL.US", None, 0, "1d", OPENING, 205.0, 215.0, 204.0, 210.0, 9.0, closed=False)
    market.merge([day])
    market.apply([trade("AAPL.US", OPENING + HOUR, 214.0)])
    assert [bar.open_ts for bar in market.candles.candles("1d", 5)] == [OPENING]
    assert market.sums().open == 205.0
