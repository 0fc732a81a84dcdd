"""What is kept between two starts: layout, theme, groupings, watchlist edits and the like, in one JSON file.

The configuration is the person's own and is never written; this file is the program's. It is a tree of
tables whose leaves are set one by one. Saving reads the file again, sets only the leaves that were changed
here, and puts the whole in the place of the old one: several programs keep what each of them changed, and
whoever reads finds the old file or the new one, whatever is killed in between. What cannot be read, or only
in part, is never overwritten: it is kept aside first.
"""

import contextlib
import errno
import fcntl
import math
import os
import shutil
import stat
import threading
import time
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any, Final

import msgspec

from mdterm.app import locations

VERSION: Final = 1
Leaf = str | int | float | bool | list[str]
Table = dict[str, Any]
"""A table of the tree: its values are leaves and tables."""

_MOST_BYTES: Final = 4_000_000
_MOST_ENTRIES: Final = 5_000
"""Entries of one table; the one set longest ago goes when there is one more."""
_DEEPEST: Final = 6
_MOST_ASIDE: Final = 9
"""Files kept aside; a further one takes the place of the last, not of the first, which had the most in it."""
_LOCK_TRIES, _LOCK_S = 50, 0.02
"""Another program holds the lock for the time of one small write; so often and so long it is waited for."""


class _UnreadableError(Exception):
    """The file cannot be used, in words; ``is_broken`` where keeping it aside makes room for a new one."""

    def __init__(self, words: str, *, is_broken: bool) -> None:
        super().__init__(words)
        self.is_broken = is_broken


class State:
    """The state file at ``path``. Nothing here raises: what goes wrong is told in words, and work goes on."""

    def __init__(self, path: Path | None = None) -> None:
        # A file that is a link stays one: what it leads to is replaced.
        self.path = Path(os.path.realpath(locations.state_file() if path is None else path))
        self._news: list[str] = []
        self._told: set[str] = set()
        self._changes: dict[tuple[str, ...], Leaf | None] = {}
        self._guard = threading.Lock()
        self._saving = threading.Lock()
        self._is_ours = True
        """Whether the file may be written: one of a later version is left alone."""
        self._tree = self._read_or_begin()

    # Reading

    def get(self, *path: str) -> Leaf | None:
        """Return a leaf, None if there is none."""
        with self._guard:
            found = _at(self._tree, path)
        return None if isinstance(found, dict) else found

    def text(self, *path: str) -> str | None:
        """Return a leaf that is a text, else None."""
        found = self.get(*path)
        return found if isinstance(found, str) else None

    def texts(self, *path: str) -> list[str]:
        """Return a leaf that is a list of texts, else an empty one."""
        found = self.get(*path)
        return list(found) if isinstance(found, list) else []

    def table(self, *path: str) -> Table:
        """Return a copy of a table, oldest entry first; an empty one if there is none."""
        with self._guard:
            found = _at(self._tree, path)
            return _copy(found) if isinstance(found, dict) else {}

    def take_news(self) -> list[str]:
        """Return what a person should know and has not been told, each thing once."""
        with self._guard:
            news, self._news = self._news, []
        return news

    # Changing

    def put(self, value: Leaf | None, *path: str) -> None:
        """Set a leaf, or take it away (None); ``save`` writes it. From any thread."""
        with self._guard:
            if value is None and _at(self._tree, path) is None:
                return
            _set(self._tree, path, value)
            self._changes.pop(path, None)
            self._changes[path] = value

    def has_changes(self) -> bool:
        """Return whether there is something to save."""
        return bool(self._changes)

    def memory(self, name: str) -> MutableMapping[str, str]:
        """Return what a provider wants to know again at the next start, as a mapping that is kept."""
        return _Memory(self, name)

    # Saving

    def save(self) -> None:
        """Write what was changed here over what the file holds now. From any thread; it may wait a second."""
        with self._saving:
            with self._guard:
                changes = dict(self._changes)
            if not changes or not self._is_ours:
                return
            try:
                with _locked(self.path):
                    self._merge_and_write(changes)
            except TimeoutError:
                return  # the changes wait for the next time
            except OSError as error:
                self._tell(f"choices are not kept: {self.path} cannot be written: {_words(error)}")
                return
            with self._guard:
                for path, value in changes.items():
                    if path in self._changes and self._changes[path] is value:
                        del self._changes[path]

    def _merge_and_write(self, changes: dict[tuple[str, ...], Leaf | None]) -> None:
        try:
            tree, is_whole = _read(self.path)
            if not is_whole:
                aside = _aside(self.path)
                shutil.copy2(self.path, aside)
                self._tell(f"{self.path} held what mdterm does not write; it was kept as {aside.name}")
        except FileNotFoundError:
            tree = {}
        except _UnreadableError as error:
            if not self._give_way(error):
                return
            tree = self.table()  # what was read of it before it broke
        for path, value in changes.items():
            _set(tree, path, value)
        _write(self.path, tree)
        with self._guard:
            self._tree = tree
            for path, value in self._changes.items():
                _set(tree, path, value)

    def _read_or_begin(self) -> Table:
        try:
            return _read(self.path)[0]
        except FileNotFoundError:
            pass
        except OSError as error:
            self._is_ours = False
            self._tell(f"choices are not kept: {self.path} cannot be read: {_words(error)}")
        except _UnreadableError as error:
            if error.is_broken:
                return self._begin_anew()
            self._give_way(error)
        return {}

    def _begin_anew(self) -> Table:
        """Put a file that cannot be used out of the way, unless another program has just done so."""
        try:
            with _locked(self.path):
                try:
                    return _read(self.path)[0]
                except _UnreadableError as error:
                    self._give_way(error)
        except FileNotFoundError:
            pass
        except OSError as error:
            self._tell(f"choices begin anew: {self.path} is broken, and cannot be put aside: {_words(error)}")
        return {}

    def _give_way(self, error: _UnreadableError) -> bool:
        """Put a broken file aside; leave alone one that only this version cannot read. Raise OSError."""
        if not error.is_broken:
            self._is_ours = False
            self._tell(f"choices are not kept: {self.path} {error}, and is left alone")
            return False
        aside = _aside(self.path)
        os.replace(self.path, aside)
        self._tell(f"choices begin anew: {self.path} {error}; it was put aside as {aside.name}")
        return True

    def _tell(self, words: str) -> None:
        with self._guard:
            if words not in self._told:
                self._told.add(words)
                self._news.append(words)


