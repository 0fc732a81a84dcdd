"""What a panel wants to see: plain structs, no live references, as the frames that answer them."""

from typing import Literal

import msgspec

from mdterm.feeds.events import Stream


class ViewSpec(msgspec.Struct, frozen=True, tag=True):
    """What a panel wants to see."""


class LadderSpec(ViewSpec, frozen=True, tag="ladder"):
    """``rows`` visible rows plus ``margin`` on either side; a row is ``group`` steps of the book.

    ``centre`` is the row index (price = index × ``step``) in the middle, None until first settled; ``step``
    is what it was counted in. ``frozen`` keeps it where it is, ``dynamic`` puts it at the touch every time;
    ``recentre`` asks for a fresh centre when the spec is sent again. ``cursor`` is a row to be told of.
    ``flow`` asks for sells and buys over ``window``: 5s, 60s, 8m, or None for the session; ``changes``
    for what was pulled and stacked, ``volume`` for the session's volume at price. ``reset`` lets windows and
    changes begin anew, once. ``levels`` of a side are weighed and cumulated. ``quote`` tells sizes × price;
    ``marks`` asks for high, low, VWAP and POC. ``seen`` counts the moves of the touch that the centre has
    followed; it is the feed's own.
    """

    rows: int
    margin: int = 20
    group: int = 1
    centre: int | None = None
    frozen: bool = False
    recentre: bool = False
    flow: bool = False
    window: str | None = "60s"
    dynamic: bool = False
    step: float | None = None
    cursor: int | None = None
    changes: bool = False
    volume: bool = False
    levels: int = 10
    quote: bool = False
    marks: bool = True
    reset: bool = False
    seen: int | None = None


JOINS = (1, 100, 0)
"""Milliseconds within which prints may be joined, in the order of their key; 0 joins nothing."""


class TapeSpec(ViewSpec, frozen=True, tag="tape"):
    """``rows`` newest prints, joined within ``join_ms`` (0: none), of at least ``min_size``.

    ``hold`` is the number of the last trade shown (``TapeFrame.newest``), ``back`` the prints scrolled back
    from there. ``quote`` tells sizes in the quote currency, and ``min_in_quote`` means ``min_size`` so.
    ``biggest_since`` asks for the biggest print after that trade as well.
    """

    rows: int
    min_size: float | None = None
    hold: int | None = None
    quote: bool = False
    join_ms: int = 1
    back: int = 0
    biggest_since: int | None = None
    min_in_quote: bool = False


class HeaderSpec(ViewSpec, frozen=True, tag="header"):
    """The line about the instrument."""


class ChartSpec(ViewSpec, frozen=True, tag="chart"):
    """The newest ``bars`` bars of an interval, ``offset`` bars back from the newest one.

    ``averages`` are how many closes each moving average is of. ``profile`` asks for the session's volume by
    price, fine enough for so many rows over the bars; 0 asks for none. ``quote`` tells volume and delta in
    the quote currency.
    """

    interval: str
    bars: int
    offset: int = 0
    averages: tuple[int, ...] = ()
    vwap: bool = False
    cvd: bool = False
    profile: int = 0
    quote: bool = False


Plot = Literal["history", "depth", "cvd", "profile"]


class PlotSpec(ViewSpec, frozen=True, tag="plot"):
    """One curve over all there is, of about ``points`` points: every bar of an interval, the book, …"""

    plot: Plot
    interval: str
    points: int


WatchSort = Literal["change", "volume", "pace", "spread", "last", "symbol", "age"]


class WatchSpec(ViewSpec, frozen=True, tag="watch"):
    """The instruments of the watchlist; ``spark`` minute closes each.

    ``among`` (addresses) and ``words`` leave some out. ``sort`` is by a column, its natural way round unless
    ``reverse``, None in the person's own order. ``order`` and ``sorted_at`` (s, monotonic) are filled in by
    the view: the order that was settled last, which holds for a while.
    """

    spark: int = 20
    sort: WatchSort | None = None
    reverse: bool = False
    words: str = ""
    among: tuple[str, ...] | None = None
    order: tuple[str, ...] = ()
    sorted_at: float | None = None


class DerivativesSpec(ViewSpec, frozen=True, tag="derivatives"):
    """Funding, open interest, the newest ``liquidations`` and a profile of about ``profile`` rows."""

    liquidations: int = 8
    profile: int = 12


class AccountSpec(ViewSpec, frozen=True, tag="account"):
    """The account beside the shown instrument; values in ``quote``, at most ``orders`` and ``log`` lines."""

    quote: str = "USDT"
    orders: int = 20
    log: int = 20


class CompareSpec(ViewSpec, frozen=True, tag="compare"):
    """All declared pairs; those ``parted_bps`` apart or more are marked."""

    parted_bps: float = 10.0


STREAMS: dict[type[ViewSpec], tuple[Stream, ...]] = {
    LadderSpec: ("book", "trade"),
    TapeSpec: ("trade", "liquidation"),
    HeaderSpec: ("trade", "book"),
    ChartSpec: ("trade", "liquidation"),
    PlotSpec: ("trade", "book"),
    WatchSpec: (),
    AccountSpec: ("balance", "order"),
    CompareSpec: (),
    DerivativesSpec: ("open_interest", "funding", "liquidation", "trade"),
}
"""The streams a view is made of; the state in a panel's title is that of the first."""
