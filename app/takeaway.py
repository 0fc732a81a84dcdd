"""What leaves the screen by a key: text for the clipboard, tables and pictures as files."""

import os
from datetime import UTC, datetime
from pathlib import Path

from mdterm.app import locations
from mdterm.app.board import BoardScreen
from mdterm.app.notices import Level
from mdterm.app.paced import PacedApp
from mdterm.widgets.panel import Panel


class TakeAway(PacedApp, inherit_bindings=False):
    """The keys that copy and export."""

    board: BoardScreen

    def tell(self, words: str, level: Level = "info") -> None:
        """Tell somebody at the screen, and keep it in the log."""
        raise NotImplementedError

    @property
    def _panel(self) -> Panel:
        focused = self.board.focused
        return focused if isinstance(focused, Panel) else self.board.ladder

    def action_copy(self) -> None:
        """Copy the row under the panel's cursor; the panel where it has none."""
        row = self._panel.row_text()
        if row is None:
            self.action_copy_panel()
        else:
            self._copy(row.strip(), "the row")

    def action_copy_panel(self) -> None:
        """Copy the panel as it stands."""
        text = self._panel.text()
        self._copy(text, f"the {self._panel.NAME.lower()}, {len(text.splitlines())} lines,")

    def _copy(self, text: str, what: str) -> None:
        from mdterm.app.clipboard import copy_sequence

        try:
            self.outlet.say(copy_sequence(text, os.environ))
        except ValueError as error:
            self.tell(f"{what} was not copied: {error}", "warning")
            return
        # Whether the terminal took it, it does not say.
        self.tell(f"{what} went to the terminal's clipboard (OSC 52)")

    def action_export(self) -> None:
        """Write the panel's table to a CSV file in the folder that mdterm was started in."""
        from mdterm.app.sheets import csv_of, sheets_of

        panel = self._panel
        sheets = [] if panel.frame is None else sheets_of(panel.frame)
        if not sheets:
            self.tell(f"the {panel.NAME.lower()} has nothing to export", "warning")
        for sheet in sheets:
            self._save(csv_of(sheet), sheet.name, "csv")

    def action_save_screen(self) -> None:
        """Write the screen to an SVG file and to a text file."""
        strips = self.screen._compositor.render_strips()
        text = "\n".join(strip.text.rstrip() for strip in strips) + "\n"
        self._save(self.export_screenshot(title="mdterm"), "screen", "svg")
        self._save(text, "screen", "txt")

    def _save(self, text: str, kind: str, suffix: str) -> None:
        from mdterm.app.sheets import save

        now = datetime.fromtimestamp(self.clock.wall() / 1e9, UTC)
        name = f"mdterm-{kind}-{self.board.instrument.symbol}-{now:%Y%m%dT%H%M%SZ}"
        here = Path.cwd()
        folder = here if os.access(here, os.W_OK) else locations.state_folder() / "exports"
        try:
            path = save(text, folder, name, suffix)
        except OSError as error:
            self.tell(f"{name}.{suffix} was not written to {folder}: {error.strerror or error}", "error")
            return
        self.tell(f"written: {path}")
