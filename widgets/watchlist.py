"""The watchlist: one row an instrument, as many columns as there is room for."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message

from mdterm.feeds.frames import PanelFrame, WatchFrame, WatchRow, WatchSpec
from mdterm.feeds.status import Shown
from mdterm.widgets.candles import spark_cells
from mdterm.widgets.figures import UNKNOWN, cell, fit, format_age, format_price, format_size
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Panel
from mdterm.widgets.rows import NO_STYLE, Part, Row, merge, width_of
from mdterm.widgets.state import aged, state_style

GAP: Final = "  "
CHROME: Final = 1
"""Rows of the body that are no instruments: the column heads."""
_KEY: Final = 3
"""Cells of the mark, the digit and a blank."""
_GLYPHS: Final = {1: "▲", 0: " ", -1: "▼"}
_SHORT: Final = {
    "CONNECTING": "CONN",
    "WARMING": "WARM",
    "RECONNECTING": "RECONN",
    "PARTIAL": "PART",
    "REFUSED": "REFUS…",
}
"""State words where there is no room for them."""
_STATE: Final = 6
_AGE: Final = 3
_SPARKS: Final = (6, 8, 10, 12, 16, 20, 30)
_VOLUME: Final = 7
_BOLD: Final = Style(bold=True)


@dataclass(frozen=True)
class Figure:
    """A column of prices: cells before and after the decimal point; ``after`` is None where right-aligned."""

    before: int
    after: int | None

    @property
    def width(self) -> int:
        """Cells from edge to edge."""
        return self.before + (self.after or 0)

    def text(self, price: float | None, digits: int) -> str:
        """Return a price in its place."""
        text = format_price(price, digits)
        if self.after is None or price is None:
            return cell(text, self.width)
        return cell(text + " " * (self.after - _fraction(digits)), self.width)


def _fraction(digits: int) -> int:
    """Return the cells of the point and what follows it."""
    return digits + 1 if digits else 0


@dataclass(frozen=True)
class Columns:
    """Widths in cells; 0 for a column that there is no room for."""

    symbol: int
    price: Figure
    change: int
    mark: int = 0
    """1 where the last move is marked."""
    quotes: bool = False
    volume: int = 0
    spark: int = 0

    @property
    def tail(self) -> int:
        """Cells of sparkline and age: where there is something to tell, a state takes the room of both."""
        return self.spark + 1 + _AGE if self.spark else _STATE

    @property
    def gap(self) -> str:
        """Return the blanks before the tail; a sparkline is no number, so that one parts it from one."""
        return " " if self.spark else GAP

    @property
    def width(self) -> int:
        """Cells from edge to edge."""
        taken = _KEY + self.symbol + 2 + self.price.width + self.mark + 2 + self.change
        taken += 2 * (2 + self.price.width) if self.quotes else 0
        taken += 2 + self.volume if self.volume else 0
        return taken + len(self.gap) + self.tail


def choose_columns(rows: Sequence[WatchRow], width: int, before: Columns | None) -> Columns:
    """Return the columns that fit, the most useful first; figures never become narrower than ``before``."""
    longest = max((cell_len(name) for name in names_of(rows)), default=0)
    change = max((len(format_change(row.change)) for row in rows), default=0)
    change = max(change, 6, before.change if before else 0)
    aligned, plain = _figures(rows, before)
    found = Columns(max(6, min(longest, 7)), plain, change)

    def add(**wider: Any) -> None:
        nonlocal found
        more = replace(found, **wider)
        if more.width <= width:
            found = more

    add(symbol=max(found.symbol, min(longest, 8)))
    add(spark=_SPARKS[0])
    add(mark=1)
    add(price=aligned)
    if found.spark:
        add(spark=_SPARKS[1])
    for symbol in range(found.symbol + 1, min(longest, 12) + 1):
        add(symbol=symbol)
    add(quotes=True)
    if found.quotes:
        add(volume=_VOLUME)
    for symbol in range(found.symbol + 1, min(longest, 20) + 1):
        add(symbol=symbol)
    for spark in _SPARKS if found.spark else ():
        add(spark=spark)
    return found


def _figures(rows: Sequence[WatchRow], before: Columns | None) -> tuple[Figure, Figure]:
    """Return the column of prices aligned on the point, and the narrower one aligned at the right."""
    whole, after, longest = 0, 0, len("LAST")
    for row in rows:
        for price in (row.last, row.bid, row.ask):
            if price is not None:
                text = format_price(price, row.digits)
                after = max(after, _fraction(row.digits))
                whole = max(whole, len(text) - _fraction(row.digits))
                longest = max(longest, len(text))
    if before is not None:
        longest = max(longest, before.price.width if before.price.after is None else 0)
        if before.price.after is not None:
            whole, after = max(whole, before.price.before), max(after, before.price.after)
    whole = max(whole, len("LAST") - after)
    return Figure(whole, after), Figure(longest, None)


def names_of(rows: Sequence[WatchRow]) -> list[str]:
    """Return the instruments' symbols, with the provider where two are called the same."""
    count = Counter(row.symbol for row in rows)
    return [row.symbol if count[row.symbol] == 1 else f"{row.symbol}·{row.provider}" for row in rows]


