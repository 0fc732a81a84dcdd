"""Hours against a venue that misbehaves: memory, counts, doubles, losses, candles.

    python tests/soak/run.py [--seconds 1200] [--symbols 20] [--rate 5] [--faults SPEC]

The venue runs in a process of its own (``crowded.py``: by default 20 symbols and some 500 messages/s); the
feed here watches all its symbols. Trade ids of the venue are consecutive over all symbols, so a trade that
was sent while we were connected and did not arrive shows as a hole outside a reconnect. At the end the
one-second candles are compared with a plain recomputation from the trades received. Exit status 1 when
anything was lost, doubled or wrong.
"""

import argparse
import asyncio
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from mdterm.app.commands.context import Context
from mdterm.app.providers import World
from mdterm.feeds.events import Event, FeedStatus, Liquidation, Stream, Trade
from mdterm.feeds.frames import ChartSpec, FrameSet, HeaderSpec, LadderSpec, TapeSpec
from mdterm.feeds.intervals import SECOND
from mdterm.feeds.market import Market
from mdterm.feeds.runtime import Feed
from mdterm.feeds.thread import new_loop

FAULTS = "drop~0.01,garbage~0.0005,refuse@300+20,silence:book@600+15,delay=20@700+60"

BEFORE = 10_000
"""Ids before the first that came: what is sent at once need not come in their order."""


def resident_mib() -> float:
    """Return the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


class Ledger:
    """Every trade received, as little of it as the checks need: the memory of the check must not hide that
    of the feed."""

    def __init__(self) -> None:
        self.bars: dict[str, dict[int, Bar]] = {}
        """One-second bars of each address by their start, recomputed plainly."""
        self.trades = self.doubled = 0
        self.events = 0
        self.gaps = 0
        self.states: Counter[str] = Counter()
        self._first: int | None = None
        self._known = bytearray()
        """One byte for each id since the first; liquidations are counted with the trades."""

    def take(self, events: Sequence[Event]) -> None:
        """Note events as a listener of the feed."""
        self.events += len(events)
        for event in events:
            if type(event) is Trade:
                assert event.ts is not None
                if self._note(event.id):
                    self.trades += 1
                else:
                    self.doubled += 1
                bars = self.bars.setdefault(event.address, {})
                start = event.ts // SECOND * SECOND
                bar = bars.get(start)
                if bar is None:
                    bar = bars[start] = Bar(event.ts, event.ts, event.price)
                bar.take(event.ts, event.price, event.size or 0.0)
            elif type(event) is Liquidation:
                self._note(event.id)
            elif type(event) is FeedStatus:
                self.states[event.state] += 1
                self.gaps += event.state == "gap"

    def _note(self, id_: str | None) -> bool:
        """Take down an id; return whether it is new."""
        assert id_ is not None
        number = int(id_)
        if self._first is None:
            self._first = number - BEFORE
        at = number - self._first
        assert at >= 0, "an id of long before the first"
        if at >= len(self._known):
            self._known.extend(bytes(at + 65_536 - len(self._known)))
        is_new = not self._known[at]
        self._known[at] = 1
        return is_new

    def holes(self) -> int:
        """Return how many runs of ids are missing between the first and the last."""
        return len(re.findall(rb"\x01\x00+(?=\x01)", self._known))


class Bar:
    """A plain bar: trades of one moment count in the order in which they came."""

    __slots__ = ("close", "first", "high", "last", "low", "open", "volume")

    def __init__(self, first: int, last: int, price: float) -> None:
        self.first, self.last = first, last
        self.open = self.high = self.low = self.close = price
        self.volume = 0.0

    def take(self, ts: int, price: float, size: float) -> None:
        """Count a trade."""
        if ts < self.first:
            self.first, self.open = ts, price
        if ts >= self.last:
            self.last, self.close = ts, price
        self.high, self.low = max(self.high, price), min(self.low, price)
        self.volume += size


def compare_candles(market: Market, plain: Mapping[int, Bar]) -> int:
    """Return how many of the kept one-second bars differ from a recomputation."""
    market.fold()
    wrong = 0
    for one in market.candles.candles("1s", 14_400):
        found = plain.get(one.open_ts)
        if found is None:
            wrong += 1
            continue
        same = (found.open, found.high, found.low, found.close) == (one.open, one.high, one.low, one.close)
        wrong += not same or abs(found.volume - (one.volume or 0.0)) > 1e-6 * max(1.0, found.volume)
    return wrong


async def soak(seconds: float, endpoints: dict[str, str]) -> int:
    """Run, report every minute, check at the end; return the exit status."""
    context = Context({**os.environ, "MDTERM_KIYOTAKA_TOKEN": "soak"})
    context.overrides = tuple(f"{key}={value}" for key, value in endpoints.items() if isinstance(value, str))
    world = World(context)
    provider = world.provider("kiyotaka")
    assert provider.history is not None
    addresses = await provider.history.search("")
    instruments = world.instruments(addresses)
    feed, ledger, frames = Feed(world.providers), Ledger(), Counter[str]()
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
    begun, cpu, early = time.monotonic(), time.process_time(), 0.0
    while (passed := time.monotonic() - begun) < seconds:
        await asyncio.sleep(min(60.0, seconds - passed))
        passed = time.monotonic() - begun
        early = early or (resident_mib() if passed >= min(300.0, seconds / 4) else 0.0)
        received = sum(connection.health.frames for connection in feed.links.connections.values())
        print(
            f"{passed:6.0f} s  {received / passed:6.0f} messages/s  {ledger.trades:9d} trades  "
            f"{ledger.gaps:4d} gaps  {resident_mib():6.1f} MiB  "
            f"{(time.process_time() - cpu) / passed:5.1%} of a core  {frames['posted'] / passed:4.1f} fps",
            flush=True,
        )
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
    trades, doubled, holes = ledger.trades, ledger.doubled, ledger.holes()
    print(
        f"trades {trades}, counted by the markets {counted}, doubled {doubled}; holes in the ids {holes} "
        f"with {opened} connections opened; one-second bars wrong {wrong}; states {states}; "
        f"memory {early:.1f} → {resident_mib():.1f} MiB (the ledger of this check included)"
    )
    return int(doubled > 0 or counted != trades or holes > opened or wrong > 0)


def main() -> int:
    """Start the venue, soak, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1200.0)
    parser.add_argument("--symbols", type=int, default=20)
    parser.add_argument("--rate", type=float, default=5.0)
    parser.add_argument("--faults", default=FAULTS)
    options = parser.parse_args()
    venue = subprocess.Popen(
        [
            sys.executable,
            str(Path(__file__).with_name("crowded.py")),
            f"--symbols={options.symbols}",
            f"--rate={options.rate}",
            f"--fault={options.faults}",
        ],
        stdout=subprocess.PIPE,
    )
    try:
        assert venue.stdout is not None
        endpoints = json.loads(venue.stdout.readline())
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(soak(options.seconds, endpoints))
    finally:
        venue.terminate()
        venue.wait()


if __name__ == "__main__":
    sys.exit(main())
