"""The watchlist: what fits, aligned; what is not current says so."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult

from mdterm.feeds.frames import PanelFrame, WatchFrame, WatchRow
from mdterm.feeds.status import Shown
from mdterm.themes.palettes import DARK, THEMES
from mdterm.widgets.candles import spark_cells
from mdterm.widgets.palette import Palette, make_palette
from mdterm.widgets.rows import text_of, width_of
from mdterm.widgets.watch_columns import choose_columns, format_pace, format_spread, names_of
from mdterm.widgets.watch_rows import paint_heads, paint_instrument, short_age, state_words
from mdterm.widgets.watchlist import SORTS, Watchlist

WALL = 1_763_682_461_997_000_000
HOUR = 3_600_000_000_000
LIVE = Shown("LIVE", age=0.1)
DARK_PALETTE = make_palette({**DARK.variables, "background": DARK.background or ""})
BTC = WatchRow(
    address="kiyotaka:BINANCE_FUTURES:BTCUSDT",
    symbol="BTCUSDT",
    provider="kiyotaka",
    shown=LIVE,
    last=61722.4,
    direction=1,
    change=0.0042,
    bid=61722.3,
    ask=61722.5,
    volume=21308.123,
    digits=1,
    spark=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
)


def row(**changes: Any) -> WatchRow:
    return msgspec.structs.replace(BTC, **changes)


DOGE = row(symbol="DOGEUSDT", last=0.12345, direction=-1, change=-0.1234, digits=5, bid=0.12344, ask=0.12346)
CLOSED = row(
    symbol="700.HK",
    last=371.4,
    bid=371.2,
    ask=371.4,
    direction=0,
    change=None,
    shown=Shown("CLOSED", since=WALL - 4 * HOUR),
)
LOST = row(symbol="ETHUSDT", last=2681.62, bid=2681.61, ask=2681.63, digits=2, shown=Shown("STALE", age=72.0))
NONE = row(symbol="GOLD", last=None, direction=0, change=None, bid=None, ask=None, volume=None, spark=[])


def lines(rows: Sequence[WatchRow], width: int, palette: Palette = DARK_PALETTE) -> list[str]:
    columns = choose_columns(rows, width, None)
    painted = [
        paint_instrument(msgspec.structs.replace(one, place=at), name, columns, palette, WALL)
        for at, (one, name) in enumerate(zip(rows, names_of(rows), strict=True), 1)
    ]
    heads = paint_heads(columns, palette, None, is_reversed=False)
    return [text_of(heads)[1:], *map(text_of, painted)]


def test_where_there_is_little_room_prices_end_in_one_column() -> None:
    assert lines([BTC, DOGE, CLOSED, LOST, NONE], 40) == [
        "  SYMBOL        LAST    CHG% 6m     AGE",
        "1 BTCUSDT   61 722.4   +0.42 ▁▂▄▅▇█  0s",
        "2 DOGEUSDT   0.12345  -12.34 ▁▂▄▅▇█  0s",
        "3 700.HK       371.4       —     CLOSED",
        "4 ETHUSDT   2 681.62   +0.42      STALE",
        "5 GOLD             —       —         0s",
    ]


def test_where_there_is_room_prices_stand_on_the_point() -> None:
    assert lines([BTC, DOGE, CLOSED, LOST], 90) == [
        "  SYMBOL            LAST     CHG%           BID           ASK      VOL 12m          AGE",
        "1 BTCUSDT   61 722.4    ▲   +0.42  61 722.3      61 722.5        21.3K     ▁▂▃▄▅▆▇█  0s",
        "2 DOGEUSDT       0.12345▼  -12.34       0.12344       0.12346    21.3K     ▁▂▃▄▅▆▇█  0s",
        "3 700.HK       371.4            —     371.2         371.4        21.3K     CLOSED 4h00m",
        "4 ETHUSDT    2 681.62   ▲   +0.42   2 681.61      2 681.63       21.3K      STALE 1m12s",
    ]


@given(
    st.lists(st.sampled_from([BTC, DOGE, CLOSED, LOST, NONE]), min_size=1, max_size=6), st.integers(38, 220)
)
def test_rows_are_as_wide_as_their_heads_and_fit(rows: list[WatchRow], width: int) -> None:
    columns = choose_columns(rows, width, None)
    painted = lines(rows, width)
    assert {len(one) for one in painted} == {columns.width - 1}
    assert columns.width <= width


def test_columns_of_figures_never_become_narrower() -> None:
    wide = choose_columns([BTC, DOGE], 60, None)
    cheap = choose_columns([row(last=1.2, bid=1.1, ask=1.3)], 60, wide)
    assert cheap.price.width >= wide.price.width
    assert cheap.change >= wide.change


def test_two_of_one_name_are_told_apart_by_their_provider() -> None:
    assert names_of([BTC, row(provider="jayx"), DOGE]) == ["BTCUSDT·kiyotaka", "BTCUSDT·jayx", "DOGEUSDT"]


def test_names_from_outside_are_made_safe() -> None:
    odd = row(symbol="\x1b[31mEVIL\u202e")
    assert all("\x1b" not in line and "\u202e" not in line for line in lines([odd], 60))


def test_what_is_not_current_is_grey_and_its_state_is_not() -> None:
    columns = choose_columns([LOST], 60, None)
    painted = paint_instrument(LOST, "ETHUSDT", columns, DARK_PALETTE, WALL)
    styles = {word: style for text, style in painted for word in text.split()}
    assert styles["ETHUSDT"] == styles["681.62▲"] == DARK_PALETTE.stale
    assert styles["STALE"] == DARK_PALETTE.warn
    assert DARK_PALETTE.up not in styles.values()


@pytest.mark.parametrize(
    ("shown", "room", "words"),
    [
        (LIVE, 3, "0s"),
        (Shown("QUIET", age=75.0), 3, "1m"),
        (Shown("REPLAY", age=0.2), 12, "0s"),
        (Shown("STALE", age=4.2), 11, "STALE 4s"),
        (Shown("STALE", age=4.2), 6, "STALE"),
        (Shown("RECONNECTING", age=3.0, attempt=2), 12, "RECONNECTING"),
        (Shown("RECONNECTING", age=3.0, attempt=2), 6, "RECONN"),
        (Shown("GAP", since=WALL - HOUR), 12, "GAP 1h00m"),
        (Shown("WARMING"), 6, "WARM"),
        (Shown("REFUSED"), 6, "REFUS…"),
    ],
)
def test_a_state_in_few_cells(shown: Shown, room: int, words: str) -> None:
    assert state_words(shown, room, WALL) == words


def test_ages_in_three_cells() -> None:
    assert [short_age(age) for age in (0, 59.9, 60, 3599, 3600, 359_999, 360_000, 1e9)] == [
        *("0s", "59s", "1m", "59m", "1h", "99h", "4d", "99d")
    ]


def test_sparklines() -> None:
    assert spark_cells([1.0, 2.0, 3.0], 3) == "▁▅█"
    assert spark_cells([9.0, 1.0, 2.0, 3.0], 3) == "▁▅█", "the newest ones"
    assert spark_cells([1.0, 2.0], 4) == "  ▁█"
    assert spark_cells([5.0, 5.0], 2) == "▄▄"
    assert spark_cells([], 3) == "   "


# The panel


class Shell(App[None]):
    """A watchlist and nothing else."""

    CSS = "Watchlist { width: 100%; height: 100%; }"

    def __init__(self) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "dark"
        self.watchlist = Watchlist()
        self.selected: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.watchlist

    def on_watchlist_selected(self, message: Watchlist.Selected) -> None:
        self.selected.append(message.address)

    def lines(self) -> list[str]:
        return [self.watchlist.render_line(y).text.rstrip() for y in range(self.size.height)]


def ten() -> PanelFrame:
    rows = [row(symbol=f"S{at}", address=f"sim:S{at}", place=at + 1) for at in range(10)]
    return PanelFrame(LIVE, WatchFrame(rows, 10), simulated=False)


async def test_the_shown_instrument_is_marked_and_in_view() -> None:
    app = Shell()
    async with app.run_test(size=(60, 6)):
        app.watchlist.select("sim:S0")
        app.watchlist.show(ten(), 0.0, WALL)
        assert app.lines()[0].startswith("─ WATCH 1–4 of 10 ──")
        assert app.lines()[2].startswith("▸1 S0")
        app.watchlist.select("sim:S8")
        assert app.lines()[0].startswith("─ WATCH 6–9 of 10 ──")
        assert [line[:5] for line in app.lines()[2:]] == [" 6 S5", " 7 S6", " 8 S7", "▸9 S8"]


async def test_a_click_and_the_cursor_choose() -> None:
    app = Shell()
    async with app.run_test(size=(60, 8)) as pilot:
        app.watchlist.show(ten(), 0.0, WALL)
        await pilot.click(Watchlist, offset=(10, 4))
        await pilot.click(Watchlist, offset=(10, 1))
        await pilot.pause()
        assert app.selected == ["sim:S2"], "a click on the heads chooses nothing"
        app.watchlist.move_cursor(20)
        app.watchlist.choose()
        await pilot.pause()
        assert app.selected == ["sim:S2", "sim:S9"]
        assert "S9" in app.lines()[-1]


async def test_it_stays_when_another_instrument_is_shown() -> None:
    app = Shell()
    async with app.run_test(size=(60, 8)):
        app.watchlist.show(ten(), 0.0, WALL)
        app.watchlist.clear(1.0)
        assert "S0" in app.lines()[2]


async def test_ages_advance_though_nothing_comes() -> None:
    app = Shell()
    async with app.run_test(size=(60, 6)):
        app.watchlist.show(ten(), 100.0, WALL)
        app.watchlist.tick(112.0, WALL)
        assert app.lines()[2].endswith(" 12s")
        app.watchlist.tick(130.0, WALL)
        assert app.lines()[2].endswith(" STALE 30s")


def test_no_row_is_wider_than_the_panel() -> None:
    watchlist = Watchlist()
    watchlist.frame = WatchFrame([BTC, DOGE, CLOSED, LOST, NONE])
    for width in (38, 40, 60, 120):
        for height in (1, 3, 20):
            rows = watchlist.paint_rows(DARK_PALETTE, width, height)
            assert len(rows) <= max(2, height)
            assert all(width_of(one) <= width for one in rows)


# Sorting, filtering, groups


def titles(app: Shell) -> tuple[str, str]:
    """Return the panel's title and its heads."""
    return app.lines()[0], app.lines()[1]


