"""The dashboard through a real ssh on loopback: what is under way to a client that stopped, or is slow."""

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.glass import Glass, program
from tests.benchmarks.screen import delays, percentile
from tests.benchmarks.table import Row, at_most
from tests.benchmarks.venue import Load, Told, arguments, running

LOAD = Load(("BTCUSDT",), trades=100, books=200)
STOPPED_S = 4.0
"""Shorter than the program waits before it asks once more, which is no frame."""
THIN = 10_000.0
"""Bytes a second of a thin link."""
_QUESTION = b"\x1b[6n"
_CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
StrictModes no
UsePAM no
PidFile none
PermitRootLogin prohibit-password
"""


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextlib.contextmanager
def _daemon(folder: Path) -> Iterator[int]:
    """Run an ssh daemon with keys of its own; yield its port."""
    for name in ("host", "user"):
        keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(keygen, check=True)
    port = _free_port()
    config = folder / "config"
    config.write_text(_CONFIG.format(port=port, folder=folder))
    with contextlib.suppress(PermissionError):
        Path("/run/sshd").mkdir(exist_ok=True)
    daemon = shutil.which("sshd", path="/usr/sbin:/usr/bin:/sbin")
    assert daemon is not None
    process = subprocess.Popen([daemon, "-D", "-e", "-f", str(config)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def through_ssh(*options: str, bytes_per_s: float | None = None) -> Iterator[tuple[Glass, Told]]:
    """Run the dashboard behind ssh."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = stack.enter_context(_daemon(folder))
        url, told = stack.enter_context(running(LOAD))
        words = {
            "MDTERM_KIYOTAKA_TOKEN": "x" * 12,
            "HOME": str(folder),
            "COLORTERM": "truecolor",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        }
        there = ["cd", os.getcwd(), "&&", "env", *(f"{name}={value}" for name, value in words.items())]
        there += program("watch", *options, *arguments(url, LOAD.symbols))
        known = [
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            f"UserKnownHostsFile={folder}/known",
            "-o",
            "LogLevel=ERROR",
        ]
        argv = ["ssh", "-tt", *known, "-p", str(port), "-i", str(folder / "user")]
        argv += [f"{getpass.getuser()}@127.0.0.1", " ".join(there)]
        glass = stack.enter_context(Glass(argv, folder, bytes_per_s=bytes_per_s))
        glass.wait_for(b"TAPE", within=60)
        time.sleep(4)
        yield glass, told


def unanswered_behind_a_stopped_client() -> tuple[int, int]:
    """Return the frame sets and the bytes that are under way to a client that takes nothing for a while."""
    with through_ssh() as (glass, _):
        glass.process.send_signal(signal.SIGSTOP)
        time.sleep(STOPPED_S)
        glass.is_mute = True  # what comes now was under way; an answer would ask for more
        begun = time.monotonic()
        glass.process.send_signal(signal.SIGCONT)
        time.sleep(1.5)
        late = glass.written(begun)
        return late.count(_QUESTION), len(late)


def is_possible() -> bool:
    """Whether there is an ssh here, client and daemon."""
    return (
        shutil.which("ssh") is not None and shutil.which("sshd", path="/usr/sbin:/usr/bin:/sbin") is not None
    )


def rows(short: bool) -> Iterator[Row]:
    """Measure a stopped and a thin link."""
    if not is_possible():
        yield Row("ssh", "not here")
        return
    sets, late = unanswered_behind_a_stopped_client()
    beside = f"{late} bytes came when it went on after {STOPPED_S:.0f} s"
    yield at_most("frame sets under way to a stopped ssh client", sets, 1, "", beside)
    for name, *options in (("",), (" --slow-link", "--slow-link")):
        with through_ssh(*options, bytes_per_s=THIN) as (glass, told):
            begun = time.monotonic()
            time.sleep(8 if short else 20)
            passed = time.monotonic() - begun
            written = glass.written(begun)
            waited = delays(glass, told, begun)
            rate = written.count(_QUESTION) / passed
            beside = f"p50 {percentile(waited, 0.5):.0f} ms, {len(written) / passed / 1000:.1f} kB/s, "
            beside += f"{rate:.1f} frames/s"
            yield Row(
                f"trade → glass on 10 kB/s{name}, p99", f"{percentile(waited, 0.99):.0f} ms", beside=beside
            )
