"""The whole feed against a service that breaks: what is told, what is counted, what is shown."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from mdterm.feeds.address import Instrument
from mdterm.feeds.alerts import Rule
from mdterm.feeds.contract import Backoff, Provider
from mdterm.feeds.events import Event, FeedStatus, Stream, Trade
from mdterm.feeds.frames import FrameSet, LadderFrame, PanelFrame, TapeFrame
from mdterm.feeds.frames_away import AwayFrame, AwaySpec
from mdterm.feeds.journal import MemoryJournal
from mdterm.feeds.market import Market
from mdterm.feeds.runtime import Feed
from mdterm.feeds.specs import LadderSpec, TapeSpec
from mdterm.feeds.status import BROKEN
from tests.feeds.support import FakeClock
from tests.kiyotaka.service import PATIENCE_S, Service, Session, running
from tests.kiyotaka.support import ADDRESS, TOKEN, book, frame, provider, series, trade

OTHER = "kiyotaka:BINANCE_FUTURES:ETHUSDT"


class Watcher:
    """A feed with a listener and a screen that acknowledges everything."""

    def __init__(self, service: Service, **options: Any) -> None:
        self.clock = FakeClock()
        self.journal = MemoryJournal()
        of = provider(nonbook_url=service.url, book_url=service.url, **options)
        of.backoff = Backoff(first=0.0, cap=0.0, throttled=0.0)
        self.feed = Feed({"kiyotaka": of}, clock=self.clock, journal=self.journal, period_s=0.001)
        self.heard: list[Event] = []
        self.panels: dict[str, PanelFrame] = {}
        self.sets: list[FrameSet] = []
        self._news = asyncio.Event()

    def listen(self, *streams: Stream, address: str = ADDRESS) -> None:
        self.feed.listen([(address, stream) for stream in streams], self._take)

    def open(self) -> None:
        self.feed.connect(self._show)

    def _take(self, events: Sequence[Event]) -> None:
        self.heard += events
        self._news.set()

    def _show(self, frames: FrameSet) -> None:
        self.sets.append(frames)
        self.panels |= frames.panels
        self._news.set()
        asyncio.get_running_loop().call_soon(self.feed.ack, frames.number)

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Wait for news until something is true."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_true():
                await self._news.wait()
                self._news.clear()

    @property
    def trades(self) -> list[Trade]:
        return [event for event in self.heard if type(event) is Trade]

    def states(self, address: str = ADDRESS) -> list[str]:
        return [one.state for one in self.heard if type(one) is FeedStatus and one.address == address]

    def word(self, panel: str) -> str | None:
        return self.panels[panel].shown.word if panel in self.panels else None

    async def counted(self, count: int) -> None:
        """Wait for so many trades in all."""
        await self.until(lambda: len(self.trades) >= count)

    async def state(self, state: str, address: str = ADDRESS) -> None:
        """Wait until an address is told to be in a state."""
        await self.until(lambda: self.states(address)[-1:] == [state])


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with running() as found:
        yield found


@pytest.fixture
async def watch(service: Service) -> AsyncIterator[Callable[..., Watcher]]:
    """Give a way to start feeds on the service; they are closed at the end."""
    watchers: list[Watcher] = []

    def start(**options: Any) -> Watcher:
        watcher = Watcher(service, **options)
        watchers.append(watcher)
        return watcher

    yield start
    for watcher in watchers:
        await watcher.feed.close()


Watch = Callable[..., Watcher]


def ids(*numbers: int) -> list[bytes]:
    """Return one frame a trade."""
    return [frame(trade(str(number))) for number in numbers]


async def families(service: Service) -> tuple[Session, Session]:
    """Return the book's and the other socket, both subscribed."""
    found = {}
    for _ in range(2):
        session = await service.session()
        await session.welcome()
        found[session.path.startswith("/nonbook")] = session
    return found[False], found[True]


# --- what is told -------------------------------------------------------------------------------------


