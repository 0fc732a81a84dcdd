"""AllTick against the strict venue: pace, plans, drops, edits of the watchlist, and every print counted.

    python tests/soak/alltick.py [--seconds 1800] [--plan basic] [--codes N] [--every S] [--drops S]

The venue runs in a process of its own and keeps the provider's real limits. It notes each print with the
moment and the socket it was sent on; what it sent while the code was wanted here must have come, but for
the end of a socket that was torn. Without ``--codes`` the market is the venue's own of some twenty codes,
else a made-up one of N. Exit status 1 when a rule was broken, or a print was lost or doubled.
"""

import argparse
import asyncio
import contextlib
import json
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mdterm.feeds.address import Instrument, parse_address
from mdterm.feeds.alltick.feed import AllTick, Options
from mdterm.feeds.events import Event, Trade
from mdterm.feeds.frames import FrameSet
from mdterm.feeds.journal import Record
from mdterm.feeds.runtime import Feed
from mdterm.feeds.sim.alltick import AlltickVenue
from mdterm.feeds.sim.alltick_market import AlltickSource
from mdterm.feeds.sim.alltick_session import Rules
from mdterm.feeds.sim.history import History
from mdterm.feeds.sim.market import Instrument as Listed
from mdterm.feeds.sim.market import PastBar, VenueEvent, VenueTrade
from mdterm.feeds.sim.pace import Floor, SystemClock
from mdterm.feeds.specs import ChartSpec, HeaderSpec, LadderSpec, TapeSpec, WatchSpec
from mdterm.feeds.thread import new_loop

ALWAYS = ("700.HK", "GOLD", "BTCUSDT")
NOT_A_CODE = "NOSUCH.US"
SETTLED_NS = 300_000_000
"""What was sent so shortly after a code began to be wanted may still have been unwanted here."""


class Many:
    """Prints of many codes in turn, half of them stocks: only how many they are matters."""

    has_past = False

    def __init__(self, count: int, per_s: float) -> None:
        names = [f"S{at:04d}.US" if at % 2 else f"C{at:04d}USDT" for at in range(count)]
        self.instruments = tuple(Listed(one, one, "", 0.01) for one in names)
        self._step = int(1e9 / per_s)
        self._ts = self._number = 0

    def begin(self, now_ns: int) -> int:
        self._ts = now_ns
        return now_ns

    def next_ts(self) -> int | None:
        return self._ts + self._step

    def take(self, until: int) -> list[VenueEvent]:
        events: list[VenueEvent] = []
        while self._ts + self._step < until:
            self._ts += self._step
            self._number += 1
            one = self.instruments[self._number * 7919 % len(self.instruments)]
            price = 100.0 + self._number % 50 / 100
            events.append(
                VenueTrade(one.symbol, self._ts, str(self._number), price, 3.0, self._number % 3 > 0)
            )
        return events

    def past(self, symbol: str, minutes: int) -> list[PastBar]:
        return []


async def run_venue(plan: Any, codes: int, rate: float) -> None:
    """Serve until told to stop: a line ``cut`` breaks every socket, ``report`` prints what was seen."""
    floor = Floor(Many(codes, rate) if codes else AlltickSource(5, rate), SystemClock())
    venue = AlltickVenue(SystemClock(), Rules(plan=plan), shared=(floor, History(floor)))
    print(json.dumps(await venue.start("127.0.0.1", 0)), flush=True)
    server = venue.server
    sent: dict[int, list[tuple[str, int, int]]] = {}
    sessions: list[Any] = []

    def note(events: list[VenueEvent], _: int) -> None:
        now = time.time_ns()
        for event in events:
            if not isinstance(event, VenueTrade):
                continue
            for code in server.board.codes.get(event.symbol, ()):
                for line in server.lines:
                    if code in line.session.trades:
                        if line.session not in sessions:
                            sessions.append(line.session)
                        number = sessions.index(line.session)
                        sent.setdefault(number, []).append((code, int(event.id) % 10**16, now))

    floor.heed(note)
    running = asyncio.create_task(floor.run())
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin.buffer
    )
    while word := (await lines.readline()).decode().strip():
        if word == "cut":
            server.cut()
        elif word == "report":
            found = {
                "violations": server.violations,
                "sent": list(sent.values()),
                "sets": {one.session.family: sorted(one.session.trades) for one in server.lines},
                "http": sum(meter.requests for meter in server.http.meters.values()),
            }
            print(json.dumps(found), flush=True)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await venue.stop()


