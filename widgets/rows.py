"""Rows of styled text, and the strips made of them."""

from collections.abc import Iterable

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

Part = tuple[str, Style]
Row = tuple[Part, ...]
"""A line as its parts; compared part by part to know whether it must be painted again."""

NO_STYLE = Style()


def merge(parts: Iterable[Part]) -> Row:
    """Join neighbours that look the same in one style, and drop empty parts: segments cost time."""
    merged: list[Part] = []
    for text, style in parts:
        if not text:
            continue
        if merged and (merged[-1][1] is style or (style is NO_STYLE and _is_plain(merged[-1][1]))):
            merged[-1] = (merged[-1][0] + text, merged[-1][1])
        else:
            merged.append((text, style))
    return tuple(merged)


def _is_plain(style: Style) -> bool:
    """Return whether blanks look the same in a style as without."""
    return style.bgcolor is None and not style.underline and not style.reverse


def width_of(row: Iterable[Part]) -> int:
    """Return the cells a row takes."""
    return sum(len(text) if text.isascii() else cell_len(text) for text, _ in row)


def text_of(row: Iterable[Part]) -> str:
    """Return a row without its styles."""
    return "".join(text for text, _ in row)


def make_strip(row: Row, width: int, base: Style) -> Strip:
    """Return a row as a strip of exactly ``width`` cells, on the ground of ``base``."""
    segments = [Segment(text, base + style) for text, style in row]
    taken = width_of(row)
    if taken > width:
        return Strip(segments, taken).crop(0, width)
    if taken < width:
        segments.append(Segment(" " * (width - taken), base))
    return Strip(segments, width)


def spread(left: Iterable[Part], right: Iterable[Part], width: int, filler: str, style: Style) -> Row:
    """Return ``left`` and ``right`` at the two ends of ``width`` cells, ``filler`` between.

    Where both do not fit, ``right`` wins: it carries the state.
    """
    left, right = list(left), list(right)
    room = width - width_of(right)
    while left and width_of(left) > room:
        left.pop()
    return merge([*left, (filler * max(0, room - width_of(left)), style), *right])
