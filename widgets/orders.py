"""Open orders, and the log of what changed: a row each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from rich.style import Style

from mdterm.feeds.frames import AccountFrame, ChangeRow, OrderRow
from mdterm.feeds.text import clean
from mdterm.widgets.amounts import (
    GAP,
    GROW,
    Amounts,
    Need,
    Needs,
    fit_amounts,
    format_amount,
    format_exact,
    format_rounded,
    grant,
    parse_amount,
)
from mdterm.widgets.figures import UNKNOWN, cell, fit, format_since, format_time
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import Part, Row, merge, width_of

_SIDES: Final = {"buy": "▲B", "sell": "▼S", None: "· "}
_DIST: Final = 5
_LEAST_CHANGE: Final = len("→ 0.01")
_CLOCK: Final = len("HH:MM:SS")
_BOLD: Final = Style(bold=True)


def order_needs(frame: AccountFrame, before: Needs) -> dict[str, Need]:
    """Return what the columns of orders need, and what they needed before."""
    return {
        "price": before.get("price", Need()).grown(row.price for row in frame.orders),
        "size": before.get("size", Need()).grown(row.size for row in frame.orders),
    }


@dataclass(frozen=True)
class OrderColumns:
    """Columns of orders; 0 or None for one that there is no room for.

    ``quote`` is what shortened symbols lose; empty where none is. ``price_digits`` and ``size_digits`` are
    by symbol: what one order of it is told in, all are.
    """

    symbol: int
    type: int
    price: Amounts | None
    size: Amounts | None
    filled: int
    dist: int
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
    short = max((cell_len(clean(short_symbol(row.symbol, frame.quote))) for row in orders), default=0)
    symbol = max((cell_len(clean(row.symbol)) for row in orders), default=0)
    kind = max((cell_len(clean(row.type or UNKNOWN)) for row in orders), default=0)
    state = max((cell_len(clean(row.state or UNKNOWN)) for row in orders), default=0)
    state = max(state, len("STATE"))
    widths = grant(
        width - 1 - len(_SIDES["buy"]),
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
            ("price", min(price, 20), GROW),
            ("size", min(size, 20), GROW),
            ("type", min(kind, 14), GROW),
            ("state", min(state, 24), GROW),
            ("symbol", min(symbol, 20), GROW),
        ],
    )
    cells = widths.get("symbol", 0)

    def column(name: str, amounts: list[str | None]) -> Amounts | None:
        return fit_amounts(amounts, needs[name], widths[name]) if name in widths else None

    return OrderColumns(
        symbol=cells,
        type=widths.get("type", 0),
        price=column("price", [row.price for row in orders]),
        size=column("size", [row.size for row in orders]),
        filled=widths.get("filled", 0),
        dist=widths.get("dist", 0),
        state=widths.get("state", 0),
        placed=widths.get("placed", 0),
        quote=frame.quote if cells < symbol else "",
        price_digits=_digits((row.symbol, row.price) for row in orders),
        size_digits=_digits((row.symbol, row.size) for row in orders),
    )


def paint_order_heads(columns: OrderColumns, palette: Palette) -> Row:
    """Return the row of the orders' column names."""
    gap = " " * GAP
    left = 1 + len(_SIDES["buy"])
    left += 1 + columns.symbol if columns.symbol else 0
    left += 1 + columns.type if columns.type else 0
    # A name that is longer than what stands before the prices takes some of their room.
    text = " ORDERS".ljust(left)
    if columns.price is not None:
        text += "PRICE".rjust(left + GAP + columns.price.width - len(text))
    if columns.size is not None:
        text += gap + "SIZE".rjust(columns.size.width)
    if columns.filled:
        text += gap + "FILLED"[: columns.filled].rjust(columns.filled)
    if columns.dist:
        text += gap + "DIST".rjust(columns.dist)
    if columns.state:
        text += gap + "STATE".ljust(columns.state)
    if columns.placed:
        text += gap + "PLACED".ljust(columns.placed)
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


