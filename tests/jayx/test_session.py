"""JayX through the feed, against the simulated venue, under every framing; and where the key never goes."""

import logging

import pytest

from mdterm.feeds.events import Balance, Book, Candle, FeedStatus, Order, Stream, Trade
from mdterm.feeds.jayx import facts
from mdterm.feeds.jayx.beside import Beside
from mdterm.feeds.jayx.feed import Options, make
from mdterm.feeds.journal import pack
from mdterm.feeds.kiyotaka.feed import Options as KiyotakaOptions
from mdterm.feeds.kiyotaka.feed import make as make_kiyotaka
from mdterm.feeds.runtime import Feed
from mdterm.feeds.sim.jayx_wire import FRAMINGS
from mdterm.feeds.sim.venue import Venue, VenueConfig
from tests.jayx.support import ALL, KEY, PATIENCE_S, Heard, running


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
        expected = {"any": "socketio (EIO 4)", "socketio": "socketio (EIO 4)"}
        expected |= {"socketio3": "socketio (EIO 3)", "envelope": "envelope (event/data)"}
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


async def test_the_orders_of_the_next_symbol_are_asked_as_soon_as_those_of_one_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(facts, "SUBSCRIBE_REPLY_S", 10 * PATIENCE_S)
    async with running() as run:
        run.listen("order", symbols=("BTCUSDT", "ETHUSDT"))
        await run.heard.until(
            lambda: {one.address for one in run.heard.of(Order)} == {"jayx:BTCUSDT", "jayx:ETHUSDT"}
        )


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