async def test_the_key_goes_through_the_columns_and_comes_back_to_the_own_order() -> None:
    app = Shell()
    async with app.run_test(size=(60, 8)):
        app.watchlist.show(ten(), 0.0, WALL)
        seen = []
        for _ in range(len(SORTS) + 1):
            seen.append(app.watchlist.spec().sort)
            app.watchlist.next_sort()
        assert seen == [None, *SORTS]


async def test_heads_tell_what_it_is_sorted_by_and_the_title_what_has_no_head() -> None:
    app = Shell()
    async with app.run_test(size=(60, 8)):
        app.watchlist.show(ten(), 0.0, WALL)
        plain = titles(app)[1]
        app.watchlist.next_sort()
        assert titles(app)[1] == plain.replace(" CHG%", "▼CHG%")
        app.watchlist.reverse()
        assert titles(app)[1] == plain.replace(" CHG%", "▲CHG%")
        app.watchlist.next_sort()
        assert "▼VOL" in titles(app)[1], "there is room for what it is sorted by"
        assert " by " not in titles(app)[0]


async def test_what_it_is_sorted_by_stands_in_the_title_where_its_column_has_no_room() -> None:
    app = Shell()
    async with app.run_test(size=(38, 8)):
        app.watchlist.sort = "volume"
        app.watchlist.show(ten(), 0.0, WALL)
        assert "VOL" not in titles(app)[1]
        assert "by volume" in titles(app)[0]


