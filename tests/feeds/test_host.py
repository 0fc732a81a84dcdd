"""Several who look at one feed over a socket: what each gets, and what a bad one cannot do."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import msgspec
import pytest

from mdterm.feeds.alerts import Rule
from mdterm.feeds.attachment import AttachError, CallError
from mdterm.feeds.clock import SystemClock
from mdterm.feeds.contract import Backoff, Provider
from mdterm.feeds.events import FeedStatus, Stream, Trade
from mdterm.feeds.frames import HeaderFrame, LadderFrame, TapeFrame
from mdterm.feeds.port_wire import (
    LARGEST_ASKED,
    MOST_PANELS,
    Bind,
    Call,
    Failure,
    Frames,
    Heard,
    Listen,
    Refusal,
    Watch,
    Welcome,
)
from mdterm.feeds.specs import (
    ChartSpec,
    DerivativesSpec,
    HeaderSpec,
    LadderSpec,
    PlotSpec,
    TapeSpec,
    WatchSpec,
)
from tests.feeds.house import PATIENCE_S, House, hello
from tests.kiyotaka.service import Service, Session, running
from tests.kiyotaka.support import ADDRESS, book, frame, provider, trade

OTHER = "kiyotaka:BINANCE_FUTURES:ETHUSDT"
TRADES: tuple[str, Stream] = (ADDRESS, "trade")


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with running() as found:
        yield found


Open = Callable[..., House]


@pytest.fixture
async def open_house(service: Service, tmp_path: Path) -> AsyncIterator[Open]:
    """Give a way to begin a feed on the service."""
    houses: list[House] = []

    def providers() -> Mapping[str, Provider]:
        of = provider(nonbook_url=service.url, book_url=service.url)
        of.backoff = Backoff(first=0.0, cap=0.0, throttled=0.0)
        return {"kiyotaka": of}

    def start(**options: int) -> House:
        house = House(tmp_path / f"{len(houses)}.sock", providers, **options)
        houses.append(house)
        return house

    yield start
    for house in houses:
        await house.close()


@pytest.fixture
async def house(open_house: Open) -> House:
    house = open_house()
    await house.up()
    return house


async def families(service: Service) -> tuple[Session, Session]:
    """Return the book's and the other socket, both subscribed."""
    found = {}
    for _ in range(2):
        session = await service.session()
        await session.welcome()
        found[session.path.startswith("/nonbook")] = session
    return found[False], found[True]


def ids(*numbers: int) -> list[bytes]:
    """Return one frame a trade."""
    return [frame(trade(str(number))) for number in numbers]


def trades_of(guest: "object", panel: str = "header") -> int:
    """Return the count of trades that a header tells."""
    shown = guest.panels[panel].frame if panel in guest.panels else None  # type: ignore[attr-defined]
    return shown.trades if isinstance(shown, HeaderFrame) else -1


# --- what each gets ---------------------------------------------------------------------------------------


async def test_two_screens_and_a_listener_share_one_connection(service: Service, house: House) -> None:
    one, two, tail = [await house.attach(role) for role in ("screen", "panel", "tail")]
    for guest in (one, two):
        (instrument,) = await asyncio.to_thread(guest.port.open, [ADDRESS])
        guest.look()
        guest.port.watch([instrument])
        guest.port.bind("header", ADDRESS, HeaderSpec())
    one.port.bind("ladder", ADDRESS, LadderSpec(10))
    await tail.listen([TRADES])
    books, others = await families(service)
    await books.send(frame(book([90000, 1.5], [90025, 3])))
    await others.send(*ids(1, 2, 3))
    await one.until(lambda: trades_of(one) == 3 and isinstance(one.panels["ladder"].frame, LadderFrame))
    await two.until(lambda: trades_of(two) == 3)
    await tail.trades(3)
    assert "ladder" not in two.panels, "frames are each one's own"
    assert len(service.sessions) == 2, "one connection a family, whoever looks"