async def test_every_change_of_state_is_told_in_order(service: Service, watch: Watch) -> None:
    watcher = watch()
    watcher.listen("trade")
    session = await service.session()
    await session.welcome()
    await session.send(*ids(1, 2))
    await watcher.state("live")
    await session.drop()
    await watcher.state("reconnecting")
    session = await service.session()
    await session.welcome()
    await session.send(*ids(3))
    await watcher.counted(3)
    await watcher.state("live")
    states = watcher.states()
    assert states[0] == "connecting"
    assert [state for state in states if state != "connecting"] == ["live", "reconnecting", "gap", "live"]
    kinds = [type(event).__name__ for event in watcher.heard]
    assert kinds.index("Trade") > 0, "the state comes before its data"


async def test_a_gap_says_what_may_be_missing_before_the_trades_that_follow(
    service: Service, watch: Watch
) -> None:
    watcher = watch()
    watcher.listen("trade")
    session = await service.session()
    await session.welcome()
    await session.send(*ids(1))
    await watcher.counted(1)
    watcher.clock.advance(5.0)
    lost_at = watcher.clock.wall()
    await session.drop()
    session = await service.session()
    watcher.clock.advance(2.0)
    await session.welcome()
    await session.send(*ids(2))
    await watcher.counted(2)
    (gap,) = [one for one in watcher.heard if type(one) is FeedStatus and one.state == "gap"]
    assert gap.detail == f"trades may be missing from {lost_at} to {watcher.clock.wall()} (ns)"


async def test_an_address_is_refused_when_the_key_is(service: Service, watch: Watch) -> None:
    service.answers = [403] * 10
    watcher = watch()
    watcher.listen("trade")
    await watcher.state("refused")
    assert service.attempts == 2
    state, detail = watcher.feed.state(ADDRESS)
    assert state == "refused"
    assert "HTTP 403" in (detail or "")


async def test_a_refused_symbol_does_not_touch_the_others(service: Service, watch: Watch) -> None:
    watcher = watch()
    watcher.listen("trade")
    watcher.listen("trade", address=OTHER)
    session = await service.session()
    message = await session.welcome()
    refusal = {"code": 3, "message": "Unknown symbol"}
    await session.say(id=message["id"], error=refusal)
    for _ in range(2):
        half = await session.hear("subscribe")
        (channel,) = half["params"]["channels"]
        bad = channel["symbol"] == "ETHUSDT"
        await session.say(id=half["id"], **({"error": refusal} if bad else {"result": "ok"}))
    await watcher.state("refused", OTHER)
    await session.send(*ids(1))
    await watcher.state("live")
    assert watcher.feed.state(OTHER) == ("refused", "Unknown symbol")


async def test_a_refused_channel_does_not_touch_the_others_of_its_symbol(
    service: Service, watch: Watch
) -> None:
    watcher = watch()
    watcher.listen("trade", "funding")
    session = await service.session()
    message = await session.welcome()
    refusal = {"code": 3, "message": "FUNDING_RATE is not in your plan"}
    await session.say(id=message["id"], error=refusal)
    for _ in range(2):
        single = await session.hear("subscribe")
        bad = single["params"]["channels"][0]["type"] == "FUNDING_RATE"
        await session.say(id=single["id"], **({"error": refusal} if bad else {"result": "ok"}))
    await session.send(*ids(1))
    await watcher.counted(1)
    await watcher.until(lambda: watcher.feed.shown(ADDRESS, "funding").word == "REFUSED")
    assert watcher.feed.shown(ADDRESS, "funding").detail == "FUNDING_RATE is not in your plan"
    assert watcher.feed.shown(ADDRESS, "trade").word == "LIVE"
    await watcher.state("live")


async def test_what_a_market_cannot_have_is_refused_and_not_awaited(service: Service, watch: Watch) -> None:
    watcher = watch()
    spot = "kiyotaka:BINANCE:BTCUSDT"
    watcher.listen("funding", address=spot)
    await watcher.state("refused", spot)
    assert watcher.feed.state(spot) == ("refused", "a spot market has none")
    assert service.attempts == 0


