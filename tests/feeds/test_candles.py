"""Bars equal those of the sorted tape, whatever the order in which trades and backfills come."""

from collections.abc import Iterable, Sequence
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdterm.feeds.candles import SECOND_BARS, CandleStore, sums_of
from mdterm.feeds.events import Candle, Side, Trade, TradeAgg
from mdterm.feeds.intervals import DAY, HOUR, LENGTHS, MINUTE, SECOND, Session, bucket_start

START = 1_723_161_540 * SECOND  # 2024-08-08 23:59:00 UTC: one minute before a day ends
ADDRESS = "kiyotaka:BINANCE_FUTURES:BTCUSDT"
Figures = tuple[int, float, float, float, float, float | None, float | None, float | None]


def trade(at: float, price: float, size: float | None = 1.0, side: Side | None = "buy") -> Trade:
    """Return a trade ``at`` seconds after the start."""
    ts = START + round(at * 1e9)
    return Trade(ADDRESS, ts, ts + 5_000_000, None, price, size, side)


def figures(candle: Candle) -> Figures:
    """Return what a bar tells, without when it was seen."""
    c = candle
    return (c.open_ts, c.open, c.high, c.low, c.close, c.volume, c.buy, c.sell)


def bars(trades: Iterable[Trade], interval: str) -> list[Figures]:
    """Cut a tape into bars, plainly: sort it by venue time, earlier arrivals first."""
    out: list[Figures] = []
    tape = sorted(trades, key=lambda one: one.ts or 0)
    for start, group in groupby(tape, lambda one: bucket_start(one.ts or 0, interval)):
        inside = list(group)
        prices = [one.price for one in inside]
        buy = sum(one.size or 0.0 for one in inside if one.side == "buy")
        sell = sum(one.size or 0.0 for one in inside if one.side == "sell")
        volume = sum(one.size or 0.0 for one in inside)
        out.append((start, prices[0], max(prices), min(prices), prices[-1], volume, buy, sell))
    return out


def told(trades: Sequence[Trade], interval: str = "1m", seen: int = 0) -> list[Candle]:
    """Return what the provider's REST would tell of a tape: all but the newest bar closed."""
    out = []
    for bar in bars(trades, interval):
        inside = [one.ts or 0 for one in trades if bucket_start(one.ts or 0, interval) == bar[0]]
        out.append(
            Candle(
                ADDRESS, max(inside), seen, interval, *bar[:6], True, bar[6], bar[7], min(inside), max(inside)
            )
        )
    newest = out[-1]
    values = {name: getattr(newest, name) for name in newest.__struct_fields__}
    return [*out[:-1], Candle(**{**values, "closed": False})]


# Eighths and halves add up exactly in any order, so that sums can be compared with ==.
sizes = st.integers(1, 80).map(lambda n: n / 8)
prices = st.integers(-40, 40).map(lambda n: 100 + n / 2)
sides: st.SearchStrategy[Side] = st.sampled_from(["buy", "sell"])


@st.composite
def tapes(draw: st.DrawFn, longest: float, most: int = 60) -> list[Trade]:
    """Draw trades of ascending venue time over at most ``longest`` seconds; some share one."""
    times = sorted(draw(st.lists(st.integers(0, int(longest * 10)), min_size=2, max_size=most)))
    return [trade(at / 10, draw(prices), draw(sizes), draw(sides)) for at in times]


@given(tapes(3 * 3600), st.data())
@settings(max_examples=120, deadline=None, database=None)
def test_any_order_of_late_doubled_and_missing_trades(tape: list[Trade], data: st.DataObject) -> None:
    arrivals = data.draw(st.permutations(range(len(tape))))
    again = data.draw(st.lists(st.sampled_from(range(len(tape))), max_size=10))
    lost = data.draw(st.sets(st.sampled_from(range(len(tape))), max_size=10))
    # What came twice is known by its id above the store.
    order = [at for at in dict.fromkeys([*arrivals, *again]) if at not in lost]
    received = [tape[at] for at in order]
    asked = data.draw(st.lists(st.sampled_from(list(LENGTHS)), min_size=1, max_size=3))
    store = CandleStore(ADDRESS)
    versions = dict.fromkeys(asked, 0)
    kept: dict[str, dict[int, Figures]] = {name: {} for name in asked}
    at = 0
    while at < len(received):
        size = data.draw(st.integers(1, 20))
        store.fold(received[at : at + size])
        at += size
        for name in asked:
            versions[name], changed = store.changed(name, versions[name])
            kept[name].update({one.open_ts: figures(one) for one in changed})
    for name in LENGTHS:
        assert [figures(one) for one in store.candles(name, 5000)] == bars(received, name), name
    for name in asked:
        assert sorted(kept[name].values()) == bars(received, name), name


