"""Make the pictures of the documentation from the simulated market, so that they show what the program shows.

    python docs/pictures.py [FOLDER]

The market is the made-up one with its fixed seed; the pictures are taken once enough of it has been traded.
"""

import asyncio
import sys
from pathlib import Path

from mdterm.app.commands.context import Context
from mdterm.app.dashboard import Dashboard
from mdterm.app.providers import World
from mdterm.feeds.frames import FrameSet, HeaderFrame
from mdterm.feeds.port import Post
from mdterm.feeds.runtime import Feed
from mdterm.feeds.thread import FeedThread

SIZE = (120, 40)
PICTURES = {
    "dashboard": ("dark", "trader", ()),
    "tape": ("blue-orange", "tape", ()),
    "chart": ("light", "chart", ("A", "A", "A", "P", "C")),
}
"""Their names, each with theme, layout, and the keys that are pressed before it is taken."""
ENOUGH_TRADES = 300
TOO_LONG_S = 120.0
SETTLED_S = 2.0


class Watched(FeedThread):
    """A feed that tells when the shown instrument has traded enough."""

    def __init__(self, world: World) -> None:
        super().__init__(lambda: Feed(world.providers, accounts=world.accounts()))
        self.enough = asyncio.Event()
        self._ui = asyncio.get_running_loop()

    def connect(self, post: Post) -> None:
        """Look at the frames on their way to the screen."""

        def look(frames: FrameSet) -> None:
            post(frames)
            header = frames.panels.get("header")
            frame = None if header is None else header.frame
            if isinstance(frame, HeaderFrame) and frame.trades >= ENOUGH_TRADES:
                self._ui.call_soon_threadsafe(self.enough.set)

        super().connect(look)


async def take(folder: Path) -> None:
    """Run the dashboard on the simulated market and save its pictures."""
    world = World(Context({}))
    instruments = world.instruments(world.default_addresses())
    feed = Watched(world)
    feed.start()
    try:
        feed.watch(instruments)
        app = Dashboard(feed, instruments, accounts=world.accounts())
        async with app.run_test(size=SIZE) as pilot:
            async with asyncio.timeout(TOO_LONG_S):
                await feed.enough.wait()
            for name, (theme, layout, keys) in PICTURES.items():
                app.theme = theme
                app.board.show_layout(layout)
                await pilot.press(*keys)
                await pilot.pause(SETTLED_S)  # the feed makes what the layout wants to show
                picture = app.export_screenshot(title="mdterm")
                (folder / f"{name}.svg").write_text(picture, encoding="utf-8")
    finally:
        feed.stop()
        world.close()


if __name__ == "__main__":
    asyncio.run(take(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent))
