"""What recording costs: CPU of a core and bytes on the disk at a rate of messages.

    python -m tests.benchmarks.recording [FRAMES.mdj] [RATE]

Frames are those of a recording where one is named, else trades and books made here. They are handed over one
by one as a connection does, in the pace asked for; the CPU time of all threads is compared with that of the
same loop without a journal.
"""

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mdterm.feeds.journal import Record, strike
from mdterm.feeds.journal_file import JournalReader
from mdterm.feeds.recorder import Recorder

SECONDS = 10.0
SECRETS = ("a-secret-of-some-length", "another/one+with=signs")


def made_up(count: int) -> list[bytes]:
    """Return frames as Kiyotaka sends them: three trades to a book of ten levels."""
    chance = random.Random(1)
    frames = []
    for number in range(count):
        price = round(61_800 + chance.gauss(0, 20), 1)
        if number % 4:
            point = {
                "series": {
                    "type": "TRADE",
                    "symbol": "BTCUSDT",
                    "exchange": "BINANCE_FUTURES",
                    "side": "BUY",
                },
                "trade": {"id": str(5_000_000 + number), "price": price, "amount": round(chance.random(), 3)},
            }
        else:
            sides = {
                side: [
                    x
                    for at in range(10)
                    for x in (round(price + sign * at / 10, 1), round(chance.random(), 3))
                ]
                for side, sign in (("bids", -1), ("asks", 1))
            }
            point = {
                "series": {"type": "BLOCK_BOOK_SNAPSHOT", "symbol": "BTCUSDT", "exchange": "BINANCE_FUTURES"},
                "blockBookSnapshot": sides,
            }
        frames.append(json.dumps({"points": [point]}).encode())
    return frames


def recorded(path: Path, count: int) -> list[bytes]:
    """Return the first frames of a recording."""
    frames: list[bytes] = []
    for record in JournalReader(path):
        if record.kind == "in":
            frames.append(record.data)
            if len(frames) == count:
                break
    return frames


def paced(frames: list[bytes], rate: float, take: Callable[[bytes], None]) -> float:
    """Hand frames over at a rate for SECONDS; return the CPU seconds of the process."""
    began, before, number = time.perf_counter(), time.process_time(), 0
    while (elapsed := time.perf_counter() - began) < SECONDS:
        while number < elapsed * rate:
            take(frames[number % len(frames)])
            number += 1
        time.sleep(0.002)
    return time.process_time() - before


def main() -> None:
    """Print the cost."""
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    rate = float(sys.argv[2]) if len(sys.argv) > 2 else 2_000.0
    frames = made_up(20_000) if source is None else recorded(source, 20_000)
    bare = paced(frames, rate, lambda frame: None)
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(Path(folder) / "x.mdj")

        def take(frame: bytes) -> None:
            recorder.write(
                Record("in", "x/nonbook", time.time_ns(), time.monotonic(), strike(frame, SECRETS), "", 0)
            )

        with_journal = paced(frames, rate, take)
        recorder.close()
        raw = sum(map(len, frames)) / len(frames)
        print(
            f"{rate:.0f} messages/s of {raw:.0f} bytes: {(with_journal - bare) / SECONDS:.1%} of a core "
            f"({bare / SECONDS:.1%} without), {recorder.bytes / recorder.records:.0f} bytes a message on "
            f"the disk, {recorder.lost} dropped"
        )


if __name__ == "__main__":
    main()
