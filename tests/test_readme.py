"""The README's commands are the ones that CI runs, and name what exists."""

import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from mdterm.app.main import main

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def marked_block(name: str) -> str:
    found = re.search(rf"<!-- {name} -->\n+```\w*\n(.*?)\n```", README, re.DOTALL)
    assert found is not None, f"README.md has no block marked {name}"
    return found[1]


def ci_reads() -> str:
    """Take the README apart the way .ci/run does: by its own awk program."""
    script = (ROOT / ".ci" / "run").read_text()
    program = re.search(r"test_command=\$\(awk '(.+?)' README.md\)", script)
    assert program is not None
    done = subprocess.run(
        ["awk", program[1], str(ROOT / "README.md")], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_ci_runs_the_test_command_of_the_readme() -> None:
    command = marked_block("test-command")
    assert ci_reads() == command
    assert "pytest" in command
    assert "constraints/test.txt" in command


def test_start_and_test_take_one_command_each() -> None:
    for name in ("start-command", "test-command"):
        (line,) = marked_block(name).splitlines()
        assert line.startswith("python3 -m venv .venv && ")


def test_contributing_gives_the_same_test_command() -> None:
    assert marked_block("test-command") in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def shell_lines() -> list[str]:
    blocks = re.findall(r"```(?:console|sh|bash)\n(.*?)\n```", README, re.DOTALL)
    lines = [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if re.match(r"(\w+=\S+ )*mdterm\b", line)]


@pytest.mark.parametrize("line", shell_lines())
def test_every_command_shown_exists_with_its_options(line: str) -> None:
    words = shlex.split(line.partition("|")[0].partition(">")[0])
    arguments = words[words.index("mdterm") + 1 :]
    assert isinstance(main_group(), click.Group)
    command: click.Command = main_group()
    context = click.Context(command)
    names: list[str] = []
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        inner = command.get_command(context, arguments[0])
        if inner is None:
            break
        names.append(arguments.pop(0))
        command, context = inner, click.Context(inner, parent=context)
    known = {name for each in (main_group(), command) for option in each.params for name in option.opts}
    options = {word.partition("=")[0] for word in arguments if word.startswith("--")}
    assert options <= known | {"--help", "--version"}, f"{line}: {sorted(options - known)}"
    if arguments and ":" not in arguments[0] and not arguments[0].startswith("-"):
        assert names, f"{line}: no such command"


def test_the_readme_shows_commands() -> None:
    assert len(shell_lines()) >= 5


def main_group() -> click.Group:
    group: object = main
    assert isinstance(group, click.Group)
    return group
