"""The ladder as a panel shows it: grouped rows around a centre."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from mdterm.feeds.account import Working
from mdterm.feeds.events import Book, Side
from mdterm.feeds.flow import Flow
from mdterm.feeds.frames import LadderFrame, OwnOrder
from mdterm.feeds.grid import row_of, step_of
from mdterm.feeds.intervals import FLOW_WINDOWS, SECOND
from mdterm.feeds.market import Market
from mdterm.feeds.precision import decimals
from mdterm.feeds.specs import LadderSpec
from mdterm.feeds.touches import Touch
from mdterm.feeds.view_levels import SideRows, cursor_row, imbalance_of, microprice, side_rows

OUTWEIGHS: Final = 3.0
"""How many times more must be bought than was sold a row below (or the other way) to be set apart."""
QUOTE_DIGITS: Final = 2
"""Decimals of a size in the quote currency."""


def step_digits(step: float) -> int:
    """Return the decimals needed to print multiples of ``step``."""
    return decimals(step)


def settle(market: Market, spec: LadderSpec) -> LadderSpec:
    """Return the spec with its centre where it belongs: moved only when the touch left the band."""
    market.fold()
    if spec.reset:
        market.reset_columns()
        spec = msgspec.structs.replace(spec, reset=False)
    tick, group = market.tick, spec.group
    step = step_of(tick, group)
    if spec.centre is not None and spec.step not in (None, step):
        spec = _recount(spec, step)
    moves, seen = market.touched(spec.seen)
    spec = msgspec.structs.replace(spec, seen=seen) if seen != spec.seen else spec
    if spec.frozen and spec.centre is not None:
        return spec
    # Move by move: where it stands must follow from what came, not from when a frame was made of it.
    centre = spec.centre
    for touch in [] if spec.dynamic else moves:
        centre = _follow(spec, centre, _rows_of(touch, tick, group))
    rows = _rows_of(market.bbo(), tick, group)
    if not rows and market.tape.last is not None:
        rows = [row_of(market.tape.last.price, tick, group, up=False)]
    centre = _follow(spec, None if spec.dynamic and rows else centre, rows)
    return spec if centre == spec.centre else msgspec.structs.replace(spec, centre=centre, step=step)


def _rows_of(touch: Touch, tick: float, group: int) -> list[int]:
    """Return the rows of the best bid and the best ask, as far as there are any."""
    return [
        row_of(price, tick, group, up=is_ask)
        for is_ask, price in zip((False, True), touch, strict=True)
        if price is not None
    ]


def _follow(spec: LadderSpec, centre: int | None, rows: Sequence[int]) -> int | None:
    """Return the centre after the touch has come to these rows: moved only when one has left the band."""
    if not rows or (centre is not None and all(abs(row - centre) <= band_of(spec) for row in rows)):
        return centre
    return sum(rows) // len(rows)


def _recount(spec: LadderSpec, step: float) -> LadderSpec:
    """Return the spec at the same prices, its rows counted in another step: more digits became known."""
    assert spec.centre is not None
    assert spec.step is not None
    ratio = spec.step / step
    cursor = None if spec.cursor is None else round(spec.cursor * ratio)
    return msgspec.structs.replace(spec, centre=round(spec.centre * ratio), cursor=cursor, step=step)


def band_of(spec: LadderSpec) -> int:
    """Return how many rows from the centre the touch may be before the ladder is centred again."""
    return max(2, spec.rows // 2 - 3)


def ladder_view(market: Market, spec: LadderSpec, own: Sequence[Working] = ()) -> LadderFrame | None:
    """Return the ladder around the spec's centre with own orders, or None while there is nothing to show."""
    if spec.centre is None:
        return None
    market.fold()
    book, last, tick, group = market.book, market.tape.last, market.tick, spec.group
    step = step_of(tick, group)
    height = spec.rows + 2 * spec.margin
    top = spec.centre + (spec.rows - 1) // 2 + spec.margin
    unit = None if book is None else book.unit
    is_converted = spec.quote and unit in ("base", None)
    bids = asks = SideRows([0.0] * height, [0.0] * height, None)
    spread = spread_bps = mid = micro = imbalance = None
    levels = 0
    if book is not None:
        grid = (tick, group, top, height, spec.levels)
        bids = side_rows(book.bid_prices, book.bid_sizes, *grid, up=False, quote=is_converted)
        asks = side_rows(book.ask_prices, book.ask_sizes, *grid, up=True, quote=is_converted)
        if book.step is None and book.bid_prices and book.ask_prices:
            bid, ask = book.bid_prices[0], book.ask_prices[0]
            spread = round(ask - bid, 10)
            mid = (bid + ask) / 2
            spread_bps = spread / mid * 10_000
            micro = microprice(book)
        imbalance, levels = imbalance_of(book, spec.levels)
    flow = _flow(market.flow, spec, book, top, height, step)
    changes = _changes(market, spec, top, height)
    volumes = _volumes(market.flow, top, height, step) if spec.volume else None
    if is_converted:
        prices = [(top - at) * step for at in range(height)]
        flow = flow._replace(sells=_times(flow.sells, prices), buys=_times(flow.buys, prices))
        changes = changes._replace(bids=_times(changes.bids, prices), asks=_times(changes.asks, prices))
        volumes = _times(volumes, prices)
    window = slice(spec.margin, spec.margin + spec.rows)
    sizes = [size for size in (*bids.sizes[window], *asks.sizes[window]) if size]
    marks = _marks(market, spec, tick, group)
    return LadderFrame(
        address=market.instrument.address,
        step=step,
        digits=step_digits(step),
        size_digits=QUOTE_DIGITS if is_converted else market.size_digits,
        top=top,
        centre=spec.centre,
        band=band_of(spec),
        bids=bids.sizes,
        asks=asks.sizes,
        best_bid=bids.best,
        best_ask=asks.best,
        last=None if last is None else row_of(last.price, tick, group, up=False),
        last_price=None if last is None else last.price,
        direction=market.tape.direction,
        largest=max(sizes, default=0.0),
        group=group,
        bucketed=book is not None and book.step is not None,
        unit=unit,
        spread=spread,
        spread_bps=spread_bps,
        mid=mid,
        imbalance=imbalance,
        imbalance_levels=levels,
        sells=flow.sells,
        buys=flow.buys,
        window=spec.window if spec.flow else None,
        own=_own_rows(own, tick, group, top, height, in_quote=is_converted),
        cum_bids=bids.sums,
        cum_asks=asks.sums,
        bid_changes=changes.bids,
        ask_changes=changes.asks,
        changes_since=changes.since,
        volumes=volumes,
        diagonals=_diagonals(flow.sells, flow.buys),
        micro=micro,
        high=marks.high,
        low=marks.low,
        vwap=marks.vwap,
        poc=marks.poc,
        trigger=None if spec.dynamic or spec.frozen else band_of(spec) + (1 if spec.marks else 0),
        filled=flow.filled,
        flow_since=flow.since,
        usual=sum(sizes) / len(sizes) if sizes else 0.0,
        in_quote=is_converted or (spec.quote and unit == "quote"),
        cursor=None if spec.cursor is None else cursor_row(book, spec.cursor, tick, group, mid),
    )


