"""The log panel: why panels are as they are now, and what happened before."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from mdterm.app.keymap import Keymap, textual_key
from mdterm.app.notices import Level, Notices
from mdterm.app.overlay import Overlay
from mdterm.widgets.figures import fit, format_time
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Line
from mdterm.widgets.rows import Part, Row, merge, spread

_LEVELS: Final[dict[Level, str]] = {"info": " ", "warning": "!", "error": "✗"}
_TIME: Final = len("HH:MM:SS  ! ")


class LogScreen(Overlay[None], inherit_bindings=False):
    """The notices over the board; the opening key closes it."""

    def __init__(self, notices: Notices, reasons: Sequence[str], keymap: Keymap, offset_ns: int = 0) -> None:
        super().__init__()  # no id: one may open while the one before is still being taken away
        self.keymap = keymap
        self.lines = NoticeLines(notices, reasons, offset_ns)

    def compose(self) -> ComposeResult:
        """Show the lines."""
        with Vertical(id="log-box"):
            yield self.lines

    def on_mount(self) -> None:
        """Let notices appear while it is open."""
        self.set_interval(1.0, self.lines.repaint)

    def on_key(self, event: events.Key) -> None:
        """Scroll or close."""
        if self.is_closed(event):
            return
        event.stop()
        page = max(1, self.lines.size.height - 2)
        moves = {"up": 1, "k": 1, "down": -1, "j": -1, "pageup": page, "pagedown": -page}
        if event.key == "escape" or event.key in map(textual_key, self.keymap.keys_of("log")):
            self.dismiss(None)
        elif event.key in moves:
            self.lines.scroll_lines(moves[event.key])


class NoticeLines(Line):
    """Reasons of the present first, then notices, the newest at the end."""

    def __init__(self, notices: Notices, reasons: Sequence[str], offset_ns: int) -> None:
        super().__init__(id="log-lines")
        self.notices = notices
        self.reasons = tuple(reasons)
        self.offset_ns = offset_ns
        self.back = 0
        """Lines between the newest and the lower edge."""

    def scroll_lines(self, by: int) -> None:
        """Show earlier lines (positive) or later ones."""
        self.back = max(0, self.back + by)
        self.repaint()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Show earlier lines."""
        event.stop()
        self.scroll_lines(3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Show later lines."""
        event.stop()
        self.scroll_lines(-3)

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return the title and as many lines as fit."""
        title: list[Part] = [("─ ", palette.grid), ("LOG ", palette.key)]
        closes: list[Part] = [(" esc closes", palette.muted), (" ─", palette.grid)]
        rows = [spread(title, closes, width, "─", palette.grid)]
        reasons = self.reasons[: max(0, height // 2 - 1)]
        rows += [((fit(f"  now  {reason}", width), palette.warn),) for reason in reasons]
        told = list(self._told(palette, width))
        room = height - len(rows)
        self.back = min(self.back, max(0, len(told) - room))
        end = len(told) - self.back
        if not told:
            return [*rows, (("  nothing has happened yet", palette.muted),)]
        return [*rows, *told[max(0, end - room) : end]][:height]

    def _told(self, palette: Palette, width: int) -> list[Row]:
        styles = {"info": palette.text, "warning": palette.warn, "error": palette.warn}
        rows: list[Row] = []
        for one in list(self.notices.kept):
            head: Part = (f" {format_time(one.wall + self.offset_ns)} {_LEVELS[one.level]} ", palette.muted)
            for at, line in enumerate(wrap(one.words, max(10, width - _TIME)) or [""]):
                rows.append(
                    merge([head if not at else (" " * _TIME, palette.muted), (line, styles[one.level])])
                )
        return rows
