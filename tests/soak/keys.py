"""Any keys, any mouse, any sizes over a moving market: ``python -m tests.soak.keys [KEYS] [SEED]``.

Between the bursts the market stands still, and then the screen must be right: the count of trades and the
last price are those that were sent, what the diffs have made of the screen is what painting it anew makes of
it, no panel tells of an internal error, and nothing was said on standard error. Exits with 1 otherwise.
"""

import random
import re
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mdterm.app.keymap import COMMANDS
from mdterm.app.keytable import REPLAY
from tests.program import screen
from tests.program.dashboard import open_dashboard
from tests.program.market import Market
from tests.program.terminal import Terminal
from tests.program.test_screen import MARKETS, look_at_help, moving
from tests.program.venue import Venue

BURST = 250
NOT_PRESSED = {"quit", "interrupt", "suspend", "unwatch", "move-symbol-up", "move-symbol-down"}
"""Leaving, and what makes the digits mean other instruments. Nor are those pressed that go back in time."""
_SENT = {
    "space": " ",
    "tab": "\t",
    "enter": "\r",
    "escape": "\x1b",
    "backspace": "\x7f",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "delete": "\x1b[3~",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
}
_ADVANCES = re.compile(
    r"VOL[ \d.,KMB]+/s|\d+(?:\.\d+)?/s|×[\d.—]+|\d+(?:\.\d)?[smhd]\w*|\d\d:\d\d:\d\d"
    r"|-?\d+(?:\.\d+)? (?:fps|[kM]?B/s|ms)|traded|ago|─+"
)
"""What changes though nothing comes: ages, the clock, rates, and the rules that fill what they leave."""
_COMMANDS = re.compile(r"─ (?:: |KEYS )")
"""The titles of what runs commands by enter or a click, those that are not pressed among them."""
MOST_GROUPS = 100
TRIES = 8
BEHIND_S = 120.0
"""How long a burst of keys and sizes may take a machine that is busy with other things."""
LATELY = 20
"""Keys that may not have been obeyed yet."""


def bytes_of(key: str) -> str:
    """Return what a terminal sends for a key of the keymap."""
    if key.startswith("ctrl+"):
        return chr(ord(key[-1]) & 0x1F)
    return _SENT.get(key, key)


def steady(lines: list[str]) -> list[str]:
    """Return the screen without what advances by itself: ages, the clock, rates."""
    return [re.sub(r"\s+", " ", _ADVANCES.sub(" ", line)).strip() for line in lines]


class Sitter:
    """Somebody who presses anything."""

    def __init__(self, terminal: Terminal, seed: int) -> None:
        self.terminal = terminal
        self.dice = random.Random(seed)
        self.keys = [
            bytes_of(key)
            for one in COMMANDS
            if one.id not in NOT_PRESSED and one.group != REPLAY
            for key in one.keys
        ]
        self._opening = {
            bytes_of(key) for one in COMMANDS if one.id in ("help", "palette") for key in one.keys
        }
        self._pressed: deque[str] = deque(maxlen=LATELY)

    def burst(self, amount: int) -> None:
        """Do so many things."""
        for _ in range(amount):
            what, terminal = self.dice.random(), self.terminal
            key = self.dice.choice(self.keys)
            if what < 0.04:
                terminal.resize(self.dice.randint(20, 210), self.dice.randint(5, 65))
            elif (what < 0.10 or key == _SENT["enter"]) and self._may_run_a_command():
                terminal.press(_SENT["escape"])
            elif what < 0.10:
                columns, lines = terminal.size
                button = self.dice.choice((0, 64, 65))
                x, y = self.dice.randint(1, columns), self.dice.randint(1, max(1, lines - 1))  # not: quit
                terminal.press(f"\x1b[<{button};{x};{y}M" + (f"\x1b[<0;{x};{y}m" if not button else ""))
            else:
                terminal.press(key)
                self._pressed.append(key)
            if self.dice.random() < 0.2:
                self.breathe()

    def _may_run_a_command(self) -> bool:
        """Return whether enter or a click may run what is not pressed; wait for what was just opened."""
        if not self._opening.isdisjoint(self._pressed):
            self.breathe()
            self.breathe()
        return any(_COMMANDS.search(line) for line in self.terminal.lines())

    def breathe(self) -> None:
        """Let a frame come, if one does: what covers the whole of a small screen has none to show."""
        asked = self.terminal.positions_asked
        with suppress(AssertionError):
            self.terminal.wait_for(lambda _: self.terminal.positions_asked > asked, 1.0)

    def settle(self, symbols: Sequence[str]) -> None:
        """Close what is open, let everything show the newest, and the digits mean these symbols."""
        self.terminal.resize(120, 40)
        for _ in range(4):
            self.terminal.press("\x1b")
            # A lone escape is told from the beginning of a sequence by the pause behind it.
            time.sleep(0.3)
        # Who types anything after ctrl+g has made groups, and perhaps shows one.
        for _ in range(MOST_GROUPS):
            if all(_is_listed(self.terminal.lines(), *each) for each in enumerate(symbols, 1)):
                return
            self.terminal.press("G")
            # It has been obeyed then: a second one would pass all of them by.
            look_at_help(self.terminal, BEHIND_S)


