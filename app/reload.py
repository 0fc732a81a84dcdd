"""A configuration that changes under way: what can be is taken up, a wrong one changes nothing."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from mdterm.app.choices import choose
from mdterm.app.settings import Settings, SettingsError

TAKEN_UP: Final = ("theme", "red_up", "number_format", "keys", "fps")
"""The settings that need no restart."""

_Signature = tuple[int, int, int] | None


class Change(NamedTuple):
    """What became of a changed file: words for the person, and the settings where they are right."""

    words: str
    settings: Settings | None = None
    taken_up: frozenset[str] = frozenset()


class Reload:
    """Looks at the configuration file. ``fixed`` are settings that the command line has the say in."""

    def __init__(self, settings: Settings, load: Callable[[], Settings], fixed: Collection[str] = ()) -> None:
        self.settings = settings
        """The last ones that were right."""
        self._load = load
        self._fixed = frozenset(fixed)
        self._read = self._seen = _signature(settings.path)

    def look(self) -> Change | None:
        """Return what is new since the last look; a file that is still being written is waited for."""
        before, self._seen = self._seen, _signature(self.settings.path)
        if self._seen == self._read or self._seen != before:
            return None
        self._read = self._seen
        try:
            settings = self._load()
            choose(settings, None)
        except SettingsError as error:
            first, *others = str(error).splitlines()
            more = f" (and {len(others)} more)" if others else ""
            return Change(f"the configuration is wrong, the one before still holds: {first}{more}")
        changed = _differences(self.settings, settings) - self._fixed
        self.settings = settings
        if not changed:
            return None
        taken_up = frozenset(TAKEN_UP) & changed
        waiting = sorted(changed - taken_up)
        words = [f"taken up: {', '.join(sorted(taken_up))}"] if taken_up else []
        words += [f"at the next start: {', '.join(waiting)}"] if waiting else []
        return Change(f"the configuration was changed; {'; '.join(words)}", settings, taken_up)


def _differences(old: Settings, new: Settings) -> set[str]:
    """Return the names of the settings that differ; of the providers each by its own."""
    names = [one.name for one in msgspec.structs.fields(Settings)]
    plain = [one for one in names if one not in ("path", "origins", "providers")]
    found = {name for name in plain if getattr(old, name) != getattr(new, name)}
    providers = old.providers.keys() | new.providers.keys()
    return found | {
        f"providers.{one}" for one in providers if old.providers.get(one) != new.providers.get(one)
    }


def _signature(path: Path) -> _Signature:
    """Return what changes with a file, None where there is none."""
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_mtime_ns, told.st_size, told.st_ino
