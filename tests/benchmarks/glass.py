"""The program on a pseudoterminal that keeps every byte with the moment it came, and answers what it must."""

import fcntl
import os
import re
import resource
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Self

_ASKED = re.compile(rb"\x1b\[6n|\x1b\[\?2026\$p|\x1b\[c")
_ANSWERS = {b"\x1b[6n": b"\x1b[1;1R", b"\x1b[?2026$p": b"\x1b[?2026;2$y", b"\x1b[c": b"\x1b[?62;22c"}
_TICKS = os.sysconf("SC_CLK_TCK")


class Glass:
    """A terminal that shows nothing to anybody. ``chunks`` are ``(monotonic s, bytes)`` as they came."""

    def __init__(
        self,
        argv: Sequence[str],
        home: Path,
        *,
        columns: int = 120,
        lines: int = 40,
        env: Mapping[str, str] | None = None,
        bytes_per_s: float | None = None,
    ) -> None:
        self.chunks: list[tuple[float, bytes]] = []
        self.is_mute = False
        """Whether questions are left without an answer."""
        self._rate = bytes_per_s
        self._master, slave = os.openpty()
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        folders = {
            name: str(home) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
        }
        words = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "TZ": "UTC"}
        self.spawned = time.monotonic()
        self.process = subprocess.Popen(
            argv,
            env={"PATH": os.environ["PATH"], **folders, **words, **(env or {})},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self._rest = b""
        self._taking = threading.Lock()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        size = 65536 if self._rate is None else 512
        while True:
            with self._taking:
                try:
                    data = os.read(self._master, size)
                except OSError:
                    return
            if not data:
                return
            if self._rate is not None:
                time.sleep(len(data) / self._rate)
            self.chunks.append((time.monotonic(), data))
            text = self._rest + data
            end = 0
            for match in _ASKED.finditer(text):
                end = match.end()
                if not self.is_mute:
                    os.write(self._master, _ANSWERS[match.group()])
            self._rest = text[max(end, len(text) - 16) :]

    def press(self, key: bytes) -> None:
        """Type."""
        os.write(self._master, key)

    def cpu_s(self) -> float:
        """Return the CPU time (s) the program has used, all threads."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rss_mb(self) -> float:
        """Return the resident memory (MB)."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 1e6

    def stall(self, seconds: float) -> None:
        """Take nothing for a while, as a terminal does whose user holds it."""
        with self._taking:
            time.sleep(seconds)

    def wait_for(self, text: bytes, within: float = 30.0, since: float = 0.0) -> float:
        """Return when (monotonic s) ``text`` stood in what was written since a moment."""
        until = time.monotonic() + within
        while time.monotonic() < until:
            seen = b""
            first = bisect_left(self.chunks, since, key=itemgetter(0))
            for at, data in self.chunks[first:]:
                seen = seen[-len(text) :] + data
                if text in seen:
                    return at
            time.sleep(0.002)
        raise TimeoutError(f"{text!r} did not appear; the end: {self.written()[-2000:]!r}")

    def written(self, since: float = 0.0, until: float = float("inf")) -> bytes:
        """Return what was written between two moments."""
        return b"".join(data for at, data in self.chunks if since <= at < until)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._master)


def program(*arguments: str) -> list[str]:
    """Return the argument vector of the program."""
    return [sys.executable, "-m", "mdterm.app.main", *arguments]
