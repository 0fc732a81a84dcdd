"""A market that is a recording: NDJSON rows (gzipped or not) of trades, books and candles, or a journal.

Rows look like
    {"ts":1723161255354596666,"symbol":"BTCUSDT","type":"trade","price":61800.3,"size":0.003,"side":"buy"}
    {"ts":…,"symbol":…,"type":"book","bids":[[61800.2,2.862],…],"asks":[…]}
    {"ts":…,"symbol":…,"type":"candle","interval":"1m","open":…,"high":…,"low":…,"close":…,"volume":…,"open_ts":…}
with `ts` in nanoseconds. Every time is moved by one constant so that the first row is now; `keep_time` leaves
them. The file is read twice, once to check it whole and once as it plays, so it never lies in memory.
"""

import contextlib
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from mdterm.feeds.journal_file import is_journal
from mdterm.feeds.sim.market import (
    Instrument,
    PastBar,
    VenueBook,
    VenueCandle,
    VenueEvent,
    VenueTrade,
    instrument_of,
)

_UNITS_NS = {"s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9, "w": 7 * 86400 * 10**9}
_MOST_DECIMALS = 10


class PlayError(Exception):
    """The recording cannot be played; the text says which line and why."""


class TradeRow(msgspec.Struct, tag_field="type", tag="trade", gc=False):
    ts: int
    symbol: str
    price: float
    size: float
    side: Literal["buy", "sell"]


class BookRow(msgspec.Struct, tag_field="type", tag="book", gc=False):
    ts: int
    symbol: str
    bids: list[tuple[float, float]]
    asks: list[tuple[float, float]]


class CandleRow(msgspec.Struct, tag_field="type", tag="candle", gc=False):
    ts: int
    symbol: str
    interval: str
    open: float
    high: float
    low: float
    close: float
    volume: float
    open_ts: int


Row = TradeRow | BookRow | CandleRow


def rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a recording in order; raise PlayError with the line at fault."""
    with contextlib.suppress(OSError):  # what cannot be opened is told below
        if is_journal(path):
            from mdterm.feeds.sim.play_journal import journal_rows

            yield from journal_rows(path)
            return
    decode = msgspec.json.Decoder(Row).decode
    number = 0
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as lines:
            for line in lines:
                number += 1
                if not line.isspace():
                    yield decode(line)
    except msgspec.MsgspecError as error:
        raise PlayError(f"{path}:{number}: not a trade, book or candle row: {error}") from None
    except (OSError, EOFError, zlib.error) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        where = f"{path}:{number + 1}" if number else str(path)
        raise PlayError(f"{where}: cannot be read: {why}") from None


class PlaySource:
    """Play a recording in its own order and pace; silent when it ends."""

    has_past = False

    def __init__(self, path: Path, keep_time: bool = False) -> None:
        self._path = path
        self._keep_time = keep_time
        self._first_ts, self._instruments = _survey(path)
        self._rows: Iterator[Row] = iter(())
        self._row: Row | None = None
        self._due = self._shift = self._id = 0

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        return self._instruments

    def begin(self, now_ns: int) -> int:
        self._shift = 0 if self._keep_time else now_ns - self._first_ts
        self._due = self._first_ts + self._shift
        # Milliseconds of the beginning lead every trade id, so that a venue started again never repeats one.
        self._id = self._due // 1_000_000 * 1_000_000
        self._rows = rows(self._path)
        self._advance()
        return self._due

    def next_ts(self) -> int | None:
        return None if self._row is None else self._due

    def take(self, until: int) -> list[VenueEvent]:
        taken: list[VenueEvent] = []
        while self._row is not None and self._due < until:
            taken.append(self._event(self._row))
            self._advance()
        return taken

    def past(self, symbol: str, minutes: int) -> list[PastBar]:
        return []

    def _advance(self) -> None:
        self._row = next(self._rows, None)
        if self._row is not None:
            # A row that steps back in time keeps its place in the file and its own time.
            self._due = max(self._due, self._row.ts + self._shift)

    def _event(self, row: Row) -> VenueEvent:
        ts = row.ts + self._shift
        if isinstance(row, TradeRow):
            self._id += 1
            return VenueTrade(row.symbol, ts, str(self._id), row.price, row.size, row.side == "buy")
        if isinstance(row, BookRow):
            return VenueBook(row.symbol, ts, _flat(row.bids), _flat(row.asks))
        return VenueCandle(
            row.symbol,
            ts,
            row.open_ts + self._shift,
            _span_ns(row.interval),
            row.open,
            row.high,
            row.low,
            row.close,
            row.volume,
        )


def _survey(path: Path) -> tuple[int, tuple[Instrument, ...]]:
    """Check the whole file; return its first time and its symbols, each with the tick its prices show."""
    first: int | None = None
    decimals: dict[str, int] = {}
    for row in rows(path):
        if first is None:
            first = row.ts
        if isinstance(row, BookRow):
            sample = [price for price, _ in (*row.bids[:1], *row.asks[:1])]
        elif isinstance(row, TradeRow):
            sample = [row.price]
        else:
            if not _span_ns(row.interval):
                raise PlayError(
                    f"{path}: a candle of the interval {row.interval!r}, which has no meaning here"
                )
            sample = [row.open, row.close]
        seen = decimals.get(row.symbol, 0)
        decimals[row.symbol] = max(seen, *map(_decimals, sample)) if sample else seen
    if first is None:
        raise PlayError(f"{path}: no rows")
    return first, tuple(instrument_of(symbol, float(f"1e-{n}")) for symbol, n in decimals.items())


def _decimals(price: float) -> int:
    text = f"{price:.{_MOST_DECIMALS}f}".rstrip("0")
    return len(text) - text.index(".") - 1


def _flat(levels: list[tuple[float, float]]) -> tuple[float, ...]:
    return tuple(number for level in levels for number in level)


def _span_ns(interval: str) -> int:
    """Return the nanoseconds of `1m`, `4h`, …; 0 when it is not an interval."""
    count, unit = interval[:-1], interval[-1:]
    return int(count) * _UNITS_NS[unit] if count.isdecimal() and unit in _UNITS_NS else 0
