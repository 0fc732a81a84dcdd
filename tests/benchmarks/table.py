"""Rows of measurements, each beside its yardstick and the target, and the table of them."""

from collections.abc import Iterable
from typing import NamedTuple


class Row(NamedTuple):
    """One figure. ``met`` is None where there is no target; ``beside`` is the yardstick of the same run."""

    what: str
    value: str
    beside: str = ""
    target: str = ""
    met: bool | None = None


def at_most(what: str, value: float, limit: float, unit: str, beside: str = "") -> Row:
    """Return a row for a figure that shall not be more than ``limit``."""
    return Row(what, f"{value:.2f} {unit}".strip(), beside, f"≤ {limit:g} {unit}".strip(), value <= limit)


def at_least(what: str, value: float, limit: float, unit: str, beside: str = "") -> Row:
    """Return a row for a figure that shall not be less than ``limit``."""
    return Row(what, f"{value:.2f} {unit}".strip(), beside, f"≥ {limit:g} {unit}".strip(), value >= limit)


def write(rows: Iterable[Row]) -> bool:
    """Print the rows as they come; return whether every target was met."""
    is_met = True
    print(f"{'':2}{'what':58}{'figure':>18}  {'target':14}beside")
    for row in rows:
        mark = {True: "✓", False: "✗", None: " "}[row.met]
        print(f"{mark:2}{row.what:58}{row.value:>18}  {row.target:14}{row.beside}", flush=True)
        is_met &= row.met is not False
    return is_met
