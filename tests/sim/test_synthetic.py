"""The made-up market: always the same, and believable."""

import functools
import statistics
from collections import Counter
from decimal import Decimal
from itertools import pairwise

import pytest

from mdterm.feeds.sim.crowd import Crowd, Listing
from mdterm.feeds.sim.market import (
    MINUTE_NS,
    VenueBook,
    VenueEvent,
    VenueFunding,
    VenueLiquidation,
    VenueOpenInterest,
    VenueTrade,
)
from mdterm.feeds.sim.synthetic import EPOCH_NS, LISTINGS, SyntheticSource

S = 10**9
SYMBOLS = [listing.instrument.symbol for listing in LISTINGS]


@functools.cache
def told(seed: int = 1, seconds: int = 120, rate: float = 1.0) -> tuple[VenueEvent, ...]:
    source = SyntheticSource(seed, rate)
    source.begin(EPOCH_NS)
    return tuple(source.take(EPOCH_NS + seconds * S))


def trades_of(symbol: str, **how: int) -> list[VenueTrade]:
    return [event for event in told(**how) if isinstance(event, VenueTrade) and event.symbol == symbol]


def books_of(symbol: str, **how: int) -> list[VenueBook]:
    return [event for event in told(**how) if isinstance(event, VenueBook) and event.symbol == symbol]


def test_the_same_seed_tells_the_same_however_it_is_asked() -> None:
    source = SyntheticSource(1, 1.0)
    source.begin(EPOCH_NS)
    pieces: list[VenueEvent] = []
    for until in range(EPOCH_NS, EPOCH_NS + 20 * S, 37_000_001):
        pieces += source.take(until)
    whole = [event for event in told() if event.ts < pieces[-1].ts]
    assert pieces[: len(whole)] == whole


def test_another_seed_tells_another_market() -> None:
    assert [t.price for t in trades_of("BTCUSDT")][:200] != [t.price for t in trades_of("BTCUSDT", seed=2)][
        :200
    ]


def test_the_hour_it_begins_at_changes_nothing_but_times_and_ids() -> None:
    def relative(begin: int) -> list[tuple[object, ...]]:
        source = SyntheticSource(4, 1.0)
        origin = source.begin(begin)
        first_id = origin // 1_000_000 * 1_000_000
        return [
            (e.ts - origin, int(e.id) - first_id, e.symbol, e.price, e.size, e.buy)
            for e in source.take(origin + 10 * S)
            if isinstance(e, VenueTrade)
        ]

    assert relative(EPOCH_NS) == relative(EPOCH_NS + 987_654_321_012_345)


def test_a_higher_rate_tells_the_same_story_faster() -> None:
    slow = [t.price for t in trades_of("ETHUSDT", seconds=60)]
    fast = [
        t.price for t in told(seconds=6, rate=10.0) if isinstance(t, VenueTrade) and t.symbol == "ETHUSDT"
    ]
    assert abs(len(slow) - len(fast)) < 100
    assert slow[: len(fast) - 100] == fast[: len(fast) - 100]


def test_time_never_steps_back_and_ids_never_repeat() -> None:
    events = told()
    assert all(a.ts <= b.ts for a, b in pairwise(events))
    ids = [int(e.id) for e in events if isinstance(e, VenueTrade | VenueLiquidation)]
    assert all(a < b for a, b in pairwise(ids))


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_books_are_deep_ordered_and_never_crossed(symbol: str) -> None:
    for book in books_of(symbol):
        bids, asks = book.bids[::2], book.asks[::2]
        assert len(bids) == len(asks) == 40
        assert bids[0] < asks[0]
        assert list(bids) == sorted(set(bids), reverse=True)
        assert list(asks) == sorted(set(asks))
        assert min(book.bids[1::2] + book.asks[1::2]) > 0


@pytest.mark.parametrize("listing", LISTINGS, ids=SYMBOLS)
def test_prices_are_the_floats_of_whole_ticks(listing: Listing) -> None:
    symbol, decimals = listing.instrument.symbol, listing.price_decimals
    prices = {t.price for t in trades_of(symbol)} | {p for b in books_of(symbol)[:20] for p in b.bids[::2]}
    for price in prices:
        assert price == float(f"{price:.{decimals}f}")
        assert -int(Decimal(str(price)).normalize().as_tuple().exponent) <= decimals


@pytest.mark.parametrize("listing", LISTINGS[:3], ids=SYMBOLS[:3])
def test_what_is_traded_rested_in_the_book_and_is_gone_from_it(listing: Listing) -> None:
    crowd = Crowd(listing, 1)
    ids = map(str, range(10**9))
    scale = 10**listing.price_decimals
    consumed = 0
    while crowd.due_s < 20:
        before = {True: dict(crowd.asks.lots), False: dict(crowd.bids.lots)}
        traded: Counter[tuple[bool, int]] = Counter()
        for event in crowd.step(0, ids):
            if isinstance(event, VenueTrade):
                tick = round(event.price * scale)
                traded[event.buy, tick] += round(event.size * 10**listing.lot_decimals)
        after = {True: crowd.asks.lots, False: crowd.bids.lots}
        for (buy, tick), lots in traded.items():
            assert 0 < lots <= before[buy][tick]
            assert after[buy].get(tick, 0) <= before[buy][tick] - lots
            consumed += lots
    assert consumed


