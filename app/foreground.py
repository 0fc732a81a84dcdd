"""A coroutine on the main thread, ended by a signal as the shell expects it."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

from click.exceptions import Exit

from mdterm.app.commands.context import INTERRUPTED, TERMINATED
from mdterm.feeds.thread import new_loop

_STATUS = {signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED, signal.SIGHUP: TERMINATED}
_T = TypeVar("_T")


def run(work: Coroutine[Any, Any, _T]) -> _T:
    """Run ``work`` to its end; a signal cancels it, lets it clean up, and raises click's Exit."""
    before = {number: signal.getsignal(number) for number in _STATUS}
    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(_guarded(work))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _guarded(work: Coroutine[Any, Any, _T]) -> _T:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    came: list[int] = []

    def stop(number: signal.Signals) -> None:
        came.append(_STATUS[number])
        task.cancel()

    for number in _STATUS:
        loop.add_signal_handler(number, stop, number)
    try:
        return await work
    except asyncio.CancelledError:
        if came:
            raise Exit(came[0]) from None
        raise
    finally:
        for number in _STATUS:
            loop.remove_signal_handler(number)
