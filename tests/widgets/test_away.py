"""What passed, line by line: what fits, what is not known, what must not be overlooked."""

import pytest

from mdterm.feeds.frames import PanelFrame
from mdterm.feeds.frames_away import AwayFrame, AwayGap, AwayRow
from mdterm.feeds.intervals import HOUR, MINUTE, SECOND
from mdterm.feeds.status import Shown
from mdterm.widgets.away import (
    AwayLines,
    choose_away_columns,
    describe_gap,
    paint_away_heads,
    paint_away_line,
    paint_biggest,
)
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import text_of, width_of
from tests.app.standing import WALL, make_away

ROWS = make_away().rows


def lines(palette: Palette, width: int, height: int, frame: AwayFrame | None = None) -> list[str]:
    view = AwayLines()
    view.show(PanelFrame(Shown("LIVE", age=0.1), frame or make_away()), 0.0, WALL)
    return [text_of(row).rstrip() for row in view.paint_rows(palette, width, height)]


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_nothing_is_wider_than_the_screen_and_columns_stand_in_line(palette: Palette, width: int) -> None:
    columns = choose_away_columns(ROWS, width)
    painted = [paint_away_line(row, columns, palette) for row in ROWS]
    assert {width_of(row) for row in (*painted, paint_away_heads(columns, palette))} == {columns.width}
    assert columns.width <= max(width, 44), "the two prices and the change are always there"
    view = AwayLines()
    view.show(PanelFrame(Shown("LIVE"), make_away()), 0.0, WALL)
    assert all(width_of(row) <= max(width, 44) for row in view.paint_rows(palette, width, 30))


def test_more_room_shows_more_columns() -> None:
    shown = [
        [
            name
            for name in ("range", "delta", "volume", "trades")
            if getattr(choose_away_columns(ROWS, width), name)
        ]
        for width in (48, 60, 72, 80, 120)
    ]
    assert shown == [
        [],
        ["range"],
        ["range", "delta"],
        ["range", "delta", "volume"],
        ["range", "delta", "volume", "trades"],
    ]


def test_figures_are_told_as_they_are_known(palette: Palette) -> None:
    told = lines(palette, 120, 40)
    assert told[0].startswith("─ WHAT PASSED 15:28:41–23:47:39 8h18m ──")
    assert told[0].endswith("tab: since then esc closes ─")
    figures = "BTCUSDT·sim 61 765.5 → 61 722.4 -0.07 61 999.9 61 203.4 ~-1 234.6 ~21.3K 1 221 308"
    assert " ".join(told[2].split()) == figures
    assert told[3] == (
        "    biggest  ▼ 212.433 at 61 344.1 16:47:41  ▲ 98.100 at 61 800.0 21:47:41  "
        "· 42.250 at 61 722.5 23:44:41"
    )
    assert told[4:6] == [
        "    gap 17:47:41–17:50:00 (2m19s): filled from bars (~)",
        "    alert 16:47:41 crossed 61 500 downward: 61 499.9",
    ]
    assert "    now RECONNECTING 3s (try 2)" in told
    assert "    3 more gaps before" in told
    assert "    38 more alerts before" in told
    assert " ".join(told[-1].split()) == "DOGEUSDT·sim — → — — — — — — 0"


def test_prints_that_do_not_fit_are_left_out_whole(palette: Palette) -> None:
    told = text_of(paint_biggest(ROWS[0], palette, 60, WALL, 0))
    assert told == "    biggest  ▼ 212.433 at 61 344.1 16:47:41"


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (
            AwayGap(WALL - HOUR, WALL - HOUR + 5 * SECOND, True),
            "gap 22:47:41–22:47:46 (5s): filled from bars (~)",
        ),
        (AwayGap(WALL - HOUR, WALL - MINUTE, False), "gap 22:47:41–23:46:41 (59m00s): trades may be missing"),
        (AwayGap(WALL - MINUTE, None, False), "gap since 23:46:41, 1m00s so far"),
        (
            AwayGap(WALL - 50 * HOUR, WALL - 49 * HOUR, True),
            "gap 11-18 21:47–11-18 22:47 (1h00m): filled from bars (~)",
        ),
    ],
)
def test_gaps_in_words(gap: AwayGap, words: str) -> None:
    assert describe_gap(gap, WALL, 0) == words


def test_times_are_told_in_the_zone_of_the_screen(palette: Palette) -> None:
    view = AwayLines()
    view.offset_ns = 9 * HOUR
    view.show(PanelFrame(Shown("LIVE"), make_away()), 0.0, WALL)
    told = "\n".join(text_of(row) for row in view.paint_rows(palette, 120, 30))
    assert "00:28:41–08:47:39" in told
    assert "02:47:41–02:50:00" in told


def test_more_lines_than_room_are_scrolled_and_the_ends_hold(palette: Palette) -> None:
    view = AwayLines()
    view.show(PanelFrame(Shown("LIVE"), make_away()), 0.0, WALL)
    whole = [text_of(row) for row in view.paint_rows(palette, 80, 40)]
    view.move(1 << 30)
    end = [text_of(row) for row in view.paint_rows(palette, 80, 8)]
    assert end == whole[:2] + whole[-6:]
    view.move(-1)
    assert [text_of(row) for row in view.paint_rows(palette, 80, 8)][2:] == whole[-7:-1]
    view.move(-(1 << 30))
    assert [text_of(row) for row in view.paint_rows(palette, 80, 8)] == whole[:8]


def test_a_time_that_runs_grows_older_each_second(palette: Palette) -> None:
    running = AwayFrame(WALL - 12 * SECOND, None, ROWS[:1])
    view = AwayLines()
    view.show(PanelFrame(Shown("LIVE"), running), 0.0, WALL)
    assert "since 23:47:29 12s" in text_of(view.paint_rows(palette, 80, 9)[0])
    assert "tab" not in text_of(view.paint_rows(palette, 80, 9)[0])
    view.tick(1.0, WALL + SECOND)
    assert "since 23:47:29 13s" in text_of(view.paint_rows(palette, 80, 9)[0])


def test_where_nobody_has_left_yet_it_says_so(palette: Palette) -> None:
    view = AwayLines()
    view.show(PanelFrame(Shown("LIVE"), None), 0.0, WALL)
    assert "nobody has been away" in text_of(view.paint_rows(palette, 80, 9)[1])


def test_outside_text_is_made_safe(palette: Palette) -> None:
    row = AwayRow("x:\x1b[2J", "\x1b[2J" * 9, "x\n", Shown("LIVE"), 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1, 0, 0)
    for width in (40, 80, 200):
        assert "\x1b" not in "".join(lines(palette, width, 9, AwayFrame(WALL, None, [row])))