async def test_a_click_on_a_head_sorts_then_reverses_then_lets_go() -> None:
    app = Shell()
    async with app.run_test(size=(90, 8)) as pilot:
        app.watchlist.show(ten(), 0.0, WALL)
        x = titles(app)[1].index("VOL")
        specs = []
        for _ in range(4):
            await pilot.click(Watchlist, offset=(x, 1))
            spec = app.watchlist.spec()
            specs.append((spec.sort, spec.reverse))
        assert specs == [("volume", False), ("volume", True), (None, False), ("volume", False)]
        await pilot.click(Watchlist, offset=(titles(app)[1].index("BID"), 1))
        assert app.watchlist.spec().sort == "volume", "by the bid nobody sorts"


async def test_what_is_typed_becomes_words_and_no_command() -> None:
    app = Shell()
    async with app.run_test(size=(60, 8)) as pilot:
        app.watchlist.show(ten(), 0.0, WALL)
        app.watchlist.focus()
        await pilot.press("q", "o")
        assert app.watchlist.spec().words == ""
        app.watchlist.type_words()
        await pilot.press("e", "T", "x", "backspace")
        assert app.watchlist.spec().words == "eT"
        assert "/eT▏" in titles(app)[0]
        await pilot.press("enter", "x")
        assert app.watchlist.spec().words == "eT", "typing has ended"
        assert "/eT " in titles(app)[0]
        app.watchlist.type_words()
        await pilot.press("escape")
        assert app.watchlist.spec().words == ""
        assert "/" not in titles(app)[0]


