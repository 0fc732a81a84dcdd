"""The watchlist as its person has it: the configured one, the edits over it, and its groups.

The configuration is never written. What is added, taken away, moved and grouped lies over it, leaf by leaf,
in the state file; without one (addresses on the command line) it holds for this run alone.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from mdterm.app.state import State

ADDED: Final = "added"
REMOVED: Final = "removed"


class Roster:
    """Edits over the watchlist. ``groups`` are those of the configuration, by their names."""

    def __init__(self, state: State | None = None, groups: Mapping[str, Sequence[str]] | None = None) -> None:
        self._state = state
        self._configured = {name: tuple(addresses) for name, addresses in (groups or {}).items()}
        self._edits: dict[str, str] = {}
        self._order: list[str] = []
        self._grouped: dict[str, dict[str, bool]] = {}
        self._base: frozenset[str] = frozenset()
        if state is not None:
            edits = state.table("watchlist", "edits")
            self._edits = {one: how for one, how in edits.items() if how in (ADDED, REMOVED)}
            self._order = state.texts("watchlist", "order")
            self._grouped = {
                name: {one: is_in for one, is_in in table.items() if isinstance(is_in, bool)}
                for name, table in state.table("watchlist", "groups").items()
                if isinstance(table, dict)
            }

    @property
    def added(self) -> list[str]:
        """What the person added, in that order."""
        return [one for one, how in self._edits.items() if how == ADDED]

    def arrange(self, base: Sequence[str]) -> list[str]:
        """Return the watchlist: ``base`` without what was taken away, then what was added, in its order.

        What the order does not know comes last. ``base`` is remembered: only what is in it needs a note
        that it was taken away.
        """
        self._base = frozenset(base)
        listed = [one for one in base if self._edits.get(one) != REMOVED]
        listed += [one for one in self.added if one not in self._base]
        places = {one: at for at, one in enumerate(self._order)}
        return sorted(listed, key=lambda one: places.get(one, len(places)))

    def add(self, address: str) -> None:
        """Note that an instrument is on the list."""
        self._edit(address, None if address in self._base else ADDED)

    def remove(self, address: str) -> None:
        """Note that an instrument is not on the list any more, nor in any group."""
        self._edit(address, REMOVED if address in self._base else None)
        for name in self.groups():
            if address in self.members(name):
                self.ungroup(name, address)

    def _edit(self, address: str, how: str | None) -> None:
        self._edits.pop(address, None)
        if how is not None:
            self._edits[address] = how
        self._put(how, "edits", address)

    def reorder(self, addresses: Sequence[str]) -> None:
        """Note the order of the whole list."""
        self._order = list(addresses)
        self._put(list(addresses), "order")

    # Groups

    def groups(self) -> list[str]:
        """Return the names of the groups that have members, the configured ones first."""
        names = dict.fromkeys((*self._configured, *self._grouped))
        return [name for name in names if self.members(name)]

    def members(self, name: str) -> list[str]:
        """Return the addresses of a group: the configured ones and the person's edits over them."""
        edits = self._grouped.get(name, {})
        configured = self._configured.get(name, ())
        return [one for one in configured if edits.get(one, True)] + [
            one for one, is_in in edits.items() if is_in and one not in configured
        ]

    def group(self, name: str, address: str) -> None:
        """Put an instrument into a group, which need not exist."""
        self._regroup(name, address, None if address in self._configured.get(name, ()) else True)

    def ungroup(self, name: str, address: str) -> None:
        """Take an instrument out of a group; one without members is gone."""
        self._regroup(name, address, False if address in self._configured.get(name, ()) else None)

    def _regroup(self, name: str, address: str, is_in: bool | None) -> None:
        edits = self._grouped.setdefault(name, {})
        edits.pop(address, None)
        if is_in is not None:
            edits[address] = is_in
        self._put(is_in, "groups", name, address)

    def _put(self, value: str | bool | list[str] | None, *path: str) -> None:
        if self._state is not None:
            self._state.put(value, "watchlist", *path)
