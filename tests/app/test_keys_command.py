"""`mdterm keys` tells the keys as they are bound, and every name that can be rebound."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mdterm.app.commands.context import Context
from mdterm.app.commands.keys import keys
from mdterm.app.keymap import COMMANDS
from mdterm.app.settings import SettingsError


def run(folder: Path, text: str = "") -> Result:
    path = folder / "config.toml"
    path.write_text(text)
    context = Context({})
    context.config_path = path
    return CliRunner().invoke(keys, [], obj=context)


def rows(done: Result) -> dict[str, str]:
    """Return the keys by name."""
    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    at, end = lines[0].index("NAME"), lines[0].index("DOES")
    return {line[at:end].strip(): line[:at].strip() for line in lines[1:]}


def test_every_command_has_its_line(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert rows(done) == {one.id: " ".join(one.keys) for one in COMMANDS}
    for one, line in zip(COMMANDS, done.stdout.splitlines()[1:], strict=True):
        assert one.help in line
        assert line.endswith(one.group)


def test_keys_are_told_as_the_user_bound_them(tmp_path: Path) -> None:
    bound = rows(run(tmp_path, 'keys.freeze = ["x", "F"]\nkeys.centre = []\n'))
    assert bound["freeze"] == "x F"
    assert bound["centre"] == "—"


@pytest.mark.parametrize(
    ("text", "key"), [('keys.freeez = "x"', "keys.freeez"), ('keys.quit = "zz"', "keys.quit")]
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, key: str) -> None:
    error = run(tmp_path, text).exception
    assert isinstance(error, SettingsError)
    assert str(error).startswith(f"{tmp_path / 'config.toml'}:1: {key}: ")
