"""Text for the clipboard of the terminal's own machine, however far away that is: OSC 52.

The sequence crosses ssh by itself. tmux takes it up where ``set-clipboard`` is ``on``, and lets it through
where ``allow-passthrough`` is: which of the two holds cannot be asked, so inside tmux both are sent.
"""

import base64
from collections.abc import Mapping
from typing import Final

LONGEST: Final = 74_994
"""Bytes of base64 that every known terminal takes; xterm's limit is the lowest."""


def copy_sequence(text: str, environment: Mapping[str, str]) -> str:
    """Return what puts ``text`` into the clipboard. Raise ValueError where it is too long for terminals."""
    data = base64.b64encode(text.encode("utf-8", "replace")).decode()
    if len(data) > LONGEST:
        raise ValueError(
            f"{len(text):,} characters are more than terminals take ({LONGEST * 3 // 4:,} bytes)"
        )
    return wrap(f"\x1b]52;c;{data}\x07", environment)


def wrap(sequence: str, environment: Mapping[str, str]) -> str:
    """Return a sequence so that it reaches the outer terminal through tmux or screen."""
    if environment.get("TMUX"):
        return sequence + "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if environment.get("STY"):
        return f"\x1bP{sequence}\x1b\\"
    return sequence
