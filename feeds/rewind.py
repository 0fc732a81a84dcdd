"""The last hour once more: a live feed whose own journal can be gone back into, and the way back.

Nothing of the live feed changes meanwhile: it counts and keeps as before, only its frames are not shown.
What is gone back to comes from the journal's part that holds it, with the bars that were known before that.
"""

import concurrent.futures
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from mdterm.feeds.address import Instrument
from mdterm.feeds.alerts import Alarm, Rule
from mdterm.feeds.clock import Clock, SystemClock
from mdterm.feeds.events import Candle
from mdterm.feeds.frames import FrameSet
from mdterm.feeds.journal_file import JournalError, JournalReader
from mdterm.feeds.port import Port, Post
from mdterm.feeds.specs import ViewSpec

if TYPE_CHECKING:
    from mdterm.feeds.player import PlayCommand, ReplayThread

log = logging.getLogger(__name__)

PART_BYTES: Final = 16 * 1024 * 1024
PART_S: Final = 240.0
PARTS: Final = 16
"""Of the journal that is kept for going back: an hour and four minutes at most, and 256 MB."""
BARS: Final = 1_500
_LEAD_NS: Final = 5_000_000_000
"""A part must have begun so long before the moment that is looked at: books and trades must have come."""
_BACK_NS: Final = 1_500_000_000
"""So near to now the live market is shown again."""


class Live(Port, Protocol):
    """The live feed, in this process or in another one."""

    def bars(self, count: int) -> dict[str, list[Candle]]:
        """Return the newest bars of a minute of every market; wait for them. Raise TimeoutError."""


class Parts(Protocol):
    """The journal of the last hour, as it is kept. Where it cannot be had both raise JournalError."""

    @property
    def path(self) -> Path:
        """The first part there ever was."""

    @property
    def parts(self) -> list[Path]:
        """The parts that are kept, oldest first."""


class RewindPort:
    """The port of a live feed, and for a while that of its past."""

    def __init__(
        self,
        live: Live,
        recorder: Parts,
        *,
        clock: Clock | None = None,
        pairs: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Compare ``pairs`` in the past too."""
        self.switched: Callable[[Clock | None], None] = lambda clock: None
        """Told the clock of what is shown from now on, None for the live one; on any thread."""
        self.told: Callable[[str], None] = lambda words: None
        """Told why it cannot go back; on any thread."""
        self._live = live
        self._recorder = recorder
        self._pairs = tuple(pairs)
        self._clock = clock or SystemClock()
        self._post: Post | None = None
        self._past: ReplayThread | None = None
        self._first_at = 0
        """When (wall, ns) the part began that is shown."""
        self._is_opening = False
        self._last = 0
        self._period_s: float | None = None

    @property
    def is_rewound(self) -> bool:
        """Whether the past is shown."""
        return self._past is not None

    @property
    def _shown(self) -> Port:
        return self._live if self._past is None else self._past

    # The port.

    def connect(self, post: Post) -> None:
        """Begin to receive frame sets."""
        self._post = post
        self._live.connect(self._from_live)

    def _from_live(self, frames: FrameSet) -> None:
        if self._past is not None:
            self._live.ack(frames.number)  # not shown, and not waited for
        elif self._post is not None:
            self._last = frames.number
            self._post(frames)

    def watch(self, instruments: Sequence[Instrument]) -> None:
        """Set the watchlist."""
        self._live.watch(instruments)
        if self._past is not None:
            self._past.watch(instruments)

    def bind(self, panel: str, address: str, spec: ViewSpec) -> None:
        """Bind a panel."""
        self._shown.bind(panel, address, spec)

    def respec(self, panel: str, spec: ViewSpec) -> None:
        """Change a bound panel's view."""
        self._shown.respec(panel, spec)

    def unbind(self, panel: str) -> None:
        """Let a panel go."""
        self._shown.unbind(panel)

    def heed(self, raised: Callable[[Alarm], None]) -> None:
        """Begin to be told of alerts: always those of the live market."""
        self._live.heed(raised)

    def alert(self, rules: Sequence[Rule]) -> None:
        """Set all alerts: always on the live market."""
        self._live.alert(rules)

    def left(self) -> None:
        """Sum anew what passes: always of the live market."""
        self._live.left()

    def returned(self) -> None:
        """Keep what has passed: always of the live market."""
        self._live.returned()

    def ack(self, number: int) -> None:
        """Return the credit for a frame set."""
        self._shown.ack(number)

    def pace(self, period_s: float) -> None:
        """Make frame sets so far apart (s)."""
        self._period_s = period_s
        self._live.pace(period_s)
        if self._past is not None:
            self._past.pace(period_s)

    def repaint(self) -> None:
        """Ask for every frame again."""
        self._shown.repaint()

    # Going back, and coming back.

    def play(self, command: "PlayCommand", *args: float) -> None:
        """Go back or on by seconds, to a time, or have the past played; return at once."""
        past = self._past
        if command in ("skip", "jump"):
            now = self._clock.wall()
            at = now if past is None else past.player.line().at
            at = round(args[0]) if command == "jump" else at + round(args[0] * 1e9)
            if at >= now - _BACK_NS:
                self._come_back()
            elif past is None or at < self._first_at + _LEAD_NS:
                self._open(at)
            else:
                past.play("jump", at)
        elif past is not None:
            past.play(command, *args)
        else:
            self.told("the market is live: < goes back in the last hour")

    def close(self) -> None:
        """End what is played."""
        past, self._past = self._past, None
        if past is not None:
            past.stop()

    def _come_back(self) -> None:
        past, self._past = self._past, None
        if past is not None:
            self.switched(None)
            self._live.repaint()
            past.stop()

    def _open(self, at: int) -> None:
        if not self._is_opening:
            self._is_opening = True
            threading.Thread(target=self._go_back, args=(at,), name="rewind", daemon=True).start()

    def _go_back(self, at: int) -> None:
        try:
            self._show_past(at)
        except (JournalError, OSError, concurrent.futures.TimeoutError) as error:
            log.warning("cannot go back: %s", error)
            self.told(f"cannot go back: {error}")
        finally:
            self._is_opening = False

    def _show_past(self, at: int) -> None:
        # Imported when it is first used: most runs never go back, and all want their first picture soon.
        from mdterm.feeds.player import Player, ReplayThread
        from mdterm.feeds.recording import Recording

        part, began = self._part_of(at)
        # The first part holds the past as it was fetched; a later one begins in the middle of it.
        bars = {} if part == self._recorder.path else self._live.bars(BARS)
        recording = Recording(part)
        at = max(at, began + _LEAD_NS)

        def make() -> Player:
            player = Player(recording, start_at=at, known=bars, is_rewind=True, pairs=self._pairs)
            player.pause()
            return player

        past = ReplayThread(make)
        past.start()
        before, self._first_at = self._past, began
        self._past = past
        self._live.ack(self._last)
        if self._period_s is not None:
            past.pace(self._period_s)
        if self._post is not None:
            past.connect(self._post)
        self.switched(past.player.feed.replay_clock)
        if before is not None:
            before.stop()

    def _part_of(self, at: int) -> tuple[Path, int]:
        """Return the newest part that began long enough before a time, and when. Raise JournalError."""
        found: tuple[Path, int] | None = None
        for path in list(self._recorder.parts):
            try:
                reader = JournalReader(path)
            except JournalError:
                continue  # it was the oldest, and has just been let go
            places = reader.places()
            reader.close()
            if places and (found is None or places[0].first_at + _LEAD_NS <= at):
                found = path, places[0].first_at
        if found is None:
            raise JournalError("nothing was kept yet")
        return found
