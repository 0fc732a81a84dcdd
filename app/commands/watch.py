"""`mdterm [ADDRESS…]`: the dashboard."""

import gc
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from mdterm.app import completing
from mdterm.app.commands.context import INTERRUPTED, TERMINATED, USAGE, Context, Failed, common_options

if TYPE_CHECKING:
    from mdterm.app.keeping import Kept
    from mdterm.app.paced import PacedApp
    from mdterm.app.providers import World
    from mdterm.feeds.attached import AttachedPort

HUNG_UP = 129
PAINTS_A_SECOND = 240
"""Of what takes Textual's way: a first paint and a key's wait for their turn. The beat paces frames."""
GRACE_S = 1.5
"""How long a signal waits for the screen to close before the process ends without it."""
_STATUS = {signal.SIGTERM: TERMINATED, signal.SIGINT: INTERRUPTED, signal.SIGHUP: HUNG_UP}


@click.command()
@click.argument("addresses", nargs=-1, metavar="[ADDRESS…]", shell_complete=completing.addresses)
@click.option("--fps", type=click.FloatRange(0.1, 60), help="Frames drawn a second, at most (default: 10).")
@click.option(
    "--record",
    "record_to",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Record what is watched to this file, as mdterm record does.",
)
@click.option(
    "--no-history", is_flag=True, help="Keep nothing for the next start, and no hour to go back in."
)
@click.option(
    "--slow-link", is_flag=True, help="For a thin link: 16 colours, 2 frames a second, below 5 kB/s."
)
@common_options
@click.pass_obj
def watch(
    context: Context,
    addresses: tuple[str, ...],
    fps: float | None,
    slow_link: bool,
    record_to: Path | None,
    no_history: bool,
) -> int:
    """Open the dashboard on these instruments, else on the watchlist, else on the simulated market."""
    from mdterm.app.attach import port_or_none
    from mdterm.app.keeping import keeping
    from mdterm.app.providers import World
    from mdterm.feeds.address import parse_address

    # What is written wrong is told first, with or without a terminal: it may be a mistyped command.
    context.settings()
    for address in addresses:
        parse_address(address)
    check_terminal(context)
    context.start_log()
    # All that is imported and built before the first paint stays: looking for garbage in it takes a fifth
    # of the start. The screen switches the collector on again.
    gc.disable()
    why_own = "--record" if record_to is not None else "--no-history" if no_history else ""
    port = port_or_none(context, own_because=why_own and f"{why_own} is of this program's connections")
    if port is not None:
        return _attached(context, port, addresses, fps, slow_link)
    world = World(context)
    try:
        with keeping(record_to, no_history) as kept:
            return _own(context, world, kept, addresses, fps, slow_link)
    finally:
        world.close()


def _own(
    context: Context,
    world: "World",
    kept: "Kept",
    addresses: tuple[str, ...],
    fps: float | None,
    slow_link: bool,
) -> int:
    """Sit at a feed of this process."""
    from mdterm.app.sitting import Pace, own, sit
    from mdterm.app.state import State

    settings = world.settings
    state = world.state = State()
    pace = Pace(fps, slow_link or settings.slow_link)
    sitting = own(world, kept, pace.period_s(settings.fps))
    try:
        return sit(context, sitting, state, addresses, pace)
    finally:
        sitting.feed.stop()


def _attached(
    context: Context, port: "AttachedPort", addresses: tuple[str, ...], fps: float | None, slow_link: bool
) -> int:
    """Sit at the shared feed."""
    from mdterm.app.far import FarWorld
    from mdterm.app.sitting import Pace, attached, sit
    from mdterm.app.state import State

    settings = context.settings()
    try:
        sitting = attached(FarWorld(settings, port))
        return sit(context, sitting, State(), addresses, Pace(fps, slow_link or settings.slow_link))
    finally:
        port.stop()


def check_terminal(context: Context) -> None:
    """Raise Failed where no screen can be drawn, naming what works instead. To be called before Textual."""
    instead = "mdterm once prints a panel as text, and mdterm tail prints events as lines"
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Failed(f"the dashboard needs a terminal; {instead}", USAGE)
    if context.environ.get("TERM", "dumb") in ("", "dumb", "unknown"):
        raise Failed(
            f"this terminal (TERM={context.environ.get('TERM', '')}) cannot be drawn on; {instead}", USAGE
        )
    os.environ.setdefault("TEXTUAL_FPS", str(PAINTS_A_SECOND))


def run_screen(app: "PacedApp") -> int:
    """Run an app until it ends or a signal ends it; return the exit status. Raise what it died of."""

    def close(status: int) -> None:
        loop = app._loop
        if loop is not None:
            loop.call_soon_threadsafe(lambda: app.exit(status, return_code=status))

    ending = Ending(close)
    ending.install()
    status = app.run()
    if app._exception is not None:
        raise app._exception
    return ending.status or app.return_code or status or 0


class Ending:
    """Ends the program on a signal, even while the terminal takes nothing and the screen is stuck."""

    def __init__(self, close: Callable[[int], None]) -> None:
        self.status: int | None = None
        self._close = close

    def install(self) -> None:
        """Take the signals over. Not asyncio's handlers: they need a loop that runs."""
        for number in _STATUS:
            signal.signal(number, self._on_signal)

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        again = self.status is not None
        self.status = _STATUS[signal.Signals(signum)]
        if again:
            self._leave()
        timer = threading.Timer(GRACE_S, self._leave)
        timer.daemon = True
        timer.start()
        self._close(self.status)

    def _leave(self) -> None:
        """Give the terminal back and end at once."""
        from mdterm.app.terminal import restore_terminal

        assert self.status is not None
        restore_terminal(sys.__stdout__.fileno() if sys.__stdout__ is not None else 1)
        os._exit(self.status)
