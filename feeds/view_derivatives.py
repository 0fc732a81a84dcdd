"""Funding, open interest, liquidations, profile."""

from itertools import islice

from mdterm.feeds.derivatives import LIQUIDATION_WINDOWS
from mdterm.feeds.events import Stream
from mdterm.feeds.frames import DerivativesFrame, DerivativesSpec, LiquidationRow, ProfileFrame
from mdterm.feeds.market import Market
from mdterm.feeds.precision import decimals
from mdterm.feeds.profile import event_profile, session_profile
from mdterm.feeds.status import Shown


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
        profile=_profile(market, spec.profile),
        missing=missing,
        digits=market.price_digits,
        size_digits=market.size_digits,
    )


def _profile(market: Market, rows: int) -> ProfileFrame | None:
    """Return our own session's profile, the provider's where we have none."""
    found, source, since = None, "session", None
    if market.flow is not None:
        found = session_profile(market.flow, rows=max(rows, 2))
        # Bars tell no volume by price: the profile holds what was traded since we joined.
        since = max(market.flow.anchor or 0, market.candles.joined_at or 0) or None
    if found is None and market.profile is not None:
        found, source = event_profile(market.profile), "provider"
    if found is None:
        return None
    return ProfileFrame(
        step=found.step,
        digits=decimals(round(found.step, 10)),
        low=found.low,
        buys=found.buys,
        sells=found.sells,
        neutral=found.neutral,
        poc=found.poc,
        val=found.val,
        vah=found.vah,
        source="session" if source == "session" else "provider",
        since=since,
    )
