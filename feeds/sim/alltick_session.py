"""One simulated AllTick socket as a pure machine, and what a token is allowed; time comes in as an argument.

Stricter than the docs are clear: heartbeats count among the messages of a socket, the pace across sockets
is that of subscriptions and cancellations. Everything that a client does against the rules is written down
in the token's ``violations`` besides being answered as the provider answers it.
"""

import json
from collections import deque
from collections.abc import Iterable
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from mdterm.feeds.alltick import facts
from mdterm.feeds.alltick.codes import DEPTHS, kind_of
from mdterm.feeds.sim import alltick_wire as wire
from mdterm.feeds.sim.market import VenueBook, VenueEvent, VenueTrade

SILENT_S = 30.0
MESSAGE_S = 1.0
TOKEN_S = 3.0
_TRACES = 4096
_UINT32 = 2**32
_BAD_HEADER = wire.answer(400, "request header param invalid", 0, 0, "")


class Market(Protocol):
    """What a session must know of the market."""

    def knows(self, code: str, family: facts.Family) -> bool:
        """Whether a family has a code."""

    def newest(self, code: str, kind: type[VenueEvent], *, by_hours: bool) -> VenueEvent | None:
        """Return the last print or book of a code; ``by_hours`` the last before its market closed."""

    def early(self, code: str, kind: type[VenueEvent]) -> list[VenueEvent]:
        """Return what a market that waits for its first listener told before this one came."""


class Rules(Struct, frozen=True):
    """How the venue decides what the docs leave open."""

    plan: facts.PlanName = "basic"
    """Of tokens that do not begin with the name of a plan."""
    over_cap: str = "reject"
    """Too many codes: ``reject`` them all (603) or ``ignore`` those after the cap."""
    bad_codes: str = "reject"
    """An unknown code: ``reject`` the whole request (600) or serve the rest, ``partial``."""
    types: str = "current"
    """Integers (``current``) or texts (``legacy``) for seq and tick_time."""
    hours: str = "always"
    """Whether the market sleeps at night: ``always`` awake, or by the ``real`` trading hours."""
    repeats: bool = True
    """Whether the last print and book of each code follow a subscription, as if new."""
    silent: bool = False
    """Whether sockets answer and then say nothing, as some do on the free plan."""

    @property
    def by_hours(self) -> bool:
        """Whether markets close."""
        return self.hours == "real"


class Token:
    """What one token did so far, over all its sockets."""

    def __init__(self, plan: facts.Plan) -> None:
        self.plan = plan
        self.violations: list[str] = []
        self.sockets: list[Session] = []
        self._attempt_at: float | None = None

    def admit(self, family: facts.Family, now: float) -> int | None:
        """Return the HTTP status that turns an upgrade away, None to let it in."""
        last, self._attempt_at = self._attempt_at, now
        if last is not None and now - last < self.plan.reconnect_s:
            self.violations.append(f"connected again after {now - last:.2f} s")
            return 429
        same = sum(1 for one in self.sockets if one.family == family)
        if same >= self.plan.connections:
            self.violations.append(f"{same + 1} {family} sockets at once")
            return 429
        return None


