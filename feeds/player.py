"""A replay at a person's pace: faster and slower, paused, step by step, to a time, to the next big trade.

What is passed over is taken in all the same, only faster: a replay that has come to a time by whatever way
shows what was known then. Going back begins again with the first record.
"""

import asyncio
import contextlib
import logging
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

from mdterm.feeds.address import AddressError
from mdterm.feeds.events import Candle, Event, Trade
from mdterm.feeds.frames import ReplayLine
from mdterm.feeds.intervals import MINUTE
from mdterm.feeds.journal import Record
from mdterm.feeds.journal_file import JournalError
from mdterm.feeds.market import Market
from mdterm.feeds.recording import Recording
from mdterm.feeds.replay import ReplayFeed
from mdterm.feeds.status import BROKEN
from mdterm.feeds.thread import FeedThread
from mdterm.feeds.warm import Kept, give

log = logging.getLogger(__name__)

SPEEDS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
FLAT_OUT: Final = float("inf")
PlayCommand = Literal["pause", "faster", "slower", "step", "next_big", "jump", "skip"]
_TURN_S: Final = 0.02
"""So long records are taken in without letting the loop run: a screen stays usable while it seeks."""
_LATE_S: Final = 0.25
"""Further behind than this (s of our own time) a replay no longer catches up."""
BIG_SAMPLE: Final = 2_000
BIG_SHARE: Final = 0.99
BIG_LEAST: Final = 100
"""A trade is big if it is larger than 99 % of the last 2,000 of its instrument; 100 must be known."""


class BigTrades:
    """Knows which trades of one instrument are big, from those before."""

    def __init__(self) -> None:
        self._sizes: deque[float] = deque()
        self._sorted: list[float] = []

    def is_big(self, trade: Trade) -> bool:
        """Return whether a trade stands out, and remember its size."""
        size = trade.size
        if size is None:
            return False
        known = len(self._sorted)
        is_big = known >= BIG_LEAST and size > self._sorted[int(known * BIG_SHARE)]
        self._sizes.append(size)
        insort(self._sorted, size)
        if len(self._sizes) > BIG_SAMPLE:
            del self._sorted[bisect_left(self._sorted, self._sizes.popleft())]
        return is_big


