"""The command palette: every command and every symbol, found by its words."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from mdterm.app.keymap import Keymap
from mdterm.app.keytable import SYMBOLS
from mdterm.app.overlay import Prompt, PromptLine
from mdterm.feeds.address import Instrument
from mdterm.feeds.text import clean
from mdterm.widgets.figures import fit
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import Part, Row, merge, spread


@dataclass(frozen=True)
class Entry:
    """Something the palette offers: where it belongs, what it does, its keys, and the action to run.

    ``also`` are words that it is found by besides.
    """

    group: str
    words: str
    keys: str
    action: str
    also: str = ""


def make_entries(
    instruments: Sequence[Instrument], keymap: Keymap, listed: Sequence[int] | None = None
) -> list[Entry]:
    """Return what can be found: the commands in the order of the keymap, then the symbols.

    ``listed`` are those that have a digit, in the order of their digits; all if it is None.
    """
    entries = [
        Entry(one.group, one.help, " ".join(one.keys), one.action, one.also)
        for one in keymap.commands
        if one.id != "palette" and one.parameter is None
    ]
    digits = {one.parameter: " ".join(one.keys) for one in keymap.commands if one.parameter is not None}
    places = {at: place for place, at in enumerate(range(len(instruments)) if listed is None else listed, 1)}
    entries += [
        Entry(
            SYMBOLS,
            f"show {one.address}",
            digits.get(places.get(at, 0), ""),
            f"screen.show_instrument({at})",
        )
        for at, one in enumerate(instruments)
    ]
    return entries


def find(entries: Sequence[Entry], query: str) -> list[Entry]:
    """Return the entries that hold every word of the query, those with a word that begins so first.

    What is found by other words than those that are read comes behind.
    """
    wanted = query.casefold().split()
    ranked: list[tuple[int, int, Entry]] = []
    for at, entry in enumerate(entries):
        text = f"{entry.group} {entry.words} {entry.also}".casefold()
        if all(word in text for word in wanted):
            begins = f"{entry.group} {entry.words}".casefold().replace(":", " ").split()
            missed = sum(not any(one.startswith(word) for one in begins) for word in wanted)
            ranked.append((missed, at, entry))
    return [entry for _, _, entry in sorted(ranked, key=lambda one: one[:2])]


class PaletteScreen(Prompt[str], inherit_bindings=False):
    """A line to type in and what it finds; dismissed with the action to run."""

    OPENED_BY = "palette"

    def __init__(
        self, instruments: Sequence[Instrument], keymap: Keymap, listed: Sequence[int] | None = None
    ) -> None:
        self.found = FoundList(make_entries(instruments, keymap, listed))
        super().__init__(self.found, keymap)

    def entered(self) -> None:
        """Run what is under the cursor."""
        chosen = self.found.chosen()
        if chosen is not None:
            self.dismiss(chosen.action)

    def clicked(self) -> None:
        """Run what was clicked."""
        self.entered()


class FoundList(PromptLine):
    """The query and the entries it finds."""

    LONGEST = 60

    def __init__(self, entries: Sequence[Entry]) -> None:
        super().__init__()
        self.entries = entries
        self.hits = find(entries, "")
        self.at = 0
        self._first, self._heads = 0, 1

    def retyped(self) -> None:
        """Find what is typed."""
        self.hits, self.at = find(self.entries, self.typed), 0

    def move(self, by: int) -> None:
        """Move the cursor; the ends do not wrap."""
        self.at = max(0, min(len(self.hits) - 1, self.at + by))
        self.repaint()

    def point(self, y: int, x: int = 0) -> bool:
        """Put the cursor on what stands at row ``y``; return whether anything does."""
        at = self._first + y - self._heads
        if y < self._heads or at >= len(self.hits):
            return False
        self.at = at
        self.repaint()
        return True

    def chosen(self) -> Entry | None:
        """Return the entry under the cursor."""
        return self.hits[self.at] if self.hits else None

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return query and hits; the cursor is always in view."""
        title: list[Part] = [("─ ", palette.grid), (f": {clean(self.typed)}▏ ", palette.key)]
        if not self.typed:
            title.append(("words of a command ", palette.muted))
        rows = [
            spread(
                title,
                [(" enter runs, esc closes", palette.muted), (" ─", palette.grid)],
                width,
                "─",
                palette.grid,
            )
        ]
        if not self.hits:
            return [*rows, (("  nothing is called so", palette.muted),)]
        room = height - 1
        first = self._first = max(0, min(self.at - room // 2, len(self.hits) - room))
        groups = max(len(one.group) for one in self.entries) + 2
        for at, hit in enumerate(self.hits[first : first + room], first):
            keys = f"  {hit.keys} "
            words = fit(hit.words, max(0, width - groups - 2 - cell_len(keys)))
            parts: list[Part] = [
                (f"  {hit.group.ljust(groups)}", palette.muted),
                (words, palette.text),
                (keys, palette.key),
            ]
            if at == self.at:
                parts = [(text, style + palette.cursor) for text, style in parts]
            rows.append(merge(parts))
        return rows
