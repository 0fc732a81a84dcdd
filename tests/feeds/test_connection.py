"""A connection against a service that follows the documentation, and one that does not."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import brotli
import pytest

from mdterm.feeds import connection as module
from mdterm.feeds import policy
from mdterm.feeds.connection import Connection
from mdterm.feeds.contract import Backoff, Due, Link, Want
from mdterm.feeds.events import Event, Stream
from mdterm.feeds.journal import MemoryJournal
from mdterm.feeds.kiyotaka.feed import Kiyotaka
from mdterm.feeds.policy import Failure
from mdterm.feeds.text import forms
from tests.feeds.support import FakeClock
from tests.kiyotaka.service import PATIENCE_S, Service, Session, running
from tests.kiyotaka.support import ADDRESS, TOKEN, channels, frame, provider, series, stamp, trade

QUICK = Backoff(first=0.0, cap=0.0, throttled=0.0)


class Client:
    """A connection and everything that came of it."""

    def __init__(
        self, service: Service, *streams: Stream, of: Kiyotaka | None = None, **options: Any
    ) -> None:
        self.clock = FakeClock()
        self.journal = MemoryJournal()
        self.events: list[Event] = []
        self.phases: list[str] = []
        self.of = of or provider(nonbook_url=service.url, book_url=service.url, **options)
        self.of.backoff = QUICK
        self._news = asyncio.Event()
        self.connection = Connection(
            self.link(*(streams or ("trade",))),
            self.of,
            deliver=self._deliver,
            changed=self._changed,
            clock=self.clock,
            journal=self.journal,
        )

    def link(self, *streams: Stream, address: str = ADDRESS) -> Link:
        """Return the plan for some streams of one instrument."""
        (link,) = self.of.plan([Want(0, address, stream) for stream in streams])
        return link

    def _deliver(self, connection: Connection, events: Sequence[Event]) -> None:
        self.events += events
        self._news.set()

    def _changed(self, connection: Connection) -> None:
        phase = connection.health.phase
        if not self.phases or self.phases[-1] != phase:
            self.phases.append(phase)
        self._news.set()

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Wait for news until something is true."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_true():
                await self._news.wait()
                self._news.clear()

    async def received(self, count: int) -> None:
        """Wait for so many events in all."""
        await self.until(lambda: len(self.events) >= count)

    async def settled(self, phase: str) -> None:
        """Wait for a phase."""
        await self.until(lambda: self.connection.health.phase == phase)

    @property
    def words(self) -> str:
        return self.connection.health.detail or ""


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with running() as found:
        yield found


@pytest.fixture
async def dial(service: Service) -> AsyncIterator[Callable[..., Client]]:
    """Give a way to start clients of the service; they are closed at the end."""
    clients: list[Client] = []

    def start(*streams: Stream, **options: Any) -> Client:
        client = Client(service, *streams, **options)
        clients.append(client)
        client.connection.start()
        return client

    yield start
    for client in clients:
        await client.connection.close()


Dial = Callable[..., Client]


# --- as documented ------------------------------------------------------------------------------------


async def test_it_authenticates_subscribes_and_delivers(service: Service, dial: Dial) -> None:
    client = dial()
    session = await service.session()
    assert session.path == "/nonbook/ws?encoding=json"
    message = await session.hear("authenticate")
    assert message["params"] == {"token": TOKEN}
    await session.say(jsonrpc="2.0", id=message["id"], result="ok")
    message = await session.hear("subscribe")
    assert [channel["type"] for channel in message["params"]["channels"]] == ["TRADE"]
    await session.say(jsonrpc="2.0", id=message["id"], result={"channels": []})
    await session.send(frame(trade("1"), trade("2")), frame(trade("3")))
    await client.received(3)
    assert [getattr(event, "id", None) for event in client.events] == ["1", "2", "3"]
    assert {event.seen for event in client.events} == {client.clock.wall()}
    health = client.connection.health
    assert (health.phase, health.attempt, health.detail) == ("open", 1, None)
    assert client.phases == ["connecting", "open"]
    assert service.attempts == 1


async def test_books_have_a_socket_of_their_own(service: Service, dial: Dial) -> None:
    dial("book")
    session = await service.session()
    assert session.path == "/ws?encoding=json"
    message = await session.welcome()
    assert [channel["type"] for channel in message["params"]["channels"]] == ["BLOCK_BOOK_SNAPSHOT"]


async def test_a_service_that_answers_nothing_is_subscribed_after_two_seconds(
    service: Service, dial: Dial
) -> None:
    client = dial()
    session = await service.session()
    await session.hear("authenticate")
    client.clock.advance(2.0)
    client.connection.kick()
    await session.hear("subscribe")
    await session.send(frame(trade("1")))
    await client.received(1)


async def test_a_changed_plan_goes_over_the_same_socket(service: Service, dial: Dial) -> None:
    client = dial()
    session = await service.session()
    await session.welcome()
    client.connection.rewant(client.link("trade", "funding"))
    more = await session.hear("subscribe")
    assert [channel["type"] for channel in more["params"]["channels"]] == ["FUNDING_RATE"]
    client.connection.rewant(client.link("funding"))
    less = await session.hear("unsubscribe")
    assert [channel["type"] for channel in less["params"]["channels"]] == ["TRADE"]
    await session.send(frame(trade("late")), frame(funding()))
    await client.received(1)
    assert [type(event).__name__ for event in client.events] == ["Funding"]
    assert service.attempts == 1


def funding() -> dict[str, Any]:
    return {"series": series("FUNDING_RATE"), "fundingRate": {"fundingRate": 0.1, "timestamp": stamp()}}


async def test_closing_says_goodbye_and_leaves_no_task(service: Service, dial: Dial) -> None:
    client = dial()
    session = await service.session()
    await session.welcome()
    await client.connection.close()
    assert await session.ended() == 1000
    assert client.connection.health.phase == "closed"
    assert tasks_of(client) == []
    await client.connection.close()
    assert service.attempts == 1


async def test_a_proxy_of_the_environment_does_not_stand_before_loopback(
    service: Service, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "ws_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    client = dial()
    await (await service.session()).welcome()
    assert client.connection.health.phase == "open"


# --- refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusing_server_is_asked_twice(service: Service, dial: Dial, status: int) -> None:
    service.answers = [status] * 10
    client = dial()
    await client.settled("refused")
    assert service.attempts == 2
    assert f"HTTP {status}" in client.words
    await ended(client)
    assert service.attempts == 2


def tasks_of(client: Client) -> list[asyncio.Task[Any]]:
    """Return the connection's own task while it runs."""
    name = f"link {client.connection.link.key}"
    return [task for task in asyncio.all_tasks() if task.get_name() == name]