class _Marks(NamedTuple):
    high: int | None = None
    low: int | None = None
    vwap: int | None = None
    poc: int | None = None


def _marks(market: Market, spec: LadderSpec, tick: float, group: int) -> _Marks:
    """Return the rows of the session's own prices."""
    if not spec.marks:
        return _Marks()
    sums, flow, poc = market.sums(), market.flow, None
    if flow is not None:
        ticks = round(tick * group / flow.tick)
        if ticks >= 1 and ticks % flow.session_step == 0:
            poc = flow.buckets(ticks).poc
    high, low = (
        None if price is None else row_of(price, tick, group, up=False) for price in (sums.high, sums.low)
    )
    return _Marks(high, low, None if sums.vwap is None else round(sums.vwap / (tick * group)), poc)


class _Flow(NamedTuple):
    sells: list[float] | None = None
    buys: list[float] | None = None
    filled: int | None = None
    since: int | None = None


def _flow(
    flow: Flow | None, spec: LadderSpec, book: Book | None, top: int, height: int, step: float
) -> _Flow:
    """Return what was traded by row, and how much of the window that is."""
    if not spec.flow or flow is None:
        return _Flow()
    if book is not None and book.ts is not None:
        flow.advance(book.ts)  # the window moves on though nothing trades
    column = flow.column(spec.window, top, height, step)
    if column is None:
        return _Flow()
    filled = since = None
    if spec.window is None:
        since = max(flow.anchor or 0, flow.known_from or 0) or None
    else:
        known = flow.known_for(spec.window)
        filled = known // SECOND if known < FLOW_WINDOWS[spec.window] else None
    return _Flow(column.sells, column.buys, filled, since)


