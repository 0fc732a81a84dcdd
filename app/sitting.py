"""The dashboard at a feed: one in this process, or one that is attached to."""

import logging
import os
import sys
from typing import TYPE_CHECKING, NamedTuple, Protocol

from mdterm.app.choices import choose, watched
from mdterm.app.colours import colours_of
from mdterm.app.commands.context import Context
from mdterm.app.commands.watch import run_screen
from mdterm.app.dashboard import Dashboard, FeedSaid, Rewound
from mdterm.app.finder import WorldFinder
from mdterm.app.keeper import Keeper
from mdterm.app.notices import Level, NoticeHandler
from mdterm.app.reload import Reload
from mdterm.app.roster import Roster
from mdterm.app.rules import configured_pairs, configured_rules, kept_rules
from mdterm.app.state import State
from mdterm.feeds.rewind import Live, RewindPort
from mdterm.feeds.text import clean, mask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mdterm.app.choices import Choices
    from mdterm.app.far import AnyWorld, FarWorld
    from mdterm.app.finder import Finder
    from mdterm.app.keeping import Kept
    from mdterm.app.providers import World
    from mdterm.feeds.address import Instrument
    from mdterm.feeds.attached import AttachedPort
    from mdterm.feeds.rewind import Parts
    from mdterm.feeds.runtime import Feed

SLOW_LINK_FPS = 2.0
HELD_S = 2.0
"""How long connecting waits for the first paint at most: both want the processor."""
SWITCH_S = 0.001
"""After so long the feed's thread hands over to the screen's, if that one waits."""


class LiveFeed(Live, Protocol):
    """A live feed with its life."""

    def start(self) -> None:
        """Begin; return when it stands. Raise why it does not."""

    def launch(self, failed: "Callable[[BaseException], None] | None" = None) -> None:
        """Begin, once; ``failed`` is told why it does not stand."""

    def stop(self) -> None:
        """End."""

    def compare(self, pairs: "Sequence[tuple[str, str]]") -> None:
        """Compare pairs of addresses."""


class Sitting(NamedTuple):
    """What a screen sits at. ``rewind`` is the last hour's journal; without one ``no_rewind`` says why."""

    world: "AnyWorld"
    feed: LiveFeed
    finder: "Finder"
    rewind: "Parts | None"
    no_rewind: str = "nothing is kept to go back in"
    attached: "AttachedPort | None" = None
    absent_s: float | None = None
    """For how long (s) nobody had looked at the feed."""
    is_far: bool = False


class Pace(NamedTuple):
    """How often frames are drawn."""

    fps: float | None
    slow_link: bool

    def period_s(self, configured: float) -> float:
        """Return the seconds between two frames."""
        return 1.0 / (self.fps or (min(configured, SLOW_LINK_FPS) if self.slow_link else configured))


def own(world: "World", kept: "Kept", period_s: float) -> Sitting:
    """Return a feed in a thread of this process; it connects once the screen is painted."""
    from mdterm.feeds.thread import FeedThread

    def build() -> "Feed":
        from mdterm.feeds.runtime import Feed

        return Feed(
            world.providers,
            period_s=period_s,
            accounts=world.accounts(),
            journal=kept.journal,
            store=None if kept.open_store is None else kept.open_store(),
            held_s=HELD_S,
        )

    feed = FeedThread(build)
    return Sitting(world, feed, WorldFinder(world, feed), kept.rewind)


def attached(world: "FarWorld", *, is_far: bool = False) -> Sitting:
    """Return the feed that a world is of. Its journal can be gone back in where it is on this machine."""
    from mdterm.app.far import FarFinder, FarParts

    port = world.port
    rewind = None if is_far else FarParts(port)
    why = "the feed's journal is on the other machine: it cannot be gone back in from here"
    return Sitting(world, port, FarFinder(world), rewind, why, port, world.absence(), is_far)


class Beginning(NamedTuple):
    """What a screen begins with; ``is_mono`` where the environment wants no colours."""

    choices: "Choices"
    roster: Roster
    instruments: list["Instrument"]
    problems: list[str]
    is_mono: bool


def begin(
    context: Context, world: "AnyWorld", state: State, addresses: "Sequence[str]", pace: Pace
) -> Beginning:
    """Choose looks and instruments: those of the addresses, else the saved list. Raise AddressError."""
    settings = world.settings
    # Textual reads NO_COLOR itself, but takes an empty value for yes; its mono theme is ours.
    is_mono = bool(os.environ.pop("NO_COLOR", ""))
    choices = choose(
        settings, state, no_color=is_mono, slow_link=pace.slow_link, colours=colours_of(os.environ)
    )
    # Addresses on the command line are looked at this time; the saved list stays as it is.
    roster = Roster(None if addresses else state, settings.groups)
    problems = list(context.remarks)
    if addresses:
        instruments = world.instruments(addresses)
    else:
        instruments, unwatched = watched(world, roster)
        problems += unwatched
    return Beginning(choices, roster, list(instruments), problems, is_mono)


def run_with(feed: LiveFeed, app: Dashboard) -> int:
    """Run a screen, and its feed from the first paint on; return the status. Raise what the feed died of."""
    died: list[BaseException] = []

    def failed(error: BaseException) -> None:
        died.append(error)
        app.call_from_thread(app.exit)

    # Sockets, TLS and all that makes frames are loaded and started behind the first paint.
    app.after_first_paint = lambda: feed.launch(failed)
    status = run_screen(app)
    if died:
        raise died[0]
    return status


def sit(context: Context, sitting: Sitting, state: State, addresses: "Sequence[str]", pace: Pace) -> int:
    """Run the dashboard until somebody leaves; return the exit status. Raise what it died of."""
    world, feed, finder = sitting.world, sitting.feed, sitting.finder
    settings = world.settings
    period_s = pace.period_s(settings.fps)
    choices, roster, instruments, problems, is_mono = begin(context, world, state, addresses, pace)
    if not instruments:
        problems += world.open_all()  # the search asks those that are open
    rules = configured_rules(world)
    pairs = configured_pairs(world)
    fixed = [
        *(["fps"] if pace.fps or pace.slow_link else []),
        *(["theme"] if is_mono or pace.slow_link else []),
    ]
    rules += kept_rules(world, state, rules)
    keeper = Keeper(state, with_list=not addresses)
    # A key must not wait five milliseconds for its turn behind a burst of trades.
    sys.setswitchinterval(SWITCH_S)
    if not instruments:
        from mdterm.app.opening import Opening

        feed.start()
        opening = Opening(feed, finder, choices, slow_link=pace.slow_link)
        status = run_screen(opening)
        if status or opening.found is None:
            return status
        instruments = [opening.found]
        roster.add(opening.found.address)
    feed.pace(period_s)
    feed.watch(instruments)
    feed.compare(pairs)
    rewind = None if sitting.rewind is None else RewindPort(feed, sitting.rewind, pairs=pairs)
    app = Dashboard(
        rewind or feed,
        instruments,
        period_s=period_s,
        slow_link=pace.slow_link,
        theme=choices.theme,
        is_red_up=choices.is_red_up,
        own_themes=choices.own_themes,
        is_ascii=choices.is_ascii,
        units=choices.units,
        layout=choices.layout,
        zone=choices.zone,
        # The other machine's clock is the one by which the market's times were received.
        market_clock=sitting.attached if sitting.is_far else None,
        far_link=sitting.attached if sitting.is_far else None,
        accounts=world.accounts(),
        keymap=choices.keymap,
        finder=finder,
        roster=roster,
        keeper=keeper,
        reload=Reload(context.settings(), context.load_settings, fixed),
        rules=rules,
        signals=settings.alert_signals,
        away_after_s=settings.away_after * 60 or float("inf"),
    )
    app.board.compare.parted_bps = settings.pair_drift_bps
    app.board.no_player = sitting.no_rewind
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
    if sitting.attached is not None:
        app.absent_s = sitting.absent_s
        _hear(app, sitting.attached)
    try:
        status = run_with(feed, app)
    finally:
        if rewind is not None:
            rewind.close()
    keeper.note(app.board, app.theme)
    state.save()
    return status


def _hear(app: Dashboard, port: "AttachedPort") -> None:
    """Have the screen told what becomes of the feed that it is attached to."""

    def said(words: str, level: Level, feed: str | None = None) -> None:
        app.post_message(FeedSaid(words, level, feed))

    def shared(clients: int) -> None:
        said("", "info", _words(port, clients))

    port.lost = lambda words: said(f"{words}: what is shown stands still", "error", "no feed")
    port.regained = lambda welcome: said(f"attached again, to the feed of pid {welcome.pid}", "info")
    port.problem = lambda words: said(words, "warning")
    port.shared = shared
    shared(port.clients)


def _words(port: "AttachedPort", clients: int) -> str:
    on = f" on {clean(port.place, 60)}" if port.place else ""
    pid = "" if port.welcome is None else f"feed{on} pid {port.welcome.pid}"
    return f"{pid}, shared by {clients}" if clients > 1 else pid
