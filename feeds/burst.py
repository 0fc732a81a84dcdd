"""Trades by column: cheap to make, to sum and to keep, and each an event as soon as it is looked at.

A trade of its own takes some 250 bytes with its numbers and its id, here some 50.
"""

from array import array
from collections.abc import Iterator, Sequence
from itertools import repeat
from struct import pack
from typing import cast, overload

from mdterm.feeds.events import Side, Trade


class Burst(Sequence[Trade]):
    """Trades of one instrument in the order received; a column has an entry a trade. Not to be changed.

    All have a time, a size and a side, and none a turnover. ``ids`` are all of ``width`` characters, one
    behind the other; ``width`` 0 means that there are none.
    """

    __slots__ = ("address", "ids", "prices", "seens", "sides", "sizes", "times", "width")

    def __init__(
        self,
        address: str,
        ids: str,
        width: int,
        seens: Sequence[int],
        times: Sequence[int],
        prices: Sequence[float],
        sizes: Sequence[float],
        sides: Sequence[Side],
    ) -> None:
        self.address = address
        self.ids = ids
        self.width = width
        self.seens = seens
        self.times = times
        self.prices = prices
        self.sizes = sizes
        self.sides = sides

    def __len__(self) -> int:
        """Return how many trades there are."""
        return len(self.times)

    @overload
    def __getitem__(self, at: int) -> Trade: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Trade]: ...

    def __getitem__(self, at: int | slice) -> Trade | Sequence[Trade]:
        """Return a trade, or some of them."""
        if isinstance(at, slice):
            return list(self)[at]
        if at < 0:
            at += len(self.times)
        width = self.width
        return Trade(
            self.address,
            self.times[at],
            self.seens[at],
            self.ids[at * width : at * width + width] if width else None,
            self.prices[at],
            self.sizes[at],
            self.sides[at],
        )

    def __iter__(self) -> Iterator[Trade]:
        """Return the trades one after the other."""
        ids, width = self.ids, self.width
        split = [ids[at : at + width] for at in range(0, len(ids), width)] if width else repeat(None)
        return map(
            Trade, repeat(self.address), self.times, self.seens, split, self.prices, self.sizes, self.sides
        )

    def __eq__(self, other: object) -> bool:
        """Return whether the other is a row of the same events."""
        if not isinstance(other, Burst | list | tuple):
            return NotImplemented
        return list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as a list's

    def packed(self) -> "Burst":
        """Return the same in little memory, for keeping."""
        count = len(self.times)
        # By way of bytes: an array takes a list in with a call for each number.
        return Burst(
            self.address,
            self.ids,
            self.width,
            self.seens,
            array("q", pack(f"={count}q", *self.times)),
            array("d", pack(f"={count}d", *self.prices)),
            array("d", pack(f"={count}d", *self.sizes)),
            self.sides,
        )


def joined(bursts: Sequence[Burst]) -> Burst | None:
    """Return bursts that follow each other as one; None where their ids are of different widths."""
    first = bursts[0]
    if len(bursts) == 1:
        return first
    seens: list[int] = []
    times: list[int] = []
    prices: list[float] = []
    sizes: list[float] = []
    sides: list[Side] = []
    width = first.width
    for burst in bursts:
        if burst.width != width:
            return None
        seens += burst.seens
        times += burst.times
        prices += burst.prices
        sizes += burst.sizes
        sides += burst.sides
    ids = "".join([burst.ids for burst in bursts])
    return Burst(first.address, ids, width, seens, times, prices, sizes, sides)


def burst_of(trades: Sequence[Trade]) -> Burst | None:
    """Return trades of one instrument by column, None where they do not fit in."""
    if isinstance(trades, Burst):
        return trades
    times = [trade.ts for trade in trades]
    sizes = [trade.size for trade in trades]
    sides = [trade.side for trade in trades]
    ids = [trade.id for trade in trades]
    count = len(trades)
    if None in times or None in sizes or None in sides:
        return None
    if [trade.turnover for trade in trades].count(None) != count:
        return None
    width = 0 if ids[0] is None else len(ids[0])
    if ids.count(None) != (0 if width else count):
        return None
    told = ""
    if width:
        known = cast(list[str], ids)
        if set(map(len, known)) != {width}:
            return None
        told = "".join(known)
    return Burst(
        trades[0].address,
        told,
        width,
        [trade.seen for trade in trades],
        cast(list[int], times),
        [trade.price for trade in trades],
        cast(list[float], sizes),
        cast(list[Side], sides),
    )
