"""Panels as plain text: the rows of the screen without its colours, for pipes, logs and small devices."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import fields
from rich.cells import cell_len, set_cell_size

from mdterm.app.sight import Sight
from mdterm.feeds.events import Stream
from mdterm.feeds.frames import ChartFrame, HeaderFrame, LadderFrame
from mdterm.feeds.intervals import LENGTHS
from mdterm.feeds.specs import ChartSpec, LadderSpec, TapeSpec
from mdterm.feeds.text import clean
from mdterm.widgets import ladder, tape, tape_rows
from mdterm.widgets.figures import UNKNOWN, format_price, format_size, format_time
from mdterm.widgets.ladder_columns import choose_columns
from mdterm.widgets.ladder_readout import paint_readout
from mdterm.widgets.ladder_rows import paint_heads, paint_level
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import NO_STYLE, Part, Row, spread, text_of, width_of
from mdterm.widgets.state import format_reason, format_state

PLAIN: Final = Palette(**{one.name: NO_STYLE for one in fields(Palette)})
BESIDE: Final = 62
"""Columns from which ladder and tape stand side by side."""
WITH_CHART: Final = 16
"""Rows from which there is room for a chart under them."""
_TAPE: Final = (32, 40)
_LABEL_GAP: Final = 1


def paint(snapshot: Sight, panel: str, width: int, height: int) -> list[str]:
    """Return a panel, or all, as lines: at most ``height``, each at most ``width`` cells."""
    painters = {"ladder": paint_ladder, "tape": paint_tape, "chart": paint_chart}
    rows = (
        painters[panel](snapshot, width, height, True) if panel in painters else _all(snapshot, width, height)
    )
    return [_cut(text_of(row), width).rstrip() for row in rows[:height]]


def _cut(text: str, width: int) -> str:
    return text if text.isascii() and len(text) <= width else set_cell_size(text, width)


def _all(snapshot: Sight, width: int, height: int) -> list[Row]:
    """Return the header, ladder and tape, and the chart below where there is room."""
    rows = [_header(snapshot, width)]
    room = height - 1
    chart = max(6, room * 2 // 5) if height >= WITH_CHART else 0
    room -= chart
    if width >= BESIDE:
        right = min(_TAPE[1], max(_TAPE[0], width * 2 // 5))
        left = width - right - 1
        rows += _side_by_side(
            paint_ladder(snapshot, left, room), left, paint_tape(snapshot, right, room), room
        )
    else:
        upper = (room + 1) // 2
        rows += [*paint_ladder(snapshot, width, upper), *paint_tape(snapshot, width, room - upper)]
    if chart:
        rows += paint_chart(snapshot, width, chart)
    return rows


def _side_by_side(left: Sequence[Row], width: int, right: Sequence[Row], height: int) -> list[Row]:
    rows: list[Row] = []
    for at in range(min(height, max(len(left), len(right)))):
        first = text_of(left[at]) if at < len(left) else ""
        second = text_of(right[at]) if at < len(right) else ""
        rows.append(((f"{set_cell_size(first, width)} {second}", NO_STYLE),))
    return rows


def _header(snapshot: Sight, width: int) -> Row:
    """Return the instrument in one line; what matters least goes first where there is no room."""
    frame = snapshot.header()
    instrument, digits = snapshot.instrument, frame.digits
    mark = "▲" if frame.direction > 0 else "▼" if frame.direction < 0 else " "
    symbol, venue = f" {clean(instrument.symbol, 24)}", f"  {clean(instrument.venue, 32)}"
    last, clock = f"  {format_price(frame.last, digits)} {mark}", f"  {format_time(snapshot.wall)} UTC "
    if cell_len(symbol + venue + last + clock) > width:
        clock = ""
    if cell_len(symbol + venue + last) > width:
        venue = ""
    parts = [symbol, venue, last, *_figures(frame)]
    return spread([(part, NO_STYLE) for part in parts], [(clock, NO_STYLE)], width, " ", NO_STYLE)


def _figures(frame: HeaderFrame) -> list[str]:
    digits = frame.digits
    change = UNKNOWN if frame.change is None else f"{frame.change * 100:+.2f}"
    mark = "~" if frame.is_vwap_estimated else ""
    return [
        f"  {change} %",
        f"  VWAP {mark}{format_price(frame.vwap, digits)}",
        f"  H {format_price(frame.high, digits)}  L {format_price(frame.low, digits)}",
    ]


def _title(
    name: str, details: Sequence[str], snapshot: Sight, stream: Stream, width: int, alone: bool
) -> Row:
    """Return a panel's title: name and details left, SIM and the state right."""
    shown = snapshot.shown.get(stream)
    state = UNKNOWN if shown is None else format_state(shown, snapshot.wall)
    if alone:
        details = [clean(snapshot.instrument.address, 60), *details]
    left: list[Part] = [("─ ", NO_STYLE), (f"{name} ", NO_STYLE)]
    left += [(f"{detail} ", NO_STYLE) for detail in details]
    right: list[Part] = [(" SIM", NO_STYLE)] if snapshot.instrument.simulated else []
    right += [(f" {state}", NO_STYLE), (" ─", NO_STYLE)]
    if width_of(left[:2]) + width_of(right) > width:
        right.pop()
    return spread(left, right, width, "─", NO_STYLE)


