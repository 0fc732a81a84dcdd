"""An app of one panel, for pictures of it."""

from collections.abc import Callable
from typing import Any

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from mdterm.feeds.frames import PanelFrame
from mdterm.themes.palettes import THEMES
from mdterm.widgets.panel import View


class Shell(App[None]):
    """One panel that shows one frame, and nothing else."""

    CSS = "Shell > Screen { background: $background; } Screen > * { width: 100%; height: 100%; }"

    def __init__(self, panel: View, theme: str, told: PanelFrame, wall: int) -> None:
        super().__init__()
        for one in THEMES:
            self.register_theme(one)
        self.theme = theme
        self.panel = panel
        self.told = told
        self.wall = wall

    def compose(self) -> ComposeResult:
        yield self.panel


def showing(then: Callable[[Any], None] = lambda panel: None) -> Callable[[Pilot[None]], Any]:
    """Return what shows the frame, and then does something to the panel."""

    async def show(pilot: Pilot[None]) -> None:
        await pilot.pause()
        shell = pilot.app
        assert isinstance(shell, Shell)
        shell.panel.show(shell.told, 0.0, shell.wall)
        then(shell.panel)
        for _ in range(2):
            await pilot.pause()

    return show
