"""The way to a feed in another process: dialled, kept alive, and found again when it was lost.

In a thread and on a loop of its own. What is said over it is another's affair.
"""

import asyncio
import concurrent.futures
import contextlib
import logging
import threading
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from mdterm.feeds.clock import Clock, SystemClock
from mdterm.feeds.port_wire import (
    HEAD,
    LARGEST_TOLD,
    Asked,
    Call,
    Hello,
    Ping,
    Refusal,
    Told,
    Unpacker,
    Welcome,
    WireError,
    encode,
    read_told,
)
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


class Attachment:
    """Attached to a feed until it is stopped. Every command returns at once and may come from any thread.

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
        self.received = 0
        """Bytes that came from the feed, as they were on the way."""
        self.delay_s: float | None = None
        """How long the way there and back took the last time (s)."""
        self.welcome: Welcome | None = None
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
        self._calls: dict[int, concurrent.futures.Future[Any]] = {}
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
                self._writer = writer
                self._resume(lost_at, has_missed=self.welcome.instance != instance)
        finally:
            if self._writer is not None:
                self._writer.close()
                with contextlib.suppress(OSError, TimeoutError, asyncio.CancelledError):
                    await asyncio.wait_for(self._writer.wait_closed(), 0.5)

    async def _attach(
        self,
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, "Inflow"]:
        """Dial and be let in. Raise AttachError, WireError, OSError."""
        reader, writer = await self._dial()
        try:
            writer.write(encode(self._hello))
            inflow = Inflow()
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

    async def _read(self, reader: asyncio.StreamReader, inflow: "Inflow") -> str:
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

    async def _attach_again(self, words: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, "Inflow"]:
        log.warning("%s", words)
        calls, self._calls = self._calls, {}
        for call in calls.values():
            call.set_exception(CallError(words, 4))
        began, attempt, why = self._clock.mono(), 0, words
        self._lost(words)
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

    # What whoever attaches does.

    def _take(self, told: Told) -> None:
        """Take what the feed told."""
        raise NotImplementedError

    def _lost(self, words: str) -> None:
        """Tell that the feed was lost, and why."""
        raise NotImplementedError

    def _show_lost(self, words: str, age: float, attempt: int) -> None:
        """Tell that it has been lost for ``age`` seconds, before each attempt to attach again."""
        raise NotImplementedError

    def _resume(self, lost_at: int, *, has_missed: bool) -> None:
        """Ask again for everything that is wanted, of a feed that did not run (``has_missed``) or did."""
        raise NotImplementedError

    # What is said and answered.

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

    def _send(self, message: Asked) -> None:
        if self._writer is not None:
            self._writer.write(encode(message))

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

    def _take_pong(self, sent: float, mono: float, wall: int) -> None:
        now = time.monotonic()
        took = self.delay_s = now - sent
        if took > self._quickest_s and now - self._quickest_at < _CLOCKS_S:
            return  # the quickest answer lately tells best what the other clocks show
        self._quickest_s, self._quickest_at = took, now
        if self._is_far:
            self._mono_ahead_s = mono - (self._clock.mono() - took / 2)
            self._wall_ahead_ns = wall - (self._clock.wall() - round(took * 5e8))


class Inflow:
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
