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
from mdterm.feeds.text import clean, mask

_AUTH_ID = 1
_PAUSE_S = 30.0
_ANSWER_S = 10.0
"""An error without an id answers what was asked within this time, or nothing."""

# No error is documented but those of REST; these are its codes, JSON-RPC's, and words that people use.
_KEY_CODES = frozenset({"INVALID_API_KEY", "401", "-32001"})
_KEY_WORDS = (
    "api key",
    "api_key",
    "apikey",
    "invalid key",
    "invalid token",
    "invalid_token",
    "unauthori",
    "unauthenticated",
    "not authenticated",
    "authentication",
)
# Before anything was accepted these are about the key too; later they may be about one channel.
_EARLY_KEY_CODES = frozenset({"403"})
_EARLY_KEY_WORDS = ("token", "auth", "forbidden")
_LATER_CODES = frozenset(
    {"RATE_LIMITED", "TIMEOUT", "INTERNAL_ERROR", "429", "500", "502", "503", "504", "-32603"}
)
_LATER_WORDS = (
    "rate limit",
    "rate_limit",
    "ratelimit",
    "too many",
    "limit exceeded",
    "slow down",
    "try again",
    "timeout",
    "timed out",
    "unavailable",
    "internal error",
    "overload",
    "maintenance",
)


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


class Budget:
    """The messages of one credential in the last minute, over all its links."""

    def __init__(self, most: int = facts.MESSAGES_PER_MINUTE) -> None:
        self._most = most
        self._sent: deque[float] = deque()

    def spend(self, now: float) -> None:
        """Note a message that is sent now."""
        self._sent.append(now)

    def free_in(self, now: float) -> float:
        """Return seconds until another message may be sent."""
        while self._sent and now - self._sent[0] >= 60.0:
            self._sent.popleft()
        over = len(self._sent) - self._most
        return 0.0 if over < 0 else self._sent[over] + 60.0 - now


