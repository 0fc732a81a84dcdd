"""Recordings that clients have a shared feed make: from its own connections, of what they asked for."""

import asyncio
import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from mdterm.app.commands.context import USAGE
from mdterm.app.providers import World
from mdterm.app.wanted import Wants
from mdterm.feeds.address import Instrument
from mdterm.feeds.events import Candle, Event, FeedStatus, Stream
from mdterm.feeds.excerpt import Excerpt, Fan
from mdterm.feeds.host import DeskError
from mdterm.feeds.journal_notes import BarsNote, MergedNote, Scribe
from mdterm.feeds.market import Market
from mdterm.feeds.recorder import Recorder, RecorderError
from mdterm.feeds.runtime import Feed

log = logging.getLogger(__name__)

_BARS: Final = 1_000_000
MOST: Final = 16


class Record(msgspec.Struct, frozen=True):
    """Asks for a recording in a new file; a part ends beyond so many bytes or seconds."""

    path: str
    addresses: list[str]
    kinds: list[Stream] | None = None
    interval: str = "1m"
    largest: int | None = None
    longest_s: float | None = None


class Recordings:
    """The recordings of a feed, one a client at most. On its loop."""

    def __init__(self, world: World, feed: Feed, fan: Fan) -> None:
        self._world = world
        self._feed = feed
        self._fan = fan
        self._of: dict[int, _Recording] = {}

    def begin(self, client: int, asked: Record, wants: Wants) -> None:
        """Begin one. Raise DeskError where the file cannot be written."""
        path = Path(asked.path)
        if client in self._of or len(self._of) >= MOST:
            raise DeskError("too many recordings at once")
        if not path.is_absolute():
            raise DeskError(f"{path}: not from the root on")
        self._of[client] = _Recording(self._world, self._feed, self._fan, path, asked, wants)
        log.info("recording into %s", path)

    def told(self, client: int) -> dict[str, Any]:
        """Return how far a client's recording is."""
        return self._get(client).told()

    async def end(self, client: int) -> dict[str, Any]:
        """Close a client's recording; return what it has become."""
        recording = self._get(client)
        del self._of[client]
        recording.leave()
        await asyncio.to_thread(recording.close, "closed")
        return recording.told()

    def _get(self, client: int) -> "_Recording":
        recording = self._of.get(client)
        if recording is None:
            raise DeskError("nothing is recorded")
        return recording

    def left(self, client: int, words: str = "whoever had it recorded has left") -> None:
        """Close the recording of a client that left, if it had one."""
        recording = self._of.pop(client, None)
        if recording is not None:
            recording.leave()
            # Beside the loop, which a slow disk must not hold up; the process waits for it at its end.
            threading.Thread(target=recording.close, args=(words,), name="recording").start()

    def close(self, words: str) -> None:
        """Close all."""
        for client in list(self._of):
            self.left(client, words)


class _Recording:
    """One recording, and who listens for it."""

    def __init__(self, world: World, feed: Feed, fan: Fan, path: Path, asked: Record, wants: Wants) -> None:
        self._feed = feed
        self._fan = fan
        self._is_beginning = True
        self._states: dict[str, str] = dict.fromkeys([one.address for one in wants.instruments], "")
        self._events = 0
        try:
            self._recorder = Recorder(path, largest=asked.largest, longest_s=asked.longest_s)
        except RecorderError as error:
            raise DeskError(str(error), USAGE) from None
        self._excerpt = Excerpt(self._recorder, wants.wants)
        # All of one moment: what is known of the links, the past, what stands; then every frame from there.
        fan.join(self._excerpt, feed.clock.wall(), feed.clock.mono())
        self._head(world, wants, asked.interval)
        self._listening = feed.listen(wants.wants, self._take, interval=asked.interval)
        self._is_beginning = False

    def _head(self, world: World, wants: Wants, interval: str) -> None:
        """Write what a recording begins with: who, what, and the past as it is known."""
        feed = self._feed
        scribe = Scribe(self._recorder, feed.clock)
        scribe.session(world.accounts())
        scribe.listen(wants.wants, interval)
        for instrument in wants.instruments:
            self._past(scribe, instrument)

    def _past(self, scribe: Scribe, instrument: Instrument) -> None:
        address, pasts = instrument.address, self._feed.pasts
        market = self._feed.markets.get(address)
        if not isinstance(market, Market):
            return
        market.fold()
        bars: list[Candle] = market.candles.candles("1m", _BARS)
        if bars:
            scribe.bars(address, "1m", BarsNote(bars))
            scribe.merged(
                address, MergedNote(pasts.is_settled(address), pasts.failed(address), pasts.short(address))
            )

    def _take(self, events: Sequence[Event]) -> None:
        clock = self._feed.clock
        statuses = [event for event in events if type(event) is FeedStatus]
        for status in statuses:
            self._states[status.address] = status.state
        self._events += len(events) - len(statuses)
        if self._is_beginning:
            self._excerpt.heard(events, clock.wall(), clock.mono())
        elif statuses:
            self._excerpt.heard(statuses, statuses[-1].seen, clock.mono())

    def leave(self) -> None:
        """Record nothing from now on."""
        self._feed.unlisten(self._listening)
        self._fan.leave(self._excerpt)

    def close(self, words: str) -> None:
        """Write what waits, and close the file; a disk may be slow."""
        self._recorder.close(words)
        log.info("recorded: %s", self._recorder.parts[0])

    def told(self) -> dict[str, Any]:
        """Return how far it is."""
        recorder = self._recorder
        return {
            "files": [str(one) for one in recorder.parts],
            "records": recorder.records,
            "bytes": recorder.bytes,
            "dropped": recorder.lost,
            "problem": recorder.problem,
            "events": self._events,
            "is_refused": all(state == "refused" for state in self._states.values()),
        }
