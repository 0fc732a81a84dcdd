"""`mdterm [ADDRESS…]`: the dashboard."""

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from mdterm.app.commands.context import INTERRUPTED, TERMINATED, USAGE, Context, Failed, common_options

if TYPE_CHECKING:
    from mdterm.app.keeping import Kept
    from mdterm.app.paced import PacedApp
    from mdterm.app.providers import World
    from mdterm.app.state import State
    from mdterm.feeds.alerts import Rule

HUNG_UP = 129
SLOW_LINK_FPS = 2.0
HELD_S = 2.0
"""How long connecting waits for the first paint at most: both want the processor."""
SWITCH_S = 0.001
"""After so long the feed's thread hands over to the screen's, if that one waits."""
GRACE_S = 1.5
"""How long a signal waits for the screen to close before the process ends without it."""
_STATUS = {signal.SIGTERM: TERMINATED, signal.SIGINT: INTERRUPTED, signal.SIGHUP: HUNG_UP}


@click.command()
@click.argument("addresses", nargs=-1, metavar="[ADDRESS…]")
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
@click.option("--slow-link", is_flag=True, help="Draw less, for a thin link: 16 colours, 2 frames a second.")
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
    world = World(context)
    try:
        with keeping(record_to, no_history) as kept:
            return _run(context, world, addresses, fps, slow_link, kept)
    finally:
        world.close()


def check_terminal(context: Context) -> None:
    """Raise Failed where no screen can be drawn, naming what works instead."""
    instead = "mdterm once prints a panel as text, and mdterm tail prints events as lines"
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Failed(f"the dashboard needs a terminal; {instead}", USAGE)
    if context.environ.get("TERM", "dumb") in ("", "dumb", "unknown"):
        raise Failed(
            f"this terminal (TERM={context.environ.get('TERM', '')}) cannot be drawn on; {instead}", USAGE
        )


