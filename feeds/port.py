"""What a screen may ask of the feed. In-process today; the structs cross a socket unchanged."""

from collections.abc import Callable, Sequence
from typing import Protocol

from mdterm.feeds.address import Instrument
from mdterm.feeds.alerts import Alarm, Rule
from mdterm.feeds.frames import FrameSet
from mdterm.feeds.specs import ViewSpec

Post = Callable[[FrameSet], None]
"""Called on the feed's thread with each frame set; must not block."""


class Port(Protocol):
    """Commands from a screen to the feed. Every call returns at once and may come from any thread.

    A frame set holds only the panels that changed since the last one. At most one frame set is under
    way: the next is made only after ``ack`` of the one before, from the newest state.
    """

    def connect(self, post: Post) -> None:
        """Begin to receive frame sets."""

    def watch(self, instruments: Sequence[Instrument]) -> None:
        """Set the watchlist: its trades stay subscribed, and so do the books of up to ten."""

    def bind(self, panel: str, address: str, spec: ViewSpec) -> None:
        """Bind a panel to an instrument and a view; a frame follows at once. Binding again replaces."""

    def respec(self, panel: str, spec: ViewSpec) -> None:
        """Change what a bound panel wants to see; a frame follows at once."""

    def unbind(self, panel: str) -> None:
        """Stop making frames for a panel."""

    def heed(self, raised: Callable[[Alarm], None]) -> None:
        """Begin to be told of alerts that fire, on the feed's thread; must not block."""

    def alert(self, rules: Sequence[Rule]) -> None:
        """Set all alerts, on whatever instruments; one that was there before keeps its state."""

    def left(self) -> None:
        """Say that nobody looks, or that somebody was here up to now: sum anew what passes from now on."""

    def returned(self) -> None:
        """Say that somebody is back: what has passed since ``left`` is what an `AwaySpec` is told."""

    def ack(self, number: int) -> None:
        """Say that the terminal has frame set ``number``."""

    def pace(self, period_s: float) -> None:
        """Make frame sets so far apart (s) from now on, or farther where the terminal does not keep up."""

    def repaint(self) -> None:
        """Ask for every bound panel's frame again, changed or not."""
