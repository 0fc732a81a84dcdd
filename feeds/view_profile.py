"""The session's volume by price."""

from typing import Literal

from mdterm.feeds.frames import ProfileFrame
from mdterm.feeds.market import Market
from mdterm.feeds.precision import decimals
from mdterm.feeds.profile import event_profile, session_profile


def profile_view(market: Market, rows: int, ticks: int | None = None) -> ProfileFrame | None:
    """Return our own session's profile, the provider's where we have none.

    It has at most ``rows`` rows; with ``ticks`` (of the flow) in a row they may be up to 2,000.
    """
    found, since = None, None
    source: Literal["provider", "session"] = "session"
    if market.flow is not None:
        found = session_profile(market.flow, ticks, rows=max(rows, 2))
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
        source=source,
        since=since,
    )
