"""The way to a feed on another machine: an ssh client whose standard streams carry the port.

The first login may ask for a password, so it happens before there is a screen. Later ones must not: they
have no terminal to ask on, and fail with words instead.
"""

import asyncio
import contextlib
import logging
import os
import select
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import IO, Final

from mdterm.app import __version__
from mdterm.app.commands.context import UNREACHABLE, USAGE, Failed
from mdterm.app.feed_start import STOPPED
from mdterm.feeds.attached import AttachedPort
from mdterm.feeds.attachment import ENDED, AttachError
from mdterm.feeds.port_wire import PREAMBLE, VERSION, Hello
from mdterm.feeds.text import clean

log = logging.getLogger(__name__)

MOST_NOISE: Final = 65_536
"""Bytes that start-up files of the other machine's shell may say before mdterm does."""
CONNECT_S: Final = 15
"""How long ssh tries to reach the other machine, unless it is told otherwise."""
LOGIN_S: Final = 30.0
"""How long a later login may take, in which nobody is asked for anything."""
END_S: Final = 1.0
_PAUSES: Final = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before a login after so many that failed; the last holds."""
REFUSED_S: Final = 30.0
"""The same after one that was refused: a server shuts those out who try too often."""
_REFUSALS: Final = ("permission denied", "authentication fail", "host key verification failed")
_PENDING_S: Final = 0.25
_LINES: Final = 20
_NOT_FOUND, _NOT_RUN, _SSH_FAILED = 127, 126, 255

# Nothing but this one command: what the user's configuration forwards or runs by itself for a login with a
# terminal would fail or get in the way. The compression is the port's own.
_OPTIONS: Final = {
    "ConnectTimeout": str(CONNECT_S),
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "ClearAllForwardings": "yes",
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    "Compression": "no",
}


def check(host: str) -> None:
    """Raise Failed where there is no ssh, or for a host that it would take for an option."""
    if not host or host.startswith("-"):
        raise Failed(f"{host!r} is no host; options of ssh stand at the end, after --", USAGE)
    if shutil.which("ssh") is None:
        raise Failed("ssh was not found: install an OpenSSH client (package openssh-client)", USAGE)


def remote_line(program: str | None, *, starts: bool = True) -> str:
    """Return what the other machine's shell shall run; ``program`` is how mdterm is called there."""
    # A shell that nobody logs in to often lacks the folder that pip and pipx install to.
    called = program or "PATH=$PATH:$HOME/.local/bin; mdterm"
    return f"sh -c {shlex.quote(f'{called} feed --stdio' + ('' if starts else ' --join'))}"


