"""The account log: every balance, order and fill that changed, over the board."""

from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from mdterm.app.deck import Deck
from mdterm.app.keymap import Keymap, textual_key
from mdterm.app.overlay import Overlay
from mdterm.widgets.changes import Changes

_ALL: Final = 1 << 30
"""More lines than there can be: the view stops at its last."""


class AccountLogScreen(Overlay[None], inherit_bindings=False):
    """The log of the account beside the shown instrument; the opening key closes it."""

    def __init__(self, deck: Deck, keymap: Keymap) -> None:
        super().__init__()  # no id: one may open while the one before is still being taken away
        self.deck = deck
        self.keymap = keymap
        self.changes = Changes()
        keys = keymap.keys_of("account-log")
        self.changes.closing = f"esc or {keys[0]}" if keys else "esc"

    def compose(self) -> ComposeResult:
        """Show the lines."""
        with Vertical(id="log-box"):
            yield self.changes

    def on_mount(self) -> None:
        """Ask the feed for the lines while they are looked at."""
        self.deck.lay_over(self.changes)

    def on_unmount(self) -> None:
        """Ask for them no longer."""
        self.deck.take_off(self.changes)

    def on_key(self, event: events.Key) -> None:
        """Scroll or close."""
        if self.is_closed(event):
            return
        event.stop()
        page = max(1, self.changes.size.height - 2)
        moves = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -page, "pagedown": page}
        moves |= {"home": -_ALL, "end": _ALL}
        if event.key == "escape" or event.key in map(textual_key, self.keymap.keys_of("account-log")):
            self.dismiss(None)
        elif event.key in moves:
            self.changes.scroll_lines(moves[event.key])
