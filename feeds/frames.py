"""What a panel shall show: plain structs, no live references.

They cross threads today and could cross a socket unchanged. Numbers are raw: widgets format them with the
digits that ride along.
"""

from typing import Literal

import msgspec

from mdterm.feeds.events import Position, Side, Stream, Unit
from mdterm.feeds.specs import Plot
from mdterm.feeds.status import Caution, Shown


class Frame(msgspec.Struct, frozen=True, tag=True):
    """What a panel shall show."""


class OwnOrder(msgspec.Struct, frozen=True, gc=False):
    """What of an own order still works in a row of the ladder (row numbers as in the frame)."""

    row: int
    side: Side
    remaining: float


class CursorRow(msgspec.Struct, frozen=True, gc=False):
    """What there is to know of one row; None where it is unknown or there is no such thing.

    ``size`` rests in it on ``side``, of ``count`` orders. ``cumulative`` is from the touch to it, this row
    included, ``notional`` the same in the quote currency. ``ticks`` and ``bps`` are from the mid.
    """

    row: int
    side: Literal["bid", "ask"] | None
    size: float | None
    count: int | None
    cumulative: float | None
    notional: float | None
    ticks: float | None
    bps: float | None


class LadderFrame(Frame, frozen=True, tag="ladder"):
    """Rows from ``top`` downwards: row i is price ``(top - i) × step``; a size of 0 is blank, None unknown.

    ``spread``, ``spread_bps``, ``mid`` exist for true levels only. ``imbalance`` is (B−A)/(B+A) over
    ``imbalance_levels`` levels a side. ``band`` is how far the touch may stray from ``centre`` (rows).
    ``sells`` hit the bid and ``buys`` took the ask within ``window``, by row; None where not known so finely.
    ``own`` are the account's working orders on the rows of the frame.

    ``cum_bids`` and ``cum_asks`` sum from the touch over the levels asked for, 0 beyond them. Changes
    are stacked (positive) and pulled (negative) sizes since ``changes_since`` (ns); ``volumes`` the session's
    at price. ``diagonals`` has 1 where buys, 2 where sells outweigh the other side a row away. ``high``,
    ``low``, ``vwap`` and ``poc`` are rows. ``trigger`` is how far from the centre the touch makes it move,
    None where it does not. ``filled`` are the seconds that a window knows of, None once it is full;
    ``flow_since`` (ns) is where the session's columns begin. ``usual`` is the mean size in view.
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
    sells: list[float] | None = None
    buys: list[float] | None = None
    window: str | None = None
    own: list[OwnOrder] = []
    cum_bids: list[float | None] = []
    cum_asks: list[float | None] = []
    bid_changes: list[float] | None = None
    ask_changes: list[float] | None = None
    changes_since: int | None = None
    volumes: list[float] | None = None
    diagonals: list[int] | None = None
    micro: float | None = None
    high: int | None = None
    low: int | None = None
    vwap: int | None = None
    poc: int | None = None
    trigger: int | None = None
    filled: int | None = None
    flow_since: int | None = None
    usual: float = 0.0
    in_quote: bool = False
    cursor: CursorRow | None = None


class TapeRow(msgspec.Struct, frozen=True, gc=False):
    """One print; ``count`` trades joined, from ``first_price`` to ``price``. ``grade`` 0 to 3 is how large.

    ``own`` where an own order was filled in it. A liquidation (``is_forced``) is no trade: it tells whose
    ``position`` was closed, None where that is not told.
    """

    ts: int
    price: float
    size: float | None
    side: Side | None
    count: int
    first_price: float | None = None
    grade: int = 0
    own: bool = False
    is_forced: bool = False
    position: Position | None = None


class TapeFrame(Frame, frozen=True, tag="tape"):
    """Newest print first. ``trades`` counts every trade received, each once, and is what a hold names.

    ``waiting`` are the prints that pass the filter and came after the hold; ``is_waiting_least`` where some
    of them are not kept any more. ``back`` is how far the rows are scrolled back, ``is_end`` whether the
    oldest kept print is among them. ``median`` and ``largest`` are of the newest prints' sizes in the base.
    The ratios compare with the average of five minutes, None where that is not known. CVD is in the base.
    """

    address: str
    rows: list[TapeRow]
    digits: int
    size_digits: int
    trades: int
    newest: int
    waiting: int
    pace: float
    cvd: float | None
    since: int | None
    unreliable_since: int | None
    min_size: float | None
    pace_ratio: float | None = None
    volume_pace: float | None = None
    volume_ratio: float | None = None
    quote: bool = False
    join_ms: int = 1
    back: int = 0
    is_end: bool = False
    is_waiting_least: bool = False
    biggest: TapeRow | None = None
    median: float = 0.0
    largest: float = 0.0
    last_price: float | None = None
    min_in_quote: bool = False
    cvd_digits: int | None = None


class HeaderFrame(Frame, frozen=True, tag="header"):
    """Last, day figures and the exact count of trades of one instrument.

    ``change`` is a fraction of the previous close where the provider tells one (``is_from_close``), else of
    the day's open; None where that is not known. ``vwap_since`` (ns) is the anchor; ``is_vwap_estimated``
    where the provider's bars stand for trades that were not seen. ``last_ts`` (ns) is when it last traded;
    ``lot`` is a board lot in the unit of sizes.
    """

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
    is_vwap_estimated: bool = False
    unreliable_since: int | None = None
    is_from_close: bool = False
    last_ts: int | None = None
    name: str | None = None
    lot: float | None = None
    currency: str | None = None


class ChartBar(msgspec.Struct, frozen=True, gc=False):
    """One bar. ``delta`` is buys minus sells; what is not known is None.

    As of the bar's end, and only where asked for: the session's ``vwap`` and ``cvd`` (``cvd_open`` is where
    that began with the bar), and the moving ``averages`` of closes. ``longs`` and ``shorts`` are the sizes
    liquidated in it.
    """

    open_ts: int
    open: float
    high: float
    low: float
    close: float
    volume: float | None
    delta: float | None
    vwap: float | None = None
    cvd_open: float | None = None
    cvd: float | None = None
    averages: tuple[float | None, ...] = ()
    longs: float = 0.0
    shorts: float = 0.0


class ChartFrame(Frame, frozen=True, tag="chart"):
    """Bars, oldest first; the last one runs unless ``offset``. Bars are whole from ``since`` (ns) on.

    VWAP and CVD begin at ``sums_since`` (ns) in the newest session, and trades of it may be missing from
    ``unreliable_since`` on; ``is_vwap_estimated`` where bars stand for trades that were not seen.
    ``periods`` are those of the averages. ``is_start`` says that there is no bar before the first.
    """

    address: str
    interval: str
    bars: list[ChartBar]
    offset: int
    digits: int
    size_digits: int
    last_price: float | None
    direction: int
    since: int | None
    version: int
    periods: tuple[int, ...] = ()
    profile: "ProfileFrame | None" = None
    sums_since: int | None = None
    unreliable_since: int | None = None
    is_vwap_estimated: bool = False
    is_start: bool = False


class Curve(msgspec.Struct, frozen=True):
    """Points of a plot, ``x`` never falling; times are seconds since the epoch."""

    name: str
    x: list[float]
    y: list[float]


class PlotFrame(Frame, frozen=True, tag="plot"):
    """Curves over all there is.

    ``history``: high, low and close by time. ``depth``: bids and asks, the size up to each price. ``cvd``:
    the session's CVD by time, from ``since`` (ns) on. ``profile``: buys, sells and others by price.
    ``marks`` are prices worth a line (``poc``, ``val``, ``vah``, ``mid``, ``last``); ``count`` is what was
    gone through: bars, levels, prices.
    """

    address: str
    plot: Plot
    interval: str
    curves: list[Curve]
    digits: int
    size_digits: int
    count: int
    marks: dict[str, float] = {}
    since: int | None = None
    unreliable_since: int | None = None


class WatchRow(msgspec.Struct, frozen=True):
    """One instrument. ``change`` is a fraction of the day's open; ``spark`` minute closes, oldest first.

    ``spread_bps`` is None where the book has no true levels. ``pace`` is trades a second as a multiple of
    their own average. ``place`` counts from 1 in the person's own order, whatever it is sorted by.
    """

    address: str
    symbol: str
    provider: str
    shown: Shown
    last: float | None
    direction: int
    change: float | None
    bid: float | None
    ask: float | None
    volume: float | None
    digits: int
    spark: list[float]
    spread_bps: float | None = None
    pace: float | None = None
    place: int = 0


class WatchFrame(Frame, frozen=True, tag="watch"):
    """The watchlist in the order asked for; ``total`` counts those that the words left out too."""

    rows: list[WatchRow]
    total: int = 0


class LiquidationRow(msgspec.Struct, frozen=True, gc=False):
    """One liquidation; ``raw_side`` is the provider's own word."""

    ts: int
    price: float
    size: float
    position: Position | None
    raw_side: str | None


