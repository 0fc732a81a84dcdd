"""Every panel at every size tells what the recording told until then: made-up and real markets, an account.

A replay stands still at a time that the dice choose. What the screen shows then, through a pseudoterminal
and an emulator, is held against the recording's lines up to that time, which no view or panel has touched.
"""

import json
import random
import re
import signal
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.program import screen
from tests.program.launch import TOKEN, Running, options_to, run
from tests.program.market import ladder_faults, tape_faults
from tests.program.recording import MARKET_DATA
from tests.program.terminal import Terminal
from tests.program.test_screen import look_at_help
from tests.program.told import Line, Purse, Told, as_of, counts
from tests.program.venue import EXCHANGE

JAYX, KIYOTAKA = "jayx:BTCUSDT", f"kiyotaka:{EXCHANGE}:BTCUSDT"
ADDRESSES = (JAYX, KIYOTAKA)
KEYS = {"MDTERM_JAYX_API_KEY": f"{TOKEN}-2", "MDTERM_KIYOTAKA_TOKEN": TOKEN}
REAL = MARKET_DATA / "btcusdt_usdm_perp_20240808.ndjson.gz"
LAYOUTS = 7
HARMLESS = [*"lllmtzwWdjkAPCoO,.", "\t", "\t", "\x1b[D", "\x1b[A", "\x0c"]
"""Keys after which the figures mean what they meant."""
FIGURE = screen._FIGURE
_STANDS_STILL = "PAUSED"
PANELS = {
    "LADDER": 12,
    "TAPE": 30,
    "CHART": 8,
    "WATCH": 12,
    "DERIVATIVES": 3,
    "ACCOUNT": 20,
    "COMPARE": 5,
}
"""Figures that must at least have been compared."""


