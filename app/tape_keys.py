"""What the keys of the tape do. Their names are the ids of the keymap."""

from mdterm.app.deck import Deck


class TapeKeys(Deck, inherit_bindings=False):
    """The keys of the tape."""

    def action_hold_tape(self) -> None:
        """Hold the tape still, or let it run."""
        self.tape.hold_or_run()
        self.bind_views()

    def action_larger_prints(self) -> None:
        """Show larger prints only."""
        self.tape.filter_larger()
        self.bind_views()

    def action_smaller_prints(self) -> None:
        """Show smaller prints again."""
        self.tape.filter_smaller()
        self.bind_views()

    def action_join_prints(self) -> None:
        """Join prints within a millisecond, within a tenth of a second, or not at all."""
        self.tape.next_join()
        self.bind_views()

    def action_latch_biggest(self) -> None:
        """Keep the biggest print in view, or let it go."""
        self.tape.latch()
        self.bind_views()

    def action_clear_biggest(self) -> None:
        """Look for the biggest print from now on."""
        self.tape.clear_biggest()
        self.bind_views()

    def action_page_up(self) -> None:
        """Show higher prices; where the tape has the keys, older prints."""
        self._page(1)

    def action_page_down(self) -> None:
        """Show lower prices; where the tape has the keys, newer prints."""
        self._page(-1)

    def _page(self, pages: int) -> None:
        if self.tape.has_focus:
            self.scroll_tape(pages * max(1, self.tape.print_rows - 1))
        else:
            self.ladder.scroll_rows(pages * max(1, self.ladder.level_rows - 1))

    def scroll_tape(self, prints: int) -> None:
        """Scroll the tape back, or towards the newest print (negative)."""
        self.tape.scroll_prints(prints)
        self.bind_views()

    def on_tape_moved(self) -> None:
        """Ask for the prints that the mouse wants to see."""
        self.bind_views()
