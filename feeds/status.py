"""In what state the data is, derived in one place from facts about the link and the stream."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from mdterm.feeds.events import State

BROKEN = "an internal error; the log (L) tells"
"""What is said where we fail ourselves."""

Phase = Literal["connecting", "open", "waiting", "refused", "closed"]
Word = Literal[
    "CONNECTING",
    "WARMING",
    "LIVE",
    "REPLAY",
    "QUIET",
    "STALE",
    "RECONNECTING",
    "GAP",
    "PARTIAL",
    "CLOSED",
    "REFUSED",
]

NO_DATA_HINT_S = 20.0
"""After so long without a frame the reason may be the key, the plan or the symbol."""


STAND_IN_S = 300.0
"""What stands in for a socket comes seldom: an instrument that trades may show nothing new for so long."""


class LinkHealth(msgspec.Struct):
    """What is known of a connection. Times are seconds on the monotonic clock."""

    phase: Phase = "connecting"
    since: float = 0.0
    """When the phase began; for a lost link, when it was lost."""
    attempt: int = 0
    """Attempts since data last came."""
    opened_once: bool = False
    opened_at: float | None = None
    retry_at: float | None = None
    detail: str | None = None
    frames: int = 0
    last_frame: float | None = None


class StreamHealth(msgspec.Struct):
    """What is known of one stream of one instrument. Times are seconds on the monotonic clock."""

    wanted_at: float
    stale_after_s: float | None
    beside_at: float | None = None
    """When a stream last flowed that proves, while it does, that this one has nothing new to tell."""
    tries: int = 0
    """Failed attempts to learn what it takes to subscribe it."""
    last_at: float | None = None
    lost_at: int | None = None
    """Wall time (ns) at which the link was lost, until the stream flows again."""
    gap_since: int | None = None
    """Wall time (ns) since which events may be missing."""
    waiting: str | None = None
    """What must be known before it can be subscribed."""
    partial: str | None = None
    """Why the figures are incomplete though the stream flows."""
    stands_in: str | None = None
    """What is told in the place of a socket that is refused or silent, and what is missing in it."""
    closed_since: int | None = None
    refused: str | None = None


class Caution(msgspec.Struct, frozen=True):
    """What must be known to read an instrument's figures: a badge for the title, and the words behind it.

    ``is_raw``: prices are counts of ticks and sizes counts of lots, because nobody told what these are.
    """

    badge: str
    words: str
    is_raw: bool = False


class Shown(msgspec.Struct, frozen=True):
    """The state a panel's title tells: a word, an age in seconds, a wall time (ns), a reason."""

    word: Word
    age: float | None = None
    since: int | None = None
    attempt: int = 0
    detail: str | None = None

    @property
    def is_current(self) -> bool:
        """Whether what is shown may be taken for the present; else the panel dims."""
        return self.word in ("LIVE", "REPLAY", "QUIET", "GAP", "PARTIAL", "CLOSED")


