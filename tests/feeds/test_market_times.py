"""A time that cannot be does not move the market's day."""

from mdterm.feeds.address import Instrument
from mdterm.feeds.events import Trade
from mdterm.feeds.intervals import DAY, SECOND
from mdterm.feeds.market import Market

NOON = 20_000 * DAY + DAY // 2
A = "x:A"


def trade(number: int, ts: int | None) -> Trade:
    return Trade(A, ts, NOON + number * SECOND, str(number), 10.0 + number, 1.0, "buy")


def test_a_time_in_the_far_future_counts_at_the_time_it_was_seen() -> None:
    market = Market(Instrument(address=A, provider="x", kind="x", symbol="A"))
    market.apply([trade(0, NOON), trade(1, NOON + 20_000 * DAY), trade(2, NOON + 2 * SECOND)])
    sums = market.sums()
    assert market.trade_count == 3
    assert sums.since is not None
    assert sums.since // DAY == NOON // DAY
    assert sums.high == 12.0
    assert [one.open_ts for one in market.candles.candles("1d", 5)] == [NOON // DAY * DAY]
    prints = market.tape.prints(0)
    assert prints.open is not None
    assert max(one.ts for one in (*prints.closed, prints.open)) <= NOON + 2 * SECOND
