"""Every panel tells the truth: what a terminal shows of watchlist, chart, derivatives and connections is what
the venue sent, at sizes and with keys that the dice choose."""

import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.program import screen
from tests.program.dashboard import open_dashboard, wait_for_truth
from tests.program.market import NS_PER_MS, Market, Sent
from tests.program.terminal import Terminal
from tests.program.test_screen import MARKETS, moving
from tests.program.venue import EXCHANGE, Point, Venue, stamp

MINUTE_NS = 60_000_000_000
KINDS = ("FUNDING_RATE", "OPEN_INTEREST", "LIQUIDATION")


@pytest.fixture
def markets() -> list[Market]:
    return [Market(*each, seed=11) for each in MARKETS]


@pytest.fixture
def venue(markets: list[Market]) -> Iterator[Venue]:
    with Venue(block_sizes={market.symbol: market.block for market in markets}) as venue:
        yield venue


class Desk:
    """What was sent of funding, open interest and liquidations."""

    def __init__(self, symbol: str, seed: int) -> None:
        self.symbol = symbol
        self.dice = random.Random(seed)
        self.rate = self.predicted = 0.0
        self.interest = 0.0
        self.forced: list[tuple[int, str, float, float]] = []

    def move(self, price: float) -> list[Point]:
        """Make a new funding rate, open interest and liquidation."""
        dice, now = self.dice, time.time_ns()
        self.rate = dice.randrange(-900, 900) / 1e6
        self.predicted = dice.randrange(-900, 900) / 1e6
        self.interest = dice.randrange(50_000, 99_999) + dice.randrange(10) / 10
        side, size = dice.choice(("BUY", "SELL")), dice.randrange(1, 5000) / 1000
        self.forced.append((now, side, price, size))
        bodies: dict[str, dict[str, dict[str, object]]] = {
            "FUNDING_RATE": {
                "fundingRate": {"fundingRate": self.rate, "predictedFundingRate": self.predicted}
            },
            "OPEN_INTEREST": {"openInterest": {"openInterest": self.interest}},
            "LIQUIDATION": {"liquidation": {"id": f"l{len(self.forced)}", "price": price, "amount": size}},
        }
        return [self._point(kind, now, body, side) for kind, body in bodies.items()]

    def _point(self, kind: str, now: int, body: dict[str, dict[str, object]], side: str) -> Point:
        series = {"type": kind, "symbol": self.symbol, "exchange": EXCHANGE, "category": "PERPETUAL"}
        if kind == "LIQUIDATION":
            series["side"] = side
        ((name, fields),) = body.items()
        return {"series": series, name: {**fields, "timestamp": stamp(now)}}


def area(lines: Sequence[str], name: str) -> list[str]:
    """Return the rows of a panel of the side under its title, none where it is not on the screen."""
    if not screen.has_panel(lines, name):
        return []
    # The watchlist stands in the side's first line, so its title tells where the side ends.
    side = next(line for line in lines if "─ WATCH " in line)
    _, right = (title.start() for title in list(screen._TITLE.finditer(side))[:2])
    return [row[:right] for row in screen._area(lines, name)[1]]


def watch_faults(lines: Sequence[str], markets: Sequence[Market]) -> list[str]:
    """Return what is wrong with the last prices of the watchlist."""
    faults = []
    for market in markets:
        row = next((one for one in area(lines, "WATCH") if re.search(rf"\b{market.symbol}\b", one)), None)
        if row is None:
            continue  # there may be no room for all of them
        found = re.search(rf"{market.symbol} +({screen._FIGURE})[▲▼ ]", row)
        last = market.trades[-1].price
        if found is None or screen.number(found[1]) != last:
            faults.append(f"watchlist: {row!r} does not tell {last} of {market.symbol}")
    return faults


