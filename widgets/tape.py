"""The tape: every print, newest on top: time, side, price, size."""

from dataclasses import dataclass
from typing import Final

from mdterm.feeds.frames import PanelFrame, TapeFrame, TapeRow, TapeSpec
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
from mdterm.widgets.panel import Panel
from mdterm.widgets.rows import NO_STYLE, Part, Row, merge

GAP: Final = 2
CHROME: Final = 2
"""Rows of the body that are no prints: the column heads and the sums."""
_TIME: Final = len("HH:MM:SS.mmm")
_SHORT_TIME: Final = len("HH:MM:SS")
_SIDE: Final = len("▲ ")
_JOINED: Final = len("  ×99")
_SIZE_WIDTHS: Final = (10, 9, 8, 7, 6, 5)
_GLYPHS: Final = {"buy": "▲", "sell": "▼", None: "·"}


@dataclass(frozen=True)
class Columns:
    """Widths of the tape's columns in cells.

    ``whole`` are the cells that sizes need before the point; ``joined`` tells whether ×n has a place.
    """

    time: int
    price: int
    size: int
    whole: int
    digits: int
    joined: bool

    @property
    def width(self) -> int:
        """Cells from edge to edge."""
        fixed = self.time + GAP + _SIDE + self.price + GAP + self.size
        return fixed + (_JOINED if self.joined else 0)


def choose_columns(frame: TapeFrame, width: int, before: Columns | None) -> Columns:
    """Return the columns for a frame: as wide as it needs, and never narrower than ``before``."""
    price = max((len(format_price(row.price, frame.digits)) for row in frame.rows), default=0)
    price = max(price, before.price if before else 0, len("PRICE"))
    time = _TIME
    room = width - (time + GAP + _SIDE + price + GAP)
    if room < _SIZE_WIDTHS[-1]:
        time, room = _SHORT_TIME, room + _TIME - _SHORT_TIME
    joined = room >= 7 + _JOINED
    if joined:
        room -= _JOINED
    size = next((w for w in _SIZE_WIDTHS if w <= room), max(1, room))
    # A large print that scrolls out must not make every number jump back.
    whole = max(whole_cells(row.size for row in frame.rows), before.whole if before else 0)
    return Columns(time, price, size, whole, fit_digits(whole, frame.size_digits, size), joined)


def paint_print(
    row: TapeRow, columns: Columns, price_digits: int, palette: Palette, offset_ns: int = 0
) -> Row:
    """Return a print's row."""
    side = palette.up if row.side == "buy" else palette.down if row.side == "sell" else palette.flat
    price = cell(format_price(row.price, price_digits), columns.price)
    size = cell(format_size(row.size, columns.digits), columns.size)
    parts: list[Part] = [
        (format_time_ms(row.ts + offset_ns)[: columns.time], palette.muted),
        (" " * GAP, NO_STYLE),
    ]
    parts += [(f"{_GLYPHS[row.side]} {price}{' ' * GAP}{size}", side)]
    if columns.joined and row.count > 1:
        parts += [(f"  ×{min(row.count, 99)}", palette.muted)]
    return merge(parts)


def paint_heads(columns: Columns, palette: Palette) -> Row:
    """Return the row of column names."""
    text = "TIME".ljust(columns.time + GAP + _SIDE) + "PRICE".rjust(columns.price)
    return ((f"{text}{' ' * GAP}{'SIZE'.rjust(columns.size)}", palette.muted),)


def paint_sums(frame: TapeFrame, palette: Palette, width: int, offset_ns: int = 0) -> Row:
    """Return the line under the prints: CVD with its start, and whether it can be trusted."""
    if frame.cvd is None:
        return merge([("CVD ", palette.muted), (UNKNOWN, palette.text)])
    side = palette.up if frame.cvd > 0 else palette.down if frame.cvd < 0 else palette.flat
    cvd = format_signed(frame.cvd, min(frame.size_digits, 3))
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


class Tape(Panel):
    """The prints of one instrument."""

    NAME = "TAPE"

    def __init__(self, *, id: str = "tape") -> None:  # noqa: A002  # Textual's own name for it
        super().__init__(id=id)
        self.hold: int | None = None
        """The newest print shown while the tape is held."""
        self._columns: Columns | None = None
        self._ground: object = None
        self._made: dict[TapeRow, Row] = {}
        """The rows of the last paint by their prints: what scrolls is not made again."""

    @property
    def print_rows(self) -> int:
        """Prints that fit."""
        return max(1, self.size.height - 1 - CHROME)

    def spec(self) -> TapeSpec:
        """Return the prints that fit."""
        return TapeSpec(rows=self.print_rows, hold=self.hold)

    def hold_or_run(self) -> None:
        """Hold the tape still, or let it run."""
        frame = self.frame
        if isinstance(frame, TapeFrame):
            self.hold = frame.newest if self.hold is None else None
            self.repaint()

    def clear(self, now: float) -> None:
        """Show nothing, and let the next instrument's tape run."""
        self.hold = None
        super().clear(now)

    def show(self, panel: PanelFrame, made: float, wall: int) -> None:
        """Take a frame; another instrument's columns start anew."""
        new, old = panel.frame, self.frame
        if isinstance(new, TapeFrame) and (not isinstance(old, TapeFrame) or new.address != old.address):
            self._columns = None
        super().show(panel, made, wall)

    def details(self) -> list[str]:
        """Return filter and pace."""
        frame = self.frame
        if not isinstance(frame, TapeFrame):
            return []
        told = [] if frame.min_size is None else [f"≥{frame.min_size:g}"]
        return [*told, f"{frame.pace:.0f}/s"]

    def badge(self) -> str:
        """Say that prints wait."""
        frame = self.frame
        if self.hold is None:
            return ""
        return f"PAUSED +{frame.waiting}" if isinstance(frame, TapeFrame) else "PAUSED"

    def paint_body(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return heads, prints and sums."""
        frame = self.frame
        assert isinstance(frame, TapeFrame)
        columns = self._columns = choose_columns(frame, width, self._columns)
        prints = max(1, height - CHROME)
        rows = [paint_heads(columns, palette)]
        ground = (columns, frame.digits, palette, self.offset_ns)
        if ground != self._ground:
            self._ground, self._made = ground, {}
        made = self._made
        self._made = {
            one: made.get(one) or paint_print(one, columns, frame.digits, palette, self.offset_ns)
            for one in frame.rows[:prints]
        }
        rows += [self._made[one] for one in frame.rows[:prints]]
        rows += [()] * (1 + prints - len(rows))
        return [*rows, paint_sums(frame, palette, width, self.offset_ns)][:height]
