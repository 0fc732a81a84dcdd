"""JayX's account against the venue: every frame adds up, every print is counted, the key goes nowhere.

    python tests/soak/jayx.py [--seconds 600] [--framing any] [--rate 10] [--cuts 20] [--switches 15]

A screen that reads at once holds in every frame: total = available + locked, size = filled + remaining, and
locked = what the open orders hold, but for frames drawn between the two messages that tell them. The
account's socket is cut and the chart's interval, so the market's socket, is changed now and then: no print
may be lost or doubled by it. Exit status 1 when anything did not hold.
"""

import argparse
import asyncio
import logging
import random
import resource
import sys
from decimal import Decimal

from mdterm.feeds.frames import AccountFrame, FrameSet
from mdterm.feeds.jayx.feed import Options, make
from mdterm.feeds.journal import MemoryJournal, pack
from mdterm.feeds.runtime import Feed
from mdterm.feeds.sim.venue import Venue, VenueConfig
from mdterm.feeds.specs import AccountSpec, ChartSpec, LadderSpec, TapeSpec
from mdterm.feeds.thread import new_loop

ADDRESS, OTHER = "jayx:BTCUSDT", "jayx:ETHUSDT"
KEY = 'pl"antéd/4711+'
FORMS = (KEY, "antéd/4711", "ant\\u00e9d", "ant%C3%A9d", "4711+")
INTERVALS = ("1m", "5m", "15s", "1h", "1w")


class Ledger:
    """Looks at every frame set, and keeps what did not hold."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.sets = self.frames = self.orders = self.agreeing = self.apart = 0
        self.longest_apart = 0
        self.wrong: list[str] = []
        self._apart = 0
        feed.connect(self.take)

    def take(self, frames: FrameSet) -> None:
        """Look at a frame set, and give the credit back."""
        self.sets += 1
        panel = frames.panels.get("account")
        if panel is not None and isinstance(panel.frame, AccountFrame):
            self.frames += 1
            self._check(panel.frame)
        if any(form in str(frames) for form in FORMS):
            self.wrong.append("the key is in a frame")
        self.feed.ack(frames.number)

    def _check(self, frame: AccountFrame) -> None:
        held: dict[str, Decimal] = {}
        for one in frame.balances:
            if Decimal(one.total) != Decimal(one.available) + Decimal(one.locked):
                self.wrong.append(f"{one}")
        for order in frame.orders:
            self.orders += 1
            size, left, price = (
                Decimal(text or "NaN") for text in (order.size, order.remaining, order.price)
            )
            if abs(float((size - left) / size) - (order.filled if order.filled is not None else -1)) > 1e-12:
                self.wrong.append(f"{order}")
            asset, amount = ("USDT", left * price) if order.side == "buy" else (order.symbol[:-4], left)
            held[asset] = held.get(asset, Decimal(0)) + amount
        if any(Decimal(one.locked) != held.get(one.asset, 0) for one in frame.balances if one.asset in held):
            self.apart += 1
            self._apart += 1
            self.longest_apart = max(self.longest_apart, self._apart)
        else:
            self.agreeing += 1
            self._apart = 0


async def soak(options: argparse.Namespace) -> int:
    """Run, and return the exit status."""
    venue = Venue(VenueConfig(providers=("jayx",), jayx_framing=options.framing, rate=options.rate))
    urls = await venue.start()
    rest_url = urls["providers.jayx.rest_url"]  # tells the units of both symbols that the account trades in
    provider = make("jayx", Options(api_key=KEY, url=urls["providers.jayx.url"], rest_url=rest_url))
    journal = MemoryJournal()
    feed = Feed({"jayx": provider}, journal=journal, accounts={"jayx": "jayx"})
    ledger = Ledger(feed)
    feed.watch([feed.resolve(ADDRESS), feed.resolve(OTHER)])
    feed.bind("account", ADDRESS, AccountSpec())
    feed.bind("ladder", ADDRESS, LadderSpec(30))
    feed.bind("tape", ADDRESS, TapeSpec(30))
    feed.bind("chart", ADDRESS, ChartSpec("1m", 60))
    loop, dice = asyncio.get_running_loop(), random.Random(1)
    end, server = loop.time() + options.seconds, venue.jayx
    assert server is not None
    cut_at, switch_at = loop.time() + options.cuts, loop.time() + options.switches
    cuts = switches = 0
    leaked = frames = 0
    memory = first = 0.0
    while loop.time() < end:
        await asyncio.sleep(0.5)
        if loop.time() >= cut_at:
            server.cut("nonbook")
            cuts, cut_at = cuts + 1, loop.time() + dice.uniform(0.5, 1.5) * options.cuts
        if loop.time() >= switch_at:
            feed.respec("chart", ChartSpec(dice.choice(INTERVALS), 60))
            switches, switch_at = switches + 1, loop.time() + dice.uniform(0.2, 1.8) * options.switches
        frames += len(journal.records)
        leaked += sum(any(form.encode() in pack(one) for form in FORMS) for one in journal.records)
        journal.records.clear()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        first = first or memory
    while (shown := feed.shown(ADDRESS, "trade").word) in ("RECONNECTING", "CONNECTING", "WARMING"):
        await asyncio.sleep(0.1)
    for task in venue._tasks:
        task.cancel()  # the market stands still, and what was sent arrives
    counted = -1
    while counted != feed.markets[ADDRESS].trade_count:
        counted = feed.markets[ADDRESS].trade_count
        await asyncio.sleep(2.0)
    sent = [told for one in server.sessions for symbol, told in one._books.items() if symbol == "BTCUSDT"]
    made = max(told.trades for told in sent)
    account = feed.accounts.of["jayx"]
    links = [one.codec for one in feed.links.connections.values()]
    bad = sum(one.bad_frames + one.unknown for one in links)
    await feed.close()
    await venue.stop()
    print(
        f"{options.seconds:.0f} s, framing {options.framing}: {ledger.sets} frame sets, {ledger.frames} of "
        f"the account with {ledger.orders} orders; {len(ledger.wrong)} did not add up {ledger.wrong[:3]}\n"
        f"locked agreed with the orders in {ledger.agreeing} frames, not in {ledger.apart} "
        f"(at most {ledger.longest_apart} in a row)\n"
        f"{len(account.fills)} fills kept, {account.version} changes; {account.broken()}\n"
        f"{counted} prints counted of {made} sent; {cuts} cuts, {switches} changes of interval; now {shown}\n"
        f"{frames} records of the journal, the key in {leaked}; {bad} frames not understood; "
        f"memory {first:.1f} → {memory:.1f} MiB (venue included)"
    )
    return int(bool(ledger.wrong or account.broken() or leaked or bad) or counted != made)


def main() -> int:
    """Soak, and say how it went."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--framing", default="any")
    parser.add_argument("--rate", type=float, default=10.0)
    parser.add_argument("--cuts", type=float, default=20.0, help="seconds between cuts, on average")
    parser.add_argument("--switches", type=float, default=15.0, help="seconds between changes of interval")
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(soak(options))


if __name__ == "__main__":
    sys.exit(main())
