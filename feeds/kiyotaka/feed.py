"""Kiyotaka as a provider: addresses, links, codecs, history."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit, urlunsplit

import msgspec

from mdterm.feeds.address import Address, AddressError, Instrument, parse_address
from mdterm.feeds.clock import SystemClock
from mdterm.feeds.contract import (
    Backoff,
    Capabilities,
    Gate,
    History,
    HistoryError,
    Link,
    OpenGate,
    Poller,
    Silence,
    Unready,
    Want,
)
from mdterm.feeds.events import Stream, Unit
from mdterm.feeds.journal_notes import Audible
from mdterm.feeds.kiyotaka import facts
from mdterm.feeds.kiyotaka.handshake import Budget, Channel

if TYPE_CHECKING:
    from mdterm.feeds.kiyotaka.codec import KiyotakaCodec

_COIN = "coin="
_LEAST_BLOCK = Decimal("1e-10")  # the decimals that a price may have


class ChannelOptions(msgspec.Struct, frozen=True):
    """``channels.<KIND>`` of the configuration; None leaves the parameter out."""

    batch_interval: str | None = None
    max_depth: int | None = None
    update_frequency: str | None = None
    group_by_type: bool | None = None
    quote: str | None = None
    category: str | None = None


class Options(msgspec.Struct, frozen=True):
    """An instance's configuration, credential included. Never log it."""

    token: str
    region: facts.Region = "singapore"
    book_url: str | None = None
    nonbook_url: str | None = None
    rest_url: str | None = None
    auth_header: str | None = None
    compression: Literal["none", "brotli"] = "none"
    block_size: float | None = None
    """None: asked from the service (``auto``)."""
    block_sizes: Mapping[str, float] = msgspec.field(default_factory=dict)
    """Block sizes by ``EXCHANGE:SYMBOL`` or symbol; they win over ``block_size``."""
    liquidation_side: Literal["position", "order"] = "position"
    channels: Mapping[str, ChannelOptions] = msgspec.field(default_factory=dict)
    weight_per_minute: int = facts.FREE_WEIGHT
    simulated: bool = False


