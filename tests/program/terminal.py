"""A terminal for the program under test: it shows what a person would see, and answers what it is asked.

What is written is cut into control sequences first: pyte draws the ordinary ones, while the ones that it
does not know (and would partly print) are answered or noted here.
"""

import codecs
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import pyte

from tests.program.launch import WITHIN_S, command, environment

_T = TypeVar("_T")

_SEQUENCE = re.compile(
    rb"\x1b\[(?P<private>[<-?]?)(?P<numbers>[0-9;:]*)(?P<middle>[ -/]*)(?P<final>[@-~])"
    rb"|\x1b[\]P_^][^\x1b\x07]*(?:\x07|\x1b\\)"  # strings: titles and the like
    rb"|\x1b[ -/]*[0-OQ-Z\\`-~]"
)
_LONGEST = 64
"""Bytes of a control sequence at most; what is longer and unfinished is none."""

ALTERNATE_SCREEN, CURSOR, WRAP, SYNCHRONISED = 1049, 25, 7, 2026


class Terminal:
    """The program, or what ``run`` says, in a pseudoterminal. All waiting is for something to appear."""

    def __init__(
        self,
        home: Path,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        columns: int = 80,
        lines: int = 24,
        answers: bool = True,
        run: Sequence[str] = (),
    ) -> None:
        self.answers = answers
        """Whether cursor-position reports are answered."""
        self.modes: set[int] = {CURSOR, WRAP}
        """The private modes that are set now."""
        self.mode_changes: list[tuple[int, bool]] = []
        self.received = bytearray()
        self.positions_asked = 0
        self._keyboard = 0
        """How often kitty's keyboard protocol was switched on and not off again."""
        self._errors = home / "stderr"
        self._screen = pyte.Screen(columns, lines)
        self._drawing = pyte.Stream(self._screen)
        self._text = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = b""
        self._news = threading.Condition()
        self._is_stalled = False
        self._master, self._slave = os.openpty()
        self._set_size(columns, lines)
        self.attributes_before = self.attributes()
        self._woken, self._wake = os.pipe()
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                command(arguments, kind="terminal", program=run),
                env=environment(home, env),
                cwd=home,
                stdin=self._slave,
                stdout=self._slave,
                stderr=errors,
                start_new_session=True,
            )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    # What the terminal does

    def _read(self) -> None:
        while True:
            stalled = self._is_stalled
            ready, _, _ = select.select([self._woken] if stalled else [self._woken, self._master], [], [])
            if self._woken in ready and not os.read(self._woken, 64):
                return
            if self._master not in ready:
                continue
            with self._news:
                if self._is_stalled:
                    continue
                try:
                    data = os.read(self._master, 65536)
                except OSError:  # the last one to write has gone
                    return
                self.received += data
                self._take(self._rest + data)
                self._news.notify_all()

    def _take(self, data: bytes) -> None:
        at = 0
        for match in _SEQUENCE.finditer(data):
            self._draw(data[at : match.start()])
            at = match.end()
            self._obey(match)
        # An unfinished sequence at the end waits for its rest.
        begin = data.rfind(b"\x1b", max(at, len(data) - _LONGEST))
        end = len(data) if begin < 0 else begin
        self._draw(data[at:end])
        self._rest = data[end:]

    def _draw(self, data: bytes) -> None:
        if data:
            self._drawing.feed(self._text.decode(data))

    def _obey(self, match: re.Match[bytes]) -> None:
        final, private, middle = match["final"], match["private"], match["middle"]
        if final is None or (not private and not middle and final not in b"nc"):
            self._draw(match.group())
            return
        numbers = [int(number) for number in re.split(b"[;:]", match["numbers"]) if number]
        if private == b"?" and final in b"hl" and not middle:
            for number in numbers:
                self._set_mode(number, final == b"h")
            self._draw(match.group())
        elif final == b"u" and private in (b">", b"<"):
            self._keyboard = self._keyboard + 1 if private == b">" else max(0, self._keyboard - 1)
        elif final == b"n" and numbers == [6]:
            self.positions_asked += 1
            if self.answers:
                cursor = self._screen.cursor
                self._say(b"\x1b[%d;%dR" % (cursor.y + 1, cursor.x + 1))
        elif final == b"c" and not private:
            self._say(b"\x1b[?62;22c")
        elif private == b"?" and middle == b"$" and final == b"p":
            known = numbers == [SYNCHRONISED]
            self._say(b"\x1b[?%d;%d$y" % (numbers[0], 2 if known else 0))

    def _set_mode(self, number: int, on: bool) -> None:
        self.mode_changes.append((number, on))
        (self.modes.add if on else self.modes.discard)(number)
        if number == ALTERNATE_SCREEN:
            self._screen.reset()

    def _say(self, answer: bytes) -> None:
        os.write(self._master, answer)

    def _set_size(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def _wake_reader(self) -> None:
        os.write(self._wake, b".")

    # What a person sees

    def lines(self) -> list[str]:
        """Return the screen's lines as they are between two updates."""
        return self.wait_for(lambda lines: lines)

    def wait_for(self, condition: Callable[[list[str]], _T | None], within: float = WITHIN_S) -> _T:
        """Return what ``condition`` makes of the lines as soon as that is neither None nor False.

        It only sees whole updates, as a person does on a terminal that draws them at once.
        """
        until = time.monotonic() + within
        with self._news:
            while True:
                if SYNCHRONISED not in self.modes:
                    found = condition(self._screen.display)
                    if found is not None and found is not False:
                        return found
                left = until - time.monotonic()
                if left <= 0 or not self._news.wait(left):
                    raise AssertionError(f"not within {within} s; the screen:\n{self.picture()}")

    def wait_for_frame(self) -> None:
        """Return once the program has asked again how far the terminal is: behind each frame it does."""
        asked = self.positions_asked
        self.wait_for(lambda _: self.positions_asked > asked)

    def picture(self) -> str:
        """Return the screen as it is now, for a person who wonders why a test failed."""
        rows = "\n".join(f"│{line}│" for line in self._screen.display)
        return f"{rows}\nexit status: {self.process.poll()}\n{self.words()}"

    def ground(self, column: int, line: int) -> str:
        """Return the colour behind a cell, as pyte names it."""
        return str(self._screen.buffer[line][column].bg)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        return self._screen.columns, self._screen.lines

    def is_left(self) -> bool:
        """Return whether the screen is the shell's again: cursor, lines and keys as ever."""
        return self.modes == {CURSOR, WRAP} and self._keyboard == 0

    # What a person does

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def press_and_see(self, keys: str) -> None:
        """Press keys; return once anything at all was written after them."""
        received = len(self.received)
        self.press(keys)
        self.wait_for(lambda _: len(self.received) > received)

    def resize(self, columns: int, lines: int) -> None:
        """Make the window another size."""
        with self._news:
            self._screen.resize(lines, columns)
        self._set_size(columns, lines)

    def stall(self) -> None:
        """Read nothing more: a link that hangs, or Ctrl+S."""
        with self._news:
            self._is_stalled = True
        self._wake_reader()

    def resume(self) -> None:
        """Read again."""
        self._is_stalled = False
        self._wake_reader()

    def unread(self) -> int:
        """Return how many bytes wait to be read (while stalled)."""
        size = fcntl.ioctl(self._master, termios.FIONREAD, b"\0\0\0\0")
        return int(struct.unpack("i", size)[0])

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program."""
        self.process.send_signal(number)

    # How it ends

    def attributes(self) -> list[Any]:
        """Return the terminal's settings."""
        return termios.tcgetattr(self._slave)

    def words(self) -> str:
        """Return what was said on standard error so far."""
        return self._errors.read_text()

    def wait(self, within: float = WITHIN_S) -> int:
        """Return the exit status once the program has ended; everything it wrote is read then."""
        status = self.process.wait(within)
        if not self._is_stalled:
            self._hang_up()
        return status

    def _hang_up(self) -> None:
        """Let the reader come to the end of what was written."""
        if self._slave >= 0:
            self.attributes_after = self.attributes()
            os.close(self._slave)
            self._slave = -1
        self._thread.join(WITHIN_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.resume()
        self._hang_up()
        os.close(self._wake)
        self._thread.join()
        os.close(self._woken)
        os.close(self._master)
