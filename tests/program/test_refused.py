"""A venue that refuses: its words are told, but they rule nothing, and they give nothing away."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import screen
from tests.program.launch import TOKEN, run
from tests.program.terminal import Terminal
from tests.program.venue import Venue

HOSTILE = f"invalid token {TOKEN} \x1b]0;owned\x07\x1b[2J\u202e\u009b31m the end"
KEY = {"MDTERM_KIYOTAKA_TOKEN": TOKEN}


@pytest.fixture
def venue() -> Iterator[Venue]:
    with Venue(block_sizes={"BTCUSDT": 0.1}, refuses=HOSTILE) as venue:
        yield venue


@pytest.mark.parametrize("form", ["text", "ndjson"])
def test_hostile_words_reach_a_pipe_as_words(tmp_path: Path, venue: Venue, form: str) -> None:
    log = ["--log-file", "log", "--log-level", "debug"]
    done = run(tmp_path, "tail", "kiyotaka:BTCUSDT", *venue.options(), "--format", form, *log, env=KEY)
    assert (done.returncode, done.stderr) == (3, "")
    assert "the end" in done.stdout
    told = done.stdout + (tmp_path / "log").read_text()
    if form == "ndjson":
        told += json.loads(done.stdout.splitlines()[-1])["detail"]
    assert TOKEN not in told
    assert all(character.isprintable() or character == "\n" for character in told)


def test_a_rejected_key_is_told_on_the_screen_and_not_tried_again(tmp_path: Path, venue: Venue) -> None:
    with Terminal(tmp_path, "kiyotaka:BTCUSDT", *venue.options(), env=KEY) as terminal:
        terminal.wait_for(
            lambda lines: (
                screen.has_panel(lines, "TAPE")
                and {screen.state(lines, name).word for name in ("LADDER", "TAPE")} == {"REFUSED"}
            )
        )
        began = time.monotonic()
        terminal.wait_for(lambda _: time.monotonic() - began > 3.0)
        assert max(map(venue.sockets_opened.count, ("book", "nonbook"))) <= 2
        # Nothing new to show is not a terminal that is behind.
        assert not any("LIVE" in line or "behind" in line for line in terminal.lines())
        assert b"\x1b]0" not in terminal.received
        assert b"\x1b[2J" not in terminal.received
        assert TOKEN.encode() not in terminal.received
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.words() == ""
