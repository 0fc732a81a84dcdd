"""A clock that stands still until told, and small events."""

from mdterm.feeds.address import Instrument
from mdterm.feeds.events import Book, Side, Trade

ADDRESS = "kiyotaka:BINANCE_FUTURES:BTCUSDT"
NOW_NS = 1_769_058_877_000_000_000


class FakeClock:
    """Both clocks; they advance together, and only by ``advance``."""

    def __init__(self, mono: float = 1000.0, wall: int = NOW_NS) -> None:
        self._mono = mono
        self._wall = wall

    def wall(self) -> int:
        return self._wall

    def mono(self) -> float:
        return self._mono

    def advance(self, seconds: float) -> None:
        self._mono += seconds
        self._wall += round(seconds * 1e9)


def instrument(address: str = ADDRESS, tick: float | None = None) -> Instrument:
    """Return an instrument."""
    provider, _, symbol = address.partition(":")
    return Instrument(address, provider, "kiyotaka", symbol.rpartition(":")[2], tick=tick)


def trade(
    price: float = 90_000.0,
    size: float | None = 1.0,
    side: Side | None = "buy",
    ts: int | None = NOW_NS,
    seen: int = NOW_NS + 5_000_000,
    address: str = ADDRESS,
) -> Trade:
    """Return a trade."""
    return Trade(address, ts, seen, None, price, size, side)


def book(
    bids: list[tuple[float, float | None]],
    asks: list[tuple[float, float | None]],
    step: float | None = None,
    address: str = ADDRESS,
) -> Book:
    """Return a book of the levels given, best first."""
    return Book(
        address,
        NOW_NS,
        NOW_NS + 5_000_000,
        [price for price, _ in bids],
        [size for _, size in bids],
        [price for price, _ in asks],
        [size for _, size in asks],
        step,
        "base",
    )
