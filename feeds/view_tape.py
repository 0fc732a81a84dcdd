"""The tape as a panel shows it: filtered, held, scrolled back, joined, with the liquidations between."""

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from mdterm.feeds.account import Fill
from mdterm.feeds.frames import TapeFrame, TapeRow
from mdterm.feeds.market import Market
from mdterm.feeds.prints import NS_PER_MS, Filter, Print, Prints
from mdterm.feeds.specs import TapeSpec
from mdterm.feeds.tape import Forced, Tape

Fills = Mapping[int, Sequence[Fill]]
"""Own fills by venue time in ms."""
_FINE = 10.0
"""A least trade worth less than this, in the quote currency, is told with cents."""


def tape_view(market: Market, spec: TapeSpec, now: float, fills: Fills = MappingProxyType({})) -> TapeFrame:
    """Return the newest prints that pass the filter, newest first, and the sums over all trades."""
    sums = market.sums()
    tape = market.tape
    prints = tape.prints(spec.join_ms)
    only = None if spec.min_size is None else Filter(spec.min_size, spec.min_in_quote)
    passing = prints.passing(only)
    hold = tape.trades if spec.hold is None else spec.hold
    shown = _Shown(prints, passing, only, hold)
    back = min(spec.back, max(0, shown.count - max(1, spec.rows // 2)))
    rows = [
        _liquidation(one, spec) if isinstance(one, Forced) else _row(one, spec, fills)
        for one in _interleave(shown, back, spec, tape, only)
    ]
    speed = tape.pace(now)
    median, largest = prints.limits()
    last = None if tape.last is None else tape.last.price
    since = spec.biggest_since
    biggest = None if since is None else prints.biggest(since)
    volume_pace = speed.volume * last if spec.quote and last is not None else speed.volume
    return TapeFrame(
        address=market.instrument.address,
        rows=rows,
        digits=market.price_digits,
        size_digits=_size_digits(market, last) if spec.quote else market.size_digits,
        trades=market.trade_count,
        newest=tape.trades,
        waiting=shown.waiting,
        pace=speed.trades,
        cvd=sums.cvd,
        since=sums.since,
        unreliable_since=sums.unreliable_since,
        min_size=spec.min_size,
        pace_ratio=speed.trades_ratio,
        volume_pace=volume_pace,
        volume_ratio=speed.volume_ratio,
        quote=spec.quote,
        join_ms=spec.join_ms,
        back=back,
        is_end=shown.count - back <= spec.rows,
        is_waiting_least=shown.is_waiting_least,
        biggest=None if biggest is None else _row(biggest, spec, fills),
        median=median,
        largest=largest,
        last_price=last,
        min_in_quote=spec.min_in_quote,
        cvd_digits=market.size_digits,
    )


class _Shown:
    """The prints up to a hold, without copying them: number 0 is the newest of them."""

    def __init__(self, prints: Prints, passing: deque[Print], only: Filter | None, hold: int) -> None:
        self._closed = passing
        self._until = bisect_right(passing, hold, key=lambda one: one.first)
        newest = (
            prints.open if prints.open is not None and (only is None or only.passes(prints.open)) else None
        )
        self._open = newest if newest is not None and newest.first <= hold else None
        self.count = self._until + (self._open is not None)
        self.waiting = len(passing) - self._until + (newest is not None and self._open is None)
        kept = prints.closed
        self.is_waiting_least = bool(self.waiting and not self._until and kept and kept[0].first > hold + 1)

    def __getitem__(self, number: int) -> Print:
        if self._open is not None:
            if number == 0:
                return self._open
            number -= 1
        return self._closed[self._until - 1 - number]


def _interleave(
    shown: _Shown, back: int, spec: TapeSpec, tape: Tape, only: Filter | None
) -> Iterator[Print | Forced]:
    """Give at most ``rows`` prints and liquidations, newest first, from ``back`` prints before the hold."""
    above = shown[back - 1].first if back else None
    forced = (
        one
        for one in reversed(tape.liquidations)
        if (above is None or one.after < above) and (spec.hold is None or one.after <= spec.hold)
    )
    room, at = spec.rows, back
    one = next(forced, None)
    while room > 0:
        printed = shown[at] if at < shown.count else None
        if one is not None and (printed is None or one.after >= printed.first):
            if _is_told(one, only):
                yield one
                room -= 1
            one = next(forced, None)
        elif printed is not None:
            yield printed
            at += 1
            room -= 1
        else:
            return


def _is_told(forced: Forced, only: Filter | None) -> bool:
    event = forced.event
    return only is None or event.size * (event.price if only.quote else 1.0) >= only.least


def _row(one: Print, spec: TapeSpec, fills: Fills) -> TapeRow:
    size = one.turnover if spec.quote else one.size
    own = bool(fills) and _is_own(one, fills)
    return TapeRow(one.ts, one.price, size, one.side, one.count, one.first_price, one.grade, own)


def _is_own(one: Print, fills: Fills) -> bool:
    """Return whether a fill belongs to a print: by its millisecond, and its price within the print's."""
    begin, end = one.ts // NS_PER_MS, one.last_ts // NS_PER_MS
    dust = one.high * 1e-9
    return any(
        fill.price is not None and one.low - dust <= float(fill.price) <= one.high + dust
        for ms in range(begin, end + 1)
        for fill in fills.get(ms, ())
    )


def _liquidation(forced: Forced, spec: TapeSpec) -> TapeRow:
    event = forced.event
    ts = event.seen if event.ts is None else event.ts
    size = event.size * event.price if spec.quote else event.size
    return TapeRow(ts, event.price, size, None, 1, is_forced=True, position=event.position)


def _size_digits(market: Market, last: float | None) -> int:
    """Return the decimals of a turnover: none where the least trade is worth much."""
    least = (last or 0.0) * 10.0**-market.size_digits
    return 0 if least >= _FINE else 2
