"""What the process of a shared feed does for who is attached, beyond the market.

Providers are opened here, with keys that never leave this process and the settings it was started with.
"""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from mdterm.app.commands.context import UNREACHABLE, Failed
from mdterm.app.fingerprint import fingerprint
from mdterm.app.keeping import Kept
from mdterm.app.looks import Looks
from mdterm.app.providers import World
from mdterm.app.recordings import Record, Recordings
from mdterm.app.search import known
from mdterm.app.sight import BarsOf, Look, ViewOf
from mdterm.app.wanted import wanted
from mdterm.feeds.address import Instrument
from mdterm.feeds.events import Candle, Stream
from mdterm.feeds.excerpt import Fan
from mdterm.feeds.host import Client, DeskError
from mdterm.feeds.port_wire import MOST_ADDRESSES, Hello
from mdterm.feeds.runtime import Feed

log = logging.getLogger(__name__)

MOST_BARS: Final = 5_000


class Addresses(msgspec.Struct, frozen=True):
    """Asks ``open``: addresses, None for what is watched where nobody says."""

    addresses: list[str] | None = None


class Wanted(msgspec.Struct, frozen=True):
    """Asks ``wanted``: what to subscribe for kinds (None: all that a screen shows) of addresses."""

    addresses: list[str]
    kinds: list[Stream] | None = None
    interval: str = "1m"
    is_recorded: bool = False


class Count(msgspec.Struct, frozen=True):
    """Asks ``bars``."""

    count: int


