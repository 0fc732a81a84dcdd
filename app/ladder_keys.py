"""What the keys of the ladder do. Their names are the ids of the keymap."""

import msgspec

from mdterm.app.deck import Deck
from mdterm.feeds.frames import LadderSpec
from mdterm.feeds.view_ladder import GROUP_STEPS


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
        spec = self.ladder.spec()
        assert isinstance(spec, LadderSpec)
        if not self.is_bound("ladder"):
            return
        # Asked for once: the spec that stays is the one without.
        self.port.respec("ladder", msgspec.structs.replace(spec, centre=None, recentre=True))

    def action_freeze(self) -> None:
        """Hold the ladder where it is, or let it go."""
        self.ladder.freeze()
        self.bind_views()

    def action_show_flow(self) -> None:
        """Show or hide what was sold and bought beside each price."""
        self.ladder.with_flow = not self.ladder.with_flow
        self.bind_views()

    def on_ladder_scrolled(self) -> None:
        """Ask for prices beyond the ladder's margin."""
        self.bind_views()
