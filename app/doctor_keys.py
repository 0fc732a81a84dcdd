"""What the terminal really sends for a key: bytes, the key's name, and what it does here."""

import os
import select
import sys
from collections.abc import Iterable, Iterator
from typing import Final

from mdterm.app.doctor_terminal import raw
from mdterm.app.keymap import Keymap, is_key, textual_key

_PAUSE_S: Final = 0.05
"""What comes closer together than this is one key."""
_ENDS: Final = ("ctrl+c", "ctrl+d")
_SPEAK: Final = "\x1b[>25u"
_SPEAK_NO_MORE: Final = "\x1b[<u"
"""Kitty's keyboard protocol, where the terminal knows it: with the flags of the dashboard, and as it was."""


def show(data: bytes) -> str:
    """Return bytes as a person writes them: ``^[[A`` for an escape sequence."""
    text = data.decode("utf-8", "replace")
    return "".join(f"^{chr(ord(one) ^ 0x40)}" if one < " " or one == "\x7f" else one for one in text)


def names_of(data: bytes) -> list[str]:
    """Return the names of the keys that bytes are, as Textual reads them."""
    from textual import events
    from textual._xterm_parser import XTermParser

    parser = XTermParser()
    tokens = [*parser.feed(data.decode("utf-8", "replace")), *parser.feed("")]
    return [token.key for token in tokens if isinstance(token, events.Key)]


class Capture:
    """What was pressed, what it does, and what can be done about keys that do nothing."""

    def __init__(self, keymap: Keymap) -> None:
        self._bound = {textual_key(key): (key, one) for one in keymap.commands for key in one.keys}
        self._idle: dict[str, None] = {}
        self._unknown: dict[str, None] = {}
        self.has_ended = False

    def lines(self, data: bytes) -> Iterator[str]:
        """Return a line for each key in ``data``."""
        names = names_of(data)
        if not names:
            self._unknown[show(data)] = None
            yield f"{show(data):24}  no key"
        for name in names:
            self.has_ended = self.has_ended or name in _ENDS
            key, command = self._bound.get(name, (name, None))
            if command is None and name not in _ENDS:
                sent = show(data)
                # As the configuration has it: `#` and not `number_sign`.
                self._idle[sent if is_key(sent) and textual_key(sent) == name else name] = None
            does = "nothing" if command is None else f"{command.id}: {command.help}"
            yield f"{show(data):24}  {key:16}  {does}"

    def todo(self) -> list[str]:
        """Return what to do, in lines."""
        lines = []
        if self._idle:
            lines.append(f"{_do(self._idle)} nothing here.")
            free = [key for key in self._idle if is_key(key)]
            if free:
                keys = ", ".join(f'"{key}"' for key in free)
                lines += [
                    "To give a key something to do, write the name of a command and its keys into the",
                    "configuration, under [keys]; mdterm keys tells the names:",
                    f"    next-layout = [{keys}]",
                ]
        if self._unknown:
            lines += [
                f"{', '.join(self._unknown)}: no key to mdterm.",
                "Have the terminal send something else, in its settings, or see that TERM names it.",
            ]
        if not lines:
            lines.append("Nothing: each key does what stands beside it.")
        return [
            *lines,
            "A key that you pressed and do not see here never came: the desktop, the terminal or",
            "tmux keeps it.",
        ]


def _do(keys: Iterable[str]) -> str:
    told = list(keys)
    return f"{', '.join(told)} {'does' if len(told) == 1 else 'do'}"


def capture(keymap: Keymap) -> None:
    """Print what is pressed, until Ctrl+C or Ctrl+D, then what to do. Standard input must be a terminal."""
    fd, out = sys.stdin.fileno(), sys.stdout.fileno()
    seen = Capture(keymap)

    def say(line: str) -> None:
        os.write(out, f"{line}\r\n".encode())

    with raw(fd):
        # The keyboard speaks as it does to the dashboard.
        os.write(out, _SPEAK.encode())
        try:
            say("Press keys; Ctrl+C ends.")
            say(f"{'SENT':24}  {'KEY':16}  DOES")
            while not seen.has_ended:
                data = os.read(fd, 1024)
                while select.select([fd], [], [], _PAUSE_S)[0]:
                    more = os.read(fd, 1024)
                    if not more:
                        break
                    data += more
                if not data:
                    break
                for line in seen.lines(data):
                    say(line)
        finally:
            os.write(out, _SPEAK_NO_MORE.encode())
        say("")
        say("What to do")
        for line in seen.todo():
            say(f"  {line}")
