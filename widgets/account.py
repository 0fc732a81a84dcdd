"""The account: balances with their values, open orders, and what changed since the program began to watch.

Money is told as exact decimals. Where there is little room balances and orders come first.
"""

from collections.abc import Sequence
from textwrap import wrap
from typing import Final

import msgspec
from msgspec import Struct
from rich.cells import cell_len, set_cell_size
from rich.style import Style

from mdterm.feeds.frames import AccountFrame, PanelFrame
from mdterm.feeds.specs import AccountSpec
from mdterm.feeds.text import clean
from mdterm.widgets.amounts import GAP, Need
from mdterm.widgets.balances import (
    BalanceColumns,
    balance_needs,
    choose_balance_columns,
    format_worth,
    paint_balance,
    paint_balance_heads,
)
from mdterm.widgets.changes import choose_change_columns, paint_change
from mdterm.widgets.figures import format_count
from mdterm.widgets.orders import choose_order_columns, order_needs, paint_order, paint_order_heads
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Panel
from mdterm.widgets.rows import Part, Row, merge, width_of
from mdterm.widgets.state import format_reason

KEPT: Final = 20
"""Orders and changes asked for at least, so that none is missing while the panel is small."""
_ROOM_FOR_WORTH: Final = 6
_STATE_ROOM: Final = len(" SIM STALE 59m59s ─")
_BOLD: Final = Style(bold=True)


class Rows(Struct, frozen=True):
    """How the rows under the title are shared out; ``worth`` is the row of the sum of all values."""

    balances: int
    worth: int
    orders: int
    changes: int
    gaps: bool


