"""Alerts: rules over what the feed receives. They are held in the feed, so a stalled screen misses none.

A rule is written as a person says it: ``cross 64000``, ``move 1% 5m``, ``big 10``, ``spread 5bps``,
``silence 30s``. It fires at the event that makes it true, and is spent then; one that repeats is armed
again when it is no longer true, and fires at most once in `PAUSE_S`.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal

import msgspec

from mdterm.feeds.address import parse_address
from mdterm.feeds.events import Book, Event, Side, Trade

Kind = Literal["cross", "move", "big", "spread", "silence"]
PAUSE_S: Final = 60.0
_SLOTS: Final = 256
"""Extremes that a move's window is held in; they bound its memory, and blur its edge by window/256."""
_UNITS: Final = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_NUMBER: Final = r"(?P<value>\d[\d_ ]*(?:\.\d+)?)"
_FORMS: Final[dict[Kind, str]] = {
    "cross": rf"{_NUMBER}",
    "move": rf"{_NUMBER}\s*%\s+(?:in\s+)?(?P<time>\d+)\s*(?P<unit>s|m|h)",
    "big": rf"{_NUMBER}",
    "spread": rf"{_NUMBER}\s*(?:bps?)?",
    "silence": r"(?P<value>\d+)\s*(?P<unit>s|m|h)",
}
EXAMPLES: Final = ("cross 64000", "move 1% 5m", "big 10", "spread 5bps", "silence 30s")


class Rule(msgspec.Struct, frozen=True):
    """What is looked for on one instrument.

    ``value`` is a price (cross), percent (move), size in base (big), bps (spread) or seconds (silence);
    ``window_s`` is that of a move.
    """

    address: str
    kind: Kind
    value: float
    window_s: float = 0.0
    repeats: bool = False

    @property
    def words(self) -> str:
        """Return the rule as it is written."""
        value = f"{self.value:.12g}"
        match self.kind:
            case "move":
                return f"move {value}% {_time(self.window_s)}"
            case "spread":
                return f"spread {value}bps"
            case "silence":
                return f"silence {_time(self.value)}"
        return f"{self.kind} {value}"

    @property
    def text(self) -> str:
        """Return address and rule in one line, as `parse_alert` reads it."""
        return f"{self.address} {self.words}{' again' if self.repeats else ''}"


class Alarm(msgspec.Struct, frozen=True):
    """A rule that fired: ``at`` (ns, wall clock) and why, in words."""

    rule: Rule
    at: int
    words: str


def parse_rule(address: str, words: str, *, repeats: bool = False) -> Rule:
    """Return the rule that ``words`` say. Raise ValueError with what is understood."""
    kind, _, rest = words.strip().lower().partition(" ")
    form = _FORMS.get(kind)  # type: ignore[call-overload]  # any word may be asked for
    found = None if form is None else re.fullmatch(form, rest.strip())
    if found is None:
        raise ValueError(f"{words.strip()!r} is no alert; write for example {', '.join(EXAMPLES)}")
    value = float(found["value"].replace("_", "").replace(" ", ""))
    if not 0 < value < 1e15:
        raise ValueError(f"{words.strip()!r}: the number must be above 0")
    window = 0.0
    if kind == "move":
        window = float(found["time"]) * _UNITS[found["unit"]]
        if not 0 < window <= 86_400:
            raise ValueError(f"{words.strip()!r}: the time must be at most 24h")
    if kind == "silence":
        value *= _UNITS[found["unit"]]
    return Rule(address, kind, value, window, repeats)  # type: ignore[arg-type]  # a key of _FORMS


def parse_alert(text: str) -> Rule:
    """Return the rule of ``ADDRESS WORDS``; ``again`` at its end: it repeats. Raise ValueError."""
    address, _, words = text.strip().partition(" ")
    parse_address(address)
    repeats = words.lower().endswith(" again")
    return parse_rule(address, words[: -len(" again")] if repeats else words, repeats=repeats)


def _figure(value: float) -> str:
    return f"{value:,.12g}".replace(",", " ")


def _time(seconds: float) -> str:
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"


