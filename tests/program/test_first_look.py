"""What a newcomer meets: no settings, no key, any terminal."""

import re
from pathlib import Path

import pytest

from tests.program import screen
from tests.program.terminal import Terminal

COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9;]*)?m")


def test_without_settings_a_simulated_market_moves_and_says_that_it_is_one(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        first = terminal.wait_for(moving_market)
        terminal.wait_for(lambda lines: (screen.trade_count(lines) or 0) > first)
        for name in ("LADDER", "TAPE"):
            assert " SIM " in screen.title(terminal.lines(), name)
            assert screen.state(terminal.lines(), name).word in ("LIVE", "PARTIAL")
        assert COLOUR.search(terminal.received)
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.words() == ""


def test_no_color_is_obeyed(tmp_path: Path) -> None:
    with Terminal(tmp_path, "sim:BTCUSDT", env={"NO_COLOR": "1"}) as terminal:
        terminal.wait_for(moving_market)
        assert COLOUR.search(terminal.received) is None


def test_broken_settings_never_become_a_simulated_market(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "mdterm"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('watchlist = ["kiyotaka:BTCUSDT"\n')
    with Terminal(tmp_path) as terminal:
        assert terminal.wait() == 2
        assert terminal.received == b""
        assert f"{folder / 'config.toml'}:" in terminal.words()


def test_any_size_is_survived(tmp_path: Path) -> None:
    with Terminal(tmp_path, "sim:BTCUSDT") as terminal:
        terminal.wait_for(moving_market)
        for columns, lines in ((20, 5), (5, 2), (1, 1), (2, 60), (300, 3), (250, 80)):
            terminal.resize(columns, lines)
            terminal.wait_for_frame()
        terminal.resize(60, 20)
        terminal.wait_for(moving_market)
        assert terminal.words() == ""


def moving_market(lines: list[str]) -> int | None:
    """Return the number of trades, once a ladder of two sides and a tape of trades are to be seen."""
    if not (screen.has_panel(lines, "LADDER") and screen.has_panel(lines, "TAPE")):
        return None
    if None in screen.best(screen.ladder(lines)) or len(screen.tape(lines)) < 3:
        return None
    return screen.trade_count(lines)


def depths(written: bytes) -> set[str]:
    """Return how the colours of all sequences are told: each its red, green and blue, or of 256, or of 16."""
    found = set()
    for match in re.finditer(rb"\x1b\[([0-9;]*)m", written):
        codes = [int(code or 0) for code in match[1].split(b";")]
        while codes:
            code = codes.pop(0)
            if code in (38, 48):
                is_whole = codes[0] == 2
                found.add("truecolor" if is_whole else "256")
                del codes[: 4 if is_whole else 2]
            elif code in (*range(30, 38), *range(40, 48), *range(90, 98), *range(100, 108)):
                found.add("16")
    return found


@pytest.mark.parametrize(
    ("environment", "depth"),
    [
        ({"COLORTERM": "truecolor"}, "truecolor"),
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "xterm"}, "16"),
        ({"TERM": "vt100"}, None),
    ],
)
def test_no_more_colours_are_written_than_the_terminal_has(
    tmp_path: Path, environment: dict[str, str], depth: str | None
) -> None:
    with Terminal(tmp_path, "sim:BTCUSDT", env=environment) as terminal:
        terminal.wait_for(moving_market)
        assert depths(bytes(terminal.received)) == ({depth} if depth else set())