def derive(link: LinkHealth | None, stream: StreamHealth | None, now: float) -> Shown:
    """Say in what state a stream is at ``now``, from facts alone."""
    if stream is not None and stream.stands_in is not None and stream.last_at is not None:
        if stream.closed_since is not None:
            return Shown("CLOSED", since=stream.closed_since)
        age = max(0.0, now - stream.last_at)
        return Shown("PARTIAL" if age < STAND_IN_S else "STALE", age=age, detail=stream.stands_in)
    if stream is not None and stream.refused is not None:
        return Shown("REFUSED", detail=stream.refused)
    if link is None or stream is None:
        waiting = None if stream is None else stream.waiting
        if stream is not None and stream.tries:
            age = now - stream.wanted_at
            return Shown(
                "CONNECTING" if stream.tries == 1 else "RECONNECTING",
                age=age,
                attempt=stream.tries,
                detail=waiting,
            )
        return Shown("WARMING", detail=waiting or "not subscribed")
    if link.phase == "refused":
        return Shown("REFUSED", detail=link.detail)
    if link.phase == "closed":
        return Shown("RECONNECTING", age=now - link.since, detail="the connection is closed")
    if link.phase in ("connecting", "waiting"):
        if not link.opened_once and link.attempt <= 1:
            return Shown("CONNECTING", age=now - link.since, detail=link.detail)
        return Shown("RECONNECTING", age=now - link.since, attempt=link.attempt, detail=link.detail)
    if stream.closed_since is not None:
        return Shown("CLOSED", since=stream.closed_since)
    if stream.last_at is None:
        waited = now - max(stream.wanted_at, link.opened_at or 0.0)
        hint = stream.waiting
        if hint is None and waited > NO_DATA_HINT_S:
            hint = "no data: is it the key, the plan or the symbol?"
        if stream.stale_after_s is None and waited > 2.0:
            return Shown("QUIET", age=waited, detail=None)
        return Shown("WARMING", age=waited, detail=hint)
    age = max(0.0, now - stream.last_at)
    is_silent = stream.stale_after_s is not None and age > stream.stale_after_s
    if is_silent and not _is_proven_alive(stream, now):
        return Shown("STALE", age=age, detail="the link is open but nothing comes")
    if stream.lost_at is not None:
        # The link is open again, but nothing has come over it: what is shown is from before the loss.
        if stream.stale_after_s is None:
            return Shown("QUIET", age=age)
        return Shown("WARMING", age=now - max(stream.wanted_at, link.opened_at or 0.0), detail=stream.waiting)
    if stream.gap_since is not None:
        return Shown("GAP", since=stream.gap_since, detail="the link was lost; prints may be missing")
    if stream.partial is not None:
        return Shown("PARTIAL", age=age, detail=stream.partial)
    if is_silent or (stream.stale_after_s is None and age > 10.0):
        return Shown("QUIET", age=age)
    return Shown("LIVE", age=age)


def _is_proven_alive(stream: StreamHealth, now: float) -> bool:
    """Return whether what comes with a silent stream still flows."""
    beside, bound = stream.beside_at, stream.stale_after_s
    return beside is not None and bound is not None and now - beside <= bound


_STATES: dict[Word, State] = {
    "CONNECTING": "connecting",
    "WARMING": "connecting",
    "LIVE": "live",
    "REPLAY": "live",
    "QUIET": "quiet",
    "STALE": "stale",
    "RECONNECTING": "reconnecting",
    "GAP": "gap",
    "PARTIAL": "live",
    "CLOSED": "closed",
    "REFUSED": "refused",
}
# An address is as bad as its worst stream, but a refused side stream does not make it refused.
_WORST: tuple[Word, ...] = (
    "CONNECTING",
    "RECONNECTING",
    "STALE",
    "GAP",
    "CLOSED",
    "LIVE",
    "PARTIAL",
    "WARMING",
    "QUIET",
)


_BEST: tuple[Word, ...] = (
    "LIVE",
    "REPLAY",
    "PARTIAL",
    "GAP",
    "QUIET",
    "STALE",
    "CLOSED",
    "RECONNECTING",
    "WARMING",
    "CONNECTING",
)


def best(shown: Iterable[Shown]) -> Shown:
    """Return the state of a panel made of several streams: the one that is most alive."""
    found: list[Shown] = []
    for one in shown:
        if one.word == _BEST[0]:
            return one  # of thousands the rest need not be asked
        found.append(one)
    for word in _BEST:
        for one in found:
            if one.word == word:
                return one
    return found[0] if found else Shown("WARMING", detail="nothing to watch")


def overall(shown: list[Shown]) -> tuple[State, str | None]:
    """Return the state of an address as a whole, from the states of its streams."""
    if not shown:
        return "connecting", None
    alive = [one for one in shown if one.word != "REFUSED"]
    if not alive:
        return "refused", next((one.detail for one in shown if one.detail), None)
    for word in _WORST:
        for one in alive:
            if one.word == word:
                return _STATES[word], one.detail
    return "connecting", None
