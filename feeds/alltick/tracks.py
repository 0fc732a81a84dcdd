"""What can be asked over HTTP, and what is known of each wanted instrument between two requests."""

from typing import Literal, NamedTuple

import msgspec

from mdterm.feeds.address import Instrument
from mdterm.feeds.alltick import facts
from mdterm.feeds.alltick.budget import Endpoint
from mdterm.feeds.events import Book, Candle, Stream

Work = Literal["mend", "bars", "trade", "book", "daily", "about"]
FIRST: dict[Work, int] = {"mend": 0, "trade": 1, "book": 2}
LAST = 3
"""Where a socket is silent, the first print comes before bars: without it there is no price at all."""
TICKS: tuple[Literal["trade", "book"], ...] = ("trade", "book")
ENDPOINTS: dict[Work, Endpoint] = {
    "mend": "kline",
    "bars": "batch-kline",
    "trade": "trade-tick",
    "book": "depth-tick",
    "daily": "batch-kline",
    "about": "static_info",
}


class Track(msgspec.Struct):
    """One wanted instrument. Times are monotonic seconds, ``wanted_at`` is wall time (ns)."""

    instrument: Instrument
    rank: int
    streams: frozenset[Stream]
    wanted_at: int
    due: dict[Work, float]
    group: int = 0
    """Codes are asked for together with those of their group: a bad one is found by halving it."""
    mend_count: int = 0
    """Bars to ask for because some may be missing."""
    told: dict[int, Candle] = {}
    """The last bars handed on, by opening."""
    polled_at: float | None = None
    book: Book | None = None
    ticks_at: dict[Stream, int] = {}
    """When (wall, ns) HTTP last stood in for the socket."""
    refused: str | None = None

    @property
    def code(self) -> str:
        """The code as on the wire."""
        return self.instrument.symbol


class Job(NamedTuple):
    """One request that could be made, ordered by what matters."""

    rank: int
    order: int
    due: float
    work: Work
    family: facts.Family
    group: int
    address: str
