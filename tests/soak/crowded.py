"""The simulated venue with as many symbols as asked for, in a process of its own; prints its URLs.

python tests/soak/crowded.py [--symbols 20] [--rate 4] [--fault SPEC]
"""

import argparse
import asyncio
import json
import signal

import msgspec

from mdterm.feeds.sim.crowd import Listing
from mdterm.feeds.sim.faults import parse_faults
from mdterm.feeds.sim.market import instrument_of
from mdterm.feeds.sim.synthetic import LISTINGS, SyntheticSource
from mdterm.feeds.sim.venue import Venue, VenueConfig
from mdterm.feeds.thread import new_loop


def listings(count: int) -> tuple[Listing, ...]:
    """Return so many markets: the venue's own, and further ones that behave like them."""
    found = list(LISTINGS[:count])
    for number in range(len(found), count):
        like = LISTINGS[number % len(LISTINGS)]
        symbol = f"C{number}{like.instrument.symbol}"
        found.append(msgspec.structs.replace(like, instrument=instrument_of(symbol, like.instrument.tick)))
    return tuple(found)


async def serve(options: argparse.Namespace) -> None:
    """Serve until a signal comes."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    venue = Venue(VenueConfig(rate=options.rate, faults=parse_faults(options.fault)))
    venue._source = SyntheticSource(1, options.rate, listings(options.symbols))
    print(json.dumps(await venue.start()), flush=True)
    await stopped.wait()
    await venue.stop()


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--symbols", type=int, default=20)
    parser.add_argument("--rate", type=float, default=4.0)
    parser.add_argument("--fault", default="")
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
