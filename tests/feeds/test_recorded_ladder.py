"""The ladder over a real market: equal to a plain computation, and still while 1,208 trades pass in 92 ms."""

import gzip
import json
import os
from collections import defaultdict
from collections.abc import Iterator
from math import ceil, floor
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from mdterm.feeds.events import Book, Trade
from mdterm.feeds.flow import SLOT
from mdterm.feeds.frames import LadderFrame
from mdterm.feeds.intervals import FLOW_WINDOWS, MINUTE, SECOND
from mdterm.feeds.market import Market
from mdterm.feeds.profile import session_profile
from mdterm.feeds.specs import LadderSpec
from mdterm.feeds.view_ladder import band_of, ladder_view, settle
from tests.feeds.support import instrument

FOLDER = Path(
    os.environ.get("MDTERM_MARKET_DATA", Path(__file__).parents[2].parent / "shared" / "market-data")
)
FILE = FOLDER / "btcusdt_usdm_perp_20240808.ndjson.gz"
TICK = 0.1
ROWS = 20

pytestmark = pytest.mark.skipif(not FILE.exists(), reason="the recorded market is not here")


@pytest.fixture(scope="module")
def events() -> list[Trade | Book]:
    """Return the whole recording."""
    with gzip.open(FILE) as lines:
        return [event_of(json.loads(line)) for line in lines]


def event_of(row: dict[str, object]) -> Trade | Book:
    ts = row["ts"]
    assert isinstance(ts, int)
    if row["type"] == "trade":
        return Trade("a:b", ts, ts, None, row["price"], row["size"], row["side"])  # type: ignore[arg-type]
    bids, asks = row["bids"], row["asks"]
    assert isinstance(bids, list)
    assert isinstance(asks, list)
    return Book(
        "a:b",
        ts,
        ts,
        [price for price, _ in bids],
        [size for _, size in bids],
        [price for price, _ in asks],
        [size for _, size in asks],
        None,
        "base",
    )


def ticks(price: float) -> int:
    return round(price * 10)


class Plain(NamedTuple):
    """What a plain look over everything that came gives, by tick."""

    sold: dict[int, float]
    bought: dict[int, float]
    bids: dict[int, float]
    asks: dict[int, float]


def look_back(events: list[Trade | Book], window: str | None, looks: set[int]) -> Plain:
    """Return what traded within a window, and changes between the books that were looked at."""
    newest = max(one.ts or 0 for one in events)
    length = FLOW_WINDOWS[window] if window else 24 * 60 * MINUTE
    plain = Plain(*(defaultdict(float) for _ in range(4)))
    traded: dict[str, dict[int, float]] = {"sell": defaultdict(float), "buy": defaultdict(float)}
    newest_book = before = None
    for at, one in enumerate(events):
        if isinstance(one, Trade):
            assert one.side is not None
            assert one.size is not None
            traded[one.side][ticks(one.price)] += one.size
            if (one.ts or 0) // SLOT > newest // SLOT - length // SLOT:
                (plain.bought if one.side == "buy" else plain.sold)[ticks(one.price)] += one.size
        else:
            newest_book = one
        if at in looks and newest_book is not before:
            assert newest_book is not None
            if before is not None:
                compare(before, newest_book, traded, plain)
            before = newest_book
            for side in traded.values():
                side.clear()
    return plain


def compare(before: Book, after: Book, traded: dict[str, dict[int, float]], plain: Plain) -> None:
    """Add what was pulled and stacked between two books, as far as both reach."""
    for is_bid, had, has, out in (
        (True, sizes_of(before, True), sizes_of(after, True), plain.bids),
        (False, sizes_of(before, False), sizes_of(after, False), plain.asks),
    ):
        taken = traded["sell" if is_bid else "buy"]
        lowest, highest = max(min(had), min(has)), min(max(had), max(has))
        for tick in {*had, *has, *taken}:
            if tick >= lowest if is_bid else tick <= highest:
                out[tick] += has.get(tick, 0.0) - had.get(tick, 0.0) + taken.get(tick, 0.0)


def sizes_of(book: Book, is_bid: bool) -> dict[int, float]:
    prices, sizes = (book.bid_prices, book.bid_sizes) if is_bid else (book.ask_prices, book.ask_sizes)
    return {ticks(price): size or 0.0 for price, size in zip(prices, sizes, strict=True)}


def grouped(sums: dict[int, float], group: int, *, up: bool) -> dict[int, float]:
    rows: dict[int, float] = defaultdict(float)
    for tick, size in sums.items():
        rows[ceil(tick / group) if up else floor(tick / group)] += size
    return rows


def rows_of(frame: LadderFrame, cells: list[float] | None) -> dict[int, float]:
    assert cells is not None
    return {frame.top - at: size for at, size in enumerate(cells)}


