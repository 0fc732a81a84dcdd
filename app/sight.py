"""What a look at an instrument yields, whether this process looks itself or the shared feed does."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from mdterm.feeds.address import Instrument
from mdterm.feeds.events import Book, Candle, FeedStatus, State, Stream, Trade
from mdterm.feeds.frames import ChartFrame, HeaderFrame, LadderFrame, TapeFrame
from mdterm.feeds.specs import ChartSpec, LadderSpec, TapeSpec
from mdterm.feeds.status import Shown

PANELS: Final[Mapping[str, tuple[Stream, ...]]] = {
    "ladder": ("book",),
    "tape": ("trade",),
    "chart": ("candle",),
    "all": ("book", "trade", "candle"),
}
"""What each panel needs; a chart's candles come with their past."""

Asking = Callable[[str, Mapping[str, Any]], Any]
"""Asks the shared feed; returns what it answers."""


class Sight(Protocol):
    """What was known of an instrument when somebody looked, here or at the shared feed.

    ``shown`` is the state of each stream asked for, ``had`` the streams that data came from.
    """

    @property
    def instrument(self) -> Instrument:
        """What was looked at."""

    @property
    def had(self) -> frozenset[Stream]:
        """The streams that data came from."""

    @property
    def shown(self) -> Mapping[Stream, Shown]:
        """The state of each stream asked for."""

    @property
    def status(self) -> FeedStatus:
        """The state as a whole."""

    @property
    def wall(self) -> int:
        """When somebody looked (ns)."""

    @property
    def book(self) -> Book | None:
        """The newest book."""

    @property
    def trades(self) -> Sequence[Trade]:
        """The newest trades, oldest first."""

    @property
    def refused(self) -> frozenset[Stream]:
        """The streams that were refused."""

    @property
    def digits(self) -> int:
        """The decimals of prices."""

    def candles(self, interval: str = "1m") -> list[Candle]:
        """Return every bar known, oldest first, the running one last."""

    def header(self) -> HeaderFrame:
        """Return the line about the instrument."""

    def ladder(self, spec: LadderSpec) -> LadderFrame | None:
        """Return the ladder, None where there is nothing to show."""

    def tape(self, spec: TapeSpec) -> TapeFrame:
        """Return the tape."""

    def chart(self, spec: ChartSpec) -> ChartFrame:
        """Return bars."""

    def bbo(self) -> tuple[float | None, float | None]:
        """Return best bid and best ask."""


class Look(msgspec.Struct, frozen=True):
    """Asks for a look at ``streams``, waiting so long at most for each to have something; ``keep`` trades."""

    address: str
    streams: list[Stream]
    wait_s: float
    keep: int


class Looked(msgspec.Struct, frozen=True):
    """What was there. ``missing`` are streams that the provider has not; nothing else is told of these."""

    instrument: Instrument
    missing: list[Stream]
    had: list[Stream]
    shown: dict[Stream, Shown]
    state: tuple[State, str | None]
    wall: int
    book: Book | None
    trades: list[Trade]
    digits: int
    header: HeaderFrame
    bbo: tuple[float | None, float | None]


class ViewOf(msgspec.Struct, frozen=True):
    """Asks for a view of what was looked at."""

    address: str
    spec: LadderSpec | TapeSpec | ChartSpec


class BarsOf(msgspec.Struct, frozen=True):
    """Asks for every bar of what was looked at."""

    address: str
    interval: str = "1m"


class FarSight:
    """What a shared feed knew of an instrument when it was looked at; ``ask`` asks it for more."""

    def __init__(self, looked: Looked, ask: Asking) -> None:
        self._looked = looked
        self._ask = ask

    @property
    def instrument(self) -> Instrument:
        """What was looked at."""
        return self._looked.instrument

    @property
    def had(self) -> frozenset[Stream]:
        """The streams that data came from."""
        return frozenset(self._looked.had)

    @property
    def shown(self) -> Mapping[Stream, Shown]:
        """The state of each stream asked for."""
        return self._looked.shown

    @property
    def status(self) -> FeedStatus:
        """The state as a whole."""
        return FeedStatus(self.instrument.address, None, self.wall, *self._looked.state)

    @property
    def wall(self) -> int:
        """When it was looked at (ns)."""
        return self._looked.wall

    @property
    def book(self) -> Book | None:
        """The newest book."""
        return self._looked.book

    @property
    def trades(self) -> Sequence[Trade]:
        """The newest trades, oldest first."""
        return self._looked.trades

    @property
    def refused(self) -> frozenset[Stream]:
        """The streams that were refused."""
        return frozenset(stream for stream, shown in self.shown.items() if shown.word == "REFUSED")

    @property
    def digits(self) -> int:
        """The decimals of prices."""
        return self._looked.digits

    def bbo(self) -> tuple[float | None, float | None]:
        """Return best bid and best ask."""
        return self._looked.bbo

    def header(self) -> HeaderFrame:
        """Return the line about the instrument."""
        return self._looked.header

    def candles(self, interval: str = "1m") -> list[Candle]:
        """Return every bar known, oldest first, the running one last."""
        told = self._ask("looked_bars", {"address": self.instrument.address, "interval": interval})
        return msgspec.convert(told, list[Candle])

    def ladder(self, spec: LadderSpec) -> LadderFrame | None:
        """Return the ladder, None where there is nothing to show."""
        return msgspec.convert(self._view(spec), LadderFrame | None)

    def tape(self, spec: TapeSpec) -> TapeFrame:
        """Return the tape."""
        return msgspec.convert(self._view(spec), TapeFrame)

    def chart(self, spec: ChartSpec) -> ChartFrame:
        """Return bars."""
        return msgspec.convert(self._view(spec), ChartFrame)

    def _view(self, spec: LadderSpec | TapeSpec | ChartSpec) -> Any:
        return self._ask("looked_view", {"address": self.instrument.address, "spec": spec})
