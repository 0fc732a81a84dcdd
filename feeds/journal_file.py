"""Journals in files: frames of compressed records, readable up to the last second whatever ended the writing.

A file is ``MAGIC`` and then frames, each with a head (mark, kind, packed and raw length, CRC-32 of the packed
bytes, records, first and last wall time) and a piece of a deflate stream, cut so that it can be read without
what follows. Every so often a frame begins a new stream: from there a damaged file can be read again, and
there a search for a time may begin. A file that was closed well ends with a frame that says so.
"""

import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final, Literal, NamedTuple

from mdterm.feeds.journal import Record, pack, unpack

MAGIC: Final = b"mdterm journal 1\n"
FRESH_BYTES: Final = 4 * 1024 * 1024
"""Raw bytes after which a new deflate stream begins."""
LARGEST_FRAME: Final = 256 * 1024 * 1024
LEVEL: Final = 3
"""Deflate's own scale: higher ones cost several times as much for a few percent."""
_MARK: Final = b"\xf5J"
_HEAD: Final = struct.Struct("<2scxIIIIqq")
_FRESH, _ON, _END = b"F", b"C", b"E"

How = Literal["closed", "cut", "open"]


class JournalError(Exception):
    """A file that is no journal, or cannot be read, in words."""


class Ending(NamedTuple):
    """How a file ended: ``closed`` well, ``cut`` within a frame, or ``open`` at the end of one.

    ``lost_bytes`` could not be read, at the end or within; ``last_at`` is the last record's wall time (ns).
    """

    how: How
    words: str
    lost_bytes: int
    last_at: int | None


class Place(NamedTuple):
    """A frame: where it begins in the file, its records' times (ns), whether reading can begin there."""

    offset: int
    first_at: int
    last_at: int
    is_fresh: bool


class _Head(NamedTuple):
    kind: bytes
    packed: int
    raw: int
    crc: int
    records: int
    first_at: int
    last_at: int


class JournalWriter:
    """Writes frames to a file that was opened for it. Not for several threads."""

    def __init__(self, file: BinaryIO, level: int = LEVEL) -> None:
        self.written = 0
        """Bytes in the file."""
        self.records = 0
        self._file = file
        self._level = level
        self._deflate = zlib.compressobj(level, zlib.DEFLATED, -15)
        self._raw = FRESH_BYTES
        self._put(MAGIC)

    def write(self, records: Sequence[Record]) -> None:
        """Write records as one frame and hand it to the kernel. Raise OSError."""
        if not records:
            return
        raw = b"".join(map(pack, records))
        kind = _ON
        if self._raw >= FRESH_BYTES:
            kind, self._raw = _FRESH, 0
            self._deflate = zlib.compressobj(self._level, zlib.DEFLATED, -15)
        self._raw += len(raw)
        body = self._deflate.compress(raw) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        times = [record.at for record in records]
        self._frame(kind, body, len(raw), len(records), min(times), max(times))
        self.records += len(records)

    def end(self, words: str, at: int) -> None:
        """Say that the journal was closed, and why. Raise OSError."""
        body = words.encode()
        self._frame(_END, body, len(body), 0, at, at)
        self._file.flush()
        os.fsync(self._file.fileno())

    def _frame(self, kind: bytes, body: bytes, raw: int, records: int, first: int, last: int) -> None:
        head = _HEAD.pack(_MARK, kind, len(body), raw, zlib.crc32(body), records, first, last)
        self._put(head + body)

    def _put(self, data: bytes) -> None:
        # The buffer is emptied at once: what the kernel has survives the end of the process.
        self._file.write(data)
        self._file.flush()
        self.written += len(data)