class _Changes(NamedTuple):
    bids: list[float] | None = None
    asks: list[float] | None = None
    since: int | None = None


def _changes(market: Market, spec: LadderSpec, top: int, height: int) -> _Changes:
    """Return what was pulled and stacked by row; unknown where the book publishes no sizes."""
    book = market.book
    if not spec.changes or book is None or None in book.bid_sizes or None in book.ask_sizes:
        return _Changes()
    resting = market.pulled_and_stacked()
    bids = _rows(resting.bids, spec.group, top, height, up=False)
    return _Changes(bids, _rows(resting.asks, spec.group, top, height, up=True), resting.since)


def _rows(sums: Mapping[int, float], group: int, top: int, height: int, *, up: bool) -> list[float]:
    """Return sums by tick as rows of ``group`` ticks."""
    rows = [0.0] * height
    if height * group < len(sums):
        # Few prices are looked at: ask for each.
        for at in range(height):
            first = (top - at) * group - (group - 1 if up else 0)
            for tick in range(first, first + group):
                rows[at] += sums.get(tick, 0.0)
        return [round(size, 10) for size in rows]
    for tick, size in sums.items():
        at = top - (-((-tick) // group) if up else tick // group)
        if 0 <= at < height:
            rows[at] += size
    return [round(size, 10) for size in rows]


def _volumes(flow: Flow | None, top: int, height: int, step: float) -> list[float] | None:
    """Return the session's volume by row; None where it is not known so finely."""
    if flow is None:
        return None
    ticks = round(step / flow.tick)
    if ticks < 1 or ticks % flow.session_step:
        return None
    buckets = flow.buckets(ticks)
    return [sum(buckets.get(top - at, ())) for at in range(height)]


def _diagonals(sells: list[float] | None, buys: list[float] | None) -> list[int] | None:
    """Return 1 by row where buys outweigh the sells a row below, 2 where sells outweigh the buys above.

    What is less than the mean of all that traded in a row is too little to tell anything.
    """
    if sells is None or buys is None:
        return None
    traded = [size for size in (*sells, *buys) if size]
    marks = [0] * len(sells)
    if not traded:
        return marks
    least = sum(traded) / len(traded)
    for at in range(len(buys) - 1):
        bought, sold = buys[at], sells[at + 1]
        if bought >= least and bought >= OUTWEIGHS * sold:
            marks[at] |= 1
        if sold >= least and sold >= OUTWEIGHS * bought:
            marks[at + 1] |= 2
    return marks


def _times(sizes: list[float] | None, prices: Sequence[float]) -> list[float] | None:
    """Return sizes by row in the quote currency."""
    return None if sizes is None else [size * price for size, price in zip(sizes, prices, strict=True)]


def _own_rows(
    orders: Sequence[Working], tick: float, group: int, top: int, height: int, *, in_quote: bool
) -> list[OwnOrder]:
    """Return what of the orders still works on the rows of a frame, joined by row and side."""
    sums: dict[tuple[int, Side], float] = {}
    for one in orders:
        side = one.order.side
        if side is None or one.price is None or not one.remaining:
            continue
        row = row_of(float(one.price), tick, group, up=side == "sell")
        if 0 <= top - row < height:
            size = float(one.remaining * one.price) if in_quote else float(one.remaining)
            sums[(row, side)] = sums.get((row, side), 0.0) + size
    return [OwnOrder(row, side, size) for (row, side), size in sorted(sums.items(), reverse=True)]
