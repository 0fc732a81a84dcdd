"""From settings to providers: which are needed, with which credential, and the simulated venue."""

import contextlib
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mdterm.app.commands.context import USAGE, Context, Failed
from mdterm.app.secrets import Secret, SecretError
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
    from mdterm.app.state import State
    from mdterm.feeds.sim.venue import VenueThread

SIMULATED = "sim"
SHARE = "share it: end that one, `mdterm feed start`, and every screen and command attaches"
_SIMULATED_WEIGHT = 1_000
"""Weight a minute that the simulated venue allows."""


class World:
    """The providers of one run, and the simulated venue where one of them is made up."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.settings: Settings = context.settings()
        self.providers: dict[str, Provider] = {}
        self.state: State | None = None
        """Where providers remember from start to start; without one they remember nothing."""
        self._venue: VenueThread | None = None
        self._held = contextlib.ExitStack()

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

    @property
    def names(self) -> tuple[str, ...]:
        """Name the providers that can be watched: those that are open, and those that have what they need."""
        return tuple(dict.fromkeys((*self.providers, *self.settings.with_credential)))

    def open_all(self) -> list[str]:
        """Make every provider that has a credential; return words for each that cannot be had."""
        problems = []
        for name in self.settings.with_credential:
            try:
                self.provider(name)
            except Failed as error:
                problems.append(str(error))
        return problems

    def accounts(self) -> dict[str, str]:
        """Return which provider tells the account that belongs to a market's provider."""
        return {name: name for name, made in self.providers.items() if "order" in made.capabilities.streams}

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
        """Stop the simulated venue and let the credentials go."""
        self._held.close()
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
        if isinstance(settings, AlltickSettings):
            return self._alltick(settings)
        if isinstance(settings, JayxSettings):
            return self._jayx(settings)
        return self._extension(settings)

    def _alltick(self, settings: AlltickSettings) -> Provider:
        from mdterm.app.lock import hold
        from mdterm.feeds.alltick.feed import Options, make

        token = self._secret(settings.name, settings)
        # The plans allow few connections a token, so a second process would throw the first one out.
        self._held.enter_context(hold("alltick", token, command=" ".join(sys.argv[1:2]), advice=SHARE))
        return make(
            settings.name,
            Options(
                token=token,
                plan=settings.plan,
                stock_url=settings.stock_url,
                generic_url=settings.generic_url,
                stock_http_url=settings.stock_http_url,
                generic_http_url=settings.generic_http_url,
            ),
        )

    def _jayx(self, settings: JayxSettings) -> Provider:
        from mdterm.feeds.jayx.feed import Options, SymbolOptions, make

        key = None if settings.api_key is None else self._secret(settings.name, settings)
        return make(
            settings.name,
            Options(
                api_key=key,
                url=settings.url,
                framing=settings.framing,
                envelope=settings.envelope,
                sio_path=settings.sio_path,
                sio_namespace=settings.sio_namespace,
                precise=settings.precise,
                rest_url=settings.rest_url,
                tls_verify=settings.tls_verify,
                symbols={
                    symbol: SymbolOptions(tick=one.tick, lot=one.lot)
                    for symbol, one in settings.symbols.items()
                },
            ),
            None if self.state is None else self.state.memory(settings.name),
        )

    def _extension(self, settings: ExtensionSettings) -> Provider:
        """Make a provider of another package: its entry point takes the name and the table's keys."""
        import importlib.metadata

        (point,) = importlib.metadata.entry_points(group="mdterm.providers", name=settings.kind)
        options = {
            key: self._revealed(settings.name, value) if isinstance(value, Secret) else value
            for key, value in settings.options.items()
        }
        made: Provider = point.load()(settings.name, options)
        return made

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
        return self._revealed(name, secret)

    def _revealed(self, name: str, secret: Secret) -> str:
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
        from mdterm.feeds.jayx.beside import Beside
        from mdterm.feeds.jayx.feed import Options as AccountOptions
        from mdterm.feeds.jayx.feed import make as make_account
        from mdterm.feeds.kiyotaka.feed import Options, make
        from mdterm.feeds.sim.venue import VenueConfig, VenueError, VenueThread

        self._venue = VenueThread(VenueConfig(providers=("kiyotaka", "jayx")))
        try:
            endpoints = self._venue.start()
        except VenueError as error:
            raise Failed(f"the simulated venue cannot start: {error}", USAGE) from error
        prefix = "providers.kiyotaka."
        market = make(
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
        account = make_account(
            SIMULATED,
            AccountOptions(
                api_key=SIMULATED,
                url=endpoints["providers.jayx.url"],
                rest_url=endpoints["providers.jayx.rest_url"],
                framing="socketio",
                simulated=True,
            ),
        )
        return Beside(market, account)


def missing_kinds(world: World, instruments: Iterable[Instrument], kinds: Sequence[str]) -> list[str]:
    """Return the kinds that none of the instruments' providers has."""
    had = {stream for one in instruments for stream in world.provider(one.provider).capabilities.streams}
    return [kind for kind in kinds if kind not in had]
