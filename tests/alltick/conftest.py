"""A codec of one socket under a held clock, and the frames that the docs and captures show."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mdterm.feeds.alltick.codec import AllTickCodec
from mdterm.feeds.alltick.feed import AllTick, Options
from mdterm.feeds.contract import Link, Want
from mdterm.feeds.events import Event, Stream

SEEN = 1_800_000_000_000_000_000


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
