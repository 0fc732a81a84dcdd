"""Start-up and memory, beside a Textual app that does nothing."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks.glass import Glass, program
from tests.benchmarks.table import Row, at_most
from tests.benchmarks.venue import arguments

_EMPTY = """
from textual.app import App
from textual.widgets import Static

class Empty(App[None]):
    def compose(self):
        yield Static("EMPTY APP")

Empty().run()
"""
_REST_S = 10.0


def _seconds(argv: Sequence[str], home: str) -> float:
    """Return the wall time (s) of a command."""
    begun = time.monotonic()
    subprocess.run(argv, env={"PATH": os.environ["PATH"], "HOME": home}, capture_output=True, check=True)
    return time.monotonic() - begun


def _first_paint(argv: Sequence[str], sign: bytes, home: str, rest_s: float) -> tuple[float, float]:
    """Return seconds until a sign stood on the terminal, and resident MB ``rest_s`` seconds later."""
    with Glass(argv, Path(home), env={"MDTERM_KIYOTAKA_TOKEN": "x" * 12}) as glass:
        took = glass.wait_for(sign) - glass.spawned
        time.sleep(rest_s)
        return took, glass.rss_mb()


def rows(short: bool) -> Iterator[Row]:
    """Measure both in turn."""
    rounds = 5 if short else 11
    with tempfile.TemporaryDirectory() as home:
        nothing, version = [], []
        for _ in range(rounds):
            nothing.append(_seconds([sys.executable, "-c", "pass"], home))
            version.append(_seconds(program("--version"), home))
        base, ours = statistics.median(nothing), statistics.median(version)
        beside = f"{ours * 1000:.0f} ms, python -c pass {base * 1000:.0f} ms"
        yield at_most("mdterm --version, × python -c pass", ours / base, 4.0, "×", beside)
        empty = [sys.executable, "-c", _EMPTY]
        # Nobody listens there: the first paint must not wait for a connection.
        dashboard = program("watch", *arguments("ws://127.0.0.1:9", ("BTCUSDT",)))
        theirs, own = [], []
        for _ in range(rounds):
            theirs.append(_first_paint(empty, b"EMPTY", home, 0.0)[0])
            own.append(_first_paint(dashboard, b"LADDER", home, 0.0)[0])
        base, ours = statistics.median(theirs), statistics.median(own)
        beside = f"{ours * 1000:.0f} ms, empty app {base * 1000:.0f} ms"
        yield at_most("first paint, × an empty Textual app", ours / base, 1.5, "×", beside)
        base = _first_paint(empty, b"EMPTY", home, _REST_S)[1]
        ours = _first_paint(dashboard, b"LADDER", home, _REST_S)[1]
        beside = f"{ours:.0f} MB, empty app {base:.0f} MB"
        yield at_most("resident after 10 s, × an empty Textual app", ours / base, 1.6, "×", beside)
