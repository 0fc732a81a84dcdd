"""Pairs side by side: what is told, aligned, marked, and at every width."""

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from mdterm.feeds.frames import CompareFrame
from mdterm.themes.palettes import THEMES
from mdterm.widgets.compare import Columns, choose_columns, paint_between, paint_heads, paint_leg
from mdterm.widgets.palette import make_palette
from mdterm.widgets.rows import text_of
from tests.app.standing import make_pairs

PALETTE = make_palette({**THEMES[0].variables, "background": THEMES[0].background or ""})
WIDTHS = (30, 44, 60, 80, 120, 200)


def lines_of(frame: CompareFrame, width: int) -> list[str]:
    columns = choose_columns(frame, width, None)
    rows = [paint_heads(columns, PALETTE)]
    for pair in frame.rows:
        rows += [paint_leg(leg, columns, PALETTE) for leg in (pair.first, pair.second)]
        rows.append(paint_between(pair, PALETTE, width))
    return [text_of(row) for row in rows]


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_panel_and_prices_end_in_one_column(width: int) -> None:
    lines = lines_of(make_pairs(), width)
    assert max(cell_len(line) for line in lines) <= max(width, 40)
    ends = {
        line.index(price) + len(price)
        for line in lines
        for price in ("61 722.4", "61 725.0")
        if price in line
    }
    assert len(ends) == 1


def test_drift_lag_and_parting_are_told() -> None:
    lines = lines_of(make_pairs(), 100)
    assert lines[3].split() == ["└", "drift", "+0.42", "bps", "of", "mids", "250", "ms", "behind", "(93%)"]
    assert lines[6].split() == ["└", "drift", "+45.33", "bps", "of", "last", "lag", "—", "PARTED"]
    assert "STALE 1m12s" in lines[5]


def test_what_becomes_known_moves_nothing_behind_it() -> None:
    (known, *_) = make_pairs().rows
    words: set[tuple[int, int]] = set()
    for drift in (None, 0.42, -1234.5):
        for lag, agreement in ((None, None), (3.0, 1.0), (-1234.0, 0.93), (250.0, 0.31)):
            pair = replace(known, drift_bps=drift, lag_ms=lag, agreement=agreement, is_parted=True)
            line = text_of(paint_between(pair, PALETTE, 100))
            words.add((line.index(" of "), line.index("PARTED")))
    assert len(words) == 1


def test_columns_never_get_narrower() -> None:
    before = Columns(20, 14, True)
    assert choose_columns(make_pairs(), 120, before).price == 14
