"""A market that is made up: the same seed and rate tell the same market, whenever and to whomever."""

import random
from heapq import heapify, heapreplace

from mdterm.feeds.sim.market import (
    Instrument,
    PastBar,
    VenueBook,
    VenueEvent,
    VenueTrade,
    instrument_of,
)

EPOCH_NS = 1_704_067_200_000_000_000
"""When a synthetic market begins that keeps its time: 2024-01-01, midnight UTC."""

LEVELS = 40
_MS = 1_000_000
_LISTED = (
    ("BTCUSDT", 0.1, 61800.0, 0.8, 1.0),
    ("ETHUSDT", 0.01, 2680.0, 12.0, 0.8),
    ("SOLUSDT", 0.001, 148.0, 90.0, 0.4),
    ("XRPUSDT", 0.0001, 0.58, 9000.0, 0.3),
    ("DOGEUSDT", 0.00001, 0.102, 40000.0, 0.3),
)


class _Ring:
    """One instrument's walk."""

    def __init__(self, seed: int, rate: float, listed: tuple[str, float, float, float, float]) -> None:
        symbol, tick, price, self._size, pace = listed
        self.instrument = instrument_of(symbol, tick)
        self._decimals = len(f"{tick:.12f}".rstrip("0")) - 2
        self._dice = random.Random(f"market {seed} {symbol}")
        self._bid = round(price / tick)
        self._gap_s = {"trade": 1 / (15 * rate * pace), "book": 1 / (10 * rate * pace)}
        self._due = dict.fromkeys(self._gap_s, 0.0)

    @property
    def due_ms(self) -> int:
        return int(min(self._due.values()) * 1000)

    def next(self, origin: int, number: int) -> VenueEvent:
        dice = self._dice
        kind = min(self._due, key=self._due.__getitem__)
        ts = origin + self.due_ms * _MS
        symbol = self.instrument.symbol
        if kind == "trade":
            self._due[kind] += dice.expovariate(1 / self._gap_s[kind])
            buy = dice.random() < 0.5
            if dice.random() < 0.2:
                self._bid += 1 if buy else -1
            size = round(dice.lognormvariate(0, 1.5) * self._size / 10, 3) or 0.001
            return VenueTrade(symbol, ts, str(number), self._price(self._bid + buy), size, buy)
        self._due[kind] += self._gap_s[kind]
        return VenueBook(symbol, ts, self._side(self._bid, -1), self._side(self._bid + 1, 1))

    def _price(self, ticks: int) -> float:
        return round(ticks * self.instrument.tick, self._decimals)

    def _side(self, best: int, step: int) -> tuple[float, ...]:
        levels: list[float] = []
        for depth in range(LEVELS):
            size = round(self._dice.lognormvariate(0, 1) * self._size, 3) or 0.001
            levels += (self._price(best + step * depth), size)
        return tuple(levels)


class SyntheticSource:
    """Several instruments, each with its own dice, told in order of time."""

    waits = False

    def __init__(self, seed: int, rate: float) -> None:
        self._rings = [_Ring(seed, rate, listed) for listed in _LISTED]
        self._heap = [(ring.due_ms, place) for place, ring in enumerate(self._rings)]
        heapify(self._heap)
        self._origin = self._number = 0

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(ring.instrument for ring in self._rings)

    def begin(self, now_ns: int) -> int:
        self._origin = now_ns // _MS * _MS
        self._number = now_ns // _MS * 1_000_000
        return self._origin

    def next_ts(self) -> int | None:
        return self._origin + self._heap[0][0] * _MS

    def take(self, until: int) -> list[VenueEvent]:
        taken: list[VenueEvent] = []
        while self._origin + self._heap[0][0] * _MS < until:
            place = self._heap[0][1]
            ring = self._rings[place]
            self._number += 1
            taken.append(ring.next(self._origin, self._number))
            heapreplace(self._heap, (ring.due_ms, place))
        return taken

    def past(self, symbol: str, minutes: int) -> list[PastBar]:
        return []
