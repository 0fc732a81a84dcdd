"""Times as a person types them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,9})?))?")
_AGO: Final = re.compile(r"-?(\d+(?:\.\d+)?)\s*(s|m|h|d|w)(?: ago)?")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DAY_NS: Final = 86_400_000_000_000
_NS: Final = 1_000_000_000


class TimeError(ValueError):
    """A time that cannot be read, in words."""


def parse_time(text: str, near: int) -> int:
    """Return ns since the epoch of a time such as ``2026-11-20T14:05``, ``14:05:30`` or ``2h`` ago.

    It is UTC unless it says otherwise. A time of day is that of the day of ``near`` (ns), ``2h`` before it.
    Raise TimeError.
    """
    text = text.strip()
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        hours, minutes, seconds = int(clock[1]), int(clock[2]), float(clock[3] or 0)
        if hours > 23 or minutes > 59 or seconds >= 60:
            raise TimeError(f"there is no time of day {text!r}")
        return near - near % _DAY_NS + (hours * 60 + minutes) * 60 * _NS + round(seconds * 1e9)
    ago = _AGO.fullmatch(text)
    if ago is not None:
        return near - round(float(ago[1]) * _UNITS[ago[2]] * 1e9)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        words = "write 2026-11-20T14:05:00, 14:05 or 2h"
        raise TimeError(f"{text[:40]!r} is no time: {words}") from None
    since = (found if found.tzinfo else found.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(microseconds=1) * 1000
