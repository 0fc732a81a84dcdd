"""The tape joins and counts as a plain recomputation over all trades does."""

from collections.abc import Sequence
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.events import Side, Trade
from mdterm.feeds.market import Market, Quote
from mdterm.feeds.tape import Tape
from tests.feeds.support import NOW_NS, instrument, trade

MS = 1_000_000
SIDES: list[Side | None] = ["buy", "sell", None]
# Quarters add up exactly in any order.
TRADES = st.lists(
    st.builds(
        trade,
        price=st.integers(1, 40).map(lambda n: n / 4),
        size=st.none() | st.integers(0, 40).map(lambda n: n / 4),
        side=st.sampled_from(SIDES),
        ts=st.none() | st.integers(0, 5_000_000).map(lambda ns: NOW_NS + ns),
        seen=st.integers(0, 5_000_000).map(lambda ns: NOW_NS + 9 * MS + ns),
    ),
    max_size=80,
)


def time_of(one: Trade) -> int:
    return one.seen if one.ts is None else one.ts


def joined(trades: Sequence[Trade]) -> list[tuple[object, ...]]:
    """Join trades of one side and one millisecond that came one after another, plainly."""
    rows: list[tuple[object, ...]] = []
    for (side, _), group in groupby(trades, lambda one: (one.side, time_of(one) // MS)):
        inside = list(group)
        sizes = [one.size for one in inside if one.size is not None]
        rows.append(
            (
                len(rows) + 1,
                time_of(inside[0]),
                inside[-1].price,
                sum(sizes) if sizes else None,
                side,
                len(inside),
                inside[0].price,
                inside[-1].seen,
            )
        )
    return rows


def batches(trades: Sequence[Trade], cuts: Sequence[int]) -> list[list[Trade]]:
    """Cut trades into runs at the places given."""
    at = [0, *sorted(cut % (len(trades) + 1) for cut in cuts), len(trades)]
    return [list(trades[begin:end]) for begin, end in pairwise(at) if begin < end]


@given(TRADES, st.lists(st.integers(0, 80), max_size=6))
def test_prints_equal_a_plain_join_however_the_trades_arrive(trades: list[Trade], cuts: list[int]) -> None:
    tape = Tape()
    for batch in batches(trades, cuts):
        tape.fold(batch)
    rows = [(p.number, p.ts, p.price, p.size, p.side, p.count, p.first_price, p.seen) for p in tape.prints]
    assert rows == joined(trades)
    assert tape.printed == len(rows)
    assert tape.trades == len(trades) == sum(one.count for one in tape.prints)
    assert tape.last == (trades[-1] if trades else None)


@given(TRADES)
def test_the_direction_is_that_of_the_last_change(trades: list[Trade]) -> None:
    tape = Tape()
    tape.fold(trades)
    prices = [one.price for one in trades]
    ticks = [b - a for a, b in pairwise(prices) if a != b]
    assert tape.direction == (0 if not ticks else 1 if ticks[-1] > 0 else -1)


def test_the_tape_is_bounded_and_its_count_is_not() -> None:
    tape = Tape(keep=10)
    tape.fold([trade(ts=NOW_NS + number * MS) for number in range(1000)])
    assert [one.number for one in tape.prints] == list(range(991, 1001))
    assert (tape.printed, tape.trades) == (1000, 1000)


def test_the_pace_is_that_of_the_last_seconds() -> None:
    tape = Tape()
    assert tape.pace(0.0) == 0.0
    for second in range(1, 31):
        tape.fold([trade(ts=NOW_NS + second * MS)] * 20)
        assert tape.pace(float(second)) == 20.0
    assert tape.pace(30.1) == pytest.approx(100 / 5, abs=5)
    for second in range(31, 40):
        tape.pace(float(second))
    assert tape.pace(40.0) == 0.0


# --- the count, through both tiers of the market ------------------------------------------------------


@given(TRADES, st.lists(st.integers(0, 80), max_size=6), st.sets(st.integers(0, 6)))
def test_the_count_is_exact_at_every_moment(trades: list[Trade], cuts: list[int], looks: set[int]) -> None:
    market, quote = Market(instrument()), Quote(instrument())
    received = 0
    for number, batch in enumerate(batches(trades, cuts)):
        market.apply(batch)
        quote.apply(batch)
        received += len(batch)
        if number in looks:
            market.fold()
        assert market.trade_count == quote.trade_count == received
    market.fold()
    assert market.tape.trades == len(trades)


def test_a_burst_of_any_length_is_counted() -> None:
    market = Market(instrument())
    for _ in range(7):
        market.apply([trade()] * 1001)
        market.apply([trade()])
    assert market.trade_count == 7 * 1002
    assert market.tape.trades + 511 >= 7 * 1002, "what is not folded yet is bounded"
    market.fold()
    assert market.tape.trades == 7 * 1002


@given(TRADES.filter(bool))
def test_a_quotes_day_is_that_of_its_trades(trades: list[Trade]) -> None:
    quote = Quote(instrument())
    quote.apply(trades)
    assert quote.last == trades[-1]
    assert quote.high == max(one.price for one in trades)
    assert quote.low == min(one.price for one in trades)
    assert quote.volume == sum(one.size or 0.0 for one in trades)
    assert list(quote.closes) == [(NOW_NS // (60_000 * MS), trades[-1].price)]


def test_a_quotes_day_begins_anew_and_late_trades_belong_to_none() -> None:
    quote, day = Quote(instrument()), 86_400_000 * MS
    quote.apply([trade(10.0, 5.0)])
    quote.apply([trade(8.0, 1.0, ts=NOW_NS + day), trade(20.0, 7.0, ts=NOW_NS)])
    assert (quote.high, quote.low, quote.volume) == (8.0, 8.0, 1.0)
    assert quote.trade_count == 3


def test_a_quote_keeps_sixty_minutes() -> None:
    quote = Quote(instrument())
    quote.apply([trade(float(minute + 1), ts=NOW_NS + minute * 60_000 * MS) for minute in range(100)])
    assert [close for _, close in quote.closes] == [float(price) for price in range(41, 101)]
