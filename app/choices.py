"""What the screen starts with: what was asked for, else what was chosen last time, else the default."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from rich.color import ColorSystem

from mdterm.app.charset import as_started, is_ascii
from mdterm.app.commands.context import Failed
from mdterm.app.keymap import Keymap, bind_keys
from mdterm.app.layout_keys import DEFAULT_LAYOUT, LAYOUTS
from mdterm.app.roster import Roster
from mdterm.app.settings import Settings
from mdterm.app.settings_problems import nearest
from mdterm.app.state import State
from mdterm.app.theme_files import ThemeFiles, Watched, folders_of, read_themes
from mdterm.app.zones import Zone
from mdterm.feeds.address import AddressError, Instrument
from mdterm.themes.palettes import DEFAULT_THEME, MONO_THEME, SIXTEEN_THEME, SLOW_LINK_THEME, THEMES
from mdterm.widgets.figures import EAST_ASIAN, EAST_ASIAN_ASCII, WESTERN, Units

if TYPE_CHECKING:
    from mdterm.app.far import AnyWorld


class Choices(NamedTuple):
    """How the screen looks, and what its keys are."""

    theme: str
    layout: str
    zone: Zone
    keymap: Keymap
    is_red_up: bool
    own_themes: Watched
    is_ascii: bool
    units: Units


def choose(
    settings: Settings,
    state: State | None,
    *,
    no_color: bool = False,
    slow_link: bool = False,
    colours: ColorSystem | None = ColorSystem.TRUECOLOR,
) -> Choices:
    """Return the choices; what the settings name wins over what was chosen last time. Raise SettingsError.

    A slow link is asked for, with the few colours that it needs: the theme of last time does not undo it. Nor
    does it where the terminal has few ``colours``, or none.
    """
    folders = folders_of(settings)
    files = read_themes(folders)
    drawn_in_ascii = is_ascii(settings.glyphs, as_started())
    return Choices(
        theme=MONO_THEME
        if no_color
        else _theme(settings, state, files, slow_link=slow_link, colours=colours),
        layout=_layout(settings, state),
        zone=_zone(settings, state),
        keymap=_keymap(settings),
        is_red_up=settings.red_up,
        own_themes=Watched(folders, files),
        is_ascii=drawn_in_ascii,
        units=units_of(settings, in_ascii=drawn_in_ascii),
    )


def units_of(settings: Settings, *, in_ascii: bool) -> Units:
    """Return what large amounts are counted in."""
    if settings.number_format == "western":
        return WESTERN
    return EAST_ASIAN_ASCII if in_ascii else EAST_ASIAN


def watched(world: "AnyWorld", roster: Roster) -> tuple[list[Instrument], list[str]]:
    """Return the saved watchlist, and words for each symbol of it that cannot be watched any more.

    The configuration must be right: raise AddressError or Failed where it is not. What a person once added
    may belong to a provider that is gone.
    """
    base = world.instruments([*world.default_addresses(), *_grouped(world.settings)])
    known = {one.address: one for one in base}
    listed = roster.arrange(list(known))
    problems = []
    for address in listed:
        if address not in known:
            try:
                (known[address],) = world.instruments([address])
            except (AddressError, Failed) as error:
                problems.append(f"{address} of the watchlist cannot be watched: {error}")
    found = [known[address] for address in listed if address in known]
    return found or base, problems


def _grouped(settings: Settings) -> Iterable[str]:
    return [address for group in settings.groups.values() for address in group]


def theme_names(files: ThemeFiles) -> list[str]:
    """Return the names of all themes there are."""
    return [one.name for one in (*THEMES, *files.themes)]


def _theme(
    settings: Settings,
    state: State | None,
    files: ThemeFiles,
    *,
    slow_link: bool,
    colours: ColorSystem | None,
) -> str:
    names = theme_names(files)
    if settings.theme is None and colours is None:
        return MONO_THEME
    if settings.theme is None and slow_link:
        return SLOW_LINK_THEME
    if settings.theme is None and colours is ColorSystem.STANDARD:
        # Two of sixteen colours are often one where sixteen million were meant.
        plain = [one.name for one in (*THEMES, *files.themes) if one.ansi]
        chosen = _chosen(state, "theme")
        return chosen if chosen is not None and chosen in plain else SIXTEEN_THEME
    if settings.theme in files.broken:
        return DEFAULT_THEME  # it is told what is wrong with the file; the screen is needed meanwhile
    if settings.theme is None:
        chosen = _chosen(state, "theme")
        return DEFAULT_THEME if chosen is None or chosen not in names else chosen
    if settings.theme not in names:
        words = f"there is no theme {settings.theme!r}{nearest(settings.theme, names)}"
        raise settings.error("theme", words)
    return settings.theme


def _layout(settings: Settings, state: State | None) -> str:
    if settings.layout is None:
        chosen = _chosen(state, "layout")
        return DEFAULT_LAYOUT if chosen is None or chosen not in LAYOUTS else chosen
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
