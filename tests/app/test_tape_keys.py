"""The keys and the mouse of the tape, under the pilot: what each asks of the feed."""

from typing import Any

import msgspec
import pytest
from textual.events import MouseScrollDown, MouseScrollUp

from mdterm.app.dashboard import Dashboard
from mdterm.app.sheets import sheets_of
from mdterm.feeds.frames import TapeRow
from mdterm.feeds.specs import TapeSpec
from tests.app.conftest import make_tape


@pytest.fixture
def app(port: Any, instruments: Any, clock: Any) -> Dashboard:
    return Dashboard(port, instruments, clock=clock)


def held(port: Any) -> object:
    """Return the trade that the tape is held at."""
    return port.bound["tape"][1].hold


def wheel(app: Dashboard, kind: Any) -> None:
    app.board.tape.post_message(kind(app.board.tape, 5, 5, 0, 0, 0, False, False, False))


async def test_the_filter_has_two_keys_and_is_each_instruments_own(app: Dashboard, port: Any) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("s", "s")
        assert port.bound["tape"][1].min_size == 0.1
        await pilot.press("2")
        await pilot.pause()
        assert port.bound["tape"] == ("sim:ETHUSDT", TapeSpec(rows=port.bound["tape"][1].rows))
        await pilot.press("1")
        assert port.bound["tape"][1].min_size == 0.1
        await pilot.press("S", "S")
        assert port.bound["tape"][1].min_size is None


async def test_joins_biggest_and_units_are_asked_for(app: Dashboard, port: Any) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("g", "b", "v")
        spec = port.bound["tape"][1]
        assert (spec.join_ms, spec.biggest_since, spec.quote) == (100, 0, True)
        await pilot.press("B")
        assert port.bound["tape"][1].biggest_since == 4_000
        await pilot.press("b", "g", "g", "v")
        spec = port.bound["tape"][1]
        assert (spec.join_ms, spec.biggest_since, spec.quote) == (1, None, False)


async def test_the_page_keys_belong_to_the_panel_with_the_keys(app: Dashboard, port: Any) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("pageup")
        assert held(port) is None, "the ladder has the keys"
        app.board.tape.focus()
        await pilot.pause()
        await pilot.press("pageup")
        spec, page = port.bound["tape"][1], app.board.tape.print_rows - 1
        assert (spec.hold, spec.back) == (4_000, page)
        await pilot.press("up")
        assert port.bound["tape"][1].back == page + 1
        await pilot.press("down", "pagedown")
        assert held(port) is None, "at the newest print it runs again"


async def test_the_wheel_scrolls_back_and_a_click_holds(app: Dashboard, port: Any) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        wheel(app, MouseScrollUp)
        await pilot.pause()
        assert (port.bound["tape"][1].hold, port.bound["tape"][1].back) == (4_000, 3)
        wheel(app, MouseScrollDown)
        await pilot.pause()
        assert held(port) is None
        await pilot.click("#tape", offset=(5, 6))
        assert held(port) == 4_000
        await pilot.click("#tape", offset=(5, 8))
        assert held(port) == 4_000, "another row is held as well"
        await pilot.click("#tape", offset=(5, 0))
        assert held(port) is None


async def test_another_instruments_tape_runs(app: Dashboard, port: Any) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("b", "B", "space")
        assert held(port) == 4_000
        await pilot.press("2")
        await pilot.pause()
        spec = port.bound["tape"][1]
        assert (spec.hold, spec.back, spec.biggest_since) == (None, 0, 0)


def test_liquidations_are_written_to_a_table_of_their_own() -> None:
    frame = make_tape("sim:X", TapeSpec(rows=2), 617_224)
    forced = TapeRow(frame.rows[0].ts, 61_700.0, 1.25, None, 1, is_forced=True, position="long")
    assert [sheet.name for sheet in sheets_of(frame)] == ["tape"]
    trades, liquidations = sheets_of(msgspec.structs.replace(frame, rows=[frame.rows[0], forced]))
    assert len(trades.rows) == 1
    assert (liquidations.name, liquidations.rows[0][1:]) == ("tape-liquidations", ("long", 61_700.0, 1.25))