async def test_a_listener_hears_what_it_asked_and_nothing_else(service: Service, house: House) -> None:
    screen, tail = await house.attach(), await house.attach("tail")
    (instrument,) = await asyncio.to_thread(screen.port.open, [ADDRESS])
    screen.look()
    screen.port.watch([instrument])
    screen.port.bind("ladder", ADDRESS, LadderSpec(10))
    await tail.listen([TRADES])
    books, others = await families(service)
    await books.send(frame(book([90000, 1.5], [90025, 3])))
    await others.send(*ids(1))
    await tail.until(lambda: any(type(event) is Trade for event in tail.heard))
    assert {type(event) for event in tail.heard} <= {Trade, FeedStatus}


async def test_what_a_screen_left_is_warm_for_the_next(service: Service, house: House) -> None:
    first = await house.attach()
    (instrument,) = await asyncio.to_thread(first.port.open, [ADDRESS])
    first.look()
    first.port.watch([instrument])
    first.port.bind("header", ADDRESS, HeaderSpec())
    _, others = await families(service)
    await others.send(*ids(1))
    await first.until(lambda: trades_of(first) == 1)
    await asyncio.to_thread(first.port.stop)
    await others.send(*ids(2, 3))
    second = await house.attach()
    await asyncio.to_thread(second.port.open, [ADDRESS])
    second.look()
    second.port.bind("header", ADDRESS, HeaderSpec())
    second.port.bind("tape", ADDRESS, TapeSpec(10))
    await second.until(lambda: trades_of(second) == 3)
    tape = second.panels["tape"].frame
    assert isinstance(tape, TapeFrame)
    assert sum(row.count for row in tape.rows) == 3
    assert len(service.sessions) == 2


async def test_alerts_go_to_every_screen_and_stay_when_it_left(service: Service, house: House) -> None:
    one, two = await house.attach(), await house.attach("panel")
    rule = Rule(ADDRESS, "big", 0.000_001, repeats=True)
    for guest in (one, two):
        (instrument,) = await asyncio.to_thread(guest.port.open, [ADDRESS])
        guest.look()
        guest.port.watch([instrument])
    one.port.alert([rule])
    two.port.bind("header", ADDRESS, HeaderSpec())
    for guest in (one, two):
        await asyncio.to_thread(guest.port.open, [])  # answered in its turn
    _, others = await families(service)
    await others.send(*ids(1))
    await one.until(lambda: bool(one.alarms))
    await two.until(lambda: bool(two.alarms))
    await asyncio.to_thread(one.port.stop)
    assert list(house.feed.alerts.watchers) == [rule], "it fires with nobody there who set it"


async def test_links_switch_together(house: House) -> None:
    one, two, apart = [await house.attach("panel") for _ in range(3)]
    for guest, link in ((one, "a"), (two, "a"), (apart, "b")):
        await asyncio.to_thread(guest.port.open, [ADDRESS, OTHER])
        guest.port.join(link)
    one.port.switch(OTHER)
    await two.until(lambda: two.switched == [OTHER])
    late = await house.attach("panel")
    late.port.join("a")
    await late.until(lambda: late.switched == [OTHER])
    assert (one.switched, apart.switched) == ([], [])


def told(frame: object) -> object:
    """Return a frame as plain values."""
    return msgspec.json.decode(msgspec.json.encode(frame))


def is_told_alike(near: object, far: object) -> bool:
    """Whether values are equal but for hundredths of an age and the noise of sums, which no screen shows."""
    if isinstance(near, float) and isinstance(far, float):
        return abs(near - far) < 1e-8
    if isinstance(near, dict) and isinstance(far, dict):
        ages = [one.pop("age", None) or 0.0 for one in (near, far)]
        same = near.keys() == far.keys() and abs(ages[0] - ages[1]) < 0.011
        return same and all(is_told_alike(near[key], far[key]) for key in near)
    if isinstance(near, list) and isinstance(far, list):
        return len(near) == len(far) and all(map(is_told_alike, near, far))
    return near == far


