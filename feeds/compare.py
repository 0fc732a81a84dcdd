"""Instruments side by side: how far two prices are apart, and which of the two moves first, here.

The lag is read from the moves of both last prices at the times they were received: every move of one is
paired with those of the other around it, and the distance in time at which they agree best is the lag.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from mdterm.feeds.events import Event, Trade

MOVES: Final = 256
"""Moves remembered on each side."""
WINDOW_NS: Final = 120_000_000_000
REACH_NS: Final = 2_000_000_000
"""The longest lag that is looked for."""
BIN_NS: Final = 10_000_000
LEAST: Final = 0.3
"""Agreement below which there is no lag to tell of."""
_LEAST_MOVES: Final = 8
EVERY_S: Final = 2.0
"""How often the lag is looked at: it costs milliseconds."""


class Lag(msgspec.Struct, frozen=True):
    """``ms`` by which the second is behind the first (negative: ahead); ``agreement`` from 0 to 1."""

    ms: float
    agreement: float


class Pair:
    """Two instruments that shall go together."""

    def __init__(self, first: str, second: str) -> None:
        self.first = first
        self.second = second
        self.lag: Lag | None = None
        self._looked_at = float("-inf")
        self._last: dict[str, float] = {}
        self._moves: dict[str, deque[tuple[int, float]]] = {
            address: deque(maxlen=MOVES) for address in (first, second)
        }

    def take(self, address: str, seen: int, price: float) -> None:
        """Note a price as it was received at ``seen`` (ns)."""
        last = self._last.get(address)
        if price == last or price <= 0:
            return
        self._last[address] = price
        if last is not None:
            self._moves[address].append((seen, math.log(price / last)))

    def look(self, now: float, wall: int) -> None:
        """Look for the lag, if it has not been for a while."""
        if now - self._looked_at < EVERY_S:
            return
        self._looked_at = now
        recent = [
            [move for move in self._moves[address] if wall - move[0] <= WINDOW_NS]
            for address in (self.first, self.second)
        ]
        self.lag = lag_of(*recent)


def lag_of(first: Sequence[tuple[int, float]], second: Sequence[tuple[int, float]]) -> Lag | None:
    """Return by how much ``second`` is behind ``first``, None where their moves do not tell.

    Both are ``(time in ns, log move)``, oldest first.
    """
    if min(len(first), len(second)) < _LEAST_MOVES:
        return None
    reach = REACH_NS // BIN_NS
    bins = [0.0] * (2 * reach + 3)
    start = 0
    for at, move in first:
        while start < len(second) and second[start][0] < at - REACH_NS:
            start += 1
        for other_at, other in second[start:]:
            if other_at > at + REACH_NS:
                break
            bins[(other_at - at + BIN_NS // 2) // BIN_NS + reach + 1] += move * other
    # Neighbours are looked at together: a lag that trembles falls into several bins.
    sums = [bins[at - 1] + bins[at] + bins[at + 1] for at in range(1, 2 * reach + 2)]
    best = max(range(len(sums)), key=lambda at: (sums[at], -abs(at - reach)))
    power = math.sqrt(sum(move**2 for _, move in first) * sum(move**2 for _, move in second))
    agreement = min(1.0, sums[best] / power) if power else 0.0
    if agreement < LEAST:
        return None
    around = [
        (at - reach, max(0.0, bins[at + 1])) for at in range(max(0, best - 1), min(len(sums), best + 2))
    ]
    weight = sum(share for _, share in around)
    centre = sum(at * share for at, share in around) / weight if weight else best - reach
    return Lag(centre * BIN_NS / 1e6, agreement)


def drift_bps(first: float | None, second: float | None) -> float | None:
    """Return how far the second price is above the first, in basis points."""
    return (second / first - 1.0) * 10_000 if first and second else None


class Pairs:
    """All pairs that are compared."""

    def __init__(self) -> None:
        self._pairs: dict[tuple[str, str], Pair] = {}
        self.of: dict[str, list[Pair]] = {}
        """The pairs by address: an instrument in none costs nothing."""

    def set_pairs(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Compare these, and no others. A pair that was there before keeps what it remembers."""
        self._pairs = {one: self._pairs.get(one) or Pair(*one) for one in pairs}
        self.of = {}
        for pair in self._pairs.values():
            for address in {pair.first, pair.second}:
                self.of.setdefault(address, []).append(pair)

    def get(self, first: str, second: str) -> Pair:
        """Return a pair that is compared."""
        return self._pairs[first, second]

    def take(self, address: str, run: Sequence[Event]) -> None:
        """Take events of one kind and one instrument: of trades, the last price of each moment."""
        if isinstance(run[0], Trade):
            for pair in self.of[address]:
                for one in run:
                    pair.take(address, one.seen, one.price)  # type: ignore[attr-defined]  # a run is of one kind
