"""A shared feed on a Unix socket in the test's own loop, and what attaches to it."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mdterm.feeds.alerts import Alarm
from mdterm.feeds.attached import AttachedPort
from mdterm.feeds.contract import Provider
from mdterm.feeds.events import Event, Stream, Trade
from mdterm.feeds.frames import FrameSet, PanelFrame
from mdterm.feeds.host import Client, DeskError, Host
from mdterm.feeds.port_wire import (
    HEAD,
    LARGEST_TOLD,
    VERSION,
    Asked,
    Hello,
    Role,
    Shared,
    Told,
    Unpacker,
    encode,
    read_told,
)
from mdterm.feeds.runtime import Feed

PATIENCE_S = 20.0


def hello(role: Role = "screen", **more: Any) -> Hello:
    """Return what a client says first."""
    fields: dict[str, Any] = {"version": VERSION, "program": "test", "pid": 1, "settings": None, **more}
    return Hello(role=role, **fields)


class TestDesk:
    """A desk that resolves addresses and refuses the rest."""

    __test__ = False

    def __init__(self) -> None:
        self.feed: Feed | None = None
        self.refused: str | None = None
        self.inside: list[Client] = []

    def refusal(self, hello: Hello) -> str | None:
        return self.refused

    async def call(self, caller: Client, name: str, args: Mapping[str, Any]) -> object:
        assert self.feed is not None
        if name == "open":
            return [self.feed.resolve(address) for address in args["addresses"]]
        raise DeskError(f"there is no {name}", 4)

    def came(self, client: Client) -> None:
        self.inside.append(client)

    def went(self, client: Client) -> None:
        self.inside.remove(client)


class House:
    """The feed's process, within this one. ``down`` and ``up`` end it and begin another one."""

    def __init__(self, path: Path, providers: Callable[[], Mapping[str, Provider]], **options: Any) -> None:
        self.path = path
        self._providers = providers
        self._options = options
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self.guests: list[Guest] = []
        self.lines: list[Line] = []

    async def up(self) -> None:
        """Begin a feed and listen."""
        self.desk = TestDesk()
        self.feed = self.desk.feed = Feed(self._providers(), period_s=0.01, is_shared=True)
        self.host = Host(self.feed, self.desk, program="test", **self._options)
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            # Its end is no error of the server's.
            with contextlib.suppress(asyncio.CancelledError):
                await self.host.serve(reader, writer)
        finally:
            self._serving.discard(task)

    async def down(self) -> None:
        """End as a process does that is killed: without a word."""
        if self._server is None:
            return
        self._server.close()
        for client in list(self.host.clients):
            client._writer.transport.abort()
        for task in list(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        self._server = None
        await self.feed.close()
        self.path.unlink(missing_ok=True)

    async def close(self) -> None:
        """End everything."""
        for guest in self.guests:
            await asyncio.to_thread(guest.port.stop)
        for line in self.lines:
            line.writer.close()
            with contextlib.suppress(OSError):
                await line.writer.wait_closed()
        await self.down()

    async def attach(self, role: Role = "screen", **options: Any) -> "Guest":
        """Return somebody who is attached."""
        more = {name: options.pop(name) for name in ("compress", "changes", "settings") if name in options}

        async def dial() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            return await asyncio.open_unix_connection(self.path)

        guest = Guest(AttachedPort(dial, hello(role, **more), **options))
        self.guests.append(guest)
        await asyncio.to_thread(guest.port.start)
        return guest

    async def dial(self) -> "Line":
        """Return a bare connection."""
        self.lines.append(Line(*await asyncio.open_unix_connection(self.path)))
        return self.lines[-1]


class Guest:
    """Somebody attached who acknowledges everything; what it gets comes on the test's loop."""

    def __init__(self, port: AttachedPort) -> None:
        self.port = port
        self.panels: dict[str, PanelFrame] = {}
        self.sets: list[FrameSet] = []
        self.heard: list[Event] = []
        self.alarms: list[Alarm] = []
        self.lost: list[str] = []
        self.problems: list[str] = []
        self.switched: list[str] = []
        self.counts: list[int] = []
        self.acknowledges = True
        self._news = asyncio.Event()
        loop = asyncio.get_running_loop()

        def here(take: Callable[[Any], None]) -> Callable[[Any], None]:
            def hand(value: Any) -> None:
                loop.call_soon_threadsafe(self._take, take, value)

            return hand

        self._here = here
        port.lost = here(self.lost.append)
        port.problem = here(self.problems.append)
        port.switched = here(self.switched.append)
        port.shared = here(self.counts.append)
        port.heed(here(self.alarms.append))

    def _take(self, take: Callable[[Any], None], value: Any) -> None:
        take(value)
        self._news.set()

    def _frames(self, frames: FrameSet) -> None:
        self.sets.append(frames)
        self.panels |= frames.panels
        if self.acknowledges:
            self.port.ack(frames.number)

    def look(self) -> None:
        """Begin to get frames."""
        self.port.connect(self._here(self._frames))

    async def listen(self, wants: Sequence[tuple[str, Stream]], interval: str = "1m") -> None:
        """Hear events; return when the feed knows of it."""
        self.port.listen(wants, self._here(self.heard.extend), interval=interval)
        await asyncio.to_thread(self.port.open, [])  # answered in its turn

    async def trades(self, count: int) -> None:
        """Wait until so many trades were heard."""
        await self.until(lambda: sum(type(event) is Trade for event in self.heard) >= count)

    async def until(self, is_true: Callable[[], bool]) -> None:
        """Wait for news until something is true."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_true():
                await self._news.wait()
                self._news.clear()


class Line:
    """A bare connection: says anything, hears messages."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._unpacker = Unpacker(LARGEST_TOLD)
        self._bodies: list[bytes] = []

    def say(self, *messages: Asked) -> None:
        """Say messages."""
        self.writer.write(b"".join(encode(one) for one in messages))

    def say_raw(self, body: bytes, length: int | None = None) -> None:
        """Say a body as a message, with its length or another one."""
        self.writer.write(HEAD.pack(len(body) if length is None else length) + body)

    async def hear(self) -> Told | None:
        """Return the next message but for how many are there, None at the end."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                while not self._bodies:
                    data = await self.reader.read(65_536)
                    if not data:
                        return None
                    self._bodies += self._unpacker.feed(data)
                told = read_told(self._bodies.pop(0))
                if not isinstance(told, Shared):
                    return told
