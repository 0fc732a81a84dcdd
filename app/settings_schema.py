"""Every key of the configuration: its type, its default, and what it is for.

The structs are the one description: `settings.py` reads a file against them, and `mdterm config init` and
`config show` write them out. Keys are snake_case here, in the file and (with dashes) as flags.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from mdterm.app.secrets import Secret


def _says(text: str, example: str | None = None) -> Meta:
    """Describe a key; `example` is what stands behind it while it is not set."""
    return Meta(description=text, examples=None if example is None else [example])


def _expects(text: str, **limits: Any) -> Meta:
    return Meta(extra={"expects": text}, **limits)


SocketUrl = Annotated[str, _expects("a ws:// or wss:// URL", pattern=r"^wss?://[^\s/?#]+[^\s?#]*$")]
HttpUrl = Annotated[str, _expects("an http:// or https:// URL", pattern=r"^https?://[^\s/?#]+[^\s?#]*$")]
# Socket.IO servers give their address either way.
AnyUrl = Annotated[
    str, _expects("a ws://, wss://, http:// or https:// URL", pattern=r"^(ws|http)s?://[^\s/?#]+[^\s?#]*$")
]
Duration = Annotated[
    str, _expects('a time with its unit, such as "200ms" or "1s"', pattern=r"^[1-9][0-9]*(ms|s|m|h)$")
]
Name = Annotated[str, _expects("a name", min_length=1)]
UrlPath = Annotated[str, _expects('a path that begins with "/"', pattern=r"^/[^\s?#]*$")]
HeaderName = Annotated[str, _expects("the name of an HTTP header", pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
Positive = Annotated[float, _expects("a number above 0", gt=0, lt=1e15)]
Step = Annotated[Decimal, _expects("a number above 0")]

SECRET_KEYS = frozenset({"token", "api_key"})
# Serve the instance that is named like its kind.
SECRET_VARIABLES = {
    "alltick": ("token", "MDTERM_ALLTICK_TOKEN"),
    "kiyotaka": ("token", "MDTERM_KIYOTAKA_TOKEN"),
    "jayx": ("api_key", "MDTERM_JAYX_API_KEY"),
}
CHANNEL_KINDS = (
    "TRADE",
    "TRADE_AGG",
    "BLOCK_BOOK_SNAPSHOT",
    "LIQUIDATION",
    "FUNDING_RATE",
    "OPEN_INTEREST",
    "VOLUME_PROFILE_AGG",
)


class AlltickSettings(Struct, frozen=True, kw_only=True):
    name: str = "alltick"
    kind: str = "alltick"
    token: Annotated[Secret | None, _says("the API token")] = None
    plan: Annotated[
        Literal["free", "basic", "premium", "professional", "all-hk", "all-cn", "all-us"],
        _says("plan of the token: how many symbols and requests are allowed; free is polled over HTTP"),
    ] = "basic"
    stock_url: Annotated[
        SocketUrl | None, _says("socket of stocks and indices", "wss://quote.alltick.co/quote-stock-b-ws-api")
    ] = None
    generic_url: Annotated[
        SocketUrl | None,
        _says("socket of forex, metals, crypto, energy and CFDs", "wss://quote.alltick.co/quote-b-ws-api"),
    ] = None
    stock_http_url: Annotated[
        HttpUrl | None, _says("HTTP base of stocks and indices", "https://quote.alltick.co/quote-stock-b-api")
    ] = None
    generic_http_url: Annotated[
        HttpUrl | None,
        _says("HTTP base of forex, metals, crypto, energy and CFDs", "https://quote.alltick.co/quote-b-api"),
    ] = None


class ChannelSettings(Struct, frozen=True, kw_only=True):
    """What is asked of one kind of Kiyotaka channel; None leaves it to the provider."""

    batch_interval: Annotated[Duration | None, _says("TRADE_AGG: how much time one batch covers")] = None
    max_depth: Annotated[
        Annotated[int, Meta(ge=1, le=100_000)] | None, _says("BLOCK_BOOK_SNAPSHOT: levels on each side")
    ] = None
    update_frequency: Annotated[Duration | None, _says("least time between two snapshots")] = None
    group_by_type: Annotated[
        bool | None, _says("merge all symbols of a coin (implied by a coin=… address)")
    ] = None
    quote: Annotated[Name | None, _says("unit of the sizes, COIN or USD")] = None
    category: Annotated[
        Literal["*", "SPOT", "PERPETUAL", "FUTURE", "OPTION", "COMBO"] | None, _says("category of instrument")
    ] = None


class KiyotakaSettings(Struct, frozen=True, kw_only=True):
    name: str = "kiyotaka"
    kind: str = "kiyotaka"
    token: Annotated[Secret | None, _says("the API key")] = None
    region: Annotated[
        Literal["singapore", "europe"], _says("which of the provider's regions to connect to")
    ] = "singapore"
    book_url: Annotated[
        SocketUrl | None, _says("socket of order books", "wss://ap-sin3.ws.api.kiyotaka.ai/ws")
    ] = None
    nonbook_url: Annotated[
        SocketUrl | None,
        _says("socket of everything but order books", "wss://ap-sin3.ws.api.kiyotaka.ai/nonbook/ws"),
    ] = None
    rest_url: Annotated[HttpUrl | None, _says("REST base, for history", "https://api.kiyotaka.ai")] = None
    auth_header: Annotated[HeaderName | None, _says("REST header that carries the key", "X-Kiyotaka-Key")] = (
        None
    )
    compression: Annotated[Literal["none", "brotli"], _says("compression of what the sockets send")] = "none"
    block_size: Annotated[
        Literal["auto"] | Positive, _says("price step of the order book's blocks; auto asks the provider")
    ] = "auto"
    block_sizes: Annotated[
        dict[str, Positive], _says("the same for single instruments, by EXCHANGE:symbol")
    ] = {}
    liquidation_side: Annotated[
        Literal["position", "order"],
        _says("what BUY means on a liquidation: that a long position was closed, or that the order bought"),
    ] = "position"
    channels: Annotated[
        dict[str, ChannelSettings], _says("options of single channels, by the kind of the channel")
    ] = {}


class SymbolSettings(Struct, frozen=True, kw_only=True):
    """What JayX's integers count on one symbol; exact, because prices are multiplied by it."""

    tick: Annotated[Step | None, _says("price of one tick")] = None
    lot: Annotated[Step | None, _says("size of one lot")] = None


