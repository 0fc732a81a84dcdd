"""The tape as a panel shows it: filtered, held, joined."""

from itertools import islice

from mdterm.feeds.frames import TapeFrame, TapeRow, TapeSpec
from mdterm.feeds.market import Market


def tape_view(market: Market, spec: TapeSpec, now: float) -> TapeFrame:
    """Return the newest prints that pass the filter, newest first, and the sums over all trades."""
    sums = market.sums()
    tape = market.tape
    rows: list[TapeRow] = []
    hold = spec.hold
    for one in reversed(tape.prints):
        if hold is not None and one.number > hold:
            continue
        if spec.min_size is not None and (one.size is None or one.size < spec.min_size):
            continue
        rows.append(TapeRow(one.ts, one.price, one.size, one.side, one.count))
        if len(rows) >= spec.rows:
            break
    waiting = 0
    if hold is not None:
        fresh = islice(reversed(tape.prints), max(0, tape.printed - hold))
        waiting = sum(
            1 for p in fresh if spec.min_size is None or (p.size is not None and p.size >= spec.min_size)
        )
    return TapeFrame(
        address=market.instrument.address,
        rows=rows,
        digits=market.price_digits,
        size_digits=market.size_digits,
        trades=market.trade_count,
        newest=tape.printed,
        waiting=waiting,
        pace=tape.pace(now),
        cvd=sums.cvd,
        since=sums.since,
        unreliable_since=sums.unreliable_since,
        min_size=spec.min_size,
    )
