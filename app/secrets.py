"""A key or token that can be carried about without being shown."""

import os
import selectors
import subprocess
import time
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Self

COMMAND_LIMIT_S = 10.0
# No provider's key comes near this; a command that never stops printing must not fill the memory.
MAX_SECRET_BYTES = 4096


class SecretError(Exception):
    """Why a secret could not be had, in words that contain nothing of it."""


class Source(Enum):
    LITERAL = "literal"
    ENVIRONMENT = "environment"
    COMMAND = "command"


class Secret:
    """A secret that is resolved only when somebody asks, and never by printing it."""

    __slots__ = ("_argv", "_environ", "_text", "source")

    def __init__(
        self,
        source: Source,
        text: str = "",
        argv: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.source = source
        self._text = text
        self._argv = tuple(argv)
        self._environ: Mapping[str, str] = os.environ if environ is None else environ

    @classmethod
    def literal(cls, text: str) -> Self:
        return cls(Source.LITERAL, text)

    @classmethod
    def variable(cls, name: str, environ: Mapping[str, str] | None = None) -> Self:
        return cls(Source.ENVIRONMENT, name, environ=environ)

    @classmethod
    def command(cls, argv: Sequence[str]) -> Self:
        return cls(Source.COMMAND, argv=argv)

    @property
    def variable_name(self) -> str | None:
        """Name the environment variable it comes from, None for any other source."""
        return self._text if self.source is Source.ENVIRONMENT else None

    @property
    def program(self) -> str | None:
        """Name the program it comes from, without its arguments: they may hold the secret."""
        return self._argv[0] if self.source is Source.COMMAND else None

    def reveal(self) -> str:
        """Return the secret itself; a command is run for it (no shell, 10 s). Raise SecretError."""
        if self.source is Source.LITERAL:
            return _usable(self._text, "it")
        if self.source is Source.ENVIRONMENT:
            text = self._environ.get(self._text)
            if not text:
                raise SecretError(f"the environment variable {self._text} is not set")
            return _usable(text, f"the environment variable {self._text}")
        return _usable(_first_line(self._argv), f"the first line that {self._argv[0]} printed")

    def identity(self) -> tuple[str, ...]:
        """Return what makes it the secret it is, in the clear: to be hashed, never to be shown or sent.

        A command is not run for it.
        """
        if self.source is Source.COMMAND:
            return (self.source.value, *self._argv)
        if self.source is Source.ENVIRONMENT:
            return (self.source.value, self._text, self._environ.get(self._text, "").strip())
        return (self.source.value, self._text.strip())

    def masked(self) -> str:
        """Return at most the last 4 characters of a literal or a variable, fewer of a short one."""
        try:
            text = "" if self.source is Source.COMMAND else self.reveal()
        except SecretError:
            text = ""
        shown = min(4, len(text) // 4)
        return "…" + text[len(text) - shown :]

    def __repr__(self) -> str:
        return f"<Secret from {self.source.value}>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return (self.source, self._text, self._argv) == (other.source, other._text, other._argv)

    def __hash__(self) -> int:
        return hash((self.source, self._text, self._argv))

    def __reduce__(self) -> str:
        # A pickle or a copy to another process would carry it in the clear.
        raise TypeError("a Secret is not serialised")


def _usable(text: str, what: str) -> str:
    """Refuse what would break out of a header or a query, or cannot be a key at all."""
    text = text.strip()
    if not text:
        raise SecretError(f"{what} is empty")
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise SecretError(
            f"{what} contains a character that no key has (a blank, a control or a non-ASCII character)"
        )
    return text


def _first_line(argv: Sequence[str]) -> str:
    """Run `argv` and return the first line of its output; nothing of it gets into an error."""
    name = argv[0]
    try:
        # In our own process group, so that Ctrl+C at a passphrase prompt reaches the program too.
        process = subprocess.Popen(  # noqa: S603  the user's own configuration names it
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise SecretError(f"the program {name} was not found") from None
    except (OSError, ValueError) as error:
        raise SecretError(f"the program {name} cannot be run ({type(error).__name__})") from None
    with process:
        try:
            output, finished = _read(process, COMMAND_LIMIT_S)
        except BaseException:
            process.kill()
            raise
        if not finished:
            process.kill()
            raise SecretError(f"the program {name} did not finish within {COMMAND_LIMIT_S:g} s")
    if process.returncode:
        raise SecretError(f"the program {name} ended with status {process.returncode}")
    first = output.split(b"\n", 1)[0]
    try:
        return first.decode("ascii")
    except UnicodeDecodeError:
        raise SecretError(f"the first line that {name} printed is not plain text") from None


def _read(process: subprocess.Popen[bytes], limit_s: float) -> tuple[bytes, bool]:
    """Return the first bytes of its output, and whether it ended within `limit_s`."""
    assert process.stdout is not None
    deadline = time.monotonic() + limit_s
    kept = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if not selector.select(left):
                break
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                break
            kept = (kept + chunk)[:MAX_SECRET_BYTES]
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return kept, False
    return kept, True
