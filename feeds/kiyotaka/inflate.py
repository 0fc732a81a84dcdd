"""Brotli in every form that the service may use, and none that could exhaust the memory.

Whether frames arrive compressed, and how, is not documented: text JSON, plain JSON in a binary frame, one
brotli stream per message (finished or only flushed), or one connection-wide window all decode. The first
binary message looks the same either way; from the second on the form is known.
"""

from typing import Literal

import brotli
import msgspec

from mdterm.feeds.kiyotaka.facts import MAX_MESSAGE

_BAD_RUN = 8
"""So many unreadable frames after readable ones mean that the form was misjudged or the stream broke."""


class InflateError(ValueError):
    """A frame that is no brotli of any known form, or larger than allowed."""


class Inflater:
    """One per connection: ``frame`` in, JSON bytes out."""

    def __init__(self, limit: int = MAX_MESSAGE) -> None:
        self.form: Literal["each", "shared"] | None = None
        """None while undecided."""
        self.is_lost = False
        """True when nothing further can be read on this connection."""
        self._limit = limit
        self._shared: brotli.Decompressor | None = brotli.Decompressor()
        self._read = 0
        self._bad = 0

    def inflate(self, frame: bytes) -> bytes:
        """Return the JSON of a compressed frame. Raise InflateError."""
        try:
            out = self._inflate(frame)
        except InflateError:
            self._bad += 1
            if self.form is None and self._read == 0:
                self._shared = brotli.Decompressor()  # junk before the first message began no window
            # A window that missed a frame never recovers.
            self.is_lost = self.form == "shared" or (self._read > 0 and self._bad >= _BAD_RUN)
            raise
        self._bad = 0
        return out

    def spoiled(self) -> None:
        """Learn that what was inflated last is no JSON: a cut-off message leaves its rest in the window."""
        self.is_lost = self.form == "shared"

    def _inflate(self, frame: bytes) -> bytes:
        each = None if self.form == "shared" else self._process(brotli.Decompressor(), frame)
        shared = None
        if self.form != "each" and self._shared is not None:
            shared = self._process(self._shared, frame)
            if shared is None:
                self._shared = None
        out = each if each is not None else shared
        if out is None:
            raise InflateError("not a brotli frame")
        if self.form is None:
            self._read += 1
            if self._read > 1:
                self.form = "each" if each is not None else "shared"
        return out

    def _process(self, stream: brotli.Decompressor, frame: bytes) -> bytes | None:
        try:
            out: bytes = stream.process(frame, output_buffer_limit=self._limit)
        except brotli.error:
            return None
        if len(out) >= self._limit or not out:
            return None
        if self.form is None:
            # Only whole JSON proves the form: a wrong window can give bytes that mean nothing.
            try:
                msgspec.json.decode(out, type=msgspec.Raw)
            except (msgspec.DecodeError, RecursionError):
                return None
        return out


def bare(frame: bytes) -> bytes | None:
    """Return what a frame of its own brotli stream holds, None for any other."""
    try:
        out: bytes = brotli.Decompressor().process(frame, output_buffer_limit=MAX_MESSAGE)
    except brotli.error:
        return None
    return out or None
