"""An app whose paints take our way to the terminal: shortest bytes, and no more than it takes."""

import os
from collections.abc import Callable
from typing import Any, Final

from rich.color import ColorSystem
from textual import events
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size
from textual.screen import Screen

from mdterm.app.canvas import Canvas
from mdterm.app.colours import colours_of
from mdterm.app.credit import Credit
from mdterm.app.express import Express
from mdterm.app.outlet import Allowance, Meter, Outlet, Sink
from mdterm.feeds.clock import Clock
from mdterm.feeds.port import Port

_BEHIND_S: Final = 0.03
THIN_LINK: Final = 4_600.0
"""Bytes a second that a slow link is given, on average."""
THIN_FRAME: Final = 2_300.0
"""Bytes that it is given at once: half a second's."""
UNWATCHED_S: Final = 0.5
"""Seconds between frame sets, at least, while the terminal has not the focus; it may stand beside."""


class PacedApp(App[int], inherit_bindings=False):
    """Textual's app with an outlet between its compositor and its driver.

    Without a terminal (in tests that only look at widgets) paints go nowhere, and are acknowledged.
    """

    def __init__(
        self,
        port: Port,
        clock: Clock,
        driver_class: type[Driver],
        *,
        period_s: float,
        slow_link: bool,
        is_ascii: bool = False,
    ) -> None:
        super().__init__(driver_class=driver_class)
        self.port = port
        self.clock = clock
        self.period_s = period_s
        """Seconds from frame set to frame set while somebody looks."""
        self.after_first_paint: Callable[[], None] | None = None
        """Called once, when something stands on the terminal: what is not seen at once may be loaded now."""
        self.credit = Credit(port.ack, clock.mono)
        # Where there are none, somebody may still choose a theme that has some.
        colours = colours_of(os.environ) or ColorSystem.STANDARD
        canvas = Canvas(min(colours, ColorSystem.STANDARD) if slow_link else colours)
        self.outlet = Outlet(
            canvas,
            self.credit,
            lambda: self._sync_available,
            is_ascii=is_ascii,
            allowance=Allowance(THIN_LINK, THIN_FRAME, clock.mono) if slow_link else None,
            later=self._release_in,
            fits=self._fits,
        )
        self._is_release_due = False
        self.meter = Meter()
        self.express = Express(self, self.outlet)

    def open_outlet(self) -> None:
        """Begin to write; called once the driver runs."""
        driver: object = self._driver
        if isinstance(driver, Sink):
            self.outlet.open(driver)
            if not self.is_headless:
                self._take_short_way()
        self.app_resume_signal.subscribe(self, lambda _: self._resumed())

    def _take_short_way(self) -> None:
        screen = self.screen
        screen.screen_layout_refresh_signal.subscribe(self, self.express.survey, immediate=True)
        self.theme_changed_signal.subscribe(self, lambda _: self.express.survey(screen), immediate=True)

    def watch_app_focus(self, focus: bool) -> None:
        """Draw less while the terminal has not the focus, and everything once more when it has."""
        if self.outlet.is_open:
            self.port.pace(self.period_s if focus else max(self.period_s, UNWATCHED_S))
            if focus:
                self.repaint_terminal()

    def on_resize(self, event: events.Resize) -> None:
        """Write everything again where the terminal was another size for a moment.

        It has cut or moved its cells then, while there is nothing to lay out anew.
        """
        if (self.outlet.canvas.width, self.outlet.canvas.height) == event.size:
            self.outlet.repaint()

    def terminal_size(self) -> Size | None:
        """Return the size that the terminal has now, None where there is none."""
        driver: object = self._driver
        if self.is_headless or not isinstance(driver, LinuxDriver):
            return None
        return Size(*driver._get_terminal_size())

    def check_size(self) -> None:
        """Take up a size that was missed; called once a second.

        A busy screen that is resized several times in a moment has been seen laid out for a size gone by.
        """
        size = self.terminal_size()
        if size is not None and not (self.size == self.screen._compositor.size == size):
            self.post_message(events.Resize(size, size))

    def _fits(self) -> bool:
        """Return whether what is painted is of the terminal's size.

        Textual takes a size at once and lays out a moment later; paints until then stay on the canvas.
        """
        canvas = self.outlet.canvas
        return not canvas.width or (canvas.width, canvas.height) == self.size

    def _resumed(self) -> None:
        """Show everything again after the program was stopped."""
        if self.credit.answers:
            self.credit.answered()  # an answer that was under way has gone to the shell
        self.repaint_terminal()

    def repaint_terminal(self) -> None:
        """Write the whole screen again."""
        self.outlet.repaint()
        self.screen.refresh()

    def painted(self, number: int, made: float) -> None:
        """Note that frame set ``number`` is painted: it is acknowledged when the terminal has it."""
        if self.is_headless:
            self.credit.grant(number)
        else:
            self.outlet.painted(number, made)

    def _fatal_error(self) -> None:
        # Textual would print a traceback with every local variable, keys included: the caller of `run`
        # raises the error instead, and tells of it without.
        self.bell()
        self._close_messages_no_wait()

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        # The one place where Textual turns a paint into bytes, unchanged cells and all.
        paintable = isinstance(renderable, ChopsUpdate | LayoutUpdate)
        if not paintable or self.is_headless or self._batch_count or not self._running:
            super()._display(screen, renderable)
            return
        laid_out = screen._compositor.size
        if (self.outlet.canvas.width, self.outlet.canvas.height) != laid_out and not (
            isinstance(renderable, LayoutUpdate) and renderable.region.size == laid_out
        ):
            screen.refresh()  # a canvas of another size is blank wherever this paint leaves it
        self.outlet.display(renderable, (laid_out.width, laid_out.height))
        self.post_display_hook()
        if self.after_first_paint is not None:
            # Not at once: the thread that writes to the terminal wants the interpreter too.
            self.set_timer(_BEHIND_S, self.after_first_paint)
            self.after_first_paint = None

    def takes_commands(self) -> bool:
        """Return whether a key is a command now, and for nothing that lies over the board."""
        return False

    async def on_event(self, event: events.Event) -> None:
        """Obey a command before the next key is looked at, which is for what this one opens.

        Textual hands it to a panel first, and hears of it again behind the keys that came meanwhile.
        """
        if isinstance(event, events.Key) and not event.is_forwarded and self.takes_commands():
            self.app_focus = True
            if await self._check_bindings(event.key):
                return
        await super().on_event(event)

    def terminal_answered(self) -> None:
        """Take credit at once, on the thread that heard the answer; write what was held back."""
        self.credit.answered()
        self._release()

    def is_key_bound(self, key: str) -> bool:
        """Return whether a key does something; asked on the thread that hears it."""
        return key in self._bindings.key_to_bindings

    def terminal_drained(self) -> None:
        """Take credit of a terminal that does not answer; write what was held back."""
        self.credit.drained()
        self._release()

    def _release_in(self, seconds: float) -> None:
        """Write what is held back after a pause."""
        if not self._is_release_due:
            self._is_release_due = True
            self.set_timer(seconds, self._release_late)

    def _release_late(self) -> None:
        self._is_release_due = False
        self.outlet.release()

    def _release(self) -> None:
        if self._loop is not None and self._running and self.outlet.is_holding:
            self._loop.call_soon_threadsafe(self.outlet.release)
