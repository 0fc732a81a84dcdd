"""The themes: five sets of colours over the same roles.

Up and down are roles of their own, so that markets where red means up need no other theme.
"""

from collections.abc import Mapping
from dataclasses import replace

from textual.theme import Theme

from mdterm.themes.roles import FILL_ROLES, ROLES, STYLE_SUFFIX

# Attributes that hold in every theme: weight tells a great print from a small one without colour.
_STYLES: Mapping[str, str] = {"big-1": "bold", "big-2": "bold reverse"}


def _theme(
    name: str,
    colours: Mapping[str, str],
    *,
    background: str,
    surface: str,
    dark: bool = True,
    ansi: bool = False,
    styles: Mapping[str, str] = _STYLES,
    variables: Mapping[str, str] | None = None,
) -> Theme:
    """Return a theme whose variables are the roles."""
    missing = [role for role in ROLES if role not in colours]
    if missing:
        raise ValueError(f"theme {name} has no colour for {', '.join(missing)}")
    return Theme(
        name=name,
        primary=colours["key"],
        secondary=colours["muted"],
        accent=colours["key"],
        warning=colours["warn"],
        error=colours["down"],
        success=colours["up"],
        foreground=colours["text"],
        background=background,
        surface=surface,
        panel=surface,
        dark=dark,
        ansi=ansi,
        variables={
            **colours,
            **{f"{role}{STYLE_SUFFIX}": styles.get(role, "none") for role in ROLES},
            **(variables or {}),
        },
    )


DARK = _theme(
    "dark",
    {
        "text": "#d5dce4",
        "muted": "#8c99a8",
        "key": "#6fb3f2",
        "bid": "#46c28e",
        "ask": "#f27182",
        "up": "#46c28e",
        "down": "#f27182",
        "flat": "#b0bac5",
        "live": "#46c28e",
        "stale": "#848e99",
        "warn": "#e8b04b",
        "big-1": "#ffd66b",
        "big-2": "#ffd66b",
        "liq-long": "#b794f6",
        "liq-short": "#f0a45d",
        "own": "#64d8e8",
        "line-1": "#7aa8ff",
        "line-2": "#e58fd0",
        "line-3": "#e6d27a",
        "grid": "#3d4854",
        "bid-bar": "#173a2e",
        "ask-bar": "#43222a",
        "cursor": "#28323d",
    },
    background="#0f1318",
    surface="#181e25",
)

LIGHT = _theme(
    "light",
    {
        "text": "#1d2730",
        "muted": "#5b6874",
        "key": "#0b5cad",
        "bid": "#08704a",
        "ask": "#b81f3a",
        "up": "#08704a",
        "down": "#b81f3a",
        "flat": "#4a5560",
        "live": "#08704a",
        "stale": "#67727d",
        "warn": "#8a5300",
        "big-1": "#6b3fa0",
        "big-2": "#6b3fa0",
        "liq-long": "#7a3db8",
        "liq-short": "#a34700",
        "own": "#00677a",
        "line-1": "#1c4fc4",
        "line-2": "#a3278f",
        "line-3": "#7a5c00",
        "grid": "#c3ccd4",
        "bid-bar": "#d3ece0",
        "ask-bar": "#f8dade",
        "cursor": "#e2e8ee",
    },
    background="#fbfcfd",
    surface="#eef2f5",
    dark=False,
)

# Blue and orange stay apart for every common kind of colour blindness; yellow and white tell the rest.
BLUE_ORANGE = _theme(
    "blue-orange",
    {
        "text": "#dfe3e8",
        "muted": "#98a2ad",
        "key": "#f0e442",
        "bid": "#62aef5",
        "ask": "#f5a04a",
        "up": "#62aef5",
        "down": "#f5a04a",
        "flat": "#bac2ca",
        "live": "#62aef5",
        "stale": "#8b949e",
        "warn": "#f0e442",
        "big-1": "#ffffff",
        "big-2": "#ffffff",
        "liq-long": "#cf9fc6",
        "liq-short": "#f0e442",
        "own": "#7fe0e0",
        "line-1": "#e6e08a",
        "line-2": "#d9a3d0",
        "line-3": "#9fe3d9",
        "grid": "#434c56",
        "bid-bar": "#17334f",
        "ask-bar": "#4a3013",
        "cursor": "#2b343e",
    },
    background="#101317",
    surface="#1a1f25",
)

