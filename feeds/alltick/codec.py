"""AllTick's protocol as a pure machine: frames in, events and messages out; time comes in as an argument."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from mdterm.feeds.address import Instrument
from mdterm.feeds.alltick import facts, lenient, rulings, ticks, wire
from mdterm.feeds.alltick.codes import DEPTHS, SIDED, Kind, kind_of, suggestion
from mdterm.feeds.alltick.memory import Prints, Pulse
from mdterm.feeds.alltick.pace import TokenGate
from mdterm.feeds.alltick.subscription import Subscription
from mdterm.feeds.contract import Due, Refusal, Want
from mdterm.feeds.events import Book, Event, Stream, Trade

_READ_ERRORS = (msgspec.MsgspecError, ValueError, RecursionError)
_STREAMS: tuple[Stream, ...] = ("trade", "book")
_SUBSCRIBE: dict[Stream, int] = {"trade": facts.SUBSCRIBE_TRADE, "book": facts.SUBSCRIBE_BOOK}
_CANCEL: dict[Stream, int] = {"trade": facts.CANCEL_TRADE, "book": facts.CANCEL_BOOK}
_ANSWERS = frozenset(one + 1 for one in (facts.HEARTBEAT, *_SUBSCRIBE.values(), facts.CANCEL))
_NEVER = float("-inf")
_UNANSWERED = 3
"""Heartbeats without an answer, and without anything else, after which a link is given up."""


class _Asked(NamedTuple):
    cmd_id: int
    seq_id: int
    streams: tuple[Stream, ...]
    at: float


class _Route(NamedTuple):
    address: str
    kind: Kind
    is_sided: bool


class AllTickCodec:
    """One socket. Lives across reconnects, so that it knows repeated prints and refused codes."""

    def __init__(
        self,
        *,
        link: str,
        plan: facts.Plan,
        gate: TokenGate,
        resolve: Callable[[str], Instrument],
        prints: Prints,
        pulse: Pulse,
        nonce: str = "mdterm",
    ) -> None:
        self.verdicts: list[Refusal] = []
        self.bad_frames = 0
        self.unknown = 0
        self.needs_reset = False
        self.crossed = 0
        """Books whose bid stood above their ask; they are not handed on."""
        self.unwanted = 0
        """Pushes of something that is not, or no longer, wanted."""
        self.refused: dict[tuple[str, Stream], str] = {}
        """What cannot be had, by address and stream, with the words."""
        self._link = link
        self._plan = plan
        self._gate = gate
        self._resolve = resolve
        self._prints = prints
        self._pulse = pulse
        self._nonce = nonce
        self._subscriptions = {stream: Subscription(plan.codes) for stream in _STREAMS}
        self._routes: dict[Stream, dict[str, _Route]] = {stream: {} for stream in _STREAMS}
        self._addresses: set[str] = set()
        self._ranks: dict[tuple[Stream, str], int] = {}
        self._outstanding: dict[str, _Asked] = {}
        self._seq = 0
        self._now = 0.0
        self._is_open = False
        self._sent_at = self._beat_at = self._hold_until = _NEVER
        self._answered_at = _NEVER
        self._was_answered = False
        """Whether an answer has come since time was last told."""
        self._was_served = False
        """The same of an answer that was none to a heartbeat: other sockets keep their distance from it."""
        self._edited = False
        self._settled_at = _NEVER
        self._holds = 0
        self._silent_beats = 0
        self._spoke = False

    # What is wanted.

    def want(self, wants: Sequence[Want]) -> None:
        """Set the whole wanted set; pushes of anything else are dropped from now on."""
        routes: dict[Stream, dict[str, _Route]] = {stream: {} for stream in _STREAMS}
        addresses: set[str] = set()
        ranks: dict[tuple[Stream, str], int] = {}
        for want in sorted(wants):
            if want.stream in routes:
                code = self._resolve(want.address).symbol
                kind = kind_of(code)
                routes[want.stream].setdefault(code, _Route(want.address, kind, kind in SIDED))
                ranks.setdefault((want.stream, code), want.rank)
                addresses.add(want.address)
        for address in self._addresses - addresses:
            self._prints.shelve(address)
        self._routes, self._addresses, self._ranks = routes, addresses, ranks
        for stream, subscription in self._subscriptions.items():
            subscription.want(list(routes[stream]))
        self._edited = True
        self._tell_refusals()

    # What is sent.

    def opened(self, now: float) -> None:
        """Begin anew: a socket has just opened and nothing is subscribed on it."""
        self._is_open, self.needs_reset = True, False
        self._outstanding.clear()
        self._sent_at, self._answered_at, self._beat_at = _NEVER, _NEVER, now
        self._was_answered = self._was_served = False
        self._gate.opened(now)
        self._hold_until = _NEVER
        self._edited, self._settled_at = False, _NEVER
        self._silent_beats, self._spoke = 0, False
        for subscription in self._subscriptions.values():
            subscription.reopened()
        self._pulse.lost(self._addresses)

    def due(self, now: float) -> Due:
        """Return at most one message: a heartbeat, else the request that matters most, each in its pace."""
        self._now = now
        if not self._is_open:
            return Due([], None)
        if self._was_answered:
            self._was_answered, self._answered_at = False, now
        if self._was_served:
            self._was_served = False
            self._gate.answered(self._link, now)
        self._give_up_waiting(now)
        ready_at = max(now, self._sent_at + self._gate.spacing(), self._heard_at())
        beat_at = self._beat_at + self._gate.limits.heartbeat_s
        if beat_at <= now:
            if ready_at > now:
                return Due([], ready_at)
            self._beat_at = now
            return Due([self._heartbeat(now)], now)
        request = self._next_request(now)
        if request is None:
            self._gate.release(self._link)
            return Due([], self._wake_at(beat_at))
        streams, codes, rank, not_before = request
        at = max(not_before, self._hold_until)
        at = self._gate.request_at(self._link, rank, now, max(at, ready_at))
        if at > now:
            return Due([], min(at, beat_at))
        return Due([self._request(streams, codes, now)], now)

    def _heard_at(self) -> float:
        """Return when the next message may go out by the answers, which prove when the last one was there.

        How long it was on its way is not known: one that was slow must not be followed by one that is fast.
        """
        spacing = facts.ANSWER_SPACING_S * self._gate.stretch
        if any(one.at == self._sent_at for one in self._outstanding.values()):
            return self._sent_at + max(
                self._gate.spacing(), min(facts.ANSWER_PATIENCE_S, 2 * self._gate.spacing())
            )
        return self._answered_at + min(spacing, self._gate.spacing())

    def _wake_at(self, beat_at: float) -> float:
        """Return when to ask again though nothing is to be said: a lost answer blocks what follows."""
        waits = [one.at + facts.ACK_WAIT_S for one in self._outstanding.values() if one.streams]
        return min([beat_at, *waits])

    def _next_request(self, now: float) -> tuple[tuple[Stream, ...], list[str], int, float] | None:
        """Return streams, codes, rank and the earliest time of the next request; no codes to cancel."""
        found = {
            stream: codes for stream in _STREAMS if (codes := self._subscriptions[stream].next()) is not None
        }
        if not found:
            self._edited = False
            return None
        stream = next(iter(found))
        cancelled = tuple(one for one in found if not found[one])
        if cancelled and len(cancelled) == len(found):
            streams, rank = cancelled, 1
        else:
            stream = next(one for one in found if found[one])
            streams = (stream,)
            missing = self._subscriptions[stream].missing()
            rank = min((self._ranks[stream, code] for code in missing), default=1)
        if self._edited:
            self._edited, self._settled_at = False, now + self._gate.limits.settle_s
        # A code on the screen and a fresh socket are served at once; other edits are collected.
        is_fresh = all(not one.accepted for one in self._subscriptions.values())
        not_before = now if rank == 0 or is_fresh else self._settled_at
        return streams, found[streams[0]], rank, not_before

    def _request(self, streams: tuple[Stream, ...], codes: list[str], now: float) -> str:
        self._gate.sent(self._link, now)
        for stream in streams:
            self._subscriptions[stream].ask(codes)
        if not codes:
            kind = facts.CANCEL_ALL if len(streams) > 1 else _CANCEL[streams[0]]
            return self._message(facts.CANCEL, {"cancel_type": kind}, streams, now)
        entries: list[dict[str, object]] = [{"code": code} for code in codes]
        if streams[0] == "book":
            for entry, code in zip(entries, codes, strict=True):
                entry["depth_level"] = DEPTHS[kind_of(code)]
        return self._message(_SUBSCRIBE[streams[0]], {"symbol_list": entries}, streams, now)

    def _heartbeat(self, now: float) -> str:
        waits = any(one.cmd_id == facts.HEARTBEAT for one in self._outstanding.values())
        self._silent_beats = self._silent_beats + 1 if waits and not self._spoke else 0
        self._spoke = False
        if self._silent_beats >= _UNANSWERED:
            self.needs_reset = True
        return self._message(facts.HEARTBEAT, {}, (), now)

    def _message(self, cmd_id: int, data: dict[str, object], streams: tuple[Stream, ...], now: float) -> str:
        self._seq = self._seq % (facts.SEQ_LIMIT - 1) + 1
        trace = f"{self._nonce}-{self._seq}"[-facts.TRACE_LIMIT :]
        self._outstanding[trace] = _Asked(cmd_id, self._seq, streams, now)
        self._sent_at = now
        return wire.request(cmd_id, self._seq, trace, data)

    def _give_up_waiting(self, now: float) -> None:
        """Take requests that nobody answered as done; what is missing shows in the streams themselves."""
        for trace, asked in list(self._outstanding.items()):
            if now - asked.at >= (facts.ACK_WAIT_S if asked.streams else _UNANSWERED * facts.HEARTBEAT_S):
                del self._outstanding[trace]
                self._confirm(asked, None)

    # What comes.

    def feed(self, frame: bytes, seen: int) -> list[Event]:
        """Turn one frame into events. Never raise; count what is not understood."""
        self._spoke, self.needs_reset = True, False
        events: list[Event] = []
        try:
            push = wire.decode_push(frame)
        except _READ_ERRORS:
            self._read(frame, seen, events)
            return events
        data = push.data
        if type(data) is wire.Print:
            route = self._routes["trade"].get(data.code) or self._reroute("trade", data.code)
            if route is not None:
                trade = ticks.plain_trade(route.address, route.is_sided, data, seen)
                self._trade(trade, data.trade_direction, events)
        elif type(data) is wire.Depth:
            route = self._routes["book"].get(data.code) or self._reroute("book", data.code)
            if route is not None:
                self._book(ticks.plain_book(route.address, route.kind, route.is_sided, data, seen), events)
        return events

    def _read(self, frame: bytes, seen: int, events: list[Event]) -> None:
        """Read a frame that is no push, or one of a form that was or is not documented."""
        try:
            messages = [wire.decode(frame)]
        except _READ_ERRORS:
            messages, bad = lenient.read(frame)
            self.bad_frames += bad
        for message in messages:
            cmd_id = message.cmd_id
            if cmd_id in (facts.PUSH_TRADE, facts.PUSH_BOOK):
                self._push(cmd_id, message.data, seen, events)
            elif message.ret is not None or cmd_id in _ANSWERS:
                self._answer(message, seen)
            elif cmd_id == -1:
                self.bad_frames += 1
            else:
                self.unknown += 1

    def _push(self, cmd_id: int, data: wire.Data | None, seen: int, events: list[Event]) -> None:
        if data is None or data.code is None:
            self.bad_frames += 1
            return
        stream: Stream = "trade" if cmd_id == facts.PUSH_TRADE else "book"
        route = self._routes[stream].get(data.code) or self._reroute(stream, data.code)
        if route is None:
            return
        if stream == "trade":
            trade = ticks.trade_of(route.address, route.kind, data, seen)
            self._trade(trade, ticks.direction_of(data), events)
        else:
            self._book(ticks.book_of(route.address, route.kind, data, seen), events)

    def _reroute(self, stream: Stream, code: str) -> _Route | None:
        """Return the route of a code in its old form, HK-1288; count what is not wanted."""
        market, dash, symbol = code.partition("-")
        route = self._routes[stream].get(f"{symbol}.{market}") if dash else None
        self.unwanted += route is None
        return route

    def _trade(self, trade: Trade | None, direction: float, events: list[Event]) -> None:
        if trade is None:
            self.bad_frames += 1
            return
        self._pulse.spoke(trade.address, "trade", trade.ts, trade.seen)
        if self._prints.is_new(trade, direction):
            events.append(trade)

    def _book(self, found: tuple[Book, int] | None, events: list[Event]) -> None:
        if found is None:
            self.bad_frames += 1
            return
        book, bad_levels = found
        self.bad_frames += bad_levels
        self._pulse.spoke(book.address, "book", book.ts, book.seen)
        if ticks.is_crossed(book):
            self.crossed += 1
        else:
            events.append(book)

    # Answers.

    def _answer(self, message: wire.Message, seen: int) -> None:
        # An answer that does not say ``ret`` is a good one.
        ruling = rulings.Ruling("ok", "ok")
        if message.ret is not None:
            ruling = rulings.rule(message.ret, message.msg, has_data=message.data is not None)
        asked = self._asked(message, is_error=ruling.action != "ok")
        if asked is not None:
            self._was_answered = True
            self._was_served = self._was_served or bool(asked.streams)
        if ruling.action == "stop":
            self.verdicts.append(Refusal(ruling.words))
        elif ruling.action == "close":
            self._gate.violated()
            self.verdicts.append(Refusal(ruling.words, final=False))
        elif asked is None:
            self.unknown += 1
        elif ruling.action == "ok":
            self._holds = 0
            self._confirm(asked, seen)
        elif asked.streams:
            self._denied(asked, ruling)
        self._tell_refusals()

    def _asked(self, message: wire.Message, *, is_error: bool) -> _Asked | None:
        """Return the request that is answered: by trace, by cmd_id, and for an error else the oldest."""
        trace = message.trace or ""
        if trace not in self._outstanding:
            of_kind = [
                key
                for key, one in self._outstanding.items()
                if message.cmd_id in (one.cmd_id, one.cmd_id + 1)
            ]
            exact = [key for key in of_kind if self._outstanding[key].seq_id == message.seq_id]
            oldest = list(self._outstanding) if is_error else []
            trace = next(iter(exact or of_kind or oldest), "")
        found = self._outstanding.pop(trace, None)
        if found is not None:
            # Answers come in order: heartbeats sent before this one will not be answered any more.
            for key, one in list(self._outstanding.items()):
                if one.cmd_id == facts.HEARTBEAT and one.at <= found.at:
                    del self._outstanding[key]
        return found

    def _confirm(self, asked: _Asked, seen: int | None) -> None:
        for stream in asked.streams:
            codes = self._subscriptions[stream].confirm()
            if seen is not None:
                for code in codes:
                    route = self._routes[stream].get(code)
                    if route is not None:
                        self._pulse.acknowledged[route[0], stream] = seen

    def _denied(self, asked: _Asked, ruling: rulings.Ruling) -> None:
        """Act on an error that answers a subscription or a cancellation."""
        action, words = ruling
        if asked.cmd_id == facts.CANCEL and action != "throttle":
            self._confirm(asked, None)  # what still comes is dropped, so nothing is lost by it
            return
        for stream in asked.streams:
            subscription = self._subscriptions[stream]
            if action in ("throttle", "later"):
                subscription.retry()
            elif action in ("code", "plan"):
                subscription.refuse(words)
            elif action == "shrink":
                subscription.shrink(words)
            else:
                subscription.refuse_all(words)
        if action in ("throttle", "later"):
            self._holds += 1
            self._hold_until = self._now + facts.HOLD_S * min(self._holds, 4)

    def _tell_refusals(self) -> None:
        """Say what cannot be had, each thing once."""
        refused: dict[tuple[str, Stream], str] = {}
        for stream, subscription in self._subscriptions.items():
            routes = self._routes[stream]
            for code, words in subscription.refused.items():
                if code not in routes:
                    continue  # refused when nobody wanted it any more
                meant = suggestion(code)
                hint = f"; is {meant} meant? Codes are case-sensitive" if meant not in (None, code) else ""
                refused[routes[code][0], stream] = f"{code}: {words}{hint}"
            over = f"more is watched than the {self._plan.name} plan subscribes: {subscription.cap} codes"
            for code in subscription.beyond():
                refused[routes[code][0], stream] = over
        known, self.refused = self.refused, refused
        fresh: dict[tuple[Stream, str], list[str]] = {}
        for (address, stream), words in refused.items():
            if known.get((address, stream)) != words:
                fresh.setdefault((stream, words), []).append(address)
        for (stream, words), addresses in fresh.items():
            self.verdicts.append(Refusal(words, tuple(addresses), streams=(stream,)))
