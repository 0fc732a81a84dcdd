"""Every fault, and what came of it: what a title said, how soon it was over, what was lost or doubled."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import pytest

from mdterm.feeds import policy
from mdterm.feeds.sim.venue import Venue, VenueConfig
from tests.faults.houses import PROVIDERS, Watch, base_of, hurry, losses, provider_at
from tests.faults.ways import Kind, Way, way

__all__ = ["CASES", "PROVIDERS", "Case", "Outcome", "try_out"]

GONE: Final = frozenset({"RECONNECTING"})
SILENT: Final = frozenset({"STALE", "RECONNECTING"})
WELL: Final = frozenset({"LIVE", "GAP", "QUIET", "PARTIAL"})
RECOVERED_TRADES: Final = 5
"""So many further trades, and a link is taken for mended."""
ARRIVED_S: Final = 3.0
"""What was handed on so long ago and is not told is lost."""


class Outcome(NamedTuple):
    """What came of a fault.

    ``shown`` are the words of the tape's title from its begin to data that flows again, in that order, and
    ``reason`` what stood behind the last that was none of a healthy link; ``told_s`` is from its begin to the
    first such word, ``back_s`` from its end to data that flows and is told as such.
    """

    shown: tuple[str, ...]
    reason: str
    told_s: float | None
    back_s: float
    reconnected: bool
    came: int
    lost: int
    doubled: int


class Scene:
    """One watch over one way."""

    def __init__(self, name: str, over: Way, watch: Watch, patience_s: float) -> None:
        self.name, self.way, self.proxy, self.watch = name, over, over.proxy, watch
        self.patience_s = patience_s
        self.shown: list[str] = []
        self.reason = ""
        self.told_at: float | None = None

    def look(self) -> None:
        """Note what the title says now."""
        word = self.watch.word
        if not self.shown or self.shown[-1] != word:
            self.shown.append(word)
        if word not in WELL:
            self.reason = self.watch.detail or self.reason
            self.told_at = self.told_at or time.monotonic()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when it is so, noting every word that is shown on the way. Raise TimeoutError."""
        async with asyncio.timeout(self.patience_s):
            while not condition():
                self.look()
                await asyncio.sleep(0.005)
        self.look()

    async def more(self, count: int = RECOVERED_TRADES) -> None:
        """Return when so many further trades were told."""
        goal = len(self.watch.trades) + count
        await self.until(lambda: len(self.watch.trades) >= goal)

    async def down(self) -> None:
        """Return when the title says that the link is lost."""
        await self.until(lambda: self.watch.word in GONE)


class Case(NamedTuple):
    """A fault: what it does, what a title must say then, and whether a new socket is needed."""

    label: str
    act: Callable[[Scene], Awaitable[None]]
    words: frozenset[str] = GONE
    kind: Kind = "plain"
    reason: str = ""
    """What must stand among the words behind the state."""

    @property
    def reconnects(self) -> bool:
        """Whether a new socket is needed."""
        return bool(self.words)


