"""The port of a process's own screen: it has one seat, whoever else may sit beside."""

from collections.abc import Callable, Sequence

from mdterm.feeds.address import Instrument
from mdterm.feeds.alerts import Alarm, Rule
from mdterm.feeds.port import Post
from mdterm.feeds.seat import Seat
from mdterm.feeds.specs import ViewSpec


class OneScreen:
    """Hands what the own screen says to its seat."""

    seat: Seat
    """The place of this process's own screen."""

    def connect(self, post: Post) -> None:
        """Begin to post frame sets to this process's own screen."""
        self.seat.connect(post)

    def watch(self, instruments: Sequence[Instrument]) -> None:
        """Set the own screen's watchlist."""
        self.seat.watch(instruments)

    def bind(self, panel: str, address: str, spec: ViewSpec) -> None:
        """Bind a panel of the own screen."""
        self.seat.bind(panel, address, spec)

    def respec(self, panel: str, spec: ViewSpec) -> None:
        """Change the view of a panel of the own screen."""
        self.seat.respec(panel, spec)

    def unbind(self, panel: str) -> None:
        """Let a panel of the own screen go."""
        self.seat.unbind(panel)

    def heed(self, raised: Callable[[Alarm], None]) -> None:
        """Begin to tell the own screen of alerts that fire."""
        self.seat.heed(raised)

    def alert(self, rules: Sequence[Rule]) -> None:
        """Set the own screen's alerts. Raise AddressError."""
        self.seat.alert(rules)

    def compare(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Set the pairs that the own screen compares. Raise AddressError."""
        self.seat.compare(pairs)

    def left(self) -> None:
        """Sum from now on what passes while nobody looks at the own screen."""
        self.seat.left()

    def returned(self) -> None:
        """Keep what passed at the own screen since ``left``."""
        self.seat.returned()

    def ack(self, number: int) -> None:
        """Take back the credit for a frame set of the own screen."""
        self.seat.ack(number)

    def pace(self, period_s: float) -> None:
        """Make the own screen's frame sets so far apart (s) from now on."""
        self.seat.pace(period_s)

    def repaint(self) -> None:
        """Send the own screen every frame again."""
        self.seat.repaint()
