"""What the keys of the watchlist do: its order, its groups, what is added and taken away."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from mdterm.app.dashboard import Dashboard
from mdterm.app.groupscreen import GroupScreen
from mdterm.app.keeper import Keeper
from mdterm.app.keymap import DEFAULT_KEYMAP
from mdterm.app.palette import make_entries
from mdterm.app.roster import Roster
from mdterm.app.state import State
from mdterm.feeds.address import Instrument
from mdterm.feeds.specs import WatchSpec
from mdterm.widgets.watchlist import Watchlist
from tests.workers import finished

SIZE = (120, 40)
GROUPS = {"alts": ["sim:SOLUSDT", "sim:DOGEUSDT"]}


@pytest.fixture
def make_app(port: Any, instruments: Any, clock: Any) -> Callable[..., Dashboard]:
    return lambda **options: Dashboard(
        port, instruments, clock=clock, **{"roster": Roster(None, GROUPS), **options}
    )


async def settle(pilot: Pilot[int]) -> None:
    for _ in range(3):
        await pilot.pause()


def order(app: Dashboard) -> list[str]:
    """Return the symbols in the person's own order, the shown one in brackets."""
    board = app.board
    return [f"[{one.symbol}]" if at == board.at else one.symbol for at, one in enumerate(board.instruments)]


def painted(app: Dashboard) -> list[str]:
    """Return the watchlist's rows as they stand: mark, digit and symbol."""
    watchlist = app.board.watchlist
    rows = [watchlist.render_line(y).text for y in range(2, watchlist.size.height)]
    return [row[:3].replace(" ", "") + row[3:].split()[0] for row in rows if row.strip()]


async def test_a_symbol_is_moved_and_its_digit_with_it(make_app: Any, port: Any) -> None:
    async with make_app().run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert order(pilot.app) == ["[BTCUSDT]", "ETHUSDT", "SOLUSDT", "DOGEUSDT"]
        await pilot.press("}", "}")
        assert order(pilot.app) == ["ETHUSDT", "SOLUSDT", "[BTCUSDT]", "DOGEUSDT"]
        assert [one.symbol for one in port.watched] == ["ETHUSDT", "SOLUSDT", "BTCUSDT", "DOGEUSDT"]
        await pilot.press("1")
        assert order(pilot.app) == ["[ETHUSDT]", "SOLUSDT", "BTCUSDT", "DOGEUSDT"]
        await pilot.press("{")
        assert order(pilot.app) == ["[ETHUSDT]", "SOLUSDT", "BTCUSDT", "DOGEUSDT"], "the ends do not wrap"
        await pilot.press("`")
        assert order(pilot.app) == ["ETHUSDT", "SOLUSDT", "[BTCUSDT]", "DOGEUSDT"]


async def test_while_it_is_sorted_by_a_column_nothing_is_moved(make_app: Any) -> None:
    async with make_app().run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("o", "}")
        assert order(pilot.app) == ["[BTCUSDT]", "ETHUSDT", "SOLUSDT", "DOGEUSDT"]


async def test_sorted_rows_keep_their_digits_and_brackets_go_down_the_screen(make_app: Any) -> None:
    async with make_app().run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("o")
        await settle(pilot)
        assert painted(pilot.app) == ["▸1BTCUSDT", "3SOLUSDT", "2ETHUSDT", "4DOGEUSDT"]
        await pilot.press("]")
        await settle(pilot)
        assert painted(pilot.app) == ["1BTCUSDT", "▸3SOLUSDT", "2ETHUSDT", "4DOGEUSDT"]
        await pilot.press("O")
        await settle(pilot)
        assert painted(pilot.app) == ["4DOGEUSDT", "2ETHUSDT", "▸3SOLUSDT", "1BTCUSDT"]
        await pilot.press("2")
        assert pilot.app.board.instrument.symbol == "ETHUSDT"


async def test_typed_words_filter_and_escape_shows_all_again(make_app: Any) -> None:
    async with make_app().run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("F", "o", "l")
        await settle(pilot)
        assert painted(pilot.app) == ["3SOLUSDT"]
        await pilot.press("enter", "enter")
        await settle(pilot)
        assert pilot.app.board.instrument.symbol == "SOLUSDT", "the second enter chose it"
        await pilot.press("escape")
        await settle(pilot)
        assert painted(pilot.app) == ["1BTCUSDT", "2ETHUSDT", "▸3SOLUSDT", "4DOGEUSDT"]


