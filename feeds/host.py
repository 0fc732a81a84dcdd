"""The feed's end of the port: serves whoever attaches, each on a seat or a listening of its own.

Runs on the feed's loop and holds it up for nobody: what a client is too slow to take is bounded, frames by
their credit and events by what may wait; beyond that the client is sent away with words.
"""

import asyncio
import logging
import os
import secrets
import time
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from mdterm.feeds.address import AddressError, Instrument
from mdterm.feeds.alerts import Alarm
from mdterm.feeds.asking import ask
from mdterm.feeds.events import Event
from mdterm.feeds.far_frames import FrameTeller
from mdterm.feeds.frames import FrameSet
from mdterm.feeds.listening import Listening
from mdterm.feeds.port_wire import (
    LARGEST_ASKED,
    MOST_ADDRESSES,
    MOST_LISTENINGS,
    MOST_PANELS,
    MOST_RULES,
    VERSION,
    Ack,
    Alarmed,
    AnySpec,
    Asked,
    Bind,
    Call,
    Failure,
    Found,
    Heard,
    Hello,
    Join,
    Left,
    Listen,
    Missed,
    Pace,
    Ping,
    Pong,
    Refusal,
    Repaint,
    Reply,
    Respec,
    Returned,
    Search,
    SetAlerts,
    SetPairs,
    Shared,
    Switch,
    Switched,
    Told,
    Unbind,
    Unlisten,
    Unpacker,
    Watch,
    Welcome,
    WireError,
    check_spec,
    encode,
    read_asked,
    wire_frames,
)
from mdterm.feeds.runtime import Feed
from mdterm.feeds.seat import Seat
from mdterm.feeds.specs import LadderSpec

log = logging.getLogger(__name__)

HELLO_S: Final = 5.0
"""Who attaches must have said who it is by then."""
WAITING: Final = 32_000_000
"""Bytes that may wait for a listener that is slow; more is the end of it."""
WAITING_ON_SCREEN: Final = 4_000_000
"""The same for a screen, which has at most one frame set under way."""
PARTING_S: Final = 5.0
"""Who must leave has so long to read why."""
CALLS: Final = 16
"""Calls of a client that may be under way."""
TURN: Final = 64
"""After so many messages of one client the others get their turn."""
LONGEST_LINK: Final = 100
"""Letters of a link's name that count."""
_READ: Final = 65_536
FAR_MARGIN: Final = 3
"""Rows beyond the ladder's edges for a far screen: two thirds of the book's changes were in twenty."""
_PERIOD_S: Final = 0.1
_LEAST_S: Final = 0.02


class DeskError(Exception):
    """A call that was refused: the words, and what a command that needs it shall exit with."""

    def __init__(self, words: str, status: int = 2) -> None:
        super().__init__(words)
        self.status = status


class Desk(Protocol):
    """What the process of a feed does for its clients beyond the market. Its calls run on the feed's loop."""

    def refusal(self, hello: Hello) -> str | None:
        """Return why a client may not come in, None where it may."""

    async def call(self, caller: "Client", name: str, args: Mapping[str, Any]) -> object:
        """Do what was asked and return what msgpack can carry. Raise DeskError, or AddressError."""

    def came(self, client: "Client") -> None:
        """Take note of a client that is in."""

    def went(self, client: "Client") -> None:
        """Take note of one that left."""


