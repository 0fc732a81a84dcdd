"""What changed in the account: a line each, and all lines of the session to scroll through."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from rich.cells import cell_len
from rich.style import Style
from textual import events

from mdterm.feeds.account import LOG_KEPT
from mdterm.feeds.frames import AccountFrame, ChangeRow, PanelFrame
from mdterm.feeds.specs import AccountSpec
from mdterm.feeds.text import clean
from mdterm.widgets.amounts import GAP, format_amount, format_exact, format_rounded, parse_amount
from mdterm.widgets.figures import UNKNOWN, fit, format_count, format_date, format_time
from mdterm.widgets.orders import SIDES, short_symbol
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import View
from mdterm.widgets.rows import Part, Row, merge, spread, width_of
from mdterm.widgets.state import format_reason, format_state, state_style

_DAY: Final = 86_400 * 10**9
_LONGEST_SUBJECT: Final = 20
_CHANGE: Final = len("123 456.12345 → 123 456.12345")
_PRICE: Final = len("123 456.12")
_LEAST_CHANGE: Final = len("→ 0.01")
_BOLD: Final = Style(bold=True)


class ChangeColumns(Struct, frozen=True):
    """Cells of the subjects, of what of them changed, and of from what to what; 0 where it is not aligned.

    Where changes are aligned, prices and the orders' ids stand behind them.
    """

    subject: int
    what: int
    change: int = 0


def choose_change_columns(log: Sequence[ChangeRow], width: int) -> ChangeColumns:
    """Return the columns of the log: assets and symbols in full where it is wide enough."""
    longest = 0
    for one in log:
        side, subject = _subject(one)
        longest = max(longest, cell_len(clean(subject)) + (0 if side is None else 3))
    room = 8 if width < 48 else 12 if width < 80 else 20
    what, change = len("available") if width >= 56 else 0, _CHANGE if width >= 80 else 0
    return ChangeColumns(max(4, min(longest, room)), what, change)


def paint_change(row: ChangeRow, columns: ChangeColumns, quote: str, palette: Palette, width: int) -> Row:
    """Return a line of the log: when, of which, what, from what to what."""
    side, subject = _subject(row)
    if side is not None:
        name = short_symbol(subject, quote) if cell_len(clean(subject)) + 3 > columns.subject else subject
        told = f"{SIDES[side]} {name}"
    else:
        told = subject
    what = row.what if row.kind in ("balance", "changed") else row.kind
    if row.kind == "left" and row.after is not None and not columns.what:
        what = row.after  # why it left is all that there is room for
    parts: list[Part] = [(f" {format_time(row.at)} ", palette.muted)]
    style = palette.text if side is None else palette.bid if side == "buy" else palette.ask
    parts += [(fit(told, columns.subject), style), (f" {clean(what, 24).ljust(columns.what)}", palette.muted)]
    room = width - width_of(parts) - GAP
    if room < _LEAST_CHANGE or (row.kind == "left" and not columns.what):
        return merge(parts)
    room = min(room, columns.change or room)
    parts += [(" " * GAP + fit_change(row, room).ljust(columns.change), palette.text)]
    if columns.change:
        at = "" if row.price is None else f"at {format_amount(row.price, _PRICE)}"
        parts += [(" " * GAP + at.ljust(_PRICE + 3), palette.muted)]
        order = clean(row.subject.rpartition(" ")[2], 24) if side is not None else ""
        if width_of(parts) + 1 + cell_len(order) <= width:
            parts += [(f" {order}", palette.muted)]
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


class Changes(View):
    """All that changed in the account since the program began to watch it, the newest first."""

    NAME: Final = "ACCOUNT LOG"

    def __init__(self, *, id: str = "account-log") -> None:  # noqa: A002  # Textual's own name for it
        super().__init__(id=id)
        self.top = 0
        """Lines between the newest and the upper edge."""
        self.closing = "esc"
        self._wall: int | None = None
        self._subject = 0

    def spec(self) -> AccountSpec:
        """Return every line that is kept, and no orders."""
        return AccountSpec(orders=0, log=LOG_KEPT)

    def show(self, panel: PanelFrame, made: float, wall: int) -> None:
        """Take a frame. What is looked at stays where it is when newer lines come."""
        had, frame = self.frame, panel.frame
        if self.top and isinstance(had, AccountFrame) and isinstance(frame, AccountFrame) and had.log:
            first = had.log[0]
            self.top += next((at for at, one in enumerate(frame.log) if one == first), 0)
        self._wall = wall
        super().show(panel, made, wall)

    def clear(self, now: float) -> None:
        """Stay: the account is not the instrument's."""

    def scroll_lines(self, by: int) -> None:
        """Show earlier lines (positive) or later ones."""
        self.top = max(0, self.top + by)
        self.repaint()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Show later lines."""
        event.stop()
        self.scroll_lines(-3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Show earlier lines."""
        event.stop()
        self.scroll_lines(3)

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return the title and as many lines as fit, a row of its own for every day."""
        frame = self.frame if isinstance(self.frame, AccountFrame) else None
        log = [] if frame is None else frame.log
        grid, state = palette.grid, format_state(self.shown, self._wall, self.offset_ns)
        title: list[Part] = [("─ ", grid), (f"{self.NAME} ", palette.key + _BOLD)]
        if frame is not None:
            title += [(f"{clean(frame.provider, 24)} ", palette.muted)]
        right: list[Part] = [(f" {format_count(len(log))} changes", palette.muted)]
        right += [
            (f" {state}", state_style(self.shown, palette)),
            (f" {self.closing} closes", palette.muted),
            (" ─", grid),
        ]
        rows = [spread(title, right, width, "─", grid)]
        if frame is None or not log:
            words = format_reason(self.shown) or "nothing has changed since mdterm began to watch"
            return [*rows, ((fit(f" {words}", width), palette.muted),)]
        lines = _with_days(log, self.offset_ns)
        room = max(1, height - 1)
        self.top = max(0, min(self.top, len(lines) - room))
        visible = lines[self.top : self.top + room]
        columns = choose_change_columns([one for one in visible if isinstance(one, ChangeRow)], width)
        # Wider for good: a column that breathes while one scrolls cannot be read down.
        self._subject = min(max(self._subject, columns.subject), _LONGEST_SUBJECT)
        columns = replace(columns, subject=max(columns.subject, min(self._subject, width // 3)))
        for one in visible:
            if isinstance(one, ChangeRow):
                local = replace(one, at=one.at + self.offset_ns)
                rows.append(paint_change(local, columns, frame.quote, palette, width))
            else:
                rows.append(((f" {one}", palette.muted),))
        return rows[:height]


def _with_days(log: Sequence[ChangeRow], offset_ns: int) -> list[ChangeRow | str]:
    """Return the lines, each day's under its date."""
    lines: list[ChangeRow | str] = []
    day = None
    for one in log:
        began = (one.at + offset_ns) // _DAY
        if began != day:
            day = began
            lines.append(format_date(one.at + offset_ns))
        lines.append(one)
    return lines
