"""Tables of events in files: CSV and Parquet, one file a kind, and lines of JSON."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

from mdterm.feeds.columns import COLUMNS, Value, kind_of, rows_of
from mdterm.feeds.events import Event, encode_line

ROWS: Final = 50_000
"""Rows of Parquet that are gathered before they are written."""


class TableError(Exception):
    """A table that cannot be written, in words."""


class Table(Protocol):
    """Takes events, and is closed."""

    rows: int

    def take(self, events: Sequence[Event]) -> None:
        """Write events."""

    def close(self) -> None:
        """Write what waits."""


class Lines:
    """Lines of JSON as ``mdterm tail`` prints them."""

    def __init__(self, out: BinaryIO, depth: int) -> None:
        self.rows = 0
        self._out = out
        self._depth = depth

    def take(self, events: Sequence[Event]) -> None:
        """Write a line an event."""
        self._out.write(b"".join(encode_line(event, self._depth) + b"\n" for event in events))
        self.rows += len(events)

    def close(self) -> None:
        """Write what waits."""
        self._out.flush()


class Csv:
    """Comma-separated values with a head, of one kind of event (RFC 4180, UTF-8, lines end in LF)."""

    def __init__(self, out: BinaryIO, kind: str, depth: int) -> None:
        self.rows = 0
        self._kind = kind
        self._depth = depth
        self._text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=False)
        self._writer = csv.writer(self._text, lineterminator="\n")
        self._writer.writerow([name for name, _ in COLUMNS[kind]])

    def take(self, events: Sequence[Event]) -> None:
        """Write the rows of each event of the kind."""
        for event in events:
            if kind_of(event) == self._kind:
                for row in rows_of(event, self._depth):
                    self._writer.writerow([_text(value) for value in row])
                    self.rows += 1

    def close(self) -> None:
        """Write what waits; the file itself stays open."""
        self._text.flush()
        self._text.detach()


def _text(value: Value) -> object:
    if value is True:
        return "true"
    return "false" if value is False else value


class Parquet:
    """A Parquet file of one kind of event; times are ``timestamp[ns, UTC]``."""

    def __init__(self, path: Path, kind: str, depth: int) -> None:
        """Open a file. Raise TableError where pyarrow is missing."""
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError:
            raise TableError("Parquet needs pyarrow: pip install 'mdterm[parquet]'") from None
        self.rows = 0
        self._kind = kind
        self._depth = depth
        self._arrow: Any = pyarrow
        types = {
            "time": pyarrow.timestamp("ns", tz="UTC"),
            "integer": pyarrow.int64(),
            "number": pyarrow.float64(),
            "text": pyarrow.string(),
            "flag": pyarrow.bool_(),
        }
        self._schema: Any = pyarrow.schema([(name, types[one]) for name, one in COLUMNS[kind]])
        self._writer: Any = pyarrow.parquet.ParquetWriter(path, self._schema, compression="zstd")
        self._waiting: list[tuple[Value, ...]] = []

    def take(self, events: Sequence[Event]) -> None:
        """Take the rows of each event of the kind."""
        for event in events:
            if kind_of(event) == self._kind:
                self._waiting += rows_of(event, self._depth)
        if len(self._waiting) >= ROWS:
            self._write()

    def close(self) -> None:
        """Write what waits, and the end."""
        self._write()
        self._writer.close()

    def _write(self) -> None:
        if self._waiting:
            columns = [list(column) for column in zip(*self._waiting, strict=True)]
            arrays = [
                self._arrow.array(column, type=field.type)
                for column, field in zip(columns, self._schema, strict=True)
            ]
            self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
            self.rows += len(self._waiting)
            self._waiting = []


def path_for(out: Path, kind: str, alone: bool) -> Path:
    """Return the file of a kind: the one named, or ``x.trade.csv`` where there are several."""
    return out if alone else out.with_name(f"{out.stem}.{kind}{out.suffix}")
