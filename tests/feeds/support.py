"""Clocks that stand still or jump, and small events."""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, ParamSpec

from mdterm.feeds.address import Instrument
from mdterm.feeds.events import Book, Side, Trade

P = ParamSpec("P")
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
    bids: Sequence[tuple[float, float | None]],
    asks: Sequence[tuple[float, float | None]],
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


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes at once: where it would wait, its clock jumps instead.

    For code that waits for time only; a socket would never get its turn. It is the clock as well.
    """

    def __init__(self) -> None:
        super().__init__(_Jumping(self))
        self.now = 1000.0

    def time(self) -> float:
        return self.now

    def mono(self) -> float:
        return self.now

    def wall(self) -> int:
        return NOW_NS + round((self.now - 1000.0) * 1e9)


class _Jumping(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everybody waits, and nobody will wake them"
            self._loop.now += max(timeout, 0.0)
        return ready


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run an asynchronous test on a VirtualLoop."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run


def virtual_clock() -> VirtualLoop:
    """Return the clock of the running test."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop
