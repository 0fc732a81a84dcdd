"""One panel alone on a terminal: which there are, what its keys do, how it follows a link."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from mdterm.app.commands.context import USAGE, Context, Failed
from mdterm.app.dashboard import Dashboard, FeedSaid, LinkSwitched
from mdterm.app.keeper import Keeper
from mdterm.app.keymap import Keymap
from mdterm.app.keytable import CHART, LADDER, PROGRAM, SCREEN, SYMBOLS, TAPE
from mdterm.app.notices import Level
from mdterm.app.roster import Roster
from mdterm.app.rules import configured_pairs
from mdterm.app.sitting import SWITCH_S, Pace, Sitting, begin, run_with
from mdterm.app.state import State

if TYPE_CHECKING:
    from mdterm.feeds.attached import AttachedPort

PANELS: Final[Mapping[str, str]] = {
    "ladder": "ladder",
    "tape": "tape",
    "chart": "chart",
    "watch": "watchlist",
    "account": "account",
    "derivatives": "derivatives",
    "compare": "compare",
    "connections": "connections",
    "header": "header",
}
"""The panels by the names of the command, and what each is on the board."""

_SCROLLING: Final = ("scroll-up", "scroll-down")
_PAGING: Final = ("page-up", "page-down")
_OWN: Final[Mapping[str, tuple[str, ...]]] = {
    "ladder": (LADDER,),
    "tape": (TAPE, "next-units", *_SCROLLING, *_PAGING),
    "chart": (CHART, "next-units"),
    "watch": ("choose", "next-sort", "reverse-sort", "filter-watchlist", "next-group", *_SCROLLING),
    "account": ("account-log",),
}
"""Groups and commands of the key table that are for one panel."""
_ALL: Final = (SYMBOLS, SCREEN, PROGRAM)
_NOT_ALONE: Final = frozenset(
    (
        *("choose", "next-sort", "reverse-sort", "filter-watchlist", "next-group", "groups"),
        *("move-symbol-up", "move-symbol-down", "unwatch", "account-log"),
        *("next-layout", "hide-panel", "show-panels", "next-panel", "maximise", "alerts", "away"),
    )
)
"""What means other panels, or is the dashboard's affair: the saved list, alerts, absences."""
_NO_REWIND: Final = "the last hour is gone back in from the dashboard"


def keymap_of(name: str, keymap: Keymap) -> Keymap:
    """Return what keys do where only this panel stands."""
    own = _OWN.get(name, ())
    return Keymap(
        tuple(
            one
            for one in keymap.commands
            if one.id in own or one.group in own or (one.group in _ALL and one.id not in _NOT_ALONE)
        )
    )


def sit_alone(
    context: Context, sitting: Sitting, name: str, addresses: Sequence[str], link: str, pace: Pace
) -> int:
    """Run one panel until somebody leaves; return the exit status. Raise what it died of."""
    world, feed = sitting.world, sitting.feed
    settings, state = world.settings, State()
    period_s = pace.period_s(settings.fps)
    choices, _, instruments, problems, _ = begin(context, world, state, addresses, pace)
    if not instruments:
        raise Failed("there is nothing to show: name an address, or set a watchlist", USAGE)
    pairs = configured_pairs(world) if name == "compare" else []
    sys.setswitchinterval(SWITCH_S)
    feed.pace(period_s)
    feed.watch(instruments)
    feed.compare(pairs)
    app = Dashboard(
        feed,
        instruments,
        period_s=period_s,
        slow_link=pace.slow_link,
        theme=choices.theme,
        is_red_up=choices.is_red_up,
        own_themes=choices.own_themes,
        is_ascii=choices.is_ascii,
        units=choices.units,
        zone=choices.zone,
        accounts=world.accounts(),
        keymap=keymap_of(name, choices.keymap),
        finder=sitting.finder,
        # What is done to the list here is for this pane: the saved one is the dashboard's.
        roster=Roster(None, settings.groups),
        signals=(),
        away_after_s=float("inf"),
        alone=PANELS[name],
    )
    # As it was left on the dashboard; several panes that saved theirs would undo one another's.
    Keeper(state, with_list=not addresses).restore(app.board)
    app.board.hidden.clear()
    app.board.compare.parted_bps = settings.pair_drift_bps
    app.board.no_player = _NO_REWIND
    for words in problems:
        app.notices.add(words, "warning")
    if sitting.attached is not None:
        _follow(app, sitting.attached, link)
    return run_with(feed, app)


def _follow(app: Dashboard, port: "AttachedPort", link: str) -> None:
    """Have the panel told what becomes of the feed, and what the others of its link show."""

    def said(words: str, level: Level, feed: str | None = None) -> None:
        app.post_message(FeedSaid(words, level, feed))

    def switched(address: str) -> None:
        app.post_message(LinkSwitched(address))

    port.lost = lambda words: said(words, "error", "no feed")
    port.regained = lambda welcome: said("attached again", "info", f"feed pid {welcome.pid}")
    port.problem = lambda words: said(words, "warning")
    if link:
        port.switched = switched
        app.board.told = port.switch
        app.when_mounted = lambda: port.join(link, app.board.instrument.address)
