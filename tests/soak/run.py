"""Hours against a venue that misbehaves: memory, counts, doubles, losses, candles.

    python -m tests.soak.run [--seconds 1200] [--symbols 20] [--rate 5] [--faults SPEC]

The venue runs in a process of its own (``crowded.py``: by default 20 symbols and some 500 messages/s); the
feed here watches all its symbols. Trade ids of the venue are consecutive over all symbols, so a trade that
was sent while we were connected and did not arrive shows as a hole outside a reconnect. At the end the
one-second candles are compared with a plain recomputation from the trades received. Exit status 1 when
anything was lost, doubled or wrong.
"""

import asyncio
import os
import resource
import signal
import sys
import time
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mdterm.app.commands.context import Context
from mdterm.app.providers import World
from mdterm.feeds.candles import SECOND_BARS
from mdterm.feeds.events import Event, FeedStatus, Liquidation, Stream, Trade
from mdterm.feeds.frames import FrameSet
from mdterm.feeds.intervals import SECOND
from mdterm.feeds.market import Market
from mdterm.feeds.runtime import Feed
from mdterm.feeds.specs import ChartSpec, HeaderSpec, LadderSpec, TapeSpec
from mdterm.feeds.thread import new_loop
from tests.soak.crowd import crowd, parsed

EARLIER_S = 120
"""How much older than the first trade of an instrument a later one may be."""


def resident_mib() -> float:
    """Return the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


class Ledger:
    """Every trade received, in memory that does not grow: that of the feed is what is measured."""

    def __init__(self, addresses: Sequence[str], seconds: int) -> None:
        self.bars = {address: Bars(seconds) for address in addresses}
        """One-second bars, recomputed plainly."""
        self.ids = Runs()
        self.trades = self.doubled = 0
        self.gaps = 0
        self.states: Counter[str] = Counter()

    def take(self, events: Sequence[Event]) -> None:
        """Note events as a listener of the feed."""
        for event in events:
            if type(event) is Trade:
                assert event.ts is not None
                if self._note(event.id):
                    self.trades += 1
                else:
                    self.doubled += 1
                self.bars[event.address].take(event.ts, event.price, event.size or 0.0)
            elif type(event) is Liquidation:
                self._note(event.id)
            elif type(event) is FeedStatus:
                self.states[event.state] += 1
                self.gaps += event.state == "gap"

    def _note(self, id_: str | None) -> bool:
        """Take down an id; return whether it is new."""
        assert id_ is not None
        return self.ids.add(int(id_))


class Runs:
    """Which numbers came, as the runs that they make: nearly all follow one another."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._ends: list[int] = []

    def add(self, number: int) -> bool:
        """Take a number in; return whether it is new."""
        firsts, ends = self._firsts, self._ends
        at = bisect_right(firsts, number)
        if at and number < ends[at - 1]:
            return False
        joins_last = at > 0 and ends[at - 1] == number
        joins_next = at < len(firsts) and firsts[at] == number + 1
        if joins_last and joins_next:
            ends[at - 1] = ends.pop(at)
            del firsts[at]
        elif joins_last:
            ends[at - 1] = number + 1
        elif joins_next:
            firsts[at] = number
        else:
            firsts.insert(at, number)
            ends.insert(at, number + 1)
        return True

    @property
    def holes(self) -> int:
        """How many runs of numbers are missing between the first and the last."""
        return max(0, len(self._firsts) - 1)


