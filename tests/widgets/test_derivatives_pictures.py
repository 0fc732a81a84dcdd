"""What the derivatives look like where they have a screen, or a corner of it, of their own."""

from typing import Any

import pytest

from mdterm.feeds.frames import DerivativesFrame, PanelFrame
from mdterm.feeds.status import Shown
from mdterm.widgets.derivatives import Derivatives
from tests.app.standing import LIVE, WALL, make_derivatives
from tests.widgets.shell import Shell, showing


def picture(frame: DerivativesFrame, shown: Shown = LIVE) -> Shell:
    return Shell(Derivatives(), "dark", PanelFrame(shown, frame, simulated=True), WALL)


@pytest.mark.parametrize(("width", "height"), [(42, 18), (80, 24), (120, 40), (200, 60)])
def test_derivatives(snap_compare: Any, width: int, height: int) -> None:
    app = picture(make_derivatives())
    assert snap_compare(app, terminal_size=(width, height), run_before=showing())


def test_before_the_first_liquidation(snap_compare: Any) -> None:
    nothing = dict.fromkeys(("60s", "5m", "1h"), (0.0, 0.0, 0.0))
    calm = make_derivatives(liquidations=[], liquidation_count=0, liquidated=nothing)
    assert snap_compare(picture(calm), terminal_size=(42, 24), run_before=showing())


def test_funding_that_is_old(snap_compare: Any) -> None:
    old = make_derivatives(funding_shown=Shown("STALE", age=61.0), open_interest_change=None)
    assert snap_compare(picture(old), terminal_size=(42, 12), run_before=showing())
