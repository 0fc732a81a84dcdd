"""Alerts in the real program: they ring and notify, also through tmux, and a stalled screen misses none."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.program.dashboard import channels_of
from tests.program.launch import TOKEN, environment
from tests.program.market import Market
from tests.program.terminal import Terminal
from tests.program.venue import EXCHANGE, Venue, book_point, trade_point

SYMBOL = "BTCUSDT"
ADDRESS = f"kiyotaka:{EXCHANGE}:{SYMBOL}"
CONFIG = f"""
alerts = [
    "{ADDRESS} cross 100",
    "kiyotaka:{SYMBOL} move 5% 60s",
    "{ADDRESS} big 50",
    "{ADDRESS} silence 3s",
]
[providers.kiyotaka]
block_sizes = {{ "{EXCHANGE}:{SYMBOL}" = 0.1 }}
"""


@pytest.fixture
def venue() -> Iterator[Venue]:
    with Venue(block_sizes={SYMBOL: 0.1}) as venue:
        yield venue


def publish(venue: Venue, number: int, price: float, size: float = 1.0) -> None:
    """Have one trade come."""
    venue.publish([trade_point(SYMBOL, f"t{number}", time.time_ns(), price, size, "BUY")])


def bells(terminal: Terminal) -> int:
    """Return how often it rang; a string, such as that of the pointer's shape, may end with the same byte."""
    return re.sub(rb"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)", b"", bytes(terminal.received)).count(b"\x07")


def log_of(terminal: Terminal) -> str:
    """Open the log, read it, close it."""
    terminal.press("L")
    # What is told beside it, in a box of its own, covers a part of it for some seconds.

    def whole(rows: Sequence[str]) -> list[str] | None:
        text = "\n".join(rows)
        return list(rows) if "─ LOG " in text and "▌" not in text else None

    lines = terminal.wait_for(whole, 30)
    terminal.press("\x1b")
    return " ".join(" ".join(lines).partition("─ LOG ")[2].split())


@pytest.mark.parametrize("stalled", [False, True], ids=["read", "stalled"])
def test_every_kind_fires_once_and_the_log_has_it(tmp_path: Path, venue: Venue, stalled: bool) -> None:
    (tmp_path / "alerts.toml").write_text(CONFIG)
    options = [one for one in venue.options() if "block_sizes" not in one]
    with Terminal(
        tmp_path,
        "--config",
        "alerts.toml",
        ADDRESS,
        *options,
        env={"MDTERM_KIYOTAKA_TOKEN": TOKEN},
        columns=120,
        lines=40,
    ) as terminal:
        venue.wait_subscribed(*channels_of([Market(SYMBOL, 0.1, 99.0, seed=1)]))
        publish(venue, 1, 99.1)
        terminal.wait_for(lambda rows: "99.1" in rows[0])
        if stalled:
            terminal.stall()
        publish(venue, 2, 99.5)
        publish(venue, 3, 100.5)  # crosses
        publish(venue, 4, 100.4, 60.0)  # is big
        publish(venue, 5, 105.0)  # has moved by more than 5 %
        publish(venue, 6, 99.1)  # crosses again, and nothing comes of it
        if stalled:
            time.sleep(5.0)  # silence
            terminal.resume()
        terminal.wait_for(lambda _: b"silent for" in terminal.received, 30)
        log = log_of(terminal)
        assert terminal.words() == ""
    told = [
        f"{ADDRESS} crossed 100 upward: 100.5",
        f"{ADDRESS} 60 bought at 100.4",
        f"{ADDRESS} moved +5.95 % within 1m: 105",
        f"{ADDRESS} silent",  # for how long, is looked at once a second
    ]
    for words in told:
        assert log.count(words) == 1, log
        assert terminal.received.count(f"\x1b]9;{words}".encode()) == 1
        assert terminal.received.count(f"\x1b]777;notify;mdterm;{words}".encode()) == 1
    assert bells(terminal) == 4


