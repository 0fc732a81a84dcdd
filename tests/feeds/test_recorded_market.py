"""State over a real market: a sweep of 1,208 trades in 92 ms must not be counted otherwise than a calm."""

import gzip
import json
import os
from collections import defaultdict
from pathlib import Path

import pytest

from mdterm.feeds.audit import audit
from mdterm.feeds.candles import CandleStore
from mdterm.feeds.events import Candle, Trade
from mdterm.feeds.flow import SLOT, Flow
from mdterm.feeds.intervals import FLOW_WINDOWS, MINUTE, SECOND, bucket_start
from mdterm.feeds.profile import session_profile

FOLDER = Path(
    os.environ.get("MDTERM_MARKET_DATA", Path(__file__).parents[2].parent / "shared" / "market-data")
)
FILE = FOLDER / "btcusdt_usdm_perp_20240808.ndjson.gz"

pytestmark = pytest.mark.skipif(not FILE.exists(), reason="the recorded market is not here")


@pytest.fixture(scope="module")
def tape() -> list[Trade]:
    """Return every trade of the recording."""
    with gzip.open(FILE) as lines:
        rows = [row for row in map(json.loads, lines) if row["type"] == "trade"]
    return [Trade("a:b", row["ts"], row["ts"], None, row["price"], row["size"], row["side"]) for row in rows]


def minutes(tape: list[Trade]) -> list[Candle]:
    """Return the bars of a tape, cut plainly."""
    inside: dict[int, list[Trade]] = defaultdict(list)
    for one in tape:
        inside[bucket_start(one.ts or 0, "1m")].append(one)
    out = []
    for start, trades in sorted(inside.items()):
        prices = [one.price for one in trades]
        buy = sum(one.size or 0.0 for one in trades if one.side == "buy")
        sell = sum(one.size or 0.0 for one in trades if one.side == "sell")
        first, last = trades[0].ts, trades[-1].ts
        out.append(
            Candle(
                "a:b", last, 0, "1m", start, prices[0], max(prices), min(prices), prices[-1], buy + sell,
                start < bucket_start(tape[-1].ts or 0, "1m"), buy, sell, first, last,
            )
        )  # fmt: skip
    return out


@pytest.mark.parametrize("batch", [1, 25, 512])
def test_bars_and_audit(tape: list[Trade], batch: int) -> None:
    store = CandleStore("a:b")
    for at in range(0, len(tape), batch):
        store.fold(tape[at : at + batch])
    expected = minutes(tape)
    for bar, plain in zip(store.candles("1m", 100), expected, strict=True):
        assert (bar.open, bar.high, bar.low, bar.close) == (plain.open, plain.high, plain.low, plain.close)
        assert (bar.volume, bar.buy, bar.sell) == pytest.approx((plain.volume, plain.buy, plain.sell))
    found = audit(store, expected)
    assert found.minutes == len(expected) - 2
    assert found.coverage == pytest.approx(1.0)
    assert found.words is None


def test_a_backfill_in_the_middle_of_the_sweep(tape: list[Trade]) -> None:
    """Joined at a third of the tape; the provider is asked in the sweep and answers three seconds later."""
    join, ask = len(tape) // 3, len(tape) // 2
    asked_at = tape[ask].ts or 0
    snapshot = minutes([one for one in tape if (one.ts or 0) <= asked_at])
    store, is_told = CandleStore("a:b"), False
    for at in range(join, len(tape), 40):
        if not is_told and (tape[at].ts or 0) > asked_at + 3 * SECOND:
            is_told = store.merge(snapshot)
        store.fold(tape[at : at + 40])
    assert is_told
    for bar, plain in zip(store.candles("1m", 100), minutes(tape), strict=True):
        assert (bar.open, bar.high, bar.low, bar.close) == (plain.open, plain.high, plain.low, plain.close)
        assert (bar.volume, bar.buy, bar.sell) == pytest.approx((plain.volume, plain.buy, plain.sell))
    sums = store.sums()
    assert sums is not None
    volume = sum(one.size or 0.0 for one in tape)
    assert sums.volume == pytest.approx(volume)
    average = sum(one.price * (one.size or 0.0) for one in tape) / volume
    assert sums.is_vwap_estimated
    assert sums.vwap == pytest.approx(average, rel=1e-4)


def test_flow_and_profile(tape: list[Trade]) -> None:
    flow = Flow(0.1)
    for at in range(0, len(tape), 25):
        flow.fold(tape[at : at + 25])
    newest = tape[-1].ts or 0
    for window in (*FLOW_WINDOWS, None):
        length = FLOW_WINDOWS[window] if window is not None else 10 * MINUTE
        inside = [one for one in tape if (one.ts or 0) // SLOT > newest // SLOT - length // SLOT]
        column = flow.column(window, 618_500, 3_000, 0.1)
        assert column is not None
        buys = sum(one.size or 0.0 for one in inside if one.side == "buy")
        sells = sum(one.size or 0.0 for one in inside if one.side == "sell")
        assert (sum(column.buys), sum(column.sells)) == pytest.approx((buys, sells))
    profile = session_profile(flow, ticks=100)
    by_price: dict[int, float] = defaultdict(float)
    for one in tape:
        by_price[round(one.price * 10) // 100] += one.size or 0.0
    assert profile is not None
    assert profile.total == pytest.approx(sum(by_price.values()))
    assert profile.price(profile.poc) == max(by_price, key=lambda row: by_price[row]) * 10.0
    held = sum(by_price[profile.low + row] for row in range(profile.val, profile.vah + 1))
    assert held >= 0.7 * profile.total
