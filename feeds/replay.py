"""A recording told again through the same codecs, markets and views, with the recorded clock.

Nothing here connects anywhere. Each record goes where it came from: frames to the codec of their link,
changes of a link to its health, bars to the market they were merged into. What timers decided, such as the
statuses told to listeners, was recorded as told: so the same file gives the same events.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import msgspec

from mdterm.feeds.accounts import Accounts
from mdterm.feeds.address import AddressError
from mdterm.feeds.clock import Clock, SystemClock
from mdterm.feeds.compare import Pairs
from mdterm.feeds.contract import Provider
from mdterm.feeds.events import Event
from mdterm.feeds.frames import Frame, FrameSet, ReplayLine, WatchFrame
from mdterm.feeds.frames_away import AwayFrame
from mdterm.feeds.journal import LINK_NOTE, Record
from mdterm.feeds.journal_file import JournalError
from mdterm.feeds.journal_notes import (
    MergedNote,
    ProviderNote,
    Replayable,
    read_bars,
    read_events,
    read_merged,
)
from mdterm.feeds.market import Market
from mdterm.feeds.pasts import Pasts
from mdterm.feeds.port import Post
from mdterm.feeds.recording import SENSELESS, Head, revive
from mdterm.feeds.replay_clock import ReplayClock
from mdterm.feeds.replay_links import ReplayLinks
from mdterm.feeds.runtime import Feed
from mdterm.feeds.seat import Seat
from mdterm.feeds.specs import ViewSpec
from mdterm.feeds.status import Shown

log = logging.getLogger(__name__)

PACED_S = 1.0
"""Recorded seconds between two looks at the pace of the tapes, whatever the speed."""
SEEKING_S = 0.5
"""Seconds between frame sets, at least, on the way to another time."""


class ReplayPasts:
    """What the recorded feed had found out about the past; nothing is asked."""

    def __init__(self, head: Head, provider_of: Callable[[str], str]) -> None:
        self._head = head
        self._provider_of = provider_of
        self._wanted: set[str] = set()
        self._told: dict[str, MergedNote] = {}

    def take(self, address: str, note: MergedNote) -> None:
        """Take in what was found out with the last bars."""
        self._wanted.add(self._provider_of(address))
        self._told[address] = note

    def want(self, provider: Provider, address: str, interval: str = "1m") -> None:
        """Ask for nothing, but wait for what was recorded."""
        note = self._head.providers.get(provider.name)
        if note is not None and note.has_history:
            self._wanted.add(provider.name)

    def subscribed(self, address: str, wall: int) -> None:
        """Note nothing."""

    def gap(self, address: str) -> None:
        """Ask for nothing."""

    def is_settled(self, address: str) -> bool:
        """Return what was recorded with the last bars."""
        told = self._told.get(address)
        return self._provider_of(address) not in self._wanted if told is None else told.is_settled

    def let_go(self, address: str) -> None:
        """Forget nothing: it was recorded."""

    def failed(self, address: str) -> str | None:
        """Return why there was no past."""
        told = self._told.get(address)
        return None if told is None else told.failed

    def short(self, address: str) -> str | None:
        """Return why the past was incomplete."""
        told = self._told.get(address)
        return None if told is None else told.short

    def end(self) -> list["asyncio.Task[None]"]:
        """End nothing."""
        return []


class ReplayFeed(Feed):
    """A feed that is given records. ``line`` tells for each frame set where the replay stands."""

    def __init__(
        self,
        head: Head,
        *,
        period_s: float = 0.1,
        real: Clock | None = None,
        line: Callable[[], ReplayLine | None] = lambda: None,
    ) -> None:
        self.real = real or SystemClock()
        self.head = head
        self.replay_clock = ReplayClock(self.real, head.began_at, head.began_mono)
        self._line = line
        providers = {name: revive(note) for name, note in head.providers.items()}
        # A feed that begins with no provider learns of its accounts with the first that is opened.
        accounts = {name: name for name, one in providers.items() if _has_account(one)} | head.accounts
        super().__init__(providers, clock=self.replay_clock, period_s=period_s, accounts=accounts)
        self._period_s = period_s
        self._paced_at, self._paced_s = 0.0, PACED_S
        self._replay_links = self._open_links()
        self._learn()

    def _new_seat(self, period_s: float) -> Seat:
        # Frames are paced by our own time, whatever the speed of the recorded one.
        return ReplaySeat(self, self.real, period_s, self._dated)

    def _open_links(self) -> ReplayLinks:
        links = ReplayLinks(
            self.providers,
            self.clock,
            None,
            resolve=self.resolve,
            deliver=self._deliver,
            changed=self._link_changed,
            ready=self.replan,
            need_price=lambda address: None,
        )
        self.links = links
        return links

    def _learn(self) -> None:
        """Know from the beginning on what was known when the recorded instruments were made."""
        for record in self.head.learnt:
            try:
                self._relearn_from(record)
            except (*SENSELESS, TypeError, ValueError) as error:
                log.warning("what %s had learnt cannot be read, and is not known: %s", record.link, error)

    def start_over(self) -> None:
        """Forget everything that records brought, so that they can be taken from the first again."""
        self.providers.clear()
        self.providers.update({name: revive(note) for name, note in self.head.providers.items()})
        self.pasts = self._new_pasts()
        self.markets.clear()
        for seat in self.seats:
            seat.away.forget(self.head.began_at)
        self.accounts = Accounts(self.head.accounts, self.markets, self.caution)
        self.replay_clock.pin(self.head.began_at, self.head.began_mono)
        self._replay_links = self._open_links()
        self._learn()
        for seat in self.seats:
            assert isinstance(seat, ReplaySeat)
            seat.start_over()
        self.pairs = Pairs()
        self.set_pairs()

    def pace(self, period_s: float) -> None:
        """Make frame sets so far apart (s) from now on."""
        self._period_s = period_s
        super().pace(period_s)

    def hurry(self, is_seeking: bool) -> None:
        """Draw less while time is passed over: what is drawn is gone in a moment."""
        super().pace(max(self._period_s, SEEKING_S) if is_seeking else self._period_s)
        self._paced_s = 5 * PACED_S if is_seeking else PACED_S

    def adopt(self, task: "asyncio.Task[None]") -> None:
        """End a task with the feed."""
        self._tasks.append(task)

    # Records come in.

    def apply(self, record: Record) -> bool:
        """Take one record in, at its own time; return whether events came of it. Raise JournalError."""
        try:
            return self._apply(record)
        except (*SENSELESS, KeyError, AddressError) as error:
            raise JournalError(f"a record of the recording cannot be read: {error}") from error

    def _apply(self, record: Record) -> bool:
        if not 0 <= record.mono - self._paced_at < self._paced_s:
            self._look_at_pace(record.mono)
        self.replay_clock.pin(record.at, record.mono)
        kind = record.kind
        if kind == "note":
            self._take_note(record)
        elif kind == "told":
            events: list[Event] = list(read_events(record.data))
            if record.link == "status":
                self.listenings.tell(events)
                return False
            self._deliver(None, events)
            return True
        elif kind == "bars":
            self._take_bars(record)
        elif kind == "merged":
            self._take_merged(record)
        elif kind != "http":
            return self._replay_links.take(record)
        return False

    def _look_at_pace(self, mono: float) -> None:
        """Have every tape's pace read as a screen does, also where frames are made more seldom than that.

        Where no screen is nothing is read: to fold sooner rounds sums otherwise, and lines shall be the same.
        """
        self._paced_at = mono
        if not any(seat.beat.bindings for seat in self.seats):
            return
        for market in self.markets.values():
            if isinstance(market, Market):
                market.fold()
                market.tape.pace(mono)

    def _take_note(self, record: Record) -> None:
        if record.text == "learnt":
            self._relearn_from(record)
            self.replan()
        elif record.text == LINK_NOTE:
            self._replay_links.describe(record)
        elif record.text == "provider" and record.link not in self.providers:
            note = msgspec.json.decode(record.data, type=ProviderNote)
            self.head.providers[note.name] = note
            self.providers[note.name] = revive(note)
            if _has_account(self.providers[note.name]):
                self.accounts.know(note.name)

    def _relearn_from(self, record: Record) -> None:
        provider: object = self.providers.get(record.link)
        if isinstance(provider, Replayable):
            provider.relearn(msgspec.json.decode(record.data, type=dict[str, Any]))

    def _take_bars(self, record: Record) -> None:
        note, market = read_bars(record.data), self.markets.get(record.link)
        if isinstance(market, Market) and note.candles:
            market.merge(note.candles)

    def _take_merged(self, record: Record) -> None:
        note, address = read_merged(record.data), record.link
        assert isinstance(self.pasts, ReplayPasts)
        self.pasts.take(address, note)
        self._tell_candles(address, record.at)
        self.touch()

    # What a live feed does of itself.

    def _new_pasts(self) -> Pasts:
        return ReplayPasts(self.head, lambda address: self.resolve(address).provider)

    def _tell_states(self, *, again: bool = True) -> None:
        """Tell nothing: what was told is in the recording."""

    def _dated(self, frames: FrameSet) -> FrameSet:
        """Date a frame set with the recorded time."""
        clock = self.replay_clock
        return msgspec.structs.replace(
            frames, wall=clock.wall(), now=clock.mono(), replay=self._line(), delay_ms=None
        )

    @property
    def shown_address(self) -> str | None:
        """The instrument on the screen, None without one."""
        assert isinstance(self.seat, ReplaySeat)
        return next((address for address, _ in self.seat.bound.values()), None)

    def _woke(self, since: int) -> None:
        """Miss nothing: a recording waits."""

    def _tick(self) -> None:
        super()._tick()
        self.lines = [
            msgspec.structs.replace(line, shown=_replayed(line.shown), delay_ms=None, rate=0.0)
            for line in self.lines
        ]


class ReplaySeat(Seat):
    """The place of a screen that sees a recording: nothing on it is live."""

    def __init__(
        self, feed: "ReplayFeed", clock: Clock, period_s: float, dated: Callable[[FrameSet], FrameSet]
    ) -> None:
        super().__init__(feed, clock, period_s)
        self.bound: dict[str, tuple[str, ViewSpec]] = {}
        self._dated = dated

    def connect(self, post: Post) -> None:
        """Begin to post frame sets, dated with the recorded time."""
        super().connect(lambda frames: post(self._dated(frames)))

    def bind(self, panel: str, address: str, spec: ViewSpec) -> None:
        """Bind a panel; it is bound again when the recording starts over."""
        self.bound[panel] = (address, spec)
        super().bind(panel, address, spec)

    def unbind(self, panel: str) -> None:
        """Let a panel go."""
        self.bound.pop(panel, None)
        super().unbind(panel)

    def start_over(self) -> None:
        """Watch and bind again what there was, in a feed that has forgotten everything."""
        self.watch([self.feed.resolve(address) for address in self.wishes.watched])
        for panel, (address, spec) in list(self.bound.items()):
            binding = self.beat.bindings.get(panel)
            self.bind(panel, address, spec if binding is None else binding.spec)

    def panel_state(self, address: str, spec: ViewSpec) -> Shown:
        """Return the state that a panel's title tells."""
        return _replayed(super().panel_state(address, spec))

    def frame(self, market: Market, spec: ViewSpec, now: float) -> tuple[ViewSpec, Frame | None]:
        """Return the spec as it stands now and the frame that it asks for."""
        spec, frame = super().frame(market, spec, now)
        if isinstance(frame, WatchFrame | AwayFrame):
            rows = [msgspec.structs.replace(row, shown=_replayed(row.shown)) for row in frame.rows]
            frame = msgspec.structs.replace(frame, rows=rows)
        return spec, frame


def _has_account(provider: Provider) -> bool:
    return "order" in provider.capabilities.streams


def _replayed(shown: Shown) -> Shown:
    """Return a state as a replay may tell it: nothing in it is live."""
    return msgspec.structs.replace(shown, word="REPLAY") if shown.word == "LIVE" else shown
