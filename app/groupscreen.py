"""The groups of the watchlist: which the shown symbol is in, and a line to write the name of a new one."""

from typing import Final

from mdterm.app.keymap import Keymap
from mdterm.app.overlay import Prompt, PromptLine
from mdterm.app.roster import Roster
from mdterm.feeds.text import clean
from mdterm.widgets.figures import fit
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import Part, Row, merge, spread

HEADS: Final = 2
"""Rows over the groups."""
_KEYS: Final = " enter puts it in or takes it out, esc closes"


class GroupScreen(Prompt[None], inherit_bindings=False):
    """Puts an instrument into groups and takes it out of them; a name that is new makes a new group."""

    OPENED_BY = "groups"

    def __init__(self, address: str, roster: Roster, keymap: Keymap) -> None:
        self.lines = GroupLines(address, roster)
        super().__init__(self.lines, keymap)

    def entered(self) -> None:
        """Put the instrument into a group, or take it out."""
        self.lines.toggle()

    def clicked(self) -> None:
        """Put the instrument into the group that was clicked, or take it out."""
        self.lines.toggle()


class GroupLines(PromptLine):
    """The line to type in and the groups, each with its mark and how many it has."""

    LONGEST = 20

    def __init__(self, address: str, roster: Roster) -> None:
        super().__init__()
        self.address = address
        self.at = 0
        self._roster = roster
        self._first = 0
        # A group that loses its last member stays in view until this is closed: it may be put back.
        self._names = roster.groups()

    def move(self, by: int) -> None:
        """Move the cursor; the ends do not wrap."""
        self.at = max(0, min(len(self._names) - 1, self.at + by))
        self.repaint()

    def point(self, y: int, x: int = 0) -> bool:
        """Put the cursor on the group that stands on row ``y``; return whether one does."""
        at = self._first + y - HEADS
        if y < HEADS or at >= len(self._names):
            return False
        self.at, self.typed = at, ""
        self.repaint()
        return True

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
        first = self._first = max(0, min(self.at - room // 2, len(self._names) - room))
        for at, name in enumerate(self._names[first : first + room], first):
            members = self._roster.members(name)
            mark = "●" if self.address in members else "○"
            count = [(f"{len(members)} ", palette.muted)]
            row = spread([(f"  {mark} {clean(name, 40)}", palette.text)], count, width, " ", palette.base)
            if at == self.at and not self.typed:
                row = merge((text, style + palette.cursor) for text, style in row)
            rows.append(row)
        return rows
