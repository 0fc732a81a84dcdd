"""Work that an app has others do, awaited in tests."""

from contextlib import suppress
from typing import Any

from textual.app import App
from textual.worker import WorkerCancelled


async def finished(app: App[Any]) -> None:
    """Return when nobody is at work; a worker whose place another took was cancelled, which is no fault."""
    while any(not worker.is_finished for worker in app.workers):
        with suppress(WorkerCancelled):
            await app.workers.wait_for_complete()
