"""Every theme has every role, legible on what it stands on."""

import pytest
from textual.color import Color
from textual.theme import Theme

from mdterm.themes.contrast import LEGIBLE, contrast, pairs
from mdterm.themes.palettes import MONO_THEME, THEMES, themes
from mdterm.themes.roles import ROLES, STYLE_SUFFIX, TEXT_ROLES

COLOURED = [theme for theme in THEMES if theme.name != MONO_THEME]
IN_BOTH_CONVENTIONS = [
    pytest.param(theme, id=f"{theme.name}{'-red-up' * is_red_up}")
    for is_red_up in (False, True)
    for theme in themes(is_red_up=is_red_up)
    if theme.name != MONO_THEME
]


def test_contrast_of_black_and_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", IN_BOTH_CONVENTIONS)
def test_every_text_is_legible_on_all_that_it_is_written_on(theme: Theme) -> None:
    found = list(pairs(theme))
    assert {pair.role for pair in found} >= set(TEXT_ROLES)
    assert [pair for pair in found if pair.ratio < LEGIBLE] == []


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
