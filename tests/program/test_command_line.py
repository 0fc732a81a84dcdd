"""The command line as scripts and people meet it: words, exit statuses, nothing on the wrong stream."""

import importlib.metadata
import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program.launch import TOKEN, Running, run
from tests.program.market import Market
from tests.program.terminal import Terminal
from tests.program.venue import Venue

KEY = {"MDTERM_KIYOTAKA_TOKEN": TOKEN}
NOWHERE = [f"--set=providers.kiyotaka.{name}_url=ws://127.0.0.1:9" for name in ("book", "nonbook")]


def test_the_version_is_the_installed_one(tmp_path: Path) -> None:
    done = run(tmp_path, "--version")
    installed = importlib.metadata.version("mdterm")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"mdterm {installed}\n", "")


@pytest.mark.parametrize("command", [[], ["tail"], ["simulate"], ["watch"], ["config"]])
def test_help_is_data(tmp_path: Path, command: list[str]) -> None:
    done = run(tmp_path, *command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Usage: mdterm" in done.stdout
    assert "--config" in done.stdout


CONFIG = """
fps = 10

[providers.kiyotaka]
regoin = "europe"
"""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["tial"], ["'tail'"], id="typo"),
        pytest.param(["tial", "sim:BTCUSDT"], ["'tail'"], id="typo with address"),
        pytest.param(["tail"], ["ADDRESS"], id="no address"),
        pytest.param(["tail", "BTCUSDT"], ["BTCUSDT", "PROVIDER:SYMBOL"], id="no provider"),
        pytest.param(["tail", "nosuch:BTCUSDT"], ["nosuch", "kiyotaka", "sim"], id="unknown provider"),
        pytest.param(
            ["tail", "kiyotaka:BTCUSDT"],
            ["providers.kiyotaka.token", "MDTERM_KIYOTAKA_TOKEN"],
            id="provider without key",
        ),
        pytest.param(["tail", "sim:BTCUSDT", "--kinds", "trade,boko"], ["'boko'", "book"], id="unknown kind"),
        pytest.param(["tail", "sim:BTCUSDT", "--count", "0"], ["--count"], id="count 0"),
        pytest.param(["tail", "sim:BTCUSDT", "--nosuch"], ["--nosuch", "tail --help"], id="unknown option"),
        pytest.param(["--config", "nosuch.toml", "tail", "sim:X"], ["nosuch.toml"], id="absent file"),
        pytest.param(
            ["tail", "sim:X", "--config", "wrong.toml"], ["wrong.toml:5", "regoin", "region"], id="wrong key"
        ),
        pytest.param(["--set", "fps=0", "tail", "sim:X"], ["fps", "0.1 to 60"], id="set before"),
        pytest.param(["tail", "sim:X", "--set", "fps=0"], ["fps", "0.1 to 60"], id="set after"),
        pytest.param(["tail", "sim:X", "--set", "fpss=1"], ["fpss", "fps"], id="set unknown"),
        pytest.param(["tail", "sim:X", "--set", "fps"], ["--set", "KEY=VALUE"], id="set without value"),
        pytest.param(
            ["tail", "sim:X", f"--set=providers.kiyotaka.token={TOKEN}"], ["process list"], id="set a secret"
        ),
        pytest.param(
            ["tail", "sim:X", f"--set=providers.jayx.api_key={TOKEN}"], ["process list"], id="set a key"
        ),
        pytest.param(["tail", "sim:X", "--log-file", "nosuch/log"], ["nosuch/log"], id="log in no folder"),
        pytest.param(["simulate", "--play", "nosuch"], ["nosuch"], id="absent recording"),
        pytest.param(["simulate", "--play", "wrong.toml"], ["wrong.toml:2"], id="no recording"),
        pytest.param(["simulate", "--providers", "nosuch"], ["nosuch", "kiyotaka"], id="no such protocol"),
        pytest.param(["simulate", "--fault", "nosuch"], ["nosuch"], id="no such fault"),
        pytest.param([], ["terminal", "mdterm tail"], id="no terminal"),
        pytest.param(["sim:BTCUSDT"], ["terminal", "mdterm tail"], id="no terminal for an address"),
    ],
)
def test_wrong_usage_is_told_in_words(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    (tmp_path / "wrong.toml").write_text(CONFIG)
    done = run(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mdterm: ")
    assert "Traceback" not in done.stderr
    assert TOKEN not in done.stderr
    for word in words:
        assert word in done.stderr


def test_a_dumb_terminal_is_told_what_works_instead(tmp_path: Path) -> None:
    with Terminal(tmp_path, "sim:BTCUSDT", env={"TERM": "dumb"}) as terminal:
        assert terminal.wait() == 2
        assert terminal.received == b""
        assert "mdterm tail" in terminal.words()


def test_options_before_and_after_the_command_both_count(tmp_path: Path) -> None:
    logs = ["--log-file", "first.log"], ["--log-file", "second.log"]
    done = run(tmp_path, *logs[0], "tail", *logs[1], "sim:BTCUSDT", "--count=1", "--set=fps=5", "--set=fps=6")
    assert (done.returncode, done.stderr) == (0, "")
    # The one nearer to the command holds.
    assert (tmp_path / "second.log").exists()
    assert not (tmp_path / "first.log").exists()


@pytest.mark.parametrize("kinds", ["trade", "trade,book"])
def test_count_ends_it_after_as_many_events(tmp_path: Path, kinds: str) -> None:
    done = run(tmp_path, "tail", "sim:BTCUSDT", "--kinds", kinds, "--count", "7")
    assert (done.returncode, done.stderr) == (0, "")
    told = [json.loads(line)["kind"] for line in done.stdout.splitlines()]
    assert len([kind for kind in told if kind != "status"]) == 7
    assert told[-1] != "status"


def test_seconds_end_it_whether_or_not_anything_came(tmp_path: Path) -> None:
    done = run(tmp_path, "tail", "sim:BTCUSDT", "--seconds", "1.5", "--format", "text")
    assert (done.returncode, done.stderr) == (0, "")
    assert " book bids=" in done.stdout
    done = run(tmp_path, "tail", "kiyotaka:BTCUSDT", *NOWHERE, "--seconds", "1.5", env=KEY)
    assert (done.returncode, done.stderr) == (4, "")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["state"] for line in told] == ["connecting", "reconnecting"]
    assert told[-1]["detail"]


def test_a_reader_that_goes_ends_it_quietly(tmp_path: Path) -> None:
    with Running(tmp_path, "tail", "sim:BTCUSDT") as tail:
        tail.wait_for(lambda lines: len(lines) >= 3)
        tail.hang_up()
        assert tail.wait() == 0
        assert tail.words() == ""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("arguments", [["tail", "sim:BTCUSDT"], ["simulate"]], ids=["tail", "simulate"])
def test_signals_end_it_quietly(
    tmp_path: Path, arguments: list[str], number: signal.Signals, status: int
) -> None:
    with Running(tmp_path, *arguments) as running:
        running.wait_for(lambda lines: len(lines) >= 1)
        running.signal(number)
        assert running.wait() == status
        assert running.words() == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [["tail", "sim:BTCUSDT"], ["simulate"]], ids=["tail", "simulate"])
