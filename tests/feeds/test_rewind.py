"""Going back shows what was, coming back shows what is, and the live feed never notices."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mdterm.feeds.address import parse_address
from mdterm.feeds.clock import Clock
from mdterm.feeds.frames import FrameSet, PanelFrame
from mdterm.feeds.kiyotaka.feed import Options, make
from mdterm.feeds.recorder import Recorder
from mdterm.feeds.rewind import RewindPort
from mdterm.feeds.runtime import Feed
from mdterm.feeds.sim.venue import VenueConfig, VenueThread
from mdterm.feeds.specs import LadderSpec, TapeSpec, WatchSpec
from mdterm.feeds.thread import FeedThread

WITHIN_S = 20.0


class Screen:
    """What a screen would show: it acknowledges everything, and binds again when another time is shown."""

    def __init__(self, port: RewindPort, address: str) -> None:
        self.port = port
        self.address = address
        self.sets: list[FrameSet] = []
        self.panels: dict[str, PanelFrame] = {}
        self.clocks: list[Clock | None] = []
        self.words: list[str] = []
        self._news = threading.Condition()
        port.switched = self.switch
        port.told = self.tell
        port.connect(self.show)
        self.bind()

    def bind(self) -> None:
        self.panels.clear()
        for panel, spec in (("tape", TapeSpec(20)), ("ladder", LadderSpec(20)), ("watchlist", WatchSpec())):
            self.port.bind(panel, self.address, spec)

    def show(self, frames: FrameSet) -> None:
        with self._news:
            self.sets.append(frames)
            self.panels |= frames.panels
            self._news.notify_all()
        self.port.ack(frames.number)

    def switch(self, clock: Clock | None) -> None:
        with self._news:
            self.clocks.append(clock)
            self._news.notify_all()
        self.bind()

    def tell(self, words: str) -> None:
        with self._news:
            self.words.append(words)
            self._news.notify_all()

    def until(self, is_true: Callable[[], bool]) -> None:
        with self._news:
            assert self._news.wait_for(is_true, WITHIN_S)

    def word(self, panel: str) -> str | None:
        return self.panels[panel].shown.word if panel in self.panels else None


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    venue = VenueThread(VenueConfig(rate=4.0))
    urls = {key.rpartition(".")[2]: url for key, url in venue.start().items()}
    recorder = Recorder(tmp_path / "rewind.mdj", largest=60_000, keep_parts=50)
    provider = make("kiyotaka", Options(token="t", weight_per_minute=1000, **urls))  # type: ignore[arg-type]
    instrument = provider.resolve(parse_address("kiyotaka:BTCUSDT"))
    feed = FeedThread(lambda: Feed({"kiyotaka": provider}, journal=recorder, period_s=0.02))
    feed.start()
    feed.watch([instrument])
    port = RewindPort(feed, recorder)
    found = Screen(port, instrument.address)
    try:
        yield found
    finally:
        port.close()
        feed.stop()
        recorder.close()
        venue.stop()


def test_back_in_time_and_live_again(screen: Screen) -> None:
    screen.port.play("pause")
    screen.until(lambda: screen.words == ["the market is live: < goes back in the last hour"])
    screen.until(lambda: screen.word("tape") == "LIVE" and len(screen.port._recorder.parts) > 2)
    lived_until = time.monotonic() + 9.0
    screen.until(lambda: time.monotonic() > lived_until and len(screen.sets) > 10)
    before = time.time_ns()
    screen.port.play("skip", -3.0)
    screen.until(lambda: len(screen.clocks) == 1 and screen.word("tape") not in (None, "LIVE"))
    screen.until(lambda: not (screen.sets[-1].replay is None or screen.sets[-1].replay.is_seeking))
    shown = screen.sets[-1].replay
    assert shown is not None
    assert shown.is_rewind
    assert shown.is_paused
    assert before - 8_500_000_000 < shown.at < before - 2_500_000_000
    assert screen.clocks[0] is not None
    assert screen.clocks[0].wall() == pytest.approx(shown.at, abs=1e9)
    # Nothing of the live feed is shown meanwhile, and nothing of it waits.
    sets = len(screen.sets)
    assert all(one.replay is not None for one in screen.sets[sets - 1 :])
    screen.port.play("skip", 60.0)
    screen.until(lambda: len(screen.clocks) == 2 and screen.word("tape") in ("LIVE", "GAP", "PARTIAL"))
    assert screen.clocks[1] is None
    assert screen.sets[-1].replay is None
    assert not screen.port.is_rewound


def test_where_nothing_is_kept_yet_it_says_so(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "rewind.mdj")
    feed = FeedThread(lambda: Feed({}))
    feed.start()
    try:
        told = threading.Event()
        words: list[str] = []

        def tell(text: str) -> None:
            words.append(text)
            told.set()

        port = RewindPort(feed, recorder)
        port.told = tell
        port.play("skip", -10.0)
        assert told.wait(WITHIN_S)
        assert words == ["cannot go back: nothing was kept yet"]
        assert not port.is_rewound
    finally:
        feed.stop()
        recorder.close()
