"""The feed in a thread of its own, so that a terminal that stalls delays no heartbeat and no count."""

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from mdterm.feeds.address import Instrument
from mdterm.feeds.alerts import Alarm, Rule
from mdterm.feeds.asking import Answer
from mdterm.feeds.contract import Provider
from mdterm.feeds.events import Candle
from mdterm.feeds.frames import ViewSpec
from mdterm.feeds.port import Post
from mdterm.feeds.runtime import Feed

log = logging.getLogger(__name__)

START_S = 10.0
STOP_S = 3.0


def new_loop() -> asyncio.AbstractEventLoop:
    """Return uvloop's event loop where the platform has it: it halves the cost of a paced message."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


class FeedThread:
    """A Feed behind the Port: every call hands a command to the feed's loop and returns at once."""

    def __init__(self, build: Callable[[], Feed]) -> None:
        self._build = build
        self._loop = new_loop()
        self._feed: Feed | None = None
        self._ready: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._main, name="feed", daemon=True)

    def start(self) -> None:
        """Start the thread; return when the feed stands. Raise what its building raised."""
        self._thread.start()
        self._ready.result(START_S)

    def stop(self) -> None:
        """Close the feed and end the thread; give up after a few seconds."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(STOP_S)

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._feed = self._loop.run_until_complete(self._construct())
        except BaseException as error:
            self._ready.set_exception(error)
            self._loop.close()
            return
        self._ready.set_result(None)
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(asyncio.wait_for(self._feed.close(), STOP_S))
        except TimeoutError:
            log.warning("the feed did not close in time")
        finally:
            self._loop.close()

    async def _construct(self) -> Feed:
        return self._build()

    def _call(self, name: str, *args: Any) -> None:
        feed = self._feed
        if feed is None or self._loop.is_closed():
            return
        try:
            self._loop.call_soon_threadsafe(getattr(feed, name), *args)
        except RuntimeError:
            log.debug("the feed is gone; %s was not done", name)

    def connect(self, post: Post) -> None:
        """Begin to receive frame sets."""
        self._call("connect", post)

    def watch(self, instruments: Sequence[Instrument]) -> None:
        """Set the watchlist."""
        self._call("watch", list(instruments))

    def bind(self, panel: str, address: str, spec: ViewSpec) -> None:
        """Bind a panel."""
        self._call("bind", panel, address, spec)

    def respec(self, panel: str, spec: ViewSpec) -> None:
        """Change a bound panel's view."""
        self._call("respec", panel, spec)

    def unbind(self, panel: str) -> None:
        """Let a panel go."""
        self._call("unbind", panel)

    def heed(self, raised: Callable[[Alarm], None]) -> None:
        """Begin to be told of alerts that fire."""
        self._call("heed", raised)

    def alert(self, rules: Sequence[Rule]) -> None:
        """Set all alerts."""
        self._call("alert", list(rules))

    def ack(self, number: int) -> None:
        """Return the credit for a frame set."""
        self._call("ack", number)

    def pace(self, period_s: float) -> None:
        """Make frame sets so far apart (s) from now on."""
        self._call("pace", period_s)

    def bars(self, count: int) -> dict[str, list[Candle]]:
        """Return the newest bars of a minute of every market; wait for them. Raise TimeoutError."""
        feed, found = self._feed, concurrent.futures.Future[dict[str, list[Candle]]]()
        assert feed is not None
        self._loop.call_soon_threadsafe(lambda: found.set_result(feed.bars(count)))
        return found.result(START_S)

    def repaint(self) -> None:
        """Ask for every frame again."""
        self._call("repaint")

    def compare(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Compare pairs of addresses."""
        self._call("compare", list(pairs))

    def provide(self, provider: Provider) -> None:
        """Take in a provider, so that its instruments can be watched."""
        self._call("provide", provider)

    def search(self, query: str, answer: Answer) -> None:
        """Ask the providers' own search; ``answer`` is called on the feed's thread, once for each."""
        self._call("search", query, answer)
