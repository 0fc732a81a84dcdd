"""What the screen starts with: what was asked for, else what was chosen last time, else the default."""

from typing import NamedTuple

from mdterm.app.board import DEFAULT_LAYOUT, LAYOUTS
from mdterm.app.keymap import Keymap, bind_keys
from mdterm.app.settings import Settings
from mdterm.app.state import State
from mdterm.app.zones import Zone
from mdterm.themes.palettes import DEFAULT_THEME, MONO_THEME, THEMES


class Choices(NamedTuple):
    """How the screen looks, and what its keys are."""

    theme: str
    layout: str
    zone: Zone
    keymap: Keymap
    is_red_up: bool


def choose(settings: Settings, state: State | None, *, no_color: bool) -> Choices:
    """Return the choices; what the settings name wins over what was chosen last time. Raise SettingsError."""
    return Choices(
        theme=MONO_THEME if no_color else _theme(settings, state),
        layout=_layout(settings, state),
        zone=_zone(settings, state),
        keymap=_keymap(settings),
        is_red_up=settings.red_up,
    )


def _theme(settings: Settings, state: State | None) -> str:
    names = [one.name for one in THEMES]
    if settings.theme is None:
        chosen = _chosen(state, "theme")
        return chosen if chosen in names else DEFAULT_THEME
    if settings.theme not in names:
        raise settings.error("theme", f"there is no theme {settings.theme!r}; there are {', '.join(names)}")
    return settings.theme


def _layout(settings: Settings, state: State | None) -> str:
    if settings.layout is None:
        chosen = _chosen(state, "layout")
        return chosen if chosen in LAYOUTS else DEFAULT_LAYOUT
    if settings.layout not in LAYOUTS:
        known = ", ".join(LAYOUTS)
        raise settings.error("layout", f"there is no layout {settings.layout!r}; there are {known}")
    return settings.layout


def _zone(settings: Settings, state: State | None) -> Zone:
    chosen = _chosen(state, "time_zone")
    if "time_zone" not in settings.origins and chosen is not None:
        try:
            return Zone(chosen)
        except ValueError:
            pass  # this machine does not know it any more
    try:
        return Zone(settings.time_zone)
    except ValueError as error:
        raise settings.error("time_zone", str(error)) from None


def _keymap(settings: Settings) -> Keymap:
    keymap, problems = bind_keys(settings.keys)
    if problems:
        raise settings.error(f"keys.{problems[0].id}", problems[0].words)
    return keymap


def _chosen(state: State | None, name: str) -> str | None:
    return None if state is None else state.text("screen", name)