@given(tapes(8 * 60), st.data())
@settings(max_examples=150, deadline=None, database=None)
def test_a_backfill_may_come_at_any_time(tape: list[Trade], data: st.DataObject) -> None:
    """Joined at any trade, asked at any time after, answered before or after any live trade."""
    joined = data.draw(st.integers(0, len(tape) - 1))
    live = shuffled_a_little(tape[joined:], data)
    answers = []
    for _ in range(data.draw(st.integers(1, 3))):
        cut = data.draw(st.integers(joined, len(tape) - 1))
        told_until = tape[cut].ts or 0
        snapshot = told([one for one in tape if (one.ts or 0) <= told_until])
        answers.append((data.draw(st.integers(0, len(live))), snapshot))
    store = CandleStore(ADDRESS)
    for at, one in enumerate(live):
        merge(store, answers, at)
        store.fold([one])
    merge(store, answers, len(live))
    # Trades of one venue time on both sides of the join may come in another order than they were made in.
    for name in ("1m", "5m", "1h"):
        assert same(store.candles(name, 100), tape, name)
    assert not store.gaps.current


@given(tapes(8 * 60), st.data())
@settings(max_examples=150, deadline=None, database=None)
def test_a_gap_is_flagged_and_mended_by_a_backfill(tape: list[Trade], data: st.DataObject) -> None:
    lost_at = data.draw(st.integers(1, len(tape) - 1))
    back_at = data.draw(st.integers(lost_at, len(tape) - 1))
    before = (tape[lost_at - 1].ts or 0, tape[back_at].ts or 0)
    cut = data.draw(st.integers(back_at, len(tape) - 1))
    told_until = tape[cut].ts or 0
    snapshot = told([one for one in tape if (one.ts or 0) <= told_until])
    live = tape[back_at:]
    answered = data.draw(st.integers(0, len(live)))
    store = CandleStore(ADDRESS)
    store.fold(tape[:lost_at])
    store.interrupted()
    assert store.gaps.current == [(before[0], None)]
    for at, one in enumerate(live):
        merge(store, [(answered, snapshot)], at)
        store.fold([one])
    merge(store, [(answered, snapshot)], len(live))
    for name in ("1m", "5m", "1h"):
        assert same(store.candles(name, 100), tape, name)
    if before[0] == before[1]:
        return
    # An answer that came before the first trade after the gap says so only together with that trade.
    store.merge(snapshot)
    assert not [gap for gap in store.gaps.current if gap[1] is not None]


def shuffled_a_little(tape: list[Trade], data: st.DataObject) -> list[Trade]:
    """Let some trades come late by up to four places."""
    late = [at + data.draw(st.sampled_from([0, 0, 0, 4.5])) for at in range(len(tape))]
    return [tape[at] for at in sorted(range(len(tape)), key=lambda at: late[at])]


def merge(store: CandleStore, answers: list[tuple[int, list[Candle]]], at: int) -> None:
    """Give the store the answers that come before live trade ``at``."""
    for when, snapshot in answers:
        if when == at:
            store.merge(snapshot, since=START - 59 * MINUTE)


def same(candles: list[Candle], tape: list[Trade], interval: str) -> bool:
    """Whether bars tell the tape; open and close may be any of the trades that share first or last time."""
    expected = bars(tape, interval)
    if len(candles) != len(expected):
        return False
    for candle, bar in zip(candles, expected, strict=True):
        inside = [one for one in tape if bucket_start(one.ts or 0, interval) == bar[0]]
        first, last = inside[0].ts, inside[-1].ts
        got = figures(candle)
        if got[0] != bar[0] or got[2:4] != bar[2:4] or got[5:] != bar[5:]:
            return False
        if candle.open not in {one.price for one in inside if one.ts == first}:
            return False
        if candle.close not in {one.price for one in inside if one.ts == last}:
            return False
    return True


