"""Themes of one's own: TOML files that name colours for roles, over a theme that mdterm brings."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from textual.color import Color, ColorParseError
from textual.theme import Theme

from mdterm.app import locations
from mdterm.app.settings import Settings
from mdterm.app.settings_problems import Problem, found, nearest
from mdterm.app.settings_sources import dotted, syntax_error
from mdterm.app.toml_lines import KeyPath, key_lines
from mdterm.themes.contrast import LEGIBLE, luminance, pairs
from mdterm.themes.palettes import DEFAULT_THEME, THEMES, derive
from mdterm.themes.roles import ROLES, STYLE_SUFFIX

GROUNDS: Final = ("background", "surface")
"""What is no role but has a colour: the ground of the panels, and that of what lies over them."""
BASED_ON: Final = "based_on"
STYLES: Final = "styles"
ATTRIBUTES: Final = ("bold", "dim", "italic", "underline", "reverse", "strike", "none")
_SUFFIX: Final = ".toml"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_MOST_FILES: Final = 100
_MOST_BYTES: Final = 64 * 1024
_BY_NAME: Final = {theme.name: theme for theme in THEMES}
_WHAT_IS_A_COLOUR: Final = 'a colour such as "#46c28e", "red" or "ansi_bright_red"'

Signature = tuple[tuple[str, int, int], ...]


class ThemeFiles(NamedTuple):
    """What the files are: the themes of them, what is wrong in them, and what is hard to read.

    A theme with a fault is there without what is wrong; ``broken`` are the names of those that are not there.
    """

    themes: tuple[Theme, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    broken: frozenset[str] = frozenset()
    paths: Mapping[str, Path] = {}
    """The file of each theme that is there."""

    def words(self) -> str | None:
        """Return in a line what is wrong, None where nothing is."""
        if not self.problems:
            return None
        more = len(self.problems) - 1
        return f"{self.problems[0]}" + (f" (and {more} more: mdterm themes --check)" if more else "")

    def doubts(self) -> list[str]:
        """Return a line for each file of which something is hard to read."""
        found: dict[Path | None, list[str]] = {}
        for problem in self.warnings:
            found.setdefault(problem.path, []).append(problem.key or "")
        return [
            f"{path}: hard to read: {', '.join(dict.fromkeys(roles))} (mdterm themes --check)"
            for path, roles in found.items()
        ]


def folders_of(settings: Settings) -> tuple[Path, ...]:
    """Return where themes are looked for; of two with one name the first counts."""
    if settings.theme_dir is not None:
        return ((settings.path.parent / Path(settings.theme_dir).expanduser()),)
    return tuple(dict.fromkeys((settings.path.parent / "themes", locations.config_file().parent / "themes")))


def signature(folders: Iterable[Path]) -> Signature:
    """Return what changes with the files of the folders."""
    told = []
    for path in _files(folders):
        try:
            stat = path.stat()
        except OSError:
            continue
        told.append((str(path), stat.st_mtime_ns, stat.st_size))
    return tuple(told)


def read_themes(folders: Iterable[Path]) -> ThemeFiles:
    """Return what the files of the folders are. What is wrong in one is told, and costs no other."""
    themes: dict[str, Theme] = {}
    problems: list[Problem] = []
    warnings: list[Problem] = []
    broken: set[str] = set()
    paths: dict[str, Path] = {}
    for path in _files(folders):
        name = path.name.removesuffix(_SUFFIX)
        if name in themes:
            continue
        reading = _Reading(path, name)
        theme = reading.theme()
        problems += reading.problems
        if theme is None:
            broken.add(name)
        else:
            themes[name] = theme
            paths[name] = path
            warnings += reading.hard_to_read(theme)
    return ThemeFiles(
        tuple(themes.values()), tuple(problems), tuple(warnings), frozenset(broken - themes.keys()), paths
    )


def _files(folders: Iterable[Path]) -> list[Path]:
    files: list[Path] = []
    for folder in folders:
        try:
            names = sorted(path for path in folder.iterdir() if path.name.endswith(_SUFFIX))
        except OSError:
            continue  # most people have none
        files += [path for path in names if not path.name.startswith(".")][:_MOST_FILES]
    return files


class _Reading:
    """Reads one file, and notes what is wrong with it."""

    def __init__(self, path: Path, name: str) -> None:
        self.path = path
        self.name = name
        self.problems: list[Problem] = []
        self._lines: dict[KeyPath, int] = {}
        self._keys: dict[str, str] = {}
        """Colours by role or ground, as the file writes each key."""

    def theme(self) -> Theme | None:
        """Return the theme without what is wrong in it, None where nothing of it can be had."""
        if not _NAME.fullmatch(self.name):
            self._fault((), "a theme is named like its file: letters, digits, - and _ only")
            return None
        if self.name in _BY_NAME:
            self._fault((), f"mdterm brings a theme {self.name}; give this file another name")
            return None
        values = self._read()
        if values is None:
            return None
        styles = values.pop(STYLES, {})
        base = self._base(values.pop(BASED_ON, DEFAULT_THEME))
        colours = self._colours(values)
        if not isinstance(styles, dict):
            self._fault((STYLES,), f"expected a table, got {found(styles)}")
            styles = {}
        ground = colours.get("background")
        dark = base.dark if ground is None or Color.parse(ground).ansi == -1 else luminance(ground) < 0.5
        return derive(self.name, base, colours=colours, styles=self._styles(styles), dark=dark)

    def hard_to_read(self, theme: Theme) -> list[Problem]:
        """Return what in the theme has too little contrast."""
        return [
            Problem(
                f"is hard to read on {pair.ground}: contrast {pair.ratio:.1f}, {LEGIBLE} is legible",
                pair.role,
                self.path,
                self._line_of(pair.role) or self._line_of(pair.ground),
            )
            for pair in pairs(theme)
            if pair.ratio < LEGIBLE
        ]

    def _line_of(self, role: str) -> int | None:
        return self._lines.get((self._keys.get(role, ""),))

    def _read(self) -> dict[str, Any] | None:
        try:
            with self.path.open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
        except OSError as error:
            self._fault((), f"cannot be read ({error.strerror})")
            return None
        if len(content) > _MOST_BYTES:
            self._fault((), "is too long for a theme")
            return None
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            self.problems.append(Problem("is not UTF-8 text", None, self.path, line))
            return None
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            self.problems += syntax_error(error, self.path, text).problems
            return None
        except (RecursionError, ValueError):
            self._fault((), "holds nesting or a number without end")
            return None
        self._lines = key_lines(text)
        return values

    def _base(self, name: object) -> Theme:
        if isinstance(name, str) and name in _BY_NAME:
            return _BY_NAME[name]
        if isinstance(name, str):
            self._fault((BASED_ON,), f"mdterm brings no such theme{nearest(name, _BY_NAME)}")
        else:
            self._fault((BASED_ON,), f"expected the name of a theme, got {found(name)}")
        return _BY_NAME[DEFAULT_THEME]

    def _colours(self, values: Mapping[str, Any]) -> dict[str, str]:
        colours: dict[str, str] = {}
        for key, value in values.items():
            role = key.replace("_", "-")
            if role not in (*ROLES, *GROUNDS):
                known = (*ROLES, *GROUNDS, BASED_ON, STYLES)
                self._fault((key,), f"unknown role{nearest(key, known)}")
            elif not isinstance(value, str):
                self._fault((key,), f"expected {_WHAT_IS_A_COLOUR}, got {found(value)}")
            elif (fault := _colour_fault(value)) is not None:
                self._fault((key,), fault)
            else:
                colours[role] = value
                self._keys[role] = key
        return colours

    def _styles(self, values: Mapping[str, Any]) -> dict[str, str]:
        styles: dict[str, str] = {}
        for key, value in values.items():
            at, role = (STYLES, key), key.replace("_", "-")
            if role not in ROLES:
                self._fault(at, f"unknown role{nearest(key, ROLES)}")
            elif not isinstance(value, str) or not value.split():
                self._fault(at, f'expected words such as "bold underline", got {found(value)}')
            elif unknown := [word for word in value.split() if word not in ATTRIBUTES]:
                self._fault(at, f"unknown attribute {unknown[0]}{nearest(unknown[0], ATTRIBUTES)}")
            else:
                styles[role] = "none" if "none" in value.split() else " ".join(value.split())
        return styles

    def _fault(self, at: Sequence[str], words: str) -> None:
        self.problems.append(Problem(words, dotted(at) or None, self.path, self._lines.get(tuple(at))))


def _colour_fault(value: str) -> str | None:
    """Say why a text is no colour, None if it is one."""
    try:
        colour = Color.parse(value)
    except ColorParseError as error:
        near = error.suggested_color
        return f"{value!r} is no colour; " + (
            f"did you mean {near}?" if near is not None else f"write {_WHAT_IS_A_COLOUR}"
        )
    if colour.a != 1.0:
        return f"{value!r} is transparent, which no terminal can show; leave the last digits out"
    return None


def template(theme: Theme) -> str:
    """Return a theme as the file that makes one like it: every role, its colour and its attributes."""
    lines = [
        f"# A theme of your own: save it as NAME{_SUFFIX} in the folder `themes` beside the configuration.",
        "# Leave out what shall stay as it is in the theme that it is based on.",
        f'{BASED_ON} = "{theme.name}"',
        "",
        *(f'{ground} = "{getattr(theme, ground)}"' for ground in GROUNDS),
        *(f'{role} = "{theme.variables[role]}"' for role in ROLES),
        "",
        f"# {', '.join(ATTRIBUTES)}",
        f"[{STYLES}]",
    ]
    styles = {role: theme.variables[f"{role}{STYLE_SUFFIX}"] for role in ROLES}
    lines += [f'{role} = "{style}"' for role, style in styles.items() if style != "none"]
    return "\n".join(lines) + "\n"


class Watched:
    """The folders, looked at again and again: what is broken under way keeps what it was."""

    def __init__(self, folders: tuple[Path, ...], read: ThemeFiles) -> None:
        self.read = read
        """What was read last."""
        self._folders = folders
        self._read = self._seen = signature(folders)

    def look(self) -> ThemeFiles | None:
        """Return what the files are now, if they have changed; one that is being written is waited for."""
        before, self._seen = self._seen, signature(self._folders)
        if self._seen == self._read or self._seen != before:
            return None
        return self.read_now()

    def read_now(self) -> ThemeFiles:
        """Return what the files are now."""
        self._read = signature(self._folders)
        new = read_themes(self._folders)
        kept = tuple(theme for theme in self.read.themes if theme.name in new.broken)
        self.read = new._replace(themes=(*new.themes, *kept), broken=new.broken - {one.name for one in kept})
        return self.read
