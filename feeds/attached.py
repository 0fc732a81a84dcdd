"""The port of a feed in another process: the same calls as those of a feed in this one.

In a thread and on a loop of its own. When the feed is lost every bound panel says so at once; then it is
attached to again, everything that was wanted is asked again, and the gap is marked.
"""

import asyncio
import concurrent.futures
import contextlib
import logging
import threading
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from mdterm.feeds.address import Instrument
from mdterm.feeds.alerts import Alarm, Rule
from mdterm.feeds.asking import Answer
from mdterm.feeds.clock import Clock, SystemClock
from mdterm.feeds.contract import Provider
from mdterm.feeds.events import Candle, FeedStatus, Stream
from mdterm.feeds.far_frames import FrameReader
from mdterm.feeds.frames import FrameSet, PanelFrame, ViewSpec
from mdterm.feeds.listening import Listener
from mdterm.feeds.port import Post
from mdterm.feeds.port_wire import (
    HEAD,
    LARGEST_TOLD,
    Ack,
    Alarmed,
    Asked,
    Bind,
    Call,
    Changes,
    Failure,
    Found,
    Frames,
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
    encode,
    frame_set,
    read_told,
)
from mdterm.feeds.status import Shown
from mdterm.feeds.thread import new_loop

log = logging.getLogger(__name__)

Dial = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
"""Opens a stream to the feed. Raises OSError, or WireError where it cannot be had at all."""

START_S: Final = 15.0
STOP_S: Final = 2.0
CALL_S: Final = 30.0
PING_S: Final = 2.0
SILENT_S: Final = 10.0
"""A feed that answers no ping for so long is taken for lost."""
_PAUSES: Final = (0.1, 0.3, 1.0, 2.0)
"""Seconds before each attempt to attach again; the last holds."""
ENDED: Final = "the feed has ended"
"""Why it is lost where it said nothing."""
_CLOCKS_S: Final = 60.0
"""So long the quickest answer counts: clocks drift, and routes change."""
_READ: Final = 65_536


class AttachError(Exception):
    """The feed cannot be attached to; ``status`` is what a command that needs it shall exit with."""

    def __init__(self, words: str, status: int = 2) -> None:
        super().__init__(words)
        self.status = status


class CallError(Exception):
    """The feed refused what was asked."""

    def __init__(self, words: str, status: int = 2) -> None:
        super().__init__(words)
        self.status = status


