"""What a panel says while there is nothing to show: no server yet, or a market in which nothing trades."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import pytest

from mdterm.feeds.contract import Backoff
from mdterm.feeds.events import Book, Stream
from mdterm.feeds.jayx import facts
from mdterm.feeds.jayx.feed import JayX, Options, make
from mdterm.feeds.runtime import Feed
from mdterm.feeds.sim.venue import Venue, VenueConfig
from mdterm.feeds.status import LinkHealth, StreamHealth, derive
from tests.jayx.support import Heard

NOW = 1000.0


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Give a port of our own that refuses connections, because nobody listens there yet."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


def at(bound: socket.socket) -> JayX:
    provider = make("jayx", Options(url=f"ws://127.0.0.1:{bound.getsockname()[1]}"))
    provider.backoff = Backoff(first=0.01, cap=0.05)
    return provider


async def relay(bound: socket.socket, url: str) -> asyncio.Server:
    """Listen at last, and hand every connection on."""
    target = urlsplit(url)

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            async for chunk in chunks(reader):
                writer.write(chunk)
                await writer.drain()
        writer.close()

    async def chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        while chunk := await reader.read(65_536):
            yield chunk

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(target.hostname, target.port)
        await asyncio.gather(pass_on(reader, back), pass_on(there, writer))

    return await asyncio.start_server(connected, sock=bound)


async def test_a_server_that_is_not_there_at_the_start_is_found_soon_after_it_is(
    silent: socket.socket,
) -> None:
    feed, heard = Feed({"jayx": at(silent)}), Heard()
    feed.listen([("jayx:BTCUSDT", "book"), ("jayx:BTCUSDT", "trade")], heard.take)
    try:
        await heard.until(lambda: feed.shown("jayx:BTCUSDT", "book").attempt >= 3)
        shown = feed.shown("jayx:BTCUSDT", "book")
        assert shown.word == "RECONNECTING"
        assert shown.detail == "connection refused"
        assert feed.state("jayx:BTCUSDT") == ("reconnecting", "connection refused")
        venue = Venue(VenueConfig(providers=("jayx",)))
        server = await relay(silent, (await venue.start())["providers.jayx.url"])
        try:
            await heard.until(lambda: bool(heard.of(Book)))
            assert feed.shown("jayx:BTCUSDT", "book").word == "LIVE"
        finally:
            await feed.close()
            await venue.stop()
            server.close()
    finally:
        await feed.close()


async def test_all_streams_wait_for_one_search(silent: socket.socket) -> None:
    feed, heard = Feed({"jayx": at(silent)}), Heard()
    symbols = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    wants: list[tuple[str, Stream]] = [(f"jayx:{symbol}", "book") for symbol in symbols]
    feed.listen(wants, heard.take)
    try:
        await heard.until(lambda: feed.shown("jayx:BTCUSDT", "book").attempt >= 4)
        attempts = {feed.shown(address, "book").attempt for address, _ in wants}
        assert max(attempts) - min(attempts) <= 1
    finally:
        await feed.close()


@pytest.mark.parametrize(
    ("trade_age", "book_age", "word"),
    [
        (2.0, 0.1, "LIVE"),
        (11.0, 0.1, "QUIET"),
        (600.0, 9.0, "QUIET"),
        (11.0, 10.5, "STALE"),
        (11.0, None, "STALE"),
    ],
)
def test_nothing_traded_is_not_stale_while_books_come(
    trade_age: float, book_age: float | None, word: str
) -> None:
    silence = facts.SILENCE["trade"]
    assert silence.beside == "book"
    stream = StreamHealth(0.0, silence.stale_after_s, last_at=NOW - trade_age)
    stream.beside_at = None if book_age is None else NOW - book_age
    link = LinkHealth("open", opened_once=True, opened_at=0.0)
    found = derive(link, stream, NOW)
    assert (found.word, found.age) == (word, trade_age)
