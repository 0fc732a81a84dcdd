"""Start the shared feed as a process of its own, and wait until it listens or says why it does not."""

import contextlib
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mdterm.app import locations
from mdterm.app.commands.context import USAGE, Context, Failed
from mdterm.app.feed_place import CONNECT_S, Found, find

BUSY: Final = 75
"""What a feed ends with that found another one: EX_TEMPFAIL of sysexits.h."""
STOPPED: Final = "the feed was stopped"
"""What its clients are told when somebody ends it: they do not start another one."""
START_S: Final = 30.0
"""It may have to run a command that reveals a key, and disks are slow."""
_MOST_WORDS: Final = 4_000


def start(context: Context, options: Sequence[str] = ()) -> Found:
    """Start a feed with the common options of this run, and ``options`` of `mdterm feed run`.

    One that another program starts at the same moment is as good. Raise Failed with the words of the process
    and its exit status.
    """
    process = _spawn(["feed", "run", "--detached", *options, *_common(context)])
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        ready, _, _ = select.select([process.stdout], [], [], START_S)
        if not ready:
            process.kill()
            process.wait()
            raise Failed(f"the feed did not start within {START_S:g} s{_see_log(context)}", USAGE)
        is_ready = bool(process.stdout.readline())
        if not is_ready:
            words = process.stderr.read(_MOST_WORDS).decode(errors="replace")
            status = process.wait()
            if status != BUSY:
                raise Failed(_told(words) or f"the feed ended at once ({status})", max(status, 1))
    # This program may go on for days, and what ends under it must not stay as a zombie.
    threading.Thread(target=process.wait, name="feed process", daemon=True).start()
    return _found()


def _spawn(arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
    # In a session of its own: no terminal, no hangup. At the root, so that no folder is kept busy.
    return subprocess.Popen(  # noqa: S603  this program itself
        [sys.executable, "-P", "-m", "mdterm.app.main", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        start_new_session=True,
    )


def _common(context: Context) -> list[str]:
    """Return the common options as they were given, with paths that hold anywhere."""
    log_file = context.log_file or locations.feed_log_file()
    found = ["--log-level", context.log_level, "--log-file", os.path.abspath(log_file)]
    if context.config_path is not None:
        found += ["--config", os.path.abspath(context.config_path)]
    for override in context.overrides:
        found += ["--set", override]
    return found


def _found() -> Found:
    """Return the feed that has been started, by this process or by another one a moment ago."""
    until = time.monotonic() + CONNECT_S
    while True:
        found = find(CONNECT_S)
        if found is not None:
            return found
        if time.monotonic() > until:
            raise Failed("the feed has ended again: `mdterm feed log` tells why", USAGE)
        time.sleep(0.02)


def _see_log(context: Context) -> str:
    return f"; {context.log_file or locations.feed_log_file()} may tell why"


def _told(words: str) -> str:
    """Return what a process said, without the name that it puts before."""
    lines = [line.removeprefix("mdterm: ").strip() for line in words.splitlines()]
    return "\n".join(line for line in lines if line)


def detach(where: Path) -> None:
    """Tell who started this process that it listens, and let go of where it came from."""
    with contextlib.suppress(OSError):  # whoever started it has gone meanwhile
        os.write(1, os.fsencode(where) + b"\n")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)