async def test_where_there_is_no_watchlist_the_filter_says_so(make_app: Any) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("F", "2")
        assert not pilot.app.board.watchlist.is_typing
        assert pilot.app.board.instrument.symbol == "ETHUSDT", "keys are commands"


async def test_a_group_narrows_list_digits_and_brackets(make_app: Any, port: Any) -> None:
    async with make_app().run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("G")
        await settle(pilot)
        assert painted(pilot.app) == ["1SOLUSDT", "2DOGEUSDT"]
        assert port.bound["watchlist"][1].among == ("sim:SOLUSDT", "sim:DOGEUSDT")
        assert pilot.app.board.instrument.symbol == "BTCUSDT", "what is shown stays until another is chosen"
        seen = []
        for key in ("2", "]", "3"):
            await pilot.press(key)
            await settle(pilot)
            seen.append(pilot.app.board.instrument.symbol)
        assert seen == ["DOGEUSDT", "SOLUSDT", "SOLUSDT"]
        await pilot.press("G")
        await settle(pilot)
        assert painted(pilot.app) == ["1BTCUSDT", "2ETHUSDT", "▸3SOLUSDT", "4DOGEUSDT"]


async def test_the_line_shows_the_group_where_there_is_no_room_for_the_list(make_app: Any) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("G", "1")
        await settle(pilot)
        line = pilot.app.board.symbols.render_line(0).text
        assert line.startswith(" 1 SOLUSDT  +0.03")
        assert "BTCUSDT" not in line
        await pilot.click("#watch", offset=(line.index("2 DOGE"), 0))
        await settle(pilot)
        assert pilot.app.board.instrument.symbol == "DOGEUSDT"


async def test_in_a_group_symbols_join_and_leave_it_but_stay_on_the_list(make_app: Any) -> None:
    roster = Roster(None, GROUPS)
    async with make_app(roster=roster).run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("G", "1", "delete")
        await settle(pilot)
        assert roster.members("alts") == ["sim:DOGEUSDT"]
        assert order(pilot.app) == ["BTCUSDT", "ETHUSDT", "SOLUSDT", "[DOGEUSDT]"]
        await pilot.press("delete")
        assert roster.members("alts") == ["sim:DOGEUSDT"], "the last one stays"
        pilot.app.board.add_instrument(Instrument("sim:ETHUSDT", "sim", "sim", "ETHUSDT"))
        assert roster.members("alts") == ["sim:DOGEUSDT", "sim:ETHUSDT"]
        assert order(pilot.app) == ["BTCUSDT", "[ETHUSDT]", "SOLUSDT", "DOGEUSDT"]


async def test_delete_takes_what_the_lists_cursor_is_on_while_it_has_the_keys(make_app: Any) -> None:
    async with make_app().run_test(size=SIZE) as pilot:
        await settle(pilot)
        pilot.app.board.watchlist.focus()
        await pilot.press("2", "j", "delete")
        await settle(pilot)
        assert order(pilot.app) == ["BTCUSDT", "[ETHUSDT]", "DOGEUSDT"]
        pilot.app.board.watchlist.select("sim:BTCUSDT")
        await pilot.press("delete")
        assert order(pilot.app) == ["[ETHUSDT]", "DOGEUSDT"], "what is shown stays shown"


async def test_a_click_on_a_head_asks_for_another_order(make_app: Any, port: Any) -> None:
    async with make_app().run_test(size=SIZE) as pilot:
        await settle(pilot)
        heads = pilot.app.board.watchlist.render_line(1).text
        await pilot.click(Watchlist, offset=(heads.index("SYMBOL"), 1))
        await settle(pilot)
        assert port.bound["watchlist"][1] == WatchSpec(spark=30, sort="symbol")
        assert painted(pilot.app) == ["▸1BTCUSDT", "4DOGEUSDT", "2ETHUSDT", "3SOLUSDT"]


# What is kept


async def test_what_was_chosen_is_noted_each_second_and_nothing_else_is(
    make_app: Any, tmp_path: Path
) -> None:
    state = State(tmp_path / "state.json")
    keeper = Keeper(state)
    async with make_app(keeper=keeper, roster=Roster(state, GROUPS)).run_test(size=SIZE) as pilot:
        await settle(pilot)
        pilot.app.tick()
        assert not state.has_changes(), "what it started with is nobody's choice"
        await pilot.press("2", "+", "i", "G", "l", "t", "z", "o")
        pilot.app.tick()
        await finished(pilot.app)
    kept = State(tmp_path / "state.json")
    assert kept.table("screen") == {
        "symbol": "sim:ETHUSDT",
        "watchlist_group": "alts",
        "layout": "tape",
        "theme": "light",
        "time_zone": "local",
    }
    assert kept.table("instruments") == {"sim:ETHUSDT": {"group": 2}}
    assert kept.table("panels", "watchlist") == {"sort": "change"}
    assert kept.table("panels", "chart")["interval"] == "5m"


