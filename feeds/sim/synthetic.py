"""A market that is made up: the same seed and rate tell the same market, whenever and to whomever.

Each instrument has a crowd and dice of its own, so none depends on another. `rate` runs the crowds' time
faster: ten times the rate is the same story in a tenth of the time. Venue time has whole milliseconds.
"""

from collections.abc import Iterator
from heapq import heapify, heapreplace

from mdterm.feeds.sim.crowd import Crowd, Listing
from mdterm.feeds.sim.market import MINUTE_NS, Instrument, PastBar, VenueEvent, instrument_of
from mdterm.feeds.sim.past import Past

EPOCH_NS = 1_704_067_200_000_000_000
"""When a synthetic market begins that keeps its time: 2024-01-01, midnight UTC."""

_MS = 1_000_000


def _listing(
    symbol: str,
    price: float,
    decimals: tuple[int, int],
    *,
    takers: float,
    touch: float,
    print_size: float,
    interest: float,
    predicts: bool = True,
) -> Listing:
    return Listing(
        instrument=instrument_of(symbol, float(f"1e-{decimals[0]}")),
        price_decimals=decimals[0],
        lot_decimals=decimals[1],
        price=price,
        orders_per_s=takers,
        touch=touch,
        print=print_size,
        jump_bps=0.25,
        informed=0.1,
        open_interest=interest,
        tells_prediction=predicts,
    )


LISTINGS = (
    _listing("BTCUSDT", 61800.2, (1, 3), takers=12, touch=3.0, print_size=0.01, interest=84_512.3),
    _listing("ETHUSDT", 2680.15, (2, 3), takers=11, touch=16.0, print_size=0.05, interest=1.9e6),
    _listing("SOLUSDT", 148.215, (3, 2), takers=5, touch=60.0, print_size=0.6, interest=7.4e6),
    _listing("XRPUSDT", 0.5834, (4, 1), takers=3, touch=60_000.0, print_size=60.0, interest=4.1e8),
    _listing(
        "DOGEUSDT",
        0.10215,
        (5, 0),
        takers=3,
        touch=200_000.0,
        print_size=400.0,
        interest=2.2e9,
        predicts=False,
    ),
    _listing(
        "1000PEPEUSDT", 0.0083125, (7, 0), takers=2.5, touch=600_000.0, print_size=6_000.0, interest=3.1e10
    ),
)


class SyntheticSource:
    """Several instruments, told in order of time."""

    has_past = True

    def __init__(self, seed: int, rate: float, listings: tuple[Listing, ...] = LISTINGS) -> None:
        self._rate = rate
        self._crowds = [Crowd(listing, seed) for listing in listings]
        self._pasts = {listing.instrument.symbol: Past(listing, seed) for listing in listings}
        self._heap = [(self._due_ms(crowd), place) for place, crowd in enumerate(self._crowds)]
        heapify(self._heap)
        self._origin = 0
        self._ids: Iterator[str] = iter(())

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(crowd.listing.instrument for crowd in self._crowds)

    def begin(self, now_ns: int) -> int:
        self._origin = now_ns // _MS * _MS
        self._ids = _count_from(now_ns // _MS * 1_000_000)
        return self._origin

    def next_ts(self) -> int | None:
        return self._origin + self._heap[0][0] * _MS

    def take(self, until: int) -> list[VenueEvent]:
        taken: list[VenueEvent] = []
        until_ms = -((self._origin - until) // _MS)
        heap = self._heap
        while heap[0][0] < until_ms:
            due_ms, place = heap[0]
            crowd = self._crowds[place]
            taken += crowd.step(self._origin + due_ms * _MS, self._ids)
            heapreplace(heap, (self._due_ms(crowd), place))
        return taken

    def past(self, symbol: str, minutes: int) -> list[PastBar]:
        # The minute the market begins in belongs to its own trades alone.
        return self._pasts[symbol].bars(self._origin // MINUTE_NS * MINUTE_NS, minutes)

    def _due_ms(self, crowd: Crowd) -> int:
        return int(crowd.due_s * 1000 / self._rate)


def _count_from(first: int) -> Iterator[str]:
    number = first
    while True:
        number += 1
        yield str(number)
