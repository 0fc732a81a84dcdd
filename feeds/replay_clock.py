"""Recorded time: it stands where a record was received while that is taken in, and runs on in between."""

from mdterm.feeds.clock import Clock


class ReplayClock:
    """Both clocks of a replay; ``speed`` 0 is a pause. Read from any thread, set on the feed's."""

    def __init__(self, real: Clock, at: int = 0, mono: float = 0.0) -> None:
        self.speed = 0.0
        self._real = real
        self._at = at
        self._mono = mono
        self._since = real.mono()
        self._limit: float | None = None
        self._pinned = True

    def wall(self) -> int:
        """Return the recorded wall clock in ns."""
        return self._at + round((self.mono() - self._mono) * 1e9)

    def mono(self) -> float:
        """Return the recorded monotonic clock in s."""
        if self._pinned or not self.speed:
            return self._mono
        now = self._mono + (self._real.mono() - self._since) * self.speed
        return now if self._limit is None else min(now, max(self._limit, self._mono))

    def pin(self, at: int, mono: float) -> None:
        """Stand at a record."""
        self._at, self._mono, self._pinned = at, mono, True

    def run(self, limit: float | None) -> None:
        """Run on from where it stands, but not beyond ``limit`` (s): the next record."""
        self._since, self._limit, self._pinned = self._real.mono(), limit, False