class ProfileFrame(msgspec.Struct, frozen=True):
    """Volume by price, rising: row i is ``(low + i) × step``; ``poc``, ``val``, ``vah`` are row numbers.

    ``source`` is ``provider`` where the provider sent it (its window is not documented), else ``session``.
    """

    step: float
    digits: int
    low: int
    buys: list[float]
    sells: list[float]
    neutral: list[float]
    poc: int
    val: int
    vah: int
    source: Literal["provider", "session"]
    since: int | None


class DerivativesFrame(Frame, frozen=True, tag="derivatives"):
    """Funding (decimals), open interest with its change over 5 m, liquidations, volume profile.

    ``liquidated`` is ``(longs, shorts, unknown)`` in quote notional by window (60s, 5m, 1h). ``missing``
    are the streams that this instrument cannot have.
    """

    address: str
    funding: float | None
    predicted: float | None
    funding_shown: Shown | None
    open_interest: float | None
    open_interest_change: float | None
    open_interest_share: float | None
    liquidations: list[LiquidationRow]
    liquidation_count: int
    liquidated: dict[str, tuple[float, float, float]]
    profile: ProfileFrame | None
    missing: list[Stream]
    digits: int
    size_digits: int


class BalanceRow(msgspec.Struct, frozen=True):
    """One asset; exact decimal strings. ``share`` (0 to 1) is of all that has a price."""

    asset: str
    total: str
    available: str
    locked: str
    value: float | None
    share: float | None