async def ended(client: Client) -> None:
    """Wait for the connection's own task to end: nothing more will be tried."""
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*tasks_of(client))


@pytest.mark.parametrize("code", [1008, 4001, 4401])
async def test_a_socket_closed_with_a_refusing_code_is_opened_twice(
    service: Service, dial: Dial, code: int
) -> None:
    client = dial()
    for _ in range(2):
        session = await service.session()
        await session.socket.close(code, "bad key")
    await client.settled("refused")
    await ended(client)
    assert service.attempts == 2
    assert f"code {code}: bad key" in client.words


async def test_a_key_that_is_refused_in_words_is_tried_once(service: Service, dial: Dial) -> None:
    client = dial()
    session = await service.session()
    message = await session.hear("authenticate")
    await session.say(id=message["id"], error={"code": -32001, "message": f"invalid token {TOKEN}"})
    await client.settled("refused")
    await ended(client)
    assert service.attempts == 1
    assert "the key was rejected: invalid token" in client.words
    assert TOKEN not in client.words


async def test_data_in_between_forgives_a_refusal(service: Service, dial: Dial) -> None:
    client = dial()
    for number in range(4):
        session = await service.session()
        await session.welcome()
        await session.send(frame(trade(str(number))))
        await client.received(number + 1)
        await session.socket.close(1008, "policy")
    await (await service.session()).welcome()
    assert client.connection.health.phase == "open"


