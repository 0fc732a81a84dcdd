"""What stands over, below and beside the bars equals a plain computation from the trades."""

import gzip
import json
import os
from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import pytest

from mdterm.feeds.events import Candle, Liquidation, Position, Side, Trade
from mdterm.feeds.frames import ChartBar, ChartFrame
from mdterm.feeds.intervals import DAY, HOUR, LENGTHS, MINUTE, SECOND, TICK_SIZES, Session
from mdterm.feeds.market import Market
from mdterm.feeds.specs import ChartSpec
from mdterm.feeds.view_chart import chart_view
from tests.feeds.support import NOW_NS, instrument, trade

FOLDER = Path(
    os.environ.get("MDTERM_MARKET_DATA", Path(__file__).parents[2].parent / "shared" / "market-data")
)
FILE = FOLDER / "btcusdt_usdm_perp_20240808.ndjson.gz"
EVERYTHING = 1_000_000

recorded = pytest.mark.skipif(not FILE.exists(), reason="the recorded market is not here")


@pytest.fixture(scope="module")
def tape() -> list[Trade]:
    """Return every trade of the recording."""
    with gzip.open(FILE) as lines:
        rows = [row for row in map(json.loads, lines) if row["type"] == "trade"]
    return [Trade("a:b", row["ts"], row["ts"], None, row["price"], row["size"], row["side"]) for row in rows]


@pytest.fixture(scope="module")
def market(tape: list[Trade]) -> Market:
    """Return a market that received the recording in batches of uneven size."""
    made, at, count = Market(instrument()), 0, 1
    while at < len(tape):
        made.apply(tape[at : at + count])
        made.fold()
        at, count = at + count, count * 7 % 61 + 1
    return made


def chart(market: Market, interval: str, **wanted: object) -> ChartFrame:
    return chart_view(market, ChartSpec(interval, EVERYTHING, **wanted))  # type: ignore[arg-type]


