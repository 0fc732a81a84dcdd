"""What passed while nobody looked: an instrument a line, and below it what must not be overlooked."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from rich.cells import cell_len
from rich.style import Style

from mdterm.feeds.frames import PanelFrame
from mdterm.feeds.frames_away import AwayFrame, AwayGap, AwayPrint, AwayRow, AwaySpec
from mdterm.feeds.text import clean
from mdterm.widgets.figures import (
    UNKNOWN,
    cell,
    fit,
    format_age,
    format_count,
    format_price,
    format_signed,
    format_since,
    format_size,
)
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import View
from mdterm.widgets.rows import Part, Row, merge, spread, width_of
from mdterm.widgets.state import format_reason, format_state, state_style

BIGGEST: Final = 5
ALARMS: Final = 3
GAPS: Final = 2
_GAP: Final = "  "
_INDENT: Final = "    "
_CHANGE: Final = len("-12.34")
_LEAST_SYMBOL: Final = 6
_BOLD: Final = Style(bold=True)
_SIDES: Final = {"buy": "▲", "sell": "▼", None: "·"}


class AwayColumns(Struct, frozen=True):
    """Widths in cells; 0 for a column that there is no room for."""

    symbol: int
    price: int
    range: int = 0
    """Of the high, and of the low beside it."""
    delta: int = 0
    volume: int = 0
    trades: int = 0

    @property
    def width(self) -> int:
        """Cells from edge to edge."""
        gap = len(_GAP)
        optional = (self.range, self.range, self.delta, self.volume, self.trades)
        figures = sum(gap + one for one in optional if one)
        return 1 + self.symbol + gap + self.price + 3 + self.price + gap + _CHANGE + figures


def choose_away_columns(rows: Sequence[AwayRow], width: int) -> AwayColumns:
    """Return the columns that fit: the range first, then delta, volume, trades; then names in full."""
    prices = [_price(row, one) for row in rows for one in (row.first, row.last, row.high, row.low)]
    price = max([len("FIRST"), *map(len, prices)])
    names = max([_LEAST_SYMBOL, *(cell_len(_name(row)) for row in rows)])
    symbols = max([_LEAST_SYMBOL, *(cell_len(clean(row.symbol, 24)) for row in rows)])
    columns = AwayColumns(_LEAST_SYMBOL, price)
    for more in (
        {"symbol": min(symbols, 10)},
        {"range": price},
        {"delta": max([len("DELTA"), *(len(_delta(row)) for row in rows)])},
        {"volume": max([len("VOLUME"), *(len(_volume(row)) for row in rows)])},
        {"symbol": names},
        {"trades": max([len("TRADES"), *(len(format_count(row.trades)) for row in rows)])},
    ):
        wider = replace(columns, **more)
        if wider.width > width:
            break
        columns = wider
    return columns


def _name(row: AwayRow) -> str:
    return clean(f"{row.symbol}·{row.provider}", 40)


def _price(row: AwayRow, price: float | None) -> str:
    return format_price(price, row.digits)


def _told(row: AwayRow, text: str) -> str:
    return f"~{text}" if row.is_estimated else text


def _delta(row: AwayRow) -> str:
    if row.delta is None:
        return UNKNOWN
    # A sum needs no more digits than its parts, and fewer once it is large.
    return _told(
        row,
        format_signed(
            row.delta,
            min(row.size_digits, 3 if abs(row.delta) < 1_000 else 1 if abs(row.delta) < 10_000 else 0),
        ),
    )


def _volume(row: AwayRow) -> str:
    return (
        UNKNOWN if row.volume is None else _told(row, format_size(row.volume, min(row.size_digits, 3)) or "0")
    )


def paint_away_heads(columns: AwayColumns, palette: Palette) -> Row:
    """Return the row of column names."""
    text = " " + "SYMBOL".ljust(columns.symbol) + _GAP
    text += cell("FIRST", columns.price) + "   " + cell("LAST", columns.price) + _GAP + cell("CHG%", _CHANGE)
    for name, width in (
        ("HIGH", columns.range),
        ("LOW", columns.range),
        ("DELTA", columns.delta),
        ("VOLUME", columns.volume),
        ("TRADES", columns.trades),
    ):
        text += _GAP + cell(name, width) if width else ""
    return ((text, palette.muted),)


def paint_away_line(row: AwayRow, columns: AwayColumns, palette: Palette) -> Row:
    """Return the figures of an instrument; what is not known is ``—``."""
    muted, plain = palette.muted, palette.text
    moved = 0 if row.first is None or row.last is None else (row.last > row.first) - (row.last < row.first)
    change = UNKNOWN
    if row.first and row.last is not None:
        change = f"{(row.last / row.first - 1) * 100:+.2f}"
    style = palette.moved(moved) if moved else plain
    name = _name(row) if cell_len(_name(row)) <= columns.symbol else row.symbol
    parts: list[Part] = [
        (" " + fit(name, columns.symbol) + _GAP, plain),
        (cell(_price(row, row.first), columns.price), plain),
        (" → ", muted),
        (cell(_price(row, row.last), columns.price) + _GAP + cell(change, _CHANGE), style),
    ]
    if columns.range:
        parts.append(
            ("".join(_GAP + cell(_price(row, one), columns.range) for one in (row.high, row.low)), plain)
        )
    if columns.delta:
        side = plain if not row.delta else palette.bid if row.delta > 0 else palette.ask
        parts.append((_GAP + cell(_delta(row), columns.delta), side))
    if columns.volume:
        parts.append((_GAP + cell(_volume(row), columns.volume), plain))
    if columns.trades:
        parts.append((_GAP + cell(format_count(row.trades), columns.trades), plain))
    return merge(parts)


def paint_biggest(row: AwayRow, palette: Palette, width: int, wall: int, offset_ns: int) -> Row:
    """Return the biggest prints, as many as there is room for, the biggest first."""
    parts: list[Part] = [(_INDENT + "biggest", palette.muted)]
    for one in row.biggest[:BIGGEST]:
        told = _print(one, row, palette, wall, offset_ns)
        if width_of(parts) + width_of(told) > width:
            break
        parts += told
    return merge(parts)


def _print(one: AwayPrint, row: AwayRow, palette: Palette, wall: int, offset_ns: int) -> list[Part]:
    style = palette.bid if one.side == "buy" else palette.ask if one.side == "sell" else palette.flat
    size = format_size(one.size, min(row.size_digits, 4)) or "0"
    at = format_since(one.ts + offset_ns, wall + offset_ns)
    return [
        (f"{_GAP}{_SIDES[one.side]} {size}", style),
        (f" at {_price(row, one.price)} ", palette.text),
        (at, palette.muted),
    ]


def describe_gap(gap: AwayGap, wall: int, offset_ns: int) -> str:
    """Return when trades were missing, for how long, and whether bars have told them since."""
    began = format_since(gap.since + offset_ns, wall + offset_ns)
    if gap.until is None:
        return f"gap since {began}, {format_age((wall - gap.since) / 1e9, whole=True)} so far"
    ended = format_since(gap.until + offset_ns, wall + offset_ns)
    filled = "filled from bars (~)" if gap.is_filled else "trades may be missing"
    return f"gap {began}–{ended} ({format_age((gap.until - gap.since) / 1e9, whole=True)}): {filled}"


class AwayLines(View):
    """The last absence, or what passes since somebody was last there."""

    NAME: Final = "WHAT PASSED"

    def __init__(self, *, id: str = "away") -> None:  # noqa: A002  # Textual's own name for it
        super().__init__(id=id)
        self.shows_running = False
        self.top = 0
        """Lines above the upper edge."""
        self._wall = 0

    def spec(self) -> AwaySpec:
        """Return the time that is asked for."""
        return AwaySpec(BIGGEST, self.shows_running)

    def show(self, panel: PanelFrame, made: float, wall: int) -> None:
        """Take a frame."""
        self._wall = wall
        super().show(panel, made, wall)

    def clear(self, now: float) -> None:
        """Stay: what passed is not the shown instrument's alone."""

    def tick(self, now: float, wall: int) -> None:
        """Let the time that runs advance."""
        self._wall = wall
        super().tick(now, wall)

    def move(self, by: int) -> None:
        """Show lines below (positive) or above."""
        self.top = max(0, self.top + by)
        self.repaint()

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return the title, and as many lines as fit."""
        frame = self.frame if isinstance(self.frame, AwayFrame) else None
        grid = palette.grid
        title: list[Part] = [("─ ", grid), (f"{self.NAME} ", palette.key + _BOLD)]
        if frame is not None:
            title += [(f"{words} ", palette.text) for words in self._when(frame)]
        right: list[Part] = [(" esc closes", palette.muted), (" ─", grid)]
        if frame is not None and frame.is_past:
            other = " tab: since then" if frame.until is not None else " tab: last absence"
            if width_of(title) + len(other) + width_of(right) <= width:
                right.insert(0, (other, palette.muted))
        rows = [spread(title, right, width, "─", grid)]
        if frame is None or not frame.rows:
            return [*rows, ((fit(" nobody has been away yet", width), palette.muted),)][:height]
        lines = self._lines(frame, palette, width)
        room = max(1, height - 2)
        self.top = max(0, min(self.top, len(lines) - room))
        heads = paint_away_heads(choose_away_columns(frame.rows, width), palette)
        return [*rows, heads, *lines[self.top : self.top + room]][:height]

    def _when(self, frame: AwayFrame) -> list[str]:
        until = self._wall if frame.until is None else frame.until
        local = self._wall + self.offset_ns
        began = format_since(frame.since + self.offset_ns, local)
        age = format_age((until - frame.since) / 1e9, whole=True)
        if frame.until is None:
            return [f"since {began}", age]
        return [f"{began}–{format_since(until + self.offset_ns, local)}", age]

    def _lines(self, frame: AwayFrame, palette: Palette, width: int) -> list[Row]:
        columns, wall, offset_ns = choose_away_columns(frame.rows, width), self._wall, self.offset_ns
        lines: list[Row] = []
        for row in frame.rows:
            lines.append(paint_away_line(row, columns, palette))
            if row.biggest:
                lines.append(paint_biggest(row, palette, width, wall, offset_ns))
            told = [describe_gap(one, wall, offset_ns) for one in reversed(row.gaps)]
            if len(told) > GAPS:
                told[GAPS:] = [f"{len(told) - GAPS} more gaps before"]
            for alarm in reversed(row.alarms[-ALARMS:]):
                at = format_since(alarm.at + offset_ns, wall + offset_ns)
                told.append(f"alert {at} {alarm.words}")
            if row.alarm_count > ALARMS:
                told.append(f"{row.alarm_count - ALARMS} more alerts before")
            lines += [((fit(_INDENT + words, width), palette.warn),) for words in told]
            if not row.shown.is_current:
                state, reason = format_state(row.shown, wall, offset_ns), format_reason(row.shown)
                words = f"{_INDENT}now {state}" + (f": {reason}" if reason else "")
                lines.append(((fit(words, width), state_style(row.shown, palette)),))
        return lines
