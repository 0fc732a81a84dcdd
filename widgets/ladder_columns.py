"""Which columns a ladder has, and how wide each is: chosen by the person and by the room there is. Pure.

From left to right: volume at price, depth and change of the bids, bids, sells, price, buys, asks, change
and depth of the asks, delta, own orders. The book is always there; of the rest a set names what is wanted,
what matters most first, and the width decides how much of it there is.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mdterm.feeds.frames import LadderFrame
from mdterm.widgets.figures import fit_digits, format_price, order_cells, whole_cells

GAP: Final = 2
"""Blanks between two columns; thousands are parted by one, so one would read as a thousand."""
EDGE: Final = 1
"""Cells at either edge for marks: between a price and its sizes stand only blanks."""
OWN: Final = 8
"""Cells of the column of own orders: ``B`` or ``S``, and what still works."""
SETS: Final[Mapping[str, tuple[str, ...]]] = {
    "book": (),
    "flow": ("flow",),
    "changes": ("change",),
    "depth": ("depth",),
    "profile": ("volume", "flow", "delta"),
    "all": ("flow", "change", "volume", "delta", "depth"),
}
"""The sets of columns in the order of their key."""
_PAIRS: Final = frozenset({"flow", "change", "depth"})
"""Columns that there is one of on either side of the price."""
_LEAST_SIZE: Final = 6
"""Cells of a size below which other columns have to go."""
_MOST: Final = 9
"""Cells that a figure in full takes at most: ``9 999.999``."""
_SIZE_WIDTHS: Final = (12, 11, 10, 9, 8, 7, 6, 5)
_WITH_LETTERS: Final = 36
"""Cells of a panel from which on marks may be letters."""
_MOST_BAR: Final = 12
_LEAST_BAR: Final = 4


class Figure(Struct, frozen=True):
    """A column of figures: its cells, those before the point, decimals. No cells: there is none."""

    width: int = 0
    whole: int = 1
    digits: int = 0

    def grown(self, sizes: Iterable[float | None], digits: int, width: int, sign: int = 0) -> "Figure":
        """Return the column for these sizes; a large one that came and went costs decimals only once."""
        if not width:
            return Figure(0, self.whole, 0)
        whole = max(whole_cells(sizes) + sign, self.whole)
        return Figure(width, whole, fit_digits(whole, digits, width))


class Columns(Struct, frozen=True):
    """A ladder's columns. ``left`` are the cells before them, ``bar`` those of the bars at both sides.

    ``tail`` are the cells for marks behind the asks; ``own`` is that of own orders, 0 where there is no room.
    """

    left: int
    size: Figure
    price: int
    flow: Figure = Figure()
    change: Figure = Figure()
    volume: Figure = Figure()
    delta: Figure = Figure()
    depth: Figure = Figure()
    own: int = 0
    bar: int = 0
    tail: int = EDGE

    @property
    def book(self) -> int:
        """Cells from edge to edge without own orders and bars."""
        pairs = sum(2 * (one.width + GAP) for one in (self.flow, self.change, self.depth) if one.width)
        single = sum(one.width + GAP for one in (self.volume, self.delta) if one.width)
        return EDGE + 2 * self.size.width + self.price + 2 * GAP + pairs + single + self.tail

    @property
    def bar_gap(self) -> int:
        """Blanks before the bar of the asks: it must not touch the figure of an own order."""
        return EDGE if self.own else 0

    @property
    def width(self) -> int:
        """Cells from edge to edge without bars."""
        return self.book + (GAP - EDGE + self.own if self.own else 0)


def granted(wanted: Sequence[str], room: int) -> tuple[str, ...]:
    """Return the columns of a set that fit beside the book into ``room``, what matters most first."""
    had, room = [], room - 2 * (_LEAST_SIZE + GAP)
    for name in wanted:
        cells = (order_cells() + GAP) * (2 if name in _PAIRS else 1)
        if cells <= room:
            had.append(name)
            room -= cells
    return tuple(had)


def sets_that_fit(room: int) -> list[str]:
    """Return the sets of which each shows something else than those before it."""
    shown: dict[frozenset[str], str] = {}
    for name, wanted in SETS.items():
        shown.setdefault(frozenset(granted(wanted, room)), name)
    return list(shown.values())


def room_for(frame: LadderFrame, width: int, before: Columns | None = None) -> int:
    """Return the cells that prices and edges leave to all other columns, where there are bars."""
    return width - EDGE - _tail(width, with_bars=True) - _price_width(frame, before)


def _tail(width: int, *, with_bars: bool) -> int:
    """Return the cells behind the figures: a letter must not touch the figure before it."""
    return EDGE + 1 if with_bars and width >= _WITH_LETTERS else EDGE


def _price_width(frame: LadderFrame, before: Columns | None) -> int:
    highest = max(abs(frame.top), abs(frame.top - len(frame.bids))) * frame.step
    return max(len(format_price(highest, frame.digits)), before.price if before else 0, len("PRICE"))


def choose_columns(
    frame: LadderFrame,
    width: int,
    before: Columns | None,
    wanted: Sequence[str] = (),
    *,
    with_bars: bool = False,
) -> Columns:
    """Return the columns for a frame: as wide as it needs, and never narrower than ``before``.

    Which columns there are depends on the widths alone, so that none comes or goes with the market.
    """
    had = before or Columns(0, Figure(), 0)
    price = _price_width(frame, before)
    tail = _tail(width, with_bars=with_bars)
    room = width - EDGE - tail - price
    cells, own = _share(room, granted(wanted, room), with_bars)
    digits = frame.size_digits

    def figure(name: str, *sizes: Iterable[float | None] | None, sign: int = 0) -> Figure:
        told = [size for one in sizes if one is not None for size in one]
        old: Figure = getattr(had, name)
        return old.grown(told, digits, cells.get(name, 0), sign)

    changes = (frame.bid_changes, frame.ask_changes)
    columns = Columns(
        left=0,
        size=had.size.grown((*frame.bids, *frame.asks), digits, cells["size"]),
        price=price,
        flow=figure("flow", frame.sells, frame.buys),
        change=figure("change", *map(_magnitudes, changes), sign=1),
        volume=figure("volume", frame.volumes),
        delta=figure("delta", frame.sells, frame.buys, sign=1),
        depth=figure("depth", frame.cum_bids, frame.cum_asks),
        own=own,
        tail=tail,
    )
    # The book stands in the middle; own orders take what is right of it before they push it.
    left = max(0, min((width - columns.book) // 2, width - columns.width))
    if with_bars:
        # Bars take what is left over on both sides, so that both are of one scale.
        left = max(0, (width - columns.width) // 2)
        bar = min(_MOST_BAR, left, width - columns.width - left - columns.bar_gap)
        return replace(columns, left=left, bar=bar if bar >= _LEAST_BAR else 0)
    return replace(columns, left=left)


def _magnitudes(sizes: Iterable[float] | None) -> list[float | None] | None:
    return None if sizes is None else [abs(size) for size in sizes]


def _share(room: int, extra: Sequence[str], with_bars: bool) -> tuple[dict[str, int], int]:
    """Return the cells of every column, and of own orders, of all that prices and edges leave."""
    own = GAP - EDGE + OWN
    if not extra:
        half = (room - 2 * GAP) // 2
        widest = 10 if with_bars else _SIZE_WIDTHS[0]
        needed = _MOST + _LEAST_BAR if with_bars else _SIZE_WIDTHS[0]
        mine = OWN if (room - 2 * GAP - own) // 2 >= needed else 0
        if with_bars and half > _LEAST_SIZE + _LEAST_BAR:
            # Figures in full first, then bars, then room for figures that are longer still.
            half = max(min(half - _LEAST_BAR, _MOST), half - _MOST_BAR)
        return {"size": next((w for w in _SIZE_WIDTHS if w <= min(half, widest)), max(1, half))}, mine
    cells = {"size": _LEAST_SIZE} | dict.fromkeys(extra, order_cells())
    counts = {name: 2 if name in _PAIRS or name == "size" else 1 for name in cells}
    spare = room - sum((cells[name] + GAP) * counts[name] for name in cells)
    # Own orders come before the luxury of longer figures, but not before figures that can be read.
    mine = OWN if spare - own >= 2 * sum(counts.values()) else 0
    spare -= own if mine else 0
    while spare:
        growing = [name for name in cells if cells[name] < _MOST and counts[name] <= spare]
        if not growing:
            break
        name = min(growing, key=lambda one: cells[one])
        cells[name] += 1
        spare -= counts[name]
    return cells, mine
