"""What was seen is kept in bounds, by several at once, and given back as the past it is."""

import asyncio
import multiprocessing
import os
import signal
import sqlite3
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mdterm.feeds import store as store_module
from mdterm.feeds.events import Candle, Trade
from mdterm.feeds.intervals import DAY, MINUTE
from mdterm.feeds.market import Market
from mdterm.feeds.runtime import Feed
from mdterm.feeds.specs import TapeSpec
from mdterm.feeds.store import Store, StoreError, _connect, _prune, is_on_network, read_candles, read_trades
from mdterm.feeds.warm import Kept, give
from tests.feeds.support import ADDRESS, NOW_NS, instrument
from tests.kiyotaka.service import running
from tests.kiyotaka.support import ADDRESS as KIYOTAKA
from tests.kiyotaka.support import provider

START = NOW_NS - NOW_NS % DAY


def bar(
    number: int, close: float = 1.5, *, closed: bool = True, seen: int = 5, volume: float = 10.0
) -> Candle:
    return Candle(
        ADDRESS, None, seen, "1m", START + number * MINUTE, 1.0, 2.0, 0.5, close, volume, closed, 6.0, 4.0
    )


def trade(number: int, price: float = 100.0, id_: str | None = None) -> Trade:
    return Trade(ADDRESS, START + number, START + number + 5, id_, price, 1.5, "buy")


def put(path: Path, bars: list[Candle], trades: list[Trade]) -> Store:
    store = Store(path, every_s=60)
    store.start()
    store.put_candles(bars)
    store.put_trades(ADDRESS, trades)
    store.close()
    assert store.problem is None
    return store


def test_what_was_put_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "history.sqlite"
    bars = [bar(number) for number in range(10)]
    trades = [trade(number, id_=str(number)) for number in range(10)]
    put(path, [*bars, bar(10, closed=False)], trades)
    assert read_candles(path, ADDRESS, "1m") == bars
    assert read_candles(path, ADDRESS, "1m", since=START + 8 * MINUTE) == bars[8:]
    assert read_candles(path, ADDRESS, "1m", count=2) == bars[8:]
    assert read_candles(path, "x:Y", "1m") == []
    assert read_trades(path, ADDRESS) == trades
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_nothing_kept_yet_is_no_fault(tmp_path: Path) -> None:
    assert read_candles(tmp_path / "nosuch", ADDRESS, "1m") == []
    assert read_trades(tmp_path / "nosuch", ADDRESS) == []


def test_the_same_is_kept_once_and_the_fuller_bar_wins(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    same = [trade(1), trade(1), trade(2, id_="a")]  # two trades without an id may well be alike
    put(path, [bar(1, close=1.6, volume=20.0)], same)
    put(path, [bar(1, close=1.1, volume=3.0, seen=9)], same)
    put(path, [bar(1, close=1.7, volume=25.0, seen=10)], [])
    assert [(one.close, one.volume) for one in read_candles(path, ADDRESS, "1m")] == [(1.7, 25.0)]
    assert read_trades(path, ADDRESS) == same


def test_the_oldest_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, most in (("BARS_KEPT", 20), ("TRADES_KEPT", 30), ("INSTRUMENTS_KEPT", 1)):
        monkeypatch.setattr(store_module, name, most)
    path = tmp_path / "history.sqlite"
    other = Candle("x:OLD", None, 1, "1m", START, 1.0, 1.0, 1.0, 1.0, 1.0, True)
    put(path, [other], [])
    put(path, [bar(number) for number in range(50)], [trade(number) for number in range(30)])
    connection = _connect(path)
    _prune(connection)
    connection.close()
    assert [one.open_ts for one in read_candles(path, ADDRESS, "1m")] == [
        START + number * MINUTE for number in range(30, 50)
    ]
    assert len(read_trades(path, ADDRESS)) == 30
    assert read_candles(path, "x:OLD", "1m") == []


def _writer(path: str, first: int, ready: "multiprocessing.synchronize.Event | None") -> None:
    store = Store(Path(path), every_s=0.01)
    store.start()
    number = first
    while ready is not None or number < first + 200:
        store.put_candles([bar(number)])
        store.put_trades(ADDRESS, [trade(number)])
        number += 1
        time.sleep(0.001)
        if ready is not None and number == first + 100:
            ready.set()
    store.close()
    os._exit(0 if store.problem is None else 1)


def test_several_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_writer, args=(str(path), 1000 * one, None)) for one in range(3)]
    for one in writers:
        one.start()
    for one in writers:
        one.join(30)
        assert one.exitcode == 0
    assert len(read_candles(path, ADDRESS, "1m")) == 600
    assert len(read_trades(path, ADDRESS)) == 600


