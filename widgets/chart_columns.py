"""The columns of the bars: candles, the lines over them, their volume, and the CVD's own candles below."""

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from rich.style import Style

from mdterm.feeds.frames import ChartBar
from mdterm.widgets.candles import Glyphs, Scale, candle_cells, line_cell, volume_cells
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import NO_STYLE, Part

_RUNS: Final = re.compile(" +|[^ ]+")
_BOLD: Final = Style(bold=True)
Cell = tuple[str, Style]


class Rows(Struct, frozen=True):
    """How the rows under the title are shared out, from the top down."""

    legend: int
    price: int
    volume: int
    cvd: int
    time: int

    @property
    def bars(self) -> int:
        """The rows that the bars' columns go through."""
        return self.price + self.volume + self.cvd


def share_rows(height: int, *, legend: bool = False, cvd: bool = False) -> Rows:
    """Return the rows of legend, prices, volume, CVD and times; prices come first where there are few."""
    time = 1 if height >= 7 else 0
    volume = 0 if height < 5 else 1 if height < 11 else 2 if height < 20 else 3 if height < 32 else 4
    words = 1 if legend and height >= 6 else 0
    below = 0
    if cvd and height >= 6:
        below = 2 if height < 14 else 3 if height < 20 else 5 if height < 32 else 8
        volume = 0 if height < 9 else 1 if height < 14 else volume
    return Rows(words, max(1, height - time - volume - words - below), volume, below, time)


class Ground(Struct, frozen=True):
    """All that the columns of the bars but the newest are painted from, beside the bars themselves."""

    rows: Rows
    columns: int
    zoom: int
    scale: Scale
    volume: float
    cvd: Scale | None
    cursor: int | None
    """Which of the visible bars is marked."""
    since: int | None
    """From when on (ns) bars are whole."""
    palette: Palette
    glyphs: Glyphs


def bar_style(bar: ChartBar, since: int | None, palette: Palette) -> Style:
    """Return the style of a bar: by its direction, or grey where trades of it may be missing."""
    if since is None or bar.open_ts < since:
        return palette.stale
    return palette.moved((bar.close > bar.open) - (bar.close < bar.open))


def line_styles(palette: Palette) -> tuple[Style, Style, Style]:
    """Return the styles of the fast average, the slow one and the VWAP."""
    return palette.line_1, palette.line_2, palette.line_3


Column = tuple[tuple[Part, ...], ...]
"""A bar's cells from the top down, with the blanks or lines to its left where it takes more than one."""


class Columns:
    """The columns of bars that are over, kept while what they are painted from stays."""

    def __init__(self) -> None:
        self._ground: Ground | None = None
        self._kept: dict[ChartBar, Column] = {}

    def paint(self, bars: Sequence[ChartBar], ground: Ground) -> list[list[Part]]:
        """Return the rows of bars as parts, from prices down to the CVD."""
        base = replace(ground, cursor=None, columns=0)
        if base != self._ground:
            self._ground, self._kept = base, {}
        known = self._kept
        # Only what is in view is kept.
        self._kept = {bar: known.get(bar) or paint_column(bar, ground) for bar in bars}
        painted: list[list[Part]] = [[] for _ in range(ground.rows.bars)]
        for at, bar in enumerate(bars):
            column = self._kept[bar]
            if at == ground.cursor:
                column = mark_column(column, ground.palette.cursor)
            for row, cells in zip(painted, column, strict=True):
                row += cells
        return painted


def mark_column(column: Column, style: Style) -> Column:
    """Return the column of the marked bar."""
    return tuple((*pad, (glyph, painted + style)) for *pad, (glyph, painted) in column)


