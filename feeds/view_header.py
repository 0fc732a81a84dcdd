"""The header line of an instrument."""

from mdterm.feeds.frames import HeaderFrame
from mdterm.feeds.market import Market, Sums


def header_view(market: Market) -> HeaderFrame:
    """Return the line about the instrument."""
    sums = market.sums()
    tape, instrument = market.tape, market.instrument
    last = None if tape.last is None else tape.last.price
    return HeaderFrame(
        address=instrument.address,
        symbol=instrument.symbol,
        venue=instrument.venue,
        last=last,
        direction=tape.direction,
        change=change_of(last, sums),
        high=sums.high,
        low=sums.low,
        vwap=sums.vwap,
        vwap_since=sums.since,
        digits=market.price_digits,
        trades=market.trade_count,
        is_vwap_estimated=sums.is_vwap_estimated,
        unreliable_since=sums.unreliable_since,
    )


def change_of(last: float | None, sums: Sums) -> float | None:
    """Return the change since the day's open as a fraction, None where the open is not known."""
    return last / sums.open - 1.0 if last is not None and sums.open else None
