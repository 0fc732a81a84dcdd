"""Sums by key, slot of time by slot: the newest as they grow, older ones packed.

A dict for every tenth of a second of many instruments would be most of what the program holds.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator

_OPEN = 3
"""Slots that still grow: what comes at one beat lies in two, late trades in the one before."""


class Slots:
    """Sums by key of each slot; 12 or 16 bytes an entry and 16 a slot, the newest three apart."""

    def __init__(self) -> None:
        self.held = 0
        """(slot, key) pairs."""
        self._open: dict[int, dict[int, float]] = {}
        self._numbers = array("q")
        self._starts = array("q")
        """Where a slot's entries begin, counted from the first entry ever packed."""
        self._keys: array[int] = array("i")
        """In 32 bits as long as that is enough."""
        self._sizes = array("d")
        self._cut = 0
        """Entries that were let go before the first one held."""

    def __len__(self) -> int:
        """Return how many slots there are."""
        return len(self._numbers) + len(self._open)

    def __iter__(self) -> Iterator[int]:
        """Yield the slots, oldest first."""
        return iter(sorted((*self._numbers, *self._open)))

    def within(self, start: int, end: int) -> list[int]:
        """Return the slots of ``[start, end)``, oldest first."""
        first = bisect_left(self._numbers, start)
        packed = self._numbers[first : bisect_left(self._numbers, end, first)]
        return sorted((*packed, *(slot for slot in self._open if start <= slot < end)))

    def get(self, slot: int) -> dict[int, float] | None:
        """Return a slot's sums, None where there are none; a change of them counts once they are put."""
        cells = self._open.get(slot)
        if cells is not None:
            return cells
        at = bisect_left(self._numbers, slot)
        if at == len(self._numbers) or self._numbers[at] != slot:
            return None
        start, end = self._span(at)
        return dict(zip(self._keys[start:end], self._sizes[start:end], strict=True))

    def put(self, slot: int, cells: dict[int, float]) -> None:
        """Set a slot's sums; ``cells`` is kept."""
        had = self._open.get(slot)
        if had is None:
            at = bisect_left(self._numbers, slot)
            if at < len(self._numbers) and self._numbers[at] == slot:
                self._take_out(at)
        else:
            self.held -= len(had)
        self._open[slot] = cells
        self.held += len(cells)
        while len(self._open) > _OPEN:
            oldest = min(self._open)
            self._pack(oldest, self._open.pop(oldest))

    def drop(self, floor: int) -> None:
        """Let the slots before ``floor`` go."""
        for slot in [slot for slot in self._open if slot < floor]:
            self.held -= len(self._open.pop(slot))
        gone = bisect_left(self._numbers, floor)
        if not gone:
            return
        end = self._starts[gone] if gone < len(self._starts) else self._cut + len(self._keys)
        self.held -= end - self._cut
        del self._numbers[:gone], self._starts[:gone]
        del self._keys[: end - self._cut], self._sizes[: end - self._cut]
        self._cut = end

    def _span(self, at: int) -> tuple[int, int]:
        """Return where the entries of the slot at an index lie."""
        start = self._starts[at] - self._cut
        end = self._starts[at + 1] - self._cut if at + 1 < len(self._starts) else len(self._keys)
        return start, end

    def _pack(self, slot: int, cells: dict[int, float]) -> None:
        at, keys = bisect_left(self._numbers, slot), self._narrow(cells)
        if at == len(self._numbers):
            self._numbers.append(slot)
            self._starts.append(self._cut + len(self._keys))
            self._keys.extend(keys)
            self._sizes.extend(cells.values())
            return
        start, _ = self._span(at)
        self._numbers.insert(at, slot)
        self._starts.insert(at, self._cut + start)
        self._keys[start:start] = keys
        self._sizes[start:start] = array("d", cells.values())
        self._shift(at + 1, len(cells))

    def _narrow(self, keys: Iterable[int]) -> "array[int]":
        """Return keys as they are kept; where they do not fit, all are kept in 64 bits from now on."""
        try:
            return array(self._keys.typecode, keys)
        except OverflowError:
            self._keys = array("q", self._keys)
            return array("q", keys)

    def _take_out(self, at: int) -> None:
        start, end = self._span(at)
        self.held -= end - start
        del self._numbers[at], self._starts[at], self._keys[start:end], self._sizes[start:end]
        self._shift(at, start - end)

    def _shift(self, at: int, by: int) -> None:
        for later in range(at, len(self._starts)):
            self._starts[later] += by
