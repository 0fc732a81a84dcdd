"""`mdterm tmux`: a window of tmux with a panel in each pane."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import click

from mdterm.app import completing
from mdterm.app.commands.context import USAGE, Context, Failed, common_options


class Pane(NamedTuple):
    """A panel, and which pane it is split from: a share (%) of it at its right or under it."""

    panel: str
    of: str = ""
    side: Literal["right", "below"] = "right"
    percent: int = 50


LAYOUTS: Final[dict[str, tuple[Pane, ...]]] = {
    "trader": (
        Pane("watch"),
        Pane("ladder", "watch", "right", 70),
        Pane("chart", "ladder", "below", 40),
        Pane("tape", "ladder", "right", 42),
        Pane("derivatives", "watch", "below", 60),
    ),
    "tape": (Pane("tape"), Pane("ladder", "tape", "right", 55), Pane("watch", "tape", "below", 30)),
    "chart": (Pane("chart"), Pane("tape", "chart", "right", 30), Pane("ladder", "tape", "below", 50)),
    "derivatives": (Pane("derivatives"), Pane("chart", "derivatives", "right", 55)),
    "account": (Pane("account"), Pane("ladder", "account", "right", 40)),
}
"""The first pane is the window; each other one is split from one before it."""
_FLAGS: Final = {"right": "-h", "below": "-v"}
_COLUMNS, _ROWS = 200, 60


class Window(NamedTuple):
    """A window to build: in the session that runs here, or in one of its own."""

    name: str
    session: str | None
    panes: Sequence[Pane]
    program: Sequence[str]
    options: Sequence[str]

    def steps(self) -> list[tuple[str, list[str]]]:
        """Return each panel with the tmux command that opens its pane; ``@panel`` stands for a pane."""
        size = shutil.get_terminal_size((_COLUMNS, _ROWS))
        found = []
        for pane in self.panes:
            program = shlex.join([*self.program, "panel", pane.panel, *self.options])
            shown = ["-P", "-F", "#{pane_id}"]
            if pane.of:
                place = [_FLAGS[pane.side], "-l", f"{pane.percent}%", "-t", f"@{pane.of}"]
                found.append((pane.panel, ["split-window", *shown, *place, program]))
            elif self.session is None:
                found.append((pane.panel, ["new-window", *shown, "-n", self.name, program]))
            else:
                place = ["-d", "-s", self.session, "-x", str(size.columns), "-y", str(size.lines)]
                found.append((pane.panel, ["new-session", *shown, *place, "-n", self.name, program]))
        return found

    def script(self) -> str:
        """Return the commands as lines of a POSIX shell."""
        lines = [f"{panel}=$(tmux {_shell(words)})" for panel, words in self.steps()]
        lines.append(f'tmux select-pane -t "${self.panes[0].panel}"')
        if self.session is not None:
            lines.append(f"tmux attach-session -t {shlex.quote(self.session)}")
        return "\n".join(lines) + "\n"

    def run(self) -> None:
        """Build it. Raise Failed with tmux's words."""
        panes: dict[str, str] = {}
        for panel, words in self.steps():
            panes[panel] = _tmux([panes[word[1:]] if word[:1] == "@" else word for word in words])
        _tmux(["select-pane", "-t", panes[self.panes[0].panel]])


def _shell(words: Sequence[str]) -> str:
    return " ".join(f'"${word[1:]}"' if word[:1] == "@" else shlex.quote(word) for word in words)


def _tmux(words: Sequence[str]) -> str:
    # The size of this terminal is none of the panes': a server that it starts would hand it to them.
    environ = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    try:
        done = subprocess.run(  # noqa: S603  no shell: each word is one argument
            ["tmux", *words],  # noqa: S607  whichever tmux this user has
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise Failed("tmux is not installed, or not on the PATH", USAGE) from None
    if done.returncode:
        raise Failed(f"tmux {words[0]}: {done.stderr.strip() or done.returncode}", USAGE)
    return done.stdout.strip()


@click.command("tmux")
@click.argument("layout", type=click.Choice(list(LAYOUTS)), metavar="LAYOUT")
@click.argument("addresses", nargs=-1, metavar="[ADDRESS…]", shell_complete=completing.addresses)
@click.option("--run", is_flag=True, help="Build the window instead of printing how.")
@click.option(
    "--session", metavar="NAME", help="A session of its own (default, outside of tmux: mdterm-LAYOUT)."
)
@click.option("--link", metavar="NAME", help="Name of the panels' link (default: the layout's).")
@common_options
@click.pass_obj
def tmux(
    context: Context,
    layout: str,
    addresses: tuple[str, ...],
    run: bool,
    session: str | None,
    link: str | None,
) -> int:
    """Print the commands that open a layout's panels in panes of tmux; with --run, build the window.

    LAYOUT is trader, tape, chart, derivatives or account. Its panels share one feed, and switch symbols
    together.
    """
    from mdterm.feeds.address import parse_address

    settings = context.settings()
    for address in addresses:
        parse_address(address)
    if settings.feed == "own":
        if link:
            from mdterm.app.commands.panel import OWN_LINK

            raise Failed(OWN_LINK, USAGE)
        link = ""
    is_inside = bool(context.environ.get("TMUX"))
    if session is None and not is_inside:
        session = f"mdterm-{layout}"
    link = layout if link is None else link
    # After -- nothing of an address is taken for an option.
    options = [
        *_common(context),
        *(["--link", link] if link else []),
        *(["--", *addresses] if addresses else []),
    ]
    window = Window(layout, session, LAYOUTS[layout], _program(), options)
    if not run:
        click.echo(window.script(), nl=False)
        return 0
    window.run()
    if session is not None:
        if sys.stdin.isatty() and sys.stdout.isatty() and not is_inside:
            os.execvp("tmux", ["tmux", "attach-session", "-t", session])  # noqa: S606, S607  as above
        click.echo(f"tmux attach-session -t {shlex.quote(session)}")
    return 0


def _program() -> list[str]:
    """Return what starts this program in another shell."""
    return ["mdterm"] if shutil.which("mdterm") else [sys.executable, "-m", "mdterm.app.main"]


def _common(context: Context) -> list[str]:
    """Return the common options as they were given, with paths that hold anywhere."""
    found: list[str] = []
    if context.config_path is not None:
        found += ["--config", os.path.abspath(context.config_path)]
    for override in context.overrides:
        found += ["--set", override]
    return found