class _Memory(MutableMapping[str, str]):
    """A table of texts under ``memory``."""

    def __init__(self, state: State, name: str) -> None:
        self._state = state
        self._name = name

    def __getitem__(self, key: str) -> str:
        found = self._state.text("memory", self._name, key)
        if found is None:
            raise KeyError(key)
        return found

    def __setitem__(self, key: str, value: str) -> None:
        self._state.put(value, "memory", self._name, key)

    def __delitem__(self, key: str) -> None:
        self[key]
        self._state.put(None, "memory", self._name, key)

    def __iter__(self) -> Iterator[str]:
        return iter(
            [key for key, value in self._state.table("memory", self._name).items() if isinstance(value, str)]
        )

    def __len__(self) -> int:
        return sum(1 for _ in self)


# The tree


def _at(tree: Table, path: tuple[str, ...]) -> Any:
    found: Any = tree
    for part in path:
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _set(tree: Table, path: tuple[str, ...], value: Leaf | None) -> None:
    """Set a leaf; it becomes the newest of its table. A leaf in the way of a table gives way."""
    *tables, name = path
    for part in tables:
        inner = tree.get(part)
        if not isinstance(inner, dict):
            if value is None:
                return
            inner = {}
        tree.pop(part, None)
        _append(tree, part, inner)
        tree = inner
    tree.pop(name, None)
    if value is not None:
        _append(tree, name, value)


def _append(table: Table, name: str, value: Any) -> None:
    table[name] = value
    if len(table) > _MOST_ENTRIES:
        del table[next(iter(table))]


def _copy(tree: Table) -> Table:
    return {key: _copy(value) if isinstance(value, dict) else value for key, value in tree.items()}


def _cleaned(tree: Table, depth: int = 1) -> tuple[Table, bool]:
    """Return the tables and leaves of what was read, and whether that is all: the rest means nothing here."""
    kept: Table = {}
    is_whole = True
    for key, value in tree.items():
        if isinstance(value, dict) and depth < _DEEPEST:
            kept[key], is_inner_whole = _cleaned(value, depth + 1)
            is_whole = is_whole and is_inner_whole
        elif isinstance(value, list):
            kept[key] = [one for one in value if isinstance(one, str)]
            is_whole = is_whole and len(kept[key]) == len(value)
        elif isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value)):
            kept[key] = value
        else:
            is_whole = False
    return kept, is_whole


# The file


def _read(path: Path) -> tuple[Table, bool]:
    """Return what the file holds, and whether that is all of it. Raise OSError, or _UnreadableError."""
    if not stat.S_ISREG(path.stat().st_mode):
        # A pipe would be waited for without end, and a device must not be put aside.
        raise _UnreadableError("is not a file", is_broken=False)
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise _UnreadableError("is far too large", is_broken=True)
    try:
        tree = msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise _UnreadableError("is not what mdterm writes", is_broken=True) from None
    version = tree.pop("version", None)
    if not isinstance(version, int) or version < 1:
        raise _UnreadableError("is not what mdterm writes", is_broken=True)
    if version > VERSION:
        raise _UnreadableError("was written by a later version of mdterm", is_broken=False)
    return _cleaned(tree)


def _aside(path: Path) -> Path:
    """Return where a file may be kept that is no more to be used."""
    names = [f"{path.name}.broken", *(f"{path.name}.broken.{at}" for at in range(2, _MOST_ASIDE + 1))]
    found = [path.with_name(name) for name in names]
    return next((one for one in found if not os.path.lexists(one)), found[-1])


def _write(path: Path, tree: Table) -> None:
    """Put a new file in the place of the old one, on the disk before it is seen. Raise OSError."""
    content = msgspec.json.format(msgspec.json.encode({"version": VERSION, **tree}), indent=1) + b"\n"
    made = path.with_name(f"{path.name}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(made, flags, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(made, path)
    except OSError:
        with contextlib.suppress(OSError):
            made.unlink()
        raise
    with contextlib.suppress(OSError):  # not every file system can
        folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock of the state file, making its folder. Raise OSError; TimeoutError if it is taken."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(path.with_name(f"{path.name}.lock"), flags, 0o600)
    try:
        for _ in range(_LOCK_TRIES):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(_LOCK_S)
            except OSError as error:
                if error.errno in (errno.ENOLCK, errno.ENOTSUP):
                    break  # a file system without locks: whoever writes last wins
                raise
        else:
            raise TimeoutError(errno.ETIMEDOUT, "another mdterm holds it")
        yield
    finally:
        os.close(file)


def _words(error: OSError) -> str:
    return error.strerror or type(error).__name__
