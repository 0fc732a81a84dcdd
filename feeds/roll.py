"""The newest trades by the run, as they were folded: bounded by number and by age."""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from mdterm.feeds.burst import Burst
from mdterm.feeds.events import Trade


class Roll:
    """At most ``most`` trades, newest last; beyond ``calm`` of them only what was seen lately."""

    def __init__(self, most: int, calm: int) -> None:
        self._most = most
        self._calm = calm
        self._runs: deque[Sequence[Trade]] = deque()
        self._count = 0
        self._cut = 0
        """Trades of the oldest run that have left already."""

    def __len__(self) -> int:
        """Return how many trades there are."""
        return self._count - self._cut

    def __iter__(self) -> Iterator[Trade]:
        """Return the trades, oldest first."""
        return islice(chain.from_iterable(self._runs), self._cut, None)

    def last(self, count: int) -> list[Trade]:
        """Return the newest trades, at most so many, oldest first."""
        count = min(count, len(self))
        found: list[Trade] = []
        for run in reversed(self._runs):
            if len(found) >= count:
                break
            found[:0] = list(run)
        return found[len(found) - count :]

    def add(self, trades: Sequence[Trade]) -> None:
        """Take a run in; it is kept and must not be changed afterwards."""
        self._runs.append(trades)
        self._count += len(trades)
        self._drop(len(self) - self._most)

    def forget(self, before: int) -> None:
        """Let the trades seen before ``before`` (ns) go, but for the newest."""
        while (spare := len(self) - self._calm) > 0:
            run = self._runs[0]
            if _seen(run, -1) < before and len(run) - self._cut <= spare:
                self._drop(len(run) - self._cut)
                continue
            end = min(len(run), self._cut + spare)
            stays = next((at for at in range(self._cut, end) if _seen(run, at) >= before), end)
            self._drop(stays - self._cut)
            return

    def _drop(self, count: int) -> None:
        """Let the oldest trades go."""
        if count <= 0:
            return
        self._cut += count
        runs = self._runs
        while runs and len(runs[0]) <= self._cut:
            gone = len(runs.popleft())
            self._cut -= gone
            self._count -= gone

    def rejoin(self, ts: int) -> None:
        """Let the newest trades go that are of ``ts`` (ns, venue) or later."""
        kept = list(self)
        while kept and (kept[-1].ts or 0) >= ts:
            kept.pop()
        self.clear()
        if kept:
            self.add(kept)

    def clear(self) -> None:
        """Let all go."""
        self._runs.clear()
        self._count = self._cut = 0


def _seen(run: Sequence[Trade], at: int) -> int:
    """Return when a trade of a run was received (ns)."""
    return run.seens[at] if isinstance(run, Burst) else run[at].seen