async def test_what_no_symbol_holds_is_told() -> None:
    app = Shell()
    async with app.run_test(size=(60, 8)):
        app.watchlist.filter("zz\x1b[31m")
        app.watchlist.show(PanelFrame(LIVE, WatchFrame([], 10)), 0.0, WALL)
        assert "nothing here is called zz" in app.lines()[1]
        assert "\x1b" not in "".join(app.lines())
        assert "0 of 10" in titles(app)[0]


async def test_the_cursor_stays_on_its_symbol_when_rows_change_places() -> None:
    app = Shell()
    async with app.run_test(size=(60, 6)):
        app.watchlist.focus()
        frame = ten().frame
        assert isinstance(frame, WatchFrame)
        app.watchlist.select("sim:S0")
        app.watchlist.show(ten(), 0.0, WALL)
        app.watchlist.move_cursor(1)
        assert app.watchlist.cursor == "sim:S1"
        turned = WatchFrame(list(reversed(frame.rows)), 10)
        app.watchlist.show(PanelFrame(LIVE, turned), 0.1, WALL)
        assert app.watchlist.cursor == "sim:S1"
        assert app.lines()[-1].startswith(" 2 S1"), "and in view"
        app.watchlist.show(PanelFrame(LIVE, WatchFrame(frame.rows[4:6], 10)), 0.2, WALL)
        assert app.watchlist.cursor == "sim:S4", "unless it is gone"


async def test_rows_left_out_do_not_move_the_others() -> None:
    app = Shell()
    async with app.run_test(size=(41, 8)):
        rows = [BTC, row(symbol="1000PEPEUSDT", address="sim:P", last=0.0083126, digits=7)]
        app.watchlist.show(PanelFrame(LIVE, WatchFrame(rows, 2)), 0.0, WALL)
        before = app.lines()[2]
        app.watchlist.show(PanelFrame(LIVE, WatchFrame([BTC], 2)), 0.1, WALL)
        assert app.lines()[2] == before


async def test_a_group_is_named_and_its_rows_asked_for() -> None:
    app = Shell()
    async with app.run_test(size=(60, 8)):
        app.watchlist.expect(["sim:S1", "sim:S2"], "majors")
        app.watchlist.show(ten(), 0.0, WALL)
        assert app.watchlist.spec().among == ("sim:S1", "sim:S2")
        assert titles(app)[0].startswith("─ WATCH group majors ")
        app.watchlist.expect(["sim:S1", "sim:S2"], "the twenty that I trade")
        app.watchlist.repaint()
        assert titles(app)[0].startswith("─ WATCH group the twenty th… ")
        app.watchlist.expect(["sim:S1", "sim:S2", "sim:S3"])
        assert app.watchlist.spec().among is None


def test_how_it_is_sorted_is_kept_and_nonsense_is_passed_over() -> None:
    one, other = Watchlist(), Watchlist()
    one.sort, one.is_reversed = "pace", True
    other.restore(one.keep())
    assert (other.sort, other.is_reversed) == ("pace", True)
    for kept in ({}, {"sort": "moon", "reversed": "yes"}, {"sort": 3, "reversed": 1}):
        other.restore(kept)
        assert (other.sort, other.is_reversed) == (None, False)


WIDE = [
    "  SYMBOL       LAST     CHG%       BID       ASK  SPR bp      VOL   PACE  STATE        12m          AGE",
    "1 BTCUSDT  61 722.4▲   +0.42  61 722.3  61 722.5    0.03    21.3K   ×1.8  LIVE             ▁▂▃▄▅▆▇█  0s",
    "2 B        61 722.4▲   +0.42  61 722.3  61 722.5       —    21.3K      —  STALE            ▁▂▃▄▅▆▇█  1m",
]


def test_wide_there_is_a_column_for_the_state_and_what_is_unusual() -> None:
    rows = [row(pace=1.84, spread_bps=0.03), row(symbol="B", pace=None, shown=Shown("STALE", age=72.0))]
    assert lines(rows, 107) == WIDE


def test_where_no_book_has_true_levels_there_is_no_column_for_spreads() -> None:
    assert "SPR" not in lines([row(pace=1.0)], 150)[0]


@pytest.mark.parametrize(
    ("pace", "words"),
    [(None, "—"), (0.0, "×0.0"), (1.84, "×1.8"), (9.96, "×10"), (12.4, "×12"), (1e6, "×999")],
)
def test_paces(pace: float | None, words: str) -> None:
    assert format_pace(pace) == words


@pytest.mark.parametrize(
    ("bps", "words"), [(None, "—"), (0.016, "0.02"), (12.345, "12.35"), (250.4, "250"), (1e9, "99999")]
)
def test_spreads(bps: float | None, words: str) -> None:
    assert format_spread(bps) == words
