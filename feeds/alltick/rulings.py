"""What an answer of AllTick means: every ``ret`` and message as words and a decision.

One place for the sockets and for HTTP. Known codes decide; where one is unknown, or used for several
things (201, 202, 400), the message does.
"""

from typing import Literal, NamedTuple

from mdterm.feeds.text import clean

Action = Literal["ok", "bug", "stop", "throttle", "code", "plan", "shrink", "close", "later"]
"""What to do: ``stop`` for good, ``throttle`` and ask again, mark a ``code`` that is unknown or not in the
``plan``, ``shrink`` the request, expect the ``close`` of the socket, try ``later``; a ``bug`` of ours is not
repeated."""


class Ruling(NamedTuple):
    """A decision, and the words for a person."""

    action: Action
    words: str


_ACTIONS: dict[int, Action] = {
    200: "ok",
    400: "bug",
    401: "stop",
    402: "bug",
    403: "stop",  # unconfirmed: one client's README
    429: "throttle",
    600: "code",
    601: "bug",
    603: "shrink",
    604: "plan",
    605: "throttle",
    606: "close",
}
_PHRASES: tuple[tuple[str, Action], ...] = (
    ("connection will be closed", "close"),
    ("too many requests", "throttle"),
    ("rate limit", "throttle"),
    ("token level", "shrink"),
    ("unauthorized", "plan"),
    ("code invalid", "code"),
    ("token", "stop"),
    ("param invalid", "bug"),
    ("query invalid", "bug"),
    ("body empty", "bug"),
)
_WORDS: dict[Action, str] = {
    "ok": "ok",
    "bug": "the provider calls the request malformed",
    "stop": "the token was rejected: is it right, and not expired?",
    "throttle": "too many requests for the plan: waiting",
    "code": "the provider does not know the code",
    "plan": "the plan does not include the code",
    "shrink": "the plan allows less than was asked for",
    "close": "too many requests or connections: the provider closes the connection",
    "later": "the provider failed",
}


def rule(ret: int | None, msg: str | None, *, has_data: bool = False) -> Ruling:
    """Return the decision for an answer; ``has_data`` tells a 0 that means success."""
    said = clean(msg, 80) if msg else ""
    if ret == 0 and has_data:
        return Ruling("ok", "ok")
    action = _ACTIONS.get(-1 if ret is None else ret) or _by_message(said.lower())
    shown = ", ".join(part for part in (None if ret is None else clean(f"ret {ret}", 24), said) if part)
    return Ruling(action, f"{_WORDS[action]} ({shown})" if shown else _WORDS[action])


def _by_message(said: str) -> Action:
    for phrase, action in _PHRASES:
        if phrase in said:
            return action
    return "later"
