"""The completion scripts are made without a shell, and the shells accept them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from mdterm.app.commands.completion import completion
from mdterm.app.main import build


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


def asked(*words: str) -> list[str]:
    """Return what is offered for the last word."""
    complete = ShellComplete(build(), {}, "mdterm", "_MDTERM_COMPLETE")
    return [one.value for one in complete.get_completions(list(words[:-1]), words[-1])]


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give settings of our own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    path = tmp_path / "config" / "mdterm" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text('watchlist = ["kiyotaka:BYBIT:BTCUSDT"]\n[providers.desk]\nkind = "alltick"\n')
    return path


@pytest.mark.parametrize(
    ("words", "some"),
    [
        (("",), {"tail", "doctor", "sim:", "kiyotaka:BYBIT:BTCUSDT"}),
        (("--",), {"--slow-link", "--fps", "--version", "--config"}),
        (("sim:BTCUSDT", ""), {"sim:", "kiyotaka:BYBIT:BTCUSDT"}),
        (("sim:B",), {"sim:BTCUSDT"}),
        (("tail", "desk:7"), {"desk:700.HK"}),
        (("tail", "--kinds", "trade,b"), {"trade,book", "trade,balance"}),
        (("once", "sim:BTCUSDT", "--panel", "l"), {"ladder"}),
        (("history", "sim:BTCUSDT", "--interval", "1"), {"1m", "1h", "1d"}),
        (("symbols", "d"), {"desk"}),
        (("themes", "--template", ""), {"dark", "mono"}),
        (("doctor", "k"), {"kiyotaka"}),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, tuple) else None,
)
def test_what_may_follow_is_offered(words: tuple[str, ...], some: set[str]) -> None:
    found = asked(*words)
    assert some <= set(found)
    assert all(one.startswith(words[-1]) for one in found)
    assert len(found) == len(set(found))


def test_no_command_follows_an_address() -> None:
    assert "simulate" not in asked("sim:BTCUSDT", "s")


def test_a_broken_configuration_is_no_trouble(settings: Path) -> None:
    settings.write_text("nonsense")
    assert "sim:" in asked("")
    assert "jayx" in asked("symbols", "")


@pytest.fixture
def program_folder(tmp_path: Path) -> Path:
    """Give a folder with the program as a shell finds it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "mdterm").write_text(f'#!/bin/sh\nexec {sys.executable} -m mdterm.app.main "$@"\n')
    (folder / "mdterm").chmod(0o755)
    return folder


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("mdterm sim:B", ["BTCUSDT"]),
        ("mdterm kiyotaka:BY", ["BYBIT:BTCUSDT"]),
        ("mdterm tail sim:", ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "1000PEPEUSDT"]),
        ("mdterm once sim:BTCUSDT --panel t", ["tape"]),
        ("mdterm --slow", ["--slow-link"]),
    ],
)
def test_bash_offers_what_follows_the_colon(
    tmp_path: Path, program_folder: Path, line: str, offered: list[str]
) -> None:
    file = tmp_path / "completion"
    file.write_text(script("bash"))
    typed = f'COMP_LINE="{line}" COMP_POINT={len(line)}'
    ask = f'. {file}; {typed}; _mdterm_completion mdterm; echo "${{COMPREPLY[*]}}"'
    done = subprocess.run(
        ["bash", "--norc", "-c", ask],
        env={**os.environ, "PATH": f"{program_folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == offered


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
def test_fish_offers_addresses(tmp_path: Path, program_folder: Path) -> None:
    file = tmp_path / "completion"
    file.write_text(script("fish"))
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source {file}; complete -C 'mdterm tail sim:B'"],
        env={**os.environ, "PATH": f"{program_folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["sim:BTCUSDT"]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh here")
def test_zsh_accepts_it(tmp_path: Path) -> None:
    file = tmp_path / "completion"
    file.write_text(script("zsh"))
    ask = f"autoload -Uz compinit; compinit -D -u; . {file}; echo ${{_comps[mdterm]}}"
    done = subprocess.run(["zsh", "-fc", ask], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("_mdterm_completion", "")


def test_another_shell_is_refused() -> None:
    assert CliRunner().invoke(program, ["completion", "tcsh"]).exit_code == 2
