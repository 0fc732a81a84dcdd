"""Recording, replaying and exporting as a person does it, kill included."""

import csv
import json
import signal
import threading
import time
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from mdterm.feeds.journal_file import JournalReader
from tests.program.launch import TOKEN, Running, options_to, run
from tests.program.terminal import Terminal
from tests.program.venue import EXCHANGE, Venue, trade_point

KEY = {"MDTERM_KIYOTAKA_TOKEN": TOKEN}
RATE = 2_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def live(home: Path) -> list[str]:
    """Record the simulated market into x.mdj; return the lines that were printed meanwhile."""
    with Running(home, "record", "sim:BTCUSDT", "sim:ETHUSDT", "-o", "x.mdj", "--tail") as recorder:
        recorder.wait_for(
            lambda lines: (
                sum('"trade"' in line for line in lines) > 60 and any('"book"' in one for one in lines)
            )
        )
        recorder.signal(signal.SIGTERM)
        assert recorder.wait() == 143
        assert recorder.words() == ""
        return recorder.lines()


def test_a_replay_prints_the_same_lines(home: Path, live: list[str]) -> None:
    again = run(home, "replay", "x.mdj", "--tail")
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.splitlines(keepends=True) == live


def test_kinds_and_counts_are_obeyed(home: Path, live: list[str]) -> None:
    done = run(home, "replay", "x.mdj", "--tail", "--kinds", "trade", "--count", "5")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    trades = [one for one in told if one["kind"] != "status"]
    assert done.returncode == 0
    assert trades == [one for one in map(json.loads, live) if one["kind"] == "trade"][:5]


@pytest.mark.parametrize("command", [["replay", "x.mdj", "--tail"], ["export", "x.mdj", "-o", "-"]])
def test_a_reader_that_has_had_enough_ends_it_quietly(
    home: Path, live: list[str], command: list[str]
) -> None:
    done = run(home, *command, shell='{ "$@"; echo $? >&2; } | head -1')
    assert (len(done.stdout.splitlines()), done.stderr) == (1, "0\n")


def test_a_recording_becomes_tables(home: Path, live: list[str]) -> None:
    done = run(home, "export", "x.mdj", "--kinds", "trade,book,candle", "-o", "out.csv")
    assert (done.returncode, done.stderr) == (0, "")
    told = {kind: [one for one in map(json.loads, live) if one["kind"] == kind] for kind in ("trade", "book")}
    with (home / "out.trade.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [
        (int(row["ts"]), row["id"], float(row["price"]), float(row["size"]), row["side"]) for row in rows
    ] == [(one["ts"], one["id"], one["price"], one["size"], one["side"]) for one in told["trade"]]
    with (home / "out.book.csv").open(newline="") as file:
        levels = list(csv.DictReader(file))
    first = told["book"][0]
    expected = [("bid", *level) for level in first["bids"]] + [("ask", *level) for level in first["asks"]]
    assert [
        (one["side"], float(one["price"]), float(one["size"])) for one in levels[: len(expected)]
    ] == expected
    again = run(home, "export", "x.mdj", "-o", "out.csv", "--kinds", "trade,book")
    assert again.returncode == 2
    assert "not written over" in again.stderr


def test_a_recording_becomes_parquet(home: Path, live: list[str]) -> None:
    done = run(home, "export", "x.mdj", "--kinds", "trade,book", "--format", "parquet", "-o", "out.parquet")
    assert (done.returncode, done.stderr) == (0, "")
    told = [json.loads(line) for line in live]
    trades = pyarrow.parquet.read_table(home / "out.trade.parquet")
    assert json.loads(done.stdout)["files"]["out.trade.parquet"] == trades.num_rows
    columns = ("address", "id", "price", "size", "side", "turnover")
    assert trades.select(columns).to_pylist() == [
        {name: one[name] for name in columns} for one in told if one["kind"] == "trade"
    ]
    assert trades["ts"].cast(pyarrow.int64()).to_pylist() == [
        one["ts"] for one in told if one["kind"] == "trade"
    ]
    books = pyarrow.parquet.read_table(home / "out.book.parquet", columns=["side", "level", "price", "size"])
    first = next(one for one in told if one["kind"] == "book")
    levels = [
        {"side": side, "level": at, "price": price, "size": size}
        for side, name in (("bid", "bids"), ("ask", "asks"))
        for at, (price, size) in enumerate(first[name], 1)
    ]
    assert books.slice(0, len(levels)).to_pylist() == levels


