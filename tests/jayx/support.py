"""JayX through the feed against the simulated venue, all on one loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from mdterm.feeds.account import Account
from mdterm.feeds.contract import Backoff
from mdterm.feeds.events import Event, Stream
from mdterm.feeds.frames import Frame, FrameSet, PanelFrame
from mdterm.feeds.jayx.feed import JayX, Options, make
from mdterm.feeds.journal import MemoryJournal
from mdterm.feeds.runtime import Feed
from mdterm.feeds.sim.venue import Venue, VenueConfig

F = TypeVar("F", bound=Frame)
PATIENCE_S = 30.0
"""For a machine that is busy with other things; nothing here takes a second."""
KEY = 'clm"siønk/21ru+'
ALL: tuple[Stream, ...] = ("trade", "book", "candle", "balance", "order")


class Heard:
    """Every event, and a way to wait for what must come."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.account = Account("jayx")
        self._more = asyncio.Event()

    def take(self, events: Sequence[Event]) -> None:
        self.events += events
        self.account.apply(events)
        self._more.set()

    async def until(self, is_enough: Callable[[], bool]) -> None:
        """Return once it is so; asked with every event, and now and then for what is no event."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_enough():
                self._more.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await self._more.wait()

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if type(event) is kind]


class Run:
    """A venue, a provider and a feed on one loop."""

    def __init__(self, venue: Venue, provider: JayX, feed: Feed, journal: MemoryJournal) -> None:
        self.venue = venue
        self.provider = provider
        self.feed = feed
        self.journal = journal
        self.heard = Heard()

    def listen(self, *streams: Stream, symbols: tuple[str, ...] = ("BTCUSDT",)) -> None:
        wants = [(f"jayx:{symbol}", stream) for symbol in symbols for stream in streams]
        self.feed.listen(wants, self.heard.take)


@asynccontextmanager
async def running(
    spoken: str = "any", *, rate: float = 4, is_shared: bool = False, **options: object
) -> AsyncIterator[Run]:
    venue = Venue(VenueConfig(providers=("jayx",), jayx_framing=spoken, rate=rate))
    endpoints = await venue.start()
    url = endpoints["providers.jayx.url"]
    provider = make("jayx", Options(**{"api_key": KEY, "url": url, **options}))  # type: ignore[arg-type]
    provider.backoff = Backoff(first=0.01, cap=0.02)
    journal = MemoryJournal()
    feed = Feed({"jayx": provider}, journal=journal, accounts={"jayx": "jayx"}, is_shared=is_shared)
    try:
        yield Run(venue, provider, feed, journal)
    finally:
        await feed.close()
        await venue.stop()


class Viewer:
    """A screen on a feed's port that reads at once: every frame set, and each panel's newest frame."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.sets: list[FrameSet] = []
        self.panels: dict[str, PanelFrame] = {}
        self._more = asyncio.Event()
        feed.connect(self._take)

    def _take(self, frames: FrameSet) -> None:
        self.sets.append(frames)
        self.panels |= frames.panels
        self._more.set()
        self.feed.ack(frames.number)

    def frame(self, panel: str, kind: type[F]) -> F | None:
        """Return the newest frame of a panel, None before there is one."""
        shown = self.panels.get(panel)
        return shown.frame if shown is not None and isinstance(shown.frame, kind) else None

    async def until(self, is_enough: Callable[[], bool]) -> None:
        """Return once it is so; asked with every frame set."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_enough():
                self._more.clear()
                await self._more.wait()
