"""What is left of an error that nobody foresaw: one file for a bug report, without any value of the program.

A traceback of names and lines tells where it was; the locals, which could hold a key, are not in it.
"""

import os
import platform
import sys
import time
import traceback
from collections.abc import Collection
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from mdterm.app import __version__
from mdterm.feeds.text import mask

KEPT: Final = 10
"""Reports kept; a program that is restarted in a loop must not fill the disk."""


def report(error: BaseException, secrets: Collection[str], folder: Path) -> Path:
    """Write a report to a new file, for its owner alone, and return its path. Raise OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = sorted(folder.glob("crash-*.txt"))
    for old in written[: max(0, len(written) - KEPT + 1)]:
        old.unlink(missing_ok=True)
    path = folder / f"crash-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}.txt"
    lines = [
        f"mdterm {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}",
        ", ".join(f"{name} {_version(name)}" for name in ("textual", "websockets", "msgspec", "uvloop")),
        f"TERM={os.environ.get('TERM', '')} in {'tmux' if os.environ.get('TMUX') else 'no tmux'}",
        "",
        *(line.rstrip("\n") for line in traceback.format_exception(error)),
        "",
    ]
    text = mask("\n".join(lines), tuple(secrets))
    private = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(private, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
    return path


def words_of(error: BaseException, secrets: Collection[str]) -> str:
    """Return what to tell a person, and write the report where that is possible."""
    from mdterm.app.locations import state_folder

    told = mask(f"{type(error).__name__}: {error}", tuple(secrets))
    words = f"an error of mdterm's own ended it: {told}"
    try:
        return f"{words}\nA report without any of your data or keys: {report(error, secrets, state_folder())}"
    except OSError as problem:
        # There is no better place left than the words themselves.
        lines = mask("".join(traceback.format_exception(error)), tuple(secrets))
        return f"{words}\nA report could not be written ({problem.strerror or problem}):\n{lines}"


def _version(name: str) -> str:
    module = sys.modules.get(name)
    try:
        return version(name) if module is not None else "not loaded"
    except PackageNotFoundError:
        return "unknown"
