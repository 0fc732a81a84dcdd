"""What was seen live is what a replay shows at its end, whatever its speed: cell by cell."""

import re
import signal
import time
from pathlib import Path

from tests.program.launch import TOKEN, Running, options_to
from tests.program.terminal import Terminal

ADDRESSES = ["jayx:BTCUSDT", "kiyotaka:BINANCE_FUTURES:BTCUSDT", "alltick:BTCUSDT"]
KEYS = {
    "MDTERM_JAYX_API_KEY": f"{TOKEN}-2",
    "MDTERM_KIYOTAKA_TOKEN": TOKEN,
    "MDTERM_ALLTICK_TOKEN": f"{TOKEN}-3",
}
COLUMNS, LINES = 200, 60
SPEEDS = (100, 9)
AWAY_S, NOTE_S = 300.0, 15.0
"""Seconds without a key after which who presses one is told of it, and for how long that covers something."""
_ADVANCES = re.compile(
    r"(?:RECONNECTING|STALE|GAP|QUIET|LIVE|REPLAY|CONNECTING)[^─│]*?(?=  |─|$)"
    r"|(?:the )?connection (?:was lost|is closed|refused|reset)"
    r"|\d\d:\d\d:\d\d(?= UTC)|\d+(?:\.\d)?[smh]\b|VOL +[\d.,KMB —]+/s ×[\d.—]+|\d+(?:\.\d+)?/s ×[\d.—]+"
)
"""Times, ages, states that hang on the clock with their reasons, and rates of the last seconds."""


def figures(lines: list[str]) -> list[str]:
    """Return the screen without what the clock alone moves; the last line tells of the program itself."""
    return [re.sub(r"[\s─]+", " ", _ADVANCES.sub(" ", line)).strip() for line in lines[:-1]]


def watch(home: Path, venue: Running, seconds: float) -> list[str]:
    """Look at a live market until its venue is gone; record it, return the screen."""
    options = [*options_to(venue), "--set", "providers.alltick.plan=premium", "--record", "seen.mdj"]
    with Terminal(home, *ADDRESSES, *options, env=KEYS, columns=COLUMNS, lines=LINES) as terminal:
        terminal.wait_for(lambda lines: sum(" LIVE" in line for line in lines) >= len(ADDRESSES))
        time.sleep(seconds)  # the market moves on meanwhile
        terminal.press("\x0c")  # somebody is there
        time.sleep(NOTE_S if seconds > AWAY_S else 0.0)
        venue.signal(signal.SIGKILL)
        terminal.wait_for(lambda lines: any("RECONNECTING" in line for line in lines))
        time.sleep(2.0)  # rates of the last second fall to none
        terminal.press("\x0c")
        terminal.wait_for_frame()
        time.sleep(1.5)
        seen = terminal.lines()
        terminal.press("q")
        assert terminal.wait() == 0
    return seen


def replayed(home: Path, speed: int) -> list[str]:
    """Return the screen at the end of what was recorded."""
    with Terminal(
        home, "replay", "seen.mdj", "--speed", str(speed), columns=COLUMNS, lines=LINES
    ) as terminal:
        terminal.wait_for(lambda lines: "ENDED" in lines[-1], within=120.0)
        time.sleep(1.5)
        return terminal.lines()


def differences(home: Path, seconds: float, *options: str) -> list[str]:
    """Return where replays end otherwise than what was seen live."""
    with Running(home, "simulate", "--providers", "kiyotaka,alltick,jayx", *options) as venue:
        seen = figures(watch(home, venue, seconds))
    return [
        f"×{speed}: {again!r} was {live!r}"
        for speed in SPEEDS
        for live, again in zip(seen, figures(replayed(home, speed)), strict=True)
        if live != again
    ]


def test_a_replay_ends_with_the_screen_that_was_seen_live(tmp_path: Path) -> None:
    assert differences(tmp_path, 12.0, "--rate", "10") == []
