"""What the terminal really sends for a key: bytes, the key's name, and what it does here."""

import os
import select
import sys
from collections.abc import Iterator
from typing import Final

from mdterm.app.doctor_terminal import raw
from mdterm.app.keymap import Keymap, textual_key

_PAUSE_S: Final = 0.05
"""What comes closer together than this is one key."""
_ENDS: Final = b"\x03\x04"


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


def lines(data: bytes, keymap: Keymap) -> Iterator[str]:
    """Return a line for each key in ``data``."""
    bound = {textual_key(key): (key, one) for one in keymap.commands for key in one.keys}
    names = names_of(data)
    if not names:
        yield f"{show(data):24}  no key"
    for name in names:
        key, command = bound.get(name, (name, None))
        does = "nothing" if command is None else f"{command.id}: {command.help}"
        yield f"{show(data):24}  {key:16}  {does}"


def capture(keymap: Keymap) -> None:
    """Print what is pressed, until Ctrl+C or Ctrl+D. Standard input must be a terminal."""
    fd, out = sys.stdin.fileno(), sys.stdout.fileno()
    with raw(fd):
        os.write(out, b"Press keys; Ctrl+C ends.\r\n")
        os.write(out, f"{'SENT':24}  {'KEY':16}  DOES\r\n".encode())
        while True:
            data = os.read(fd, 1024)
            while select.select([fd], [], [], _PAUSE_S)[0]:
                more = os.read(fd, 1024)
                if not more:
                    break
                data += more
            if not data:
                return
            for line in lines(data, keymap):
                os.write(out, f"{line}\r\n".encode())
            if any(one in _ENDS for one in data):
                return
