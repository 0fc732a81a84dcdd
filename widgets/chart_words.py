"""A chart in words: the bar in figures for the title, and the legend of what is drawn over the bars."""

from rich.cells import cell_len

from mdterm.feeds.frames import ChartBar, ChartFrame, ProfileFrame
from mdterm.widgets.candles import Glyphs
from mdterm.widgets.chart_columns import line_styles
from mdterm.widgets.figures import UNKNOWN, cell, format_price, format_signed, format_since, format_size
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import NO_STYLE, Part, Row, merge, width_of

_SIGNED_ROOM = 9


def bar_words(bar: ChartBar, frame: ChartFrame, moment: str | None, room: int) -> list[str]:
    """Return a bar in figures: all of them, or the most important ones that fit in ``room`` cells."""
    opened, high, low, closed = (
        format_price(price, frame.digits) for price in (bar.open, bar.high, bar.low, bar.close)
    )
    digits = min(2, frame.size_digits)
    volume = format_size(bar.volume, digits) or "0"
    delta = "" if bar.delta is None else f"Δ {format_delta(bar.delta, digits)}"
    when = "" if moment is None else f"{moment} "
    prices = f"O {opened} H {high} L {low} C {closed}"
    wide = f" {when} O {opened}  H {high}  L {low}  C {closed}  V {volume}"
    for words in (
        f"{wide}  {delta}",
        f" {when}{prices} V {volume} {delta}",
        wide if not delta else "",
        f" {when}{prices} V {volume}",
        f" {when}{prices}",
        f" {when}C {closed} V {volume} {delta}",
        f" {when}C {closed} V {volume}",
        f" {when}C {closed}",
        f" {when}",
    ):
        if words and cell_len(words.rstrip()) < room:
            return [words.rstrip()] if words.strip() else []
    return []


def format_delta(value: float, digits: int) -> str:
    """Return a sum with its sign, in thousands or millions where it is long."""
    if abs(value) >= 10_000:
        return f"{'-' if value < 0 else '+'}{format_size(abs(value), 0)}"
    return format_signed(value, digits)


def paint_legend(
    frame: ChartFrame,
    bar: ChartBar,
    palette: Palette,
    glyphs: Glyphs,
    axis: int,
    width: int,
    wall: int | None,
    offset_ns: int,
) -> Row:
    """Return the lines' names and their values at ``bar``; what comes last goes first where it is narrow."""
    styles, entries = line_styles(palette), []
    for at, period in enumerate(frame.periods):
        value = bar.averages[at] if at < len(bar.averages) else None
        text = cell(format_price(value, frame.digits), axis)
        entries.append([(f" {glyphs.lines[at][1]}MA{period} {text} ", styles[at])])
    if frame.sums_since is not None and _has_vwap(frame):
        mark = "~" if frame.is_vwap_estimated else ""
        text = cell(mark + format_price(bar.vwap, frame.digits), axis + 1)
        entries.append([(f" {glyphs.lines[2][1]}VWAP {text} ", styles[2])])
    if frame.profile is not None:
        entries.append([(f" {_profile_words(frame.profile)} ", palette.key)])
    if bar.cvd is not None or any(one.cvd is not None for one in frame.bars):
        text = UNKNOWN if bar.cvd is None else format_delta(bar.cvd, min(2, frame.size_digits))
        entries.append([(f" CVD {cell(text, _SIGNED_ROOM)} ", palette.text)])
    local = None if wall is None else wall + offset_ns
    if frame.sums_since is not None:
        since = format_since(frame.sums_since + offset_ns, local)
        entries.append([(f" since {since} ", palette.muted)])
    if frame.unreliable_since is not None:
        entries.insert(
            0,
            [(f" unreliable since {format_since(frame.unreliable_since + offset_ns, local)} ", palette.warn)],
        )
    row: list[Part] = []
    for entry in entries:
        if width_of(row) + width_of(entry) > width:
            break
        row += entry
    return merge(row) if row else ((" " * min(1, width), NO_STYLE),)


def _has_vwap(frame: ChartFrame) -> bool:
    return any(one.vwap is not None for one in frame.bars)


def _profile_words(profile: ProfileFrame) -> str:
    """Return point of control and value area."""
    poc, low, high = (
        format_price(round((profile.low + at) * profile.step, 10), profile.digits)
        for at in (profile.poc, profile.val, profile.vah)
    )
    return f"POC {poc}  VA {low}–{high}"
