"""A line of the watchlist."""

from mdterm.feeds.frames import WatchRow, WatchSpec
from mdterm.feeds.market import Market, Quote
from mdterm.feeds.precision import decimals
from mdterm.feeds.status import Shown
from mdterm.feeds.view_header import change_of


def watch_row(market: Market | Quote, shown: Shown, spec: WatchSpec) -> WatchRow:
    """Return an instrument's line of the watchlist; the light tier knows no open, so no change."""
    instrument, (bid, ask) = market.instrument, market.bbo()
    if isinstance(market, Quote):
        last = None if market.last is None else market.last.price
        spark = [close for _, close in market.closes][-spec.spark :]
        change, direction = None, 0
        volume: float | None = market.volume or None
        digits = 0 if last is None else decimals(last)
    else:
        sums = market.sums()
        last = None if market.tape.last is None else market.tape.last.price
        spark = market.candles.closes("1m", spec.spark)
        change, direction = change_of(last, sums), market.tape.direction
        volume, digits = sums.volume, market.price_digits
    return WatchRow(
        address=instrument.address,
        symbol=instrument.symbol,
        provider=instrument.provider,
        shown=shown,
        last=last,
        direction=direction,
        change=change,
        bid=bid,
        ask=ask,
        volume=volume,
        digits=digits,
        spark=spark,
    )