async def test_an_open_link_that_says_nothing_is_stale_and_never_live(service: Service, watch: Watch) -> None:
    watcher = watch()
    watcher.listen("trade")
    session = await service.session()
    await session.welcome()
    assert watcher.feed.shown(ADDRESS, "trade").word == "WARMING"
    await session.send(*ids(1))
    await watcher.counted(1)
    assert watcher.feed.shown(ADDRESS, "trade").word == "LIVE"
    watcher.clock.advance(10.5)
    health = watcher.feed.links.connections["kiyotaka/nonbook"].health
    frames = health.frames
    await session.send(frame(), b'{"type":"pong"}', frame(trade("1")))
    await session.send(frame({"series": series("FUNDING_RATE"), "fundingRate": {}}))
    async with asyncio.timeout(PATIENCE_S):
        while health.frames < frames + 4:
            await asyncio.sleep(0)
    found = watcher.feed.shown(ADDRESS, "trade")
    assert (found.word, found.age) == ("STALE", 10.5), "pings and duplicates are no data"
    await watcher.state("stale")


# --- what is counted ----------------------------------------------------------------------------------


async def test_the_count_is_exact_through_drops_repeats_and_garbage(service: Service, watch: Watch) -> None:
    watcher = watch()
    watcher.open()
    watcher.feed.bind("tape", ADDRESS, TapeSpec(10))
    watcher.listen("trade")
    expected: set[str] = set()
    for turn in range(5):
        session = await service.session()
        await session.welcome()
        batch = [str(number) for number in range(turn * 30, turn * 30 + 60)]
        for at, id_ in enumerate(batch):
            if at % 7 == 0:
                await session.send(frame(trade(id_), trade(id_), None, trade("bad", price=-1)), b"junk")
            else:
                await session.send(frame(trade(id_)))
        expected |= set(batch)
        await watcher.counted(len(expected))
        await session.drop()
    market = watcher.feed.markets[ADDRESS]
    assert market.trade_count == len(expected) == 180
    assert sorted(one.id or "" for one in watcher.trades) == sorted(expected)
    assert service.attempts >= 5
    await watcher.until(lambda: tape_of(watcher).trades == 180)


def tape_of(watcher: Watcher) -> TapeFrame:
    frame_ = watcher.panels["tape"].frame
    assert isinstance(frame_, TapeFrame)
    return frame_


async def test_counting_goes_on_while_the_screen_reads_nothing(service: Service, watch: Watch) -> None:
    watcher = watch()
    sets: list[FrameSet] = []
    watcher.feed.connect(sets.append)
    watcher.feed.bind("tape", ADDRESS, TapeSpec(10))
    watcher.listen("trade")
    session = await service.session()
    await session.welcome()
    await session.send(*(frame(*(trade(f"{n}-{k}") for k in range(20))) for n in range(100)))
    await watcher.counted(2000)
    assert watcher.feed.markets[ADDRESS].trade_count == 2000
    assert len(sets) == 1, "one set is under way, and nobody has it"


# --- what is shown ------------------------------------------------------------------------------------


async def test_each_panel_tells_its_own_stream(service: Service, watch: Watch) -> None:
    watcher = watch()
    watcher.open()
    watcher.feed.bind("tape", ADDRESS, TapeSpec(10))
    watcher.feed.bind("ladder", ADDRESS, LadderSpec(20))
    books, trades = await families(service)
    await books.send(frame(book([90000, 1], [90025, 2])))
    await trades.send(*ids(1))
    await watcher.until(lambda: watcher.word("tape") == watcher.word("ladder") == "LIVE")
    ladder = watcher.panels["ladder"].frame
    assert isinstance(ladder, LadderFrame)
    assert ladder.bucketed
    assert ladder.step == 25.0

    await trades.drop()
    await watcher.until(lambda: watcher.word("tape") == "RECONNECTING")
    assert watcher.word("ladder") == "LIVE"
    trades = await service.session()
    await trades.welcome()
    assert watcher.feed.shown(ADDRESS, "trade").word == "WARMING", "open again, but nothing came"
    await trades.send(*ids(2))
    await watcher.until(lambda: watcher.word("tape") == "GAP")
    assert watcher.word("ladder") == "LIVE"
    market = watcher.feed.markets[ADDRESS]
    assert isinstance(market, Market)

    await books.drop()
    await watcher.until(lambda: watcher.word("ladder") == "RECONNECTING")
    books = await service.session()
    await books.welcome()
    await books.send(frame(book([90000, 1], [90025, 2])))
    await watcher.until(lambda: watcher.word("ladder") == "LIVE")
    assert watcher.word("tape") == "GAP", "a book is whole again with its first frame, a tape is not"