class Handshake:
    """The sending side of one link."""

    def __init__(self, token: str, compression: str, verdicts: list[Refusal], budget: Budget) -> None:
        self._token = token
        self._compression = compression
        self._verdicts = verdicts
        self._budget = budget
        self._wanted: dict[Channel, str] = {}
        self._refused: set[Channel] = set()
        self._asked: dict[int, tuple[float, tuple[Channel, ...]]] = {}
        self._split: deque[tuple[Channel, ...]] = deque()
        self._active: set[Channel] = set()
        self._next_id = _AUTH_ID + 1
        self._auth_at: float | None = None
        self._authenticated = False
        self._subscribed = False
        self._must_pause = False
        self._not_before = 0.0

    def opened(self) -> None:
        """Begin anew: nothing is authenticated or subscribed on a fresh socket."""
        self._auth_at = None
        self._authenticated = self._subscribed = self._must_pause = False
        self._active.clear()
        self._asked.clear()
        self._split.clear()
        self._not_before = 0.0

    def want(self, channels: Mapping[Channel, str]) -> None:
        """Set what shall be subscribed, each with its address; refused channels are asked no more."""
        self._wanted = dict(channels)
        self._refused &= self._wanted.keys()

    def due(self, now: float) -> Due:
        """Return what to send now, and when to ask again."""
        if self._must_pause:
            self._must_pause = False
            self._not_before = now + _PAUSE_S
        for id_ in [id_ for id_, (at, _) in self._asked.items() if now - at >= _ANSWER_S]:
            del self._asked[id_]
        messages: list[str] = []
        if self._auth_at is None:
            if now < self._not_before:
                return Due(messages, self._not_before)
            # The documented message has no id; with one the superset may be answered. [INFER]
            messages.append(self._message(_AUTH_ID, "public/authenticate", {"token": self._token}))
            self._auth_at = now
            self._budget.spend(now)
        if not self._authenticated and now < self._auth_at + facts.AUTH_REPLY_S:
            return Due(messages, self._auth_at + facts.AUTH_REPLY_S)
        while True:
            batch, method = self._next_batch()
            if not batch:
                # Looked at once more when the oldest request has become too old to be answered.
                oldest = min((at for at, _ in self._asked.values()), default=None)
                return Due(messages, None if oldest is None else oldest + _ANSWER_S)
            # The first subscription of a socket never waits: coming back matters more than the budget.
            free_in = self._budget.free_in(now) if self._subscribed else 0.0
            wait = max(free_in, self._not_before - now)
            if wait > 0:
                return Due(messages, now + wait)
            params: dict[str, Any] = {"channels": [channel.wire() for channel in batch]}
            if method == "public/subscribe":
                if self._compression != "none":
                    params["compression"] = self._compression
                params["version"] = "v2"
                self._asked[self._next_id] = (now, batch)
                self._active.update(batch)
                self._subscribed = True
            else:
                self._active.difference_update(batch)
            messages.append(self._message(self._next_id, method, params))
            self._budget.spend(now)
            self._next_id += 1

    def _next_batch(self) -> tuple[tuple[Channel, ...], str]:
        while self._split:
            batch = tuple(c for c in self._split[0] if c in self._wanted and c not in self._active)
            if batch:
                return batch, "public/subscribe"
            self._split.popleft()
        fresh = tuple(c for c in self._wanted if c not in self._active and c not in self._refused)
        if fresh:
            return fresh, "public/subscribe"
        # How to unsubscribe is undocumented [INFER]: what comes all the same is dropped by the codec.
        return tuple(c for c in self._active if c not in self._wanted), "public/unsubscribe"

    def _message(self, id_: int, method: str, params: dict[str, Any]) -> str:
        body = {"jsonrpc": "2.0", "id": id_, "method": method, "params": params}
        return msgspec.json.encode(body).decode()

    def accepted(self) -> None:
        """Data came: the key is good, whatever was or was not answered."""
        self._authenticated = True

    def control(self, message: wire.Message) -> None:
        """Take a frame without points: an answer, an error, or nothing."""
        id_ = message.id
        if isinstance(id_, str) and id_.isdecimal():
            id_ = int(id_[:9])
        if message.error:
            self._error(message, id_)
        elif id_ == _AUTH_ID:
            self._authenticated = True
        elif isinstance(id_, int):
            self._asked.pop(id_, None)

    def _error(self, message: wire.Message, id_: int | str | None) -> None:
        words = clean(mask(_words(message), (self._token,)), 160)
        code = _code(message).upper()
        text = f"{code} {words}".lower()
        if code in _LATER_CODES or any(word in text for word in _LATER_WORDS):
            # What was asked stays wanted, and is asked again after a pause.
            self._must_pause = True
            if id_ == _AUTH_ID:
                self._auth_at = None
            for batch in self._take_asked(id_):
                self._active.difference_update(batch)
            return
        about_key = code in _KEY_CODES or any(word in text for word in _KEY_WORDS)
        if id_ is None and not self._authenticated:
            about_key |= code in _EARLY_KEY_CODES or any(word in text for word in _EARLY_KEY_WORDS)
        if id_ == _AUTH_ID or about_key:
            self._verdicts.append(Refusal(f"the key was rejected: {words}"))
            return
        for batch in self._take_asked(id_):
            self._active.difference_update(batch)
            self._halve(batch, words)

    def _halve(self, batch: tuple[Channel, ...], words: str) -> None:
        """Ask for a refused batch in halves: one bad symbol refuses them all, and so is found quickly."""
        batch = tuple(channel for channel in batch if channel in self._wanted)
        addresses = sorted({self._wanted[channel] for channel in batch})
        if len(addresses) > 1:
            half = set(addresses[: len(addresses) // 2])
            self._split.append(tuple(c for c in batch if self._wanted[c] in half))
            self._split.append(tuple(c for c in batch if self._wanted[c] not in half))
        elif len(batch) > 1:
            self._split.extend((channel,) for channel in batch)
        elif batch:
            self._refused.update(batch)
            streams = tuple(facts.STREAM_OF_CHANNEL[channel.type] for channel in batch)
            self._verdicts.append(Refusal(words, tuple(addresses), streams=streams))

    def _take_asked(self, id_: int | str | None) -> list[tuple[Channel, ...]]:
        """Return the request an error answers: by id, else the oldest that is still open."""
        if isinstance(id_, int) and id_ in self._asked:
            return [self._asked.pop(id_)[1]]
        if id_ is None and self._asked:
            return [self._asked.pop(min(self._asked))[1]]
        return []


def _words(message: wire.Message) -> str:
    error = message.error
    if isinstance(error, dict):
        return str(error.get("message") or error.get("code") or "refused")
    return str(message.message or error)


def _code(message: wire.Message) -> str:
    error = message.error
    return str(error.get("code") or "") if isinstance(error, dict) else str(error)
