"""Truth: whatever way a cell took, the terminal shows exactly what Textual's own compositor would write.

Two terminals see the same session: one gets the program's bytes, the other, at every stop, the whole screen
as the compositor has it, without the difference, the short way and everything else that saves bytes.
"""

import random
from typing import Any

import pyte
import pytest
from textual import events
from textual.geometry import Size
from textual.pilot import Pilot
from textual.strip import Strip

from mdterm.app.dashboard import Dashboard
from tests.app.test_dashboard_bytes import Board, RecordingDriver, running

KEYS = (
    "t",
    "l",
    "m",
    "question_mark",
    "escape",
    "tab",
    "f",
    "c",
    "j",
    "k",
    "plus",
    "minus",
    "space",
    "L",
    "z",
    "v",
    "i",
)
SIZES = ((80, 24), (120, 40), (60, 20), (100, 30))


def looks(screen: pyte.Screen) -> list[list[tuple[object, ...]]]:
    """Return what can be seen of each cell: a blank shows no foreground and no weight."""
    found = []
    for y in range(screen.lines):
        row: list[tuple[object, ...]] = []
        for x in range(screen.columns):
            cell = screen.buffer[y][x]
            if cell.data == " " and not (cell.reverse or cell.underscore):
                row.append((" ", cell.bg))
            else:
                row.append(
                    (cell.data, cell.fg, cell.bg, cell.bold, cell.italics, cell.underscore, cell.reverse)
                )
        found.append(row)
    return found


def plain(app: Dashboard, size: tuple[int, int]) -> pyte.Screen:
    """Return a terminal that was sent the whole screen the way Textual writes it."""
    screen = pyte.Screen(*size)
    stream = pyte.Stream(screen)
    with app._context():
        update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    for y, line in enumerate(update.strips):  # type: ignore[union-attr]  # a full update has them all
        stream.feed(f"\x1b[{y + 1};1H" + Strip.join(line).render(app.console))
    return screen


async def settle(board: Board) -> None:
    with board.app._context():
        await board.settle()


@pytest.fixture(autouse=True)
def all_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Textual's own output in all colours: a style keeps what it was rendered to first, by any test."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")


@pytest.mark.parametrize("seed", range(3))
async def test_random_sessions_show_what_the_compositor_has(
    port: Any, instruments: Any, clock: Any, seed: int
) -> None:
    dice = random.Random(seed)
    app = Dashboard(port, instruments, clock=clock, driver_class=RecordingDriver)
    async with running(app) as board:
        screen = pyte.Screen(*board.size)
        stream = pyte.Stream(screen)
        stream.feed("".join(board.driver.painted()))
        for step in range(25):
            action = dice.choice(
                ("frames", "frames", "frames", "key", "key", "size", "notify", "tick", "focus")
            )
            if action == "frames":
                some = [name for name in port.bound if dice.random() < 0.6]
                port.push(*some, shift=step)
            elif action == "key":
                key = dice.choice(KEYS)
                action += f" {key}"
                await Pilot(app).press(key)
            elif action == "size":
                size = dice.choice(SIZES)
                screen.resize(size[1], size[0])
                board.size = size
                app.post_message(events.Resize(Size(*size), Size(*size)))
            elif action == "notify":
                app.notify(f"notice {step}", timeout=100)
            elif action == "tick":
                clock.now += 1.0
                app.tick()
            else:
                app.post_message(events.AppBlur())
                await settle(board)
                app.post_message(events.AppFocus())
            await settle(board)
            stream.feed("".join(board.driver.painted()))
            want, have = looks(plain(app, board.size)), looks(screen)
            for y, (wanted, had) in enumerate(zip(want, have, strict=True)):
                assert had == wanted, f"seed {seed}, step {step}, after {action}: row {y}"


async def test_what_nothing_covers_takes_the_short_way(port: Any, instruments: Any, clock: Any) -> None:
    app = Dashboard(port, instruments, clock=clock, driver_class=RecordingDriver)
    async with running(app) as board:
        await settle(board)
        asked = 0
        render = app.board._compositor.render_update

        def count(*args: Any, **kwargs: Any) -> Any:
            nonlocal asked
            asked += 1
            return render(*args, **kwargs)

        app.board._compositor.render_update = count  # type: ignore[method-assign]
        board.driver.painted()
        for step in range(1, 6):
            port.push("header", "ladder", "tape", shift=step)
            await settle(board)
        assert asked == 0
        assert board.driver.painted()
        app.notify("over the panels", timeout=100)
        await settle(board)
        before = asked
        port.push(*port.bound, shift=7)
        await settle(board)
        assert asked > before, "what lies under a notice is the compositor's affair"
