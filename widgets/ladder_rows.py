"""The ladder's levels as rows of text: figures in their columns, bars behind and beside them, marks. Pure."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec import Struct
from rich.cells import cell_len
from rich.style import Style

from mdterm.feeds.frames import LadderFrame, OwnOrder
from mdterm.feeds.precision import decimals
from mdterm.widgets.figures import (
    UNKNOWN,
    cell,
    fit_digits,
    format_order,
    format_price,
    format_size,
    whole_cells,
)
from mdterm.widgets.ladder_columns import EDGE, GAP, Columns, Figure
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import NO_STYLE, Part, Row, merge

LARGE: Final = 3.0
"""How many times the usual size a resting size is large from."""
_SIDES: Final = {"buy": ("B", "▴"), "sell": ("S", "▾")}
_BOTH: Final = ("B+S", "◆")
"""Own orders in words, and as the mark where there is no room for them."""
_BOLD: Final = Style(bold=True)
_UNDERLINED: Final = Style(underline=True)
_TENTH: Final = 0.1
_BUYS, _SELLS = 1, 2
"""Bits of the frame's diagonals."""


class Scales(Struct, frozen=True):
    """The sizes that fill a bar, and the one from which on a size is large. They move in steps of 1, 2, 5."""

    size: float = 0.0
    depth: float = 0.0
    volume: float = 0.0
    large: float = 0.0

    def grown(self, frame: LadderFrame, rows: slice) -> "Scales":
        """Return the scales for a frame's rows in view."""
        sums = [size for size in (*frame.cum_bids[rows], *frame.cum_asks[rows]) if size]
        return Scales(
            bar_scale(frame.largest, self.size),
            bar_scale(max(sums, default=0.0), self.depth),
            bar_scale(max((frame.volumes or ())[rows], default=0.0), self.volume),
            bar_scale(LARGE * frame.usual, self.large),
        )


def bar_scale(largest: float, before: float) -> float:
    """Return the size that fills a bar: ``before`` while it serves, else the next 1, 2 or 5 × 10ⁿ.

    Bars that rescale with every frame would move although nothing in the market did.
    """
    if largest <= 0:
        return before
    if before / 5 <= largest <= before:
        return before
    power = 1.0
    while power < largest:
        power *= 10
    while power / 10 >= largest:
        power /= 10
    return next(scale for scale in (power / 5, power / 2, power) if scale >= largest)


def common_digits(frame: LadderFrame, levels: range) -> int:
    """Return how many leading cells the prices of all levels have in common: they need not be read again."""
    first, last = (
        format_price((frame.top - at) * frame.step, frame.digits) for at in (levels[0], levels[-1])
    )
    if len(first) != len(last):
        return 0
    return next((at for at, (one, other) in enumerate(zip(first, last, strict=True)) if one != other), 0)


def _bar(text: str, share: float, style: Style, bar: Style, *, towards_right: bool) -> list[Part]:
    """Return a size cell with its bar behind it, growing away from the price."""
    cells = max(0, min(len(text), round(share * len(text)))) if bar else 0
    cut = cells if towards_right else len(text) - cells
    grounds = (bar, NO_STYLE) if towards_right else (NO_STYLE, bar)
    parts: list[Part] = []
    for part, ground in zip((text[:cut], text[cut:]), grounds, strict=True):
        inked = style if ground is NO_STYLE else style + ground
        if style.underline:  # of the figure, not of the blanks before it
            figure = part.lstrip()
            parts.append((part[: len(part) - len(figure)], ground))
            part = figure
        parts.append((part, inked))
    return parts


class Level(NamedTuple):
    """All that a level is painted from, apart from what holds for all levels."""

    row: int
    bid: float | None
    ask: float | None
    sold: float | None
    bought: float | None
    change: tuple[float | None, float | None]
    depth: tuple[float | None, float | None]
    bars: tuple[int, int]
    volume: float | None
    diagonal: int
    common: int
    role: str
    """What sets the price apart: ``last``, ``bid``, ``ask``, or the letter of a mark."""
    direction: int
    """Where the last price went; 0 for all others."""
    letter: str
    is_trigger: bool
    is_marked: bool
    """Whether the cursor is on it."""