def test_late_trades_go_into_their_own_bar() -> None:
    store = CandleStore(ADDRESS)
    store.fold([trade(10, 100.0), trade(70, 105.0, 2.0, "sell")])
    store.fold([trade(50, 90.0), trade(5, 80.0)])
    first, second = store.candles("1m", 10)
    assert (first.open, first.high, first.low, first.close, first.volume) == (80.0, 100.0, 80.0, 90.0, 3.0)
    assert (first.closed, first.ts, first.buy, first.sell) == (True, START + 50 * SECOND, 3.0, 0.0)
    assert (second.open_ts, second.closed, second.buy, second.sell) == (START + MINUTE, False, 0.0, 2.0)


def test_trades_of_one_time_follow_their_arrival() -> None:
    store = CandleStore(ADDRESS)
    store.fold([trade(1, 100.0), trade(1, 101.0)])
    store.fold([trade(1, 102.0)])
    (bar,) = store.candles("1m", 1)
    assert (bar.open, bar.close) == (100.0, 102.0)


def test_a_time_that_is_not_told_makes_no_bar() -> None:
    store = CandleStore(ADDRESS)
    store.fold([Trade(ADDRESS, None, 1, None, 100.0, 1.0, "buy")])
    assert store.candles("1m", 10) == []


def test_unknown_sizes_are_not_zero() -> None:
    store = CandleStore(ADDRESS)
    store.fold([trade(1, 100.0, None, None), trade(2, 101.0, None, None)])
    (bar,) = store.candles("1m", 1)
    assert (bar.volume, bar.buy, bar.sell) == (None, None, None)
    assert (bar.open, bar.close) == (100.0, 101.0)


def test_without_aggressors_there_is_volume_and_no_split() -> None:
    store = CandleStore(ADDRESS)
    store.fold([trade(1, 100.0, 2.0, None)])
    assert (store.candles("1m", 1)[0].volume, store.candles("1m", 1)[0].buy) == (2.0, None)
    store.fold([trade(2, 100.0, 1.0, "buy")])
    assert (store.candles("1m", 1)[0].volume, store.candles("1m", 1)[0].buy) == (3.0, 1.0)


def test_minutes_without_trades_are_not_there() -> None:
    store = CandleStore(ADDRESS)
    store.fold([trade(1, 100.0), trade(601, 101.0)])
    assert [one.open_ts for one in store.candles("1m", 10)] == [START, START + 10 * MINUTE]


def test_changes_come_oldest_first_then_the_newest_and_once_more_closed() -> None:
    store = CandleStore(ADDRESS)
    store.merge(told([trade(-130, 90.0), trade(-70, 91.0), trade(2, 99.0)]))
    version, changed = store.changed("1m")
    assert [(one.open_ts - START, one.closed) for one in changed] == [
        (-3 * MINUTE, True),
        (-2 * MINUTE, True),
        (0, False),
    ]
    assert store.changed("1m", version) == (version, [])
    store.fold([trade(10, 100.0)])
    version, changed = store.changed("1m", version)
    assert [(one.open_ts - START, one.closed, one.volume) for one in changed] == [(0, False, 2.0)]
    store.fold([trade(20, 101.0)])
    version, changed = store.changed("1m", version)
    assert [(one.close, one.closed) for one in changed] == [(101.0, False)]
    store.fold([trade(59, 102.0), trade(61, 103.0)])
    version, changed = store.changed("1m", version)
    assert [(one.close, one.closed) for one in changed] == [(102.0, True), (103.0, False)]
    store.fold([trade(130, 104.0)])  # the bar before is unchanged, yet it is closed now
    version, changed = store.changed("1m", version)
    assert [(one.close, one.closed) for one in changed] == [(103.0, True), (104.0, False)]
    store.fold([trade(58, 50.0)])  # late: a correction
    version, changed = store.changed("1m", version)
    assert [(one.low, one.closed) for one in changed] == [(50.0, True)]


def test_a_longer_interval_closes_its_bar_once_more_too() -> None:
    store = CandleStore(ADDRESS)
    store.fold([trade(1, 100.0)])
    version, _ = store.changed("5m")
    store.fold([trade(61, 101.0)])
    version, changed = store.changed("5m", version)
    assert [(one.open_ts - START, one.closed) for one in changed] == [(-4 * MINUTE, True), (MINUTE, False)]