def paint_order(row: OrderRow, columns: OrderColumns, palette: Palette, wall: int | None) -> Row:
    """Return an order's row."""
    gap = " " * GAP
    side = palette.flat if row.side is None else palette.bid if row.side == "buy" else palette.ask
    parts: list[Part] = [(f" {_SIDES[row.side]}", side + _BOLD)]
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
    if columns.dist:
        parts += [(gap + cell(format_distance(row), columns.dist), palette.text)]
    if columns.state:
        parts += [(gap + fit(row.state or UNKNOWN, columns.state), palette.muted)]
    if columns.placed:
        placed = UNKNOWN if row.created is None else format_since(row.created, wall)
        # A date is told where a time of day would mislead.
        parts += [(gap + fit(placed.partition(" ")[0], columns.placed), palette.muted)]
    return merge(parts)


@dataclass(frozen=True)
class ChangeColumns:
    """Cells of the subjects, and of what of them changed; 0 where that is not aligned."""

    subject: int
    what: int


def choose_change_columns(log: Sequence[ChangeRow], width: int) -> ChangeColumns:
    """Return the columns of the log: assets and symbols in full where it is wide enough."""
    longest = 0
    for one in log:
        side, subject = _subject(one)
        longest = max(longest, cell_len(clean(subject)) + (0 if side is None else 3))
    room = 8 if width < 48 else 12 if width < 80 else 20
    return ChangeColumns(max(4, min(longest, room)), len("available") if width >= 56 else 0)


def paint_change(row: ChangeRow, columns: ChangeColumns, quote: str, palette: Palette, width: int) -> Row:
    """Return a line of the log: when, of which, what, from what to what."""
    side, subject = _subject(row)
    if side is not None:
        name = short_symbol(subject, quote) if cell_len(clean(subject)) + 3 > columns.subject else subject
        told = f"{_SIDES[side]} {name}"
    else:
        told = subject
    what = row.what if row.kind in ("balance", "changed") else row.kind
    if row.kind == "left" and row.after is not None:
        what = row.after
    parts: list[Part] = [(f" {format_time(row.at)} ", palette.muted)]
    style = palette.text if side is None else palette.bid if side == "buy" else palette.ask
    parts += [(fit(told, columns.subject), style), (f" {clean(what, 24).ljust(columns.what)}", palette.muted)]
    room = width - width_of(parts) - GAP
    if room >= _LEAST_CHANGE and row.kind != "left":
        parts += [(" " * GAP + fit_change(row, room), palette.text)]
    return merge(parts)


def _subject(row: ChangeRow) -> tuple[str | None, str]:
    """Return the side and the symbol with the id of an order, or None and the asset."""
    if row.kind == "balance":
        return None, row.subject
    symbol, _, rest = row.subject.partition(" ")
    side, _, _ = rest.partition(" ")
    return (side, symbol) if side in ("buy", "sell") else (None, symbol)


def fit_change(row: ChangeRow, room: int) -> str:
    """Return ``from → to`` in ``room`` cells; exact, then rounded where the two still differ, then ``to``."""
    before, after = parse_amount(row.before), parse_amount(row.after)
    old, new = _told(row.before), _told(row.after)
    if row.before is None:
        return format_amount(row.after, room) if after is not None else fit(new, room).rstrip()
    wishes = [f"{old} → {new}"]
    if before is not None and after is not None:
        for digits in range(8, 0, -1):
            pair = format_rounded(before, digits), format_rounded(after, digits)
            if pair[0] != pair[1]:
                wishes.append(" → ".join(pair))
    wishes.append(f"→ {new}")
    for words in wishes:
        if cell_len(words) <= room:
            return words
    return f"→ {format_amount(row.after, room - 2)}" if after is not None else fit(f"→ {new}", room)


def _told(value: str | None) -> str:
    number = parse_amount(value)
    if number is not None:
        return format_exact(number)
    return UNKNOWN if value is None else clean(value, 40)
