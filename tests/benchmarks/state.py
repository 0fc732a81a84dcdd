"""What a trade costs in every aggregate of the state, in ns, and what reading them costs, in µs.

In full: ``python -m tests.benchmarks.state [FILE.ndjson.gz]``. Without a recording the trades are made up:
40 a second in bursts around one price.
"""

import gzip
import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median

from mdterm.feeds.candles import CandleStore
from mdterm.feeds.derivatives import Derivatives
from mdterm.feeds.events import Liquidation, Trade
from mdterm.feeds.flow import Flow
from mdterm.feeds.profile import session_profile
from mdterm.feeds.tape import Tape
from mdterm.feeds.ticks import Ticks
from tests.benchmarks.table import Row

ROUNDS = 5
BATCHES = (1, 8, 25, 512)
Fold = Callable[[Sequence[Trade]], None]


def recorded(path: str) -> list[Trade]:
    """Return the trades of a recording."""
    with gzip.open(path) as lines:
        rows = [row for row in map(json.loads, lines) if row["type"] == "trade"]
    return [Trade("a:b", row["ts"], row["ts"], None, row["price"], row["size"], row["side"]) for row in rows]


def made_up(count: int = 20_000) -> list[Trade]:
    """Return trades of a busy perpetual."""
    draw, ts, ticks = random.Random(1), 1_723_161_255 * 10**9, 617_000
    out: list[Trade] = []
    while len(out) < count:
        ts += round(draw.expovariate(10) * 1e9)
        side = "buy" if draw.random() < 0.5 else "sell"
        for _ in range(min(40, int(draw.paretovariate(1.2)))):
            ticks += draw.choice((0, 0, 0, 1 if side == "buy" else -1))
            size = round(draw.expovariate(10) + 0.001, 3)
            out.append(Trade("a:b", ts, ts, None, ticks / 10, size, "buy" if side == "buy" else "sell"))
    return out


def cost_ns(make: Callable[[], Fold], tape: Sequence[Trade], batch: int) -> float:
    """Return ns a trade, the median of some rounds."""
    batches = [tape[at : at + batch] for at in range(0, len(tape), batch)]
    rounds = []
    for _ in range(ROUNDS):
        fold = make()
        start = time.perf_counter_ns()
        for one in batches:
            fold(one)
        rounds.append((time.perf_counter_ns() - start) / len(tape))
    return median(rounds)


def read_us(read: Callable[[], object], times: int = 200) -> float:
    """Return µs a reading."""
    start = time.perf_counter_ns()
    for _ in range(times):
        read()
    return (time.perf_counter_ns() - start) / times / 1000


def rows(short: bool) -> Iterator[Row]:
    """Return what a trade costs in each aggregate, in batches as a busy feed folds them."""
    tape = made_up(5_000 if short else 20_000)
    makers: dict[str, Callable[[], Fold]] = {
        "tape": lambda: Tape().fold,
        "candles": lambda: CandleStore("a:b").fold,
        "tick bars": lambda: Ticks().fold,
        "flow": lambda: Flow(0.1).fold,
    }
    for name, make in makers.items():
        single, batch = cost_ns(make, tape, 1), cost_ns(make, tape, 512)
        yield Row(f"{name}: a trade in a batch of 512", f"{batch:.0f} ns", beside=f"alone {single:.0f} ns")


def main() -> None:
    """Print the tables."""
    tape = recorded(sys.argv[1]) if len(sys.argv) > 1 else made_up()
    liquidations = [
        Liquidation("a:b", one.ts, one.seen, None, one.price, one.size or 0.0, "long", "BUY") for one in tape
    ]
    makers: dict[str, tuple[int, Callable[[], Fold]]] = {
        "tape": (1, lambda: Tape().fold),
        "candles (1 s, 1 m)": (2, lambda: CandleStore("a:b").fold),
        "flow (price, 3 windows, session)": (5, lambda: Flow(0.1).fold),
    }
    print(f"{len(tape)} trades; ns a trade (ns a trade and aggregate)")
    print(f"{'batch':34}" + "".join(f"{batch:>16}" for batch in BATCHES))
    for name, (aggregates, make) in makers.items():
        cells = []
        for batch in BATCHES:
            cost = cost_ns(make, tape, batch)
            cells.append(f"{f'{cost:.0f} ({cost / aggregates:.0f})':>16}")
        print(f"{name:34}" + "".join(cells))
    start = time.perf_counter_ns()
    Derivatives().liquidate(liquidations)
    print(f"{'liquidations, each':34}{(time.perf_counter_ns() - start) / len(tape):>16.0f}")

    store, flow = CandleStore("a:b"), Flow(0.1)
    store.fold(tape)
    flow.fold(tape)
    top, at = round(tape[-1].price * 10) + 40, iter(range(1 << 30))

    def tick(interval: str) -> None:
        newest = tape[-1]
        store.fold([Trade("a:b", newest.ts, next(at), None, newest.price, 0.1, "buy")])
        store.candles(interval, 120)

    print("\nµs a reading")
    for window in ("5s", "60s", "8m", None):
        for step in (0.1, 10.0):
            row = round(top * 0.1 / step)
            took = read_us(partial(flow.column, window, row, 80, step))
            name = f"flow {window or 'session'}, 80 rows of {step}"
            print(f"{name:34}{took:>16.1f}")
    for interval in ("1s", "1m", "1h"):
        print(f"{f'trade and 120 bars of {interval}':34}{read_us(partial(tick, interval)):>16.1f}")
    print(f"{'day sums':34}{read_us(store.sums):>16.1f}")
    print(f"{'session profile':34}{read_us(partial(session_profile, flow)):>16.1f}")


if __name__ == "__main__":
    main()
