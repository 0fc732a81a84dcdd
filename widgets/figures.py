"""Numbers and times as text. Pure; every figure on the screen is made here."""

import time
from collections.abc import Iterable
from typing import Final

from rich.cells import cell_len, set_cell_size

from mdterm.feeds.text import clean

UNKNOWN: Final = "—"
FULL_BELOW: Final = 10_000.0
_UNITS: Final = ((1e3, "K"), (1e6, "M"), (1e9, "B"), (1e12, "T"))
_NS: Final = 1_000_000_000


def format_price(price: float | None, digits: int) -> str:
    """Return a price with all its digits, thousands parted by one blank; ``—`` if unknown."""
    if price is None:
        return UNKNOWN
    return f"{price:,.{digits}f}".replace(",", " ")


def format_count(count: int) -> str:
    """Return an exact count, thousands parted by one blank."""
    return f"{count:,}".replace(",", " ")


def format_size(size: float | None, digits: int) -> str:
    """Return a size: in full below 10,000, else with three decimals at most and a unit.

    Zero is blank, unknown is ``—``. A size too small for ``digits`` says so rather than read as zero.
    """
    if size is None:
        return UNKNOWN
    if size == 0:
        return ""
    magnitude = abs(size)
    # Rounding may carry to 10 000, which is no longer below it.
    if round(magnitude, digits) < FULL_BELOW:
        text = f"{size:,.{digits}f}".replace(",", " ")
        if float(f"{magnitude:.{digits}f}") == 0:
            return f"<{10.0**-digits:.{digits}f}"
        return text
    scale, unit = next((one for one in _UNITS if magnitude / one[0] < 999.95), _UNITS[-1])
    return f"{size / scale:.{1 if magnitude / scale >= 9.995 else 2}f}{unit}"


def whole_cells(sizes: Iterable[float | None]) -> int:
    """Return the cells before the point of the largest size that is told in full."""
    largest = max((size for size in sizes if size and size < FULL_BELOW), default=0.0)
    return len(f"{int(largest):,}")


def fit_digits(whole: int, digits: int, width: int) -> int:
    """Return how many decimals fit behind ``whole`` cells and the point, at most ``digits``."""
    return max(0, min(digits, width - whole - 1))


def format_signed(value: float, digits: int) -> str:
    """Return a sum with its sign, thousands parted by one blank."""
    return f"{value:+,.{digits}f}".replace(",", " ")


def format_age(seconds: float, *, whole: bool = False) -> str:
    """Return an age: ``0.1s``, ``12s``, ``1m12s``, ``2h05m``, ``3d04h``; no blank before its unit."""
    seconds = max(0.0, seconds)
    if seconds < 9.95 and not whole:
        return f"{seconds:.1f}s"
    total = int(seconds)
    if total < 60:
        return f"{total}s"
    minutes, second = divmod(total, 60)
    if minutes < 60:
        return f"{minutes}m{second:02d}s"
    hours, minute = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h{minute:02d}m"
    days, hour = divmod(hours, 24)
    return f"{days}d{hour:02d}h"


def format_time(ts: int) -> str:
    """Return ``HH:MM:SS`` in UTC of a time in ns."""
    second = ts // _NS % 86_400
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def format_time_ms(ts: int) -> str:
    """Return ``HH:MM:SS.mmm`` in UTC of a time in ns."""
    return f"{format_time(ts)}.{ts // 1_000_000 % 1000:03d}"


def format_since(ts: int, wall: int | None) -> str:
    """Return a moment: its time of day, with its date once it is more than a day before ``wall`` (ns)."""
    if wall is None or wall - ts < 86_400 * _NS:
        return format_time(ts)
    return time.strftime("%m-%d %H:%M", time.gmtime(ts // _NS))


def format_date(ts: int) -> str:
    """Return the day of a moment (ns) as ``2026-11-20``."""
    return time.strftime("%Y-%m-%d", time.gmtime(ts // _NS))


def format_rate(bytes_per_s: float) -> str:
    """Return bytes a second as ``9.8 kB/s``."""
    if bytes_per_s < 999_950:
        return f"{bytes_per_s / 1e3:.1f} kB/s"
    return f"{bytes_per_s / 1e6:.1f} MB/s"


def cell(text: str, width: int) -> str:
    """Return a figure right-aligned in ``width`` cells; one that does not fit becomes ``###``."""
    return text.rjust(width) if len(text) <= width else "#" * width


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Return outside text made safe and exactly ``width`` cells wide; what does not fit ends in ``…``."""
    text = clean(text)
    have = cell_len(text)
    if have == width:
        return text
    if have > width:
        return set_cell_size(text, max(0, width - 1)) + "…" if width > 0 else ""
    blanks = " " * (width - have)
    return blanks + text if right else text + blanks