async def test_another_symbol_on_a_panel_is_another_subscription_on_the_same_sockets(
    service: Service, watch: Watch
) -> None:
    watcher = watch()
    watcher.open()
    watcher.feed.bind("tape", ADDRESS, TapeSpec(10))
    session = await service.session()
    await session.welcome()
    watcher.feed.bind("tape", OTHER, TapeSpec(10))
    message = await session.hear("subscribe")
    assert {channel["symbol"] for channel in message["params"]["channels"]} == {"ETHUSDT"}
    other = trade("1") | {"series": series("TRADE", symbol="ETHUSDT", coin="ETH")}
    await session.send(frame(other))
    await watcher.until(lambda: watcher.word("tape") == "LIVE")
    assert tape_of(watcher).address == OTHER
    assert service.attempts == 1


async def test_a_watchlist_is_one_message_a_socket(service: Service, watch: Watch) -> None:
    watcher = watch()
    symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    found = [watcher.feed.resolve(f"kiyotaka:BINANCE_FUTURES:{symbol}") for symbol in symbols]
    watcher.feed.watch(found)
    for _ in range(2):
        message = await (await service.session()).welcome()
        assert sorted(channel["symbol"] for channel in message["params"]["channels"]) == symbols
    assert service.attempts == 2


async def test_a_closed_feed_leaves_neither_tasks_nor_timers(service: Service) -> None:
    before = asyncio.all_tasks()
    watcher = Watcher(service)
    watcher.open()
    watcher.feed.bind("tape", ADDRESS, TapeSpec(10))
    watcher.listen("trade", "book")
    books, trades = await families(service)
    await watcher.feed.close()
    for session in (books, trades):
        assert await session.ended() == 1000
    sets = len(watcher.sets)
    watcher.feed.touch()
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE_S):
        while {task for task in asyncio.all_tasks() - before if "link" in task.get_name()}:
            await asyncio.sleep(0)
    assert len(watcher.sets) == sets
    assert TOKEN not in repr(watcher.journal.records)


async def test_a_held_feed_connects_when_the_first_frame_is_on_the_screen(service: Service) -> None:
    of = provider(nonbook_url=service.url, book_url=service.url)
    feed = Feed({"kiyotaka": of}, clock=FakeClock(), period_s=0.001, held_s=PATIENCE_S)
    try:
        posted: asyncio.Queue[FrameSet] = asyncio.Queue()
        feed.connect(posted.put_nowait)
        feed.watch([feed.resolve(ADDRESS)])
        feed.bind("tape", ADDRESS, TapeSpec(5))
        async with asyncio.timeout(PATIENCE_S):
            first = await posted.get()
            assert first.panels["tape"].shown.word == "WARMING"
            assert service.attempts == 0
            assert feed.links.connections == {}
            feed.ack(first.number)
            await (await service.session()).welcome()
    finally:
        await feed.close()


async def test_a_held_feed_does_not_wait_for_a_screen_for_ever(service: Service) -> None:
    of = provider(nonbook_url=service.url, book_url=service.url)
    feed = Feed({"kiyotaka": of}, clock=FakeClock(), held_s=0.01)
    try:
        feed.watch([feed.resolve(ADDRESS)])
        await (await service.session()).welcome()
    finally:
        await feed.close()


