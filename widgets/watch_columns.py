"""The watchlist's columns: which there is room for, how wide they are, and where they stand."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace
from rich.cells import cell_len

from mdterm.feeds.frames import WatchRow
from mdterm.feeds.specs import WatchSort
from mdterm.widgets.figures import UNKNOWN, cell, format_price

GAP: Final = 2
KEY: Final = 3
"""Cells of the mark, the digit and a blank."""
STATE: Final = 6
"""Cells of a state where it has no column of its own and no sparkline to stand in for."""
WORD: Final = len("RECONNECTING")
AGE: Final = 3
SPARKS: Final = (6, 8, 10, 12, 16, 20, 30)
_VOLUME: Final = 7
_SPREAD: Final = 6
_PACE: Final = 5


class Figure(Struct, frozen=True):
    """A column of prices: cells before and after the decimal point; ``after`` is None where right-aligned."""

    before: int
    after: int | None

    @property
    def width(self) -> int:
        """Cells from edge to edge."""
        return self.before + (self.after or 0)

    def text(self, price: float | None, digits: int) -> str:
        """Return a price in its place."""
        text = format_price(price, digits)
        if self.after is None or price is None:
            return cell(text, self.width)
        return cell(text + " " * (self.after - _fraction(digits)), self.width)


def _fraction(digits: int) -> int:
    """Return the cells of the point and what follows it."""
    return digits + 1 if digits else 0


class Head(NamedTuple):
    """A column's name, where it begins, how wide the column is, and what a click on it sorts by."""

    text: str
    start: int
    width: int
    sort: WatchSort | None
    is_left: bool = False


class Columns(Struct, frozen=True):
    """Widths in cells; 0 for a column that there is no room for."""

    symbol: int
    price: Figure
    change: int
    mark: int = 0
    """1 where the last move is marked."""
    quotes: bool = False
    volume: int = 0
    pace: int = 0
    spread: int = 0
    spark: int = 0
    word: int = 0
    """Where a state has a column of its own."""

    @property
    def tail(self) -> int:
        """Cells of sparkline and age: where there is something to tell, a state takes the room of both."""
        return self.spark + 1 + AGE if self.spark else STATE

    @property
    def tail_gap(self) -> int:
        """Return the blanks before the tail; a sparkline is no number, so that one parts it from one."""
        return 1 if self.spark else GAP

    @property
    def heads(self) -> list[Head]:
        """Return the columns' names from left to right; the sparkline's is the minutes it spans."""
        heads = [Head("SYMBOL", KEY, self.symbol, "symbol", is_left=True)]
        at = KEY + self.symbol

        def add(text: str, width: int, sort: WatchSort | None) -> None:
            nonlocal at
            heads.append(Head(text, at + GAP, width, sort))
            at += GAP + width

        add("LAST", self.price.width, "last")
        at += self.mark
        add("CHG%", self.change, "change")
        if self.quotes:
            add("BID", self.price.width, None)
            add("ASK", self.price.width, None)
        if self.spread:
            add("SPR bp", self.spread, "spread")
        if self.volume:
            add("VOL", self.volume, "volume")
        if self.pace:
            add("PACE", self.pace, "pace")
        if self.word:
            heads.append(Head("STATE", at + GAP, self.word, None, is_left=True))
            at += GAP + self.word
        at += self.tail_gap
        if self.spark:
            heads.append(Head(f"{self.spark}m", at, self.spark, None, is_left=True))
            at += self.spark + 1
        heads.append(Head("AGE", at, AGE if self.spark else STATE, "age"))
        return heads

    @property
    def width(self) -> int:
        """Cells from edge to edge."""
        last = self.heads[-1]
        return last.start + last.width


