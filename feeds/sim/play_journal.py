"""A market that is a recording of mdterm's own: its trades and books as rows to play."""

import asyncio
import queue
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from mdterm.feeds.address import parse_address
from mdterm.feeds.events import Book, Event, Stream, Trade
from mdterm.feeds.journal_file import JournalError
from mdterm.feeds.recording import Recording
from mdterm.feeds.retell import retell
from mdterm.feeds.sim.play import BookRow, PlayError, Row, TradeRow

_AHEAD: Final = 4_096
"""Rows that are read ahead of what is played."""


def journal_rows(path: Path) -> Iterator[Row]:
    """Yield trades and books in the order received; of a symbol that was recorded twice, the first address.

    Trades without a size or a side and books without sizes are left out: a venue has none. Raise PlayError.
    """
    try:
        recording = Recording(path)
    except JournalError as error:
        raise PlayError(str(error)) from error
    symbols: dict[str, str] = {}
    for address in recording.head.addresses:
        symbol = parse_address(address).symbol
        if symbol not in symbols.values():
            symbols[address] = symbol
    found: queue.Queue[Row | Exception | None] = queue.Queue(_AHEAD)
    stopped = threading.Event()

    def take(events: Sequence[Event]) -> None:
        for event in events:
            row = _row(event, symbols)
            while row is not None and not stopped.is_set():
                try:
                    found.put(row, timeout=0.2)
                    break
                except queue.Full:
                    continue

    def read() -> None:
        kinds: tuple[Stream, ...] = ("trade", "book")
        wants = [(address, kind) for address in symbols for kind in kinds]
        end: Exception | None = None
        try:
            # A loop of its own: the venue's is at work while rows are asked for.
            asyncio.run(retell(recording, take, wants, "1m", lambda: not stopped.is_set()))
        except Exception as error:
            end = error
        while not stopped.is_set():
            try:
                found.put(end, timeout=0.2)
                return
            except queue.Full:
                continue

    threading.Thread(target=read, name="play", daemon=True).start()
    try:
        while (row := found.get()) is not None:
            if isinstance(row, Exception):
                raise PlayError(f"{path}: cannot be read: {row}") from row
            yield row
    finally:
        stopped.set()


def _row(event: Event, symbols: dict[str, str]) -> Row | None:
    symbol = symbols.get(event.address)
    if symbol is None:
        return None
    ts = event.ts if event.ts is not None else event.seen
    if type(event) is Trade and event.size is not None and event.side is not None:
        return TradeRow(ts, symbol, event.price, event.size, event.side)
    if type(event) is Book:
        bids = [(price, size) for price, size in zip(event.bid_prices, event.bid_sizes, strict=True) if size]
        asks = [(price, size) for price, size in zip(event.ask_prices, event.ask_sizes, strict=True) if size]
        return BookRow(ts, symbol, bids, asks) if bids or asks else None
    return None
