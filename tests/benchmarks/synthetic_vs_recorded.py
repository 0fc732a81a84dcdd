"""Print the synthetic market's statistics beside those of recorded ones.

    python tests/benchmarks/synthetic_vs_recorded.py DATA_DIR [SEEDS]

DATA_DIR holds the recorded NDJSON files. The synthetic columns are the middle value over SEEDS seeds
(default 8), with the lowest and highest in brackets, each over as long a time as the recording covers.
"""

import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from mdterm.feeds.sim.market import VenueBook, VenueEvent, VenueTrade
from mdterm.feeds.sim.play import PlaySource
from mdterm.feeds.sim.synthetic import EPOCH_NS, SyntheticSource

RECORDED = {
    "BTCUSDT": "btcusdt_usdm_perp_20240808.ndjson.gz",
    "ETHUSDT": "ethusdt_usdm_perp_20240808.ndjson.gz",
}
NS = 10**9


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of all lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def fano(stamps: Sequence[int], width_ns: int) -> float:
    """Return variance over mean of the counts in windows: 1 for a Poisson process."""
    counts = Counter((ts - stamps[0]) // width_ns for ts in stamps)
    series = [counts[place] for place in range((stamps[-1] - stamps[0]) // width_ns)]
    return statistics.pvariance(series) / statistics.mean(series)


def returns_bps(books: Sequence[VenueBook], seconds: int) -> list[float]:
    """Return the moves of the mid over every whole second's start."""
    mids: list[float] = []
    due = books[0].ts
    for book in books:
        while book.ts >= due:
            mids.append((book.bids[0] + book.asks[0]) / 2)
            due += NS
    return [(later / mid - 1) * 1e4 for mid, later in zip(mids, mids[seconds:], strict=False)]


def measure(events: Sequence[VenueEvent], symbol: str, tick: float) -> dict[str, float]:
    """Return the figures that are compared, by name."""
    trades = [e for e in events if isinstance(e, VenueTrade) and e.symbol == symbol]
    books = [e for e in events if isinstance(e, VenueBook) and e.symbol == symbol and e.bids and e.asks]
    stamps = [trade.ts for trade in trades]
    gaps = [(b - a) / 1e6 for a, b in pairwise(stamps)]
    sizes = [trade.size for trade in trades]
    spreads = [round((book.asks[0] - book.bids[0]) / tick) for book in books]
    one, ten = returns_bps(books, 1), returns_bps(books, 10)
    spread_of_one = statistics.pstdev(one)
    size_at = {
        place: [book.bids[2 * place + 1] for book in books if len(book.bids) > 2 * place]
        for place in (0, 1, 9, 39)
    }
    return {
        "trades/s": len(trades) / ((stamps[-1] - stamps[0]) / NS),
        "books/s": len(books) / ((books[-1].ts - books[0].ts) / NS),
        "trades within 1 ms of the last, %": 100 * sum(gap <= 1 for gap in gaps) / len(gaps),
        "trades within 100 ms, %": 100 * sum(gap <= 100 for gap in gaps) / len(gaps),
        "longest gap, s": max(gaps) / 1000,
        "Fano factor, 100 ms": fano(stamps, NS // 10),
        "Fano factor, 1 s": fano(stamps, NS),
        "spread of one tick, % of books": 100 * spreads.count(1) / len(spreads),
        "mean spread, ticks": statistics.mean(spreads),
        "1 s mid returns, sd, bps": spread_of_one,
        "1 s mid returns of zero, %": 100 * one.count(0.0) / len(one),
        "1 s mid returns, p99, bps": quantile([abs(r) for r in one], 0.99),
        "10 s mid returns, sd, bps": statistics.pstdev(ten),
        "same side as the last trade, %": 100 * sum(a.buy == b.buy for a, b in pairwise(trades)) / len(gaps),
        "size at the touch, median": statistics.median(size_at[0]),
        "touch over 2nd level, mean": statistics.mean(size_at[0]) / statistics.mean(size_at[1]),
        "touch over 10th level, mean": statistics.mean(size_at[0]) / statistics.mean(size_at[9]),
        "touch over 40th level, mean": statistics.mean(size_at[0]) / statistics.mean(size_at[39]),
        "best 40 levels span, ticks": statistics.median((b.bids[0] - b.bids[78]) / tick for b in books),
        "trade size p10": quantile(sizes, 0.1),
        "trade size p50": quantile(sizes, 0.5),
        "trade size p90": quantile(sizes, 0.9),
        "trade size p99": quantile(sizes, 0.99),
        "trade size mean": statistics.mean(sizes),
    }


def main() -> None:
    """Measure and print."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    folder, seeds = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 8
    recorded: dict[str, dict[str, float]] = {}
    span = 0
    for symbol, name in RECORDED.items():
        played = PlaySource(folder / name, keep_time=True)
        origin = played.begin(0)
        events = played.take(1 << 62)
        span = max(span, events[-1].ts - origin)
        recorded[symbol] = measure(events, symbol, played.instruments[0].tick)
    made: dict[str, list[dict[str, float]]] = {symbol: [] for symbol in RECORDED}
    for seed in range(1, seeds + 1):
        source = SyntheticSource(seed, 1.0)
        source.begin(EPOCH_NS)
        events = source.take(EPOCH_NS + span)
        for instrument in source.instruments:
            if instrument.symbol in made:
                made[instrument.symbol].append(measure(events, instrument.symbol, instrument.tick))
    for symbol, figures in recorded.items():
        print(f"\n{symbol:36}{'recorded':>10}{'synthetic':>12}   over {seeds} seeds")
        for name, value in figures.items():
            over = sorted(one[name] for one in made[symbol])
            middle = statistics.median(over)
            print(f"{name:36}{value:10.4g}{middle:12.4g}   [{over[0]:.4g} .. {over[-1]:.4g}]")


if __name__ == "__main__":
    main()
