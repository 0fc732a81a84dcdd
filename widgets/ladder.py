"""The ladder: price levels down the middle, bids left, asks right, one row a step."""

from dataclasses import dataclass
from typing import Final

from rich.style import Style
from textual import events
from textual.message import Message

from mdterm.feeds.frames import LadderFrame, LadderSpec, PanelFrame
from mdterm.widgets.figures import UNKNOWN, cell, fit_digits, format_price, format_size, whole_cells
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Panel
from mdterm.widgets.rows import NO_STYLE, Part, Row, merge, width_of

GAP: Final = 2
"""Blanks between two columns; thousands are parted by one, so one would read as a thousand."""
EDGE: Final = 1
"""Cells at either edge for marks: between a price and its sizes stand only blanks."""
_SIZE_WIDTHS: Final = (12, 11, 10, 9, 8, 7, 6, 5)
CHROME: Final = 2
"""Rows of the body that are no price levels: the column heads and the read-out."""


@dataclass(frozen=True)
class Columns:
    """Widths of the ladder's columns in cells.

    ``left`` are the blanks before them, ``whole`` the cells that sizes need before the point.
    """

    left: int
    size: int
    price: int
    whole: int
    digits: int

    @property
    def width(self) -> int:
        """Cells from edge to edge."""
        return 2 * EDGE + 2 * self.size + self.price + 2 * GAP


