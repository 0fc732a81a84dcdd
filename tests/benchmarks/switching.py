"""From the key to the glass: another symbol of the watchlist, all of it warm, over a market that moves."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.table import Row, at_most
from tests.program.dashboard import open_dashboard
from tests.program.market import Market
from tests.program.test_screen import MARKETS, moving
from tests.program.venue import Venue

LIMIT_MS = 100.0


def rows(short: bool) -> Iterator[Row]:
    """Press digits; measure until header and ladder of the other symbol stand on the terminal."""
    markets = [Market(*each, seed=2) for each in MARKETS]
    took: list[float] = []
    with (
        tempfile.TemporaryDirectory() as home,
        Venue(block_sizes={market.symbol: market.block for market in markets}) as venue,
        open_dashboard(Path(home), venue, markets, columns=120, lines=40) as terminal,
        moving(venue, markets),
    ):
        for number, market in enumerate(markets, 1):
            terminal.press(str(number))
            terminal.wait_for(lambda lines, symbol=market.symbol: lines[0].startswith(f" {symbol}"))  # type: ignore[misc]
            time.sleep(1.0)  # its first frames and its past are there then
        for at in range(20 if short else 100):
            number = at % len(markets)
            begun = time.perf_counter()
            terminal.press(str(number + 1))

            def is_there(lines: list[str], symbol: str = markets[number].symbol) -> bool:
                return lines[0].startswith(f" {symbol} ") and any("BID" in line for line in lines)

            terminal.wait_for(is_there)
            took.append((time.perf_counter() - begun) * 1000)
            time.sleep(0.05)
    took.sort()
    p99 = took[min(len(took) - 1, round(len(took) * 0.99))]
    yield Row("warm switch, key to glass, p50", f"{statistics.median(took):.1f} ms")
    yield at_most("warm switch, key to glass, p99", p99, LIMIT_MS, "ms")
