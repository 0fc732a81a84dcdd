"""Open orders: a row each."""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct
from rich.cells import cell_len
from rich.style import Style

from mdterm.feeds.frames import AccountFrame, OrderRow
from mdterm.feeds.text import clean
from mdterm.widgets.amounts import (
    GAP,
    GROW,
    Amounts,
    Need,
    Needs,
    fit_amounts,
    grant,
)
from mdterm.widgets.figures import UNKNOWN, cell, fit, format_since
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import Part, Row, merge

SIDES: Final = {"buy": "▲B", "sell": "▼S", None: "· "}
_DIST: Final = 5
_TICKS: Final = len("-12345t")
_BPS: Final = len("-117.0b")
_CLOCK: Final = len("HH:MM:SS")
_BOLD: Final = Style(bold=True)


def order_needs(frame: AccountFrame, before: Needs) -> dict[str, Need]:
    """Return what the columns of orders need, and what they needed before."""
    return {
        "price": before.get("price", Need()).grown(row.price for row in frame.orders),
        "size": before.get("size", Need()).grown(row.size for row in frame.orders),
        "remaining": before.get("remaining", Need()).grown(row.remaining for row in frame.orders),
    }


class OrderColumns(Struct, frozen=True):
    """Columns of orders; 0 or None for one that there is no room for.

    ``dist`` holds ticks or basis points, whichever tell more; ticks alone where ``bps`` has a column too.
    ``quote`` is what shortened symbols lose; empty where none is. ``price_digits`` and ``size_digits`` are
    by symbol: what one order of it is told in, all are.
    """

    symbol: int
    type: int
    price: Amounts | None
    size: Amounts | None
    filled: int
    remaining: Amounts | None
    average: Amounts | None
    dist: int
    bps: int
    state: int
    placed: int
    quote: str
    price_digits: Mapping[str, int]
    size_digits: Mapping[str, int]


def short_symbol(symbol: str, quote: str) -> str:
    """Return a symbol without the currency that all is valued in anyway."""
    return symbol.removesuffix(quote).rstrip("-_/") or symbol


def _digits(orders: Iterable[tuple[str, str | None]]) -> dict[str, int]:
    needs: dict[str, Need] = {}
    for symbol, amount in orders:
        needs[symbol] = needs.get(symbol, Need()).grown([amount])
    return {symbol: need.digits for symbol, need in needs.items()}


def choose_order_columns(frame: AccountFrame, needs: Needs, width: int) -> OrderColumns:
    """Return the columns of orders that fit."""
    orders = frame.orders
    price, size = max(needs["price"].width, len("PRICE")), max(needs["size"].width, len("SIZE"))
    remaining = max(needs["remaining"].width, len("REMAINING"))
    short = max((cell_len(clean(short_symbol(row.symbol, frame.quote))) for row in orders), default=0)
    symbol = max((cell_len(clean(row.symbol)) for row in orders), default=0)
    kind = max((cell_len(clean(row.type or UNKNOWN)) for row in orders), default=0)
    state = max((cell_len(clean(row.state or UNKNOWN)) for row in orders), default=0)
    state = max(state, len("STATE"))
    widths = grant(
        width - 1 - len(SIDES["buy"]),
        [
            ("price", min(price, 12), GAP),
            ("size", min(size, 5), GAP),
            ("symbol", max(3, min(short, 6)), 1),
            ("dist", _DIST, GAP),
            ("filled", len("99 %"), GAP),
            ("size", min(size, 9), GROW),
            ("symbol", min(symbol, 10), GROW),
            ("state", min(state, 13), GAP),
            ("type", min(kind, 6), 1),
            ("filled", len("FILLED"), GROW),
            ("placed", _CLOCK, GAP),
            ("remaining", min(remaining, 12), GAP),
            ("bps", _TICKS - _DIST + _BPS, GAP),
            ("average", min(price + 1, 12), GAP),
            ("price", min(price, 20), GROW),
            ("size", min(size, 20), GROW),
            ("type", min(kind, 14), GROW),
            ("state", min(state, 24), GROW),
            ("symbol", min(symbol, 20), GROW),
        ],
    )
    if "bps" in widths:
        widths["dist"], widths["bps"] = _TICKS, _BPS
    cells = widths.get("symbol", 0)

    def column(name: str, amounts: list[str | None]) -> Amounts | None:
        return fit_amounts(amounts, needs[name], widths[name]) if name in widths else None

    return OrderColumns(
        symbol=cells,
        type=widths.get("type", 0),
        price=column("price", [row.price for row in orders]),
        size=column("size", [row.size for row in orders]),
        filled=widths.get("filled", 0),
        remaining=column("remaining", [row.remaining for row in orders]),
        average=Amounts(widths["average"], None) if "average" in widths else None,
        dist=widths.get("dist", 0),
        bps=widths.get("bps", 0),
        state=widths.get("state", 0),
        placed=widths.get("placed", 0),
        quote=frame.quote if cells < symbol else "",
        price_digits=_digits((row.symbol, row.price) for row in orders),
        size_digits=_digits((row.symbol, row.size) for row in orders),
    )


