"""Sums by key over sliding windows of venue time, to the slot: O(1) an entry, whatever the window.

Only windows that somebody looks at are kept up, and while there is none, slots are not summed either: the
first that is asked for sums them, and so does room that runs out.
"""

from collections.abc import Callable, Iterable, Mapping

from mdterm.feeds.burst import Burst
from mdterm.feeds.slots import Slots

ENTRIES = 65_536
_ASIDE = 60_000_000_000
"""Venue time (ns) for which trades stay aside unsummed."""
_UNASKED = 10_000_000_000
"""Venue time (ns) after which a window that nobody asks for is kept up no more."""


class Windows:
    """Sums of the last ``lengths`` (ns), cut into slots of ``slot`` ns.

    A window of W at time T holds the W/slot newest slots, T's own among them: between W minus one slot
    and W of venue time. At most ``entries`` (slot, key) pairs are held; beyond, the oldest slots leave
    early and ``cut_at`` tells until when (ns).
    """

    def __init__(
        self,
        slot: int,
        lengths: Iterable[int],
        entries: int = ENTRIES,
        summed: Callable[[Burst, int, int], dict[int, float]] | None = None,
    ) -> None:
        self._slot = slot
        self._summed = summed
        """Returns the sums by key of the trades of a burst from one index to before another."""
        # Shortest first: the longest window takes the slots that leave it away from all.
        self._spans = {length: length // slot for length in sorted(lengths)}
        self._longest = max(self._spans)
        self._entries = entries
        self._slots = Slots()
        self._aside: dict[int, list[tuple[Burst, int, int]]] = {}
        """By slot: trades that were put aside, since nobody looks."""
        self._held_aside = 0
        # [sum, in how many slots]: when no slot is left the sum goes, without the dust that adding and
        # subtracting floats leaves behind. Here are the windows that are looked at.
        self._sums: dict[int, dict[int, list[float]]] = {}
        self._asked: dict[int, int] = {}
        self._floors = dict.fromkeys(self._spans, -(1 << 62))
        self.now: int | None = None
        """Venue time (ns) at which the windows end: the newest told."""
        self.cut_at: int | None = None

    def add(self, slot: int, sums: dict[int, float]) -> None:
        """Add sums by key to a slot (venue time // slot length); too old a slot is left out.

        ``sums`` is kept and must not be changed afterwards.
        """
        if self._aside:
            self._sum_up()
        self.advance(slot * self._slot)
        if slot < self._floors[self._longest]:
            return
        cells = self._slots.get(slot)
        for length, window in self._sums.items():
            if slot >= self._floors[length]:
                _pour(window, sums, cells)
        if cells is not None:
            sums = {**cells, **{key: cells.get(key, 0.0) + size for key, size in sums.items()}}
        self._slots.put(slot, sums)
        if self._slots.held > self._entries:
            self._cut()

    @property
    def is_looked_at(self) -> bool:
        """Whether any window is kept up."""
        return bool(self._sums)

    def put_aside(self, slot: int, burst: Burst, start: int, end: int) -> None:
        """Keep trades of one slot, from index ``start`` to before ``end``, to be summed when somebody looks.

        Only while no window is looked at, for the newest slot there is or a newer one.
        """
        self.advance(slot * self._slot)
        self._aside.setdefault(slot, []).append((burst, start, end))
        self._held_aside += end - start
        # A slot a time: what the tape has let go takes a third of the room when it is summed.
        if next(iter(self._aside)) < slot - _ASIDE // self._slot:
            self._sum_oldest()
        if self._held_aside + self._slots.held > self._entries:
            self._sum_up()
            if self._slots.held > self._entries:
                self._cut()

    def _sum_up(self) -> None:
        """Sum what was put aside."""
        while self._aside:
            self._sum_oldest()

    def _sum_oldest(self) -> None:
        """Sum the oldest slot that was put aside."""
        assert self._summed is not None
        slot = next(iter(self._aside))
        cells = dict(self._slots.get(slot) or {})
        for burst, start, end in self._aside.pop(slot):
            self._held_aside -= end - start
            for key, size in self._summed(burst, start, end).items():
                cells[key] = cells.get(key, 0.0) + size
        self._slots.put(slot, cells)

    def advance(self, ts: int) -> None:
        """Move the windows' end to venue time ``ts``; going back is ignored."""
        before = self.now
        if before is not None and ts <= before:
            return
        self.now, slot = ts, ts // self._slot
        if before is None or slot > before // self._slot:
            for length, span in self._spans.items():
                self._leave(length, slot - span + 1)
            for length in [one for one, asked in self._asked.items() if asked < ts - _UNASKED]:
                del self._asked[length], self._sums[length]

    def sums(self, length: int) -> Mapping[int, list[float]]:
        """Return a window by key; the sum is the first entry of each. Not to be changed."""
        window = self._sums.get(length)
        if window is None:
            if self._aside:
                self._sum_up()
            window = self._sums[length] = {}
            for slot in self._slots.within(self._floors[length], (self.now or 0) // self._slot + 1):
                _pour(window, self._slots.get(slot) or {}, None)
        self._asked[length] = self.now or 0
        return window

    def clear(self) -> None:
        """Forget everything but the time."""
        self._slots = Slots()
        self._aside = {}
        self._held_aside = 0
        for window in self._sums.values():
            window.clear()

    def rename(self, new_key: Callable[[int], int]) -> None:
        """Give every key another name; sums whose names become equal are joined."""
        if self._aside:
            self._sum_up()
        slots = self._slots
        self.clear()
        for slot in slots:
            renamed: dict[int, float] = {}
            for key, size in (slots.get(slot) or {}).items():
                name = new_key(key)
                renamed[name] = renamed.get(name, 0.0) + size
            self.add(slot, renamed)

    def _cut(self) -> None:
        """Let the oldest slots leave until a sixteenth of the room is free; the newest slot stays."""
        held, floor = self._slots.held, None
        for slot in [*self._slots][:-1]:
            if held <= self._entries - self._entries // 16:
                break
            held -= len(self._slots.get(slot) or ())
            floor = slot + 1
        if floor is not None:
            self.cut_at = floor * self._slot
            for length in self._spans:
                self._leave(length, floor)

    def _leave(self, length: int, floor: int) -> None:
        """Take the slots before ``floor`` out of a window."""
        before = self._floors[length]
        if floor <= before:
            return
        self._floors[length] = floor
        window = self._sums.get(length)
        if window is not None:
            for slot in self._slots.within(before, floor):
                _drain(window, self._slots.get(slot) or {})
        if length == self._longest:
            self._slots.drop(floor)
            # They stand in the order of time.
            while self._aside and (oldest := next(iter(self._aside))) < floor:
                self._held_aside -= sum(end - start for _, start, end in self._aside.pop(oldest))


def _pour(window: dict[int, list[float]], sums: Mapping[int, float], had: Mapping[int, float] | None) -> None:
    """Add a slot's sums to a window; ``had`` is what the slot held before."""
    for key, size in sums.items():
        cell = window.get(key)
        if cell is None:
            window[key] = [size, 1]
        else:
            cell[0] += size
            if had is None or key not in had:
                cell[1] += 1


def _drain(window: dict[int, list[float]], cells: Mapping[int, float]) -> None:
    """Take a slot that leaves out of a window."""
    for key, size in cells.items():
        cell = window[key]
        if cell[1] > 1:
            cell[0] -= size
            cell[1] -= 1
        else:
            del window[key]