def test_what_the_provider_tells_again_is_no_change() -> None:
    tape = [trade(at, 100.0 + at) for at in range(0, 300, 7)]
    store = CandleStore(ADDRESS)
    store.merge(told(tape, seen=1))
    version = store.version("1m")
    assert not store.merge(told(tape, seen=2))
    assert store.version("1m") == version


def test_the_providers_closed_bar_stands_before_ours() -> None:
    store = CandleStore(ADDRESS)
    store.fold([trade(at, 100.0) for at in range(0, 130, 10)])
    true = told([trade(at, 100.0 + at) for at in range(0, 130, 5)])
    assert store.merge(true)
    assert figures(store.candles("1m", 3)[0]) == figures(true[0])
    store.fold([trade(59.9, 999.0)])
    assert figures(store.candles("1m", 3)[0]) == figures(true[0])


def test_a_bar_without_a_last_time_leaves_a_minute_alone_that_was_seen_whole() -> None:
    store = CandleStore(ADDRESS)
    store.fold([trade(30, 100.0), trade(65, 101.0), trade(66, 102.0)])
    first = Candle(ADDRESS, None, 0, "1m", START, 90.0, 103.0, 89.0, 100.5, 7.0, False)
    store.merge([first])  # we joined in the middle of this minute
    assert store.candles("1m", 2)[0].open == 90.0
    second = Candle(ADDRESS, None, 0, "1m", START + MINUTE, 101.0, 101.0, 101.0, 101.0, 1.0, False)
    store.merge([second])
    assert store.candles("1m", 1)[0].volume == 2.0


def test_bars_that_stream_need_no_trades() -> None:
    store = CandleStore(ADDRESS)
    for minute, closes in enumerate([(100.0, 101.0), (102.0, 103.0)]):
        for close in closes:
            at = START + minute * MINUTE
            store.merge([Candle(ADDRESS, None, 0, "1m", at, 100.0, 110.0, 90.0, close, 5.0, False)])
    assert [(one.close, one.closed) for one in store.candles("1m", 5)] == [(101.0, True), (103.0, False)]
    assert [one.close for one in store.candles("1h", 5)] == [103.0]  # the hour before is cut


def test_old_bars_of_the_provider_join_sums_of_our_own() -> None:
    """Hours of the provider before the minutes that are known; the cut hour is its own."""
    tape = [trade(60 + at * 600, 100.0 + at, 1.0) for at in range(36)]  # six hours from midnight
    minutes = told([one for one in tape if (one.ts or 0) >= START + MINUTE + 4 * HOUR + 30 * MINUTE])
    store = CandleStore(ADDRESS)
    store.merge(minutes)
    assert [one.open_ts for one in store.candles("1h", 10)] == [START + MINUTE + 5 * HOUR]
    store.merge(told(tape, "1h"))
    assert [figures(one) for one in store.candles("1h", 10)] == bars(tape, "1h")
    assert [figures(one) for one in store.candles("1d", 10)] == bars(tape, "1d")
    sums = store.sums()
    assert sums is not None
    assert sums.complete


def test_bars_below_a_minute_come_from_trades_alone() -> None:
    store = CandleStore(ADDRESS)
    with pytest.raises(ValueError, match="5s"):
        store.merge([Candle(ADDRESS, None, 0, "5s", START, 1.0, 1.0, 1.0, 1.0, 1.0, True)])


def test_a_session_cuts_the_days() -> None:
    store = CandleStore(ADDRESS, session=Session("America/New_York", standard_min=-300))
    store.fold([trade(0, 100.0), trade(61, 101.0), trade(4 * 3600 + 60, 102.0)])
    # 23:59 and 00:00 UTC are one day in New York; 04:00 UTC begins the next in summer.
    days = store.candles("1d", 5)
    assert [one.volume for one in days] == [2.0, 1.0]
    assert days[1].open_ts == START + MINUTE + 4 * HOUR


def test_a_session_that_begins_at_a_half_hour_cuts_the_sums_there() -> None:
    opening = Session("America/New_York", standard_min=-300, starts_min=9 * 60 + 30)
    store = CandleStore(ADDRESS, session=opening)
    opens = bucket_start(START + DAY, "1d", opening)
    assert opens % HOUR == 30 * MINUTE
    ahead = (opens - START) // SECOND
    store.fold([trade(ahead - 61, 90.0, 7.0), trade(ahead - 1, 91.0, 2.0), trade(ahead, 100.0, 3.0)])
    store.fold([trade(ahead + 7200, 104.0, 1.0)])
    sums = store.sums()
    assert sums is not None
    assert (sums.anchor, sums.volume, sums.vwap) == (opens, 4.0, 101.0)
    before, day = store.candles("1d", 5)
    assert (before.volume, day.open_ts, day.open, day.close) == (9.0, opens, 100.0, 104.0)


