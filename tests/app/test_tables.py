"""Tables of events are read back as what was written, unknown as unknown."""

import csv
import sys
from datetime import UTC
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from mdterm.app import tables
from mdterm.app.tables import Csv, Parquet, Table, TableError, path_for
from mdterm.feeds.columns import COLUMNS, kind_of, rows_of
from mdterm.feeds.events import (
    Balance,
    Book,
    Candle,
    Event,
    FeedStatus,
    Funding,
    Liquidation,
    OpenInterest,
    Order,
    Trade,
    TradeAgg,
    VolumeProfile,
)

TS, SEEN = 1_769_058_875_830_000_001, 1_769_058_875_830_999_999
AT = ('x:A,"B"\nC', TS, SEEN)  # an address is outside text
LATE = ("x:Y", None, SEEN + 1)

EVENTS: tuple[Event, ...] = (
    Trade(*AT, "t-1", 61_800.1, 0.1 + 0.2, "buy", 18_540.03),
    Trade(*LATE, None, 1e-9, None, None),
    TradeAgg(*AT, 1.0, 3.0, 0.5, 2.0, 10.0, "sell", TS - 5, TS),
    TradeAgg(*LATE, 1.0, 1.0, 1.0, 1.0, 0.0, None, None, None),
    Book(*AT, [100.0, 99.5, 99.0], [1.0, None, 3.0], [100.5], [4.0], 0.5, "base", [7, 8, 9], [1]),
    Book(*LATE, [], [], [], []),
    Candle(*AT, "1m", TS, 1.0, 2.0, 0.5, 1.5, None, True),
    Liquidation(*AT, None, 5.0, 6.0, "long", "SELL"),
    Liquidation(*LATE, "l-1", 5.0, 6.0, None, None),
    Funding(*AT, 0.0001, None),
    OpenInterest(*AT, 84_511.5),
    VolumeProfile(*AT, [(1.0, 2.0, 3.0), (2.0, 0.0, 0.5)]),
    Balance(*AT, "BTC", "0.535500000000000000001", "0"),
    Order(
        *AT,
        id="o-1",
        side="sell",
        type=None,
        state="open",
        price="61754.60",
        size="0.018",
        filled="0",
        remaining="0.018",
        cost=None,
        created=TS,
        modified=None,
        removed=False,
    ),
    FeedStatus(*AT, "gap", "trades may be missing"),
)
DEPTH = 2


def told(kind: str) -> list[tuple[Any, ...]]:
    return [row for event in EVENTS if kind_of(event) == kind for row in rows_of(event, DEPTH)]


def fill(table: Table) -> None:
    table.take(EVENTS[:5])
    table.take(EVENTS[5:])
    table.close()


def test_every_kind_has_rows_here() -> None:
    assert {kind for kind in COLUMNS if told(kind)} == set(COLUMNS)


@pytest.mark.parametrize("kind", COLUMNS)
def test_parquet_is_read_back_by_pyarrow(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "ROWS", 2)  # several row groups
    path = tmp_path / "x.parquet"
    table = Parquet(path, kind, DEPTH)
    fill(table)
    found = pyarrow.parquet.read_table(path)
    types = {
        "time": pyarrow.timestamp("ns", tz="UTC"),
        "integer": pyarrow.int64(),
        "number": pyarrow.float64(),
        "text": pyarrow.string(),
        "flag": pyarrow.bool_(),
    }
    assert [(one.name, one.type) for one in found.schema] == [(n, types[t]) for n, t in COLUMNS[kind]]
    times = [name for name, of in COLUMNS[kind] if of == "time"]
    for name in times:  # to the nanosecond
        at = found.schema.get_field_index(name)
        found = found.set_column(at, name, found[name].cast(pyarrow.int64()))
    rows = [tuple(one.values()) for one in found.to_pylist()]
    assert rows == told(kind)
    assert table.rows == len(rows)


def test_times_in_parquet_are_moments_not_numbers(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    fill(Parquet(path, "funding", DEPTH))
    (moment,) = (
        pyarrow.parquet.read_table(path)["ts"].cast(pyarrow.timestamp("us", "UTC"), safe=False).to_pylist()
    )
    assert moment.astimezone(UTC).isoformat() == "2026-01-22T05:14:35.830000+00:00"


def test_a_table_without_rows_is_still_a_table(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    Parquet(path, "trade", DEPTH).close()
    found = pyarrow.parquet.read_table(path)
    assert (found.num_rows, found.column_names) == (0, [name for name, _ in COLUMNS["trade"]])


@pytest.mark.parametrize("kind", COLUMNS)
def test_csv_tells_the_same(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    with path.open("xb") as out:
        fill(Csv(out, kind, DEPTH))
    with path.open(newline="") as file:
        head, *rows = csv.reader(file)
    assert head == [name for name, _ in COLUMNS[kind]]
    words = {None: "", True: "true", False: "false"}
    assert rows == [
        [words[one] if one is None or isinstance(one, bool) else str(one) for one in row]
        for row in told(kind)
    ]


def test_without_pyarrow_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(TableError, match=r"mdterm\[parquet\]"):
        Parquet(tmp_path / "x.parquet", "trade", DEPTH)
    assert list(tmp_path.iterdir()) == []


def test_several_kinds_are_several_files() -> None:
    assert path_for(Path("a/x.csv"), "trade", alone=True) == Path("a/x.csv")
    assert path_for(Path("a/x.csv"), "trade", alone=False) == Path("a/x.trade.csv")
