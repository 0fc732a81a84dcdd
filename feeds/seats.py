"""Who looks at a feed: the screens, and what the one that left stays warm for."""

from collections.abc import Iterator, Sequence

from mdterm.feeds.alerts import Alarm, Rule
from mdterm.feeds.away import Away
from mdterm.feeds.market import Market, Quote
from mdterm.feeds.seat import Seat
from mdterm.feeds.wishes import Wishes


class Seats:
    """The places of all screens, in the order in which they were taken."""

    def __init__(self) -> None:
        self._all: list[Seat] = []
        self.left = Wishes()
        """What the screen that left last had: it stays warm, and its alerts stay set."""
        self._left_rules: list[Rule] = []
        self._left_away: Away | None = None

    def __iter__(self) -> Iterator[Seat]:
        """Yield the seats."""
        return iter(self._all)

    def take(self, seat: Seat, *, follows: bool) -> None:
        """Take in a screen; one that ``follows`` the last that left is told what passed since then."""
        if follows and self._left_away is not None:
            seat.away, self._left_away = self._left_away, None
        self._all.append(seat)

    def leave(self, seat: Seat, *, stays_warm: bool) -> None:
        """Let a screen go; what it had stays, where it ``stays_warm``, until another leaves so."""
        seat.close()
        self._all.remove(seat)
        before = self._left_away if stays_warm else seat.away
        if before is not None:
            before.close()
        if stays_warm:
            seat.left()
            self._left_away = seat.away
            seat.wishes.leave()
            self.left, self._left_rules = seat.wishes, seat.rules

    @property
    def wishes(self) -> list[Wishes]:
        """What the screens want."""
        return [seat.wishes for seat in self._all]

    @property
    def rules(self) -> list[Rule]:
        """What any screen looks for, each once; where there is none, what the one that left looked for."""
        return list(dict.fromkeys([rule for seat in self._all for rule in seat.rules] or self._left_rules))

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """What any screen compares, each once."""
        return list(dict.fromkeys(pair for seat in self._all for pair in seat.pairs))

    def touch(self, *, urgent: bool = False) -> None:
        """Say that something on the screens may have changed."""
        for seat in self._all:
            seat.beat.touch(urgent=urgent)

    def raised(self, alarm: Alarm) -> None:
        """Tell everybody of an alert that fired, and keep it for those who are away."""
        for away in self._aways:
            away.alarm(alarm)
        for seat in self._all:
            if seat.raised is not None:
                seat.raised(alarm)

    # What passes while nobody looks.

    @property
    def _aways(self) -> Sequence[Away]:
        left = [] if self._left_away is None else [self._left_away]
        return [*(seat.away for seat in self._all), *left]

    def begin(self, address: str, market: Market | Quote) -> None:
        """Sum what passes at a market from now on."""
        for away in self._aways:
            away.begin(address, market)

    def let_go(self, address: str) -> None:
        """Sum nothing more of a market."""
        for away in self._aways:
            away.let_go(address)

    def gap(self, address: str, since: int, until: int) -> None:
        """Note that trades between two times (wall, ns) may be missing."""
        for away in self._aways:
            away.gap(address, since, until)

    def close(self) -> None:
        """Make no more frames."""
        for seat in self._all:
            seat.close()
