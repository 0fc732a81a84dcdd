"""The feed in a thread of its own, so that a terminal that stalls delays no heartbeat and no count."""

import asyncio
import concurrent.futures
import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mdterm.feeds.address import Instrument
from mdterm.feeds.alerts import Alarm, Rule
from mdterm.feeds.asking import Answer
from mdterm.feeds.events import Candle
from mdterm.feeds.port import Post
from mdterm.feeds.specs import ViewSpec

if TYPE_CHECKING:
    from mdterm.feeds.contract import Provider
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
    """A Feed behind the Port: every call hands a command to the feed's loop and returns at once.

    What is called before the thread starts is done when the feed stands.
    """

    def __init__(self, build: Callable[[], "Feed"]) -> None:
        self._build = build
        self._loop: asyncio.AbstractEventLoop | None = None
        self._feed: Feed | None = None
        self._ready: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._early: list[tuple[str, tuple[Any, ...]]] = []
        self._handing = threading.Lock()
        self._thread = threading.Thread(target=self._main, name="feed", daemon=True)

    def start(self) -> None:
        """Start the thread; return when the feed stands. Raise what its building raised."""
        self.launch()
        self._ready.result(START_S)

    def launch(self, failed: Callable[[BaseException], None] | None = None) -> None:
        """Start the thread, once; ``failed`` is told on it what the building of the feed raised."""
        if self._thread.ident is not None:
            return
        if failed is not None:
            self._ready.add_done_callback(lambda ready: _tell(ready, failed))
        self._thread.start()

    def stop(self) -> None:
        """Close the feed and end the thread; give up after a few seconds."""
        if self._thread.is_alive():
            with contextlib.suppress(Exception):  # what the building raised was told
                self._ready.result(STOP_S)
            loop = self._loop
            if loop is not None and not loop.is_closed():
                with contextlib.suppress(RuntimeError):  # it ended meanwhile
                    loop.call_soon_threadsafe(loop.stop)
            self._thread.join(STOP_S)

    def _main(self) -> None:
        loop = self._loop = new_loop()
        asyncio.set_event_loop(loop)
        try:
            feed = loop.run_until_complete(self._construct())
            with self._handing:
                self._feed = feed
                early, self._early = self._early, []
                for name, args in early:
                    loop.call_soon(getattr(feed, name), *args)
        except BaseException as error:
            self._ready.set_exception(error)
            loop.close()
            return
        self._ready.set_result(None)
        try:
            loop.run_forever()
            loop.run_until_complete(asyncio.wait_for(feed.close(), STOP_S))
        except TimeoutError:
            log.warning("the feed did not close in time")
        finally:
            loop.close()

    async def _construct(self) -> "Feed":
        return self._build()

    def _call(self, name: str, *args: Any) -> None:
        with self._handing:
            feed, loop = self._feed, self._loop
            if feed is None or loop is None:
                self._early.append((name, args))
                return
        try:
            loop.call_soon_threadsafe(getattr(feed, name), *args)
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

    def left(self) -> None:
        """Sum anew what passes from now on."""
        self._call("left")

    def returned(self) -> None:
        """Keep what has passed."""
        self._call("returned")

    def ack(self, number: int) -> None:
        """Return the credit for a frame set."""
        self._call("ack", number)

    def pace(self, period_s: float) -> None:
        """Make frame sets so far apart (s) from now on."""
        self._call("pace", period_s)

    def bars(self, count: int) -> dict[str, list[Candle]]:
        """Return the newest bars of a minute of every market; wait for them. Raise TimeoutError."""
        self._ready.result(START_S)
        feed, loop, found = self._feed, self._loop, concurrent.futures.Future[dict[str, list[Candle]]]()
        assert feed is not None
        assert loop is not None
        loop.call_soon_threadsafe(lambda: found.set_result(feed.bars(count)))
        return found.result(START_S)

    def repaint(self) -> None:
        """Ask for every frame again."""
        self._call("repaint")

    def compare(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Compare pairs of addresses."""
        self._call("compare", list(pairs))

    def provide(self, provider: "Provider") -> None:
        """Take in a provider, so that its instruments can be watched."""
        self._call("provide", provider)

    def search(self, query: str, answer: Answer) -> None:
        """Ask the providers' own search; ``answer`` is called on the feed's thread, once for each."""
        self._call("search", query, answer)


def _tell(ready: "concurrent.futures.Future[None]", failed: Callable[[BaseException], None]) -> None:
    error = ready.exception()
    if error is not None:
        failed(error)
