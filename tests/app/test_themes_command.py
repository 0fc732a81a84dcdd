"""`mdterm themes` names the themes and marks the one in use; --show tells every colour."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mdterm.app.commands.context import Context
from mdterm.app.commands.themes import themes
from mdterm.app.settings import SettingsError
from mdterm.themes.palettes import DEFAULT_THEME, THEMES
from mdterm.themes.roles import ROLES

NAMES = [theme.name for theme in THEMES]


def run(folder: Path, *arguments: str, text: str = "", environ: dict[str, str] | None = None) -> Result:
    path = folder / "config.toml"
    path.write_text(text)
    context = Context(environ or {})
    context.config_path = path
    return CliRunner().invoke(themes, arguments, obj=context)


@pytest.mark.parametrize(
    ("text", "environ", "active"),
    [
        ("", {}, DEFAULT_THEME),
        ("theme = 'light'", {}, "light"),
        ("theme = 'light'", {"NO_COLOR": "1"}, "mono"),
        ("theme = 'light'", {"NO_COLOR": ""}, "light"),
    ],
)
def test_the_names_stand_alone_but_for_the_mark(
    tmp_path: Path, text: str, environ: dict[str, str], active: str
) -> None:
    done = run(tmp_path, text=text, environ=environ)
    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line.partition(" ")[0] for line in lines] == NAMES
    assert [line for line in lines if " " in line] == [f"{active} *"]


def test_show_tells_every_role_of_every_theme(tmp_path: Path) -> None:
    lines = run(tmp_path, "--show").stdout.splitlines()
    assert len(lines) == len(THEMES) * (1 + len(ROLES))
    for theme in THEMES:
        at = next(at for at, line in enumerate(lines) if line.partition(" ")[0] == theme.name)
        told = [line.split() for line in lines[at + 1 : at + 1 + len(ROLES)]]
        assert [(role, colour) for role, colour, *_ in told] == [
            (role, theme.variables[role]) for role in ROLES
        ]
        assert {role: " ".join(style) for role, _, *style in told if style} == {
            role: theme.variables[f"{role}-style"]
            for role in ROLES
            if theme.variables[f"{role}-style"] != "none"
        }


def test_an_unknown_theme_is_a_mistake_with_its_place(tmp_path: Path) -> None:
    error = run(tmp_path, text="theme = 'lihgt'").exception
    assert isinstance(error, SettingsError)
    assert str(error) == f"{tmp_path / 'config.toml'}:1: theme: unknown theme; did you mean light?"