def test_a_writer_that_is_killed_leaves_a_file_that_opens(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=_writer, args=(str(path), 0, ready))
    process.start()
    assert ready.wait(20)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(20)
    found = len(read_candles(path, ADDRESS, "1m"))
    assert found >= 50
    put(path, [bar(5000)], [])
    assert len(read_candles(path, ADDRESS, "1m")) == found + 1
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_a_file_that_is_no_database_is_kept_aside(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    path.write_bytes(b"dear, but no database" * 100)
    with pytest.raises(StoreError, match=r"history\.sqlite"):
        read_candles(path, ADDRESS, "1m")
    put(path, [bar(1)], [])
    assert read_candles(path, ADDRESS, "1m") == [bar(1)]
    (aside,) = tmp_path.glob("history.sqlite.broken-*")
    assert aside.read_bytes().startswith(b"dear")


def test_a_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    store = Store(path, every_s=0.01)
    store.start()
    store.close()
    assert store.problem is not None
    assert "later version" in store.problem


def test_a_folder_that_cannot_be_written_keeps_nothing_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "history.sqlite", every_s=0.01)
    store.start()
    store.put_candles([bar(1)])
    store.close()
    assert store.problem is not None


def test_on_a_network_there_is_no_log_beside_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_on_network(Path("/dev/shm/x"))
    monkeypatch.setattr(store_module, "is_on_network", lambda path: True)
    path = tmp_path / "history.sqlite"
    connection = _connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


class Unlocked(sqlite3.Connection):
    """A connection to a file on a network whose locks fail."""

    failing: tuple[str, ...] = ()
    code = "SQLITE_PROTOCOL"

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        if sql.startswith(self.failing):
            error = sqlite3.OperationalError("locking protocol")
            error.sqlite_errorname = self.code
            raise error
        return super().execute(sql, *args)


def unlock(monkeypatch: pytest.MonkeyPatch, *failing: str, code: str = "SQLITE_PROTOCOL") -> None:
    """Have statements fail as they do where locks do not work."""
    connect = sqlite3.connect
    of = type("Failing", (Unlocked,), {"failing": failing, "code": code})

    def failing_connect(*args: Any, **options: Any) -> sqlite3.Connection:
        return connect(*args, factory=of, **options)

    monkeypatch.setattr(sqlite3, "connect", failing_connect)


@pytest.mark.parametrize("code", ["SQLITE_PROTOCOL", "SQLITE_IOERR_SHMMAP", "SQLITE_IOERR_LOCK"])
def test_where_shared_memory_fails_a_rollback_journal_is_used(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "history.sqlite"
    unlock(monkeypatch, "PRAGMA journal_mode=WAL", code=code)
    put(path, [bar(1)], [trade(1)])
    assert read_candles(path, ADDRESS, "1m") == [bar(1)]
    assert read_trades(path, ADDRESS) == [trade(1)]
    monkeypatch.undo()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_where_no_locks_work_nothing_is_kept_and_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    unlock(monkeypatch, "PRAGMA journal_mode")
    store = Store(tmp_path / "history.sqlite", every_s=0.01)
    store.start()
    store._thread.join(20)
    for number in range(300):
        store.put_candles([bar(number)])
        store.put_trades(ADDRESS, [trade(number)])
    assert (len(store._bars), len(store._trades)) == (0, 0), "what nobody writes piles up"
    store.close()
    assert store.problem is not None
    assert "XDG_STATE_HOME" in store.problem
    assert [one.levelname for one in caplog.records] == ["WARNING"]


def test_locks_that_fail_under_way_are_told_once_and_bars_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "history.sqlite"
    unlock(monkeypatch, "BEGIN IMMEDIATE", code="SQLITE_IOERR_LOCK")
    store = Store(path, every_s=60)
    connection = _connect(path)
    for number in range(3):
        store.put_candles([bar(number)])
        store._write(connection)
    assert "XDG_STATE_HOME" in (store.problem or "")
    assert len(caplog.records) == 1
    connection.close()
    monkeypatch.undo()
    connection = _connect(path)
    store._write(connection)
    connection.close()
    assert store.problem is None
    assert read_candles(path, ADDRESS, "1m") == [bar(number) for number in range(3)]


def test_a_file_that_another_process_holds_is_written_when_that_lets_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "BUSY_MS", 10)
    path = tmp_path / "history.sqlite"
    put(path, [bar(0)], [])
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    store = Store(path, every_s=60)
    connection = _connect(path)
    store.put_candles([bar(1)])
    store._write(connection)
    assert "locked" in (store.problem or "")
    assert "XDG_STATE_HOME" not in (store.problem or "")
    assert read_candles(path, ADDRESS, "1m") == [bar(0)], "who reads need not wait"
    holder.execute("COMMIT")
    holder.close()
    store._write(connection)
    assert store.problem is None
    connection.close()
    assert read_candles(path, ADDRESS, "1m") == [bar(0), bar(1)]


