"""Bar intervals: their names, where a bucket begins, and which interval is built from which.

Times are ns since the epoch, UTC. Weeks start on Monday. Days and weeks of an exchange with a session
follow that session; every shorter interval is cut in UTC.
"""

from datetime import date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache

import msgspec

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
_HALF_HOUR = 30 * MINUTE
_FIRST_MONDAY = 4 * DAY  # 1970-01-01 was a Thursday

FLOW_WINDOWS: dict[str, int] = {"5s": 5 * SECOND, "60s": MINUTE, "8m": 8 * MINUTE}
"""The sliding windows of flow by name, in ns of venue time."""

LENGTHS: dict[str, int] = {
    "1s": SECOND,
    "5s": 5 * SECOND,
    "15s": 15 * SECOND,
    "30s": 30 * SECOND,
    "1m": MINUTE,
    "3m": 3 * MINUTE,
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "30m": 30 * MINUTE,
    "1h": HOUR,
    "2h": 2 * HOUR,
    "4h": 4 * HOUR,
    "6h": 6 * HOUR,
    "12h": 12 * HOUR,
    "1d": DAY,
    "1w": WEEK,
}
"""Every interval by name, shortest first, with its length in ns."""

PARENTS: dict[str, str] = {
    "5s": "1s",
    "15s": "1s",
    "30s": "1s",
    "3m": "1m",
    "5m": "1m",
    "15m": "1m",
    "30m": "1m",
    "1h": "1m",
    "2h": "1h",
    "4h": "1h",
    "6h": "1h",
    "12h": "1h",
    "1d": "1h",
    "1w": "1d",
}
"""What an interval is built from; ``1s`` and ``1m`` are cut from trades."""

TICK_SIZES: dict[str, int] = {"100t": 100, "500t": 500, "1000t": 1_000}
"""Bars of so many trades instead of so long a time, by name."""


class IntervalError(ValueError):
    """An interval that cannot be read, in words for a person."""


class Session(msgspec.Struct, frozen=True):
    """When an exchange's day begins: ``starts_min`` minutes after midnight in ``zone``.

    A start after noon opens the next calendar day (the FX day starts at 17:00 New York). ``standard_min``
    is the zone's winter offset from UTC in minutes: it stands in where the machine has no time zone
    database, an hour off in summer. Days must begin on a whole or a half hour UTC, since they are built from
    bars of an hour, or of half of one (``parent_of``).
    """

    zone: str
    standard_min: int
    starts_min: int = 0

    def __post_init__(self) -> None:
        """Refuse what half hours cannot build."""
        if (self.standard_min - self.starts_min) % 30 or not 0 <= self.starts_min < 1440:
            raise ValueError(f"the day of {self.zone} does not begin on a whole or a half hour UTC")

    @property
    def is_hourly(self) -> bool:
        """Whether its days begin on a whole hour UTC."""
        return (self.standard_min - self.starts_min) % 60 == 0

    def label(self, ts: int) -> date:
        """Return the trading day that ``ts`` belongs to."""
        local = datetime.fromtimestamp(ts // SECOND, _zone(self))
        return (local.replace(tzinfo=None) - self._shift).date()

    def begins(self, day: date) -> int:
        """Return when a trading day begins (ns)."""
        wall = datetime.combine(day, time()) + self._shift
        return int(wall.replace(tzinfo=_zone(self)).timestamp()) * SECOND

    @property
    def _shift(self) -> timedelta:
        ahead = self.starts_min if self.starts_min < 720 else self.starts_min - 1440
        return timedelta(minutes=ahead)


@lru_cache(maxsize=32)
def _zone(session: Session) -> tzinfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(session.zone)
    except (ZoneInfoNotFoundError, ValueError):
        return timezone(timedelta(minutes=session.standard_min))


def parse_interval(text: str) -> str:
    """Return the name of an interval as a person writes it. Raise IntervalError."""
    name = text.strip()
    if name in LENGTHS:
        return name
    # Hours, days and weeks are often written with a capital; a capital M would be a month.
    lowered = name.lower()
    if lowered in LENGTHS and not name.endswith("M"):
        return lowered
    raise IntervalError(f"there is no interval {name[:20]!r}: write one of {', '.join(LENGTHS)}")


def format_interval(length: int) -> str:
    """Return the name of the interval that lasts ``length`` ns. Raise IntervalError."""
    for name, known in LENGTHS.items():
        if known == length:
            return name
    raise IntervalError(f"no interval lasts {length / SECOND:g} s")


def parent_of(interval: str, session: Session | None = None) -> str:
    """Return what an interval is built from where days follow a session."""
    if interval == "1d" and session is not None and not session.is_hourly:
        return "30m"
    return PARENTS[interval]


def bucket_start(ts: int, interval: str, session: Session | None = None) -> int:
    """Return when the bucket that holds ``ts`` begins (ns)."""
    if session is not None and interval in ("1d", "1w"):
        return _session_bucket(ts // _HALF_HOUR, interval, session)[0]
    length = LENGTHS[interval]
    offset = _FIRST_MONDAY if interval == "1w" else 0
    return ts - (ts - offset) % length


def bucket_end(start: int, interval: str, session: Session | None = None) -> int:
    """Return when the bucket that begins at ``start`` ends (ns); a session's day may last 23 or 25 hours."""
    if session is not None and interval in ("1d", "1w"):
        return _session_bucket(start // _HALF_HOUR, interval, session)[1]
    return start + LENGTHS[interval]


@lru_cache(maxsize=4096)
def _session_bucket(half_hour: int, interval: str, session: Session) -> tuple[int, int]:
    """Return start and end of the session's bucket that holds a half hour: no session begins within one."""
    day = session.label(half_hour * _HALF_HOUR)
    days = 1
    if interval == "1w":
        day -= timedelta(days=day.weekday())
        days = 7
    return session.begins(day), session.begins(day + timedelta(days=days))
