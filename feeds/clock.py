"""Time comes in from outside, so that every rule about it can be tested without waiting."""

import time
from typing import Protocol


class Clock(Protocol):
    """Two clocks: one to say when, one to say how long."""

    def wall(self) -> int:
        """Return the wall clock in ns since the epoch."""

    def mono(self) -> float:
        """Return seconds on a clock that never steps and runs during suspend."""


class SystemClock:
    """The machine's own clocks."""

    # CLOCK_MONOTONIC stands still while a laptop sleeps; an age must not.
    _source = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

    def wall(self) -> int:
        """Return the wall clock in ns since the epoch."""
        return time.time_ns()

    def mono(self) -> float:
        """Return seconds since boot, suspend included."""
        return time.clock_gettime(self._source)
