"""The symbol search before anything is watched: there is a credential, but no watchlist and no address."""

from pathlib import Path
from typing import Any, ClassVar

from textual.driver import Driver

import mdterm.themes
from mdterm.app.choices import Choices
from mdterm.app.commands.context import Failed
from mdterm.app.finder import Finder, FinderScreen
from mdterm.app.paced import PacedApp
from mdterm.app.shelf import Shelf
from mdterm.app.terminal import TerminalDriver
from mdterm.feeds.address import AddressError, Instrument
from mdterm.feeds.clock import Clock, SystemClock
from mdterm.feeds.port import Port

INTERRUPTED = 130


class Opening(PacedApp, inherit_bindings=False):
    """A screen with nothing but the search; ``found`` is what was chosen, None where nobody chose."""

    CSS_PATH: ClassVar[Any] = Path(mdterm.themes.__file__).with_name("mdterm.tcss")
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False

    def __init__(
        self,
        port: Port,
        finder: Finder,
        choices: Choices,
        *,
        slow_link: bool = False,
        clock: Clock | None = None,
        driver_class: type[Driver] = TerminalDriver,
    ) -> None:
        super().__init__(
            port,
            clock or SystemClock(),
            driver_class,
            period_s=1.0,
            slow_link=slow_link,
            is_ascii=choices.is_ascii,
        )
        self.animation_level = "none"
        Shelf(self, is_red_up=choices.is_red_up, own=choices.own_themes)
        self.theme = choices.theme
        self.finder = finder
        self.found: Instrument | None = None
        self._keymap_in_force = choices.keymap
        self._bindings.bind("ctrl+c", "app.interrupt", priority=True)

    def on_mount(self) -> None:
        """Open the way to the terminal, and the search."""
        self.open_outlet()
        self._search()

    def _search(self) -> None:
        self.push_screen(FinderScreen([], self.finder, self._keymap_in_force), self._chosen)

    def _chosen(self, address: str | None) -> None:
        if address is None:
            self.exit(0)
        else:
            self.run_worker(self._open(address), exclusive=True)

    async def _open(self, address: str) -> None:
        try:
            self.found = await self.finder.open(address)
        except (AddressError, Failed) as error:
            self.notify(f"{address} cannot be watched: {error}", severity="error", markup=False)
            self._search()
        else:
            self.exit(0)

    def action_interrupt(self) -> None:
        """Leave as a program that was interrupted."""
        self.exit(INTERRUPTED, return_code=INTERRUPTED)
