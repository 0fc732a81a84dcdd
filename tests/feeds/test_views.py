"""What a panel shows equals a plain recomputation from what came."""

import math
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mdterm.feeds.events import Book
from mdterm.feeds.frames import HeaderFrame, LadderFrame
from mdterm.feeds.grid import GROUP_STEPS, row_of
from mdterm.feeds.market import Market
from mdterm.feeds.specs import HeaderSpec, LadderSpec, ViewSpec
from mdterm.feeds.view_ladder import band_of, ladder_view, settle
from mdterm.feeds.views import view
from tests.feeds.support import book, instrument, trade

TICKS = st.sampled_from([0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 3.0, 5.0, 25.0, 0.0001, 1e-8])
GROUPS = st.sampled_from(GROUP_STEPS[:9])


def on_grid(ticks: int, tick: float) -> float:
    """Return a price as a feed writes it: the float nearest to the exact decimal."""
    return float(Fraction(str(tick)) * ticks)


@st.composite
def books(
    draw: st.DrawFn, *, bucketed: bool | None = None
) -> tuple[Book, float, dict[int, float], dict[int, float]]:
    """Return a book on a grid, the grid's tick, and sizes by tick of both sides."""
    tick = draw(TICKS)
    touch = draw(st.integers(1_000, 10_000_000))
    bid_at = draw(st.sets(st.integers(0, 120), max_size=40))
    ask_at = draw(st.sets(st.integers(1, 120), max_size=40))
    sizes = st.integers(1, 400).map(lambda n: n / 4)
    bids = {touch - at: draw(sizes) for at in bid_at}
    asks = {touch + at: draw(sizes) for at in ask_at}
    in_buckets = draw(st.booleans()) if bucketed is None else bucketed
    made = book(
        [(on_grid(at, tick), bids[at]) for at in sorted(bids, reverse=True)],
        [(on_grid(at, tick), asks[at]) for at in sorted(asks)],
        tick if in_buckets else None,
    )
    return made, tick, bids, asks


def market_of(made: Book, tick: float) -> Market:
    market = Market(instrument(tick=tick))
    market.apply([made])
    return market


def rows_of(frame: LadderFrame, cells: list[float | None]) -> dict[int, float]:
    """Return the sizes of a ladder's side by row, blank rows left out."""
    return {frame.top - at: size for at, size in enumerate(cells) if size}


