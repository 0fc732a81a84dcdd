"""Events as lines on standard output: in order, none left out, and paused by a reader that does not read."""

import json
import os
import queue
import sys
import threading
import time
from collections.abc import Iterable, Sequence

from mdterm.app.commands.context import PipeClosed
from mdterm.feeds.events import Event, FeedStatus, encode_line, encode_lines
from mdterm.feeds.text import clean

QUEUE_LIMIT = 64 * 1024 * 1024
"""Bytes that may wait for a slow reader before reading from the providers pauses."""
PIPE_FILL = 64 * 1024


class Output:
    """Lines on their way from the feed's thread to standard output, in order."""

    def __init__(self, addresses: Iterable[str], count: int | None, depth: int, text: bool) -> None:
        self.data_lines = 0
        self.all_refused = False
        self._states: dict[str, str] = dict.fromkeys(addresses, "")
        self._count = count
        self._depth = depth
        self._text = text
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._waiting = 0
        self._lock = threading.Lock()
        self._room = threading.Event()
        self._room.set()
        self._ended = False

    def take(self, events: Sequence[Event]) -> None:
        """Encode events and queue their lines. Runs on the feed's thread."""
        if self._ended:
            return
        statuses = [event for event in events if type(event) is FeedStatus]
        told = self.data_lines + len(events) - len(statuses)
        if self._count is not None and told >= self._count:
            events, told, self._ended = self._first(events), self._count, True
        self.data_lines = told
        for status in statuses:
            self._states[status.address] = status.state
            if all(state == "refused" for state in self._states.values()):
                self.all_refused = self._ended = True
        if self._text:
            data = b"".join([text_line(event, self._depth) + b"\n" for event in events])
        else:
            data = encode_lines(events, self._depth)
        with self._lock:
            self._waiting += len(data)
            if self._waiting > QUEUE_LIMIT:
                self._room.clear()
        self._lines.put(data)
        if self._ended:
            self._lines.put(None)
        # Nothing is dropped: a reader that does not read pauses the feed, and TCP pauses the provider.
        if not self._room.is_set():
            self._room.wait()

    def _first(self, events: Sequence[Event]) -> list[Event]:
        """Return the events up to the last that is wanted."""
        left, kept = (self._count or 0) - self.data_lines, []
        for event in events:
            kept.append(event)
            left -= type(event) is not FeedStatus
            if not left:
                break
        return kept

    @property
    def has_ended(self) -> bool:
        """Whether no more lines are taken."""
        return self._ended

    def count(self, events: Sequence[Event]) -> None:
        """Take note of events whose lines nobody wants."""
        for event in events:
            if type(event) is FeedStatus:
                self._states[event.address] = event.state
                self.all_refused = all(state == "refused" for state in self._states.values())
            else:
                self.data_lines += 1

    def end(self) -> None:
        """Let the writer finish what is queued and stop."""
        self._ended = True
        self._lines.put(None)
        self._room.set()

    def write(self, seconds: float | None) -> None:
        """Write lines until the count, the time or refusals end it. Runs on the main thread."""
        fd = sys.stdout.fileno()
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            try:
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    return
                first = self._lines.get(timeout=left)
            except queue.Empty:
                return
            if first is None:
                return
            data, is_last = self._gather(first)
            at = 0
            try:
                while at < len(data):
                    at += os.write(fd, data[at:])
            except BrokenPipeError:
                raise PipeClosed from None
            except OSError as error:
                raise PipeClosed(f"standard output cannot be written: {error.strerror}") from None
            with self._lock:
                self._waiting -= len(data)
                if self._waiting <= QUEUE_LIMIT // 2:
                    self._room.set()
            if is_last:
                return

    def _gather(self, first: bytes) -> tuple[bytes, bool]:
        """Return what waits, up to a pipe's fill in one piece, and whether nothing follows."""
        parts, size = [first], len(first)
        while size < PIPE_FILL:
            try:
                part = self._lines.get_nowait()
            except queue.Empty:
                break
            if part is None:
                return b"".join(parts), True
            parts.append(part)
            size += len(part)
        return b"".join(parts), False


def text_line(event: Event, depth: int) -> bytes:
    """Return an event as words for a person: time, address, kind, and the fields that are set."""
    fields = json.loads(encode_line(event, depth))
    ts = fields.pop("ts") or fields["seen"]
    seconds, ns = divmod(ts, 1_000_000_000)
    clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{ns // 1_000_000:03d}Z"
    words = [clock, fields.pop("address"), fields.pop("kind")]
    fields.pop("seen")
    for name, value in fields.items():
        if value is not None:
            shown = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
            words.append(f"{name}={shown}")
    return clean(" ".join(words), 100_000).encode()
