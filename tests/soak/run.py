"""Hours against a venue that misbehaves: memory, counts, doubles, losses, candles.

    python tests/soak/run.py [--seconds 1200] [--rate 6] [--faults SPEC]

The venue runs in a process of its own (`mdterm simulate`); the feed here watches all its symbols. Trade ids
of the venue are consecutive over all symbols, so a trade that was sent while we were connected and did not
arrive shows as a hole outside a reconnect. At the end the one-second candles are compared with a plain
recomputation from the trades received. Exit status 1 when anything was lost, doubled or wrong.
"""

import argparse
import asyncio
import itertools
import json
import os
import resource
import subprocess
import sys
import time
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
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


def resident_mib() -> float:
    """Return the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


class Ledger:
    """Every trade received, as little of it as the checks need."""

    def __init__(self) -> None:
        # Arrays: the memory of the check must not hide that of the feed.
        self.trades: dict[str, tuple[array[int], array[float], array[float]]] = {}
        self.ids: array[int] = array("q")
        self.others: array[int] = array("q")
        """Ids of liquidations, which the venue counts with the trades."""
        self.events = 0
        self.gaps = 0
        self.states: Counter[str] = Counter()

    def take(self, events: Sequence[Event]) -> None:
        """Note events as a listener of the feed."""
        self.events += len(events)
        for event in events:
            if type(event) is Trade:
                assert event.id is not None
                assert event.ts is not None
                self.ids.append(int(event.id))
                columns = self.trades.get(event.address)
                if columns is None:
                    columns = self.trades[event.address] = (array("q"), array("d"), array("d"))
                columns[0].append(event.ts)
                columns[1].append(event.price)
                columns[2].append(event.size or 0.0)
            elif type(event) is Liquidation:
                assert event.id is not None
                self.others.append(int(event.id))
            elif type(event) is FeedStatus:
                self.states[event.state] += 1
                self.gaps += event.state == "gap"


def compare_candles(market: Market, trades: Iterable[tuple[int, float, float]]) -> int:
    """Return how many of the kept one-second bars differ from a recomputation."""
    plain: dict[int, list[float]] = {}
    for ts, price, size in sorted(trades, key=lambda trade: trade[0]):
        bar = plain.setdefault(ts // SECOND * SECOND, [price, price, price, price, 0.0])
        bar[1], bar[2], bar[3] = max(bar[1], price), min(bar[2], price), price
        bar[4] += size
    market.fold()
    wrong = 0
    for one in market.candles.candles("1s", 14_400):
        found = plain.get(one.open_ts)
        if found is None:
            wrong += 1
            continue
        same = found[:4] == [one.open, one.high, one.low, one.close]
        wrong += not same or abs(found[4] - (one.volume or 0.0)) > 1e-6 * max(1.0, found[4])
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
            f"{passed:6.0f} s  {received / passed:6.0f} messages/s  {len(ledger.ids):9d} trades  "
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
        compare_candles(market, zip(*ledger.trades[address], strict=True))
        for address, market in markets.items()
        if isinstance(market, Market) and address in ledger.trades
    )
    doubled = len(ledger.ids) - len(set(ledger.ids))
    known = sorted({*ledger.ids, *ledger.others})
    holes = sum(after - before > 1 for before, after in itertools.pairwise(known))
    trades = len(set(ledger.ids))
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
    parser.add_argument("--rate", type=float, default=4.0)
    parser.add_argument("--faults", default=FAULTS)
    options = parser.parse_args()
    venue = subprocess.Popen(
        [sys.executable, "-m", "mdterm.app.main", "simulate", "--rate", str(options.rate)]
        + (["--fault", options.faults] if options.faults else []),
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
