"""Somebody looks elsewhere, comes back, and is told what passed; as a terminal tells it."""

import re
from pathlib import Path

from tests.program.terminal import Terminal

FOCUS_OUT, FOCUS_IN = "\x1b[O", "\x1b[I"


def seconds(lines: list[str]) -> int | None:
    """Return the time of day in the header."""
    found = re.search(r"(\d\d):(\d\d):(\d\d) UTC", lines[0])
    return None if found is None else int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3])


def test_who_comes_back_is_told_what_passed(tmp_path: Path) -> None:
    arguments = ["sim:BTCUSDT", "sim:ETHUSDT", "--set", "away_after=0.05", "--no-history"]
    with Terminal(tmp_path, *arguments, columns=120, lines=40) as terminal:
        terminal.wait_for(lambda lines: any("TAPE" in line and "LIVE" in line for line in lines))
        terminal.press(FOCUS_OUT)
        left = terminal.wait_for(seconds)
        terminal.wait_for(lambda lines: ((seconds(lines) or 0) - left) % 86_400 >= 5)
        terminal.press(FOCUS_IN)
        lines = terminal.wait_for(
            lambda lines: (
                list(lines)
                if any("WHAT PASSED" in one for one in lines) and any("ETHUSDT·sim" in one for one in lines)
                else None
            )
        )
        told = next(line for line in lines if line.startswith(" BTCUSDT·sim"))
        assert re.search(r"\d [\d .]+ → [\d .]+ [+-]\d\.\d\d ", told), told
        assert int(re.sub(r"\D", "", told.rstrip().split("  ")[-1])) > 0, "trades were counted"
        assert any(re.match(r" +biggest +[▲▼] [\d.]+ at \d", line) for line in lines)
        terminal.press("l")
        terminal.wait_for(lambda lines: not any("WHAT PASSED" in line for line in lines))
        terminal.press("U")
        terminal.wait_for(lambda lines: any("WHAT PASSED" in line for line in lines))
        terminal.press("\x1b")
        terminal.wait_for(lambda lines: not any("WHAT PASSED" in line for line in lines))
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.words() == ""
