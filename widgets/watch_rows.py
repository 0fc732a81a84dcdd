"""The watchlist's rows: heads, and a line an instrument. Pure."""

from typing import Final

from mdterm.feeds.frames import WatchRow
from mdterm.feeds.specs import WatchSort
from mdterm.feeds.status import Shown
from mdterm.widgets.candles import spark_cells
from mdterm.widgets.figures import cell, fit, format_age, format_size
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import NO_STYLE, Part, Row, merge
from mdterm.widgets.state import state_style
from mdterm.widgets.watch_columns import (
    AGE,
    GAP,
    KEY,
    Columns,
    format_change,
    format_pace,
    format_spread,
)

_GAP: Final = " " * GAP
_GLYPHS: Final = {1: "▲", 0: " ", -1: "▼"}
_SHORT: Final = {
    "CONNECTING": "CONN",
    "WARMING": "WARM",
    "RECONNECTING": "RECONN",
    "PARTIAL": "PART",
    "REFUSED": "REFUS…",
}
"""State words where there is no room for them."""


def state_words(shown: Shown, room: int, wall: int | None) -> str:
    """Return a state in ``room`` cells: while it is live, or was, only its age, else its word."""
    age = _age(shown, wall)
    if shown.word in ("LIVE", "REPLAY", "QUIET") and age is not None:
        return short_age(age)
    told = "" if age is None else format_age(age, whole=True)
    for words in (f"{shown.word} {told}".rstrip(), shown.word, _SHORT.get(shown.word, "")):
        if words and len(words) <= room:
            return words
    return shown.word[:room]


def _age(shown: Shown, wall: int | None) -> float | None:
    if shown.age is None and shown.since is not None and wall is not None:
        return (wall - shown.since) / 1e9
    return shown.age


def short_age(seconds: float) -> str:
    """Return an age in three cells: ``12s``, ``12m``, ``12h``, ``12d``."""
    total = max(0, int(seconds))
    for unit, length, limit in (("s", 1, 60), ("m", 60, 3600), ("h", 3600, 360_000)):
        if total < limit:
            return f"{total // length}{unit}"
    return f"{min(total // 86_400, 99)}d"


def paint_heads(columns: Columns, palette: Palette, sort: WatchSort | None, *, is_reversed: bool) -> Row:
    """Return the row of column names; an arrow before the one that it is sorted by says which way."""
    parts: list[Part] = []
    at = 0
    for head in columns.heads:
        text = head.text.ljust(head.width) if head.is_left else head.text.rjust(head.width)
        space = " " * (head.start - at) + text[: len(text) - len(text.lstrip())]
        text, at = text.lstrip(), head.start + head.width
        if head.sort is not None and head.sort == sort:
            arrow = "▲" if (sort in ("symbol", "spread", "age")) != is_reversed else "▼"
            parts += [(space[:-1], palette.muted), (arrow + text.rstrip(), palette.key)]
            parts += [(" " * (len(text) - len(text.rstrip())), palette.muted)]
        else:
            parts.append((space + text, palette.muted))
    return merge(parts)


def paint_instrument(row: WatchRow, name: str, columns: Columns, palette: Palette, wall: int | None) -> Row:
    """Return an instrument's row behind its key; where it is not current, it is grey and says why."""
    shown = row.shown
    body = palette if shown.is_current else palette.dimmed
    price, change = columns.price, row.change or 0.0
    last = price.text(row.last, row.digits)
    direction = 0 if row.last is None else row.direction
    moved = body.moved(direction) if columns.mark else body.text
    key = str(row.place) if 1 <= row.place <= 9 else " "
    parts: list[Part] = [
        (key.ljust(KEY - 1), palette.key),
        (fit(name, columns.symbol), body.text),
        (_GAP, NO_STYLE),
        (last + _GLYPHS[direction] if columns.mark else last, moved),
        (_GAP, NO_STYLE),
        (cell(format_change(row.change), columns.change), body.moved((change > 0) - (change < 0))),
    ]
    if columns.quotes:
        parts += [(_GAP + price.text(row.bid, row.digits), body.bid)]
        parts += [(_GAP + price.text(row.ask, row.digits), body.ask)]
    if columns.spread:
        parts += [(_GAP + cell(format_spread(row.spread_bps), columns.spread), body.text)]
    if columns.volume:
        parts += [(_GAP + cell(format_size(row.volume, 1) or "0", columns.volume), body.text)]
    if columns.pace:
        parts += [(_GAP + cell(format_pace(row.pace), columns.pace), body.text)]
    return merge([*parts, *_paint_state(row, columns, body, palette, wall)])


def _paint_state(
    row: WatchRow, columns: Columns, body: Palette, palette: Palette, wall: int | None
) -> list[Part]:
    """Return sparkline, state and age. Without a column of its own a state takes the sparkline's room."""
    shown = row.shown
    style = body.muted if shown.is_current else state_style(shown, palette)
    gap: Part = (" " * columns.tail_gap, NO_STYLE)
    if columns.word:
        age = _age(shown, wall)
        told = "" if age is None else short_age(age)
        spark = spark_cells(row.spark, columns.spark)
        word = (_GAP + shown.word.ljust(columns.word), state_style(shown, palette))
        return [word, gap, (f"{spark} {told.rjust(AGE)}", body.muted)]
    told = state_words(shown, columns.tail, wall)
    if columns.spark and len(told) <= AGE:
        return [gap, (f"{spark_cells(row.spark, columns.spark)} {told.rjust(AGE)}", body.muted)]
    return [gap, (told.rjust(columns.tail), style)]
