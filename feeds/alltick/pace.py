"""The pace of one token: shared by all sockets that use it. Pure; time comes in as an argument."""

from typing import NamedTuple

import msgspec

from mdterm.feeds.alltick import facts

_NEAR_S = 0.1
_LATE_S = 0.5
"""A claim that was not used by then is dead: its socket is gone."""


class Limits(msgspec.Struct, frozen=True):
    """Seconds between what is sent; see ``facts`` for where they come from."""

    connect_s: float
    request_s: float = facts.REQUEST_SPACING_S
    token_s: float = facts.TOKEN_SPACING_S
    heartbeat_s: float = facts.HEARTBEAT_S - facts.HEARTBEAT_EARLY_S
    settle_s: float = facts.SETTLE_S


def limits_of(plan: facts.Plan) -> Limits:
    """Return the limits of a plan."""
    return Limits(plan.reconnect_s + facts.CONNECT_SLACK_S)


class _Claim(NamedTuple):
    rank: int
    at: float


class TokenGate:
    """Spaces connection attempts, and requests across the sockets of a token."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._connect_at = 0.0
        self._sent: dict[str, float] = {}
        self._answered: dict[str, float] = {}
        self._claims: dict[str, _Claim] = {}
        self._stretch = 1.0

    @property
    def stretch(self) -> float:
        """How much slower than asked for violations have made us."""
        return self._stretch

    def connect_in(self, now: float) -> float:
        """Return the seconds to wait before asking again; 0: a connection may be opened, and counts."""
        if now < self._connect_at:
            return self._connect_at - now
        self._connect_at = now + self.limits.connect_s
        return 0.0

    def opened(self, now: float) -> None:
        """Count from here: how long a connection was on its way is not known, only when it was there."""
        self._connect_at = max(
            self._connect_at, now + self.limits.connect_s - facts.CONNECT_SLACK_S + _NEAR_S
        )

    def answered(self, link: str, now: float) -> None:
        """Note that a link's last request was there at the latest now."""
        self._answered[link] = now

    def spacing(self) -> float:
        """Return the seconds between two messages on one socket."""
        return self.limits.request_s * self._stretch

    def request_at(self, link: str, rank: int, now: float, ready_at: float) -> float:
        """Return when a link that is ready at ``ready_at`` may send a request; ``sent`` tells that it did.

        A link that asks for a lower rank goes first where both could.
        """
        across = self.limits.token_s * self._stretch
        behind = across - facts.TOKEN_SPACING_S + facts.TOKEN_ANSWER_SPACING_S
        at = max(ready_at, now)
        for other, sent in self._sent.items():
            if other != link:
                at = max(at, sent + across, self._answered.get(other, 0.0) + behind)
        for other, claim in self._claims.items():
            waits = other != link and claim.rank < rank and claim.at >= now - _LATE_S
            if waits and at + across > claim.at:
                at = max(at, claim.at + across)
        self._claims[link] = _Claim(rank, at)
        return at

    def sent(self, link: str, now: float) -> None:
        """Remember that a request went out."""
        self._sent[link] = now
        self._claims.pop(link, None)

    def release(self, link: str) -> None:
        """Take a claim back: there is nothing left to ask for."""
        self._claims.pop(link, None)

    def violated(self) -> None:
        """Be slower from now on: the provider found the pace too fast."""
        self._stretch = min(facts.STRETCH_CAP, self._stretch * facts.STRETCH)
