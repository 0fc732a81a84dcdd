"""Trades by column are the same trades, one by one and in every sum."""

import sys
from array import array
from collections import deque
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdterm.feeds.burst import burst_of, joined
from mdterm.feeds.events import Side, Trade
from mdterm.feeds.intervals import FLOW_WINDOWS
from mdterm.feeds.market import Market
from mdterm.feeds.roll import Roll
from tests.feeds.support import ADDRESS, NOW_NS, instrument

MS = 1_000_000
MOVES = st.tuples(
    st.sampled_from((0, 1, 40, 130, 1_500, 70_000, -60)),  # ms since the trade before
    st.integers(-3, 3),  # ticks
    st.integers(1, 500),  # size in thousandths
    st.sampled_from(("buy", "sell")),
)


def made(moves: Sequence[tuple[int, int, int, Side]]) -> list[Trade]:
    """Return trades that follow each other."""
    trades: list[Trade] = []
    ts, tick = NOW_NS, 900_000
    for number, (later, ticks, size, side) in enumerate(moves):
        ts, tick = ts + later * MS, tick + ticks
        trades.append(Trade(ADDRESS, ts, ts + 5 * MS, str(100_000 + number), tick / 10, size / 1000, side))
    return trades


def test_a_burst_is_read_as_a_list_of_trades_is() -> None:
    trades = made([(1, 1, 5, "buy"), (0, 0, 7, "sell"), (40, -1, 9, "buy")])
    burst = burst_of(trades)
    assert burst is not None
    assert burst == trades
    assert trades == burst
    assert burst == burst.packed()
    assert burst != trades[:2]
    assert burst != "trades"
    assert (burst[0], burst[-1], len(burst)) == (trades[0], trades[2], 3)
    assert burst[1:] == trades[1:]
    with pytest.raises(IndexError):
        burst[3]
    whole = joined([burst, burst])
    assert whole is not None
    assert list(whole) == trades * 2
    assert joined([burst]) is burst


def test_ids_of_different_widths_are_not_joined() -> None:
    short, long = made([(0, 0, 1, "buy")]), made([(0, 0, 1, "buy")])
    long = [Trade(ADDRESS, long[0].ts, long[0].seen, "1000000", 1.0, 1.0, "buy")]
    bursts = [burst_of(short), burst_of(long)]
    assert bursts[0] is not None
    assert bursts[1] is not None
    assert joined([bursts[0], bursts[1]]) is None
    assert burst_of(short + long) is None


def test_trades_without_ids_have_none() -> None:
    trades = [Trade(ADDRESS, NOW_NS, NOW_NS, None, 1.0, 2.0, "sell")] * 3
    burst = burst_of(trades)
    assert burst is not None
    assert (burst[0], list(burst)) == (trades[0], trades)


@pytest.mark.parametrize("lack", ["ts", "size", "side", "turnover", "id"])
def test_what_does_not_fit_in_is_no_burst(lack: str) -> None:
    fields: dict[str, object] = dict(
        zip(Trade.__struct_fields__, ("a:b", 1, 2, "3", 4.0, 5.0, "buy", None), strict=True)
    )
    fields[lack] = 6.0 if lack == "turnover" else None
    whole = Trade("a:b", 1, 2, "3", 4.0, 5.0, "buy")
    assert burst_of([whole, Trade(**fields)]) is None  # type: ignore[arg-type]  # of one field each


def test_a_packed_trade_takes_little_room() -> None:
    """As events they would take 250 bytes each."""
    trades = made([(1, 1, 5, "buy")] * 1_000)
    burst = burst_of(trades)
    assert burst is not None
    packed = burst.packed()
    for column in (packed.times, packed.prices, packed.sizes):
        assert isinstance(column, array)
    room = sum(map(sys.getsizeof, (packed.times, packed.prices, packed.sizes, packed.sides, packed.ids)))
    assert room < 50 * 1_000


def figures(market: Market) -> list[object]:
    """Return all that is told of trades but the order of equal sums."""
    market.fold()
    flow, store = market.flow, market.candles
    assert flow is not None
    span = flow.span()
    assert span is not None
    columns = [
        [[round(size, 6) for size in side] for side in found]
        for window in (*FLOW_WINDOWS, None)
        if (found := flow.column(window, span[1] + 2, span[1] - span[0] + 5, flow.tick)) is not None
    ]

    def rounded(candles: Sequence[object]) -> list[object]:
        fields = [[getattr(one, name) for name in one.__struct_fields__] for one in candles]  # type: ignore[attr-defined]  # structs
        return [[round(value, 6) if isinstance(value, float) else value for value in row] for row in fields]

    bars = [rounded(store.candles(interval, 1_000)) for interval in ("1s", "1m")]
    ticks = rounded([bar.candle("", "", False) for bar in market.ticks.series("100t").last(99)])
    prints = market.tape.prints(1)
    tape = [
        (one.first, one.ts, one.price, one.count) for one in (*prints.closed, prints.open) if one is not None
    ]
    totals = (market.trade_count, round(market.tape.volume, 6), market.tape.last, market.tape.direction)
    return [columns, bars, ticks, tape, totals]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(MOVES, min_size=1, max_size=150),
    st.lists(st.tuples(st.integers(1, 60), st.sampled_from(("burst", "events", "look", "wait"))), min_size=1),
)
def test_a_market_counts_bursts_as_it_counts_events(
    moves: list[tuple[int, int, int, Side]], cuts: list[tuple[int, str]]
) -> None:
    """However they come, whoever looks meanwhile: sums, bars, tape and totals are the same."""
    trades = made(moves)
    plain, other = Market(instrument(tick=0.1)), Market(instrument(tick=0.1))
    at = turn = 0
    while at < len(trades):
        count, how = cuts[turn % len(cuts)]
        turn += 1
        run = trades[at : at + count]
        at += count
        plain.apply(run)
        burst = None if how == "events" else burst_of(run)
        other.apply(run if burst is None else burst)
        assert other.trade_count == plain.trade_count
        if how == "look":
            assert figures(other) == figures(plain)
        elif how != "wait":
            plain.fold()
            other.fold()
    assert figures(other) == figures(plain)


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 5)), max_size=40),
    st.integers(1, 30),
    st.integers(1, 30),
)
def test_a_roll_keeps_what_a_queue_would(runs: list[tuple[int, int]], most: int, calm: int) -> None:
    calm = min(calm, most)
    roll, queue = Roll(most, calm), deque[Trade](maxlen=most)
    now = NOW_NS
    for count, later in runs:
        now += later * MS
        trades = [Trade(ADDRESS, now, now, str(at), 1.0, 1.0, "buy") for at in range(count)]
        roll.add(burst_of(trades) or trades)
        queue.extend(trades)
        roll.forget(now - 4 * MS)
        while len(queue) > calm and queue[0].seen < now - 4 * MS:
            queue.popleft()
        assert list(roll) == list(queue)
        assert len(roll) == len(queue)


def test_what_is_told_once_more_leaves_the_roll() -> None:
    roll = Roll(9, 9)
    trades = made([(1, 0, 1, "buy")] * 5)
    roll.add(trades[:3])
    roll.add(trades[3:])
    assert trades[2].ts is not None
    roll.rejoin(trades[2].ts)
    assert list(roll) == trades[:2]
    roll.rejoin(0)
    assert (list(roll), len(roll)) == ([], 0)
