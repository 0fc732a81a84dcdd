"""One connection, for every provider: dial, speak through the codec, watch, and come back.

All policy is elsewhere: what to say in the codec, when to retry in ``policy``. A connection never ends
by itself but for a refusal; it is closed from outside.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidURI

from mdterm.feeds import policy
from mdterm.feeds.address import parse_address
from mdterm.feeds.burst import Burst
from mdterm.feeds.clock import Clock
from mdterm.feeds.contract import Codec, Link, Provider, Refusal
from mdterm.feeds.events import STREAM_OF, Book, Event, Stream, Trade, TradeAgg
from mdterm.feeds.journal import LINK_NOTE, Journal, NullJournal, Record, RecordKind, strike
from mdterm.feeds.journal_notes import Compressing, note_learnt, pack_health, pack_wants
from mdterm.feeds.policy import Failure
from mdterm.feeds.receiver import Receiver
from mdterm.feeds.status import LinkHealth
from mdterm.feeds.text import clean, mask

log = logging.getLogger(__name__)
# At its finest the client logs every frame it sends, and so the key.
_wire_log = logging.getLogger(f"{__name__}.wire")
_wire_log.setLevel(logging.INFO)

OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 1.0
PING_S = 20.0
MAX_FRAME = 16 * 1024 * 1024
WATCH_S = 1.0
"""How often a link is looked at for silence."""
_GREETING = 64
"""Frames of a session among which a server may repeat the key it was given."""

# The streams whose silence means that a link is dead; all else may be silent for hours.
_LOUD: frozenset[type[Event]] = frozenset({Book, Trade, TradeAgg})
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

Deliver = Callable[["Connection", Sequence[Event]], None]


def _to_nobody(connection: "Connection", events: Sequence[Event]) -> None:
    """Hand nothing on."""


class Connection:
    """A socket that is kept open, and what is known of it (``health``)."""

    def __init__(
        self,
        link: Link,
        provider: Provider,
        *,
        deliver: Deliver,
        changed: Callable[["Connection"], None],
        clock: Clock,
        journal: Journal | None = None,
    ) -> None:
        self.link = link
        self._provider = provider
        self._clock = clock
        self._journal = None if isinstance(journal, NullJournal) else journal
        self._noted = ""
        """What of the link was last told to the journal."""
        self._record_wants()
        self.codec: Codec = provider.codec(link)
        self.codec.want(link.wants)
        self.changed_at = clock.wall()
        """When (wall, ns) the link was last found changed."""
        self.health = LinkHealth(since=clock.mono())
        self.latency_s: float | None = None
        self.opened_count = 0
        """How often a socket was opened."""
        self.refusals: list[Refusal] = []
        """Refusals of single addresses so far."""
        self.data_at = clock.mono()
        """When book or trades last came (monotonic); the watchdog's clock."""
        self._deliver = deliver
        self._changed = changed
        self._kick = asyncio.Event()
        self._rebuilds = 0
        self._had_data = False
        self._frames = 0
        """Frames of this session, while they are written down."""
        self._refused = 0
        self._task: asyncio.Task[None] | None = None
        self._given_up: Failure | None = None

    def start(self) -> None:
        """Begin to connect, in a task of its own."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"link {self.link.key}")

    @property
    def is_flowing(self) -> bool:
        """Whether the socket is open and data has come over it."""
        return self._had_data and self.health.phase == "open"

    def rewant(self, link: Link) -> None:
        """Take over a changed plan for the same link; the codec will send the difference."""
        if _loud(link) - _loud(self.link):
            self.data_at = self._clock.mono()  # what was not asked for could not come
        same = link.wants == self.link.wants and link.url == self.link.url
        self.link = link
        self._record_wants(same=same)
        self.refusals.clear()  # what is wanted again is asked again
        self.codec.want(link.wants)
        self._kick.set()

    def kick(self) -> None:
        """Ask the codec again what is due."""
        self._kick.set()

    def leave(self) -> None:
        """Write nothing more down: that we leave is no news of the market. What still comes nobody hears."""
        self._journal = None
        self._deliver = _to_nobody

    async def close(self) -> None:
        """Close the socket and end the task."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._phase("closed", "closed here")
        self._record("want", text="gone")

    def _phase(self, phase: str, detail: str | None, **facts: object) -> None:
        health = self.health
        if health.phase != phase:
            # A lost link keeps the moment of the loss through all its attempts.
            if not (phase in ("connecting", "waiting") and health.phase in ("connecting", "waiting")):
                health.since = self._clock.mono()
            health.phase = phase  # type: ignore[assignment]  # callers pass literals
        health.detail = None if detail is None else clean(mask(detail, self.link.secrets))
        for name, value in facts.items():
            setattr(health, name, value)
        self.changed_at = self._clock.wall()
        self._record("phase", pack_health(health), phase, at=self.changed_at)
        self._changed(self)

    def _record(
        self,
        kind: RecordKind,
        data: bytes = b"",
        text: str = "",
        code: int = 0,
        *,
        at: int | None = None,
        mono: float | None = None,
    ) -> None:
        """Write to the journal; ``at`` and ``mono`` are the times that the codec was given, else now."""
        if self._journal is None:
            return
        clock = self._clock
        # Our own notes hold no secret, but may hold a word that is one elsewhere.
        secrets = () if kind in ("want", "phase") else self.link.secrets
        self._journal.write(
            Record(
                kind,
                self.link.key,
                clock.wall() if at is None else at,
                clock.mono() if mono is None else mono,
                strike(data, secrets),
                mask(text, secrets) if text else text,
                code,
            )
        )

    def _safe(self, frame: bytes) -> bytes:
        """Return a frame as it came, or what it holds without a secret that its compression would hide."""
        if isinstance(self.codec, Compressing):
            bare = self.codec.bare(frame)
            if bare is not None and strike(bare, self.link.secrets) != bare:
                return strike(bare, self.link.secrets)
        return frame

    def _record_wants(self, *, same: bool = False) -> None:
        """Write down what the codec is about to be asked for, and what its provider knows by now."""
        if self._journal is None:
            return
        link = self.link
        note_learnt(self._journal, self._clock, self._provider, link.provider)
        if same:
            self._record("want", text="same")
        else:
            self._record("want", pack_wants(link.wants), mask(link.url, link.secrets))
        if link.note != self._noted:
            self._noted = link.note
            self._record("note", link.note.encode(), LINK_NOTE)

    async def _run(self) -> None:
        while True:
            wait = self._provider.gate.connect_in(self._clock.mono())
            if wait > 0:
                await asyncio.sleep(wait)
                continue  # another link may have been let in meanwhile
            self._phase("connecting", self.health.detail, attempt=self.health.attempt + 1)
            self._had_data = False
            self._given_up = None
            try:
                await self._session()
                failure = Failure("retry", "the connection was given up")
            except asyncio.CancelledError:
                raise
            except Stop as stop:
                failure = stop.failure
            except Exception as error:
                failure = self._given_up or policy.judge(error)
                if failure.is_unexpected:
                    log.exception("%s: an error of our own", self.link.key)
            if self._had_data:
                self._refused = 0
            if failure.kind == "fatal":
                self._phase("refused", failure.words)
                return
            if failure.kind == "refused":
                self._refused += 1
                if self._refused >= policy.REFUSALS_TO_STOP:
                    log.warning("%s: refused: %s", self.link.key, mask(failure.words, self.link.secrets))
                    self._phase("refused", failure.words)
                    return
            wait = policy.pause(self._provider.backoff, self.health.attempt, failure)
            log.info("%s: %s; again in %.1f s", self.link.key, mask(failure.words, self.link.secrets), wait)
            self._phase("waiting", failure.words, retry_at=self._clock.mono() + wait)
            await asyncio.sleep(wait)

    async def _session(self) -> None:
        link = self.link
        context: ssl.SSLContext | None = None
        if link.url.startswith("wss:"):
            context = ssl.create_default_context()
            if not link.tls_verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
        async with connect(
            link.url,
            ssl=context,
            logger=_wire_log,
            # Proxies come from the environment, but none leads to this machine's simulated venue.
            proxy=None if _host(link.url) in _LOOPBACK else True,
            compression=None,
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            max_size=MAX_FRAME,
            max_queue=64,
            create_connection=Receiver,
        ) as ws:
            assert isinstance(ws, Receiver)
            now = self._clock.mono()
            self.data_at = now
            self.opened_count += 1
            self.codec.opened(now)
            self._record("open", text=link.url, mono=now)
            self._phase("open", None, opened_once=True, opened_at=now, retry_at=None)
            sender = asyncio.get_running_loop().create_task(self._send(ws))
            watchdog = asyncio.get_running_loop().create_task(self._watch(ws))
            try:
                self._frames = 0
                await ws.read(self._take)
            finally:
                for task in (sender, watchdog):
                    task.cancel()
                await asyncio.gather(sender, watchdog, return_exceptions=True)
                await ws.close(1000)  # left to itself, the client calls it an internal error
                self._record("close", text=ws.close_reason or "", code=ws.close_code or 0)

    def _take(self, frame: bytes) -> None:
        """Take a frame in. Raise Stop where the connection cannot go on."""
        codec = self.codec
        seen = self._clock.wall()
        if self._journal is not None:
            self._record("in", self._safe(frame) if self._frames < _GREETING else frame, at=seen)
            self._frames += 1
        events = codec.feed(frame, seen)
        self.health.frames += 1
        if events:
            if type(events) is Burst or type(events[0]) in _LOUD or not _LOUD.isdisjoint(map(type, events)):
                self.data_at = self._clock.mono()
                self._rebuilds = 0
            else:
                self._kick.set()  # rare, and maybe the answer that the next question waits for
            if not self._had_data:
                self._flowing()
            self._deliver(self, events)
        else:
            if codec.verdicts:
                self._take_verdicts()
            if codec.needs_reset:
                raise Stop(Failure("retry", "the stream broke: what comes cannot be read any more"))
            self._kick.set()

    def _flowing(self) -> None:
        """Data has come: the link is good, and the backoff starts over."""
        self._had_data = True
        self.health.attempt = 1

    def _take_verdicts(self) -> None:
        verdicts, self.codec.verdicts[:] = list(self.codec.verdicts), []
        for verdict in verdicts:
            if not verdict.addresses:
                kind: policy.Kind = "refused" if verdict.final else "retry"
                if verdict.final:
                    self._refused = policy.REFUSALS_TO_STOP  # said in words: asking again is a storm
                raise Stop(Failure(kind, verdict.detail))
            self.refusals.append(verdict)
        self._changed(self)

    async def _send(self, ws: ClientConnection) -> None:
        """Send what the codec finds due, in its pace."""
        kick = self._kick
        while True:
            kick.clear()
            now = self._clock.mono()
            try:
                messages, next_due = self.codec.due(now)
            except Exception:
                # A link that cannot speak must not look alive.
                log.exception("%s: the codec failed", self.link.key)
                self._given_up = Failure("retry", "an internal error stopped the subscription")
                await ws.close(1000)
                return
            for message in messages:
                self._record("out", message.encode(), mono=now)
                await ws.send(message)
            if self.codec.needs_reset:
                # Only time can tell some breaks, such as a heartbeat that did not come.
                self._given_up = Failure("retry", "the server's heartbeat stopped")
                await ws.close(1000)
                return
            wait = None if next_due is None else max(0.0, next_due - self._clock.mono())
            # Not wait_for: before Python 3.12 it may swallow the cancellation that ends this task.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await kick.wait()

    async def _watch(self, ws: ClientConnection) -> None:
        """Give a link up that is open but says nothing, where silence is not believable."""
        while True:
            await asyncio.sleep(WATCH_S)
            self.latency_s = ws.latency or None
            if not self._loud():
                continue
            if self._clock.mono() - self.data_at > self._patience():
                self._rebuilds += 1
                log.info("%s: silent too long; connecting anew", self.link.key)
                self._given_up = Failure("retry", "the link was open but silent")
                await ws.close(1000)
                return

    def _loud(self) -> set[tuple[str, Stream]]:
        """Return the streams whose silence is not believable: book and trades of open markets."""
        provider, wall = self._provider, self._clock.wall()
        return {
            (address, stream)
            for address, stream in _loud(self.link)
            if provider.closed_since(provider.resolve(parse_address(address)), wall) is None
        }

    def _patience(self) -> float:
        """Return how long book and trades may be silent before the link is given up."""
        streams = {stream for _, stream in self._loud()}
        silences = (self._provider.silence(stream).stale_after_s or 0.0 for stream in streams)
        return max(policy.silence_bound(self._rebuilds), *silences)


def _loud(link: Link) -> set[tuple[str, Stream]]:
    streams = {STREAM_OF[kind] for kind in _LOUD}
    return {(want.address, want.stream) for want in link.wants if want.stream in streams}


def _host(url: str) -> str | None:
    """Return the host of a URL. Raise InvalidURI."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise InvalidURI(url, str(error)) from error
    return parts.hostname


class Stop(Exception):
    """Ends a session for a reason of our own."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.words)
        self.failure = failure
