"""Each provider with the simulated venue behind a broken way, and the account of what reached it."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import pytest

from mdterm.feeds.alltick import facts as alltick_facts
from mdterm.feeds.alltick.feed import AllTick
from mdterm.feeds.alltick.feed import Options as AllTickOptions
from mdterm.feeds.alltick.pace import Limits
from mdterm.feeds.contract import Backoff, Provider, Silence
from mdterm.feeds.events import Event, FeedStatus, Stream, Trade
from mdterm.feeds.jayx.feed import JayX
from mdterm.feeds.jayx.feed import Options as JayXOptions
from mdterm.feeds.kiyotaka.feed import Kiyotaka
from mdterm.feeds.kiyotaka.feed import Options as KiyotakaOptions
from mdterm.feeds.runtime import Feed
from mdterm.feeds.sim import alltick_session
from tests.faults.proxy import Frames

PROVIDERS: Final = ("kiyotaka", "alltick", "jayx")
ADDRESSES: Final = {
    "kiyotaka": "kiyotaka:BINANCE_FUTURES:BTCUSDT",
    "alltick": "alltick:BTCUSDT",
    "jayx": "jayx:BTCUSDT",
}
QUICK: Final = Backoff(first=0.05, cap=0.2, floor=0.08, throttled=0.2)
SILENT_S: Final = 0.7
_URLS: Final = {
    "kiyotaka": ("providers.kiyotaka.nonbook_url", "/nonbook/ws"),
    "alltick": ("providers.alltick.generic_url", ""),
    "jayx": ("providers.jayx.url", ""),
}
Print = tuple[Any, ...]


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the venue's own pace be a fast one: what it enforces is tested elsewhere."""
    monkeypatch.setattr(alltick_session, "MESSAGE_S", 0.001)
    monkeypatch.setattr(alltick_session, "TOKEN_S", 0.001)
    hasty = msgspec.structs.replace(alltick_facts.PLANS["basic"], reconnect_s=0.001)
    monkeypatch.setitem(alltick_facts.PLANS, "basic", hasty)


def base_of(name: str, endpoints: dict[str, str]) -> str:
    """Return the URL of the provider's sockets at the venue."""
    return endpoints[_URLS[name][0]]


def provider_at(name: str, base: str, *, tls_verify: bool = True, quick: bool = True) -> Provider:
    """Return a provider whose sockets are at ``base`` (scheme, host and port).

    ``quick``: hasty in all it does; else with the pauses and the patience that it has in truth.
    """
    made: Any
    if name == "kiyotaka":
        made = Kiyotaka(name, KiyotakaOptions(token="key", block_size=1.0, book_url=base, nonbook_url=base))
    elif name == "alltick":
        limits = Limits(connect_s=0.02, request_s=0.02, token_s=0.02, settle_s=0.02)
        options = AllTickOptions(token="key", generic_url=base, stock_url=base, simulated=True)
        made = AllTick(name, options, limits=limits if quick else None)
        made.poller = made.history = None
    else:
        made = JayX(name, JayXOptions(url=base, framing="flat", tls_verify=tls_verify))
    if quick:
        made.backoff = QUICK
        made.silence = lambda stream: Silence(SILENT_S)
    return made  # type: ignore[no-any-return]


class Watch:
    """A feed that listens to trades and books of one instrument, and what it was told."""

    def __init__(self, name: str, provider: Provider) -> None:
        self.address = ADDRESSES[name]
        self.feed = Feed({name: provider})
        self.trades: list[Trade] = []
        self.states: list[str] = []
        wants: list[tuple[str, Stream]] = [(self.address, "trade"), (self.address, "book")]
        self.feed.listen(wants, self._take)

    def _take(self, events: Sequence[Event]) -> None:
        for event in events:
            if type(event) is Trade:
                self.trades.append(event)
            elif type(event) is FeedStatus:
                self.states.append(event.state)

    @property
    def word(self) -> str:
        """The word that the tape's title would tell."""
        return self.feed.shown(self.address, "trade").word

    @property
    def detail(self) -> str:
        """The words behind it."""
        return self.feed.shown(self.address, "trade").detail or ""

    @property
    def opened(self) -> int:
        """Sockets opened so far."""
        return sum(one.opened_count for one in self.feed.links.connections.values())


def losses(name: str, taps: Sequence[Frames], trades: Sequence[Trade]) -> tuple[int, int]:
    """Return how many prints that reached the client's side are not told, and how many are told twice.

    What was handed on is read here once more, by other means than the codec.
    """
    told: Counter[Print] = Counter()
    for frames in taps:
        for payload in frames.payloads:
            found = Counter(_READERS[name](json.loads(payload)))
            told |= found  # a print that is repeated is one print
    came = Counter(_KEYS[name](one) for one in trades)
    return (told - came).total(), (came - told).total()


def _kiyotaka(message: dict[str, Any]) -> list[Print]:
    return [(point["trade"]["id"],) for point in message.get("points", []) if "trade" in point]


def _alltick(message: dict[str, Any]) -> list[Print]:
    if message.get("cmd_id") != alltick_facts.PUSH_TRADE:
        return []
    data = message["data"]
    return [(str(data["seq"]), int(data["tick_time"]), float(data["price"]), float(data["volume"]))]


def _jayx(message: dict[str, Any]) -> list[Print]:
    body = message.get("data", message)
    trades = body.get("trades") if isinstance(body, dict) else None
    return [(one["created"], one["ticks"], one["lots"], one["side"]) for one in trades or []]


_READERS: Final[dict[str, Callable[[dict[str, Any]], list[Print]]]] = {
    "kiyotaka": _kiyotaka,
    "alltick": _alltick,
    "jayx": _jayx,
}
_KEYS: Final[dict[str, Callable[[Trade], Print]]] = {
    "kiyotaka": lambda one: (one.id,),
    "alltick": lambda one: (one.id, (one.ts or 0) // 1_000_000, one.price, one.size),
    # Symbols of the venue have 0.01 and 0.000001.
    "jayx": lambda one: (
        (one.ts or 0) // 1_000_000,
        round(one.price * 100),
        round((one.size or 0.0) * 1e6),
        (one.side or "").upper(),
    ),
}