class JayxSettings(Struct, frozen=True, kw_only=True):
    name: str = "jayx"
    kind: str = "jayx"
    api_key: Annotated[Secret | None, _says("the API key, for balances and open orders")] = None
    url: Annotated[AnyUrl | None, _says("address of the stream", "wss://stream.jayxstaging.com:8443")] = None
    framing: Annotated[
        Literal["auto", "socketio", "envelope", "flat"], _says("how messages are wrapped; auto finds out")
    ] = "auto"
    envelope: Annotated[
        Annotated[tuple[Name, Name], _expects('two names, such as ["event", "data"]')],
        _says("names of the two fields of an envelope"),
    ] = ("event", "data")
    sio_path: Annotated[UrlPath, _says("path of Socket.IO")] = "/socket.io/"
    sio_namespace: Annotated[UrlPath, _says("namespace of Socket.IO")] = "/"
    precise: Annotated[Name, _says("price grouping asked of the order book, as the provider writes it")] = "1"
    rest_url: Annotated[
        HttpUrl | None, _says("REST base, for the tick and lot of each symbol; none by default", "https://…")
    ] = None
    tls_verify: Annotated[
        bool, _says("check the server's certificate; never false outside a test network")
    ] = True
    symbols: Annotated[dict[str, SymbolSettings], _says("tick and lot of single symbols")] = {}


class ExtensionSettings(Struct, frozen=True, kw_only=True):
    """A provider from another package; it checks its own keys. Secrets in `options` are Secret objects."""

    name: str
    kind: str
    options: dict[str, Any] = {}


ProviderSettings = AlltickSettings | KiyotakaSettings | JayxSettings | ExtensionSettings

BUILT_IN: dict[str, type[AlltickSettings] | type[KiyotakaSettings] | type[JayxSettings]] = {
    "alltick": AlltickSettings,
    "kiyotaka": KiyotakaSettings,
    "jayx": JayxSettings,
}


class GeneralSettings(Struct, frozen=True, kw_only=True):
    """The keys outside the provider tables."""

    watchlist: Annotated[
        tuple[str, ...],
        _says("addresses to watch when none is named, such as kiyotaka:BINANCE_FUTURES:BTCUSDT"),
    ] = ()
    groups: Annotated[
        dict[str, tuple[str, ...]], _says("groups of the watchlist by their names, each a list of addresses")
    ] = {}
    fps: Annotated[
        Annotated[float, _expects("a number from 0.1 to 60", ge=0.1, le=60)],
        _says("frames drawn a second, at most"),
    ] = 10.0
    slow_link: Annotated[
        bool,
        _says("draw less, for a thin or distant connection: 16 colours, 2 frames a second, below 5 kB/s"),
    ] = False
    theme: Annotated[Name | None, _says("name of a theme; `mdterm themes` lists them")] = None
    theme_dir: Annotated[
        Name | None, _says("folder of your own themes; by default the folder `themes` beside this file")
    ] = None
    glyphs: Annotated[
        Literal["auto", "unicode", "ascii"],
        _says("what the screen is drawn with; auto is ascii where the locale is not UTF-8"),
    ] = "auto"
    number_format: Annotated[
        Literal["western", "east-asian"],
        _says("how large amounts are shortened: K, M and B (thousands), or 万 and 亿 (ten-thousands)"),
    ] = "western"
    red_up: Annotated[
        bool,
        _says("rising is red and falling green, as in East Asian markets; buying and selling keep theirs"),
    ] = False
    time_zone: Annotated[Name, _says('"local", "utc" or a name such as "Asia/Tokyo"')] = "utc"
    feed: Annotated[
        Literal["auto", "own", "shared"],
        _says("whose connections: auto joins a shared feed that runs, shared starts one, own never joins"),
    ] = "auto"
    feed_idle_s: Annotated[
        Positive, _says("seconds after which a shared feed ends that nobody is attached to")
    ] = 600.0
    layout: Annotated[Name | None, _says("the layout to start with")] = None
    pairs: Annotated[
        tuple[tuple[str, str], ...], _says("pairs of addresses to compare, each a list of two")
    ] = ()
    pair_drift_bps: Annotated[
        Positive, _says("from how many basis points apart a pair is marked as parted")
    ] = 10.0
    alerts: Annotated[
        tuple[str, ...],
        _says("an address and what to look for: cross 64000, move 1% 5m, big 10, spread 5bps, silence 30s"),
    ] = ()
    alert_signals: Annotated[
        tuple[Literal["bell", "osc9", "osc777"], ...],
        _says("how an alert reaches you beyond the screen: the terminal's bell, its notifications"),
    ] = ("bell", "osc9", "osc777")
    away_after: Annotated[
        Annotated[float, _expects("minutes, 0 or more", ge=0, le=1e6)],
        _says("after so many minutes away you are told what passed meanwhile; 0 tells it only by its key"),
    ] = 5.0
    keys: Annotated[
        dict[str, tuple[str, ...]], _says("other keys for an action, by its id; `mdterm keys` lists them")
    ] = {}
