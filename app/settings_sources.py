"""The file and the flags of a configuration, as one tree of values that remembers where each came from."""

import re
import stat
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from mdterm.app.settings_problems import Problem, SettingsError, printable
from mdterm.app.settings_schema import SECRET_KEYS, SECRET_VARIABLES
from mdterm.app.toml_lines import KeyPath, key_lines

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class Origin(msgspec.Struct, frozen=True):
    """Where a value came from: `flag`, `environment` or `file`, and the place in it."""

    source: str
    place: str
    line: int | None = None

    def problem(self, message: str, key: str, path: Path) -> Problem:
        """Say what is wrong with the value that came from here."""
        if self.source == "file":
            return Problem(message, key, path, self.line)
        return Problem(message, key, where=self.place)


class Sources:
    """The values of the file at `path` with the overrides laid over them, and the faults found so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.values: dict[str, Any] = {}
        self.problems: list[Problem] = []
        # Others on this machine can read the file: then it must hold no secret.
        self.is_open_to_others = False
        self._lines: dict[KeyPath, int] = {}
        self._flag_texts: dict[KeyPath, str] = {}

    def read_file(self, *, must_exist: bool) -> None:
        """Read the file; without `must_exist` an absent one is an empty one. Raise SettingsError."""
        try:
            with self.path.open("rb") as file:
                mode = self.path.stat().st_mode
                content = file.read()
        except FileNotFoundError:
            if must_exist:
                raise SettingsError("no such configuration file", self.path) from None
            return
        except OSError as error:
            raise SettingsError(f"cannot be read ({error.strerror})", self.path) from None
        self.is_open_to_others = stat.S_ISREG(mode) and bool(mode & (stat.S_IRGRP | stat.S_IROTH))
        try:
            text = content.decode("utf-8-sig")  # some editors save a byte order mark
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise SettingsError("is not UTF-8 text", self.path, line) from None
        try:
            self.values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise syntax_error(error, self.path, text) from None
        except (RecursionError, ValueError):
            # tomllib's words are for mistakes; these are for who fills a file by a program gone wild.
            raise SettingsError("holds nesting or a number without end", self.path) from None
        self._lines = key_lines(text)

    def override(self, text: str) -> None:
        """Lay one `KEY=VALUE` over the file. Nothing of VALUE is repeated: it may hold a secret."""
        key, value = _split_at_equals(text)
        path = _key_path(key)
        if path is None or value is None:
            raise SettingsError("takes KEY=VALUE, such as providers.kiyotaka.region=europe", where="--set")
        parsed = _toml_value(value)
        if SECRET_KEYS.intersection(path) or _holds_secret_key(parsed):
            variables = ", ".join(name for _, name in SECRET_VARIABLES.values())
            raise SettingsError(
                "a secret is not taken from the command line: every user of this machine can read it in the "
                f"process list. Put it into the configuration file or into the environment ({variables})",
                key=printable(key.strip()),
                where="--set",
            )
        table = self.values
        for part in path[:-1]:
            inner = table.get(part)
            if not isinstance(inner, dict):
                inner = table[part] = {}
            table = inner
        table[path[-1]] = parsed
        self._flag_texts[path] = value

    def flag_text(self, path: KeyPath) -> str | None:
        """Return a flag's value as it was typed: `--set providers.jayx.precise=1` means the text."""
        return self._flag_texts.get(path)

    def origin(self, path: KeyPath) -> Origin:
        """Say where the value at `path` came from."""
        prefixes = [path[:length] for length in range(len(path), 0, -1)]
        is_made_by_flag = path not in self._lines and any(
            flag[: len(path)] == path for flag in self._flag_texts
        )
        if is_made_by_flag or any(prefix in self._flag_texts for prefix in prefixes):
            return Origin("flag", "--set")
        line = next((self._lines[prefix] for prefix in prefixes if prefix in self._lines), None)
        return Origin("file", f"{self.path}:{line}" if line else str(self.path), line)

    def fault(self, path: KeyPath, message: str) -> None:
        """Note what is wrong with the value at `path`."""
        self.problems.append(self.origin(path).problem(message, dotted(path), self.path))


def dotted(path: Sequence[str | int]) -> str:
    """Write a key path the way TOML does, quoting what needs it; places in a list are left out."""
    return ".".join(
        part if _BARE_KEY.fullmatch(part) else '"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for part in path
        if isinstance(part, str)
    )


def syntax_error(error: tomllib.TOMLDecodeError, path: Path, text: str) -> SettingsError:
    """Take the place out of tomllib's words: `Invalid value (at line 3, column 5)`."""
    words = str(error)
    place = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", words)
    if place is None:
        return SettingsError(f"is not TOML: {words}", path)
    words = words[: place.start()]
    if place[1] is None:
        return SettingsError(f"is not TOML: {words} (at the end of the file)", path, text.count("\n") + 1)
    return SettingsError(f"is not TOML: {words} (column {place[2]})", path, int(place[1]))


def _split_at_equals(text: str) -> tuple[str, str | None]:
    """Split `a."b=c".d=value` at the first = outside quotes; the value is None when there is none."""
    quote = ""
    for index, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == "=":
            return text[:index], text[index + 1 :].strip()
    return text, None


def _key_path(key: str) -> tuple[str, ...] | None:
    if "\n" in key or "#" in key.replace('"', ""):
        return None
    try:
        inner: Any = tomllib.loads(f"{key}=0")
    except tomllib.TOMLDecodeError:
        return None
    path: list[str] = []
    while isinstance(inner, dict):
        if len(inner) != 1:
            return None
        ((part, inner),) = inner.items()
        path.append(part)
    return tuple(path)


def _toml_value(text: str) -> Any:
    """Read a value as TOML if it is that, else as the text it is."""
    try:
        table = tomllib.loads(f"value={text}")
    except (ValueError, RecursionError):
        return text
    return table["value"] if len(table) == 1 else text


def _holds_secret_key(value: Any) -> bool:
    if isinstance(value, dict):
        return any(key in SECRET_KEYS or _holds_secret_key(inner) for key, inner in value.items())
    return isinstance(value, list) and any(map(_holds_secret_key, value))
