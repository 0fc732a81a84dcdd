"""When to try again, and when not to: small pure rules that can be read in one screen."""

import random
from collections.abc import Callable
from typing import Literal

import msgspec
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    InvalidURI,
    ProxyError,
    SecurityError,
)

from mdterm.feeds.contract import Backoff
from mdterm.feeds.text import clean

Kind = Literal["retry", "refused", "throttled", "fatal"]

SILENCE_REBUILD_S = 30.0
"""A live link without book or trades for so long is built anew."""
SILENCE_REBUILD_CAP_S = 300.0
LONGEST_PAUSE_S = 3600.0
"""No server may send us away for longer."""
REFUSALS_TO_STOP = 2
"""Attempts that a provider may refuse before no more are made."""

# Close codes that say no: policy violation, and the private codes that servers use for a bad key.
_REFUSING_CODES = frozenset({1008, 3000, 3003, 4001, 4003, 4401, 4403})


class Failure(msgspec.Struct, frozen=True):
    """Why a connection ended, and what that asks for."""

    kind: Kind
    words: str
    retry_after: float | None = None


def judge(error: BaseException) -> Failure:
    """Classify what ended a connection, in words for a person."""
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        if status in (401, 403):
            return Failure("refused", f"the server refused the connection (HTTP {status}): is the key right?")
        if status == 429:
            after = error.response.headers.get("Retry-After", "")
            wait = min(float(after), LONGEST_PAUSE_S) if after.isascii() and after.isdecimal() else None
            return Failure("throttled", "too many connections or attempts (HTTP 429)", wait)
        return Failure("retry", f"the server answered HTTP {status} instead of a WebSocket")
    if isinstance(error, ConnectionClosed):
        frame = error.rcvd
        if frame is None:
            return Failure("retry", "the connection was lost")
        reason = clean(f": {frame.reason}" if frame.reason else "")
        kind: Kind = "refused" if frame.code in _REFUSING_CODES else "retry"
        return Failure(kind, f"the server closed the connection (code {frame.code}{reason})")
    if isinstance(error, InvalidURI):
        return Failure("fatal", "the address of the server is no WebSocket URL")
    if isinstance(error, TimeoutError):
        return Failure("retry", "no answer from the server in time")
    if isinstance(error, ProxyError):
        return Failure("retry", "the HTTP proxy refused the connection")
    if isinstance(error, SecurityError):
        return Failure("retry", "the server sent more than is allowed")
    if isinstance(error, InvalidMessage | InvalidHandshake):
        return Failure("retry", "the server does not speak WebSocket there")
    if isinstance(error, OSError):
        return Failure("retry", _os_words(error))
    return Failure("retry", f"the connection failed ({type(error).__name__})")


def _os_words(error: OSError) -> str:
    name = type(error).__name__
    if name == "gaierror":
        return "the name of the server cannot be resolved"
    if name.startswith("SSL"):
        return "the server's certificate or TLS handshake was not accepted"
    return error.strerror or "the server cannot be reached"


def pause(
    backoff: Backoff,
    attempt: int,
    failure: Failure,
    uniform: Callable[[float, float], float] = random.uniform,
) -> float:
    """Return seconds to wait before attempt ``attempt`` + 1: full jitter, doubling from ``first`` to ``cap``.

    A throttled connection waits at least what the server or the provider's page asks for.
    """
    bound = min(backoff.cap, backoff.first * 2.0 ** max(0, min(attempt - 1, 16)))
    wait = max(uniform(0.0, bound), backoff.floor)
    if failure.kind == "throttled":
        wait = max(wait, failure.retry_after or 0.0, backoff.throttled)
    return wait


def silence_bound(rebuilds: int) -> float:
    """Return how long a live link may be without book or trades; longer after fruitless rebuilds."""
    return float(min(SILENCE_REBUILD_CAP_S, SILENCE_REBUILD_S * 2.0 ** min(rebuilds, 8)))