@given(books(), GROUPS, st.integers(1, 40), st.integers(0, 30))
def test_every_level_in_range_appears_once_and_sums_are_kept(
    given_book: tuple[Book, float, dict[int, float], dict[int, float]], group: int, rows: int, margin: int
) -> None:
    made, tick, bids, asks = given_book
    market = market_of(made, tick)
    spec = settle(market, LadderSpec(rows, margin=margin, group=group))
    frame = ladder_view(market, spec)
    assert (frame is None) == (not bids and not asks)
    assume(frame is not None)
    assert frame is not None
    height = rows + 2 * margin
    assert len(frame.bids) == len(frame.asks) == height
    for side, cells, up in ((bids, frame.bids, False), (asks, frame.asks, True)):
        expected: dict[int, float] = {}
        for at, size in side.items():
            row = math.ceil(Fraction(at, group)) if up else at // group
            if frame.top - height < row <= frame.top:
                expected[row] = expected.get(row, 0.0) + size
        assert rows_of(frame, cells) == expected
    assert frame.best_bid == (max(bids) // group if bids else None)
    assert frame.best_ask == (math.ceil(Fraction(min(asks), group)) if asks else None)
    if frame.best_bid is not None and frame.best_ask is not None:
        assert frame.best_bid < frame.best_ask, "grouping crosses nothing"
    window = slice(margin, margin + rows)
    assert frame.largest == max((size or 0.0) for size in (*frame.bids[window], *frame.asks[window]))


@given(books(), GROUPS)
def test_rows_are_exact_prices(
    given_book: tuple[Book, float, dict[int, float], dict[int, float]], group: int
) -> None:
    made, tick, bids, asks = given_book
    assume(bids or asks)
    market = market_of(made, tick)
    frame = ladder_view(market, settle(market, LadderSpec(20, group=group)))
    assert frame is not None
    assert frame.step == float(Fraction(str(tick)) * group)
    assert round(frame.step, frame.digits) == frame.step


@given(books(bucketed=False))
def test_spread_and_mid_are_of_true_levels(
    given_book: tuple[Book, float, dict[int, float], dict[int, float]],
) -> None:
    made, tick, bids, asks = given_book
    assume(bids and asks)
    market = market_of(made, tick)
    frame = ladder_view(market, settle(market, LadderSpec(20)))
    assert frame is not None
    assert frame.spread == pytest.approx((min(asks) - max(bids)) * tick, abs=1e-9)
    assert frame.mid == pytest.approx((min(asks) + max(bids)) * tick / 2)
    assert not frame.bucketed


@given(books(bucketed=True))
def test_no_spread_comes_of_buckets(
    given_book: tuple[Book, float, dict[int, float], dict[int, float]],
) -> None:
    made, tick, bids, asks = given_book
    assume(bids and asks)
    frame = ladder_view(market_of(made, tick), settle(market_of(made, tick), LadderSpec(20)))
    assert frame is not None
    assert frame.bucketed
    assert (frame.spread, frame.spread_bps, frame.mid) == (None, None, None)


@given(books())
def test_imbalance_weighs_the_same_levels_of_both_sides(
    given_book: tuple[Book, float, dict[int, float], dict[int, float]],
) -> None:
    made, tick, bids, asks = given_book
    assume(bids or asks)
    frame = ladder_view(market_of(made, tick), settle(market_of(made, tick), LadderSpec(20)))
    assert frame is not None
    levels = min(10, len(bids), len(asks))
    buys = sum(bids[at] for at in sorted(bids, reverse=True)[:levels])
    sells = sum(asks[at] for at in sorted(asks)[:levels])
    assert frame.imbalance_levels == levels
    assert frame.imbalance == (None if levels == 0 else (buys - sells) / (buys + sells))


@given(st.integers(1, 10**9), TICKS, GROUPS)
def test_a_price_on_the_grid_is_its_own_row(at: int, tick: float, group: int) -> None:
    price = on_grid(at, tick)
    assert row_of(price, tick, group, up=False) == at // group
    assert row_of(price, tick, group, up=True) == -(-at // group)


@given(st.integers(2, 10**7), st.sampled_from([3.0, 5.0, 25.0, 0.5]), st.floats(0.05, 0.95))
def test_a_price_between_rows_is_floored_for_bids_and_ceiled_for_asks(
    at: int, tick: float, part: float
) -> None:
    """Buckets may be named by their middle, and trades fall anywhere inside one."""
    price = (at + part) * tick
    assert row_of(price, tick, 1, up=False) == at
    assert row_of(price, tick, 1, up=True) == at + 1


def test_buckets_named_by_their_middle_stay_apart() -> None:
    market = Market(instrument())
    market.apply(
        [
            book(
                [(90_012.5 - 25 * n, 1.0) for n in range(6)],
                [(90_037.5 + 25 * n, 1.0) for n in range(6)],
                25.0,
            )
        ]
    )
    frame = ladder_view(market, settle(market, LadderSpec(20)))
    assert frame is not None
    assert list(rows_of(frame, frame.bids).values()) == [1.0] * 6
    assert list(rows_of(frame, frame.asks).values()) == [1.0] * 6


def test_sizes_that_are_not_published_stay_unknown() -> None:
    market = Market(instrument(tick=0.5))
    market.apply([book([(10.0, None), (9.5, 2.0)], [(10.5, None)])])
    frame = ladder_view(market, LadderSpec(4, margin=0, centre=20))
    assert frame is not None
    assert frame.bids == [0.0, None, 2.0, 0.0]
    assert frame.asks == [None, 0.0, 0.0, 0.0]
    assert frame.imbalance is None


# --- where the ladder stands --------------------------------------------------------------------------


def test_the_ladder_moves_only_when_the_touch_leaves_the_band() -> None:
    market = Market(instrument(tick=1.0))
    spec = LadderSpec(21)
    band = band_of(spec)
    assert settle(market, spec).centre is None, "nothing to centre on yet"
    market.apply([book([(999.0, 1.0)], [(1001.0, 1.0)])])
    spec = settle(market, spec)
    assert spec.centre == 1000
    market.apply([book([(999.0 + band - 1, 1.0)], [(1001.0 + band - 1, 1.0)])])
    spec = settle(market, spec)
    assert spec.centre == 1000
    assert settle(market, spec) is spec
    market.apply([book([(999.0 + band, 1.0)], [(1001.0 + band, 1.0)])])
    assert settle(market, spec).centre == 1000 + band


def test_a_frozen_ladder_stays() -> None:
    market = Market(instrument(tick=1.0))
    market.apply([book([(999.0, 1.0)], [(1001.0, 1.0)])])
    spec = settle(market, LadderSpec(21, centre=5, frozen=True))
    assert spec.centre == 5
    assert settle(market, spec) is spec
    assert settle(market, LadderSpec(21, frozen=True)).centre == 1000, "but it must stand somewhere first"


def test_without_a_book_the_ladder_stands_at_the_last_trade() -> None:
    market = Market(instrument(tick=1.0))
    market.apply([trade(500.0)])
    spec = settle(market, LadderSpec(5, margin=0))
    frame = view(market, spec, 0.0)
    assert isinstance(frame, LadderFrame)
    assert (frame.centre, frame.last, frame.last_price) == (500, 500, 500.0)
    assert frame.bids == frame.asks == [0.0] * 5


def test_an_emptied_book_shows_no_levels() -> None:
    market = Market(instrument(tick=1.0))
    market.apply([book([(999.0, 1.0)], [(1001.0, 1.0)])])
    spec = settle(market, LadderSpec(5))
    market.apply([book([], [])])
    frame = ladder_view(market, settle(market, spec))
    assert frame is not None
    assert not any(frame.bids)
    assert not any(frame.asks)
    assert (frame.best_bid, frame.best_ask, frame.imbalance) == (None, None, None)


# --- rest ---------------------------------------------------------------------------------------------


def test_a_header_before_anything_invents_nothing() -> None:
    frame = view(Market(instrument()), HeaderSpec(), 0.0)
    assert isinstance(frame, HeaderFrame)
    assert (frame.last, frame.change, frame.high, frame.low) == (None, None, None, None)
    assert (frame.vwap, frame.vwap_since, frame.trades) == (None, None, 0)


def test_nothing_to_show_is_no_frame() -> None:
    assert view(Market(instrument()), LadderSpec(5), 0.0) is None


def test_an_unknown_spec_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="no view for ViewSpec"):
        view(Market(instrument()), ViewSpec(), 0.0)
