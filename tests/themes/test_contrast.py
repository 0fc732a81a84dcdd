"""Every theme has every role, legible on what it stands on."""

import pytest
from textual.color import Color
from textual.theme import Theme

from mdterm.themes.palettes import MONO_THEME, THEMES, themes
from mdterm.themes.roles import ROLES, STYLE_SUFFIX, TEXT_ROLES

# xterm's own sixteen colours; most terminals' are lighter on black.
XTERM = {
    "ansi_black": "#000000",
    "ansi_white": "#e5e5e5",
    "ansi_bright_black": "#7f7f7f",
    "ansi_bright_red": "#ff0000",
    "ansi_bright_green": "#00ff00",
    "ansi_bright_yellow": "#ffff00",
    "ansi_bright_magenta": "#ff00ff",
    "ansi_bright_cyan": "#00ffff",
    "ansi_bright_white": "#ffffff",
}
COLOURED = [theme for theme in THEMES if theme.name != MONO_THEME]
IN_BOTH_CONVENTIONS = [
    pytest.param(theme, id=f"{theme.name}{'-red-up' * is_red_up}")
    for is_red_up in (False, True)
    for theme in themes(is_red_up=is_red_up)
    if theme.name != MONO_THEME
]


def luminance(colour: str) -> float:
    """Return the relative luminance as WCAG 2 defines it."""
    rgb = Color.parse(XTERM.get(colour, colour)).normalized
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_of_black_and_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", IN_BOTH_CONVENTIONS)
@pytest.mark.parametrize("role", TEXT_ROLES)
def test_text_is_legible_on_the_ground(theme: Theme, role: str) -> None:
    assert theme.background is not None
    assert contrast(theme.variables[role], theme.background) >= 4.5


@pytest.mark.parametrize("theme", COLOURED, ids=lambda one: one.name)
@pytest.mark.parametrize(
    ("role", "fill"), [("bid", "bid-bar"), ("ask", "ask-bar"), ("text", "cursor"), ("key", "cursor")]
)
def test_text_is_legible_on_what_is_painted_behind_it(theme: Theme, role: str, fill: str) -> None:
    ground = theme.variables[fill]
    if ground != "ansi_default":
        assert contrast(theme.variables[role], ground) >= 4.5


def test_mono_has_no_colour_at_all_and_tells_roles_by_weight() -> None:
    mono = next(theme for theme in THEMES if theme.name == MONO_THEME)
    assert {mono.variables[role] for role in ROLES} == {"ansi_default"}
    assert mono.background == "ansi_default"
    assert mono.variables[f"bid{STYLE_SUFFIX}"] != mono.variables[f"ask{STYLE_SUFFIX}"]
    assert mono.variables[f"stale{STYLE_SUFFIX}"] == "dim"


def test_bid_and_ask_of_the_colour_blind_theme_differ_in_blue_not_in_red_and_green() -> None:
    theme = next(theme for theme in THEMES if theme.name == "blue-orange")
    bid, ask = Color.parse(theme.variables["bid"]), Color.parse(theme.variables["ask"])
    assert bid.b - ask.b > 120


@pytest.mark.parametrize(
    ("plain", "swapped"),
    zip(THEMES, themes(is_red_up=True), strict=True),
    ids=[theme.name for theme in THEMES],
)
def test_red_up_swaps_rising_and_falling_and_nothing_else(plain: Theme, swapped: Theme) -> None:
    assert swapped.name == plain.name
    assert (swapped.variables["up"], swapped.variables["down"]) == (
        plain.variables["down"],
        plain.variables["up"],
    )
    for role in (*ROLES, *(f"{role}{STYLE_SUFFIX}" for role in ROLES)):
        if role not in ("up", "down"):
            assert swapped.variables[role] == plain.variables[role], role
    assert (swapped.error, swapped.success) == (plain.error, plain.success)


def test_without_red_up_the_themes_are_the_themes() -> None:
    assert themes(is_red_up=False) is THEMES
