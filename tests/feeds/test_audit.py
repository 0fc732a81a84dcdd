"""Trades lost on the way show in the provider's own bars."""

from mdterm.feeds.audit import audit
from mdterm.feeds.candles import CandleStore
from mdterm.feeds.events import Candle, Trade
from mdterm.feeds.intervals import MINUTE, SECOND

START = 1_723_161_600 * SECOND


def trades(first: int, last: int, size: float | None = 1.0) -> list[Trade]:
    """Return one trade a second of the minutes ``first``…``last``, the last one not included."""
    at = range(first * 60, last * 60)
    return [Trade("a:b", START + one * SECOND, START, None, 100.0, size, "buy") for one in at]


def told(minute: int, volume: float | None, closed: bool = True, last: float = 59.9) -> Candle:
    """Return the provider's bar of a minute."""
    start = START + minute * MINUTE
    until = start + round(last * 1e9)
    return Candle(
        "a:b", None, START, "1m", start, 100.0, 100.0, 100.0, 100.0, volume, closed, None, None, start, until
    )


def test_all_received_says_nothing() -> None:
    store = CandleStore("a:b")
    store.fold(trades(0, 5))
    found = audit(store, [told(0, 60.0), told(1, 60.0), told(2, 60.0), told(3, 60.0), told(4, 60.0, False)])
    assert (found.minutes, found.coverage, found.words) == (4, 1.0, None)


def test_a_lack_is_told_in_words() -> None:
    store = CandleStore("a:b")
    store.fold(trades(0, 5))
    bars = [told(1, 60.0), told(2, 61.0), told(3, 60.0), told(4, 60.0, False)]
    found = audit(store, bars)
    assert (found.minutes, found.worst) == (3, START + 2 * MINUTE)
    assert found.coverage == 180 / 181
    assert found.words == "received 99.4 % of the provider's own volume over 3 minutes"
    store.merge(bars)  # the bar on the screen is the provider's now; what was received is not
    assert audit(store, bars).coverage == 180 / 181


def test_a_surplus_does_not_hide_a_lack() -> None:
    store = CandleStore("a:b")
    store.fold(trades(0, 4))
    found = audit(store, [told(1, 30.0), told(2, 90.0), told(3, 1.0, False)])
    assert (found.ours, found.theirs, found.coverage) == (120.0, 120.0, 0.75)


def test_almost_all_is_enough() -> None:
    store = CandleStore("a:b")
    store.fold(trades(0, 4))
    assert audit(store, [told(1, 60.05), told(2, 1.0, False)]).words is None
    short = audit(store, [told(1, 60.07), told(2, 1.0, False)])
    assert short.words == "received 99.8 % of the provider's own volume over 1 minute"


def test_only_minutes_that_began_after_we_joined_count() -> None:
    store = CandleStore("a:b")
    store.fold(trades(0, 4)[30:])
    assert audit(store, [told(0, 600.0), told(1, 60.0), told(2, 1.0, False)]).minutes == 1


def test_the_running_minute_and_one_that_has_just_ended_do_not_count() -> None:
    store = CandleStore("a:b")
    store.fold(trades(0, 4))
    assert audit(store, [told(1, 600.0), told(2, 5.0, False, last=4.0)]).minutes == 0
    assert audit(store, [told(1, 60.0), told(2, 5.0, False, last=6.0)]).minutes == 1
    assert audit(store, []).words is None


def test_minutes_with_an_interruption_do_not_count_even_when_it_is_mended() -> None:
    store = CandleStore("a:b")
    store.fold(trades(0, 2))
    store.interrupted()
    store.fold(trades(2, 5)[90:])
    bars = [told(minute, 60.0) for minute in range(5)]
    store.merge([*bars, told(5, 1.0, False)])
    assert store.gaps.current == []
    found = audit(store, [*bars[:4], told(5, 1.0, False)])
    assert (found.minutes, found.coverage) == (1, 1.0)  # minute 0; minute 1 ended in the interruption


def test_that_no_trade_ever_came_is_told_from_the_time_of_subscribing() -> None:
    store = CandleStore("a:b")
    bars = [told(1, 60.0), told(2, 60.0), told(3, 1.0, False)]
    assert audit(store, bars).minutes == 0
    found = audit(store, bars, since=START + 30 * SECOND)
    assert found.coverage == 0.0
    assert found.words == "received 0.0 % of the provider's own volume over 2 minutes"


def test_sizes_that_nobody_tells_cannot_be_compared() -> None:
    store = CandleStore("a:b")
    store.fold(trades(0, 4, size=None))
    assert audit(store, [told(1, 60.0), told(2, 1.0, False)]).minutes == 0
    other = CandleStore("a:b")
    other.fold(trades(0, 4))
    assert audit(other, [told(1, None), told(2, None, False)]).minutes == 0