class SshWay:
    """Logs in to ``host``; each ``dial`` is a login. ``options`` are ssh's own."""

    def __init__(self, host: str, options: Sequence[str] = (), program: str | None = None) -> None:
        self.host = host
        self._options = list(options)
        self._program = program
        self._was_stopped = False
        """Whether somebody ended the feed there: then it is only joined again."""
        self._process: subprocess.Popen[bytes] | None = None
        self._said: _Said | None = None
        self._is_drawn = False
        self._failures = 0
        self._was_refused = False

    def port(self) -> AttachedPort:
        """Return a port that attaches this way."""
        hello = Hello(VERSION, __version__, "screen", os.getpid(), None, compress=True, changes=True)
        port = AttachedPort(self.dial, hello, why=self.why, is_far=True)
        port.place = self.host
        return port

    def command(self) -> list[str]:
        """Return the arguments of the next login."""
        told = dict(_OPTIONS)
        if self._is_drawn:
            told["BatchMode"] = "yes"
        options = [part for name, value in told.items() for part in ("-o", f"{name}={value}")]
        # Of an option that is given twice ssh takes the first, which is the user's.
        remote = remote_line(self._program, starts=not self._was_stopped)
        return ["ssh", *self._options, *options, "-T", self.host, remote]

    def draw(self) -> None:
        """Ask nobody for anything from now on, and print nothing: a screen is drawn."""
        self._is_drawn = True
        if self._said is not None:
            self._said.is_shown = False

    def close(self) -> None:
        """End the ssh client."""
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_S)
            if process.poll() is None:
                process.kill()
                process.wait()

    async def dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Log in and return a stream to the feed there. Raise AttachError with the words of ssh."""
        if self._failures:
            pause = _PAUSES[min(self._failures, len(_PAUSES)) - 1]
            await asyncio.sleep(REFUSED_S if self._was_refused else pause)
        self._failures += 1
        self.close()
        reader, writer = await asyncio.open_connection(sock=self._spawn())
        try:
            # Who types a password takes the time that it takes.
            async with asyncio.timeout(LOGIN_S if self._is_drawn else None):
                await self._wait_for_preamble(reader)
        except TimeoutError:
            writer.close()
            raise AttachError(f"{self.host} did not answer within {LOGIN_S:g} s", UNREACHABLE) from None
        except BaseException:
            writer.close()
            raise
        self._failures, self._was_refused, self._was_stopped = 0, False, False
        return reader, writer

    def _spawn(self) -> socket.socket:
        """Begin an ssh client; return our end of its standard streams."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = self._process = subprocess.Popen(  # noqa: S603  what the user asked for
                self.command(),
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.PIPE,
                start_new_session=self._is_drawn,
            )
        assert process.stderr is not None
        self._said = _Said(self.host, process.stderr, is_shown=not self._is_drawn)
        ours.setblocking(False)
        return ours

    async def _wait_for_preamble(self, reader: asyncio.StreamReader) -> None:
        try:
            noise = await reader.readuntil(PREAMBLE)
        except asyncio.IncompleteReadError as error:
            raise await asyncio.to_thread(self._failure, error.partial) from None
        except asyncio.LimitOverrunError:
            raise AttachError(f"what answers on {self.host} is no mdterm", USAGE) from None
        if noise := noise.removesuffix(PREAMBLE):
            log.info("%s says before mdterm does: %s", self.host, clean(noise.decode(errors="replace"), 500))

    def _failure(self, noise: bytes) -> AttachError:
        """Return why ssh ended before mdterm answered."""
        status, lines = self._ended()
        lines = lines or [clean(line) for line in noise.decode(errors="replace").splitlines()[-3:]]
        told = "\n".join(lines)
        if status in (_NOT_FOUND, _NOT_RUN):
            return AttachError(
                f"mdterm cannot be run on {self.host} ({lines[-1] if lines else status}): install it there "
                "(pipx install mdterm), or say with --remote-command where it is",
                USAGE,
            )
        if status == _SSH_FAILED or status is None or status < 0:
            self._was_refused = any(one in told.lower() for one in _REFUSALS)
            if self._was_refused and self._is_drawn:
                told += "; a password cannot be asked for now: leave and begin again, or log in with a key"
            return AttachError(f"{self.host} cannot be reached: {told or 'ssh has ended'}", UNREACHABLE)
        told = told.replace("mdterm: ", "", 1)
        return AttachError(f"on {self.host}: {told or f'mdterm ended with {status}'}", status or UNREACHABLE)

    async def why(self, words: str) -> str:
        """Return why a stream has ended: as ssh tells it, where the feed does not."""
        self._was_stopped = words.startswith(STOPPED)
        if words != ENDED:
            return words
        status, lines = await asyncio.to_thread(self._ended)
        if lines:
            return f"{self.host}: {lines[-1].rstrip('.')}"
        return f"the link to {self.host} is gone" if status in (_SSH_FAILED, None) else words

    def _ended(self) -> tuple[int | None, list[str]]:
        """Wait a moment for the end of ssh; return its status and its last words."""
        process, said = self._process, self._said
        if process is None or said is None:
            return None, []
        try:
            status: int | None = process.wait(END_S)
        except subprocess.TimeoutExpired:
            status = None
        return status, said.last(END_S)


class _Said:
    """What ssh, and the programs on the other machine, say on standard error.

    While ``is_shown`` it is passed on; the last of it, when the end follows at once, is left to who tells
    of the end. Afterwards it goes to the log.
    """

    def __init__(self, host: str, stream: IO[bytes], *, is_shown: bool) -> None:
        self.is_shown = is_shown
        self._host = host
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._stream = stream
        self._thread = threading.Thread(target=self._read, name="ssh's words", daemon=True)
        self._thread.start()

    def last(self, wait_s: float) -> list[str]:
        """Return the last words, once the end of them is there."""
        self._thread.join(wait_s)
        return list(self._lines)

    def _read(self) -> None:
        rest = b""
        pending: list[str] = []
        since = time.monotonic()
        with self._stream as stream:
            while True:
                if pending and not select.select([stream], [], [], _PENDING_S)[0]:
                    self._tell(pending)
                    pending = []
                data = os.read(stream.fileno(), 4096)
                if not data:
                    break
                *lines, rest = (rest + data).split(b"\n")
                rest = rest[-4096:]
                if time.monotonic() - since > _PENDING_S:
                    self._lines.clear()  # what was said long before an end is not why
                since = time.monotonic()
                found = [clean(line.decode(errors="replace").rstrip("\r"), 500) for line in lines]
                found = [line for line in found if line.strip()]
                self._lines += found
                pending += found
        if rest.strip():
            self._lines.append(clean(rest.decode(errors="replace"), 500))
        if not self.is_shown:
            self._tell(pending)

    def _tell(self, lines: list[str]) -> None:
        for line in lines:
            if self.is_shown:
                sys.stderr.write(f"{line}\n")
                sys.stderr.flush()
            else:
                log.info("%s: %s", self._host, line)
