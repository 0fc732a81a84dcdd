"""What a run of the dashboard keeps beside the screen: the next start's history, an hour to go back in, a
recording."""

import contextlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from mdterm.app import locations
from mdterm.app.commands.context import USAGE, Failed
from mdterm.feeds.journal import Journal, Record
from mdterm.feeds.recorder import Recorder, RecorderError
from mdterm.feeds.rewind import PART_BYTES, PART_S, PARTS

if TYPE_CHECKING:
    from mdterm.feeds.store import Store

log = logging.getLogger(__name__)

_NAME: Final = "rewind.mdj"


class Kept(NamedTuple):
    """Where events go, None where they go nowhere."""

    open_store: "Callable[[], Store] | None"
    """Opens what the next start will know. Not done at once: with it comes SQLite, after the first paint."""
    journal: Journal | None
    rewind: Recorder | None


class Both:
    """A journal of several."""

    def __init__(self, journals: Sequence[Journal]) -> None:
        self._journals = tuple(journals)

    def write(self, record: Record) -> None:
        """Hand one record to each."""
        for journal in self._journals:
            journal.write(record)


@contextlib.contextmanager
def keeping(record_to: Path | None, no_history: bool) -> Iterator[Kept]:
    """Open what is to be kept, and close it well. Raise Failed where a recording cannot be written."""
    with contextlib.ExitStack() as stack:
        recorder = None
        if record_to is not None:
            try:
                recorder = Recorder(record_to)
            except RecorderError as error:
                raise Failed(f"--record: {error}", USAGE) from error
            stack.callback(recorder.close)
        rewind = None

        def open_store() -> "Store":
            from mdterm.feeds.store import Store

            store = Store(locations.history_file())
            store.start()
            stack.callback(store.close)
            return store

        if not no_history:
            rewind = _open_rewind(stack)
        journals: list[Journal] = [one for one in (recorder, rewind) if one is not None]
        journal = None if not journals else journals[0] if len(journals) == 1 else Both(journals)
        yield Kept(None if no_history else open_store, journal, rewind)


def _open_rewind(stack: contextlib.ExitStack) -> Recorder | None:
    """Open the journal of the last hour, in a folder that goes with this run; None where that cannot be."""
    base = locations.rewind_folder()
    _sweep(base)
    folder = base / f"{os.getpid()}-{time.time_ns()}"
    try:
        folder.mkdir(mode=0o700, parents=True)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        recorder = Recorder(folder / _NAME, largest=PART_BYTES, longest_s=PART_S, keep_parts=PARTS)
    except (OSError, RecorderError) as error:
        log.warning("nothing is kept to go back in: %s", error)
        return None
    stack.callback(recorder.close)
    return recorder


def _sweep(base: Path) -> None:
    """Take away what runs left that were killed."""
    with contextlib.suppress(OSError):
        for folder in base.iterdir():
            pid = folder.name.partition("-")[0]
            if pid.isdecimal() and not _is_alive(int(pid)):
                shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