_ANSI_VARIABLES = {
    "block-cursor-foreground": "ansi_black",
    "block-cursor-background": "ansi_white",
    "input-cursor-background": "ansi_white",
    "input-cursor-foreground": "ansi_black",
    "input-selection-background": "ansi_blue",
    "input-selection-foreground": "ansi_bright_white",
    "border": "ansi_white",
    "border-blurred": "ansi_bright_black",
    "ansi-background": "ansi_black",
    "ansi-foreground": "ansi_white",
}

# Only bright colours on black: the plain ones are too dark on most sixteen-colour consoles.
ANSI16 = _theme(
    "ansi16",
    {
        "text": "ansi_bright_white",
        "muted": "ansi_white",
        "key": "ansi_bright_cyan",
        "bid": "ansi_bright_green",
        "ask": "ansi_bright_red",
        "up": "ansi_bright_green",
        "down": "ansi_bright_red",
        "flat": "ansi_white",
        "live": "ansi_bright_green",
        "stale": "ansi_white",
        "warn": "ansi_bright_yellow",
        "big-1": "ansi_bright_yellow",
        "big-2": "ansi_bright_yellow",
        "liq-long": "ansi_bright_magenta",
        "liq-short": "ansi_bright_yellow",
        "own": "ansi_bright_cyan",
        "line-1": "ansi_bright_cyan",
        "line-2": "ansi_bright_magenta",
        "line-3": "ansi_bright_yellow",
        "grid": "ansi_bright_black",
        **dict.fromkeys(FILL_ROLES, "ansi_default"),
    },
    background="ansi_black",
    surface="ansi_black",
    ansi=True,
    styles={**_STYLES, "stale": "dim", "cursor": "reverse"},
    variables=_ANSI_VARIABLES,
)

# No colour at all: weight, underline and reverse carry what glyphs and columns do not.
MONO = _theme(
    "mono",
    dict.fromkeys(ROLES, "ansi_default"),
    background="ansi_default",
    surface="ansi_default",
    ansi=True,
    styles={
        **_STYLES,
        "big-1": "bold underline",
        "muted": "dim",
        "key": "bold",
        "bid": "bold",
        "up": "bold",
        "live": "bold",
        "stale": "dim",
        "warn": "bold underline",
        "own": "underline",
        "grid": "dim",
        "cursor": "reverse",
    },
    variables={
        **dict.fromkeys(_ANSI_VARIABLES, "ansi_default"),
        "block-cursor-text-style": "reverse",
        "input-cursor-text-style": "reverse",
        "input-selection-text-style": "reverse",
    },
)

THEMES: tuple[Theme, ...] = (DARK, LIGHT, BLUE_ORANGE, ANSI16, MONO)
DEFAULT_THEME = DARK.name
SIXTEEN_THEME = ANSI16.name
SLOW_LINK_THEME = SIXTEEN_THEME
"""Its colours take the fewest bytes."""
MONO_THEME = MONO.name


def derive(
    name: str, base: Theme, *, colours: Mapping[str, str], styles: Mapping[str, str], dark: bool
) -> Theme:
    """Return a theme of somebody's own: ``base``, with other colours and attributes for some of its roles.

    ``colours`` may hold ``background`` and ``surface`` as well; overlays follow the background.
    """
    background = colours.get("background", base.background) or "ansi_default"
    surface = colours.get("surface", colours.get("background", base.surface)) or background
    of_roles = {*ROLES, *(f"{role}{STYLE_SUFFIX}" for role in ROLES)}
    return _theme(
        name,
        {role: colours.get(role, base.variables[role]) for role in ROLES},
        background=background,
        surface=surface,
        dark=dark,
        ansi=base.ansi,
        styles={role: styles.get(role, base.variables[f"{role}{STYLE_SUFFIX}"]) for role in ROLES},
        variables={key: value for key, value in base.variables.items() if key not in of_roles},
    )


def red_up(theme: Theme) -> Theme:
    """Return a theme in which rising has the colour of falling and the other way round; sides keep theirs."""
    swapped = {"up": theme.variables["down"], "down": theme.variables["up"]}
    return replace(theme, variables={**theme.variables, **swapped})


def themes(*, is_red_up: bool, own: tuple[Theme, ...] = ()) -> tuple[Theme, ...]:
    """Return all themes, in the convention that is asked for; somebody's ``own`` come last."""
    every = (*THEMES, *own) if own else THEMES
    return tuple(red_up(theme) for theme in every) if is_red_up else every
