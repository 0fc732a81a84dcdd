"""The real program on a JayX account: balances, orders and their log on the screen, and the key nowhere."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mdterm.feeds.journal_file import JournalReader
from tests.program import screen
from tests.program.launch import Running, options_to, run
from tests.program.terminal import Terminal

KEY = "pl4nted-jayx-9315"
ENVIRONMENT = {"MDTERM_JAYX_API_KEY": KEY}
LOG = ["--log-file", "log", "--log-level", "debug"]


@pytest.fixture(params=["socketio", "envelope", "flat"])
def venue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[str]]:
    """Give the options that lead to a venue of one framing."""
    home = tmp_path / "venue"
    home.mkdir()
    framing = ["--jayx-framing", request.param]
    with Running(home, "simulate", "--providers", "jayx", "--rate", "10", *framing) as running:
        yield [one for one in options_to(running) if "jayx.url" in one]


def files_of(home: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def test_the_account_is_on_the_screen_and_the_key_nowhere(tmp_path: Path, venue: list[str]) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with Terminal(home, "jayx:BTCUSDT", *venue, *LOG, env=ENVIRONMENT, columns=120, lines=40) as terminal:
        terminal.wait_for(
            lambda lines: (
                all(screen.has_panel(lines, name) for name in ("LADDER", "TAPE", "ACCOUNT", "CHART"))
                and any("ACCOUNT jayx" in line and "LIVE" in line for line in lines)
                and any("ORDERS" in line and "PRICE" in line for line in lines)
                and any(" USDT " in line for line in lines)
                and any("framing: " in line and "(auto)" in line for line in lines)
            )
        )
        terminal.press("K")
        terminal.wait_for(
            lambda lines: (
                any("ACCOUNT LOG" in line for line in lines) and any("filled" in line for line in lines)
            )
        )
        terminal.press("E")  # the screen as a picture and as text
        terminal.press("K")
        terminal.wait_for(lambda lines: not any("ACCOUNT LOG" in line for line in lines))
        terminal.press("E")
        terminal.press("L")
        terminal.wait_for(lambda lines: any("framing: " in line and "jayx/account" in line for line in lines))
        terminal.press("L")
        terminal.wait_for(lambda lines: not any("jayx/account: framing" in line for line in lines))
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.words() == ""
        received = bytes(terminal.received)
    kept = files_of(home)
    assert any(name.endswith(".svg") for name in kept)
    for name, content in {"the terminal": received, **kept}.items():
        assert KEY.encode() not in content, name


def test_a_recording_holds_the_account_without_the_key(tmp_path: Path, venue: list[str]) -> None:
    home = tmp_path / "home"
    home.mkdir()
    done = run(
        home, "record", "jayx:BTCUSDT", *venue, "-o", "it.mdj", "--seconds", "3", *LOG, env=ENVIRONMENT
    )
    assert (done.returncode, done.stderr) == (0, "")
    with closing(JournalReader(home / "it.mdj")) as recording:
        records = b"".join(record.data + record.text.encode() for record in recording)
    assert b"openorders" in records
    assert b"apiKey" in records
    for content in (records, done.stdout.encode(), *files_of(home).values()):
        assert KEY.encode() not in content


def test_a_refused_key_is_told_once_and_not_itself(tmp_path: Path, venue: list[str]) -> None:
    home = tmp_path / "home"
    home.mkdir()
    bad = {"MDTERM_JAYX_API_KEY": f"bad-{KEY}"}
    arguments = ["tail", "jayx:BTCUSDT", "--kinds", "balance,order", *venue, *LOG]
    done = run(home, *arguments, env=bad)
    assert (done.returncode, done.stderr) == (3, "")
    (refused,) = [line for line in map(json.loads, done.stdout.splitlines()) if line["state"] == "refused"]
    assert refused["detail"] == "the server refused: invalid apiKey"
    for content in (done.stdout.encode(), *files_of(home).values()):
        assert KEY.encode() not in content
