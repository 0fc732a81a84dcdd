"""What the keys of every panel may rely on: the panels, the instrument that is shown, the way to the feed."""

from textual.screen import Screen

from mdterm.app.keymap import Keymap
from mdterm.feeds.address import Instrument
from mdterm.feeds.port import Port
from mdterm.widgets.chart import Chart
from mdterm.widgets.ladder import Ladder
from mdterm.widgets.panel import View
from mdterm.widgets.tape import Tape
from mdterm.widgets.watchlist import Watchlist


class Deck(Screen[None], inherit_bindings=False):
    """A screen with the panels; the board is one. Its parts are what the keys of one panel do."""

    port: Port
    keymap: Keymap
    ladder: Ladder
    tape: Tape
    chart: Chart
    watchlist: Watchlist
    in_quote: bool = False
    """Whether sizes are told in the quote currency (size × price); every view knows it too."""

    @property
    def instrument(self) -> Instrument:
        """The instrument that is shown."""
        raise NotImplementedError

    def bind_views(self) -> None:
        """Tell the feed what each visible panel wants to see, as far as it does not know."""
        raise NotImplementedError

    def lay_over(self, view: View) -> None:
        """Have a view over the board shown frames too."""
        raise NotImplementedError

    def take_off(self, view: View) -> None:
        """Let a view over the board go."""
        raise NotImplementedError

    def is_bound(self, name: str) -> bool:
        """Return whether a panel is bound to the feed now."""
        raise NotImplementedError
