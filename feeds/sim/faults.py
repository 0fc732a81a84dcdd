"""What the simulated venue does wrong when asked to: the grammar of `--fault`, and its dice.

    SPEC  = KIND [":" SCOPE] ["=" VALUE] ["@" AT ["+" DURATION]] ["~" PROBABILITY]

several SPECs may be joined by commas. AT and DURATION are seconds since the venue began to listen; without
AT a fault holds from the beginning, without DURATION to the end.

    drop@30, drop:book~0.01
        the sockets are cut without a closing handshake: once at AT (and nobody is let in for DURATION, if it
        is given), or with PROBABILITY in every second; one of the two is needed
    silence:book@10+20
        no data is sent; the sockets stay open and answer
    delay=200, delay:rest=3000
        every data frame, or REST answer, comes VALUE milliseconds late
    garbage~0.01
        a frame that is no JSON, or a torn one, is sent before a data frame (in REST: instead of the answer),
        each with PROBABILITY (default 1)
    refuse, refuse:rest=500, refuse:auth
        upgrades and REST requests are answered with HTTP VALUE (default 503); with the scope `auth` every
        key is called invalid instead

SCOPE is `book`, `nonbook` or `rest` (default: all of them); `auth` belongs to `refuse` alone.
"""

import random
import re
from collections.abc import Callable

from msgspec import Struct

KINDS = ("drop", "silence", "delay", "garbage", "refuse")
SCOPES = ("book", "nonbook", "rest")

_SPEC = re.compile(
    r"(?P<kind>[a-z]+)(?::(?P<scope>[a-z]+))?(?:=(?P<value>[0-9.]+))?"
    r"(?:@(?P<at>[0-9.]+)(?:\+(?P<duration>[0-9.]+))?)?(?:~(?P<probability>[0-9.]+))?"
)


class FaultError(Exception):
    """A fault that cannot be understood; the text says why and what could."""


class Fault(Struct, frozen=True):
    """One thing that goes wrong. Seconds are since the venue began; None is what the grammar leaves out."""

    kind: str
    scope: str | None = None
    value: float | None = None
    at_s: float | None = None
    duration_s: float | None = None
    probability: float | None = None

    def touches(self, scope: str) -> bool:
        """Say whether the fault concerns this family of connections."""
        return self.scope is None or self.scope == scope

    def is_on(self, elapsed_s: float) -> bool:
        """Say whether the fault holds now."""
        if self.at_s is None:
            return True
        if elapsed_s < self.at_s:
            return False
        return self.duration_s is None or elapsed_s < self.at_s + self.duration_s


def parse_faults(text: str) -> tuple[Fault, ...]:
    """Read a comma-separated list of faults; raise FaultError on what is not one."""
    return tuple(_parse(spec.strip()) for spec in text.split(",") if spec.strip())


def _parse(spec: str) -> Fault:
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise FaultError(f"{spec!r} is not a fault: write KIND[:SCOPE][=VALUE][@AT[+DURATION]][~PROBABILITY]")
    kind, scope = match["kind"], match["scope"]
    if kind not in KINDS:
        raise FaultError(f"{spec!r}: there is no fault {kind!r}; there are {', '.join(KINDS)}")
    if scope is not None and scope not in SCOPES and not (scope == "auth" and kind == "refuse"):
        raise FaultError(f"{spec!r}: {kind} has no scope {scope!r}; there are {', '.join(SCOPES)}")
    numbers = {}
    for part in ("value", "at", "duration", "probability"):
        try:
            numbers[part] = None if match[part] is None else float(match[part])
        except ValueError:
            raise FaultError(f"{spec!r}: {match[part]!r} is not a number") from None
    value, probability = numbers["value"], numbers["probability"]
    if probability is not None and not 0 < probability <= 1:
        raise FaultError(f"{spec!r}: a probability is above 0 and at most 1")
    if kind == "delay" and value is None:
        raise FaultError(f"{spec!r}: a delay needs its milliseconds, as in delay=200")
    if value is not None and (kind not in ("delay", "refuse") or scope == "auth"):
        raise FaultError(f"{spec!r}: {kind} takes no value")
    if kind == "refuse" and value is not None and not (400 <= value < 600 and value == int(value)):
        raise FaultError(f"{spec!r}: {match['value']} is not an HTTP error status (400 to 599)")
    if probability is not None and kind not in ("drop", "garbage"):
        raise FaultError(f"{spec!r}: {kind} takes no probability")
    if kind == "drop" and (probability is None) == (numbers["at"] is None):
        raise FaultError(f"{spec!r}: a drop needs a moment or a probability, as in drop@30 or drop~0.01")
    return Fault(kind, scope, value, numbers["at"], numbers["duration"], probability)


class Mischief:
    """Decide what goes wrong now. `elapsed` is seconds since the venue began; the dice are seeded."""

    def __init__(self, faults: tuple[Fault, ...], seed: int, elapsed: Callable[[], float]) -> None:
        self._faults = faults
        self._dice = random.Random(f"faults {seed}")
        self._elapsed = elapsed
        self._second = 0
        self._dropped: set[Fault] = set()

    def is_silent(self, scope: str) -> bool:
        """Say whether data must not be sent."""
        return bool(self._on("silence", scope))

    def delay_s(self, scope: str) -> float:
        """Return how late data must come."""
        return sum((fault.value or 0.0) / 1000 for fault in self._on("delay", scope))

    def garbage(self, scope: str, frame: bytes) -> bytes | None:
        """Return a broken frame to send before (or instead of) this one, or None."""
        for fault in self._on("garbage", scope):
            if fault.probability is None or self._dice.random() < fault.probability:
                torn = frame[: max(1, len(frame) // 2)]
                return self._dice.choice((torn, b"not json at all", b"\x1b]0;garbage\x07{", b'{"points":[{'))
        return None

    def refusal(self, scope: str) -> int | None:
        """Return the HTTP status that turns a request away, or None."""
        for fault in self._on("refuse", scope):
            return int(fault.value or 503)
        for fault in self._faults:
            outage = fault.kind == "drop" and fault.at_s is not None and fault.duration_s is not None
            if outage and fault.touches(scope) and fault.is_on(self._elapsed()):
                return 503
        return None

    def refuses_keys(self) -> bool:
        """Say whether every key is invalid."""
        return any(
            f.kind == "refuse" and f.scope == "auth" and f.is_on(self._elapsed()) for f in self._faults
        )

    def cuts(self) -> list[str]:
        """Return the scopes whose sockets must be cut now; ask often, each moment and second counts once."""
        elapsed = self._elapsed()
        cut: list[str] = []
        for fault in self._faults:
            due = fault.kind == "drop" and fault.at_s is not None and fault.is_on(elapsed)
            if due and fault not in self._dropped:
                self._dropped.add(fault)
                cut += _scopes(fault)
        while self._second < int(elapsed):
            self._second += 1
            for fault in self._faults:
                chance = fault.probability if fault.kind == "drop" else None
                if chance is not None and self._dice.random() < chance:
                    cut += _scopes(fault)
        return cut

    def _on(self, kind: str, scope: str) -> list[Fault]:
        if not self._faults:
            return []
        elapsed = self._elapsed()
        return [f for f in self._faults if f.kind == kind and f.touches(scope) and f.is_on(elapsed)]


def _scopes(fault: Fault) -> tuple[str, ...]:
    return SCOPES if fault.scope is None else (fault.scope,)
