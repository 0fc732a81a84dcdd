"""Numbers and times as text. Pure; every figure on the screen is made here."""

import math
import time
from collections.abc import Iterable
from typing import Final, NamedTuple

from rich.cells import cell_len, set_cell_size

from mdterm.feeds.text import clean

UNKNOWN: Final = "—"
FULL_BELOW: Final = 10_000.0


class Units(NamedTuple):
    """What large amounts are counted in."""

    steps: tuple[tuple[float, str], ...]
    """The units, the smallest first."""
    ratio: float
    """How many of a unit are about the next."""
    tenths_below: float
    """From how many of a unit on none is told in tenths."""


WESTERN: Final = Units(((1e3, "K"), (1e6, "M"), (1e9, "B"), (1e12, "T")), 1e3, math.inf)
EAST_ASIAN: Final = Units(((1e4, "万"), (1e8, "亿"), (1e12, "万亿")), 1e4, 1e2)
EAST_ASIAN_ASCII: Final = Units(((1e4, "W"), (1e8, "Y"), (1e12, "WY")), 1e4, 1e2)
"""Wan and yi, where there are no other letters."""
_in_force = WESTERN
_NS: Final = 1_000_000_000


def use_units(units: Units) -> None:
    """Tell all amounts of this process in these units; the screen says so once, before it paints."""
    global _in_force  # every panel makes figures, and all of one screen are alike
    _in_force = units


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
    return format_short(size)


def format_short(size: float) -> str:
    """Return a large size with a unit, in three or four digits."""
    magnitude, units = abs(size), _in_force
    most = units.ratio - (0.05 if units.tenths_below >= units.ratio else 0.5)  # rounding may carry
    scale, unit = next((one for one in units.steps if magnitude / one[0] < most), units.steps[-1])
    share = magnitude / scale
    digits = 2 if share < 9.995 else 1 if share < units.tenths_below - 0.05 else 0
    return f"{size / scale:.{digits}f}{unit}"


def format_order(size: float) -> str:
    """Return a size in so few cells that little more than its order is told."""
    steps = ((1.0, ""), *_in_force.steps)
    scale, unit = next((one for one in steps if abs(size) / one[0] < _in_force.ratio - 0.5), steps[-1])
    return f"{size / scale:.0f}{unit}"


def order_cells() -> int:
    """Return the cells that the order of any amount takes, its sign with it."""
    return 1 + len(f"{_in_force.ratio - 1:.0f}") + cell_len(_in_force.steps[0][1])


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
    if text.isascii():
        return text.rjust(width) if len(text) <= width else "#" * width
    blanks = width - cell_len(text)
    return " " * blanks + text if blanks >= 0 else "#" * width


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
