"""What is plotted is what the market holds."""

import gzip
import json
import os
from bisect import bisect_right
from itertools import accumulate
from pathlib import Path

import pytest

from mdterm.feeds.bars import Series
from mdterm.feeds.events import Side, Trade
from mdterm.feeds.frames import PlotFrame
from mdterm.feeds.intervals import MINUTE, SECOND
from mdterm.feeds.market import Market
from mdterm.feeds.profile import session_profile
from mdterm.feeds.specs import ChartSpec, Plot, PlotSpec
from mdterm.feeds.ticks import bar_of_trades
from mdterm.feeds.view_chart import chart_view
from mdterm.feeds.view_plot import PERIOD_S, Plots, plot_view, thin
from tests.feeds.support import NOW_NS, book, instrument, trade

FOLDER = Path(
    os.environ.get("MDTERM_MARKET_DATA", Path(__file__).parents[2].parent / "shared" / "market-data")
)
FILE = FOLDER / "btcusdt_usdm_perp_20240808.ndjson.gz"

recorded = pytest.mark.skipif(not FILE.exists(), reason="the recorded market is not here")


@pytest.fixture(scope="module")
def market() -> Market:
    """Return a market that received a recording."""
    with gzip.open(FILE) as lines:
        rows = [row for row in map(json.loads, lines) if row["type"] == "trade"]
    made = Market(instrument())
    made.apply(
        [Trade("a:b", row["ts"], row["ts"], None, row["price"], row["size"], row["side"]) for row in rows]
    )
    return made


def plot(market: Market, kind: Plot, interval: str = "1m", points: int = 200) -> PlotFrame:
    return plot_view(market, PlotSpec(kind, interval, points))


def curves(frame: PlotFrame) -> dict[str, tuple[list[float], list[float]]]:
    return {one.name: (one.x, one.y) for one in frame.curves}


@recorded
@pytest.mark.parametrize("interval", ["1s", "1m", "100t"])
def test_all_bars_are_in_the_history(market: Market, interval: str) -> None:
    bars = chart_view(market, ChartSpec(interval, 1_000_000)).bars
    frame = plot(market, "history", interval, points=1_000_000)
    found = curves(frame)
    assert frame.count == len(bars)
    times = [bar.open_ts / SECOND for bar in bars]
    assert found["high"] == (times, [bar.high for bar in bars])
    assert found["low"] == (times, [bar.low for bar in bars])
    assert found["close"] == (times, [bar.close for bar in bars])
    assert frame.marks == {"last": bars[-1].close}


@recorded
@pytest.mark.parametrize("interval", ["1s", "100t"])
@pytest.mark.parametrize("points", [2, 50, 173])
def test_a_long_history_is_joined_and_loses_no_extreme(market: Market, interval: str, points: int) -> None:
    bars = chart_view(market, ChartSpec(interval, 1_000_000)).bars
    found = curves(plot(market, "history", interval, points))
    starts = [round(at * SECOND) for at in found["close"][0]]
    assert len(starts) <= points + 1
    keys = [bar.open_ts for bar in bars]
    for at in range(len(starts)):
        first = 0 if at == 0 else bisect_right(keys, starts[at] - 1_000)
        after = bisect_right(keys, starts[at + 1] - 1_000) if at + 1 < len(starts) else len(bars)
        inside = bars[first:after]
        assert found["high"][1][at] == max(bar.high for bar in inside)
        assert found["low"][1][at] == min(bar.low for bar in inside)
        assert found["close"][1][at] == inside[-1].close


def test_points_stay_what_they_are_while_bars_are_added() -> None:
    series = Series(10_000)
    before: dict[int, tuple[float, ...]] = {}
    for at in range(50):
        bar = bar_of_trades([trade(10.0 + at % 7, 1.0, "buy", NOW_NS)])
        bar.open_ts = at * MINUTE
        series.put(bar)
        now = thin(series, 60, MINUTE)
        for start, values in before.items():
            assert {one[0]: one[1:] for one in now}[start] == values
        before = {one[0]: one[1:] for one in now[:-1]}
    assert len(before) == 49