@pytest.mark.parametrize(("window", "group"), [("5s", 1), ("60s", 1), ("8m", 5), (None, 10), (None, 1)])
def test_frames_equal_a_plain_computation(events: list[Trade | Book], window: str | None, group: int) -> None:
    """Traded at bid and ask, pulled and stacked, volume, VWAP, POC and extremes at several moments."""
    market = Market(instrument("a:b", tick=TICK))
    spec = LadderSpec(ROWS, margin=400, group=group, flow=True, window=window, changes=True, volume=True)
    looks: set[int] = set()
    checks = {len(events) // 3, len(events) * 2 // 3, len(events) - 1}
    for at, one in enumerate(events):
        market.apply([one])
        if at % 53 and at not in checks:
            continue
        looks.add(at)
        spec = settle(market, spec)
        frame = ladder_view(market, spec)
        if at in checks:
            assert frame is not None
            check(frame, market, events[: at + 1], look_back(events[: at + 1], window, looks), group)


def check(frame: LadderFrame, market: Market, so_far: list[Trade | Book], plain: Plain, group: int) -> None:
    shown = range(frame.top - len(frame.bids) + 1, frame.top + 1)
    for cells, sums, up in (
        (frame.sells, plain.sold, False),
        (frame.buys, plain.bought, True),
        (frame.bid_changes, plain.bids, False),
        (frame.ask_changes, plain.asks, True),
    ):
        expected = grouped(sums, group, up=up)
        assert rows_of(frame, cells) == pytest.approx({row: expected[row] for row in shown}, abs=1e-6)
    trades = [one for one in so_far if isinstance(one, Trade)]
    volume: dict[int, float] = defaultdict(float)
    for one in trades:
        volume[floor(ticks(one.price) / group)] += one.size or 0.0
    assert rows_of(frame, frame.volumes) == pytest.approx(
        {row: volume.get(row, 0.0) for row in shown}, abs=1e-6
    )
    total = sum(one.size or 0.0 for one in trades)
    vwap = sum(one.price * (one.size or 0.0) for one in trades) / total
    assert market.sums().vwap == pytest.approx(vwap)
    assert frame.vwap == round(vwap / frame.step)
    assert frame.poc == max(volume, key=lambda row: volume[row])
    assert frame.high == floor(max(ticks(one.price) for one in trades) / group)
    assert frame.low == floor(min(ticks(one.price) for one in trades) / group)
    check_profile(market, volume, group)


def check_profile(market: Market, volume: dict[int, float], group: int) -> None:
    """Compare the value area with one found from a plain list of rows."""
    assert market.flow is not None
    profile = session_profile(market.flow, ticks=group) if group > 1 else None
    if profile is None:
        return
    low, high = min(volume), max(volume)
    totals = [volume.get(row, 0.0) for row in range(low, high + 1)]
    poc = max(range(len(totals)), key=lambda at: totals[at])
    first = last = poc
    while sum(totals[first : last + 1]) < 0.7 * sum(totals):
        above, below = sum(totals[last + 1 : last + 3]), sum(totals[max(0, first - 2) : first])
        if last + 1 < len(totals) and (first == 0 or above >= below):
            new_last = min(len(totals) - 1, last + 2)
        else:
            new_last = last
        if first > 0 and (last + 1 >= len(totals) or below >= above):
            first = max(0, first - 2)
        last = new_last
    inside = [row for row in range(first, last + 1) if totals[row]]
    assert (profile.low, profile.poc) == (low, poc)
    assert (profile.val, profile.vah) == (inside[0], inside[-1])


def beats(events: list[Trade | Book]) -> Iterator[tuple[Market, int]]:
    """Play the recording; stop at every hundredth of a second of its burst, every tenth elsewhere."""
    market = Market(instrument("a:b", tick=TICK))
    due = 0
    for one in events:
        ts = one.ts or 0
        if ts >= due:
            if market.book is not None:
                yield market, ts
            due = ts + SECOND // 100
        market.apply([one])


def test_a_burst_moves_the_ladder_only_past_its_band(events: list[Trade | Book]) -> None:
    spec = LadderSpec(ROWS)
    centre, moves = None, 0
    for market, _ in beats(events):
        was, spec = spec, settle(market, spec)
        rows = [round(price / TICK) for price in market.bbo() if price is not None]
        if centre is not None and spec.centre != centre:
            moves += 1
            assert any(abs(row - centre) > band_of(was) for row in rows), "it moved for nothing"
        centre = spec.centre
        assert centre is not None
        assert max(rows) - min(rows) > band_of(spec) or all(
            abs(row - centre) <= band_of(spec) for row in rows
        )
    assert moves > 20, "the market went far, so the ladder had to follow"


def test_a_held_ladder_shows_the_same_rows_through_the_burst(events: list[Trade | Book]) -> None:
    trades = [one for one in events if isinstance(one, Trade)]
    burst = next(
        at
        for at in range(len(trades) - 1207)
        if (trades[at + 1207].ts or 0) - (trades[at].ts or 0) < SECOND // 10
    )
    begins, ends = trades[burst].ts or 0, trades[burst + 1207].ts or 0
    spec, tops, lasts = LadderSpec(ROWS), set(), set()
    for market, ts in beats(events):
        if ts < begins:
            spec = settle(market, spec)
        elif ts < ends + SECOND:
            spec = settle(market, msgspec.structs.replace(spec, frozen=True, cursor=spec.centre))
            frame = ladder_view(market, spec)
            assert frame is not None
            tops.add((frame.top, frame.centre))
            lasts.add(frame.last)
    assert len(tops) == 1
    assert len(lasts) > 5, "while the market fell through it"
