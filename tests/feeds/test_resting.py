"""Pulled and stacked sizes equal what was done to the book, whatever trades and books come in which order."""

from collections import defaultdict
from collections.abc import Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from mdterm.feeds.events import Book, Trade
from mdterm.feeds.resting import MOST_PRICES, Resting
from tests.feeds.support import book, trade

Sizes = dict[int, float]


def book_of(bids: Sizes, asks: Sizes, depth: int = 1_000_000) -> Book:
    """Return a book of whole prices, cut to so many levels a side."""
    return book(
        [(float(at), bids[at]) for at in sorted(bids, reverse=True)[:depth]],
        [(float(at), asks[at]) for at in sorted(asks)[:depth]],
    )


steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "cancel", "trade", "look"]),
        st.sampled_from(["bid", "ask"]),
        st.integers(0, 12),
        st.integers(1, 40).map(lambda n: n / 8),
    ),
    max_size=120,
)


@given(steps, st.integers(3, 20), st.booleans())
@settings(max_examples=150, deadline=None, database=None)
def test_changes_are_what_was_added_and_cancelled(
    done: Sequence[tuple[str, str, int, float]], depth: int, is_late: bool
) -> None:
    """Where both books reach: initial + changes − traded = resting, and changes = added − cancelled."""
    sides: dict[str, Sizes] = {
        "bid": {100 - at: 4.0 for at in range(8)},
        "ask": {101 + at: 4.0 for at in range(8)},
    }
    resting = Resting(1.0)
    resting.look(book_of(sides["bid"], sides["ask"], depth))
    told: dict[str, Sizes] = {"bid": defaultdict(float), "ask": defaultdict(float)}
    since: dict[str, Sizes] = {"bid": defaultdict(float), "ask": defaultdict(float)}
    shown = {"bid": sorted(sides["bid"])[-depth:], "ask": sorted(sides["ask"])[:depth]}
    owed: list[Trade] = []
    for what, side, at, size in [*done, ("look", "bid", 0, 1.0)]:
        price, levels = (100 - at if side == "bid" else 101 + at), sides[side]
        if what == "look":
            resting.trade(owed)
            owed = []
            now = {"bid": sorted(sides["bid"])[-depth:], "ask": sorted(sides["ask"])[:depth]}
            for one in ("bid", "ask"):
                if now[one] and shown[one]:
                    edge = (
                        max(now[one][0], shown[one][0]) if one == "bid" else min(now[one][-1], shown[one][-1])
                    )
                    for tick, change in since[one].items():
                        if tick >= edge if one == "bid" else tick <= edge:
                            told[one][tick] += change
                since[one].clear()
            shown = now
            resting.look(book_of(sides["bid"], sides["ask"], depth))
        elif what == "add":
            levels[price] = levels.get(price, 0.0) + size
            since[side][price] += size
        else:
            size = min(size, levels.get(price, 0.0))
            levels[price] = levels.get(price, 0.0) - size
            if not levels[price]:
                del levels[price]
            if what == "cancel":
                since[side][price] -= size
            elif size:
                made = trade(float(price), size, "sell" if side == "bid" else "buy")
                owed.append(made)
                if not is_late:
                    resting.trade([owed.pop()])
    assert dict(resting.bids) == {at: change for at, change in told["bid"].items() if change}
    assert dict(resting.asks) == {at: change for at, change in told["ask"].items() if change}


def test_a_trade_told_after_its_book_is_made_good() -> None:
    resting = Resting(1.0)
    resting.look(book_of({100: 5.0}, {101: 5.0}))
    resting.look(book_of({100: 2.0}, {101: 5.0}))
    assert resting.bids == {100: -3.0}, "as far as is known it was pulled"
    resting.trade([trade(100.0, 3.0, "sell")])
    resting.look(book_of({100: 2.0}, {101: 5.0}))
    assert resting.bids == {}


