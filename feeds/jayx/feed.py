"""JayX as a provider: addresses, links, codecs, and the framing that has to be found out first."""

import asyncio
import logging
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from mdterm.feeds.address import Address, AddressError, Instrument, parse_address
from mdterm.feeds.contract import (
    Backoff,
    Capabilities,
    Codec,
    Gate,
    History,
    Link,
    OpenGate,
    Poller,
    Silence,
    Unready,
    Want,
)
from mdterm.feeds.events import Stream
from mdterm.feeds.jayx import facts, framing
from mdterm.feeds.jayx.codec import Generations, MarketCodec
from mdterm.feeds.jayx.framing import Dialect
from mdterm.feeds.jayx.private import PrivateCodec
from mdterm.feeds.jayx.probe import Asked, ProbeError, candidates, probe
from mdterm.feeds.jayx.units import Units, units_of
from mdterm.feeds.status import Caution

log = logging.getLogger(__name__)


class SymbolOptions(msgspec.Struct, frozen=True):
    """``symbols.<S>`` of the configuration: what the provider's integers count."""

    tick: Decimal | None = None
    lot: Decimal | None = None


class Options(msgspec.Struct, frozen=True):
    """An instance's configuration, credential included. Never log it."""

    api_key: str | None = None
    url: str | None = None
    framing: Literal["auto", "socketio", "envelope", "flat"] = "auto"
    envelope: tuple[str, str] = ("event", "data")
    sio_path: str = "/socket.io/"
    sio_namespace: str = "/"
    precise: str = "1"
    rest_url: str | None = None
    tls_verify: bool = True
    symbols: Mapping[str, SymbolOptions] = msgspec.field(default_factory=dict)
    simulated: bool = False


class _Learnt(msgspec.Struct):
    dialect: Dialect | None
    units: dict[str, tuple[Decimal | None, Decimal | None]]
    intervals: dict[str, str]