def share_rows(height: int, balances: int, orders: int, changes: int, worth: bool) -> Rows:
    """Return the rows of each list without heads: balances and orders first, then what changed."""
    room = height - 2
    wanted = balances + orders
    # The sum is worth more than the last of many rows.
    sums = int(worth and (room > wanted or room >= _ROOM_FOR_WORTH))
    room -= sums
    if wanted > room:
        kept = max(min(balances, room - orders), min(balances, (room + 1) // 2))
        return Rows(kept, sums, room - kept, 0, False)
    room -= wanted
    gaps = room >= 6
    listed = min(changes, room - 1 - 2 * gaps) if changes and room >= 2 else 0
    return Rows(balances, sums, orders, max(0, listed), gaps)


def cut(rows: Sequence[Row], room: int, total: int, what: str, palette: Palette) -> list[Row]:
    """Return as many rows as fit; where some are missing the last one says how many of ``total``."""
    if room >= len(rows) and total <= len(rows):
        return list(rows)
    if room < 1:
        return []
    kept = list(rows[: room - 1])
    left = f"+ {format_count(total - len(kept))} more" if kept else format_count(total)
    return [*kept, ((f" {left} {what}", palette.muted),)]


def clip(row: Row, width: int) -> Row:
    """Return a row that fits; what does not ends in ``…``, for a figure cut short would be another one."""
    if width_of(row) <= width:
        return row
    kept: list[Part] = []
    room = width - 1
    for text, style in row:
        kept.append((set_cell_size(text, min(room, cell_len(text))), style))
        room -= cell_len(kept[-1][0])
    return merge([*kept, ("…", row[-1][1])])


class Account(Panel):
    """Balances, open orders and changes of the account that belongs to the shown instrument."""

    NAME = "ACCOUNT"

    def __init__(self, *, id: str = "account", quote: str = "USDT") -> None:  # noqa: A002  # Textual's own name
        super().__init__(id=id)
        self.quote = quote
        """What all is valued in."""
        self._provider = ""
        self._width = 0
        self._needs: dict[str, Need] = {}

    def spec(self) -> AccountSpec:
        """Return at least what fits."""
        rows = max(KEPT, self.size.height)
        return AccountSpec(quote=self.quote, orders=rows, log=rows)

    def show(self, panel: PanelFrame, made: float, wall: int) -> None:
        """Take a frame. One that is empty while nothing flows is none: the panel says what is missing."""
        frame = panel.frame
        if isinstance(frame, AccountFrame):
            if frame.provider != self._provider:
                self._provider, self._needs = frame.provider, {}
            if not (frame.balances or frame.orders or frame.log) and not panel.shown.is_current:
                panel = msgspec.structs.replace(panel, frame=None)
        super().show(panel, made, wall)

    def clear(self, now: float) -> None:
        """Stay: the account is not the instrument's, and the title says whose it is."""

    def details(self) -> list[str]:
        """Return whose account it is, and what all of it is worth."""
        told = [clean(self._provider, 24)] if self._provider else []
        frame = self.frame
        if isinstance(frame, AccountFrame) and self._has_worth_in_title(frame):
            told.append(format_worth(frame))
        return told

    def _has_worth_in_title(self, frame: AccountFrame) -> bool:
        """Return whether title and state have room for the sum, whatever the state's age."""
        taken = len(f"─ {self.NAME} {frame.provider} ") + len(format_worth(frame)) + 1
        return taken + _STATE_ROOM <= self._width

    def fit(self) -> None:
        """Let columns and scales be those of what is shown now."""
        self._needs = {}

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return title and body."""
        self._width = width
        return super().paint_rows(palette, width, height)

    def paint_body(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return balances, orders and changes, each under its heads."""
        return [clip(row, width) for row in self._lists(palette, width, height)]

    def _lists(self, palette: Palette, width: int, height: int) -> list[Row]:
        frame = self.frame
        assert isinstance(frame, AccountFrame)
        rows = self._refusal(palette, width, height)
        height -= len(rows)
        if height < 3:
            return [*rows, _paint_summary(frame, palette, width)][: height + len(rows)]
        self._needs |= balance_needs(frame, self._needs) | order_needs(frame, self._needs)
        worth = bool(frame.balances) and not self._has_worth_in_title(frame)
        shared = share_rows(height, len(frame.balances), frame.open_orders, len(frame.log), worth)
        rows += self._balances(frame, shared, palette, width)
        if shared.gaps:
            rows.append(())
        rows += self._orders(frame, shared, palette, width)
        if shared.changes:
            if shared.gaps:
                rows.append(())
            rows.append(((" CHANGES", palette.muted),))
            log = frame.log[: shared.changes]
            columns = choose_change_columns(frame.log, width)
            local = [msgspec.structs.replace(one, at=one.at + self.offset_ns) for one in log]
            rows += [paint_change(one, columns, frame.quote, palette, width) for one in local]
        return rows

    def _refusal(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return why the account is refused, over what was known before."""
        shown = self.current()
        if shown.word != "REFUSED" or height < 5:
            return []
        words = wrap(format_reason(shown), max(1, width - 2))[:2]
        return [((f" {line}", palette.warn),) for line in words]

    def _balances(self, frame: AccountFrame, shared: Rows, palette: Palette, width: int) -> list[Row]:
        columns = choose_balance_columns(frame, self._needs, width)
        if not frame.balances:
            return [((" no balances known", palette.muted),)]
        rows = [paint_balance(one, columns, palette) for one in frame.balances]
        told = cut(rows, shared.balances, len(rows), "assets", palette)
        painted = [paint_balance_heads(columns, palette), *told]
        return [*painted, _paint_worth(frame, columns, palette)] if shared.worth else painted

    def _orders(self, frame: AccountFrame, shared: Rows, palette: Palette, width: int) -> list[Row]:
        if not frame.open_orders:
            return [((" ORDERS  none known", palette.muted),)]
        columns = choose_order_columns(frame, self._needs, width)
        wall = None if self._wall is None else self._wall + self.offset_ns
        orders = [
            one if one.created is None else msgspec.structs.replace(one, created=one.created + self.offset_ns)
            for one in frame.orders
        ]
        rows = [paint_order(one, columns, palette, wall) for one in orders]
        told = cut(rows, shared.orders, frame.open_orders, "orders", palette)
        return [paint_order_heads(columns, palette), *told]


def _paint_worth(frame: AccountFrame, columns: BalanceColumns, palette: Palette) -> Row:
    """Return the sum of all values under their column."""
    edge = 1 + columns.asset
    for name, cells in columns.figures:
        edge += GAP + cells
        if name == "VALUE":
            break
    worth = format_worth(frame)
    if columns.value is not None:
        worth = worth.removesuffix(f" {clean(frame.quote)}")
    label = f" all in {clean(frame.quote)}" if columns.value is not None else " all "
    return merge([(label, palette.muted), (worth.rjust(edge - cell_len(label)), palette.text + _BOLD)])


def _paint_summary(frame: AccountFrame, palette: Palette, width: int) -> Row:
    """Return the account in one row, where there is no room for more."""
    orders = f"{format_count(frame.open_orders)} order{'' if frame.open_orders == 1 else 's'}"
    return merge([(f" {format_worth(frame)}", palette.text), (" " * GAP + orders, palette.muted)])
