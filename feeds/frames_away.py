"""What passed while nobody looked: what a screen may ask of it, and what it is told. Plain structs."""

import msgspec

from mdterm.feeds.events import Side
from mdterm.feeds.frames import Frame
from mdterm.feeds.specs import ViewSpec
from mdterm.feeds.status import Shown


class AwaySpec(ViewSpec, frozen=True, tag="away"):
    """The last absence, with the ``biggest`` prints of each instrument.

    ``is_running`` asks for what passes since somebody was last here, which is what is told as well where
    nobody has been away yet.
    """

    biggest: int = 3
    is_running: bool = False


class AwayPrint(msgspec.Struct, frozen=True, gc=False):
    """One print: ``count`` trades of one side and one venue millisecond; ``price`` is the last one's."""

    ts: int
    side: Side | None
    price: float
    size: float
    count: int


class AwayGap(msgspec.Struct, frozen=True, gc=False):
    """Trades were missing from ``since`` to ``until`` (ns, None while they are).

    ``is_filled`` where the provider's bars have told them since.
    """

    since: int
    until: int | None
    is_filled: bool


class AwayAlarm(msgspec.Struct, frozen=True, gc=False):
    """An alert fired at ``at`` (ns); ``rule`` is it as it is written, ``words`` why."""

    at: int
    rule: str
    words: str


class AwayRow(msgspec.Struct, frozen=True):
    """One instrument. ``first`` is its price when nobody looked any more, None where there was none yet.

    ``high`` and ``low`` are of what traded since, ``delta`` is buys minus sells; what is not known is None.
    ``is_estimated`` where minutes that were not seen come from the provider's bars. ``alarms`` are the
    newest ones, ``alarm_count`` is how many there were.
    """

    address: str
    symbol: str
    provider: str
    shown: Shown
    first: float | None
    last: float | None
    high: float | None
    low: float | None
    volume: float | None
    delta: float | None
    trades: int
    digits: int
    size_digits: int
    is_estimated: bool = False
    biggest: list[AwayPrint] = []
    gaps: list[AwayGap] = []
    alarms: list[AwayAlarm] = []
    alarm_count: int = 0


class AwayFrame(Frame, frozen=True, tag="away"):
    """The instruments of the watchlist, from ``since`` to ``until`` (ns); ``until`` is None while it runs.

    ``is_past`` says that there is an absence that is over, whether it is this one or not.
    """

    since: int
    until: int | None
    rows: list[AwayRow]
    is_past: bool = False
