"""The shared feed: providers, markets and journals of one user in a process without a screen."""

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import time
from typing import Any, Final

from mdterm.app import __version__
from mdterm.app.choices import watched
from mdterm.app.commands.context import Context, Failed
from mdterm.app.desk import WorldDesk
from mdterm.app.feed_place import Berth, Busy, Note, berth, peer_of
from mdterm.app.feed_start import STOPPED, detach
from mdterm.app.fingerprint import fingerprint
from mdterm.app.keeping import Kept, keeping
from mdterm.app.providers import World
from mdterm.app.roster import Roster
from mdterm.app.rules import configured_rules, kept_rules
from mdterm.app.state import State
from mdterm.feeds.address import Instrument
from mdterm.feeds.alerts import Alarm, Rule
from mdterm.feeds.excerpt import Fan
from mdterm.feeds.host import Host
from mdterm.feeds.runtime import Feed
from mdterm.feeds.thread import new_loop

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0
"""How often it looks whether anybody is there, and whether its socket is."""
CLOSE_S: Final = 5.0
GOODBYE_S: Final = 2.0
PERIOD_S: Final = 0.1


def run(context: Context, *, stays: bool, is_lazy: bool, keeps_history: bool, is_detached: bool) -> int:
    """Serve until a signal comes or nobody has been attached for long. Raise Busy where one runs already.

    One that ``stays`` does the latter never; one that ``is_lazy`` watches nothing before it is asked to.
    """
    settings = context.settings()
    note = Note(
        os.getpid(),
        __version__,
        fingerprint(settings),
        time.time_ns(),
        is_supervised="INVOCATION_ID" in os.environ and not is_detached,
        log="" if context.log_file is None else os.path.abspath(context.log_file),
        options=(*(["--stay"] if stays else []), *([] if keeps_history else ["--no-history"])),
    )
    held = berth(note)
    world = World(context)
    world.state = State()
    try:
        with keeping(None, not keeps_history) as kept, asyncio.Runner(loop_factory=new_loop) as runner:
            process = FeedProcess(world, kept, None if stays else settings.feed_idle_s)
            runner.run(process.serve(held, is_lazy=is_lazy, is_detached=is_detached))
    except Exception:
        # What a detached process says is read by nobody but in its log.
        log.exception("the feed ends for an error of mdterm's own")
        raise
    finally:
        world.close()
        world.state.save()
        held.close()
    return 0