@pytest.mark.parametrize("way", [{}, {"compress": True}, {"compress": True, "changes": True}])
async def test_every_panel_crosses_unchanged(service: Service, house: House, way: dict[str, bool]) -> None:
    near: dict[str, object] = {}
    guest = await house.attach(**way)  # type: ignore[arg-type]  # none of them is the role
    (instrument,) = await asyncio.to_thread(guest.port.open, [ADDRESS])
    guest.look()
    guest.port.watch([instrument])
    specs = {
        "ladder": LadderSpec(10, flow=True, changes=True, volume=True),
        "tape": TapeSpec(10),
        "header": HeaderSpec(),
        "chart": ChartSpec("1m", 10, averages=(3,), vwap=True, cvd=True, profile=10),
        "plot": PlotSpec("depth", "1m", 50),
        "watch": WatchSpec(),
        "derivatives": DerivativesSpec(),
    }
    for panel, spec in specs.items():
        guest.port.bind(panel, ADDRESS, spec)
    books, others = await families(service)
    await books.send(frame(book([90000, 1.5], [90025, 3])))
    await others.send(*ids(*range(1, 30)))
    await guest.until(lambda: trades_of(guest) == 29)
    await guest.until(lambda: len(guest.panels) == len(specs))
    seat = house.host.clients[0].seat

    def all_are_there() -> bool:
        for panel, binding in seat.beat.bindings.items():
            near[panel] = None if binding.posted is None else binding.posted.frame
        if way.get("changes"):
            return all(is_told_alike(*map(told, (near[one], guest.panels[one].frame))) for one in specs)
        return all(near[panel] == guest.panels[panel].frame for panel in specs)

    await guest.until(all_are_there)
    assert all(frame is not None for panel, frame in near.items() if panel not in ("chart", "plot"))


async def test_a_call_that_is_refused_says_why(house: House) -> None:
    guest = await house.attach()
    with pytest.raises(CallError, match="there is no dance") as refused:
        await asyncio.to_thread(guest.port.call, "dance")
    assert refused.value.status == 4
    with pytest.raises(CallError, match="names no provider"):
        await asyncio.to_thread(guest.port.open, ["nonsense"])


# --- when the feed goes -----------------------------------------------------------------------------------


async def test_a_way_that_broke_is_no_gap_where_the_feed_went_on(service: Service, house: House) -> None:
    guest = await house.attach()
    (instrument,) = await asyncio.to_thread(guest.port.open, [ADDRESS])
    guest.look()
    guest.port.watch([instrument])
    guest.port.bind("header", ADDRESS, HeaderSpec())
    _, others = await families(service)
    await others.send(*ids(1, 2))
    await guest.until(lambda: trades_of(guest) == 2)
    house.host.clients[0]._writer.transport.abort()
    await guest.until(lambda: guest.panels["header"].shown.word == "RECONNECTING")
    await others.send(*ids(3, 4, 5))
    await guest.until(lambda: trades_of(guest) == 5)
    await guest.until(lambda: guest.panels["header"].shown.word == "LIVE")


async def test_the_clocks_of_a_far_feed_are_known(service: Service, house: House) -> None:
    class Wrong(SystemClock):
        """A clock that an hour is missing on, of a machine that started long after the other one."""

        def wall(self) -> int:
            return super().wall() - 3_600_000_000_000

        def mono(self) -> float:
            return super().mono() - 5_000.0

    guest = await house.attach(is_far=True, clock=Wrong(), compress=True, changes=True)
    (instrument,) = await asyncio.to_thread(guest.port.open, [ADDRESS])
    guest.look()
    guest.port.watch([instrument])
    guest.port.bind("header", ADDRESS, HeaderSpec())
    _, others = await families(service)
    await others.send(*ids(1, 2))
    await guest.until(lambda: trades_of(guest) == 2)
    frames = guest.sets[-1]
    assert guest.port.wall() == pytest.approx(time.time_ns(), abs=1e9)
    assert frames.wall == pytest.approx(guest.port.wall(), abs=2e9)
    assert frames.made == pytest.approx(guest.port.mono(), abs=2.0)
    assert guest.port.delay_s is None or guest.port.delay_s < 5