class Player:
    """Plays a recording into a feed. Runs on the feed's loop; its commands as well."""

    def __init__(
        self,
        recording: Recording,
        *,
        period_s: float = 0.1,
        speed: float = 1.0,
        start_at: int | None = None,
        ended: Callable[[], None] = lambda: None,
        known: Mapping[str, Sequence[Candle]] | None = None,
        is_rewind: bool = False,
        pairs: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Compare those of ``pairs`` that were recorded."""
        self.feed = ReplayFeed(recording.head, period_s=period_s, line=self.line)
        self.recording = recording
        self.position_at = recording.head.began_at
        """Recorded wall time (ns) of where it stands."""
        self.applied = 0
        """Records taken in since the first."""
        self.has_ended = False
        self.is_paused = False
        self.speed = speed
        self.problem: str | None = None
        """Why it cannot go on, in words."""
        self._ended = ended
        self._words = ""
        self._records = recording.records()
        self._next: Record | None = None
        self._wake = asyncio.Event()
        self._until_at: int | None = None
        self._until: Callable[[Record, bool], bool] | None = None
        self._anchor = (0.0, 0.0)
        self._big: dict[str, BigTrades] = {}
        self._big_seen = False
        self._heard = 0
        self.feed.listen([], self._listen)
        self._known = known or {}
        self._is_rewind = is_rewind
        # Before the first record: what nobody watches is kept by nobody.
        self.feed.watch([self.feed.resolve(address) for address in recording.head.addresses])
        self.feed.compare([pair for pair in pairs if self._is_recorded(pair)])
        self._give_known()
        self._advance()
        if start_at is not None:
            self.jump(start_at)
        self._re_anchor()
        self.feed.adopt(asyncio.get_running_loop().create_task(self._run(), name="player"))

    def _is_recorded(self, pair: tuple[str, str]) -> bool:
        try:
            return all(self.feed.resolve(one).address in self.recording.head.addresses for one in pair)
        except AddressError:
            return False

    # Commands.

    def pause(self) -> None:
        """Stop, or go on."""
        self.is_paused = not self.is_paused
        self._command("")

    def faster(self) -> None:
        """Play faster, up to ×100."""
        self._pace(1)

    def slower(self) -> None:
        """Play slower, down to ×0.1."""
        self._pace(-1)

    def _pace(self, by: int) -> None:
        at = bisect_left(SPEEDS, self.speed) + by
        self.speed = SPEEDS[max(0, min(at, len(SPEEDS) - 1))]
        self._command("")

    def step(self) -> None:
        """Stop at the next message that brings something of the shown instrument."""
        self._seek(lambda record, gave: gave and self._heard > 0, "")

    def next_big(self) -> None:
        """Stop at the next big trade of the shown instrument."""
        self._seek(lambda record, gave: self._big_seen, "the next big trade")

    def jump(self, at: int) -> None:
        """Stand at a recorded wall time (ns): everything up to it has happened, nothing after."""
        if at < self.position_at:
            self._start_over()
        self._until_at, self._until = at, None
        self._command("")

    def skip(self, seconds: float) -> None:
        """Go forward or back by recorded time."""
        self.jump(max(self.recording.head.began_at, self.position_at + round(seconds * 1e9)))

    def line(self) -> ReplayLine:
        """Return where it stands, for the screen."""
        return ReplayLine(
            at=self.feed.replay_clock.wall(),
            speed=self.speed,
            is_paused=self.is_paused,
            is_seeking=self._is_seeking,
            has_ended=self.has_ended,
            words=self.problem or self._words,
            is_rewind=self._is_rewind,
        )

    # The work.

    @property
    def _is_seeking(self) -> bool:
        return self._until_at is not None or self._until is not None

    def _seek(self, until: Callable[[Record, bool], bool], words: str) -> None:
        self._until_at, self._until = None, until
        self.is_paused = True
        self._command(words)

    def _command(self, words: str) -> None:
        self._words = words
        self.feed.hurry(self._is_seeking)
        self._re_anchor()
        self._wake.set()
        self.feed.touch(urgent=True)

    def _re_anchor(self) -> None:
        clock = self.feed.replay_clock
        clock.pin(clock.wall(), clock.mono())
        self._anchor = (self.feed.real.mono(), clock.mono())

    def _start_over(self) -> None:
        self._records.close()
        self._records = self.recording.records()
        self._big.clear()
        self.applied = 0
        self.has_ended = False
        self.feed.start_over()
        self._give_known()
        self.position_at = self.recording.head.began_at
        self._advance()

    def _give_known(self) -> None:
        """Give the markets the bars that were known before the recording began."""
        for address, bars in self._known.items():
            market = self.feed.markets.get(address)
            before = [one for one in bars if one.open_ts + MINUTE <= self.recording.head.began_at]
            if isinstance(market, Market):
                give(market, Kept(before, ()))

    def _advance(self) -> None:
        try:
            self._next = next(self._records, None)
        except JournalError as error:
            self._next, self.problem = None, str(error)

    def _listen(self, events: Sequence[Event]) -> None:
        shown = self.feed.shown_address
        for event in events:
            if event.address == shown or shown is None:
                self._heard += 1
            if type(event) is Trade:
                big = self._big.get(event.address)
                if big is None:
                    big = self._big[event.address] = BigTrades()
                if big.is_big(event) and (event.address == shown or shown is None):
                    self._big_seen = True

    async def _run(self) -> None:
        try:
            await self._play()
        except Exception:
            log.exception("the replay stopped")
            self.problem = f"the replay stopped: {BROKEN}"
            self.is_paused = True
            self.feed.touch(urgent=True)
        finally:
            self._records.close()

    async def _play(self) -> None:
        real = self.feed.real
        turn = real.mono()
        while True:
            wait = self._wait()
            if wait is None or wait > 0:
                # Shown as it stands: the clock runs on to the next record, or stands.
                if wait is not None:
                    self.feed.replay_clock.run(None if self._next is None else self._next.mono)
                self._wake.clear()
                # Not wait_for: before Python 3.12 it may swallow the cancellation that ends this task.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._wake.wait()
                turn = real.mono()
                continue
            self._take()
            if real.mono() - turn > _TURN_S:
                await asyncio.sleep(0)
                turn = real.mono()

    def _wait(self) -> float | None:
        """Return the seconds until the next record is due: 0 now, None until a command comes."""
        record = self._next
        if self._until_at is not None and (record is None or record.at > self._until_at):
            self._arrived(self._until_at)
        if record is None:
            self._finish()
            return None
        if self._is_seeking:
            return 0.0
        if self.is_paused:
            return None
        if self.speed == FLAT_OUT:
            return 0.0
        since, mono = self._anchor
        late = (self.feed.real.mono() - since) - (record.mono - mono) / self.speed
        if late > _LATE_S:
            self._anchor = (self.feed.real.mono(), record.mono)
        return max(0.0, -late)

    def _take(self) -> None:
        record = self._next
        assert record is not None
        self._heard, self._big_seen = 0, False
        try:
            gave = self.feed.apply(record)
        except JournalError as error:
            # What follows may build on it: like a file that cannot be read on.
            self._next, self.problem = None, str(error)
            return
        self.applied += 1
        self.position_at = max(self.position_at, record.at)
        self._advance()
        if self._until is not None and self._until(record, gave):
            self._arrived(None)

    def _arrived(self, at: int | None) -> None:
        """Stand at a time, or where the last record was."""
        clock = self.feed.replay_clock
        if at is not None:
            last = self.position_at
            at = min(at, self._next.at) if self._next is not None else last
            clock.pin(at, clock.mono() + (at - clock.wall()) / 1e9)
            self.position_at = max(at, last)
        self._until_at = self._until = None
        self._words = ""
        self.feed.hurry(False)
        self._re_anchor()
        self.feed.touch(urgent=True)

    def _finish(self) -> None:
        self._until_at = self._until = None
        self.feed.hurry(False)
        if not self.has_ended:
            self.has_ended = True
            told = self.recording.told_end()
            self._words = "the end" if told is None else f"the end: {told}"
            self.feed.replay_clock.pin(self.feed.replay_clock.wall(), self.feed.replay_clock.mono())
            self.feed.touch(urgent=True)
            self._ended()


class ReplayThread(FeedThread):
    """A replay behind the Port, in a thread of its own as a live feed is."""

    def __init__(self, make: Callable[[], Player]) -> None:
        super().__init__(self._open)
        self._make_player = make
        self._player: Player | None = None

    @property
    def player(self) -> Player:
        """The player, once the thread was started."""
        assert self._player is not None
        return self._player

    def _open(self) -> ReplayFeed:
        self._player = self._make_player()
        return self._player.feed

    def play(self, command: PlayCommand, *args: float) -> None:
        """Have the player do something; return at once."""
        player, loop = self._player, self._loop
        if player is not None and loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(getattr(player, command), *args)
