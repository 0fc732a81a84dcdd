"""Stopped and continued: the terminal is given back, a gap is told, and the present stands there again."""

import os
import re
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.program import screen
from tests.program.dashboard import channels_of, open_dashboard, wait_for_truth
from tests.program.launch import TOKEN
from tests.program.market import Market
from tests.program.terminal import ALTERNATE_SCREEN, Terminal
from tests.program.venue import Venue

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
CTRL_Z = "\x1a"
STOPPED_S = 11.0
"""Longer than what the program takes for a hiccup."""
# A shell speaks on its standard error.
SHELL = ("sh", "-c", "exec bash --norc --noprofile --noediting -i 2>&1")


@pytest.fixture
def venue() -> Iterator[Venue]:
    with Venue(block_sizes={"BTCUSDT": 0.1}, ping_every=1.0) as venue:
        yield venue


@pytest.fixture
def market() -> Market:
    return Market("BTCUSDT", 0.1, 61_800.0, seed=21)


def says(words: str) -> Callable[[list[str]], bool]:
    return lambda lines: any(words in line for line in lines)


def program_of(shell: Terminal) -> int:
    """Return the process that a shell has started."""
    children = Path(f"/proc/{shell.process.pid}/task/{shell.process.pid}/children").read_text().split()
    return int(children[-1])


def state_of(pid: int) -> str:
    """Return a process's state as the kernel tells it: T where it is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def wait_until(condition: Callable[[], bool], within: float = 20.0) -> None:
    until = time.monotonic() + within
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell with job control")
def test_ctrl_z_gives_the_terminal_to_the_shell_and_fg_takes_it_back(
    tmp_path: Path, venue: Venue, market: Market
) -> None:
    program = [sys.executable, "-m", "mdterm.app.main", "kiyotaka:BTCUSDT", *venue.options()]
    env = {"MDTERM_KIYOTAKA_TOKEN": TOKEN, "PS1": "shell> "}
    with Terminal(tmp_path, env=env, run=SHELL, columns=100) as terminal:
        terminal.wait_for(says("shell> "))
        terminal.press(f"{shlex.join(program)}\n")
        venue.wait_subscribed(*channels_of([market]))
        venue.publish(market.trade(20) + market.book())
        wait_for_truth(terminal, market)
        pid = program_of(terminal)

        terminal.press(CTRL_Z)
        terminal.wait_for(says("mdterm is stopped: it receives nothing"))
        terminal.wait_for(says("Stopped"))
        assert terminal.modes & {ALTERNATE_SCREEN, 1000, 1002, 1006} == set()
        assert state_of(pid) == "T"
        terminal.press("echo the$((40 + 2))shell\n")  # its keys are its own again
        terminal.wait_for(says("the42shell"))

        terminal.press("fg\n")
        wait_for_truth(terminal, market)
        assert ALTERNATE_SCREEN in terminal.modes
        venue.publish(market.trade(20) + market.book())
        wait_for_truth(terminal, market)
        terminal.press("q")
        terminal.wait_for(lambda lines: ALTERNATE_SCREEN not in terminal.modes and says("shell> ")(lines))
        terminal.press("exit\n")
        terminal.wait()


def test_a_stop_that_nobody_announced_is_told_as_a_gap(tmp_path: Path, venue: Venue, market: Market) -> None:
    with open_dashboard(tmp_path, venue, [market]) as terminal:
        venue.publish(market.trade(20) + market.book())
        wait_for_truth(terminal, market)
        assert screen.state(terminal.lines(), "TAPE").word == "LIVE"
        terminal.signal(signal.SIGSTOP)
        wait_until(lambda: state_of(terminal.process.pid) == "T")
        time.sleep(STOPPED_S)  # what is tested is that this time passes
        terminal.signal(signal.SIGCONT)
        # The clock went on: what was fresh is old at once, before anything new has come.
        aged = terminal.wait_for(
            lambda lines: (
                state
                if screen.has_panel(lines, "LADDER")
                and (state := screen.state(lines, "LADDER")).word == "STALE"
                else None
            )
        )
        assert aged.age is not None
        assert aged.age >= STOPPED_S - 1
        venue.publish(market.trade(20) + market.book())
        wait_for_truth(terminal, market)
        terminal.wait_for(lambda lines: screen.state(lines, "TAPE").word == "GAP")
        assert re.search(r"GAP since \d\d:\d\d:\d\d", screen.title(terminal.lines(), "TAPE"))
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.attributes_after == terminal.attributes_before
        assert terminal.is_left()
        assert terminal.words() == ""


def test_a_short_stop_is_no_gap_and_costs_nothing(tmp_path: Path, venue: Venue, market: Market) -> None:
    with open_dashboard(tmp_path, venue, [market]) as terminal:
        venue.publish(market.trade(20) + market.book())
        wait_for_truth(terminal, market)
        terminal.signal(signal.SIGSTOP)
        wait_until(lambda: state_of(terminal.process.pid) == "T")
        venue.publish(market.trade(20) + market.book())
        terminal.signal(signal.SIGCONT)
        wait_for_truth(terminal, market)
        assert screen.state(terminal.lines(), "TAPE").word == "LIVE"


def test_ctrl_z_without_a_shell_to_come_back_from_does_not_stop(
    tmp_path: Path, venue: Venue, market: Market
) -> None:
    with open_dashboard(tmp_path, venue, [market]) as terminal:
        venue.publish(market.trade(20) + market.book())
        wait_for_truth(terminal, market)
        left = terminal.mode_changes.count((ALTERNATE_SCREEN, False))
        terminal.press(CTRL_Z)
        terminal.wait_for(lambda _: terminal.mode_changes.count((ALTERNATE_SCREEN, False)) > left)
        terminal.wait_for(lambda _: ALTERNATE_SCREEN in terminal.modes)
        venue.publish(market.trade(20) + market.book())
        wait_for_truth(terminal, market)
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.attributes_after == terminal.attributes_before
        assert terminal.is_left()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_a_program_whose_screen_is_stuck(
    tmp_path: Path, venue: Venue, market: Market, number: signal.Signals, status: int
) -> None:
    """A terminal that reads nothing, and a program that was stopped and goes on into that."""
    with open_dashboard(tmp_path, venue, [market]) as terminal:
        venue.publish(market.trade(20) + market.book())
        wait_for_truth(terminal, market)
        terminal.stall()
        os.kill(terminal.process.pid, signal.SIGSTOP)
        wait_until(lambda: state_of(terminal.process.pid) == "T")
        for _ in range(40):
            venue.publish(market.trade(20) + market.book())
        os.kill(terminal.process.pid, signal.SIGCONT)
        terminal.signal(number)
        began = time.monotonic()
        assert terminal.wait(within=10.0) == status
        assert time.monotonic() - began < 4.0
        assert terminal.attributes() == terminal.attributes_before
        terminal.resume()
        terminal.wait_for(lambda lines: terminal.is_left())
