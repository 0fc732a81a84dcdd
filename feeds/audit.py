"""The provider's own closed bars against what came over the link: were trades lost on the way?"""

from collections.abc import Sequence

import msgspec

from mdterm.feeds.candles import SETTLE, CandleStore
from mdterm.feeds.events import Candle
from mdterm.feeds.intervals import MINUTE

ENOUGH = 0.999
"""Less than this share of the provider's volume is told on the screen."""


class Audit(msgspec.Struct, frozen=True):
    """``ours`` and ``theirs`` are volumes of the ``minutes`` compared; ``coverage`` is the share received.

    A surplus of one minute does not make up for another's lack. ``words`` tell what is wrong and
    ``worst`` is the minute (ns) that lacks most; None where enough was received or nothing was compared.
    """

    minutes: int
    ours: float
    theirs: float
    coverage: float | None
    worst: int | None
    words: str | None


def audit(store: CandleStore, told: Sequence[Candle], since: int | None = None) -> Audit:
    """Compare the provider's one-minute bars with the volume received.

    Only closed minutes count that began after we had joined, that no interruption touches, and that the
    provider is well past, so that it has counted them whole. ``since`` (ns of venue time) is when the link
    last subscribed; without it the first trade stands in, so that it cannot be told that none ever came.
    """
    ours = theirs = received = most = 0.0
    minutes, worst = 0, None
    broke = store.gaps.broke
    known = max((one.open_ts if one.last_ts is None else one.last_ts for one in told), default=0)
    for candle in told:
        start, end = candle.open_ts, candle.open_ts + MINUTE
        if candle.interval != "1m" or not candle.closed or not candle.volume or known < end + SETTLE:
            continue
        seen = store.has_seen(start, end) if since is None else start >= since and not broke(start, end)
        mine = store.received(start, end) if seen else None
        if mine is None:
            continue
        minutes += 1
        ours, theirs = ours + mine, theirs + candle.volume
        received += min(mine, candle.volume)
        if candle.volume - mine > most:
            most, worst = candle.volume - mine, start
    if not minutes:
        return Audit(0, 0.0, 0.0, None, None, None)
    coverage, words = received / theirs, None
    if coverage < ENOUGH:
        span = "1 minute" if minutes == 1 else f"{minutes} minutes"
        # Rounded down: 99.9 % would say that enough was received.
        share = int(coverage * 1000) / 10
        words = f"received {share:.1f} % of the provider's own volume over {span}"
    return Audit(minutes, ours, theirs, coverage, worst if words else None, words)
