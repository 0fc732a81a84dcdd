"""Remember which ids came lately, in bounded memory."""


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

    Such an id is only noted in ``fresh``, by whoever finds it above ``top`` (of the same ``width``), and goes
    into the set when one comes that is not. Ids are compared by length, then as text.
    """

    __slots__ = ("fresh", "top", "width")

    def __init__(self, count: int = 20_000, age_s: float = 300.0) -> None:
        super().__init__(count, age_s)
        self.fresh: list[str] = []
        self.top = ""
        self.width = 0

    def is_new(self, key: object) -> bool:
        """Return whether ``key`` was not seen lately, and remember it."""
        self._sort_in()
        if not super().is_new(key):
            return False
        if isinstance(key, str) and (len(key), key) > (self.width, self.top):
            self.width, self.top = len(key), key
        return True

    def turn(self, now_ns: int) -> None:
        """Let a generation go when it is full or old. Call now and then, with a wall time in ns."""
        if len(self.fresh) + len(self.current) >= self._count or self.is_old(now_ns):
            self._sort_in()
        super().turn(now_ns)

    def _sort_in(self) -> None:
        if self.fresh:
            self.current.update(self.fresh)
            self.fresh.clear()