def level_at(
    frame: LadderFrame, at: int, columns: Columns, scales: Scales, common: int = 0, cursor: int | None = None
) -> Level:
    """Return level ``at`` (index into the frame); what has no column is left out: it must repaint nothing."""
    row = frame.top - at
    letter = next(
        (
            letter
            for letter, marked in (("P", frame.poc), ("V", frame.vwap), ("H", frame.high), ("L", frame.low))
            if marked == row
        ),
        "",
    )
    role = letter
    if row == frame.last:
        role = "last"
    elif row == frame.best_bid:
        role = "bid"
    elif row == frame.best_ask:
        role = "ask"

    def of(figure: Figure, values: Sequence[float | None] | None) -> float | None:
        return values[at] if figure.width and values else None

    sums = (frame.cum_bids, frame.cum_asks)
    bars = [0, 0]
    if columns.bar and scales.depth:
        for side, values in enumerate(sums):
            size = values[at] if values else None
            bars[side] = min(columns.bar, round(columns.bar * (size or 0.0) / scales.depth))
    return Level(
        row=row,
        bid=frame.bids[at],
        ask=frame.asks[at],
        sold=of(columns.flow, frame.sells) if columns.flow.width else of(columns.delta, frame.sells),
        bought=of(columns.flow, frame.buys) if columns.flow.width else of(columns.delta, frame.buys),
        change=(of(columns.change, frame.bid_changes), of(columns.change, frame.ask_changes)),
        depth=(of(columns.depth, frame.cum_bids), of(columns.depth, frame.cum_asks)),
        bars=(bars[0], bars[1]),
        volume=of(columns.volume, frame.volumes),
        diagonal=frame.diagonals[at] if columns.flow.width and frame.diagonals else 0,
        common=0 if role in ("last", "bid", "ask") else common,
        role=role,
        direction=frame.direction if role == "last" else 0,
        letter=letter if columns.tail > EDGE else "",
        is_trigger=frame.trigger is not None and abs(row - frame.centre) == frame.trigger,
        is_marked=row == cursor,
    )


def paint_level(
    frame: LadderFrame,
    at: int,
    columns: Columns,
    scale: float | Scales,
    palette: Palette,
    common: int = 0,
    cursor: int | None = None,
) -> Row:
    """Return the row of level ``at`` (index into the frame); ``scale`` is the size that fills a bar."""
    scales = scale if isinstance(scale, Scales) else Scales(size=scale)
    return paint(level_at(frame, at, columns, scales, common, cursor), frame, columns, scales, palette)


def paint(level: Level, frame: LadderFrame, columns: Columns, scales: Scales, palette: Palette) -> Row:
    """Return a level's row."""
    gap: Part = (" " * GAP, NO_STYLE)
    is_large = [bool(size and scales.large and size >= scales.large) for size in (level.bid, level.ask)]
    parts: list[Part] = _side_bar(level.bars[0], columns.left, palette.bid, palette.bid_bar, to_left=True)
    parts.append(_left_mark(level, palette))
    if columns.volume.width:
        volume = cell(_told(level.volume, columns.volume), columns.volume.width)
        share = (level.volume or 0.0) / (scales.volume or 1.0)
        ground = palette.cursor if palette.cursor.bgcolor is not None else NO_STYLE
        parts += [*_bar(volume, share, palette.muted, ground, towards_right=False), gap]
    parts += _sums(level.depth[0], level.bid, columns.depth, palette, is_left=True)
    parts += _change(level.change[0], columns.change, palette, is_left=True)
    size, digits = columns.size.width, columns.size.digits
    bid_style, ask_style = (
        palette.big_1 + _UNDERLINED if large else side
        for large, side in zip(is_large, (palette.bid, palette.ask), strict=True)
    )
    bid_text, ask_text = (cell(format_size(one, digits), size) for one in (level.bid, level.ask))
    scale = scales.size or 1.0
    parts += _bar(bid_text, (level.bid or 0.0) / scale, bid_style, palette.bid_bar, towards_right=False)
    parts += [gap, *_flow(level.sold, columns, palette.ask, palette, is_heavy=bool(level.diagonal & _SELLS))]
    parts += [*_price(level, frame, columns, palette), gap]
    parts += _flow(level.bought, columns, palette.bid, palette, is_heavy=bool(level.diagonal & _BUYS))
    parts += _bar(ask_text, (level.ask or 0.0) / scale, ask_style, palette.ask_bar, towards_right=True)
    parts += _change(level.change[1], columns.change, palette, is_left=False)
    parts += _sums(level.depth[1], level.ask, columns.depth, palette, is_left=False)
    parts += _delta(level, columns, palette)
    parts += _tail(level, frame, columns, palette)
    return merge(parts)