class WorldDesk:
    """The desk of a feed that has its providers from the settings. Runs on the feed's loop."""

    def __init__(self, world: World, kept: Kept, fan: Fan) -> None:
        self.world = world
        self._kept = kept
        self._fan = fan
        self.tell_status: Callable[[], dict[str, Any]] = dict
        """Returns what the process knows of itself."""
        self.changed: Callable[[], None] = lambda: None
        """Told that somebody came or went."""
        self._fingerprint = fingerprint(world.settings)
        self._left_at: float | None = None
        """When (s, the feed's clock) the last screen left; None while there is one."""
        self._absences: dict[int, float] = {}
        """How long nobody had looked when a client came, by its number."""
        self._opening = asyncio.Lock()
        self._feed: Feed | None = None
        self._calls: dict[str, Callable[[Client, Mapping[str, Any]], Awaitable[object]]] = {
            "open": self._open,
            "open_all": self._open_all,
            "absence": self._absence,
            "accounts": self._accounts,
            "configured": self._configured,
            "wanted": self._wanted,
            "providers": self._providers,
            "candidates": self._candidates,
            "bars": self._bars,
            "rewind": self._rewind,
            "record": self._record,
            "recorded": self._recorded,
            "record_end": self._record_end,
            "look": self._look,
            "looked_view": self._looked_view,
            "looked_bars": self._looked_bars,
            "status": self._status,
        }

    def serve(self, feed: Feed) -> None:
        """Open what is asked for on a feed."""
        self._feed = feed
        self._looks = Looks(self.world, feed)
        self.recordings = Recordings(self.world, feed, self._fan)

    @property
    def feed(self) -> Feed:
        """The feed that is served."""
        assert self._feed is not None
        return self._feed

    # Who comes.

    def refusal(self, hello: Hello) -> str | None:
        """Refuse who would open other connections: what it sees would not be what it asked for."""
        if hello.settings is None or hello.settings == self._fingerprint:
            return None
        return (
            f"the feed (pid {os.getpid()}) runs with other provider settings than this program: end it with "
            'mdterm feed stop, or set feed = "own"'
        )

    def came(self, client: Client) -> None:
        """Take note of a client that is in."""
        log.info("client %d is in: %s, pid %s", client.id, client.role, client.hello and client.hello.pid)
        if client.role == "screen" and self._left_at is not None:
            self._absences[client.id] = self.feed.clock.mono() - self._left_at
            self._left_at = None
        self.changed()

    def went(self, client: Client) -> None:
        """Take note of one that left."""
        log.info("client %d has left", client.id)
        self._absences.pop(client.id, None)
        self.recordings.left(client.id)
        if client.role == "screen" and not client.is_beside_a_screen:
            self.left()
        self.changed()

    def left(self) -> None:
        """Take note that from now on nobody looks."""
        self._left_at = self.feed.clock.mono()

    # What is asked.

    async def call(self, caller: Client, name: str, args: Mapping[str, Any]) -> object:
        """Do what was asked and return what msgpack can carry. Raise DeskError, or AddressError."""
        called = self._calls.get(name)
        if called is None:
            raise DeskError(f"there is nothing called {name[:40]!r} to be asked for")
        try:
            return await called(caller, args)
        except Failed as failed:
            raise DeskError(failed.words, failed.status) from None

    async def open(self, addresses: Sequence[str] | None) -> list[Instrument]:
        """Make instruments watchable. Raise AddressError, or Failed where a provider cannot be had."""
        if addresses is not None and len(addresses) > MOST_ADDRESSES:
            raise DeskError(f"more than {MOST_ADDRESSES} addresses")
        world = self.world

        def work() -> list[Instrument]:
            # It may run the command that reveals a key, or begin the simulated market.
            return world.instruments(world.default_addresses() if addresses is None else addresses)

        async with self._opening:
            try:
                return await asyncio.to_thread(work)
            finally:
                self._provide()

    def _provide(self) -> None:
        for provider in self.world.providers.values():
            self.feed.provide(provider)

    async def _open(self, caller: Client, args: Mapping[str, Any]) -> object:
        return msgspec.to_builtins(await self.open(msgspec.convert(args, Addresses).addresses))

    async def _open_all(self, caller: Client, args: Mapping[str, Any]) -> object:
        """Open every provider that has a credential; return words for each that cannot be had."""
        async with self._opening:
            try:
                return await asyncio.to_thread(self.world.open_all)
            finally:
                self._provide()

    async def _absence(self, caller: Client, args: Mapping[str, Any]) -> object:
        """Return for how long (s) nobody had looked when the caller came, None where somebody did."""
        return self._absences.get(caller.id)

    async def _configured(self, caller: Client, args: Mapping[str, Any]) -> object:
        """Return what the settings here say of instruments, for a screen that has other settings."""
        settings = self.world.settings
        return {"groups": settings.groups, "alerts": settings.alerts, "pairs": settings.pairs}

    async def _accounts(self, caller: Client, args: Mapping[str, Any]) -> object:
        return self.world.accounts()

    async def _wanted(self, caller: Client, args: Mapping[str, Any]) -> object:
        """Return instruments, the streams to subscribe, kinds that nobody has, and keys that are missing."""
        asked = msgspec.convert(args, Wanted)
        instruments = await self.open(asked.addresses)
        return msgspec.to_builtins(
            await wanted(self.world, instruments, asked.kinds, asked.interval, is_recorded=asked.is_recorded)
        )

    async def _providers(self, caller: Client, args: Mapping[str, Any]) -> object:
        """Return the kind of each provider that can be watched."""
        made, settings = self.world.providers, self.world.settings.providers
        return {name: made[name].kind if name in made else settings[name].kind for name in self.world.names}

    async def _candidates(self, caller: Client, args: Mapping[str, Any]) -> object:
        """Return what can be searched at once."""
        found = known(self.world.settings, self.world.names)
        return [(one.address, int(one.source), one.aliases, one.name) for one in found]

    async def _bars(self, caller: Client, args: Mapping[str, Any]) -> object:
        """Return the newest bars of a minute of every full market."""
        count = msgspec.convert(args, Count).count
        if not 0 < count <= MOST_BARS:
            raise DeskError(f"{count} bars")
        bars: dict[str, list[Candle]] = self.feed.bars(count)
        return msgspec.to_builtins(bars)

    async def _rewind(self, caller: Client, args: Mapping[str, Any]) -> object:
        """Return the parts of the last hour's journal, oldest first, and the first one there ever was."""
        rewind = self._kept.rewind
        if rewind is None:
            raise DeskError("the feed keeps no hour to go back in (--no-history)", UNREACHABLE)
        return {"first": str(rewind.path), "parts": [str(one) for one in list(rewind.parts)]}

    async def _record(self, caller: Client, args: Mapping[str, Any]) -> object:
        """Begin a recording for the caller; it ends with it."""
        asked = msgspec.convert(args, Record)
        instruments = await self.open(asked.addresses)
        wants = await wanted(self.world, instruments, asked.kinds, asked.interval, is_recorded=True)
        self.recordings.begin(caller.id, asked, wants)
        return None

    async def _recorded(self, caller: Client, args: Mapping[str, Any]) -> object:
        return self.recordings.told(caller.id)

    async def _record_end(self, caller: Client, args: Mapping[str, Any]) -> object:
        return await self.recordings.end(caller.id)

    async def _look(self, caller: Client, args: Mapping[str, Any]) -> object:
        """Return what there is of an instrument as soon as there is some of every stream."""
        asked = msgspec.convert(args, Look)
        (instrument,) = await self.open([asked.address])
        return await self._looks.look(instrument, asked)

    async def _looked_view(self, caller: Client, args: Mapping[str, Any]) -> object:
        return self._looks.view(msgspec.convert(args, ViewOf))

    async def _looked_bars(self, caller: Client, args: Mapping[str, Any]) -> object:
        return self._looks.bars(msgspec.convert(args, BarsOf))

    async def _status(self, caller: Client, args: Mapping[str, Any]) -> object:
        feed = self.feed
        full = feed.tenure.full
        return {
            **self.tell_status(),
            "markets": {"full": full, "quotes": len(feed.markets) - full},
            "connections": [
                {"key": line.key, "state": line.shown.word, "detail": line.shown.detail}
                for line in feed.lines
            ],
        }
