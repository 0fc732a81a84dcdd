"""What this terminal can do: asked of the terminal itself, and read from what the shell says of it."""

import os
import re
import select
import shutil
import subprocess
import sys
import termios
import time
import tty
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NamedTuple

from rich.color import ColorSystem

from mdterm.app.charset import as_started, is_ascii, locale_of
from mdterm.app.colours import colours_of

WAIT_S: Final = 1.0
"""How long an answer may take; a terminal behind a long way is slow, one that never answers exists."""
GLYPHS: Final = {"▲": 1, "█": 1, "╴": 1, "⣿": 1, "界": 2}
"""What the screen is drawn with, and how many cells each must take."""
_MODE: Final = re.compile(r"\x1b\[\?(\d+);(\d)\$y")
_POSITION: Final = re.compile(r"\x1b\[(\d+);(\d+)R")
_ATTRIBUTES: Final = re.compile(r"\x1b\[\?([\d;]*)c")
_TAKES_COPIES: Final = "52"
"""The device attribute of terminals that take what is copied by OSC 52; many that do have it not."""
_MODES: Final = {2026: "synchronised output", 1002: "mouse buttons and drag", 2004: "bracketed paste"}


class Finding(NamedTuple):
    """One line: ``mark`` is ``ok``, ``!`` (can be lived with) or ``✗``; ``todo`` is what to do about it."""

    mark: str
    words: str
    todo: str = ""
    status: int = 0
    """The exit status that it stands for."""


@contextmanager
def raw(fd: int) -> Iterator[None]:
    """Have the terminal hand over every byte at once and echo none."""
    before = termios.tcgetattr(fd)
    try:
        tty.setraw(fd, termios.TCSADRAIN)  # what has been typed already is not thrown away
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSAFLUSH, before)


class Asked:
    """A terminal that can be asked. All answers are read up to one that every terminal gives."""

    def __init__(self, fd_in: int, fd_out: int) -> None:
        self._in = fd_in
        self._out = fd_out
        self.answers = True
        """Whether it answered what it was asked last."""
        self.attributes: frozenset[str] = frozenset()
        """What it says of itself, by the numbers of its device attributes."""

    def ask(self, question: str) -> str:
        """Return all that is answered to ``question``."""
        os.write(self._out, f"{question}\x1b[c".encode())
        heard, until = "", time.monotonic() + WAIT_S
        while not _ATTRIBUTES.search(heard):
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._in], [], [], left)[0]:
                self.answers = False
                return heard
            heard += os.read(self._in, 4096).decode("utf-8", "replace")
        self.answers = True
        told = _ATTRIBUTES.search(heard)
        assert told is not None
        self.attributes = frozenset(told[1].split(";")[1:])
        return heard

    def width(self, glyph: str) -> int | None:
        """Return how many cells a glyph takes, None if that is not answered."""
        found = _POSITION.search(self.ask(f"\r{glyph}\x1b[6n\r\x1b[K"))
        return None if found is None else int(found[2]) - 1

    def modes(self) -> dict[int, bool]:
        """Return which of the modes are known; those that are not answered are absent."""
        heard = self.ask("".join(f"\x1b[?{mode}$p" for mode in _MODES))
        return {int(mode): state in "1234" for mode, state in _MODE.findall(heard)}


def look(environ: Mapping[str, str]) -> list[Finding]:
    """Return what is found out about the terminal."""
    found = [*_described(environ), *_locale()]
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        words = "this is no terminal, so it was not asked anything"
        return [
            *found,
            Finding("!", words, "run mdterm doctor in the terminal that the dashboard shall run in"),
        ]
    size = shutil.get_terminal_size()
    small = size.columns < 60 or size.lines < 20
    words = f"size {size.columns}×{size.lines}"
    todo = "make the window at least 60×20; 120×40 shows all panels at once" if small else ""
    found.append(Finding("!" if small else "ok", words, todo))
    with raw(sys.stdin.fileno()):
        asked = Asked(sys.stdin.fileno(), sys.stdout.fileno())
        found += _asked(asked)
    return [*found, *_clipboard(environ, asked.attributes)]


