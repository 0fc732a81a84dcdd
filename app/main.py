"""The command line: one group, commands imported when they are called."""

import sys
from typing import TYPE_CHECKING, Any

from mdterm.app import __version__

if TYPE_CHECKING:
    import click

# Name, where it lives, and its line in the help: nothing is imported to print it.
COMMANDS: dict[str, tuple[str, str]] = {
    "watch": ("mdterm.app.commands.watch:watch", "The dashboard (also without a command)."),
    "tail": ("mdterm.app.commands.tail:tail", "Events to standard output, one a line."),
    "once": ("mdterm.app.commands.once:once", "An instrument as text, one line or JSON, once."),
    "record": ("mdterm.app.commands.record:record", "Everything that comes and goes, to a file."),
    "replay": ("mdterm.app.commands.replay:replay", "A recording through the same screens, or as lines."),
    "export": ("mdterm.app.commands.export:export", "A recording as CSV, lines or Parquet."),
    "history": ("mdterm.app.commands.history:history", "Bars that were kept here, and the provider's past."),
    "panel": ("mdterm.app.commands.panel:panel", "One panel alone, for a pane of tmux."),
    "tmux": ("mdterm.app.commands.tmux:tmux", "A window of tmux with panels that switch together."),
    "feed": ("mdterm.app.commands.feed:feed", "The shared feed that screens and commands attach to."),
    "ssh": ("mdterm.app.commands.ssh:ssh", "The dashboard here, on the feed of another machine."),
    "simulate": ("mdterm.app.commands.simulate:simulate", "The simulated venue, in the foreground."),
    "config": (
        "mdterm.app.commands.config:config",
        "Where the configuration is, what it says, what is wrong.",
    ),
    "symbols": ("mdterm.app.commands.symbols:symbols", "What can be watched, one address a line."),
    "doctor": (
        "mdterm.app.commands.doctor:doctor",
        "Terminal, configuration, keys, connections: what to do.",
    ),
    "keys": ("mdterm.app.commands.keys:keys", "Every key, as it is bound now."),
    "themes": ("mdterm.app.commands.themes:themes", "The themes, and with --show their colours."),
    "completion": ("mdterm.app.commands.completion:completion", "Shell completion."),
}
DEFAULT = "watch"
_WITH_VALUE = ("--config", "--set", "--log-file", "--log-level")


def insert_default(args: list[str]) -> list[str]:
    """Return the arguments with the dashboard's name put in where no command is named."""
    at = 0
    while at < len(args) and args[at].startswith("-"):
        name = args[at].partition("=")[0]
        if name in ("--help", "--version"):
            return args
        if name not in _WITH_VALUE:
            break
        at += 1 if "=" in args[at] else 2
    if at < len(args) and args[at] in COMMANDS:
        return args
    return [*args[:at], DEFAULT, *args[at:]]


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit status."""
    args = sys.argv[1:] if argv is None else argv
    if args == ["--version"]:
        try:
            print(f"mdterm {__version__}", flush=True)  # noqa: T201  # before anything is imported
        except OSError as error:
            sys.stderr.write(f"mdterm: standard output cannot be written: {error.strerror}\n")
            sys.stdout = None  # what is left in it would be tried again at exit
            return 2
        return 0
    from mdterm.app.group import run

    return run(insert_default(args))


def build() -> "click.Group":
    """Return the click group, for completion and for tests."""
    from mdterm.app.group import cli

    return cli


def __getattr__(name: str) -> Any:
    if name == "cli":
        return build()
    raise AttributeError(name)


if __name__ == "__main__":
    sys.exit(main())
