"""One process a credential, where a provider allows only so many connections.

A lock is a file in the state folder, named by a hash of the credential and held by the kernel (flock) for
as long as the process lives: one that died, however it died, holds nothing. What the file says is only
for the words of a refusal.
"""

import contextlib
import fcntl
import hashlib
import hmac
import json
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mdterm.app import locations
from mdterm.app.commands.context import USAGE, Failed
from mdterm.feeds.text import clean

log = logging.getLogger(__name__)

_SALT: Final = b"mdterm lock 1"
_NAME_LENGTH: Final = 24
_MOST: Final = 500
"""Bytes of a lock file that are read."""
_LOOKS, _LOOK_S = 10, 0.02
"""A holder writes its name a moment after it got the lock; so often and so long it is waited for."""


@contextlib.contextmanager
def hold(
    kind: str, credential: str, *, command: str = "", advice: str = "", folder: Path | None = None
) -> Iterator[None]:
    """Hold the lock of a credential. Raise Failed (2) with the holder's pid and what to do if it is taken.

    ``command`` says to others what holds it, ``advice`` what else could be done than to end that. Where the
    folder cannot be written, or locks nothing, work goes on without a lock and the log says so.
    """
    path = (locations.state_folder() if folder is None else folder) / file_name(kind, credential)
    try:
        file = _open(path)
    except OSError as error:
        log.warning("%s: no lock for %s: %s", path.parent, kind, error.strerror)
        yield
        return
    try:
        _take(file, kind, command, advice)
        yield
    finally:
        os.close(file)


def file_name(kind: str, credential: str) -> str:
    """Return the name of a credential's lock file, from which the credential cannot be had."""
    digest = hmac.new(_SALT, f"{kind}\0{credential}".encode(), hashlib.sha256)
    return f"{digest.hexdigest()[:_NAME_LENGTH]}.lock"


def _open(path: Path) -> int:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    # A link there would let somebody else's file be written to.
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    os.fchmod(file, 0o600)
    return file


def _take(file: int, kind: str, command: str, advice: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Failed(_words(file, kind, advice), USAGE) from None
    except OSError as error:
        log.warning("this file system has no locks; %s is not locked: %s", kind, error.strerror)
        return
    os.ftruncate(file, 0)
    os.pwrite(file, json.dumps({"pid": os.getpid(), "command": command}).encode(), 0)


def _words(file: int, kind: str, advice: str) -> str:
    pid, command = _holder(file)
    if pid == os.getpid():
        return f"two providers of kind {kind} have the same key: give each address the same provider's name"
    who = "another process" if pid is None else f"pid {pid}"
    doing = f" (mdterm {command})" if command else ""
    if command.partition(" ")[0] == "feed":
        return (
            f"the key for {kind} is in use by the shared feed ({who}), and the provider caps connections\n"
            "what has the same provider settings attaches to it; mdterm feed stop ends it"
        )
    end = "end that one" if pid is None else f"end that one (kill {pid})"
    return (
        f"the key for {kind} is in use by {who}{doing}, and the provider caps its connections\n"
        f"{end}{', or ' + advice if advice else ''}"
    )


def _holder(file: int) -> tuple[int | None, str]:
    """Return who holds the lock, as far as the file tells; a process that is gone does not hold it."""
    for look in range(_LOOKS):
        if look:
            time.sleep(_LOOK_S)
        with contextlib.suppress(ValueError, TypeError, KeyError, OSError):
            told = json.loads(os.pread(file, _MOST, 0))
            pid = int(told["pid"])
            _check_alive(pid)
            return pid, clean(str(told["command"]), 60)
    return None, ""


def _check_alive(pid: int) -> None:
    """Raise ProcessLookupError for a process that is gone, ValueError for what is no process."""
    if pid <= 0:
        raise ValueError(pid)
    with contextlib.suppress(PermissionError):
        os.kill(pid, 0)
