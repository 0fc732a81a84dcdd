"""Brotli in every form that the service may use, and none that could exhaust the memory.

Whether frames arrive compressed, and how, is not documented: text JSON, plain JSON in a binary frame, one
brotli stream per message (finished or only flushed), or one connection-wide window all decode. The first
binary message looks the same either way; from the second on the form is known.
"""

import brotli
import msgspec

from mdterm.feeds.kiyotaka.facts import MAX_MESSAGE


class InflateError(ValueError):
    """A frame that is no brotli of any known form, or larger than allowed."""


class Inflater:
    """One per connection: ``frame`` in, JSON bytes out."""

    def __init__(self, limit: int = MAX_MESSAGE) -> None:
        self.form: str | None = None
        """``each``, ``shared``, or None while undecided."""
        self._limit = limit
        self._shared = brotli.Decompressor()
        self._shared_alive = True
        self._messages = 0

    def inflate(self, frame: bytes) -> bytes:
        """Return the JSON of a compressed frame. Raise InflateError."""
        if self.form == "shared":
            out = self._through_window(frame)
            if out is None:
                raise InflateError("the compressed stream broke")
            return out
        each = self._process(brotli.Decompressor(), frame)
        if self.form == "each":
            if each is None:
                raise InflateError("not a brotli frame")
            return each
        shared = self._through_window(frame) if self._shared_alive else None
        self._messages += 1
        if self._messages > 1:
            if each is not None:
                self.form = "each"
            elif shared is not None:
                self.form = "shared"
        out = each if each is not None else shared
        if out is None:
            raise InflateError("not a brotli frame")
        return out

    def _through_window(self, frame: bytes) -> bytes | None:
        out = self._process(self._shared, frame)
        if out is None:
            self._shared_alive = False  # a window that missed a frame never recovers
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
