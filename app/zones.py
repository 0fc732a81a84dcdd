"""Time zones: which clock the screen tells, and how far it is from UTC."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

_NS = 1_000_000_000


@dataclass(frozen=True)
class Zone:
    """A clock. ``name`` is ``utc``, ``local`` or that of a zone such as ``Asia/Tokyo``."""

    name: str

    def __post_init__(self) -> None:
        """Refuse a zone that nobody knows. Raise ValueError."""
        if self.name not in ("utc", "local"):
            from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

            try:
                ZoneInfo(self.name)
            except (ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise ValueError(
                    f'there is no time zone {self.name!r}: write "utc", "local" or one such as "Asia/Tokyo"'
                ) from error

    def at(self, wall: int) -> tuple[int, str]:
        """Return what is to be added to UTC (ns) at ``wall`` (ns), and what the clock is called then."""
        if self.name == "utc":
            return 0, "UTC"
        second = wall // _NS
        if self.name == "local":
            told = time.localtime(second)
            return told.tm_gmtoff * _NS, told.tm_zone
        from zoneinfo import ZoneInfo

        there = datetime.fromtimestamp(second, UTC).astimezone(ZoneInfo(self.name))
        offset = there.utcoffset()
        assert offset is not None
        return int(offset.total_seconds()) * _NS, there.tzname() or self.name


UTC_ZONE = Zone("utc")
LOCAL_ZONE = Zone("local")