def _told(size: float | None, figure: Figure, sign: str = "") -> str:
    """Return a size as exactly as its column is wide."""
    text = sign + format_size(size, figure.digits)
    if cell_len(text) <= figure.width or size is None:
        return text
    if abs(size) < _TENTH:
        return f"{sign}<{_TENTH}"
    return sign + format_order(size)


def _left_mark(level: Level, palette: Palette) -> Part:
    """Return the mark before a row: the last price, or where the touch would move the ladder."""
    if level.role == "last":
        glyph = "▲" if level.direction > 0 else "▼" if level.direction < 0 else "▸"
        return glyph, palette.moved(level.direction)
    return ("·" if level.is_trigger else " "), palette.muted


def _price(level: Level, frame: LadderFrame, columns: Columns, palette: Palette) -> list[Part]:
    """Return the price; of the others' only the digits in which they differ stand out."""
    text = cell(format_price(level.row * frame.step, frame.digits), columns.price)
    role = level.role
    if role == "last":
        style = palette.moved(level.direction)
    elif role in ("bid", "ask"):
        style = palette.bid if role == "bid" else palette.ask
    else:
        style = _letter_style(role, palette) if role else palette.text
    if not level.common:
        return [(text, style + _BOLD if role else style)]
    style += _BOLD
    cut = len(text) - len(text.lstrip()) + level.common
    return [(text[:cut], palette.muted), (text[cut:], style)]


def _flow(
    traded: float | None, columns: Columns, style: Style, palette: Palette, *, is_heavy: bool
) -> list[Part]:
    """Return what traded at a level and the gap behind it; nothing where there is no such column."""
    if not columns.flow.width:
        return []
    text, gap = cell(_told(traded, columns.flow), columns.flow.width), (" " * GAP, NO_STYLE)
    if is_heavy:
        figure = text.lstrip()
        blank = (" " * (len(text) - len(figure)), NO_STYLE)
        return [blank, (figure, palette.big_1 + _UNDERLINED), gap]
    return [(text, palette.muted if traded is None else style), gap]


def _signed(size: float | None, figure: Figure) -> str:
    """Return a size with its sign; nothing for zero."""
    if not size:
        return UNKNOWN if size is None else ""
    return _told(abs(size), figure, "+" if size > 0 else "-")


def _change(size: float | None, figure: Figure, palette: Palette, *, is_left: bool) -> list[Part]:
    """Return what was stacked or pulled, with its gap on the side of the sizes."""
    if not figure.width:
        return []
    style = palette.muted if size is None else palette.key if size > 0 else palette.warn
    part, gap = (cell(_signed(size, figure), figure.width), style), (" " * GAP, NO_STYLE)
    return [part, gap] if is_left else [gap, part]


def _sums(
    total: float | None, size: float | None, figure: Figure, palette: Palette, *, is_left: bool
) -> list[Part]:
    """Return what adds up from the touch to a level that has a size, with its gap."""
    if not figure.width:
        return []
    text = "" if size == 0 else _told(total, figure)
    part, gap = (cell(text, figure.width), palette.muted), (" " * GAP, NO_STYLE)
    return [part, gap] if is_left else [gap, part]


