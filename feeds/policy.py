"""When to try again, and when not to: small pure rules that can be read in one screen."""

import os
import random
import socket
import ssl
from collections.abc import Callable
from typing import Literal

import msgspec
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidProxy,
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

_LOST = "the connection was lost"
# Where the server said nothing, our own code tells what was wrong.
_OUR_CODES = {
    1002: "the server broke the WebSocket protocol",
    1007: "the server sent text that is none",
    1009: "the server sent a frame that is larger than allowed",
    1011: "the server answers no pings",
}


class Failure(msgspec.Struct, frozen=True):
    """Why a connection ended, and what that asks for."""

    kind: Kind
    words: str
    retry_after: float | None = None
    is_unexpected: bool = False
    """True where no network explains it, so that the log must tell the whole story."""


def judge(error: BaseException) -> Failure:
    """Classify what ended a connection, in words for a person."""
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        if status in (401, 403):
            return Failure("refused", f"the server refused the connection (HTTP {status}): is the key right?")
        if status == 429:
            after = next(iter(error.response.headers.get_all("Retry-After")), "")
            wait = min(float(after), LONGEST_PAUSE_S) if after.isascii() and after.isdecimal() else None
            return Failure("throttled", "too many connections or attempts (HTTP 429)", wait)
        return Failure("retry", f"the server answered HTTP {status} instead of a WebSocket")
    if isinstance(error, ConnectionClosed):
        frame = error.rcvd
        if frame is None:
            return Failure("retry", _OUR_CODES.get(error.sent.code if error.sent else 0, _LOST))
        reason = clean(f": {frame.reason}" if frame.reason else "")
        kind: Kind = "refused" if frame.code in _REFUSING_CODES else "retry"
        return Failure(kind, f"the server closed the connection (code {frame.code}{reason})")
    if isinstance(error, InvalidURI):
        return Failure("fatal", "the address of the server is no WebSocket URL")
    if isinstance(error, TimeoutError):
        return Failure("retry", "no answer from the server in time")
    if isinstance(error, InvalidProxy):
        return Failure("retry", "the address of the proxy in the environment is no URL of a proxy")
    if isinstance(error, ImportError):
        return Failure("retry", "a SOCKS proxy is set in the environment, and python-socks is not installed")
    if isinstance(error, ProxyError):
        return Failure("retry", "the HTTP proxy refused the connection")
    if isinstance(error, SecurityError):
        return Failure("retry", "the server sent more than is allowed")
    if isinstance(error, InvalidMessage | InvalidHandshake):
        return Failure("retry", "the server does not speak WebSocket there")
    if isinstance(error, OSError | UnicodeError):
        return Failure("retry", _os_words(error))
    return Failure("retry", f"the connection failed ({type(error).__name__})", is_unexpected=True)


def _os_words(error: OSError | UnicodeError) -> str:
    if isinstance(error, socket.gaierror | UnicodeError):
        return "the name of the server cannot be resolved"
    if isinstance(error, ssl.SSLError):
        return "the server's certificate or TLS handshake was not accepted"
    return os.strerror(error.errno).lower() if error.errno else "the server cannot be reached"


def pause(
    backoff: Backoff,
    attempt: int,
    failure: Failure,
    uniform: Callable[[float, float], float] = random.uniform,
) -> float:
    """Return seconds to wait before attempt ``attempt`` + 1: full jitter, doubling from ``first`` to ``cap``.

    A throttled connection waits at least what the server or the provider's page asks for. The jitter lies
    above what must be waited: many that were sent away at once must not come back at once.
    """
    bound = min(backoff.cap, backoff.first * 2.0 ** max(0, min(attempt - 1, 16)))
    floor = backoff.floor
    if failure.kind == "throttled":
        floor = max(floor, failure.retry_after or 0.0, backoff.throttled)
    # Up to the cap in all, yet never without any spread.
    return floor + uniform(0.0, min(bound, max(backoff.first, backoff.cap - floor)))


def silence_bound(rebuilds: int) -> float:
    """Return how long a live link may be without book or trades; longer after fruitless rebuilds."""
    return float(min(SILENCE_REBUILD_CAP_S, SILENCE_REBUILD_S * 2.0 ** min(rebuilds, 8)))
