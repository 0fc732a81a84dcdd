"""Screens, panels and commands at one shared feed, on a provider whose plan allows one connection."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.program import feeding, recording, screen
from tests.program.launch import WITHIN_S, Running, environment, options_to, run
from tests.program.terminal import Terminal

ADDRESS = "alltick:BTCUSDT"
KEY = {"MDTERM_ALLTICK_TOKEN": "basic-1"}  # the simulated venue's word for a plan of one connection
LAST = 12
"""So many trades in a row come only once."""
BUSY_S = 90.0
"""How long a market of some seconds may take where the machine is busy."""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with feeding.at(tmp_path) as found:
        yield found


class Played:
    """A venue that plays a recording of some seconds, 4,000 messages each, to a feed that watches it."""

    def __init__(self, home: Path, seconds: float) -> None:
        rows = recording.make_rows(seconds, {"BTCUSDT": 0.1}, seed=4)
        self.trades = [sold(row) for row in rows if row["type"] == "trade"]
        self.books = sum(row["type"] == "book" for row in rows)
        path = home / "recording.ndjson"
        recording.write(path, rows)
        self.venue = Running(home, "simulate", "--providers", "alltick", "--play", str(path))
        self.options = [one for one in options_to(self.venue) if ".alltick." in one]
        config = home / "config" / "mdterm" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(f'watchlist = ["{ADDRESS}"]\n')
        self.port = int(next(one for one in self.options if "generic_url" in one).split(":")[2].split("/")[0])

    def connections(self) -> int:
        """Return how many sockets of its market are open."""
        wanted = f"{self.port:04X}"
        rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
        fields = (row.split() for row in rows)
        return sum(one[2].endswith(f":{wanted}") and one[3] == "01" for one in fields)


def sold(row: dict[str, Any]) -> tuple[float, str]:
    """Return size and side of a trade, to as many figures as the provider writes."""
    return float(f"{row['size']:.8g}"), row["side"]


def events(lines: Sequence[str], kind: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines if line.startswith(f'{{"kind":"{kind}"')]


def tail(home: Path, played: Played, *more: str) -> Running:
    """Begin to listen; return once the market flows."""
    found = Running(home, "tail", ADDRESS, *played.options, *more, env=KEY)
    found.wait_for(lambda lines: any('"trade"' in line for line in lines))
    return found


def is_over(lines: Sequence[str], played: Played) -> bool:
    """Whether the venue's last trades are told."""
    told = [sold(one) for one in events(lines[-400:], "trade")]
    return told[-LAST:] == played.trades[-LAST:]


def assert_whole(lines: Sequence[str], played: Played) -> None:
    """Compare what was told with what the venue had since then, trade by trade."""
    trades = events(lines, "trade")
    assert len(trades) > 1_000
    assert [sold(one) for one in trades] == played.trades[-len(trades) :]
    numbers = [one["id"] for one in trades]
    assert sorted(set(numbers), key=int) == numbers
    assert [one["state"] for one in events(lines, "status")] in (["live"], ["live", "stale"])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells how many sockets are open")
def test_all_of_them_share_the_only_connection_and_lose_nothing(home: Path) -> None:
    played = Played(home, 15.0)
    count = len(played.trades)
    with played.venue:
        feeding.start(home, *played.options, env=KEY)
        at = [ADDRESS, *played.options]
        with (
            tail(home, played) as listener,
            Terminal(home, *at, env=KEY) as first,
            Terminal(home, *at, env=KEY, columns=120, lines=40) as second,
            Terminal(home, "panel", "tape", *at, env=KEY, columns=40, lines=12) as panel,
        ):
            line = run(home, "once", *at, "--format", "line", env=KEY)
            assert (line.returncode, line.stderr) == (0, "")
            assert line.stdout.startswith("BTCUSDT ")
            for terminal in (first, second):
                terminal.wait_for(lambda rows: screen.trade_count(rows) == count, BUSY_S)
            listener.wait_for(lambda lines: is_over(lines, played))
            panel.wait_for(lambda rows: any("TAPE" in row for row in rows))
            told = feeding.status(home)
            assert told is not None
            assert [one["key"] for one in told["connections"]] == ["alltick/generic"]
            roles = sorted(one["role"] for one in told["clients"])
            assert roles == ["panel", "screen", "screen", "tail"]
            assert played.connections() == 1
            for terminal in (first, second, panel):
                terminal.press("q")
                assert terminal.wait() == 0
            listener.signal(signal.SIGTERM)
            assert listener.wait() == 143
            assert listener.words() == ""
        assert_whole(listener.lines(), played)
    log = run(home, "feed", "log", "-n", "1000").stdout
    assert "429" not in log
    assert "refused" not in log


