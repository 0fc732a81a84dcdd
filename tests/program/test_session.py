"""A session on a server: ssh, tmux, the program; the link breaks; all is there when one comes back."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.test_takeaway import clip_of
from tests.program import screen, ssh
from tests.program.dashboard import channels_of, wait_for_truth
from tests.program.launch import TOKEN, environment
from tests.program.market import Market
from tests.program.terminal import Terminal
from tests.program.test_screen import MARKETS
from tests.program.venue import Venue

pytestmark = pytest.mark.skipif(
    not ssh.IS_THERE and ssh.MAY_BE_MISSING, reason="sshd, ssh and tmux are needed"
)


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[str]:
    """Give the name of a tmux server of our own."""
    (tmp_path / "tmux.conf").write_text("set -g set-clipboard on\nset -g status off\nset -s escape-time 0\n")
    name = f"mdterm-test-{os.getpid()}"
    yield name
    subprocess.run(["tmux", "-L", name, "kill-server"], check=False, stderr=subprocess.DEVNULL)


def test_a_session_outlives_the_link(tmp_path: Path, tmux: str) -> None:
    markets = [Market(*each, seed=9) for each in MARKETS]
    with (
        ssh.Sshd(tmp_path) as server,
        Venue(block_sizes={market.symbol: market.block for market in markets}) as venue,
    ):
        there = environment(tmp_path, {"MDTERM_KIYOTAKA_TOKEN": TOKEN})
        # Only the program gets the key, and by its environment: a command line is everybody's to read.
        (tmp_path / "env").write_text(
            "".join(f"export {name}={shlex.quote(value)}\n" for name, value in there.items())
        )
        addresses = [f"kiyotaka:{market.symbol}" for market in markets]
        program = shlex.join([sys.executable, "-m", "mdterm.app.main", *addresses, *venue.options()])
        session = f". {tmp_path}/env; TERM=tmux-256color exec {program} 2>{tmp_path}/words"
        conf = tmp_path / "tmux.conf"
        attach = f"tmux -u -L {tmux} -f {conf} new-session -A -s m {shlex.quote(session)}"
        client = server.client(attach)

        with Terminal(tmp_path, run=client, columns=100, lines=30) as terminal:
            venue.wait_subscribed(*channels_of(markets))
            for market in markets:
                venue.publish(market.trade(20) + market.book())
            terminal.press("2")
            wait_for_truth(terminal, markets[1])
            terminal.press("i")
            terminal.wait_for(has_interval)
            terminal.press("Y")
            terminal.wait_for(lambda _: b"\x1b]52;" in terminal.received)
            copied = clip_of(terminal.received.decode("utf-8", "replace").replace("\x1b]52;;", "\x1b]52;c;"))
            assert "LADDER" in copied
            terminal.signal(signal.SIGKILL)  # the link is gone, without a word
            terminal.process.wait(20)

        for market in markets:
            venue.publish(market.trade(50) + market.book())

        with Terminal(tmp_path, run=client, columns=100, lines=30) as terminal:
            # The same symbol and interval, nothing missed, and no shell in between.
            wait_for_truth(terminal, markets[1])
            terminal.wait_for(has_interval)
            assert screen.trade_count(terminal.lines()) == len(markets[1].trades)
            for number, market in enumerate(markets, 1):
                terminal.press(str(number))
                wait_for_truth(terminal, market)
            terminal.press("q")
            assert terminal.wait() == 0
        assert (tmp_path / "words").read_text() == ""


def has_interval(lines: list[str]) -> bool:
    """Return whether the chart has the interval after the one that it begins with."""
    return any("CHART 5m" in line for line in lines)
