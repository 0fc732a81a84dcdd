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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, NamedTuple

WAIT_S: Final = 1.0
"""How long an answer may take; a terminal behind a long way is slow, one that never answers exists."""
GLYPHS: Final = {"▲": 1, "█": 1, "╴": 1, "⣿": 1, "界": 2}
"""What the screen is drawn with, and how many cells each must take."""
_MODE: Final = re.compile(r"\x1b\[\?(\d+);(\d)\$y")
_POSITION: Final = re.compile(r"\x1b\[(\d+);(\d+)R")
_ATTRIBUTES: Final = re.compile(r"\x1b\[\?[\d;]*c")
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
    found = [*_described(environ), *_locale(environ)]
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
    return [*found, *_clipboard(environ)]


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
    elif environ.get("COLORTERM") in ("truecolor", "24bit"):
        yield Finding("ok", f"colours: 16 million (TERM={term}, COLORTERM={environ['COLORTERM']})")
    elif "256" in term or "direct" in term:
        todo = "if it can show more, set COLORTERM=truecolor (ssh: SendEnv COLORTERM)"
        yield Finding("ok", f"colours: 256 (TERM={term})", todo)
    else:
        yield Finding("!", f"colours: 16 (TERM={term})", "the theme ansi16 is made for 16 colours")


def _locale(environ: Mapping[str, str]) -> Iterator[Finding]:
    name = next((environ[key] for key in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(key)), "")
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    if encoding == "utf8":
        yield Finding("ok", f"text is UTF-8 (locale {name or 'not set'})")
    else:
        words = f"text is {sys.stdout.encoding or 'of unknown encoding'} (locale {name or 'not set'})"
        yield Finding("✗", words, "set LANG=C.UTF-8, or another locale that ends in UTF-8", 2)


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
        todo = "choose narrow ambiguous characters in the terminal's settings, or another font"
        yield Finding("✗", f"widths: {', '.join(wrong)} cells", todo, 2)
    else:
        yield Finding("ok", f"widths: {' '.join(GLYPHS)} take the cells they must")
    modes = asked.modes()
    for mode, name in _MODES.items():
        if modes.get(mode):
            yield Finding("ok", f"{name}: yes")
        else:
            told = "no" if mode in modes else "it does not say"
            yield Finding("!" if mode == 2026 else "ok", f"{name}: {told}")


def _clipboard(environ: Mapping[str, str]) -> Iterator[Finding]:
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
    else:
        yield Finding("ok", "copying (y, OSC 52): no terminal says whether it takes it; try y")
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