class AttachedPort:
    """A feed of another process behind the Port. Every command returns at once and may come from any thread.

    ``revive`` is called in a thread with the words of the loss, before it is attached to again; it may start
    one, and raises OSError or AttachError with the words why not. ``why`` returns better words for the loss,
    where the way to the feed has some. ``is_far`` says that the feed's clocks are not this machine's.
    """

    def __init__(
        self,
        dial: Dial,
        hello: Hello,
        *,
        clock: Clock | None = None,
        revive: Callable[[str], None] | None = None,
        why: Callable[[str], Awaitable[str]] | None = None,
        is_far: bool = False,
    ) -> None:
        self.lost: Callable[[str], None] = lambda words: None
        """Told on this port's thread why the feed is gone."""
        self.regained: Callable[[Welcome], None] = lambda welcome: None
        """Told on this port's thread that it is attached to a feed again."""
        self.problem: Callable[[str], None] = lambda words: None
        """Told on this port's thread what the feed could not do."""
        self.switched: Callable[[str], None] = lambda address: None
        """Told on this port's thread what another one of the link shows."""
        self.shared: Callable[[int], None] = lambda clients: None
        """Told on this port's thread how many look or listen, this one included."""
        self.clients = 1
        """The same, as it was told last."""
        self.received = 0
        """Bytes that came from the feed, as they were on the way."""
        self.delay_s: float | None = None
        """How long the way there and back took the last time (s)."""
        self.welcome: Welcome | None = None
        self.place = ""
        """The machine that the feed is on, empty for this one."""
        self._dial = dial
        self._hello = hello
        self._clock = clock or SystemClock()
        self._revive = revive
        self._why = why
        self._is_far = is_far
        self._mono_ahead_s = 0.0
        self._wall_ahead_ns = 0
        self._quickest_s = float("inf")
        self._quickest_at = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._ready: concurrent.futures.Future[Welcome] = concurrent.futures.Future()
        self._early: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
        self._is_handed = False
        self._handing = threading.Lock()
        self._thread = threading.Thread(target=self._main, name="attached feed", daemon=True)
        self._ids = 0
        self._numbers = 0
        self._post: Post | None = None
        self._raised: Callable[[Alarm], None] | None = None
        self._opened: dict[str, None] = {}
        self._watched: list[str] | None = None
        self._bound: dict[str, tuple[str, ViewSpec]] = {}
        self._rules: list[Rule] | None = None
        self._pairs: list[tuple[str, str]] | None = None
        self._period_s: float | None = None
        self._link = ""
        self._linked = ""
        """What the link shows, as far as this client has a part in it."""
        self._listened: dict[int, tuple[list[tuple[str, Stream]], Listener, str]] = {}
        self._answers: dict[int, Answer] = {}
        self._calls: dict[int, concurrent.futures.Future[Any]] = {}
        self._shown: dict[str, PanelFrame] = {}
        self._frames = FrameReader()
        self._is_stopping = False
        self._heard_at = 0.0

    # The clocks of what is shown: durations are this machine's, the time of day is the feed's, by which the
    # times of the market were received.

    def wall(self) -> int:
        """Return what the feed's wall clock shows now (ns)."""
        return self._clock.wall() + self._wall_ahead_ns

    def mono(self) -> float:
        """Return this machine's monotonic clock (s), which the times of frames are told on."""
        return self._clock.mono()

    # Its life.

    def start(self, within_s: float | None = START_S) -> None:
        """Attach; return when the feed has let it in. Raise AttachError.

        None waits for as long as dialling takes.
        """
        self.launch()
        try:
            self._ready.result(within_s)
        except concurrent.futures.TimeoutError:
            self.stop()
            raise AttachError(f"the feed did not answer within {within_s:g} s", 4) from None

    def launch(self, failed: Callable[[BaseException], None] | None = None) -> None:
        """Start the thread, once; ``failed`` is told on it why the feed cannot be attached to."""
        if self._thread.ident is not None:
            return
        if failed is not None:

            def tell(ready: concurrent.futures.Future[Welcome]) -> None:
                error = ready.exception()
                if error is not None:
                    failed(error)

            self._ready.add_done_callback(tell)
        self._thread.start()

    def stop(self) -> None:
        """Leave the feed and end the thread."""
        self._is_stopping = True
        loop = self._loop
        if self._thread.is_alive() and loop is not None:
            with contextlib.suppress(RuntimeError):  # it ended meanwhile
                loop.call_soon_threadsafe(self._leave)
            self._thread.join(STOP_S)

    def _leave(self) -> None:
        for task in asyncio.all_tasks():
            task.cancel()

    def _main(self) -> None:
        loop = self._loop = new_loop()
        asyncio.set_event_loop(loop)
        try:
            with contextlib.suppress(asyncio.CancelledError):
                loop.run_until_complete(self._run())
        except Exception as error:
            log.exception("the way to the feed broke")
            if not self._ready.done():
                self._ready.set_exception(error)
        finally:
            for call in list(self._calls.values()):
                call.cancel()
            loop.close()

    async def _run(self) -> None:
        try:
            reader, writer, inflow = await self._attach()
        except (AttachError, WireError, OSError) as error:
            known = error if isinstance(error, AttachError) else AttachError(str(error), 4)
            self._ready.set_exception(known)
            return
        assert self.welcome is not None
        self._begin(writer)
        self._ready.set_result(self.welcome)
        try:
            while True:
                words = await self._read(reader, inflow)
                lost_at, instance = self._clock.wall(), self.welcome.instance
                if self._why is not None:
                    words = await self._why(words)
                reader, writer, inflow = await self._attach_again(words)
                # A feed that went on has missed nothing, whatever became of the way to it.
                self._resume(writer, lost_at, has_missed=self.welcome.instance != instance)
        finally:
            if self._writer is not None:
                self._writer.close()
                with contextlib.suppress(OSError, TimeoutError, asyncio.CancelledError):
                    await asyncio.wait_for(self._writer.wait_closed(), 0.5)

    async def _attach(
        self,
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, "_Inflow"]:
        """Dial and be let in. Raise AttachError, WireError, OSError."""
        reader, writer = await self._dial()
        try:
            writer.write(encode(self._hello))
            inflow = _Inflow()
            first: bytes | None = None
            deadline = time.monotonic() + START_S
            while first is None:
                left = deadline - time.monotonic()
                data = await asyncio.wait_for(reader.read(_READ), max(0.0, left))
                if not data:
                    raise AttachError("the feed closed the connection at once", 4)
                self.received += len(data)
                first = inflow.first(data)
            told = read_told(first)
            if isinstance(told, Refusal):
                raise AttachError(told.words, told.status)
            if not isinstance(told, Welcome):
                raise WireError("what answers there is no feed of mdterm")
        except TimeoutError:
            writer.close()
            raise AttachError(f"the feed did not answer within {START_S:g} s", 4) from None
        except BaseException:
            writer.close()
            raise
        self.welcome = told
        if self._hello.compress:
            inflow.compressed()
        self._heard_at = time.monotonic()
        if self._is_far:
            now = self._clock
            self._mono_ahead_s = told.mono - now.mono()
            self._wall_ahead_ns = told.wall - now.wall()
        self._quickest_s = float("inf")
        return reader, writer, inflow

    async def _read(self, reader: asyncio.StreamReader, inflow: "_Inflow") -> str:
        """Take what comes until the feed is lost; return why."""
        pinging = asyncio.get_running_loop().create_task(self._ping())
        try:
            for body in inflow.feed(b""):
                told = read_told(body)
                if isinstance(told, Refusal):
                    return told.words
                self._take(told)
            while True:
                reading = asyncio.ensure_future(reader.read(_READ))
                await asyncio.wait((reading, pinging), return_when=asyncio.FIRST_COMPLETED)
                if not reading.done():
                    reading.cancel()
                    return f"the feed has not answered for {SILENT_S:g} s"
                data = reading.result()
                if not data:
                    return ENDED
                self.received += len(data)
                self._heard_at = time.monotonic()
                for body in inflow.feed(data):
                    told = read_told(body)
                    if isinstance(told, Refusal):
                        return told.words
                    self._take(told)
        except (WireError, zlib.error) as error:
            log.warning("the feed cannot be understood: %s", error)
            return f"the feed cannot be understood: {error}"
        except OSError as error:
            return f"the feed is gone: {error.strerror or error}"
        finally:
            pinging.cancel()
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    async def _ping(self) -> None:
        """Ask for signs of life; return when there are none any more."""
        silent = 0
        while True:
            asked_at = time.monotonic()
            self._send(Ping(asked_at))
            await asyncio.sleep(PING_S)
            # Counted in pings, not by the clock: a program that was stopped has heard nothing itself.
            silent = silent + 1 if self._heard_at < asked_at else 0
            if silent * PING_S >= SILENT_S:
                return

    async def _attach_again(self, words: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, "_Inflow"]:
        log.warning("%s", words)
        calls, self._calls = self._calls, {}
        for call in calls.values():
            call.set_exception(CallError(words, 4))
        began, attempt, why = self._clock.mono(), 0, words
        self.lost(words)
        self._tell("reconnecting", words)
        while True:
            attempt += 1
            self._show_lost(words, self._clock.mono() - began, attempt)
            await asyncio.sleep(_PAUSES[min(attempt, len(_PAUSES)) - 1])
            try:
                if self._revive is not None:
                    await asyncio.to_thread(self._revive, why)
                return await self._attach()
            except (AttachError, WireError, OSError) as error:
                words = str(error)
                log.info("attempt %d to attach again: %s", attempt, words)

    def _begin(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        with self._handing:
            early, self._early = self._early, []
            self._is_handed = True
        for command, args in early:
            command(*args)

    def _resume(self, writer: asyncio.StreamWriter, lost_at: int, *, has_missed: bool) -> None:
        """Ask a feed again for everything that is wanted."""
        self._writer = writer
        if not self._opened:
            self._want_again(lost_at, has_missed)
            return
        opened: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self._ask("open", {"addresses": list(self._opened)}, opened)
        # Answered on this thread. Where it is refused, what needs it is refused with words as well.
        opened.add_done_callback(lambda _: self._want_again(lost_at, has_missed))

    def _want_again(self, lost_at: int, has_missed: bool) -> None:
        if self._writer is None or self.welcome is None:
            return  # it was lost once more
        if self._period_s is not None:
            self._send(Pace(self._period_s))
        if self._watched is not None:
            self._send(Watch(self._watched))
        for panel, (address, spec) in self._bound.items():
            self._send(Bind(panel, address, spec))  # type: ignore[arg-type]  # every spec is one of AnySpec
        if self._rules is not None:
            self._send(SetAlerts(self._rules))
        if self._pairs is not None:
            self._send(SetPairs(self._pairs))
        if self._link:
            self._send(Join(self._link, self._linked))
        for id_, (wants, _, interval) in self._listened.items():
            self._send(Listen(id_, wants, interval))
        self._tell("gap", f"trades may be missing from {lost_at} to {self._clock.wall()} (ns)")
        if has_missed:
            self._send(Missed(lost_at + self._wall_ahead_ns))
        self.regained(self.welcome)

    def _show_lost(self, words: str, age: float, attempt: int) -> None:
        """Have every bound panel say that its data has ended."""
        if self._post is None:
            return
        shown = Shown("RECONNECTING", age=age, attempt=attempt, detail=words)
        panels = {
            panel: msgspec.structs.replace(one, shown=shown)
            for panel, one in self._shown.items()
            if panel in self._bound
        }
        self._numbers -= 1  # none of the feed's own
        self._post(FrameSet(self._numbers, self.mono(), self.wall(), panels, [], None))

    def _tell(self, state: Any, words: str) -> None:
        """Tell listeners of a change that the feed cannot tell."""
        seen = self._clock.wall()
        for wants, listener, _ in list(self._listened.values()):
            for address in sorted({address for address, _ in wants}):
                listener([FeedStatus(address, None, seen, state, words)])

    # What comes.

    def _take(self, told: Told) -> None:
        match told:
            case Changes():
                self._take(self._frames.read(told))
            case Frames():
                if self._post is None:
                    self._send(Ack(told.number))  # nobody looks yet, and nobody shall be waited for
                    return
                frames = frame_set(told, mono_ahead_s=self._mono_ahead_s)
                self._shown.update(frames.panels)
                self._post(frames)
            case Heard(id_, events):
                listened = self._listened.get(id_)
                if listened is not None:
                    listened[1](events)
            case Alarmed(alarm):
                if self._raised is not None:
                    self._raised(alarm)
            case Found(id_, addresses, problem):
                answer = self._answers.get(id_)
                if answer is not None:
                    answer(addresses, problem)
            case Switched(address):
                self._linked = address
                self.switched(address)
            case Shared(clients):
                self.clients = clients
                self.shared(clients)
            case Reply(id_, value):
                call = self._calls.pop(id_, None)
                if call is not None:
                    call.set_result(value)
            case Failure(id_, words, status):
                call = None if id_ is None else self._calls.pop(id_, None)
                if call is not None:
                    call.set_exception(CallError(words, status))
                else:
                    log.warning("the feed: %s", words)
                    self.problem(words)
            case Pong(sent, mono, wall):
                self._take_pong(sent, mono, wall)
            case _:
                raise WireError("a second welcome")

    def _take_pong(self, sent: float, mono: float, wall: int) -> None:
        now = time.monotonic()
        took = self.delay_s = now - sent
        if took > self._quickest_s and now - self._quickest_at < _CLOCKS_S:
            return  # the quickest answer lately tells best what the other clocks show
        self._quickest_s, self._quickest_at = took, now
        if self._is_far:
            self._mono_ahead_s = mono - (self._clock.mono() - took / 2)
            self._wall_ahead_ns = wall - (self._clock.wall() - round(took * 5e8))

    def _send(self, message: Asked) -> None:
        if self._writer is not None:
            self._writer.write(encode(message))

    # The port.

    def _do(self, command: Callable[..., None], *args: Any) -> None:
        """Run a command on the loop, in the order of the calls; before it is attached it waits."""
        with self._handing:
            if not self._is_handed:
                self._early.append((command, args))
                return
            loop = self._loop
        assert loop is not None
        try:
            loop.call_soon_threadsafe(command, *args)
        except RuntimeError:
            log.debug("the way to the feed is closed; a command was not sent")

    def connect(self, post: Post) -> None:
        """Begin to receive frame sets."""
        self._post = post
        self._do(self._send, Repaint())

    def watch(self, instruments: Sequence[Instrument]) -> None:
        """Set the watchlist."""
        self._do(self._watch, [one.address for one in instruments])

    def _watch(self, addresses: list[str]) -> None:
        self._watched = addresses
        self._send(Watch(addresses))

    def bind(self, panel: str, address: str, spec: ViewSpec) -> None:
        """Bind a panel."""
        self._do(self._bind, panel, address, spec)

    def _bind(self, panel: str, address: str, spec: ViewSpec) -> None:
        self._bound[panel] = (address, spec)
        self._send(Bind(panel, address, spec))  # type: ignore[arg-type]  # every spec is one of AnySpec

    def respec(self, panel: str, spec: ViewSpec) -> None:
        """Change a bound panel's view."""
        self._do(self._respec, panel, spec)

    def _respec(self, panel: str, spec: ViewSpec) -> None:
        if panel in self._bound:
            self._bound[panel] = (self._bound[panel][0], spec)
            self._send(Respec(panel, spec))  # type: ignore[arg-type]  # every spec is one of AnySpec

    def unbind(self, panel: str) -> None:
        """Let a panel go."""
        self._do(self._unbind, panel)

    def _unbind(self, panel: str) -> None:
        self._bound.pop(panel, None)
        self._shown.pop(panel, None)
        self._send(Unbind(panel))

    def heed(self, raised: Callable[[Alarm], None]) -> None:
        """Begin to be told of alerts that fire."""
        self._raised = raised

    def alert(self, rules: Sequence[Rule]) -> None:
        """Set all alerts of this screen."""
        self._do(self._alert, list(rules))

    def _alert(self, rules: list[Rule]) -> None:
        self._rules = rules
        self._send(SetAlerts(rules))

    def compare(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Compare pairs of addresses."""
        self._do(self._compare, list(pairs))

    def _compare(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs
        self._send(SetPairs(pairs))

    def left(self) -> None:
        """Sum anew what passes from now on."""
        self._do(self._send, Left())

    def returned(self) -> None:
        """Keep what has passed."""
        self._do(self._send, Returned())

    def ack(self, number: int) -> None:
        """Return the credit for a frame set."""
        if number >= 0:
            self._do(self._send, Ack(number))

    def pace(self, period_s: float) -> None:
        """Make frame sets so far apart (s) from now on."""
        self._do(self._pace, period_s)

    def _pace(self, period_s: float) -> None:
        self._period_s = period_s
        self._send(Pace(period_s))

    def repaint(self) -> None:
        """Ask for every frame again."""
        self._do(self._send, Repaint())

    def provide(self, provider: Provider) -> None:
        """Do nothing: the feed has its own providers."""

    def search(self, query: str, answer: Answer) -> None:
        """Ask the providers' own search; ``answer`` is called on this port's thread, once for each."""
        self._do(self._search, query, answer)

    def _search(self, query: str, answer: Answer) -> None:
        self._ids += 1
        self._answers = {self._ids: answer}  # what was asked before is of no interest any more
        self._send(Search(self._ids, query))

    def listen(
        self, wants: Sequence[tuple[str, Stream]], listener: Listener, *, interval: str = "1m"
    ) -> None:
        """Hand every event of some streams on to ``listener``, on this port's thread."""
        self._do(self._listen, list(wants), listener, interval)

    def _listen(self, wants: list[tuple[str, Stream]], listener: Listener, interval: str) -> None:
        self._ids += 1
        self._listened[self._ids] = (wants, listener, interval)
        self._send(Listen(self._ids, wants, interval))

    def unlisten(self) -> None:
        """Hear nothing any more."""
        self._do(self._unlisten)

    def _unlisten(self) -> None:
        for id_ in list(self._listened):
            del self._listened[id_]
            self._send(Unlisten(id_))

    def join(self, link: str, address: str = "") -> None:
        """Switch symbols together with all others of a link; ``switched`` tells what they show.

        Where there are none yet, ``address`` is what the link shows.
        """
        self._do(self._join, link, address)

    def _join(self, link: str, address: str) -> None:
        self._link, self._linked = link, address
        self._send(Join(link, address))

    def switch(self, address: str) -> None:
        """Tell the others of the link what is shown now."""
        self._do(self._switch, address)

    def _switch(self, address: str) -> None:
        self._linked = address
        self._send(Switch(address))

    def call(self, name: str, args: Mapping[str, Any] | None = None, *, wait_s: float = CALL_S) -> Any:
        """Ask the feed's process for something and wait for the answer. Raise CallError.

        Not on this port's thread.
        """
        answer: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self._do(self._ask, name, dict(args or {}), answer)
        try:
            return answer.result(wait_s)
        except (concurrent.futures.TimeoutError, concurrent.futures.CancelledError):
            raise CallError(f"the feed did not answer within {wait_s:g} s", 4) from None

    def _ask(self, name: str, args: dict[str, Any], answer: concurrent.futures.Future[Any]) -> None:
        if self._writer is None:
            answer.set_exception(CallError("the feed is gone", 4))
            return
        self._ids += 1
        self._calls[self._ids] = answer
        self._send(Call(self._ids, name, args))

    def open(self, addresses: Sequence[str] | None) -> list[Instrument]:
        """Have instruments made watchable, None for those that are watched where nobody says.

        Return them. Raise CallError.
        """
        value = self.call("open", {"addresses": None if addresses is None else list(addresses)})
        instruments = msgspec.convert(value, list[Instrument])
        self._do(self._opened.update, dict.fromkeys(one.address for one in instruments))
        return instruments

    def bars(self, count: int) -> dict[str, list[Candle]]:
        """Return the newest bars of a minute of every market; wait for them. Raise TimeoutError."""
        try:
            return msgspec.convert(self.call("bars", {"count": count}), dict[str, list[Candle]])
        except CallError as error:
            raise concurrent.futures.TimeoutError(str(error)) from None


class _Inflow:
    """Bytes as they come, decompressed and cut into messages."""

    def __init__(self) -> None:
        self._unpacker = Unpacker(LARGEST_TOLD)
        self._decompressor: zlib._Decompress | None = None
        self._behind = b""

    def first(self, data: bytes) -> bytes | None:
        """Return the first message's body once it is whole; what is behind it stays for ``feed``."""
        self._behind += data
        body = next(iter(Unpacker(LARGEST_TOLD).feed(self._behind)), None)
        if body is not None:
            self._behind = self._behind[HEAD.size + len(body) :]
        return body

    def compressed(self) -> None:
        """Take what follows for compressed."""
        self._decompressor = zlib.decompressobj(-zlib.MAX_WBITS)

    def feed(self, data: bytes) -> list[bytes]:
        """Return the bodies that are whole by now. Raise WireError, zlib.error."""
        data, self._behind = self._behind + data, b""
        if self._decompressor is not None and data:
            data = self._decompressor.decompress(data, LARGEST_TOLD)
            if self._decompressor.unconsumed_tail:
                raise WireError("a few bytes that would become more than any feed tells")
        return list(self._unpacker.feed(data))
