"""What was seen, kept on this machine: closed bars and the newest trades of each instrument, in SQLite.

A thread of its own writes, a transaction every few seconds; the feed only hands over. A process that is
killed loses the last seconds and nothing else. Several processes may use the file at once: the same bar or
trade is kept once. Where the file lies on a network, or locks in shared memory fail, write-ahead logging does
not work and a rollback journal is used. Where no locks work at all nothing is kept: a file that several write
without them is soon broken.

Bounds: 15,000 bars of an interval and 5,000 trades an instrument, the 100 instruments used last. Nothing of
an account is kept, and nothing of a market that is made up.
"""

import contextlib
import logging
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from mdterm.feeds.events import Candle, Trade

log = logging.getLogger(__name__)

BARS_KEPT: Final = 15_000
TRADES_KEPT: Final = 5_000
INSTRUMENTS_KEPT: Final = 100
EVERY_S: Final = 3.0
PRUNE_S: Final = 120.0
BUSY_MS: Final = 2_000
_WAITING_MOST: Final = 200
"""Batches of bars that wait for a file that others hold; older ones are let go."""
_VERSION: Final = 1
_NETWORKS: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "fuse.sshfs"}
)
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS candles(
    address TEXT NOT NULL, interval TEXT NOT NULL, open_ts INTEGER NOT NULL,
    open REAL NOT NULL, high REAL NOT NULL, low REAL NOT NULL, close REAL NOT NULL,
    volume REAL, buy REAL, sell REAL, seen INTEGER NOT NULL,
    PRIMARY KEY(address, interval, open_ts)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS trades(
    address TEXT NOT NULL, ts INTEGER NOT NULL, key TEXT NOT NULL, venue_ts INTEGER, seen INTEGER NOT NULL,
    id TEXT, price REAL NOT NULL, size REAL, side TEXT,
    PRIMARY KEY(address, ts, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS used(address TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
"""
_PUT_CANDLE: Final = """
INSERT INTO candles VALUES(?,?,?,?,?,?,?,?,?,?,?)
ON CONFLICT(address, interval, open_ts) DO UPDATE SET
    open=excluded.open, high=excluded.high, low=excluded.low, close=excluded.close, volume=excluded.volume,
    buy=excluded.buy, sell=excluded.sell, seen=excluded.seen
WHERE excluded.seen >= candles.seen AND (candles.volume IS NULL OR excluded.volume >= candles.volume)
"""
_PUT_TRADE: Final = "INSERT OR IGNORE INTO trades VALUES(?,?,?,?,?,?,?,?,?)"


class StoreError(Exception):
    """The file cannot be read, in words."""


class Store:
    """Writes into the file. Start it, hand over, close it; reading needs no Store."""

    def __init__(self, path: Path, *, every_s: float = EVERY_S) -> None:
        self.path = path
        self.problem: str | None = None
        """Why nothing is kept, in words."""
        self.written = 0
        """Rows handed to the file so far."""
        self._every_s = every_s
        self._bars: deque[Sequence[Candle]] = deque(maxlen=_WAITING_MOST)
        self._trades: dict[str, deque[Trade]] = {}
        self._wake = threading.Event()
        self._closing = False
        self._has_given_up = False
        """Whether the file cannot be opened: what nobody writes must not pile up."""
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put_candles(self, candles: Sequence[Candle]) -> None:
        """Take bars over; those that may still change are left out. Never block."""
        if self._has_given_up:
            return
        closed = [one for one in candles if one.closed]
        if closed:
            self._bars.append(closed)

    def put_trades(self, address: str, trades: Sequence[Trade]) -> None:
        """Take trades of one instrument over. Never block."""
        if self._has_given_up:
            return
        waiting = self._trades.get(address)
        if waiting is None:
            waiting = self._trades[address] = deque(maxlen=TRADES_KEPT)
        waiting.extend(trades)

    def close(self) -> None:
        """Write what waits and end; give up after a few seconds."""
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(5.0)

    # On the writing thread.

    def _run(self) -> None:
        try:
            connection = self._open()
        except (sqlite3.Error, OSError) as error:
            self.problem = f"{self.path}: {error}{_advice(error)}"
            log.warning("nothing is kept for the next start: %s", self.problem)
            self._has_given_up = True
            self._bars.clear()
            self._trades.clear()
            return
        pruned_at = -PRUNE_S
        try:
            while not self._closing:
                self._wake.wait(self._every_s)
                self._write(connection)
                if time.monotonic() - pruned_at >= PRUNE_S:
                    pruned_at = time.monotonic()
                    self._guarded(connection, _prune)
            self._write(connection)
        finally:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _open(self) -> sqlite3.Connection:
        """Open the file as soon as nobody else holds it."""
        while True:
            try:
                return _open_for_writing(self.path)
            except sqlite3.OperationalError as error:
                if self._closing or getattr(error, "sqlite_errorname", "") != "SQLITE_BUSY":
                    raise
                self.problem = f"{self.path}: {error}"
            self._wake.wait(self._every_s)

    def _write(self, connection: sqlite3.Connection) -> None:
        bars, trades = self._bars, self._trades
        if not bars and not trades:
            return
        batch = [bars.popleft() for _ in range(len(bars))]
        taken = {address: [of.popleft() for _ in range(len(of))] for address, of in list(trades.items())}

        def put(to: sqlite3.Connection) -> None:
            rows = [_candle_row(one) for group in batch for one in group]
            prints = [row for address, found in taken.items() for row in _trade_rows(address, found)]
            to.executemany(_PUT_CANDLE, rows)
            to.executemany(_PUT_TRADE, prints)
            now = time.time_ns()
            used = {one.address for group in batch for one in group} | {one for one in taken if taken[one]}
            to.executemany("INSERT OR REPLACE INTO used VALUES(?,?)", [(one, now) for one in used])
            self.written += len(rows) + len(prints)

        if not self._guarded(connection, put):
            self._bars.extendleft(reversed(batch))  # others hold the file: once more with the next

    def _guarded(self, connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], None]) -> bool:
        try:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                work(connection)
        except sqlite3.Error as error:
            if self.problem is None:
                log.warning("%s: %s%s", self.path, error, _advice(error))
            self.problem = f"{self.path}: {error}{_advice(error)}"
            return False
        self.problem = None
        return True


def _candle_row(one: Candle) -> tuple[object, ...]:
    prices = (one.open, one.high, one.low, one.close)
    return (one.address, one.interval, one.open_ts, *prices, one.volume, one.buy, one.sell, one.seen)


def _trade_rows(address: str, trades: Sequence[Trade]) -> Iterator[tuple[object, ...]]:
    """Yield rows; trades without an id are told apart by their place among equals of the same time."""
    equals: dict[tuple[int, str], int] = {}
    for one in trades:
        ts = one.ts if one.ts is not None else one.seen
        key = one.id
        if key is None:
            plain = f"{one.price!r}/{one.size!r}/{one.side}"
            number = equals[ts, plain] = equals.get((ts, plain), 0) + 1
            key = f"{plain}#{number}"
        yield (address, ts, key, one.ts, one.seen, one.id, one.price, one.size, one.side)


def _open_for_writing(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return _connect(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        # Not a database, or a broken one: kept aside, so that nothing is lost that somebody may mend.
        aside = path.with_name(f"{path.name}.broken-{time.time_ns()}")
        log.warning("%s cannot be read (%s) and is kept as %s", path, error, aside.name)
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
        return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    # For the user alone from its first byte: it tells what somebody watches.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    connection = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None)
    try:
        got = _choose_journal(connection, path)
        # With a write-ahead log a kill costs nothing more this way; without one each commit must be synced.
        connection.execute(f"PRAGMA synchronous={'NORMAL' if got == 'wal' else 'FULL'}")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            raise sqlite3.OperationalError(f"it is of a later version ({version}) of the program")
        if version < _VERSION:
            connection.executescript(_SCHEMA)
            connection.execute(f"PRAGMA user_version={_VERSION}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _choose_journal(connection: sqlite3.Connection, path: Path) -> str:
    """Return the kind of journal that the file has from now on."""
    if not is_on_network(path):
        try:
            (got,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError as error:
            if not _is_of_locks(error):
                raise
            log.info("%s: no write-ahead log: %s", path, error)
        else:
            return str(got)
    (got,) = connection.execute("PRAGMA journal_mode=DELETE").fetchone()
    return str(got)


def _is_of_locks(error: BaseException) -> bool:
    """Return whether a file's locks, or the memory shared for them, do not work where it lies."""
    name = getattr(error, "sqlite_errorname", "")
    return name == "SQLITE_PROTOCOL" or name.startswith(("SQLITE_IOERR_LOCK", "SQLITE_IOERR_SHM"))


def _advice(error: BaseException) -> str:
    if not _is_of_locks(error):
        return ""
    return " (locks do not work where it lies: set XDG_STATE_HOME to a folder on a disk of this machine)"


def _prune(connection: sqlite3.Connection) -> None:
    """Delete what is beyond the bounds."""
    kept = "SELECT address FROM used ORDER BY at DESC LIMIT ?"
    for table in ("candles", "trades", "used"):
        connection.execute(f"DELETE FROM {table} WHERE address NOT IN ({kept})", (INSTRUMENTS_KEPT,))  # noqa: S608
    for address, interval in connection.execute("SELECT DISTINCT address, interval FROM candles").fetchall():
        connection.execute(
            "DELETE FROM candles WHERE address=? AND interval=? AND open_ts <= (SELECT open_ts FROM candles"
            " WHERE address=? AND interval=? ORDER BY open_ts DESC LIMIT 1 OFFSET ?)",
            (address, interval, address, interval, BARS_KEPT),
        )
    for (address,) in connection.execute("SELECT address FROM used").fetchall():
        connection.execute(
            "DELETE FROM trades WHERE address=? AND ts <= (SELECT ts FROM trades WHERE address=?"
            " ORDER BY ts DESC LIMIT 1 OFFSET ?)",
            (address, address, TRADES_KEPT),
        )


def is_on_network(path: Path) -> bool:
    """Return whether a path lies on a file system that other machines write to, as far as can be told."""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
        folder = str(path.parent.resolve())
    except OSError:
        return False
    best = ("", "")
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) > 2:
            at = fields[1].replace("\\040", " ")
            if (folder == at or folder.startswith(at.rstrip("/") + "/")) and len(at) >= len(best[0]):
                best = (at, fields[2])
    return best[1] in _NETWORKS


# Reading, from any thread and any process.


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection | None]:
    if not path.exists():
        yield None
        return
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_MS / 1000)
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from error
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        yield connection if version else None  # else somebody is just about to begin it
    except sqlite3.Error as error:
        raise StoreError(f"{path}: {error}") from error
    finally:
        connection.close()


def read_candles(
    path: Path, address: str, interval: str, *, since: int = 0, count: int = BARS_KEPT
) -> list[Candle]:
    """Return the newest ``count`` bars that opened since ``since`` (ns), oldest first. Raise StoreError."""
    with _reading(path) as connection:
        if connection is None:
            return []
        rows = connection.execute(
            "SELECT open_ts, open, high, low, close, volume, buy, sell, seen FROM candles"
            " WHERE address=? AND interval=? AND open_ts>=? ORDER BY open_ts DESC LIMIT ?",
            (address, interval, since, count),
        ).fetchall()
    return [
        Candle(address, None, seen, interval, open_ts, open_, high, low, close, volume, True, buy, sell)
        for open_ts, open_, high, low, close, volume, buy, sell, seen in reversed(rows)
    ]


def read_trades(path: Path, address: str, count: int = TRADES_KEPT) -> list[Trade]:
    """Return the newest ``count`` trades, oldest first. Raise StoreError."""
    with _reading(path) as connection:
        if connection is None:
            return []
        rows = connection.execute(
            "SELECT venue_ts, seen, id, price, size, side FROM trades WHERE address=?"
            " ORDER BY ts DESC, key DESC LIMIT ?",
            (address, count),
        ).fetchall()
    return [Trade(address, *row) for row in reversed(rows)]
