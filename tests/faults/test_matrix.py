"""Every fault × every provider: what is told meanwhile, how soon it is over, nothing lost or told twice."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import pytest

from mdterm.feeds import policy
from mdterm.feeds.sim.venue import Venue, VenueConfig
from tests.faults.houses import PROVIDERS, Watch, base_of, hurry, losses, provider_at
from tests.faults.proxy import Proxy

PATIENCE_S = 20.0
"""For a machine that is busy with other things."""
SOON_S = 6.0
"""From the end of a fault to flowing data: pauses here are a fifth of a second at most."""
GONE: Final = frozenset({"RECONNECTING"})
SILENT: Final = frozenset({"STALE", "RECONNECTING"})


class Case(NamedTuple):
    """A fault: what it does, what a title may say then, and whether a new socket is needed."""

    act: Callable[[Proxy, "Scene"], Awaitable[None]]
    words: frozenset[str]
    reconnects: bool = True


class Scene:
    """One watch over one way."""

    def __init__(self, name: str, proxy: Proxy, watch: Watch) -> None:
        self.name, self.proxy, self.watch = name, proxy, watch
        self.words: set[str] = set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when it is so, noting every word that is shown on the way."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.words.add(self.watch.word)
                await asyncio.sleep(0.005)
        self.words.add(self.watch.word)

    async def more(self, count: int = 5) -> None:
        """Return when so many further trades were told."""
        goal = len(self.watch.trades) + count
        await self.until(lambda: len(self.watch.trades) >= goal)


@asynccontextmanager
async def scene(name: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    """Open a venue, a way to it, and a watch that flows."""
    hurry(monkeypatch)
    monkeypatch.setattr(policy, "SILENCE_REBUILD_S", 1.0)
    venue = Venue(VenueConfig(providers=(name,), rate=8.0, jayx_framing="any"))
    where = urlsplit(base_of(name, await venue.start()))
    try:
        assert where.hostname is not None
        assert where.port is not None
        async with Proxy(where.hostname, where.port) as proxy:
            watch = Watch(name, provider_at(name, f"ws://127.0.0.1:{proxy.port}"))
            try:
                made = Scene(name, proxy, watch)
                await made.more()
                yield made
            finally:
                await watch.feed.close()
    finally:
        await venue.stop()


async def drop(proxy: Proxy, scene: Scene) -> None:
    await proxy.reset()


async def half_open(proxy: Proxy, scene: Scene) -> None:
    proxy.hold()
    await scene.until(lambda: scene.watch.word in SILENT)
    attempts = proxy.attempts
    await scene.until(lambda: proxy.attempts > attempts)
    proxy.release()


async def late(proxy: Proxy, scene: Scene) -> None:
    proxy.delay_s = 0.15
    await scene.more()


async def jitter(proxy: Proxy, scene: Scene) -> None:
    proxy.jitter_s = 0.2
    await scene.more()


async def byte_by_byte(proxy: Proxy, scene: Scene) -> None:
    proxy.piece = 1
    await scene.more()


async def torn(proxy: Proxy, scene: Scene) -> None:
    proxy.reset_in_a_frame()


def closed(code: int) -> Callable[[Proxy, Scene], Awaitable[None]]:
    async def act(proxy: Proxy, scene: Scene) -> None:
        opened = scene.watch.opened
        proxy.close(code, "for a test")
        await scene.until(lambda: scene.watch.opened > opened)

    return act


async def refused(proxy: Proxy, scene: Scene) -> None:
    await proxy.refuse()
    await proxy.reset()
    await scene.until(lambda: scene.watch.feed.shown(scene.watch.address, "trade").attempt >= 4)
    await proxy.open()


async def hung_up(proxy: Proxy, scene: Scene) -> None:
    proxy.hangs_up = 6
    await proxy.reset()
    await scene.until(lambda: proxy.hangs_up == 0)


CASES: Final = {
    "drop": Case(drop, GONE),
    "half-open": Case(half_open, SILENT),
    "late": Case(late, frozenset(), reconnects=False),
    "jitter": Case(jitter, frozenset(), reconnects=False),
    "byte-by-byte": Case(byte_by_byte, frozenset(), reconnects=False),
    "in-a-frame": Case(torn, GONE),
    **{f"close-{code}": Case(closed(code), GONE) for code in (1001, 1008, 1011, 1013, 4000)},
    "refused": Case(refused, GONE),
    "hung-up": Case(hung_up, GONE),
}


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("fault", CASES)
async def test_a_fault_is_told_survived_and_costs_nothing_that_came(
    name: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[fault]
    async with scene(name, monkeypatch) as one:
        watch, proxy = one.watch, one.proxy
        opened = watch.opened
        one.words.clear()
        await case.act(proxy, one)
        over = time.monotonic()
        if case.reconnects:
            await one.until(lambda: watch.opened > opened)
            assert one.words & case.words, f"shown: {one.words}"
        await one.more()
        assert time.monotonic() - over < SOON_S
        await one.until(lambda: watch.word in ("LIVE", "GAP", "QUIET", "PARTIAL"))
        if not case.reconnects:
            assert watch.opened == opened
            assert "RECONNECTING" not in one.words
        # Let what is on its way arrive before it is counted.
        proxy.piece, proxy.delay_s, proxy.jitter_s = None, 0.0, 0.0
        await proxy.reset()
        taps = proxy.taps[:]
        lost, doubled = losses(name, taps, watch.trades)
        assert (lost, doubled) == (0, 0)
        assert sum(len(frames.payloads) for frames in taps) > 3
