"""Credit: which frame set the terminal has. At most one is on its way.

After a frame set's bytes a cursor-position report is asked for. Its answer says that the terminal has
worked through them, through ssh and tmux alike, which by themselves hide a megabyte of stale output.
A terminal that never answers is taken to have what the writer has handed over.
"""

from collections.abc import Callable
from threading import Lock
from typing import Final

QUESTION: Final = "\x1b[6n"
PATIENCE_S: Final = 1.0
"""A terminal that has not answered the first question by then does not know it."""
AGAIN_S: Final = 5.0
"""An answer may be lost on its way; after so long the question is asked once more."""


class Credit:
    """One frame set is outstanding or none. Called from the UI, input and writer threads."""

    def __init__(self, ack: Callable[[int], None], mono: Callable[[], float]) -> None:
        self._ack = ack
        self._mono = mono
        self._lock = Lock()
        self.answers: bool | None = None
        """Whether the terminal answers; None until that is known."""
        self._number: int | None = None
        self._made = 0.0
        self._asked_at: float | None = None

    def asked(self, number: int | None, made: float) -> None:
        """Note that frame set ``number``, true at ``made``, is on its way, with a question behind it.

        ``number`` is None for the first question, behind which there is no frame set.
        """
        with self._lock:
            self._number, self._made, self._asked_at = number, made, self._mono()

    def answered(self) -> None:
        """Take an answer of the terminal."""
        with self._lock:
            self.answers = True
            number = self._take()
        if number is not None:
            self._ack(number)

    def drained(self) -> None:
        """Note that the writer has handed everything over: all there is to know of a silent terminal."""
        with self._lock:
            number = self._take() if self.answers is False else None
        if number is not None:
            self._ack(number)

    def grant(self, number: int) -> None:
        """Acknowledge a frame set that needed nothing to be written."""
        self._ack(number)

    def _take(self) -> int | None:
        number, self._number, self._asked_at = self._number, None, None
        return number

    def waited(self) -> float | None:
        """Return for how long (s) an answer has been awaited; None if none is."""
        asked_at = self._asked_at
        return None if asked_at is None else self._mono() - asked_at

    def is_given_up(self) -> bool:
        """Return whether the terminal has just been found not to answer."""
        with self._lock:
            asked_at = self._asked_at
            if self.answers is not None or asked_at is None or self._mono() - asked_at < PATIENCE_S:
                return False
            self.answers = False
            return True

    def must_ask_again(self) -> bool:
        """Return whether an answer is overdue; the next is due as long again."""
        with self._lock:
            if self.answers and self._asked_at is not None and self._mono() - self._asked_at >= AGAIN_S:
                self._asked_at = self._mono()
                return True
        return False

    @property
    def owed(self) -> float | None:
        """When (s) the frame set was true that is on its way; None if the terminal has all."""
        with self._lock:
            return None if self._number is None else self._made
