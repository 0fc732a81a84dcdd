"""The feed's thread: what is asked before it starts is done, and what its building raises is told."""

import queue

import pytest

from mdterm.feeds.frames import FrameSet
from mdterm.feeds.kiyotaka.feed import Kiyotaka, Options
from mdterm.feeds.runtime import Feed
from mdterm.feeds.specs import LadderSpec
from mdterm.feeds.thread import FeedThread

ADDRESS = "kiyotaka:BINANCE_FUTURES:BTCUSDT"


def test_what_is_asked_before_the_thread_starts_is_done_in_order() -> None:
    options = Options(token="none", nonbook_url="ws://127.0.0.1:9", book_url="ws://127.0.0.1:9")
    provider = Kiyotaka("kiyotaka", options)
    thread = FeedThread(lambda: Feed({"kiyotaka": provider}, held_s=60.0))
    posted: queue.Queue[FrameSet] = queue.Queue()
    thread.bind("ladder", ADDRESS, LadderSpec(rows=10))
    thread.connect(posted.put)
    thread.launch()
    thread.launch()  # the second time changes nothing
    try:
        assert "ladder" in posted.get(timeout=10).panels
        assert thread.bars(1) == {ADDRESS: []}
    finally:
        thread.stop()


def test_what_building_raises_is_told() -> None:
    def build() -> Feed:
        raise OSError("no room")

    thread = FeedThread(build)
    told: queue.Queue[BaseException] = queue.Queue()
    thread.launch(told.put)
    assert str(told.get(timeout=10)) == "no room"
    thread.stop()
    with pytest.raises(OSError, match="no room"):
        thread.bars(1)
