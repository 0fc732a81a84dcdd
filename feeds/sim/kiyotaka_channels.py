"""Kiyotaka's channel objects: what a subscription may say, and the stream it opens."""

import re

from mdterm.feeds.sim.history import History
from mdterm.feeds.sim.kiyotaka_exchanges import EXCHANGES
from mdterm.feeds.sim.kiyotaka_points import BookEncoder, BookStream, Point, Stream, TradeEncoder, TradeStream
from mdterm.feeds.sim.kiyotaka_streams import (
    BatchStream,
    FundingStream,
    InterestStream,
    LiquidationStream,
    ProfileStream,
)
from mdterm.feeds.sim.market import Instrument, VenueEvent
from mdterm.feeds.sim.pace import Floor

BOOK = "BLOCK_BOOK_SNAPSHOT"
FAMILIES = {
    BOOK: "book",
    "TRADE": "nonbook",
    "TRADE_AGG": "nonbook",
    "LIQUIDATION": "nonbook",
    "FUNDING_RATE": "nonbook",
    "OPEN_INTEREST": "nonbook",
    "VOLUME_PROFILE_AGG": "nonbook",
}
"""Which endpoint family serves which channel."""

GROUPED = frozenset({BOOK, "VOLUME_PROFILE_AGG"})
"""The channels that know `groupByType`."""

CATEGORIES = ("SPOT", "PERPETUAL", "FUTURE", "OPTION", "COMBO")

_FREQUENCY = re.compile(r"([0-9]+)(ms|s|m)")
_FREQUENCY_NS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9}


class Refusal(Exception):
    """A channel the venue does not serve; `code` is the REST word for it."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


class Channels:
    """Open streams for the channels of one market."""

    def __init__(
        self, floor: Floor, history: History, *, silent_about_unknown: bool, longs_are_buys: bool
    ) -> None:
        self._floor = floor
        self._history = history
        self._longs_are_buys = longs_are_buys
        self._silent = silent_about_unknown
        self._trade_encoders: dict[tuple[str, str], TradeEncoder] = {}
        self._book_encoders: dict[tuple[object, ...], BookEncoder] = {}

    def open(self, channel: object, family: str) -> tuple[str, Stream | None]:
        """Return the channel's key and its stream (None for an unknown symbol when that is kept silent)."""
        texts = _texts(channel)
        kind = _kind(texts, family)
        key = _key(texts)
        exchange = _exchange(texts)
        try:
            instruments = self._instruments(texts)
        except Refusal:
            if self._silent:
                return key, None
            raise
        return key, self._stream(kind, texts, exchange, instruments)

    def key(self, channel: object, family: str) -> str:
        """Return what names a channel; raise Refusal where it could never have been opened."""
        texts = _texts(channel)
        _kind(texts, family)
        return _key(texts)

    def catch_up(self, stream: Stream, kind: str, out: list[Point]) -> None:
        """Give a new stream what it may have of the past: held rows, else the newest snapshots."""
        held: list[VenueEvent] = []
        for symbol in stream.symbols:
            held += self._floor.claim(symbol, kind)
        if len(stream.symbols) > 1:
            held.sort(key=lambda event: event.ts)
        if not held:
            held = [
                latest
                for symbol in stream.symbols
                for heard in stream.hears
                if (latest := self._floor.latest.get((heard, symbol))) is not None
            ]
        for event in held:
            if type(event) in stream.hears:
                stream.on(event, out)

    def _stream(
        self, kind: str, texts: dict[str, str], exchange: str, instruments: tuple[Instrument, ...]
    ) -> Stream:
        one, category = instruments[0], EXCHANGES[exchange]
        match kind:
            case "BLOCK_BOOK_SNAPSHOT":
                return self._book(texts, exchange, instruments)
            case "TRADE_AGG":
                span_ns = _span_ns(texts, "batchInterval", "1s")
                if not span_ns:
                    raise Refusal("INVALID_PARAMS", "batchInterval must not be zero")
                return BatchStream(one, exchange, category, span_ns)
            case "LIQUIDATION":
                return LiquidationStream(one, exchange, category, self._longs_are_buys)
            case "FUNDING_RATE":
                return FundingStream(one, exchange, category)
            case "OPEN_INTEREST":
                return InterestStream(one, exchange, category)
            case "VOLUME_PROFILE_AGG":
                return ProfileStream(
                    instruments,
                    exchange,
                    category,
                    self._history,
                    spacing_ns=self._spacing_ns(texts, "1s"),
                    in_usd=_in_usd(texts),
                    grouped=_is_grouped(texts),
                )
        return self._trades(exchange, one)

    def _instruments(self, texts: dict[str, str]) -> tuple[Instrument, ...]:
        symbol = texts.get("symbol", "")
        if texts["type"] in GROUPED and _is_grouped(texts):
            found = tuple(i for i in self._floor.instruments.values() if i.coin == symbol)
        else:
            one = self._floor.instruments.get(symbol)
            found = () if one is None else (one,)
        if not found:
            raise Refusal("INVALID_SYMBOL", f"Unknown symbol {symbol!r} for {texts.get('exchange')}.")
        return found

    def _trades(self, exchange: str, instrument: Instrument) -> Stream:
        key = (exchange, instrument.symbol)
        encode = self._trade_encoders.get(key)
        if encode is None:
            encode = self._trade_encoders[key] = TradeEncoder(instrument, exchange, EXCHANGES[exchange])
        return TradeStream(instrument.symbol, encode)

    def _book(self, texts: dict[str, str], exchange: str, instruments: tuple[Instrument, ...]) -> Stream:
        if "blockSize" not in texts:
            raise Refusal("INVALID_PARAMS", "blockSize is required, see GET /v1/block-sizes")
        block = _positive(texts, "blockSize")
        depth = None
        if "maxDepth" in texts:
            if not texts["maxDepth"].isdecimal() or int(texts["maxDepth"]) == 0:
                raise Refusal("INVALID_PARAMS", f"maxDepth {texts['maxDepth']!r} is not a count of levels")
            depth = int(texts["maxDepth"])
        in_usd, grouped = _in_usd(texts), _is_grouped(texts)
        symbols = tuple(i.symbol for i in instruments)
        key = (exchange, symbols, block, depth, in_usd, grouped)
        encode = self._book_encoders.get(key)
        if encode is None:
            encode = self._book_encoders[key] = BookEncoder(
                instruments, exchange, block=block, depth=depth, in_usd=in_usd, grouped=grouped
            )
        return BookStream(symbols, encode, self._spacing_ns(texts))

    def _spacing_ns(self, texts: dict[str, str], default: str = "0ms") -> int:
        # The wait is one of the real world: a market played ten times as fast sends no more snapshots.
        return round(_span_ns(texts, "updateFrequency", default) * self._floor.speed)


