"""A codec of one socket under a held clock, and HTTP that a test answers."""

import asyncio
import heapq
import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mdterm.feeds.alltick.codec import AllTickCodec
from mdterm.feeds.alltick.feed import AllTick, Options
from mdterm.feeds.contract import Link, Want
from mdterm.feeds.events import Event, Stream

SEEN = 1_800_000_000_000_000_000


class HeldClock:
    """Time that passes only by ``advance``, waking sleepers in their order; wall and monotonic agree."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def mono(self) -> float:
        return self.now

    def wall(self) -> int:
        return SEEN + round(self.now * 1e9)

    def monotonic(self) -> float:
        return self.now

    def time_ns(self) -> int:
        return self.wall()

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        done = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._numbers), done))
        await done

    async def advance(self, seconds: float) -> None:
        """Let time pass, and everybody it wakes do their work."""
        end = self.now + seconds
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, done = heapq.heappop(self._sleepers)
            self.now = max(self.now, due)
            if not done.done():
                done.set_result(None)
                await self.settle()
        self.now = end
        await self.settle()

    async def settle(self) -> None:
        """Let everybody who can go on do so."""
        for _ in range(60):
            await asyncio.sleep(0)


class Socket:
    """One codec with the time and the answers in the test's hands."""

    def __init__(self, provider: AllTick, family: str) -> None:
        self.provider = provider
        url = f"wss://host/{family}"
        self.codec: AllTickCodec = provider.codec(Link(f"{provider.name}/{family}", provider.name, url, ()))
        self.now = 1000.0

    def want(
        self, *codes: str, visible: Sequence[str] = (), streams: Sequence[Stream] = ("trade", "book")
    ) -> None:
        """Want streams of codes, the visible ones before the rest."""
        self.codec.want(
            [
                Want(0 if code in visible else 1, f"alltick:{code}", stream)
                for code in (*codes, *(one for one in visible if one not in codes))
                for stream in streams
            ]
        )

    def open(self) -> "Socket":
        """Open the socket."""
        self.codec.opened(self.now)
        return self

    def sent(self, seconds: float = 0.0) -> list[dict[str, Any]]:
        """Return what is sent now and within ``seconds``; time is where the last of it was due."""
        end = self.now + seconds
        sent: list[dict[str, Any]] = []
        while True:
            messages, next_due = self.codec.due(self.now)
            sent += [json.loads(message) | {"at": self.now} for message in messages]
            if next_due is None or next_due > end:
                self.now = end
                return sent
            assert next_due >= self.now
            self.now = next_due

    def requests(self, seconds: float = 0.0) -> list[dict[str, Any]]:
        """Return what is sent but for heartbeats."""
        return [one for one in self.sent(seconds) if one["cmd_id"] != 22000]

    def answer(self, request: dict[str, Any], ret: int = 200, msg: str = "ok") -> None:
        """Let the server answer a request."""
        head = {key: request[key] for key in ("seq_id", "trace")}
        frame = {"ret": ret, "msg": msg, "cmd_id": request["cmd_id"] + 1, **head, "data": {}}
        assert self.feed(frame) == []

    def accept(self, seconds: float) -> list[dict[str, Any]]:
        """Return the requests of some time, each answered well at once."""
        end, found = self.now + seconds, []
        while self.now < end:
            for request in self.sent(min(0.05, end - self.now)):
                self.answer(request)
                if request["cmd_id"] != 22000:
                    found.append(request)
        return found

    @staticmethod
    def codes(request: dict[str, Any]) -> list[str]:
        """Return the codes of a subscription, in order."""
        return [one["code"] for one in request["data"]["symbol_list"]]

    def feed(self, frame: dict[str, Any] | bytes | str, seen: int = SEEN) -> list[Event]:
        """Let a frame come in."""
        if isinstance(frame, dict):
            frame = json.dumps(frame)
        return self.codec.feed(frame.encode() if isinstance(frame, str) else frame, seen)


def provider_of(plan: str = "basic", **options: Any) -> AllTick:
    return AllTick("alltick", Options(token="secret", plan=plan, **options))  # type: ignore[arg-type]


@pytest.fixture
def make_provider() -> Callable[..., AllTick]:
    """Give a way to providers that nothing connects to."""
    return provider_of


@pytest.fixture
def held_clock() -> HeldClock:
    return HeldClock()


@pytest.fixture
def dial() -> Callable[..., Socket]:
    """Give a way to closed sockets that want nothing yet."""

    def make(plan: str = "basic", family: str = "generic", provider: AllTick | None = None) -> Socket:
        return Socket(provider or provider_of(plan), family)

    return make


@pytest.fixture
def watching() -> Callable[..., Socket]:
    """Give a way to open sockets that are subscribed to codes."""

    def watch(*codes: str, plan: str = "basic") -> Socket:
        socket = Socket(provider_of(plan), "any")
        socket.want(*codes)
        socket.open().accept(5.0)
        return socket

    return watch
