"""Facts about Kiyotaka: endpoints, limits, names. Data only; marks as in its protocol page.

[DOC] official pages, [SDK] official client, [3P] third-party code, [INFER] reasoned.
"""

from typing import Literal

from mdterm.feeds.contract import Backoff, Capabilities, Silence
from mdterm.feeds.events import Stream

Region = Literal["singapore", "europe"]
Family = Literal["book", "nonbook"]

# [DOC] WebSocket hosts; the path tells the family.
WS_HOSTS: dict[Region, str] = {
    "singapore": "wss://ap-sin3.ws.api.kiyotaka.ai",
    "europe": "wss://eu-de3.ws.api.kiyotaka.ai",
}
WS_PATHS: dict[Family, str] = {"book": "/ws", "nonbook": "/nonbook/ws"}
REST_BASE = "https://api.kiyotaka.ai"  # [DOC]
AUTH_HEADER = "X-Kiyotaka-Key"  # [DOC]
ENCODING = "encoding=json"  # [DOC] never omit: the default is probably protobuf

# [DOC] which family carries which channel.
CHANNELS: dict[Stream, tuple[str, Family]] = {
    "book": ("BLOCK_BOOK_SNAPSHOT", "book"),
    "trade": ("TRADE", "nonbook"),
    "trade_agg": ("TRADE_AGG", "nonbook"),
    "liquidation": ("LIQUIDATION", "nonbook"),
    "funding": ("FUNDING_RATE", "nonbook"),
    "open_interest": ("OPEN_INTEREST", "nonbook"),
    "volume_profile": ("VOLUME_PROFILE_AGG", "nonbook"),
}
STREAM_OF_CHANNEL: dict[str, Stream] = {channel: stream for stream, (channel, _) in CHANNELS.items()}
GROUPABLE: frozenset[Stream] = frozenset({"book", "volume_profile"})  # [DOC] groupByType
# [DOC] parameters beside type, exchange, symbol, category and quote; all are sent as strings.
PARAMETERS: dict[str, tuple[str, ...]] = {
    "TRADE_AGG": ("batchInterval",),
    "BLOCK_BOOK_SNAPSHOT": ("maxDepth", "updateFrequency", "groupByType"),
    "VOLUME_PROFILE_AGG": ("groupByType", "updateFrequency"),
}

AUTH_REPLY_S = 2.0  # [INFER] no reply to authenticate is documented: wait no longer than this
MESSAGES_PER_MINUTE = 8  # [3P] one author paces himself under 10 a minute on the Free plan
MAX_MESSAGE = 16 * 1024 * 1024  # ours: the largest frame, and the largest decompressed frame, accepted
DEFAULT_EXCHANGE = "BINANCE_FUTURES"

# Words people type, and the ids the service knows. [DOC] ids are case-sensitive.
EXCHANGE_ALIASES: dict[str, str] = {
    "binance": "BINANCE_FUTURES",
    "bybit": "BYBIT",
    "okx": "OKEX_SWAP",
    "hyperliquid": "HYPERLIQUID_FUTURES",
    "OKX": "OKEX_SWAP",
}

SPOT_EXCHANGES: frozenset[str] = frozenset(
    {
        "BINANCE",
        "BYBIT_SPOT",
        "OKEX",
        "HYPERLIQUID",
        "GATE_IO",
        "BITFINEX",
        "COINBASE",
        "HUOBI",
        "BITSTAMP",
        "UPBIT",
    }
)
# Funding, open interest and liquidations make no sense there. [INFER]
PERPETUAL_ONLY: frozenset[Stream] = frozenset({"funding", "open_interest", "liquidation"})

CAPABILITIES = Capabilities(
    streams=frozenset(CHANNELS) | {"candle"},
    has_side=True,
    has_true_levels=False,
    has_history=True,
    has_search=True,
    derived=frozenset({"candle"}),
)
# [SDK] REST has bars of 1m, 5m, 15m, 1h, 4h and 1d; the history folds the others from these.
HISTORY_INTERVALS = frozenset({"1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d", "1w"})
FREE_WEIGHT = 10  # [DOC] weight a minute of the Free plan; bursts may be twice that
BACKOFF = Backoff(first=1.0, cap=30.0)

# The longest believable silence. Liquidations, funding, open interest and profiles may be silent for
# minutes; trades of a major for 10 s hardly ever.
SILENCE: dict[Stream, Silence] = {
    "book": Silence(5.0),
    "trade": Silence(10.0),
    "trade_agg": Silence(10.0),
    "candle": Silence(10.0),
}
