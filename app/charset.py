"""What stands for a character where the terminal has ASCII alone, and how that is known.

The panels are painted as ever; only on the way to the terminal every cell becomes one of ASCII, so that no
panel, overlay or border can be forgotten. A character keeps its width: columns stay where they are.
"""

import codecs
import os
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from rich.cells import get_character_cell_size

Glyphs = Literal["auto", "unicode", "ascii"]

_NAMES: Final = ("LC_ALL", "LC_CTYPE", "LANG")
"""The variables that tell a locale, those that win first."""
_STARTED_WITH: Final = Path("/proc/self/environ")
_PLAIN: Final = ("C", "POSIX")


def is_ascii(glyphs: Glyphs, environment: Mapping[str, str]) -> bool:
    """Return whether the screen is drawn in ASCII alone: as it is set, else as terminal and locale say."""
    if glyphs != "auto":
        return glyphs == "ascii"
    if environment.get("TERM") == "linux":
        return True  # the font of the Linux console has hardly any of the others
    locale = locale_of(environment)
    if locale in _PLAIN:
        return True
    charset = locale.partition(".")[2].partition("@")[0].replace("-", "").lower()
    # A locale that is not set, or names no charset, tells nothing of the terminal: most are UTF-8.
    return charset not in ("", "utf8")


def locale_of(environment: Mapping[str, str]) -> str:
    """Return the name of the locale for characters, empty where none is set."""
    return next((environment[name] for name in _NAMES if environment.get(name)), "")


def as_started() -> dict[str, str]:
    """Return the environment with the locale that the person set.

    Python puts a UTF-8 locale of its own in the place of ``C`` before it runs anything.
    """
    try:
        listed = _STARTED_WITH.read_bytes().split(b"\0")
    except OSError:
        return dict(os.environ)  # not Linux
    told = dict(part.decode("utf-8", "replace").partition("=")[::2] for part in listed)
    others = {name: value for name, value in os.environ.items() if name not in _NAMES}
    return others | {name: told[name] for name in _NAMES if name in told}


def to_ascii(text: str) -> str:
    """Return text for a terminal of ASCII alone, as many cells wide as it was."""
    return text if text.isascii() else text.translate(_TABLE)


def _liken(error: UnicodeError) -> tuple[str, int]:
    """Return what stands for the characters that could not be encoded, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return to_ascii(error.object[error.start : error.end]), error.end


LIKENESS: Final = "mdterm-likeness"
"""The name by which a stream is told to write what it cannot as ``to_ascii`` has it."""
codecs.register_error(LIKENESS, _liken)


class _Table(dict[int, str]):
    """The characters that the screen is drawn with; of all others Unicode knows what they are made of."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if code < 0x80:
            return character
        width = get_character_cell_size(character)
        if unicodedata.category(character) == "Zs":
            return " " * width
        plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
        return plain if len(plain) == width and plain.isprintable() else "?" * width


_DRAWN: Final[Mapping[str, str]] = {
    "─━┄┅┈┉╌╍╴╶╸╺—–−‐‑‒―▔": "-",
    "│┃┆┇┊┋╎╏╵╷╹╻╿╽║▏▕▎▐": "|",
    "┌┐└┘├┤┬┴┼╭╮╰╯┏┓┗┛┣┫┳┻╋┝┥┠┨┯┷┿╂╔╗╚╝╠╣╦╩╬╪╫╞╡╥╨": "+",
    "═": "=",
    # From low to high, and from short to long.
    "▁": "_",
    "▂": ".",
    "▃▍": "-",
    "▄▌": "=",
    "▅▋": "+",
    "▆▊": "*",
    "▇▉": "%",
    "█■": "#",
    "░": ".",
    "▒": ":",
    "▓": "%",
    "▀▘▝": "'",
    "▖▗": ".",
    "▙▛▜▟▚▞": "#",
    "▲△▴▵↑⇡": "^",
    "▼▽▾▿↓⇣": "v",
    "▶▷▸▹›→⇒»": ">",
    "◀◁◂◃‹←⇐«": "<",
    "◆●•✦★": "*",
    "◇○◦☐": "o",
    "·…": ".",
    "×✗✘☒": "x",
    "✓✔": "y",
    "±≈": "~",
    "≥": ">",
    "≤": "<",
    "Σ∑": "S",
    "ΔδΔ": "D",
    "ⁿ": "n",
    "⁺": "+",
    "⁻": "-",
    "“”„": '"',
    "‘’‚": "'",
}


def _braille(dots: int) -> str:
    """Return what stands for dots (bits as Unicode has them): where they are, and how many."""
    rows = [bool(dots & mask) for mask in (0b1001, 0b10010, 0b100100, 0b11000000)]
    if dots.bit_count() > 4:
        return "#"
    if not dots:
        return " "
    if not any(rows[2:]):
        return "'" if rows[0] and not rows[1] else '"' if rows[0] else "-"
    if not any(rows[:2]):
        return "." if rows[2] and rows[3] else "_" if rows[3] else "-"
    return "-" if not rows[0] and not rows[3] else ":"


_TABLE: Final = _Table(
    {ord(character): plain for characters, plain in _DRAWN.items() for character in characters}
    | {0x2800 + dots: _braille(dots) for dots in range(256)}
)
