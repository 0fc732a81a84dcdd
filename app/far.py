"""The world of a screen whose feed is another process: the same questions, answered there.

Keys, providers and the simulated market are the feed's; only instruments and words come back.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from mdterm.app.commands.context import Failed
from mdterm.app.search import Candidate, Source, named
from mdterm.app.settings import Settings
from mdterm.feeds.address import Instrument, parse_address
from mdterm.feeds.attached import AttachedPort
from mdterm.feeds.attachment import CallError
from mdterm.feeds.journal_file import JournalError


class AnyWorld(Protocol):
    """What can be watched, through a feed in this process or in another one."""

    @property
    def settings(self) -> Settings:
        """The settings in force."""

    @property
    def names(self) -> tuple[str, ...]:
        """Name the providers that can be watched."""

    def instruments(self, addresses: Sequence[str]) -> list[Instrument]:
        """Return the instruments of addresses, each once. Raise AddressError, or Failed."""

    def default_addresses(self) -> list[str]:
        """Return what to watch when nobody says."""

    def open_all(self) -> list[str]:
        """Make every provider that has a credential; return words for each that cannot be had."""

    def accounts(self) -> dict[str, str]:
        """Return which provider tells the account that belongs to a market's provider."""


class _Configured(msgspec.Struct):
    """What the settings of another machine say of instruments."""

    groups: dict[str, tuple[str, ...]]
    alerts: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]


class FarWorld:
    """What can be watched through a feed that is attached to.

    ``settings`` are those of the screen. Where the feed ``is_far``, on another machine, its own say what is
    watched when nobody says, and which groups, alerts and pairs there are.
    """

    def __init__(self, settings: Settings, port: AttachedPort, *, is_far: bool = False) -> None:
        self._settings = settings
        self.port = port
        self._is_far = is_far
        self._kinds: dict[str, str] = self._call("providers")
        if is_far:
            told = msgspec.convert(self._call("configured"), _Configured)
            self._settings = msgspec.structs.replace(settings, **msgspec.structs.asdict(told))

    @property
    def settings(self) -> Settings:
        """The settings of this program."""
        return self._settings

    @property
    def names(self) -> tuple[str, ...]:
        """Name the providers that can be watched."""
        return tuple(self._kinds)

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of each provider that can be watched, by its name."""
        return self._kinds

    def instruments(self, addresses: Sequence[str]) -> list[Instrument]:
        """Return the instruments of addresses, each once, opened there.

        Raise AddressError for one that cannot be read, Failed where it cannot be had.
        """
        for address in addresses:
            parse_address(address)
        try:
            return self.port.open(addresses) if addresses else []
        except CallError as error:
            raise Failed(str(error), error.status) from None

    def default_addresses(self) -> list[str]:
        """Return what to watch when nobody says."""
        if not self._is_far:
            if self.settings.watchlist:
                return list(self.settings.watchlist)
            if self.settings.with_credential:
                return []
        try:
            return [one.address for one in self.port.open(None)]
        except CallError as error:
            raise Failed(str(error), error.status) from None

    def open_all(self) -> list[str]:
        """Open every provider that has a credential; return words for each that cannot be had."""
        problems: list[str] = self._call("open_all")
        return problems

    def accounts(self) -> dict[str, str]:
        """Return which provider tells the account that belongs to a market's provider."""
        found: dict[str, str] = self._call("accounts")
        return found

    def absence(self) -> float | None:
        """Return for how long (s) nobody had looked when this screen came, None where somebody did."""
        found: float | None = self._call("absence")
        return found

    def candidates(self) -> list[Candidate]:
        """Return what can be searched at once."""
        return [
            Candidate(address, Source(source), tuple(aliases), name)
            for address, source, aliases, name in self._call("candidates")
        ]

    def _call(self, name: str) -> Any:
        try:
            return self.port.call(name)
        except CallError as error:
            raise Failed(str(error), error.status) from None


class FarFinder:
    """Searches what a feed that is attached to can open."""

    def __init__(self, world: FarWorld) -> None:
        self._world = world
        self._known: list[Candidate] | None = None

    def known(self) -> list[Candidate]:
        """Return the watchlist of the configuration, and the providers' tables; asked for once."""
        if self._known is None:
            self._known = self._world.candidates()
        return self._known

    def typed(self, query: str) -> list[Candidate]:
        """Return what there may be under exactly the name that was typed."""
        return [one for name, kind in self._world.kinds.items() for one in named(kind, name, query)]

    def ask(self, query: str, answer: Callable[[list[str], str | None], None]) -> None:
        """Ask the providers that are open."""
        self._world.port.search(query, answer)

    async def open(self, address: str) -> Instrument:
        """Make an instrument watchable. Raise AddressError, or Failed where its provider cannot be had."""
        (instrument,) = await asyncio.to_thread(self._world.instruments, [address])
        return instrument


class FarParts:
    """The journal of the last hour that a feed on this machine keeps, for who goes back in it."""

    def __init__(self, port: AttachedPort) -> None:
        self._port = port

    @property
    def path(self) -> Path:
        """The first part there ever was. Raise JournalError."""
        return Path(self._told()["first"])

    @property
    def parts(self) -> list[Path]:
        """The parts that are kept, oldest first. Raise JournalError."""
        return [Path(one) for one in self._told()["parts"]]

    def _told(self) -> Any:
        try:
            return self._port.call("rewind")
        except CallError as error:
            raise JournalError(str(error)) from None
