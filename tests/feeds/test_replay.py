"""A recording of three providers at once gives the same lines and the same screen again."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mdterm.feeds.address import parse_address
from mdterm.feeds.columns import kind_of
from mdterm.feeds.contract import Provider
from mdterm.feeds.events import Event, FeedStatus, Stream, Trade, encode_line
from mdterm.feeds.frames import CompareFrame, FrameSet, PanelFrame
from mdterm.feeds.journal_file import JournalError, JournalReader, JournalWriter
from mdterm.feeds.market import Market
from mdterm.feeds.player import FLAT_OUT, BigTrades, Player
from mdterm.feeds.recorder import Recorder
from mdterm.feeds.recording import Recording
from mdterm.feeds.retell import only, retell, wants_of
from mdterm.feeds.runtime import Feed
from mdterm.feeds.sim.venue import VenueConfig, VenueThread
from mdterm.feeds.specs import (
    AccountSpec,
    ChartSpec,
    CompareSpec,
    DerivativesSpec,
    HeaderSpec,
    LadderSpec,
    TapeSpec,
    ViewSpec,
    WatchSpec,
)

KINDS = {"trade", "book", "candle", "status", "funding", "balance", "order"}
SECRETS = {"kiyotaka": "plant-kiyo-8812", "alltick": "plant/all tick+77", "jayx": "plant-jayx-3304"}
ADDRESSES = ["kiyotaka:BTCUSDT", "alltick:BTCUSDT", "jayx:BTCUSDT"]
SPECS: dict[str, ViewSpec] = {
    "header": HeaderSpec(),
    "ladder": LadderSpec(20),
    "tape": TapeSpec(20),
    "chart": ChartSpec("1m", 60),
    "derivatives": DerivativesSpec(),
    "watchlist": WatchSpec(),
    "account": AccountSpec(),
    "compare": CompareSpec(),
}
PAIRS = [("kiyotaka:BTCUSDT", "jayx:BTCUSDT")]


def providers(urls: dict[str, str]) -> dict[str, Provider]:
    from mdterm.feeds.alltick import feed as alltick
    from mdterm.feeds.jayx import feed as jayx
    from mdterm.feeds.kiyotaka import feed as kiyotaka

    def of(name: str, *keys: str) -> dict[str, Any]:
        return {key: urls[f"providers.{name}.{key}"] for key in keys}

    return {
        "kiyotaka": kiyotaka.make(
            "kiyotaka",
            kiyotaka.Options(
                token=SECRETS["kiyotaka"],
                weight_per_minute=1000,
                **of("kiyotaka", "book_url", "nonbook_url", "rest_url"),
            ),
        ),
        "alltick": alltick.make(
            "alltick",
            alltick.Options(
                token=SECRETS["alltick"],
                plan="professional",
                **of("alltick", "stock_url", "generic_url", "stock_http_url", "generic_http_url"),
            ),
        ),
        "jayx": jayx.make(
            "jayx",
            jayx.Options(api_key=SECRETS["jayx"], framing="auto", **of("jayx", "url", "rest_url")),
        ),
    }


class Session:
    """What was recorded, and what was seen meanwhile."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[bytes] = []
        self.panels: dict[str, dict[str, Any]] = {}
        self.heard: Counter[str] = Counter()
        self.news = asyncio.Event()

    async def record(self, urls: dict[str, str]) -> None:
        recorder = Recorder(self.path)
        made = providers(urls)
        feed = Feed(made, journal=recorder, accounts={"jayx": "jayx"})
        instruments = [made[a.partition(":")[0]].resolve(parse_address(a)) for a in ADDRESSES]
        wants: list[tuple[str, Stream]] = [
            (one.address, stream)
            for one in instruments
            for stream in sorted(made[one.provider].capabilities.streams)
            if stream not in ("trade_agg", "balance", "order")
        ]
        feed.listen(wants, self.take)
        feed.watch(instruments)
        feed.compare(PAIRS)
        async with asyncio.timeout(30):
            while not (self.heard.keys() >= KINDS and self.heard["trade"] > 200):
                await self.news.wait()
                self.news.clear()
            bind_all(feed, instruments[0].address, instruments[2].address)
            until = self.heard["trade"] + 50
            while self.heard["trade"] < until:
                await self.news.wait()
                self.news.clear()
        # The last moment of the recording: nothing may come between it and the look at the screen.
        self.panels = look(feed, instruments[0].address, instruments[2].address)
        count = len(self.lines)
        await feed.close()
        del self.lines[count:]
        recorder.close()

    def take(self, events: Sequence[Event]) -> None:
        self.lines += [encode_line(event) for event in events]
        self.heard.update(kind_of(event) for event in events)
        self.news.set()