class FeedProcess:
    """The feed, who is attached to it, and what ends it. ``idle_s`` None: nobody's absence ends it."""

    def __init__(self, world: World, kept: Kept, idle_s: float | None) -> None:
        self._world = world
        self._kept = kept
        self._held: Berth | None = None
        self._idle_s = idle_s
        self._words = ""
        """Why it ends, once it does."""
        self._idle_since: float | None = time.monotonic()
        self._serving: set[asyncio.Task[None]] = set()

    def _build(self) -> None:
        world, kept = self._world, self._kept
        self._ended = asyncio.Event()
        fan = Fan([] if kept.journal is None else [kept.journal])
        desk = self._desk = WorldDesk(world, kept, fan)
        feed = self._feed = Feed(
            world.providers,
            period_s=PERIOD_S,
            accounts=world.accounts(),
            journal=fan,
            store=None if kept.open_store is None else kept.open_store(),
            is_shared=True,
        )
        self._host = Host(feed, desk, program=__version__)
        desk.serve(feed)
        desk.tell_status, desk.changed = self.status, self._count
        feed.seat.heed(self._fired)

    async def serve_one(self, connection: socket.socket) -> None:
        """Serve one client at the other end of a connection, for as long as it stays."""
        self._build()
        try:
            await self._host.serve(*await asyncio.open_connection(sock=connection))
        finally:
            await self._close()

    async def serve(self, held: Berth, *, is_lazy: bool, is_detached: bool) -> None:
        """Serve until something ends it."""
        self._build()
        self._held = held
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self._end, STOPPED)
        server = await asyncio.start_unix_server(self._came, sock=held.socket)
        log.info(
            "the feed listens at %s (pid %d, mdterm %s)", self._held.place.socket, os.getpid(), __version__
        )
        if is_detached:
            detach(held.place.socket)
        notify("READY=1")
        try:
            if not is_lazy:
                await self._watch_configured()
            while not self._ended.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._ended.wait(), LOOK_S)
                server = await self._look(held, server)
        finally:
            notify("STOPPING=1")
            server.close()
            self._host.close(self._words or "the feed has ended")
            if self._serving:
                _, silent = await asyncio.wait(self._serving, timeout=GOODBYE_S)
                for task in silent:
                    task.cancel()
            await self._close()
            log.info("the feed has ended: %s", self._words or "an error")

    async def _close(self) -> None:
        self._desk.recordings.close(self._words or "the feed has ended")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._feed.close(), CLOSE_S)

    def _end(self, words: str) -> None:
        self._words = self._words or words
        self._ended.set()

    # Who is there.

    async def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one that connected, if it is this user's."""
        connection: socket.socket = writer.get_extra_info("socket")
        peer = peer_of(connection)
        if peer is not None and peer[1] != os.geteuid():
            log.warning("a process of another user (uid %d, pid %d) was sent away", peer[1], peer[0])
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            await self._host.serve(reader, writer)
        except asyncio.CancelledError:
            writer.close()  # it never said who it is, and everything ends
        finally:
            self._serving.discard(task)

    def _count(self) -> None:
        """Begin or end the time in which nobody is there; who only asks for the status is nobody."""
        if any(client.role != "control" for client in self._host.clients):
            self._idle_since = None
        elif self._idle_since is None:
            self._idle_since = time.monotonic()

    @property
    def idle_left_s(self) -> float | None:
        """Seconds until it ends because nobody is there, None while it does not."""
        if self._idle_s is None or self._idle_since is None:
            return None
        return self._idle_s - (time.monotonic() - self._idle_since)

    async def _look(self, held: Berth, server: asyncio.Server) -> asyncio.Server:
        """End what nobody needs any more; listen elsewhere where the socket has gone. Return the server."""
        left = self.idle_left_s
        if left is not None and left <= 0:
            self._end(f"nobody was attached for {self._idle_s:g} s")
        if self._ended.is_set() or held.is_there():
            return server
        try:
            other = berth(held.note)
        except (Busy, Failed) as error:
            log.debug("no other place to listen at: %s", error)
            return server
        log.warning("%s has gone; the feed listens at %s now", held.place.socket, other.place.socket)
        server.close()
        held.move(other)
        return await asyncio.start_unix_server(self._came, sock=held.socket)

    def status(self) -> dict[str, Any]:
        """Return what the process knows of itself."""
        held = self._held
        return {
            "pid": os.getpid(),
            "program": __version__,
            "since": self._host.began,
            "socket": None if held is None else str(held.place.socket),
            "log": None if held is None else held.note.log,
            "idle_s": self._idle_s,
            "idle_left_s": self.idle_left_s,
            "stays": self._idle_s is None,
            "largest_rss_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
            "rss_kb": _resident_kb(),
            "clients": [
                {
                    "id": one.id,
                    "role": one.role,
                    "pid": 0 if one.hello is None else one.hello.pid,
                    "since": one.since,
                    "sent": one.sent,
                }
                for one in self._host.clients
            ],
        }

    # What it watches of itself.

    async def _watch_configured(self) -> None:
        """Watch the list and set the alerts that a screen would begin with, so that it finds them warm."""
        world = self._world
        try:
            instruments, rules = await asyncio.to_thread(self._configured)
        except (Failed, ValueError) as error:
            log.warning("what is configured is not watched: %s", error)
            return
        for provider in world.providers.values():
            self._feed.provide(provider)
        if instruments or rules:
            # As if a screen had left that had them: the first that comes goes on from there.
            seat = self._feed.open_seat(PERIOD_S)
            seat.watch(instruments)
            seat.alert(rules)
            self._feed.leave(seat, stays_warm=True)
            self._desk.left()

    def _configured(self) -> tuple[list[Instrument], list[Rule]]:
        world, state = self._world, self._world.state
        assert state is not None
        roster = Roster(state, world.settings.groups)
        instruments: list[Instrument] = []
        if world.settings.watchlist or roster.added:
            instruments, problems = watched(world, roster)
            for words in problems:
                log.warning("%s", words)
        rules = configured_rules(world)
        return instruments, [*rules, *kept_rules(world, state, rules)]

    def _fired(self, alarm: Alarm) -> None:
        """Forget an alert that has fired and does not repeat: whoever attaches next would set it again."""
        state = self._world.state
        assert state is not None
        if not alarm.rule.repeats:
            state.put(None, "alerts", alarm.rule.text)
            asyncio.get_running_loop().run_in_executor(None, state.save)


def notify(state: str) -> None:
    """Tell the service manager that started this process, where there is one that wants to hear."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
        way.connect("\0" + address[1:] if address[0] == "@" else address)
        way.sendall(state.encode())


def _resident_kb() -> int | None:
    """Return the memory of this process that is in use, None where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize() // 1024
    except (OSError, ValueError, IndexError):
        return None
