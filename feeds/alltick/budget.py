"""The plan's HTTP budget, and whose turn it is: one queue for all requests of a token."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Literal, NamedTuple

from mdterm.feeds.alltick import facts

Endpoint = Literal["kline", "batch-kline", "trade-tick", "depth-tick", "static_info"]
_DAY_S = 86_400.0


class Budget:
    """Pure: when the next request may go out. Times are seconds on the clock given.

    Spacing keeps the limits of a second and of a minute. The day's limit is a bucket that holds a tenth of
    it and fills up evenly with the rest, so no stretch of 24 hours spends more, wherever midnight is. What
    is not on the screen (a rank above 0) leaves a part of the bucket alone.
    """

    def __init__(self, plan: facts.Plan) -> None:
        self._plan = plan
        self._burst = max(1.0, plan.per_day * facts.BURST_SHARE)
        self._fill_per_s = (plan.per_day - self._burst) / _DAY_S
        self._level = self._burst
        self._level_at: float | None = None
        self._next_at = self._next_batch_at = self._hold_until = float("-inf")
        self._hold_s = 0.0

    def ready_at(self, endpoint: Endpoint, now: float, rank: int = 0) -> float:
        """Return when a request may go out, ``now`` at the earliest."""
        at = max(now, self._next_at, self._hold_until)
        if endpoint == "batch-kline":
            at = max(at, self._next_batch_at)
        missing = 1.0 + (self._burst * facts.SCREEN_SHARE if rank else 0.0) - self._level_now(now)
        if missing > 0:
            at = max(at, now + missing / self._fill_per_s)
        return at

    def spend(self, endpoint: Endpoint, now: float) -> None:
        """Count a request that goes out now."""
        self._level, self._level_at = self._level_now(now) - 1.0, now
        self.answered(endpoint, now)

    def answered(self, endpoint: Endpoint, now: float) -> None:
        """Count the spacing from here: how long the request was on its way is not known, only this."""
        self._next_at = now + self._plan.http_spacing_s
        if endpoint == "batch-kline":
            self._next_batch_at = now + self._plan.batch_spacing_s

    def throttled(self, now: float) -> None:
        """Keep quiet for a while, longer each time: the provider found it too much."""
        longer = self._hold_s * facts.THROTTLE_FACTOR
        self._hold_s = min(facts.THROTTLE_CAP_S, max(facts.THROTTLE_FIRST_S, longer))
        self._hold_until = now + self._hold_s

    def went_well(self) -> None:
        """Forget about being throttled."""
        self._hold_s = 0.0

    def _level_now(self, now: float) -> float:
        if self._level_at is None:
            return self._level
        return min(self._burst, self._level + (now - self._level_at) * self._fill_per_s)


class _Waiter(NamedTuple):
    rank: int
    number: int
    endpoint: Endpoint
    turn: asyncio.Future[None]


class Turns:
    """Lets requests out within the budget, one at a time, the lowest rank first, then in order of asking."""

    def __init__(
        self,
        budget: Budget,
        mono: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.budget = budget
        self._mono = mono
        self._sleep = sleep
        self._waiting: list[_Waiter] = []
        self._numbers = itertools.count()
        self._changed = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None
        self._is_out = False

    @contextlib.asynccontextmanager
    async def take(self, endpoint: Endpoint, rank: int) -> AsyncIterator[None]:
        """Wait for a turn, which lasts as long as the context."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiter(rank, next(self._numbers), endpoint, turn))
        self._changed.set()
        if self._pump is None or self._pump.done():
            self._pump = asyncio.get_running_loop().create_task(self._run())
        try:
            await turn
            yield
        finally:
            if turn.done() and not turn.cancelled():
                self.budget.answered(endpoint, self._mono())
                self._is_out = False
                self._changed.set()

    async def close(self) -> None:
        """Stop letting anybody out."""
        pump, self._pump = self._pump, None
        if pump is not None:
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pump
        for waiter in self._waiting:
            waiter.turn.cancel()
        self._waiting = []

    async def _run(self) -> None:
        while True:
            self._waiting = sorted(one for one in self._waiting if not one.turn.done())
            if not self._waiting:
                return
            now = self._mono()
            at = {one: self.budget.ready_at(one.endpoint, now, one.rank) for one in self._waiting}
            ready = next((one for one in self._waiting if at[one] <= now), None)
            self._changed.clear()
            if self._is_out:
                await self._changed.wait()
            elif ready is not None:
                self.budget.spend(ready.endpoint, now)
                self._is_out = True
                ready.turn.set_result(None)
                self._waiting.remove(ready)
            else:
                await self._nap(min(at.values()) - now)

    async def _nap(self, seconds: float) -> None:
        """Sleep until time has come or something has changed."""
        tasks = [
            asyncio.ensure_future(self._sleep(seconds)),
            asyncio.ensure_future(self._changed.wait()),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
