"""What the keys of the ladder do. Their names are the ids of the keymap."""

import msgspec

from mdterm.app.deck import Deck
from mdterm.feeds.grid import GROUP_STEPS


class LadderKeys(Deck, inherit_bindings=False):
    """The keys of the ladder."""

    groups: dict[str, int]
    """Price grouping by address: each instrument keeps its own."""

    def action_finer(self) -> None:
        """Group fewer steps in a row."""
        self._regroup(-1)

    def action_coarser(self) -> None:
        """Group more steps in a row."""
        self._regroup(1)

    def _regroup(self, by: int) -> None:
        at = GROUP_STEPS.index(self.ladder.group) + by
        if 0 <= at < len(GROUP_STEPS):
            self.groups[self.instrument.address] = GROUP_STEPS[at]
            self.ladder.regroup(GROUP_STEPS[at])
            self.bind_views()

    def action_centre(self) -> None:
        """Centre the ladder and let it follow."""
        self.ladder.follow()
        # Asked for once: the spec that stays is the one without.
        if self.is_bound("ladder"):
            spec = msgspec.structs.replace(self.ladder.spec(), centre=None, recentre=True)
            self.port.respec("ladder", spec)

    def action_freeze(self) -> None:
        """Hold the ladder where it is, or let it go."""
        self.ladder.freeze()
        self.bind_views()

    def action_pin_mid(self) -> None:
        """Let the middle of the spread stay in the middle of the ladder, or let prices stand still."""
        self.ladder.dynamic = not self.ladder.dynamic
        self.action_centre()
        self.bind_views()

    def action_next_columns(self) -> None:
        """Show the next set of columns that there is room for."""
        self.ladder.next_columns()
        self.bind_views()

    def action_next_window(self) -> None:
        """Sum sells and buys over the next longer window."""
        self.ladder.next_window()
        self.bind_views()

    def action_reset_sums(self) -> None:
        """Sum sells, buys and changes from now on."""
        if self.is_bound("ladder"):
            self.port.respec("ladder", msgspec.structs.replace(self.ladder.spec(), reset=True))

    def action_next_depth(self) -> None:
        """Tell imbalance and depth over more levels."""
        self.ladder.next_depth()
        self.bind_views()

    def on_ladder_asked(self) -> None:
        """Tell the feed what the ladder wants to see now."""
        self.bind_views()