def test_sums_since_midnight() -> None:
    store = CandleStore(ADDRESS)
    store.fold([trade(0, 50.0), trade(61, 100.0, 2.0), trade(62, 106.0, 1.0, "sell")])
    sums = store.sums()
    assert sums is not None
    assert (sums.anchor, sums.volume, sums.buys, sums.sells, sums.cvd) == (START + MINUTE, 3.0, 2.0, 1.0, 1.0)
    assert sums.vwap == pytest.approx(102.0)
    assert not sums.is_vwap_estimated
    assert sums.complete  # the first trade came the day before, and none was missed since


def test_sums_with_a_backfill_say_that_the_average_is_estimated() -> None:
    midnight = START + MINUTE
    tape = [
        trade(61, 99.0, 1.0),
        trade(90, 102.0, 2.0, "sell"),
        trade(200, 105.0, 4.0),
        trade(204, 106.0, 1.0),
    ]
    store = CandleStore(ADDRESS)
    store.fold(tape[2:])
    sums = store.sums()
    assert sums is not None
    assert (sums.complete, sums.volume, sums.is_vwap_estimated) == (False, 5.0, False)
    store.merge(told(tape[:3]), since=midnight)
    sums = store.sums()
    assert sums is not None
    assert (sums.volume, sums.cvd, sums.last_ts) == (8.0, 4.0, tape[3].ts)
    assert sums.complete
    assert sums.is_vwap_estimated
    assert sums.vwap == pytest.approx((3 * (102 + 99 + 102) / 3 + 4 * 105 + 106) / 8)
    store.interrupted()
    after = store.sums()
    assert after is not None
    assert not after.complete


def test_sums_of_bars_alone() -> None:
    midnight = START + MINUTE
    tape = [trade(30, 98.0, 8.0), trade(61, 99.0, 1.0), trade(90, 102.0, 2.0, "sell"), trade(200, 105.0, 4.0)]
    sums = sums_of(told(tape), midnight)
    assert (sums.volume, sums.buys, sums.sells, sums.last_ts) == (7.0, 5.0, 2.0, tape[3].ts)
    assert sums.is_vwap_estimated
    assert sums.complete
    assert not sums_of(told(tape[2:3]), midnight - DAY).complete
    assert sums_of([], midnight).cvd is None


def test_sums_without_a_split_have_no_delta() -> None:
    bar = Candle(ADDRESS, None, 0, "1m", START, 1.0, 1.0, 1.0, 1.0, 5.0, True)
    store = CandleStore(ADDRESS)
    store.merge([bar])
    store.fold([trade(10, 1.0)])
    sums = store.sums()
    assert sums is not None
    assert (sums.volume, sums.cvd) == (5.0, None)


def agg(
    at: float, side: Side, ohlc: tuple[float, float, float, float], volume: float, last: float
) -> TradeAgg:
    """Return a joined print whose batch, first and last trade are ``at`` and ``last`` seconds in."""
    ts, end = START + round(at * 1e9), START + round(last * 1e9)
    return TradeAgg(ADDRESS, ts, ts, *ohlc, volume, side, ts, end)


def test_joined_prints_are_increments() -> None:
    store = CandleStore(ADDRESS, source="trade_agg")
    store.fold_aggs(
        [
            agg(1.0, "sell", (100.0, 101.0, 99.0, 99.0), 3.0, 1.18),
            agg(1.01, "buy", (100.5, 102.0, 100.5, 102.0), 2.0, 1.19),
            agg(61.0, "buy", (103.0, 103.0, 103.0, 103.0), 1.0, 61.0),
        ]
    )
    first, second = store.candles("1m", 2)
    assert figures(first) == (START, 100.0, 102.0, 99.0, 102.0, 5.0, 2.0, 3.0)
    assert second.volume == 1.0


