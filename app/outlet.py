"""The one way to the terminal: paints go in, the shortest bytes come out, and never more than it takes."""

from collections import deque
from collections.abc import Callable
from typing import Final, Protocol, runtime_checkable

from mdterm.app.canvas import Canvas, Update
from mdterm.app.charset import to_ascii
from mdterm.app.credit import QUESTION, Credit

SAID: Final = 8
"""Bells and the like that wait for a terminal that is behind."""
STALLED_S: Final = 0.5
"""A terminal that has not answered for so long gets nothing more until it does."""
_SYNC: Final = ("\x1b[?2026h", "\x1b[?2026l")


def _always() -> bool:
    """Take every paint to be of the terminal's size."""
    return True


def _never(seconds: float) -> None:
    """Ask for no release: nothing is held back for the sake of an allowance."""


@runtime_checkable
class Sink(Protocol):
    """Where the bytes go."""

    def write(self, data: str) -> None:
        """Take text for the terminal; must not block."""

    def is_drained(self) -> bool:
        """Return whether everything written so far has been handed over."""


class Allowance:
    """Bytes that may be written: so many a second, and a few at once after a pause.

    A paint that is larger is written whole; what comes after it waits until it has been paid for.
    """

    def __init__(self, bytes_per_s: float, at_once: float, mono: Callable[[], float]) -> None:
        self._rate = bytes_per_s
        self._most = at_once
        self._mono = mono
        self._left = at_once
        self._at = mono()

    def spend(self, count: int) -> None:
        """Note what is written."""
        self._refill()
        self._left -= count

    def wait(self) -> float:
        """Return for how many seconds nothing may be written; 0.0 for none."""
        self._refill()
        return 0.0 if self._left > 0 else (1.0 - self._left) / self._rate

    def _refill(self) -> None:
        now = self._mono()
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now