def test_the_lines_of_an_export_are_those_of_tail(home: Path, live: list[str]) -> None:
    done = run(home, "export", "x.mdj", "--format", "ndjson", "--kinds", "trade,book", "-o", "out.ndjson")
    assert done.returncode == 0
    wanted = [one for one in live if json.loads(one)["kind"] in ("trade", "book")]
    assert (home / "out.ndjson").read_text().splitlines(keepends=True) == wanted


def test_a_recording_is_shown_on_the_screen_and_says_so(home: Path, live: list[str]) -> None:
    with Terminal(home, "replay", "x.mdj", "--speed", "100") as terminal:
        terminal.wait_for(lambda lines: "ENDED" in lines[-1] and "REPLAY" in lines[-1])
        text = "\n".join(terminal.lines())
        assert "LIVE" not in text
        trades = sum(
            one["kind"] == "trade" and one["address"] == "sim:BTCUSDT" for one in map(json.loads, live)
        )
        terminal.wait_for(lambda lines: f" {trades} trades" in lines[-1])
        terminal.press("x<")
        terminal.wait_for(lambda lines: "PAUSED" in lines[-1])
        terminal.press("J")
        terminal.wait_for(lambda lines: any("GO TO" in line for line in lines))
        terminal.press("nonsense\r")
        terminal.wait_for(lambda lines: any("is no time" in line for line in lines))
        terminal.press("\x1b")
        terminal.wait_for(lambda lines: not any("GO TO" in line for line in lines))
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.words() == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["record", "sim:BTCUSDT"], "--output"),
        (["record", "sim:BTCUSDT", "-o", "taken"], "File exists"),
        (["record", "sim:BTCUSDT", "-o", "nosuch/x.mdj"], "No such file"),
        (["record", "sim:BTCUSDT", "-o", "y.mdj", "--kinds", "boko"], "boko"),
        (["replay", "nosuch", "--tail"], "No such file"),
        (["replay", "taken", "--tail"], "is no recording"),
        (["replay", "x.mdj"], "needs a terminal"),
        (["replay", "x.mdj", "--at", "late", "--tail"], "is no time"),
        (["export", "x.mdj", "-o", "-", "--kinds", "trade,book"], "one kind at a time"),
        (["export", "x.mdj", "-o", "z", "--kinds", "boko"], "boko"),
        (["history", "sim:BTCUSDT", "--interval", "7m"], "7m"),
        (["history", "sim:BTCUSDT", "--since", "late"], "is no time"),
    ],
)
def test_wrong_usage_is_told(home: Path, live: list[str], arguments: list[str], words: str) -> None:
    (home / "taken").write_text("something dear\n")
    done = run(home, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert (home / "taken").read_text() == "something dear\n"


def test_a_kill_costs_a_second_at_most_and_is_told(tmp_path: Path) -> None:
    arguments = ["record", "kiyotaka:BTCUSDT", "-o", "x.mdj", "--kinds", "trade", "--tail"]
    with Venue() as venue, Running(tmp_path, *arguments, *venue.options(), env=KEY) as recorder:
        venue.wait_subscribed(("TRADE", "BTCUSDT"))
        began, sent, pause = time.monotonic(), 0, threading.Event()
        while (elapsed := time.monotonic() - began) < 3.0:
            for number in range(sent, min(int(elapsed * RATE), sent + 200)):
                ts = time.time_ns()
                venue.publish([trade_point("BTCUSDT", str(number), ts, 61_800.0, 0.1, "BUY")])
                sent += 1
            pause.wait(0.005)  # the venue is a thread of this process: it must have its turn
        recorder.process.kill()
        recorder.wait()
        last = [json.loads(line) for line in recorder.lines() if line.endswith("}\n")][-1]
    reader = JournalReader(tmp_path / "x.mdj")
    records = list(reader)
    reader.close()
    frames = [
        json.loads(one.data)["points"][0]["trade"]["id"]
        for one in records
        if one.kind == "in" and b'"trade"' in one.data
    ]
    # Every message of the time that is kept is there, in order.
    assert frames == [str(number) for number in range(len(frames))]
    assert last["seen"] - records[-1].at < 1_000_000_000
    assert len(frames) > RATE
    assert reader.ending is not None
    assert reader.ending.how in ("open", "cut")
    again = run(tmp_path, "replay", "x.mdj", "--tail")
    assert again.returncode == 0
    assert "killed" in again.stderr or "cut off" in again.stderr
    assert sum('"trade"' in line for line in again.stdout.splitlines()) == len(frames)
    assert TOKEN.encode() not in b"".join(one.data + one.text.encode() for one in records)


def test_what_was_seen_is_printed_though_the_provider_is_gone(tmp_path: Path) -> None:
    from mdterm.feeds.events import Candle
    from mdterm.feeds.store import Store

    address = f"kiyotaka:{EXCHANGE}:BTCUSDT"
    minute = 60_000_000_000
    now = time.time_ns() // minute * minute
    store = Store(tmp_path / "state" / "mdterm" / "history.sqlite", every_s=0.01)
    store.start()
    bars = [
        Candle(address, None, now, "1m", now - at * minute, 1.0, 2.0, 0.5, 1.5, 10.0, True)
        for at in range(120, 0, -1)
    ]
    store.put_candles(bars)
    store.close()
    gone = ["--set=providers.kiyotaka.rest_url=http://127.0.0.1:9"]
    done = run(tmp_path, "history", "kiyotaka:BTCUSDT", "--since", "30m", *gone, env=KEY)
    assert done.returncode == 0
    assert "cannot be had" in done.stderr
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert len(rows) in (29, 30, 31)
    assert {row["closed"] for row in rows} == {"true"}
    quiet = run(
        tmp_path,
        "history",
        address,
        "--interval",
        "1h",
        "--since",
        "3h",
        "--offline",
        "--format=ndjson",
        env=KEY,
    )
    assert (quiet.returncode, quiet.stderr) == (0, "")
    hours = [json.loads(line) for line in quiet.stdout.splitlines()]
    # An hour that was not seen whole is no bar, one that is not over is marked.
    assert {one["volume"] for one in hours if one["closed"]} == {600.0}
    nothing = run(tmp_path, "history", "kiyotaka:NOSUCH", "--offline", env=KEY)
    assert (nothing.returncode, nothing.stdout) == (4, "")


def test_the_venue_plays_a_recording(home: Path, live: list[str]) -> None:
    told = [one for one in map(json.loads, live) if one["kind"] == "trade"]
    with Running(home, "simulate", "--play", "x.mdj", "--speed", "20") as venue:
        played = run(
            home,
            *("tail", "kiyotaka:BTCUSDT", "kiyotaka:ETHUSDT", "--kinds", "trade"),
            *("--count", str(len(told)), "--seconds", "20", *options_to(venue)),
            env=KEY,
        )
    assert played.returncode == 0
    came = [one for one in map(json.loads, played.stdout.splitlines()) if one["kind"] == "trade"]
    symbols = {one["address"].rpartition(":")[2] for one in told}
    for symbol in symbols:
        assert [
            (one["price"], one["size"], one["side"]) for one in came if one["address"].endswith(symbol)
        ] == [(one["price"], one["size"], one["side"]) for one in told if one["address"].endswith(symbol)]
