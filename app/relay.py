"""The port over standard input and output, for a screen at the other end of an ssh connection.

The feed is the shared one of this user, started where none runs, so that a session that dies loses nothing;
where it cannot be had, one in this process.
"""

import asyncio
import contextlib
import logging
import os
import socket
import threading
from typing import Final

from mdterm.app.attach import LAZY, find_quietly, misfit
from mdterm.app.commands.context import UNREACHABLE, USAGE, Context, Failed
from mdterm.app.feed_place import CONNECT_S, find
from mdterm.app.feed_start import STOPPED, start
from mdterm.app.fingerprint import fingerprint
from mdterm.feeds.port_wire import PREAMBLE
from mdterm.feeds.thread import new_loop

log = logging.getLogger(__name__)

_CHUNK: Final = 65_536


def relay(context: Context, *, starts: bool = True) -> int:
    """Carry bytes between the standard streams and a feed until either side ends. Raise Failed.

    Unless it ``starts`` one, there must be one that runs: who was attached when somebody stopped it does not
    undo that.
    """
    settings = context.settings()
    context.start_log()
    if not starts and settings.feed != "own" and not find_quietly():
        raise Failed(f"{STOPPED}: mdterm feed start begins it again", UNREACHABLE)
    if settings.feed != "own":
        try:
            _carry(_shared(context))
        except _NoneError as error:
            if settings.feed == "shared":
                raise Failed(f'feed = "shared": {error}', USAGE) from None
            log.info("a feed of its own: %s", error)
        else:
            return 0
    return _own(context)


class _NoneError(Exception):
    """There is no shared feed to be had."""


def _shared(context: Context) -> socket.socket:
    try:
        found = find(CONNECT_S) or start(context, [LAZY])
    except Failed as error:
        raise _NoneError(error.words) from None
    words = "" if found.note is None else misfit(found.note, fingerprint(context.settings()))
    if words:
        found.connection.close()
        raise _NoneError(words)
    found.connection.settimeout(None)
    return found.connection


def _own(context: Context) -> int:
    """Serve the standard streams from a feed in this process."""
    from mdterm.app.feed_process import FeedProcess
    from mdterm.app.keeping import keeping
    from mdterm.app.providers import World
    from mdterm.app.state import State

    world = World(context)
    world.state = State()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    carrying = threading.Thread(target=_carry, args=(theirs,), name="relay", daemon=True)
    try:
        with keeping(None, False) as kept, asyncio.Runner(loop_factory=new_loop) as runner:
            carrying.start()
            runner.run(FeedProcess(world, kept, None).serve_one(ours))
    finally:
        world.close()
        world.state.save()
    return 0


def _carry(way: socket.socket) -> None:
    """Carry bytes both ways until either side ends."""

    def inward() -> None:
        with contextlib.suppress(OSError):
            while data := os.read(0, _CHUNK):
                way.sendall(data)
        # Nobody is there any more: what the feed has still to say is for nobody.
        with contextlib.suppress(OSError):
            way.shutdown(socket.SHUT_RDWR)

    threading.Thread(target=inward, name="relay in", daemon=True).start()
    with way, contextlib.suppress(OSError):
        os.write(1, PREAMBLE)
        while data := way.recv(_CHUNK):
            at = 0
            while at < len(data):
                at += os.write(1, data[at:])
