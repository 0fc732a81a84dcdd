"""The events of a recording, as fast as they can be had: for lines, exports and tests."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import cast

from mdterm.feeds.events import STREAM_OF, Event, FeedStatus, Stream
from mdterm.feeds.listening import Listener
from mdterm.feeds.recording import Head, Recording
from mdterm.feeds.replay import ReplayFeed

_TURN = 2048


def wants_of(head: Head, kinds: Sequence[Stream] | None) -> list[tuple[str, Stream]]:
    """Return what to listen to: what was, or these kinds of everything that was watched."""
    if kinds is None and head.wants:
        return head.wants
    chosen = kinds if kinds is not None else cast(Sequence[Stream], ("trade", "book"))
    return [(address, kind) for address in head.addresses for kind in chosen]


def only(
    listener: Listener, kinds: Sequence[Stream] | None, since: int | None = None, until: int | None = None
) -> Listener:
    """Return a listener that is told events of some kinds alone, received in ``[since, until]`` (ns).

    Statuses are of every kind.
    """
    if kinds is None and since is None and until is None:
        return listener
    wanted = None if kinds is None else {one for one, stream in STREAM_OF.items() if stream in kinds}

    def choose(events: Sequence[Event]) -> None:
        chosen = [
            one
            for one in events
            if (wanted is None or type(one) in wanted or type(one) is FeedStatus)
            and (since is None or one.seen >= since)
            and (until is None or one.seen <= until)
        ]
        if chosen:
            listener(chosen)

    return choose


async def retell(
    recording: Recording,
    listener: Listener,
    wants: Sequence[tuple[str, Stream]],
    interval: str,
    goes_on: Callable[[], bool] = lambda: True,
) -> None:
    """Hand every event of a recording on, in the order it was received in. Raise JournalError."""
    feed = ReplayFeed(recording.head)
    try:
        feed.listen(wants, listener, interval=interval)
        with closing(recording.records()) as records:
            for count, record in enumerate(records):
                feed.apply(record)
                if count % _TURN == 0:
                    await asyncio.sleep(0)
                    if not goes_on():
                        return
    finally:
        await feed.close()