class JayX:
    """One instance of the provider. ``memory`` remembers the framing of a URL from run to run."""

    kind = "jayx"
    capabilities: Capabilities = facts.CAPABILITIES
    backoff: Backoff = facts.BACKOFF
    history_intervals: frozenset[str] = frozenset()

    def __init__(self, name: str, options: Options, memory: MutableMapping[str, str] | None = None) -> None:
        self.name = name
        self.gate: Gate = OpenGate()
        self.history: History | None = None
        self.poller: Poller | None = None
        self.patience_s = facts.PROBE_S
        """How long a framing is tried."""
        self.doubts: dict[str, str] = {}
        """Words by symbol, where the provider's own figures contradict the configured units."""
        self.crowd = ""
        """What of the account is left out, in words; empty where all of it is kept."""
        self._options = options
        self._base = options.url or facts.WS_BASE
        self._memory = memory if memory is not None else {}
        self._dialect = self._configured()
        self._told: dict[str, tuple[Decimal | None, Decimal | None]] = {}
        self._knows_units = options.rest_url is None
        self._finding: asyncio.Task[None] | None = None
        self._intervals: dict[str, str] = {}
        self._generations: dict[str, Generations] = {}
        self._take_body: Callable[[str, int, bytes], None] | None = None

    def _configured(self) -> Dialect | None:
        """Return the dialect where the configuration alone says it."""
        options = self._options
        if options.framing == "envelope":
            return Dialect("envelope", envelope=options.envelope)
        if options.framing == "flat":
            return Dialect("flat", envelope=options.envelope)
        return None

    # What an address is.

    def resolve(self, address: Address) -> Instrument:
        """Return the instrument of an address. Raise AddressError."""
        if address.exchange is not None:
            raise AddressError(f"address {address}: {self.name} is one exchange, write {self.name}:SYMBOL")
        units = self.units(address.symbol)
        return Instrument(
            address=str(address),
            provider=self.name,
            kind=self.kind,
            symbol=address.symbol,
            tick=None if units.tick.step is None else float(units.tick.step),
            lot=None if units.lot.step is None else float(units.lot.step),
            simulated=self._options.simulated,
            has_account=True,
        )

    def units(self, symbol: str) -> Units:
        """Return what a tick and a lot are: configured, told over HTTP, or known."""
        configured = self._options.symbols.get(symbol, SymbolOptions())
        told = self._told.get(symbol, (None, None))
        known = facts.UNITS.get(symbol, (None, None))
        return units_of(configured.tick or told[0] or known[0], configured.lot or told[1] or known[1])

    def untold(self, instrument: Instrument) -> list[str]:
        """Return the configuration keys that would tell tick and lot; empty where both are known.

        While it is not empty, prices are counts of ticks and sizes counts of lots: raw.
        """
        units, key = self.units(instrument.symbol), f"providers.{self.name}.symbols.{instrument.symbol}"
        missing = [] if units.tick.step is not None else [f"{key}.tick"]
        return missing if units.lot.step is not None else [*missing, f"{key}.lot"]

    def caution(self, instrument: Instrument) -> Caution | None:
        """Say where figures are mere counts, are left out, or contradict the units."""
        missing, symbol = self.untold(instrument), instrument.symbol
        if missing:
            words = f"nobody told what a tick and a lot of {symbol} are: set {' and '.join(missing)}"
            return Caution("raw", words, is_raw=True)
        if self.crowd:
            return Caution("not all", self.crowd)
        doubt = self.doubts.get(symbol)
        return None if doubt is None else Caution("lot?", doubt)

    async def learn(self) -> None:
        """Ask the REST service, where one is configured, for tick and lot. Never raise."""
        if self._knows_units or self._options.rest_url is None:
            return
        from mdterm.feeds.jayx.http import fetch_units

        self._told = await fetch_units(
            self._options.rest_url, tls_verify=self._options.tls_verify, take=self._take_body
        )
        self._knows_units = True

    def set_interval(self, address: str, interval: str) -> None:
        """Choose the interval of an address's candles. Raise ValueError where the provider has none such."""
        if interval not in facts.INTERVALS:
            known = ", ".join(facts.INTERVALS)
            raise ValueError(f"{self.name} has no candles of {interval}: there are {known}")
        self._intervals[address] = interval

    # What it can do.

    def carries(self, instrument: Instrument, stream: Stream) -> str | None:
        """Return None if the instrument can have the stream, else the reason why not."""
        if stream not in facts.CAPABILITIES.streams:
            return f"{self.kind} has no stream of this kind"
        return self._private_needs() if stream in facts.PRIVATE_STREAMS else None

    def _private_needs(self) -> str | None:
        """Return what balances and orders lack, None where nothing does."""
        if not self._options.api_key:
            variable = " or the environment variable MDTERM_JAYX_API_KEY" if self.name == self.kind else ""
            return f"no API key: set providers.{self.name}.api_key{variable}"
        parts = urlsplit(self._base)
        if parts.scheme in ("ws", "http") and parts.hostname not in facts.LOOPBACK:
            return f"the API key is sent over wss:// alone: change providers.{self.name}.url"
        return None

    def silence(self, stream: Stream) -> Silence:
        """Return the longest believable silence of a stream."""
        return facts.SILENCE.get(stream, Silence(None))

    def closed_since(self, instrument: Instrument, now_ns: int) -> int | None:
        """Return None: the market never closes."""
        return None

    def framing_words(self) -> str:
        """Say how messages are framed, and whether that was found out."""
        if self._dialect is None:
            return "framing: not known yet"
        how = " (auto)" if self._options.framing == "auto" else ""
        return f"framing: {self._dialect.words()}{how}"

    # Which sockets.

    def plan(self, wants: Sequence[Want]) -> list[Link]:
        """One socket a symbol, at most 8, what is on the screen first; one more for the account.

        No link is planned before ``prepare`` has found the framing.
        """
        if self._dialect is None or not self._knows_units:
            return []
        served = self._served(wants)
        links = [self._link(f"{self.name}/{self._tag(address)}", own) for address, own in served.items()]
        private = [want for want in wants if want.stream in facts.PRIVATE_STREAMS]
        if private and self._private_needs() is None:
            links.append(self._link(f"{self.name}/account", private))
        return links

    def unserved(self, wants: Sequence[Want]) -> dict[str, str]:
        """Return the addresses that no socket is left for, each with the reason in words."""
        served = self._served(wants)
        left = {want.address for want in wants if want.stream in facts.MARKET_STREAMS} - served.keys()
        return dict.fromkeys(sorted(left), facts.SOCKETS_WORDS)

    def _served(self, wants: Sequence[Want]) -> dict[str, list[Want]]:
        by_address: dict[str, list[Want]] = {}
        for want in sorted(wants):
            if want.stream in facts.MARKET_STREAMS:
                by_address.setdefault(want.address, []).append(want)
        return dict(list(by_address.items())[: facts.MAX_MARKET_SOCKETS])

    def _tag(self, address: str) -> str:
        """Name a market link. Another interval is another connection: candles do not tell theirs."""
        interval = self._intervals.get(address, facts.DEFAULT_INTERVAL)
        symbol = parse_address(address).symbol
        return symbol if interval == facts.DEFAULT_INTERVAL else f"{symbol}@{interval}"

    def _link(self, key: str, wants: Sequence[Want]) -> Link:
        assert self._dialect is not None
        key_of = self._options.api_key
        return Link(
            key=key,
            provider=self.name,
            url=framing.dial_url(self._base, self._dialect, self._options.sio_path),
            wants=tuple(sorted(wants)),
            secrets=(key_of,) if key_of and not self._options.simulated else (),
            tls_verify=self._options.tls_verify,
            note=self.framing_words() if self._options.framing == "auto" else "",
        )

    def codec(self, link: Link) -> Codec:
        """Return the codec of a link."""
        dialect, namespace = self._dialect or Dialect("socketio"), self._options.sio_namespace
        if link.wants[0].stream in facts.PRIVATE_STREAMS:
            assert self._options.api_key is not None
            return PrivateCodec(
                name=self.name,
                api_key=self._options.api_key,
                dialect=dialect,
                namespace=namespace,
                units=self.units,
                symbol_of=lambda address: parse_address(address).symbol,
                doubted=self._doubt,
                crowded=self._is_crowded,
            )
        address = link.wants[0].address
        symbol = parse_address(address).symbol
        return MarketCodec(
            address=address,
            symbol=symbol,
            interval=self._intervals.get(address, facts.DEFAULT_INTERVAL),
            precise=self._options.precise,
            dialect=dialect,
            namespace=namespace,
            units=self.units(symbol),
            generations=self._generations.setdefault(symbol, Generations()),
        )

    # What a recording needs.

    def effective(self) -> dict[str, Any]:
        """Return the settings in force, without key and URLs; only that there is a key."""
        key = "***" if self._options.api_key else None
        told: dict[str, Any] = msgspec.to_builtins(
            replace(self._options, api_key=key, url=None, rest_url=None)
        )
        return told

    def learnt(self) -> dict[str, Any]:
        """Return the framing, what a tick and a lot are, and the intervals chosen."""
        dialect: Any = msgspec.to_builtins(self._dialect)
        told: Any = msgspec.to_builtins(self._told)
        return {"dialect": dialect, "units": told, "intervals": dict(self._intervals)}

    def relearn(self, told: Mapping[str, Any]) -> None:
        """Take over what ``learnt`` returned."""
        known = msgspec.convert(dict(told), _Learnt)
        self._dialect, self._told, self._intervals = known.dialect, known.units, known.intervals

    def hear_bodies(self, take: Callable[[str, int, bytes], None]) -> None:
        """Hand every HTTP answer on."""
        self._take_body = take

    def _doubt(self, symbol: str, words: str) -> None:
        if symbol not in self.doubts:
            self.doubts[symbol] = words
            log.warning("%s: %s", self.name, words)

    def _is_crowded(self, words: str) -> None:
        if words and not self.crowd:
            log.warning("%s: %s", self.name, words)
        self.crowd = words

    # What has to be found out.

    async def prepare(self, instrument: Instrument, stream: Stream, price: float | None) -> None:
        """Find the framing, and the units where a REST service tells them. Raise Unready with words."""
        if self._dialect is not None and self._knows_units:
            return
        # All streams wait for one search; each that came while it ran gets its outcome.
        if self._finding is None or self._finding.done():
            self._finding = asyncio.ensure_future(self._find(instrument.symbol))
        try:
            await asyncio.shield(self._finding)
        except asyncio.CancelledError:
            self._finding.cancel()
            raise
        except ProbeError as error:
            hint = ""
            if error.reached:
                hint = f"; set providers.{self.name}.framing to socketio, envelope or flat"
            raise Unready(f"{error}{hint}", is_lost=True) from None

    async def _find(self, symbol: str) -> None:
        units = asyncio.ensure_future(self.learn())
        try:
            if self._dialect is None:
                self._dialect = await self._find_dialect(symbol)
            await units
        finally:
            units.cancel()

    async def _find_dialect(self, symbol: str) -> Dialect:
        options = self._options
        asked = Asked(
            self._base, options.sio_path, symbol, options.precise, options.tls_verify, self.patience_s
        )
        remembered = self._recall()
        if remembered is not None:
            try:
                return await probe(asked, [remembered])
            except ProbeError as error:
                if not error.reached:
                    return remembered  # nobody is there to ask: the connection tells, and comes back
                log.info("the framing remembered does not work any more")
        try:
            found = await probe(asked, candidates(options.framing, options.envelope))
        except ProbeError:
            if options.framing == "socketio":
                return Dialect("socketio")  # told, not found: the connection will say what is wrong
            raise
        self._memory[_without_user(self._base)] = msgspec.json.encode(found).decode()
        return found

    def _recall(self) -> Dialect | None:
        try:
            found = msgspec.json.decode(self._memory[_without_user(self._base)], type=Dialect)
        except (KeyError, msgspec.DecodeError):
            return None
        wanted = self._options.framing
        return found if wanted in ("auto", found.form) else None


def revive(name: str, settings: Mapping[str, Any]) -> JayX:
    """Return an instance that tells a recording again; it connects nowhere. Raise ValidationError."""
    return JayX(name, msgspec.convert(dict(settings), Options))


def _without_user(url: str) -> str:
    """Return a URL without name and password, to be kept in a file."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def make(name: str, options: Options, memory: MutableMapping[str, str] | None = None) -> JayX:
    """Return an instance of the provider."""
    return JayX(name, options, memory)
