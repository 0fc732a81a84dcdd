"""Every key, once: the table feeds dispatch, status line, help, palette and `mdterm keys`."""

from typing import Final

from msgspec import Struct


class Command(Struct, frozen=True):
    """Something a key does. ``id`` is what the configuration rebinds and what the palette runs.

    ``keys`` are written as a person writes them: ``[``, ``space``, ``ctrl+l``. ``hint`` is the word in
    the status line, empty if the key is not shown there. ``parameter`` goes to the action.
    """

    id: str
    keys: tuple[str, ...]
    help: str
    group: str
    hint: str = ""
    parameter: int | None = None
    owner: str = "screen"
    """Whose action it is: the screen's or the app's."""
    is_fixed: bool = False
    """Whether it can be neither rebound nor shadowed."""
    together: str = ""
    """The help line of neighbours that are told in one; empty for those that stand alone."""
    also: str = ""
    """Other words that people look for it by."""

    @property
    def action(self) -> str:
        """Return the action as Textual calls it."""
        name = f"{self.owner}.{self.id.replace('-', '_')}"
        if self.parameter is None:
            return name
        return f"{name.rpartition('_')[0]}({self.parameter})"


SYMBOLS, LADDER, TAPE, CHART = "Symbols", "Ladder", "Tape", "Chart"
SCREEN, PROGRAM, REPLAY = "Screen", "Program", "Replay"
_NEIGHBOURS: Final = "show the previous or the next symbol"
_SORTING: Final = "sort by the next column, or the other way round"
_MOVING: Final = "move the symbol up or down in the watchlist"
_GROUPING: Final = "group fewer or more price steps in a row"
_FOLLOWING: Final = "let the ladder follow the market, or hold it where it is"
_COLUMNS: Final = "show other columns of the ladder; sum them over a longer window"
_SUMMING: Final = "sum from now on; weigh more levels of the book"
_UNITS: Final = "sizes in the quote currency or not; mid in the middle or not"
_SCROLLING: Final = "mark a price of the ladder, or move in a list"
_FILTERING: Final = "show larger prints only, or smaller ones again"
_BIGGEST: Final = "keep the biggest print in view; look for it from now on"
_PAGING: Final = "page the ladder up or down; page the tape back or forward"
_INTERVALS: Final = "show bars of the next longer or shorter interval"
_MARKING: Final = "mark the bar before or after, and tell it in the title"
_ZOOMING: Final = "give each bar less or more room"
_DRAWING: Final = "draw VWAP and averages; the volume by price; the CVD"
_LOOK: Final = "tell times in UTC or local time; show the next theme"
_FINDING: Final = "show these keys, or find a command by its name"
_HIDING: Final = "hide the focused panel in this layout; show all again"
_COPYING: Final = "copy the marked row (else the panel); all the panel"
_EXPORTING: Final = "write the panel to a CSV file; the screen to SVG"
_STEPPING: Final = "stop a replay or go on; go on by one message"
_PACING: Final = "replay slower or faster"
_SKIPPING: Final = "go ten seconds back, also from the live market, or on"
_JUMPING: Final = "replay from the next big trade, or from a time"
_LEAVING: Final = "leave; ctrl+c leaves at once, with status 130"
_STOPPING: Final = "stop, heartbeats too, until fg: a gap is told then"

