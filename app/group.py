"""The click group, and what becomes of every way a command can end."""

import difflib
import importlib
import io
import os
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import click

from mdterm.app import __version__
from mdterm.app.commands.context import (
    INTERRUPTED,
    TERMINATED,
    USAGE,
    Context,
    Failed,
    PipeClosed,
    common_options,
)
from mdterm.app.main import COMMANDS
from mdterm.feeds.text import clean

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

CRASHED = 70
"""An error of our own: EX_SOFTWARE of sysexits.h, which no other ending uses."""


class LazyGroup(click.Group):
    """Knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place[0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Return commands, and what may stand where none is named."""
        from click.shell_completion import CompletionItem

        from mdterm.app.completing import of_the_dashboard

        if incomplete.startswith("-"):
            every = [*super().shell_complete(ctx, incomplete), *of_the_dashboard(ctx, incomplete)]
            return list({one.value: one for one in every}.values())
        # Behind an address no command follows. Click keeps what it could not resolve to itself.
        is_first = not (ctx.args or getattr(ctx, "_protected_args", None))
        found = [
            CompletionItem(name, help=line)
            for name, (_, line) in COMMANDS.items()
            if is_first and name.startswith(incomplete)
        ]
        return [*found, *of_the_dashboard(ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands from the table, so that help imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    invoke_without_command=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    epilog="Without a command: mdterm [ADDRESS…] opens the dashboard. An address is PROVIDER:SYMBOL or "
    "PROVIDER:EXCHANGE:SYMBOL, such as sim:BTCUSDT or kiyotaka:BINANCE_FUTURES:BTCUSDT.",
)
@click.version_option(__version__, message="mdterm %(version)s")
@common_options
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Watch live markets in a terminal. It only watches: it never sends an order."""
    ctx.ensure_object(Context)


class Ended(BaseException):
    """A signal came that ends the program. Not KeyboardInterrupt: click answers that with an empty line."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


_STATUS = {"SIGINT": INTERRUPTED, "SIGTERM": TERMINATED, "SIGHUP": TERMINATED}


def _end(signum: int, frame: FrameType | None) -> NoReturn:
    raise Ended(_STATUS[signal.Signals(signum).name])


def run(args: list[str]) -> int:
    """Run the command line and return the exit status; words go to standard error."""
    _fill_standard_streams()
    if sys.stdout is None:
        return _words("standard output is closed", USAGE)
    _replace_what_cannot_be_said()
    for name in _STATUS:
        number = getattr(signal, name, None)
        # What nohup or a shell's background ignores stays ignored.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    context = Context()
    try:
        status: Any = cli.main(args=args, prog_name="mdterm", standalone_mode=False, obj=context)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except Failed as failed:
        return _words(failed.words, failed.status)
    except click.exceptions.Exit as done:
        return done.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Ended as ended:
        return ended.status
    except click.UsageError as error:
        return _words(_usage(error), USAGE)
    except click.ClickException as error:
        return _words(error.format_message(), USAGE)
    except PipeClosed as closed:
        # Nothing more to flush at exit; and nothing to say where the reader has had enough (`| head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _words(str(closed), USAGE) if closed.args else 0
    except Exception as error:
        from mdterm.app.settings_problems import SettingsError
        from mdterm.feeds.address import AddressError

        if isinstance(error, SettingsError):
            return _words(str(error), USAGE)
        if isinstance(error, AddressError):
            return _words(_address_words(str(error), args), USAGE)
        from mdterm.app.crash import words_of

        return _words(words_of(error, context.secrets), CRASHED)


def _fill_standard_streams() -> None:
    """Let no socket take the number of a closed standard stream (``2>&-``): it would be written to."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one


def _replace_what_cannot_be_said() -> None:
    """Have characters that the locale does not know written as those of ASCII that are most like them."""
    streams = [one for one in (sys.stdout, sys.stderr) if isinstance(one, io.TextIOWrapper)]
    for stream in streams:
        if stream.encoding.lower().replace("-", "") != "utf8":
            from mdterm.app.charset import LIKENESS

            stream.reconfigure(errors=LIKENESS)


def _usage(error: click.UsageError) -> str:
    words = error.format_message()
    if error.ctx is not None:
        words += f"\nTry: {error.ctx.command_path} --help"
    return words


def _address_words(words: str, args: list[str]) -> str:
    """Add the command that may have been meant, where a word without a colon was taken for an address."""
    for arg in args:
        near = difflib.get_close_matches(arg, COMMANDS, 1) if ":" not in arg else []
        if near and arg not in COMMANDS:
            return f"{words}\nDid you mean the command {near[0]!r}?"
    return words


def _words(words: str, status: int) -> int:
    for number, line in enumerate(words.splitlines()):
        click.echo(("mdterm: " if number == 0 else "  ") + clean(line, 500), err=True)
    return status