def _run(
    context: Context,
    world: "World",
    addresses: tuple[str, ...],
    fps: float | None,
    slow_link: bool,
    kept: "Kept",
) -> int:
    from mdterm.app.state import State
    from mdterm.feeds.alerts import parse_alert
    from mdterm.feeds.thread import FeedThread

    if TYPE_CHECKING:
        from mdterm.feeds.runtime import Feed

    settings = world.settings
    state = world.state = State()
    slow_link = slow_link or settings.slow_link
    period_s = 1.0 / (fps or (min(settings.fps, SLOW_LINK_FPS) if slow_link else settings.fps))

    def build() -> "Feed":
        from mdterm.feeds.runtime import Feed

        return Feed(
            world.providers,
            period_s=period_s,
            accounts=world.accounts(),
            journal=kept.journal,
            store=kept.store,
            held_s=HELD_S,
        )

    feed = FeedThread(build)
    # Textual reads NO_COLOR itself, but takes an empty value for yes; its mono theme is ours.
    no_color = bool(os.environ.pop("NO_COLOR", ""))
    from mdterm.app.choices import choose, watched
    from mdterm.app.colours import colours_of
    from mdterm.app.dashboard import Dashboard, Rewound
    from mdterm.app.finder import WorldFinder
    from mdterm.app.keeper import Keeper
    from mdterm.app.notices import NoticeHandler
    from mdterm.app.reload import Reload
    from mdterm.app.roster import Roster
    from mdterm.feeds.rewind import RewindPort
    from mdterm.feeds.text import mask

    choices = choose(settings, state, no_color=no_color, slow_link=slow_link, colours=colours_of(os.environ))
    # Addresses on the command line are looked at this time; the saved list stays as it is.
    roster = Roster(None if addresses else state, settings.groups)
    problems: list[str] = []
    if addresses:
        instruments = world.instruments(addresses)
    else:
        instruments, problems = watched(world, roster)
    if not instruments:
        problems += world.open_all()  # the search asks those that are open
    try:
        rules = [_resolved(world, parse_alert(one)) for one in settings.alerts]
    except ValueError as error:
        raise settings.error("alerts", str(error)) from None
    pairs = [_pair(world, pair) for pair in settings.pairs]
    fixed = [*(["fps"] if fps or slow_link else []), *(["theme"] if no_color or slow_link else [])]
    rules += _kept_rules(world, state, rules)
    keeper = Keeper(state, with_list=not addresses)
    # A key must not wait five milliseconds for its turn behind a burst of trades.
    sys.setswitchinterval(SWITCH_S)
    try:
        finder = WorldFinder(world, feed)
        if not instruments:
            from mdterm.app.opening import Opening

            feed.start()
            opening = Opening(feed, finder, choices, slow_link=slow_link)
            status = run_screen(opening)
            if status or opening.found is None:
                return status
            instruments = [opening.found]
            roster.add(opening.found.address)
        feed.watch(instruments)
        feed.compare(pairs)
        rewind = None if kept.rewind is None else RewindPort(feed, kept.rewind, pairs=pairs)
        app = Dashboard(
            rewind or feed,
            instruments,
            period_s=period_s,
            slow_link=slow_link,
            theme=choices.theme,
            is_red_up=choices.is_red_up,
            own_themes=choices.own_themes,
            is_ascii=choices.is_ascii,
            units=choices.units,
            layout=choices.layout,
            zone=choices.zone,
            accounts=world.accounts(),
            keymap=choices.keymap,
            finder=finder,
            roster=roster,
            keeper=keeper,
            reload=Reload(settings, context.load_settings, fixed),
            rules=rules,
            signals=settings.alert_signals,
            away_after_s=settings.away_after * 60 or float("inf"),
        )
        app.board.compare.parted_bps = settings.pair_drift_bps
        logging.getLogger("mdterm").addHandler(
            NoticeHandler(app.notices, lambda text: mask(text, tuple(context.secrets)))
        )
        for words in problems:
            app.notices.add(words, "warning")
        if rewind is not None:

            def post(message: Rewound) -> None:
                app.post_message(message)

            rewind.switched = lambda clock: post(Rewound(clock))
            rewind.told = lambda words: post(Rewound(words=words))
            app.board.player = rewind
        died: list[BaseException] = []

        def failed(error: BaseException) -> None:
            died.append(error)
            app.call_from_thread(app.exit)

        # Sockets, TLS and all that makes frames are loaded and started behind the first paint.
        app.after_first_paint = lambda: feed.launch(failed)
        try:
            status = run_screen(app)
            if died:
                raise died[0]
        finally:
            if rewind is not None:
                rewind.close()
        keeper.note(app.board, app.theme)
        state.save()
        return status
    finally:
        feed.stop()


def _resolved(world: "World", rule: "Rule") -> "Rule":
    """Return an alert on the address as its provider writes it. Raise AddressError, or Failed."""
    import msgspec

    (instrument,) = world.instruments([rule.address])
    return msgspec.structs.replace(rule, address=instrument.address)


def _kept_rules(world: "World", state: "State", known: list["Rule"]) -> list["Rule"]:
    """Return the alerts that were set on the screen, as far as what they look at is still to be had."""
    from mdterm.feeds.alerts import parse_alert

    found = []
    at_hand = {*world.providers, *world.settings.with_credential}
    for text in state.table("alerts"):
        try:
            rule = parse_alert(text)
            if rule.address.partition(":")[0] not in at_hand:
                continue  # nobody wants the simulated market back for an alert on it
            rule = _resolved(world, rule)
        except (ValueError, Failed) as error:
            logging.getLogger("mdterm").warning("the alert %s cannot be set: %s", text, error)
            continue
        if rule not in known:
            found.append(rule)
    return found


def _pair(world: "World", pair: tuple[str, str]) -> tuple[str, str]:
    """Return the addresses of a pair as their providers write them. Raise SettingsError."""
    try:
        first, second = (world.instruments([address])[0].address for address in pair)
    except ValueError as error:
        raise world.settings.error("pairs", str(error)) from None
    return first, second


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
