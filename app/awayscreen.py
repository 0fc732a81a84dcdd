"""What passed while nobody looked, over the board."""

from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from mdterm.app.deck import Deck
from mdterm.app.keymap import Keymap, textual_key
from mdterm.app.overlay import Overlay
from mdterm.widgets.away import AwayLines

_ALL: Final = 1 << 30
"""More lines than there can be: the view stops at its last."""
_CLOSING: Final = frozenset({"escape", "enter", "space"})


class AwayScreen(Overlay[None], inherit_bindings=False):
    """The last absence, an instrument a line. It may have opened of itself: any other key is the board's."""

    def __init__(self, deck: Deck, keymap: Keymap) -> None:
        super().__init__()  # no id: one may open while the one before is still being taken away
        self.deck = deck
        self.lines = AwayLines()
        self._closing_keys = _CLOSING | {textual_key(one) for one in keymap.keys_of("away")}

    def compose(self) -> ComposeResult:
        """Show the lines."""
        with Vertical(id="log-box"):
            yield self.lines

    def on_mount(self) -> None:
        """Ask the feed for the lines while they are looked at."""
        self.deck.lay_over(self.lines)

    def on_unmount(self) -> None:
        """Ask for them no longer."""
        self.deck.take_off(self.lines)

    def show(self, *, is_running: bool) -> None:
        """Show what passes since somebody was last there, or the absence before."""
        self.lines.shows_running = is_running
        self.deck.bind_views()

    def on_key(self, event: events.Key) -> None:
        """Scroll, show the other time, or close."""
        if self.is_closed(event):
            return
        event.stop()
        page = max(1, self.lines.size.height - 2)
        moves = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -page, "pagedown": page}
        moves |= {"home": -_ALL, "end": _ALL}
        if event.key in moves:
            self.lines.move(moves[event.key])
        elif event.key == "tab":
            self.show(is_running=not self.lines.shows_running)
        else:
            self.dismiss(None)
            if event.key not in self._closing_keys:
                self.app.call_later(self.app.simulate_key, event.key)
