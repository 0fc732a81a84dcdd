"""Where there is only ASCII: how that is known, and what stands for all other characters."""

import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from mdterm.app.canvas import Canvas
from mdterm.app.charset import Glyphs, is_ascii, to_ascii
from mdterm.app.credit import Credit
from mdterm.app.outlet import Outlet
from mdterm.widgets import candles

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm-256color", "LANG": "en_US.UTF-8"}, False),
        ({"TERM": "xterm-256color", "LANG": "C.utf8"}, False),
        ({}, False),
        ({"TERM": "xterm", "LANG": "de_DE"}, False),
        ({"TERM": "tmux-256color", "LANG": "C"}, True),
        ({"TERM": "xterm", "LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, True),
        ({"TERM": "linux", "LANG": "en_US.UTF-8"}, True),
        ({"TERM": "xterm", "LC_ALL": "de_DE.ISO-8859-1@euro", "LANG": "de_DE.utf8"}, True),
        ({"TERM": "xterm", "LC_ALL": "", "LC_CTYPE": "C.utf8", "LANG": "de_DE.ISO-8859-1"}, False),
    ],
)
def test_characters_are_those_that_the_terminal_has(environment: dict[str, str], expected: bool) -> None:
    assert is_ascii("auto", environment) is expected


@pytest.mark.parametrize(("glyphs", "expected"), [("ascii", True), ("unicode", False)])
def test_what_is_set_wins(glyphs: Glyphs, expected: bool) -> None:
    assert is_ascii(glyphs, {"LANG": "en_US.UTF-8"}) is expected
    assert is_ascii(glyphs, {"LC_ALL": "C", "TERM": "linux"}) is expected


def drawn() -> str:
    """Return every character that the source of the screen can draw, and those of plots and borders."""
    files = [
        *(ROOT / "widgets").glob("*.py"),
        *(ROOT / "app").glob("*.py"),
        *(ROOT / "themes").glob("*.tcss"),
    ]
    found = set("".join(path.read_text("utf-8") for path in files))
    return "".join(sorted(found | {chr(code) for code in (*range(0x2500, 0x25A0), *range(0x2800, 0x2900))}))


def test_every_character_has_one_of_ascii_for_each_of_its_cells() -> None:
    for character in drawn():
        plain = to_ascii(character)
        assert plain.isascii(), character
        assert len(plain) == cell_len(character) or character in "\n\t\r\x1b", character


def test_no_character_that_is_drawn_becomes_a_question() -> None:
    own = (ROOT / "app" / "charset.py").read_text("utf-8")
    asked = {one for one in drawn() if to_ascii(one) == "?"} - {"?"}
    # Those of this table's own documentation, and single keys of foreign keyboards, are not drawn.
    assert {one for one in asked if one not in own and not re.match(r"[\u2500-\u25ff]", one)} == set()


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("─ TAPE ≥0.01 · 38/s", "- TAPE >0.01 . 38/s"),
        ("▲61 722.4 ▼ ▸", "^61 722.4 v >"),
        ("é ﬁ ½ \xa0", "e ? ?  "),
        ("比特币 x", "?????? x"),
        ("é", "e"),
        ("plain \x1b[1m", "plain \x1b[1m"),
    ],
)
def test_what_a_person_reads(text: str, plain: str) -> None:
    assert to_ascii(text) == plain


def test_a_sparkline_still_rises() -> None:
    rising = to_ascii(candles.spark_cells([float(at) for at in range(8)], 8))
    assert rising == "_.-=+*%#"


class Written:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, data: str) -> None:
        self.text += data

    def is_drained(self) -> bool:
        return True


@pytest.mark.parametrize("in_ascii", [True, False])
def test_nothing_else_is_written_and_the_bytes_are_counted_as_written(in_ascii: bool) -> None:
    sink = Written()
    outlet = Outlet(Canvas(), Credit(lambda number: None, lambda: 0.0), lambda: False, is_ascii=in_ascii)
    outlet.open(sink)
    outlet.credit.answered()
    outlet.say("▲ 1.2万")
    assert sink.text.isascii() is in_ascii
    assert outlet.bytes == len(sink.text.encode())
