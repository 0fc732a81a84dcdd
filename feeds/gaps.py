"""Stretches of venue time of which trades may be missing, until a backfill covers them."""

KEPT = 64


class Gaps:
    """At most 64 open gaps and as many past interruptions, oldest first; of more, the two oldest are joined.

    A gap is ``(start, end)`` in ns of venue time: the last trade before the link was lost and the first
    after; ``end`` None while no trade has come since. Times at the ends themselves were seen.
    """

    def __init__(self) -> None:
        self.current: list[tuple[int, int | None]] = []
        """Gaps that no backfill has covered."""
        self._past: list[tuple[int, int | None]] = []

    @property
    def since(self) -> int | None:
        """Since when trades may be missing (ns), None while all is known."""
        return self.current[0][0] if self.current else None

    def begin(self, ts: int) -> None:
        """Say that nothing is known after ``ts``, until the next trade."""
        for gaps in (self.current, self._past):
            if gaps and gaps[-1][1] is None:
                continue
            gaps.append((ts, None))
            if len(gaps) > KEPT:
                gaps[:2] = [(gaps[0][0], gaps[1][1])]

    def missed(self, start: int, end: int) -> None:
        """Say that nothing is known between two times; what is open already says more."""
        self.begin(start)
        for gaps in (self.current, self._past):
            if gaps[-1] == (start, None):
                gaps[-1] = (start, end)

    def bridge(self) -> None:
        """Say that nothing was missed since the last ``begin``."""
        for gaps in (self.current, self._past):
            if gaps and gaps[-1][1] is None:
                gaps.pop()

    @property
    def is_open(self) -> bool:
        """Whether no trade has come since the last interruption."""
        return bool(self._past) and self._past[-1][1] is None

    def saw(self, ts: int) -> None:
        """Say that a trade of ``ts`` came after an interruption; a late one ends nothing."""
        for gaps in (self.current, self._past):
            if gaps and gaps[-1][1] is None and ts > gaps[-1][0]:
                gaps[-1] = (gaps[-1][0], ts)

    def cover(self, start: int, end: int) -> None:
        """Say that the provider has told all trades from ``start`` through ``end``."""
        left: list[tuple[int, int | None]] = []
        for begin, finish in self.current:
            if end <= begin or (finish is not None and start >= finish):
                left.append((begin, finish))
                continue
            if begin < start:
                left.append((begin, start))
            if finish is None or end < finish:
                left.append((max(begin, end), finish))
        self.current = left[:KEPT]

    def broke(self, start: int, end: int) -> bool:
        """Whether an interruption, mended or not, touches ``[start, end)``."""
        return any(begin < end and (finish is None or finish >= start) for begin, finish in self._past)
