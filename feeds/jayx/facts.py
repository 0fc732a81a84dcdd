"""Facts about JayX: endpoints, limits, names. Data only, each with how it is known.

[DOC] JayX docs, [SIB] docs of a sibling engine with the same field names, [DED] deduced from the figures of
the docs' examples, [GUESS] judgement. The docs do not say how messages are framed.
"""

from decimal import Decimal
from typing import Literal

from mdterm.feeds.contract import Backoff, Capabilities, Silence
from mdterm.feeds.events import Stream

Event = Literal["kline", "orderbook", "positions", "openorders"]

WS_BASE = "wss://stream.jayxstaging.com:8443"  # [DOC] says staging
CATEGORY = "spot"  # [DOC] there is no other
DEFAULT_SYMBOL = "BTCUSDT"

# [DOC] "60"; it counts seconds [DED], and the others are the sibling's table [SIB].
INTERVALS: dict[str, int] = {
    "1m": 60,
    "5m": 300,
    "15m": 900,
    "30m": 1800,
    "1h": 3600,
    "2h": 7200,
    "4h": 14_400,
    "6h": 21_600,
    "12h": 43_200,
    "1d": 86_400,
    "1w": 604_800,
}
DEFAULT_INTERVAL = "1m"

# [DED] tick: three checks on the docs' figures agree. [SIB + DED] lot: probable.
UNITS: dict[str, tuple[Decimal, Decimal]] = {"BTCUSDT": (Decimal("0.01"), Decimal("0.000001"))}

MARKET_STREAMS: frozenset[Stream] = frozenset({"book", "trade", "candle"})
PRIVATE_STREAMS: frozenset[Stream] = frozenset({"balance", "order"})

MAX_MARKET_SOCKETS = 8  # ours: payloads carry no tag [DOC], so each symbol needs a socket of its own
SOCKETS_WORDS = f"not subscribed: at most {MAX_MARKET_SOCKETS} symbols of JayX at a time"

CAPABILITIES = Capabilities(
    streams=MARKET_STREAMS | PRIVATE_STREAMS,
    has_side=True,
    has_true_levels=True,
)
BACKOFF = Backoff(first=1.0, cap=30.0)

# Nothing is documented about how many there may be. Ours: nobody who trades by hand has so many, and what
# comes beyond is left out and said, since a server gone wrong must not fill the memory.
MAX_OPEN_ORDERS = 5_000
MAX_ASSETS = 5_000

# Nothing is documented about how often anything is pushed. Balances and orders may rest for ever. Every push
# of a book repeats the newest trades [DOC]: while books come, silent trades and candles mean a thin market.
SILENCE: dict[Stream, Silence] = {
    "book": Silence(5.0),
    "trade": Silence(10.0, beside="book"),
    "candle": Silence(10.0, beside="book"),
}

# Times below this are seconds, above milliseconds. [DED + SIB]
SECONDS_BELOW = 100_000_000_000

# States of an order in our words. [SIB] for the vocabulary, [DOC] NEW and CANCELED.
STATES: dict[str, str] = {
    "NEW": "open",
    "TRADE": "partly filled",
    "PARTIALLY_FILLED": "partly filled",
    "PENDING": "pending",
    "ACCEPTED": "pending",
    "CANCEL": "cancelled",
    "CANCELED": "cancelled",
    "CANCELLED": "cancelled",
    "FILLED": "filled",
    "DONE": "done",
    "EXPIRED": "expired",
    "REJECTED": "rejected",
}
ENDED = frozenset({"cancelled", "filled", "done", "expired", "rejected"})

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})  # no proxy leads there, and no eavesdropper

# Framing, none of it documented.
PROBE_S = 3.0  # [GUESS] a framing that has shown nothing by then is not the one
SUBSCRIBE_REPLY_S = 2.0  # [GUESS] longest wait for the orders of one symbol before the next is asked
UNPROMPTED_S = 0.15  # Socket.IO 2.x says 40 by itself; after so long it is not going to
OPEN_PACKET_S = 10.0  # Engine.IO's first packet

REST_EXCHANGE_INFO = "/api/v1/public/exchangeInfo"  # [DOC]
REST_TIMEOUT_S = 5.0
