"""A line to type the time in that a replay shall go to."""

from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from mdterm.app.keymap import Keymap, textual_key
from mdterm.app.overlay import Overlay
from mdterm.app.times import TimeError, parse_time
from mdterm.feeds.text import clean
from mdterm.widgets.figures import fit
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Line
from mdterm.widgets.rows import Part, Row, merge, spread

_LONGEST: Final = 40
_EXAMPLES: Final = "14:05 · 14:05:30 · 2026-11-20T14:05 (UTC) · 30s (back)"


class JumpScreen(Overlay[int | None], inherit_bindings=False):
    """Returns a time (ns), None if none was chosen. ``near`` (ns) is the time that is shown."""

    def __init__(self, keymap: Keymap, near: int) -> None:
        super().__init__()
        self.keymap = keymap
        self.line = JumpLine()
        self._near = near

    def compose(self) -> ComposeResult:
        """Show the line."""
        with Vertical(id="palette-box"):
            yield self.line

    def on_key(self, event: events.Key) -> None:
        """Type, go or close. The opening key closes while nothing is typed."""
        if not self.is_current:
            return  # a key behind the one that closed it
        line, key = self.line, event.key
        opening = {textual_key(one) for one in self.keymap.keys_of("replay-jump")}
        if key == "escape" or (key in opening and not line.typed):
            self.dismiss(None)
        elif key == "enter":
            self._go()
        elif key == "backspace":
            line.type(line.typed[:-1])
        elif event.character is not None and event.is_printable:
            line.type(line.typed + event.character)
        else:
            return
        event.stop()

    def _go(self) -> None:
        if not self.line.typed.strip():
            self.dismiss(None)
            return
        try:
            at = parse_time(self.line.typed, self._near)
        except TimeError as error:
            self.line.problem = str(error)
            self.line.repaint()
        else:
            self.dismiss(at)


class JumpLine(Line):
    """The line to type in."""

    def __init__(self) -> None:
        super().__init__(id="palette-list")
        self.typed = ""
        self.problem = ""

    def type(self, text: str) -> None:
        """Take what has been typed so far."""
        self.typed, self.problem = text[:_LONGEST], ""
        self.repaint()

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return title, input and what is wrong with it."""
        title: list[Part] = [("─ ", palette.grid), ("GO TO ", palette.key)]
        keys: list[Part] = [(" enter · esc closes", palette.muted), (" ─", palette.grid)]
        line: list[Part] = [("  time: ", palette.text), (f"{clean(self.typed)}▏", palette.key)]
        if not self.typed:
            line.append((f" {_EXAMPLES}", palette.muted))
        rows = [spread(title, keys, width, "─", palette.grid), merge(line)]
        if self.problem:
            rows.append(((fit(f"  {clean(self.problem)}", width), palette.warn),))
        return rows[:height]