def format_change(change: float | None) -> str:
    """Return a change in percent, with its sign but without its unit."""
    return UNKNOWN if change is None else f"{change * 100:+.2f}"


def state_words(shown: Shown, room: int, wall: int | None) -> str:
    """Return a state in ``room`` cells: while it is live only its age, else its word."""
    age = shown.age
    if age is None and shown.since is not None and wall is not None:
        age = (wall - shown.since) / 1e9
    if shown.word in ("LIVE", "QUIET") and age is not None:
        return short_age(age)
    told = "" if age is None else format_age(age, whole=True)
    for words in (f"{shown.word} {told}".rstrip(), shown.word, _SHORT.get(shown.word, "")):
        if words and len(words) <= room:
            return words
    return shown.word[:room]


def short_age(seconds: float) -> str:
    """Return an age in three cells: ``12s``, ``12m``, ``12h``, ``12d``."""
    total = max(0, int(seconds))
    for unit, length, limit in (("s", 1, 60), ("m", 60, 3600), ("h", 3600, 360_000)):
        if total < limit:
            return f"{total // length}{unit}"
    return f"{min(total // 86_400, 99)}d"


def paint_heads(columns: Columns, palette: Palette) -> Row:
    """Return the row of column names; the sparkline's is the minutes it spans."""
    price = columns.price
    parts = [" " * _KEY + "SYMBOL".ljust(columns.symbol), "LAST".rjust(price.width) + " " * columns.mark]
    parts.append("CHG%".rjust(columns.change))
    if columns.quotes:
        parts += ["BID".rjust(price.width), "ASK".rjust(price.width)]
    if columns.volume:
        parts.append("VOL".rjust(columns.volume))
    tail = f"{columns.spark}m".ljust(columns.spark) + " AGE" if columns.spark else "AGE".rjust(_STATE)
    return ((GAP.join(parts) + columns.gap + tail, palette.muted),)


def paint_instrument(
    row: WatchRow, name: str, key: str, columns: Columns, palette: Palette, wall: int | None
) -> Row:
    """Return an instrument's row behind its key; where it is not current, it is grey and says why."""
    shown = row.shown
    body = palette if shown.is_current else palette.dimmed
    price, change = columns.price, row.change or 0.0
    last = price.text(row.last, row.digits)
    direction = 0 if row.last is None else row.direction
    moved = body.moved(direction) if columns.mark else body.text
    parts: list[Part] = [
        (f"{key[:1]} ", palette.key),
        (fit(name, columns.symbol), body.text),
        (GAP, NO_STYLE),
        (last + _GLYPHS[direction] if columns.mark else last, moved),
        (GAP, NO_STYLE),
        (cell(format_change(row.change), columns.change), body.moved((change > 0) - (change < 0))),
    ]
    if columns.quotes:
        parts += [(GAP + price.text(row.bid, row.digits), body.bid)]
        parts += [(GAP + price.text(row.ask, row.digits), body.ask)]
    if columns.volume:
        parts += [(GAP + cell(format_size(row.volume, 1) or "0", columns.volume), body.text)]
    told = state_words(shown, columns.tail, wall)
    parts.append((columns.gap, NO_STYLE))
    if columns.spark and len(told) <= _AGE:
        parts += [(f"{spark_cells(row.spark, columns.spark)} {told.rjust(_AGE)}", body.muted)]
    else:
        style = body.muted if shown.is_current else state_style(shown, palette)
        parts += [(told.rjust(columns.tail), style)]
    return merge(parts)