def test_clients_that_are_killed_cost_the_others_nothing(home: Path) -> None:
    played = Played(home, 25.0)
    count = len(played.trades)
    with played.venue:
        feeding.start(home, *played.options, env=KEY)
        at = [ADDRESS, *played.options]
        with tail(home, played) as listener, Terminal(home, *at, env=KEY) as watcher:
            with (
                Terminal(home, *at, env=KEY) as other,
                Terminal(home, "panel", "ladder", *at, "--link", "a", env=KEY) as panel,
                Running(home, "tail", *at, env=KEY) as another,
                Running(home, "record", *at, "-o", "x.mdj", "--tail", env=KEY) as recorder,
            ):
                for heard in (another, recorder):
                    heard.wait_for(lambda lines: any('"trade"' in line for line in lines))
                    heard.process.kill()
                    heard.wait()
                for terminal in (other, panel):
                    terminal.wait_for(lambda rows: any("LADDER" in row for row in rows))
                    terminal.process.kill()
                    terminal.process.wait(WITHIN_S)
            watcher.wait_for(lambda rows: screen.trade_count(rows) == count, BUSY_S)
            listener.wait_for(lambda lines: is_over(lines, played))
            watcher.press("q")
            assert watcher.wait() == 0
            listener.signal(signal.SIGTERM)
            assert listener.wait() == 143
        assert_whole(listener.lines(), played)
    # The feed has closed what the killed recorder left.
    again = run(home, "replay", "x.mdj", "--tail", "--kinds", "trade")
    assert (again.returncode, again.stderr) == (0, "")
    assert len(events(again.stdout.splitlines(), "trade")) > 0


def test_a_recording_of_the_feed_holds_what_came_meanwhile(home: Path) -> None:
    played = Played(home, 8.0)
    with played.venue:
        feeding.start(home, *played.options, env=KEY)
        with tail(home, played) as listener:
            to = [ADDRESS, *played.options, "-o", "x.mdj"]
            done = run(home, "record", *to, "--seconds", "2", env=KEY, within=BUSY_S)
            assert (done.returncode, done.stderr) == (0, "")
            told = json.loads(done.stdout)
            assert told["files"] == ["x.mdj"]
            assert told["dropped"] == 0
            twice = run(home, "record", *to, env=KEY)
            assert twice.returncode == 2, "a recording is never written over"
            again = run(home, "replay", "x.mdj", "--tail", "--kinds", "trade,book", within=BUSY_S)
            assert (again.returncode, again.stderr) == (0, "")
            replayed = again.stdout.splitlines()
            last = events(replayed, "trade")[-1]["id"]
            listener.wait_for(lambda lines: any(f'"{last}"' in line for line in lines))
            heard = events(listener.lines(), "trade")
            listener.signal(signal.SIGTERM)
            listener.wait()
    trades = events(replayed, "trade")
    numbers = [one["id"] for one in heard]
    first = numbers.index(trades[0]["id"])
    assert trades == heard[first : first + len(trades)]
    assert len(trades) > 100