@asynccontextmanager
async def opened(name: str, kind: Kind, *, quick: bool) -> AsyncIterator[Scene]:
    """Open a venue, a way to it, and a watch that flows."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        if quick:
            hurry(patch)
            patch.setattr(policy, "SILENCE_REBUILD_S", 1.0)
        venue = Venue(VenueConfig(providers=(name,), rate=8.0, jayx_framing="any"))
        where = urlsplit(base_of(name, await venue.start()))
        try:
            assert where.hostname is not None
            assert where.port is not None
            async with way(kind, (where.hostname, where.port), patch, Path(folder)) as over:
                watch = Watch(name, provider_at(name, over.base, quick=quick))
                try:
                    made = Scene(name, over, watch, 20.0 if quick else 400.0)
                    await made.more()
                    yield made
                finally:
                    await watch.feed.close()
        finally:
            await venue.stop()


async def try_out(name: str, fault: str, *, quick: bool = True) -> Outcome:
    """Let a provider's client live through a fault; in truth its own pauses are kept, else short ones.

    Raise TimeoutError where it is not over in time, and Unavailable.
    """
    case = CASES[fault]
    async with opened(name, case.kind, quick=quick) as scene:
        watch, proxy = scene.watch, scene.proxy
        sockets = watch.opened
        scene.shown.clear()
        scene.told_at = None
        begun = time.monotonic()
        await case.act(scene)
        over = time.monotonic()
        if case.reconnects:
            await scene.until(lambda: watch.opened > sockets)
        await scene.more()
        await scene.until(lambda: watch.word in WELL)
        back_s = time.monotonic() - over
        reconnected, shown, told_at = watch.opened > sockets, tuple(scene.shown), scene.told_at
        # Hand on no more, and let what is on its way arrive before it is counted.
        proxy.is_held, taps = True, proxy.taps[:]
        await scene.until(lambda: not proxy.busy)
        until = time.monotonic() + ARRIVED_S
        while (found := losses(name, taps, watch.trades)) != (0, 0) and time.monotonic() < until:
            await asyncio.sleep(0.05)
        lost, doubled = found
        told_s = None if told_at is None else told_at - begun
        came = sum(len(frames.payloads) for frames in taps)
        return Outcome(shown, scene.reason, told_s, back_s, reconnected, came, lost, doubled)


async def _drop(scene: Scene) -> None:
    await scene.proxy.reset()


async def _half_open(scene: Scene) -> None:
    scene.proxy.hold()
    await scene.until(lambda: scene.watch.word in SILENT)
    attempts = scene.proxy.attempts
    await scene.until(lambda: scene.proxy.attempts > attempts)
    scene.proxy.release()


async def _late(scene: Scene) -> None:
    scene.proxy.delay_s = 0.15
    await scene.more()


async def _jitter(scene: Scene) -> None:
    scene.proxy.jitter_s = 0.2
    await scene.more()


async def _byte_by_byte(scene: Scene) -> None:
    scene.proxy.piece = 1
    await scene.more()


async def _torn(scene: Scene) -> None:
    scene.proxy.reset_in_a_frame()


async def _reordered(scene: Scene) -> None:
    scene.proxy.dawdles = 1
    await scene.proxy.reset()


def _closed(code: int) -> Callable[[Scene], Awaitable[None]]:
    async def act(scene: Scene) -> None:
        before = scene.watch.opened
        scene.proxy.close(code, "for a test")
        await scene.until(lambda: scene.watch.opened > before or scene.watch.word in GONE)

    return act


async def _refused(scene: Scene) -> None:
    await scene.proxy.refuse()
    await scene.proxy.reset()
    await scene.until(lambda: scene.watch.feed.shown(scene.watch.address, "trade").attempt >= 4)
    await scene.proxy.open()


async def _hung_up(scene: Scene) -> None:
    scene.proxy.hangs_up = 6
    await scene.proxy.reset()
    await scene.until(lambda: scene.proxy.hangs_up == 0)


def _spoilt(words: str) -> Callable[[Scene], Awaitable[None]]:
    """Spoil what lies before the relay until the reason is told, then mend it."""

    async def act(scene: Scene) -> None:
        await scene.way.spoil()
        await scene.until(lambda: words in scene.watch.detail and scene.watch.word in GONE)
        await scene.way.mend()

    return act


async def _other_family(scene: Scene) -> None:
    await scene.way.spoil()


_CERTIFICATE, _RESOLVED, _PROXY = "certificate", "cannot be resolved", "proxy refused"
NOTHING: Final[frozenset[str]] = frozenset()
CASES: Final = {
    "drop": Case("reset between two messages", _drop),
    "in-a-frame": Case("reset inside a message", _torn),
    "half-open": Case("half-open: the link is up and says nothing", _half_open, SILENT),
    "late": Case("everything 0.15 s late", _late, NOTHING),
    "jitter": Case("every piece 0 to 0.2 s late", _jitter, NOTHING),
    "byte-by-byte": Case("one byte at a time", _byte_by_byte, NOTHING),
    "reordered": Case("connections come back in another order", _reordered),
    **{
        f"close-{code}": Case(f"closed by the server, code {code}", _closed(code))
        for code in (1001, 1008, 1011, 1013, 4000)
    },
    "refused": Case("nobody listens for four attempts", _refused),
    "hung-up": Case("six connections reset as soon as they are there", _hung_up),
    "tls": Case("a certificate that nobody vouches for", _spoilt(_CERTIFICATE), GONE, "tls", _CERTIFICATE),
    "dns": Case("a name that does not resolve", _spoilt(_RESOLVED), GONE, "name", _RESOLVED),
    "ipv6": Case("IPv6 gone, IPv4 there", _other_family, GONE, "families"),
    "http-proxy": Case("the HTTP proxy of the environment refuses", _spoilt(_PROXY), GONE, "tunnel", _PROXY),
}