SYMBOL_KEYS: Final[tuple[Command, ...]] = (
    *(
        Command(f"show-symbol-{n}", (str(n),), f"show symbol {n} of the watchlist", SYMBOLS, parameter=n)
        for n in range(1, 10)
    ),
    Command("previous-symbol", ("[",), "show the previous symbol", SYMBOLS, together=_NEIGHBOURS),
    Command("next-symbol", ("]",), "show the next symbol", SYMBOLS, together=_NEIGHBOURS),
    Command("last-symbol", ("`",), "go back to the symbol shown before", SYMBOLS),
    Command(
        "search",
        ("/",),
        "find a symbol of any provider, and show it",
        SYMBOLS,
        owner="app",
        hint="search",
        also="add watch ticker instrument",
    ),
    Command(
        "unwatch",
        ("delete",),
        "take the symbol off the list, or out of its group",
        SYMBOLS,
        also="remove delete ticker",
    ),
    Command("choose", ("enter",), "show the symbol under the watchlist's cursor", SYMBOLS),
    Command("next-sort", ("o",), "sort the watchlist by the next column", SYMBOLS, together=_SORTING),
    Command("reverse-sort", ("O",), "sort the watchlist the other way round", SYMBOLS, together=_SORTING),
    Command("filter-watchlist", ("F",), "show only symbols that hold what is typed", SYMBOLS, also="search"),
    Command("next-group", ("G",), "show the next group of the watchlist, or all", SYMBOLS),
    Command(
        "groups",
        ("ctrl+g",),
        "put the symbol into a group, or take it out of one",
        SYMBOLS,
        owner="app",
    ),
    Command("move-symbol-up", ("{",), "move the symbol up in the watchlist", SYMBOLS, together=_MOVING),
    Command("move-symbol-down", ("}",), "move the symbol down in the watchlist", SYMBOLS, together=_MOVING),
)
LADDER_KEYS: Final[tuple[Command, ...]] = (
    Command(
        "finer",
        ("-",),
        "group fewer price steps in a row",
        LADDER,
        together=_GROUPING,
        also="tick size aggregate",
    ),
    Command(
        "coarser",
        ("+", "="),
        "group more price steps in a row",
        LADDER,
        together=_GROUPING,
        also="tick size aggregate",
    ),
    Command("centre", ("c",), "centre the ladder and let it follow the market", LADDER, together=_FOLLOWING),
    Command(
        "next-columns", ("w",), "show the next columns that fit beside the book", LADDER, together=_COLUMNS
    ),
    Command(
        "next-window", ("W",), "sum sells and buys over the next longer window", LADDER, together=_COLUMNS
    ),
    Command("reset-sums", ("R",), "sum sells, buys and changes from now on", LADDER, together=_SUMMING),
    Command("next-depth", ("d",), "weigh and sum more levels of the book", LADDER, together=_SUMMING),
    Command(
        "next-units",
        ("v",),
        "tell sizes in the quote currency, or in the base again",
        LADDER,
        together=_UNITS,
        also="dollars notional base",
    ),
    Command(
        "pin-mid", ("D",), "keep the mid in the middle, or the prices where they are", LADDER, together=_UNITS
    ),
    Command("freeze", ("f",), "hold the ladder where it is, or let it go", LADDER, together=_FOLLOWING),
    Command(
        "scroll-up", ("k", "up"), "mark the price above, or move up in a list", LADDER, together=_SCROLLING
    ),
    Command(
        "scroll-down",
        ("j", "down"),
        "mark the price below, or move down in a list",
        LADDER,
        together=_SCROLLING,
    ),
    Command("page-up", ("pageup",), "page the ladder up, or the tape back", LADDER, together=_PAGING),
    Command(
        "page-down", ("pagedown",), "page the ladder down, or the tape forward", LADDER, together=_PAGING
    ),
)
TAPE_KEYS: Final[tuple[Command, ...]] = (
    Command(
        "hold-tape",
        ("space",),
        "hold the tape still, or let it run",
        TAPE,
        hint="hold",
        also="pause stop freeze",
    ),
    Command(
        "larger-prints",
        ("s",),
        "show larger prints only",
        TAPE,
        together=_FILTERING,
        also="filter minimum size trades",
    ),
    Command(
        "smaller-prints",
        ("S",),
        "show smaller prints again",
        TAPE,
        together=_FILTERING,
        also="filter minimum size trades",
    ),
    Command(
        "join-prints",
        ("g",),
        "join prints within 1 ms, within 100 ms, or not at all",
        TAPE,
        also="aggregate trades",
    ),
    Command("latch-biggest", ("b",), "keep the biggest print in view, or let it go", TAPE, together=_BIGGEST),
    Command("clear-biggest", ("B",), "look for the biggest print from now on", TAPE, together=_BIGGEST),
)
CHART_KEYS: Final[tuple[Command, ...]] = (
    Command(
        "next-interval",
        ("i",),
        "show bars of the next longer interval",
        CHART,
        together=_INTERVALS,
        also="timeframe candles period",
    ),
    Command(
        "previous-interval",
        ("I",),
        "show bars of the next shorter interval",
        CHART,
        together=_INTERVALS,
        also="timeframe candles period",
    ),
    Command("bar-before", ("left",), "mark the bar before", CHART, together=_MARKING),
    Command("bar-after", ("right",), "mark the bar after", CHART, together=_MARKING),
    Command("newest-bar", ("home",), "go back to the newest bar", CHART),
    Command("zoom-out", (",",), "give each bar less room", CHART, together=_ZOOMING),
    Command("zoom-in", (".",), "give each bar more room", CHART, together=_ZOOMING),
    Command(
        "next-lines",
        ("A",),
        "draw other lines: VWAP, averages, all of them",
        CHART,
        together=_DRAWING,
        also="indicators",
    ),
    Command(
        "show-profile", ("P",), "show the session's volume by price, or hide it", CHART, together=_DRAWING
    ),
    Command("show-cvd", ("C",), "show the CVD below the bars, or hide it", CHART, together=_DRAWING),
    Command("next-plot", ("p",), "plot the history, the depth, the CVD, the profile", CHART),
)
SCREEN_KEYS: Final[tuple[Command, ...]] = (
    Command("next-layout", ("l",), "show the next layout", SCREEN, hint="layout", also="view page"),
    Command("hide-panel", ("h",), "hide the focused panel in this layout", SCREEN, together=_HIDING),
    Command("show-panels", ("H",), "show what is hidden in this layout", SCREEN, together=_HIDING),
    Command("next-panel", ("tab",), "go to the next panel", SCREEN),
    Command(
        "maximise", ("m",), "give the panel the whole screen, or take it back", SCREEN, also="zoom full panel"
    ),
    Command("back", ("escape",), "go back to the newest bar, and to all panels", SCREEN),
    Command(
        "next-zone",
        ("z",),
        "tell times in UTC, or in the local time zone",
        SCREEN,
        together=_LOOK,
        also="clock",
    ),
    Command(
        "next-theme", ("t",), "next theme", SCREEN, owner="app", together=_LOOK, also="colours dark light"
    ),
    Command("alerts", ("a",), "set an alert; see what fired", SCREEN, owner="app", also="alarm notify price"),
    Command("away", ("U",), "show what passed while you were away", SCREEN, owner="app"),
    Command(
        "copy", ("y",), "copy the marked row, or the panel (OSC 52)", SCREEN, owner="app", together=_COPYING
    ),
    Command("copy-panel", ("Y",), "copy the whole panel", SCREEN, owner="app", together=_COPYING),
    Command(
        "export",
        ("e",),
        "write the panel to a CSV file",
        SCREEN,
        owner="app",
        together=_EXPORTING,
        also="save",
    ),
    Command(
        "save-screen",
        ("E",),
        "write the screen as SVG and text",
        SCREEN,
        owner="app",
        together=_EXPORTING,
        also="screenshot picture",
    ),
    Command(
        "repaint", ("ctrl+l",), "paint the whole screen again, widths and scales anew", SCREEN, owner="app"
    ),
)
PROGRAM_KEYS: Final[tuple[Command, ...]] = (
    Command(
        "help",
        ("?",),
        "show these keys",
        PROGRAM,
        owner="app",
        hint="help",
        together=_FINDING,
        also="shortcuts set change bind rebind other settings configuration provider token",
    ),
    Command(
        "palette", (":", "ctrl+p"), "find a command by its name", PROGRAM, owner="app", together=_FINDING
    ),
    Command("account-log", ("K",), "show what changed in the account", PROGRAM),
    Command(
        "log",
        ("L",),
        "show what happened, and why a panel is as it is",
        PROGRAM,
        owner="app",
        also="errors connection",
    ),
    Command(
        "quit", ("q",), "leave", PROGRAM, owner="app", hint="quit", together=_LEAVING, also="quit exit close"
    ),
    Command("suspend", ("ctrl+z",), _STOPPING, PROGRAM, owner="app", is_fixed=True),
    Command(
        "interrupt",
        ("ctrl+c",),
        "leave at once, with status 130",
        PROGRAM,
        owner="app",
        is_fixed=True,
        together=_LEAVING,
    ),
)
REPLAY_KEYS: Final[tuple[Command, ...]] = (
    Command("replay-pause", ("x",), "stop the replay, or let it go on", REPLAY, together=_STEPPING),
    Command("replay-step", (";",), "go on by one message of the symbol", REPLAY, together=_STEPPING),
    Command("replay-slower", ("(",), "replay slower", REPLAY, together=_PACING),
    Command("replay-faster", (")",), "replay faster", REPLAY, together=_PACING),
    Command(
        "replay-back", ("<",), "go ten seconds back, from the live market too", REPLAY, together=_SKIPPING
    ),
    Command("replay-on", (">",), "go on by ten seconds", REPLAY, together=_SKIPPING),
    Command("replay-big", ("n",), "go on to the next big trade", REPLAY, together=_JUMPING),
    Command("replay-jump", ("J",), "go to a time", REPLAY, together=_JUMPING),
)
COMMANDS: Final = (
    *SYMBOL_KEYS,
    *LADDER_KEYS,
    *TAPE_KEYS,
    *CHART_KEYS,
    *SCREEN_KEYS,
    *REPLAY_KEYS,
    *PROGRAM_KEYS,
)
GROUPS: Final = (SYMBOLS, LADDER, TAPE, CHART, SCREEN, REPLAY, PROGRAM)