def bar_of(trades: Sequence[Sent]) -> dict[str, set[float]]:
    """Return what open, high, low and close may be of the minute that the newest trade is in.

    Trades of one millisecond are not sent in the order of their times: any of them may be first or last.
    """
    minute = trades[-1].ts // MINUTE_NS
    inside = [one for one in trades if one.ts // MINUTE_NS == minute]
    prices = [one.price for one in inside]
    edges = [edge(one.ts for one in inside) // NS_PER_MS for edge in (min, max)]
    first, last = ({one.price for one in inside if one.ts // NS_PER_MS == edge} for edge in edges)
    return {"O": first, "H": {max(prices)}, "L": {min(prices)}, "C": last}


def chart_faults(lines: Sequence[str], market: Market) -> list[str]:
    """Return what is wrong with the newest bar in the chart's title, as far as it is told."""
    if not screen.has_panel(lines, "CHART"):
        return []
    title = screen.title(lines, "CHART")
    faults = []
    for letter, prices in bar_of(market.trades).items():
        found = re.search(rf"\b{letter} ({screen._FIGURE})", title)
        if found is not None and screen.number(found[1]) not in prices:
            faults.append(f"chart: {title!r} does not tell {letter} {prices}")
    return faults


def desk_faults(lines: Sequence[str], desk: Desk) -> list[str]:
    """Return what is wrong with the derivatives panel."""
    rows = area(lines, "DERIVATIVES")
    text = "\n".join(rows)
    if not rows:
        return []
    told = (f"{desk.rate * 100:+.4f} %", f"pred {desk.predicted * 100:+.4f} %")
    faults = [f"derivatives: no {words!r} in\n{text}" for words in told if words not in text]
    if not re.search(rf"open int +{desk.interest:,.1f}".replace(",", " "), text):
        faults.append(f"derivatives: open interest {desk.interest} is not in\n{text}")
    shown = re.findall(rf"\d\d:\d\d:\d\d\.(\d\d\d) +([LS?]) +({screen._FIGURE}) +({screen._FIGURE})", text)
    for row, (ts, side, price, size) in zip(shown, reversed(desk.forced), strict=False):
        # What was closed by a sale was a long position.
        expected = (f"{ts // 1_000_000 % 1000:03d}", "L" if side == "BUY" else "S")
        if row[:2] != expected or screen.number(row[2]) != price or not screen.tells(row[3], size):
            faults.append(f"derivatives: {row} is not {(*expected, price, size)}")
    return faults


def links_faults(lines: Sequence[str]) -> list[str]:
    """Return what is wrong with the connections of a venue that works."""
    rows = [row for row in area(lines, "LINKS") if "kiyotaka" in row]
    return [f"links: {row!r}" for row in rows if re.search("CONNECTING|REFUSED", row)]


def wait_until_right(terminal: Terminal, look: Callable[[list[str]], list[str]]) -> None:
    """Return once nothing is wrong; else tell what stayed wrong."""
    found: list[str] = []

    def is_right(lines: list[str]) -> bool:
        found[:] = look(lines)
        return not found

    try:
        terminal.wait_for(is_right)
    except AssertionError as error:
        raise AssertionError("\n".join([*found, str(error)])) from None


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_panel_shows_what_was_sent(
    tmp_path: Path, venue: Venue, markets: list[Market], seed: int
) -> None:
    dice = random.Random(seed)
    desks = {market.symbol: Desk(market.symbol, seed) for market in markets}
    with open_dashboard(tmp_path, venue, markets, columns=120, lines=40) as terminal:
        for _ in range(6):
            size = dice.choice([(120, 40), (200, 60), (dice.randint(112, 190), dice.randint(38, 58))])
            terminal.resize(*size)
            at = dice.randrange(len(markets))
            market, desk = markets[at], desks[markets[at].symbol]
            terminal.press(str(at + 1))
            venue.wait_subscribed(*((kind, market.symbol) for kind in KINDS))
            with moving(venue, markets):
                for _ in range(dice.randint(1, 5)):
                    terminal.wait_for_frame()
            for each in markets:
                venue.publish(each.trade(dice.randint(1, 40)) + each.book())
            venue.publish(desk.move(market.trades[-1].price))
            assert {"WATCH", "LINKS", "DERIVATIVES", "LADDER", "TAPE", "CHART"} <= names(terminal, size)

            def look(lines: list[str], market: Market = market, desk: Desk = desk) -> list[str]:
                return [
                    *watch_faults(lines, markets),
                    *chart_faults(lines, market),
                    *desk_faults(lines, desk),
                    *links_faults(lines),
                ]

            wait_for_truth(terminal, market, least_prints=5)
            wait_until_right(terminal, look)
        assert terminal.words() == ""


def names(terminal: Terminal, size: tuple[int, int]) -> set[str]:
    """Return the panels on the screen once it has its size."""
    found: list[str] = []

    def is_there(lines: list[str]) -> bool:
        found[:] = [title["name"] for line in lines for title in screen._TITLE.finditer(line)]
        return "DERIVATIVES" in found and len(lines[-1].rstrip()) > size[0] - 12

    terminal.wait_for(is_there)
    return set(found)
