"""What a provider knows of its instruments, given to their markets and their streams' health."""

from collections.abc import Iterable, Mapping

from mdterm.feeds.address import Instrument
from mdterm.feeds.candles import Source
from mdterm.feeds.contract import Listed, Provider
from mdterm.feeds.events import Stream
from mdterm.feeds.market import Market, Quote
from mdterm.feeds.status import StreamHealth

QUOTES_EVERY = 60
"""How many seconds pass between two looks at what the thousands of light markets are compared with."""


def new_market(provider: Provider, instrument: Instrument, source: Source = "trade") -> Market:
    """Return the market of an instrument, with its session and its price steps where those are known."""
    if not isinstance(provider, Listed):
        return Market(instrument, source=source)
    return Market(
        instrument,
        source=source,
        session=provider.session(instrument),
        step_at=lambda price: provider.tick(instrument, price),
    )


def compare(
    providers: Mapping[str, Provider],
    markets: Mapping[str, Market | Quote],
    looked_at: Iterable[str],
    second: int,
) -> None:
    """Tell markets the close that their change counts from; asking a provider may have it fetched.

    Only what is looked at is asked for: each costs a part of the provider's budget.
    """
    for address in looked_at:
        market = markets.get(address)
        if market is None or (isinstance(market, Quote) and second % QUOTES_EVERY):
            continue
        provider = providers[market.instrument.provider]
        last = market.tape.last if isinstance(market, Market) else market.last
        if isinstance(provider, Listed) and last is not None:
            at = last.seen if last.ts is None else last.ts
            market.previous_close = provider.previous_close(market.instrument, at)


def stand_in(provider: Provider, instrument: Instrument, stream: Stream, health: StreamHealth) -> None:
    """Note where something else stands in for a stream's socket."""
    if isinstance(provider, Listed):
        health.stands_in = provider.stands_in(instrument, stream)