def _delta(level: Level, columns: Columns, palette: Palette) -> list[Part]:
    """Return buys minus sells."""
    if not columns.delta.width:
        return []
    delta = None
    if level.bought is not None and level.sold is not None:
        delta = round(level.bought - level.sold, 10)
    style = palette.bid if delta and delta > 0 else palette.ask if delta else palette.muted
    return [(" " * GAP, NO_STYLE), (cell(_signed(delta, columns.delta), columns.delta.width), style)]


def _side_bar(cells: int, room: int, style: Style, fill: Style, *, to_left: bool) -> list[Part]:
    """Return what adds up from the touch as a bar in the room beside the columns, growing outwards."""
    blank = (" " * (room - cells), NO_STYLE)
    # Where a theme has no fills a line of the side's colour stands for one.
    bar = (" " * cells, fill) if fill.bgcolor is not None else ("━" * cells, style)
    return [blank, bar] if to_left else [bar, blank]


def _tail(level: Level, frame: LadderFrame, columns: Columns, palette: Palette) -> list[Part]:
    """Return what stands behind the figures: a mark, own orders, the bar of the asks."""
    orders = [one for one in frame.own if one.row == level.row]
    mark, style = "", NO_STYLE
    if orders and not columns.own:
        mark, style = _words(orders)[1], palette.own
    elif level.letter:
        mark, style = level.letter, _letter_style(level.letter, palette)
    bar = level.bars[1]
    parts: list[Part] = []
    # Blanks bear no style: in the theme without colours that of own orders is an underline.
    if mark or bar or (orders and columns.own):
        parts += [(" " * (columns.tail - len(mark)), NO_STYLE), (mark, style)]
    if columns.own and orders:
        parts += _own(orders, frame, columns, palette)
    elif columns.own and bar:
        parts.append((" " * (GAP - EDGE + columns.own), NO_STYLE))
    if bar:
        parts.append((" " * columns.bar_gap, NO_STYLE))
        parts += _side_bar(bar, bar, palette.ask, palette.ask_bar, to_left=False)[:1]
    return parts


def _words(orders: Sequence[OwnOrder]) -> tuple[str, str]:
    return _SIDES[orders[0].side] if len(orders) == 1 else _BOTH


def _own(orders: Sequence[OwnOrder], frame: LadderFrame, columns: Columns, palette: Palette) -> list[Part]:
    """Return a row's own orders: side, and what still works."""
    words = _words(orders)[0]
    room = columns.own - len(words)
    sizes = [one.remaining for one in frame.own]
    # An own size may be finer than any of the book's.
    digits = fit_digits(whole_cells(sizes), max(decimals(size) for size in sizes), room - 1)
    size = format_size(orders[0].remaining, digits) if len(orders) == 1 else ""
    return [
        (" " * (GAP - EDGE), NO_STYLE),
        (words, palette.own),
        (" " * (room - cell_len(size)), NO_STYLE),
        (size, palette.own),
    ]


def _letter_style(letter: str, palette: Palette) -> Style:
    """Return the style of a session's price: point of control, VWAP, high, low."""
    return {"P": palette.big_1, "V": palette.key, "H": palette.up, "L": palette.down}[letter]


def paint_heads(columns: Columns, palette: Palette, *, with_own: bool = False) -> Row:
    """Return the row of column names."""
    size, pair = columns.size.width, (columns.flow.width, columns.change.width, columns.depth.width)
    names = [
        ("VOL", columns.volume.width),
        ("ΣBID", pair[2]),
        ("±BID", pair[1]),
        ("BID", size),
        ("SELLS", pair[0]),
        ("PRICE", columns.price),
        ("BUYS", pair[0]),
        ("ASK", size),
        ("±ASK", pair[1]),
        ("ΣASK", pair[2]),
        ("DELTA", columns.delta.width),
    ]
    text = (" " * GAP).join(name.rjust(width) for name, width in names if width)
    if with_own and columns.own:
        text += " " * (columns.tail + GAP - EDGE) + "OWN".rjust(columns.own)
    return ((" " * (columns.left + EDGE) + text, palette.muted),)
