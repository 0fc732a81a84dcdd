"""Amounts: exact decimals in columns, told in full where they fit and rounded where they do not. Pure."""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from msgspec import Struct

from mdterm.feeds.text import clean
from mdterm.widgets.figures import UNKNOWN, cell, format_size

GAP: Final = 2
"""Blanks before a figure; thousands are parted by one, so one would read as a thousand."""
GROW: Final = 0
"""In the place of a gap: the column is not to come, only to grow."""
_MOST_DIGITS: Final = 60
"""An exponent beyond this is no amount of anything, and would fill the memory once it is written out."""
_TELLING: Final = 4
"""Digits that a rounded amount must keep to be worth a place on the point."""


def parse_amount(amount: str | None) -> Decimal | None:
    """Return an amount as a number, None where it is none."""
    try:
        number = None if amount is None else Decimal(amount)
    except InvalidOperation:
        return None
    if number is None or not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS:
        return None
    return number


def format_exact(number: Decimal, least: int = 0) -> str:
    """Return all digits of a number and at least ``least`` decimals, thousands parted by one blank."""
    whole, _, fraction = format(number, ",f").partition(".")
    fraction = fraction.rstrip("0").ljust(least, "0")
    return whole.replace(",", " ") + (f".{fraction}" if fraction else "")


def format_rounded(number: Decimal, digits: int) -> str:
    """Return a number with ``digits`` decimals; one too small for them says so rather than read as zero."""
    text = format(number, f",.{digits}f").replace(",", " ")
    if number and not text.strip("-0. "):
        return f"<{10.0**-digits:.{digits}f}"
    return text


def format_amount(amount: str | None, room: int, least: int = 0) -> str:
    """Return an amount in ``room`` cells: exact if it fits, else with fewer decimals, else with a unit."""
    number = parse_amount(amount)
    if number is None:
        return UNKNOWN if amount is None else clean(amount)
    text = format_exact(number, least)
    if len(text) <= room:
        return text
    whole = len(text.partition(".")[0])
    # Rounding may carry: 9 999.99 takes a cell more with one decimal.
    for digits in range(max(0, room - whole - 1), -1, -1):
        text = format_rounded(number, digits)
        if len(text) <= room:
            return text
    return format_size(float(number), 0)


class Need(Struct, frozen=True):
    """What a column of amounts takes to tell all of them exactly: cells before the point, decimals."""

    whole: int = 0
    digits: int = 0

    @property
    def width(self) -> int:
        """Cells from edge to edge."""
        return self.whole + (self.digits + 1 if self.digits else 0)

    def grown(self, amounts: Iterable[str | None], least: int = 0) -> "Need":
        """Return what these amounts need as well; a column never becomes narrower."""
        whole, digits = self.whole, max(self.digits, least)
        for amount in amounts:
            number = parse_amount(amount)
            if number is not None:
                before, _, behind = format_exact(number).partition(".")
                whole, digits = max(whole, len(before)), max(digits, len(behind))
        return Need(whole, digits)


class Amounts(Struct, frozen=True):
    """A column of amounts: its cells, and the decimals its point has room for.

    Where ``digits`` is None points are not aligned: each amount ends at the right with all it can tell.
    """

    width: int
    digits: int | None

    def text(self, amount: str | None, least: int = 0) -> str:
        """Return an amount in its place; at least ``least`` decimals where they fit."""
        number = parse_amount(amount)
        if self.digits is None or number is None:
            return cell(format_amount(amount, self.width, least), self.width)
        text = format_exact(number, min(least, self.digits))
        behind = len(text.partition(".")[2])
        if behind > self.digits:
            text = format_rounded(number, self.digits)
            behind = self.digits
        blanks = self.digits - behind + (1 if self.digits and not behind else 0)
        return cell(text + " " * blanks, self.width)


def fit_amounts(amounts: Iterable[str | None], need: Need, width: int) -> Amounts:
    """Return the column of ``width`` cells: aligned where no amount loses much by it."""
    if need.width <= width:
        return Amounts(width, need.digits)
    digits = width - need.whole - 1
    if digits >= 1 and all(_tells(parse_amount(amount), digits) for amount in amounts):
        return Amounts(width, digits)
    return Amounts(width, None)


def _tells(number: Decimal | None, digits: int) -> bool:
    """Return whether ``digits`` decimals are enough to know a number."""
    if not number:
        return True
    exact = len(format_exact(number).partition(".")[2])
    return exact <= digits or number.adjusted() + 1 + digits >= _TELLING


Needs = Mapping[str, Need]
"""What columns have needed so far, by their names."""
Step = tuple[str, int, int]
"""A wish for a column: its name, its cells, and the blanks before it."""


def grant(room: int, steps: Iterable[Step]) -> dict[str, int]:
    """Return the cells of the columns that there is room for; earlier wishes go first.

    A column comes whole or not at all; one that is there grows as far as it can. A wish with GROW blanks
    before it only lets a column grow.
    """
    widths: dict[str, int] = {}
    for name, cells, gap in steps:
        had = widths.get(name)
        if had is None:
            if gap != GROW and cells + gap <= room:
                widths[name] = cells
                room -= cells + gap
        elif cells > had:
            more = min(cells - had, room)
            widths[name] = had + more
            room -= more
    return widths
