"""What the keys of the watchlist do: which instruments, in which order. Their names are the keymap's ids."""

from collections.abc import Sequence

from mdterm.app.deck import Deck
from mdterm.app.roster import Roster
from mdterm.feeds.address import Instrument
from mdterm.widgets.watch import WatchStrip
from mdterm.widgets.watchlist import Watchlist


class WatchKeys(Deck, inherit_bindings=False):
    """The keys of the watchlist."""

    instruments: tuple[Instrument, ...]
    """All that are watched, in the person's own order."""
    symbols: WatchStrip
    roster: Roster
    at: int
    """Which of the instruments is shown."""
    before: int
    group: str | None
    """The group that is shown, None for all."""

    def action_show_instrument(self, index: int) -> None:
        """Show an instrument of the list."""
        raise NotImplementedError

    def show_shown(self) -> None:
        """Empty the panels for the instrument that is shown now."""
        raise NotImplementedError

    # The list

    def listed(self) -> list[int]:
        """Return which instruments are of the group that is shown, in the person's own order."""
        if self.group is None:
            return list(range(len(self.instruments)))
        members = frozenset(self.roster.members(self.group))
        return [at for at, one in enumerate(self.instruments) if one.address in members]

    def in_sight(self) -> list[int]:
        """Return the instruments as they stand on the screen: sorted and filtered, where that is seen."""
        rows = self.watchlist.rows if self.is_bound(self.watchlist.name_of_view) else ()
        places = {one.address: at for at, one in enumerate(self.instruments)}
        return [places[row.address] for row in rows if row.address in places] or self.listed()

    def name_list(self) -> None:
        """Tell watchlist and line which instruments there are."""
        listed = [self.instruments[at] for at in self.listed()]
        is_group = self.group is not None
        self.symbols.set_symbols([(one.address, one.symbol) for one in listed], is_group=is_group)
        self.watchlist.expect([one.address for one in listed], self.group)

    def add_instrument(self, instrument: Instrument) -> None:
        """Show an instrument; one that is not on the list comes to its end, and into the group shown."""
        addresses = [one.address for one in self.instruments]
        if instrument.address not in addresses:
            self.roster.add(instrument.address)
            addresses.append(instrument.address)
            self._rewatch((*self.instruments, instrument))
        if self.group is not None and instrument.address not in self.roster.members(self.group):
            self.roster.group(self.group, instrument.address)
            self.name_list()
        self.action_show_instrument(addresses.index(instrument.address))
        self.bind_views()

    def action_unwatch(self) -> None:
        """Take an instrument off the list, or out of the group; the last one stays."""
        gone = self._pointed()
        address = self.instruments[gone].address
        listed = self.listed()
        if self.group is not None:
            if len(listed) > 1:
                self.roster.ungroup(self.group, address)
                self._leave(gone, listed)
        elif len(self.instruments) > 1:
            self.roster.remove(address)
            kept = [at for at in range(len(self.instruments)) if at != gone]
            is_shown = gone == self.at
            self.before = kept.index(self.before) if self.before != gone else 0
            self.at = min(gone, len(kept) - 1) if is_shown else kept.index(self.at)
            self._rewatch([self.instruments[at] for at in kept])
            if is_shown:
                self.show_shown()
        self.bind_views()

    def _leave(self, gone: int, listed: Sequence[int]) -> None:
        """Show another one of the group, where the shown one has left it."""
        self.name_list()
        if gone == self.at:
            place = listed.index(gone)
            self.action_show_instrument(listed[place + 1] if place + 1 < len(listed) else listed[place - 1])

    def _pointed(self) -> int:
        """Return which instrument a key means: that under the list's cursor while it has the keys."""
        if self.watchlist.has_focus:
            for at, one in enumerate(self.instruments):
                if one.address == self.watchlist.cursor:
                    return at
        return self.at

    def _rewatch(self, instruments: Sequence[Instrument]) -> None:
        self.instruments = tuple(instruments)
        self.port.watch(self.instruments)
        self.name_list()

    def action_move_symbol_up(self) -> None:
        """Move the symbol towards the beginning of the list."""
        self._move(-1)

    def action_move_symbol_down(self) -> None:
        """Move the symbol towards the end of the list."""
        self._move(1)

    def _move(self, by: int) -> None:
        """Move a symbol past its neighbour in the group; the ends do not wrap."""
        if self.watchlist.sort is not None:
            self.notify("the watchlist is sorted by a column: o leads to your own order", markup=False)
            return
        listed, moved = self.listed(), self._pointed()
        place = listed.index(moved) + by if moved in listed else -1
        if not 0 <= place < len(listed):
            return
        shown, before = self.instrument, self.instruments[self.before]
        order = list(self.instruments)
        order.insert(listed[place], order.pop(moved))
        self.at, self.before = order.index(shown), order.index(before)
        self.roster.reorder([one.address for one in order])
        self._rewatch(order)
        self.bind_views()

    # Which rows, in which order

    def action_next_sort(self) -> None:
        """Sort by the next column."""
        self.watchlist.next_sort()

    def action_reverse_sort(self) -> None:
        """Sort the other way round."""
        self.watchlist.reverse()

    def action_filter_watchlist(self) -> None:
        """Type what the symbols shall hold."""
        if self.is_bound(self.watchlist.name_of_view):
            self.set_focus(self.watchlist)  # at once: what is typed next is for it
            self.watchlist.type_words()
        else:
            self.notify("the watchlist is not on the screen: l leads to a layout that has it", markup=False)

    def action_next_group(self) -> None:
        """Show the next group; after the last one all instruments."""
        watched = {one.address for one in self.instruments}
        names = [one for one in self.roster.groups() if not watched.isdisjoint(self.roster.members(one))]
        at = -1 if self.group not in names else names.index(self.group)
        self.show_group(names[at + 1] if at + 1 < len(names) else None)

    def show_group(self, name: str | None) -> None:
        """Show the instruments of a group, None for all."""
        self.group = name if name in self.roster.groups() else None
        self.name_list()
        self.bind_views()

    def on_watchlist_rearranged(self, message: Watchlist.Rearranged) -> None:
        """Ask for the rows that are wanted now."""
        self.bind_views()

    def on_watchlist_selected(self, message: Watchlist.Selected) -> None:
        """Show the instrument that was chosen in the watchlist."""
        self._show_address(message.address)

    def on_watch_strip_chosen(self, message: WatchStrip.Chosen) -> None:
        """Show the symbol that was clicked."""
        self._show_address(message.address)

    def _show_address(self, address: str) -> None:
        for at, one in enumerate(self.instruments):
            if one.address == address:
                self.action_show_instrument(at)

    # Symbol by symbol

    def action_show_symbol(self, number: int) -> None:
        """Show the instrument behind a digit."""
        listed = self.listed()
        if number <= len(listed):
            self.action_show_instrument(listed[number - 1])

    def action_previous_symbol(self) -> None:
        """Show the instrument before, around the end."""
        self._step(-1)

    def action_next_symbol(self) -> None:
        """Show the instrument after, around the end."""
        self._step(1)

    def _step(self, by: int) -> None:
        seen = self.in_sight()
        place = seen.index(self.at) + by if self.at in seen else 0
        self.action_show_instrument(seen[place % len(seen)])

    def action_last_symbol(self) -> None:
        """Show the instrument that was shown before this one."""
        self.action_show_instrument(self.before)
