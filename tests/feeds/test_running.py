"""Sums that are kept up change by change equal sums made anew, whatever changes in whatever order."""

from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.bars import SIDED, SIZED, UNSPLIT, Bar, Series
from mdterm.feeds.intervals import DAY, MINUTE
from mdterm.feeds.running import Running

EVE = 20_000 * DAY - 6 * MINUTE
"""Six minutes before a day begins."""

minutes = st.builds(
    lambda at, buy, sell, flags: Bar(
        EVE + at * MINUTE,
        10.0,
        10.0,
        10.0,
        10.0,
        buy + sell,
        buy,
        sell,
        10.0 * (buy + sell),
        0,
        0,
        0,
        0,
        flags,
    ),
    st.integers(0, 14),
    st.integers(0, 9).map(float),
    st.integers(0, 9).map(float),
    st.sampled_from([SIZED | SIDED, SIZED | SIDED, SIZED | SIDED | UNSPLIT]),
)


@given(st.lists(st.tuples(minutes, st.booleans()), max_size=60))
def test_kept_sums_equal_sums_made_anew(changes: list[tuple[Bar, bool]]) -> None:
    series, kept = Series(100), Running()
    for bar, is_looked_at in changes:
        series.put(bar)
        if is_looked_at:
            kept.sync(series)
            kept.before(bar.open_ts, bar.open_ts)
    kept.sync(series)
    anew = Running()
    anew.sync(series)
    for at in range(17):
        ts = EVE + at * MINUTE
        assert kept.before(ts, ts - 1) == anew.before(ts, ts - 1)
    assert kept.deltas() == anew.deltas()


@given(st.lists(minutes, max_size=30))
def test_sums_are_those_of_the_session(bars: list[Bar]) -> None:
    series, running = Series(100), Running()
    told: dict[int, Bar] = {}
    for bar in bars:
        series.put(bar)
        told[bar.open_ts] = bar
    running.sync(series)
    for at in range(1, 16):
        end = EVE + at * MINUTE
        start = (end - 1) // DAY * DAY
        inside = [told[key] for key in sorted(told) if start <= key < end]
        found = running.before(end, end - 1)
        assert (found.start, found.volume) == (start, sum(one.volume for one in inside))
        assert found.vwap == (10.0 if found.volume else None)
        unknown = [one.open_ts for one in inside if one.flags & UNSPLIT and one.volume]
        since = unknown[-1] + MINUTE if unknown else start
        assert found.delta_from == since
        assert found.delta == sum(one.buy - one.sell for one in inside if one.open_ts >= since)


def test_minutes_that_were_given_up_are_let_go_here_too() -> None:
    series, running = Series(32), Running()
    for at in range(500):
        series.put(
            Bar(EVE + at * MINUTE, 10.0, 10.0, 10.0, 10.0, 1.0, 1.0, 0.0, 10.0, 0, 0, 0, 0, SIZED | SIDED)
        )
        running.sync(series)
    times, sums = running.deltas()
    assert len(times) == len(series) <= 34
    assert sums[-1] == 494.0, "what they told is still in the sums after them"
    assert times[-1] == EVE + 499 * MINUTE
