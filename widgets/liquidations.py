"""Liquidations: what was liquidated in each window, and one by one. Pure."""

from typing import Final

from msgspec import Struct
from rich.cells import cell_len

from mdterm.feeds.frames import DerivativesFrame, LiquidationRow
from mdterm.widgets.figures import UNKNOWN, cell, fit, format_price, format_size, format_time_ms
from mdterm.widgets.funding import CANNOT, GAP, paint_figure
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import Part, Row, merge

_POSITIONS: Final = {"long": "L", "short": "S", None: "?"}
_VALUE: Final = 8


def paint_liquidated(frame: DerivativesFrame, palette: Palette, width: int) -> list[Row]:
    """Return what was liquidated in each window, in quote notional, longs and shorts apart."""
    if "liquidation" in frame.missing:
        return [paint_figure("liquid.", CANNOT, [], palette, width)]
    windows = list(frame.liquidated)
    room = width - len(" LIQUIDATIONS")
    while windows and 9 * len(windows) > room:
        windows.pop()
    head: list[Part] = [(" LIQUIDATIONS", palette.muted)]
    head += [(cell(name, 9), palette.muted) for name in windows]
    rows = [merge(head)]
    sides = [("longs", 0, palette.liq_long), ("shorts", 1, palette.liq_short)]
    if any(frame.liquidated[name][2] for name in windows):
        sides.append(("unknown", 2, palette.flat))
    for side, at, style in sides:
        parts: list[Part] = [(f"   {side:<10}", style)]
        parts += [(cell(format_size(frame.liquidated[name][at], 0) or "0", 9), style) for name in windows]
        rows.append(merge(parts))
    return rows


def paint_liquidated_briefly(frame: DerivativesFrame, palette: Palette, width: int) -> Row:
    """Return the sums of the shortest window in one line."""
    if "liquidation" in frame.missing or not frame.liquidated:
        return paint_figure(
            "liquid.", CANNOT if "liquidation" in frame.missing else UNKNOWN, [], palette, width
        )
    name, (longs, shorts, _) = next(iter(frame.liquidated.items()))
    more: list[Part] = [
        (f"{GAP}S {format_size(shorts, 0) or '0'}", palette.liq_short),
        (f" {name}", palette.muted),
    ]
    parts = [
        (" liquid.   ", palette.muted),
        (cell(f"L {format_size(longs, 0) or '0'}", 10), palette.liq_long),
    ]
    return merge([*parts, *more])


class Columns(Struct, frozen=True):
    """Widths of the liquidations' columns in cells; 0 for one that there is no room for."""

    time: int
    price: int
    size: int
    raw: int
    value: int = 0

    @property
    def width(self) -> int:
        """Cells from edge to edge."""
        more = sum(2 + cells for cells in (self.value, self.raw) if cells)
        return 1 + self.time + 2 + 1 + 2 + self.price + 2 + self.size + more


def choose_columns(frame: DerivativesFrame, width: int, before: Columns | None) -> Columns:
    """Return the columns for the liquidations: prices and sizes never become narrower than ``before``."""
    prices = (len(format_price(row.price, frame.digits)) for row in frame.liquidations)
    sizes = (cell_len(_size(row, frame)) for row in frame.liquidations)
    price = max(*prices, len("PRICE"), before.price if before else 0, 0)
    size = max(*sizes, len("SIZE"), before.size if before else 0, 0)
    for time, raw, value in ((12, 6, _VALUE), (12, 6, 0), (12, 4, 0), (12, 0, 0), (8, 0, 0), (5, 0, 0)):
        found = Columns(time, price, size, raw, value)
        if found.width <= width:
            break
    return found


def _size(row: LiquidationRow, frame: DerivativesFrame) -> str:
    return format_size(row.size, min(frame.size_digits, 3))


def paint_liquidation(
    row: LiquidationRow, frame: DerivativesFrame, columns: Columns, palette: Palette, offset_ns: int = 0
) -> Row:
    """Return one liquidation: whose position it was, and the provider's own word for the side."""
    style = palette.flat
    if row.position is not None:
        style = palette.liq_long if row.position == "long" else palette.liq_short
    parts: list[Part] = [(f" {format_time_ms(row.ts + offset_ns)[: columns.time]}{GAP}", palette.muted)]
    price = cell(format_price(row.price, frame.digits), columns.price)
    parts += [(f"{_POSITIONS[row.position]}{GAP}{price}{GAP}{cell(_size(row, frame), columns.size)}", style)]
    if columns.value:
        parts += [(GAP + cell(format_size(row.price * row.size, 0), columns.value), style)]
    if columns.raw:
        parts += [(GAP + fit(row.raw_side or UNKNOWN, columns.raw), palette.muted)]
    return merge(parts)


def paint_heads(columns: Columns, palette: Palette) -> Row:
    """Return the row of the liquidations' column names."""
    text = f" {'TIME':<{columns.time}}{GAP}P{GAP}{'PRICE':>{columns.price}}{GAP}{'SIZE':>{columns.size}}"
    text += f"{GAP}{'VALUE':>{columns.value}}" if columns.value else ""
    text += f"{GAP}{'RAW':<{columns.raw}}" if columns.raw else ""
    return ((text, palette.muted),)
