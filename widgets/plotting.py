"""Figures drawn by plotext, as rows of cells. It is imported when the first one is asked for.

plotext has one figure for the whole process, so one is drawn at a time; every curve has a colour of its
own that stands for a role until the rows are painted.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from threading import Lock
from typing import Any, Final, Literal

import msgspec

from mdterm.feeds.frames import Curve, PlotFrame

Ink = Literal["line", "range", "bids", "asks", "buys", "sells", "others", ""]
INKS: Final[tuple[Ink, ...]] = (
    "line",
    "range",
    "bids",
    "asks",
    "buys",
    "sells",
    "others",
)
Cells = tuple[tuple[str, Ink], ...]
"""A row of a figure: neighbours of one ink as one text."""

_lock: Final = Lock()
_COLOURS: Final = re.compile(r"\x1b\[([0-9;]*)m")
_FOREGROUND: Final = re.compile(r"38;2;(\d+);0;0")
FINE: Final = "braille"
"""For lines: 2 × 4 dots a cell."""
SOLID: Final = "hd"
"""For areas: 2 × 2 blocks a cell."""
PLAIN: Final = "*"
"""Where the terminal has neither."""


class Bounds(msgspec.Struct, frozen=True):
    """The values at the edges of a figure."""

    left: float
    right: float
    low: float
    high: float


class Stroke(msgspec.Struct, frozen=True):
    """One curve as it is drawn: a line through its points, or stems down (``x``) or across (``y``) to 0."""

    ink: Ink
    x: list[float]
    y: list[float]
    stems: Literal["x", "y", ""] = ""


class PlotError(Exception):
    """This figure cannot be drawn; the words say why."""


class NoPlotextError(PlotError):
    """No figure ever can: plotext cannot be imported."""


def draw_figure(
    strokes: Sequence[Stroke], bounds: Bounds, width: int, height: int, marker: str
) -> list[Cells]:
    """Return strokes as ``height`` rows of ``width`` cells, later ones over earlier. Raise NoPlotextError."""
    with _lock:
        try:
            import plotext
        except (ImportError, OSError) as error:  # OSError: its library is not for this machine
            raise NoPlotextError(f"plotext cannot be imported: {error}") from error
        text = _build(plotext, strokes, bounds, width, height, marker)
    return [_parse(line) for line in text.splitlines()[:height]]


def _build(
    plotext: Any, strokes: Sequence[Stroke], bounds: Bounds, width: int, height: int, marker: str
) -> str:
    figure = plotext.figure
    figure.clear()
    plotext.terminal.limit(False, False)  # the size asked for, not the terminal's
    figure.plot_size(width, height)
    figure.axes(False)
    for stroke in strokes:
        if not stroke.x:
            continue
        ink = plotext.pixel((INKS.index(stroke.ink) + 1, 0, 0))
        signal = figure.signal(stroke.x, stroke.y, marker=plotext.marker(marker, ink))
        if stroke.stems == "x":
            signal.fillx(True)
        elif stroke.stems == "y":
            signal.filly(True)
        else:
            signal.lines(True)
        figure.draw(signal)
    figure.ruler("x").lim(bounds.left, bounds.right)
    figure.ruler("y").lim(bounds.low, bounds.high)
    for axis in ("x", "y"):
        figure.ruler(axis).ticks([], [])
    text: str = figure.build().string()
    return text


def _parse(line: str) -> Cells:
    """Return a row's cells by ink; the colours in it are the inks' own."""
    cells: list[tuple[str, Ink]] = []
    ink: Ink = ""
    for at, part in enumerate(_COLOURS.split(line)):
        if at % 2:
            found = _FOREGROUND.search(part)
            if found:
                ink = INKS[int(found[1]) - 1]
            elif part in ("", "0"):
                ink = ""
        elif part:
            cells.append((part, ink))
    return tuple(cells)


# What is drawn of a frame


def strokes_of(frame: PlotFrame, bounds: Bounds, width: int, height: int) -> list[Stroke]:
    """Return the strokes of a frame within ``bounds``, in a figure of ``width`` × ``height`` cells."""
    curves = {curve.name: curve for curve in frame.curves}
    if frame.plot == "history":
        return _history(curves)
    if frame.plot == "depth":
        return [_steps(curves["bids"], "bids", bounds, width), _steps(curves["asks"], "asks", bounds, width)]
    if frame.plot == "cvd":
        curve = curves["cvd"]
        return [Stroke("range", [bounds.left, bounds.right], [0.0, 0.0]), Stroke("line", curve.x, curve.y)]
    return _profile(curves, bounds, height)


def _history(curves: dict[str, Curve]) -> list[Stroke]:
    """Return the range of each point as a band, and the closes over it; points stand side by side."""
    high, low, close = (curves[name].y for name in ("high", "low", "close"))
    at = [float(index) for index in range(len(close))]
    band_x = [x for x in at for _ in range(2)]
    band = [value for pair in zip(low, high, strict=True) for value in pair]
    return [Stroke("range", band_x, band), Stroke("line", at, close)]


def _steps(curve: Curve, ink: Ink, bounds: Bounds, width: int) -> Stroke:
    """Return the size up to each of twice ``width`` prices on a side of the book, as stems."""
    x: list[float] = []
    y: list[float] = []
    for at in range(2 * width):
        price = bounds.left + (bounds.right - bounds.left) * at / max(1, 2 * width - 1)
        size = size_up_to(curve, price)
        if size:
            x.append(price)
            y.append(size)
    return Stroke(ink, x, y, "x")


def size_up_to(curve: Curve, price: float) -> float:
    """Return the size of a side of the book from its best price up to ``price``; 0.0 inside the spread."""
    if curve.name == "bids":
        at = bisect_left(curve.x, price)
        return curve.y[at] if at < len(curve.x) else 0.0
    at = bisect_right(curve.x, price) - 1
    return curve.y[at] if at >= 0 else 0.0


def _profile(curves: dict[str, Curve], bounds: Bounds, height: int) -> list[Stroke]:
    """Return all that was traded at the price of each row as stems across, and over it what was bought."""
    prices, buys, sells, others = curves["buys"].x, *(curves[name].y for name in ("buys", "sells", "others"))
    room = prices[1] - prices[0] if len(prices) > 1 else bounds.high - bounds.low
    apart = (bounds.high - bounds.low) / max(1, height - 1)
    at: list[float] = []
    rows: list[int] = []
    for row in range(height):
        middle = bounds.low + row * apart
        found = bisect_right(prices, middle) - 1
        if found >= 0 and middle < prices[found] + room:
            # A cell has two halves: both are filled, or it had the colours of two prices.
            at += [middle - apart / 4, middle + apart / 4]
            rows += [found, found]
    known = [buys[one] + sells[one] for one in rows]

    def stems(ink: Ink, volumes: Sequence[float]) -> Stroke:
        kept = [(volume, price) for volume, price in zip(volumes, at, strict=True) if volume > 0]
        return Stroke(ink, [one[0] for one in kept], [one[1] for one in kept], "y")

    total = [volume + others[one] for volume, one in zip(known, rows, strict=True)]
    return [stems("others", total), stems("sells", known), stems("buys", [buys[one] for one in rows])]
