"""Where the shared feed of a user listens: one folder for this user alone, with a lock and a socket in it.

The lock is held by the kernel (flock) for as long as the feed lives, so that of two that start at once one
finds the other, and what a killed one left is known to be left. The lock's file tells who holds it.
"""

import contextlib
import fcntl
import os
import socket
import stat
import struct
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from mdterm.app import locations
from mdterm.app.commands.context import USAGE, Failed

LONGEST_PATH: Final = 107
"""Bytes of a socket's path that the kernel takes."""
BACKLOG: Final = 64
CONNECT_S: Final = 2.0
"""How long a feed may take to answer; the kernel answers for one that is busy."""
_MOST: Final = 4_096
"""Bytes of a lock's file that are read."""
_PEER: Final = struct.Struct("3i")


class Note(msgspec.Struct, frozen=True):
    """What a feed tells of itself to the programs of its own user. ``since`` in ns, UTC."""

    pid: int
    version: str
    fingerprint: str
    since: int
    is_supervised: bool = False
    """Whether somebody else starts it again when it ends."""
    options: tuple[str, ...] = ()
    """How `mdterm feed run` was called, for who has to start one like it."""
    log: str = ""
    """Where its log is; nowhere that this program can read where it is empty."""


class Place(NamedTuple):
    """A folder in which a feed may listen."""

    folder: Path

    @property
    def socket(self) -> Path:
        """The socket."""
        return self.folder / "feed.sock"

    @property
    def lock(self) -> Path:
        """The file that is locked."""
        return self.folder / "feed.lock"


class Busy(Exception):
    """A feed of this user listens already, or is about to."""


class Found(NamedTuple):
    """A feed that runs, and a connection to it; its process is the kernel's word where it gives one."""

    connection: socket.socket
    place: Place
    note: Note | None
    pid: int | None


def places() -> tuple[Place, ...]:
    """Return the places where a feed may be found, the one for a new one first."""
    return tuple(Place(folder) for folder in locations.feed_folders())


def find(timeout_s: float) -> Found | None:
    """Return a connection to the feed that runs, None where none does. Raise Failed where it is not ours."""
    for place in places():
        connection = connect(place.socket, timeout_s)
        if connection is not None:
            pid = check_peer(connection)
            return Found(connection, place, read_note(place), pid)
    return None


def connect(path: Path, timeout_s: float) -> socket.socket | None:
    """Return a connection to a socket, None where nobody listens there."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_s)
        connection.connect(os.fspath(path))
    except OSError:
        # Absent, dead, not ours to open, too long to exist: a feed of ours is none of these.
        connection.close()
        return None
    return connection


def check_peer(connection: socket.socket) -> int | None:
    """Return the process at the other end where the system tells it. Raise Failed if it is another user's."""
    peer = peer_of(connection)
    if peer is None:
        return None  # the folder, which is its user's alone, has to do
    pid, uid = peer
    if uid != os.geteuid():
        connection.close()
        raise Failed(f"the process at the feed's socket is another user's (uid {uid})", USAGE)
    return pid or None  # 0 where it lives in another namespace


def peer_of(connection: socket.socket) -> tuple[int, int] | None:
    """Return pid and uid of the process at the other end, None where the system does not tell."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    pid, uid, _ = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, option, _PEER.size))
    return pid, uid


def is_held(place: Place) -> bool:
    """Return whether a process holds a place: it does until its very end."""
    try:
        file = os.open(place.lock, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    else:
        return False
    finally:
        os.close(file)


def read_note(place: Place) -> Note | None:
    """Return what the feed there told of itself, None where that cannot be read."""
    try:
        with place.lock.open("rb") as file:
            return msgspec.json.decode(file.read(_MOST), type=Note)
    except (OSError, msgspec.MsgspecError):
        return None


class Berth:
    """A place that this process holds, and the socket on which it listens there."""

    def __init__(self, place: Place, note: Note) -> None:
        """Take the place. Raise Busy where a feed runs there, Failed where nobody could."""
        self.place = place
        self.note = note
        self._lock = _locked(place)
        try:
            self.socket = _listen(place.socket)
        except BaseException:
            os.close(self._lock)
            raise
        self._mark = _mark(place.socket)
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, msgspec.json.encode(note), 0)

    def is_there(self) -> bool:
        """Whether the socket can still be found: a runtime directory goes away with the last session."""
        try:
            return _mark(self.place.socket) == self._mark
        except OSError:
            return False

    def move(self, to: "Berth") -> None:
        """Hold another place instead of this one."""
        self.close()
        self.place, self.socket = to.place, to.socket
        self._lock, self._mark = to._lock, to._mark

    def close(self) -> None:
        """Leave the place; whoever comes finds nothing there."""
        if self.is_there():
            with contextlib.suppress(OSError):
                self.place.socket.unlink()
        self.socket.close()
        os.close(self._lock)


def _mark(path: Path) -> tuple[int, int, int]:
    """Return what tells a file from every other one that may come to stand in its place."""
    told = path.stat()
    return told.st_dev, told.st_ino, told.st_mtime_ns


def berth(note: Note) -> Berth:
    """Take the first place that can be had. Raise Busy, or Failed with the words of each."""
    problems = []
    found = find(CONNECT_S)
    if found is not None:
        found.connection.close()
        raise Busy
    for place in places():
        try:
            return Berth(place, note)
        except Failed as error:
            problems.append(error.words)
    raise Failed("\n".join(problems), USAGE)


def _locked(place: Place) -> int:
    """Return the lock of a place, held, in a folder of this user alone."""
    folder = place.folder
    length = len(os.fsencode(place.socket))
    if length > LONGEST_PATH:
        raise Failed(
            f"{place.socket}: {length} bytes are too many for a socket's path (at most {LONGEST_PATH}); "
            "set XDG_RUNTIME_DIR or XDG_STATE_HOME to a folder with a shorter name",
            USAGE,
        )
    try:
        if not folder.is_dir():
            if folder.name == "mdterm" and not folder.parent.is_dir():
                raise Failed(f"{folder.parent}: there is no such runtime directory", USAGE)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        told = folder.lstat()
        if not stat.S_ISDIR(told.st_mode) or told.st_uid != os.geteuid():
            raise Failed(f"{folder}: not a folder of this user's own, so no feed can listen there", USAGE)
        folder.chmod(0o700)
        file = os.open(place.lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Failed(f"{folder}: no feed can listen there: {error.strerror}", USAGE) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise Busy from None
    except OSError as error:
        os.close(file)
        raise Failed(f"{folder}: this file system has no locks: {error.strerror}", USAGE) from None
    return file


def _listen(path: Path) -> socket.socket:
    """Return a socket that listens for this user alone; one that is left from a killed feed goes."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        path.unlink(missing_ok=True)
        listening.bind(os.fspath(path))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise Failed(f"{path}: no feed can listen there: {error.strerror}", USAGE) from None
    finally:
        os.umask(before)
    listening.setblocking(False)
    return listening
