"""Broken frames by the million, for every decoder, the same for the same seed.

    python -m tests.fuzz [--frames 1000000] [--decoder NAME]… [--seed 1]

Exit status 1 when anything was raised that no decoder may raise, or came out that must not; the frames
that did it are written to tests/fuzz/found/NAME/ and are tried by every run of the tests from then on.
"""

import argparse
import hashlib
import logging
import resource
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

from tests.fuzz.decoders import DECODERS
from tests.fuzz.mutations import Mutations

FOUND = Path(__file__).with_name("found")
MOST_OF_A_KIND = 1
"""Frames kept of faults of one place: the first tells it all."""


def resident_mib() -> float:
    """Return the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def fuzz(name: str, frames: int, seed: int) -> int:
    """Try a decoder; return how many frames it did not bear."""
    decoder = DECODERS[name]
    frames = max(1, round(frames * decoder.share))
    taker, mutations = decoder.make(), Mutations(decoder.corpus, seed)
    faults: Counter[str] = Counter()
    begun, early, longest = time.monotonic(), 0.0, 0.0
    for number in range(frames):
        frame = mutations.frame()
        before = time.perf_counter()
        try:
            taker.take(frame)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}: {str(error)[:80]!r}"
            kind = f"{type(error).__name__} {last.filename}:{last.lineno}"
            faults[kind] += 1
            if faults[kind] <= MOST_OF_A_KIND:
                print(f"  {place}", flush=True)
                folder = FOUND / name
                folder.mkdir(parents=True, exist_ok=True)
                (folder / hashlib.sha256(frame).hexdigest()[:16]).write_bytes(frame)
            taker = decoder.make()
        longest = max(longest, time.perf_counter() - before)
        if number == frames // 10:
            early = resident_mib()
    passed = time.monotonic() - begun
    print(
        f"{name}: {frames} frames, seed {seed}, {faults.total()} not borne; {passed:.0f} s, "
        f"{frames / passed:.0f}/s, longest {longest * 1e3:.1f} ms; "
        f"memory {early:.1f} → {resident_mib():.1f} MiB",
        flush=True,
    )
    return faults.total()


def main() -> int:
    """Fuzz what the command line names, else everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--decoder", action="append", choices=sorted(DECODERS))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    return int(sum(fuzz(name, options.frames, options.seed) for name in options.decoder or DECODERS) > 0)


if __name__ == "__main__":
    sys.exit(main())
