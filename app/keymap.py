"""Every key, once: the table feeds dispatch, status line, help, palette and `mdterm keys`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final


@dataclass(frozen=True)
class Command:
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

    @property
    def action(self) -> str:
        """Return the action as Textual calls it."""
        name = f"{self.owner}.{self.id.replace('-', '_')}"
        if self.parameter is None:
            return name
        return f"{name.rpartition('_')[0]}({self.parameter})"


SYMBOLS, LADDER, TAPE, CHART = "Symbols", "Ladder", "Tape", "Chart"
SCREEN, PROGRAM = "Screen", "Program"
_NEIGHBOURS: Final = "show the previous or the next symbol"
_GROUPING: Final = "group fewer or more price steps in a row"
_FOLLOWING: Final = "let the ladder follow the market, or hold it where it is"
_SCROLLING: Final = "scroll the ladder, or move in the watchlist"
_INTERVALS: Final = "show bars of the next longer or shorter interval"
_MARKING: Final = "mark the bar before or after, and tell it in the title"
_ZOOMING: Final = "give each bar less or more room"
_LOOK: Final = "tell times in UTC or local time; show the next theme"
_FINDING: Final = "show these keys, or find a command by its name"
_LEAVING: Final = "leave; ctrl+c leaves at once, with status 130"

COMMANDS: Final[tuple[Command, ...]] = (
    *(
        Command(f"show-symbol-{n}", (str(n),), f"show symbol {n} of the watchlist", SYMBOLS, parameter=n)
        for n in range(1, 10)
    ),
    Command("previous-symbol", ("[",), "show the previous symbol", SYMBOLS, together=_NEIGHBOURS),
    Command("next-symbol", ("]",), "show the next symbol", SYMBOLS, together=_NEIGHBOURS),
    Command("last-symbol", ("`",), "go back to the symbol shown before", SYMBOLS),
    Command(
        "search", ("/",), "find a symbol of any provider, and show it", SYMBOLS, owner="app", hint="search"
    ),
    Command("unwatch", ("delete",), "take the shown symbol off the watchlist", SYMBOLS),
    Command("choose", ("enter",), "show the symbol under the watchlist's cursor", SYMBOLS),
    Command("finer", ("-",), "group fewer price steps in a row", LADDER, together=_GROUPING),
    Command("coarser", ("+", "="), "group more price steps in a row", LADDER, together=_GROUPING),
    Command("centre", ("c",), "centre the ladder and let it follow the market", LADDER, together=_FOLLOWING),
    Command("show-flow", ("w",), "show or hide what was sold and bought beside each price", LADDER),
    Command("freeze", ("f",), "hold the ladder where it is, or let it go", LADDER, together=_FOLLOWING),
    Command("scroll-up", ("k", "up"), "scroll the ladder up", LADDER, together=_SCROLLING),
    Command("scroll-down", ("j", "down"), "scroll the ladder down", LADDER, together=_SCROLLING),
    Command("hold-tape", ("space",), "hold the tape still, or let it run", TAPE, hint="hold"),
    Command("next-interval", ("i",), "show bars of the next longer interval", CHART, together=_INTERVALS),
    Command(
        "previous-interval", ("I",), "show bars of the next shorter interval", CHART, together=_INTERVALS
    ),
    Command("bar-before", ("left",), "mark the bar before", CHART, together=_MARKING),
    Command("bar-after", ("right",), "mark the bar after", CHART, together=_MARKING),
    Command("zoom-out", ("<",), "give each bar less room", CHART, together=_ZOOMING),
    Command("zoom-in", (">",), "give each bar more room", CHART, together=_ZOOMING),
    Command("next-layout", ("l",), "show the next layout", SCREEN, hint="layout"),
    Command("next-panel", ("tab",), "go to the next panel", SCREEN),
    Command("maximise", ("m",), "give the panel the whole screen, or take it back", SCREEN),
    Command("back", ("escape",), "go back to the newest bar, and to all panels", SCREEN),
    Command("next-zone", ("z",), "tell times in UTC, or in the local time zone", SCREEN, together=_LOOK),
    Command("next-theme", ("t",), "next theme", SCREEN, owner="app", together=_LOOK),
    Command("repaint", ("ctrl+l",), "paint the whole screen again", SCREEN, owner="app"),
    Command("help", ("?",), "show these keys", PROGRAM, owner="app", hint="help", together=_FINDING),
    Command(
        "palette", (":", "ctrl+p"), "find a command by its name", PROGRAM, owner="app", together=_FINDING
    ),
    Command("log", ("L",), "show what happened, and why a panel is as it is", PROGRAM, owner="app"),
    Command("quit", ("q",), "leave", PROGRAM, owner="app", hint="quit", together=_LEAVING),
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
GROUPS: Final = (SYMBOLS, LADDER, TAPE, CHART, SCREEN, PROGRAM)


@dataclass(frozen=True)
class Problem:
    """What is wrong with the keys of the configuration, in words; ``id`` is the key at fault."""

    id: str
    words: str


@dataclass(frozen=True)
class Keymap:
    """The commands as they are bound now."""

    commands: tuple[Command, ...]

    def keys_of(self, command_id: str) -> tuple[str, ...]:
        """Return the keys of a command; none if it is unbound."""
        return next((one.keys for one in self.commands if one.id == command_id), ())

    def hints(self) -> list[tuple[str, str]]:
        """Return key and word for the status line, in the order of their use."""
        shown = [(one.keys[0], one.hint) for one in self.commands if one.hint and one.keys]
        digits = [one.keys[0] for one in self.commands if one.parameter is not None and one.keys]
        if digits:
            shown.insert(0, (f"{digits[0]}-{digits[-1]}" if len(digits) > 1 else digits[0], "symbol"))
        # Where there is little room the way to all other keys must be what remains.
        return sorted(shown, key=lambda hint: hint[1] != "help")


DEFAULT_KEYMAP: Final = Keymap(COMMANDS)


def bind_keys(rebound: Mapping[str, Sequence[str]]) -> tuple[Keymap, list[Problem]]:
    """Return the keymap with some commands' keys replaced, and what could not be done.

    An empty list of keys unbinds a command. A key given to two commands goes to the one that was
    rebound; between two rebound ones it is a problem and the first keeps it.
    """
    problems: list[Problem] = []
    known = {one.id: one for one in COMMANDS}
    wanted: dict[str, tuple[str, ...]] = {}
    taken: dict[str, str] = {key: one.id for one in COMMANDS if one.is_fixed for key in one.keys}
    for command_id, keys in rebound.items():
        command = known.get(command_id)
        if command is None:
            near = get_close_matches(command_id, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            problems.append(Problem(command_id, f"no command is called {command_id!r}{hint}"))
            continue
        if command.is_fixed:
            problems.append(Problem(command_id, f"{command_id} cannot be rebound"))
            continue
        kept = []
        for key in keys:
            if not is_key(key):
                problems.append(Problem(command_id, f"{key!r} is not a key"))
            elif (owner := taken.get(key, command_id)) != command_id:
                problems.append(Problem(command_id, f"{key!r} is already {owner}"))
            else:
                taken[key] = command_id
                kept.append(key)
        wanted[command_id] = tuple(kept)
    commands = tuple(
        replace(
            one, keys=wanted.get(one.id, tuple(key for key in one.keys if taken.get(key, one.id) == one.id))
        )
        for one in COMMANDS
    )
    return Keymap(commands), problems


_NAMES: Final = frozenset(
    (
        *("space", "tab", "enter", "escape", "backspace", "delete", "insert"),
        *("home", "end", "pageup", "pagedown", "up", "down", "left", "right"),
    )
)
_MODIFIERS: Final = frozenset({"ctrl", "alt", "shift"})


def is_key(key: str) -> bool:
    """Return whether ``key`` names one key: a character, a named key, or either behind modifiers."""
    if len(key) == 1:
        return key.isprintable() and not key.isspace()
    *modifiers, name = key.split("+")
    if any(modifier not in _MODIFIERS for modifier in modifiers):
        return False
    is_function = name[:1] == "f" and name[1:].isdigit() and 1 <= int(name[1:]) <= 24
    return name in _NAMES or is_function or (bool(modifiers) and len(name) == 1 and name.isalnum())


def textual_key(key: str) -> str:
    """Return a key as Textual names it: ``left_square_bracket`` for ``[``."""
    from textual.keys import _character_to_key  # only the screen needs it, and Textual is slow to import

    return _character_to_key(key) if len(key) == 1 else key
