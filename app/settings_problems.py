"""What is wrong with a configuration, said to a person."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """One fault. `key` is dotted; `where` is what stands before the words, such as `config.toml:12`."""

    message: str
    key: str | None = None
    path: Path | None = None
    line: int | None = None
    where: str | None = None

    def __str__(self) -> str:
        place = self.where
        if place is None and self.path is not None:
            place = f"{self.path}:{self.line}" if self.line else str(self.path)
        return printable(": ".join(part for part in (place, self.key, self.message) if part))


class SettingsError(Exception):
    """A configuration that cannot be used; str() is for a person and contains no secret."""

    exit_status = 2

    def __init__(
        self,
        message: str,
        path: Path | None = None,
        line: int | None = None,
        key: str | None = None,
        *,
        where: str | None = None,
        problems: Iterable[Problem] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.line = line
        self.key = key
        self.problems = tuple(problems) or (Problem(message, key, path, line, where),)

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> "SettingsError":
        """Make one error of one or more problems; the first gives its place."""
        every = tuple(problems)
        first = every[0]
        return cls(first.message, first.path, first.line, first.key, problems=every)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


def printable(text: str) -> str:
    """Spell out control characters: a key in the file may hold an escape sequence."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean X?` for the nearest known name, else the list of them."""
    import difflib

    names = list(known)
    lowered = {each.lower(): each for each in names}
    close = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {lowered[close[0]]}?"
    return f"; known here: {', '.join(names)}" if names else ""


_TOML_WORDS: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    list: "a list",
    tuple: "a list",
    dict: "a table",
}


def found(value: object) -> str:
    """Name the kind of a value that was read, never the value: it may be a secret in the wrong place."""
    for kind, word in _TOML_WORDS.items():
        if isinstance(value, kind):
            return word
    return "a date or time"


def expected(hint: Any) -> str:
    """Say in words what a field of this type takes."""
    metadata = getattr(hint, "__metadata__", ())
    for each in metadata:
        if isinstance(each, msgspec.Meta) and each.extra and "expects" in each.extra:
            return str(each.extra["expects"])
    if metadata:
        return _bounded(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _one_of([str(each) for each in arguments])
    if origin in (tuple, list):
        return "a list of strings"
    if arguments and origin is not dict:  # a union
        return " or ".join(expected(each) for each in arguments if each is not type(None))
    return _TOML_WORDS.get(origin or hint, "a value")


def _bounded(hint: Any) -> str:
    inner = hint.__origin__
    words = expected(inner)
    for each in hint.__metadata__:
        if isinstance(each, msgspec.Meta) and each.ge is not None and each.le is not None:
            return f"{words} from {each.ge} to {each.le}"
    return words


def _one_of(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"one of {', '.join(names[:-1])} or {names[-1]}"
