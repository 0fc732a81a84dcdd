"""The account log: all lines, scrolled, that stay where they are looked at."""

from collections.abc import Callable, Sequence

import pytest

from mdterm.feeds.account import LOG_KEPT
from mdterm.feeds.frames import AccountFrame, ChangeRow, PanelFrame
from mdterm.feeds.specs import AccountSpec
from mdterm.feeds.status import Shown
from mdterm.widgets.changes import Changes
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import text_of, width_of

SECOND = 1_000_000_000
WALL = 1_763_682_461 * SECOND  # 2025-11-20 23:47:41
Paint = Callable[..., list[str]]


def line(number: int, at: int | None = None) -> ChangeRow:
    at = WALL - number * SECOND if at is None else at
    return ChangeRow(at, "filled", f"BTCUSDT buy {number}", "filled", "0.1", "0.2")


def frame(log: Sequence[ChangeRow]) -> AccountFrame:
    return AccountFrame("jayx", "USDT", [], None, [], [], 0, list(log))


def panel(log: Sequence[ChangeRow] | None, shown: Shown | None = None) -> PanelFrame:
    return PanelFrame(shown or Shown("LIVE", age=0.1), None if log is None else frame(log))


@pytest.fixture
def changes() -> Changes:
    return Changes()


@pytest.fixture
def paint(palette: Palette, changes: Changes) -> Paint:
    def rows(width: int = 60, height: int = 6) -> list[str]:
        painted = changes.paint_rows(palette, width, height)
        assert len(painted) <= height
        assert all(width_of(row) <= width for row in painted)
        return [text_of(row).rstrip() for row in painted]

    return rows


def test_every_line_that_is_kept_is_asked_for(changes: Changes) -> None:
    assert changes.spec() == AccountSpec(orders=0, log=LOG_KEPT)


def test_the_newest_comes_first_under_its_day(changes: Changes, paint: Paint) -> None:
    day = 86_400 * SECOND
    changes.show(panel([line(0), line(1), line(9, WALL - day)]), 0.0, WALL)
    assert paint() == [
        "─ ACCOUNT LOG jayx ──────── 3 changes LIVE 0.1s esc closes ─",
        " 2025-11-20",
        " 23:47:41 ▲B BTCUSDT filled     0.1 → 0.2",
        " 23:47:40 ▲B BTCUSDT filled     0.1 → 0.2",
        " 2025-11-19",
        " 23:47:41 ▲B BTCUSDT filled     0.1 → 0.2",
    ]


def test_times_are_those_of_the_zone(changes: Changes, paint: Paint) -> None:
    changes.offset_ns = 3600 * SECOND
    changes.show(panel([line(0)]), 0.0, WALL)
    assert paint()[1:] == [" 2025-11-21", " 00:47:41 ▲B BTCUSDT filled     0.1 → 0.2"]


def test_scrolling_stops_at_both_ends(changes: Changes, paint: Paint) -> None:
    log = [line(number) for number in range(20)]
    changes.show(panel(log), 0.0, WALL)
    changes.scroll_lines(1 << 30)
    assert paint()[-1].startswith(" 23:47:22")
    assert changes.top == 21 - 5
    changes.scroll_lines(-(1 << 30))
    assert paint()[1] == " 2025-11-20"


def test_what_is_looked_at_stays_when_newer_lines_come(changes: Changes, paint: Paint) -> None:
    log = [line(number) for number in range(20)]
    changes.show(panel(log), 0.0, WALL)
    changes.scroll_lines(4)
    looked_at = paint()[1:]
    changes.show(panel([line(-2), line(-1), *log]), 0.0, WALL)
    assert paint()[1:] == looked_at
    changes.scroll_lines(-99)
    assert paint()[2].startswith(" 23:47:43")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (panel(None, Shown("REFUSED", detail="no API key: set it")), " no API key: set it"),
        (panel([]), " nothing has changed since mdterm began to watch"),
    ],
)
def test_an_empty_log_says_why(changes: Changes, paint: Paint, given: PanelFrame, words: str) -> None:
    changes.show(given, 0.0, WALL)
    assert paint()[1:] == [words.ljust(60).rstrip()]


def test_text_from_outside_is_made_safe(changes: Changes, paint: Paint) -> None:
    odd = ChangeRow(WALL, "left", "X\x1b[2J buy 1", "state", "open", "\x07gone")
    changes.show(panel([odd]), 0.0, WALL)
    assert "\x1b" not in "".join(paint())
    assert "\x07" not in "".join(paint())
