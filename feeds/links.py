"""Connections: which sockets serve what is wanted, what each stream's health is, and what a link is like.

Runs on the feed's loop. Providers say which links they need; this opens, changes and closes them.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from mdterm.feeds import policy
from mdterm.feeds.address import Instrument
from mdterm.feeds.burst import Burst
from mdterm.feeds.clock import Clock
from mdterm.feeds.connection import Connection
from mdterm.feeds.contract import Link, Provider, Unready, Want
from mdterm.feeds.events import Candle, Event, Stream
from mdterm.feeds.frames import LinkLine
from mdterm.feeds.journal import Journal
from mdterm.feeds.status import BROKEN, LinkHealth, Shown, StreamHealth, derive

log = logging.getLogger(__name__)

PREPARE_AGAIN_S = 15.0
_LOOK_S = 0.1

Key = tuple[str, Stream]
"""A stream of an instrument."""


class Links:
    """The connections of all providers, and the health of every wanted stream."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        clock: Clock,
        journal: Journal | None,
        *,
        resolve: Callable[[str], Instrument],
        deliver: Callable[[Connection | None, Sequence[Event]], None],
        changed: Callable[[Connection], None],
        ready: Callable[[], None],
        need_price: Callable[[str], None],
    ) -> None:
        self.connections: dict[str, Connection] = {}
        self.streams: dict[Key, StreamHealth] = {}
        self.keeps_bars: Callable[[str], bool] = lambda address: False
        """Whether bars are cut for an instrument, which a provider's poller keeps true."""
        self.hints: dict[str, float] = {}
        """Last prices by address, for streams that are asked with one; kept while any is in preparation."""
        self._providers = providers
        self._clock = clock
        self._journal = journal
        self._resolve = resolve
        self._deliver = deliver
        self._changed = changed
        self._ready = ready
        self._need_price = need_price
        self._of: dict[Key, Connection] = {}
        self._leaving: dict[str, Connection] = {}
        """Connections no longer wanted that serve until another has data, by the key of that one's link."""
        self._prepared: set[Key] = set()
        self._preparing: dict[Key, asyncio.Task[None]] = {}
        self._retries: dict[str, tuple[int, float]] = {}
        """By provider: how often a server was asked in vain, and when (s) to ask again."""
        self._pollers: dict[str, asyncio.Task[None]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._delay_ms: dict[str, float] = {}
        self._frames_then: dict[str, tuple[float, int]] = {}
        self._loop = asyncio.get_running_loop()

    @property
    def is_preparing(self) -> bool:
        """Whether a stream waits for something that must be known first."""
        return bool(self._preparing)

    def plan(self, wants: Sequence[Want]) -> dict[str, list[Want]]:
        """Open, change and close connections so that they serve the wants; return these by provider."""
        now = self._clock.mono()
        by_provider: dict[str, list[Want]] = {}
        wanted: set[Key] = set()
        for want in wants:
            key = (want.address, want.stream)
            wanted.add(key)
            instrument = self._resolve(want.address)
            provider = self._providers[instrument.provider]
            refused = provider.carries(instrument, want.stream)
            health = self.streams.get(key)
            if health is None:
                health = self.streams[key] = StreamHealth(now, provider.silence(want.stream).stale_after_s)
                health.refused = refused
            if refused is None:
                by_provider.setdefault(instrument.provider, []).append(want)
                self._prepare(provider, instrument, want.stream)
        for key in self.streams.keys() - wanted:
            del self.streams[key]
        for name, found in by_provider.items():
            self._poll(name, found)
            left_out = self._providers[name].unserved(found)
            for want in found:
                if want.address in left_out and want.stream not in ("balance", "order"):
                    self.streams[want.address, want.stream].waiting = left_out[want.address]
        self._reconcile(
            [
                link
                for name, found in sorted(by_provider.items())
                for link in self._providers[name].plan(found)
            ]
        )
        return by_provider

    def _reconcile(self, links: Sequence[Link]) -> None:
        planned = {link.key: link for link in links}
        for heir in self._leaving.keys() - planned.keys():
            left = self._leaving.pop(heir)
            if left.link.key in planned:
                self.connections[left.link.key] = left  # wanted again before another took over
            else:
                self._retire(left, links)
        for key in self.connections.keys() - planned.keys():
            self._retire(self.connections.pop(key), links)
        self._of = {}
        for link in links:
            connection = self.connections.get(link.key)
            if connection is None:
                connection = self.connections[link.key] = Connection(
                    link,
                    self._providers[link.provider],
                    deliver=self._take,
                    changed=self._changed,
                    clock=self._clock,
                    journal=self._journal,
                )
                connection.start()
            else:
                connection.rewant(link)  # also unchanged: what it needed may just have become known
            served = self._leaving.get(link.key)
            kept = set() if served is None else {(want.address, want.stream) for want in served.link.wants}
            for want in link.wants:
                stream = (want.address, want.stream)
                self._of[stream] = served if served is not None and stream in kept else connection

    def _retire(self, connection: Connection, links: Sequence[Link]) -> None:
        """Close a connection; one that serves what a new one is to serve only when that one has data."""
        served = {(want.address, want.stream) for want in connection.link.wants}
        for link in links:
            if (
                link.key not in self.connections
                and link.key not in self._leaving
                and connection.is_flowing
                and served & {(want.address, want.stream) for want in link.wants}
            ):
                self._leaving[link.key] = connection
                return
        self._close(connection)

    def _take(self, connection: Connection, events: Sequence[Event]) -> None:
        """Hand events on; the first of a new connection end the one that served in its place."""
        left = self._leaving.pop(connection.link.key, None) if self._leaving else None
        if left is not None:
            for want in connection.link.wants:
                self._of[(want.address, want.stream)] = connection
            self._close(left)
        self._deliver(connection, events)

    def _close(self, connection: Connection) -> None:
        task = self._loop.create_task(connection.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _poll(self, name: str, wants: Sequence[Want]) -> None:
        poller = self._providers[name].poller
        if poller is None:
            return
        bars = [
            Want(want.rank, want.address, "candle")
            for want in wants
            if want.stream == "trade" and self.keeps_bars(want.address)
        ]
        poller.want([*wants, *bars])
        if name not in self._pollers:
            self._pollers[name] = self._loop.create_task(
                poller.run(lambda events: self._deliver(None, events))
            )

    def _prepare(self, provider: Provider, instrument: Instrument, stream: Stream) -> None:
        key = (instrument.address, stream)
        if key not in self._prepared and key not in self._preparing:
            self._preparing[key] = self._loop.create_task(self._make_ready(provider, instrument, stream))

    async def _make_ready(self, provider: Provider, instrument: Instrument, stream: Stream) -> None:
        """Let the provider learn what it needs before it can subscribe; try again until it can."""
        key = (instrument.address, stream)
        try:
            while key in self.streams:
                health = self.streams[key]
                try:
                    await provider.prepare(instrument, stream, self.hints.get(instrument.address))
                except Unready as reason:
                    health.waiting = str(reason)
                    if reason.final:
                        health.refused = str(reason)
                        self._prepared.add(key)
                        self._ready()  # a link that was opened for it alone has nothing to carry
                        return
                    if reason.is_lost:
                        health.tries += 1
                        await asyncio.sleep(self._retry_in(provider, str(reason)))
                        continue
                    self._need_price(instrument.address)
                    await self._first_price(instrument.address)
                except Exception:
                    # A stream that can never be prepared must not look as if it were about to come.
                    log.exception("%s: %s could not be prepared", *key)
                    health.waiting, health.tries = BROKEN, health.tries + 1
                    await asyncio.sleep(self._retry_in(provider, BROKEN))
                else:
                    self._retries.pop(provider.name, None)
                    health.waiting, health.tries = None, 0
                    self._prepared.add(key)
                    self._ready()
                    return
        finally:
            del self._preparing[key]

    def _retry_in(self, provider: Provider, words: str) -> float:
        """Return how long (s) to leave a server alone; all streams that wait for it come back together."""
        tries, again_at = self._retries.get(provider.name, (0, 0.0))
        now = self._clock.mono()
        if again_at <= now:
            failure = policy.Failure("retry", words)
            again_at = now + policy.pause(provider.backoff, tries + 1, failure)
            self._retries[provider.name] = (tries + 1, again_at)
        return again_at - now

    async def _first_price(self, address: str) -> None:
        """Return when a price becomes known, or after a while."""
        known = address in self.hints
        for _ in range(int(PREPARE_AGAIN_S / _LOOK_S)):
            await asyncio.sleep(_LOOK_S)
            if not known and address in self.hints:
                return

    def served_by(self, connection: Connection) -> list[tuple[Key, StreamHealth]]:
        """Return the streams of a connection with their health."""
        return [
            (key, self.streams[key])
            for key, owner in self._of.items()
            if owner is connection and key in self.streams
        ]

    def delayed(self, connection: Connection, events: Sequence[Event]) -> None:
        """Note the delay from the exchange to us, from the newest event of a frame that tells a moment."""
        if type(events) is Burst:
            self._delay_ms[connection.link.key] = (events.seens[-1] - events.times[-1]) / 1e6
            return
        event = events[-1]
        if event.ts is None and len(events) > 1:
            event = events[-2]  # a book without a time behind the trades that came with it
        # A bar's last change is told in whole seconds, and not by every bar that comes.
        if event.ts is not None and type(event) is not Candle:
            self._delay_ms[connection.link.key] = (event.seen - event.ts) / 1e6

    def shown(self, address: str, stream: Stream) -> Shown:
        """Return the state of one stream of one instrument now."""
        key = (address, stream)
        connection = self._of.get(key)
        link: LinkHealth | None = None if connection is None else connection.health
        health = self.streams.get(key)
        if health is not None:
            instrument = self._resolve(address)
            provider = self._providers[instrument.provider]
            health.closed_since = provider.closed_since(instrument, self._clock.wall())
            beside = provider.silence(stream).beside
            if beside is not None:
                companion = self.streams.get((address, beside))
                health.beside_at = None if companion is None else companion.last_at
        return derive(link, health, self._clock.mono())

    def let_go(self, address: str) -> None:
        """Forget an instrument of which nothing is subscribed."""
        self.hints.pop(address, None)
        self._prepared = {key for key in self._prepared if key[0] != address}

    def lines(self) -> list[LinkLine]:
        """Return each connection in one line; rates are since the last call."""
        now = self._clock.mono()
        return [self._line(connection, now) for connection in self.connections.values()]

    def _line(self, connection: Connection, now: float) -> LinkLine:
        link, health = connection.link, connection.health
        then, frames = self._frames_then.get(link.key, (now - 1.0, health.frames))
        self._frames_then[link.key] = (now, health.frames)
        newest = max(
            (
                (stream.last_at or 0.0, (want.address, want.stream))
                for want in link.wants
                if (stream := self.streams.get((want.address, want.stream))) is not None
            ),
            default=None,
        )
        shown = self.shown(*newest[1]) if newest is not None else Shown("WARMING")
        delay = self._delay_ms.get(link.key)
        return LinkLine(
            link.key,
            link.provider,
            shown,
            None if delay is None else round(delay, 1),
            round((health.frames - frames) / max(now - then, 1e-3), 1),
            len({want.address for want in link.wants}),
            link.note,
        )

    async def close(self) -> None:
        """Close every connection and end every task."""
        tasks = [*self._preparing.values(), *self._pollers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._closing, return_exceptions=True)
        ended = [*self.connections.values(), *self._leaving.values()]
        for one in ended:
            one.leave()
        await asyncio.gather(*(one.close() for one in ended), return_exceptions=True)
