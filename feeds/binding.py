"""A panel bound to an instrument: an asynchronous task that owns its view and makes its frames."""

import asyncio
import logging
from collections.abc import Callable

import msgspec

from mdterm.feeds.frames import Frame, PanelFrame
from mdterm.feeds.specs import LadderSpec, ViewSpec
from mdterm.feeds.status import BROKEN, Caution, Shown

log = logging.getLogger(__name__)

_HOLD_S = 1.0
"""An age on the screen advances once a second; anything quicker is noise and bytes."""


class Binding:
    """One panel. ``render`` asks the task for a frame; ``offer`` gets it."""

    def __init__(
        self,
        panel: str,
        address: str | None,
        spec: ViewSpec,
        *,
        simulated: bool,
        make: Callable[[ViewSpec, float], tuple[ViewSpec, Frame | None]],
        state: Callable[[], Shown],
        now: Callable[[], float],
        offer: Callable[["Binding", PanelFrame], None],
        caution: Callable[[], Caution | None] = lambda: None,
    ) -> None:
        self.panel = panel
        self.address = address
        """The instrument that is shown; None for a panel over all of them."""
        self.spec = spec
        self._simulated = simulated
        self._view = make
        self.posted: PanelFrame | None = None
        """What the screen has, or is about to have."""
        self.made: PanelFrame | None = None
        """The newest frame, posted or not."""
        self._state = state
        self._now = now
        self._offer = offer
        self._caution = caution
        self._has_failed = False
        self._due = asyncio.Event()
        self._shown: Shown | None = None
        self._shown_at = 0.0
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"panel {panel}")

    def respec(self, spec: ViewSpec) -> None:
        """Change the view. A ladder whose grouping stays, stays where it is unless a centre is given."""
        old = self.spec
        if (
            isinstance(spec, LadderSpec)
            and isinstance(old, LadderSpec)
            and spec.centre is None
            and spec.group == old.group
            and not spec.recentre
        ):
            spec = msgspec.structs.replace(spec, centre=old.centre, step=old.step, seen=old.seen)
        if isinstance(spec, LadderSpec) and isinstance(old, LadderSpec) and old.reset:
            spec = msgspec.structs.replace(spec, reset=True)  # asked for, and not done yet
        self.spec = spec
        self._shown = None

    def render(self) -> None:
        """Ask for a frame."""
        self._due.set()

    def close(self) -> None:
        """End the task."""
        self._task.cancel()

    async def _run(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                made = self._make()
                self._has_failed = False
            except Exception:
                # One view that fails must not take the others with it, nor look alive, nor fill the log.
                if not self._has_failed:
                    log.exception("panel %s: no frame could be made", self.panel)
                self._has_failed = True
                made = PanelFrame(Shown("STALE", detail=BROKEN), None)
            self._offer(self, made)

    def _make(self) -> PanelFrame:
        now = self._now()
        shown = self._state()
        held = self._shown
        if held is None or held.word != shown.word or now - self._shown_at >= _HOLD_S:
            self._shown, self._shown_at = shown, now
        else:
            shown = held
        self.spec, frame = self._view(self.spec, now)
        return PanelFrame(shown, frame, self._simulated, self.address, self._caution())
