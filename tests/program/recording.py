"""Recordings to play: made up here, or real ones where they lie beside the project."""

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.program.venue import EXCHANGE

MARKET_DATA = Path(__file__).resolve().parents[2].parent / "shared" / "market-data"
Row = dict[str, Any]
START_NS = 1_723_161_255_354_596_666


def make_rows(seconds: float, steps: dict[str, float], seed: int) -> list[Row]:
    """Make a recording of several symbols: sweeps of one time, books between them, prices off the grid."""
    dice = random.Random(seed)
    at = dict.fromkeys(steps, 6_180)
    rows: list[Row] = []
    ts = START_NS
    while ts < START_NS + seconds * 1e9:
        symbol = dice.choice(list(steps))
        step = steps[symbol]
        digits = len(f"{step:.10f}".rstrip("0").partition(".")[2])
        if dice.random() < 0.3:
            sides = [
                [
                    [round((at[symbol] + way * distance) * step, digits), dice.randrange(1, 90_000) / 1000]
                    for distance in range(1, dice.choice((2, 10, 60)))
                    if dice.random() < 0.8
                ]
                for way in (-1, 1)
            ]
            rows.append({"ts": ts, "symbol": symbol, "type": "book", "bids": sides[0], "asks": sides[1]})
        else:
            side = dice.choice(("buy", "sell"))
            for _ in range(dice.choice((1, 1, 1, 2, 30))):
                at[symbol] += dice.choice((0, 0, 1 if side == "buy" else -1))
                price = round(at[symbol] * step + dice.choice((0, 0, 0, step / 3)), digits + 3)
                size = dice.choice((0.001, 0.1 + 0.2, 1e-7, 123_456_789.25, 4.0))
                rows.append(
                    {"ts": ts, "symbol": symbol, "type": "trade", "price": price, "size": size, "side": side}
                )
        ts += dice.choice((0, 1, 999_999, 4_000_001))
    return rows


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write a recording."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def read(path: Path) -> list[Row]:
    """Read a gzipped recording."""
    with gzip.open(path, "rt") as lines:
        return [json.loads(line) for line in lines]


def by_stream(rows: Iterable[Row]) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    """Return what must come of each symbol's trades and books, in order."""
    streams: dict[tuple[str, str], list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        address = f"kiyotaka:{EXCHANGE}:{row['symbol']}"
        if row["type"] == "trade":
            streams[address, "trade"].append((row["ts"], row["price"], row["size"], row["side"]))
        elif row["type"] == "book":
            streams[address, "book"].append((row["ts"], row["bids"], row["asks"]))
    return streams


def by_stream_of_tail(lines: Sequence[str]) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    """Return what came, as ``by_stream`` does."""
    streams: dict[tuple[str, str], list[tuple[Any, ...]]] = defaultdict(list)
    for line in lines:
        told = json.loads(line)
        if told["kind"] == "trade":
            entry: tuple[Any, ...] = (told["ts"], told["price"], told["size"], told["side"])
        elif told["kind"] == "book":
            entry = (told["ts"], told["bids"], told["asks"])
        else:
            continue
        streams[told["address"], told["kind"]].append(entry)
    return streams
