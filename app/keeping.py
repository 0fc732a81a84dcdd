"""What a run of the dashboard keeps beside the screen: the history of the next start, and a recording."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from mdterm.app import locations
from mdterm.app.commands.context import USAGE, Failed
from mdterm.feeds.recorder import Recorder, RecorderError
from mdterm.feeds.store import Store


class Kept(NamedTuple):
    """Where events go, None where they go nowhere."""

    store: Store | None
    recorder: Recorder | None


@contextmanager
def keeping(record_to: Path | None, no_history: bool) -> Iterator[Kept]:
    """Open what is to be kept, and close it well. Raise Failed where a recording cannot be written."""
    recorder = None
    if record_to is not None:
        try:
            recorder = Recorder(record_to)
        except RecorderError as error:
            raise Failed(f"--record: {error}", USAGE) from error
    store = None if no_history else Store(locations.history_file())
    if store is not None:
        store.start()
    try:
        yield Kept(store, recorder)
    finally:
        if recorder is not None:
            recorder.close()
        if store is not None:
            store.close()
