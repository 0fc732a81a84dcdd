"""Screens at the shared feed: as at one of their own, but that it outlives them, and they outlive it."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import feeding, screen
from tests.program.dashboard import channels_of, open_dashboard, wait_for_truth
from tests.program.launch import TOKEN, run
from tests.program.market import Market
from tests.program.terminal import Terminal
from tests.program.venue import Venue

KEY = {"MDTERM_KIYOTAKA_TOKEN": TOKEN}
LOST_S = 2.5


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with feeding.at(tmp_path) as found:
        yield found


@pytest.fixture
def market() -> Market:
    return Market("BTCUSDT", 0.1, 61_800.0, seed=5)


@pytest.fixture
def venue() -> Iterator[Venue]:
    with Venue(block_sizes={"BTCUSDT": 0.1}) as found:
        yield found


def word(terminal: Terminal, panel: str) -> str:
    return screen.state(terminal.lines(), panel).word


def test_two_screens_and_one_that_comes_back_see_the_same_on_one_connection(
    home: Path, venue: Venue, market: Market
) -> None:
    pid = feeding.start(home, *venue.options(), env=KEY)
    with open_dashboard(home, venue, [market]) as first:
        venue.publish(market.trade(50) + market.book())
        wait_for_truth(first, market)
        with open_dashboard(home, venue, [market], columns=120, lines=40) as second:
            second.wait_for(lambda lines: any(f"feed pid {pid}, shared by 2" in line for line in lines))
            wait_for_truth(second, market)
            first.signal(signal.SIGKILL)  # the session dies
            first.process.wait(20)
            venue.publish(market.trade(60) + market.book())
            wait_for_truth(second, market)
            second.wait_for(lambda lines: not any("shared by" in line for line in lines))
            second.press("q")
            assert second.wait() == 0
    # Nobody looks, and nothing is missed.
    venue.publish(market.trade(70) + market.book())
    venue.publish(market.trade(10) + market.book())
    with open_dashboard(home, venue, [market]) as again:
        wait_for_truth(again, market)
        assert screen.trade_count(again.lines()) == len(market.trades)
        venue.publish(market.trade(1) + market.book())
        wait_for_truth(again, market)
        assert (word(again, "LADDER"), word(again, "TAPE")) == ("LIVE", "LIVE")
        again.press("q")
        assert again.wait() == 0
    assert sorted(venue.sockets_opened) == ["book", "nonbook"]
    told = feeding.status(home)
    assert told is not None
    assert told["pid"] == pid
    assert told["clients"] == []


def test_screens_say_at_once_that_the_feed_died_and_get_another(
    home: Path, venue: Venue, market: Market
) -> None:
    pid = feeding.start(home, *venue.options(), env=KEY)
    with open_dashboard(home, venue, [market]) as first, open_dashboard(home, venue, [market]) as second:
        venue.publish(market.trade(50) + market.book())
        for terminal in (first, second):
            wait_for_truth(terminal, market)
        killed = time.monotonic()
        feeding.kill(pid)
        for terminal in (first, second):
            terminal.wait_for(
                lambda lines: all(screen.state(lines, name).word != "LIVE" for name in ("LADDER", "TAPE")),
                within=LOST_S,
            )
        assert time.monotonic() - killed < 2 * LOST_S
        venue.wait_for(lambda: len(venue.sockets_opened) == 4)
        venue.wait_subscribed(*channels_of([market]))
        del market.trades[:]
        venue.publish(market.trade(40) + market.book())
        for terminal in (first, second):
            terminal.wait_for(lambda lines: screen.trade_count(lines) == len(market.trades))
            # What came while there was no feed may be missing, and both say so.
            terminal.wait_for(lambda lines: screen.state(lines, "TAPE").word == "GAP")
            assert word(terminal, "LADDER") == "LIVE"
        told = feeding.status(home)
        assert told is not None
        assert told["pid"] != pid
        assert len(told["clients"]) == 2
        for terminal in (first, second):
            terminal.press("q")
            assert terminal.wait() == 0
            assert terminal.words() == ""


def test_where_it_is_configured_a_screen_starts_the_feed_and_a_stopped_one_stays_so(
    home: Path, venue: Venue, market: Market
) -> None:
    shared = ["--set=feed=shared", *venue.options()]
    with Terminal(home, "kiyotaka:BTCUSDT", *shared, env=KEY, columns=120, lines=40) as terminal:
        venue.wait_subscribed(*channels_of([market]))
        venue.publish(market.trade(50) + market.book())
        wait_for_truth(terminal, market)
        told = feeding.status(home)
        assert told is not None
        assert [one["role"] for one in told["clients"]] == ["screen"]
        assert run(home, "feed", "stop").returncode == 0
        terminal.wait_for(lambda lines: screen.state(lines, "TAPE").word == "RECONNECTING")
        terminal.wait_for(lambda lines: any("the feed was stopped" in line for line in lines))
        time.sleep(3)  # longer than it takes to start one
        assert feeding.status(home) is None
        feeding.start(home, *venue.options(), env=KEY)
        venue.wait_subscribed(*channels_of([market]))
        venue.publish(market.book())
        terminal.wait_for(lambda lines: screen.state(lines, "LADDER").word == "LIVE")
        terminal.press("q")
        assert terminal.wait() == 0


def test_other_provider_settings_lead_to_connections_of_ones_own(
    home: Path, venue: Venue, market: Market
) -> None:
    pid = feeding.start(home, env=KEY)
    with open_dashboard(home, venue, [market], columns=120, lines=40) as terminal:
        venue.publish(market.trade(50) + market.book())
        wait_for_truth(terminal, market)
        assert not any(f"feed pid {pid}" in line for line in terminal.lines())
        terminal.press("L")
        terminal.wait_for(lambda lines: any("connections are this program's own" in line for line in lines))
        terminal.press("\x1bq")
    done = run(home, "--set=feed=shared", *venue.options(), "tail", "kiyotaka:BTCUSDT", env=KEY)
    assert done.returncode == 2
    assert "other provider settings" in done.stderr


def test_the_last_hour_of_the_feed_can_be_gone_back_in(home: Path, venue: Venue, market: Market) -> None:
    feeding.start(home, *venue.options(), env=KEY)
    with open_dashboard(home, venue, [market]) as terminal:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            venue.publish(market.trade(5) + market.book())
            time.sleep(0.5)
        wait_for_truth(terminal, market)
        terminal.press("<")
        terminal.wait_for(lambda lines: any("REWIND" in line for line in lines))
        past = terminal.wait_for(lambda lines: screen.trade_count(lines))
        assert past < len(market.trades)
        terminal.press(">")
        wait_for_truth(terminal, market)


def test_a_watchlist_is_warm_before_anybody_looked(home: Path, venue: Venue, market: Market) -> None:
    config = home / "config" / "mdterm" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('watchlist = ["kiyotaka:BTCUSDT"]\n')
    feeding.start(home, *venue.options(), env=KEY)
    venue.wait_subscribed(*channels_of([market]))
    venue.publish(market.trade(50) + market.book())
    with Terminal(home, *venue.options(), env=KEY) as terminal:
        wait_for_truth(terminal, market)
        assert screen.trade_count(terminal.lines()) == len(market.trades)
        terminal.press("q")
        assert terminal.wait() == 0
    assert len(venue.sockets_opened) == 2
