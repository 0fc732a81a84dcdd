"""The groups of the watchlist: which the shown symbol is in, and a line to write the name of a new one."""

from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from mdterm.app.overlay import Overlay
from mdterm.app.roster import Roster
from mdterm.feeds.text import clean
from mdterm.widgets.figures import fit
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Line
from mdterm.widgets.rows import Part, Row, merge, spread

_LONGEST: Final = 20
_KEYS: Final = " enter puts it in or takes it out, esc closes"


class GroupScreen(Overlay[None], inherit_bindings=False):
    """Puts an instrument into groups and takes it out of them; a name that is new makes a new group."""

    def __init__(self, address: str, roster: Roster) -> None:
        super().__init__()  # no id: one may open while the one before is still being taken away
        self.lines = GroupLines(address, roster)

    def compose(self) -> ComposeResult:
        """Show the groups."""
        with Vertical(id="palette-box"):
            yield self.lines

    def on_key(self, event: events.Key) -> None:
        """Type, move, choose or close."""
        if not self.is_current:
            return  # a key behind the one that closed it
        lines, key = self.lines, event.key
        if key == "escape":
            self.dismiss(None)
        elif key == "enter":
            lines.toggle()
        elif key in ("up", "down"):
            lines.move(-1 if key == "up" else 1)
        elif key == "backspace":
            lines.type(lines.typed[:-1])
        elif event.character is not None and event.is_printable:
            lines.type(lines.typed + event.character)
        else:
            return
        event.stop()


class GroupLines(Line):
    """The line to type in and the groups, each with its mark and how many it has."""

    def __init__(self, address: str, roster: Roster) -> None:
        super().__init__(id="palette-list")
        self.address = address
        self.typed = ""
        self.at = 0
        self._roster = roster
        # A group that loses its last member stays in view until this is closed: it may be put back.
        self._names = roster.groups()

    def type(self, text: str) -> None:
        """Take what has been typed so far."""
        self.typed = text[:_LONGEST]
        self.repaint()

    def move(self, by: int) -> None:
        """Move the cursor; the ends do not wrap."""
        self.at = max(0, min(len(self._names) - 1, self.at + by))
        self.repaint()

    def toggle(self) -> None:
        """Put the instrument into the group that is typed, or else in or out of the one under the cursor."""
        name = self.typed.strip()
        if name:
            if name not in self._names:
                self._names.append(name)
            self.at, self.typed = self._names.index(name), ""
            self._roster.group(name, self.address)
        elif self._names:
            name = self._names[self.at]
            is_in = self.address in self._roster.members(name)
            (self._roster.ungroup if is_in else self._roster.group)(name, self.address)
        self.repaint()

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return the line to type in and the groups; the cursor is always in view."""
        title: list[Part] = [("─ ", palette.grid), (f"group {clean(self.typed)}▏ ", palette.key)]
        rows = [spread(title, [(_KEYS, palette.muted), (" ─", palette.grid)], width, "─", palette.grid)]
        rows.append(((fit(f"  {self.address}", width), palette.muted),))
        if not self._names:
            return [*rows, (("  there is no group yet: type the name of one", palette.muted),)]
        room = max(1, height - len(rows))
        first = max(0, min(self.at - room // 2, len(self._names) - room))
        for at, name in enumerate(self._names[first : first + room], first):
            members = self._roster.members(name)
            mark = "●" if self.address in members else "○"
            count = [(f"{len(members)} ", palette.muted)]
            row = spread([(f"  {mark} {clean(name, 40)}", palette.text)], count, width, " ", palette.base)
            if at == self.at and not self.typed:
                row = merge((text, style + palette.cursor) for text, style in row)
            rows.append(row)
        return rows