class Kiyotaka:
    """One instance of the provider."""

    kind = "kiyotaka"
    capabilities: Capabilities = facts.CAPABILITIES
    backoff: Backoff = facts.BACKOFF
    history_intervals: frozenset[str] = facts.HISTORY_INTERVALS

    def __init__(self, name: str, options: Options, history: History | None = None) -> None:
        self.name = name
        self.gate: Gate = OpenGate()
        self.history = history
        self.poller: Poller | None = None
        self._options = options
        self._budget = Budget()
        self._block_sizes: dict[str, float] = {}
        self._bookless: dict[str, str] = {}
        """Why there is no book, by address."""
        self._instruments: dict[str, Instrument] = {}

    def resolve(self, address: Address) -> Instrument:
        """Return the instrument of an address; friendly exchange names become the service's ids."""
        exchange = address.exchange
        if exchange is None:
            exchange = facts.DEFAULT_EXCHANGE
        exchange = facts.EXCHANGE_ALIASES.get(exchange, exchange)
        grouped = address.symbol.startswith(_COIN)
        symbol = address.symbol.removeprefix(_COIN)
        if not symbol:
            raise AddressError(f"address {address} names no coin: write coin=BTC")
        # The simulated market has one venue, so its addresses stay short.
        short = self._options.simulated and address.exchange is None
        resolved = address if short else Address(self.name, address.symbol, exchange)
        instrument = Instrument(
            address=str(resolved),
            provider=self.name,
            kind=self.kind,
            symbol=symbol,
            exchange=exchange,
            grouped=grouped,
            simulated=self._options.simulated,
        )
        self._instruments[instrument.address] = instrument
        return instrument

    def plan(self, wants: Sequence[Want]) -> list[Link]:
        """One socket a family, shared by all instruments; a family without wants has none."""
        by_family: dict[facts.Family, list[Want]] = {}
        for want in wants:
            if self.carries(self._instrument(want.address), want.stream) is None:
                by_family.setdefault(facts.CHANNELS[want.stream][1], []).append(want)
        return [
            Link(
                key=f"{self.name}/{family}",
                provider=self.name,
                url=self._url(family),
                wants=tuple(sorted(found)),
                secrets=() if self._options.simulated else (self._options.token,),
            )
            for family, found in sorted(by_family.items())
        ]

    def unserved(self, wants: Sequence[Want]) -> Mapping[str, str]:
        """Return nothing: how many channels a connection may carry is not documented."""
        return {}

    def carries(self, instrument: Instrument, stream: Stream) -> str | None:
        """Return None if the instrument can have the stream, else the reason why not."""
        if stream not in facts.CHANNELS:
            return f"{self.kind} has no stream of this kind"
        if instrument.grouped and stream not in facts.GROUPABLE:
            return "a coin over all its markets has only a book and a volume profile"
        if stream == "book" and instrument.address in self._bookless:
            return self._bookless[instrument.address]
        if instrument.exchange in facts.SPOT_EXCHANGES and stream in facts.PERPETUAL_ONLY:
            return "a spot market has none"
        return None

    def codec(self, link: Link) -> "KiyotakaCodec":
        """Return the codec of a link."""
        from mdterm.feeds.kiyotaka.codec import KiyotakaCodec  # not needed for the first paint

        book = self._options.channels.get("BLOCK_BOOK_SNAPSHOT", ChannelOptions())
        unit: Unit = "quote" if book.quote == "USD" else "base"
        return KiyotakaCodec(
            token=self._options.token,
            resolve=self._instrument,
            channel=self._channel,
            unit=unit,
            compression=self._options.compression,
            liquidation_side=self._options.liquidation_side,
            budget=self._budget,
        )

    def silence(self, stream: Stream) -> Silence:
        """Return the longest believable silence; what is sent at a configured pace follows that pace."""
        found = facts.SILENCE.get(stream, Silence(None))
        if found.stale_after_s is None or stream not in facts.CHANNELS:
            return found
        options = self._options.channels.get(facts.CHANNELS[stream][0], ChannelOptions())
        paces = (options.update_frequency, options.batch_interval)
        every = max(duration_s(pace) if pace else 0.0 for pace in paces)
        return Silence(max(found.stale_after_s, 3 * every))

    def closed_since(self, instrument: Instrument, now_ns: int) -> int | None:
        """Return None: the service tells no trading hours, and crypto has none."""
        return None

    async def prepare(self, instrument: Instrument, stream: Stream, price: float | None) -> None:
        """Learn the block size that a book must be asked with. Raise Unready with words."""
        if stream != "book" or self._block_size(instrument) is not None:
            return
        words = "the service does not tell a block size"
        if self.history is not None:
            try:
                size = await self.history.block_size(instrument)
            except HistoryError as error:
                words = str(error)
                if error.refused:
                    self._bookless[instrument.address] = words
                    raise Unready(words, final=True) from error
            else:
                if not size:
                    words = "no book is available on this plan (block size 0)"
                    self._bookless[instrument.address] = words
                    raise Unready(words, final=True)
                self._block_sizes[instrument.address] = size
                return
        if price is None:
            raise Unready(f"{words}; set providers.{self.name}.block_size")
        self._block_sizes[instrument.address] = guess_block_size(price)

    # What a recording needs.

    def effective(self) -> dict[str, Any]:
        """Return the settings in force, without key and URLs."""
        plain = msgspec.structs.replace(
            self._options, token="", book_url=None, nonbook_url=None, rest_url=None, auth_header=None
        )
        told: dict[str, Any] = msgspec.to_builtins(plain)
        return told

    def learnt(self) -> dict[str, Any]:
        """Return the block sizes that the service told, and why there is no book."""
        if not self._block_sizes and not self._bookless:
            return {}
        return {"block_sizes": dict(self._block_sizes), "bookless": dict(self._bookless)}

    def relearn(self, told: Mapping[str, Any]) -> None:
        """Take over what ``learnt`` returned."""
        self._block_sizes.update(msgspec.convert(told.get("block_sizes", {}), dict[str, float]))
        self._bookless.update(msgspec.convert(told.get("bookless", {}), dict[str, str]))

    def hear_bodies(self, take: Callable[[str, int, bytes], None]) -> None:
        """Hand every HTTP answer on."""
        source: object = self.history
        if isinstance(source, Audible):
            source.hear_bodies(take)

    def _instrument(self, address: str) -> Instrument:
        found = self._instruments.get(address)
        return found if found is not None else self.resolve(parse_address(address))

    def _block_size(self, instrument: Instrument) -> float | None:
        sizes, symbol = self._options.block_sizes, instrument.symbol
        for key in (f"{instrument.exchange}:{symbol}", symbol, instrument.address):
            if key in sizes:
                return sizes[key]
        if self._options.block_size is not None:
            return self._options.block_size
        return self._block_sizes.get(instrument.address)

    def _url(self, family: facts.Family) -> str:
        options = self._options
        base = options.book_url if family == "book" else options.nonbook_url
        if base is None:
            base = facts.WS_HOSTS[options.region] + facts.WS_PATHS[family]
        try:
            parts = urlsplit(base)
        except ValueError:
            return base  # the connection says that it is none
        path = facts.WS_PATHS[family] if parts.path in ("", "/") else parts.path
        query = parts.query
        if facts.ENCODING not in query.split("&"):
            query = f"{query}&{facts.ENCODING}" if query else facts.ENCODING
        return urlunsplit((parts.scheme, parts.netloc, path, query, ""))

    def _channel(self, instrument: Instrument, stream: Stream) -> Channel | None:
        """Return the channel object, or None while a parameter it needs is not known."""
        type_ = facts.CHANNELS[stream][0]
        options = self._options.channels.get(type_, ChannelOptions())
        parameters: list[tuple[str, str]] = []
        block_size = None
        if stream == "book":
            block_size = self._block_size(instrument)
            if block_size is None:
                return None
            parameters.append(("blockSize", number_text(block_size)))
        group = True if instrument.grouped else options.group_by_type
        values = {
            "batchInterval": options.batch_interval,
            "maxDepth": None if options.max_depth is None else str(options.max_depth),
            "updateFrequency": options.update_frequency,
            "groupByType": None if group is None else str(int(group)),
        }
        for name in facts.PARAMETERS.get(type_, ()):
            value = values[name]
            if value is not None:
                parameters.append((name, value))
        if options.quote is not None:
            parameters.append(("quote", options.quote))
        return Channel(
            type=type_,
            exchange=instrument.exchange or facts.DEFAULT_EXCHANGE,
            symbol=instrument.symbol,
            category=options.category or "*",
            parameters=tuple(parameters),
            block_size=block_size,
        )