def _texts(channel: object) -> dict[str, str]:
    if not isinstance(channel, dict):
        raise Refusal("INVALID_PARAMS", "a channel is an object")
    for name, value in channel.items():
        if not isinstance(value, str):
            raise Refusal("INVALID_PARAMS", f"{name} must be a string")
    return channel


def _kind(texts: dict[str, str], family: str) -> str:
    kind = texts.get("type", "")
    if kind not in FAMILIES:
        raise Refusal("INVALID_PARAMS", f"Unknown channel {kind!r}.")
    if FAMILIES[kind] != family:
        raise Refusal("INVALID_PARAMS", f"{kind} is not served here but on the {FAMILIES[kind]} endpoint.")
    return kind


def _key(texts: dict[str, str]) -> str:
    names = ("type", "exchange", "symbol", "groupByType", "quote", "blockSize")
    return "\n".join(texts.get(name, "") for name in names)


def _exchange(texts: dict[str, str]) -> str:
    exchange = texts.get("exchange", "")
    if exchange not in EXCHANGES:
        raise Refusal("INVALID_EXCHANGE", f"Unknown exchange {exchange!r}.")
    category = texts.get("category", "*")
    if category != "*" and category not in CATEGORIES:
        raise Refusal("INVALID_PARAMS", f"Unknown category {category!r}.")
    if category not in ("*", EXCHANGES[exchange]):
        raise Refusal("INVALID_SYMBOL", f"{exchange} lists no {category} markets.")
    return exchange


def _is_grouped(texts: dict[str, str]) -> bool:
    grouped = texts.get("groupByType", "0")
    if grouped not in ("0", "1"):
        raise Refusal("INVALID_PARAMS", f'groupByType is "0" or "1", not {grouped!r}')
    return grouped == "1"


def _in_usd(texts: dict[str, str]) -> bool:
    quote = texts.get("quote", "COIN")
    if quote not in ("COIN", "USD"):
        raise Refusal("INVALID_PARAMS", f'quote is "COIN" or "USD", not {quote!r}')
    return quote == "USD"


def _positive(texts: dict[str, str], name: str) -> float:
    try:
        value = float(texts[name])
    except ValueError:
        value = 0.0
    if not 0 < value < 1e12:
        raise Refusal("INVALID_PARAMS", f"{name} {texts[name]!r} is not a price step")
    return value


def _span_ns(texts: dict[str, str], name: str, default: str) -> int:
    match = _FREQUENCY.fullmatch(texts.get(name, default))
    if match is None:
        raise Refusal("INVALID_PARAMS", f"{name} {texts[name]!r} is not a time such as 500ms or 1s")
    return int(match[1]) * _FREQUENCY_NS[match[2]]
