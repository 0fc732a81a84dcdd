"""The terminal itself: the driver that talks to it, and the way out that works even if it does not read."""

import os
import select
import signal
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast

from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from mdterm.app.keymap import textual_key

if TYPE_CHECKING:
    from textual.app import App

_LEAVE: Final = (
    b"\x18"  # ends a sequence that was cut in the middle
    b"\x1b[?2026l\x1b[0m"
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l"
    b"\x1b[?2004l\x1b[?2048l\x1b[?7h\x1b[<u"
    b"\x1b[?1049l\x1b[?25h\x1b[?1004l"
)

# What a terminal shows again that another program had meanwhile; the keyboard's mode lasts by itself.
_ENTER: Final = "\x1b[?1049h\x1b[?25l\x1b[?1004h\x1b[?2004h\x1b[?7l"
STOPPED: Final = "mdterm is stopped: it receives nothing, and trades will be missing. fg goes on.\r\n"
_BACKGROUND_S: Final = 0.1

_INTRODUCERS: Final = frozenset("[]OPX^_\\")
"""What begins longer sequences behind escape."""
_LAST_WORDS_S: Final = 0.5
_STEP_S: Final = 0.01

_attributes: dict[int, list[Any]] = {}


def save_terminal(fd: int) -> None:
    """Remember how the terminal was before the screen took it."""
    with suppress(termios.error):
        _attributes[fd] = termios.tcgetattr(fd)


def restore_terminal(fd: int) -> None:
    """Give the terminal back as it was. Never blocks: fit for a signal handler.

    Output that nobody has read is thrown away; if the terminal still takes nothing, so be it.
    """
    own = _reopen(fd)
    try:
        with suppress(termios.error):
            termios.tcflush(fd, termios.TCOFLUSH)
        saved = _attributes.get(fd)
        if saved is not None:
            with suppress(termios.error):
                termios.tcsetattr(fd, termios.TCSANOW, saved)
        if own is not None:
            with suppress(OSError):
                os.write(own, _LEAVE)
        elif select.select([], [fd], [], 0)[1]:
            with suppress(OSError):
                os.write(fd, _LEAVE)
    finally:
        if own is not None:
            os.close(own)


