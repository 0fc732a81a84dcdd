"""Many instruments: 20 on the watchlist at 5,000 messages a second, and thousands that nobody looks at."""

import time
from collections.abc import Iterator

from mdterm.feeds.address import Instrument
from mdterm.feeds.events import Trade
from mdterm.feeds.market import Market, Quote
from tests.benchmarks.screen import watched
from tests.benchmarks.table import Row, at_most
from tests.benchmarks.venue import Load

SYMBOLS = ("BTCUSDT", *(f"C{number:02d}USDT" for number in range(1, 20)))
MANY = 2_000


def _twenty(seconds: float) -> Iterator[Row]:
    """20 instruments: 4,800 trades and 200 books a second, one a message."""
    with watched(Load(SYMBOLS, trades=4_800, books=200)) as (glass, told):
        cpu, begun, sent = glass.cpu_s(), time.monotonic(), told.total.value
        time.sleep(seconds)
        passed = time.monotonic() - begun
        share = (glass.cpu_s() - cpu) / passed * 100
        beside = f"{(told.total.value - sent) / passed:.0f} trades/s, {glass.rss_mb():.0f} MB resident"
        yield at_most("processor, 20 instruments, 5,000 messages/s", share, 40.0, "% of a core", beside)


def _unseen(trades: int) -> Iterator[Row]:
    """What a trade costs where nobody looks: 2,000 light markets beside one full one."""
    names = [f"x:S{number}" for number in range(MANY)]
    quotes = {name: Quote(Instrument(name, "x", "x", name, None)) for name in names}
    events = [Trade(names[at % MANY], at, at, str(at), 100.0 + at % 7, 1.0, "buy") for at in range(trades)]
    begun = time.thread_time()
    for event in events:
        quotes[event.address].apply([event])
    light = (time.thread_time() - begun) / trades * 1e6
    market = Market(Instrument("x:S", "x", "x", "S", None))
    begun = time.thread_time()
    for event in events:
        market.apply([event])
    market.fold()
    full = (time.thread_time() - begun) / trades * 1e6
    yield at_most(
        f"a trade on one of {MANY} unseen instruments, µs", light, 2.0, "µs", f"full state {full:.2f} µs"
    )


def rows(short: bool) -> Iterator[Row]:
    """Measure both."""
    yield from _twenty(6.0 if short else 15.0)
    yield from _unseen(20_000 if short else 100_000)
