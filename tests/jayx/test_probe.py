"""The framing is found out against servers of each kind."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from mdterm.feeds.address import Address
from mdterm.feeds.contract import Unready, Want
from mdterm.feeds.jayx import facts
from mdterm.feeds.jayx.feed import JayX, Options, make
from mdterm.feeds.jayx.framing import Dialect
from mdterm.feeds.jayx.probe import Asked, ProbeError, candidates, probe

QUICK_S = 0.4
OPEN = '0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'
Handler = Callable[[ServerConnection], Awaitable[None]]
Gate = Callable[[ServerConnection, Request], Response | None]


class Fake:
    """A server of one kind: what it was asked, and where it is."""

    def __init__(self) -> None:
        self.url = ""
        self.paths: list[str] = []
        self.frames: list[str] = []


@asynccontextmanager
async def running(handler: Handler, gate: Gate | None = None) -> AsyncIterator[Fake]:
    fake = Fake()

    def process(connection: ServerConnection, request: Request) -> Response | None:
        fake.paths.append(request.path)
        return None if gate is None else gate(connection, request)

    async def handle(ws: ServerConnection) -> None:
        with_notes = Noted(ws, fake)
        try:
            await handler(with_notes)  # type: ignore[arg-type]  # it does all that is asked of it here
            await ws.wait_closed()
        except ConnectionClosed:
            pass

    quiet = logging.getLogger("tests.fake")
    quiet.setLevel(logging.CRITICAL)
    async with serve(handle, "127.0.0.1", 0, process_request=process, logger=quiet) as server:
        fake.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield fake


class Noted:
    """A connection whose frames are noted."""

    def __init__(self, ws: ServerConnection, fake: Fake) -> None:
        self._ws = ws
        self._fake = fake

    async def send(self, frame: str) -> None:
        await self._ws.send(frame)

    async def recv(self) -> str:
        frame = await self._ws.recv()
        assert isinstance(frame, str)
        self._fake.frames.append(frame)
        return frame


def only(path: str, status: int = 404, unless: str = "") -> Gate:
    """Turn away what does not begin with a path, or does not hold a word."""

    def gate(connection: ServerConnection, request: Request) -> Response | None:
        taken = request.path.startswith(path) and unless in request.path
        return None if taken else connection.respond(status, "no\n")

    return gate


async def engine_4(ws: ServerConnection) -> None:
    await ws.send(OPEN)
    assert await ws.recv() == "40"
    await ws.send('40{"sid":"y"}')


async def engine_3(ws: ServerConnection) -> None:
    await ws.send(OPEN)
    await ws.send("40")


async def mute(ws: ServerConnection) -> None:
    await ws.recv()


async def chatty(ws: ServerConnection) -> None:
    await ws.recv()
    await ws.send('{"hello":"there"}')
    await ws.send("\x1b[31mnonsense")


def bare(form: str, examples: dict[str, str]) -> Handler:
    """Answer subscriptions in one bare form, and nothing else."""

    async def handler(ws: ServerConnection) -> None:
        while True:
            message = json.loads(await ws.recv())
            event, body = message["event"], json.loads(examples[message["event"]])
            if form in ("data", "message") and form in message:
                await ws.send(json.dumps({"event": event, form: body}))
            elif form == "flat" and "symbol" in message:
                await ws.send(json.dumps({"event": event, **body}))
            elif form == "nameless" and "symbol" in message:
                await ws.send(json.dumps(body))

    return handler


def asked(fake: Fake, patience_s: float = facts.PROBE_S) -> Asked:
    return Asked(fake.url, "/socket.io/", "BTCUSDT", "1", patience_s=patience_s)


ALL = candidates("auto", ("event", "data"))


async def test_engine_4() -> None:
    async with running(engine_4, only("/socket.io/", unless="EIO=4")) as fake:
        assert await probe(asked(fake), ALL) == Dialect("socketio", eio=4, rules=4)
        assert fake.frames == []  # nothing is said to a Socket.IO server before it is known


async def test_engine_3_that_refuses_the_newer_number() -> None:
    async with running(engine_3, only("/socket.io/", 400, unless="EIO=3")) as fake:
        assert await probe(asked(fake), ALL) == Dialect("socketio", eio=3, rules=3)


async def test_engine_3_that_takes_the_newer_number() -> None:
    async with running(engine_3, only("/socket.io/", unless="EIO=4")) as fake:
        assert await probe(asked(fake), ALL) == Dialect("socketio", eio=4, rules=3)


@pytest.mark.parametrize("takes_any_path", [False, True])
@pytest.mark.parametrize(
    ("form", "dialect"),
    [
        ("data", Dialect("envelope", envelope=("event", "data"))),
        ("message", Dialect("envelope", envelope=("event", "message"))),
        ("flat", Dialect("flat")),
        ("nameless", Dialect("flat")),
    ],
)
async def test_bare_servers(
    form: str, dialect: Dialect, takes_any_path: bool, examples: dict[str, str]
) -> None:
    async with running(bare(form, examples), None if takes_any_path else _no_socket_path) as fake:
        assert await probe(asked(fake), ALL) == dialect
        assert not any("apiKey" in frame for frame in fake.frames)


def _no_socket_path(connection: ServerConnection, request: Request) -> Response | None:
    return connection.respond(404, "no\n") if request.path.startswith("/socket.io") else None


@pytest.mark.parametrize("handler", [mute, chatty])
async def test_a_server_that_is_not_understood(handler: Handler, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with running(handler) as fake:
        with pytest.raises(ProbeError, match="nothing that came was understood") as caught:
            await probe(asked(fake, QUICK_S), ALL)
    assert caught.value.reached
    assert ("not understood: ·[31mnonsense" in caplog.text) == (handler is chatty)


async def test_a_server_that_is_not_there() -> None:
    async with running(mute) as fake:
        pass
    with pytest.raises(ProbeError, match="refused") as caught:
        await probe(asked(fake), ALL)
    assert not caught.value.reached


async def test_a_server_that_turns_all_away() -> None:
    async with running(mute, only("/nowhere", 403)) as fake:
        with pytest.raises(ProbeError, match="HTTP 403 instead of a WebSocket") as caught:
            await probe(asked(fake), ALL)
    assert caught.value.reached


async def test_the_configured_names_are_tried_first() -> None:
    assert candidates("auto", ("type", "payload")) == [
        Dialect("socketio"),
        Dialect("envelope", envelope=("type", "payload")),
        Dialect("envelope", envelope=("event", "data")),
        Dialect("envelope", envelope=("event", "message")),
        Dialect("flat", envelope=("type", "payload")),
    ]
    assert candidates("socketio", ("event", "data")) == [Dialect("socketio")]


# The provider around it.

WANTS = [Want(0, "jayx:BTCUSDT", "book")]


def jayx(url: str, memory: dict[str, str] | None = None, **options: object) -> JayX:
    made = make("jayx", Options(url=url, **options), memory)  # type: ignore[arg-type]
    made.patience_s = QUICK_S
    return made


async def prepare(provider: JayX) -> None:
    await provider.prepare(provider.resolve(Address("jayx", "BTCUSDT")), "book", None)


async def test_links_are_planned_once_the_framing_is_known_and_remembered() -> None:
    memory: dict[str, str] = {}
    async with running(engine_4, only("/socket.io/")) as fake:
        provider = make("jayx", Options(url=fake.url), memory)
        assert provider.plan(WANTS) == []
        assert provider.framing_words() == "framing: not known yet"
        await asyncio.gather(*(prepare(provider) for _ in range(5)))
        assert provider.framing_words() == "framing: socketio (EIO 4) (auto)"
        (link,) = provider.plan(WANTS)
        assert link.url == f"{fake.url}/socket.io/?EIO=4&transport=websocket"
        assert len(fake.paths) == len(ALL)  # five waited for one search
        assert list(memory) == [fake.url]

        fake.paths.clear()
        again = make("jayx", Options(url=fake.url), memory)
        await prepare(again)
        assert again.plan(WANTS) == [link]
        assert fake.paths == ["/socket.io/?EIO=4&transport=websocket"]


async def test_what_is_remembered_and_wrong_is_searched_anew(examples: dict[str, str]) -> None:
    async with running(bare("flat", examples), _no_socket_path) as fake:
        memory = {fake.url: '{"form":"socketio"}'}
        provider = jayx(fake.url, memory)
        await provider.prepare(provider.resolve(Address("jayx", "BTCUSDT")), "book", None)
        assert provider.framing_words() == "framing: flat (auto)"
        assert "flat" in memory[fake.url]


async def test_what_is_remembered_serves_while_nobody_is_there() -> None:
    url = "ws://127.0.0.1:9"
    provider = jayx(url, {url: '{"form":"flat"}'})
    await prepare(provider)
    assert provider.framing_words() == "framing: flat (auto)"
    assert len(provider.plan(WANTS)) == 1


@pytest.mark.parametrize("rubbish", ["", "{}", "[1]", '{"form":"smoke"}', "\x00"])
async def test_a_memory_of_rubbish_is_no_memory(rubbish: str) -> None:
    async with running(engine_4, only("/socket.io/")) as fake:
        provider = make("jayx", Options(url=fake.url), {fake.url: rubbish})
        await prepare(provider)
        assert provider.framing_words() == "framing: socketio (EIO 4) (auto)"


async def test_no_framing_found_says_what_to_set_and_is_tried_again() -> None:
    provider = None
    async with running(mute) as fake:
        provider = jayx(fake.url)
        with pytest.raises(
            Unready, match=r"providers\.jayx\.framing to socketio, envelope or flat"
        ) as caught:
            await prepare(provider)
        assert not caught.value.final
        assert provider.plan(WANTS) == []
        asked_before = len(fake.paths)
        with pytest.raises(Unready):
            await prepare(provider)
        assert len(fake.paths) == 2 * asked_before
    with pytest.raises(Unready, match="refused") as caught:
        await prepare(provider)
    assert "framing" not in str(caught.value)


async def test_a_configured_framing_is_taken_at_its_word() -> None:
    nowhere = "ws://127.0.0.1:9"
    for form in ("envelope", "flat"):
        provider = jayx(nowhere, framing=form)
        await prepare(provider)
        assert [link.url for link in provider.plan(WANTS)] == [nowhere + "/"]
    # For Socket.IO only the version is found out; where it cannot be, the connection tells what is wrong.
    memory: dict[str, str] = {}
    provider = jayx(nowhere, memory, framing="socketio")
    await prepare(provider)
    assert provider.framing_words() == "framing: socketio (EIO 4)"
    assert len(provider.plan(WANTS)) == 1
    assert memory == {}


async def test_a_memory_of_another_framing_does_not_overrule_the_configuration() -> None:
    async with running(engine_3, only("/socket.io/", 400, unless="EIO=3")) as fake:
        provider = jayx(fake.url, {fake.url: '{"form":"flat"}'}, framing="socketio")
        provider.patience_s = facts.PROBE_S
        await prepare(provider)
        assert provider.framing_words() == "framing: socketio (EIO 3)"


async def test_a_search_that_nobody_waits_for_any_more_ends() -> None:
    async with running(mute) as fake:
        provider = make("jayx", Options(url=fake.url))
        waiter = asyncio.create_task(prepare(provider))
        while len(fake.paths) < len(ALL):
            await asyncio.sleep(0)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        others = asyncio.all_tasks() - {asyncio.current_task()}
        searching = [task for task in others if "_find" in repr(task.get_coro())]
        await asyncio.gather(*searching, return_exceptions=True)
        assert all(task.cancelled() for task in searching)


async def test_name_and_password_of_a_url_are_not_remembered() -> None:
    memory: dict[str, str] = {}
    async with running(engine_4, only("/socket.io/")) as fake:
        provider = make("jayx", Options(url=fake.url.replace("//", "//me:hidden@")), memory)
        await prepare(provider)
    assert "hidden" not in str(memory)
    assert len(memory) == 1