def _reopen(fd: int) -> int | None:
    """Open the terminal of ``fd`` once more, without blocking.

    A descriptor of our own: making the shared one non-blocking would do so for the shell too.
    """
    try:
        return os.open(os.ttyname(fd), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return None


class Output:
    """The file that the writer thread writes to: counts what is handed over, and can be abandoned."""

    def __init__(self, fd: int, drained: Callable[[], None]) -> None:
        own = _reopen(fd)
        self._fd = fd if own is None else own
        self._terminal = fd
        self._drained = drained
        self._parts: list[str] = []
        self.is_abandoned = False
        self._lock = Lock()
        self._queued = 0
        self._handed = 0

    def queued(self) -> None:
        """Note that one text has been queued for the writer thread."""
        with self._lock:
            self._queued += 1

    def is_drained(self) -> bool:
        """Return whether everything queued has been handed over."""
        return self._queued == self._handed

    def abandon(self) -> None:
        """Write nothing more: the writer thread ends even though nobody reads."""
        self.is_abandoned = True

    def revive(self) -> None:
        """Write again: the terminal is ours once more."""
        self.is_abandoned = False

    def fileno(self) -> int:
        """Return the terminal's descriptor."""
        return self._terminal

    def isatty(self) -> bool:
        """Return whether this is a terminal."""
        return os.isatty(self._terminal)

    def write(self, text: str) -> None:
        """Take a text; ``flush`` hands it over."""
        self._parts.append(text)

    def flush(self) -> None:
        """Hand everything over, waiting for room as long as nobody says otherwise."""
        parts, self._parts = self._parts, []
        left = memoryview("".join(parts).encode("utf-8", "replace"))
        while left and not self.is_abandoned:
            try:
                left = left[os.write(self._fd, left) :]
            except BlockingIOError:
                select.select([], [self._fd], [], 0.1)
            except OSError:
                self.abandon()  # the terminal is gone; its hang-up ends the program
        with self._lock:
            self._handed += len(parts)
        self._drained()


class Answers(Protocol):
    """Who wants to know what the terminal said. Called from other threads than the UI's."""

    def terminal_answered(self) -> None:
        """The terminal sent a cursor-position report."""

    def terminal_drained(self) -> None:
        """The writer has handed everything over."""

    def is_key_bound(self, key: str) -> bool:
        """Return whether a key, as Textual names it, does something."""


class _Named(NamedTuple):
    value: str


def part_from_escape(is_key_bound: Callable[[str], bool]) -> None:
    """Have escape and a character that come together be two keys, at once.

    Textual waits whether more comes, and takes what an answer of the terminal interrupts for ``^``, or a few
    for what macOS types with option (a trade mark for 2): escape would be lost, and the key behind it.
    """
    known = cast("dict[str, object]", ANSI_SEQUENCES_KEYS)
    for character in map(chr, range(ord(" "), 0x7F)):
        if is_key_bound(f"alt+{character}"):
            known.pop(f"\x1b{character}", None)
        elif character not in _INTRODUCERS:
            known[f"\x1b{character}"] = (_Named("escape"), _Named(textual_key(character)))


def parted(event: events.Key) -> list[events.Key]:
    """Return escape and the key behind it, where both came in one breath and were taken for alt and a key.

    Over a slow link, and on a busy machine, what somebody presses behind escape comes together with it.
    """
    character = event.character
    if not event.key.startswith("alt+") or character is None or len(character) != 1:
        return [event]
    return [events.Key("escape", "\x1b"), events.Key(character, character)]


class TerminalDriver(LinuxDriver):
    """Textual's driver, with mouse buttons and drag only, an output that never blocks the screen's thread,
    and cursor-position reports taken as the answers that they are."""

    def __init__(
        self, app: "App[Any]", *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._answers = cast(Answers, app)
        assert sys.__stdout__ is not None
        # Standard output, for standard error may well be a file.
        self.output = Output(sys.__stdout__.fileno(), self._answers.terminal_drained)
        self._file = self.output  # type: ignore[assignment]  # all that the writer thread needs of a file
        self._is_stopping = False
        self._raw: list[Any] | None = None
        save_terminal(self.fileno)
        part_from_escape(self._answers.is_key_bound)

    def write(self, data: str) -> None:
        """Queue text for the writer thread."""
        self.output.queued()
        super().write(data)

    def is_drained(self) -> bool:
        """Return whether everything written so far has been handed over."""
        return self.output.is_drained()

    def start_application_mode(self) -> None:
        """Take the terminal."""
        super().start_application_mode()  # type: ignore[no-untyped-call]
        with suppress(termios.error):
            self._raw = termios.tcgetattr(self.fileno)

    def stop_job(self) -> None:
        """Stop the program as Ctrl-Z does, with the terminal given back; return when it goes on (`fg`).

        The kernel stops nothing that no shell could continue: then this returns at once.
        """
        self._is_stopping = True
        self.suspend_application_mode()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        self._tell(STOPPED)
        # The whole job: a shell waits for the first of its processes, which may not be this one.
        os.killpg(0, signal.SIGTSTP)
        while not self._is_in_front():
            time.sleep(_BACKGROUND_S)  # `bg`: a screen in the background may not touch the terminal
            os.killpg(0, signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._sigtstp_application)
        self.output.revive()
        self._must_signal_resume = True
        self.start_application_mode()
        self._is_stopping = False

    def _sigtstp_application(self, *_: object) -> None:
        """Stop from the loop: a signal may come while a lock is held that giving the terminal back needs."""
        self._loop.call_soon_threadsafe(self.stop_job)

    def _sigcont_application(self, *_: object) -> None:
        """Take the terminal again after a stop that nobody announced (SIGSTOP)."""
        if not self._is_stopping:
            self._loop.call_soon_threadsafe(self._take_again)

    def _take_again(self) -> None:
        """Put the terminal into our modes again. Textual's own way would start every thread twice."""
        if self._raw is None or not self._is_in_front():
            return
        with suppress(termios.error):
            termios.tcsetattr(self.fileno, termios.TCSANOW, self._raw)
        self.write(_ENTER)
        self._enable_mouse_support()
        self._app.post_message(self.SignalResume())

    def _is_in_front(self) -> bool:
        """Return whether the terminal is ours to write on; so it is where nobody can tell."""
        try:
            return os.tcgetpgrp(self.fileno) == os.getpgrp()
        except OSError:
            return True

    def _tell(self, words: str) -> None:
        """Write words on the terminal that was given back, if it takes them at once."""
        own = _reopen(self.fileno)
        if own is not None:
            with suppress(OSError):
                os.write(own, words.encode())
            os.close(own)

    def process_message(self, message: Message) -> None:
        """Take answers here, on the input thread: a busy screen must not delay credit."""
        if isinstance(message, events.CursorPosition):
            self._answers.terminal_answered()
            return
        if isinstance(message, events.Key) and not self._answers.is_key_bound(message.key):
            for key in parted(message):
                super().process_message(key)
            return
        super().process_message(message)

    def _enable_mouse_support(self) -> None:
        """Ask for buttons and drag: reports of mere movement would only cost the link."""
        if self._mouse:
            self.write("\x1b[?1000h\x1b[?1002h\x1b[?1006h")

    def _disable_mouse_support(self) -> None:
        """Ask for no mouse reports."""
        if self._mouse:
            self.write("\x1b[?1000l\x1b[?1002l\x1b[?1006l")

    def stop_application_mode(self) -> None:
        """Leave the screen; what nobody reads is dropped rather than waited for."""
        self._settle()
        super().stop_application_mode()

    def close(self) -> None:
        """End the writer thread, also if nobody reads."""
        self._settle()
        super().close()
        if self.output.is_abandoned:
            restore_terminal(self.fileno)

    def _settle(self) -> None:
        """Give the terminal a moment to take what is written; abandon it if it does not."""
        for _ in range(round(_LAST_WORDS_S / _STEP_S)):
            if self.is_drained():
                return
            select.select([], [], [], _STEP_S)
        self.output.abandon()
