"""When to try again and when not, in words that hold no secret and no invention."""

import ssl
from collections.abc import Callable
from socket import EAI_NONAME, gaierror

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.datastructures import Headers
from websockets.exceptions import (
    ConcurrencyError,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidHandshake,
    InvalidMessage,
    InvalidProxy,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidUpgrade,
    InvalidURI,
    SecurityError,
)
from websockets.frames import Close
from websockets.http11 import Response

from mdterm.feeds import policy
from mdterm.feeds.contract import Backoff
from mdterm.feeds.policy import Failure, judge, pause, silence_bound
from mdterm.feeds.text import clean


def status(code: int, *headers: tuple[str, str]) -> InvalidStatus:
    return InvalidStatus(Response(code, "", Headers(list(headers))))


def closed(code: int, reason: str = "", *, ours: int | None = None) -> ConnectionClosedError:
    return ConnectionClosedError(Close(code, reason), None if ours is None else Close(ours, ""))


# --- what it was --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (status(401), "refused", "HTTP 401"),
        (status(403), "refused", "HTTP 403"),
        (status(429), "throttled", "HTTP 429"),
        (status(400), "retry", "HTTP 400"),
        (status(404), "retry", "HTTP 404"),
        (status(500), "retry", "HTTP 500"),
        (status(503), "retry", "HTTP 503"),
        (closed(1000), "retry", "code 1000"),
        (closed(1001, "going away"), "retry", "code 1001: going away"),
        (closed(1006), "retry", "code 1006"),
        (closed(1008, "bad key"), "refused", "code 1008: bad key"),
        (closed(1011), "retry", "code 1011"),
        (closed(1012), "retry", "code 1012"),
        (closed(3000), "refused", "code 3000"),
        (closed(4001), "refused", "code 4001"),
        (closed(4401), "refused", "code 4401"),
        (closed(4000), "retry", "code 4000"),
        (ConnectionClosedOK(None, None), "retry", "the connection was lost"),
        (ConnectionClosedError(None, Close(1009, "")), "retry", "larger than allowed"),
        (ConnectionClosedError(None, Close(1011, "")), "retry", "answers no pings"),
        (ConnectionClosedError(None, Close(1002, "")), "retry", "broke the WebSocket protocol"),
        (InvalidURI("x", "y"), "fatal", "no WebSocket URL"),
        (TimeoutError(), "retry", "no answer"),
        (InvalidProxy("http://user:word@proxy", "odd"), "retry", "proxy"),
        (InvalidProxyStatus(Response(407, "", Headers())), "retry", "proxy"),
        (ImportError("python-socks"), "retry", "python-socks"),
        (SecurityError(), "retry", "more than is allowed"),
        (InvalidMessage(), "retry", "does not speak WebSocket"),
        (InvalidUpgrade("Connection"), "retry", "does not speak WebSocket"),
        (InvalidHandshake(), "retry", "does not speak WebSocket"),
        (ConnectionRefusedError(111, "Connect call failed ('10.0.0.1', 1)"), "retry", "connection refused"),
        (OSError("Multiple exceptions"), "retry", "cannot be reached"),
        (gaierror(EAI_NONAME, "x"), "retry", "cannot be resolved"),
        (UnicodeError("idna"), "retry", "cannot be resolved"),
        (ssl.SSLCertVerificationError(1, "CERTIFICATE_VERIFY_FAILED"), "retry", "certificate"),
    ],
    ids=lambda given: given if isinstance(given, str) else type(given).__name__,
)
def test_each_end_has_its_kind_and_its_words(error: Exception, kind: str, words: str) -> None:
    failure = judge(error)
    assert failure.kind == kind
    assert words in failure.words
    assert not failure.is_unexpected


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("sk-secret"), ConcurrencyError("y")])
def test_what_no_network_explains_is_for_the_log(error: Exception) -> None:
    failure = judge(error)
    assert failure.is_unexpected
    assert failure.kind == "retry"
    assert "sk-secret" not in failure.words


@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ([], None),
        ([("Retry-After", "12")], 12.0),
        ([("Retry-After", "999999999999")], policy.LONGEST_PAUSE_S),
        ([("Retry-After", "9" * 5000)], policy.LONGEST_PAUSE_S),
        ([("Retry-After", "-1")], None),
        ([("Retry-After", "1e9")], None),
        ([("Retry-After", "²")], None),
        ([("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT")], None),
        ([("Retry-After", "5"), ("Retry-After", "7")], 5.0),
    ],
)
def test_a_server_may_say_when_to_come_back(headers: list[tuple[str, str]], after: float | None) -> None:
    assert judge(status(429, *headers)).retry_after == after


@given(st.text(max_size=60), st.integers(1000, 4999))
def test_a_servers_reason_is_safe_to_show(reason: str, code: int) -> None:
    words = judge(closed(code, reason)).words
    assert clean(words) == words


# --- how long to wait ---------------------------------------------------------------------------------

RETRY = Failure("retry", "")


def lowest(low: float, high: float) -> float:
    return low


def highest(low: float, high: float) -> float:
    return high


@pytest.mark.parametrize(
    ("attempt", "most"), [(0, 1), (1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30), (10**6, 30)]
)
def test_the_pause_is_full_jitter_up_to_a_doubling_bound(attempt: int, most: float) -> None:
    assert pause(Backoff(), attempt, RETRY, lowest) == 0.0
    assert pause(Backoff(), attempt, RETRY, highest) == most


@given(st.integers(0, 100), st.floats(0.1, 10), st.floats(1, 100), st.floats(0, 20))
def test_a_pause_is_never_below_the_floor_nor_above_the_bound(
    attempt: int, first: float, cap: float, floor: float
) -> None:
    found = pause(Backoff(first, cap, floor), attempt, RETRY)
    assert floor <= found <= max(cap, floor + min(first, cap))


@pytest.mark.parametrize("attempt", [1, 2, 5, 50])
@pytest.mark.parametrize("floor", [0.0, 3.0, 10.0, 30.0, 60.0])
def test_a_floor_leaves_room_for_jitter_on_every_try(attempt: int, floor: float) -> None:
    backoff = Backoff(first=1.0, cap=60.0, floor=floor)
    assert pause(backoff, attempt, RETRY, lowest) == floor
    assert pause(backoff, attempt, RETRY, highest) >= floor + 1.0


@pytest.mark.parametrize(("uniform", "spread"), [(lowest, 0.0), (highest, 1.0)])
@pytest.mark.parametrize(("after", "least"), [(None, 30.0), (5.0, 30.0), (120.0, 120.0), (0.0, 30.0)])
def test_whom_the_server_slows_down_waits(
    uniform: Callable[[float, float], float], spread: float, after: float | None, least: float
) -> None:
    assert pause(Backoff(), 1, Failure("throttled", "", after), uniform) == least + spread


def test_pauses_spread_over_the_whole_range() -> None:
    found = [pause(Backoff(), 6, RETRY) for _ in range(2000)]
    tenths = {int(one // 3.0) for one in found}
    assert tenths >= set(range(10))


def test_silence_is_borne_longer_after_each_rebuild_that_did_not_help() -> None:
    assert [silence_bound(rebuilds) for rebuilds in range(6)] == [30, 60, 120, 240, 300, 300]
    assert silence_bound(10**6) == 300