def test_a_file_that_is_held_at_the_start_is_opened_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "BUSY_MS", 10)
    path = tmp_path / "history.sqlite"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    tried = threading.Event()
    opened = store_module._open_for_writing

    def open_told(of: Path) -> sqlite3.Connection:
        try:
            return opened(of)
        except sqlite3.OperationalError:
            tried.set()
            raise

    monkeypatch.setattr(store_module, "_open_for_writing", open_told)
    store = Store(path, every_s=0.01)
    store.start()
    store.put_candles([bar(1)])
    assert tried.wait(20)
    holder.execute("COMMIT")
    holder.close()
    store.close()
    assert store.problem is None
    assert read_candles(path, ADDRESS, "1m") == [bar(1)]


# --- what a market makes of it ------------------------------------------------------------------------


def test_the_past_is_shown_and_counts_for_nothing() -> None:
    market = Market(instrument())
    bars, trades = [bar(number) for number in range(60)], [trade(number) for number in range(100)]
    newest = give(market, Kept(bars, trades))
    assert newest == START + 60 * MINUTE
    assert len(market.candles.candles("1m", 1000)) == 60
    assert market.trade_count == 0
    assert market.tape.last is None
    prints = market.tape.prints(1)
    assert prints is not None
    # What came between the last run and this one is not known: no sum may claim it.
    assert market.sums().unreliable_since == START + 60 * MINUTE


def test_a_trade_told_once_more_stands_once_on_the_tape() -> None:
    market = Market(instrument())
    trades = [trade(number) for number in range(10)]
    give(market, Kept([], trades))
    market.tape.rejoin(START + 8)
    assert [one.ts for one in market.tape._kept] == [START + number for number in range(8)]
    market.apply([trade(8), trade(9), trade(10)])
    market.fold()
    assert market.trade_count == 3
    assert [one.ts for one in market.tape._kept] == [START + number for number in range(11)]


def test_bars_that_are_known_already_stay_as_they_are() -> None:
    market = Market(instrument())
    market.merge([bar(number, close=1.9) for number in range(5, 10)])
    give(market, Kept([bar(number) for number in range(10)], []))
    assert [one.close for one in market.candles.candles("1m", 100)] == [1.5] * 5 + [1.9] * 5


def test_where_nothing_was_kept_nothing_is_given() -> None:
    market = Market(instrument())
    assert give(market, Kept([], [])) is None
    assert market.sums().unreliable_since is None


async def test_a_start_shows_what_the_last_run_saw_with_its_age(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    now = time.time_ns()
    minute = now - now % MINUTE
    bars = [
        Candle(KIYOTAKA, None, now, "1m", minute - at * MINUTE, 1.0, 2.0, 0.5, 1.5, 10.0, True)
        for at in range(5, 1, -1)
    ]
    trades = [Trade(KIYOTAKA, now - 60_000_000_000, now - 60_000_000_000, "7", 1.5, 1.0, "buy")]
    store = Store(path, every_s=60)
    store.start()
    store.put_candles(bars)
    store.put_trades(KIYOTAKA, trades)
    store.close()
    again = Store(path, every_s=60)
    again.start()
    async with running() as service:
        feed = Feed({"kiyotaka": provider(nonbook_url=service.url, book_url=service.url)}, store=again)
        feed.bind("tape", KIYOTAKA, TapeSpec(10))
        assert feed.warmth is not None
        async with asyncio.timeout(20):
            await asyncio.gather(*feed.warmth._tasks)
        shown = feed.seat.panel_state(KIYOTAKA, TapeSpec(10))
        assert (shown.word, shown.detail) == ("STALE", "kept from the last run; nothing has come yet")
        assert 59.0 < (shown.age or 0.0) < 90.0
        market = feed.markets[KIYOTAKA]
        assert isinstance(market, Market)
        assert market.trade_count == 0
        assert len(market.candles.candles("1m", 10)) == 4
        await feed.close()
    again.close()


def test_a_file_that_is_only_just_begun_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    sqlite3.connect(path).execute("PRAGMA journal_mode=WAL").connection.close()
    assert path.stat().st_size
    assert read_trades(path, ADDRESS) == []
    assert read_candles(path, ADDRESS, "1m") == []
