"""What ``mdterm tail`` to a pipe costs beside a bare loop that receives, decodes, encodes and writes."""

import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks.glass import program
from tests.benchmarks.receive import frames, serve_frames
from tests.benchmarks.table import Row, at_least
from tests.benchmarks.venue import arguments

# The yardstick is a program of its own, started and measured like ours.
_BARE = """
import asyncio, os, sys
import msgspec
from websockets.asyncio.client import connect
from tests.benchmarks.receive import _decode

class Line(msgspec.Struct, gc=False):
    kind: str
    address: str
    ts: int
    seen: int
    id: str
    price: float
    size: float
    side: str
    turnover: float | None = None

async def run(url, count):
    encode, out, left = msgspec.json.Encoder().encode, 1, count
    async with connect(url, compression=None, proxy=None) as ws:
        while left > 0:
            frame = await ws.recv(decode=False)
            lines = []
            for point in _decode(frame).points:
                one, stamp = point.trade, point.trade.timestamp
                ts = stamp.seconds * 1_000_000_000 + stamp.nanoseconds
                side = point.series.side
                lines.append(encode(Line("trade", "a:b:c", ts, ts, one.id, one.price, one.amount, side)))
            left -= len(lines)
            lines.append(b"")
            os.write(out, b"\\n".join(lines))

asyncio.run(run(sys.argv[1], int(sys.argv[2])))
"""


def _cpu_of(argv: Sequence[str], home: str, count: int) -> float:
    """Run a program until its standard output has so many lines; return the CPU time (s) it took."""
    env = {"PATH": os.environ["PATH"], "HOME": home, "XDG_CONFIG_HOME": home, "XDG_STATE_HOME": home}
    process = subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env | {"MDTERM_KIYOTAKA_TOKEN": "x" * 12}
    )
    assert process.stdout is not None
    lines = 0
    while data := os.read(process.stdout.fileno(), 1 << 16):
        lines += data.count(b"\n")
    _, _, usage = os.wait4(process.pid, 0)
    process.returncode = 0
    assert lines >= count, f"{count - lines} lines are missing"
    return usage.ru_utime + usage.ru_stime


def _serving(per_frame: int, count: int) -> tuple[int, multiprocessing.Process, object]:
    here, there = multiprocessing.Pipe()
    made = frames(count // per_frame, per_frame, False)
    process = multiprocessing.Process(target=serve_frames, args=(there, made, False), daemon=True)
    process.start()
    return here.recv(), process, here


def rows(short: bool) -> Iterator[Row]:
    """Measure single and batched frames; what start-up costs is taken off both."""
    count, rounds = (20_000, 3) if short else (60_000, 5)
    root = str(Path(__file__).parents[2])
    with tempfile.TemporaryDirectory() as home:
        for per_frame in (1, 20):
            port, server, _ = _serving(per_frame, count)
            small_port, small_server, _ = _serving(per_frame, per_frame)
            taken: dict[str, list[float]] = {"bare": [], "tail": []}
            try:
                for _ in range(rounds):
                    for name, at, lines in (("bare", port, count), ("tail", port, count)):
                        whole = _cpu_of(_argv(name, at, lines, root), home, lines)
                        start = _cpu_of(_argv(name, small_port, per_frame, root), home, per_frame)
                        taken[name].append((whole - start) / lines * 1e6)
            finally:
                for process in (server, small_server):
                    process.terminate()
            bare, tail = (statistics.median(taken[name]) for name in ("bare", "tail"))
            beside = f"tail {tail:.2f}, bare {bare:.2f} µs a trade"
            yield at_least(
                f"tail to a pipe, {per_frame} a frame: of a bare loop", bare / tail, 0.6, "", beside
            )


def _argv(name: str, port: int, lines: int, root: str) -> list[str]:
    url = f"ws://127.0.0.1:{port}"
    if name == "bare":
        code = f"import sys; sys.path.insert(0, {root!r})\n{_BARE}"
        return [sys.executable, "-c", code, url, str(lines)]
    return program("tail", "--kinds", "trade", "--count", str(lines), *arguments(url, ("BTCUSDT",)))