def _excuse(snapshot: Sight, stream: Stream) -> Row:
    """Return the row that stands where there is nothing to show."""
    shown = snapshot.shown.get(stream)
    words = "the provider has none" if shown is None else format_reason(shown)
    return ((f"  {UNKNOWN} {words}", NO_STYLE),)


def paint_ladder(snapshot: Sight, width: int, height: int, alone: bool = False) -> list[Row]:
    """Return the ladder: title, heads, levels and read-out."""
    levels = max(1, height - 1 - ladder.CHROME)
    spec = LadderSpec(rows=levels, margin=0, marks=False)
    frame = snapshot.ladder(spec) if "book" in snapshot.had else None
    if frame is None:
        return [_title(ladder.Ladder.NAME, [], snapshot, "book", width, alone), _excuse(snapshot, "book")]
    details = [format_price(frame.step, frame.digits)]
    title = _title(ladder.Ladder.NAME, details, snapshot, "book", width, alone)
    return [title, *_ladder_body(frame, width)][:height]


def _ladder_body(frame: LadderFrame, width: int) -> list[Row]:
    columns = choose_columns(frame, width, None)
    rows = [paint_heads(columns, PLAIN)]
    rows += [paint_level(frame, at, columns, 1.0, PLAIN) for at in range(len(frame.bids))]
    return [*rows, paint_readout(frame, PLAIN, width)]


def paint_tape(snapshot: Sight, width: int, height: int, alone: bool = False) -> list[Row]:
    """Return the tape: title, heads, prints and sums; no blank rows where there are few prints."""
    prints = max(1, height - 1 - tape_rows.CHROME)
    title = _title(tape.Tape.NAME, [], snapshot, "trade", width, alone)
    if "trade" not in snapshot.had:
        return [title, _excuse(snapshot, "trade")][:height]
    frame = snapshot.tape(TapeSpec(rows=prints))
    columns = tape_rows.choose_columns(frame, width, None)
    rows = [title, tape_rows.paint_heads(columns, PLAIN)]
    rows += [tape_rows.paint_print(row, columns, frame.digits, PLAIN) for row in frame.rows]
    return [*rows, tape_rows.paint_sums(frame, PLAIN, width)][:height]


def paint_chart(snapshot: Sight, width: int, height: int, alone: bool = False) -> list[Row]:
    """Return the chart: alone all the past there is in as few bars as fit, else the newest minutes."""
    from mdterm.app.plot import plot_bars

    frame = snapshot.chart(ChartSpec("1m", width))
    label = max((len(format_price(bar.high, frame.digits)) for bar in frame.bars), default=1)
    columns = max(1, width - label - _LABEL_GAP)
    interval = _whole_interval(snapshot, columns) if alone else "1m"
    frame = snapshot.chart(ChartSpec(interval, columns))
    is_had = bool(frame.bars) and "candle" in snapshot.shown
    title = _title("CHART", _bar_words(frame) if is_had else [], snapshot, "candle", width, alone)
    if not is_had:
        return [title, _excuse(snapshot, "candle")][:height]
    plotted = plot_bars(frame, width, height - 1)
    return [title, *(((line, NO_STYLE),) for line in plotted)][:height]


def _whole_interval(snapshot: Sight, columns: int) -> str:
    """Return the shortest interval of a minute or more whose bars, all of them, fit."""
    bars = snapshot.candles()
    if not bars:
        return "1m"
    span = bars[-1].open_ts - bars[0].open_ts
    usable = [name for name, length in LENGTHS.items() if length >= LENGTHS["1m"]]
    return next((name for name in usable if span // LENGTHS[name] + 2 <= columns), usable[-1])


def _bar_words(frame: ChartFrame) -> list[str]:
    """Return the interval, and the newest bar in figures."""
    bar, digits = frame.bars[-1], frame.digits
    words = [frame.interval, f"O {format_price(bar.open, digits)} H {format_price(bar.high, digits)}"]
    words += [f"L {format_price(bar.low, digits)} C {format_price(bar.close, digits)}"]
    return [*words, f"V {format_size(bar.volume, min(2, frame.size_digits)) or 0}"]
