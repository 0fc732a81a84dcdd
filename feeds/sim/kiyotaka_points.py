"""Kiyotaka's channels: market events in, points as JSON bytes out.

One stream per channel of a connection. `on(event, out)` takes an event the stream asked for (`hears`),
`tick(until, out)` the passing of time; both append encoded points. Encoders are shared by the connections
that ask for the same thing, and remember the last event, so that ten screens cost one encoding.
Prices and sizes are the shortest decimals that read back, whole numbers without a fraction, as on the page.
"""

import math
from collections.abc import Callable
from typing import Protocol

import msgspec

from mdterm.feeds.sim.market import Instrument, VenueBook, VenueEvent, VenueTrade

Point = bytes

_encode = msgspec.json.encode


class Stream(Protocol):
    """What a connection holds for one subscribed channel."""

    @property
    def hears(self) -> tuple[type[VenueEvent], ...]: ...
    @property
    def symbols(self) -> tuple[str, ...]: ...

    def on(self, event: VenueEvent, out: list[Point]) -> None: ...
    def tick(self, until: int, out: list[Point]) -> None: ...


class Series(msgspec.Struct, omit_defaults=True):
    """The identity of a point, field for field and in the order of the page."""

    type: str
    symbol: str | None = None
    exchange: str | None = None
    normalizedSymbol: str | None = None
    category: str | None = None
    session: str | None = None
    side: str | None = None
    coin: str | None = None
    blockSize: float | int | None = None
    inverse: bool | None = None


def number(value: float) -> bytes:
    """Encode one number the way the venue prints it: 90003, not 90003.0."""
    return _encode(int(value) if value.is_integer() else value)


def numbers(values: tuple[float, ...] | list[float]) -> bytes:
    """Encode a flat array of numbers."""
    return _encode(values).replace(b".0,", b",").replace(b".0]", b"]")


def timestamp(ts: int) -> bytes:
    """Encode a time as the WebSocket channels do."""
    return b'{"seconds":%d,"nanoseconds":%d}' % divmod(ts, 1_000_000_000)


def opening(series: Series, payload: str) -> bytes:
    """Return a point up to and with its payload's opening brace."""
    return b'{"series":' + _encode(series) + b',"' + payload.encode() + b'":{'


def whole(value: float) -> float | int:
    """Return whole floats as integers, so that they print without a fraction."""
    return int(value) if value.is_integer() else value


class TradeEncoder:
    """TRADE points of one symbol on one exchange."""

    def __init__(self, instrument: Instrument, exchange: str, category: str) -> None:
        def prefix(side: str) -> bytes:
            series = Series(
                type="TRADE",
                symbol=instrument.symbol,
                exchange=exchange,
                normalizedSymbol=instrument.normalized,
                category=category,
                side=side,
                coin=instrument.coin,
                inverse=False,
            )
            return opening(series, "trade") + b'"id":"'

        self._buy, self._sell = prefix("BUY"), prefix("SELL")
        self._last: VenueTrade | None = None
        self._point = b""

    def __call__(self, trade: VenueTrade) -> Point:
        if trade is not self._last:
            self._point = b'%b%b","price":%b,"amount":%b,"timestamp":%b}}' % (
                self._buy if trade.buy else self._sell,
                trade.id.encode(),
                number(trade.price),
                number(trade.size),
                timestamp(trade.ts),
            )
            self._last = trade
        return self._point


class TradeStream:
    """Every trade, as it comes."""

    hears = (VenueTrade,)

    def __init__(self, symbol: str, encode: TradeEncoder) -> None:
        self.symbols = (symbol,)
        self._encode = encode

    def on(self, event: VenueEvent, out: list[Point]) -> None:
        assert isinstance(event, VenueTrade)
        out.append(self._encode(event))

    def tick(self, until: int, out: list[Point]) -> None:
        """Trades wait for nothing."""


def blocks(
    levels: tuple[float, ...], block: float, decimals: int, depth: int, to_index: Callable[[float], int]
) -> list[float]:
    """Gather flat levels into blocks of `block`, at most `depth` of them, best first."""
    flat: list[float] = []
    last: int | None = None
    for place in range(0, len(levels), 2):
        exact = levels[place] / block
        nearest = round(exact)
        # A price that lies on the grid must not fall to its neighbour by the last bit of a division.
        index = nearest if abs(exact - nearest) < 1e-6 else to_index(exact)
        if index == last:
            flat[-1] += levels[place + 1]
            continue
        if len(flat) >= 2 * depth:
            break
        flat += (round(index * block, decimals), levels[place + 1])
        last = index
    return flat