class Session:
    """One socket: what it asked for, and what it is sent."""

    def __init__(self, family: facts.Family, token: Token, market: Market, rules: Rules, now: float) -> None:
        self.family = family
        self.closes: str | None = None
        """Why the venue closes the socket, once it does."""
        self.trades: frozenset[str] = frozenset()
        self.books: dict[str, int] = {}
        """Depth by code."""
        self.trade_count = 0
        """Prints sent, repeated ones not counted."""
        self.requested_at: float | None = None
        self._token = token
        self._market = market
        self._rules = rules
        self._message_at: float | None = None
        self._beat_at = now
        self._traces: deque[str] = deque(maxlen=_TRACES)
        self._shown: dict[str, object] = {}
        token.sockets.append(self)

    def expires_at(self) -> float:
        """Return when the venue gives the socket up unless a heartbeat comes."""
        return self._beat_at + SILENT_S

    def expire(self) -> None:
        """Give the socket up."""
        self._violation("no heartbeat for 30 s")
        self.closes = "no heartbeat"

    def gone(self) -> None:
        """Forget the socket: it is closed."""
        if self in self._token.sockets:
            self._token.sockets.remove(self)

    # What the client says.

    def receive(self, text: str | bytes, now: float) -> list[str]:
        """Return the answers to a frame, and what follows a subscription."""
        request = _header(text)
        if request is None:
            self._violation("a malformed request")
            return [_BAD_HEADER]
        cmd_id, seq_id, trace, data = request
        if trace in self._traces:
            self._violation(f"trace {trace} used twice")
        self._traces.append(trace)
        last, self._message_at = self._message_at, now
        if last is not None and now - last < MESSAGE_S:
            return self._too_fast(request, f"two messages within {now - last:.2f} s")
        if cmd_id == facts.HEARTBEAT:
            self._beat_at = now
            return [wire.answer(200, "ok", cmd_id + 1, seq_id, trace)]
        for other in self._token.sockets:
            if other is not self and other.requested_at is not None and now - other.requested_at < TOKEN_S:
                gap = now - other.requested_at
                return self._too_fast(request, f"requests on two sockets within {gap:.2f} s")
        self.requested_at = now
        if cmd_id == facts.CANCEL:
            ret, msg, follows = self._cancel(data)
        elif cmd_id in (facts.SUBSCRIBE_TRADE, facts.SUBSCRIBE_BOOK):
            ret, msg, follows = self._subscribe(cmd_id, data)
        else:
            self._violation(f"unknown cmd_id {cmd_id}")
            return [_BAD_HEADER]
        return [wire.answer(ret, msg, cmd_id + 1, seq_id, trace), *follows]

    def _too_fast(self, request: tuple[int, int, str, dict[str, Any]], words: str) -> list[str]:
        self._violation(words)
        self.closes = "too many requests"
        cmd_id, seq_id, trace, _ = request
        return [
            wire.answer(606, "too many requests and connection will be closed", cmd_id + 1, seq_id, trace)
        ]

    def _cancel(self, data: dict[str, Any]) -> tuple[int, str, list[str]]:
        kind = data.get("cancel_type")
        if kind not in (0, 1, 2, 3) or isinstance(kind, bool):
            self._violation("a cancel_type that does not exist")
            return 400, "request data param invalid", []
        if kind in (facts.CANCEL_ALL, facts.CANCEL_BOOK):
            self.books = {}
        if kind in (facts.CANCEL_ALL, facts.CANCEL_TRADE):
            self.trades = frozenset()
        return 200, "ok", []

    def _subscribe(self, cmd_id: int, data: dict[str, Any]) -> tuple[int, str, list[str]]:
        entries = data.get("symbol_list")
        if not isinstance(entries, list) or not entries or not all(map(_is_entry, entries)):
            self._violation("a symbol_list that is empty or malformed")
            return 400, "request data param invalid", []
        if cmd_id == facts.SUBSCRIBE_BOOK and any("depth_level" not in one for one in entries):
            self._violation("a book without depth_level")
        cap = self._token.plan.codes
        if len(entries) > cap:
            self._violation(f"{len(entries)} codes where the plan has {cap}")
            if self._rules.over_cap == "reject":
                return 603, "token level not enough", []
            entries = entries[:cap]
        known = [one for one in entries if self._market.knows(one["code"], self.family)]
        if len(known) < len(entries) and self._rules.bad_codes == "reject":
            return 600, "code invalid", []
        if self._token.plan.is_polled and any(one["code"] not in facts.FREE_CODES for one in known):
            return 604, "code unauthorized", []
        if cmd_id == facts.SUBSCRIBE_TRADE:
            before, self.trades = self.trades, frozenset(one["code"] for one in known)
            follows = self._follow(VenueTrade, list(dict.fromkeys(one["code"] for one in known)), before)
        else:
            shown, self.books = frozenset(self.books), {one["code"]: _depth(one) for one in known}
            follows = self._follow(VenueBook, list(self.books), shown)
        return 200, "ok", follows

    def _follow(
        self, kind: type[VenueTrade] | type[VenueBook], codes: list[str], before: frozenset[str]
    ) -> list[str]:
        """Return what follows an answer: what was missed at the market's start, else the last thing again."""
        frames: list[str] = []
        for code in codes:
            missed = [] if code in before or self.by_hours else self._market.early(code, kind)
            newest = self._newest(code, kind) if self._rules.repeats and not missed else None
            for event in missed:
                frames += self._frame(code, event)
            if newest is not None:
                frames += self._frame(code, newest, is_repeat=True)
        return frames

    def _newest(self, code: str, kind: type[VenueEvent]) -> VenueEvent | None:
        return self._market.newest(code, kind, by_hours=self._rules.by_hours)

    def _violation(self, words: str) -> None:
        self._token.violations.append(f"{self.family}: {words}")

    # What the market says.

    @property
    def by_hours(self) -> bool:
        """Whether what it hears of ends with the trading hours."""
        return self._rules.by_hours

    def call(self, code: str, event: VenueEvent) -> list[str]:
        """Return the frames that an event makes for this socket."""
        return self._frame(code, event)

    def _frame(self, code: str, event: VenueEvent, *, is_repeat: bool = False) -> list[str]:
        if self._rules.silent:
            return []
        if isinstance(event, VenueTrade):
            if code not in self.trades:
                return []
            self.trade_count += not is_repeat
            return [wire.push(facts.PUSH_TRADE, wire.trade_data(code, event, self._rules.types))]
        depth = self.books.get(code)
        if not isinstance(event, VenueBook) or depth is None:
            return []
        # What lies deeper than the subscription changes nothing that is told.
        shown = (event.bids[: 2 * depth], event.asks[: 2 * depth])
        if self._shown.get(code) == shown and not is_repeat:
            return []
        self._shown[code] = shown
        return [wire.push(facts.PUSH_BOOK, wire.book_data(code, event, depth, self._rules.types))]


