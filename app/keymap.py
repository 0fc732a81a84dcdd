"""The keys as they are bound: what the configuration makes of the table."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mdterm.app.keytable import COMMANDS, GROUPS, Command

__all__ = [
    "COMMANDS",
    "DEFAULT_KEYMAP",
    "GROUPS",
    "Command",
    "Keymap",
    "Problem",
    "bind_keys",
    "is_key",
    "textual_key",
]


class Problem(Struct, frozen=True):
    """What is wrong with the keys of the configuration, in words; ``id`` is the key at fault."""

    id: str
    words: str


class Keymap(Struct, frozen=True):
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
            from difflib import get_close_matches

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
