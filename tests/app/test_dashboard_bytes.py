"""What the dashboard writes: only what changed, and it arrives as it was painted."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec
import pyte
import pytest
from textual import events
from textual.drivers.headless_driver import HeadlessDriver
from textual.geometry import Region, Size
from textual.pilot import Pilot

from mdterm.app.credit import QUESTION
from mdterm.app.dashboard import Dashboard
from mdterm.app.paced import UNWATCHED_S
from mdterm.app.terminal import Answers
from mdterm.feeds.frames import PanelFrame


class RecordingDriver(HeadlessDriver):
    """A driver that keeps what is written and answers every question, unless it is told not to."""

    @property
    def is_headless(self) -> bool:
        return False

    def start_application_mode(self) -> None:
        super().start_application_mode()
        self.written: list[str] = []
        self.is_answering = True

    def write(self, data: str) -> None:
        self.written.append(data)
        if data == QUESTION and self.is_answering:
            self._loop.call_soon(cast(Answers, self._app).terminal_answered)

    def is_drained(self) -> bool:
        return True

    def painted(self) -> list[str]:
        """Return what was written besides questions, and forget it."""
        written, self.written = self.written, []
        return [text for text in written if text != QUESTION]


class Board:
    """A running dashboard and the driver under it."""

    def __init__(self, app: Dashboard, size: tuple[int, int]) -> None:
        self.app = app
        self.size = size

    @property
    def driver(self) -> RecordingDriver:
        driver = self.app._driver
        assert isinstance(driver, RecordingDriver)
        return driver

    async def settle(self) -> None:
        pilot = Pilot(self.app)
        for _ in range(3):
            await pilot.pause()

    def lines(self) -> list[str]:
        return [strip.text for strip in self.app.screen._compositor.render_strips()]


@asynccontextmanager
async def running(app: Dashboard) -> AsyncIterator[Board]:
    """Run a dashboard on a terminal of 80×24."""
    board = Board(app, (80, 24))
    ready, leave = asyncio.Event(), asyncio.Event()

    async def stay(pilot: Pilot[object]) -> None:
        ready.set()
        await leave.wait()
        app.exit(0)

    task = asyncio.create_task(app.run_async(size=board.size, auto_pilot=stay, mouse=False))
    await asyncio.wait_for(ready.wait(), 10)
    await board.settle()
    yield board
    leave.set()
    await asyncio.wait_for(task, 10)


@pytest.fixture
async def board(port: Any, instruments: Any, clock: Any) -> Any:
    app = Dashboard(port, instruments, clock=clock, driver_class=RecordingDriver)
    async with running(app) as board:
        app.tick()  # from here on a tick changes nothing, for the clock stands still
        await board.settle()
        port.push("header", "ladder", "tape")
        await board.settle()
        yield board


async def test_identical_frames_write_nothing_and_are_acknowledged(board: Any, port: Any) -> None:
    board.driver.written.clear()
    number = port.push("header", "ladder", "tape")
    await board.settle()
    assert board.driver.written == []
    assert port.acked[-1] == number


@pytest.mark.parametrize("sizes", [[(80, 24)], [(40, 10), (80, 24)], [(200, 50), (40, 10), (80, 24)]])
async def test_a_terminal_that_is_its_old_size_again_is_painted_anew(
    board: Any, sizes: list[tuple[int, int]]
) -> None:
    board.driver.painted()
    for size in sizes:
        board.app.post_message(events.Resize(Size(*size), Size(*size)))
    await board.settle()
    screen = pyte.Screen(80, 24)
    pyte.Stream(screen).feed("".join(board.driver.painted()))
    assert screen.display == [line.ljust(80) for line in board.lines()]


async def test_a_paint_between_two_sizes_blanks_nothing(board: Any) -> None:
    screen, size = pyte.Screen(80, 24), board.app.size
    stream = pyte.Stream(screen)
    board.app.repaint_terminal()
    await board.settle()
    stream.feed("".join(board.driver.painted()))
    for passing in (Size(70, 20), size):
        board.app.post_message(events.Resize(passing, passing))
        while board.app.size != passing:
            await asyncio.sleep(0)
        # Textual lays out a moment later; what is painted until then is of the layout gone by.
        board.app.board._compositor._dirty_regions.add(Region(3, 3, 5, 1))
        board.app.board._compositor_refresh()
    await board.settle()
    stream.feed("".join(board.driver.painted()))
    assert screen.display == [line.ljust(80) for line in board.lines()]


async def test_one_changed_level_writes_only_its_digits(board: Any, port: Any) -> None:
    board.driver.painted()
    frame = board.app.board.ladder.frame
    at = next(i for i in range(20, 30) if frame.asks[i])
    asks = list(frame.asks)
    asks[at] = round(asks[at] + 0.001, 3)
    changed = msgspec.structs.replace(frame, asks=asks)
    number = port.send({"ladder": PanelFrame(board.app.board.ladder.shown, changed, True)})
    await board.settle()
    written = "".join(board.driver.painted())
    assert len(written) < 45
    assert written.count("H") == 1
    assert f"\x1b[{board.app.board.ladder.region.y + 1 + 1 + at - 20 + 1};" in written
    assert port.acked[-1] == number


async def test_the_bytes_make_a_terminal_show_the_screen(board: Any, port: Any) -> None:
    screen = pyte.Screen(*board.size)
    stream = pyte.Stream(screen)
    stream.feed("".join(board.driver.painted()))
    for step in range(1, 6):
        port.push("header", "ladder", "tape", shift=step)
        await board.settle()
        stream.feed("".join(board.driver.painted()))
        assert screen.display == board.lines()
    assert "61 722.9" in screen.display[0]


async def test_credit_comes_back_only_after_the_terminal_answered(board: Any, port: Any) -> None:
    board.driver.is_answering = False
    number = port.push("header", shift=1)
    await board.settle()
    assert board.driver.written[-1] == QUESTION
    assert port.acked[-1] == number - 1
    board.app.terminal_answered()
    assert port.acked[-1] == number


async def test_a_stalled_terminal_gets_nothing_then_only_the_newest(
    board: Any, port: Any, clock: Any
) -> None:
    board.driver.is_answering = False
    port.push("header", shift=1)
    await board.settle()
    board.driver.written.clear()
    clock.now += 3
    for step in (2, 3, 4):
        port.push("header", "tape", shift=step)
        await board.settle()
    board.app.tick()
    await board.settle()
    assert board.driver.written == []
    board.app.terminal_answered()
    await board.settle()
    written = board.driver.painted()
    screen = pyte.Screen(*board.size)
    pyte.Stream(screen).feed(written[0])
    # The panels are painted once; only the status line may follow, when its second happens to end here.
    status = str(board.size[1])
    assert all(set(re.findall(r"\x1b\[(\d+);\d+H", later)) <= {status} for later in written[1:])
    assert port.acked[-1] == port.number - 3


async def test_a_terminal_without_the_focus_gets_less_and_is_painted_anew_when_it_has_it(
    board: Any, port: Any
) -> None:
    board.app.post_message(events.AppBlur())
    await board.settle()
    assert port.paces[-1] == UNWATCHED_S
    board.driver.painted()
    board.app.post_message(events.AppFocus())
    await board.settle()
    assert port.paces[-1] == board.app.period_s
    screen = pyte.Screen(*board.size)
    pyte.Stream(screen).feed("".join(board.driver.painted()))
    assert screen.display == board.lines()


async def test_a_slow_link_has_sixteen_colours_and_says_so(port: Any, instruments: Any, clock: Any) -> None:
    app = Dashboard(port, instruments, clock=clock, driver_class=RecordingDriver, slow_link=True)
    async with running(app) as slow:
        port.push("header", "ladder", "tape")
        await slow.settle()
        written = "".join(slow.driver.painted())
        assert " slow link " in slow.lines()[-1]
        assert not re.search(r"[34]8;[25];", written)
        assert "\x1b[" in written


async def test_a_theme_switch_and_a_repaint_write_the_screen(board: Any, port: Any) -> None:
    board.driver.painted()
    await Pilot(board.app).press("t")
    await board.settle()
    assert sum(map(len, board.driver.painted())) > 2_000
    await Pilot(board.app).press("ctrl+l")
    await board.settle()
    screen = pyte.Screen(*board.size)
    pyte.Stream(screen).feed("".join(board.driver.painted()))
    assert screen.display == board.lines()
