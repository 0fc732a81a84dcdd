"""Whether a program has connections of its own or those of the shared feed, and how it attaches to that.

`feed = "own"` never attaches; `"auto"` does where a feed runs whose providers are set as this program's are;
`"shared"` starts one where none runs, and is an error where it cannot be had.
"""

import asyncio
import logging
import os
import time
from typing import TYPE_CHECKING, Final

from mdterm.app import __version__
from mdterm.app.commands.context import UNREACHABLE, USAGE, Context, Failed
from mdterm.app.feed_place import CONNECT_S, Note, find
from mdterm.app.feed_start import STOPPED, start

if TYPE_CHECKING:
    from mdterm.feeds.attached import AttachedPort
    from mdterm.feeds.port_wire import Role

log = logging.getLogger(__name__)

LAZY: Final = "--lazy"
"""How a feed is started that somebody needs: it watches what is asked for, and nothing before."""
SUPERVISED_S: Final = 5.0
"""How long a service manager gets to start a feed again, before somebody else does."""


def port_or_none(
    context: Context, role: "Role" = "screen", *, own_because: str = "", starts: bool = False
) -> "AttachedPort | None":
    """Return a port that is attached to the shared feed, None where connections are to be this program's own.

    ``starts`` has one started where none runs, as ``feed = "shared"`` does. ``own_because`` says why they
    must be. Why they are, where a feed runs, goes to the log and to ``context.remarks``. Raise Failed where
    the shared feed is asked for and cannot be had.
    """
    setting = context.settings().feed
    if setting == "own":
        return None
    try:
        if own_because:
            raise _NotShared(own_because)
        return _port(context, role, starts=starts or setting == "shared")
    except _NotShared as reason:
        if setting == "shared":
            raise Failed(f'feed = "shared": {reason}', reason.status) from None
        if reason.is_worth_telling:
            told = f"connections are this program's own: {reason}"
            log.info("%s", told)
            context.remarks.append(told)
        return None


class _NotShared(Exception):
    """The shared feed cannot serve; silent where there simply is none."""

    def __init__(self, words: str, status: int = USAGE, *, is_worth_telling: bool = True) -> None:
        super().__init__(words)
        self.status = status
        self.is_worth_telling = is_worth_telling


def _port(context: Context, role: "Role", *, starts: bool) -> "AttachedPort":
    found = find(CONNECT_S)
    if found is None:
        if not starts:
            raise _NotShared("no feed runs", is_worth_telling=False)
        found = start(context, [LAZY])
    # Most programs have connections of their own, and shall not wait for what those that attach need.
    from mdterm.app.fingerprint import fingerprint
    from mdterm.feeds.attached import AttachedPort
    from mdterm.feeds.attachment import AttachError
    from mdterm.feeds.port_wire import VERSION, Hello

    found.connection.close()
    note = found.note
    print_ = fingerprint(context.settings())
    words = "" if note is None else misfit(note, print_)
    if words:
        raise _NotShared(words)
    port = AttachedPort(
        dial,
        Hello(VERSION, __version__, role, os.getpid(), print_),
        revive=_Revival(context, note).revive,
    )
    try:
        port.start()
    except AttachError as error:
        port.stop()
        raise _NotShared(str(error), error.status) from None
    return port


def misfit(note: Note, fingerprint_: str) -> str:
    """Return why a feed cannot serve a program with these provider settings, nothing where it can."""
    if note.version != __version__:
        return (
            f"the feed (pid {note.pid}) is of mdterm {note.version}, this program of {__version__}: "
            "end it with mdterm feed stop"
        )
    if note.fingerprint != fingerprint_:
        return (
            f"the feed (pid {note.pid}) runs with other provider settings than this program: end it with "
            'mdterm feed stop, or set feed = "own"'
        )
    return ""


async def dial() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a stream to the feed of this user, wherever it listens now. Raise AttachError."""
    from mdterm.feeds.attachment import AttachError

    try:
        found = await asyncio.to_thread(find, CONNECT_S)
    except Failed as error:
        raise AttachError(error.words, error.status) from None
    if found is None:
        raise AttachError("no feed runs", UNREACHABLE)
    found.connection.setblocking(False)
    return await asyncio.open_unix_connection(sock=found.connection)


class _Revival:
    """What becomes of a feed that was lost: one that died is started again, one that was stopped is not."""

    def __init__(self, context: Context, note: Note | None) -> None:
        self._context = context
        self._note = note

    def revive(self, words: str) -> None:
        """Have a feed to attach to, given why the last one was lost. Raise AttachError."""
        from mdterm.feeds.attachment import AttachError

        if find_quietly():
            return
        if words.startswith(STOPPED):
            raise AttachError(f"{STOPPED}: mdterm feed start begins it again", UNREACHABLE)
        if self._note is not None and self._note.is_supervised:
            until = time.monotonic() + SUPERVISED_S
            while time.monotonic() < until:
                time.sleep(0.2)
                if find_quietly():
                    return
        try:
            start(self._context, self._note.options if self._note is not None else [LAZY]).connection.close()
        except Failed as error:
            raise AttachError(error.words, error.status) from None
        log.warning("the feed had died; another one was started")


def find_quietly() -> bool:
    """Return whether a feed of this user runs. Raise AttachError where another one is in its place."""
    from mdterm.feeds.attachment import AttachError

    try:
        found = find(CONNECT_S)
    except Failed as error:
        raise AttachError(error.words, error.status) from None
    if found is not None:
        found.connection.close()
    return found is not None