def test_a_full_disk_is_told_in_words(tmp_path: Path, arguments: list[str]) -> None:
    done = run(tmp_path, *arguments, shell='exec "$@" >/dev/full')
    assert done.returncode == 2
    assert done.stderr == "mdterm: standard output cannot be written: No space left on device\n"


def test_closed_streams_are_no_sockets(tmp_path: Path) -> None:
    tail = ["tail", "sim:BTCUSDT", "--count", "5", "--kinds", "book"]
    done = run(tmp_path, *tail, shell='exec "$@" >&-')
    assert (done.returncode, done.stderr) == (2, "mdterm: standard output is closed\n")
    done = run(tmp_path, *tail, shell='exec "$@" 2>&- <&-')
    assert done.returncode == 0
    assert sum('"book"' in line for line in done.stdout.splitlines()) == 5


def test_what_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    with Running(tmp_path, "tail", "sim:BTCUSDT", nohup=True) as tail:
        tail.wait_for(lambda lines: len(lines) >= 3)
        tail.signal(signal.SIGHUP)
        told = len(tail.lines())
        tail.wait_for(lambda lines: len(lines) >= told + 3)


@pytest.mark.parametrize(
    "refuses", ["invalid token", 401, 403, 1008, 4001], ids=["words", "401", "403", "1008", "4001"]
)
def test_a_rejected_key_is_refused_after_two_attempts_at_most(tmp_path: Path, refuses: str | int) -> None:
    with Venue(block_sizes={"BTCUSDT": 0.1}, refuses=refuses) as venue:
        log = ["--log-file", "log", "--log-level", "debug"]
        done = run(tmp_path, "tail", "kiyotaka:BTCUSDT", *venue.options(), *log, env=KEY)
        assert (done.returncode, done.stderr) == (3, "")
        told = [json.loads(line) for line in done.stdout.splitlines()]
        assert {line["kind"] for line in told} == {"status"}
        assert told[-1]["state"] == "refused"
        assert told[-1]["detail"]
        for family in ("book", "nonbook"):
            assert venue.sockets_opened.count(family) <= 2
        if isinstance(refuses, str) or refuses >= 1000:
            assert set(venue.tokens) == {TOKEN}
    logged = (tmp_path / "log").read_text()
    assert "refused" in logged
    assert TOKEN not in logged + done.stdout