class Bars:
    """Plain one-second bars; trades of one moment count in the order in which they came."""

    COLUMNS = 8
    """First and last time within the second (ns), open, high, low, close, volume, and 1.0 for a bar."""

    def __init__(self, seconds: int) -> None:
        self._cells = array("d", bytes(8 * self.COLUMNS * seconds))
        self._first: int | None = None

    def take(self, ts: int, price: float, size: float) -> None:
        """Count a trade."""
        if self._first is None:
            self._first = ts // SECOND - EARLIER_S
        at = (ts // SECOND - self._first) * self.COLUMNS
        assert 0 <= at < len(self._cells), "a trade of long before the first, or long after the end"
        first, last, open_, high, low, close, volume, is_known = self._cells[at : at + self.COLUMNS]
        within = float(ts % SECOND)
        if not is_known:
            first, last, open_, high, low, close = within, within, price, price, price, price
        if within < first:
            first, open_ = within, price
        if within >= last:
            last, close = within, price
        told = (first, last, open_, max(high, price), min(low, price), close, volume + size, 1.0)
        self._cells[at : at + self.COLUMNS] = array("d", told)

    def get(self, open_ts: int) -> tuple[float, ...] | None:
        """Return open, high, low, close and volume of a bar, None where nothing was traded."""
        at = (open_ts // SECOND - (self._first or 0)) * self.COLUMNS
        if not 0 <= at < len(self._cells) or not self._cells[at + 7]:
            return None
        return tuple(self._cells[at + 2 : at + 7])


def compare_candles(market: Market, plain: Bars) -> int:
    """Return how many of the kept one-second bars differ from a recomputation."""
    market.fold()
    wrong = 0
    for one in market.candles.candles("1s", SECOND_BARS):
        found = plain.get(one.open_ts)
        if found is None:
            wrong += 1
            continue
        same = found[:4] == (one.open, one.high, one.low, one.close)
        wrong += not same or abs(found[4] - (one.volume or 0.0)) > 1e-6 * max(1.0, found[4])
    return wrong


async def soak(seconds: float, endpoints: dict[str, str]) -> int:
    """Run, report every minute, check at the end; return the exit status."""
    context = Context({**os.environ, "MDTERM_KIYOTAKA_TOKEN": "soak"})
    context.overrides = tuple(f"{key}={value}" for key, value in endpoints.items())
    world = World(context)
    provider = world.provider("kiyotaka")
    assert provider.history is not None
    addresses = await provider.history.search("")
    instruments = world.instruments(addresses)
    before = resident_mib()
    ledger = Ledger([one.address for one in instruments], int(seconds) + 2 * EARLIER_S)
    checking = resident_mib() - before
    feed, frames = Feed(world.providers), Counter[str]()
    feed.watch(instruments)
    streams: tuple[Stream, ...] = ("trade", "liquidation")
    feed.listen([(one.address, stream) for one in instruments for stream in streams], ledger.take)
    first = instruments[0].address

    def take(made: FrameSet) -> None:
        frames["posted"] += 1
        feed.ack(made.number)

    feed.connect(take)
    feed.bind("ladder", first, LadderSpec(rows=30))
    feed.bind("tape", first, TapeSpec(rows=30))
    feed.bind("header", first, HeaderSpec())
    feed.bind("chart", first, ChartSpec("1m", 100))
    print(f"the ledger of this check takes {checking:.1f} MiB of the memory told here", flush=True)
    begun, cpu, early, stopped = time.monotonic(), time.process_time(), 0.0, asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    while (passed := time.monotonic() - begun) < seconds and not stopped.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), min(60.0, seconds - passed))
        passed = time.monotonic() - begun
        early = early or (resident_mib() if passed >= min(300.0, seconds / 4) else 0.0)
        received = sum(connection.health.frames for connection in feed.links.connections.values())
        print(
            f"{passed:6.0f} s  {received / passed:6.0f} messages/s  {ledger.trades:9d} trades  "
            f"{ledger.gaps:4d} gaps  {resident_mib():6.1f} MiB  "
            f"{(time.process_time() - cpu) / passed:5.1%} of a core  {frames['posted'] / passed:4.1f} fps",
            flush=True,
        )
    late = resident_mib()
    opened = sum(connection.opened_count for connection in feed.links.connections.values())
    states = dict(ledger.states)
    await feed.close()
    markets = {one.address: feed.markets[one.address] for one in instruments}
    counted = sum(market.trade_count for market in markets.values())
    wrong = sum(
        compare_candles(market, ledger.bars[address])
        for address, market in markets.items()
        if isinstance(market, Market) and address in ledger.bars
    )
    trades, doubled, holes = ledger.trades, ledger.doubled, ledger.ids.holes
    print(
        f"trades {trades}, counted by the markets {counted}, doubled {doubled}; holes in the ids {holes} "
        f"with {opened} connections opened; one-second bars wrong {wrong}; states {states}; "
        f"memory {early:.1f} → {late:.1f} MiB, {late / early - 1:+.1%}"
    )
    return int(doubled > 0 or counted != trades or holes > opened or wrong > 0)


def main() -> int:
    """Start the venue, soak, and say how it went."""
    options = parsed(__doc__, 1200.0)
    with crowd(options) as endpoints, asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(soak(options.seconds, endpoints))


if __name__ == "__main__":
    sys.exit(main())