async def test_a_refused_symbol_leaves_the_link(service: Service, dial: Dial) -> None:
    client = dial()
    session = await service.session()
    message = await session.welcome()
    await session.say(id=message["id"], error={"code": 3, "message": "Unknown symbol"})
    await client.until(lambda: bool(client.connection.refusals))
    (refusal,) = client.connection.refusals
    assert (refusal.addresses, refusal.detail) == ((ADDRESS,), "Unknown symbol")
    assert client.connection.health.phase == "open"


async def test_no_address_at_all_is_not_tried(service: Service, dial: Dial) -> None:
    client = Client(service, of=provider(nonbook_url="ws://[::1"))
    client.connection.start()
    await client.settled("refused")
    assert "no WebSocket URL" in client.words
    await client.connection.close()


# --- pauses -------------------------------------------------------------------------------------------


class Pauses:
    """Records the pauses that were asked for, and makes none."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[tuple[int, str]] = []
        monkeypatch.setattr(policy, "pause", self._pause)

    def _pause(self, backoff: Backoff, attempt: int, failure: Failure) -> float:
        self.asked.append((attempt, failure.kind))
        return 0.0


async def test_a_server_that_is_not_ready_is_tried_until_it_is(
    service: Service, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = Pauses(monkeypatch)
    service.answers = [503, 500, 502, 404]
    client = dial()
    session = await service.session()
    await session.welcome()
    assert pauses.asked == [(1, "retry"), (2, "retry"), (3, "retry"), (4, "retry")]
    assert client.connection.health.attempt == 5, "only data starts it over"
    await session.send(frame(trade("1")))
    await client.received(1)
    assert client.connection.health.attempt == 1
    await session.drop()
    await service.session()
    assert pauses.asked[4:] == [(1, "retry")]


async def test_a_socket_that_closes_at_once_is_no_success(
    service: Service, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = Pauses(monkeypatch)
    client = dial()
    for _ in range(6):
        session = await service.session()
        await session.socket.close(1000, "")
    await (await service.session()).welcome()
    assert [attempt for attempt, _ in pauses.asked] == [1, 2, 3, 4, 5, 6]
    assert client.connection.health.attempt == 7


async def test_a_server_that_is_overrun_says_when_to_come_back(service: Service, dial: Dial) -> None:
    service.answers = [(429, {"Retry-After": "120"})]
    client = dial()
    await client.settled("waiting")
    retry_at = client.connection.health.retry_at
    assert retry_at is not None
    assert retry_at - client.clock.mono() == 120.0
    assert "HTTP 429" in client.words
    assert service.attempts == 1


async def test_a_lost_link_keeps_the_moment_of_its_loss(
    service: Service, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    Pauses(monkeypatch)
    client = dial()
    session = await service.session()
    await session.welcome()
    client.clock.advance(100.0)
    lost_at = client.clock.mono()
    service.answers = [503] * 3
    await session.drop()
    await client.until(lambda: service.attempts >= 3)
    client.clock.advance(7.0)
    assert client.connection.health.since == lost_at
    session = await service.session()
    await client.settled("open")
    assert client.connection.health.since == client.clock.mono()
    assert client.connection.opened_count == 2


# --- silence ------------------------------------------------------------------------------------------


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for silence at every turn of the loop."""
    monkeypatch.setattr(module, "WATCH_S", 0.0)


