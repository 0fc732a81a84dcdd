"""The beat: one frame set at a time, at most so many a second, and none that nobody has read.

The first change after a pause is drawn at once; further ones wait for the period. While a frame set is
under way nothing is made: the next one comes from the newest state, so a slow terminal skips frames and
never sees an old one. Where answers come late the period grows (see ``tempo``). To a far screen there is
nearly always one under way; what a key asks for need not wait there for that one's way back.
"""

import asyncio
from collections.abc import Callable

from mdterm.feeds.binding import Binding
from mdterm.feeds.clock import Clock
from mdterm.feeds.frames import FrameSet, LinkLine, PanelFrame
from mdterm.feeds.port import Post
from mdterm.feeds.tempo import Tempo


class Beat:
    """Collects the frames of all bound panels and posts what changed. Runs on the feed's loop."""

    def __init__(self, clock: Clock, period_s: float, links: Callable[[], list[LinkLine]]) -> None:
        self.bindings: dict[str, Binding] = {}
        self.posted_sets = 0
        self.answers_at_once = False
        """Whether what is urgent may go beside the one frame set that is under way."""
        self._clock = clock
        self._tempo = Tempo(period_s)
        self._links = links
        self._loop = asyncio.get_running_loop()
        self._post: Post | None = None
        self._under_way: dict[int, float] = {}
        """The frame sets that are not acknowledged, and when (s) each was made."""
        self._handle: asyncio.TimerHandle | None = None
        self._made_at = float("-inf")
        self._dirty = False
        self._urgent = False
        self._awaited: set[str] = set()
        self._posted_links: list[LinkLine] = []

    def connect(self, post: Post) -> None:
        """Begin to post frame sets to a screen."""
        self._post = post
        self._under_way.clear()
        self.repaint()

    def add(self, binding: Binding) -> None:
        """Take a panel in; one of the same name leaves."""
        self.remove(binding.panel)
        self.bindings[binding.panel] = binding
        self.touch(urgent=True)

    def remove(self, panel: str) -> None:
        """Let a panel go."""
        binding = self.bindings.pop(panel, None)
        if binding is not None:
            binding.close()
            self._given(panel)

    def repaint(self) -> None:
        """Send every panel again, changed or not."""
        for binding in self.bindings.values():
            binding.posted = None
        self._posted_links = []
        self.touch(urgent=True)

    def touch(self, *, urgent: bool = False) -> None:
        """Say that something on the screen may have changed; ``urgent`` does not wait for the period."""
        self._dirty = True
        if urgent and not self._urgent:
            self._urgent = True
            if self._handle is not None:
                self._handle.cancel()
                self._handle = None
        if self._handle is None and self._may_make() and not self._awaited:
            wait = 0.0 if self._urgent else self._made_at + self._tempo.period_s - self._clock.mono()
            self._handle = self._loop.call_later(max(0.0, wait), self._strike)

    def _may_make(self) -> bool:
        """Return whether there is credit for a frame set: for one, and for one answer beside it."""
        most = 1 if self.answers_at_once and self._urgent else 0
        return len(self._under_way) <= most

    def ack(self, number: int) -> None:
        """Take back the credit for a frame set that the terminal has, and for those before it."""
        made = self._under_way.get(number)
        if made is not None:
            self._under_way = {one: at for one, at in self._under_way.items() if one > number}
            self._tempo.answered(self._clock.mono() - made)
            if self._dirty:
                self.touch()

    def pace(self, period_s: float) -> None:
        """Make frame sets so far apart (s) from now on, or farther where the terminal is slow."""
        self._tempo.ask(period_s)

    def close(self) -> None:
        """End all panels."""
        for panel in list(self.bindings):
            self.remove(panel)
        if self._handle is not None:
            self._handle.cancel()

    def _strike(self) -> None:
        self._handle = None
        if self._post is None or not self._may_make() or self._awaited:
            return
        self._dirty = self._urgent = False
        self._made_at = self._clock.mono()
        self._awaited = set(self.bindings)
        for binding in self.bindings.values():
            binding.render()
        if not self._awaited:
            self._publish()

    def offer(self, binding: Binding, made: PanelFrame) -> None:
        """Take a panel's frame; the last one of a beat posts the set."""
        if self.bindings.get(binding.panel) is not binding:
            return
        binding.made = made
        self._given(binding.panel)

    def _given(self, panel: str) -> None:
        if panel in self._awaited:
            self._awaited.discard(panel)
            if not self._awaited:
                self._publish()

    def _publish(self) -> None:
        assert self._post is not None
        changed: dict[str, PanelFrame] = {}
        for panel, binding in self.bindings.items():
            if binding.made is not None and binding.made != binding.posted:
                changed[panel] = binding.posted = binding.made
        links = self._links()
        if changed or links != self._posted_links:
            self.posted_sets += 1
            self._under_way[self.posted_sets] = self._made_at
            self._posted_links = links
            delay = min((line.delay_ms for line in links if line.delay_ms is not None), default=None)
            self._post(
                FrameSet(
                    self.posted_sets, self._clock.mono(), self._clock.wall(), changed, list(links), delay
                )
            )
        if self._dirty:
            self.touch()
