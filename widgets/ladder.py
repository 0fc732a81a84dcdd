"""The ladder: price levels down the middle, bids left, asks right, one row a step.

Between them, where there is room, what was sold into the bids and bought from the asks; own orders stand
at the right edge.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from rich.style import Style
from textual import events
from textual.message import Message

from mdterm.feeds.frames import LadderFrame, LadderSpec, PanelFrame
from mdterm.feeds.precision import decimals
from mdterm.widgets.figures import UNKNOWN, cell, fit_digits, format_price, format_size, whole_cells
from mdterm.widgets.palette import Palette
from mdterm.widgets.panel import Panel
from mdterm.widgets.rows import NO_STYLE, Part, Row, merge, width_of

GAP: Final = 2
"""Blanks between two columns; thousands are parted by one, so one would read as a thousand."""
EDGE: Final = 1
"""Cells at either edge for marks: between a price and its sizes stand only blanks."""
OWN: Final = 8
"""Cells of the column of own orders: ``B`` or ``S``, and what still works."""
_SIZE_WIDTHS: Final = (12, 11, 10, 9, 8, 7, 6, 5)
_FLOW_WIDTHS: Final = (5, 9)
_LEAST_SIZE: Final = 6
"""Cells of a size below which sells and buys have to go."""
_SIDES: Final = {"buy": ("B", "▴"), "sell": ("S", "▾")}
_BOTH: Final = ("B+S", "◆")
"""Own orders in words, and as the mark where there is no room for them."""
CHROME: Final = 2
"""Rows of the body that are no price levels: the column heads and the read-out."""


@dataclass(frozen=True)
class Columns:
    """Widths of the ladder's columns in cells.

    ``left`` are the blanks before them, ``whole`` the cells that sizes need before the point. ``flow`` is
    that of sells and of buys, ``own`` that of own orders; 0 for one that there is no room for.
    """

    left: int
    size: int
    price: int
    whole: int
    digits: int
    flow: int = 0
    flow_whole: int = 0
    flow_digits: int = 0
    own: int = 0

    @property
    def book(self) -> int:
        """Cells from edge to edge without own orders."""
        flow = 2 * (self.flow + GAP) if self.flow else 0
        return 2 * EDGE + 2 * self.size + self.price + 2 * GAP + flow

    @property
    def width(self) -> int:
        """Cells from edge to edge."""
        return self.book + (GAP - EDGE + self.own if self.own else 0)


def choose_columns(
    frame: LadderFrame, width: int, before: Columns | None, *, with_flow: bool = False
) -> Columns:
    """Return the columns for a frame: as wide as it needs, and never narrower than ``before``.

    Which columns there are depends on the widths alone, so that none comes or goes with the market.
    """
    highest = max(abs(frame.top), abs(frame.top - len(frame.bids))) * frame.step
    price = max(len(format_price(highest, frame.digits)), before.price if before else 0, len("PRICE"))
    size, flow, own = _share(width - 2 * EDGE - price, with_flow)
    # A large size that came and went must not make every number jump twice.
    whole = max(whole_cells((*frame.bids, *frame.asks)), before.whole if before else 0)
    flow_whole = before.flow_whole if before else 0
    if flow:
        flow_whole = max(whole_cells((*(frame.sells or ()), *(frame.buys or ()))), flow_whole)
    columns = Columns(
        left=0,
        size=size,
        price=price,
        whole=whole,
        digits=fit_digits(whole, frame.size_digits, size),
        flow=flow,
        flow_whole=flow_whole,
        flow_digits=fit_digits(flow_whole, frame.size_digits, flow) if flow else 0,
        own=own,
    )
    # The book stands in the middle; own orders take what is right of it before they push it.
    left = max(0, min((width - columns.book) // 2, width - columns.width))
    return replace(columns, left=left)


def _share(room: int, with_flow: bool) -> tuple[int, int, int]:
    """Return the cells of sizes, sells and buys, and own orders, of all that prices and edges leave."""
    least, most = _FLOW_WIDTHS
    own = GAP - EDGE + OWN
    half = (room - 4 * GAP) // 2
    if with_flow and half >= _LEAST_SIZE + least:
        mine = OWN if (room - 4 * GAP - own) // 2 >= _LEAST_SIZE + least + 2 else 0
        half = (room - 4 * GAP - own) // 2 if mine else half
        flow = min(most, half // 2)
        return min(_SIZE_WIDTHS[0], half - flow), flow, mine
    half = (room - 2 * GAP) // 2
    mine = OWN if (room - 2 * GAP - own) // 2 >= _SIZE_WIDTHS[0] else 0
    return next((w for w in _SIZE_WIDTHS if w <= half), max(1, half)), 0, mine


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
    gap: Part = (" " * GAP, NO_STYLE)
    parts: list[Part] = [(" " * columns.left, NO_STYLE), (mark, mark_style)]
    parts += _bar(bid_text, (bid or 0.0) / scale, palette.bid, palette.bid_bar, towards_right=False)
    parts += [gap, *_flow(frame.sells, at, columns, palette.down, palette), (price, price_style)]
    parts += [gap, *_flow(frame.buys, at, columns, palette.up, palette)]
    parts += _bar(ask_text, (ask or 0.0) / scale, palette.ask, palette.ask_bar, towards_right=True)
    return merge([*parts, *_own(frame, row, columns, palette)])


def _flow(
    sums: Sequence[float] | None, at: int, columns: Columns, style: Style, palette: Palette
) -> list[Part]:
    """Return what traded at a level and the gap behind it; nothing where there is no such column."""
    if not columns.flow:
        return []
    traded = None if sums is None else sums[at]
    text = cell(format_size(traded, columns.flow_digits), columns.flow)
    return [(text, palette.muted if traded is None else style), (" " * GAP, NO_STYLE)]


def _own(frame: LadderFrame, row: int, columns: Columns, palette: Palette) -> list[Part]:
    """Return a row's own orders for the right edge: side and size, or only a mark."""
    orders = [one for one in frame.own if one.row == row]
    if not orders:
        return []
    words, mark = _SIDES[orders[0].side] if len(orders) == 1 else _BOTH
    if not columns.own:
        return [(mark, palette.own)]
    room = columns.own - len(words)
    sizes = [one.remaining for one in frame.own]
    # An own size may be finer than any of the book's.
    digits = fit_digits(whole_cells(sizes), max(decimals(size) for size in sizes), room - 1)
    size = format_size(orders[0].remaining, digits) if len(orders) == 1 else ""
    # Blanks bear no style: in the theme without colours it is an underline.
    return [
        (" " * GAP, NO_STYLE),
        (words, palette.own),
        (" " * (room - len(size)), NO_STYLE),
        (size, palette.own),
    ]