class Watchlist(Panel):
    """All instruments of the watchlist; one of them is shown by the other panels."""

    NAME = "WATCH"

    class Selected(Message):
        """An instrument shall be shown; ``index`` counts from 0."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, id: str = "watchlist") -> None:  # noqa: A002  # Textual's own name for it
        super().__init__(id=id)
        self.chosen = 0
        """The instrument that is shown."""
        self.cursor = 0
        self.top = 0
        """The first row in view."""
        self.count = 0
        """How many instruments there are; known before their first frame."""
        self._columns: Columns | None = None

    @property
    def list_rows(self) -> int:
        """Instruments that fit."""
        return max(1, self.size.height - 1 - CHROME)

    def spec(self) -> WatchSpec:
        """Return all instruments, with as many closes as a sparkline may have."""
        return WatchSpec(spark=_SPARKS[-1])

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the rows of the title, the heads and every instrument."""
        return 1 + CHROME + self.count

    def expect(self, count: int) -> None:
        """Make room for so many instruments."""
        if count != self.count:
            self.count = count
            self.refresh(layout=True)

    def clear(self, now: float) -> None:
        """Stay: the list is over all instruments."""

    def details(self) -> list[str]:
        """Return which rows are in view, where not all are."""
        frame = self.frame
        if not isinstance(frame, WatchFrame) or len(frame.rows) <= self.list_rows:
            return []
        last = min(len(frame.rows), self.top + self.list_rows)
        return [f"{self.top + 1}–{last} of {len(frame.rows)}"]

    def select(self, index: int) -> None:
        """Mark the instrument that is shown, and bring it into view."""
        self.chosen = self.cursor = index
        self._reveal(index)
        self.repaint()

    def move_cursor(self, by: int) -> None:
        """Move the cursor; the ends do not wrap."""
        if isinstance(self.frame, WatchFrame):
            self.cursor = max(0, min(len(self.frame.rows) - 1, self.cursor + by))
            self._reveal(self.cursor)
            self.repaint()

    def choose(self) -> None:
        """Ask for the instrument under the cursor."""
        if isinstance(self.frame, WatchFrame) and self.cursor < len(self.frame.rows):
            self.post_message(self.Selected(self.cursor))

    def scroll_rows(self, by: int) -> None:
        """Show later rows (positive) or earlier ones."""
        if isinstance(self.frame, WatchFrame):
            self.top = max(0, min(len(self.frame.rows) - self.list_rows, self.top + by))
            self.repaint()

    def _reveal(self, index: int) -> None:
        self.top = max(min(self.top, index), index - self.list_rows + 1, 0)

    def paint_body(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return heads and instruments."""
        frame = self.frame
        assert isinstance(frame, WatchFrame)
        if not frame.rows:
            return [((fit("  the watchlist is empty", width), palette.muted),)]
        columns = self._columns = choose_columns(frame.rows, width, self._columns)
        names, elapsed = names_of(frame.rows), self._title_at - self._told_at
        rows = [paint_heads(columns, palette)]
        for at in range(self.top, min(len(frame.rows), self.top + height - CHROME)):
            one = frame.rows[at]
            one = msgspec.structs.replace(one, shown=aged(one.shown, elapsed))
            key = str(at + 1) if at < 9 else " "
            painted = paint_instrument(one, names[at], key, columns, palette, self._wall)
            row = merge([("▸" if at == self.chosen else " ", palette.key), *painted])
            if at == self.chosen:
                row = tuple((text, style + _BOLD) for text, style in row)
            if at == self.cursor and self.has_focus:
                rest = " " * (width - width_of(row))
                row = merge((text, style + palette.cursor) for text, style in (*row, (rest, NO_STYLE)))
            rows.append(row)
        return rows

    def show(self, panel: PanelFrame, made: float, wall: int) -> None:
        """Take a frame; a list that became shorter is scrolled back."""
        if isinstance(panel.frame, WatchFrame):
            self.top = max(0, min(self.top, len(panel.frame.rows) - self.list_rows))
            self.cursor = max(0, min(self.cursor, len(panel.frame.rows) - 1))
        super().show(panel, made, wall)

    def on_resize(self, event: events.Resize) -> None:
        """Keep the shown instrument in view; the base class paints."""
        self.top = 0
        self._reveal(self.chosen)

    def on_click(self, event: events.Click) -> None:
        """Ask for the instrument under the pointer."""
        at = self.top + event.y - 1 - CHROME
        if isinstance(self.frame, WatchFrame) and event.y > CHROME and at < len(self.frame.rows):
            self.cursor = at
            self.post_message(self.Selected(at))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Show earlier rows."""
        event.stop()
        self.scroll_rows(-1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Show later rows."""
        event.stop()
        self.scroll_rows(1)
