"""From settings to providers: which are needed, with which credential, and the simulated venue."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mdterm.app.commands.context import USAGE, Context, Failed
from mdterm.app.secrets import SecretError
from mdterm.app.settings import (
    AlltickSettings,
    ExtensionSettings,
    JayxSettings,
    KiyotakaSettings,
    Settings,
    secret_of,
)
from mdterm.app.settings_schema import SECRET_VARIABLES
from mdterm.feeds.address import Address, AddressError, Instrument, parse_address
from mdterm.feeds.contract import Provider

if TYPE_CHECKING:
    from mdterm.feeds.sim.venue import VenueThread

SIMULATED = "sim"
_SIMULATED_WEIGHT = 1_000
"""Weight a minute that the simulated venue allows."""


class World:
    """The providers of one run, and the simulated venue where one of them is made up."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.settings: Settings = context.settings()
        self.providers: dict[str, Provider] = {}
        self._venue: VenueThread | None = None

    def instruments(self, addresses: Sequence[str]) -> list[Instrument]:
        """Return the instruments of addresses, each once, making the providers they need.

        Raise AddressError, or Failed where a provider is missing or has no key.
        """
        found: dict[str, Instrument] = {}
        for text in addresses:
            address = parse_address(text)
            instrument = self.provider(address.provider).resolve(address)
            found.setdefault(instrument.address, instrument)
        return list(found.values())

    def provider(self, name: str) -> Provider:
        """Return the provider of this instance name, made on first use."""
        made = self.providers.get(name)
        if made is None:
            made = self.providers[name] = self._make(name)
        return made

    def default_addresses(self) -> list[str]:
        """Return what to watch when nobody says: the watchlist, or the simulated market."""
        if self.settings.watchlist:
            return list(self.settings.watchlist)
        if self.settings.with_credential:
            return []
        self.provider(SIMULATED)
        assert self._venue is not None
        return [str(Address(SIMULATED, symbol)) for symbol in self._venue.symbols()]

    def close(self) -> None:
        """Stop the simulated venue."""
        if self._venue is not None:
            self._venue.stop()
            self._venue = None

    def _make(self, name: str) -> Provider:
        if name == SIMULATED and name not in self.settings.providers:
            return self._simulated()
        settings = self.settings.providers.get(name)
        if settings is None:
            known = ", ".join(sorted({*self.settings.providers, SIMULATED}))
            raise AddressError(f"there is no provider {name!r}; known are {known}")
        if isinstance(settings, KiyotakaSettings):
            return self._kiyotaka(settings)
        raise Failed(f"provider {name!r}: this version cannot connect to {_kind(settings)} yet", USAGE)

    def _secret(self, name: str, settings: KiyotakaSettings | AlltickSettings | JayxSettings) -> str:
        """Return the revealed credential and have it struck out of every log line."""
        secret = secret_of(settings)
        if secret is None:
            key = "api_key" if isinstance(settings, JayxSettings) else "token"
            variable = SECRET_VARIABLES.get(name)
            hint = f" or the environment variable {variable[1]}" if variable else ""
            raise Failed(
                f"provider {name!r} has no key: set providers.{name}.{key} in {self.settings.path}{hint}",
                USAGE,
            )
        try:
            value = secret.reveal()
        except SecretError as error:
            raise Failed(f"the key of provider {name!r} cannot be had: {error}", USAGE) from error
        self.context.secrets.add(value)
        return value

    def _kiyotaka(self, settings: KiyotakaSettings) -> Provider:
        from mdterm.feeds.kiyotaka.feed import ChannelOptions, Options, make

        return make(
            settings.name,
            Options(
                token=self._secret(settings.name, settings),
                region=settings.region,
                book_url=settings.book_url,
                nonbook_url=settings.nonbook_url,
                rest_url=settings.rest_url,
                auth_header=settings.auth_header,
                compression=settings.compression,
                block_size=None if isinstance(settings.block_size, str) else settings.block_size,
                block_sizes=settings.block_sizes,
                liquidation_side=settings.liquidation_side,
                channels={
                    kind: ChannelOptions(
                        batch_interval=one.batch_interval,
                        max_depth=one.max_depth,
                        update_frequency=one.update_frequency,
                        group_by_type=one.group_by_type,
                        quote=one.quote,
                        category=one.category,
                    )
                    for kind, one in settings.channels.items()
                },
            ),
        )

    def _simulated(self) -> Provider:
        from mdterm.feeds.kiyotaka.feed import Options, make
        from mdterm.feeds.sim.venue import VenueConfig, VenueError, VenueThread

        self._venue = VenueThread(VenueConfig())
        try:
            endpoints = self._venue.start()
        except VenueError as error:
            raise Failed(f"the simulated venue cannot start: {error}", USAGE) from error
        prefix = "providers.kiyotaka."
        return make(
            SIMULATED,
            Options(
                token=SIMULATED,
                book_url=endpoints[prefix + "book_url"],
                nonbook_url=endpoints[prefix + "nonbook_url"],
                rest_url=endpoints[prefix + "rest_url"],
                weight_per_minute=_SIMULATED_WEIGHT,
                simulated=True,
            ),
        )


def _kind(settings: AlltickSettings | JayxSettings | ExtensionSettings) -> str:
    return settings.kind


def missing_kinds(world: World, instruments: Iterable[Instrument], kinds: Sequence[str]) -> list[str]:
    """Return the kinds that none of the instruments' providers has."""
    had = {stream for one in instruments for stream in world.provider(one.provider).capabilities.streams}
    return [kind for kind in kinds if kind not in had]
