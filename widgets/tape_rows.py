"""The rows of the tape: columns by width, prints, liquidations, the biggest print, sums. Pure."""

from typing import Final

from msgspec import Struct
from rich.style import Style

from mdterm.feeds.frames import TapeFrame, TapeRow
from mdterm.widgets.figures import (
    UNKNOWN,
    cell,
    fit_digits,
    format_price,
    format_signed,
    format_size,
    format_time,
    format_time_ms,
    whole_cells,
)
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import NO_STYLE, Part, Row, merge, width_of

GAP: Final = 2
CHROME: Final = 2
"""Rows of the body that are no prints: the column heads and the sums."""
_TIME: Final = len("HH:MM:SS.mmm")
_SHORT_TIME: Final = len("HH:MM:SS")
_SIDE: Final = len("▲ ")
_JOINED: Final = (len("  ×9999"), len("  ×99"))
_SIZE_WIDTHS: Final = (10, 9, 8, 7, 6, 5)
_SIDES: Final = {"buy": "▲", "sell": "▼", None: "·"}
_POSITIONS: Final = {"long": "L", "short": "S", None: "?"}
"""A liquidation is told by whose position it was; the letters are those of the derivatives."""
_OWN: Final = "◆"
_FORCED: Final = "  LIQ"
_BOLD: Final = Style(bold=True)
_FLASH: Final = Style(bold=True, reverse=True)


class Columns(Struct, frozen=True):
    """Widths of the tape's columns in cells; 0 for one that there is no room for.

    ``whole`` are the cells that sizes need before the point. ``joined`` is for the number of trades in a
    print, ``start`` for the price at which it began.
    """

    time: int
    price: int
    size: int
    whole: int
    digits: int
    joined: int
    start: int = 0

    @property
    def width(self) -> int:
        """Cells from edge to edge."""
        fixed = self.time + GAP + _SIDE + self.price + GAP + self.size
        return fixed + self.joined + (GAP + self.start if self.start else 0)


def choose_columns(
    frame: TapeFrame, width: int, before: Columns | None, *, with_start: bool = False
) -> Columns:
    """Return the columns for a frame: as wide as it needs, and never narrower than ``before``.

    ``with_start`` also tells where a sweep began, where there is room.
    """
    rows = frame.rows if frame.biggest is None else [frame.biggest, *frame.rows]
    price = max((len(format_price(row.price, frame.digits)) for row in rows), default=0)
    price = max(price, before.price if before else 0, len("PRICE"))
    time = _TIME
    room = width - (time + GAP + _SIDE + price + GAP)
    if room < _SIZE_WIDTHS[-1]:
        time, room = _SHORT_TIME, room + _TIME - _SHORT_TIME
    joined, start = _beside(room, price if with_start else 0)
    room -= joined + (GAP + start if start else 0)
    size = next((w for w in _SIZE_WIDTHS if w <= room), max(1, room))
    # A large print that scrolls out must not make every number jump back.
    whole = max(whole_cells(row.size for row in rows), before.whole if before else 0)
    return Columns(time, price, size, whole, fit_digits(whole, frame.size_digits, size), joined, start)


def _beside(room: int, price: int) -> tuple[int, int]:
    """Return the cells for the number of trades and, if ``price`` is not 0, for where a sweep began."""
    wide, narrow = _JOINED
    wishes = [(wide, price, 8), (narrow, price, 7)] if price else []
    for joined, start, size in (*wishes, (wide, 0, 10), (narrow, 0, 7)):
        if room >= size + joined + (GAP + start if start else 0):
            return joined, start
    return 0, 0


def paint_print(
    row: TapeRow,
    columns: Columns,
    price_digits: int,
    palette: Palette,
    offset_ns: int = 0,
    *,
    is_fresh: bool = False,
) -> Row:
    """Return a print's row; ``is_fresh`` makes an own fill flash."""
    price = cell(format_price(row.price, price_digits), columns.price)
    size = cell(format_size(row.size, columns.digits), columns.size)
    figure = size.lstrip()
    blanks = " " * (GAP + len(size) - len(figure))
    side, sized = _styles(row, palette, is_fresh)
    glyph = _POSITIONS[row.position] if row.is_forced else _SIDES[row.side]
    parts: list[Part] = [
        (format_time_ms(row.ts + offset_ns)[: columns.time], palette.muted),
        (" " * (GAP - 1), NO_STYLE),
        (_OWN if row.own else " ", side if row.own else NO_STYLE),
    ]
    if side is sized:
        parts += [(f"{glyph} {price}{blanks}{figure}", side)]
    else:
        parts += [(f"{glyph} {price}", side), (blanks, NO_STYLE), (figure, sized)]
    if row.is_forced:
        parts += [(_FORCED, side)] if columns.joined else []
    elif columns.joined and row.count > 1:
        parts += [(_joined(row.count, columns.joined), palette.muted)]
        if columns.start and row.first_price not in (None, row.price):
            left = columns.width - columns.start - width_of(parts)
            start = cell(format_price(row.first_price, price_digits), columns.start)
            parts += [(" " * left + start, palette.muted)]
    return merge(parts)


