"""The README's commands are the ones that CI runs, and name what exists."""

import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from mdterm.app.main import COMMANDS, build, insert_default

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


def test_the_readme_shows_commands() -> None:
    assert len(shell_lines()) >= 5


@pytest.mark.parametrize("line", shell_lines())
def test_every_command_shown_exists_with_its_options(line: str) -> None:
    words = shlex.split(line.partition("|")[0].partition(" > ")[0].rstrip("&; "))
    arguments = insert_default(words[words.index("mdterm") + 1 :])
    group = build()
    with click.Context(group, info_name="mdterm") as context:
        name, command, rest = group.resolve_command(context, arguments)
        assert name in COMMANDS
        while isinstance(command, click.Group):
            with click.Context(command, parent=context, info_name=name) as context:
                name, command, rest = command.resolve_command(context, rest)
        assert command is not None
        parser = command.make_parser(click.Context(command, parent=context, info_name=name))
        parser.parse_args(rest)  # an option that does not exist is a UsageError
