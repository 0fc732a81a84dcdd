"""The ladder as a panel: where it stands, what it asks for, and that nothing moves it while it is held."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
from textual import on
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from mdterm.feeds.frames import LadderFrame, OwnOrder, PanelFrame
from mdterm.feeds.specs import LadderSpec
from mdterm.feeds.status import Shown
from mdterm.themes.palettes import THEMES
from mdterm.widgets.ladder import Ladder
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import text_of

MakeLadder = Callable[..., LadderFrame]
Show = Callable[..., list[str]]
LIVE = Shown("LIVE", age=0.1)
FLOW = {"sells": [0.0] * 4 + [2.5] + [0.0] * 4, "buys": [0.5] * 9, "window": "60s"}


@pytest.fixture
def show(palette: Palette) -> Show:
    """Return what shows a frame in a ladder and returns its rows as text."""

    def show(ladder: Ladder, frame: LadderFrame, width: int, height: int = 12) -> list[str]:
        ladder.palette = palette
        ladder.show(PanelFrame(LIVE, frame), 0.0, 0)
        return [text_of(row) for row in ladder.paint_rows(palette, width, height)]

    return show


def with_columns(name: str) -> Ladder:
    ladder = Ladder()
    ladder.columns = name
    return ladder


# What it tells


def test_the_title_tells_the_window_and_how_much_of_it_is_full(make_ladder: MakeLadder, show: Show) -> None:
    flow = make_ladder(**FLOW)
    assert show(with_columns("flow"), flow, 45)[0].startswith("─ LADDER 0.1 · 60s ──")
    filling = msgspec.structs.replace(flow, filled=12)
    assert "· 12s of 60s ─" in show(with_columns("flow"), filling, 60)[0]
    session = msgspec.structs.replace(flow, window=None, flow_since=3_600_000_000_000)
    assert "· session since 01:00:00 ─" in show(with_columns("flow"), session, 60)[0]
    ladder = with_columns("flow")
    ladder.offset_ns = 3_600_000_000_000
    assert "since 02:00:00" in show(ladder, session, 60)[0]
    assert "60s" not in show(with_columns("flow"), flow, 28)[0], "no such columns, no window"
    assert "60s" not in show(Ladder(), make_ladder(), 60)[0]


def test_the_title_tells_units_mode_and_since_when_changes_are_summed(
    make_ladder: MakeLadder, show: Show
) -> None:
    ladder = with_columns("changes")
    ladder.dynamic = True
    frame = make_ladder(in_quote=True, changes_since=60_000_000_000, bid_changes=[0.0] * 9)
    assert show(ladder, frame, 75)[0].startswith("─ LADDER 0.1 quote DYNAMIC ± since 00:01:00 ─")


def test_columns_stay_when_sums_become_known(make_ladder: MakeLadder, show: Show) -> None:
    ladder = with_columns("flow")
    before = show(ladder, make_ladder(**FLOW | {"sells": None, "buys": None}), 45)
    after = show(ladder, make_ladder(**FLOW), 45)
    assert before[1] == after[1]
    assert before[2].rindex("1.500") == after[2].rindex("1.500")


def test_an_order_that_comes_or_changes_is_painted(make_ladder: MakeLadder, show: Show) -> None:
    ladder, own = Ladder(), [OwnOrder(1004, "sell", 0.5), OwnOrder(999, "buy", 0.0125)]
    assert not any("▾" in row for row in show(ladder, make_ladder(), 40))
    assert sum("▾" in row for row in show(ladder, make_ladder(own=own), 40)) == 1
    wide = show(ladder, make_ladder(own=own), 66)
    assert "S 0.5000" in wide[2]
    assert "S    0.5" in show(ladder, make_ladder(own=own[:1]), 66)[2], "as fine as the orders are"


def test_a_tall_panel_has_a_read_out_of_two_lines(make_ladder: MakeLadder, show: Show) -> None:
    short, tall = show(Ladder(), make_ladder(), 60, 17), show(Ladder(), make_ladder(), 60, 18)
    assert len(short) == 17
    assert len(tall) == 18
    assert short[-1].startswith(" spread 0.2  20.0 bps  bids 54 %")
    assert tall[-2].startswith(" spread    0.2  20.00 bps  mid 100.00")
    assert tall[-1].startswith("  bids 54 %")


def test_sizes_in_another_unit_have_columns_of_their_own(make_ladder: MakeLadder, show: Show) -> None:
    ladder = Ladder()
    show(ladder, make_ladder(bids=[9_000.0] * 9), 28)
    assert "2.321" not in "".join(show(ladder, make_ladder(), 28)), "a large size costs decimals once"
    assert "2.321" in "".join(show(ladder, make_ladder(in_quote=True), 28))


# What is kept


def test_choices_are_kept_and_what_does_not_fit_is_passed_over() -> None:
    ladder = Ladder()
    ladder.columns, ladder.window, ladder.levels, ladder.dynamic = "all", None, 50, True
    other = Ladder()
    other.restore(ladder.keep())
    assert other.keep() == ladder.keep()
    assert (other.spec().window, other.spec().levels, other.spec().dynamic) == (None, 50, True)
    other.restore({"columns": "no such", "window": "3h", "levels": 7, "dynamic": "yes"})
    assert (other.columns, other.window, other.levels, other.dynamic) == ("all", None, 50, False)


def test_what_was_never_chosen_asks_for_the_plain_ladder() -> None:
    assert Ladder().spec() == LadderSpec(rows=1)


@pytest.mark.parametrize(
    ("name", "wishes"),
    [
        ("flow", {"flow": True}),
        ("changes", {"changes": True}),
        ("depth", {}),
        ("profile", {"flow": True, "volume": True}),
        ("all", {"flow": True, "volume": True, "changes": True}),
    ],
)
def test_each_set_asks_for_what_its_columns_need(name: str, wishes: dict[str, Any]) -> None:
    assert with_columns(name).spec() == LadderSpec(rows=1, **wishes)


# On a screen


class Stage(App[None]):
    """A ladder of 11 rows and nothing else; it counts what the ladder asks for."""

    CSS = "Stage > Screen { background: $background; } #ladder { width: 100%; height: 100%; }"

    def __init__(self) -> None:
        super().__init__()
        for one in THEMES:
            self.register_theme(one)
        self.theme = "dark"
        self.ladder = Ladder()
        self.asked = 0

    def compose(self) -> ComposeResult:
        yield self.ladder

    @on(Ladder.Asked)
    def count(self) -> None:
        self.asked += 1

    def push(self, centre: int, **changes: Any) -> None:
        """Show a frame of 51 rows around a centre, as the feed makes it."""
        top = centre + 25
        rows = range(top, top - 51, -1)
        frame = msgspec.structs.replace(
            FRAME,
            top=top,
            centre=centre,
            bids=[1.0 if row < 1000 else 0.0 for row in rows],
            asks=[2.0 if row > 1000 else 0.0 for row in rows],
        )
        frame = msgspec.structs.replace(frame, **changes)
        self.ladder.show(PanelFrame(LIVE, frame), 0.0, 0)

    def prices(self) -> list[str]:
        """Return the prices on the screen, top down."""
        rows = [self.ladder.render_line(y).text for y in range(2, 2 + self.ladder.level_rows)]
        return [
            next((word for word in row.split() if word.count(".") == 1 and len(word) > 3), "") for row in rows
        ]

    def marked(self) -> list[int]:
        """Return the lines that have the cursor's ground."""
        assert self.ladder.palette is not None
        ground = self.ladder.palette.cursor.bgcolor
        return [
            y
            for y in range(2, 2 + self.ladder.level_rows)
            if all(
                part.style is not None and part.style.bgcolor == ground for part in self.ladder.render_line(y)
            )
        ]