class Recorded:
    """A recording: where it is, and its lines in the order of their receipt."""

    def __init__(self, home: Path, lines: list[Line]) -> None:
        self.home = home
        self.lines = lines

    def a_time(self, dice: random.Random) -> int:
        """Return a time (ns) at which everything has been told of at least once."""
        first: dict[tuple[str, str], int] = {}
        for line in self.lines:
            first.setdefault((line["address"], line["kind"]), line["seen"])
        end = self.lines[-1]["seen"]
        begin = max(*first.values(), (self.lines[0]["seen"] + end) // 2)
        return dice.randrange(begin, end) // 1000 * 1000


@pytest.fixture(scope="module", params=["made up", "real"])
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Record two providers of one symbol, with an account."""
    play: list[str] = []
    if request.param == "real":
        if not REAL.exists():
            pytest.skip("no recorded markets here")
        play = ["--play", str(REAL)]
    home, venue = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("venue")
    with Running(venue, "simulate", "--providers", "jayx,kiyotaka", "--rate", "5", *play) as running:
        arguments = [*ADDRESSES, *options_to(running), "-o", "it.mdj", "--tail"]
        wanted = {(JAYX, "order"), ("jayx", "balance"), *((one, "trade") for one in ADDRESSES)}

        def has_all(lines: list[str]) -> bool:
            found = counts(map(json.loads, lines))
            return found[JAYX, "trade"] > 300 and all(found[one] > 5 for one in wanted)

        with Running(home, "record", *arguments, env=KEYS) as recorder:
            recorder.wait_for(has_all, within=60)
            recorder.signal(signal.SIGTERM)
            recorder.wait()
    done = run(home, "replay", "it.mdj", "--tail", "--depth", "1000")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line for line in map(json.loads, done.stdout.splitlines()) if line["kind"] != "status"]
    return Recorded(home, lines)


def body(lines: Sequence[str], name: str) -> list[str]:
    """Return the rows under a panel's title, cut where a panel to the right begins; none without it."""
    if not screen.has_panel(lines, name):
        return []
    titles = [title for line in lines for title in screen._TITLE.finditer(line)]
    left = next(title.start() for title in titles if title["name"] == name)
    right = min((title.start() for title in titles if title.start() > left), default=None)
    return [row[left:right].rstrip() for row in screen._area([line.ljust(300) for line in lines], name)[1]]


def cells_of(head: str, row: str) -> dict[str, str]:
    """Return the cells of columns that end where their heads end."""
    words = [(word.group().strip("▲▼"), word.end()) for word in re.finditer(r"\S+", head)]
    starts = [0, *(end for _, end in words)]
    cells = {name: row[start:end].strip(" ▲▼·") for (name, end), start in zip(words, starts, strict=False)}
    # Names, which stand before the first figure, end where they please.
    figures = {name: re.search(rf"(?<!\d)(?:<?{FIGURE}[KMBT]?|—)$", cell) for name, cell in cells.items()}
    return {name: found.group() if (found := figures[name]) else cell for name, cell in cells.items()}


class Check:
    """Compares a screen with what was told, and counts what it has compared."""

    def __init__(self, told: dict[str, Told], purse: Purse, shown: str) -> None:
        self.told = told
        self.purse = purse
        self.shown = told[shown]
        self.seen: Counter[str] = Counter()
        """Figures compared, by panel."""
        self.faults: list[str] = []

    def _figure(self, panel: str, text: str, value: float | None, where: str) -> None:
        """Hold a figure against its value; one that there was no room for is ``…`` and tells nothing."""
        self.seen[panel] += 1
        is_right = text == "—" if value is None else screen.tells(text, value)
        if not is_right:
            self.faults.append(f"{panel}: {text!r} is not {value} in {where!r}")

    def look(self, lines: list[str]) -> list[str]:
        """Return what is wrong."""
        self.seen.clear()
        self.faults = []
        self._head(lines)
        self._ladder(lines)
        self._tape(lines)
        self._chart(lines)
        self._watchlist(lines)
        self._derivatives(lines)
        self._account(lines)
        self._compare(lines)
        return self.faults

    def _head(self, lines: list[str]) -> None:
        words, last = screen.header(lines)
        if words.split()[:1] != [self.shown.symbol] or last != self.shown.last:
            self.faults.append(f"header: {lines[0]!r} is not {self.shown.symbol} {self.shown.last}")
        count = screen.trade_count(lines)
        if count is not None and count != len(self.shown.trades):
            self.faults.append(f"{count} trades are not {len(self.shown.trades)}")

    def _ladder(self, lines: list[str]) -> None:
        if not screen.has_panel(lines, "LADDER"):
            return
        rows = screen.ladder(lines)
        self.seen["LADDER"] += sum(bool(row.bid) + bool(row.ask) for row in rows)
        if len(rows) > 1:
            self.shown.block = round(rows[0].price - rows[1].price, 10)
        faults = ladder_faults(lines, self.shown)
        # Where there are few rows the touch may be out of sight, or there may not be ten of them.
        self.faults += [one for one in faults if not one.startswith(("only", "best"))]

    def _tape(self, lines: list[str]) -> None:
        if not screen.has_panel(lines, "TAPE"):
            return
        self.seen["TAPE"] += len(screen.tape(lines))
        self.faults += tape_faults(lines, self.shown.trades, 0)

    def _chart(self, lines: list[str]) -> None:
        if not screen.has_panel(lines, "CHART"):
            return
        title = screen.title(lines, "CHART")
        if any(f" {plot} " in title for plot in ("history", "depth", "CVD", "profile")):
            return  # what is plotted is not the newest bar
        crossed = re.search(r" \d\d:(\d\d) ", title)  # the bar under the crosshair
        for letter, prices in self.shown.bar(int(crossed[1]) if crossed else None).items():
            found = re.search(rf"\b{letter} ({FIGURE})(?=[ …─])", title)
            if found is not None:
                self.seen["CHART"] += 1
                if screen.number(found[1]) not in prices:
                    self.faults.append(f"CHART: {letter} is not in {prices} in {title!r}")

    def _watchlist(self, lines: list[str]) -> None:
        rows = body(lines, "WATCH")
        if rows and "LAST" not in rows[0]:
            self.faults.append("watchlist: no heads yet")
            return
        for digit, address in enumerate(ADDRESSES, 1):
            row = next((one for one in rows if re.match(rf".{digit} BTC", one)), None)
            if row is None:
                continue
            told, cells = self.told[address], cells_of(rows[0], row)
            self._figure("WATCH", cells["LAST"], told.last, row)
            for name, price in zip(("BID", "ASK"), told.touch or (None, None), strict=True):
                if name in cells:
                    self._figure("WATCH", cells[name], price, row)

    def _derivatives(self, lines: list[str]) -> None:
        text = "\n".join(body(lines, "DERIVATIVES"))
        if not text or self.shown.funding is None:
            return
        found = re.search(r"funding +([+-][\d.]+) %(?: +pred ([+-][\d.]+) %)?", text)
        if found is not None:
            for name, figure in zip(("rate", "predicted"), found.groups(), strict=True):
                self.seen["DERIVATIVES"] += 1
                if figure is not None and figure != f"{self.shown.funding[name] * 100:+.4f}":
                    self.faults.append(f"derivatives: {found.group()} is not {self.shown.funding}")
        interest = re.search(rf"open int +({FIGURE})", text)
        if interest is not None:
            self._figure("DERIVATIVES", interest[1], self.shown.interest, text)
        rows = re.findall(rf"(\d\d:\d\d[:.\d]*) +([LS?]) +({FIGURE}) +({FIGURE}[KM]?)", text)
        for (clock, position, price, size), forced in zip(rows, reversed(self.shown.forced), strict=False):
            at = datetime.fromtimestamp(forced.ts // 1_000_000 / 1000, UTC)
            if not f"{at:%H:%M:%S}.{forced.ts // 1_000_000 % 1000:03d}".startswith(clock):
                self.faults.append(f"derivatives: {clock} is not {at}")
            if position != forced.position:
                self.faults.append(f"derivatives: {position} is not {forced}")
            self._figure("DERIVATIVES", price, forced.price, text)
            self._figure("DERIVATIVES", size, forced.size, text)

    def _account(self, lines: list[str]) -> None:
        rows = body(lines, "ACCOUNT")
        heads = [at for at, row in enumerate(rows) if row.startswith((" ASSET", " ORDERS"))]
        for begin in heads:
            head = rows[begin]
            for row in rows[begin + 1 :]:
                if not row or row.startswith((" CHANGES", " ORDERS", " all", " +")):
                    break
                (self._balance if head.startswith(" ASSET") else self._order)(head, row)

    def _balance(self, head: str, row: str) -> None:
        told = self.purse.balances.get(row.split()[0])
        if told is None:
            self.faults.append(f"account: {row!r} is none of {list(self.purse.balances)}")
            return
        total, available = told
        cells = cells_of(head, row)
        for name, value in (("TOTAL", total), ("AVAILABLE", available), ("LOCKED", total - available)):
            if name in cells:
                self._figure("ACCOUNT", cells[name], value, row)

    def _order(self, head: str, row: str) -> None:
        cells = cells_of(head, row)
        side = "buy" if "▲B" in row else "sell"
        self.seen["ACCOUNT"] += 1
        if not any(
            one["side"] == side
            and all(
                screen.tells(cells[name.upper()], one[name])
                for name in ("price", "size")
                if name.upper() in cells
            )
            for one in self.purse.orders.values()
        ):
            self.faults.append(f"account: {row!r} is none of {list(self.purse.orders.values())}")

    def _compare(self, lines: list[str]) -> None:
        rows = body(lines, "COMPARE")
        if rows and "LAST" not in rows[0]:
            self.faults.append("compare: no heads yet")
            return
        for address, row in zip(ADDRESSES, rows[1:], strict=False):
            told, cells = self.told[address], cells_of(rows[0], row)
            self._figure("COMPARE", cells["LAST"], told.last, row)
            for name, price in zip(("BID", "ASK"), told.touch or (None, None), strict=True):
                if name in cells:
                    self._figure("COMPARE", cells[name], price, row)
        found = re.search(r"drift +([+-][\d.]+) bps of mids", "\n".join(rows))
        if found is not None:
            touches = [self.told[one].touch for one in ADDRESSES]
            first, second = (sum(touch) / 2 for touch in touches if touch is not None)
            self.seen["COMPARE"] += 1
            if abs(float(found[1]) - (second / first - 1) * 10_000) > 0.0051:
                self.faults.append(f"compare: {found.group()!r} is not that of {first} and {second}")


@pytest.mark.parametrize("seed", [1, 2])
def test_every_panel_at_every_size_tells_what_was_told(recorded: Recorded, seed: int) -> None:
    dice = random.Random(seed)
    at = recorded.a_time(random.Random(seed))
    told, purse = as_of(recorded.lines, at, ADDRESSES)
    compared: Counter[str] = Counter()
    config = recorded.home / "pairs.toml"
    config.write_text(f"pairs = [{json.dumps(ADDRESSES)}]\n")
    seconds, rest = divmod(at, 1_000_000_000)
    time = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}"
    arguments = ["replay", "it.mdj", "--at", time, "--paused", "--config", str(config)]
    with Terminal(recorded.home, *arguments, columns=120, lines=40) as terminal:
        terminal.wait_for(lambda lines: _STANDS_STILL in lines[-1])
        for step in range(3 * LAYOUTS):
            columns, lines = dice.choice([(80, 24), (120, 40), (200, 60), (0, 0), (0, 0)])
            terminal.resize(columns or dice.randint(60, 210), lines or dice.randint(20, 62))
            shown = dice.randrange(len(ADDRESSES))
            terminal.press("".join(dice.choices(HARMLESS, k=dice.randint(0, 5))) + "l" + str(shown + 1))
            look_at_help(terminal)  # so that what is looked at is what the keys have made of the screen
            check = Check(told, purse, ADDRESSES[shown])
            faults: list[str] = []

            def is_right(lines: list[str], check: Check = check, faults: list[str] = faults) -> bool:
                faults[:] = check.look(lines)
                return not faults

            try:
                terminal.wait_for(is_right)
            except AssertionError as error:
                raise AssertionError("\n".join([f"step {step}", *faults, str(error)])) from None
            compared += check.seen
        assert terminal.words() == ""
    few = {name: compared[name] for name, least in PANELS.items() if compared[name] < least}
    if not any(one["kind"] == "funding" for one in recorded.lines):
        few.pop("DERIVATIVES")  # the recorded market has none of it
    assert not few, f"hardly compared: {few}"