def test_a_spread_alert_is_of_true_levels_only(tmp_path: Path, venue: Venue) -> None:
    with Terminal(
        tmp_path, ADDRESS, *venue.options(), env={"MDTERM_KIYOTAKA_TOKEN": TOKEN}, columns=120, lines=40
    ) as terminal:
        venue.wait_subscribed(*channels_of([Market(SYMBOL, 0.1, 99.0, seed=1)]))
        terminal.wait_for(lambda rows: any("─ LADDER " in row for row in rows))
        terminal.press("a")
        terminal.wait_for(lambda rows: any("─ ALERTS " in row for row in rows))
        terminal.press("spread 1bps\r")
        terminal.wait_for(lambda rows: any("armed" in row for row in rows))
        venue.publish([book_point(SYMBOL, time.time_ns(), 0.1, [(99.0, 1.0)], [(101.0, 1.0)])])
        publish(venue, 1, 100.1)
        terminal.press("\x1b")
        terminal.wait_for(lambda rows: "100.1" in rows[0])
        assert b"spread 200" not in terminal.received  # buckets tell no spread


def test_one_set_on_the_screen_is_there_at_the_next_start_until_it_has_fired(
    tmp_path: Path, venue: Venue
) -> None:
    def start() -> Terminal:
        return Terminal(
            tmp_path, ADDRESS, *venue.options(), env={"MDTERM_KIYOTAKA_TOKEN": TOKEN}, columns=120, lines=40
        )

    def alerts(terminal: Terminal) -> str:
        terminal.wait_for(lambda rows: any("─ LADDER " in row for row in rows))
        terminal.press("a")
        rows = terminal.wait_for(lambda rows: list(rows) if any("─ ALERTS " in row for row in rows) else None)
        return "\n".join(rows)

    market = Market(SYMBOL, 0.1, 99.0, seed=1)
    with start() as terminal:
        venue.wait_subscribed(*channels_of([market]))
        alerts(terminal)
        terminal.press("cross 100\r")
        terminal.wait_for(lambda rows: any("cross 100" in row and "armed" in row for row in rows))
        terminal.press("\x1b")
        terminal.wait_for(lambda rows: not any("─ ALERTS " in row for row in rows))
        terminal.press("q")
        assert terminal.wait() == 0
    with start() as terminal:
        venue.wait_subscribed(*channels_of([market]))
        assert "cross 100" in alerts(terminal)
        publish(venue, 1, 99.0)
        publish(venue, 2, 101.0)
        terminal.wait_for(lambda _: b"crossed 100 upward" in terminal.received)
        terminal.press("\x1b")
        terminal.wait_for(lambda rows: not any("─ ALERTS " in row for row in rows))
        terminal.press("q")
        assert terminal.wait() == 0
    with start() as terminal:
        venue.wait_subscribed(*channels_of([market]))
        assert "no alerts yet" in alerts(terminal)


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is needed")
def test_bell_and_notification_reach_the_outer_terminal_through_tmux(tmp_path: Path, venue: Venue) -> None:
    (tmp_path / "alerts.toml").write_text(CONFIG)
    (tmp_path / "tmux.conf").write_text(
        "set -g allow-passthrough on\nset -g status off\nset -g bell-action any\n"
    )
    options = [one for one in venue.options() if "block_sizes" not in one]
    program = shlex.join(
        [sys.executable, "-m", "mdterm.app.main", "--config", "alerts.toml", ADDRESS, *options]
    )
    there = environment(tmp_path, {"MDTERM_KIYOTAKA_TOKEN": TOKEN})
    name = f"mdterm-alerts-{os.getpid()}"
    session = f"cd {tmp_path} && TERM=tmux-256color exec {program}"
    run = ["tmux", "-u", "-L", name, "-f", str(tmp_path / "tmux.conf"), "new-session", session]
    try:
        with Terminal(tmp_path, env=there, run=run, columns=120, lines=40) as terminal:
            venue.wait_subscribed(*channels_of([Market(SYMBOL, 0.1, 99.0, seed=1)]))
            publish(venue, 1, 99.0)
            publish(venue, 2, 101.0)
            words = f"\x1b]9;{ADDRESS} crossed 100 upward: 101".encode()
            terminal.wait_for(lambda _: words in terminal.received)
            terminal.wait_for(lambda _: bells(terminal) > 0)
    finally:
        subprocess.run(["tmux", "-L", name, "kill-server"], check=False, stderr=subprocess.DEVNULL)