def test_joined_prints_that_grow_are_running_totals() -> None:
    store = CandleStore(ADDRESS, source="trade_agg")
    store.fold_aggs([agg(1.0, "buy", (100.0, 101.0, 100.0, 101.0), 3.0, 1.1)])
    store.fold_aggs([agg(1.0, "sell", (100.0, 100.0, 100.0, 100.0), 1.0, 1.1)])
    store.fold_aggs([agg(1.0, "buy", (100.0, 104.0, 99.0, 102.0), 7.0, 1.9)])
    store.fold_aggs([agg(1.0, "buy", (100.0, 104.0, 99.0, 102.0), 7.0, 1.9)])  # told again
    assert figures(store.candles("1m", 1)[0]) == (START, 100.0, 104.0, 99.0, 102.0, 8.0, 7.0, 1.0)


def test_joined_prints_without_times_fall_back_to_the_batch() -> None:
    store = CandleStore(ADDRESS, source="trade_agg")
    point = TradeAgg(ADDRESS, START, START, 1.0, 2.0, 1.0, 2.0, 5.0, "buy", None, None)
    timeless = TradeAgg(ADDRESS, None, START, 1.0, 2.0, 1.0, 2.0, 5.0, "buy", None, None)
    store.fold_aggs([point, timeless])
    assert figures(store.candles("1m", 1)[0]) == (START, 1.0, 2.0, 1.0, 2.0, 5.0, 5.0, 0.0)


def test_joined_prints_meet_a_backfill() -> None:
    store = CandleStore(ADDRESS, source="trade_agg")
    store.fold_aggs([agg(at, "buy", (100.0, 100.0, 100.0, 100.0), 1.0, at + 0.2) for at in (10, 20, 30)])
    until = [trade(5, 90.0), trade(10, 100.0), trade(20.1, 100.0)]
    store.merge(told(until))
    # The print that began before the provider's last trade and ended after it counts once more, as a whole.
    assert store.candles("1m", 1)[0].volume == 5.0
    assert store.candles("1m", 1)[0].open == 90.0


def test_only_one_source_counts() -> None:
    store = CandleStore(ADDRESS)
    store.fold_aggs([agg(1.0, "buy", (1.0, 1.0, 1.0, 1.0), 1.0, 1.0)])
    assert store.candles("1m", 1) == []
    other = CandleStore(ADDRESS, source="trade_agg")
    other.fold([trade(1, 1.0)])
    assert other.candles("1m", 1) == []


def test_bars_are_bounded_and_old_sums_stay() -> None:
    store = CandleStore(ADDRESS)
    hours = 6
    for hour in range(hours):
        store.fold([trade(hour * 3600 + at, 100.0) for at in range(3600)])
        store.candles("30s", 1)
    seconds = store.candles("1s", 10**6)
    assert SECOND_BARS <= len(seconds) <= SECOND_BARS * 17 // 16
    assert seconds[-1].open_ts == START + hours * HOUR - SECOND
    thirty = store.candles("30s", 10**6)
    assert len(thirty) == hours * 120
    assert {one.volume for one in thirty} == {30.0}
    store.fold([trade(1, 50.0)])  # too late for a bar that was given up
    assert {one.volume for one in store.candles("30s", 10**6)} == {30.0}
    assert store.candles("1m", 10**6)[0].volume == 61.0


def test_more_changes_than_are_remembered_give_all_bars() -> None:
    store = CandleStore(ADDRESS)
    for at in range(1000):
        store.fold([trade(at * 60, 100.0)])
    version, changed = store.changed("1m", 1)
    assert len(changed) == 1000
    assert store.changed("1m", version)[1] == []


def test_sparkline_closes() -> None:
    store = CandleStore(ADDRESS)
    store.fold([trade(at * 60, 100.0 + at) for at in range(5)])
    assert store.closes("1m", 3) == [102.0, 103.0, 104.0]
    assert store.closes("1m", 0) == []


def test_an_interruption_in_which_nothing_was_missed_is_none() -> None:
    store = CandleStore(ADDRESS)
    store.fold([trade(0, 100.0)])
    store.interrupted()
    store.bridged()
    assert store.gaps.current == []
    assert not store.gaps.broke(0, START + 3600 * SECOND)
    store.fold([trade(1, 100.0)])
    store.interrupted()
    store.fold([trade(2, 100.0)])
    store.bridged()
    assert store.gaps.current == [(START + SECOND, START + 2 * SECOND)], "what is known to be missing stays"