def test_what_is_there_is_shown_at_once_even_where_nothing_comes_any_more(home: Path) -> None:
    played = Played(home, 2.0)
    with played.venue:
        feeding.start(home, *played.options, env=KEY)
        with Terminal(home, ADDRESS, *played.options, env=KEY) as terminal:
            terminal.wait_for(lambda rows: screen.trade_count(rows) == len(played.trades), BUSY_S)
        played.venue.signal(signal.SIGSTOP)
        try:
            panel = ["--panel", "tape", "--format", "json", "--height", "50"]
            done = run(home, "once", ADDRESS, *played.options, *panel, env=KEY)
        finally:
            played.venue.signal(signal.SIGCONT)
    assert (done.returncode, done.stderr) == (0, "")
    trades = [sold(one) for one in json.loads(done.stdout)]
    assert trades == played.trades[-50:]


def test_panels_of_one_link_switch_together(home: Path) -> None:
    addresses = ["sim:BTCUSDT", "sim:ETHUSDT"]
    linked = ["--link", "a"]
    with (
        Terminal(home, "panel", "ladder", *addresses, *linked, columns=60, lines=16) as ladder,
        Terminal(home, "panel", "tape", *addresses, *linked, columns=40, lines=12) as tape,
        Terminal(home, "panel", "tape", *addresses, columns=20, lines=5) as alone,
    ):
        for one in (ladder, tape, alone):
            one.wait_for(lambda rows: "BTCUSDT" in rows[0] and "LIVE" in rows[1])
        ladder.press("]")
        for one in (ladder, tape):
            one.wait_for(lambda rows: "ETHUSDT" in rows[0] and "LIVE" in rows[1])
        tape.press("1")
        ladder.wait_for(lambda rows: "BTCUSDT" in rows[0])
        assert "BTCUSDT" in alone.lines()[0], "it is of no link"
        assert "LADDER" in ladder.lines()[1]
        assert not any("LADDER" in row for row in tape.lines())
        with Terminal(home, "panel", "chart", "sim:ETHUSDT", *linked, columns=60, lines=16) as late:
            late.wait_for(lambda rows: "BTCUSDT" in rows[0])  # as the others show
            for one in (ladder, tape, alone, late):
                one.press("q")
                assert one.wait() == 0


def test_a_link_needs_the_shared_feed(home: Path) -> None:
    done = run(home, "panel", "tape", "sim:BTCUSDT", "--link", "a", "--set", "feed=own")
    assert done.returncode == 2
    assert "--link needs the shared feed" in done.stderr


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not here")
def test_a_window_of_tmux_is_built_and_its_panels_live(home: Path, tmp_path: Path) -> None:
    sockets = {"TMUX_TMPDIR": str(tmp_path)}

    def tmux(*words: str) -> str:
        done = subprocess.run(
            ["tmux", *words], env=environment(home, sockets), capture_output=True, text=True, check=False
        )
        return done.stdout

    printed = run(home, "tmux", "trader", "sim:BTCUSDT", "sim:O'NEIL", env=sockets)
    assert printed.returncode == 0
    checked = subprocess.run(["sh", "-n"], input=printed.stdout, text=True, check=False, capture_output=True)
    assert (checked.returncode, checked.stderr) == (0, "")
    feeding.start(home)
    try:
        built = run(home, "tmux", "trader", "sim:BTCUSDT", "--run", "--session", "t", env=sockets)
        assert (built.returncode, built.stderr) == (0, "")
        assert built.stdout == "tmux attach-session -t t\n"
        panes = tmux("list-panes", "-t", "t", "-F", "#{pane_id}").split()
        assert len(panes) == 5

        def is_live(lines: list[str] | None = None) -> bool:
            shown = [tmux("capture-pane", "-p", "-t", pane) for pane in panes]
            names = ("WATCH", "LADDER", "CHART", "TAPE", "DERIVATIVES")
            return all(any(name in one and "LIVE" in one for one in shown) for name in names)

        # Each new state of the feed's log is a reason to look again.
        with Running(home, "feed", "log", "-f") as log:
            log.wait_for(lambda lines: sum("is in: panel" in line for line in lines) == 5)
        with Running(home, "tail", "sim:BTCUSDT") as clock:
            clock.wait_for(is_live)
        twice = run(home, "tmux", "trader", "--run", "--session", "t", env=sockets)
        assert twice.returncode == 2
        assert "duplicate session" in twice.stderr
    finally:
        tmux("kill-server")
