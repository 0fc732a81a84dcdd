"""The tape of a real market, its sweep of 1,208 trades in 92 ms included, equals a plain computation."""

import gzip
import json
import os
from itertools import groupby
from pathlib import Path

import pytest

from mdterm.feeds.address import Instrument
from mdterm.feeds.events import Trade
from mdterm.feeds.market import Market
from mdterm.feeds.prints import Print
from mdterm.feeds.specs import JOINS, TapeSpec
from mdterm.feeds.view_tape import tape_view

FOLDER = Path(
    os.environ.get("MDTERM_MARKET_DATA", Path(__file__).parents[2].parent / "shared" / "market-data")
)
FILES = {
    "btc": FOLDER / "btcusdt_usdm_perp_20240808.ndjson.gz",
    "eth": FOLDER / "ethusdt_usdm_perp_20240808.ndjson.gz",
}
MS = 1_000_000

pytestmark = pytest.mark.skipif(not FILES["btc"].exists(), reason="the recorded market is not here")


@pytest.fixture(scope="module", params=sorted(FILES))
def trades(request: pytest.FixtureRequest) -> list[Trade]:
    """Return every trade of a recording."""
    with gzip.open(FILES[request.param]) as lines:
        rows = [row for row in map(json.loads, lines) if row["type"] == "trade"]
    return [Trade("a:b", row["ts"], row["ts"], None, row["price"], row["size"], row["side"]) for row in rows]


def gather(trades: list[Trade], batch: int) -> dict[int, dict[int, Print]]:
    """Return every print by joining and first trade, as the frames of a whole session show them."""
    market = Market(Instrument("a:b", "a", "a", "b", tick=0.1))
    seen: dict[int, dict[int, Print]] = {join_ms: {} for join_ms in JOINS}
    for at in range(0, len(trades), batch):
        market.apply(trades[at : at + batch])
        market.fold()
        for join_ms, found in seen.items():
            prints = market.tape.prints(join_ms)
            known = max(found, default=0)
            for one in reversed(prints.closed):
                if one.first <= known:
                    break
                found[one.first] = one
    for join_ms, found in seen.items():
        newest = market.tape.prints(join_ms).open
        assert newest is not None
        found[newest.first] = newest
    frame = tape_view(market, TapeSpec(10), 0.0)
    assert frame.trades == len(trades)
    signed = [(one.size or 0.0) * (1 if one.side == "buy" else -1) for one in trades]
    assert frame.cvd == pytest.approx(sum(signed))
    assert market.tape.volume == pytest.approx(sum(one.size or 0.0 for one in trades))
    return seen


@pytest.mark.parametrize("batch", [1, 400])
def test_sweeps_counts_and_cvd(trades: list[Trade], batch: int) -> None:
    if batch == 1:
        trades = trades[: len(trades) // 4]
    seen = gather(trades, batch)
    plain = [list(group) for _, group in groupby(trades, key=lambda one: (one.side, (one.ts or 0) // MS))]
    shown = [seen[1][first] for first in sorted(seen[1])]
    assert [(one.count, one.side, one.first_price, one.price) for one in shown] == [
        (len(group), group[0].side, group[0].price, group[-1].price) for group in plain
    ]
    assert [one.size for one in shown] == pytest.approx(
        [sum(t.size or 0.0 for t in group) for group in plain]
    )
    for found in seen.values():
        ordered = sorted(found)
        assert sum(one.count for one in found.values()) == len(trades)
        ends = [first + found[first].count for first in ordered]
        assert ends[:-1] == ordered[1:], "each trade stands in exactly one print"
        for one in found.values():
            inside = trades[one.first - 1 : one.first - 1 + one.count]
            assert {t.side for t in inside} == {one.side}
            assert (one.low, one.high) == (min(t.price for t in inside), max(t.price for t in inside))
    spans = [(one.last_ts // MS - one.ts // MS) for one in seen[100].values()]
    assert max(spans) < 100
    assert len(seen[0]) == len(trades)


def test_the_great_sweep_is_few_rows(trades: list[Trade]) -> None:
    seen = gather(trades, 400)
    largest = max(one.count for one in seen[100].values())
    busiest = max(
        sum((t.ts or 0) - (trades[at].ts or 0) < 100 * MS for t in trades[at : at + 1500])
        for at in range(0, len(trades), 25)
    )
    assert largest > busiest * 0.5, "what one hundred milliseconds hold of one side is one row"
    graded = [one for one in seen[1].values() if one.grade == 3]
    assert 0 < len(graded) < 0.05 * len(seen[1])
