"""How many colours a terminal has, and which theme that makes."""

from pathlib import Path

import pytest
from rich.color import ColorSystem

from mdterm.app.choices import choose
from mdterm.app.colours import colours_of
from mdterm.app.settings import load_settings
from mdterm.app.state import State

ALL, MANY, FEW = ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT, ColorSystem.STANDARD


@pytest.mark.parametrize(
    ("environment", "colours"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, ALL),
        ({"TERM": "xterm", "COLORTERM": "24bit"}, ALL),
        ({"TERM": "xterm-kitty"}, ALL),
        ({"TERM": "xterm-direct"}, ALL),
        ({"TERM": "xterm-256color", "COLORTERM": "yes"}, MANY),
        ({"TERM": "tmux-256color"}, MANY),
        ({"TERM": "a-terminal-of-nobody"}, FEW),
        ({}, FEW),
    ],
)
def test_the_environment_tells(environment: dict[str, str], colours: ColorSystem) -> None:
    assert colours_of(environment) is colours


@pytest.mark.parametrize(("count", "colours"), [(-1, None), (2, None), (8, FEW), (16, FEW), (256, MANY)])
def test_else_the_database_tells(
    monkeypatch: pytest.MonkeyPatch, count: int, colours: ColorSystem | None
) -> None:
    monkeypatch.setattr("mdterm.app.colours._counted", lambda term: count)
    assert colours_of({"TERM": "vt999"}) is colours


@pytest.mark.parametrize(
    ("colours", "text", "kept", "theme"),
    [
        (ALL, "", "light", "light"),
        (MANY, "", None, "dark"),
        (FEW, "", "light", "ansi16"),
        (FEW, "", "mono", "mono"),
        (FEW, 'theme = "light"\n', None, "light"),
        (None, "", "light", "mono"),
        (None, 'theme = "dark"\n', None, "dark"),
    ],
)
def test_the_theme_is_one_that_the_terminal_can_show(
    tmp_path: Path, colours: ColorSystem | None, text: str, kept: str | None, theme: str
) -> None:
    (tmp_path / "config.toml").write_text(text)
    state = State(tmp_path / "state.json")
    if kept is not None:
        state.put(kept, "screen", "theme")
    settings = load_settings(tmp_path / "config.toml", [], {})
    assert choose(settings, state, colours=colours).theme == theme
