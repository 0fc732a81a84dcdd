"""What is chosen on the screen holds at the next start; the configuration stays as its person wrote it."""

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.program import screen
from tests.program.launch import TOKEN
from tests.program.terminal import Terminal
from tests.program.test_screen import look_at_help
from tests.program.venue import Venue

CONFIGURATION = """\
# Mine. Not yours.
fps = 5   # enough

watchlist = ["sim:BTCUSDT", "sim:ETHUSDT", "sim:SOLUSDT"]

[groups]
alts = ["sim:ETHUSDT", "sim:SOLUSDT"]
"""


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    path = tmp_path / "config" / "mdterm" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(CONFIGURATION)
    return path


def start(home: Path, *arguments: str) -> Terminal:
    return Terminal(home, *arguments, columns=120, lines=40)


def kept(home: Path) -> Any:
    """Return what the state file holds; an empty table where there is none yet."""
    path = home / "state" / "mdterm" / "state.json"
    return json.loads(path.read_text()) if path.exists() else {}


def symbols(lines: list[str]) -> list[str]:
    """Return the watchlist's symbols as they stand, the shown one with its mark."""
    rows = [row for row in screen.rows(lines, "WATCH")[1:] if row[3:].strip()]
    return [row[:3].replace(" ", "") + row[3:].split()[0] for row in rows]


def lists(*wanted: str) -> Callable[[list[str]], bool]:
    """Return the condition that the watchlist begins with these rows."""
    return lambda lines: screen.has_panel(lines, "WATCH") and symbols(lines)[: len(wanted)] == list(wanted)


def says(name: str, text: str) -> Callable[[list[str]], bool]:
    """Return the condition that a panel's title holds a text."""
    return lambda lines: screen.has_panel(lines, name) and text in screen.title(lines, name)


def ground(terminal: Terminal) -> str:
    """Return the colour that a blank cell of the screen stands on."""
    return terminal.ground(terminal.size[0] - 1, terminal.size[1] - 1)


def test_quit_and_start_again(tmp_path: Path, configuration: Path) -> None:
    with start(tmp_path) as terminal:
        terminal.wait_for(lists("▸1BTCUSDT", "2ETHUSDT", "3SOLUSDT"))
        dark = ground(terminal)
        terminal.press("3")
        terminal.wait_for(lists("1BTCUSDT", "2ETHUSDT", "▸3SOLUSDT"))
        terminal.press("{")
        terminal.wait_for(lists("1BTCUSDT", "▸2SOLUSDT", "3ETHUSDT"))
        step = terminal.wait_for(ladder_step)
        terminal.press("+")
        coarser = terminal.wait_for(lambda lines: (now := ladder_step(lines)) != step and now)
        terminal.press("i")
        terminal.wait_for(says("CHART", "5m"))
        terminal.press("ll")
        terminal.wait_for(lambda lines: not screen.has_panel(lines, "LADDER"))
        terminal.press("t")
        terminal.wait_for(lambda _: ground(terminal) != dark)
        light = ground(terminal)
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.words() == ""
    assert configuration.read_text() == CONFIGURATION

    with start(tmp_path) as terminal:
        terminal.wait_for(lists("1BTCUSDT", "▸2SOLUSDT", "3ETHUSDT"))
        terminal.wait_for(says("CHART", "5m"))
        lines = terminal.lines()
        assert not screen.has_panel(lines, "LADDER")
        assert ground(terminal) == light
        while not screen.has_panel(terminal.lines(), "LADDER"):
            terminal.press("l")
            look_at_help(terminal)  # a key too many would go past what is looked for
        terminal.wait_for(lambda lines: ladder_step(lines) == coarser)
        terminal.press("q")
        assert terminal.wait() == 0
    assert configuration.read_text() == CONFIGURATION


def ladder_step(lines: list[str]) -> str | None:
    """Return the width of the ladder's rows as its title tells it."""
    if not screen.has_panel(lines, "LADDER"):
        return None
    words = screen.title(lines, "LADDER").split()
    # Before the first frame there is none, only the age of waiting.
    return next((word for word in words if re.fullmatch(r"\d[\d.]*", word)), None)


def test_what_the_configuration_names_wins(tmp_path: Path, configuration: Path) -> None:
    with start(tmp_path) as terminal:
        terminal.wait_for(says("LADDER", "LIVE"))
        terminal.press("ll")
        terminal.wait_for(lambda lines: not screen.has_panel(lines, "LADDER"))
        terminal.press("q")
        assert terminal.wait() == 0
    assert kept(tmp_path)["screen"]["layout"] == "chart"
    with start(tmp_path, "--set", "layout=trader") as terminal:
        terminal.wait_for(says("LADDER", "LIVE"))


def test_two_programs_at_once_keep_what_each_of_them_changed(tmp_path: Path, configuration: Path) -> None:
    with start(tmp_path) as one, start(tmp_path) as other:
        for terminal in (one, other):
            terminal.wait_for(lists("▸1BTCUSDT", "2ETHUSDT", "3SOLUSDT"))
        one.press("i")
        one.wait_for(says("CHART", "5m"))
        other.press("}")
        other.wait_for(lists("1ETHUSDT", "▸2BTCUSDT", "3SOLUSDT"))
        for terminal in (one, other):
            terminal.press("q")
            assert terminal.wait() == 0
    with start(tmp_path) as terminal:
        terminal.wait_for(lists("1ETHUSDT", "▸2BTCUSDT", "3SOLUSDT"))
        terminal.wait_for(says("CHART", "5m"))