async def test_a_feed_that_dies_is_told_at_once_and_the_gap_is_marked(service: Service, house: House) -> None:
    guest, tail = await house.attach(), await house.attach("tail")
    (instrument,) = await asyncio.to_thread(guest.port.open, [ADDRESS])
    await asyncio.to_thread(tail.port.open, [ADDRESS])
    guest.look()
    guest.port.watch([instrument])
    guest.port.bind("header", ADDRESS, HeaderSpec())
    await tail.listen([TRADES])
    _, others = await families(service)
    await others.send(*ids(1, 2))
    await guest.until(lambda: trades_of(guest) == 2)
    before = house.host.instance
    await house.down()
    await guest.until(lambda: guest.panels["header"].shown.word == "RECONNECTING")
    assert trades_of(guest) == 2, "what was known stays, dimmed"
    assert guest.lost
    await house.up()
    _, others = await families(service)
    await tail.until(lambda: any(isinstance(one, FeedStatus) and one.state == "gap" for one in tail.heard))
    await asyncio.to_thread(tail.port.open, [ADDRESS])  # answered in its turn: it listens again
    await others.send(*ids(5, 6, 7))
    await guest.until(lambda: trades_of(guest) == 3)
    await guest.until(lambda: guest.panels["header"].shown.word == "GAP")
    assert guest.port.welcome is not None
    assert guest.port.welcome.instance != before
    await tail.trades(5)
    states = [event.state for event in tail.heard if isinstance(event, FeedStatus)]
    assert states.index("reconnecting") < states.index("gap")


async def test_a_feed_is_revived_where_that_is_allowed(house: House) -> None:
    loop = asyncio.get_running_loop()
    revived: list[str] = []

    def revive(words: str) -> None:
        revived.append(words)
        asyncio.run_coroutine_threadsafe(house.up(), loop).result()

    guest = await house.attach(revive=revive)
    again = asyncio.Event()

    def regained(_: Welcome) -> None:
        loop.call_soon_threadsafe(again.set)

    guest.port.regained = regained
    await house.down()
    async with asyncio.timeout(10):
        await again.wait()
    assert len(revived) == 1
    assert revived[0].startswith("the feed ")


# --- who must not come in, and who must leave -------------------------------------------------------------


async def test_who_is_not_let_in_hears_why(house: House) -> None:
    house.desk.refused = "the settings differ"
    with pytest.raises(AttachError, match="the settings differ"):
        await house.attach()


async def test_another_version_is_told_what_to_do(house: House) -> None:
    line = await house.dial()
    line.say(msgspec.structs.replace(hello(), version=99))
    told = await line.hear()
    assert isinstance(told, Refusal)
    assert "mdterm feed stop" in told.words
    assert await line.hear() is None


@pytest.mark.parametrize(
    "body", [b"", b"\xc1", b"GET / HTTP/1.1\r\n", b"\x81\xa4type\xa5dance", b"\xdd\xff\xff\xff\xff" * 100]
)
async def test_garbage_is_sent_away_with_words(house: House, body: bytes) -> None:
    line = await house.dial()
    line.say_raw(body)
    told = await line.hear()
    assert isinstance(told, Refusal)
    assert await line.hear() is None
    inside = await house.dial()
    inside.say(hello())
    assert isinstance(await inside.hear(), Welcome), "others come in as before"
    inside.say_raw(body)
    assert isinstance(await inside.hear(), Refusal)
    assert house.host.clients == []


async def test_a_message_that_is_too_long_is_not_waited_for(house: House) -> None:
    line = await house.dial()
    line.say_raw(b"", LARGEST_ASKED + 1)
    told = await line.hear()
    assert isinstance(told, Refusal)
    assert "too long" in told.words


@pytest.mark.parametrize(
    "wrong",
    [
        hello(),
        Bind("ladder", ADDRESS, LadderSpec(1_000_000)),
        Bind("ladder", ADDRESS, LadderSpec(10, group=0)),
        Bind("tape", ADDRESS, TapeSpec(10, back=10**12)),
        Bind("chart", ADDRESS, ChartSpec("1m", -1)),
    ],
)
async def test_what_no_screen_asks_is_the_end(house: House, wrong: Bind) -> None:
    line = await house.dial()
    line.say(hello())
    assert isinstance(await line.hear(), Welcome)
    line.say(wrong)
    assert isinstance(await line.hear(), Refusal)


async def test_panels_are_counted(house: House) -> None:
    line = await house.dial()
    line.say(hello(), *(Bind(str(number), ADDRESS, HeaderSpec()) for number in range(MOST_PANELS + 1)))
    while not isinstance(told := await line.hear(), Refusal):
        assert isinstance(told, Welcome | Frames)
    assert "panels" in told.words


