"""The shared feed of a home: started, asked, ended."""

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.program.launch import WITHIN_S, run

LOOK_S = 0.05


def status(home: Path) -> dict[str, Any] | None:
    """Return what the feed tells of itself, None where none runs."""
    done = run(home, "feed", "status", "--json")
    assert done.stderr == "", done.stderr
    told: dict[str, Any] | None = json.loads(done.stdout)
    assert done.returncode == (4 if told is None else 0)
    return told


def start(home: Path, *options: str, env: Mapping[str, str] | None = None) -> int:
    """Start a feed; return its process."""
    done = run(home, *options, "feed", "start", env=env)
    assert done.returncode == 0, done.stderr
    assert "started: pid " in done.stdout
    return int(done.stdout.split("pid ")[1].split(",")[0])


def is_gone(pid: int) -> bool:
    """Return whether a process has ended; one that nobody has waited for has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_gone(pid: int, within: float = WITHIN_S) -> None:
    """Return once a process has ended."""
    until = time.monotonic() + within
    while not is_gone(pid):
        assert time.monotonic() < until, f"{pid} goes on"
        time.sleep(LOOK_S)


def kill(pid: int) -> None:
    """End a process without a word."""
    os.kill(pid, signal.SIGKILL)
    wait_gone(pid)


@contextlib.contextmanager
def at(home: Path) -> Iterator[Path]:
    """Give a home in which a feed may be started; it is ended whatever becomes of it."""
    (home / "run").mkdir(mode=0o700, exist_ok=True)
    try:
        yield home
    finally:
        for lock in (home / "run" / "mdterm" / "feed.lock", home / "state" / "mdterm" / "run" / "feed.lock"):
            with contextlib.suppress(OSError, ValueError):
                pid = int(json.loads(lock.read_text())["pid"])
                if not is_gone(pid) and "mdterm" in Path(f"/proc/{pid}/cmdline").read_text():
                    os.kill(pid, signal.SIGKILL)
