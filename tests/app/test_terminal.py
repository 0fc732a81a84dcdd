"""The terminal: a way out that never blocks, an output that can be abandoned, mouse without motion."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pyte
import pytest
from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser

from mdterm.app.credit import QUESTION
from mdterm.app.terminal import Output, part_from_escape, parted, restore_terminal, save_terminal


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Yield the two ends of a terminal: ours, and the one a program gets."""
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)


def fill(fd: int) -> int:
    """Write until the terminal takes no more; return how much it took."""
    own = os.open(os.ttyname(fd), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    taken = 0
    try:
        while True:
            taken += os.write(own, b"x" * 1024)
    except BlockingIOError:
        os.close(own)
    return taken


def test_restoring_gives_the_terminal_back_and_does_not_block_when_nobody_reads(
    terminal: tuple[int, int],
) -> None:
    ours, theirs = terminal
    save_terminal(theirs)
    before = termios.tcgetattr(theirs)
    raw = termios.tcgetattr(theirs)
    raw[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(theirs, termios.TCSANOW, raw)
    filled = fill(theirs)
    worker = threading.Thread(target=restore_terminal, args=(theirs,), daemon=True)
    worker.start()
    worker.join(5)
    assert not worker.is_alive()
    assert termios.tcgetattr(theirs) == before
    got = b""
    while b"\x1b[?25h" not in got:
        got += os.read(ours, 65536)
    assert b"\x1b[?1049l" in got
    # All is thrown away but what the line discipline already holds for the reader.
    assert len(got) < filled / 2


def test_output_is_drained_once_it_is_handed_over(terminal: tuple[int, int]) -> None:
    ours, theirs = terminal
    calls: list[bool] = []
    output = Output(theirs, lambda: calls.append(True))
    output.queued()
    output.write("abc")
    assert not output.is_drained()
    output.flush()
    assert output.is_drained()
    assert calls == [True]
    assert os.read(ours, 100) == b"abc"


def test_an_abandoned_output_ends_its_writer(terminal: tuple[int, int]) -> None:
    _, theirs = terminal
    fill(theirs)
    output = Output(theirs, lambda: None)
    output.queued()
    output.write("x" * 1_000_000)
    writer = threading.Thread(target=output.flush, daemon=True)
    writer.start()
    assert not output.is_drained()
    output.abandon()
    writer.join(5)
    assert not writer.is_alive()


def test_a_terminal_that_went_away_does_not_raise(terminal: tuple[int, int]) -> None:
    ours, theirs = pty.openpty()
    output = Output(theirs, lambda: None)
    os.close(ours)
    output.queued()
    output.write("abc")
    output.flush()
    assert output.is_drained()
    os.close(theirs)


@pytest.mark.parametrize(
    ("heard", "keys"),
    [
        ("\x1b2", ["escape", "2"]),
        ("\x1bf", ["escape", "f"]),
        ("\x1b-", ["escape", "minus"]),
        ("\x1bq\x1b[5;1R", ["escape", "q"]),
        ("\x1bx", []),  # bound together with alt: it may be the beginning of more
        ("\x1b[A", ["up"]),
        ("\x1bOP", ["f1"]),
    ],
)
def test_what_comes_together_with_escape_is_told_apart_at_once(
    monkeypatch: pytest.MonkeyPatch, heard: str, keys: list[str]
) -> None:
    monkeypatch.setattr("mdterm.app.terminal.ANSI_SEQUENCES_KEYS", known := dict(ANSI_SEQUENCES_KEYS))
    monkeypatch.setattr("textual._xterm_parser.ANSI_SEQUENCES_KEYS", known)
    part_from_escape(lambda key: key == "alt+x")
    told = [one for one in XTermParser().feed(heard) if isinstance(one, events.Key)]
    assert [one.key for one in told] == keys


@pytest.mark.parametrize(
    ("key", "character", "keys"),
    [
        ("alt+1", "1", ["escape", "1"]),
        ("alt+shift+q", "Q", ["escape", "Q"]),
        ("alt+left", None, ["alt+left"]),
        ("escape", "\x1b", ["escape"]),
        ("1", "1", ["1"]),
    ],
)
def test_escape_and_a_key_that_come_together_are_two_keys(
    key: str, character: str | None, keys: list[str]
) -> None:
    assert [one.key for one in parted(events.Key(key, character))] == keys


class Screen:
    """A program on a terminal of its own, which answers questions for the cursor's place."""

    def __init__(self, code: str, tmp_path: Path) -> None:
        script = tmp_path / "program.py"
        script.write_text(code)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
            os.execv(sys.executable, [sys.executable, str(script)])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.seen = b""
        self.screen = pyte.Screen(80, 24)
        self.stream = pyte.ByteStream(self.screen)

    def read(self) -> bool:
        """Read and answer; return whether there may be more."""
        assert select.select([self.fd], [], [], 30)[0], self.screen.display
        try:
            got = os.read(self.fd, 65536)
        except OSError:
            return False  # the other end is closed
        self.seen += got
        # Only what pyte knows: it takes the end of ESC[>1u for text.
        self.stream.feed(re.sub(rb"\x1b\[[<>][0-9]*u", b"", got))
        for _ in range(got.count(QUESTION.encode())):
            os.write(self.fd, b"\x1b[1;1R")
        return bool(got)

    def wait_for(self, words: str) -> None:
        """Read until the screen shows ``words``."""
        while not any(words in line for line in self.screen.display):
            assert self.read(), self.screen.display

    def status(self) -> int:
        """Return the exit status, reading whatever is still written."""
        while self.read():
            pass
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)


PROGRAM = """
import sys
from mdterm.app.dashboard import Dashboard
from mdterm.feeds.address import Instrument
from mdterm.feeds.status import Shown
from mdterm.feeds.frames import (FrameSet, PanelFrame)

class Port:
    def connect(self, post):
        self.post, self.acked = post, 0
        self.send()
    def send(self):
        shown = Shown("REFUSED", detail=f"told {self.acked} times")
        self.post(FrameSet(self.acked + 1, 0.0, 0, {"tape": PanelFrame(shown, None)}, [], None))
    def ack(self, number):
        self.acked = number
        if number < 5:
            self.send()
    def __getattr__(self, name):
        return lambda *args: None

sys.exit(Dashboard(Port(), [Instrument("sim:BTCUSDT", "sim", "kiyotaka", "BTCUSDT")]).run())
"""


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    screen = Screen(PROGRAM, tmp_path)
    # A test that goes wrong must not leave its program behind.
    yield screen
    try:
        os.kill(screen.pid, signal.SIGKILL)
        os.waitpid(screen.pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass
    os.close(screen.fd)


def test_a_real_terminal_answers_and_gets_frame_after_frame(screen: Screen) -> None:
    screen.wait_for("told 4 times")
    os.write(screen.fd, b"q")
    assert screen.status() == 0
    assert QUESTION.encode() in screen.seen
    assert b"\x1b[?1002h" in screen.seen
    assert b"\x1b[?1003h" not in screen.seen


def test_ctrl_c_leaves_with_130(screen: Screen) -> None:
    screen.wait_for("told 4 times")
    os.write(screen.fd, b"\x03")
    assert screen.status() == 130
