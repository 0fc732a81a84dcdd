"""Funding, open interest, liquidations, profile."""

from itertools import islice

from mdterm.feeds.derivatives import LIQUIDATION_WINDOWS
from mdterm.feeds.events import Stream
from mdterm.feeds.frames import DerivativesFrame, LiquidationRow
from mdterm.feeds.market import Market
from mdterm.feeds.specs import DerivativesSpec
from mdterm.feeds.status import Shown
from mdterm.feeds.view_profile import profile_view


def derivatives_view(
    market: Market, spec: DerivativesSpec, funding: Shown | None, missing: list[Stream]
) -> DerivativesFrame:
    """Return funding, open interest, liquidations and the profile."""
    market.fold()
    known = market.derivatives
    if market.tape.last is not None and market.tape.last.ts is not None:
        known.advance(market.tape.last.ts)
    change = known.interest_change()
    windows = {name: known.liquidated(name) for name in LIQUIDATION_WINDOWS}
    return DerivativesFrame(
        address=market.instrument.address,
        funding=None if known.funding is None else known.funding.rate,
        predicted=None if known.funding is None else known.funding.predicted,
        funding_shown=funding,
        open_interest=None if known.open_interest is None else known.open_interest.value,
        open_interest_change=None if change is None else change.change,
        open_interest_share=None if change is None else change.share,
        liquidations=[
            LiquidationRow(
                one.seen if one.ts is None else one.ts, one.price, one.size, one.position, one.raw_side
            )
            for one in islice(reversed(known.liquidations), spec.liquidations)
        ],
        liquidation_count=known.liquidation_count,
        liquidated={name: (sums.longs, sums.shorts, sums.unknown) for name, sums in windows.items()},
        profile=profile_view(market, spec.profile),
        missing=missing,
        digits=market.price_digits,
        size_digits=market.size_digits,
    )
