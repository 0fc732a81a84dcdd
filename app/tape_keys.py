"""What the keys of the tape do. Their names are the ids of the keymap."""

from mdterm.app.deck import Deck


class TapeKeys(Deck, inherit_bindings=False):
    """The keys of the tape."""

    def action_hold_tape(self) -> None:
        """Hold the tape still, or let it run."""
        self.tape.hold_or_run()
        self.bind_views()
