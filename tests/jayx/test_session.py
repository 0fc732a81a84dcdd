"""JayX through the feed, against the simulated venue, under every framing; and where the key never goes."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from mdterm.feeds.account import Account
from mdterm.feeds.contract import Backoff
from mdterm.feeds.events import Balance, Book, Candle, Event, FeedStatus, Order, Stream, Trade
from mdterm.feeds.jayx.beside import Beside
from mdterm.feeds.jayx.feed import JayX, Options, make
from mdterm.feeds.journal import MemoryJournal, pack
from mdterm.feeds.kiyotaka.feed import Options as KiyotakaOptions
from mdterm.feeds.kiyotaka.feed import make as make_kiyotaka
from mdterm.feeds.runtime import Feed
from mdterm.feeds.sim.jayx_wire import FRAMINGS
from mdterm.feeds.sim.venue import Venue, VenueConfig

PATIENCE_S = 30.0
"""For a machine that is busy with other things; nothing here takes a second."""
KEY = 'clm"siønk/21ru+'
ALL: tuple[Stream, ...] = ("trade", "book", "candle", "balance", "order")


class Heard:
    """Every event, and a way to wait for what must come."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.account = Account("jayx")
        self._more = asyncio.Event()

    def take(self, events: Sequence[Event]) -> None:
        self.events += events
        self.account.apply(events)
        self._more.set()

    async def until(self, is_enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not is_enough():
                self._more.clear()
                await self._more.wait()

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if type(event) is kind]


class Run:
    """A venue, a provider and a feed on one loop."""

    def __init__(self, venue: Venue, provider: JayX, feed: Feed, journal: MemoryJournal) -> None:
        self.venue = venue
        self.provider = provider
        self.feed = feed
        self.journal = journal
        self.heard = Heard()

    def listen(self, *streams: Stream, symbols: tuple[str, ...] = ("BTCUSDT",)) -> None:
        wants = [(f"jayx:{symbol}", stream) for symbol in symbols for stream in streams]
        self.feed.listen(wants, self.heard.take)


@asynccontextmanager
async def running(spoken: str = "any", **options: object) -> AsyncIterator[Run]:
    venue = Venue(VenueConfig(providers=("jayx",), jayx_framing=spoken, rate=4))
    endpoints = await venue.start()
    url = endpoints["providers.jayx.url"]
    provider = make("jayx", Options(**{"api_key": KEY, "url": url, **options}))  # type: ignore[arg-type]
    provider.backoff = Backoff(first=0.01, cap=0.02)
    journal = MemoryJournal()
    feed = Feed({"jayx": provider}, journal=journal)
    try:
        yield Run(venue, provider, feed, journal)
    finally:
        await feed.close()
        await venue.stop()


@pytest.mark.parametrize("framing", FRAMINGS)
async def test_everything_comes_under_every_framing(framing: str) -> None:
    async with running(framing) as run:
        run.listen(*ALL)
        heard = run.heard
        wanted = {Trade, Book, Candle, Balance, Order}
        await heard.until(lambda: wanted <= {type(event) for event in heard.events})
        assert heard.account.broken() == []
        assert {event.address for event in heard.of(Balance)} == {"jayx"}
        codecs = [connection.codec for connection in run.feed.links.connections.values()]
        assert [(codec.bad_frames, codec.unknown) for codec in codecs] == [(0, 0), (0, 0)]
        expected = {"any": "socketio (Engine.IO 4)", "socketio": "socketio (Engine.IO 4)"}
        expected |= {"socketio3": "socketio (Engine.IO 3)", "envelope": "envelope (event/data)"}
        expected |= {"envelope-message": "envelope (event/message)", "flat": "flat"}
        assert run.provider.framing_words() == f"framing: {expected[framing]} (auto)"


@pytest.mark.parametrize("framing", ["socketio", "envelope", "flat"])
async def test_a_venue_that_takes_any_framing_takes_the_configured(framing: str) -> None:
    async with running(framing=framing) as run:
        run.listen("book")
        await run.heard.until(lambda: bool(run.heard.of(Book)))


async def test_no_trade_is_lost_or_doubled_by_a_cut() -> None:
    async with running("socketio", framing="socketio") as run:
        run.listen("trade")
        await run.heard.until(lambda: len(run.heard.of(Trade)) > 5)
        server = run.venue.jayx
        assert server is not None
        server.cut("book")
        known = len(run.heard.of(Trade))
        await run.heard.until(lambda: len(run.heard.of(Trade)) > known + 20)
        connection = run.feed.links.connections["jayx/BTCUSDT"]
        assert connection.opened_count == 2
        told = [(event.ts, event.price, event.size) for event in run.heard.of(Trade)]  # type: ignore[attr-defined]
        had = [
            (one.created * 1_000_000, one.ticks / 100, one.lots / 1e6)
            for one in server.board.trades("BTCUSDT")
        ]
        assert told == had[: len(told)]


