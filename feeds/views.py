"""What a panel shows, computed from market state: pure functions from a spec to a frame.

Specs and frames are plain structs without live references, so that the feed can run in a process of
its own. Grouping, filters and windows are here; a widget only compares and paints. Numbers are raw:
widgets format them with the digits that ride along.
"""

import math
from itertools import islice

import msgspec

from mdterm.feeds.events import Side, Stream, Unit
from mdterm.feeds.market import Market
from mdterm.feeds.precision import decimals
from mdterm.feeds.status import Shown

IMBALANCE_LEVELS = 10
GROUP_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


class ViewSpec(msgspec.Struct, frozen=True, tag=True):
    """What a panel wants to see."""


class LadderSpec(ViewSpec, frozen=True, tag="ladder"):
    """``rows`` visible rows plus ``margin`` on either side; a row is ``group`` steps of the book.

    ``centre`` is the row index (price = index × step × group) in the middle, None until first settled.
    ``frozen`` keeps it where it is; ``recentre`` asks for a fresh centre when the spec is sent again.
    """

    rows: int
    margin: int = 20
    group: int = 1
    centre: int | None = None
    frozen: bool = False
    recentre: bool = False


class TapeSpec(ViewSpec, frozen=True, tag="tape"):
    """``rows`` newest prints of at least ``min_size``. ``hold`` is the number of the newest print shown."""

    rows: int
    min_size: float | None = None
    hold: int | None = None


class HeaderSpec(ViewSpec, frozen=True, tag="header"):
    """The line about the instrument."""


STREAMS: dict[type[ViewSpec], tuple[Stream, ...]] = {
    LadderSpec: ("book", "trade"),
    TapeSpec: ("trade",),
    HeaderSpec: ("trade", "book"),
}
"""The streams a view is made of; the state in a panel's title is that of the first."""


class Frame(msgspec.Struct, frozen=True, tag=True):
    """What a panel shall show."""


class LadderFrame(Frame, frozen=True, tag="ladder"):
    """Rows from ``top`` downwards: row i is price ``(top - i) × step``; a size of 0 is blank, None unknown.

    ``spread``, ``spread_bps``, ``mid`` exist for true levels only. ``imbalance`` is (B−A)/(B+A) over
    ``imbalance_levels`` levels a side. ``band`` is how far the touch may stray from ``centre`` (rows).
    """

    address: str
    step: float
    digits: int
    size_digits: int
    top: int
    centre: int
    band: int
    bids: list[float | None]
    asks: list[float | None]
    best_bid: int | None
    best_ask: int | None
    last: int | None
    last_price: float | None
    direction: int
    largest: float
    group: int
    bucketed: bool
    unit: Unit | None
    spread: float | None
    spread_bps: float | None
    mid: float | None
    imbalance: float | None
    imbalance_levels: int


class TapeRow(msgspec.Struct, frozen=True, gc=False):
    """One print; ``count`` trades joined."""

    ts: int
    price: float
    size: float | None
    side: Side | None
    count: int


class TapeFrame(Frame, frozen=True, tag="tape"):
    """Newest print first. ``trades`` counts every trade received, each once; ``waiting`` while held."""

    address: str
    rows: list[TapeRow]
    digits: int
    size_digits: int
    trades: int
    newest: int
    waiting: int
    pace: float
    cvd: float
    since: int | None
    unreliable_since: int | None
    min_size: float | None


class HeaderFrame(Frame, frozen=True, tag="header"):
    """Last, day figures and the exact count of trades of one instrument."""

    address: str
    symbol: str
    venue: str
    last: float | None
    direction: int
    change: float | None
    high: float | None
    low: float | None
    vwap: float | None
    vwap_since: int | None
    digits: int
    trades: int


class PanelFrame(msgspec.Struct, frozen=True):
    """A panel's state and, where there is something to show, its frame."""

    shown: Shown
    frame: Frame | None
    simulated: bool = False


class LinkLine(msgspec.Struct, frozen=True):
    """A connection in one line: state, delay exchange→seen in ms, messages a second."""

    key: str
    provider: str
    shown: Shown
    delay_ms: float | None
    rate: float


class FrameSet(msgspec.Struct, frozen=True):
    """All that changed by one beat. Numbered, so that it can be acknowledged.

    ``made`` is the monotonic clock (s), ``wall`` the wall clock (ns) at which it is true.
    """

    number: int
    made: float
    wall: int
    panels: dict[str, PanelFrame]
    links: list[LinkLine]
    delay_ms: float | None


def step_digits(step: float) -> int:
    """Return the decimals needed to print multiples of ``step``."""
    return decimals(step)


def row_of(price: float, tick: float, group: int, *, up: bool) -> int:
    """Return the row that holds a price: asks are rounded up to it, all else down."""
    ticks = round(price / tick)
    return -((-ticks) // group) if up else ticks // group


def settle(market: Market, spec: LadderSpec) -> LadderSpec:
    """Return the spec with its centre where it belongs: moved only when the touch left the band."""
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


def ladder_view(market: Market, spec: LadderSpec) -> LadderFrame | None:
    """Return the ladder around the spec's centre, or None while there is nothing to show."""
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
    )


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
    market.fold()
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
        cvd=tape.cvd,
        since=tape.anchor_ts,
        unreliable_since=market.gap_since,
        min_size=spec.min_size,
    )


def header_view(market: Market) -> HeaderFrame:
    """Return the line about the instrument."""
    market.fold()
    tape, instrument = market.tape, market.instrument
    return HeaderFrame(
        address=instrument.address,
        symbol=instrument.symbol,
        venue=instrument.venue,
        last=None if tape.last is None else tape.last.price,
        direction=tape.direction,
        change=None,
        high=tape.high,
        low=tape.low,
        vwap=tape.vwap,
        vwap_since=tape.anchor_ts,
        digits=market.price_digits,
        trades=market.trade_count,
    )


def view(market: Market, spec: ViewSpec, now: float) -> Frame | None:
    """Return the frame for a spec, or None while there is nothing to show. Changes nothing."""
    if isinstance(spec, LadderSpec):
        return ladder_view(market, spec)
    if isinstance(spec, TapeSpec):
        return tape_view(market, spec, now)
    if isinstance(spec, HeaderSpec):
        return header_view(market)
    raise TypeError(f"no view for {type(spec).__name__}")
