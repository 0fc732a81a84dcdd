"""What a provider knows of its instruments, given to their markets and their streams' health."""

from mdterm.feeds.address import Instrument
from mdterm.feeds.candles import Source
from mdterm.feeds.contract import Listed, Provider
from mdterm.feeds.events import Stream
from mdterm.feeds.market import Market, Quote
from mdterm.feeds.status import StreamHealth


def new_market(provider: Provider, instrument: Instrument, source: Source = "trade") -> Market:
    """Return the market of an instrument, with its session, price steps and closes where those are known."""
    if not isinstance(provider, Listed):
        return Market(instrument, source=source)
    return Market(
        instrument,
        source=source,
        session=provider.session(instrument),
        step_at=lambda price: provider.tick(instrument, price),
        close_before=lambda ts: provider.previous_close(instrument, ts),
    )


def new_quote(provider: Provider, instrument: Instrument) -> Quote:
    """Return the light market of an instrument."""
    if not isinstance(provider, Listed):
        return Quote(instrument)
    return Quote(instrument, lambda ts: provider.previous_close(instrument, ts))


def stand_in(provider: Provider, instrument: Instrument, stream: Stream, health: StreamHealth) -> None:
    """Note where something else stands in for a stream's socket."""
    if isinstance(provider, Listed):
        health.stands_in = provider.stands_in(instrument, stream)
