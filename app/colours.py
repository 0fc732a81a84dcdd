"""How many colours a terminal has: as the environment says, else as its entry in the terminfo database."""

from collections.abc import Mapping
from typing import Final

from rich.color import ColorSystem

_ALL: Final = ("truecolor", "24bit")
_WITH_ALL: Final = ("alacritty", "contour", "foot", "rio", "wezterm", "xterm-ghostty", "xterm-kitty")
"""Terminals that have all, which ssh does not tell: it passes their names and not COLORTERM."""
_MANY: Final = 256
_FEW: Final = 8


def colours_of(environment: Mapping[str, str]) -> ColorSystem | None:
    """Return what a terminal can show; None for one without colours."""
    if environment.get("COLORTERM", "").strip().lower() in _ALL:
        return ColorSystem.TRUECOLOR
    term = environment.get("TERM", "").strip()
    if term in _WITH_ALL or term.endswith("-direct"):
        return ColorSystem.TRUECOLOR
    if "256color" in term:
        return ColorSystem.EIGHT_BIT
    count = _counted(term)
    if count is None:
        return ColorSystem.STANDARD
    if count < _FEW:
        return None
    return ColorSystem.STANDARD if count < _MANY else ColorSystem.EIGHT_BIT


def _counted(term: str) -> int | None:
    """Return the number of colours that the database knows of a terminal, None where it knows nothing."""
    try:
        import curses  # here: it takes some milliseconds, and most terminals are told by their names
    except ImportError:
        return None
    try:
        curses.setupterm(term, 1)
    except curses.error:
        return None
    return curses.tigetnum("colors")