async def test_what_comes_while_it_closes_is_neither_told_nor_recorded(
    service: Service, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = watch()
    watcher.listen("trade")
    session = await service.session()
    await session.welcome()
    await session.send(*ids(1))
    await watcher.counted(1)
    (connection,) = watcher.feed.links.connections.values()
    closes = connection.close

    async def close_behind_a_frame() -> None:
        connection._take(*ids(2))  # as the client hands it over until the server has answered
        await closes()

    monkeypatch.setattr(connection, "close", close_behind_a_frame)
    await watcher.feed.close()
    recorded = [one.data for one in watcher.journal.records if one.kind == "in"]
    assert [one.id for one in watcher.trades] == ["1"]
    assert recorded[-1:] == ids(1)


async def test_a_preparation_that_breaks_is_told_and_tried_again(
    service: Service, watch: Watch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    watcher = watch()
    of, tries = watcher.feed.providers["kiyotaka"], 0
    prepared = of.prepare

    async def breaks_twice(instrument: Instrument, stream: Stream, price: float | None) -> None:
        nonlocal tries
        tries += stream == "trade"
        if stream == "trade" and tries < 3:
            await asyncio.sleep(0)
            raise ZeroDivisionError("of our own")
        await prepared(instrument, stream, price)

    monkeypatch.setattr(of, "prepare", breaks_twice)
    told: list[str | None] = []

    def at_once(provider: Provider, words: str) -> float:
        told.append(watcher.feed.links.streams[ADDRESS, "trade"].waiting)
        return 0.0

    monkeypatch.setattr(watcher.feed.links, "_retry_in", at_once)
    watcher.listen("trade", "book")
    _, trades = await families(service)
    await trades.send(*ids(1))
    await watcher.counted(1)
    assert tries == 3
    assert told == [BROKEN, BROKEN]
    assert "trade could not be prepared" in caplog.text


async def test_an_absence_is_told_with_its_gap_and_its_alerts(service: Service, watch: Watch) -> None:
    watcher = watch()
    watcher.open()
    feed = watcher.feed
    feed.watch([feed.resolve(ADDRESS)])
    feed.alert([Rule(ADDRESS, "big", 5.0)])
    watcher.listen("trade")
    _, trades = await families(service)
    await trades.send(*ids(1))
    await watcher.counted(1)
    feed.left()
    left_at = watcher.clock.wall()
    feed.bind("away", ADDRESS, AwaySpec())
    watcher.clock.advance(5.0)
    await trades.send(frame(trade("2", price=90_010, amount=7.0)))
    await watcher.counted(2)
    lost_at = watcher.clock.wall()
    await trades.drop()
    await watcher.state("reconnecting")
    watcher.clock.advance(60.0)
    trades = await service.session()
    await trades.welcome()
    await trades.send(*ids(3))
    await watcher.counted(3)
    feed.returned()
    await trades.send(frame(trade("4", price=99_000)))
    await watcher.counted(4)

    def told() -> AwayFrame | None:
        found = watcher.panels["away"].frame if "away" in watcher.panels else None
        return found if isinstance(found, AwayFrame) and found.is_past else None

    await watcher.until(lambda: told() is not None)
    frame_ = told()
    assert frame_ is not None
    assert (frame_.since, frame_.until) == (left_at, watcher.clock.wall())
    (row,) = frame_.rows
    assert (row.first, row.last, row.high, row.trades) == (90_003.0, 90_003.0, 90_010.0, 2)
    assert [(gap.since, gap.until) for gap in row.gaps] == [(lost_at, watcher.clock.wall())]
    assert [alarm.rule for alarm in row.alarms] == ["big 5"]
    assert [(one.size, one.count) for one in row.biggest] == [(7.002, 2)], "of one side and one moment"


async def test_what_passed_without_a_screen_is_told_to_the_next_one(service: Service, watch: Watch) -> None:
    watcher = watch()
    feed = watcher.feed
    first = feed.open_seat(0.001)
    first.watch([feed.resolve(ADDRESS)])
    watcher.listen("trade")
    _, trades = await families(service)
    feed.leave(first, stays_warm=True)
    await trades.send(*ids(1, 2))
    await watcher.counted(2)
    second = feed.open_seat(0.001)
    second.watch([feed.resolve(ADDRESS)])
    second.returned()
    market = feed.market(ADDRESS, full=True)
    assert isinstance(market, Market)
    _, told = second.frame(market, AwaySpec(), 0.0)
    assert isinstance(told, AwayFrame)
    assert [row.trades for row in told.rows] == [2]
    feed.leave(second, stays_warm=False)
    assert market.spans == []
