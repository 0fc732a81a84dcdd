"""What the board looks like: one picture a size and theme, of a market and a clock that stand still."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from mdterm.app.dashboard import Dashboard
from mdterm.app.layout_keys import DEFAULT_LAYOUT, LAYOUTS
from mdterm.feeds.frames import PanelFrame
from mdterm.feeds.status import Shown
from mdterm.themes.palettes import THEMES


async def settle(pilot: Pilot[int]) -> None:
    await pilot.pause()
    assert isinstance(pilot.app, Dashboard)
    pilot.app.tick()  # a slow machine may have ticked already
    for _ in range(2):
        await pilot.pause()


@pytest.fixture
def make_app(port: Any, instruments: Any, clock: Any) -> Callable[..., Dashboard]:
    return lambda **options: Dashboard(port, instruments, clock=clock, accounts=["sim"], **options)


@pytest.mark.parametrize(
    "size", [(60, 20), (80, 24), (120, 40), (200, 60)], ids=lambda one: f"{one[0]}x{one[1]}"
)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_board(snap_compare: Any, make_app: Any, theme: str, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(theme=theme), terminal_size=size, run_before=settle)


@pytest.mark.parametrize(
    "size", [(60, 20), (80, 24), (120, 40), (200, 60)], ids=lambda one: f"{one[0]}x{one[1]}"
)
@pytest.mark.parametrize("layout", [one for one in LAYOUTS if one != DEFAULT_LAYOUT])
def test_other_layouts(snap_compare: Any, make_app: Any, layout: str, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(layout=layout), terminal_size=size, run_before=settle)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda one: f"{one[0]}x{one[1]}")
@pytest.mark.parametrize("theme", [one.name for one in THEMES if one.name not in ("dark", "light")])
def test_other_themes(snap_compare: Any, make_app: Any, theme: str, size: tuple[int, int]) -> None:
    assert snap_compare(make_app(theme=theme), terminal_size=size, run_before=settle)


@pytest.mark.parametrize("key", ["question_mark", "colon", "slash", "L", "a", "K", "U"])
def test_overlays(snap_compare: Any, make_app: Any, key: str) -> None:
    async def open_overlay(pilot: Pilot[int]) -> None:
        await settle(pilot)
        await pilot.press(key)
        await settle(pilot)

    assert snap_compare(make_app(), terminal_size=(80, 24), run_before=open_overlay)


def test_troubles(snap_compare: Any, make_app: Any, port: Any) -> None:
    async def break_it(pilot: Pilot[int]) -> None:
        await settle(pilot)
        port.push("ladder", "header", shown=Shown("RECONNECTING", age=3.2, attempt=2))
        port.send({"tape": PanelFrame(Shown("REFUSED", detail="the key has no right to this channel"), None)})
        await settle(pilot)

    assert snap_compare(make_app(), terminal_size=(80, 24), run_before=break_it)


def test_held_and_frozen(snap_compare: Any, make_app: Any) -> None:
    async def hold(pilot: Pilot[int]) -> None:
        await settle(pilot)
        await pilot.press("space", "f", "plus", "f")
        await settle(pilot)

    assert snap_compare(make_app(), terminal_size=(80, 24), run_before=hold)