class Host:
    """All clients of a feed. ``program`` is the version that is told to them."""

    def __init__(self, feed: Feed, desk: Desk, *, program: str, waiting: int = WAITING) -> None:
        self.feed = feed
        self.desk = desk
        self.program = program
        self.waiting = waiting
        self.clients: list[Client] = []
        self.instance = secrets.token_hex(8)
        self.began = feed.clock.wall()
        self.links: dict[str, str] = {}
        """The instrument shown last by each link."""
        self._ids = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client until it leaves or must; close its stream."""
        self._ids += 1
        client = Client(self, self._ids, reader, writer)
        try:
            await client.run()
        except WireError as error:
            client.refuse(str(error))
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError) as error:
            log.debug("client %d: %s", client.id, error)
        except Exception:
            log.exception("client %d: an internal error", client.id)
            client.refuse("an internal error of the feed; its log tells")
        finally:
            client.leave()
            await client.hang_up()

    def close(self, words: str) -> None:
        """Send everybody away."""
        for client in list(self.clients):
            client.refuse(words)

    def tell_shared(self) -> None:
        """Tell every screen how many are there."""
        told = Shared(sum(client.role != "control" for client in self.clients))
        for client in self.clients:
            if client.is_screen:
                client.tell(told)

    def forget(self, link: str) -> None:
        """Forget what a link shows that nobody is in any more: who comes next begins with its own."""
        if all(client.link != link for client in self.clients):
            self.links.pop(link, None)

    def switched(self, by: "Client", address: str) -> None:
        """Tell the others of a link what one of them shows."""
        self.links[by.link] = address
        while len(self.links) > MOST_RULES:
            del self.links[next(iter(self.links))]
        for client in self.clients:
            if client is not by and client.link == by.link:
                client.tell(Switched(address))


class Client:
    """One that attached."""

    def __init__(
        self, host: Host, id_: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.id = id_
        self.hello: Hello | None = None
        self.link = ""
        self.since = host.feed.clock.wall()
        self.sent = 0
        """Bytes written to it, compressed where they were."""
        self._host = host
        self._feed = host.feed
        self._reader = reader
        self._writer = writer
        self._compressor: zlib._Compress | None = None
        self._teller: FrameTeller | None = None
        self._seat: Seat | None = None
        self._listenings: dict[int, Listening] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self._asking: asyncio.Task[None] | None = None
        self._is_over = False

    @property
    def role(self) -> str:
        """What it said that it is."""
        return "" if self.hello is None else self.hello.role

    @property
    def is_screen(self) -> bool:
        """Whether somebody looks at it."""
        return self.role in ("screen", "panel")

    @property
    def is_beside_a_screen(self) -> bool:
        """Whether another whole screen is attached."""
        return any(one is not self and one.role == "screen" for one in self._host.clients)

    @property
    def seat(self) -> Seat:
        """Its seat, taken when first needed."""
        if self._seat is None:
            self._seat = self._feed.open_seat(_PERIOD_S, follows=self.role == "screen")
            self._seat.connect(self._post)
            self._seat.heed(self._raised)
            # Who asks for changes is far away.
            self._seat.beat.answers_at_once = self._teller is not None
        return self._seat

    # What it hears.

    def tell(self, message: Told) -> None:
        """Send a message; one that does not read is sent away when too much waits."""
        self._write(encode(message))

    def _write(self, data: bytes) -> None:
        # One that was killed may still be on the lists; it must not cost the others what they are told.
        if self._is_over or self._writer.transport.is_closing():
            return
        if self._compressor is not None:
            data = self._compressor.compress(data) + self._compressor.flush(zlib.Z_PARTIAL_FLUSH)
        most = WAITING_ON_SCREEN if self.is_screen else self._host.waiting
        if self._writer.transport.get_write_buffer_size() > most:
            log.warning("client %d (%s) does not read what it asked for", self.id, self.role)
            self.refuse(f"more than {most // 1_000_000} MB waited to be read; what came since then is lost")
            return
        self.sent += len(data)
        self._writer.write(data)

    def refuse(self, words: str, status: int = 2) -> None:
        """Say why it must leave; nothing more is sent."""
        if not self._is_over:
            data = encode(Refusal(words, status))
            if self._compressor is not None:
                data = self._compressor.compress(data) + self._compressor.flush(zlib.Z_PARTIAL_FLUSH)
            if not self._writer.transport.is_closing():
                self._writer.write(data)
            self._is_over = True
            self._writer.close()
            self._reader.feed_eof()  # nothing more is heard, whether or not it ever reads

    async def hang_up(self) -> None:
        """Close its stream; what it does not read by then is dropped."""
        self._writer.close()
        try:
            await asyncio.wait_for(self._writer.wait_closed(), PARTING_S)
        except (TimeoutError, OSError):
            self._writer.transport.abort()

    def _post(self, frames: FrameSet) -> None:
        self.tell(wire_frames(frames) if self._teller is None else self._teller.tell(frames))

    def _raised(self, alarm: Alarm) -> None:
        self.tell(Alarmed(alarm))

    # What it says.

    async def run(self) -> None:
        """Do what it says until it leaves. Raise WireError."""
        unpacker = Unpacker(LARGEST_ASKED)
        deadline = time.monotonic() + HELLO_S
        done = 0
        while not self._is_over:
            wait = None if self.hello is not None else max(0.0, deadline - time.monotonic())
            try:
                data = await asyncio.wait_for(self._reader.read(_READ), wait)
            except TimeoutError:
                raise WireError(f"nothing was said within {HELLO_S:g} s") from None
            if not data:
                return
            for body in unpacker.feed(data):
                if not self._take(read_asked(body)):
                    return
                done += 1
                if done % TURN == 0:
                    await asyncio.sleep(0)

    def _take(self, message: Asked) -> bool:
        """Do what was said; return whether more is heard."""
        if self.hello is None:
            self._greet(message)
        else:
            try:
                self._do(message)
            except AddressError as error:
                self.tell(Failure(None, str(error)))
        return not self._is_over

    def _greet(self, message: Asked) -> None:
        if not isinstance(message, Hello):
            raise WireError("the first message must be a hello")
        host = self._host
        if message.version != VERSION:
            raise WireError(
                f"the feed (mdterm {host.program}) speaks version {VERSION} of the port, this program "
                f"(mdterm {message.program}) version {message.version}: end the feed with mdterm feed stop"
            )
        words = host.desk.refusal(message)
        if words is not None:
            self.refuse(words)
            return
        self.hello = message
        clock = self._feed.clock
        self.tell(
            Welcome(VERSION, host.program, os.getpid(), host.instance, host.began, clock.mono(), clock.wall())
        )
        if message.compress:
            self._compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        if message.changes:
            self._teller = FrameTeller()
        host.clients.append(self)
        host.tell_shared()
        host.desk.came(self)

    def _do(self, message: Asked) -> None:
        match message:
            case Ack(number):
                self.seat.ack(number)
            case Respec(panel, spec):
                check_spec(spec)
                self.seat.respec(panel, self._fitted(spec))
            case Bind(panel, address, spec):
                check_spec(spec)
                bound = self.seat.beat.bindings
                if panel not in bound and len(bound) >= MOST_PANELS:
                    raise WireError(f"more than {MOST_PANELS} panels")
                self.seat.bind(panel, address, self._fitted(spec))
            case Unbind(panel):
                self.seat.unbind(panel)
            case Watch(addresses):
                self._watch(addresses)
            case Pace(period_s):
                if not period_s >= _LEAST_S:
                    raise WireError(f"frame sets {period_s} s apart")
                self.seat.pace(period_s)
            case Repaint():
                self.seat.repaint()
            case Left():
                self.seat.left()
            case Returned():
                self.seat.returned()
            case SetAlerts(rules):
                if len(rules) > MOST_RULES:
                    raise WireError(f"more than {MOST_RULES} alerts")
                self.seat.alert(rules)
            case SetPairs(pairs):
                if len(pairs) > MOST_PANELS:
                    raise WireError(f"more than {MOST_PANELS} pairs")
                self.seat.compare(pairs)
            case Search(id_, query):
                self._search(id_, query)
            case Listen(id_, wants, interval):
                self._listen(id_, wants, interval)
            case Unlisten(id_):
                listening = self._listenings.pop(id_, None)
                if listening is not None:
                    self._feed.unlisten(listening)
            case Missed(since):
                self._feed.missed(since)
            case Join(link, address):
                self.link = link[:LONGEST_LINK]
                if self.link in self._host.links:
                    self.tell(Switched(self._host.links[self.link]))
                elif self.link and address:
                    self._host.switched(self, self._feed.resolve(address).address)
            case Switch(address):
                if self.link:
                    self._host.switched(self, self._feed.resolve(address).address)
            case Call(id_, name, args):
                self._call(id_, name, args)
            case Ping(sent):
                self.tell(Pong(sent, self._feed.clock.mono(), self._feed.clock.wall()))
            case _:
                raise WireError("a second hello")

    def _fitted(self, spec: AnySpec) -> AnySpec:
        """Return a view as it is worth its bytes: to a far screen few rows that nobody sees."""
        if self._teller is not None and isinstance(spec, LadderSpec) and spec.margin > FAR_MARGIN:
            return msgspec.structs.replace(spec, margin=FAR_MARGIN)
        return spec

    def _watch(self, addresses: Sequence[str]) -> None:
        if len(addresses) > MOST_ADDRESSES:
            raise WireError(f"a watchlist of more than {MOST_ADDRESSES}")
        instruments: list[Instrument] = []
        for address in addresses:
            try:
                instruments.append(self._feed.resolve(address))
            except AddressError as error:
                self.tell(Failure(None, str(error)))
        self.seat.watch(instruments)

    def _search(self, id_: int, query: str) -> None:
        if self._asking is not None:
            self._asking.cancel()

        def answer(addresses: list[str], problem: str | None) -> None:
            self.tell(Found(id_, addresses, problem))

        self._asking = asyncio.get_running_loop().create_task(
            ask(list(self._feed.providers.values()), query[:200], answer)
        )

    def _listen(self, id_: int, wants: Sequence[tuple[str, Any]], interval: str) -> None:
        if len(wants) > MOST_ADDRESSES:
            raise WireError(f"more than {MOST_ADDRESSES} streams")
        if len(self._listenings) >= MOST_LISTENINGS or id_ in self._listenings:
            raise WireError("too many listenings, or one of the same number")

        def heard(events: Sequence[Event]) -> None:
            self.tell(Heard(id_, list(events)))  # type: ignore[arg-type]  # every event is one of AnyEvent

        self._listenings[id_] = self._feed.listen(wants, heard, interval=interval)

    def _call(self, id_: int, name: str, args: Mapping[str, Any]) -> None:
        if len(self._calls) >= CALLS:
            self.tell(Failure(id_, "too much was asked at once"))
            return
        task = asyncio.get_running_loop().create_task(self._answer(id_, name, args))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _answer(self, id_: int, name: str, args: Mapping[str, Any]) -> None:
        try:
            value = await self._host.desk.call(self, name, args)
        except DeskError as error:
            self.tell(Failure(id_, str(error), error.status))
        except AddressError as error:
            self.tell(Failure(id_, str(error)))
        except (msgspec.ValidationError, KeyError, TypeError, ValueError) as error:
            self.tell(Failure(id_, f"{name}: this is not how it is asked: {error}"))
        except Exception:
            log.exception("client %d: %s failed", self.id, name)
            self.tell(Failure(id_, f"{name}: an internal error of the feed; its log tells"))
        else:
            self.tell(Reply(id_, value))

    def leave(self) -> None:
        """Take back all that it wanted. What a screen watched stays warm until another one leaves."""
        self._is_over = True
        for task in [*self._calls, *([] if self._asking is None else [self._asking])]:
            task.cancel()
        for listening in self._listenings.values():
            self._feed.unlisten(listening)
        self._listenings.clear()
        if self._seat is not None:
            self._feed.leave(self._seat, stays_warm=self.role == "screen" and bool(self._seat.wishes.watched))
            self._seat = None
        if self in self._host.clients:
            self._host.clients.remove(self)
            self._host.forget(self.link)
            self._host.tell_shared()
            self._host.desk.went(self)
