"""Sums by an integer key, many of them in little memory: 16 bytes each, where a dict takes 200."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping

_FRESH = 512
"""Keys that are summed in a dict, which is quick, before they are sorted in."""


class Keyed:
    """Sums by key, read in the order of keys. Keys are 64-bit."""

    def __init__(self, cells: Iterable[tuple[int, float]] = ()) -> None:
        self._keys = array("q")
        self._sums = array("d")
        self._fresh: dict[int, float] = {}
        for key, size in cells:
            self.add(key, size)

    def add(self, key: int, size: float) -> None:
        """Add to a sum."""
        self.pour({key: size})

    def pour(self, cells: Mapping[int, float]) -> None:
        """Add to many sums."""
        fresh = self._fresh
        for key, size in cells.items():
            fresh[key] = fresh.get(key, 0.0) + size
        if len(fresh) > _FRESH:
            self._sort_in()

    def is_over(self, count: int) -> bool:
        """Whether there are more than ``count`` keys."""
        if len(self._keys) + len(self._fresh) <= count:
            return False
        self._sort_in()
        return len(self._keys) > count

    def between(self, start: int, end: int) -> Iterator[tuple[int, float]]:
        """Yield keys of ``[start, end)``, lowest first, with their sums."""
        self._sort_in()
        first = bisect_left(self._keys, start)
        last = bisect_left(self._keys, end, first)
        return zip(self._keys[first:last], self._sums[first:last], strict=True)

    def items(self) -> Iterator[tuple[int, float]]:
        """Yield all keys, lowest first, with their sums."""
        self._sort_in()
        return zip(self._keys[:], self._sums[:], strict=True)

    def span(self) -> tuple[int, int] | None:
        """Return the lowest and the highest key."""
        self._sort_in()
        return (self._keys[0], self._keys[-1]) if self._keys else None

    def _sort_in(self) -> None:
        keys, sums = self._keys, self._sums
        for key, size in self._fresh.items():
            at = bisect_left(keys, key)
            if at < len(keys) and keys[at] == key:
                sums[at] += size
            else:
                keys.insert(at, key)
                sums.insert(at, size)
        self._fresh.clear()
