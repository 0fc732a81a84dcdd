"""The trading floor: pace, cells, and what is kept for the first listener."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mdterm.feeds.sim.market import VenueBook, VenueEvent
from mdterm.feeds.sim.pace import Floor
from mdterm.feeds.sim.play import PlaySource

TS = 1_700_000_000_000_000_000
MS = 1_000_000


def trade(at_ms: float, symbol: str = "AUSDT") -> dict[str, Any]:
    ts = TS + round(at_ms * MS)
    return {"ts": ts, "symbol": symbol, "type": "trade", "price": 1.5, "size": 1, "side": "buy"}


def book(at_ms: float, symbol: str = "AUSDT") -> dict[str, Any]:
    ts = TS + round(at_ms * MS)
    return {"ts": ts, "symbol": symbol, "type": "book", "bids": [[1.4, 1]], "asks": [[1.5, at_ms + 1]]}


class Heard:
    """Everything called out: (milliseconds since the beginning, of the events)."""

    def __init__(self) -> None:
        self.cells: list[list[float]] = []

    def __call__(self, events: list[VenueEvent], until: int) -> None:
        if events:
            self.cells.append([(event.ts - TS) / MS for event in events])


@asynccontextmanager
async def running(floor: Floor) -> AsyncIterator[Heard]:
    heard = Heard()
    floor.heed(heard)
    task = asyncio.create_task(floor.run())
    try:
        yield heard
    finally:
        task.cancel()


async def test_events_of_one_millisecond_are_called_out_together(
    clock: Any, record: Callable[..., Path]
) -> None:
    path = record(trade(0), trade(0.4), trade(1.0), trade(1.9), trade(250))
    floor = Floor(PlaySource(path, keep_time=True), clock)
    async with running(floor) as heard:
        floor.begin()
        await clock.advance(0.1)
        assert heard.cells == [[0, 0.4], [1.0, 1.9]]
        await clock.advance(0.1499)
        assert len(heard.cells) == 2
        await clock.advance(0.0011)
        assert heard.cells[2:] == [[250]]


async def test_twice_the_speed_takes_half_the_time(clock: Any, record: Callable[..., Path]) -> None:
    floor = Floor(PlaySource(record(trade(0), trade(1000)), keep_time=True), clock, speed=2)
    async with running(floor) as heard:
        floor.begin()
        await clock.advance(0.499)
        assert heard.cells == [[0]]
        await clock.advance(0.003)
        assert heard.cells == [[0], [1000]]


async def test_a_late_timer_cuts_the_same_cells(clock: Any, record: Callable[..., Path]) -> None:
    floor = Floor(PlaySource(record(*(trade(at / 4) for at in range(40))), keep_time=True), clock)
    floor.begin()
    await clock.advance(5)  # nobody runs the floor: the loop is busy elsewhere
    async with running(floor) as heard:
        await clock.advance(0.001)
    assert heard.cells == [[ms + part / 4 for part in range(4)] for ms in range(10)]


async def test_nothing_happens_before_the_beginning(clock: Any, record: Callable[..., Path]) -> None:
    floor = Floor(PlaySource(record(trade(0))), clock)
    async with running(floor) as heard:
        await clock.advance(60)
        assert heard.cells == []
        floor.begin()
        await clock.advance(0.01)
        assert heard.cells == [[(clock.time_ns() - 10 * MS - TS) / MS]]


async def test_the_first_claim_gets_what_it_missed_and_the_second_does_not(
    clock: Any, record: Callable[..., Path]
) -> None:
    path = record(trade(0), book(1), trade(2, "BUSDT"), trade(3), trade(9000))
    floor = Floor(PlaySource(path, keep_time=True), clock)
    async with running(floor):
        floor.begin()
        await clock.advance(2)
        claimed = floor.claim("AUSDT", "TRADE")
        assert [(event.ts - TS) // MS for event in claimed] == [0, 1, 3]
        assert floor.claim("AUSDT", "TRADE") == []
        assert len(floor.claim("AUSDT", "BLOCK_BOOK_SNAPSHOT")) == 3
        assert len(floor.claim("BUSDT", "TRADE")) == 1


async def test_nothing_is_kept_longer_than_five_seconds(clock: Any, record: Callable[..., Path]) -> None:
    floor = Floor(PlaySource(record(trade(0), trade(9000)), keep_time=True), clock)
    async with running(floor):
        floor.begin()
        await clock.advance(5.1)
        assert floor.claim("AUSDT", "TRADE") == []


async def test_the_newest_book_is_known(clock: Any, record: Callable[..., Path]) -> None:
    floor = Floor(PlaySource(record(book(0), book(5)), keep_time=True), clock)
    async with running(floor):
        floor.begin()
        await clock.advance(1)
    latest = floor.latest[VenueBook, "AUSDT"]
    assert isinstance(latest, VenueBook)
    assert latest.asks == (1.5, 6.0)