FRAME = LadderFrame(
    address="sim:X",
    step=0.1,
    digits=1,
    size_digits=3,
    top=0,
    centre=0,
    band=3,
    bids=[],
    asks=[],
    best_bid=999,
    best_ask=1001,
    last=1000,
    last_price=100.0,
    direction=1,
    largest=2.0,
    group=1,
    bucketed=False,
    unit="base",
    spread=0.2,
    spread_bps=20.0,
    mid=100.0,
    imbalance=0.0,
    imbalance_levels=10,
    trigger=4,
)


@pytest.fixture
async def stage() -> AsyncIterator[tuple[Stage, Pilot[None]]]:
    """Return a ladder on a screen of 50×14 that follows the market at 100.0, and what presses keys."""
    app = Stage()
    async with app.run_test(size=(50, 14)) as pilot:
        await pilot.pause()
        app.push(1000)
        await pilot.pause()
        app.asked = 0
        yield app, pilot


OnStage = tuple[Stage, Pilot[None]]


async def test_the_first_press_marks_the_touch_on_its_side(stage: OnStage) -> None:
    app, pilot = stage
    app.ladder.move_cursor(1)
    assert app.ladder.cursor == 1001
    await pilot.pause()
    assert app.marked() == [2 + 4]
    app.ladder.mark(None)
    app.ladder.move_cursor(-1)
    assert app.ladder.cursor == 999
    app.ladder.move_cursor(-1)
    assert app.ladder.cursor == 998


