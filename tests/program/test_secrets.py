"""Keys reach the venue and nobody else: not the screen, a log, a recording, a file, nor the process list."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mdterm.feeds.journal_file import JournalReader, is_journal
from mdterm.feeds.text import forms
from tests.program import screen
from tests.program.launch import Running, options_to, run
from tests.program.terminal import Terminal

SECRETS = {
    "kiyotaka": 'k"y/x7Qz+92hWvTpLm',
    "alltick": "t&k%25/n8RbDcXw=3JfGs",
    "jayx": 'j"x\\/m4VyHqKd+6ZtNr',
}
KEYS = {
    "MDTERM_KIYOTAKA_TOKEN": SECRETS["kiyotaka"],
    "MDTERM_ALLTICK_TOKEN": SECRETS["alltick"],
    "MDTERM_JAYX_API_KEY": SECRETS["jayx"],
}
ADDRESSES = {
    "kiyotaka": "kiyotaka:BINANCE_FUTURES:BTCUSDT",
    "alltick": "alltick:BTCUSDT",
    "jayx": "jayx:BTCUSDT",
}
SHOWN_AT_MOST = 4
NOWHERE = [
    "--set=providers.kiyotaka.book_url=ws://127.0.0.1:9",
    "--set=providers.kiyotaka.nonbook_url=ws://127.0.0.1:9",
    "--set=providers.kiyotaka.rest_url=http://127.0.0.1:9",
    "--set=providers.alltick.generic_url=ws://127.0.0.1:9",
    "--set=providers.alltick.generic_http_url=http://127.0.0.1:9",
    "--set=providers.jayx.url=ws://127.0.0.1:9",
]


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[list[str]]:
    """Give the options that lead to a venue of all three protocols, which reads every key as a good one."""
    with Running(tmp_path, "simulate", "--providers", "kiyotaka,alltick,jayx", "--rate", "4") as running:
        yield options_to(running)


def pieces() -> set[bytes]:
    """Return all that must stand nowhere: each key in every form, and each run of it that is too long."""
    found: set[str] = set()
    for secret in SECRETS.values():
        found |= set(forms((secret,)))
        width = SHOWN_AT_MOST + 1
        found |= {secret[at : at + width] for at in range(3, len(secret) - width + 1)}
    return {one.encode() for one in found}


def expect_none(where: str, content: bytes) -> None:
    """Hold that nothing of a key is in what was written."""
    leaked = [piece for piece in pieces() if piece in content]
    assert not leaked, f"{where} holds {leaked}"


def expect_none_in_files(folder: Path) -> int:
    """Hold that no file under a folder holds a key, recordings as they are read; return their number."""
    found = 0
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            found += 1
            expect_none(str(path), path.read_bytes())
            if is_journal(path):
                with closing(JournalReader(path)) as reader:
                    for record in reader:
                        expect_none(f"{path}: {record.kind}", record.data + record.text.encode())
    return found


def log(name: str) -> list[str]:
    return ["--log-file", f"{name}.log", "--log-level", "debug"]


@pytest.mark.parametrize("name", SECRETS)
def test_no_command_gives_a_key_away(tmp_path: Path, venue: list[str], name: str) -> None:
    address = ADDRESSES[name]
    commands = [
        (0, ["tail", address, "--count", "20", "--seconds", "20"]),
        (0, ["once", address, "--wait", "10"]),
        (0, ["once", address, "--format", "json", "--wait", "10"]),
        (0, ["record", address, "-o", "session.mdj", "--seconds", "3"]),
        (0, ["replay", "session.mdj", "--tail"]),
        (0, ["export", "session.mdj", "--kinds", "trade,book", "--format", "csv", "-o", "session.csv"]),
        (None, ["history", address, "--interval", "1m"]),
        (None, ["symbols", name, "BTC"]),
        (None, ["doctor", name]),
        (0, ["config", "show"]),
        (0, ["config", "check"]),
    ]
    for at, (status, arguments) in enumerate(commands):
        done = run(tmp_path, *arguments, *venue, *log(f"{at}-{arguments[0]}"), env=KEYS, within=60.0)
        assert status is None or done.returncode == status, (arguments, done.stderr)
        expect_none(" ".join(arguments), (done.stdout + done.stderr).encode())
    assert (tmp_path / "session.mdj").stat().st_size > 1000
    assert expect_none_in_files(tmp_path) > 5


@pytest.mark.parametrize("name", SECRETS)
def test_a_failure_gives_no_key_away(tmp_path: Path, name: str) -> None:
    with Running(
        tmp_path, "simulate", "--providers", "kiyotaka,alltick,jayx", "--fault", "refuse:auth"
    ) as running:
        for options in (NOWHERE, options_to(running)):
            kinds = "balance,order" if name == "jayx" and options is not NOWHERE else "trade,book"
            arguments = ["tail", ADDRESSES[name], "--kinds", kinds, "--seconds", "3", *options]
            done = run(tmp_path, *arguments, *log(f"{len(options)}-failure"), env=KEYS, within=60.0)
            expect_none("tail", (done.stdout + done.stderr).encode())
    expect_none_in_files(tmp_path)


def test_the_screen_its_pictures_and_the_process_list_hold_no_key(tmp_path: Path, venue: list[str]) -> None:
    with Terminal(
        tmp_path, *ADDRESSES.values(), *venue, *log("screen"), env=KEYS, columns=120, lines=40
    ) as terminal:
        terminal.wait_for(
            lambda lines: screen.has_panel(lines, "TAPE") and screen.state(lines, "TAPE").word == "LIVE"
        )
        expect_none("the process list", Path(f"/proc/{terminal.process.pid}/cmdline").read_bytes())
        for keys in ("E", "e", "L", "L", "?", "?", "2", "3", "K", "K"):
            terminal.press_and_see(keys)
        terminal.press("q")
        assert terminal.wait() == 0
        expect_none("the screen", bytes(terminal.received))
    expect_none_in_files(tmp_path)


BREAKING = """
import os
from mdterm.app import dashboard

def tick(self):
    key = os.environ["MDTERM_KIYOTAKA_TOKEN"]
    raise RuntimeError(f"an error that names {key}")

dashboard.Dashboard.tick = tick
"""


def test_a_crash_tells_no_key(tmp_path: Path, venue: list[str]) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(BREAKING)
    env = {**KEYS, "PYTHONPATH": str(broken)}
    with Terminal(tmp_path, *ADDRESSES.values(), *venue, *log("crash"), env=env) as terminal:
        assert terminal.wait() not in (0, 2, 3, 4)
        assert "an error that names •••" in terminal.words()
        expect_none("the screen", bytes(terminal.received))
        expect_none("standard error", terminal.words().encode())
    (report,) = (tmp_path / "state").rglob("crash-*.txt")
    assert "RuntimeError" in report.read_text()
    expect_none_in_files(tmp_path)