class BookEncoder:
    """BLOCK_BOOK_SNAPSHOT points: bids floored to their block, asks ceiled, sizes in coins or dollars.

    Grouped (`coin` instead of one symbol) the books of all symbols of the coin are added up.
    """

    def __init__(
        self,
        instruments: tuple[Instrument, ...],
        exchange: str,
        *,
        block: float,
        depth: int | None,
        in_usd: bool,
        grouped: bool,
    ) -> None:
        first = instruments[0]
        series = Series(
            type="BLOCK_BOOK_SNAPSHOT", exchange=exchange, coin=first.coin, blockSize=whole(block)
        )
        if not grouped:
            series.symbol, series.normalizedSymbol, series.inverse = first.symbol, first.normalized, False
        self._opening = opening(series, "blockBookSnapshot") + b'"bids":'
        self._block = block
        self._decimals = decimals_of(block)
        self._depth = depth if depth is not None else 3500
        self._in_usd = in_usd
        ratio = first.tick / block
        # Blocks no coarser than the tick leave the true levels as they are, to the last digit.
        self._true_levels = not grouped and ratio > 1 - 1e-9 and abs(ratio - round(ratio)) < 1e-9
        self._grouped = grouped
        self._books: dict[str, VenueBook] = {}
        self._last: VenueBook | None = None
        self._point = b""

    def __call__(self, book: VenueBook) -> Point:
        if book is not self._last:
            if self._grouped:
                self._books[book.symbol] = book
            self._point = b'%b%b,"asks":%b,"timestamp":%b}}' % (
                self._opening,
                numbers(self._side(book, bids=True)),
                numbers(self._side(book, bids=False)),
                timestamp(book.ts),
            )
            self._last = book
        return self._point

    def _side(self, book: VenueBook, *, bids: bool) -> tuple[float, ...] | list[float]:
        if self._grouped:
            levels = _merge([other.bids if bids else other.asks for other in self._books.values()], bids=bids)
        else:
            levels = book.bids if bids else book.asks
        if self._in_usd:
            levels = tuple(
                round(levels[at] * levels[at - 1], 8) if at % 2 else levels[at] for at in range(len(levels))
            )
        if self._true_levels:
            return levels[: 2 * self._depth]
        side = blocks(levels, self._block, self._decimals, self._depth, math.floor if bids else math.ceil)
        side[1::2] = [round(size, 8) for size in side[1::2]]
        return side


def _merge(sides: list[tuple[float, ...]], *, bids: bool) -> tuple[float, ...]:
    pairs = sorted(
        ((side[at], side[at + 1]) for side in sides for at in range(0, len(side), 2)),
        key=lambda pair: -pair[0] if bids else pair[0],
    )
    return tuple(value for pair in pairs for value in pair)


def profile_rows(profile: dict[int, list[float]], block: float) -> list[float]:
    """Flatten volume by block to `[price, bought, sold, …]`, lowest price first."""
    rows: list[float] = []
    for at in sorted(profile):
        bought, sold = profile[at]
        rows += (round(at * block, 10), round(bought, 8), round(sold, 8))
    return rows


def decimals_of(step: float) -> int:
    """Count the decimals a step needs."""
    text = f"{step:.12f}".rstrip("0")
    return len(text) - text.index(".") - 1


class Spacing:
    """Hold snapshots at least `spacing_ns` apart; the latest wins."""

    def __init__(self, spacing_ns: int) -> None:
        self.next_ts = 0
        self._spacing = spacing_ns

    def is_free(self, ts: int) -> bool:
        """Say whether a snapshot may go out at `ts`; if so, the next must wait."""
        if ts < self.next_ts:
            return False
        self.next_ts = ts + self._spacing
        return True


class BookStream:
    """Snapshots of one book (or of all books of a coin), no closer together than asked."""

    hears = (VenueBook,)

    def __init__(self, symbols: tuple[str, ...], encode: BookEncoder, spacing_ns: int) -> None:
        self.symbols = symbols
        self._encode = encode
        self._spacing = Spacing(spacing_ns)
        self._waiting: VenueBook | None = None

    def on(self, event: VenueEvent, out: list[Point]) -> None:
        assert isinstance(event, VenueBook)
        if event.ts > self._spacing.next_ts:
            # The one that waits went out at its own moment, before this one came.
            self.tick(self._spacing.next_ts, out)
        if self._spacing.is_free(event.ts):
            out.append(self._encode(event))
            self._waiting = None
        else:
            self._waiting = event

    def tick(self, until: int, out: list[Point]) -> None:
        """Send the snapshot that had to wait, once it may go."""
        if self._waiting is not None and self._spacing.is_free(until):
            out.append(self._encode(self._waiting))
            self._waiting = None
