"""What the keys of every panel may rely on: the panels, the instrument that is shown, the way to the feed."""

from textual.screen import Screen

from mdterm.feeds.address import Instrument
from mdterm.feeds.port import Port
from mdterm.widgets.chart import Chart
from mdterm.widgets.ladder import Ladder
from mdterm.widgets.tape import Tape
from mdterm.widgets.watchlist import Watchlist


class Deck(Screen[None], inherit_bindings=False):
    """A screen with the panels; the board is one. Its parts are what the keys of one panel do."""

    port: Port
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

    def is_bound(self, name: str) -> bool:
        """Return whether a panel is bound to the feed now."""
        raise NotImplementedError
