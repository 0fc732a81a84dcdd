"""How a state is told in a panel's title: the only place that turns ``Shown`` into words."""

from typing import Final

import msgspec
from rich.style import Style

from mdterm.feeds.status import Shown
from mdterm.feeds.text import clean
from mdterm.widgets.figures import format_age, format_since
from mdterm.widgets.palette import Palette

BELIEVABLE_S: Final = 15.0
"""No stream may call itself live for longer than this without a word from the feed."""

_WHOLE_SECONDS: Final = frozenset({"CONNECTING", "WARMING", "RECONNECTING", "REFUSED"})
_SINCE: Final = frozenset({"GAP", "CLOSED"})
_ALARMS: Final = frozenset({"STALE", "RECONNECTING", "GAP", "REFUSED", "PARTIAL"})


def aged(shown: Shown, elapsed_s: float) -> Shown:
    """Return a state ``elapsed_s`` after it was told.

    The feed tells each change; a LIVE that grew old without one means that the feed itself has stopped.
    """
    if shown.age is None or elapsed_s <= 0:
        return shown
    age = shown.age + elapsed_s
    if shown.word == "LIVE" and age > BELIEVABLE_S:
        return Shown("STALE", age=age, detail="the feed says nothing")
    return msgspec.structs.replace(shown, age=age)


def format_state(shown: Shown, wall: int | None = None, offset_ns: int = 0) -> str:
    """Return ``LIVE 0.1s``, ``STALE 1m12s``, ``RECONNECTING 3s (try 2)``, ``GAP since 12:03:01``."""
    word = shown.word
    if word in _SINCE:
        if shown.since is None:
            return word
        local = None if wall is None else wall + offset_ns
        return f"{word} since {format_since(shown.since + offset_ns, local)}"
    if word == "REFUSED" or shown.age is None:
        return word
    text = f"{word} {format_age(shown.age, whole=word in _WHOLE_SECONDS)}"
    if word == "RECONNECTING" and shown.attempt > 0:
        text += f" (try {shown.attempt})"
    return text


def format_reason(shown: Shown) -> str:
    """Return why the state is as it is, safe to show; empty if nobody knows."""
    return clean(shown.detail) if shown.detail else ""


def state_style(shown: Shown, palette: Palette) -> Style:
    """Return the style of a state's word."""
    if shown.word in _ALARMS:
        return palette.warn
    return palette.live if shown.word == "LIVE" else palette.muted