async def test_an_address_that_is_none_costs_a_word_only(house: House) -> None:
    line = await house.dial()
    line.say(hello(), Watch(["nonsense", "who:X"]), Bind("header", "who:X", HeaderSpec()))
    heard = [await line.hear() for _ in range(4)]
    assert isinstance(heard[0], Welcome)
    assert all(isinstance(one, Failure) for one in heard[1:])


async def test_calls_are_counted(house: House) -> None:
    line = await house.dial()
    line.say(hello(), *(Call(number, "dance", {}) for number in range(200)))
    assert isinstance(await line.hear(), Welcome)
    words = set()
    for _ in range(200):
        told = await line.hear()
        assert isinstance(told, Failure)
        words.add(told.words)
    assert "there is no dance" in words


async def test_a_screen_that_does_not_acknowledge_gets_one_frame_set(service: Service, house: House) -> None:
    line, other = await house.dial(), await house.attach()
    (instrument,) = await asyncio.to_thread(other.port.open, [ADDRESS])
    other.look()
    other.port.watch([instrument])
    other.port.bind("header", ADDRESS, HeaderSpec())
    line.say(hello(pid=2), Watch([ADDRESS]), Bind("header", ADDRESS, HeaderSpec()))
    _, others = await families(service)
    await others.send(*ids(*range(200)))
    await other.until(lambda: trades_of(other) == 200)
    assert isinstance(await line.hear(), Welcome)
    assert isinstance(await line.hear(), Frames)
    client = next(one for one in house.host.clients if one.hello == hello(pid=2))
    assert client.seat.beat.posted_sets == 1
    line.writer.close()


async def test_a_listener_that_does_not_read_is_sent_away_and_delays_nobody(
    service: Service, open_house: Open
) -> None:
    house = open_house(waiting=20_000)
    await house.up()
    deaf, other = await house.dial(), await house.attach("tail")
    deaf.say(hello("tail"), Listen(1, [TRADES], "1m"))
    await asyncio.to_thread(other.port.open, [ADDRESS])
    await other.listen([TRADES])
    session = await service.session()
    await session.welcome()
    sent = 0
    while len(house.host.clients) == 2:
        await session.send(*ids(*range(sent, sent + 50)))
        sent += 50
        await other.trades(sent)
    assert len(house.host.clients) == 1, "the one that reads stays"
    heard = 0
    while not isinstance(told := await deaf.hear(), Refusal):
        assert told is not None
        heard += sum(type(event) is Trade for event in told.events) if isinstance(told, Heard) else 0
    assert "waited to be read" in told.words
    assert 0 < heard <= sent


async def test_screens_are_told_how_many_are_there(house: House) -> None:
    first = await house.attach()
    second = await house.attach()
    await first.until(lambda: first.counts[-1:] == [2])
    await house.attach(role="control")  # who only asks is not one that looks
    await asyncio.to_thread(second.port.stop)
    await first.until(lambda: first.counts[-1:] == [1])
    assert first.port.clients == 1


async def test_what_comes_before_anybody_looks_holds_up_nothing(service: Service, house: House) -> None:
    first = await house.attach()
    (instrument,) = await asyncio.to_thread(first.port.open, [ADDRESS])
    first.port.watch([instrument])
    _, others = await families(service)
    await others.send(*ids(1))
    second = await house.attach()
    # The connections that there are make a frame set before the screen stands.
    second.port.watch([instrument])
    async with asyncio.timeout(PATIENCE_S):
        while not house.host.clients[-1].seat.beat.posted_sets:
            await asyncio.sleep(0.01)
    second.look()
    second.port.bind("header", ADDRESS, HeaderSpec())
    await second.until(lambda: "header" in second.panels)


async def test_a_feed_that_only_answers_is_there(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mdterm.feeds.attachment.PING_S", 0.05)
    monkeypatch.setattr("mdterm.feeds.attachment.SILENT_S", 0.1)
    guest = await house.attach("tail")
    assert guest.port.welcome is not None
    pings = 0
    async with asyncio.timeout(PATIENCE_S):
        while pings < 6:
            received = guest.port.received
            while guest.port.received == received:
                await asyncio.sleep(0.01)
            pings += 1
    assert guest.lost == []
