"""The venue dies and comes back: the screen says so at once, and counts on without doubles."""

import re
import time
from pathlib import Path

from tests.program import screen
from tests.program.dashboard import channels_of, open_dashboard, wait_for_truth
from tests.program.launch import TOKEN, Running
from tests.program.market import Market
from tests.program.venue import Point, Venue, trade_point

LOST_S = 15.0
PANELS = ("LADDER", "TAPE")
LOST = re.compile(r"RECONNECTING \d+s \(try \d+\)")
NOT_CURRENT = {"CONNECTING", "WARMING", "STALE", "RECONNECTING", "REFUSED"}


def test_a_dead_venue_is_told_in_every_panel_and_a_new_one_is_counted_on(tmp_path: Path) -> None:
    market = Market("BTCUSDT", 0.1, 61_800.0, seed=3)
    with (
        Venue(block_sizes={"BTCUSDT": 0.1}) as venue,
        open_dashboard(tmp_path, venue, [market]) as terminal,
    ):
        venue.publish(market.trade(50) + market.book())
        wait_for_truth(terminal, market)
        assert {screen.state(terminal.lines(), name).word for name in PANELS} == {"LIVE"}

        killed = time.monotonic()  # before: to kill takes its time
        venue.kill()
        first = terminal.wait_for(told_lost, within=LOST_S)
        later = terminal.wait_for(
            lambda lines: told if (told := told_lost(lines)) and all(map(is_older, first, told)) else None
        )
        assert all(age <= time.monotonic() - killed + 1.5 for age in later)
        for columns, rows in ((60, 20), (120, 40), (80, 24)):
            terminal.resize(columns, rows)
            terminal.wait_for(lambda lines: len(LOST.findall(" ".join(lines))) >= len(PANELS))
            assert not any("LIVE" in line for line in terminal.lines())

        first_life = market.trades[:]
        venue.open()
        venue.wait_subscribed(*channels_of([market]))
        # A provider that sends again what it sent last: these are known.
        venue.publish(repeated(market) + market.trade(30) + market.book())
        wait_for_truth(terminal, market)
        lines = terminal.wait_for(
            lambda lines: list(lines) if screen.state(lines, "LADDER").word == "LIVE" else None
        )
        # What came in between may be missing, and the tape does not hide that.
        assert screen.state(lines, "TAPE").word == "GAP"
        assert screen.trade_count(lines) == len(market.trades) > len(first_life)
        assert terminal.words() == ""


def test_a_venue_that_answers_and_hangs_up_in_one_breath_is_dialled_again(tmp_path: Path) -> None:
    market = Market("BTCUSDT", 0.1, 61_800.0, seed=4)
    with Venue(block_sizes={"BTCUSDT": 0.1}, hangs_up=4) as venue:
        arguments = ["tail", "kiyotaka:BTCUSDT", *venue.options()]
        with Running(tmp_path, *arguments, env={"MDTERM_KIYOTAKA_TOKEN": TOKEN}) as tail:
            venue.wait_for(lambda: len(venue.sockets_lost) == 4)
            venue.wait_subscribed(*channels_of([market]))
            venue.publish(market.trade(1) + market.book())
            tail.wait_for(
                lambda lines: {"trade", "book"} <= set(re.findall(r'"kind":"(\w+)"', "".join(lines)))
            )


def told_lost(lines: list[str]) -> list[float] | None:
    """Return the ages that the panels tell, once all say that they are not current and nothing is live."""
    if any("LIVE" in line for line in lines) or not all(screen.has_panel(lines, name) for name in PANELS):
        return None
    states = [screen.state(lines, name) for name in PANELS]
    if any(state.word not in NOT_CURRENT for state in states):
        return None
    ages = [state.age for state in states]
    assert None not in ages
    return [age for age in ages if age is not None]


def is_older(first: float, later: float) -> bool:
    """Return whether an age has visibly grown."""
    return later >= first + 2


def repeated(market: Market) -> list[Point]:
    """Return the last trades once more, exactly as they were sent."""
    numbered = list(enumerate(market.trades, 1))[-10:]
    return [trade_point(market.symbol, f"t{number}", *sent) for number, sent in numbered]
