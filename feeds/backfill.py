"""The past, fetched in the background: at first, after every gap, and now and then to check ourselves.

One request at a time a provider; what is on the screen goes first. Where a provider's pages are small, one
page of everything comes before the rest of anybody's day. Nothing waits for it: bars from trades stand
until the provider's own arrive, and those are merged exactly, in whatever order they come.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence

from mdterm.feeds.audit import audit
from mdterm.feeds.clock import Clock
from mdterm.feeds.contract import History, HistoryError
from mdterm.feeds.events import Candle
from mdterm.feeds.intervals import MINUTE, bucket_start
from mdterm.feeds.market import Market, Quote

log = logging.getLogger(__name__)

FIRST_BARS = 1_000
DEEP_BARS = 1_440
"""A whole UTC day, where the day is older than the first request reaches."""
LONGEST_DAY = 1_502
"""Minutes of a day in autumn, and two to spare."""
OTHER_BARS = 500
AGAIN_S = 20.0
AGAIN_CAP_S = 300.0
AUDIT_S = 300.0
"""How often the shown instrument's bars are compared with the provider's."""
AUDIT_BARS = 12
AFTER_GAP_S = 2.0
"""So long after data flows again the provider's bars hold what was missed."""


class Backfill:
    """Keeps the candles of one provider's instruments whole."""

    def __init__(
        self,
        history: History,
        markets: Mapping[str, Market | Quote],
        clock: Clock,
        *,
        visible: Callable[[], Sequence[str]],
        merged: Callable[[str], None],
        page: int = FIRST_BARS,
    ) -> None:
        """``page`` is how many bars one request of the provider brings."""
        self.failed: dict[str, str] = {}
        """Why an instrument has no past, in words."""
        self.short: dict[str, str] = {}
        """Where less was received than the provider counted, in words."""
        self._answered: set[tuple[str, str]] = set()
        self._history = history
        self._markets = markets
        self._clock = clock
        self._visible = visible
        self._merged = merged
        self._page = page
        self._deeper: set[tuple[str, str]] = set()
        """Whose newest page is there, and whose day begins before it."""
        self._due: dict[tuple[str, str], float] = {}
        self._count: dict[tuple[str, str], int] = {}
        self._tries: dict[tuple[str, str], int] = {}
        self._joined: dict[str, int] = {}
        self._wake = asyncio.Event()

    def want(self, address: str, interval: str = "1m") -> None:
        """Ask for an instrument's past once."""
        key = (address, interval)
        if key not in self._count:
            self._count[key] = self._first_count(address, interval)
            self._schedule(key, 0.0)

    def is_settled(self, address: str) -> bool:
        """Return whether every first request for an instrument was answered, well or badly."""
        return all(key in self._answered for key in self._count if key[0] == address)

    def gap(self, address: str) -> None:
        """Ask for what was missed while the link was lost."""
        market = self._markets.get(address)
        since = market.candles.gaps.since if isinstance(market, Market) else None
        key = (address, "1m")
        if since is not None and key in self._count:
            missed = (self._clock.wall() - since) // MINUTE + 3
            self._count[key] = int(min(max(missed, AUDIT_BARS), DEEP_BARS))
            self._schedule(key, AFTER_GAP_S)

    def let_go(self, address: str) -> None:
        """Forget an instrument; when it is wanted again its past is asked for anew."""
        for key in [key for key in self._count if key[0] == address]:
            del self._count[key]
            self._due.pop(key, None)
            self._tries.pop(key, None)
            self._answered.discard(key)
            self._deeper.discard(key)
        self._joined.pop(address, None)
        self.failed.pop(address, None)
        self.short.pop(address, None)

    def subscribed(self, address: str, wall: int) -> None:
        """Note when trades began to flow: earlier minutes cannot be compared."""
        self._joined[address] = wall

    def _first_count(self, address: str, interval: str) -> int:
        if interval != "1m":
            return min(OTHER_BARS, self._page)
        if self._page < FIRST_BARS:
            return self._page
        # VWAP and CVD are counted from the day's begin; one request up to 1,000 bars is the cheapest.
        return FIRST_BARS if self._today(address) <= FIRST_BARS else DEEP_BARS

    def _today(self, address: str) -> int:
        """Return the minutes since the day began, and two to spare."""
        market, wall = self._markets.get(address), self._clock.wall()
        session = market.candles.session if isinstance(market, Market) else None
        return (wall - bucket_start(wall, "1d", session)) // MINUTE + 2

    def _schedule(self, key: tuple[str, str], delay: float) -> None:
        self._due[key] = self._clock.mono() + delay
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            key, wait = self._next()
            if key is None:
                self._wake.clear()
                # Not wait_for: before Python 3.12 it may swallow the cancellation that ends this task.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._wake.wait()
                continue
            del self._due[key]
            await self._fetch(key)

    def _next(self) -> tuple[tuple[str, str] | None, float | None]:
        """Return what is due, the visible first, or how long to wait."""
        now = self._clock.mono()
        ready = [key for key, at in self._due.items() if at <= now]
        if ready:
            shown = {address: rank for rank, address in enumerate(self._visible())}

            def order(key: tuple[str, str]) -> tuple[bool, int, float]:
                return key in self._deeper, shown.get(key[0], len(shown)), self._due[key]

            return min(ready, key=order), None
        return None, (min(self._due.values()) - now if self._due else None)

    async def _fetch(self, key: tuple[str, str]) -> None:
        address, interval = key
        market = self._markets.get(address)
        if not isinstance(market, Market):
            return
        count = self._count[key]
        try:
            candles = await self._history.candles(market.instrument, interval, count)
        except HistoryError as error:
            log.info("%s: no history of %s: %s", address, interval, error)
            if key not in self._deeper:  # a page is there: the day is short, but that it says itself
                self.failed[address] = str(error)
            self._answered.add(key)
            self._merged(address)
            if not error.refused:
                tries = self._tries[key] = self._tries.get(key, 0) + 1
                self._schedule(key, min(AGAIN_CAP_S, AGAIN_S * 2.0 ** (tries - 1)))
            return
        self._tries[key] = 0
        self.failed.pop(address, None)
        self._merge(market, interval, candles, count)
        if interval == "1m" and self._reaches_further(key, candles, count):
            self._deeper.add(key)
            self._count[key] = min(self._today(address), LONGEST_DAY)
            self._schedule(key, 0.0)
            self._merged(address)
            return
        self._deeper.discard(key)
        self._answered.add(key)
        self._merged(address)
        if interval == "1m":
            self._count[key] = AUDIT_BARS
            if address in self._visible():
                self._schedule(key, AUDIT_S)

    def _reaches_further(self, key: tuple[str, str], candles: Sequence[Candle], count: int) -> bool:
        """Return whether a first page leaves a part of the day out, and there may be more of it."""
        if key in self._answered or key in self._deeper or count > self._page or not candles:
            return False
        wall = self._clock.wall()
        day = wall - self._today(key[0]) * MINUTE
        return len(candles) >= count and candles[0].open_ts > day + 3 * MINUTE

    def _merge(self, market: Market, interval: str, candles: Sequence[Candle], count: int) -> None:
        market.merge(candles)
        address = market.instrument.address
        if interval == "1m" and address in self._joined:
            found = audit(market.candles, candles, self._joined[address])
            if found.words is None:
                self.short.pop(address, None)
            else:
                self.short[address] = found.words
                log.warning("%s: %s", address, found.words)
        log.debug("%s: %d bars of %s, %d asked", address, len(candles), interval, count)