async def test_nothing_moves_under_the_cursor(stage: OnStage) -> None:
    app, pilot = stage
    app.ladder.move_cursor(1)
    before = app.prices()
    for centre in (1000, 1006, 994, 1014, 986):  # frames that were made before the feed knew
        app.push(centre, best_bid=centre - 1, best_ask=centre + 1, last=centre)
        await pilot.pause()
        assert app.prices() == before
        assert app.marked() == [6]
    spec = app.ladder.spec()
    assert (spec.frozen, spec.centre, spec.cursor) == (True, 1000, 1001)
    assert app.ladder.badge() == "HELD"


async def test_the_view_follows_the_cursor_over_its_edge(stage: OnStage) -> None:
    app, pilot = stage
    app.ladder.move_cursor(1)
    for _ in range(10):
        app.ladder.move_cursor(1)
    await pilot.pause()
    assert app.ladder.cursor == 1011
    assert app.marked() == [2], "the topmost row"
    assert app.prices()[0] == "101.1"
    for _ in range(30):
        app.ladder.move_cursor(1)
    app.push(app.ladder.spec().centre or 0)
    await pilot.pause()
    assert (app.prices()[0], app.marked()) == ("104.1", [2])


async def test_release_takes_cursor_and_scroll_back_but_not_a_freeze(stage: OnStage) -> None:
    app, _ = stage
    app.ladder.move_cursor(1)
    app.ladder.release()
    assert (app.ladder.cursor, app.ladder.spec().frozen, app.ladder.badge()) == (None, False, "")
    app.ladder.scroll_rows(3)
    assert app.ladder.badge() == "SCROLLED +3"
    app.ladder.release()
    assert app.ladder.badge() == ""
    app.ladder.freeze()
    app.ladder.move_cursor(1)
    app.ladder.release()
    assert (app.ladder.cursor, app.ladder.frozen, app.ladder.spec().frozen) == (None, True, True)
    app.ladder.freeze()
    assert (app.ladder.frozen, app.ladder.spec().frozen) == (False, False)


async def test_releasing_nothing_asks_for_nothing(stage: OnStage) -> None:
    app, pilot = stage
    app.ladder.release()
    await pilot.pause()
    assert app.asked == 0


async def test_a_freeze_outlives_the_cursor_and_a_cursor_the_freeze(stage: OnStage) -> None:
    app, _ = stage
    app.ladder.move_cursor(1)
    app.ladder.freeze()
    app.ladder.freeze()
    assert app.ladder.spec().frozen, "there is still a cursor"
    app.ladder.freeze()
    app.ladder.mark(None)
    assert (app.ladder.frozen, app.ladder.spec().frozen) == (True, True)


async def test_scrolled_rows_stay_where_they_are(stage: OnStage) -> None:
    app, pilot = stage
    app.ladder.scroll_rows(2)
    before = app.prices()
    app.push(1005)
    await pilot.pause()
    assert app.prices() == before
    assert app.asked == 1, "the feed shall hold it, and inside the frame's margin nothing else is needed"
    app.ladder.scroll_rows(3)
    await pilot.pause()
    assert app.asked == 1
    app.ladder.scroll_rows(40)
    await pilot.pause()
    assert app.asked == 2
    assert app.ladder.spec().centre == 1045


