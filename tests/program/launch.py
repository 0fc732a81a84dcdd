"""The real program in a clean world: a home of its own, nothing of this shell, its signals as in any."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

TOKEN = "sekret-4711-kiyotaka"  # no venue's word for a bad key, and nothing that appears by chance
WITHIN_S = 20.0
"""How long anything may take before a test gives up: the machine may be busy."""

_T = TypeVar("_T")

# A shell in the background hands SIGINT on as ignored; a terminal must be the child's controlling one, or
# it hears nothing of a changed size.
_EXEC = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGINT, signal.SIG_DFL)
if sys.argv[1] == "terminal":
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
if sys.argv[1] == "nohup":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.execv(sys.argv[2], sys.argv[2:])
"""


def command(
    arguments: Sequence[str],
    *,
    kind: Literal["pipe", "terminal", "nohup"] = "pipe",
    program: Sequence[str] = (),
) -> list[str]:
    """Return the argument vector that runs ``program``, which is `mdterm`, with ``arguments``."""
    found = [shutil.which(program[0]) or program[0], *program[1:]] if program else []
    return [
        sys.executable,
        "-ISc",
        _EXEC,
        kind,
        *(found or [sys.executable, "-m", "mdterm.app.main"]),
        *arguments,
    ]


def environment(home: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a clean environment whose every path is under ``home``."""
    folders = {
        "HOME": home,
        "XDG_CONFIG_HOME": home / "config",
        "XDG_STATE_HOME": home / "state",
        "XDG_DATA_HOME": home / "data",
        "XDG_CACHE_HOME": home / "cache",
        "XDG_RUNTIME_DIR": home / "run",
    }
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    words = {"LANG": "C.UTF-8", "TZ": "UTC", "TERM": "xterm-256color"}
    return {**kept, **words, **{name: str(path) for name, path in folders.items()}, **(more or {})}


def run(
    home: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    shell: str = "",
    within: float = 30.0,
) -> subprocess.CompletedProcess[str]:
    """Run the program to its end, without a terminal; ``shell`` is a line of sh that runs it as ``"$@"``."""
    return subprocess.run(
        [*(("sh", "-c", shell, "sh") if shell else ()), *command(arguments)],
        env=environment(home, env),
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )


class Running:
    """The program at work on pipes: its lines as they come, its words, its end."""

    def __init__(
        self, home: Path, *arguments: str, env: Mapping[str, str] | None = None, nohup: bool = False
    ) -> None:
        self.process = subprocess.Popen(
            command(arguments, kind="nohup" if nohup else "pipe"),
            env=environment(home, env),
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._lines: list[str] = []
        self._is_gone = False
        self._errors = bytearray()
        self._news = threading.Condition()
        self._threads = [
            threading.Thread(target=self._read_lines, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _read_lines(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self._lines.append(line.decode())
                self._news.notify_all()
            if self._is_gone:
                break
        self.process.stdout.close()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._errors += line
        self.process.stderr.close()

    def lines(self) -> list[str]:
        """Return the lines so far."""
        with self._news:
            return list(self._lines)

    def records(self) -> list[dict[str, Any]]:
        """Return the lines so far, decoded."""
        return [json.loads(line) for line in self.lines()]

    def words(self) -> str:
        """Return what was said on standard error so far."""
        return bytes(self._errors).decode()

    def wait_for(self, condition: Callable[[list[str]], _T | None], within: float = WITHIN_S) -> _T:
        """Return what ``condition`` makes of the lines as soon as that is neither None nor False."""
        until = time.monotonic() + within
        with self._news:
            while True:
                found = condition(self._lines)
                if found is not None and found is not False:
                    return found
                left = until - time.monotonic()
                if left <= 0 or not self._news.wait(left):
                    tail = "".join(self._lines[-5:])
                    raise AssertionError(f"not within {within} s; the last lines:\n{tail}{self.words()}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def hang_up(self) -> None:
        """Read one line more and close the pipe, as `head` does when it has enough."""
        self._is_gone = True

    def wait(self, within: float = WITHIN_S) -> int:
        """Return the exit status once the program has ended and everything it wrote is read."""
        status = self.process.wait(within)
        for thread in self._threads:
            thread.join(within)
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.wait()


def options_to(venue: Running) -> list[str]:
    """Return the options that lead the program to a simulated venue, as soon as that listens."""
    told = json.loads(venue.wait_for(lambda lines: lines[0] if lines else None))
    return [f"--set={key}={value}" for key, value in told.items() if "." in key]
