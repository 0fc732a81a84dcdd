"""A journal in a file, written by a thread of its own: the feed only hands records over.

At most half a second of records waits in memory, so that a process that is killed loses no more. What the
disk cannot take is dropped and said, never waited for. A file that has grown enough is closed and the next
one begun (``x.mdj``, ``x.2.mdj``, …); each begins with what it takes to be read alone.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from mdterm.feeds.carried import Carried
from mdterm.feeds.journal import Record
from mdterm.feeds.journal_file import JournalWriter

log = logging.getLogger(__name__)

FLUSH_S: Final = 0.4
"""How often what waits is written: with the time it takes, less than a second is ever lost."""
LARGEST_BACKLOG: Final = 64 * 1024 * 1024
"""Bytes that may wait for a slow disk; what is beyond is dropped, and said so."""
_OVERHEAD: Final = 64
CARRIED: Final = "carried"
"""Text of the note that stands before the records a later part begins with; its code is their number."""


class RecorderError(Exception):
    """A recording that cannot be written, in words."""


class Recorder:
    """Takes records from any thread and writes them."""

    def __init__(
        self,
        path: Path,
        *,
        largest: int | None = None,
        longest_s: float | None = None,
        keep_parts: int | None = None,
        failed: Callable[[str], None] | None = None,
    ) -> None:
        """Open the first file, which must not exist. Raise RecorderError.

        A part ends beyond ``largest`` bytes or ``longest_s`` seconds; of more than ``keep_parts`` parts the
        oldest are deleted. ``failed`` is told, on the writing thread, why nothing can be written any more.
        """
        self.path = path
        self.part = 1
        self.parts: list[Path] = []
        self.records = 0
        self.bytes = 0
        """Bytes in all parts so far."""
        self.lost = 0
        """Records that were dropped because the disk was too slow."""
        self.problem: str | None = None
        """Why nothing is written any more."""
        self.busy_s = 0.0
        """CPU seconds the writing has cost."""
        self._largest = largest
        self._longest_s = longest_s
        self._keep_parts = keep_parts
        self._failed = failed
        self._waiting: deque[Record] = deque()
        self._taken = 0
        self._done = 0
        self._told_lost = 0
        self._wake = threading.Event()
        self._closing = False
        self._closing_words = "closed"
        self._last: Record | None = None
        self._carried = Carried()
        self._file: BinaryIO
        self._writer: JournalWriter
        self._began = time.monotonic()
        try:
            self._open(path)
        except OSError as error:
            raise RecorderError(f"{path} cannot be written: {error.strerror}") from error
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def write(self, record: Record) -> None:
        """Take one record; never block."""
        if self._taken - self._done > LARGEST_BACKLOG or self.problem is not None:
            self.lost += 1
            return
        self._taken += len(record.data) + len(record.text) + _OVERHEAD
        self._waiting.append(record)

    def close(self, words: str = "closed") -> None:
        """Write what waits, say why it ended, and close the file."""
        self._closing_words = words
        self._closing = True
        self._wake.set()
        self._thread.join()

    # On the writing thread.

    def _run(self) -> None:
        try:
            while not self._closing:
                self._wake.wait(FLUSH_S)
                self._drain()
            self._drain()
            self._writer.end(self._closing_words, 0 if self._last is None else self._last.at)
            self.bytes += self._writer.written
        except OSError as error:
            self.problem = f"{self.parts[-1]} cannot be written: {error.strerror}"
            self._waiting.clear()
            log.error("%s", self.problem)
            if self._failed is not None:
                self._failed(self.problem)
        finally:
            self._file.close()
            self.busy_s = time.thread_time()

    def _drain(self) -> None:
        waiting = self._waiting
        batch = [waiting.popleft() for _ in range(len(waiting))]
        last = batch[-1] if batch else self._last
        if self.lost > self._told_lost and last is not None:
            dropped, self._told_lost = self.lost - self._told_lost, self.lost
            words = f"{dropped} records were dropped: the disk was too slow"
            log.error("%s: %s", self.path, words)
            batch.append(Record("note", "", last.at, last.mono, text="lost", data=words.encode()))
        if not batch:
            return
        self._last = batch[-1]
        self._writer.write(batch)
        self.records += len(batch)
        self._done += sum(len(one.data) + len(one.text) + _OVERHEAD for one in batch if one.text != "lost")
        for record in batch:
            self._carried.take(record)
        if self._is_full():
            self._next_part()

    def _is_full(self) -> bool:
        if self._largest is not None and self._writer.written >= self._largest:
            return True
        return self._longest_s is not None and time.monotonic() - self._began >= self._longest_s

    def _next_part(self) -> None:
        assert self._last is not None
        at, mono = self._last.at, self._last.mono
        self._writer.end("goes on in the next part", at)
        self.bytes += self._writer.written
        self._file.close()
        self.part += 1
        self._open(part_path(self.path, self.part))
        carried = self._carried.records(at, mono)
        head = Record("note", "", at, mono, text=CARRIED, code=len(carried))
        self._writer.write([head, *carried])
        while self._keep_parts is not None and len(self.parts) > self._keep_parts:
            self.parts.pop(0).unlink(missing_ok=True)

    def _open(self, path: Path) -> None:
        # Never over something that is there: a recording cannot be made again. For the user alone, since
        # an account may be in it.
        self._file = open(path, "xb", opener=_private)  # noqa: SIM115  # closed when the part is full
        self._writer = JournalWriter(self._file)
        self._began = time.monotonic()
        self.parts.append(path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def part_path(path: Path, part: int) -> Path:
    """Return the file of a part: ``x.mdj``, ``x.2.mdj``, …"""
    return path if part == 1 else path.with_name(f"{path.stem}.{part}{path.suffix}")


def parts_of(path: Path) -> list[Path]:
    """Return a recording's files from ``path`` on, as far as they follow one another."""
    found, part, first = [path], 1, path
    stem, dot, number = path.stem.rpartition(".")
    if dot and number.isdecimal() and path.with_name(f"{stem}{path.suffix}").exists():
        first, part = path.with_name(f"{stem}{path.suffix}"), int(number)
    while (following := part_path(first, part + 1)).exists():
        part += 1
        found.append(following)
    return found