def groups(tape: Sequence[Trade], interval: str) -> list[list[Trade]]:
    """Return the trades of each bar."""
    if interval in TICK_SIZES:
        size = TICK_SIZES[interval]
        return [list(tape[at : at + size]) for at in range(0, len(tape), size)]
    inside: dict[int, list[Trade]] = defaultdict(list)
    for one in tape:
        assert one.ts is not None
        inside[one.ts // LENGTHS[interval]].append(one)
    return [inside[key] for key in sorted(inside)]


def size_of(one: Trade, side: Side | None = None) -> float:
    return (one.size or 0.0) if side is None or one.side == side else 0.0


@recorded
@pytest.mark.parametrize("interval", ["1s", "15s", "1m", "5m", *TICK_SIZES])
def test_bars(market: Market, tape: list[Trade], interval: str) -> None:
    bars = chart(market, interval).bars
    plain = groups(tape, interval)
    assert len(bars) == len(plain)
    for bar, trades in zip(bars, plain, strict=True):
        prices = [one.price for one in trades]
        assert (bar.open, bar.high, bar.low, bar.close) == (
            prices[0],
            max(prices),
            min(prices),
            prices[-1],
        )
        assert bar.volume == pytest.approx(sum(map(size_of, trades)))
        delta = sum(size_of(one, "buy") - size_of(one, "sell") for one in trades)
        assert bar.delta == pytest.approx(delta, abs=1e-6)
    starts = [bar.open_ts for bar in bars]
    assert starts == sorted(set(starts)), "a bar can be told by when it begins"


@recorded
@pytest.mark.parametrize("interval", ["1s", "15s", "1m", "5m", *TICK_SIZES])
def test_vwap_and_cvd(market: Market, tape: list[Trade], interval: str) -> None:
    frame = chart(market, interval, vwap=True, cvd=True)
    turnover = volume = cvd = 0.0
    for bar, trades in zip(frame.bars, groups(tape, interval), strict=True):
        before = cvd
        turnover += sum(one.price * size_of(one) for one in trades)
        volume += sum(map(size_of, trades))
        cvd += sum(size_of(one, "buy") - size_of(one, "sell") for one in trades)
        assert bar.vwap == pytest.approx(turnover / volume)
        assert (bar.cvd_open, bar.cvd) == pytest.approx((before, cvd), abs=1e-6)
    sums = market.sums()
    assert (frame.bars[-1].vwap, frame.bars[-1].cvd) == pytest.approx((sums.vwap, sums.cvd))
    assert (frame.sums_since, frame.unreliable_since) == (sums.since, None)


@recorded
@pytest.mark.parametrize(("offset", "count"), [(0, 7), (13, 40), (100, 1)])
def test_a_part_of_the_bars_has_the_same_figures(market: Market, offset: int, count: int) -> None:
    for interval in ("1s", "5s", "100t"):
        wanted = {"vwap": True, "cvd": True, "averages": (3, 20)}
        whole = chart_view(market, ChartSpec(interval, EVERYTHING, **wanted))  # type: ignore[arg-type]
        spec = ChartSpec(interval, count, offset, **wanted)  # type: ignore[arg-type]
        part = chart_view(market, spec)
        end = max(0, len(whole.bars) - offset)
        for bar, same in zip(part.bars, whole.bars[max(0, end - count) : end], strict=True):
            assert bar.averages == pytest.approx(same.averages)
            assert (bar.vwap, bar.cvd) == pytest.approx((same.vwap, same.cvd))
            assert bar.open_ts == same.open_ts
        assert part.is_start == (count + offset >= len(whole.bars))


@recorded
@pytest.mark.parametrize("interval", ["1s", "15s", "100t"])
def test_moving_averages(market: Market, interval: str) -> None:
    bars = chart(market, interval, averages=(20, 50)).bars
    closes = [bar.close for bar in bars]
    for at, bar in enumerate(bars):
        for period, value in zip((20, 50), bar.averages, strict=True):
            if at + 1 < period:
                assert value is None
            else:
                assert value == pytest.approx(sum(closes[at + 1 - period : at + 1]) / period)


@recorded
def test_the_profile(market: Market, tape: list[Trade]) -> None:
    frame = chart(market, "1s", profile=20)
    profile = frame.profile
    assert profile is not None
    ticks = round(profile.step / 0.1)
    by_row: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for one in tape:
        by_row[round(one.price / 0.1) // ticks][one.side != "buy"] += one.size or 0.0
    for at, (bought, sold) in enumerate(zip(profile.buys, profile.sells, strict=True)):
        assert (bought, sold) == pytest.approx(tuple(by_row[profile.low + at]))
    totals = {row: sum(sides) for row, sides in by_row.items()}
    assert profile.low + profile.poc == max(totals, key=lambda row: totals[row])
    held = sum(totals[profile.low + row] for row in range(profile.val, profile.vah + 1))
    assert held >= 0.7 * sum(totals.values())
    assert len(profile.buys) <= 400
    shown = max(bar.high for bar in frame.bars) - min(bar.low for bar in frame.bars)
    assert shown / profile.step + 1 >= 2 * 20, "at least two of its rows to each of the chart"


def minute(at: int, volume: float, buy: float | None, closed: bool = True) -> Candle:
    """Return a provider's bar of a minute of the day at a price of 10."""
    start = NOW_NS - NOW_NS % DAY + at * MINUTE
    sell = None if buy is None else volume - buy
    return Candle("a:b", start, 0, "1m", start, 10.0, 12.0, 8.0, 10.0, volume, closed, buy, sell)


def at_minute(at: int, price: float, size: float, side: Side | None) -> Trade:
    start = NOW_NS - NOW_NS % DAY
    return trade(price, size, side, start + at * MINUTE + SECOND, start + at * MINUTE + 2 * SECOND)


def test_the_cvd_begins_behind_minutes_that_tell_no_sides() -> None:
    market = Market(instrument())
    market.merge([minute(0, 5.0, 4.0), minute(1, 3.0, None), minute(2, 4.0, 1.0)])
    market.apply([at_minute(4, 11.0, 2.0, "buy")])
    bars = chart(market, "1m", vwap=True, cvd=True).bars
    assert [(bar.cvd_open, bar.cvd) for bar in bars] == [(0.0, 3.0), (None, None), (0.0, -2.0), (-2.0, 0.0)]
    assert [bar.vwap for bar in bars] == pytest.approx([10.0, 10.0, 10.0, (120 + 22) / 14])
    five = chart(market, "5m", cvd=True).bars
    assert [bar.cvd for bar in five] == [None], "part of these five minutes is not in it"


def test_every_session_has_sums_of_its_own() -> None:
    market = Market(instrument())
    market.apply([at_minute(at, 10.0 + at, 1.0, "buy") for at in (-1, 0, 1)])
    frame = chart(market, "1m", vwap=True, cvd=True)
    assert [(bar.vwap, bar.cvd) for bar in frame.bars] == [(None, None), (10.0, 1.0), (10.5, 2.0)]
    assert [bar.vwap for bar in chart(market, "1d", vwap=True).bars] == [None, None]
    seconds = chart(market, "1s", vwap=True, cvd=True)
    assert [(bar.vwap, bar.cvd) for bar in seconds.bars] == [(None, None), (10.0, 1.0), (10.5, 2.0)]
    market.merge([minute(at, 1.0, 1.0) for at in range(-1440, -1)])
    whole = chart(market, "1m", vwap=True, cvd=True).bars[1439]
    assert whole.vwap == pytest.approx((10.0 * 1439 + 9.0) / 1440)
    assert whole.cvd == 1440.0


def test_a_session_of_which_minutes_were_given_up_has_no_sums() -> None:
    market = Market(instrument())
    days = range(-11, 0)
    for day in days:
        market.merge([minute(day * 1440 + at, 1.0, 1.0) for at in range(1440)])
    market.apply([at_minute(0, 10.0, 1.0, "buy")])
    bars = chart(market, "1h", vwap=True).bars
    known = [bar.vwap is not None for bar in bars]
    assert known == sorted(known), "the oldest are not known"
    assert known.count(True) == 10 * 24 + 1


def test_an_exchange_begins_its_sums_with_its_own_day() -> None:
    forex = Session("America/New_York", -300, 17 * 60)
    market = Market(instrument(), session=forex)
    begin = forex.begins(forex.label(NOW_NS))
    hours = [(-2, 10.0), (-1, 20.0), (0, 30.0), (1, 50.0)]
    market.apply([trade(price, 1.0, "buy", begin + at * HOUR, begin + at * HOUR) for at, price in hours])
    bars = chart(market, "1h", vwap=True, cvd=True).bars
    assert [(bar.vwap, bar.cvd) for bar in bars] == [(None, None), (None, None), (30.0, 1.0), (40.0, 2.0)]
    across = chart(market, "4h", vwap=True, cvd=True).bars[-1]
    assert begin % (4 * HOUR), "the session begins within a bar of four hours"
    assert (across.vwap, across.cvd) == (40.0, None), "a CVD that lacks part of its bar is not told"


def test_what_is_mended_later_is_in_every_sum_after_it() -> None:
    market = Market(instrument())
    market.apply([at_minute(at, 10.0, 1.0, "buy") for at in range(5)])
    assert [bar.cvd for bar in chart(market, "1m", cvd=True).bars] == [1.0, 2.0, 3.0, 4.0, 5.0]
    market.merge([minute(1, 3.0, 0.0)])
    assert [bar.cvd for bar in chart(market, "1m", cvd=True).bars] == [1.0, -2.0, -1.0, 0.0, 1.0]


def test_tick_bars_begin_anew_when_trades_may_be_missing() -> None:
    market = Market(instrument())
    market.apply([at_minute(0, 10.0 + at, 1.0, "buy") for at in range(130)])
    market.interrupted()
    market.apply([at_minute(7, 50.0, 2.0, "sell")])
    frame = chart(market, "100t", vwap=True, cvd=True)
    assert [bar.volume for bar in frame.bars] == [100.0, 30.0, 2.0]
    assert [bar.close for bar in frame.bars] == [109.0, 139.0, 50.0]
    assert frame.since == frame.bars[-1].open_ts
    assert [bar.cvd for bar in frame.bars] == [None, None, 128.0]


def test_trades_without_time_or_size_are_counted_in_tick_bars() -> None:
    market = Market(instrument())
    market.apply([trade(10.0 + at, None, None, None, NOW_NS + at) for at in range(250)])
    frame = chart(market, "100t")
    assert [(bar.open, bar.close, bar.volume, bar.delta) for bar in frame.bars] == [
        (10.0, 109.0, None, None),
        (110.0, 209.0, None, None),
        (210.0, 259.0, None, None),
    ]


def test_tick_bars_are_bounded() -> None:
    market = Market(instrument())
    for _ in range(340):
        market.apply([trade(10.0, 1.0, "buy", NOW_NS, NOW_NS)] * 500)
    assert len(chart(market, "100t").bars) <= 1_600
    assert len(chart(market, "1000t").bars) == 170


@pytest.mark.parametrize(("position", "sizes"), [("long", (3.0, 0.0)), ("short", (0.0, 3.0)), (None, (0, 0))])
def test_liquidations_stand_on_their_bars(position: Position | None, sizes: tuple[float, float]) -> None:
    market = Market(instrument())
    market.apply([at_minute(at, 10.0, 1.0, "buy") for at in range(3)])
    start = NOW_NS - NOW_NS % DAY
    told = [(-HOUR, 9.0), (MINUTE, 1.0), (MINUTE + 59 * SECOND, 2.0)]
    market.apply([Liquidation("a:b", start + at, 0, "x", 10.0, size, position, None) for at, size in told])
    bars = chart(market, "1m").bars
    assert [(bar.longs, bar.shorts) for bar in bars] == [(0.0, 0.0), sizes, (0.0, 0.0)]


def test_volume_in_the_quote_currency() -> None:
    market = Market(instrument())
    market.apply([at_minute(0, 10.0, 3.0, "buy"), at_minute(0, 20.0, 1.0, "sell")])
    (bar,) = chart(market, "1m", quote=True).bars
    assert bar.volume == 50.0
    assert bar.delta == pytest.approx(2.0 * 12.5)


def test_nothing_yet() -> None:
    frame = chart(Market(instrument()), "100t", vwap=True, cvd=True, averages=(20,), profile=10)
    assert (frame.bars, frame.profile, frame.since, frame.is_start) == ([], None, None, True)


def test_a_bar_that_is_over_does_not_change_any_more() -> None:
    market = Market(instrument())
    sizes = [0.1, 0.7, 1.3, 0.001] * 100
    spec = ChartSpec("100t", 10, vwap=True, cvd=True)
    market.apply([at_minute(0, 10.1, size, "buy") for size in sizes])
    before = chart_view(market, spec).bars
    for price in accumulate([10.0, *[0.1] * 30]):
        market.apply([at_minute(0, price, 0.3, "sell")])
        now: list[ChartBar] = chart_view(market, spec).bars
        assert now[:4] == before
