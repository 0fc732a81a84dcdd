"""Facts about AllTick: endpoints, plans, paces, depths, tick bands. Data only; marks as in its docs.

[DOC] official pages, [CAP] captured, [CLIENT] third-party clients, [INF] reasoned. Codes are in ``codes``,
trading hours in ``hours``.

Sizes. A-share volumes are lots of 100 shares [INF from CAP: turnover = price × volume × 100], everywhere:
prints, books and bars; Hong Kong and US volumes are shares; crypto is in the base coin. Nothing is
converted: a figure on the screen is the figure that was sent, and a book's ``unit`` is ``base`` only where
that is certain.
"""

from typing import Literal

import msgspec

from mdterm.feeds.contract import Backoff, Capabilities, Silence
from mdterm.feeds.events import Stream

Family = Literal["stock", "generic"]
PlanName = Literal["free", "basic", "premium", "professional", "all-hk", "all-cn", "all-us"]

# [DOC] a code of one family is invalid on the other's sockets and paths.
WS_URLS: dict[Family, str] = {
    "stock": "wss://quote.alltick.co/quote-stock-b-ws-api",
    "generic": "wss://quote.alltick.co/quote-b-ws-api",
}
HTTP_URLS: dict[Family, str] = {
    "stock": "https://quote.alltick.co/quote-stock-b-api",
    "generic": "https://quote.alltick.co/quote-b-api",
}

# [DOC] cmd_id; an answer has the id of its request + 1.
HEARTBEAT = 22000
SUBSCRIBE_BOOK = 22002
SUBSCRIBE_TRADE = 22004
CANCEL = 22006
PUSH_TRADE = 22998
PUSH_BOOK = 22999
CANCEL_ALL, CANCEL_BOOK, CANCEL_TRADE = 0, 1, 2

HEARTBEAT_S = 10.0  # [DOC] 30 s without one and the server closes
# [DOC] ≥ 1 s between requests on a socket, ≥ 3 s across the sockets of a token; the rest is for the way.
REQUEST_SPACING_S = 1.2
TOKEN_SPACING_S = 3.3
ANSWER_SPACING_S = 1.02
TOKEN_ANSWER_SPACING_S = 3.02
"""The same from an answer on: by then the server has had the request for sure."""
ANSWER_PATIENCE_S = 2.5
"""A message that is not answered by then holds up the next no longer."""
CONNECT_SLACK_S = 0.7
"""The first connection looks its host up and takes longer on its way than the next."""
HEARTBEAT_EARLY_S = 1.3
"""A heartbeat may have to wait for a place in its socket's pace, so it is due this much before its time."""
SETTLE_S = 1.2
"""How long edits of the watchlist are collected; a code that comes on the screen does not wait. [DOC]"""
ACK_WAIT_S = 10.0
"""An answer that has not come by then will not; what was asked is taken as done."""
HOLD_S = 30.0
"""How long a socket keeps quiet after it was told that it asks too often."""
STRETCH = 1.5
STRETCH_CAP = 4.0
"""How much slower each violation makes us: the limits that the pages tell may not be all."""
TRACE_LIMIT = 64  # [DOC] characters
SEQ_LIMIT = 2**32  # [DOC] seq_id is a uint32

MAX_LEVELS = 200
"""Levels a side that are read at most; the provider sends ten."""

MAX_BARS = 500  # [DOC] of one request for K-lines

CAPABILITIES = Capabilities(
    streams=frozenset({"trade", "book", "candle"}),
    has_side=True,
    has_true_levels=True,
    has_history=True,
    has_search=True,
    history_page=MAX_BARS,
    derived=frozenset({"candle"}),
)
SOCKET_STREAMS: frozenset[Stream] = frozenset({"trade", "book"})

# The longest believable silence in trading hours. Forex prints and thin stocks pause for longer than
# crypto [INF]; bars come as often as they are polled, once in about two minutes on the free plan.
SILENCE: dict[Stream, Silence] = {
    "book": Silence(10.0),
    "trade": Silence(30.0),
    "candle": Silence(90.0),
}
SILENCE_CANDLE_FREE = Silence(300.0)


