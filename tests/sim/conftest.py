"""A venue whose clock stands still until told, and lines to it."""

import asyncio
import heapq
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import brotli
import pytest
from websockets.asyncio.client import ClientConnection, connect

from mdterm.feeds.sim.venue import Venue, VenueConfig

NOW_NS = 1_800_000_000_000_000_000


class HeldClock:
    """Time that passes only by `advance`, waking sleepers in their order."""

    def __init__(self) -> None:
        self._now_ns = NOW_NS
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._number = itertools.count()

    def time_ns(self) -> int:
        return self._now_ns

    def monotonic(self) -> float:
        return (self._now_ns - NOW_NS) / 1e9

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        done = asyncio.get_running_loop().create_future()
        due = self._now_ns + max(1, round(seconds * 1e9))
        heapq.heappush(self._sleepers, (due, next(self._number), done))
        await done

    async def advance(self, seconds: float) -> None:
        """Let time pass, and everybody it wakes do their work."""
        end = self._now_ns + round(seconds * 1e9)
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, done = heapq.heappop(self._sleepers)
            self._now_ns = max(self._now_ns, due)
            if not done.done():
                done.set_result(None)
                await self._settle()
        self._now_ns = end

    async def _settle(self) -> None:
        for _ in range(4):
            await asyncio.sleep(0)


class Line:
    """One authenticated socket to the venue."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._shared = brotli.Decompressor()
        self._ids = itertools.count(100)
        self._read: list[dict[str, Any]] = []

    async def say(self, method: str, params: dict[str, Any], number: int | None = None) -> None:
        """Send a request, or without a number a notification."""
        request: dict[str, Any] = {"method": method, "params": params}
        if number is not None:
            request |= {"jsonrpc": "2.0", "id": number}
        await self.socket.send(json.dumps(request))

    async def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Send a request and return its answer; points that come before it are kept."""
        await self.say(method, params, number := next(self._ids))
        while (answer := await self.frame()).get("id") != number:
            self._read += answer["points"]
        return answer

    async def subscribe(self, *channels: dict[str, Any], **params: Any) -> dict[str, Any]:
        """Subscribe and return the answer."""
        return await self.ask("public/subscribe", {"channels": list(channels), "version": "v2", **params})

    async def frame(self) -> dict[str, Any]:
        """Return the next frame."""
        frame = await asyncio.wait_for(self.socket.recv(), 5)
        decoded = json.loads(brotli.decompress(frame) if isinstance(frame, bytes) else frame)
        assert isinstance(decoded, dict)
        return decoded

    async def points(self, least: int) -> list[dict[str, Any]]:
        """Return the points of as many frames as hold at least so many."""
        while len(self._read) < least:
            self._read += (await self.frame())["points"]
        points, self._read = self._read, []
        return points

    async def rest(self) -> list[dict[str, Any]]:
        """Return all points that were sent until now."""
        await self.ask("public/nothing", {})
        points, self._read = self._read, []
        return points


@pytest.fixture
def clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
async def open_venue(clock: HeldClock) -> AsyncIterator[Callable[..., Awaitable[Venue]]]:
    """Give a way to start venues on the held clock; they are stopped at the end."""
    venues: list[Venue] = []

    async def start(**config: Any) -> Venue:
        venue = Venue(VenueConfig(**config), clock)
        venues.append(venue)
        await venue.start()
        return venue

    yield start
    for venue in venues:
        await venue.stop()


@pytest.fixture
async def dial() -> AsyncIterator[Callable[..., Awaitable[Line]]]:
    """Give a way to open authenticated lines; they are closed at the end."""
    lines: list[Line] = []

    async def open_line(venue: Venue, family: str = "nonbook", token: str = "key") -> Line:
        url = venue.endpoints[f"providers.kiyotaka.{family}_url"]
        line = Line(await connect(url + "?encoding=json", max_queue=None))
        lines.append(line)
        await line.say("public/authenticate", {"token": token})
        return line

    yield open_line
    for line in lines:
        await line.socket.close()


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Path]:
    """Give a way to write a recording: rows as (offset in ns from the first, fields)."""

    def write(*rows: dict[str, Any], name: str = "rows.ndjson") -> Path:
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write
