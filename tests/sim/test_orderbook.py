"""One side of a book in ticks and lots."""

from mdterm.feeds.sim.orderbook import Side


def bids() -> Side:
    side = Side(-1)
    for tick, lots in ((100, 5), (98, 2), (97, 9)):
        side.put(tick, lots)
    return side


def test_the_best_of_bids_is_the_highest_and_of_asks_the_lowest() -> None:
    assert bids().best == 100
    asks = Side(1)
    for tick in (103, 101, 107):
        asks.put(tick, 1)
    assert asks.best == 101


def test_a_market_order_takes_the_best_first_and_leaves_the_rest() -> None:
    side = bids()
    assert list(side.take(6, limit=90)) == [(100, 5), (98, 1)]
    assert side.best == 98
    assert side.lots == {98: 1, 97: 9}


def test_a_limit_stops_a_market_order() -> None:
    side = bids()
    assert list(side.take(100, limit=98)) == [(100, 5), (98, 2)]
    assert side.best == 97


def test_an_emptied_side_has_no_best() -> None:
    side = bids()
    assert sum(lots for _, lots in side.take(100, limit=0)) == 16
    assert side.best is None
    assert side.depth(3, 10, 1000) == ()


def test_putting_nothing_removes_a_level() -> None:
    side = bids()
    side.put(100, 0)
    assert side.best == 98
    side.put(55, 0)
    assert 55 not in side.lots


def test_depth_is_flat_best_first_in_the_floats_its_text_reads_as() -> None:
    side = Side(1)
    side.put(618002, 2862)
    side.put(618005, 1)
    side.put(618003, 696)
    assert side.depth(2, 10, 1000) == (61800.2, 2.862, 61800.3, 0.696)


def test_what_lies_too_far_away_is_forgotten() -> None:
    side = bids()
    side.trim(98)
    assert side.lots == {100: 5, 98: 2}
