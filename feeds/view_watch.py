"""The watchlist: a line an instrument, those that are asked for, in the order that is asked for."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from mdterm.feeds.frames import WatchFrame, WatchRow
from mdterm.feeds.market import Market, Quote, Sums
from mdterm.feeds.precision import decimals
from mdterm.feeds.specs import WatchSort, WatchSpec
from mdterm.feeds.status import Shown
from mdterm.feeds.view_header import change_of

RESORT_S: Final = 2.0
"""How long an order holds: rows that change places more often cannot be read."""

REFRESH_S: Final = 0.5
RECHECK_S: Final = 2.0
CLOSES: Final = 60

_BARE: Final = str.maketrans("", "", ":/-_.")


class Day(NamedTuple):
    """What of a market takes a while to add up, as of ``at`` (s, monotonic) and of so many trades."""

    market: Market
    at: float
    trades: int
    sums: Sums
    closes: list[float]


class Days:
    """The day's figures and the closes of many markets, added up twice a second at most.

    Last, bid and ask are always those of the moment; what adds up over a day may be half a second behind.
    """

    def __init__(self) -> None:
        self._kept: dict[str, Day] = {}

    def of(self, market: Market, now: float) -> Day:
        """Return a market's figures."""
        kept = self._kept.get(market.instrument.address)
        if kept is not None and kept.market is market:
            age = now - kept.at
            # History may come in without a trade.
            if 0 <= age < (REFRESH_S if kept.trades != market.trade_count else RECHECK_S):
                return kept
        day = Day(market, now, market.trade_count, market.sums(), market.candles.closes("1m", CLOSES))
        self._kept[market.instrument.address] = day
        return day

    def let_go(self, address: str) -> None:
        """Forget a market."""
        self._kept.pop(address, None)


def watch_view(
    told: Iterable[tuple[Market | Quote, Shown]], spec: WatchSpec, now: float, days: Days | None = None
) -> tuple[WatchSpec, WatchFrame]:
    """Return the lines of those that are wanted, and the spec with the order that holds from now on.

    ``told`` are market and state of each instrument in the person's own order; ``days`` spares adding up
    what was added up a moment before.
    """
    days = days or Days()
    among = None if spec.among is None else frozenset(spec.among)
    wanted = [one for one in told if among is None or one[0].instrument.address in among]
    rows = [
        watch_row(market, shown, spec, now, place, days)
        for place, (market, shown) in enumerate(wanted, 1)
        if fits(spec.words, market.instrument.address)
    ]
    spec, rows = arrange(rows, spec, now)
    return spec, WatchFrame(rows, len(wanted))


def fits(words: str, address: str) -> bool:
    """Return whether an address holds every word; case and separators do not count."""
    folded = address.casefold()
    bare = folded.translate(_BARE)
    return all(word in folded or word.translate(_BARE) in bare for word in words.casefold().split())


def arrange(rows: Sequence[WatchRow], spec: WatchSpec, now: float) -> tuple[WatchSpec, list[WatchRow]]:
    """Return rows in the spec's order; one settled lately still holds, unless other rows are asked for."""
    if spec.sort is None:
        return spec, list(rows)
    by_address = {row.address: row for row in rows}
    is_held = spec.sorted_at is not None and now - spec.sorted_at < RESORT_S
    if not (is_held and by_address.keys() == set(spec.order)):
        order = tuple(row.address for row in _sorted(rows, spec.sort, spec.reverse))
        spec = msgspec.structs.replace(spec, order=order, sorted_at=now)
    return spec, [by_address[address] for address in spec.order]


def _sorted(rows: Sequence[WatchRow], sort: WatchSort, is_reversed: bool) -> list[WatchRow]:
    """Return rows by a column, those without a value last; equals stay in their own order."""
    of, is_falling = _KEYS[sort]
    known = [(value, row) for row in rows if (value := of(row)) is not None]
    sign = -1 if is_falling != is_reversed else 1
    if sort == "symbol":
        ordered = sorted(known, key=lambda one: one[1].symbol.casefold(), reverse=sign < 0)
    else:
        ordered = sorted(known, key=lambda one: sign * one[0])
    return [row for _, row in ordered] + [row for row in rows if of(row) is None]


_KEYS: Final[dict[WatchSort, tuple[Callable[[WatchRow], float | None], bool]]] = {
    "change": (lambda row: row.change, True),
    "volume": (lambda row: row.volume, True),
    "pace": (lambda row: row.pace, True),
    "spread": (lambda row: row.spread_bps, False),
    "last": (lambda row: row.last, True),
    "symbol": (lambda row: 0.0, False),
    "age": (lambda row: row.shown.age, False),
}
"""What each column sorts by, and whether the greatest stands first."""


def watch_row(
    market: Market | Quote, shown: Shown, spec: WatchSpec, now: float, place: int, days: Days
) -> WatchRow:
    """Return an instrument's line of the watchlist; the light tier knows no open."""
    instrument, (bid, ask) = market.instrument, market.bbo()
    pace: float | None = None
    if isinstance(market, Quote):
        last = None if market.last is None else market.last.price
        spark = [close for _, close in market.closes][-spec.spark :]
        change, direction = change_of(last, None, market.previous_close), 0
        volume: float | None = market.volume or None
        digits = 0 if last is None else decimals(last)
        spread = None
    else:
        market.fold()
        day = days.of(market, now)
        sums, spark = day.sums, day.closes[-spec.spark :]
        last = None if market.tape.last is None else market.tape.last.price
        change = change_of(last, sums.open, market.previous_close)
        direction = market.tape.direction
        volume, digits = sums.volume, market.price_digits
        pace = market.tape.pace(now).trades_ratio
        is_true = market.book is not None and market.book.step is None
        spread = _spread_bps(bid, ask) if is_true else None
    return WatchRow(
        address=instrument.address,
        symbol=instrument.symbol,
        provider=instrument.provider,
        shown=shown,
        last=last,
        direction=direction,
        change=change,
        bid=bid,
        ask=ask,
        volume=volume,
        digits=digits,
        spark=spark,
        spread_bps=spread,
        pace=pace,
        place=place,
    )


def _spread_bps(bid: float | None, ask: float | None) -> float | None:
    """Return the spread in parts of ten thousand of the mid, None without two sides."""
    if bid is None or ask is None or bid + ask <= 0:
        return None
    return round((ask - bid) / ((ask + bid) / 2) * 1e4, 2)