def choose_columns(frame: LadderFrame, width: int, before: Columns | None) -> Columns:
    """Return the columns for a frame: as wide as it needs, and never narrower than ``before``."""
    highest = max(abs(frame.top), abs(frame.top - len(frame.bids))) * frame.step
    price = max(len(format_price(highest, frame.digits)), before.price if before else 0, len("PRICE"))
    room = (width - 2 * EDGE - price - 2 * GAP) // 2
    size = next((w for w in _SIZE_WIDTHS if w <= room), max(1, room))
    # A large size that came and went must not make every number jump twice.
    whole = max(whole_cells((*frame.bids, *frame.asks)), before.whole if before else 0)
    digits = fit_digits(whole, frame.size_digits, size)
    taken = 2 * EDGE + 2 * size + price + 2 * GAP
    return Columns(left=max(0, (width - taken) // 2), size=size, price=price, whole=whole, digits=digits)


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


def _bar(text: str, share: float, style: Style, bar: Style, *, towards_right: bool) -> list[Part]:
    """Return a size cell with its bar behind it, growing away from the price."""
    cells = min(len(text), round(share * len(text)))
    if cells <= 0 or not bar:
        return [(text, style)]
    if towards_right:
        return [(text[:cells], style + bar), (text[cells:], style)]
    cut = len(text) - cells
    return [(text[:cut], style), (text[cut:], style + bar)]


def paint_level(frame: LadderFrame, at: int, columns: Columns, scale: float, palette: Palette) -> Row:
    """Return the row of level ``at`` (index into the frame)."""
    row = frame.top - at
    bid, ask = frame.bids[at], frame.asks[at]
    is_last = row == frame.last
    mark, mark_style = " ", palette.grid
    if is_last:
        mark, mark_style = "▲▼▸"[0 if frame.direction > 0 else 1 if frame.direction < 0 else 2], palette.text
        mark_style = palette.moved(frame.direction)
    elif abs(row - frame.centre) == frame.band:
        mark = "·"
    price = cell(format_price(row * frame.step, frame.digits), columns.price)
    if is_last:
        price_style = palette.moved(frame.direction) + _BOLD
    elif row == frame.best_bid:
        price_style = palette.bid + _BOLD
    elif row == frame.best_ask:
        price_style = palette.ask + _BOLD
    else:
        price_style = palette.text
    bid_text = cell(format_size(bid, columns.digits), columns.size)
    ask_text = cell(format_size(ask, columns.digits), columns.size)
    parts: list[Part] = [(" " * columns.left, NO_STYLE), (mark, mark_style)]
    parts += _bar(bid_text, (bid or 0.0) / scale, palette.bid, palette.bid_bar, towards_right=False)
    parts += [(" " * GAP, NO_STYLE), (price, price_style), (" " * GAP, NO_STYLE)]
    parts += _bar(ask_text, (ask or 0.0) / scale, palette.ask, palette.ask_bar, towards_right=True)
    return merge(parts)


def paint_heads(columns: Columns, palette: Palette) -> Row:
    """Return the row of column names."""
    text = (
        " " * (columns.left + EDGE)
        + "BID".rjust(columns.size)
        + " " * GAP
        + "PRICE".rjust(columns.price)
        + " " * GAP
        + "ASK".rjust(columns.size)
    )
    return ((text, palette.muted),)


def paint_readout(frame: LadderFrame, palette: Palette, width: int) -> Row:
    """Return the line under the levels: spread and imbalance."""
    muted, text = palette.muted, palette.text
    parts: list[Part] = []
    if frame.bucketed:
        gap = None
        if frame.best_bid is not None and frame.best_ask is not None:
            gap = (frame.best_ask - frame.best_bid) * frame.step
        parts += [(" bucket gap ", muted), (format_price(gap, frame.digits), text)]
    else:
        parts += [(" spread ", muted), (format_price(frame.spread, frame.digits), text)]
        if frame.spread_bps is not None and width >= 40:
            parts += [(f"  {frame.spread_bps:.1f} bps", muted)]
    return merge([*parts, *_imbalance(frame, palette, width - width_of(parts))])


def _imbalance(frame: LadderFrame, palette: Palette, room: int) -> list[Part]:
    """Return the share of bids and asks in the best levels, with a bar where there is room for one."""
    if frame.imbalance is None:
        words = f"  imbalance {UNKNOWN}"
        return [(words, palette.muted)] if len(words) <= room else []
    bids = round(50 * (1 + frame.imbalance))
    left, right = f"  bids {bids:2d} % ", f" {100 - bids:2d} % asks"
    depth = f" of {frame.imbalance_levels} "
    bar = min(20, room - len(left) - len(right) - len(depth))
    if bar >= 4:
        filled = round(bar * bids / 100)
        parts = [(left + "━" * filled, palette.bid), ("─" * (bar - filled) + right, palette.ask)]
        return [*parts, (depth, palette.muted)]
    # Narrow: the share of one side still tells which is heavier.
    if len(left) - 1 + len(depth) <= room:
        return [(left[:-1], palette.bid), (depth, palette.muted)]
    return [(left[:-1], palette.bid)] if len(left) - 1 <= room else []


def _role(frame: LadderFrame, at: int) -> tuple[int, bool, bool] | None:
    """Return what sets a level apart from its neighbours; None if nothing does."""
    row = frame.top - at
    if row not in (frame.last, frame.best_bid, frame.best_ask):
        return None
    return (frame.direction if row == frame.last else 2, row == frame.best_bid, row == frame.best_ask)


_BOLD = Style(bold=True)


class Ladder(Panel):
    """The book of one instrument. Scrolls within its margin by itself, asks for more beyond it."""

    NAME = "LADDER"

    class Scrolled(Message):
        """The ladder was scrolled past its margin and wants to see another part of the book."""

    def __init__(self, *, id: str = "ladder") -> None:  # noqa: A002  # Textual's own name for it
        super().__init__(id=id)
        self.group = 1
        """Price steps in a row."""
        self.frozen = False
        self._centre: int | None = None
        """The row to stay at; None to follow the market."""
        self.offset_rows = 0
        """Rows that the view stands above (positive) or below the frame's centre."""
        self._columns: Columns | None = None
        self._scale = 0.0
        self._ground: object = None
        self._made: dict[object, Row] = {}
        """The levels of the last paint by all that they were made of: most of them stay."""

    @property
    def level_rows(self) -> int:
        """Price levels that fit."""
        return max(1, self.size.height - 1 - CHROME)

    def spec(self) -> LadderSpec:
        """Return the rows that fit, where the ladder stands."""
        return LadderSpec(rows=self.level_rows, group=self.group, centre=self._centre, frozen=self.frozen)

    def show(self, panel: PanelFrame, made: float, wall: int) -> None:
        """Take a frame; another instrument's or another precision's columns start anew."""
        new, old = panel.frame, self.frame
        if isinstance(new, LadderFrame) and new.group != self.group:
            return  # made before the grouping was changed
        if isinstance(new, LadderFrame) and (
            not isinstance(old, LadderFrame) or new.address != old.address or new.digits != old.digits
        ):
            self._columns, self._scale = None, 0.0
        super().show(panel, made, wall)

    def details(self) -> list[str]:
        """Return the grouping."""
        frame = self.frame
        if not isinstance(frame, LadderFrame):
            return []
        return [format_price(frame.step, frame.digits)] + ([f"×{frame.group}"] if frame.group > 1 else [])

    def badge(self) -> str:
        """Say when the ladder does not follow the market."""
        if self.frozen:
            return "FROZEN"
        return f"SCROLLED {self.offset_rows:+d}" if self.offset_rows else ""

    def paint_body(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return heads, levels and read-out."""
        frame = self.frame
        assert isinstance(frame, LadderFrame)
        self._scale = bar_scale(frame.largest, self._scale)
        columns = self._columns = choose_columns(frame, width, self._columns)
        levels = max(1, height - CHROME)
        first = frame.top - (frame.centre + self.offset_rows + (levels - 1) // 2)
        rows = [paint_heads(columns, palette)]
        ground = (columns, self._scale, palette, frame.step, frame.band, frame.centre)
        if ground != self._ground:
            self._ground, self._made = ground, {}
        made: dict[object, Row] = {}
        for at in range(first, first + levels):
            row: Row = ()
            if 0 <= at < len(frame.bids):
                key = (frame.top - at, frame.bids[at], frame.asks[at], _role(frame, at))
                row = self._made.get(key) or paint_level(frame, at, columns, self._scale or 1.0, palette)
                made[key] = row
            rows.append(row)
        self._made = made
        return [*rows, paint_readout(frame, palette, width)][:height]

    def scroll_rows(self, rows: int) -> None:
        """Scroll up (positive) or down; beyond the margin ask for another centre."""
        frame = self.frame
        if not isinstance(frame, LadderFrame):
            return
        margin = (len(frame.bids) - self.level_rows) // 2
        wanted = self.offset_rows + rows
        if abs(wanted) > margin:
            # Held, for it would spring back to the touch.
            self.offset_rows, self.frozen, self._centre = 0, True, frame.centre + wanted
            self.post_message(self.Scrolled())
        else:
            self.offset_rows = wanted
            self.repaint()

    def follow(self) -> None:
        """Follow the market again."""
        self.offset_rows, self.frozen, self._centre = 0, False, None
        self.repaint()

    def freeze(self) -> None:
        """Hold the ladder where it is, or let it go."""
        frame = self.frame
        if isinstance(frame, LadderFrame):
            self.frozen = not self.frozen
            self._centre = frame.centre if self.frozen else None
            self.repaint()

    def regroup(self, group: int) -> None:
        """Make a row of ``group`` steps; rows are other prices then, so the ladder is centred anew."""
        self.group = group
        self.follow()

    def clear(self, now: float) -> None:
        """Show nothing, and follow the next instrument's market."""
        self.offset_rows, self.frozen, self._centre = 0, False, None
        super().clear(now)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Show higher prices."""
        event.stop()
        self.scroll_rows(1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Show lower prices."""
        event.stop()
        self.scroll_rows(-1)
