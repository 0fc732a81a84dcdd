"""Funding and open interest: a figure a line, with what belongs to it. Pure."""

from collections.abc import Sequence
from typing import Final

from rich.style import Style

from mdterm.feeds.frames import DerivativesFrame
from mdterm.widgets.figures import UNKNOWN, format_price, format_signed
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import Part, Row, merge, width_of
from mdterm.widgets.state import format_state

GAP: Final = "  "
CANNOT: Final = "n/a"
"""For what this instrument cannot have; what it has but is not known is ``—``."""
_BOLD: Final = Style(bold=True)
_RATE_DIGITS: Final = 4


def paint_funding(frame: DerivativesFrame, palette: Palette, width: int) -> Row:
    """Return the funding rate and the predicted one, in percent."""
    if "funding" in frame.missing:
        return paint_figure("funding", CANNOT, [], palette, width)
    more: list[Part] = [(f"{GAP}pred {_percent(frame.predicted)}", palette.muted)]
    if frame.funding_shown is not None and not frame.funding_shown.is_current:
        more = [(f"{GAP}{format_state(frame.funding_shown)}", palette.warn)]
    return paint_figure("funding", _percent(frame.funding), more, palette, width)


def paint_interest(frame: DerivativesFrame, palette: Palette, width: int) -> Row:
    """Return the open interest and its change over five minutes."""
    if "open_interest" in frame.missing:
        return paint_figure("open int", CANNOT, [], palette, width)
    value = frame.open_interest
    text = UNKNOWN if value is None else format_price(value, _interest_digits(frame))
    change, share = frame.open_interest_change, frame.open_interest_share
    if change is None:
        return paint_figure("open int", text, [(f"{GAP}{UNKNOWN} 5m", palette.muted)], palette, width)
    way = (change > 0) - (change < 0)
    told = format_signed(change, _interest_digits(frame)) if share is None else f"{share * 100:+.2f} %"
    more: list[Part] = [(f"{GAP}{'▼ ▲'[way + 1]} {told}", palette.moved(way)), (" 5m", palette.muted)]
    return paint_figure("open int", text, more, palette, width)


def _interest_digits(frame: DerivativesFrame) -> int:
    value = frame.open_interest or 0.0
    return 0 if abs(value) >= 1e6 else min(frame.size_digits, 1 if abs(value) >= 1e4 else 3)


def paint_figure(name: str, text: str, more: Sequence[Part], palette: Palette, width: int) -> Row:
    """Return a named figure with what belongs to it as far as there is room."""
    parts: list[Part] = [(f" {name:<8}{GAP}", palette.muted), (text.rjust(10), palette.text + _BOLD)]
    if width_of([*parts, *more]) <= width:
        parts += more
    return merge(parts)


def _percent(rate: float | None) -> str:
    return UNKNOWN if rate is None else f"{rate * 100:+.{_RATE_DIGITS}f} %"