async def test_more_digits_move_no_price_under_the_cursor(stage: OnStage) -> None:
    app, pilot = stage
    app.ladder.move_cursor(1)
    app.push(10_000, step=0.01, digits=2, best_bid=9_990, best_ask=10_010, last=10_000)
    await pilot.pause()
    assert app.ladder.cursor == 10_010
    spec = app.ladder.spec()
    assert (spec.centre, spec.step, spec.cursor) == (10_000, 0.01, 10_010)


async def test_another_grouping_or_instrument_is_followed(stage: OnStage) -> None:
    app, _ = stage
    app.ladder.move_cursor(1)
    app.ladder.regroup(5)
    assert (app.ladder.cursor, app.ladder.spec().frozen) == (None, False)
    app.push(200)
    frame = app.ladder.frame
    assert isinstance(frame, LadderFrame)
    assert frame.centre == 1000, "made before the grouping was changed"
    app.ladder.regroup(1)
    app.ladder.move_cursor(1)
    app.ladder.clear(0.0)
    assert (app.ladder.cursor, app.ladder.spec().frozen) == (None, False)
    app.ladder.move_cursor(1)
    app.ladder.scroll_rows(1)
    app.ladder.freeze()
    assert (app.ladder.cursor, app.ladder.spec().frozen) == (None, False), "there is nothing to mark yet"


async def test_a_click_marks_a_row_and_unmarks_it(stage: OnStage) -> None:
    app, pilot = stage
    seen = []
    for y in (3, 7, 7):
        await pilot.click(Ladder, offset=(10, 2 + y))
        await pilot.pause()
        seen.append((app.ladder.cursor, app.marked()))
    assert seen == [(1002, [5]), (998, [9]), (None, [])]
    assert not app.ladder.spec().frozen


async def test_heads_and_read_out_are_keys_of_the_mouse(stage: OnStage) -> None:
    app, pilot = stage
    await pilot.click(Ladder, offset=(10, 1))
    await pilot.pause()
    assert (app.ladder.columns, app.asked) == ("flow", 1)
    await pilot.click(Ladder, offset=(10, 13))
    await pilot.pause()
    assert (app.ladder.levels, app.asked) == (20, 2)
    await pilot.click(Ladder, offset=(10, 0))
    assert (app.ladder.columns, app.ladder.levels, app.ladder.cursor) == ("flow", 20, None)


async def test_columns_that_have_no_room_are_skipped(stage: OnStage) -> None:
    app, pilot = stage
    for width, sets in (
        (50, ["flow", "changes", "depth", "profile", "book"]),
        (90, ["flow", "changes", "depth", "profile", "all", "book"]),
        (24, ["book"]),
    ):
        await pilot.resize_terminal(width, 14)
        await pilot.pause()
        seen = []
        for _ in sets:
            app.ladder.next_columns()
            await pilot.pause()
            seen.append((app.ladder.columns, app.ladder.render_line(1).text.split()))
        assert [name for name, _ in seen] == sets
        heads = [tuple(words) for _, words in seen]
        assert len(set(heads)) == len(heads), "each press shows something else"


async def test_depth_and_window_go_round(stage: OnStage) -> None:
    app, _ = stage
    seen = []
    app.ladder.next_window()
    assert (app.ladder.columns, app.ladder.window) == ("flow", "60s"), "first there must be something to sum"
    for _ in range(4):
        app.ladder.next_depth()
        app.ladder.next_window()
        seen.append((app.ladder.levels, app.ladder.window))
    assert seen == [(20, "8m"), (50, None), (5, "5s"), (10, "60s")]


async def test_the_marked_row_is_told_below(stage: OnStage) -> None:
    app, pilot = stage
    app.ladder.move_cursor(1)
    await pilot.pause()
    assert app.ladder.render_line(13).text.startswith(" ▶100.1 —")
    app.ladder.mark(None)
    await pilot.pause()
    assert app.ladder.render_line(13).text.startswith(" spread")
