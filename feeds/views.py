"""What a panel shows, computed from market state: pure functions from a spec to a frame.

Grouping, filters and windows are here, not in the market and not in the widgets.
"""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import islice

import msgspec

from mdterm.feeds.account import Account, Working
from mdterm.feeds.derivatives import LIQUIDATION_WINDOWS
from mdterm.feeds.events import Side, Stream
from mdterm.feeds.frames import (
    STREAMS,
    AccountFrame,
    AccountSpec,
    BalanceRow,
    ChangeRow,
    ChartBar,
    ChartFrame,
    ChartSpec,
    DerivativesFrame,
    DerivativesSpec,
    Frame,
    FrameSet,
    HeaderFrame,
    HeaderSpec,
    LadderFrame,
    LadderSpec,
    LinkLine,
    LiquidationRow,
    OrderRow,
    OwnOrder,
    PanelFrame,
    ProfileFrame,
    TapeFrame,
    TapeRow,
    TapeSpec,
    ViewSpec,
    WatchFrame,
    WatchRow,
    WatchSpec,
)
from mdterm.feeds.market import Market, Quote, Sums
from mdterm.feeds.precision import decimals
from mdterm.feeds.profile import event_profile, session_profile
from mdterm.feeds.status import Shown

__all__ = [
    "GROUP_STEPS",
    "IMBALANCE_LEVELS",
    "STREAMS",
    "ChartBar",
    "ChartFrame",
    "ChartSpec",
    "DerivativesFrame",
    "DerivativesSpec",
    "Frame",
    "FrameSet",
    "HeaderFrame",
    "HeaderSpec",
    "LadderFrame",
    "LadderSpec",
    "LinkLine",
    "LiquidationRow",
    "PanelFrame",
    "ProfileFrame",
    "TapeFrame",
    "TapeRow",
    "TapeSpec",
    "ViewSpec",
    "WatchFrame",
    "WatchRow",
    "WatchSpec",
    "account_view",
    "band_of",
    "change_of",
    "chart_view",
    "derivatives_view",
    "header_view",
    "ladder_view",
    "row_of",
    "settle",
    "step_digits",
    "tape_view",
    "view",
    "watch_row",
]

IMBALANCE_LEVELS = 10
GROUP_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


def step_digits(step: float) -> int:
    """Return the decimals needed to print multiples of ``step``."""
    return decimals(step)


