"""Remember which ids came lately, in bounded memory."""

from array import array
from bisect import bisect_left
from collections.abc import Sequence

_LARGEST = str((1 << 63) - 1)
"""The largest number that has 64 bits."""


class Recent:
    """Two generations of ids: at least ``age_s`` and ``count`` back, at most twice both.

    The defaults remember every id for 5 minutes (at most 10), or the last 20,000 (at most 40,000)
    where more come.
    """

    __slots__ = ("_age_s", "_began", "_count", "current", "previous")

    def __init__(self, count: int = 20_000, age_s: float = 300.0) -> None:
        self.current: set[object] = set()
        self.previous: set[object] = set()
        self._count = count
        self._age_s = age_s
        self._began: int | None = None

    def is_new(self, key: object) -> bool:
        """Return whether ``key`` was not seen lately, and remember it."""
        if key in self.current or key in self.previous:
            return False
        self.current.add(key)
        return True

    def turn(self, now_ns: int) -> None:
        """Let a generation go when it is full or old. Call now and then, with a wall time in ns."""
        if len(self.current) >= self._count or self.is_old(now_ns):
            self.previous, self.current, self._began = self.current, set(), now_ns

    def is_old(self, now_ns: int) -> bool:
        """Return whether the generation has had its time."""
        if self._began is None:
            self._began = now_ns
        return now_ns - self._began > self._age_s * 1e9


class RecentIds(Recent):
    """The same for ids that mostly rise, as trade ids do: what is above all that came cannot have come.

    Such an id is only noted, by whoever finds it above ``top`` (of the same ``width``): in ``fresh``, or with
    ``note`` where many came at once. Those that are numbers are kept in 8 bytes each, what came at once
    joined, all others in the set. Ids are compared by length, then as text.
    """

    __slots__ = (
        "_before",
        "_joined",
        "_joined_before",
        "_noted",
        "_noted_before",
        "_risen",
        "fresh",
        "top",
        "width",
    )

    def __init__(self, count: int = 20_000, age_s: float = 300.0) -> None:
        super().__init__(count, age_s)
        self.fresh: list[str] = []
        self.top = ""
        self.width = 0
        self._risen = array("q")
        """The numbers of this generation that were above all before them, so in their order."""
        self._before = array("q")
        self._joined: list[tuple[int, str]] = []
        """Width of each id, and ids that came at once one behind the other."""
        self._joined_before: list[tuple[int, str]] = []
        self._noted = self._noted_before = 0
        """How many ids are joined."""

    def __len__(self) -> int:
        """Return how many ids are remembered."""
        sets = len(self.current) + len(self.previous)
        noted = len(self.fresh) + self._noted + self._noted_before
        return sets + noted + len(self._risen) + len(self._before)

    def note(self, ids: str, top: str, count: int) -> None:
        """Note ``count`` ids of the same width that rise, all above the old top; the last is ``top``."""
        self.top = top
        self._joined.append((self.width, ids))
        self._noted += count

    def is_new(self, key: object) -> bool:
        """Return whether ``key`` was not seen lately, and remember it."""
        self._sort_in()
        if self._noted or self._noted_before:
            self._part()
        if isinstance(key, str) and _are_numbers((key,)):
            number = int(key)
            if _holds(self._risen, number) or _holds(self._before, number):
                return False
        if not super().is_new(key):
            return False
        if isinstance(key, str) and (len(key), key) > (self.width, self.top):
            self.width, self.top = len(key), key
        return True

    def turn(self, now_ns: int) -> None:
        """Let a generation go when it is full or old. Call now and then, with a wall time in ns."""
        self._sort_in()
        if self._noted + len(self._risen) + len(self.current) >= self._count or self.is_old(now_ns):
            self.previous, self.current, self._began = self.current, set(), now_ns
            self._before, self._risen = self._risen, array("q")
            self._joined_before, self._joined = self._joined, []
            self._noted_before, self._noted = self._noted, 0

    def _sort_in(self) -> None:
        fresh = self.fresh
        if not fresh:
            return
        if _are_numbers(fresh):
            self._risen.extend(map(int, fresh))
        else:
            self.current.update(fresh)
        fresh.clear()

    def _part(self) -> None:
        """Make single ids of joined ones: one has come that may be among them."""
        for joined, numbers, known in (
            (self._joined_before, self._before, self.previous),
            (self._joined, self._risen, self.current),
        ):
            for width, ids in joined:
                parts = [ids[at : at + width] for at in range(0, len(ids), width)]
                if _are_numbers(parts):
                    numbers.extend(map(int, parts))
                else:
                    known.update(parts)
            if joined:
                numbers[:] = array("q", sorted(numbers))  # single ones may have come between
                joined.clear()
        self._noted = self._noted_before = 0


def _are_numbers(rising: Sequence[str]) -> bool:
    """Return whether rising texts of one length are 64-bit numbers that are written so and no other way."""
    first, last = rising[0], rising[-1]
    if not first or first[0] == "0" or (len(last), last) > (len(_LARGEST), _LARGEST):
        return False
    told = "".join(rising)
    return told.isascii() and told.isdecimal()


def _holds(numbers: "array[int]", number: int) -> bool:
    at = bisect_left(numbers, number)
    return at < len(numbers) and numbers[at] == number
