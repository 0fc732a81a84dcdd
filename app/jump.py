"""A line to type the time in that a replay shall go to."""

from typing import Final

from mdterm.app.keymap import Keymap
from mdterm.app.overlay import Prompt, PromptLine
from mdterm.app.times import TimeError, parse_time
from mdterm.feeds.text import clean
from mdterm.widgets.figures import fit
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import Part, Row, merge, spread

_EXAMPLES: Final = "14:05 · 14:05:30 · 2026-11-20T14:05 (UTC) · 30s (back)"


class JumpScreen(Prompt[int], inherit_bindings=False):
    """Returns a time (ns), None if none was chosen. ``near`` (ns) is the time that is shown."""

    OPENED_BY = "replay-jump"

    def __init__(self, keymap: Keymap, near: int) -> None:
        self.times = JumpLine()
        super().__init__(self.times, keymap)
        self._near = near

    def entered(self) -> None:
        """Go to the time that is typed."""
        if not self.line.typed.strip():
            self.dismiss(None)
            return
        try:
            at = parse_time(self.line.typed, self._near)
        except TimeError as error:
            self.times.problem = str(error)
            self.times.repaint()
        else:
            self.dismiss(at)


class JumpLine(PromptLine):
    """The line to type in."""

    LONGEST = 40

    def __init__(self) -> None:
        super().__init__()
        self.problem = ""

    def retyped(self) -> None:
        """Take the problem away: it was one of other words."""
        self.problem = ""

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