def test_prints_of_one_order_walk_away_from_the_touch() -> None:
    trades = trades_of("BTCUSDT")
    for one, two in pairwise(trades):
        if one.ts == two.ts and one.buy == two.buy:
            assert two.price >= one.price if one.buy else two.price <= one.price


def test_it_looks_like_the_recorded_market() -> None:
    """Loose bounds around what tests/benchmarks/synthetic_vs_recorded.py shows."""
    trades, books = trades_of("BTCUSDT"), books_of("BTCUSDT")
    assert 30 < len(trades) / 120 < 150
    assert 9 < len(books) / 120 < 10
    gaps = [b.ts - a.ts for a, b in pairwise(trades)]
    assert 0.6 < sum(gap <= 1_000_000 for gap in gaps) / len(gaps) < 0.95
    counts = Counter((t.ts - EPOCH_NS) // S for t in trades)
    per_second = [counts[second] for second in range(120)]
    assert 20 < statistics.pvariance(per_second) / statistics.mean(per_second) < 2000
    spreads = [round((b.asks[0] - b.bids[0]) * 10) for b in books]
    assert spreads.count(1) / len(spreads) > 0.97
    touch = statistics.mean(b.bids[1] for b in books)
    assert 3 < touch / statistics.mean(b.bids[19] for b in books) < 30
    mids = [(b.bids[0] + b.asks[0]) / 2 for b in books[::10]]
    moves = [abs(b / a - 1) * 1e4 for a, b in pairwise(mids)]
    assert 0.3 < statistics.pstdev(moves) < 5


def test_cascades_follow_moves_and_move_the_price() -> None:
    liquidations = [e for e in told() if isinstance(e, VenueLiquidation)]
    assert len(liquidations) > 5
    chained = [
        (a, b)
        for symbol in SYMBOLS
        for own in [[e for e in liquidations if e.symbol == symbol]]
        for a, b in pairwise(own)
        if b.ts - a.ts < 300_000_000
    ]
    assert all(a.long == b.long for a, b in chained)
    further = [b.price <= a.price if a.long else b.price >= a.price for a, b in chained]
    assert sum(further) / len(further) > 0.8
    one = liquidations[0]
    prints = [e for e in told() if isinstance(e, VenueTrade) and (e.symbol, e.ts) == (one.symbol, one.ts)]
    assert sum(e.size for e in prints if e.buy != one.long) >= one.size * 0.999


def test_funding_drifts_and_its_prediction_is_sometimes_missing() -> None:
    fundings = [e for e in told() if isinstance(e, VenueFunding)]
    assert len({e.rate for e in fundings if e.symbol == "BTCUSDT"}) > 3
    missing = [e.symbol for e in fundings if e.predicted is None]
    assert {e.symbol for e in fundings if e.predicted is not None} == set(SYMBOLS) - {"DOGEUSDT"}
    assert set(missing) > {"DOGEUSDT"}


def test_open_interest_is_told_of_every_symbol() -> None:
    interest = [e for e in told() if isinstance(e, VenueOpenInterest)]
    assert {e.symbol for e in interest} == set(SYMBOLS)
    assert all(e.value > 0 for e in interest)


def test_the_past_ends_where_the_market_begins() -> None:
    source = SyntheticSource(1, 1.0)
    origin = source.begin(EPOCH_NS + 12_345 * S + 678)
    for listing in LISTINGS:
        bars = source.past(listing.instrument.symbol, 500)
        assert bars[-1].close == listing.price
        assert bars[-1].open_ts + MINUTE_NS == origin // MINUTE_NS * MINUTE_NS
        assert [b.open_ts - a.open_ts for a, b in pairwise(bars)] == [MINUTE_NS] * 499
        for bar, later in pairwise(bars):
            assert bar.close == later.open
        for bar in bars:
            assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
            assert bar.buy_volume > 0
            assert bar.sell_volume > 0


def test_the_past_does_not_depend_on_how_much_of_it_is_asked() -> None:
    one, two = SyntheticSource(1, 1.0), SyntheticSource(1, 1.0)
    for source in (one, two):
        source.begin(EPOCH_NS)
    short = one.past("BTCUSDT", 10)
    assert two.past("BTCUSDT", 3000)[-10:] == short
    assert one.past("BTCUSDT", 3000)[-10:] == short
    assert one.past("BTCUSDT", 0) == []
