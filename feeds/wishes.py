"""What is wanted of the providers, from what is watched, shown and listened to. Pure."""

from collections.abc import Iterable, Sequence

from mdterm.feeds.contract import Want
from mdterm.feeds.events import Stream

BOOKS_WATCHED = 10
"""Books that stay subscribed for a watchlist; a longer one follows the visible symbol."""
WARM = 10
"""Instruments shown lately whose streams stay subscribed: coming back must cost no message."""


class Wishes:
    """The streams that one of a feed's users wants now.

    Rank 0 stands on the screen or is listened to, 1 is kept ready.
    """

    def __init__(self) -> None:
        self.watched: list[str] = []
        self._bound: dict[str, tuple[str, tuple[Stream, ...]]] = {}
        self._warm: dict[str, set[Stream]] = {}
        self._kept: dict[str, set[tuple[str, Stream]]] = {}
        self._listened: set[tuple[str, Stream]] = set()

    @property
    def visible(self) -> list[str]:
        """Instruments on the screen and, after them, those shown lately; the newest first."""
        return list(reversed(self._warm))

    def bind(self, panel: str, address: str, streams: tuple[Stream, ...]) -> None:
        """Note what a panel shows."""
        self._bound[panel] = (address, streams)
        self._warm[address] = self._warm.pop(address, set()) | set(streams)
        while len(self._warm) > WARM:
            del self._warm[next(iter(self._warm))]

    def unbind(self, panel: str) -> None:
        """Note that a panel is gone; what it showed stays warm."""
        self._bound.pop(panel, None)

    def leave(self) -> None:
        """Note that nobody looks any more; what was watched and shown stays ready."""
        self._bound.clear()

    def keep(self, purpose: str, wants: Iterable[tuple[str, Stream]]) -> None:
        """Note what is looked at for a purpose of its own, shown or not; it replaces what was before."""
        self._kept[purpose] = set(wants)

    def listen(self, wants: Iterable[tuple[str, Stream]]) -> None:
        """Note what is listened to."""
        self._listened.update(wants)

    def rank(self, ranks: dict[tuple[str, Stream], int]) -> None:
        """Enter every stream wanted here with its best rank; watchlists are entered by ``wants_of``."""
        for address, streams in self._bound.values():
            for stream in streams:
                ranks[(address, stream)] = 0
        for key in self._listened:
            ranks[key] = 0
        for address, kept in self._warm.items():
            for stream in kept:
                ranks.setdefault((address, stream), 1)
        for kept_for in self._kept.values():
            for key in kept_for:
                ranks.setdefault(key, 1)

    def wants(self) -> list[Want]:
        """Return every stream wanted here once, with its best rank."""
        return wants_of([self])


def wants_of(users: Sequence[Wishes]) -> list[Want]:
    """Return every stream that any of them wants once, with its best rank."""
    ranks: dict[tuple[str, Stream], int] = {}
    for one in users:
        one.rank(ranks)
    watched = watched_by(users)
    for address in watched:
        ranks.setdefault((address, "trade"), 1)
    if len(watched) <= BOOKS_WATCHED:
        for address in watched:
            ranks.setdefault((address, "book"), 1)
    return sorted(Want(rank, address, stream) for (address, stream), rank in ranks.items())


def watched_by(users: Iterable[Wishes]) -> list[str]:
    """Return the addresses of all watchlists, each once."""
    return list(dict.fromkeys(address for one in users for address in one.watched))


def visible_to(users: Iterable[Wishes]) -> list[str]:
    """Return the instruments on the screens and those shown lately, each once."""
    return list(dict.fromkeys(address for one in users for address in one.visible))