def paint_heads(columns: Columns, palette: Palette, *, with_own: bool = False) -> Row:
    """Return the row of column names."""
    names = [("BID", columns.size), ("PRICE", columns.price), ("ASK", columns.size)]
    if columns.flow:
        names[1:2] = [("SELLS", columns.flow), names[1], ("BUYS", columns.flow)]
    if with_own and columns.own:
        names.append(("OWN", columns.own))
    text = (" " * GAP).join(name.rjust(width) for name, width in names)
    return ((" " * (columns.left + EDGE) + text, palette.muted),)


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


def _made_of(frame: LadderFrame, at: int) -> object:
    """Return all that a level is painted from, apart from what holds for all levels."""
    sells, buys = frame.sells, frame.buys
    return (
        frame.top - at,
        frame.bids[at],
        frame.asks[at],
        None if sells is None else sells[at],
        None if buys is None else buys[at],
        _role(frame, at),
    )


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
        self.with_flow = False
        """Whether sells and buys stand beside the sizes. Off at first: a size is what stands at a price."""
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
        return LadderSpec(
            rows=self.level_rows,
            group=self.group,
            centre=self._centre,
            frozen=self.frozen,
            flow=self.with_flow,
        )

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
        """Return the grouping, and what sells and buys are summed over."""
        frame, columns = self.frame, self._columns
        if not isinstance(frame, LadderFrame):
            return []
        told = [format_price(frame.step, frame.digits)] + ([f"×{frame.group}"] if frame.group > 1 else [])
        return [*told, f"· {frame.window or 'session'}"] if columns and columns.flow else told

    def badge(self) -> str:
        """Say when the ladder does not follow the market."""
        if self.frozen:
            return "FROZEN"
        return f"SCROLLED {self.offset_rows:+d}" if self.offset_rows else ""

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return title and body, which agree about the columns."""
        frame, had = self.frame, self._columns
        if isinstance(frame, LadderFrame):
            # Sums that are not known yet have their place, or the sizes would move when they come.
            flow = frame.window is not None or frame.sells is not None
            self._columns = choose_columns(frame, width, had, with_flow=flow)
        return super().paint_rows(palette, width, height)

    def paint_body(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return heads, levels and read-out."""
        frame, columns = self.frame, self._columns
        assert isinstance(frame, LadderFrame)
        assert columns is not None
        self._scale = bar_scale(frame.largest, self._scale)
        levels = max(1, height - CHROME)
        first = frame.top - (frame.centre + self.offset_rows + (levels - 1) // 2)
        rows = [paint_heads(columns, palette, with_own=bool(frame.own))]
        ground = (columns, self._scale, palette, frame.step, frame.band, frame.centre, frame.own)
        if ground != self._ground:
            self._ground, self._made = ground, {}
        made: dict[object, Row] = {}
        for at in range(first, first + levels):
            row: Row = ()
            if 0 <= at < len(frame.bids):
                key = _made_of(frame, at)
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
