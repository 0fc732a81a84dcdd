"""What a simulated venue trades: instruments, events, and the contract of a source of them.

A source (synthetic or played) knows nothing of protocols or sockets; a protocol server knows nothing of
where the market comes from. Both meet in the structs here. Times are integer nanoseconds, UTC.
"""

from typing import Protocol

from msgspec import Struct

MINUTE_NS = 60_000_000_000

_QUOTES = ("USDT", "USDC", "FDUSD", "USD", "EUR", "BTC")


class Instrument(Struct, frozen=True, gc=False):
    """One traded symbol: its coin, what it is quoted in, and its smallest price step."""

    symbol: str
    coin: str
    quote: str
    tick: float

    @property
    def normalized(self) -> str:
        """The pair with a dash, `BTC-USDT`; the coin alone where nothing names the quote."""
        return f"{self.coin}-{self.quote}" if self.quote else self.coin


class VenueTrade(Struct, frozen=True, gc=False):
    """One print; `buy` is the aggressor."""

    symbol: str
    ts: int
    id: str
    price: float
    size: float
    buy: bool


class VenueBook(Struct, frozen=True, gc=False):
    """A whole book, flat `(price, size, price, size, …)`, best first: flat is how it is sent and sliced."""

    symbol: str
    ts: int
    bids: tuple[float, ...]
    asks: tuple[float, ...]


class VenueLiquidation(Struct, frozen=True, gc=False):
    """One forced close; `long` says whose position was closed."""

    symbol: str
    ts: int
    id: str
    price: float
    size: float
    long: bool


class VenueFunding(Struct, frozen=True, gc=False):
    """The funding rate as a decimal, and what it is predicted to become (None: not published)."""

    symbol: str
    ts: int
    rate: float
    predicted: float | None


class VenueOpenInterest(Struct, frozen=True, gc=False):
    """Open interest in base units."""

    symbol: str
    ts: int
    value: float


class VenueCandle(Struct, frozen=True, gc=False):
    """A closed bar that the source itself tells (a recording may hold bars and no trades)."""

    symbol: str
    ts: int
    open_ts: int
    span_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float


VenueEvent = VenueTrade | VenueBook | VenueLiquidation | VenueFunding | VenueOpenInterest | VenueCandle


class PastBar(Struct, frozen=True, gc=False):
    """One minute of a source's past, before its events begin."""

    open_ts: int
    open: float
    high: float
    low: float
    close: float
    buy_volume: float
    sell_volume: float
    long_liquidated: float
    short_liquidated: float
    funding: float
    open_interest: float


class MarketSource(Protocol):
    """A stream of events in order of time, pulled by whoever paces it.

    Nothing happens before somebody listens, so that the first listener hears all of it: `begin` is called
    once, fixes the first moment and returns it. `has_past` says that there is history from before; asking
    for it begins the market too. Afterwards `next_ts` is the time of the next event (None: over) and `take`
    hands out every event before `until`. `past` is at most `minutes` bars up to the beginning, newest last.
    """

    has_past: bool

    @property
    def instruments(self) -> tuple[Instrument, ...]: ...
    def begin(self, now_ns: int) -> int: ...
    def next_ts(self) -> int | None: ...
    def take(self, until: int) -> list[VenueEvent]: ...
    def past(self, symbol: str, minutes: int) -> list[PastBar]: ...


def instrument_of(symbol: str, tick: float) -> Instrument:
    """Split a symbol into coin and quote the way its spelling allows: BTCUSDT, BTC-PERP, BTC_USDT, IBM."""
    for separator in "-/_":
        coin, found, rest = symbol.partition(separator)
        if found and coin:
            return Instrument(symbol, coin, rest.partition(separator)[0], tick)
    for quote in _QUOTES:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return Instrument(symbol, symbol.removesuffix(quote), quote, tick)
    return Instrument(symbol, symbol, "", tick)
