"""The trading floor: pulls a market's events at their own pace and calls them out to the protocol servers.

Time comes from a `Clock`, so that a test can hold it. Events go out in cells: all that happens within one
millisecond of the wall clock is called out together. The grid of cells belongs to the market, not to the
moment a timer fires, so the same market is cut into the same cells however late the machine is.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from mdterm.feeds.sim.market import (
    Instrument,
    MarketSource,
    VenueBook,
    VenueEvent,
    VenueFunding,
    VenueOpenInterest,
)

CELL_NS = 1_000_000
EARLY_S = 5.0
_CELLS_BETWEEN_BREATHS = 64
_STATES = (VenueBook, VenueFunding, VenueOpenInterest)
"""Events that replace the one before them: whoever comes late is given the newest at once."""

Caller = Callable[[list[VenueEvent], int], None]


class Clock(Protocol):
    """Wall time, a steady clock, and sleep: the seam for tests."""

    def time_ns(self) -> int: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's own time."""

    def time_ns(self) -> int:
        return time.time_ns()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Floor:
    """Run one market for any number of protocol servers.

    `heed(caller)` registers `caller(events, until_ns)`, called once a cell with what happened in it and the
    end of the cell in market time. Market time runs `speed` times as fast as the clock.
    """

    def __init__(
        self, source: MarketSource, clock: Clock, *, speed: float = 1.0, start_ns: int | None = None
    ) -> None:
        self.source = source
        self.clock = clock
        self.speed = speed
        self.latest: dict[tuple[type[VenueEvent], str], VenueEvent] = {}
        self.instruments: dict[str, Instrument] = {i.symbol: i for i in source.instruments}
        self.begun = asyncio.Event()
        self.origin = 0
        self.until = 0
        self._start_ns = start_ns
        self._begun_at = 0.0
        self._callers: list[Caller] = []
        self._early: deque[VenueEvent] | None = None
        self._claimed: set[tuple[str, str]] = set()

    def heed(self, caller: Caller) -> None:
        """Call `caller` with every cell from now on."""
        self._callers.append(caller)

    def begin(self) -> None:
        """Let the market start; a second call changes nothing."""
        if self.begun.is_set():
            return
        now_ns = self.clock.time_ns() if self._start_ns is None else self._start_ns
        self.origin = self.until = self.source.begin(now_ns)
        self._begun_at = self.clock.monotonic()
        self._early = deque()
        self.begun.set()

    def now_ns(self) -> int:
        """Return the market's time; the wall clock's before it has begun."""
        if not self.begun.is_set():
            return self.clock.time_ns()
        return self.origin + int((self.clock.monotonic() - self._begun_at) * 1e9 * self.speed)

    def claim(self, symbol: str, kind: str) -> list[VenueEvent]:
        """Return what the source told of `symbol` before anybody claimed `kind`.

        Sockets that belong together subscribe moments apart and each must get everything; whoever comes
        after the first, or later than EARLY_S, gets what follows alone.
        """
        key = (symbol, kind)
        if key in self._claimed or self._early is None:
            self._claimed.add(key)
            return []
        self._claimed.add(key)
        return [event for event in self._early if event.symbol == symbol]

    async def run(self) -> None:
        """Call the market out until it ends; then only tell the time, which pending snapshots wait for."""
        await self.begun.wait()
        cell = max(1, round(CELL_NS * self.speed))
        cells = 0
        while True:
            self._forget_early()
            next_ts = self.source.next_ts()
            now = self.now_ns()
            # Nothing is known to happen soon: look again often enough for throttled snapshots that wait.
            idle = self.until + cell * 20
            end = idle if next_ts is None else min(idle, self._cell_end(max(next_ts, self.until), cell))
            if end > now:
                await self.clock.sleep((end - now) / 1e9 / self.speed)
                continue
            self.until = end
            self._call_out(self.source.take(end), end)
            cells += 1
            if cells % _CELLS_BETWEEN_BREATHS == 0:
                # Behind its time the loop would never sleep, and no socket would be read.
                await asyncio.sleep(0)

    def _cell_end(self, ts: int, cell: int) -> int:
        return self.origin + ((ts - self.origin) // cell + 1) * cell

    def _call_out(self, events: list[VenueEvent], end: int) -> None:
        for event in events:
            if type(event) in _STATES:
                self.latest[type(event), event.symbol] = event
        if self._early is not None:
            self._early.extend(events)
        for caller in self._callers:
            caller(events, end)

    def _forget_early(self) -> None:
        if self._early is not None and self.clock.monotonic() - self._begun_at > EARLY_S:
            self._early = None