def make(name: str, options: Options) -> Kiyotaka:
    """Return an instance of the provider, with its history.

    Where the sockets are elsewhere and no REST base is named, there is no history: the key must not go to a
    host that nobody named.
    """
    elsewhere = options.book_url is not None or options.nonbook_url is not None
    if elsewhere and options.rest_url is None:
        return Kiyotaka(name, options)
    from mdterm.feeds.kiyotaka.http import KiyotakaHistory

    history = KiyotakaHistory(
        options.rest_url or facts.REST_BASE,
        options.token,
        instance=name,
        auth_header=options.auth_header or facts.AUTH_HEADER,
        weight_per_minute=options.weight_per_minute,
        burst=2 * options.weight_per_minute,
        clock=SystemClock(),
    )
    return Kiyotaka(name, options, history)


def revive(name: str, settings: Mapping[str, Any]) -> Kiyotaka:
    """Return an instance that tells a recording again; it connects nowhere. Raise ValidationError."""
    return Kiyotaka(name, msgspec.convert(dict(settings), Options))


def number_text(value: float) -> str:
    """Return a number as the shortest plain decimal: 25, 0.1, 0.00001."""
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration_s(text: str) -> float:
    """Return seconds of a duration such as ``500ms``, ``1s``, ``2m``; 0 when unreadable."""
    for suffix, factor in (("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)):
        if text.endswith(suffix):
            try:
                return float(text.removesuffix(suffix)) * factor
            except ValueError:
                return 0.0
    return 0.0


def guess_block_size(price: float) -> float:
    """Return a believable block size where nobody tells one: about 0.5 bp of the price, 1-2-5 rounded.

    Two observed recommendations for BTCUSDT near 60-90 thousand are 3 and 5. [3P, DOC]
    """
    target = max(Decimal(repr(price)) * Decimal("0.00005"), _LEAST_BLOCK)
    power = Decimal(1).scaleb(target.adjusted())
    return float(next(power * k for k in (5, 2, 1) if power * k <= target))