class Watcher:
    """What went out and what came in; also the feed's journal."""

    def __init__(self) -> None:
        self.feed: Feed | None = None
        self.received: dict[str, Counter[int]] = {}
        self.prints = 0
        self.requests: Counter[int] = Counter()
        self.overwritten: list[str] = []
        self.first: dict[tuple[str, int], list[str]] = {}
        """The first subscription of each kind on each link: its codes in their order."""
        self.longest_beat_s = 0.0
        self._sets: dict[tuple[str, int], set[str]] = {}
        self._asked: dict[str, tuple[str, int, set[str]]] = {}
        self._beats: dict[str, float] = {}

    def take(self, events: Sequence[Event]) -> None:
        """Count prints, as a listener of the feed."""
        for event in events:
            if type(event) is Trade:
                self.prints += 1
                self.received.setdefault(event.address.partition(":")[2], Counter())[int(event.id or 0)] += 1

    def write(self, record: Record) -> None:
        """Look at what is sent and answered: no request may drop what is subscribed and still wanted."""
        link = record.link
        if record.kind == "in" and b'"trace"' in record.data:
            answer = json.loads(record.data)
            asked = self._asked.pop(answer["trace"], None)
            if asked is not None and answer["ret"] == 200:
                self._sets[asked[:2]] = asked[2]
        if record.kind == "open":
            self._beats[link] = record.mono
            for key in [key for key in self._sets if key[0] == link]:
                del self._sets[key]
        if record.kind != "out":
            return
        request = json.loads(record.data)
        kind = request["cmd_id"]
        self.requests[kind] += 1
        if kind == 22000:
            self.longest_beat_s = max(self.longest_beat_s, record.mono - self._beats[link])
            self._beats[link] = record.mono
        if kind not in (22002, 22004):
            return
        stream = "trade" if kind == 22004 else "book"
        codes = [one["code"] for one in request["data"]["symbol_list"]]
        self.first.setdefault((link, kind), codes)
        assert self.feed is not None
        wanted = {one.address for one in self.feed.seat.wishes.wants() if one.stream == stream}
        dropped = self._sets.get((link, kind), set()) - set(codes)
        self.overwritten += [one for one in dropped if f"alltick:{one}" in wanted and one != NOT_A_CODE]
        self._asked[request["trace"]] = (link, kind, set(codes))


class Wanted:
    """From when to when each code was surely wanted (wall time, ns)."""

    def __init__(self) -> None:
        self._spans: dict[str, list[list[int]]] = {}

    def set(self, codes: Sequence[str]) -> None:
        """Note the whole wanted set as of now."""
        now = time.time_ns()
        for code, spans in self._spans.items():
            if code not in codes and spans[-1][1] == 0:
                spans[-1][1] = now
        for code in codes:
            spans = self._spans.setdefault(code, [])
            if not spans or spans[-1][1]:
                spans.append([now + SETTLED_NS, 0])

    def holds(self, code: str, at: int) -> bool:
        """Whether a code was wanted when a print was sent, and long enough after for it to arrive."""
        spans = self._spans.get(code, [])
        return any(begin <= at and (not end or at < end - SETTLED_NS) for begin, end in spans)


def losses(
    sent: list[list[list[Any]]], came: Mapping[str, Counter[int]], wanted: Wanted, until: int
) -> tuple[int, int, int]:
    """Return prints that had to come, that were lost amid a socket, and that a torn socket took with it."""
    due = amid = torn = 0
    for session in sent:
        counted = [(code, number) for code, number, at in session if at < until and wanted.holds(code, at)]
        missing = [at for at, (code, number) in enumerate(counted) if number not in came.get(code, ())]
        tail = 0
        while missing and missing[-1] == len(counted) - 1 - tail:
            missing.pop()
            tail += 1
        due, amid, torn = due + len(counted), amid + len(missing), torn + tail
    return due, amid, torn