class OrderRow(msgspec.Struct, frozen=True):
    """One open order; exact decimal strings. ``ticks`` and ``bps`` say how far the market has to come."""

    address: str
    symbol: str
    id: str
    side: Side | None
    type: str | None
    state: str | None
    price: str | None
    size: str | None
    remaining: str | None
    filled: float | None
    average: float | None
    ticks: int | None
    bps: float | None
    created: int | None


class ChangeRow(msgspec.Struct, frozen=True):
    """A line of the session's log: when (ns), what kind, of which, and from what to what.

    ``price`` is what an order was placed at, or what a fill was had for.
    """

    at: int
    kind: str
    subject: str
    what: str
    before: str | None
    after: str | None
    price: str | None = None


class AccountFrame(Frame, frozen=True, tag="account"):
    """Balances by value, open orders newest first, and what changed, newest first.

    ``provider`` is whose account it is. ``value`` is of all that has a price; ``unpriced`` has none.
    """

    provider: str
    quote: str
    balances: list[BalanceRow]
    value: float | None
    unpriced: list[str]
    orders: list[OrderRow]
    open_orders: int
    log: list[ChangeRow]


class LegRow(msgspec.Struct, frozen=True):
    """One instrument of a pair."""

    address: str
    symbol: str
    provider: str
    shown: Shown
    last: float | None
    bid: float | None
    ask: float | None
    digits: int


class PairRow(msgspec.Struct, frozen=True):
    """Two instruments. ``drift_bps`` is how far the second is above the first (mids, else last prices).

    ``lag_ms`` is how far the second moves behind the first where we receive both; ``agreement`` 0 to 1.
    """

    first: LegRow
    second: LegRow
    drift_bps: float | None
    of_mids: bool
    lag_ms: float | None
    agreement: float | None
    is_parted: bool


class CompareFrame(Frame, frozen=True, tag="compare"):
    """The pairs in the order of their declaration; ``parted_bps`` is from where on they are marked."""

    rows: list[PairRow]
    parted_bps: float


class PanelFrame(msgspec.Struct, frozen=True):
    """A panel's state and, where there is something to show, its frame.

    ``address`` is the instrument that it was made for, None for a panel over all of them. ``caution`` is what
    must be known to read its figures.
    """

    shown: Shown
    frame: Frame | None
    simulated: bool = False
    address: str | None = None
    caution: Caution | None = None


class LinkLine(msgspec.Struct, frozen=True):
    """A connection in one line: state with its reason, delay exchange→seen in ms, messages a second.

    ``note`` tells how it talks, where that had to be found out.
    """

    key: str
    provider: str
    shown: Shown
    delay_ms: float | None
    rate: float
    instruments: int = 0
    note: str = ""


class ReplayLine(msgspec.Struct, frozen=True):
    """Where a replay stands: the recorded time (ns), how fast, and whether it waits or has ended.

    ``words`` tell what was just done or is wrong. ``is_rewind``: of what was live a moment ago.
    """

    at: int
    speed: float
    is_paused: bool = False
    is_seeking: bool = False
    has_ended: bool = False
    words: str = ""
    is_rewind: bool = False


class FrameSet(msgspec.Struct, frozen=True):
    """All that changed by one beat. Numbered, so that it can be acknowledged.

    ``made`` is the monotonic clock (s), ``wall`` the wall clock (ns) at which it is true. In a replay
    ``wall`` is the recorded one, and ``now`` the recorded monotonic clock.
    """

    number: int
    made: float
    wall: int
    panels: dict[str, PanelFrame]
    links: list[LinkLine]
    delay_ms: float | None
    now: float | None = None
    replay: ReplayLine | None = None