def paint_column(bar: ChartBar, ground: Ground) -> Column:
    """Return a bar's column: candle, volume and CVD, with what stands over and beside them."""
    rows, zoom = ground.rows, ground.zoom
    cells, styles = _cells(bar, ground)
    lines, marks = _lines(bar, ground), _forced(bar, ground)
    pad: Part = (" " * (zoom - 1), NO_STYLE)
    painted: list[tuple[Part, ...]] = []
    for y, glyph in enumerate(cells):
        # A blank has no colour, so that neighbours of one colour stay one part across it.
        style = NO_STYLE
        if glyph != " ":
            style = styles[0 if y < rows.price else 1 if y < rows.price + rows.volume else 2]
        left, line = pad, lines.get(y)
        if line is not None:
            left = (line[0] * (zoom - 1), line[1])
            if glyph in _YIELDS:
                glyph, style = line
        if y in marks:
            glyph, style = marks[y]
        painted.append(((glyph, style),) if zoom == 1 else (left, (glyph, style)))
    return tuple(painted)


_YIELDS: Final = frozenset(" ╷╵│|")
"""What a line passes over: blanks and wicks. A body stands before every line."""


def _cells(bar: ChartBar, ground: Ground) -> tuple[str, tuple[Style, Style, Style]]:
    """Return a bar's cells from top to bottom, and the styles of its candle, its volume and its CVD."""
    rows, glyphs, palette = ground.rows, ground.glyphs, ground.palette
    cells = candle_cells(bar, ground.scale, rows.price, glyphs)
    style = bar_style(bar, ground.since, palette)
    if rows.volume:
        cells += volume_cells(bar.volume, ground.volume, rows.volume, glyphs)
    cvd_style = palette.muted
    if rows.cvd:
        cvd = cvd_candle(bar)
        if cvd is None or ground.cvd is None:
            cells += " " * rows.cvd
        else:
            cells += candle_cells(cvd, ground.cvd, rows.cvd, glyphs)
            cvd_style = bar_style(cvd, ground.since, palette)
    # Volume has one colour: its direction stands above it, and a row of one colour is one part.
    return cells, (style, palette.muted, cvd_style)


def cvd_candle(bar: ChartBar) -> ChartBar | None:
    """Return how the CVD moved within a bar as a candle without wicks; None where it is not known."""
    if bar.cvd is None or bar.cvd_open is None:
        return None
    low, high = min(bar.cvd_open, bar.cvd), max(bar.cvd_open, bar.cvd)
    return ChartBar(bar.open_ts, bar.cvd_open, high, low, bar.cvd, None, None)


def _lines(bar: ChartBar, ground: Ground) -> dict[int, Cell]:
    """Return where lines pass a bar, by row; of two in one cell the faster one stands before the slower."""
    found: dict[int, Cell] = {}
    styles = line_styles(ground.palette)
    for at, value in ((2, bar.vwap), *reversed(list(enumerate(bar.averages[:2])))):
        if value is not None:
            cell = line_cell(value, ground.scale, ground.rows.price, ground.glyphs.lines[at])
            if cell is not None:
                found[cell[0]] = (cell[1], styles[at])
    return found


def _forced(bar: ChartBar, ground: Ground) -> dict[int, Cell]:
    """Return the marks of liquidations: longs below the bar's low, shorts above its high."""
    found: dict[int, Cell] = {}
    if not bar.longs and not bar.shorts:
        return found
    rows, palette = ground.rows.price, ground.palette
    if bar.longs:
        row = min(rows - 1, ground.scale.row(bar.low, rows) + 1)
        found[row] = (ground.glyphs.forced[0], palette.liq_long + _BOLD)
    if bar.shorts:
        row = max(0, ground.scale.row(bar.high, rows) - 1)
        found[row] = (ground.glyphs.forced[1], palette.liq_short + _BOLD)
    return found


def draw_through(parts: Sequence[Part], glyph: str, style: Style) -> list[Part]:
    """Return a row with a line where it was blank."""
    drawn: list[Part] = []
    for text, painted in parts:
        if painted.bgcolor is not None or painted.reverse:
            drawn.append((text, painted))  # the marked bar
            continue
        runs = _RUNS.findall(text)
        drawn += [(glyph * len(run), style) if run[0] == " " else (run, painted) for run in runs]
    return drawn
