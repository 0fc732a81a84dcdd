"""Where red means up, rising and falling change their colours; buying and selling, bid and ask do not."""

from collections.abc import Callable
from typing import Any

from textual.theme import Theme

from mdterm.feeds.frames import LadderFrame, PanelFrame, TapeFrame
from mdterm.feeds.status import Shown
from mdterm.themes.palettes import DARK, red_up
from mdterm.widgets.ladder_columns import SETS, choose_columns
from mdterm.widgets.ladder_rows import Scales, paint_level
from mdterm.widgets.palette import Palette, make_palette
from mdterm.widgets.rows import Row
from mdterm.widgets.state import state_style
from mdterm.widgets.tape import Tape
from mdterm.widgets.watchlist import Watchlist
from tests.app.standing import make_quotes

LIVE = Shown("LIVE", age=0.1)


def palette_of(theme: Theme) -> Palette:
    return make_palette({**theme.variables, "background": theme.background or ""})


PLAIN, RED_UP = palette_of(DARK), palette_of(red_up(DARK))


def styles(rows: list[Row]) -> list[tuple[str, Any]]:
    return [(text, style.color) for row in rows for text, style in row if text.strip()]


def test_the_roles_are_swapped() -> None:
    assert (RED_UP.up, RED_UP.down) == (PLAIN.down, PLAIN.up)
    assert (RED_UP.bid, RED_UP.ask, RED_UP.warn) == (PLAIN.bid, PLAIN.ask, PLAIN.warn)


def test_what_is_live_is_not_red() -> None:
    assert state_style(LIVE, RED_UP) == state_style(LIVE, PLAIN)


def colour_of(rows: list[Row], text: str) -> Any:
    """Return the colour of the part that holds a text."""
    return next(style.color for row in rows for part, style in row if text in part)


def test_the_watchlists_changes_follow_and_its_bids_do_not() -> None:
    watchlist = Watchlist()
    watchlist.show(PanelFrame(LIVE, make_quotes()), 0.0, 0)
    plain, swapped = (watchlist.paint_rows(each, 100, 6) for each in (PLAIN, RED_UP))
    assert (colour_of(plain, "+0.42"), colour_of(swapped, "+0.42")) == (PLAIN.up.color, PLAIN.down.color)
    assert (colour_of(plain, "-2.14"), colour_of(swapped, "-2.14")) == (PLAIN.down.color, PLAIN.up.color)
    assert colour_of(plain, "61 722.3") == colour_of(swapped, "61 722.3") == PLAIN.bid.color
    assert colour_of(plain, "61 722.5") == colour_of(swapped, "61 722.5") == PLAIN.ask.color


def test_sides_of_the_tape_do_not(make_tape: Callable[..., TapeFrame]) -> None:
    tape = Tape()
    tape.frame = make_tape()
    plain, swapped = (styles(tape.paint_body(each, 60, 8)) for each in (PLAIN, RED_UP))
    assert plain == swapped
    assert {PLAIN.bid.color, PLAIN.ask.color} <= {colour for _, colour in plain}


def test_what_was_sold_and_bought_on_the_ladder_does_not(make_ladder: Callable[..., LadderFrame]) -> None:
    sells = [0.0, 0.0, 0.0, 0.0, 0.0, 1.5, 2.5, 0.0, 0.0]
    buys = [0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    frame = make_ladder(direction=0, last=None, last_price=None, sells=sells, buys=buys, window="60s")
    scales = Scales().grown(frame, slice(0, 9))
    columns = choose_columns(frame, 120, None, SETS["all"], with_bars=True)
    found = [
        [paint_level(frame, at, columns, scales, each) for at in range(len(frame.bids))]
        for each in (PLAIN, RED_UP)
    ]
    assert found[0] == found[1]
    assert colour_of(found[0], "2.5") == PLAIN.ask.color, "what was sold hit the bid"
