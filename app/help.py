"""The help: every key and what it does, over the board."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Final

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from mdterm.app.keymap import GROUPS, Keymap, textual_key
from mdterm.app.overlay import Overlay
from mdterm.widgets.figures import fit
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Line
from mdterm.widgets.rows import NO_STYLE, Part, Row, merge, spread

HelpLine = tuple[str, str, str]
"""Group (in its first line only), keys, words."""
_BOLD = Style(bold=True)
OTHER_KEYS: Final = "[keys] in the configuration gives a command other keys; mdterm keys lists the names"
SETTINGS: Final = "mdterm config init writes it, for keys of providers too; config path tells its place"
COLUMN: Final = 80
"""Cells that a column of the table wants."""
ALONE: Final = 100
"""Cells that it may have where there is room for one only."""


class HelpScreen(Overlay[None], inherit_bindings=False):
    """Every key and what it does, those of one group first; the opening key closes it."""

    def __init__(self, keymap: Keymap, first: str = "") -> None:
        super().__init__()  # no id: one may open while the one before is still being taken away
        self.keymap = keymap
        self.table = HelpTable(keymap, first)

    def compose(self) -> ComposeResult:
        """Show the table."""
        with Vertical(id="help-box"):
            yield self.table

    def on_resize(self, event: events.Resize) -> None:
        """Take the room that is needed, as far as it is there."""
        self.table.fit_into(event.size.width, event.size.height)
        has_room = event.size.width >= self.table.cells + 2
        self.query_one("#help-box").set_class(has_room, "-framed")  # keeps off what stands beside

    def clicked(self) -> None:
        """Do what the key does that was clicked."""
        if self.table.pointed is not None:
            key = textual_key(self.table.pointed)
            self.dismiss(None)
            self.app.call_later(self.app.simulate_key, key)

    def on_key(self, event: events.Key) -> None:
        """Turn pages or close."""
        if self.is_closed(event):
            return
        event.stop()
        page = self.table.room
        moves = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -page, "pagedown": page, "space": page}
        if event.key == "escape" or event.key in map(textual_key, self.keymap.keys_of("help")):
            self.dismiss(None)
        elif event.key in moves:
            self.table.scroll_lines(moves[event.key])


class HelpTable(Line):
    """The keymap as text, in as many columns as fit; where it is taller than the screen it scrolls."""

    def __init__(self, keymap: Keymap, first: str = "") -> None:
        super().__init__(id="help-table")
        self._told = help_lines(keymap, first)
        self.lines = self._told
        self.closing = "esc" if not (keys := keymap.keys_of("help")) else f"esc or {keys[0]}"
        self.columns = 1
        self.cells = COLUMN
        """The width of all of them."""
        self.at = 0
        """The first line shown."""
        self.pointed: str | None = None
        """The key that was clicked."""

    def fit_into(self, width: int, height: int) -> None:
        """Take as many columns as a screen has and the table needs."""
        deep = max(1, height - 1)
        self.columns = max(1, min(width // COLUMN, -(-len(self._told) // deep)))
        column = min(COLUMN if self.columns > 1 else ALONE, width // self.columns)
        self.lines = _wrapped(self._told, max(10, column - sum(_widths(self._told)) - 5))
        self.cells = self.columns * column
        self.styles.width = self.cells
        self.styles.height = min(height, 1 - (-len(self.lines) // self.columns))

    @property
    def room(self) -> int:
        """Lines that fit at once."""
        return max(1, self.size.height - 1) * self.columns

    def point(self, y: int, x: int = 0) -> bool:
        """Note the first key told at ``y`` and ``x``; a line that goes on belongs to the one above."""
        deep = max(1, self.size.height - 1)
        at = self.at + y - 1 + x // max(1, self.size.width // self.columns) * deep
        while 0 < at < len(self.lines) and not self.lines[at][1]:
            at -= 1
        if not 0 <= at < len(self.lines) or "…" in self.lines[at][1]:
            return False  # nothing there, or the digits: which of them is not to be known
        self.pointed = self.lines[at][1].split()[0]
        return True

    def move(self, by: int) -> None:
        """Show later lines (positive) or earlier ones."""
        self.scroll_lines(by)

    def scroll_lines(self, by: int) -> None:
        """Show later lines (positive) or earlier ones."""
        self.at = max(0, min(len(self.lines) - self.room, self.at + by))
        self.repaint()

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return headings and keys."""
        self.at = max(0, min(len(self.lines) - self.room, self.at))
        shown = self.lines[self.at : self.at + self.room]
        more = len(self.lines) - self.at - len(shown)
        title: list[Part] = [("─ ", palette.grid), ("KEYS", palette.text + _BOLD), (" ", NO_STYLE)]
        closes = [(f" {self.closing} closes", palette.muted), (" ─", palette.grid)]
        if more or self.at:
            told = f"{more} more below" if more else f"{self.at} above"
            closes.insert(0, (f" ↑↓ {told} ·", palette.key))
        rows = [spread(title, closes, width, "─", palette.grid)]
        column, deep = width // self.columns, max(1, height - 1)
        groups, keys = _widths(self._told)
        for y in range(min(deep, len(shown))):
            parts: list[Part] = []
            for group, key, words in shown[y::deep]:
                room = max(0, column - groups - keys - 5)
                parts += [(group.ljust(groups + 2), palette.text + _BOLD), (key.ljust(keys + 2), palette.key)]
                parts += [(fit(words, room).ljust(room + 1), palette.text)]
            rows.append(merge(parts))
        return rows


def _widths(lines: Sequence[HelpLine]) -> tuple[int, int]:
    """Return the cells that groups and keys take."""
    return max(len(group) for group, _, _ in lines), max(cell_len(key) for _, key, _ in lines)


def _wrapped(lines: Sequence[HelpLine], room: int) -> list[HelpLine]:
    """Return lines whose words are at most ``room`` wide; what is longer goes on below."""
    found: list[HelpLine] = []
    for group, key, words in lines:
        first, *rest = wrap(words, room)
        found += [(group, key, first), *(("", "", line) for line in rest)]
    return found


def help_lines(keymap: Keymap, first: str = "") -> list[HelpLine]:
    """Return group (in its first line only), keys and words; the group ``first`` before all others.

    Digits, and neighbours, are told in one line.
    """
    lines: list[HelpLine] = []
    for group in sorted(GROUPS, key=lambda one: one != first):
        told: dict[str, list[str]] = {}
        members = [one for one in keymap.commands if one.group == group and one.keys]
        digits = [one for one in members if one.parameter is not None]
        if digits:
            first, last = digits[0].keys[0], digits[-1].keys[0]
            told["show a symbol of the watchlist"] = [first if len(digits) == 1 else f"{first} … {last}"]
        for one in members:
            if one.parameter is None:
                told.setdefault(one.together or one.help, []).extend(one.keys)
        lines += [
            ("" if at else group, " ".join(keys), words) for at, (words, keys) in enumerate(told.items())
        ]
    return [*lines, ("Other", "…", OTHER_KEYS), ("", "", SETTINGS)]