def resident_mib() -> float:
    """Return the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


async def soak(options: argparse.Namespace, venue: subprocess.Popen[bytes]) -> int:
    """Run, report every minute, check at the end; return the exit status."""
    assert venue.stdin is not None
    assert venue.stdout is not None
    to, back = venue.stdin, venue.stdout
    endpoints = json.loads(back.readline())
    urls = {key.removeprefix("providers.alltick."): url for key, url in endpoints.items()}
    provider = AllTick("alltick", Options(token="soak", plan=options.plan, **urls))
    watcher, wanted, frames = Watcher(), Wanted(), Counter[str]()
    before = resident_mib()
    feed = watcher.feed = Feed({"alltick": provider}, journal=watcher)
    feed.listen([], watcher.take)
    chance = random.Random(7)

    def instruments(codes: Sequence[str]) -> list[Instrument]:
        return [provider.resolve(parse_address(f"alltick:{code}")) for code in codes]

    def take(made: FrameSet) -> None:
        frames["posted"] += 1
        feed.ack(made.number)

    def look_at(code: str) -> None:
        address = f"alltick:{code}"
        feed.bind("ladder", address, LadderSpec(rows=30))
        feed.bind("tape", address, TapeSpec(rows=30))
        feed.bind("header", address, HeaderSpec())
        feed.bind("chart", address, ChartSpec("1m", 100))
        feed.bind("watch", address, WatchSpec())

    if options.codes:
        others = [one.symbol for one in Many(options.codes, 1.0).instruments]
        watched = list(others)
    else:
        board = AlltickVenue(SystemClock(), Rules()).codes()
        others = [one for one in board if one not in ALWAYS]
        watched = list(ALWAYS)
    watched_now = wanted.set
    feed.watch(instruments(watched))
    watched_now(watched)
    feed.connect(take)
    look_at(watched[-1])
    begun, cpu = time.monotonic(), time.process_time()
    edit_at, drop_at, tell_at, drops = begun + options.every, begun + options.drops, begun + 60.0, 0
    while (now := time.monotonic()) < begun + options.seconds:
        if options.every and now >= edit_at:
            edit_at = now + chance.uniform(0.1, 2.0) * options.every
            if chance.random() < 0.3:
                look_at(chance.choice(watched))
            else:
                extra = chance.sample(others, chance.randint(0, min(9, len(others))))
                odd = [NOT_A_CODE] if chance.random() < 0.1 else []
                watched = [*ALWAYS, *extra, *odd]
                feed.watch(instruments(watched))
                watched_now(watched)
        if options.drops and now >= drop_at:
            drop_at, drops = now + chance.uniform(0.5, 1.5) * options.drops, drops + 1
            to.write(b"cut\n")
            to.flush()
        if now >= tell_at:
            tell_at += 60.0
            passed = now - begun
            print(
                f"{passed:6.0f} s  {watcher.prints:8d} prints  {dict(watcher.requests)}  {drops} drops  "
                f"{resident_mib():6.1f} MiB  {(time.process_time() - cpu) / passed:5.1%} of a core  "
                f"{frames['posted'] / passed:4.1f} fps",
                flush=True,
            )
        await asyncio.sleep(0.05)
    # No edits and no drops any more: what is subscribed must become what is wanted.
    until = time.time_ns()
    await asyncio.sleep(20.0)
    links = feed.links.connections.values()
    refused = sorted({one.detail for link in links for one in link.refusals})
    opened = sum(link.opened_count for link in links)
    bad = sum(link.codec.bad_frames + link.codec.unknown for link in links)
    to.write(b"report\n")
    to.flush()
    found = json.loads(await asyncio.to_thread(back.readline))
    left = {one.address.partition(":")[2] for one in feed.seat.wishes.wants() if one.stream == "trade"}
    subscribed = {code for codes in found["sets"].values() for code in codes}
    wrong = [
        address
        for address, market in feed.markets.items()
        if market.trade_count != watcher.received.get(address.partition(":")[2], Counter()).total()
    ]
    memory, share = resident_mib(), (time.process_time() - cpu) / (time.monotonic() - begun)
    await feed.close()
    doubled = sum(count - 1 for codes in watcher.received.values() for count in codes.values())
    due, amid, torn = losses(found["sent"], watcher.received, wanted, until)
    cap = provider.plan_facts.codes
    unlike = sorted(left - subscribed - {NOT_A_CODE}) if len(left) <= 2 * cap else []
    firsts = {f"{link} {kind}": (len(codes), codes[:2]) for (link, kind), codes in watcher.first.items()}
    print(
        f"violations {found['violations']}; wanted codes dropped by a request {watcher.overwritten}; longest "
        f"pause between heartbeats {watcher.longest_beat_s:.1f} s\n"
        f"prints received {watcher.prints}, doubled {doubled}; due {due}, lost amid a socket {amid}, gone "
        f"with a torn socket {torn}; {drops} drops, {opened} sockets opened; markets that count otherwise "
        f"{wrong}\n"
        f"subscribed {len(subscribed)} of {len(left)}, wanted and missing {unlike[:5]}; requests "
        f"{dict(watcher.requests)}, {found['http']} over HTTP; first {firsts}\n"
        f"refused {refused[:3]}; unreadable or unknown {bad}; memory {before:.1f} → {memory:.1f} MiB; "
        f"{share:.1%} of a core"
    )
    is_capped = options.codes > cap
    return int(
        bool(found["violations"] or watcher.overwritten or doubled or amid or wrong or bad)
        or (bool(unlike) and not is_capped)
        or watcher.longest_beat_s > 12.0
    )


def main() -> int:
    """Start the venue, soak, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1800.0)
    parser.add_argument("--plan", default="basic")
    parser.add_argument("--codes", type=int, default=0)
    parser.add_argument("--rate", type=float, default=1.0, help="how busy; prints a second with --codes")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between edits, on average; 0: none")
    parser.add_argument("--drops", type=float, default=60.0, help="seconds between drops; 0: none")
    parser.add_argument("--venue", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.venue:
        asyncio.run(run_venue(options.plan, options.codes, options.rate))
        return 0
    shape = [f"--plan={options.plan}", f"--codes={options.codes}", f"--rate={options.rate}"]
    venue = subprocess.Popen(
        [sys.executable, __file__, "--venue", *shape], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(soak(options, venue))
    finally:
        venue.terminate()
        venue.wait()


if __name__ == "__main__":
    sys.exit(main())
