"""The yardstick of what is written: the bytes of a plain cell diff between the pictures of a recording."""

import re

import pyte
from pyte.screens import Char

_END = b"\x1b[6n"
"""What the program asks behind every frame set."""
_PRIVATE = re.compile(
    rb"\x1b\[[<-?][0-9;]*[ -/]*[@-~]|\x1b\[[0-9]*n|\x1b\[c|\x1b\][^\x1b\x07]*(?:\x07|\x1b\\)"
)
_COLOURS = {
    "black": 0,
    "red": 1,
    "green": 2,
    "brown": 3,
    "blue": 4,
    "magenta": 5,
    "cyan": 6,
    "white": 7,
}

Picture = list[list[Char]]


class Pictures:
    """Draws what is written, frame by frame."""

    def __init__(self, columns: int, lines: int) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)

    def draw(self, data: bytes) -> Picture:
        """Return the picture after ``data``."""
        self._stream.feed(_PRIVATE.sub(b"", data))
        buffer = self._screen.buffer
        columns = range(self._screen.columns)
        return [[buffer[y][x] for x in columns] for y in range(self._screen.lines)]

    def text(self) -> list[str]:
        """Return the lines."""
        return list(self._screen.display)


def _code(colour: str, ground: bool) -> str:
    base = 40 if ground else 30
    if colour == "default":
        return str(base + 9)
    bright = colour.startswith("bright")
    name = colour.removeprefix("bright")
    if name in _COLOURS:
        return str(base + _COLOURS[name] + (60 if bright else 0))
    red, green, blue = (int(colour[at : at + 2], 16) for at in (0, 2, 4))
    return f"{base + 8};2;{red};{green};{blue}"


def _look(char: Char) -> tuple[object, ...]:
    if char.data == " " and not (char.reverse or char.underscore or char.strikethrough):
        return (" ", char.bg)
    return tuple(char)


def least(before: Picture, after: Picture) -> int:
    """Return the bytes of a plain diff: a move per run, the colours that changed, and the text.

    Rows from the top down, each from the left; over up to four unchanged cells of one look the text goes on.
    """
    count = 0
    ink: tuple[str, str, bool] = ("", "", False)
    for y, row in enumerate(after):
        cursor = -1
        old = before[y]
        for x, char in enumerate(row):
            if _look(old[x]) == _look(char):
                continue
            if cursor != x:
                count += len(f"\x1b[{x - cursor}C") if cursor >= 0 else len(f"\x1b[{y + 1};{x + 1}H")
            blank = char.data == " " and not (char.reverse or char.underscore)
            want = (ink[0] if blank else char.fg, char.bg, ink[2] if blank else char.bold)
            if want != ink:
                codes = [_code(want[0], False)] if want[0] != ink[0] and want[0] else []
                codes += [_code(want[1], True)] if want[1] != ink[1] else []
                codes += ["1" if want[2] else "22"] if want[2] != ink[2] else []
                count += len(f"\x1b[{';'.join(codes)}m")
                ink = want
            count += len(char.data.encode())
            cursor = x + 1
    return count


def compare(recording: bytes, columns: int, lines: int, skip: int) -> tuple[int, int, int]:
    """Return bytes written, bytes of a plain diff, and frames; the first ``skip`` are left out."""
    pictures = Pictures(columns, lines)
    written = plain = frames = 0
    before: Picture | None = None
    for number, part in enumerate(split(recording)[0]):
        picture = pictures.draw(part)
        if before is not None and number >= skip:
            written += len(part)
            plain += least(before, picture)
            frames += 1
        before = picture
    return written, plain, frames


def split(recording: bytes) -> tuple[list[bytes], bytes]:
    """Return the whole frames of a recording, and the rest after the last."""
    *parts, rest = recording.split(_END)
    return [part + _END for part in parts], rest