@pytest.mark.usefixtures("eager")
async def test_a_silent_link_is_built_anew_and_borne_longer_if_that_did_not_help(
    service: Service, dial: Dial
) -> None:
    client = dial()
    bounds = [30.0, 60.0, 120.0]
    for bound in bounds:
        session = await service.session()
        await session.welcome()
        client.clock.advance(bound - 0.5)
        await turns()
        assert client.connection.health.phase == "open"
        client.clock.advance(1.0)
        assert await session.ended() == 1000
    session = await service.session()
    await session.welcome()
    await session.send(frame(trade("1")))
    await client.received(1)
    client.clock.advance(31.0)
    assert await session.ended() == 1000, "it helped, so patience is short again"
    await service.session()
    await client.settled("open")


async def turns() -> None:
    """Let the loop turn often enough for every task to have looked."""
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.mark.usefixtures("eager")
async def test_streams_that_may_be_silent_are_left_alone(service: Service, dial: Dial) -> None:
    client = dial("funding", "liquidation", "open_interest", "volume_profile")
    session = await service.session()
    await session.welcome()
    client.clock.advance(100_000.0)
    await turns()
    await session.send(frame(funding()))
    await client.received(1)
    assert service.attempts == 1


@pytest.mark.usefixtures("eager")
async def test_what_is_sent_once_a_minute_is_not_silent_for_that(service: Service, dial: Dial) -> None:
    client = dial("trade_agg", channels=channels(kind="TRADE_AGG", batch_interval="1m"))
    session = await service.session()
    await session.welcome()
    client.clock.advance(179.0)
    await turns()
    assert client.connection.health.phase == "open"
    client.clock.advance(2.0)
    assert await session.ended() == 1000


@pytest.mark.usefixtures("eager")
async def test_funding_does_not_speak_for_trades(service: Service, dial: Dial) -> None:
    client = dial("trade", "funding")
    session = await service.session()
    await session.welcome()
    for number in range(4):
        await session.send(frame(funding()))
        await client.received(number + 1)
        client.clock.advance(9.0)
    assert await session.ended() == 1000
    await service.session()
    await client.settled("open")


@pytest.mark.usefixtures("eager")
async def test_what_was_asked_for_late_is_not_silent_yet(service: Service, dial: Dial) -> None:
    client = dial("funding")
    session = await service.session()
    await session.welcome()
    client.clock.advance(1000.0)
    client.connection.rewant(client.link("funding", "trade"))
    await session.hear("subscribe")
    await turns()
    client.clock.advance(29.0)
    await turns()
    await session.send(frame(trade("1")))
    await client.received(1)
    assert service.attempts == 1


@pytest.mark.usefixtures("eager")
async def test_a_silence_once_does_not_hide_a_refusal_later(service: Service, dial: Dial) -> None:
    client = dial()
    session = await service.session()
    await session.welcome()
    service.answers = [401] * 10
    client.clock.advance(31.0)
    await client.settled("refused")
    assert "HTTP 401" in client.words
    await ended(client)
    assert service.attempts == 3


# --- what is sent -------------------------------------------------------------------------------------


async def test_garbage_is_counted_and_costs_nothing_else(service: Service, dial: Dial) -> None:
    client = dial()
    session = await service.session()
    await session.welcome()
    await session.send(b"hello", b"[]", b"null", b"{", b'{"points":7}', frame(trade("1", price=-1)))
    await session.send(b"\x00\x01\x02", b"\xff" * 50, binary=True)
    await session.send(frame(None, 5, trade("1")), frame(trade("1")), frame(trade("2")))
    await client.received(2)
    assert [getattr(event, "id", None) for event in client.events] == ["1", "2"]
    assert client.connection.codec.bad_frames >= 8
    assert service.attempts == 1