def bind_all(feed: Feed, address: str, with_account: str) -> None:
    for panel, spec in SPECS.items():
        feed.bind(panel, with_account if panel == "account" else address, spec)


def look(feed: Feed, address: str, with_account: str) -> dict[str, dict[str, Any]]:
    """Return what every panel would show now, without what depends on when somebody looked before."""
    found: dict[str, dict[str, Any]] = {}
    for panel, spec in SPECS.items():
        market = feed.market(with_account if panel == "account" else address, full=True)
        _, frame = feed.seat.frame(market, spec, feed.clock.mono())  # type: ignore[arg-type]
        found[panel] = without_pace(msgspec.to_builtins(frame))
    return found


def without_pace(value: Any) -> Any:
    """Leave out speeds, ages and states: they depend on the moments at which they were asked for."""
    if isinstance(value, dict):
        unsteady = ("pace", "speed", "shown", "usual", "hold", "average", "lag", "agreement")
        return {
            key: without_pace(one) for key, one in value.items() if not any(word in key for word in unsteady)
        }
    return [without_pace(one) for one in value] if isinstance(value, list | tuple) else value


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Record three providers for a few seconds, once for all tests here."""
    venue = VenueThread(VenueConfig(providers=("kiyotaka", "jayx", "alltick"), rate=3.0))
    urls = venue.start()
    found = Session(tmp_path_factory.mktemp("replay") / "x.mdj")
    try:
        asyncio.run(found.record(urls))
    finally:
        venue.stop()
    return found


@contextlib.asynccontextmanager
async def playing(path: Path, **options: Any) -> AsyncIterator[Player]:
    player = Player(Recording(path), **options)
    try:
        yield player
    finally:
        await player.feed.close()


async def until(is_true: Any) -> None:
    async with asyncio.timeout(20):
        while not is_true():
            await asyncio.sleep(0.005)


# --- the same again -----------------------------------------------------------------------------------


async def test_the_lines_are_the_same_byte_for_byte(session: Session) -> None:
    told: list[bytes] = []
    recording = Recording(session.path)
    head = recording.head
    assert set(head.providers) == {"kiyotaka", "alltick", "jayx"}
    await retell(recording, lambda events: told.extend(map(encode_line, events)), head.wants, head.interval)
    assert told[: len(session.lines)] == session.lines
    # Behind them stand only the words of the connections that were closed at the end.
    rest = [msgspec.json.decode(line) for line in told[len(session.lines) :]]
    assert len(rest) < 200
    assert recording.told_end() is None


async def test_the_screen_is_the_same_at_a_hundred_times_the_speed(session: Session) -> None:
    lines: list[bytes] = []
    done = asyncio.Event()

    def take(events: Sequence[Event]) -> None:
        lines.extend(map(encode_line, events))
        if len(lines) >= len(session.lines) and not done.is_set():
            found.update(look(player.feed, head.addresses[0], head.addresses[2]))
            done.set()

    found: dict[str, dict[str, Any]] = {}
    async with playing(session.path, speed=100.0, pairs=PAIRS) as player:
        head = player.recording.head
        player.feed.listen(head.wants, take, interval=head.interval)
        player.feed.watch([player.feed.resolve(address) for address in head.addresses])
        bind_all(player.feed, head.addresses[0], head.addresses[2])
        async with asyncio.timeout(30):
            await done.wait()
    assert any(isinstance(one, list) and one for one in found["ladder"].values())
    assert found["tape"]["rows"]
    assert found["account"]["balances"]
    for panel in SPECS:
        assert found[panel] == session.panels[panel], panel


async def test_nothing_on_the_screen_of_a_replay_is_said_to_be_live(session: Session) -> None:
    panels: dict[str, PanelFrame] = {}
    sets: list[FrameSet] = []

    def show(frames: FrameSet) -> None:
        sets.append(frames)
        panels.update(frames.panels)
        asyncio.get_running_loop().call_soon(player.feed.ack, frames.number)

    async with playing(session.path, speed=FLAT_OUT, period_s=0.001) as player:
        address = player.recording.head.addresses[0]
        player.feed.watch([player.feed.resolve(address)])
        player.feed.connect(show)
        for panel in ("ladder", "tape", "chart", "watchlist"):
            player.feed.bind(panel, address, SPECS[panel])
        player.pause()
        await until(lambda: len(panels) == 4)
        player.jump(player.recording.span()[1] - 1_000_000_000)
        await until(lambda: panels["tape"].shown.word == "REPLAY")
        words = {one.shown.word for one in panels.values()}
        rows = panels["watchlist"].frame
        assert "LIVE" not in words | {row.shown.word for row in rows.rows}  # type: ignore[union-attr]
    assert sets[-1].replay is not None
    assert sets[-1].replay.is_paused
    # The clock on the screen is the recorded one.
    assert sets[-1].wall == pytest.approx(sets[-1].replay.at, abs=2e9)


async def test_paces_are_those_that_were_live_however_fast_it_is_played(session: Session) -> None:
    done = asyncio.Event()
    async with playing(session.path, speed=100.0) as player:
        head = player.recording.head
        bind_all(player.feed, head.addresses[0], head.addresses[2])
        player._ended = done.set
        async with asyncio.timeout(30):
            await done.wait()
        now = player.feed.clock.mono()
        market = player.feed.market(head.addresses[0])
        assert isinstance(market, Market)
        pace = market.tape.pace(now).trades
    events = [msgspec.json.decode(line) for line in session.lines]
    trades = [one["seen"] for one in events if one["kind"] == "trade" and one["address"] == head.addresses[0]]
    average = len(trades) / max(1.0, (trades[-1] - trades[0]) / 1e9)
    assert average / 8 < pace < average * 8, "it comes in bursts, and is looked at once a second"


async def test_how_links_talk_is_told_as_it_was(session: Session) -> None:
    async with playing(session.path, speed=FLAT_OUT) as player:
        player.pause()
        player.jump(player.recording.span()[1])
        await until(lambda: not player._is_seeking)
        notes = {line.key: line.note for line in player.feed.links.lines()}
    assert notes["jayx/BTCUSDT"] == "framing: socketio (EIO 4) (auto)"
    assert notes["kiyotaka/nonbook"] == ""


# --- going about in it --------------------------------------------------------------------------------


def trades_until(path: Path, at: int | None) -> list[str | None]:
    found: list[str | None] = []

    def take(events: Sequence[Event]) -> None:
        found.extend(one.id for one in events if type(one) is Trade and one.address.startswith("kiyotaka"))

    recording = Recording(path)
    asyncio.run(retell(recording, only(take, None, None, at), recording.head.wants, "1m"))
    return found


def counted(player: Player) -> int:
    return player.feed.markets[player.recording.head.addresses[0]].trade_count


async def test_a_jump_lands_where_it_is_asked_to_forward_and_back(session: Session) -> None:
    async with playing(session.path, speed=FLAT_OUT) as player:
        player.pause()
        address = player.recording.head.addresses[0]
        player.feed.watch([player.feed.resolve(address)])
        first, last = player.recording.span()
        for share in (0.8, 0.3, 0.5, 0.0, 1.0):
            at = first + round((last - first) * share)
            player.jump(at)
            await until(lambda: not player._is_seeking)
            expected = await asyncio.to_thread(trades_until, session.path, at)
            assert counted(player) == len(expected)
            assert player.line().at == pytest.approx(at, abs=1000)
        assert counted(player) > 20


async def test_recorded_pairs_are_compared_after_a_jump_back_too(session: Session) -> None:
    others = [("kiyotaka:BTCUSDT", "nobody:BTCUSDT"), ("jayx:BTCUSDT", "jayx:ETHUSDT")]
    async with playing(session.path, speed=FLAT_OUT, pairs=[*others, *PAIRS]) as player:
        player.pause()
        told = [msgspec.json.decode(line) for line in session.lines]
        began = [
            next(one["seen"] for one in told if one["kind"] == "trade" and one["address"].startswith(name))
            for name in ("kiyotaka", "jayx")
        ]
        for at in (player.recording.span()[1], max(began) + 1):
            player.jump(at)
            await until(lambda: not player._is_seeking)
            market = player.feed.market(player.recording.head.addresses[0], full=True)
            _, frame = player.feed.seat.frame(market, CompareSpec(), player.feed.clock.mono())  # type: ignore[arg-type]
            assert isinstance(frame, CompareFrame)
            (row,) = frame.rows
            assert (row.first.provider, row.second.provider) == ("kiyotaka", "jayx")
            assert row.drift_bps is not None


async def test_a_step_is_one_message_of_the_shown_instrument(session: Session) -> None:
    async with playing(session.path) as player:
        player.pause()
        address = player.recording.head.addresses[0]
        player.feed.watch([player.feed.resolve(address)])
        player.feed.bind("tape", address, SPECS["tape"])
        stops = []
        for _ in range(5):
            player.step()
            await until(lambda: not player._is_seeking)
            stops.append(player.line().at)
    seen: list[int] = []

    def take(events: Sequence[Event]) -> None:
        seen.extend(one.seen for one in events if one.address == address and type(one) is not FeedStatus)

    recording = Recording(session.path)
    wants: list[tuple[str, Stream]] = [(one, kind) for one, kind in recording.head.wants if kind != "candle"]
    await retell(recording, take, wants, "1m")
    # Each stop is the next message, none is left out.
    messages = list(dict.fromkeys(at for at in seen if at >= stops[0]))
    assert stops == messages[:5]


async def test_paces_go_up_and_down_in_steps_within_bounds(session: Session) -> None:
    async with playing(session.path) as player:
        told = []
        for _ in range(12):
            told.append(player.line().speed)
            player.faster()
        assert (told[0], player.speed) == (1.0, 100.0)
        for _ in range(20):
            player.slower()
        assert player.speed == 0.1


def test_a_trade_is_big_among_those_before_it() -> None:
    big = BigTrades()

    def trade(size: float | None) -> Trade:
        return Trade("x:X", None, 0, None, 1.0, size, None)

    assert not any(big.is_big(trade(1.0 + at / 1000)) for at in range(99))
    assert not big.is_big(trade(1.05))
    assert big.is_big(trade(5.0))
    assert not big.is_big(trade(None))
    for _ in range(5000):
        big.is_big(trade(2.0))
    assert len(big._sorted) == len(big._sizes) == 2000
    assert not big.is_big(trade(2.0))


# --- what a recording holds, and what not -------------------------------------------------------------


def test_no_secret_is_in_a_recording(session: Session) -> None:
    from mdterm.feeds.text import forms

    planted = [form.encode() for form in forms(tuple(SECRETS.values()))]
    data = session.path.read_bytes()
    reader = JournalReader(session.path)
    records = list(reader)
    reader.close()
    kinds = {record.kind for record in records}
    assert {"in", "out", "open", "want", "phase", "http", "bars", "merged", "told", "note"} <= kinds
    for record in records:
        told = b"".join([record.data, record.text.encode(), record.link.encode()])
        assert not any(form in told for form in planted), record.kind
    assert not any(form in data for form in planted)
    assert sum(record.data.count(b"***") for record in records if record.kind == "out") > 0


def test_a_recording_that_does_not_say_of_what_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.mdj"
    with path.open("wb") as file:
        JournalWriter(file).end("closed", 0)
    with pytest.raises(JournalError, match="providers"):
        Recording(path)


async def test_what_was_cut_off_is_told_at_the_end(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "cut.mdj"
    path.write_bytes(session.path.read_bytes()[:-200])
    recording = Recording(path)
    await retell(recording, lambda events: None, wants_of(recording.head, ["trade"]), "1m")
    words = recording.told_end()
    assert words is not None
    assert "cut off" in words