def rules_of(token: str, rules: Rules) -> Rules:
    """Return the venue's rules as a token changes them.

    The name of a plan that it begins with (``professional-1``), and among the words behind, parted by
    dashes, ``silent`` and ``hours`` (``free-silent``, ``basic-hours``).
    """
    names: Iterable[facts.PlanName] = facts.PLANS
    words = token.split("-")
    return replace(
        rules,
        plan=next((name for name in names if token.startswith(name)), rules.plan),
        silent=rules.silent or "silent" in words,
        hours="real" if "hours" in words else rules.hours,
    )


def plan_of(token: str, rules: Rules) -> facts.Plan:
    """Return a token's plan."""
    return facts.PLANS[rules_of(token, rules).plan]


def _header(text: str | bytes) -> tuple[int, int, str, dict[str, Any]] | None:
    try:
        request = json.loads(text)
        cmd_id, seq_id, trace, data = (request[key] for key in ("cmd_id", "seq_id", "trace", "data"))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    numbers = all(type(one) is int and 0 <= one < _UINT32 for one in (cmd_id, seq_id))
    if not numbers or not isinstance(trace, str) or not 0 < len(trace) <= facts.TRACE_LIMIT:
        return None
    return (cmd_id, seq_id, trace, data) if isinstance(data, dict) else None


def _is_entry(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("code"), str) and bool(entry["code"])


def _depth(entry: dict[str, Any]) -> int:
    asked = entry.get("depth_level")
    most = DEPTHS[kind_of(entry["code"])]
    return min(most, asked) if type(asked) is int and asked > 0 else most
