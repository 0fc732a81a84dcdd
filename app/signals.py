"""How an alert reaches somebody who looks elsewhere: the terminal's bell, and notifications by OSC 9 and 777.

They are sent to whatever terminal shows mdterm, so they cross ssh; inside tmux the notifications are passed
through (``allow-passthrough``), and the bell is tmux's own (``monitor-bell``).
"""

from collections.abc import Collection, Mapping
from typing import Final, Literal

from mdterm.app.clipboard import wrap
from mdterm.feeds.text import clean

Signal = Literal["bell", "osc9", "osc777"]
ALL_SIGNALS: Final[tuple[Signal, ...]] = ("bell", "osc9", "osc777")
_LONGEST: Final = 200


def signal_sequence(words: str, signals: Collection[str], environment: Mapping[str, str]) -> str:
    """Return what rings and notifies; ``words`` are told without what could end the sequence."""
    # A semicolon parts the fields of OSC 777, and begins a subcommand of OSC 9 in some terminals.
    told = clean(words, _LONGEST).replace(";", ",")
    sequence = ""
    if "osc9" in signals:
        sequence += wrap(f"\x1b]9;{told}\x1b\\", environment)
    if "osc777" in signals:
        sequence += wrap(f"\x1b]777;notify;mdterm;{told}\x1b\\", environment)
    return sequence + ("\x07" if "bell" in signals else "")