def test_more_traded_than_rested_was_stacked_meanwhile() -> None:
    resting = Resting(1.0)
    resting.look(book_of({100: 5.0}, {101: 5.0}))
    resting.trade([trade(101.0, 8.0, "buy")])
    resting.look(book_of({100: 5.0}, {102: 1.0}))
    assert resting.asks == {
        101: 3.0,
    }
    assert resting.bids == {}


def test_a_trade_without_side_takes_from_what_rests_there() -> None:
    resting = Resting(1.0)
    resting.look(book_of({100: 5.0}, {101: 5.0}))
    resting.trade([trade(100.0, 1.0, None), trade(101.0, 2.0, None), trade(101.0, None, "buy")])
    resting.look(book_of({100: 4.0}, {101: 3.0}))
    assert (resting.bids, resting.asks) == ({}, {})


def test_what_leaves_the_last_level_was_not_pulled() -> None:
    resting = Resting(1.0)
    bids, asks = dict.fromkeys(range(91, 101), 1.0), {101: 1.0}
    resting.look(book_of(bids, asks, depth=10))
    resting.look(book_of(bids | {102: 2.0, 101: 2.0}, {103: 1.0}, depth=10))
    assert resting.bids == {101: 2.0, 102: 2.0}
    resting.look(book_of(bids, asks, depth=10))
    assert resting.bids == {}, "and when it is seen again it was not stacked"


def test_an_emptied_side_and_unpublished_sizes_tell_nothing() -> None:
    resting = Resting(1.0)
    resting.look(book_of({100: 5.0}, {101: 5.0}))
    resting.look(book_of({}, {101: 5.0}))
    resting.look(book_of({100: 7.0}, {101: 6.0}))
    assert (resting.bids, resting.asks) == ({}, {101: 1.0})
    resting.look(book([(100.0, None)], [(101.0, None)]))
    resting.look(book_of({100: 1.0}, {101: 9.0}))
    assert (resting.bids, resting.asks) == ({}, {101: 1.0})


def test_over_a_gap_nothing_is_compared_and_sums_stay() -> None:
    resting = Resting(1.0)
    resting.look(book_of({100: 5.0}, {101: 5.0}))
    resting.look(book_of({100: 6.0}, {101: 5.0}))
    resting.interrupt()
    resting.look(book_of({100: 1.0}, {101: 5.0}))
    assert resting.bids == {100: 1.0}


def test_the_same_book_is_looked_at_once_and_the_beginning_is_told() -> None:
    resting = Resting(1.0)
    first = msgspec.structs.replace(book_of({100: 5.0}, {101: 5.0}), seen=7)
    resting.look(first)
    resting.trade([trade(100.0, 1.0, "sell")])
    resting.look(first)
    assert (resting.bids, resting.since) == ({}, 7), "what was traded is in no book yet"


def test_a_bucket_takes_the_trades_inside_it() -> None:
    resting = Resting(25.0)
    resting.look(book([(90_000.0, 5.0)], [(90_025.0, 5.0)], 25.0))
    resting.trade([trade(90_010.5, 1.0, "sell"), trade(90_010.5, 2.0, "buy")])
    resting.look(book([(90_000.0, 4.0)], [(90_025.0, 3.5)], 25.0))
    assert (resting.bids, resting.asks) == ({}, {3601: 0.5})


def test_memory_is_bounded_and_the_nearest_prices_stay() -> None:
    resting = Resting(1.0)
    asks = {50_000: 1.0}
    far = dict.fromkeys(range(10000, 10000 + MOST_PRICES + 1), 1.0)
    resting.look(book_of({9_999: 1.0, 49_000: 1.0}, asks))
    resting.look(book_of({9_999: 1.0, 49_000: 1.0} | far, asks))
    assert len(resting.bids) == MOST_PRICES // 2
    assert min(resting.bids) > 10_000
    resting.trade([trade(float(at), 1.0, "sell") for at in range(MOST_PRICES + 1)])
    kept = dict(resting.bids)
    resting.look(book_of({9_999: 1.0, 49_000: 1.0}, asks))
    assert resting.bids == kept, "nobody looked for too long: nothing to compare with"