class Outlet:
    """Keeps paints back while the terminal is behind: they merge on the canvas, and nothing blocks.

    All methods run on the UI thread. ``is_synchronised`` tells whether the terminal knows mode 2026, and
    ``is_ascii`` whether it has no other characters. Beyond an ``allowance`` nothing is written, and ``later``
    is told in how many seconds to ask for a release again. Nothing is written either while the canvas is not
    of the terminal's size, of which ``fits`` tells.
    """

    def __init__(
        self,
        canvas: Canvas,
        credit: Credit,
        is_synchronised: Callable[[], bool],
        *,
        is_ascii: bool = False,
        allowance: Allowance | None = None,
        later: Callable[[float], None] = _never,
        fits: Callable[[], bool] = _always,
    ) -> None:
        self.canvas = canvas
        self.credit = credit
        self._is_synchronised = is_synchronised
        self._is_ascii = is_ascii
        self._allowance = allowance
        self._later = later
        self._fits = fits
        self._sink: Sink | None = None
        self._due: tuple[int, float] | None = None
        self._is_answered_for = True
        """Whether nothing has been written since the last question."""
        self._said: deque[str] = deque(maxlen=SAID)
        self.bytes = 0
        self.frames = 0
        self._bytes_then = 0

    def open(self, sink: Sink) -> None:
        """Begin to write, with a question: its answer tells whether the terminal answers at all."""
        self._sink = sink
        self._ask(None, 0.0)

    @property
    def is_open(self) -> bool:
        """Whether there is a terminal to write to."""
        return self._sink is not None

    def display(self, update: Update, size: tuple[int, int]) -> None:
        """Take a paint, and write the difference if the terminal may have it now."""
        self.canvas.resize(*size)
        self.canvas.apply(update)
        self.release()

    def painted(self, number: int, made: float) -> None:
        """Note that everything of frame set ``number`` is painted: its credit returns when it is there."""
        self._due = (number, made)
        self.release()

    def release(self) -> None:
        """Write what is held back, if the terminal may have it now."""
        sink = self._sink
        if sink is None or not self._may_write(sink):
            return
        if self._said:
            self._write(sink, "".join(self._said))
            self._said.clear()
            self._is_answered_for = False
        if self.canvas.is_dirty:
            difference = self.canvas.difference()
            if difference:
                begin, end = _SYNC if self._is_synchronised() else ("", "")
                self._write(sink, f"{begin}{difference}{end}")
                self._is_answered_for = False
        if self._due is not None and self.credit.waited() is None:
            (number, made), self._due = self._due, None
            if self._is_answered_for:
                self.credit.grant(number)
            else:
                self.frames += 1
                self._ask(number, made)

    def say(self, sequence: str) -> None:
        """Write something that moves no cell: a bell, a text for the clipboard. It waits like a paint.

        Of a terminal that is behind, only the newest few are kept: an hour's bells are not owed to anybody.
        """
        self._said.append(sequence)
        self.release()

    @property
    def is_holding(self) -> bool:
        """Whether something waits for the terminal."""
        return self._due is not None or self.canvas.is_dirty or bool(self._said)

    @property
    def owed(self) -> float | None:
        """When (s) the oldest frame set was true that the terminal has not got; None if it has all.

        Where nothing new was made the terminal is not behind, however long ago that was.
        """
        sent = self.credit.owed
        return sent if sent is not None or self._due is None else self._due[1]

    def repaint(self) -> None:
        """Write every cell again at the next paint: something else wrote on the terminal."""
        self.canvas.forget()
        self.release()

    def tick(self) -> None:
        """Look for answers that do not come, and heal a row; called about once a second."""
        sink = self._sink
        if sink is None:
            return
        if self.bytes != self._bytes_then:
            # A still screen stays still: what writes nothing must not begin to for this.
            self.canvas.doubt()
        if self.credit.is_given_up() and sink.is_drained():
            self.credit.drained()
        elif sink.is_drained() and self.credit.must_ask_again():
            self._write(sink, QUESTION)
        self.release()
        self._bytes_then = self.bytes

    def _ask(self, number: int | None, made: float) -> None:
        assert self._sink is not None
        self._is_answered_for = True
        self.credit.asked(number, made)
        if self.credit.answers is False:
            # Looked at after it is noted: the writer may have drained in between.
            if self._sink.is_drained():
                self.credit.drained()
        else:
            self._write(self._sink, QUESTION)

    def _may_write(self, sink: Sink) -> bool:
        waited = self.credit.waited()
        if not self._fits() or not sink.is_drained() or (waited is not None and waited >= STALLED_S):
            return False
        wait = 0.0 if self._allowance is None or not self.is_holding else self._allowance.wait()
        if wait:
            self._later(wait)
        return not wait

    def _write(self, sink: Sink, text: str) -> None:
        if self._is_ascii:
            text = to_ascii(text)
        count = len(text.encode())
        self.bytes += count
        if self._allowance is not None:
            self._allowance.spend(count)
        sink.write(text)


class Meter:
    """Frames and bytes a second between two looks at an outlet."""

    def __init__(self) -> None:
        self._at: float | None = None
        self._bytes = self._frames = 0

    def read(self, outlet: Outlet, now: float) -> tuple[float, float]:
        """Return frames/s and bytes/s since the last look, zeros at the first."""
        elapsed = 0.0 if self._at is None else now - self._at
        frames, written = outlet.frames - self._frames, outlet.bytes - self._bytes
        self._at, self._frames, self._bytes = now, outlet.frames, outlet.bytes
        return (frames / elapsed, written / elapsed) if elapsed > 0 else (0.0, 0.0)


class Inflow:
    """Bytes a second that came between two looks at what has come in all."""

    def __init__(self) -> None:
        self._at: float | None = None
        self._bytes = 0

    def read(self, received: int, now: float) -> float:
        """Return bytes/s since the last look, zero at the first."""
        elapsed = 0.0 if self._at is None else now - self._at
        came = received - self._bytes
        self._at, self._bytes = now, received
        return came / elapsed if elapsed > 0 else 0.0
