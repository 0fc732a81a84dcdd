"""Pairs of instruments side by side."""

from collections.abc import Callable

from mdterm.feeds.compare import Pair, drift_bps
from mdterm.feeds.frames import CompareFrame, LegRow, PairRow
from mdterm.feeds.market import Market, Quote
from mdterm.feeds.precision import decimals
from mdterm.feeds.specs import CompareSpec
from mdterm.feeds.status import Shown


def pair_row(
    pair: Pair,
    spec: CompareSpec,
    market: Callable[[str], Market | Quote | None],
    shown: Callable[[str], Shown],
    now: float,
    wall: int,
) -> PairRow:
    """Return a pair; its drift is between the mids where both have a touch, else between the last prices."""
    pair.look(now, wall)
    first, second = (_leg(address, market(address), shown(address)) for address in (pair.first, pair.second))
    mids = _mid(first), _mid(second)
    prices = mids if None not in mids else (first.last, second.last)
    drift = drift_bps(*prices)
    return PairRow(
        first=first,
        second=second,
        drift_bps=drift,
        of_mids=prices is mids,
        lag_ms=None if pair.lag is None else pair.lag.ms,
        agreement=None if pair.lag is None else pair.lag.agreement,
        is_parted=drift is not None and abs(drift) >= spec.parted_bps,
    )


def compare_view(rows: list[PairRow], spec: CompareSpec) -> CompareFrame:
    """Return all pairs."""
    return CompareFrame(rows, spec.parted_bps)


def _leg(address: str, market: Market | Quote | None, shown: Shown) -> LegRow:
    provider, _, symbol = address.partition(":")
    if market is None:
        return LegRow(address, symbol.rpartition(":")[2], provider, shown, None, None, None, 0)
    bid, ask = market.bbo()
    last = market.tape.last if isinstance(market, Market) else market.last
    price = None if last is None else last.price
    digits = market.price_digits if isinstance(market, Market) else 0 if price is None else decimals(price)
    return LegRow(address, market.instrument.symbol, provider, shown, price, bid, ask, digits)


def _mid(leg: LegRow) -> float | None:
    return None if leg.bid is None or leg.ask is None else (leg.bid + leg.ask) / 2