def _described(environ: Mapping[str, str]) -> Iterator[Finding]:
    term = environ.get("TERM", "")
    if term in ("", "dumb", "unknown"):
        yield Finding(
            "✗",
            f"TERM={term or '(not set)'}: nothing can be drawn on such a terminal",
            "use mdterm once or mdterm tail here, or set TERM to what the terminal is",
            2,
        )
        return
    if environ.get("NO_COLOR"):
        yield Finding("!", "NO_COLOR is set: the mono theme is used")
    else:
        yield _colours(environ)


def _colours(environ: Mapping[str, str]) -> Finding:
    """Return how many colours there are, and what can be done about it."""
    colours = colours_of(environ)
    said = f"TERM={environ.get('TERM', '')}"
    if "COLORTERM" in environ:
        said += f", COLORTERM={environ['COLORTERM']}"
    if colours is ColorSystem.TRUECOLOR:
        return Finding("ok", f"colours: 16 million ({said})")
    if colours is ColorSystem.EIGHT_BIT:
        todo = "if the terminal can show more colours, set COLORTERM=truecolor (ssh: SendEnv COLORTERM)"
        return Finding("ok", f"colours: 256 ({said})", todo)
    todo = "if the terminal can show more colours, set TERM to what it is, such as xterm-256color"
    if colours is ColorSystem.STANDARD:
        return Finding("!", f"colours: 16 ({said}); the theme is ansi16 where you choose none", todo)
    return Finding("!", f"colours: none ({said}); the theme is mono where you choose none", todo)


def _locale() -> Iterator[Finding]:
    environ = as_started()
    name = locale_of(environ) or "not set"
    if is_ascii("auto", environ):
        words = f"text is not UTF-8 (locale {name}): the screen is drawn in ASCII alone"
        yield Finding("!", words, 'set LANG=C.UTF-8, or glyphs = "unicode" where the terminal can show it')
    else:
        yield Finding("ok", f"text is UTF-8 (locale {name})")


def _asked(asked: Asked) -> Iterator[Finding]:
    widths = {glyph: asked.width(glyph) for glyph in GLYPHS}
    if not asked.answers or None in widths.values():
        yield Finding("!", "it does not answer questions, so how far it is behind cannot be known")
        return
    wrong = [
        f"{glyph} takes {have}, not {GLYPHS[glyph]}"
        for glyph, have in widths.items()
        if have != GLYPHS[glyph]
    ]
    if wrong:
        words = f"widths: {', '.join(wrong)} cells"
        if is_ascii("auto", as_started()):
            yield Finding("ok", f"{words}; none of them is used here")
            return
        todo = (
            "choose narrow ambiguous characters in the terminal's settings, or another font; "
            'or set glyphs = "ascii"'
        )
        yield Finding("✗", words, todo, 2)
    else:
        yield Finding("ok", f"widths: {' '.join(GLYPHS)} take the cells they must")
    modes = asked.modes()
    for mode, name in _MODES.items():
        if modes.get(mode):
            yield Finding("ok", f"{name}: yes")
        else:
            told = "no" if mode in modes else "it does not say"
            yield Finding("!" if mode == 2026 else "ok", f"{name}: {told}")


def _clipboard(environ: Mapping[str, str], attributes: Collection[str]) -> Iterator[Finding]:
    if environ.get("TMUX"):
        options = {name: _tmux_option(name) for name in ("set-clipboard", "allow-passthrough")}
        told = ", ".join(f"{name} {value}" for name, value in options.items())
        if options["set-clipboard"] == "on" or options["allow-passthrough"] in ("on", "all"):
            yield Finding("ok", f"inside tmux: {told}: copying (y) and notifications can pass")
        else:
            todo = (
                "for copying by y: tmux set -g set-clipboard on; "
                "for notifications: tmux set -g allow-passthrough on"
            )
            yield Finding("!", f"inside tmux: {told}: neither passes", todo)
    elif _TAKES_COPIES in attributes:
        yield Finding("ok", "copying (y, OSC 52): yes")
    else:
        yield Finding("ok", "copying (y, OSC 52): it does not say, as most do not; try y")
    if environ.get("SSH_CONNECTION"):
        yield Finding("ok", "through ssh: what y copies goes to the machine where you sit")


def _tmux_option(name: str) -> str:
    tmux = shutil.which("tmux")
    if tmux is None:
        return "unknown"
    try:
        done = subprocess.run(  # noqa: S603  # nothing of it comes from outside
            [tmux, "show-options", "-Agv", name], capture_output=True, text=True, timeout=2, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() or "unknown"
