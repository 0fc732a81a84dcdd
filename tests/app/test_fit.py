"""Painted anew: nothing that was shown before tells how wide or how long things are."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from mdterm.app.dashboard import Dashboard
from mdterm.app.layout_keys import LAYOUTS
from mdterm.app.replay_keys import has_arrived
from mdterm.feeds.frames import Frame, PanelFrame, ReplayLine
from tests.app.conftest import FakePort, make_frame
from tests.app.standing import LIVE, WALL

MakeApp = Callable[..., Dashboard]
SIZE = (200, 60)


@pytest.fixture
def make_app(port: Any, instruments: Any, clock: Any) -> MakeApp:
    return lambda **options: Dashboard(port, instruments, clock=clock, **{"accounts": ["sim"], **options})


async def settle(pilot: Pilot[int]) -> None:
    for _ in range(3):
        await pilot.pause()


def lines_of(app: Dashboard) -> list[str]:
    """Return the screen but for its last line, which tells of the program itself."""
    return [strip.text for strip in app.screen._compositor.render_strips()][:-1]


def magnified(value: Any) -> Any:
    """Return a frame of a thousand times the prices and sizes."""
    if isinstance(value, float):
        return value * 1_000
    if isinstance(value, list | tuple):
        return type(value)(magnified(one) for one in value)
    if isinstance(value, msgspec.Struct):
        fields = {name: magnified(getattr(value, name)) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **fields)
    return value


def send(port: FakePort, change: Callable[[Frame], Frame] = lambda frame: frame) -> None:
    frames = {name: change(make_frame(*bound)) for name, bound in port.bound.items()}
    port.send({name: PanelFrame(LIVE, frame, True) for name, frame in frames.items()})


@pytest.mark.parametrize("layout", LAYOUTS)
async def test_painted_anew_it_is_as_at_the_first_sight(
    make_app: MakeApp, port: FakePort, layout: str
) -> None:
    app = make_app(layout=layout)
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        first = lines_of(app)
        send(port, magnified)
        await settle(pilot)
        send(port)
        await settle(pilot)
        assert lines_of(app) != first, "columns that have grown stay"
        await pilot.press("ctrl+l")
        await settle(pilot)
        assert lines_of(app) == first


@pytest.mark.parametrize(
    ("before", "now", "arrived"),
    [
        ({"is_seeking": True}, {"is_paused": True}, True),
        ({"is_seeking": True}, {}, True),
        ({}, {"has_ended": True}, True),
        ({}, {"is_seeking": True}, False),
        ({}, {"is_paused": True}, False),
        ({"is_paused": True}, {}, False),
        ({"has_ended": True}, {"has_ended": True}, False),
        (None, {"has_ended": True}, False),
        ({"is_seeking": True}, None, False),
    ],
)
async def test_a_replay_is_painted_anew_where_it_has_arrived(
    make_app: MakeApp,
    port: FakePort,
    before: dict[str, bool] | None,
    now: dict[str, bool] | None,
    arrived: bool,
) -> None:
    states = [
        None if one is None else msgspec.structs.replace(ReplayLine(WALL, 1.0), **one)
        for one in (before, now)
    ]
    assert has_arrived(*states) == arrived
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        first = lines_of(app)
        send(port, magnified)
        port.replay = states[0]
        send(port)
        await settle(pilot)
        grown = lines_of(app)
        port.replay = states[1]
        send(port)
        await settle(pilot)
        assert lines_of(app) == (first if arrived else grown)
