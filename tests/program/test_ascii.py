"""A terminal of ASCII alone: nothing else is written, on any layout and under any overlay."""

from functools import partial
from pathlib import Path

import pytest

from mdterm.app.layout_keys import LAYOUTS
from tests.program.terminal import Terminal

OVERLAYS = {
    "?": "- KEYS",
    ":": "- : ",
    "/": "- / ",
    "L": "- LOG",
    "a": "- ALERTS",
    "K": "- ACCOUNT LOG",
    "\x07": "- group",
}
"""What opens each, and how its title begins."""
SIZES = ((120, 40), (80, 24))


@pytest.mark.parametrize(
    ("environment", "arguments"),
    [({"LC_ALL": "C"}, ()), ({}, ("--set", "glyphs=ascii", "--set", "number_format=east-asian"))],
    ids=["by the locale", "by the setting"],
)
def test_no_layout_and_no_overlay_writes_anything_else(
    tmp_path: Path, environment: dict[str, str], arguments: tuple[str, ...]
) -> None:
    with Terminal(
        tmp_path, "sim:BTCUSDT", "sim:ETHUSDT", *arguments, env=environment, columns=120, lines=40
    ) as terminal:
        terminal.wait_for(lambda lines: any("- TAPE" in line for line in lines))
        for columns, lines in SIZES:
            terminal.resize(columns, lines)
            for _ in LAYOUTS:
                terminal.press("l")
                terminal.wait_for_frame()
        for _ in range(5):
            terminal.press("p")
            terminal.wait_for_frame()
        terminal.press("m")
        terminal.wait_for_frame()
        for key, title in OVERLAYS.items():
            terminal.press(key)
            terminal.wait_for(partial(shows, title))
            terminal.press("\x1b")
            terminal.wait_for(partial(shows_not, title))
        terminal.press("q")
        assert terminal.wait() == 0
        beyond = {byte for byte in terminal.received if byte > 0x7E}
        assert beyond == set()
        assert terminal.words() == ""


def shows(words: str, lines: list[str]) -> bool:
    return any(words in line for line in lines)


def shows_not(words: str, lines: list[str]) -> bool:
    return not shows(words, lines)