def _styles(row: TapeRow, palette: Palette, is_fresh: bool) -> tuple[Style, Style]:
    """Return the styles of side and price, and of the size: weight first, then colour, then a fill."""
    if row.is_forced:
        style = palette.flat
        if row.position is not None:
            style = palette.liq_long if row.position == "long" else palette.liq_short
        return style, style
    if row.own:
        style = palette.own + (_FLASH if is_fresh else _BOLD)
        return style, style
    side = palette.bid if row.side == "buy" else palette.ask if row.side == "sell" else palette.flat
    if row.grade == 0:
        return side, side
    if row.grade == 1:
        return side, side + _BOLD
    return side + _BOLD, palette.big_1 if row.grade == 2 else palette.big_2


def _joined(count: int, cells: int) -> str:
    """Return the number of trades in a print, in so many cells; a large one in thousands."""
    text = f"×{count}"
    if len(text) >= cells:
        text = f"×{count // 1000}K"
    return " " * min(GAP, cells - len(text)) + text


def paint_heads(columns: Columns, palette: Palette) -> Row:
    """Return the row of column names."""
    text = "TIME".ljust(columns.time + GAP + _SIDE) + "PRICE".rjust(columns.price)
    text += f"{' ' * GAP}{'SIZE'.rjust(columns.size)}"
    if columns.start:
        text += " " * columns.joined + "FROM".rjust(GAP + columns.start)
    return ((text, palette.muted),)


def paint_biggest(
    row: TapeRow | None,
    since: str,
    columns: Columns,
    digits: int,
    palette: Palette,
    width: int,
    offset_ns: int,
) -> Row:
    """Return the row of the biggest print, on a ground of its own; ``since`` tells from when on."""
    if row is None:
        return ((f"{UNKNOWN} nothing printed {since}"[:width].ljust(width), palette.muted + palette.cursor),)
    parts = list(paint_print(row, columns, digits, palette, offset_ns))
    words = f"  biggest {since}"
    if width_of(parts) + len(words) <= width:
        parts += [(words, palette.muted)]
    parts += [(" " * max(0, width - width_of(parts)), NO_STYLE)]
    # Where the size already stands out by a fill of its own, it keeps that. A ground that is the letters'
    # own colour turned round would be of as many colours as they are.
    plain = palette.text + palette.cursor if palette.cursor.reverse else None
    return merge((text, style if style.reverse else plain or style + palette.cursor) for text, style in parts)


def paint_sums(frame: TapeFrame, palette: Palette, width: int, offset_ns: int = 0) -> Row:
    """Return the line under the prints: CVD with its start, and whether it can be trusted."""
    if frame.cvd is None:
        return merge([("CVD ", palette.muted), (UNKNOWN, palette.text)])
    side = palette.bid if frame.cvd > 0 else palette.ask if frame.cvd < 0 else palette.flat
    digits = frame.size_digits if frame.cvd_digits is None else frame.cvd_digits
    cvd = format_signed(frame.cvd, min(digits, 3))
    words, style = [""], palette.muted
    if frame.unreliable_since is not None:
        words, style = (
            [f" unreliable since {format_time(frame.unreliable_since + offset_ns)}", " unreliable", "?"],
            palette.warn,
        )
    elif frame.since is not None:
        words = [f" since {format_time(frame.since + offset_ns)}", ""]
    room = width - len("CVD ") - len(cvd)
    told = next((one for one in words if len(one) <= room), words[-1])
    return merge([("CVD ", palette.muted), (cvd, side), (told, style)])


def volume_words(frame: TapeFrame) -> str:
    """Return the volume a second and its multiple of the average, always as wide."""
    pace = UNKNOWN if frame.volume_pace is None else format_size(frame.volume_pace, 2) or "0.00"
    return f"VOL {cell(pace, 8)}/s {format_ratio(frame.volume_ratio)}"


def format_ratio(ratio: float | None) -> str:
    """Return a multiple in four cells: ``×1.8``, ``×12 ``, ``×—  `` where the average is not known."""
    if ratio is None:
        return f"×{UNKNOWN}".ljust(4)
    return (f"×{ratio:.1f}" if ratio < 9.95 else f"×{min(999, round(ratio))}").ljust(4)


def format_least(least: float) -> str:
    """Return a filter's size as it is chosen: ``0.05``, ``500``, ``20K``, ``1M``."""
    for scale, unit in ((1e9, "B"), (1e6, "M"), (1e4, "K")):
        if least >= scale:
            return f"{least / (1e3 if unit == 'K' else scale):g}{unit}"
    return f"{least:.12f}".rstrip("0").rstrip(".")
