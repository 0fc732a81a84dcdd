"""Every fault with every provider, with the pauses that it keeps in truth, as a table.

    python -m tests.faults [--provider NAME]… [--fault NAME]… [--quick] [--write]

``--write`` puts it into docs/trust.md. Exit status 1 when something was lost or doubled, or was not over
within the provider's longest pause and half a minute more. It takes some ten minutes; ``--quick``, with short
pauses, one.
"""

import argparse
import asyncio
import logging
import sys

from tests.faults.cases import CASES, PROVIDERS, Outcome, try_out
from tests.faults.houses import provider_at
from tests.faults.report import table, write
from tests.faults.ways import Unavailable

SLACK_S = 30.0


def longest_s(name: str) -> float:
    """Return the bound of a recovery: the longest pause between two attempts, and what the rest may take."""
    backoff = provider_at(name, "ws://127.0.0.1:1", quick=False).backoff
    return max(backoff.cap, backoff.floor + backoff.first) + SLACK_S


def main() -> int:
    """Try what the command line names, else everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--provider", action="append", choices=PROVIDERS)
    parser.add_argument("--fault", action="append", choices=list(CASES))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    results: dict[tuple[str, str], Outcome | None] = dict.fromkeys(
        (name, fault) for name in PROVIDERS for fault in CASES
    )
    status = 0
    for name in options.provider or PROVIDERS:
        for fault in options.fault or CASES:
            try:
                outcome = asyncio.run(try_out(name, fault, quick=options.quick))
            except Unavailable as error:
                print(f"{name} {fault}: not tried: {error}", flush=True)
                continue
            results[name, fault] = outcome
            is_good = not outcome.lost and not outcome.doubled and outcome.back_s <= longest_s(name)
            status |= not is_good
            told = "never" if outcome.told_s is None else f"after {outcome.told_s:.1f} s"
            print(
                f"{name} {fault}: {' → '.join(outcome.shown)}, told {told}, "
                f"back after {outcome.back_s:.1f} s, {outcome.came} messages, {outcome.lost} lost, "
                f"{outcome.doubled} doubled{'' if is_good else '  ← wrong'}",
                flush=True,
            )
    print(table(results))
    if options.write:
        write(results)
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