def choose_columns(
    rows: Sequence[WatchRow], width: int, before: Columns | None, sort: WatchSort | None = None
) -> Columns:
    """Return the columns that fit: what it is sorted by, then the most useful first.

    Figures never become narrower than ``before``.
    """
    longest = max((cell_len(name) for name in names_of(rows)), default=0)
    longest = max(longest, before.symbol if before else 0)
    changes = [row.change for row in rows if row.change is not None] or [0.0]
    widest = max(len(format_change(min(changes))), len(format_change(max(changes))))
    change = max(widest, 6, before.change if before else 0)
    aligned, plain = _figures(rows, before)
    found = Columns(max(6, min(longest, 7)), plain, change)

    def add(**wider: Any) -> None:
        nonlocal found
        more = replace(found, **wider)
        if more.width <= width:
            found = more

    asked = {"volume": _VOLUME, "pace": _PACE, "spread": _SPREAD}.get(sort or "")
    if asked is not None:
        add(**{str(sort): asked})
    add(symbol=max(found.symbol, min(longest, 8)))
    add(spark=SPARKS[0])
    add(mark=1)
    if before is None or before.price.after is not None:
        add(price=aligned)  # rows that are left out for a while must not move the others
    if found.spark:
        add(spark=SPARKS[1])
    for symbol in range(found.symbol + 1, min(longest, 12) + 1):
        add(symbol=symbol)
    add(quotes=True)
    if found.quotes:
        add(volume=_VOLUME)
        add(pace=_PACE)
        # Most providers publish buckets, of which there is no spread: no column of dashes for them.
        if any(row.spread_bps is not None for row in rows) or (before is not None and before.spread):
            add(spread=_SPREAD)
    for symbol in range(found.symbol + 1, min(longest, 20) + 1):
        add(symbol=symbol)
    for spark in SPARKS[: SPARKS.index(12) + 1] if found.spark else ():
        add(spark=spark)
    if found.pace and found.spark:
        add(word=WORD)
    for spark in SPARKS if found.spark else ():
        add(spark=spark)
    return found


def _figures(rows: Sequence[WatchRow], before: Columns | None) -> tuple[Figure, Figure]:
    """Return the column of prices aligned on the point, and the narrower one aligned at the right."""
    whole, after, longest = 0, 0, len("LAST")
    by_digits: dict[int, list[float]] = {}
    for row in rows:
        by_digits.setdefault(row.digits, []).extend(
            price for price in (row.last, row.bid, row.ask) if price is not None
        )
    for digits, prices in by_digits.items():
        for price in (min(prices), max(prices)) if prices else ():  # nothing between them is wider
            text = format_price(price, digits)
            after = max(after, _fraction(digits))
            whole = max(whole, len(text) - _fraction(digits))
            longest = max(longest, len(text))
    if before is not None:
        longest = max(longest, before.price.width if before.price.after is None else 0)
        if before.price.after is not None:
            whole, after = max(whole, before.price.before), max(after, before.price.after)
    whole = max(whole, len("LAST") - after)
    return Figure(whole, after), Figure(longest, None)


def names_of(rows: Sequence[WatchRow]) -> list[str]:
    """Return the instruments' symbols, with the provider where two are called the same."""
    count = Counter(row.symbol for row in rows)
    return [row.symbol if count[row.symbol] == 1 else f"{row.symbol}·{row.provider}" for row in rows]


def format_change(change: float | None) -> str:
    """Return a change in percent, with its sign but without its unit."""
    return UNKNOWN if change is None else f"{change * 100:+.2f}"


def format_pace(pace: float | None) -> str:
    """Return a multiple of the usual pace: ``×1.8``, ``×12``; one beyond a thousand says no more."""
    if pace is None:
        return UNKNOWN
    return f"×{pace:.1f}" if pace < 9.95 else f"×{min(pace, 999):.0f}"


def format_spread(bps: float | None) -> str:
    """Return a spread in bps, in at most six cells."""
    if bps is None:
        return UNKNOWN
    return f"{bps:.2f}" if bps < 99.995 else f"{min(bps, 99_999):.0f}"