async def test_it_begins_as_it_was_left(make_app: Any, port: Any, tmp_path: Path) -> None:
    state = State(tmp_path / "state.json")
    left: dict[tuple[str, ...], str | int | bool] = {
        ("screen", "symbol"): "sim:DOGEUSDT",
        ("screen", "watchlist_group"): "alts",
        ("instruments", "sim:DOGEUSDT", "group"): 10,
        ("panels", "watchlist", "sort"): "volume",
        ("panels", "watchlist", "reversed"): True,
        ("hidden", "trader", "derivatives"): True,
    }
    for path, value in left.items():
        state.put(value, *path)
    async with make_app(keeper=Keeper(state)).run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert pilot.app.board.instrument.symbol == "DOGEUSDT"
        assert port.bound["ladder"][1].group == 10
        assert port.bound["watchlist"][1].sort == "volume"
        assert painted(pilot.app) == ["1SOLUSDT", "▸2DOGEUSDT"]
        assert not pilot.app.board.derivatives.display


async def test_addresses_of_this_time_change_nothing_of_the_list(make_app: Any, tmp_path: Path) -> None:
    state = State(tmp_path / "state.json")
    state.put("sim:DOGEUSDT", "screen", "symbol")
    state.save()
    async with make_app(keeper=Keeper(state, with_list=False), roster=Roster()).run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert pilot.app.board.instrument.symbol == "BTCUSDT"
        await pilot.press("2", "}", "delete")
        pilot.app.tick()
        await finished(pilot.app)
    assert State(tmp_path / "state.json").text("screen", "symbol") == "sim:DOGEUSDT"


@pytest.mark.parametrize("value", [0, 3, True, -1, 10**9, "10"])
def test_groupings_that_are_none_are_passed_over(make_app: Any, tmp_path: Path, value: Any) -> None:
    state = State(tmp_path / "state.json")
    state.put(value, "instruments", "sim:BTCUSDT", "group")
    state.put("nonsense", "screen", "watchlist_group")
    state.put("sim:GONE", "screen", "symbol")
    board = make_app(keeper=Keeper(state)).board
    assert (board.groups, board.group, board.at) == ({}, None, 0)


# Groups are made on the screen


async def test_a_group_is_made_filled_and_emptied_on_the_screen(make_app: Any, tmp_path: Path) -> None:
    state = State(tmp_path / "state.json")
    roster = Roster(state, GROUPS)
    async with make_app(roster=roster).run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.app.run_action("app.groups")
        await settle(pilot)
        assert isinstance(pilot.app.screen, GroupScreen)
        lines = pilot.app.screen.lines
        assert lines.render_line(2).text.startswith("  ○ alts")
        await pilot.press(*"mine", "enter")
        assert roster.members("mine") == ["sim:BTCUSDT"]
        assert lines.render_line(3).text.startswith("  ● mine")
        await pilot.press("up", "enter")
        assert roster.members("alts") == ["sim:SOLUSDT", "sim:DOGEUSDT", "sim:BTCUSDT"]
        await pilot.press("enter", "escape", "G", "G")
        await settle(pilot)
        assert roster.members("alts") == ["sim:SOLUSDT", "sim:DOGEUSDT"]
        assert painted(pilot.app) == ["▸1BTCUSDT"]
        await pilot.app.run_action("app.groups")
        await settle(pilot)
        await pilot.press("down", "enter", "escape")
        await settle(pilot)
        assert roster.groups() == ["alts"]
        assert len(painted(pilot.app)) == 4, "the group that was shown is gone: all are"
    state.save()
    assert State(tmp_path / "state.json").table("watchlist", "groups") == {}


async def test_the_palette_tells_the_digits_of_the_group(make_app: Any) -> None:
    async with make_app().run_test(size=SIZE) as pilot:
        await settle(pilot)
        entries = make_entries(pilot.app.board.instruments, DEFAULT_KEYMAP, [2, 3])
        told = {one.words: one.keys for one in entries if one.words.startswith("show sim:")}
        assert told == {
            "show sim:BTCUSDT": "",
            "show sim:ETHUSDT": "",
            "show sim:SOLUSDT": "1",
            "show sim:DOGEUSDT": "2",
        }
