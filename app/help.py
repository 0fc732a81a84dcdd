"""The help: every key and what it does, over the board."""

from rich.cells import cell_len
from rich.style import Style
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from mdterm.app.keymap import GROUPS, Keymap, textual_key
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Line
from mdterm.widgets.rows import NO_STYLE, Part, Row, merge, spread

_BOLD = Style(bold=True)


class HelpScreen(ModalScreen[None], inherit_bindings=False):
    """Every key and what it does; the opening key closes it."""

    def __init__(self, keymap: Keymap) -> None:
        super().__init__()  # no id: one may open while the one before is still being taken away
        self.keymap = keymap
        for key in ("escape", *map(textual_key, keymap.keys_of("help"))):
            self._bindings.bind(key, "dismiss", show=False)

    def compose(self) -> ComposeResult:
        """Show the table; it scrolls where the screen is too small."""
        with VerticalScroll(id="help-box"):
            yield HelpTable(self.keymap)


class HelpTable(Line):
    """The keymap as text."""

    def __init__(self, keymap: Keymap) -> None:
        super().__init__(id="help-table")
        self.lines = help_lines(keymap)
        self.closing = "esc" if not (keys := keymap.keys_of("help")) else f"esc or {keys[0]}"
        self.styles.height = 1 + len(self.lines)

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return headings and keys."""
        groups = max(len(group) for group, _, _ in self.lines)
        keys = max(cell_len(key) for _, key, _ in self.lines)
        title: list[Part] = [("─ ", palette.grid), ("KEYS", palette.text + _BOLD), (" ", NO_STYLE)]
        rows = [
            spread(
                title,
                [(f" {self.closing} closes", palette.muted), (" ─", palette.grid)],
                width,
                "─",
                palette.grid,
            )
        ]
        for group, key, words in self.lines:
            parts: list[Part] = [(group.ljust(groups + 2), palette.text + _BOLD)]
            parts += [(key.ljust(keys + 2), palette.key), (words, palette.text)]
            rows.append(merge(parts))
        return rows


def help_lines(keymap: Keymap) -> list[tuple[str, str, str]]:
    """Return group (in its first line only), keys and words. Digits, and neighbours, are told in one line."""
    lines: list[tuple[str, str, str]] = []
    for group in GROUPS:
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
    return lines
