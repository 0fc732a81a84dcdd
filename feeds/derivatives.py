"""Funding, open interest and liquidations of one instrument.

Bounds: one open interest a second for ten minutes (at most 1,024), 1,000 liquidations, liquidation sums
by second for an hour.
"""

from collections import deque
from collections.abc import Sequence

import msgspec

from mdterm.feeds.events import Funding, Liquidation, OpenInterest, Position
from mdterm.feeds.intervals import HOUR, MINUTE, SECOND
from mdterm.feeds.windows import Windows

LIQUIDATIONS_KEPT = 1_000
LIQUIDATION_WINDOWS: dict[str, int] = {"60s": MINUTE, "5m": 5 * MINUTE, "1h": HOUR}
"""The windows by name, in ns of venue time."""
OI_SPAN = 5 * MINUTE
_OI_KEPT = 1_024
_KEYS: dict[Position | None, int] = {"long": 0, "short": 1, None: 2}


class OpenInterestChange(msgspec.Struct, frozen=True):
    """How open interest moved: ``value`` now, ``change`` and ``share`` of what it was at ``since`` (ns)."""

    value: float
    change: float
    share: float | None
    since: int


class Liquidated(msgspec.Struct, frozen=True):
    """What was liquidated, in quote notional (price × size); ``unknown`` where the position is not told."""

    longs: float
    shorts: float
    unknown: float


class Derivatives:
    """The newest funding and open interest, and the liquidations."""

    def __init__(self) -> None:
        self.funding: Funding | None = None
        """The newest snapshot; what it does not tell the venue does not publish."""
        self.open_interest: OpenInterest | None = None
        self.liquidations: deque[Liquidation] = deque(maxlen=LIQUIDATIONS_KEPT)
        """In the order received, newest last."""
        self.liquidation_count = 0
        """Liquidations received since the start, each once."""
        self._interest: deque[tuple[int, float]] = deque(maxlen=_OI_KEPT)
        self._windows = Windows(SECOND, LIQUIDATION_WINDOWS.values())

    def fund(self, events: Sequence[Funding]) -> None:
        """Take funding in; what is older than the newest is left out."""
        for event in events:
            if self.funding is None or _time(event) >= _time(self.funding):
                self.funding = event

    def interest(self, events: Sequence[OpenInterest]) -> None:
        """Take open interest in; what is older than the newest is left out."""
        kept = self._interest
        for event in events:
            ts = _time(event)
            if self.open_interest is not None and ts < _time(self.open_interest):
                continue
            self.open_interest = event
            if kept and kept[-1][0] // SECOND == ts // SECOND:
                kept.pop()
            kept.append((ts, event.value))
            # The newest value from before the span stays: it is what the change is measured from.
            while len(kept) > 2 and kept[1][0] <= ts - 2 * OI_SPAN:
                kept.popleft()

    def interest_change(self) -> OpenInterestChange | None:
        """Return the change over the last five minutes of venue time.

        None until so much is known, and where the value from before is more than ten minutes old.
        """
        if self.open_interest is None:
            return None
        now, value = self._interest[-1]
        for ts, before in reversed(self._interest):
            if ts > now - OI_SPAN:
                continue
            if ts < now - 2 * OI_SPAN:
                return None
            share = (value - before) / before if before else None
            return OpenInterestChange(value, value - before, share, ts)
        return None

    def liquidate(self, events: Sequence[Liquidation]) -> None:
        """Take liquidations in, in any order, each once."""
        self.liquidations.extend(events)
        self.liquidation_count += len(events)
        for event in events:
            ts = _time(event)
            self._windows.advance(ts)
            self._windows.add(ts // SECOND, {_KEYS[event.position]: event.price * event.size})

    def advance(self, ts: int) -> None:
        """Move the windows to venue time ``ts`` though nothing was liquidated."""
        self._windows.advance(ts)

    def liquidated(self, window: str) -> Liquidated:
        """Return the sums of a window (60s, 5m, 1h)."""
        sums = self._windows.sums(LIQUIDATION_WINDOWS[window])
        longs, shorts, unknown = (sums[key][0] if key in sums else 0.0 for key in range(3))
        return Liquidated(longs, shorts, unknown)


def _time(event: Funding | OpenInterest | Liquidation) -> int:
    return event.seen if event.ts is None else event.ts