def paint_order_heads(columns: OrderColumns, palette: Palette) -> Row:
    """Return the row of the orders' column names."""
    gap = " " * GAP
    left = 1 + len(SIDES["buy"])
    left += columns.placed + GAP if columns.placed else 0
    left += 1 + columns.symbol if columns.symbol else 0
    left += 1 + columns.type if columns.type else 0
    # A name that is longer than what stands before the prices takes some of their room.
    text = " ORDERS".ljust(left)
    if columns.price is not None:
        text += "PRICE".rjust(left + GAP + columns.price.width - len(text))
    if columns.size is not None:
        text += gap + "SIZE".rjust(columns.size.width)
    if columns.filled:
        text += gap + ("FILLED" if columns.filled >= len("FILLED") else "FILL").rjust(columns.filled)
    if columns.remaining is not None:
        text += gap + "REMAINING".rjust(columns.remaining.width)
    if columns.average is not None:
        text += gap + "AVERAGE".rjust(columns.average.width)
    if columns.dist:
        text += gap + ("TICKS" if columns.bps else "DIST").rjust(columns.dist)
    if columns.bps:
        text += gap + "BPS".rjust(columns.bps)
    if columns.state:
        text += gap + "STATE".ljust(columns.state)
    return ((text, palette.muted),)


def format_distance(row: OrderRow) -> str:
    """Return how the market has to move to reach an order: ``-12t`` ticks, ``-117b`` points or ``-12%``."""
    if row.side is None or (row.ticks is None and row.bps is None):
        return UNKNOWN
    sign = -1 if row.side == "buy" else 1
    if row.ticks is not None and abs(row.ticks) < 100:
        return f"{sign * row.ticks:+d}t"
    if row.bps is None:
        return UNKNOWN
    away = sign * row.bps
    if abs(away) >= 999.5:
        return f"{away / 100:+.0f}%"
    return f"{away:+.0f}b" if abs(away) >= 9.95 else f"{away:+.1f}b"


def format_ticks(row: OrderRow) -> str:
    """Return the ticks that the market has to move to reach an order."""
    if row.side is None or row.ticks is None:
        return UNKNOWN
    away = -row.ticks if row.side == "buy" else row.ticks
    if abs(away) < 100_000:
        return f"{away:+d}t"
    scale, unit = next(
        (one for one in ((10**3, "k"), (10**6, "M"), (10**9, "G")) if abs(away) < 10_000 * one[0]),
        (10**12, "T"),
    )
    return f"{away / scale:+.0f}{unit}t"


def format_bps(row: OrderRow) -> str:
    """Return the same in basis points, from ten per cent on in per cent."""
    if row.side is None or row.bps is None:
        return UNKNOWN
    away = -row.bps if row.side == "buy" else row.bps
    return f"{away:+.1f}b" if abs(away) < 999.95 else f"{away / 100:+.0f}%"


def paint_order(row: OrderRow, columns: OrderColumns, palette: Palette, wall: int | None) -> Row:
    """Return an order's row."""
    gap = " " * GAP
    side = palette.flat if row.side is None else palette.bid if row.side == "buy" else palette.ask
    parts: list[Part] = []
    if columns.placed:
        placed = UNKNOWN if row.created is None else format_since(row.created, wall)
        # A date is told where a time of day would mislead.
        parts += [(f" {fit(placed.partition(' ')[0], columns.placed)} ", palette.muted)]
    parts += [(f" {SIDES[row.side]}", side + _BOLD)]
    if columns.symbol:
        symbol = short_symbol(row.symbol, columns.quote) if columns.quote else row.symbol
        parts += [(f" {fit(symbol, columns.symbol)}", palette.text)]
    if columns.type:
        parts += [(f" {fit(row.type or UNKNOWN, columns.type)}", palette.muted)]
    if columns.price is not None:
        price = columns.price.text(row.price, columns.price_digits.get(row.symbol, 0))
        parts += [(gap + price, palette.text)]
    if columns.size is not None:
        size = columns.size.text(row.size, columns.size_digits.get(row.symbol, 0))
        parts += [(gap + size, palette.text)]
    if columns.filled:
        # Rounded down: what is not full must not read as full.
        filled = UNKNOWN if row.filled is None else f"{int(row.filled * 100 + 1e-9)} %"
        parts += [(gap + cell(filled, columns.filled), palette.own if row.filled else palette.muted)]
    if columns.remaining is not None:
        left = columns.remaining.text(row.remaining, columns.size_digits.get(row.symbol, 0))
        parts += [(gap + left, palette.text)]
    if columns.average is not None:
        digits = columns.price_digits.get(row.symbol, 0)
        average = UNKNOWN if row.average is None else f"{row.average:.{digits}f}"
        parts += [(gap + columns.average.text(average, digits), palette.muted)]
    if columns.dist:
        dist = format_ticks(row) if columns.bps else format_distance(row)
        parts += [(gap + cell(dist, columns.dist), palette.text)]
    if columns.bps:
        parts += [(gap + cell(format_bps(row), columns.bps), palette.text)]
    if columns.state:
        parts += [(gap + fit(row.state or UNKNOWN, columns.state), palette.muted)]
    return merge(parts)
