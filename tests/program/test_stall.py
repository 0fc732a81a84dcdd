"""A terminal that stops reading delays no heartbeat and no count, and then shows the present at once."""

import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mdterm.feeds.prints import KEPT
from tests.program import screen, ssh
from tests.program.dashboard import channels_of, open_dashboard, wait_for_truth
from tests.program.launch import TOKEN, environment
from tests.program.market import Market
from tests.program.terminal import Terminal
from tests.program.venue import Venue

STALL_S = float(os.environ.get("STALL_SECONDS", "6"))
RATE = int(os.environ.get("STALL_RATE", "500"))
"""Messages a second."""
MOST_GROWTH = 5 * 2**20
"""Bytes that a process may grow by while its terminal takes nothing."""
PONG_S = 2.0
SCREENFUL = 16_384
"""Bytes that a terminal of 80×24 may find waiting for it: about what one painting of all cells takes."""


@pytest.fixture
def venue() -> Iterator[Venue]:
    with Venue(block_sizes={"BTCUSDT": 0.1}, ping_every=1.0) as venue:
        yield venue


def send(venue: Venue, market: Market, seconds: float) -> None:
    """Send trades and books at the rate, as a market does: whether or not anybody keeps up."""
    began, sent = time.monotonic(), 0
    while (elapsed := time.monotonic() - began) < seconds:
        while sent < elapsed * RATE:
            venue.publish(market.book() if sent % 5 == 0 else market.trade(1))
            sent += 1
        time.sleep(0.005)


def test_a_stalled_terminal_costs_no_trade_and_shows_the_present_when_it_reads_again(
    tmp_path: Path, venue: Venue
) -> None:
    market = Market("BTCUSDT", 0.1, 61_800.0, seed=5)
    with open_dashboard(tmp_path, venue, [market]) as terminal:
        venue.publish(market.trade(5) + market.book())
        wait_for_truth(terminal, market)
        pongs = len(venue.pongs)
        terminal.stall()
        send(venue, market, STALL_S)
        pings_since = 2 * (STALL_S - PONG_S)  # two sockets, one ping a second each
        venue.wait_for(lambda: len(venue.pongs) - pongs >= pings_since)
        assert max(venue.pongs[pongs:]) < PONG_S
        assert venue.sockets_lost == []

        waiting, received = terminal.unread(), len(terminal.received)
        assert waiting <= SCREENFUL
        terminal.resume()
        resumed = time.monotonic()
        wait_for_truth(terminal, market, least_prints=8, within=2.0)
        # What a person sees is the present at once, not a film of what was missed.
        assert len(terminal.received) - received <= waiting + 3 * SCREENFUL
        assert time.monotonic() - resumed < 2.0
        assert screen.state(terminal.lines(), "TAPE").word == "LIVE"
        assert terminal.words() == ""


def test_sigterm_ends_a_stalled_program_and_gives_the_terminal_back(tmp_path: Path, venue: Venue) -> None:
    market = Market("BTCUSDT", 0.1, 61_800.0, seed=6)
    with open_dashboard(tmp_path, venue, [market]) as terminal:
        venue.publish(market.trade(5) + market.book())
        wait_for_truth(terminal, market)
        assert terminal.attributes() != terminal.attributes_before
        terminal.stall()
        send(venue, market, 1.5)
        asked = time.monotonic()
        terminal.signal(signal.SIGTERM)
        assert terminal.wait(within=10.0) == 143
        assert time.monotonic() - asked < 3.0
        assert terminal.attributes() == terminal.attributes_before
        terminal.resume()
        terminal.wait_for(lambda lines: terminal.is_left())


def resident(pid: int) -> int:
    """Return the bytes of a process that are in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def fill(venue: Venue, market: Market, terminal: Terminal) -> None:
    """Send as many trades as are ever kept, so that what comes after them takes no room of its own."""
    while len(market.trades) < KEPT:
        venue.publish(market.trade(20))
        time.sleep(0.001)
    venue.publish(market.book())
    wait_for_truth(terminal, market)


needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc here")


@needs_proc
def test_memory_does_not_grow_behind_a_stalled_terminal(tmp_path: Path, venue: Venue) -> None:
    market = Market("BTCUSDT", 0.1, 61_800.0, seed=7)
    with open_dashboard(tmp_path, venue, [market]) as terminal:
        fill(venue, market, terminal)
        before = resident(terminal.process.pid)
        terminal.stall()
        send(venue, market, STALL_S)
        grown = resident(terminal.process.pid) - before
        print(f"{len(market.trades)} trades, grown by {grown / 2**20:.1f} MiB of {before / 2**20:.1f}")
        terminal.resume()
        wait_for_truth(terminal, market, least_prints=8)
        assert grown < MOST_GROWTH


@needs_proc
@pytest.mark.skipif(not ssh.IS_THERE and ssh.MAY_BE_MISSING, reason="sshd and ssh are needed")
def test_a_stalled_ssh_client_costs_no_trade_and_no_memory(tmp_path: Path, venue: Venue) -> None:
    market = Market("BTCUSDT", 0.1, 61_800.0, seed=8)
    there = environment(tmp_path, {"MDTERM_KIYOTAKA_TOKEN": TOKEN})
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in there.items())
    (tmp_path / "env").write_text(exports)
    program = shlex.join([sys.executable, "-m", "mdterm.app.main", "kiyotaka:BTCUSDT", *venue.options()])
    remote = f". {tmp_path}/env; echo $$ >{tmp_path}/pid; exec {program} 2>{tmp_path}/words"
    with ssh.Sshd(tmp_path) as server, Terminal(tmp_path, run=server.client(remote)) as terminal:
        venue.wait_subscribed(*channels_of([market]))
        fill(venue, market, terminal)
        pid, pongs = int((tmp_path / "pid").read_text()), len(venue.pongs)
        before = resident(pid)
        terminal.signal(signal.SIGSTOP)
        send(venue, market, STALL_S)
        grown = resident(pid) - before
        print(f"{len(market.trades)} trades, grown by {grown / 2**20:.1f} MiB of {before / 2**20:.1f}")
        assert max(venue.pongs[pongs:]) < PONG_S
        assert venue.sockets_lost == []
        terminal.signal(signal.SIGCONT)
        wait_for_truth(terminal, market, least_prints=8)
        assert grown < MOST_GROWTH
    assert (tmp_path / "words").read_text() == ""
