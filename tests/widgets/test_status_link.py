"""The status line on another machine's feed: what crosses the link has its fixed place at every width."""

import pytest

from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import text_of
from mdterm.widgets.status import StatusLine


@pytest.fixture
def status() -> StatusLine:
    line = StatusLine()
    line.hints = (("?", "help"), ("q", "quit"))
    line.trades = 123
    line.fps, line.rate = 10.0, 3_600.0
    return line


def told(line: StatusLine, palette: Palette, width: int) -> str:
    (row,) = line.paint_rows(palette, width, 1)
    return text_of(row)


def test_the_link_stands_beside_what_is_drawn_or_in_its_place(status: StatusLine, palette: Palette) -> None:
    status.link = (800.0, 0.283)
    assert told(status, palette, 120).endswith("10 fps   3.6 kB/s  ↓  0.8 kB/s 283 ms     ")
    narrow = told(status, palette, 80)
    assert "fps" not in narrow
    assert narrow.endswith("123 trades       —  ↓  0.8 kB/s 283 ms     ")


def test_a_feed_of_this_machine_has_no_link(status: StatusLine, palette: Palette) -> None:
    assert "↓" not in told(status, palette, 120)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_figure_moves_another(status: StatusLine, palette: Palette, width: int) -> None:
    places = set()
    for rate, delay in ((0.0, None), (999_900.0, 0.004), (12_345.0, 12.0)):
        status.link = (rate, delay)
        text = told(status, palette, width)
        assert len(text) == width
        places.add((text.index("↓"), text.index("trades")))
    assert len(places) == 1


def test_a_link_that_takes_seconds_is_marked(status: StatusLine, palette: Palette) -> None:
    status.link = (800.0, 2.5)
    (row,) = status.paint_rows(palette, 120, 1)
    assert [style for text, style in row if "↓" in text] == [palette.warn]
