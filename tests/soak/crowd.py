"""What runs for hours runs against ``crowded.py`` in a process of its own: its options, start and end."""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FAULTS = "drop~0.01,garbage~0.0005,refuse@300+20,silence:book@600+15,delay=20@700+60"


def parsed(description: str | None, seconds: float) -> argparse.Namespace:
    """Return the options of the command line: how long, how many symbols, how busy, what goes wrong."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seconds", type=float, default=seconds)
    parser.add_argument("--symbols", type=int, default=20)
    parser.add_argument("--rate", type=float, default=5.0)
    parser.add_argument("--faults", default=FAULTS)
    return parser.parse_args()


@contextmanager
def crowd(options: argparse.Namespace) -> Iterator[dict[str, str]]:
    """Run the venue; give its endpoints by the keys of the configuration."""
    venue = subprocess.Popen(
        [
            sys.executable,
            str(Path(__file__).with_name("crowded.py")),
            f"--symbols={options.symbols}",
            f"--rate={options.rate}",
            f"--fault={options.faults}",
        ],
        stdout=subprocess.PIPE,
    )
    try:
        assert venue.stdout is not None
        told = json.loads(venue.stdout.readline())
        yield {key: value for key, value in told.items() if isinstance(value, str)}
    finally:
        venue.terminate()
        venue.wait()
