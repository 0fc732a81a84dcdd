"""The journal: what was received and sent, raw, with times, so that a session can be told again.

A record is one event at the edge of the program: a frame in either direction, a change of a connection,
an HTTP body, or a note. Secrets are struck out before a record is made.
"""

from functools import lru_cache
from typing import BinaryIO, Final, Literal, Protocol

import msgspec

from mdterm.feeds.text import forms

LINK_NOTE: Final = "link"
"""Text of the note that tells how a connection talks."""
RecordKind = Literal["in", "out", "open", "close", "http", "note", "want", "phase", "told", "bars", "merged"]
"""``journal_notes`` says what ``note`` and the five after it hold."""


class Record(msgspec.Struct, frozen=True, array_like=True):
    """One entry. ``at`` is the wall clock (ns), ``mono`` the monotonic clock (s) of the same moment.

    ``link`` is the connection's key; ``data`` the raw bytes as received or sent, ``text`` the words or the
    URL (without its secret), ``code`` an HTTP status or close code.
    """

    kind: RecordKind
    link: str
    at: int
    mono: float
    data: bytes = b""
    text: str = ""
    code: int = 0


class Journal(Protocol):
    """Takes records; must not block the feed."""

    def write(self, record: Record) -> None:
        """Take one record."""


class NullJournal:
    """Keeps nothing."""

    def write(self, record: Record) -> None:
        """Forget the record."""


class MemoryJournal:
    """Keeps the newest ``keep`` records."""

    def __init__(self, keep: int = 10_000) -> None:
        self.records: list[Record] = []
        self._keep = keep

    def write(self, record: Record) -> None:
        """Keep the record."""
        self.records.append(record)
        if len(self.records) > 2 * self._keep:
            del self.records[: -self._keep]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode
LARGEST_RECORD = 64 * 1024 * 1024


def pack(record: Record) -> bytes:
    """Return a record as bytes: four bytes of length, big-endian, then msgpack."""
    body = _encode(record)
    return len(body).to_bytes(4, "big") + body


def unpack(stream: BinaryIO) -> Record | None:
    """Read the next record; None at the end, also when the last one was cut short.

    Raise ValueError when the bytes are no journal.
    """
    head = stream.read(4)
    if len(head) < 4:
        return None
    size = int.from_bytes(head, "big")
    if size > LARGEST_RECORD:
        raise ValueError("not a journal: a record is larger than allowed")
    body = stream.read(size)
    if len(body) < size:
        return None
    try:
        return _decode(body)
    except msgspec.DecodeError as error:
        raise ValueError("not a journal: a record cannot be read") from error


def strike(data: bytes, secrets: tuple[str, ...]) -> bytes:
    """Return raw bytes with every secret replaced, also where it stands percent-encoded or in JSON."""
    for form in _forms(secrets):
        if form in data:
            data = data.replace(form, b"***")
    return data


@lru_cache(maxsize=64)
def _forms(secrets: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(form.encode() for form in forms(secrets))
