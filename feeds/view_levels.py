"""A book as a ladder's rows: sizes, what adds up from the touch, and what is to know of one row."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from mdterm.feeds.events import Book
from mdterm.feeds.frames import CursorRow
from mdterm.feeds.grid import row_of


class SideRows(NamedTuple):
    """A side of the book by row from the top down; 0 is nothing, None unknown. ``best`` is a row."""

    sizes: list[float | None]
    sums: list[float | None]
    """Summed from the touch over the levels asked for; 0 beyond them."""
    best: int | None


def side_rows(
    prices: Sequence[float],
    sizes: Sequence[float | None],
    tick: float,
    group: int,
    top: int,
    height: int,
    levels: int,
    *,
    up: bool,
    quote: bool,
) -> SideRows:
    """Return one side by row; ``up``: the asks. ``quote`` tells size × price."""
    cells: list[float | None] = [0.0] * height
    sums: list[float | None] = [0.0] * height
    best: int | None = None
    total: float | None = 0.0
    before: float | None = 0.0  # of the levels nearer to the touch than the first row in sight
    deepest: int | None = None
    for number, (price, size) in enumerate(zip(prices, sizes, strict=True)):
        row = row_of(price, tick, group, up=up)
        if best is None:
            best = row
        at = top - row
        if quote and size is not None:
            size = size * price
        if 0 <= at < height:
            had = cells[at]
            cells[at] = None if size is None or had is None else had + size
        elif ((up and at < 0) or (not up and at >= height)) and number >= levels:
            break  # sorted: everything further lies outside too
        if number < levels:
            total = None if size is None or total is None else total + size
            deepest = at
            if 0 <= at < height:
                sums[at] = total
            elif (not up and at < 0) or (up and at >= height):
                before = total
    if deepest is not None:
        _fill_between(sums, before, deepest, range(height - 1, -1, -1) if up else range(height), best, top)
    return SideRows(cells, sums, best)


def _fill_between(
    sums: list[float | None],
    before: float | None,
    deepest: int,
    outwards: range,
    best: int | None,
    top: int,
) -> None:
    """Let rows without a level have the sum of the rows nearer to the touch."""
    assert best is not None
    touch, known = top - best, before
    for at in outwards:
        if (at - touch) * outwards.step < 0:
            continue
        if (at - deepest) * outwards.step > 0:
            break
        if sums[at] == 0.0:
            sums[at] = known
        else:
            known = sums[at]


def imbalance_of(book: Book, levels: int) -> tuple[float | None, int]:
    """Return (B−A)/(B+A) over the best levels, and how many of each side it is over."""
    levels = min(levels, len(book.bid_prices), len(book.ask_prices))
    bids = math.fsum(size or 0.0 for size in book.bid_sizes[:levels])
    asks = math.fsum(size or 0.0 for size in book.ask_sizes[:levels])
    return ((bids - asks) / (bids + asks) if bids + asks > 0 else None), levels


def microprice(book: Book) -> float | None:
    """Return the mean of the touch, each price weighed by the size on the other side; true levels only."""
    if book.step is not None or not book.bid_prices or not book.ask_prices:
        return None
    bid, ask = book.bid_sizes[0], book.ask_sizes[0]
    if not bid or not ask:
        return None
    return (book.bid_prices[0] * ask + book.ask_prices[0] * bid) / (bid + ask)


def cursor_row(book: Book | None, row: int, tick: float, group: int, mid: float | None) -> CursorRow:
    """Return what the book tells of a row."""
    price = row * tick * group
    ticks = bps = None
    if mid:
        ticks = round((price - mid) / tick, 1)
        bps = (price - mid) / mid * 10_000
    if book is None:
        return CursorRow(row, None, None, None, None, None, ticks, bps)
    is_bid = bool(book.bid_prices) and row <= row_of(book.bid_prices[0], tick, group, up=False)
    is_ask = bool(book.ask_prices) and row >= row_of(book.ask_prices[0], tick, group, up=True)
    if is_bid == is_ask:  # inside the spread, or a book that is crossed
        return CursorRow(row, None, None, None, None, None, ticks, bps)
    side: Literal["bid", "ask"] = "bid" if is_bid else "ask"
    prices, sizes, counts = (
        (book.bid_prices, book.bid_sizes, book.bid_counts)
        if is_bid
        else (book.ask_prices, book.ask_sizes, book.ask_counts)
    )
    size: float | None = 0.0
    total: float | None = 0.0
    notional: float | None = 0.0
    count = None if counts is None else 0
    for at, one in enumerate(prices):
        level = row_of(one, tick, group, up=is_ask)
        if (level > row) if is_ask else (level < row):
            break
        amount = sizes[at]
        total = None if amount is None or total is None else total + amount
        notional = None if amount is None or notional is None else notional + amount * one
        if level == row:
            size = None if amount is None or size is None else size + amount
            if counts is not None and count is not None and at < len(counts):
                count += counts[at]
    return CursorRow(row, side, size, count, total, notional, ticks, bps)
