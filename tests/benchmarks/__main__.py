"""All benchmarks in one table: ``python -m tests.benchmarks [NAME…] [--short]``.

Every figure stands beside a yardstick of the same run, since machines differ and are never quiet; what
counts are the ratios. ``--short`` measures fewer rounds. Ends with 1 where a target was missed.
"""

import argparse
import importlib
import sys
from collections.abc import Iterator

from tests.benchmarks.table import Row, write

NAMES = ("receive", "pipe", "state", "startup", "screen", "switching", "far", "link", "scale")


def rows(names: list[str], short: bool) -> Iterator[Row]:
    """Measure one thing after another."""
    for name in names:
        yield Row(f"— {name} —", "")
        yield from importlib.import_module(f"tests.benchmarks.{name}").rows(short)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--short", action="store_true", help="fewer rounds")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(NAMES):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    return 0 if write(rows(asked.names or list(NAMES), asked.short)) else 1


if __name__ == "__main__":
    sys.exit(main())
