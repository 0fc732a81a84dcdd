"""The ladder as a panel shows it: grouped rows around a centre."""

import math
from collections.abc import Sequence

import msgspec

from mdterm.feeds.account import Working
from mdterm.feeds.events import Side
from mdterm.feeds.frames import LadderFrame, LadderSpec, OwnOrder
from mdterm.feeds.grid import row_of
from mdterm.feeds.market import Market
from mdterm.feeds.precision import decimals

IMBALANCE_LEVELS = 10
GROUP_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


def step_digits(step: float) -> int:
    """Return the decimals needed to print multiples of ``step``."""
    return decimals(step)


def settle(market: Market, spec: LadderSpec) -> LadderSpec:
    """Return the spec with its centre where it belongs: moved only when the touch left the band."""
    market.fold()
    tick = market.tick
    bid, ask = market.bbo()
    rows = [row_of(bid, tick, spec.group, up=False)] if bid is not None else []
    if ask is not None:
        rows.append(row_of(ask, tick, spec.group, up=True))
    if not rows and market.tape.last is not None:
        rows.append(row_of(market.tape.last.price, tick, spec.group, up=False))
    if not rows:
        return spec
    if spec.centre is not None and (
        spec.frozen or all(abs(row - spec.centre) <= band_of(spec) for row in rows)
    ):
        return spec
    return msgspec.structs.replace(spec, centre=sum(rows) // len(rows))


def band_of(spec: LadderSpec) -> int:
    """Return how many rows from the centre the touch may be before the ladder is centred again."""
    return max(2, spec.rows // 2 - 3)


def ladder_view(market: Market, spec: LadderSpec, own: Sequence[Working] = ()) -> LadderFrame | None:
    """Return the ladder around the spec's centre with own orders, or None while there is nothing to show."""
    if spec.centre is None:
        return None
    market.fold()
    book, last, tick, group = market.book, market.tape.last, market.tick, spec.group
    # Exactly the shortest decimal of tick × group: 0.1 × 3 must not print as 0.30000000000000004.
    step = round(tick * group, 10)
    height = spec.rows + 2 * spec.margin
    top = spec.centre + (spec.rows - 1) // 2 + spec.margin
    bids: list[float | None] = [0.0] * height
    asks: list[float | None] = [0.0] * height
    bucketed, unit = False, None
    spread = spread_bps = mid = imbalance = None
    best_bid = best_ask = None
    levels = 0
    if book is not None:
        bucketed, unit = book.step is not None, book.unit
        best_bid = _fill(bids, book.bid_prices, book.bid_sizes, tick, group, top, up=False)
        best_ask = _fill(asks, book.ask_prices, book.ask_sizes, tick, group, top, up=True)
        if not bucketed and book.bid_prices and book.ask_prices:
            bid, ask = book.bid_prices[0], book.ask_prices[0]
            spread = round(ask - bid, 10)
            mid = (bid + ask) / 2
            spread_bps = spread / mid * 10_000
        levels = min(IMBALANCE_LEVELS, len(book.bid_prices), len(book.ask_prices))
        weight_bid = math.fsum(size or 0.0 for size in book.bid_sizes[:levels])
        weight_ask = math.fsum(size or 0.0 for size in book.ask_sizes[:levels])
        if weight_bid + weight_ask > 0:
            imbalance = (weight_bid - weight_ask) / (weight_bid + weight_ask)
    window = slice(spec.margin, spec.margin + spec.rows)
    flow = None
    if spec.flow and market.flow is not None:
        if book is not None and book.ts is not None:
            market.flow.advance(book.ts)  # the window moves on though nothing trades
        flow = market.flow.column(spec.window, top, height, step)
    return LadderFrame(
        address=market.instrument.address,
        step=step,
        digits=step_digits(step),
        size_digits=market.size_digits,
        top=top,
        centre=spec.centre,
        band=band_of(spec),
        bids=bids,
        asks=asks,
        best_bid=best_bid,
        best_ask=best_ask,
        last=None if last is None else row_of(last.price, tick, group, up=False),
        last_price=None if last is None else last.price,
        direction=market.tape.direction,
        largest=max((size or 0.0 for size in (*bids[window], *asks[window])), default=0.0),
        group=group,
        bucketed=bucketed,
        unit=unit,
        spread=spread,
        spread_bps=spread_bps,
        mid=mid,
        imbalance=imbalance,
        imbalance_levels=levels,
        sells=None if flow is None else flow.sells,
        buys=None if flow is None else flow.buys,
        window=spec.window if spec.flow else None,
        own=_own_rows(own, tick, group, top, height),
    )


def _own_rows(orders: Sequence[Working], tick: float, group: int, top: int, height: int) -> list[OwnOrder]:
    """Return what of the orders still works on the rows of a frame, joined by row and side."""
    sums: dict[tuple[int, Side], float] = {}
    for one in orders:
        side = one.order.side
        if side is None or one.price is None or not one.remaining:
            continue
        row = row_of(float(one.price), tick, group, up=side == "sell")
        if 0 <= top - row < height:
            sums[(row, side)] = sums.get((row, side), 0.0) + float(one.remaining)
    return [OwnOrder(row, side, size) for (row, side), size in sorted(sums.items(), reverse=True)]


def _fill(
    cells: list[float | None],
    prices: list[float],
    sizes: list[float | None],
    tick: float,
    group: int,
    top: int,
    *,
    up: bool,
) -> int | None:
    """Add the levels that fall on visible rows; return the row of the best one."""
    best: int | None = None
    height = len(cells)
    for price, size in zip(prices, sizes, strict=True):
        row = row_of(price, tick, group, up=up)
        if best is None:
            best = row
        at = top - row
        if 0 <= at < height:
            had = cells[at]
            cells[at] = None if size is None or had is None else had + size
        elif (up and at < 0) or (not up and at >= height):
            break  # sorted: everything further lies outside too
    return best
