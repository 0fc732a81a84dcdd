"""The completion scripts are made without a shell, and the shells accept them."""

import shutil
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mdterm.app.commands.completion import completion


@click.group()
def program() -> None:
    """Stands in for the whole command line."""


program.add_command(completion)


def script(shell: str) -> str:
    done = CliRunner().invoke(program, ["completion", shell])
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize(
    ("shell", "call"), [("bash", "bash_complete"), ("zsh", "zsh_complete"), ("fish", "fish_complete")]
)
def test_the_script_asks_mdterm(shell: str, call: str) -> None:
    text = script(shell)
    assert f"_MDTERM_COMPLETE={call}" in text
    assert "mdterm" in text


def test_it_is_made_without_running_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert "_mdterm_completion" in script("bash")


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_accepts_it(tmp_path: Path) -> None:
    file = tmp_path / "mdterm"
    file.write_text(script("bash"))
    done = subprocess.run(
        ["bash", "--norc", "-c", f". {file} && complete -p mdterm"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "_mdterm_completion" in done.stdout
    assert done.stderr == ""


def test_another_shell_is_refused() -> None:
    assert CliRunner().invoke(program, ["completion", "tcsh"]).exit_code == 2