@pytest.fixture
def venue() -> Iterator[Venue]:
    with Venue(block_sizes={"BTCUSDT": 0.1}) as venue:
        yield venue


def test_the_log_tells_of_the_links_and_never_the_token(tmp_path: Path, venue: Venue) -> None:
    market = Market("BTCUSDT", 0.1, 61_800.0, seed=1)
    log = ["--log-file", "log", "--log-level", "debug"]
    channels = (("TRADE", "BTCUSDT"), ("BLOCK_BOOK_SNAPSHOT", "BTCUSDT"))
    with Running(tmp_path, *log, "tail", "kiyotaka:BTCUSDT", *venue.options(), env=KEY) as tail:
        venue.wait_subscribed(*channels)
        venue.publish(market.trade(3) + market.book())
        tail.wait_for(lambda lines: any('"trade"' in line for line in lines))
        venue.kill()
        tail.wait_for(lambda lines: any('"reconnecting"' in line for line in lines))
        venue.open()
        venue.wait_subscribed(*channels)
        tail.signal(signal.SIGTERM)
        assert tail.wait() == 143
        assert tail.words() == ""
        assert set(venue.tokens) == {TOKEN}
        logged = (tmp_path / "log").read_text()
        assert "kiyotaka/nonbook" in logged
        assert TOKEN not in logged + "".join(tail.lines())
    assert (tmp_path / "log").stat().st_mode & 0o077 == 0


def test_the_simulated_venue_tells_its_endpoints_in_one_line(tmp_path: Path) -> None:
    with Running(tmp_path, "simulate") as venue:
        told = json.loads(venue.wait_for(lambda lines: lines[0] if lines else None))
        for name in ("book", "nonbook", "rest"):
            assert told[f"providers.kiyotaka.{name}_url"] == told["providers"]["kiyotaka"][f"{name}_url"]
        venue.signal(signal.SIGINT)
        assert venue.wait() == 130
        assert len(venue.lines()) == 1


def test_a_taken_port_is_told_in_words(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run(tmp_path, "simulate", "--port", str(port))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mdterm: ")
    assert str(port) in done.stderr
