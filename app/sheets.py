"""A panel's frame as a table: what is on the screen, in full digits, for a spreadsheet."""

import csv
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Final, NamedTuple

from mdterm.feeds.frames import (
    AccountFrame,
    ChartFrame,
    DerivativesFrame,
    Frame,
    LadderFrame,
    PlotFrame,
    TapeFrame,
    WatchFrame,
)

Cell = str | int | float | None
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_TRIES: Final = 100


class Sheet(NamedTuple):
    """A table. Times are ISO 8601 in UTC; what is unknown is empty."""

    name: str
    head: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]


def sheets_of(frame: Frame) -> list[Sheet]:
    """Return the tables of a frame, none if it has no rows to give."""
    match frame:
        case LadderFrame():
            return [_ladder(frame)]
        case TapeFrame():
            return _tape(frame)
        case ChartFrame():
            bars = [
                (_time(one.open_ts), one.open, one.high, one.low, one.close, one.volume, one.delta)
                for one in frame.bars
            ]
            head = ("time", "open", "high", "low", "close", "volume", "delta")
            return [Sheet(f"chart-{frame.interval}", head, bars)]
        case PlotFrame():
            return [_plot(frame)] if any(curve.x for curve in frame.curves) else []
        case WatchFrame():
            return [_watchlist(frame)]
        case DerivativesFrame():
            return _derivatives(frame)
        case AccountFrame():
            return _account(frame)
    return []


def _plot(frame: PlotFrame) -> Sheet:
    """Return the points of every curve, one after the other."""
    is_time = frame.plot in ("history", "cvd")
    points = [
        (curve.name, _time(round(x * 1_000) * 1_000_000) if is_time else x, y)
        for curve in frame.curves
        for x, y in zip(curve.x, curve.y, strict=True)
    ]
    name = f"history-{frame.interval}" if frame.plot == "history" else f"plot-{frame.plot}"
    return Sheet(name, ("curve", "time" if is_time else "price", "value"), points)


def _tape(frame: TapeFrame) -> list[Sheet]:
    trades = [
        (_time(one.ts), one.side, one.price, one.size, one.count) for one in frame.rows if not one.is_forced
    ]
    forced = [(_time(one.ts), one.position, one.price, one.size) for one in frame.rows if one.is_forced]
    sheets = [Sheet("tape", ("time", "side", "price", "size", "trades"), trades)]
    if forced:
        sheets.append(Sheet("tape-liquidations", ("time", "position", "price", "size"), forced))
    return sheets


def _ladder(frame: LadderFrame) -> Sheet:
    rows: list[tuple[Cell, ...]] = []
    for at, (bid, ask) in enumerate(zip(frame.bids, frame.asks, strict=True)):
        sells = None if frame.sells is None else frame.sells[at]
        buys = None if frame.buys is None else frame.buys[at]
        price = round((frame.top - at) * frame.step, frame.digits)
        rows.append((bid, price, ask, sells, buys))
    return Sheet("ladder", ("bid", "price", "ask", "sells", "buys"), rows)


def _watchlist(frame: WatchFrame) -> Sheet:
    head = ("address", "state", "last", "change", "bid", "ask", "volume")
    rows = [
        (one.address, one.shown.word, one.last, one.change, one.bid, one.ask, one.volume)
        for one in frame.rows
    ]
    return Sheet("watchlist", head, rows)


def _derivatives(frame: DerivativesFrame) -> list[Sheet]:
    forced = [(_time(one.ts), one.position, one.price, one.size) for one in frame.liquidations]
    sheets = [Sheet("liquidations", ("time", "position", "price", "size"), forced)]
    known = frame.profile
    if known is not None:
        rows = [
            (round((known.low + at) * known.step, known.digits), buys, sells, neutral)
            for at, (buys, sells, neutral) in enumerate(
                zip(known.buys, known.sells, known.neutral, strict=True)
            )
        ]
        sheets.append(Sheet("profile", ("price", "buys", "sells", "neutral"), rows))
    return sheets


def _account(frame: AccountFrame) -> list[Sheet]:
    balances = [
        (one.asset, one.total, one.available, one.locked, one.value, one.share) for one in frame.balances
    ]
    orders = [
        (
            None if one.created is None else _time(one.created),
            one.address,
            one.id,
            one.side,
            one.type,
            one.price,
            one.size,
            one.remaining,
            one.state,
        )
        for one in frame.orders
    ]
    return [
        Sheet("balances", ("asset", "total", "available", "locked", "value", "share"), balances),
        Sheet(
            "orders",
            ("time", "address", "id", "side", "type", "price", "size", "remaining", "state"),
            orders,
        ),
    ]


def _time(ns: int) -> str:
    seconds, rest = divmod(ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"


def csv_of(sheet: Sheet) -> str:
    """Return a table as CSV (RFC 4180 but for the line ends, which are newlines)."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(sheet.head)
    writer.writerows(sheet.rows)
    return out.getvalue()


def save(text: str, folder: Path, name: str, suffix: str) -> Path:
    """Write ``text`` to a new file that only its owner reads; nothing is overwritten. Raise OSError."""
    stem = _UNSAFE.sub("_", name)[:100] or "mdterm"
    folder.mkdir(parents=True, exist_ok=True)
    for attempt in range(_TRIES):
        path = folder / (f"{stem}.{suffix}" if not attempt else f"{stem}-{attempt + 1}.{suffix}")
        try:
            private = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(private, "w", encoding="utf-8", errors="replace", newline="") as file:
            file.write(text)
        return path
    raise FileExistsError(f"{stem}.{suffix} and {_TRIES - 1} more of its name are there already")
