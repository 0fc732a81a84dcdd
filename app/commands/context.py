"""What every command has in hand: the common options, the settings, and words for failures."""

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from mdterm.app.settings import Settings

DONE, USAGE, REFUSED, UNREACHABLE = 0, 2, 3, 4
INTERRUPTED, TERMINATED = 130, 143

LOG_BYTES = 2_000_000
"""A log that a process writes for days is begun anew at this size; one more of it is kept."""

_LEVELS = ("debug", "info", "warning", "error")
_F = TypeVar("_F", bound=Callable[..., Any])


class Failed(Exception):
    """Ends a command with words on standard error and an exit status."""

    def __init__(self, words: str, status: int) -> None:
        super().__init__(words)
        self.words = words
        self.status = status


class PipeClosed(Exception):
    """Standard output takes no more: its reader has gone, or, with words, something is wrong with it.

    Not the bare OSError: click would make a failure of a reader that has had enough.
    """


class Context:
    """The common options, gathered before and after the subcommand, and what follows from them."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        self.config_path: Path | None = None
        self.overrides: tuple[str, ...] = ()
        self.log_file: Path | None = None
        self.log_level = "info"
        self.secrets: set[str] = set()
        """Values that no log line may hold; commands add what they reveal."""
        self.remarks: list[str] = []
        """What a screen should tell once of how this run came about."""
        self._settings: Settings | None = None

    def settings(self) -> "Settings":
        """Return the settings, read once. Raise SettingsError."""
        if self._settings is None:
            self._settings = self.load_settings()
        return self._settings

    def load_settings(self) -> "Settings":
        """Read the settings as they are now. Raise SettingsError."""
        from mdterm.app.settings import load_settings

        return load_settings(self.config_path, self.overrides, self.environ)

    def start_log(self, *, is_bounded: bool = False, to_stderr: bool = False) -> None:
        """Send the log to the file asked for; without one nothing is logged anywhere, or to standard error.

        A file that ``is_bounded`` is begun anew at a size, the one before is kept beside it.
        """
        root = logging.getLogger()
        # At DEBUG the sockets library would log every frame, at four times the cost and with its content.
        logging.getLogger("websockets").setLevel(logging.INFO)
        logging.getLogger("httpx").setLevel(logging.WARNING)
        logging.getLogger("httpcore").setLevel(logging.WARNING)
        handler: logging.Handler
        if self.log_file is None:
            handler = logging.StreamHandler() if to_stderr else logging.NullHandler()
        else:
            try:
                handler = _log_file(self.log_file, is_bounded=is_bounded)
                os.chmod(self.log_file, 0o600)
            except OSError as error:
                raise Failed(
                    f"the log file {self.log_file} cannot be written: {error.strerror}", USAGE
                ) from error
        root.addHandler(handler)
        if self.log_file is not None or to_stderr:
            handler.setFormatter(_Masked(self.secrets))
            root.setLevel(self.log_level.upper())


def _log_file(path: Path, *, is_bounded: bool) -> logging.FileHandler:
    if not is_bounded:
        return logging.FileHandler(path, encoding="utf-8")
    from logging.handlers import RotatingFileHandler

    return RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")


class _Masked(logging.Formatter):
    """Writes UTC times, strikes secrets out, and lets no control character through."""

    def __init__(self, secrets: set[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        from mdterm.feeds.text import clean, mask

        text = mask(super().format(record), tuple(self._secrets))
        return "\n".join(clean(line, 2000) for line in text.splitlines())


def _common(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Take a common option wherever it stands."""
    context = ctx.ensure_object(Context)
    if value is None or value == ():
        return None
    if parameter.name == "config":
        context.config_path = value
    elif parameter.name == "set_":
        context.overrides = (*context.overrides, *value)
    elif parameter.name == "log_file":
        context.log_file = value
    elif parameter.name == "log_level":
        context.log_level = value
    return None


def common_options(function: _F) -> _F:
    """Add the options that every command takes, before and after its name."""
    for option in (
        click.option(
            "--log-level",
            type=click.Choice(_LEVELS),
            callback=_common,
            expose_value=False,
            help="How much to log (default: info).",
        ),
        click.option(
            "--log-file",
            type=click.Path(path_type=Path, dir_okay=False),
            callback=_common,
            expose_value=False,
            help="Write a log to this file; without it nothing is logged.",
        ),
        click.option(
            "--set",
            "set_",
            metavar="KEY=VALUE",
            multiple=True,
            callback=_common,
            expose_value=False,
            help="Override one setting (repeatable).",
        ),
        click.option(
            "--config",
            type=click.Path(path_type=Path, dir_okay=False),
            callback=_common,
            expose_value=False,
            help="Read this configuration file.",
        ),
    ):
        function = option(function)
    return function