class Plan(msgspec.Struct, frozen=True):
    """What a plan allows. Spacings are seconds between two HTTP requests."""

    name: PlanName
    codes: int
    """Codes in one subscription, for each kind."""
    connections: int
    """A stock and a generic socket together count as one."""
    reconnect_s: float
    http_spacing_s: float
    """Over all endpoints; the minute's budget follows from it."""
    batch_spacing_s: float
    batch_groups: int
    """Codes × intervals in one ``/batch-kline``."""
    per_day: int
    bars_every_s: float
    """How often the bars on the screen are polled."""
    tick_codes: int = 50

    @property
    def is_polled(self) -> bool:
        """Whether HTTP stands in where the sockets are refused or stay silent."""
        return self.name == "free"


# [DOC] limits of 2026-08; a little is left for the way to the server.
_PROFESSIONAL = Plan("professional", 3000, 10, 3.0, 0.055, 1.1, 500, 1_728_000, 5.0)
PLANS: dict[PlanName, Plan] = {
    "free": Plan("free", 5, 1, 10.0, 10.5, 10.5, 5, 1_000, 108.0, tick_codes=5),
    "basic": Plan("basic", 100, 1, 3.0, 1.1, 3.2, 100, 86_400, 15.0),
    "premium": Plan("premium", 200, 3, 3.0, 0.11, 2.1, 200, 864_000, 10.0),
    "professional": _PROFESSIONAL,
    "all-hk": msgspec.structs.replace(_PROFESSIONAL, name="all-hk"),
    "all-cn": msgspec.structs.replace(_PROFESSIONAL, name="all-cn"),
    "all-us": msgspec.structs.replace(_PROFESSIONAL, name="all-us"),
}
CODE_CAPS = sorted({plan.codes for plan in PLANS.values()}, reverse=True)

# [DOC] the codes that the free plan has; any other is refused (604) once the trial week is over.
FREE_CODES = (
    "USDJPY",
    "GOLD",
    "USOIL",
    "BTCUSDT",
    "HSI.HK",
    ".DJI.US",
    "TSLA.US",
    "700.HK",
    "000001.SH",
    "399001.SZ",
)


def backoff(plan: Plan) -> Backoff:
    """Return the bounds of the pause before a reconnect. [DOC] floor, [CLIENT] 30 s after a 429."""
    return Backoff(first=1.0, cap=60.0, floor=plan.reconnect_s, throttled=30.0)


# HTTP.
KLINE_TYPES: dict[str, int] = {
    "1m": 1,
    "5m": 2,
    "15m": 3,
    "30m": 4,
    "1h": 5,
    "2h": 6,
    "4h": 7,
    "1d": 8,
    "1w": 9,
}  # [DOC]
NOT_FOR_STOCKS = frozenset({"2h", "4h"})  # [DOC]
FOLDED_FROM: dict[str, str] = {"3m": "1m", "2h": "1h", "4h": "1h", "6h": "1h", "12h": "1h"}
"""What is asked for where an interval is not served; 2h and 4h are, except for stocks."""
HISTORY_INTERVALS = frozenset({"1m", "5m", "15m", "30m", "1h", "1d", "1w"})
"""What every instrument's history has ready-made."""
MAX_PAGES = 12
BATCH_BARS = 2  # [DOC]
STATIC_CODES = 50  # [INF] the length of the URL is the cap
# [CLIENT] widened from 10 s to 120 s while the provider says 429.
THROTTLE_FIRST_S, THROTTLE_FACTOR, THROTTLE_CAP_S = 10.0, 1.5, 120.0
BURST_SHARE = 0.1
"""The part of the day's budget that may be spent at once; the rest comes back evenly over the day."""
SCREEN_SHARE = 0.3
"""The part of that which only what is on the screen may touch."""
DAILY_EVERY_S = 600.0
DAILY_EVERY_FREE_S = 3600.0
TICKS_EVERY_S = 20.0
FALLBACK_AFTER_S = 20.0
"""A socket that says nothing of an instrument for so long, in trading hours, is helped out by HTTP."""
RETRY_FIRST_S, RETRY_CAP_S = 15.0, 600.0

# HKEX, Second Schedule, Part A, after both phases of the reduction of minimum spreads (August 2025 and
# mid-2026): price from which on, tick. Exchange-traded products keep a coarser table of their own.
HONG_KONG_TICKS: tuple[tuple[float, float], ...] = (
    (0.01, 0.001),
    (0.25, 0.005),
    (10.0, 0.01),
    (20.0, 0.02),
    (50.0, 0.05),
    (100.0, 0.1),
    (200.0, 0.2),
    (500.0, 0.5),
    (1000.0, 1.0),
    (2000.0, 2.0),
    (5000.0, 5.0),
)
