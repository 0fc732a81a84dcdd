"""The board under the pilot: binding, switching, keys, states, exit status."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.events import MouseScrollUp
from textual.pilot import Pilot

from mdterm.app.dashboard import Dashboard
from mdterm.app.keymap import COMMANDS, bind_keys
from mdterm.feeds.frames import PanelFrame
from mdterm.feeds.specs import LadderSpec, TapeSpec
from mdterm.feeds.status import Shown

SIZES = [(60, 20), (80, 24), (120, 40), (200, 60)]


def lines_of(app: Dashboard) -> list[str]:
    """Return the screen as text."""
    return [strip.text for strip in app.screen._compositor.render_strips()]


@pytest.fixture
def make_app(port: Any, instruments: Any, clock: Any) -> Callable[..., Dashboard]:
    return lambda **options: Dashboard(port, instruments, clock=clock, **options)


Settle = Callable[[Pilot[int]], Awaitable[list[str]]]


@pytest.fixture
def settle() -> Settle:
    async def settled(pilot: Pilot[int]) -> list[str]:
        await pilot.pause()
        await pilot.pause()
        assert isinstance(pilot.app, Dashboard)
        return lines_of(pilot.app)

    return settled


@pytest.mark.parametrize("size", SIZES)
async def test_every_size_shows_header_ladder_tape_symbols_and_count(
    make_app: Any, settle: Settle, size: tuple[int, int]
) -> None:
    async with make_app().run_test(size=size) as pilot:
        lines = await settle(pilot)
    text = "\n".join(lines)
    assert lines[0].split("  ")[:2] in ([" BTCUSDT", "sim"], [" BTCUSDT sim", "61 722.4 ▲"])
    assert "LADDER" in lines[1]
    assert "TAPE" in lines[1]
    titles = [line for line in lines if "LADDER" in line or "CHART" in line]
    assert sum(title.count("SIM LIVE 0.1s") for title in titles) >= 2
    assert "1 BTCUSDT" in (lines[-2] if size[0] < 112 else lines[3])
    assert "21 308 trades" in lines[-1]
    assert "23:47:41.997  ▲ 61 722.4" in text
    assert all(len(line) == size[0] for line in lines)


async def test_a_price_and_its_sizes_have_only_blanks_between(make_app: Any, settle: Settle) -> None:
    async with make_app().run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        ladder = pilot.app.board.ladder
        rows = [ladder.render_line(y).text for y in range(3, 2 + ladder.level_rows)]
    for row in rows:
        figures = row[1:].replace("▲", " ").replace("·", " ").strip()
        assert set(figures) <= set("0123456789. "), row


async def test_panels_are_bound_with_the_rows_that_fit(make_app: Any, port: Any, settle: Settle) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert port.bound["ladder"] == ("sim:BTCUSDT", LadderSpec(rows=10))
        assert port.bound["tape"] == ("sim:BTCUSDT", TapeSpec(rows=10))
        await pilot.resize_terminal(120, 40)
        await settle(pilot)
        assert port.bound["ladder"][1].rows == 19, "the read-out has two lines there"
        assert port.bound["tape"][1].rows == 20


async def test_digits_brackets_and_backtick_switch_all_panels(
    make_app: Any, port: Any, settle: Settle
) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        for key, symbol in (
            ("3", "SOLUSDT"),
            ("left_square_bracket", "ETHUSDT"),
            ("right_square_bracket", "SOLUSDT"),
            ("grave_accent", "ETHUSDT"),
            ("9", "ETHUSDT"),
            ("1", "BTCUSDT"),
            ("left_square_bracket", "DOGEUSDT"),
        ):
            await pilot.press(key)
            lines = await settle(pilot)
            assert lines[0].startswith(f" {symbol}  ")
            assert {address for address, _ in port.bound.values()} == {f"sim:{symbol}"}


async def test_nothing_of_the_old_symbol_stays_while_the_new_one_is_awaited(
    make_app: Any, port: Any, settle: Settle
) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        old = port.bound["tape"]
        port.answers = False
        await pilot.press("2")
        lines = await settle(pilot)
        assert lines[0].startswith(" ETHUSDT")
        assert "61 722" not in "\n".join(lines)
        assert "— trades" in lines[-1]
        # A frame that was under way when the symbol changed.
        port.bound["tape"] = old
        port.push("tape")
        assert "61 722" not in "\n".join(await settle(pilot))


async def test_grouping_is_kept_per_symbol_and_its_ends_do_not_wrap(
    make_app: Any, port: Any, settle: Settle
) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("minus")
        assert port.bound["ladder"][1].group == 1
        await pilot.press("plus", "equals_sign", "minus", "plus")
        assert port.bound["ladder"][1].group == 5
        assert "LADDER 0.5 ×5" in (await settle(pilot))[1]
        await pilot.press("2")
        assert port.bound["ladder"][1].group == 1
        await pilot.press("1")
        assert port.bound["ladder"][1].group == 5


async def test_freeze_holds_the_centre_and_centre_lets_it_go(
    make_app: Any, port: Any, settle: Settle
) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("f")
        assert "FROZEN SIM LIVE" in (await settle(pilot))[1]
        spec = port.bound["ladder"][1]
        assert (spec.frozen, spec.centre) == (True, 617_224)
        await pilot.press("c")
        assert "FROZEN" not in (await settle(pilot))[1]
        assert port.bound["ladder"][1].frozen is False


async def test_the_ladder_scrolls_in_its_margin_by_itself_and_asks_beyond(
    make_app: Any, port: Any, settle: Settle
) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        before = (await settle(pilot))[4]
        ladder = pilot.app.board.ladder
        ladder.scroll_rows(1)
        await settle(pilot)
        spec = port.bound["ladder"][1]
        assert (spec.frozen, spec.centre) == (True, 617_224), "held, so that it moves by nothing else"
        bound = port.number
        ladder.scroll_rows(1)
        lines = await settle(pilot)
        assert lines[6][:44] == before[:44]
        assert "SCROLLED +2" in lines[1]
        assert port.number == bound
        ladder.scroll_rows(19)
        await settle(pilot)
        spec = port.bound["ladder"][1]
        assert (spec.frozen, spec.centre) == (True, 617_224 + 21)
        ladder.scroll_rows(-21)
        assert "SCROLLED" not in (await settle(pilot))[1]
        assert port.bound["ladder"][1].frozen is False, "back where it was it follows again"


async def test_space_holds_the_tape_and_tells_what_waits(make_app: Any, port: Any, settle: Settle) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("space")
        assert "PAUSED +38" in (await settle(pilot))[1]
        assert port.bound["tape"][1].hold == 4_000
        await pilot.press("space")
        assert "PAUSED" not in (await settle(pilot))[1]
        assert port.bound["tape"][1].hold is None


async def test_maximise_gives_the_focused_panel_the_whole_width(
    make_app: Any, port: Any, settle: Settle
) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("tab", "m")
        lines = await settle(pilot)
        assert lines[1].startswith("─ TAPE")
        assert "LADDER" not in lines[1]
        await pilot.press("m")
        assert "LADDER" in (await settle(pilot))[1]


@pytest.mark.parametrize("size", SIZES)
async def test_help_tells_every_key_at_every_size(
    make_app: Any, settle: Settle, size: tuple[int, int]
) -> None:
    wanted = {one.together or one.help for one in COMMANDS if one.parameter is None}
    async with make_app().run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("question_mark")
        told: set[str] = set()
        for _ in range(80):
            await settle(pilot)
            text = pilot.app.screen.table.text()
            together = "".join(text.split())  # what is long goes on in the next line
            told |= {words for words in wanted if "".join(words.split()) in together}
            if "more below" not in text:
                break
            await pilot.press("down")
        assert told == wanted


@pytest.mark.parametrize("closing", ["escape", "question_mark"])
async def test_help_is_closed_by_escape_and_its_own_key(make_app: Any, settle: Settle, closing: str) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("question_mark")
        assert "KEYS" in "\n".join(await settle(pilot))
        await pilot.press(closing)
        assert pilot.app.screen is pilot.app.board


async def test_help_begins_with_the_keys_of_the_focused_panel(make_app: Any, settle: Settle) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        pilot.app.board.tape.focus()
        await pilot.press("question_mark")
        assert (await settle(pilot))[1].startswith("Tape ")


async def test_the_palette_runs_what_it_finds(make_app: Any, settle: Settle) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("colon", *"hold", "space", *"the", "space", *"tape", "enter")
        assert "PAUSED" in (await settle(pilot))[1]
        await pilot.press("ctrl+p", *"doge", "enter")
        assert (await settle(pilot))[0].startswith(" DOGEUSDT")


@pytest.mark.parametrize("key", ["escape", "ctrl+p", "colon"])
async def test_the_palette_is_closed_by_the_keys_that_open_it(
    make_app: Any, settle: Settle, key: str
) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await pilot.press("colon")
        await settle(pilot)
        assert pilot.app.screen is not pilot.app.board
        await pilot.press(key)
        await settle(pilot)
        assert pilot.app.screen is pilot.app.board


async def test_next_theme_is_shown_at_once_on_its_own_ground(make_app: Any, settle: Settle) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        grounds = set()
        for theme in ("dark", "light", "blue-orange", "ansi16", "mono", "dark"):
            await settle(pilot)
            assert pilot.app.theme == theme
            ladder = pilot.app.board.ladder
            grounds.add(str(next(iter(ladder.render_line(5))).style.bgcolor))
            await pilot.press("t")
        assert len(grounds) == 5


async def test_a_state_that_is_not_current_is_told_and_the_panel_dims(
    make_app: Any, port: Any, clock: Any, settle: Settle
) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        ladder = pilot.app.board.ladder
        bright = {segment.style.color for segment in ladder.render_line(12) if segment.text.strip()}
        port.push("ladder", shown=Shown("STALE", age=5.2))
        assert "SIM STALE 5.2s" in (await settle(pilot))[1]
        dim = {segment.style.color for segment in ladder.render_line(12) if segment.text.strip()}
        assert len(dim) == 1
        assert dim.isdisjoint(bright)
        port.push("ladder", shown=Shown("RECONNECTING", age=3.4, attempt=2))
        assert "RECONNECTING 3s (try 2)" in (await settle(pilot))[1]


async def test_ages_advance_without_frames_and_a_silent_feed_is_not_live(
    make_app: Any, clock: Any, settle: Settle
) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        clock.now += 4
        pilot.app.tick()
        assert "SIM LIVE 4.1s" in (await settle(pilot))[1]
        clock.now += 60
        pilot.app.tick()
        lines = await settle(pilot)
        assert lines[1].count("STALE 1m04s") == 2
        assert "23:48:45 UTC" in lines[0]


async def test_a_panel_without_a_frame_says_why(make_app: Any, port: Any, settle: Settle) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        port.send({"tape": PanelFrame(Shown("REFUSED", detail="the key is\x1b[31m not valid"), None)})
        text = "\n".join(await settle(pilot))
        assert "REFUSED" in text
        assert "the key is·[31m not valid" in text


async def test_every_frame_set_is_acknowledged_after_its_paint(
    make_app: Any, port: Any, settle: Settle
) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        first = port.number
        port.push("ladder", "tape", shift=3)
        await settle(pilot)
        assert "61 722.7" in lines_of(pilot.app)[0] + lines_of(pilot.app)[3]
        port.push("tape", shift=3)
        await settle(pilot)
        assert port.acked[-2:] == [first + 1, first + 2]


async def test_repaint_asks_the_feed_too(make_app: Any, port: Any, settle: Settle) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("ctrl+l")
        await settle(pilot)
        assert port.repaints == 1


@pytest.mark.parametrize(("key", "status"), [("q", 0), ("ctrl+c", 130)])
async def test_leaving_has_its_status(make_app: Any, settle: Settle, key: str, status: int) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press(key)
    assert pilot.app.return_value == status
    assert pilot.app.return_code == status


async def test_ctrl_c_leaves_from_an_overlay_too(make_app: Any, settle: Settle) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("question_mark", "ctrl+c")
    assert pilot.app.return_code == 130


async def test_rebound_keys_reach_dispatch_and_status_line(make_app: Any, settle: Settle) -> None:
    keymap, problems = bind_keys({"hold-tape": ["p"]})
    assert not problems
    async with make_app(keymap=keymap).run_test(size=(120, 40)) as pilot:
        assert "p hold" in (await settle(pilot))[-1]
        await pilot.press("space")
        assert "PAUSED" not in (await settle(pilot))[1]
        await pilot.press("p")
        assert "PAUSED" in (await settle(pilot))[1]


async def test_the_wheel_scrolls_and_a_click_chooses_a_symbol(make_app: Any, settle: Settle) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        ladder = pilot.app.board.ladder
        ladder.post_message(MouseScrollUp(ladder, 1, 1, 0, 0, 0, False, False, False))
        assert "SCROLLED +1" in (await settle(pilot))[1]
        await pilot.click("#watch", offset=(24, 0))
        assert (await settle(pilot))[0].startswith(" ETHUSDT")