@recorded
def test_the_cvd_is_that_of_the_session(market: Market) -> None:
    bars = chart_view(market, ChartSpec("1s", 1_000_000, cvd=True)).bars
    frame = plot(market, "cvd")
    x, y = curves(frame)["cvd"]
    assert x == [bar.open_ts / SECOND for bar in bars]
    assert y == pytest.approx([bar.cvd for bar in bars], abs=1e-6)
    assert frame.since == market.sums().since
    assert y[-1] == pytest.approx(market.sums().cvd)


def test_a_longer_session_is_told_by_the_minute() -> None:
    market = Market(instrument())
    start = NOW_NS - NOW_NS % MINUTE
    sides: tuple[Side, ...] = ("buy", "buy", "sell")
    market.apply(
        [trade(10.0, 1.0, sides[at % 3], start + at * MINUTE, start + at * MINUTE) for at in range(40)]
    )
    x, y = curves(plot(market, "cvd"))["cvd"]
    assert x == [(start + at * MINUTE) / SECOND for at in range(40)]
    assert y == list(accumulate(-1.0 if at % 3 == 2 else 1.0 for at in range(40)))


def test_depth_is_the_size_up_to_each_price() -> None:
    market = Market(instrument())
    market.apply([book([(99.0, 1.0), (98.0, 2.5), (95.0, 4.0)], [(101.0, 3.0), (102.0, None), (103.0, 0.5)])])
    frame = plot(market, "depth")
    assert curves(frame) == {
        "bids": ([95.0, 98.0, 99.0], [7.5, 3.5, 1.0]),
        "asks": ([101.0, 103.0], [3.0, 3.5]),
    }
    assert frame.marks == {"mid": 100.0}
    assert frame.count == 6


def test_buckets_have_no_mid_and_a_book_without_sizes_no_depth() -> None:
    market = Market(instrument())
    market.apply([book([(99.0, 1.0)], [(101.0, 1.0)], step=1.0)])
    assert plot(market, "depth").marks == {}
    market.apply([book([(99.0, None)], [(101.0, None)])])
    assert curves(plot(market, "depth")) == {"bids": ([], []), "asks": ([], [])}


@recorded
def test_the_profile_is_that_of_the_session(market: Market) -> None:
    assert market.flow is not None
    known = session_profile(market.flow, rows=80)
    assert known is not None
    frame = plot(market, "profile", points=80)
    prices = [known.price(row) for row in range(len(known.buys))]
    assert curves(frame) == {
        "buys": (prices, known.buys),
        "sells": (prices, known.sells),
        "others": (prices, known.neutral),
    }
    marks = {
        name: known.price(row) for name, row in (("poc", known.poc), ("val", known.val), ("vah", known.vah))
    }
    assert frame.marks == {**marks, "last": 61659.8}


@pytest.mark.parametrize("kind", ["history", "depth", "cvd", "profile"])
def test_nothing_yet(kind: Plot) -> None:
    assert not any(one.x for one in plot(Market(instrument()), kind).curves)


def test_a_plot_is_made_once_a_second_at_most() -> None:
    market, plots = Market(instrument()), Plots()
    spec = PlotSpec("history", "1m", 50)
    market.apply([trade(10.0)])
    first = plots.view(market, spec, 100.0)
    market.apply([trade(11.0)])
    assert plots.view(market, spec, 100.0 + PERIOD_S - 0.01) is first
    assert plots.view(market, PlotSpec("cvd", "1m", 50), 100.1).plot == "cvd", "another plot comes at once"
    assert plots.view(market, spec, 100.2).marks == {"last": 11.0}
    market.apply([trade(12.0)])
    assert plots.view(market, spec, 100.2 + PERIOD_S).marks == {"last": 12.0}