async def test_a_frame_too_large_ends_the_socket_and_not_the_link(
    service: Service, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_FRAME", 10_000)
    client = dial()
    session = await service.session()
    await session.welcome()
    await session.send(frame(trade("1" * 20_000)))
    assert await session.ended() == 1009
    await client.until(lambda: "larger than allowed" in client.words)
    session = await service.session()
    await session.welcome()
    await session.send(frame(trade("1")))
    await client.received(1)


async def test_a_broken_window_is_mended_by_a_new_socket(service: Service, dial: Dial) -> None:
    client = dial(compression="brotli")
    session = await service.session()
    message = await session.welcome()
    assert message["params"]["compression"] == "brotli"
    await stream_shared(session, "a")
    await client.received(5)
    await session.send(b"\xff\xff junk", binary=True)
    assert await session.ended() == 1000
    session = await service.session()
    await session.welcome()
    await stream_shared(session, "b")
    await client.received(10)
    assert len(client.events) == 10


async def stream_shared(session: Session, name: str) -> None:
    """Send five trades through one window."""
    window = brotli.Compressor()
    for number in range(5):
        frame_ = window.process(frame(trade(f"{name}{number}"))) + window.flush()
        await session.send(frame_, binary=True)


async def test_what_is_sent_again_after_a_reconnect_is_not_delivered_again(
    service: Service, dial: Dial
) -> None:
    client = dial()
    for turn in range(3):
        session = await service.session()
        first = await session.welcome()
        assert len(first["params"]["channels"]) == 1
        ids = range(turn * 5, turn * 5 + 10)
        await session.send(*(frame(trade(str(number))) for number in ids))
        await client.received(turn * 5 + 10)
        await session.drop()
    assert [getattr(event, "id", "") for event in client.events] == [str(number) for number in range(20)]


# --- faults of our own --------------------------------------------------------------------------------


async def test_a_codec_that_cannot_speak_does_not_look_alive(
    service: Service, dial: Dial, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = dial()
    session = await service.session()
    await session.welcome()

    def fail(now: float) -> Due:
        raise KeyError("x")

    with monkeypatch.context() as patch:
        patch.setattr(client.connection.codec, "due", fail)
        client.connection.kick()
        assert await session.ended() == 1000
        await client.until(lambda: "internal error" in client.words)
    assert "KeyError" in caplog.text
    await (await service.session()).welcome()


async def test_a_taker_that_fails_is_logged_whole_and_the_link_comes_back(
    service: Service, dial: Dial, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = dial()
    session = await service.session()
    await session.welcome()

    def fail(connection: Connection, events: list[Event]) -> None:
        raise ZeroDivisionError("by far")

    with monkeypatch.context() as patch:
        patch.setattr(client.connection, "_deliver", fail)
        await session.send(frame(trade("1")))
        await client.until(lambda: "ZeroDivisionError" in client.words)
    assert "by far" in caplog.text
    session = await service.session()
    await session.welcome()
    await session.send(frame(trade("2")))
    await client.received(1)


# --- secrets ------------------------------------------------------------------------------------------


async def test_the_key_is_in_nothing_that_is_kept(
    service: Service, dial: Dial, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the service echoes, and however fine the log."""
    monkeypatch.setattr(logging.getLogger("websockets.server"), "propagate", False)  # the other side
    with caplog.at_level(logging.DEBUG):
        client = dial()
        session = await service.session()
        await session.welcome()
        await session.send(frame(trade("1")))
        for form in forms((TOKEN,)):
            padded = f"{'x' * 140}{form}".encode()
            await session.send(b'{"error":{"code":9,"message":"' + padded + b'"}}')
            await session.send(b'{"method":"hello","params":{"token":"' + form.encode() + b'"}}')
            await session.send(form.encode())
        await client.received(1)
        await session.socket.close(1011, f"key {TOKEN}")
        session = await service.session()
        message = await session.hear("authenticate")
        await session.say(id=message["id"], error=f"{'y' * 150}{TOKEN}")
        await client.settled("refused")
    kept = caplog.text + repr(client.journal.records) + client.words + repr(client.connection.refusals)
    kept += "".join(repr(record.__dict__) for record in caplog.records)
    for form in forms((TOKEN,)):
        assert form not in kept
    assert TOKEN[:6] not in kept
    kinds = {record.kind for record in client.journal.records}
    assert kinds >= {"open", "close", "in", "out"}
    assert any(
        b"public/authenticate" in record.data and b"***" in record.data for record in client.journal.records
    )
