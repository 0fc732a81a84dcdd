"""Balances: a row an asset, exact, with what it is worth."""

from typing import Final

from msgspec import Struct
from rich.cells import cell_len
from rich.style import Style

from mdterm.feeds.frames import AccountFrame, BalanceRow
from mdterm.feeds.text import clean
from mdterm.widgets.amounts import GAP, GROW, Amounts, Need, Needs, Step, fit_amounts, grant, parse_amount
from mdterm.widgets.figures import UNKNOWN, cell, fit, format_price
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import Part, Row, merge

VALUE_DIGITS: Final = 2
_SHARE: Final = 7
_BOLD: Final = Style(bold=True)


def format_value(value: float | None) -> str | None:
    """Return a value as an amount, None where it has no price."""
    return None if value is None else f"{value:.{VALUE_DIGITS}f}"


def balance_needs(frame: AccountFrame, before: Needs) -> dict[str, Need]:
    """Return what the columns of balances need, and what they needed before."""
    rows = frame.balances
    told = {
        "total": [row.total for row in rows],
        "available": [row.available for row in rows],
        "locked": [row.locked for row in rows],
    }
    needs = {name: before.get(name, Need()).grown(amounts) for name, amounts in told.items()}
    values = [*(format_value(row.value) for row in rows), format_value(frame.value)]
    needs["value"] = before.get("value", Need()).grown(values, least=VALUE_DIGITS)
    return needs


class BalanceColumns(Struct, frozen=True):
    """Columns of balances; None, or 0, for one that there is no room for."""

    asset: int
    total: Amounts | None
    available: Amounts | None
    locked: Amounts | None
    value: Amounts | None
    share: int

    @property
    def figures(self) -> list[tuple[str, int]]:
        """Heads and cells of the figures in their order."""
        columns = (
            ("TOTAL", self.total),
            ("AVAILABLE", self.available),
            ("LOCKED", self.locked),
            ("VALUE", self.value),
        )
        told = [(name, column.width) for name, column in columns if column is not None]
        return [*told, ("SHARE", self.share)] if self.share else told


def choose_balance_columns(frame: AccountFrame, needs: Needs, width: int) -> BalanceColumns:
    """Return the columns of balances that fit."""
    rows = frame.balances
    longest = max((cell_len(clean(row.asset)) for row in rows), default=0)
    total, available, locked, value = (
        needs[name].width for name in ("total", "available", "locked", "value")
    )
    available, locked = max(available, len("AVAILABLE")), max(locked, len("LOCKED"))
    total, value = max(total, len("TOTAL")), max(value, len("VALUE"))

    def both(cells: int) -> list[Step]:
        # Side by side they are compared, so that they grow together.
        return [("total", min(total, cells), GROW), ("available", min(available, cells), GROW)]

    widths = grant(
        width,
        [
            ("asset", max(len("ASSET"), min(longest, 5)), 1),
            ("total", min(total, 8), GAP),
            ("value", min(value, 9), GAP),
            ("available", min(available, 9), GAP),
            *both(9),
            ("value", min(value, 12), GROW),
            ("asset", min(longest, 8), GROW),
            *both(10),
            *both(11),
            *both(12),
            ("share", _SHARE, GAP),
            ("locked", min(locked, 9), GAP),
            *(step for cells in range(13, 25) for step in both(cells)),
            ("locked", min(locked, 24), GROW),
            ("value", min(value, 24), GROW),
            ("asset", min(longest, 16), GROW),
        ],
    )

    def column(name: str, amounts: list[str | None]) -> Amounts | None:
        cells = widths.get(name)
        return None if cells is None else fit_amounts(amounts, needs[name], cells)

    return BalanceColumns(
        asset=widths.get("asset", max(0, width - 1)),
        total=column("total", [row.total for row in rows]),
        available=column("available", [row.available for row in rows]),
        locked=column("locked", [row.locked for row in rows]),
        value=column("value", [format_value(row.value) for row in rows]),
        share=widths.get("share", 0),
    )


def paint_balance_heads(columns: BalanceColumns, palette: Palette) -> Row:
    """Return the row of the balances' column names."""
    names = "".join(" " * GAP + name.rjust(cells) for name, cells in columns.figures)
    return ((" " + fit("ASSET", columns.asset) + names, palette.muted),)


def paint_balance(row: BalanceRow, columns: BalanceColumns, palette: Palette) -> Row:
    """Return an asset's row."""
    gap = " " * GAP
    parts: list[Part] = [(f" {fit(row.asset, columns.asset)}", palette.text + _BOLD)]
    if columns.total is not None:
        parts += [(gap + columns.total.text(row.total), palette.text)]
    if columns.available is not None:
        parts += [(gap + columns.available.text(row.available), palette.text)]
    if columns.locked is not None:
        is_free = parse_amount(row.locked) == 0
        parts += [(gap + columns.locked.text(row.locked), palette.muted if is_free else palette.own)]
    if columns.value is not None:
        parts += [(gap + columns.value.text(format_value(row.value), VALUE_DIGITS), palette.text)]
    if columns.share:
        share = UNKNOWN if row.share is None else f"{row.share * 100:.1f} %"
        parts += [(gap + cell(share, columns.share), palette.muted)]
    return merge(parts)


def format_worth(frame: AccountFrame) -> str:
    """Return what all is worth; ``≥`` where an asset without a price is not in it."""
    if frame.value is None:
        return f"{UNKNOWN} {clean(frame.quote)}"
    least = "≥" if frame.unpriced else ""
    return f"{least}{format_price(frame.value, VALUE_DIGITS)} {clean(frame.quote)}"
