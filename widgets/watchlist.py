"""The watchlist: one row an instrument, as many columns as there is room for."""

from collections.abc import Mapping, Sequence
from typing import Final, get_args

import msgspec
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message

from mdterm.feeds.frames import PanelFrame, WatchFrame, WatchRow
from mdterm.feeds.specs import WatchSort, WatchSpec
from mdterm.feeds.text import clean
from mdterm.widgets.figures import fit
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Kept, Panel
from mdterm.widgets.rows import NO_STYLE, Row, merge, width_of
from mdterm.widgets.state import aged
from mdterm.widgets.watch_columns import GAP, SPARKS, Columns, choose_columns, names_of
from mdterm.widgets.watch_rows import paint_heads, paint_instrument

CHROME: Final = 1
"""Rows of the body that are no instruments: the column heads."""
LONGEST_WORDS: Final = 40
SORTS: Final[tuple[WatchSort, ...]] = get_args(WatchSort)
"""The columns to sort by, in the order of their key."""
_BOLD: Final = Style(bold=True)


class Watchlist(Panel):
    """The instruments of the watchlist, or of one of its groups; one of them is shown by the other panels."""

    NAME = "WATCH"

    class Selected(Message):
        """An instrument shall be shown."""

        def __init__(self, address: str) -> None:
            super().__init__()
            self.address = address

    class Rearranged(Message):
        """Other rows, or another order of them, are asked for."""

    def __init__(self, *, id: str = "watchlist") -> None:  # noqa: A002  # Textual's own name for it
        super().__init__(id=id)
        self.chosen: str | None = None
        """The address of the instrument that is shown."""
        self.cursor: str | None = None
        self.top = 0
        """The first row in view."""
        self.count = 0
        """How many instruments there are; known before their first frame."""
        self.sort: WatchSort | None = None
        self.is_reversed = False
        self.words = ""
        """What every row's address holds."""
        self.is_typing = False
        """Whether keys go to ``words``."""
        self.group: str | None = None
        """The name of the group that is shown, None for all."""
        self._among: tuple[str, ...] | None = None
        self._columns: Columns | None = None

    @property
    def list_rows(self) -> int:
        """Instruments that fit."""
        return max(1, self.size.height - 1 - CHROME)

    @property
    def rows(self) -> Sequence[WatchRow]:
        """The rows of the newest frame, in the order they stand in."""
        return self.frame.rows if isinstance(self.frame, WatchFrame) else ()

    def spec(self) -> WatchSpec:
        """Return what is asked for, with as many closes as a sparkline may have."""
        return WatchSpec(
            spark=SPARKS[-1], sort=self.sort, reverse=self.is_reversed, words=self.words, among=self._among
        )

    def keep(self) -> dict[str, Kept]:
        """Return how it is sorted."""
        return {"sort": self.sort or "", "reversed": self.is_reversed}

    def restore(self, kept: Mapping[str, Kept]) -> None:
        """Sort as it was sorted."""
        self.sort = next((one for one in SORTS if one == kept.get("sort")), None)
        self.is_reversed = kept.get("reversed") is True

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the rows of the title, the heads and every instrument."""
        return 1 + CHROME + self.count

    def expect(self, addresses: Sequence[str], group: str | None = None) -> None:
        """Make room for instruments: all, or those of a group."""
        self._among = None if group is None else tuple(addresses)
        self.group, self._columns = group, None
        if len(addresses) != self.count:
            self.count = len(addresses)
            self.refresh(layout=True)

    def clear(self, now: float) -> None:
        """Stay: the list is over all instruments."""

    def details(self) -> list[str]:
        """Return the group, what is left out, what it is sorted by unseen, and which rows are in view."""
        told = [] if self.group is None else [f"group {clean(self.group, 14)}"]
        if self.is_typing or self.words:
            told.append(f"/{clean(self.words)}{'▏' if self.is_typing else ''}")
        if not isinstance(self.frame, WatchFrame):
            return told
        if self.words and len(self.rows) < self.frame.total:
            told.append(f"{len(self.rows)} of {self.frame.total}")
        if self.sort is not None and not self._is_head_shown(self.sort):
            told.append(f"by {self.sort}")
        if len(self.rows) > self.list_rows:
            last = min(len(self.rows), self.top + self.list_rows)
            told.append(f"{self.top + 1}–{last} of {len(self.rows)}")
        return told

    def _is_head_shown(self, sort: WatchSort) -> bool:
        return self._columns is not None and any(head.sort == sort for head in self._columns.heads)

    # What it shows

    def select(self, address: str) -> None:
        """Mark the instrument that is shown, and bring it into view."""
        self.chosen = self.cursor = address
        self._reveal(address)
        self.repaint()

    def move_cursor(self, by: int) -> None:
        """Move the cursor; the ends do not wrap."""
        if self.rows:
            at = max(0, min(len(self.rows) - 1, self._at(self.cursor) + by))
            self.cursor = self.rows[at].address
            self._reveal(self.cursor)
            self.repaint()

    def choose(self) -> None:
        """Ask for the instrument under the cursor."""
        if any(row.address == self.cursor for row in self.rows):
            assert self.cursor is not None
            self.post_message(self.Selected(self.cursor))

    def scroll_rows(self, by: int) -> None:
        """Show later rows (positive) or earlier ones."""
        self.top = max(0, min(len(self.rows) - self.list_rows, self.top + by))
        self.repaint()

    def _at(self, address: str | None) -> int:
        return next((at for at, row in enumerate(self.rows) if row.address == address), 0)

    def _reveal(self, address: str | None) -> None:
        at = self._at(address)
        self.top = max(min(self.top, at), at - self.list_rows + 1, 0)

    # What is asked for

    def next_sort(self) -> None:
        """Sort by the next column; after the last one stands the person's own order."""
        at = -1 if self.sort is None else SORTS.index(self.sort)
        self._sort_by(SORTS[at + 1] if at + 1 < len(SORTS) else None)

    def reverse(self) -> None:
        """Sort the other way round."""
        if self.sort is not None:
            self._sort_by(self.sort, is_reversed=not self.is_reversed)

    def _sort_by(self, sort: WatchSort | None, *, is_reversed: bool = False) -> None:
        self.sort, self.is_reversed, self.top = sort, is_reversed, 0
        self._rearrange()

    def type_words(self) -> None:
        """Let keys go to the words that every row must hold."""
        self.is_typing = True
        self._rearrange()

    def filter(self, words: str, *, is_typing: bool = False) -> None:
        """Show only rows that hold the words; all for none."""
        self.words, self.is_typing, self.top = words[:LONGEST_WORDS], is_typing, 0
        self._rearrange()

    def _rearrange(self) -> None:
        self.post_message(self.Rearranged())
        self.repaint()

    def on_key(self, event: events.Key) -> None:
        """Take what is typed while words are typed, before it is a command."""
        if not self.is_typing:
            return
        if event.key == "escape":
            self.filter("")
        elif event.key == "enter":
            self.filter(self.words)
        elif event.key == "backspace":
            self.filter(self.words[:-1], is_typing=True)
        elif event.character is not None and event.is_printable:
            self.filter(self.words + event.character, is_typing=True)
        else:
            return
        event.stop()
        event.prevent_default()

    def on_blur(self) -> None:
        """Leave the typing: keys go elsewhere."""
        self.is_typing = False
        super().on_blur()

    # Painting

    def fit(self) -> None:
        """Let columns and scales be those of what is shown now."""
        self._columns = None

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return title and body; the title tells what the columns do not."""
        if self.rows:
            self._columns = choose_columns(self.rows, width, self._columns, self.sort)
        return super().paint_rows(palette, width, height)

    def paint_body(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return heads and instruments."""
        rows, columns = self.rows, self._columns
        if not rows or columns is None:
            words = f"nothing here is called {clean(self.words)}" if self.words else "there is nothing here"
            return [((fit(f"  {words}", width), palette.muted),)]
        names, elapsed = names_of(rows), self._title_at - self._told_at
        painted = [paint_heads(columns, palette, self.sort, is_reversed=self.is_reversed)]
        for at in range(self.top, min(len(rows), self.top + height - CHROME)):
            one = msgspec.structs.replace(rows[at], shown=aged(rows[at].shown, elapsed))
            row = paint_instrument(one, names[at], columns, palette, self._wall)
            row = merge([("▸" if one.address == self.chosen else " ", palette.key), *row])
            painted.append(self._marked(row, one.address, palette, width))
        return painted

    def _marked(self, row: Row, address: str, palette: Palette, width: int) -> Row:
        """Return a row as it stands when it is the one that is shown, or under the cursor."""
        if address == self.chosen:
            row = tuple((text, style + _BOLD) for text, style in row)
        if address == self.cursor and self.has_focus:
            rest = " " * (width - width_of(row))
            row = merge((text, style + palette.cursor) for text, style in (*row, (rest, NO_STYLE)))
        return row

    def show(self, panel: PanelFrame, made: float, wall: int) -> None:
        """Take a frame. Where rows changed places, the one under the cursor is kept in view."""
        before = [row.address for row in self.rows]
        self.frame = panel.frame
        if before != [row.address for row in self.rows]:
            self.top = max(0, min(self.top, len(self.rows) - self.list_rows))
            if all(row.address != self.cursor for row in self.rows):
                self.cursor = self.rows[0].address if self.rows else None
            if self.has_focus or not before:
                self._reveal(self.cursor)
        super().show(panel, made, wall)

    def on_resize(self, event: events.Resize) -> None:
        """Keep the shown instrument in view; the base class paints."""
        self.top, self._columns = 0, None
        self._reveal(self.chosen)

    def on_click(self, event: events.Click) -> None:
        """Ask for the instrument under the pointer, or sort by the column whose head it is."""
        at = self.top + event.y - 1 - CHROME
        if event.y == CHROME and self._columns is not None and self.rows:
            self._click_head(event.x)
        elif event.y > CHROME and at < len(self.rows):
            self.cursor = self.rows[at].address
            self.post_message(self.Selected(self.cursor))

    def _click_head(self, x: int) -> None:
        """Sort by a column, by the same one the other way round, then in the person's own order."""
        assert self._columns is not None
        for head in self._columns.heads:
            if head.sort is not None and head.start - GAP <= x < head.start + head.width:
                if head.sort != self.sort:
                    self._sort_by(head.sort)
                else:
                    self._sort_by(None if self.is_reversed else head.sort, is_reversed=not self.is_reversed)
                return

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Show earlier rows."""
        event.stop()
        self.scroll_rows(-1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Show later rows."""
        event.stop()
        self.scroll_rows(1)