async def test_the_key_goes_to_the_server_and_nowhere_else(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with running() as run:
        run.listen(*ALL)
        await run.heard.until(lambda: bool(run.heard.of(Balance) and run.heard.of(Order)))
        server = run.venue.jayx
        assert server is not None
        server.cut("nonbook")
        known = len(run.heard.of(Balance))
        await run.heard.until(lambda: len(run.heard.of(Balance)) > known)
        links = [connection.link for connection in run.feed.links.connections.values()]
    kept = b"".join(pack(record) for record in run.journal.records)
    assert b"openorders" in kept
    for form in (KEY, "21ru", "siønk", "si\\u00f8nk", "si%C3%B8nk"):
        assert form.encode() not in kept
        assert form not in caplog.text
        assert not any(form in link.url for link in links)
        assert form not in repr(run.heard.events)


async def test_a_refused_key_is_said_and_not_tried_again_and_the_market_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with running(api_key=f"bad {KEY}") as run:
        run.listen(*ALL)
        link = run.feed.links
        await run.heard.until(
            lambda: (
                bool(run.heard.of(Book))
                and (found := link.connections.get("jayx/account")) is not None
                and found.health.phase == "refused"
            )
        )
        account = link.connections["jayx/account"]
        assert account.health.detail == "the server refused: invalid apiKey"
        assert account.opened_count == 1
        known = len(run.heard.of(Book))
        await run.heard.until(lambda: len(run.heard.of(Book)) > known + 5)
        assert account.opened_count == 1
        assert run.heard.of(Balance) == run.heard.of(Order) == []
    assert "21ru" not in caplog.text


async def test_without_a_key_the_market_is_whole() -> None:
    async with running(api_key=None) as run:
        run.listen(*ALL)
        await run.heard.until(
            lambda: bool(run.heard.of(Trade) and run.heard.of(Book) and run.heard.of(Candle))
        )
        assert set(run.feed.links.connections) == {"jayx/BTCUSDT"}
        shown = run.feed.links.streams["jayx:BTCUSDT", "balance"]
        assert shown.refused is not None
        assert "providers.jayx.api_key" in shown.refused


@pytest.mark.parametrize("spoken", ["socketio", "flat"])
async def test_an_unknown_symbol_is_refused(spoken: str) -> None:
    async with running(spoken) as run:
        run.listen("book", symbols=("NOPE",))
        await run.heard.until(
            lambda: any(isinstance(one, FeedStatus) and one.state == "refused" for one in run.heard.events)
        )
        refused = [one for one in run.heard.of(FeedStatus) if one.state == "refused"]  # type: ignore[attr-defined]
        assert refused[0].detail == "no such symbol NOPE"  # type: ignore[attr-defined]


async def test_an_account_stands_beside_the_market_of_another_protocol() -> None:
    """One simulated market by two protocols: the account's fills are on the other's tape, the same moment."""
    venue = Venue(VenueConfig(providers=("kiyotaka", "jayx"), seed=7, rate=8))
    urls = await venue.start()
    keys = {name: urls[f"providers.kiyotaka.{name}_url"] for name in ("book", "nonbook", "rest")}
    options = KiyotakaOptions(
        token="any",
        book_url=keys["book"],
        nonbook_url=keys["nonbook"],
        block_size=0.1,
        simulated=True,
    )
    account = make(
        "sim",
        Options(
            api_key="any",
            url=urls["providers.jayx.url"],
            rest_url=urls["providers.jayx.rest_url"],
            framing="socketio",
            simulated=True,
        ),
    )
    provider = Beside(make_kiyotaka("sim", options), account)
    feed, heard = Feed({"sim": provider}), Heard()
    try:
        wants: list[tuple[str, Stream]] = [
            ("sim:BTCUSDT", one) for one in ("trade", "book", "balance", "order")
        ]
        feed.listen(wants, heard.take)
        await heard.until(lambda: bool(heard.account.fills and heard.of(Trade) and heard.of(Book)))
        assert set(feed.links.connections) == {"sim/book", "sim/nonbook", "sim/account"}
        assert {event.address for event in heard.of(Balance)} == {"sim"}
        fill = heard.account.fills[0]
        assert fill.price is not None
        price, ms = float(fill.price), fill.ts // 1_000_000
        await heard.until(
            lambda: any(
                isinstance(one, Trade) and one.price == price and (one.ts or 0) // 1_000_000 == ms
                for one in heard.events
            )
        )
    finally:
        await feed.close()
        await venue.stop()


def test_two_names_are_not_one_provider() -> None:
    with pytest.raises(ValueError, match="one name is needed"):
        Beside(make_kiyotaka("sim", KiyotakaOptions(token="any")), make("jayx", Options()))
