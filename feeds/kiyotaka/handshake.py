"""What to say to Kiyotaka, and when: authentication, subscriptions, and the answers to them.

No answer is documented, so nothing waits for one for long. Messages are few: the difference between what
is wanted and what is subscribed goes out as one message, within a budget.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec

from mdterm.feeds.contract import Due, Refusal
from mdterm.feeds.kiyotaka import facts, wire
from mdterm.feeds.text import clean

_AUTH_ID = 1
_AUTH_WORDS = ("api key", "api_key", "apikey", "token", "auth", "unauthorized", "forbidden", "invalid key")
_PACE_WORDS = ("rate", "too many", "limit exceeded")
_PACE_PAUSE_S = 30.0


class Channel(msgspec.Struct, frozen=True):
    """A channel object as it is subscribed. [DOC] every type-specific parameter is a string."""

    type: str
    exchange: str
    symbol: str
    category: str = "*"
    parameters: tuple[tuple[str, str], ...] = ()
    block_size: float | None = None

    def wire(self) -> dict[str, str]:
        """Return the object to send."""
        return {
            "type": self.type,
            "category": self.category,
            "exchange": self.exchange,
            "symbol": self.symbol,
            **dict(self.parameters),
        }


class Handshake:
    """The sending side of one link."""

    def __init__(self, token: str, compression: str, verdicts: list[Refusal]) -> None:
        self._token = token
        self._compression = compression
        self._verdicts = verdicts
        self._wanted: dict[Channel, str] = {}
        self._refused: set[Channel] = set()
        self._asked: dict[int, tuple[Channel, ...]] = {}
        self._sent: deque[float] = deque()
        self._split: deque[tuple[Channel, ...]] = deque()
        self._active: set[Channel] = set()
        self._next_id = _AUTH_ID + 1
        self._auth_at: float | None = None
        self._authenticated = False
        self._not_before = 0.0
        self._now = 0.0

    def opened(self) -> None:
        """Begin anew: nothing is authenticated or subscribed on a fresh socket."""
        self._auth_at = None
        self._authenticated = False
        self._active.clear()
        self._asked.clear()
        self._split.clear()
        self._sent.clear()
        self._not_before = 0.0

    def want(self, channels: Mapping[Channel, str]) -> None:
        """Set what shall be subscribed, each with its address; refused channels are asked no more."""
        self._wanted = dict(channels)
        self._refused &= self._wanted.keys()

    def due(self, now: float) -> Due:
        """Return what to send now, and when to ask again."""
        self._now = now
        messages: list[str] = []
        if self._auth_at is None:
            # The documented message has no id; with one the superset may be answered. [INFER]
            messages.append(self._message(_AUTH_ID, "public/authenticate", {"token": self._token}))
            self._auth_at = now
            self._sent.append(now)
        if not self._authenticated and now < self._auth_at + facts.AUTH_REPLY_S:
            return Due(messages, self._auth_at + facts.AUTH_REPLY_S)
        while True:
            batch, method = self._next_batch()
            if not batch:
                return Due(messages, None)
            wait = max(self._budget_in(now), self._not_before - now)
            if wait > 0:
                return Due(messages, now + wait)
            params: dict[str, Any] = {"channels": [channel.wire() for channel in batch]}
            if self._compression != "none":
                params["compression"] = self._compression
            params["version"] = "v2"
            messages.append(self._message(self._next_id, method, params))
            self._sent.append(now)
            if method == "public/subscribe":
                self._asked[self._next_id] = batch
                self._active.update(batch)
            else:
                self._active.difference_update(batch)
            self._next_id += 1

    def _next_batch(self) -> tuple[tuple[Channel, ...], str]:
        while self._split:
            batch = tuple(c for c in self._split.popleft() if c in self._wanted and c not in self._active)
            if batch:
                return batch, "public/subscribe"
        fresh = tuple(c for c in self._wanted if c not in self._active and c not in self._refused)
        if fresh:
            return fresh, "public/subscribe"
        # How to unsubscribe is undocumented [INFER]: what comes all the same is dropped by the codec.
        return tuple(c for c in self._active if c not in self._wanted), "public/unsubscribe"

    def _budget_in(self, now: float) -> float:
        while self._sent and now - self._sent[0] >= 60.0:
            self._sent.popleft()
        if len(self._sent) < facts.MESSAGES_PER_MINUTE:
            return 0.0
        return self._sent[0] + 60.0 - now

    def _message(self, id_: int, method: str, params: dict[str, Any]) -> str:
        body = {"jsonrpc": "2.0", "id": id_, "method": method, "params": params}
        return msgspec.json.encode(body).decode()

    def accepted(self) -> None:
        """Data came: the key is good, whatever was or was not answered."""
        self._authenticated = True

    def control(self, message: wire.Message) -> None:
        """Take a frame without points: an answer, an error, or nothing."""
        if message.error is not None:
            self._error(message)
        elif message.id == _AUTH_ID:
            self._authenticated = True
        elif isinstance(message.id, int):
            self._asked.pop(message.id, None)

    def _error(self, message: wire.Message) -> None:
        words = clean(_words(message), 160)
        code = _code(message)
        lowered = f"{code} {words}".lower()
        about_key = code in ("INVALID_API_KEY", "-32001", "401", "403") or (
            not self._authenticated and any(word in lowered for word in _AUTH_WORDS)
        )
        if message.id == _AUTH_ID or (message.id is None and about_key):
            self._verdicts.append(Refusal(f"the key was rejected: {words}"))
            return
        if any(word in lowered for word in _PACE_WORDS):
            # Too many messages: what was asked stays wanted, and is asked again after a pause.
            self._not_before = self._now + _PACE_PAUSE_S
            for batch in self._take_asked(message.id):
                self._active.difference_update(batch)
            return
        for batch in self._take_asked(message.id):
            self._active.difference_update(batch)
            addresses = sorted({self._wanted[c] for c in batch if c in self._wanted})
            if len(addresses) > 1:
                # One bad symbol refuses them all; halves find it without asking for each alone.
                half = set(addresses[: len(addresses) // 2])
                self._split.append(tuple(c for c in batch if self._wanted.get(c) in half))
                self._split.append(tuple(c for c in batch if self._wanted.get(c) not in half))
            elif len(batch) > 1:
                self._split.extend((channel,) for channel in batch)
            else:
                self._refused.update(batch)
                self._verdicts.append(Refusal(words, tuple(addresses)))

    def _take_asked(self, id_: int | str | None) -> list[tuple[Channel, ...]]:
        """Return the request an error answers: by id, else the oldest that is still open."""
        if isinstance(id_, int) and id_ in self._asked:
            return [self._asked.pop(id_)]
        if id_ is None and self._asked:
            return [self._asked.pop(min(self._asked))]
        return []


def _words(message: wire.Message) -> str:
    error = message.error
    if isinstance(error, dict):
        return str(error.get("message") or error.get("code") or "refused")
    return str(message.message or error or "refused")


def _code(message: wire.Message) -> str:
    error = message.error
    if isinstance(error, dict):
        return str(error.get("code") or "")
    return str(error or "")