def row_of(price: float, tick: float, group: int, *, up: bool) -> int:
    """Return the row that holds a price: asks are rounded up to it, all else down."""
    exact = price / tick
    ticks = round(exact)
    if abs(exact - ticks) > 1e-4 + 4e-16 * abs(exact):
        # Not on the grid: a trade inside a bucket, or buckets named by their middle.
        ticks = math.ceil(exact) if up else math.floor(exact)
    return -((-ticks) // group) if up else ticks // group


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


def tape_view(market: Market, spec: TapeSpec, now: float) -> TapeFrame:
    """Return the newest prints that pass the filter, newest first, and the sums over all trades."""
    sums = market.sums()
    tape = market.tape
    rows: list[TapeRow] = []
    hold = spec.hold
    for one in reversed(tape.prints):
        if hold is not None and one.number > hold:
            continue
        if spec.min_size is not None and (one.size is None or one.size < spec.min_size):
            continue
        rows.append(TapeRow(one.ts, one.price, one.size, one.side, one.count))
        if len(rows) >= spec.rows:
            break
    waiting = 0
    if hold is not None:
        fresh = islice(reversed(tape.prints), max(0, tape.printed - hold))
        waiting = sum(
            1 for p in fresh if spec.min_size is None or (p.size is not None and p.size >= spec.min_size)
        )
    return TapeFrame(
        address=market.instrument.address,
        rows=rows,
        digits=market.price_digits,
        size_digits=market.size_digits,
        trades=market.trade_count,
        newest=tape.printed,
        waiting=waiting,
        pace=tape.pace(now),
        cvd=sums.cvd,
        since=sums.since,
        unreliable_since=sums.unreliable_since,
        min_size=spec.min_size,
    )


def header_view(market: Market) -> HeaderFrame:
    """Return the line about the instrument."""
    sums = market.sums()
    tape, instrument = market.tape, market.instrument
    last = None if tape.last is None else tape.last.price
    return HeaderFrame(
        address=instrument.address,
        symbol=instrument.symbol,
        venue=instrument.venue,
        last=last,
        direction=tape.direction,
        change=change_of(last, sums),
        high=sums.high,
        low=sums.low,
        vwap=sums.vwap,
        vwap_since=sums.since,
        digits=market.price_digits,
        trades=market.trade_count,
        is_vwap_estimated=sums.is_vwap_estimated,
        unreliable_since=sums.unreliable_since,
    )


def change_of(last: float | None, sums: Sums) -> float | None:
    """Return the change since the day's open as a fraction, None where the open is not known."""
    return last / sums.open - 1.0 if last is not None and sums.open else None


def chart_view(market: Market, spec: ChartSpec) -> ChartFrame:
    """Return the bars of an interval."""
    market.fold()
    store = market.candles
    candles = store.candles(spec.interval, spec.bars + spec.offset)
    shown = candles[: len(candles) - spec.offset] if spec.offset else candles
    return ChartFrame(
        address=market.instrument.address,
        interval=spec.interval,
        bars=[
            ChartBar(
                one.open_ts,
                one.open,
                one.high,
                one.low,
                one.close,
                one.volume,
                None if one.buy is None or one.sell is None else one.buy - one.sell,
            )
            for one in shown
        ],
        offset=spec.offset,
        digits=market.price_digits,
        size_digits=market.size_digits,
        last_price=None if market.tape.last is None else market.tape.last.price,
        direction=market.tape.direction,
        since=store.covered_from(spec.interval),
        version=store.version(spec.interval),
    )


def watch_row(market: Market | Quote, shown: Shown, spec: WatchSpec) -> WatchRow:
    """Return an instrument's line of the watchlist; the light tier knows no open, so no change."""
    instrument, (bid, ask) = market.instrument, market.bbo()
    if isinstance(market, Quote):
        last = None if market.last is None else market.last.price
        spark = [close for _, close in market.closes][-spec.spark :]
        change, direction = None, 0
        volume: float | None = market.volume or None
        digits = 0 if last is None else decimals(last)
    else:
        sums = market.sums()
        last = None if market.tape.last is None else market.tape.last.price
        spark = market.candles.closes("1m", spec.spark)
        change, direction = change_of(last, sums), market.tape.direction
        volume, digits = sums.volume, market.price_digits
    return WatchRow(
        address=instrument.address,
        symbol=instrument.symbol,
        provider=instrument.provider,
        shown=shown,
        last=last,
        direction=direction,
        change=change,
        bid=bid,
        ask=ask,
        volume=volume,
        digits=digits,
        spark=spark,
    )


def derivatives_view(
    market: Market, spec: DerivativesSpec, funding: Shown | None, missing: list[Stream]
) -> DerivativesFrame:
    """Return funding, open interest, liquidations and the profile."""
    market.fold()
    known = market.derivatives
    if market.tape.last is not None and market.tape.last.ts is not None:
        known.advance(market.tape.last.ts)
    change = known.interest_change()
    windows = {name: known.liquidated(name) for name in LIQUIDATION_WINDOWS}
    return DerivativesFrame(
        address=market.instrument.address,
        funding=None if known.funding is None else known.funding.rate,
        predicted=None if known.funding is None else known.funding.predicted,
        funding_shown=funding,
        open_interest=None if known.open_interest is None else known.open_interest.value,
        open_interest_change=None if change is None else change.change,
        open_interest_share=None if change is None else change.share,
        liquidations=[
            LiquidationRow(
                one.seen if one.ts is None else one.ts, one.price, one.size, one.position, one.raw_side
            )
            for one in islice(reversed(known.liquidations), spec.liquidations)
        ],
        liquidation_count=known.liquidation_count,
        liquidated={name: (sums.longs, sums.shorts, sums.unknown) for name, sums in windows.items()},
        profile=_profile(market, spec.profile),
        missing=missing,
        digits=market.price_digits,
        size_digits=market.size_digits,
    )


def account_view(
    account: Account,
    spec: AccountSpec,
    price: Callable[[str, str], float | None],
    touch: Callable[[str], tuple[Market | Quote | None, str]],
) -> AccountFrame:
    """Return an account. ``price`` values an asset, ``touch`` gives an order's market and its symbol."""
    portfolio = account.portfolio(spec.quote, price)
    orders = account.open_orders()
    return AccountFrame(
        provider=account.name,
        quote=spec.quote,
        balances=[
            BalanceRow(
                row.asset,
                format(row.total, "f"),
                format(row.available, "f"),
                format(row.locked, "f"),
                None if row.value is None else float(row.value),
                None if row.share is None else float(row.share),
            )
            for row in portfolio.rows
        ],
        value=float(portfolio.value) if len(portfolio.unpriced) < len(portfolio.rows) else None,
        unpriced=portfolio.unpriced,
        orders=[_order_row(one, *touch(one.order.address)) for one in orders[: spec.orders]],
        open_orders=len(orders),
        log=[
            ChangeRow(one.at, one.kind, one.subject, one.what, one.before, one.after)
            for one in islice(reversed(account.log), spec.log)
        ],
    )


def _order_row(one: Working, market: Market | Quote | None, symbol: str) -> OrderRow:
    order = one.order
    ticks = bps = None
    if market is not None:
        bid, ask = market.bbo()
        best = ask if order.side == "buy" else bid
        tick = market.tick if isinstance(market, Market) else None
        if best is not None:
            away = one.distance(Decimal(str(best)), None if tick is None else Decimal(str(tick)))
            if away is not None:
                ticks, bps = away[0], float(away[1])
    return OrderRow(
        address=order.address,
        symbol=symbol,
        id=order.id,
        side=order.side,
        type=order.type,
        state=order.state,
        price=order.price,
        size=order.size,
        remaining=order.remaining,
        filled=None if one.share_filled is None else float(one.share_filled),
        average=None if one.average is None else float(one.average),
        ticks=ticks,
        bps=bps,
        created=order.created,
    )


def _profile(market: Market, rows: int) -> ProfileFrame | None:
    """Return our own session's profile, the provider's where we have none."""
    found, source, since = None, "session", None
    if market.flow is not None:
        found = session_profile(market.flow, rows=max(rows, 2))
        # Bars tell no volume by price: the profile holds what was traded since we joined.
        since = max(market.flow.anchor or 0, market.candles.joined_at or 0) or None
    if found is None and market.profile is not None:
        found, source = event_profile(market.profile), "provider"
    if found is None:
        return None
    return ProfileFrame(
        step=found.step,
        digits=decimals(round(found.step, 10)),
        low=found.low,
        buys=found.buys,
        sells=found.sells,
        neutral=found.neutral,
        poc=found.poc,
        val=found.val,
        vah=found.vah,
        source="session" if source == "session" else "provider",
        since=since,
    )


def view(market: Market, spec: ViewSpec, now: float) -> Frame | None:
    """Return the frame for a spec of one instrument, or None while there is nothing to show."""
    if isinstance(spec, LadderSpec):
        return ladder_view(market, spec)
    if isinstance(spec, TapeSpec):
        return tape_view(market, spec, now)
    if isinstance(spec, HeaderSpec):
        return header_view(market)
    if isinstance(spec, ChartSpec):
        return chart_view(market, spec)
    raise TypeError(f"no view for {type(spec).__name__}")
