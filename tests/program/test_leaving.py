"""However it ends, the terminal is as it was before."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.program.dashboard import open_dashboard, wait_for_truth
from tests.program.market import Market
from tests.program.terminal import ALTERNATE_SCREEN, Terminal
from tests.program.venue import Venue

CTRL_C = "\x03"
CTRL_C_OF_KITTY = "\x1b[99;5u"


@pytest.fixture
def venue() -> Iterator[Venue]:
    with Venue(block_sizes={"BTCUSDT": 0.1}) as venue:
        yield venue


@pytest.mark.parametrize(
    ("leave", "status"),
    [
        pytest.param(lambda terminal: terminal.press("q"), 0, id="q"),
        pytest.param(lambda terminal: terminal.press(CTRL_C), 130, id="ctrl-c"),
        pytest.param(lambda terminal: terminal.press(CTRL_C_OF_KITTY), 130, id="ctrl-c-of-kitty"),
        pytest.param(lambda terminal: terminal.signal(signal.SIGINT), 130, id="sigint"),
        pytest.param(lambda terminal: terminal.signal(signal.SIGTERM), 143, id="sigterm"),
        pytest.param(lambda terminal: terminal.signal(signal.SIGHUP), 129, id="sighup"),
    ],
)
def test_the_terminal_is_given_back(
    tmp_path: Path, venue: Venue, leave: Callable[[Terminal], None], status: int
) -> None:
    market = Market("BTCUSDT", 0.1, 61_800.0, seed=6)
    with open_dashboard(tmp_path, venue, [market]) as terminal:
        venue.publish(market.trade(5) + market.book())
        wait_for_truth(terminal, market)
        assert (ALTERNATE_SCREEN, True) in terminal.mode_changes
        assert not terminal.is_left()
        assert terminal.attributes() != terminal.attributes_before
        leave(terminal)
        assert terminal.wait() == status
        assert terminal.attributes_after == terminal.attributes_before
        assert terminal.is_left()
        assert terminal.words() == ""