class Watcher:
    """One rule and what it has to remember. Each look returns why the rule holds now, or None."""

    def __init__(self, rule: Rule, now: float) -> None:
        self.rule = rule
        self.fired_at: int | None = None
        """When (ns) it last fired."""
        self.is_armed = True
        self.since = now
        """When (s, monotonic) the instrument last told of anything, or the rule was set."""
        self._quiet_until = 0.0
        self._before: float | None = None
        self._highs: deque[tuple[int, float]] = deque()
        self._lows: deque[tuple[int, float]] = deque()
        self._sweep: tuple[int | None, Side | None] = (None, None)
        self._swept = 0.0

    def trade(self, one: Trade) -> str | None:
        """Look at a trade."""
        match self.rule.kind:
            case "cross":
                return self._crossed(one.price)
            case "move":
                return self._moved(one.seen if one.ts is None else one.ts, one.price)
            case "big":
                return self._is_big(one)
        return None

    def book(self, one: Book) -> str | None:
        """Look at a book; where sizes are summed into buckets there is no true spread."""
        if self.rule.kind != "spread" or one.step is not None or not one.bid_prices or not one.ask_prices:
            return None
        bid, ask = one.bid_prices[0], one.ask_prices[0]
        if bid + ask <= 0:
            return None
        bps = (ask - bid) / ((bid + ask) / 2) * 10_000
        return f"spread {bps:.2f} bps: {_figure(bid)} / {_figure(ask)}" if bps >= self.rule.value else None

    def silence(self, now: float) -> str | None:
        """Look at the clock."""
        if self.rule.kind != "silence" or now - self.since < self.rule.value:
            return None
        return f"silent for {_time(round(now - self.since))}"

    def fire(self, why: str | None, now: float, wall: int) -> Alarm | None:
        """Return the alarm where the rule holds, is armed and does not pause."""
        if why is None:
            if self.rule.repeats:
                self.is_armed = True
            return None
        if not self.is_armed or now < self._quiet_until:
            return None
        self.is_armed, self.fired_at, self._quiet_until = False, wall, now + PAUSE_S
        return Alarm(self.rule, wall, f"{self.rule.address} {why}")

    def _crossed(self, price: float) -> str | None:
        before, level = self._before, self.rule.value
        self._before = price
        if before is None or (before < level) == (price < level):
            return None
        way = "upward" if price >= level else "downward"
        return f"crossed {_figure(level)} {way}: {_figure(price)}"

    def _moved(self, ts: int, price: float) -> str | None:
        window = round(self.rule.window_s * 1e9)
        slot = ts // max(1, window // _SLOTS)
        first = (ts - window) // max(1, window // _SLOTS)
        for extremes, is_beyond in ((self._highs, float.__ge__), (self._lows, float.__le__)):
            while extremes and extremes[0][0] < first:
                extremes.popleft()
            # A later price beyond an earlier one outlives it: only a staircase is kept.
            while extremes and is_beyond(price, extremes[-1][1]):
                extremes.pop()
            if not extremes or extremes[-1][0] != slot:
                extremes.append((slot, price))
        low, high = self._lows[0][1], self._highs[0][1]
        up = (price / low - 1) * 100 if low > 0 else 0.0
        down = (price / high - 1) * 100 if high > 0 else 0.0
        move = up if up >= -down else down
        if abs(move) < self.rule.value:
            return None
        return f"moved {move:+.2f} % within {_time(self.rule.window_s)}: {_figure(price)}"

    def _is_big(self, one: Trade) -> str | None:
        if one.size is None:
            return None
        # The parts of one sweep are one trade to whoever looks for big ones.
        same = one.ts is not None and self._sweep == (one.ts, one.side)
        self._swept = self._swept + one.size if same else one.size
        self._sweep = (one.ts, one.side)
        if self._swept < self.rule.value:
            return None
        done = {"buy": "bought", "sell": "sold", None: "traded"}[one.side]
        return f"{_figure(self._swept)} {done} at {_figure(one.price)}"


class Alerts:
    """All rules. ``raised`` is called on the feed's thread for each that fires; it must not block."""

    def __init__(self) -> None:
        self.raised: Callable[[Alarm], None] | None = None
        self.watchers: dict[Rule, Watcher] = {}
        self.of: dict[str, list[Watcher]] = {}
        """The watchers by address: an instrument without any costs nothing."""

    def set_rules(self, rules: Iterable[Rule], now: float) -> None:
        """Look for these, and no others. A rule that was there before keeps what it remembers."""
        self.watchers = {rule: self.watchers.get(rule) or Watcher(rule, now) for rule in rules}
        self.of = {}
        for rule, watcher in self.watchers.items():
            self.of.setdefault(rule.address, []).append(watcher)

    def take(self, address: str, run: Sequence[Event], now: float, wall: int) -> None:
        """Look at events of one kind and one instrument."""
        first = run[0]
        for watcher in self.of.get(address, ()):
            if isinstance(first, Trade):
                watcher.since = now
                for trade in run:
                    self._raise(watcher, watcher.trade(trade), now, wall)  # type: ignore[arg-type]  # a run is of one kind
            elif isinstance(first, Book):
                watcher.since = now
                if watcher.rule.kind == "spread":
                    for book in run:
                        self._raise(watcher, watcher.book(book), now, wall)  # type: ignore[arg-type]  # the same

    def tick(self, now: float, wall: int) -> None:
        """Look at the clock: silence is told by nothing else."""
        for watcher in self.watchers.values():
            if watcher.rule.kind == "silence":
                self._raise(watcher, watcher.silence(now), now, wall)

    def _raise(self, watcher: Watcher, why: str | None, now: float, wall: int) -> None:
        alarm = watcher.fire(why, now, wall)
        if alarm is not None and self.raised is not None:
            self.raised(alarm)