class JournalReader:
    """Reads a journal from the beginning, or from a place of ``places``."""

    def __init__(self, path: Path) -> None:
        """Open a file. Raise JournalError."""
        self.path = path
        self.ending: Ending | None = None
        """How the file ended, once it was read to its end."""
        self.damaged = 0
        """Bytes left out in the middle because they could not be read."""
        try:
            self._file = path.open("rb")
            magic = self._file.read(len(MAGIC))
        except OSError as error:
            raise JournalError(f"{path}: {error.strerror}") from error
        if magic != MAGIC:
            self._file.close()
            what = "is empty" if not magic else "is no recording of mdterm"
            raise JournalError(f"{path} {what}")
        self._size = os.fstat(self._file.fileno()).st_size
        self._last_at: int | None = None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def places(self) -> list[Place]:
        """Return every frame with records, reading heads alone."""
        found: list[Place] = []
        at = len(MAGIC)
        while (head := self._head(at)) is not None and at + _HEAD.size + head.packed <= self._size:
            if head.kind != _END:
                found.append(Place(at, head.first_at, head.last_at, head.kind == _FRESH))
            at += _HEAD.size + head.packed
        return found

    def __iter__(self) -> Iterator[Record]:
        """Yield every record that can be read, from the first."""
        for records in self.frames():
            yield from records

    def frames(self, offset: int | None = None) -> Iterator[list[Record]]:
        """Yield the records of each frame, from a fresh one at ``offset`` on. Raise JournalError."""
        at = len(MAGIC) if offset is None else offset
        inflate = None
        self._size = os.fstat(self._file.fileno()).st_size
        while True:
            head = self._head(at)
            start = at + _HEAD.size
            body = b""
            if head is not None:
                self._file.seek(start)
                body = self._file.read(head.packed)
            if head is None or len(body) < head.packed or zlib.crc32(body) != head.crc:
                again = None if at >= self._size else self._resync(at + 1)
                if again is None:
                    self._ended(at)
                    return
                self.damaged += again - at
                at, inflate = again, None
                continue
            at = start + head.packed
            if head.kind == _END:
                self.ending = Ending("closed", body.decode("utf-8", "replace"), self.damaged, head.last_at)
                return
            if head.kind == _FRESH:
                inflate = zlib.decompressobj(-15)
            if inflate is None:
                self.damaged += _HEAD.size + head.packed
                continue
            yield self._records(inflate, body, head)

    def _records(self, inflate: "zlib._Decompress", body: bytes, head: _Head) -> list[Record]:
        try:
            raw = inflate.decompress(body, head.raw + 1)
            if len(raw) != head.raw:
                raise ValueError("its length is not what its head says")
            stream = BytesIO(raw)
            found = list(iter(lambda: unpack(stream), None))
        except (zlib.error, ValueError) as error:
            raise JournalError(f"{self.path}: a frame cannot be read: {error}") from error
        self._last_at = head.last_at
        return found

    def _head(self, at: int) -> _Head | None:
        self._file.seek(at)
        data = self._file.read(_HEAD.size)
        if len(data) < _HEAD.size:
            return None
        mark, *rest = _HEAD.unpack(data)
        head = _Head(*rest)
        if mark != _MARK or max(head.packed, head.raw) > LARGEST_FRAME:
            return None
        return head

    def _resync(self, at: int) -> int | None:
        """Return where the next fresh frame begins after damage, None where there is none."""
        sought = _MARK + _FRESH
        while at < self._size:
            self._file.seek(at)
            found = self._file.read(1024 * 1024)
            place = found.find(sought)
            if place < 0:
                at += max(1, len(found) - len(sought) + 1)
                continue
            at += place
            head = self._head(at)
            if head is not None:
                body = self._file.read(head.packed)
                if len(body) == head.packed and zlib.crc32(body) == head.crc:
                    return at
            at += 1
        return None

    def _ended(self, at: int) -> None:
        left = self._size - at
        if left:
            how: How = "cut"
            words = "the writing was cut off in the middle of a frame"
        else:
            how, words = "open", "it was not closed: the recorder was killed, or is still at work"
        self.ending = Ending(how, words, left + self.damaged, self._last_at)


def is_journal(path: Path) -> bool:
    """Return whether a file begins as a journal does. Raise OSError."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC
