"""The header line of an instrument."""

from mdterm.feeds.contract import Listing
from mdterm.feeds.frames import HeaderFrame
from mdterm.feeds.market import Market

_UNLISTED = Listing()


def header_view(market: Market, listing: Listing | None = None) -> HeaderFrame:
    """Return the line about the instrument, with what its provider tells of it."""
    sums = market.sums()
    instrument, trade = market.instrument, market.tape.last
    last = None if trade is None else trade.price
    told = listing or _UNLISTED
    return HeaderFrame(
        address=instrument.address,
        symbol=instrument.symbol,
        venue=instrument.venue,
        last=last,
        direction=market.tape.direction,
        change=change_of(last, sums.open, market.previous_close),
        high=sums.high,
        low=sums.low,
        vwap=sums.vwap,
        vwap_since=sums.since,
        digits=market.price_digits,
        trades=market.trade_count,
        is_vwap_estimated=sums.is_vwap_estimated,
        unreliable_since=sums.unreliable_since,
        is_from_close=market.previous_close is not None,
        last_ts=None if trade is None else trade.seen if trade.ts is None else trade.ts,
        name=told.name,
        lot=told.lot,
        currency=told.currency,
    )


def change_of(last: float | None, opened: float | None, previous: float | None) -> float | None:
    """Return the change as a fraction of the previous close, else of the day's open; None without both."""
    base = previous or opened
    return last / base - 1.0 if last is not None and base else None