def test_killed_it_has_kept_what_was_chosen_a_moment_before(tmp_path: Path, configuration: Path) -> None:
    with start(tmp_path) as terminal:
        terminal.wait_for(lists("▸1BTCUSDT", "2ETHUSDT", "3SOLUSDT"))
        terminal.press("i")
        terminal.wait_for(lambda _: kept(tmp_path).get("panels", {}).get("chart", {}).get("interval") == "5m")
        terminal.signal(signal.SIGKILL)
        assert terminal.wait() == -signal.SIGKILL
    with start(tmp_path) as terminal:
        terminal.wait_for(says("CHART", "5m"))


def test_addresses_on_the_command_line_are_not_the_saved_list(tmp_path: Path, configuration: Path) -> None:
    with start(tmp_path, "sim:DOGEUSDT", "sim:XRPUSDT") as terminal:
        terminal.wait_for(lists("▸1DOGEUSDT", "2XRPUSDT"))
        terminal.press("}")
        terminal.wait_for(lists("1XRPUSDT", "▸2DOGEUSDT"))
        terminal.press("i")
        terminal.wait_for(says("CHART", "5m"))
        terminal.press("q")
        assert terminal.wait() == 0
    assert "watchlist" not in kept(tmp_path)
    with start(tmp_path) as terminal:
        terminal.wait_for(lists("▸1BTCUSDT", "2ETHUSDT", "3SOLUSDT"))
        terminal.wait_for(says("CHART", "5m"))


def test_a_group_is_shown_by_its_key_and_again_at_the_next_start(tmp_path: Path, configuration: Path) -> None:
    with start(tmp_path) as terminal:
        terminal.wait_for(lists("▸1BTCUSDT", "2ETHUSDT", "3SOLUSDT"))
        terminal.press("G")
        terminal.wait_for(lists("1ETHUSDT", "2SOLUSDT"))
        terminal.press("2")
        terminal.wait_for(lists("1ETHUSDT", "▸2SOLUSDT"))
        assert " alts " in screen.title(terminal.lines(), "WATCH")
        terminal.press("q")
        assert terminal.wait() == 0
    with start(tmp_path) as terminal:
        terminal.wait_for(lists("1ETHUSDT", "▸2SOLUSDT"))
        terminal.press("G")
        terminal.wait_for(lists("1BTCUSDT", "2ETHUSDT", "▸3SOLUSDT"))


def test_a_state_file_that_is_broken_is_told_and_put_aside(tmp_path: Path, configuration: Path) -> None:
    path = tmp_path / "state" / "mdterm" / "state.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"version": 1, "screen": {"layout": "cha')
    with start(tmp_path) as terminal:
        terminal.wait_for(lists("▸1BTCUSDT", "2ETHUSDT", "3SOLUSDT"))
        look_up(terminal, "choices begin anew: ")
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.words() == ""
    assert path.with_name("state.json.broken").exists()


def test_a_folder_that_cannot_be_written_is_told_and_harms_nothing(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    with start(tmp_path, "sim:BTCUSDT") as terminal:
        terminal.wait_for(says("CHART", "1m"))
        terminal.press("i")
        terminal.wait_for(says("CHART", "5m"))
        look_up(terminal, "choices are not kept: ")
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.words() == ""


def look_up(terminal: Terminal, words: str) -> None:
    """Open the log, find words in it, and close it."""
    terminal.press("L")
    terminal.wait_for(lambda lines: any(words in line for line in lines))
    terminal.press("L")
    terminal.wait_for(lambda lines: not any(words in line for line in lines))


# A credential and nothing to watch


@pytest.fixture
def key() -> dict[str, str]:
    return {"MDTERM_KIYOTAKA_TOKEN": TOKEN}


def test_with_a_key_and_nothing_to_watch_the_search_opens(tmp_path: Path, key: dict[str, str]) -> None:
    with Venue(block_sizes={"BTCUSDT": 0.1}) as venue:
        with Terminal(tmp_path, *venue.options(), env=key) as terminal:
            terminal.wait_for(is_searching)
            terminal.press("kiyotaka:BINANCE_FUTURES:BTCUSDT")
            terminal.wait_for(lambda lines: any("  kiyotaka:BINANCE_FUTURES:BTCUSDT" in row for row in lines))
            terminal.press("\r")
            venue.wait_subscribed(("TRADE", "BTCUSDT"))
            terminal.wait_for(lambda lines: screen.has_panel(lines, "LADDER"))
            terminal.press("q")
            assert terminal.wait() == 0
            assert terminal.words() == ""
        with Terminal(tmp_path, *venue.options(), env=key) as terminal:
            terminal.wait_for(lambda lines: screen.has_panel(lines, "LADDER") and "BTCUSDT" in lines[0])


def test_the_search_is_left_by_escape_and_nothing_made_up_stands_in(
    tmp_path: Path, key: dict[str, str]
) -> None:
    with Terminal(tmp_path, env=key) as terminal:
        terminal.wait_for(is_searching)
        terminal.press("\x1b")
        assert terminal.wait() == 0
        assert terminal.is_left()
        assert terminal.words() == ""
    assert kept(tmp_path) == {}


def is_searching(lines: list[str]) -> bool:
    """Return whether the symbol search is open."""
    return any("enter shows or adds, esc closes" in line for line in lines)