def _is_listed(lines: list[str], digit: int, symbol: str) -> bool:
    """Return whether the watchlist, or its line, tells that a digit means a symbol."""
    return any(re.search(rf"(?<!\w){digit} +{symbol}\b", line) for line in lines)


def difference(terminal: Terminal) -> list[str]:
    """Return where the screen that diffs have made differs from one that is painted anew."""
    made_of_diffs = steady(terminal.lines())
    written = len(terminal.received)
    terminal.press("\x0c")
    terminal.wait_for(lambda _: len(terminal.received) > written + 500)
    terminal.wait_for_frame()
    painted = steady(terminal.lines())
    return [
        f"row {y}: {had!r} should be {new!r}"
        for y, (had, new) in enumerate(zip(made_of_diffs, painted, strict=True))
        if had != new
    ]


def faults_after(terminal: Terminal, market: Market) -> list[str]:
    """Return what is wrong with the screen of a market that stands still."""
    faults: list[str] = []
    last = market.trades[-1].price

    def is_true(lines: list[str]) -> bool:
        return screen.trade_count(lines) == len(market.trades) and screen.header(lines)[1] == last

    try:
        terminal.wait_for(is_true)
    except AssertionError as error:
        return [f"{market.symbol}: {len(market.trades)} trades, last {last}: {error}"]
    time.sleep(1.5)  # rates fall to what they are of a market that stands still
    for _ in range(TRIES):
        # What advances may have advanced in between, and what was live grows stale: only what stays wrong is.
        differing = difference(terminal)
        if not differing:
            break
    faults += differing
    text = "\n".join(terminal.lines())
    return faults + [
        f"{words} is on the screen" for words in ("internal error", "Traceback") if words in text
    ]


def main(keys: int, seed: int) -> int:
    """Run; return the exit status."""
    markets = [Market(*each, seed=seed) for each in MARKETS]
    block_sizes = {market.symbol: market.block for market in markets}
    pressed = 0
    with (
        tempfile.TemporaryDirectory() as home,
        Venue(block_sizes=block_sizes) as venue,
        open_dashboard(Path(home), venue, markets, columns=120, lines=40) as terminal,
    ):
        sitter = Sitter(terminal, seed)
        while pressed < keys:
            with moving(venue, markets):
                sitter.burst(BURST)
            pressed += BURST
            sitter.settle([market.symbol for market in markets])
            faults = []
            for number, market in enumerate(markets, 1):
                venue.publish(market.trade(3) + market.book())
                terminal.press(str(number))
                faults += faults_after(terminal, market)
            words = terminal.words()
            if words:
                faults.append(f"standard error: {words}")
            count = sum(len(market.trades) for market in markets)
            print(f"{pressed} keys, {count} trades, {len(faults)} faults", flush=True)
            if faults:
                print(*faults, terminal.picture(), sep="\n")
                return 1
    return 0


if __name__ == "__main__":
    numbers = [int(one) for one in sys.argv[1:3]]
    sys.exit(main(*(numbers + [10_000, 1][len(numbers) :])))
