"""`tail` gives a recorded market out again: every trade once, every book whole, all in order."""

import json
import shutil
import signal
from pathlib import Path

import pytest

from tests.program import recording
from tests.program.launch import TOKEN, Running, options_to, run
from tests.program.venue import EXCHANGE

KEY = {"MDTERM_KIYOTAKA_TOKEN": TOKEN}
STEPS = {"BTCUSDT": 0.1, "ETHUSDT": 0.01, "DOGEUSDT": 0.00001, "XAUUSD": 5.0}


def block_options(steps: dict[str, float]) -> list[str]:
    """Return the options by which a book's blocks are its levels."""
    return [
        f'--set=providers.kiyotaka.block_sizes."{EXCHANGE}:{symbol}"={step:.10f}'
        for symbol, step in steps.items()
    ]


def assert_played(home: Path, path: Path, rows: list[recording.Row], speed: float) -> None:
    """Play a recording and compare what `tail` prints with it, line by line."""
    steps = {symbol: step_of(rows, symbol) for symbol in sorted({row["symbol"] for row in rows})}
    expected = recording.by_stream(rows)
    count = sum(map(len, expected.values()))
    with Running(home, "simulate", "--play", str(path), "--keep-time", "--speed", str(speed)) as venue:
        done = run(
            home,
            *("tail", *(f"kiyotaka:{symbol}" for symbol in steps), *options_to(venue)),
            *("--kinds", "trade,book", "--depth", "100", "--count", str(count), "--seconds", "60"),
            *block_options(steps),
            env=KEY,
            within=90.0,
        )
        assert (done.returncode, done.stderr) == (0, "")
        venue.signal(signal.SIGTERM)
        assert venue.wait() == 143
        assert venue.words() == ""
    came = recording.by_stream_of_tail(done.stdout.splitlines())
    assert {stream: len(entries) for stream, entries in came.items()} == {
        stream: len(entries) for stream, entries in expected.items()
    }
    for stream, entries in expected.items():
        for number, (entry, wanted) in enumerate(zip(came[stream], entries, strict=True)):
            assert entry == wanted, f"{stream} {number}"


def step_of(rows: list[recording.Row], symbol: str) -> float:
    """Return the step that all levels of a symbol's books are multiples of."""
    prices = (
        price for row in rows if row["symbol"] == symbol and row["type"] == "book"
        for side in (row["bids"], row["asks"]) for price, _ in side
    )  # fmt: skip
    digits = max(len(f"{price:.10f}".rstrip("0").partition(".")[2]) for price in prices)
    return round(10.0**-digits, 10)


def test_a_recording_comes_out_as_it_went_in(tmp_path: Path) -> None:
    rows = recording.make_rows(2.0, STEPS, seed=1)
    path = tmp_path / "recording.ndjson"
    recording.write(path, rows)
    assert_played(tmp_path, path, rows, speed=1.0)


@pytest.mark.skipif(not recording.MARKET_DATA.is_dir(), reason="no recorded markets beside the project")
@pytest.mark.parametrize(
    ("name", "speed"),
    [
        ("btcusdt_usdm_perp_20240808", 100),
        ("ethusdt_usdm_perp_20240808", 100),
        ("ibm_20131008", 5000),
        ("multi_usdm_20210722", 20),
    ],
)
def test_a_real_market_comes_out_as_it_was_recorded(tmp_path: Path, name: str, speed: float) -> None:
    path = recording.MARKET_DATA / f"{name}.ndjson.gz"
    rows = [row for row in recording.read(path) if row["type"] != "candle"]
    assert_played(tmp_path, path, rows, speed)


def test_a_venue_that_restarts_is_told_and_nothing_comes_twice(tmp_path: Path) -> None:
    rows = recording.make_rows(1.5, {"BTCUSDT": 0.1}, seed=2)
    path = tmp_path / "recording.ndjson"
    recording.write(path, rows)
    trades = sum(row["type"] == "trade" for row in rows)
    play = ["simulate", "--play", str(path)]
    with Running(tmp_path, *play) as venue:
        options = options_to(venue)
        port = next(option for option in options if "rest_url" in option).rpartition(":")[2]
        with Running(
            tmp_path, "tail", "kiyotaka:BTCUSDT", *options, *block_options({"BTCUSDT": 0.1}), env=KEY
        ) as tail:
            tail.wait_for(lambda lines: count_of(lines, "trade") == trades)
            venue.process.kill()
            venue.wait()
            tail.wait_for(lambda lines: '"reconnecting"' in lines[-1])
            with Running(tmp_path, *play, "--port", port) as again:
                tail.wait_for(lambda lines: count_of(lines, "trade") == 2 * trades)
                tail.wait_for(lambda lines: states_of(lines)[-1] == "live")
                again.signal(signal.SIGTERM)
                assert again.wait() == 143
            tail.wait_for(lambda lines: states_of(lines)[-1] == "reconnecting")
            tail.signal(signal.SIGTERM)
            assert tail.wait() == 143
            assert tail.words() == ""
    told = tail.records()
    numbers = [line["id"] for line in told if line["kind"] == "trade"]
    assert len(set(numbers)) == len(numbers) == 2 * trades
    states = states_of(tail.lines())
    assert states[:3] == ["connecting", "live", "reconnecting"]
    # Books may flow again before trades do; what is told last is the gap, and that all is well again.
    assert [state for state in states[3:] if state != "reconnecting"][-2:] == ["gap", "live"]
    gap = next(at for at, line in enumerate(told) if line.get("state") == "gap")
    assert told[gap]["detail"]
    assert sum(line["kind"] == "trade" for line in told[:gap]) >= trades


def count_of(lines: list[str], kind: str) -> int:
    """Return how many lines are of a kind."""
    return sum(f'"kind":"{kind}"' in line for line in lines)


def states_of(lines: list[str]) -> list[str]:
    """Return the states told, in order."""
    marker = '"state":"'
    return [line.partition(marker)[2].partition('"')[0] for line in lines if marker in line]


STATUS = '{ "$@"; echo "status $?" >&2; } | '


def test_head_takes_what_it_wants_and_the_rest_ends_quietly(tmp_path: Path) -> None:
    done = run(tmp_path, "tail", "sim:BTCUSDT", "--kinds", "trade", shell=f"{STATUS} head -3")
    assert (len(done.stdout.splitlines()), done.stderr, done.returncode) == (3, "status 0\n", 0)


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not here")
def test_jq_reads_every_line(tmp_path: Path) -> None:
    jq = "jq -c 'select(.kind == \"trade\") | [.ts, .price, .size, .side]'"
    done = run(tmp_path, "tail", "sim:BTCUSDT", "--kinds", "trade", "--count", "40", shell=f"{STATUS} {jq}")
    assert (done.stderr, done.returncode) == ("status 0\n", 0)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 40
    assert all(price > 0 and size > 0 and side in ("buy", "sell") for _, price, size, side in rows)


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not here")
def test_jq_that_gives_up_ends_it_quietly(tmp_path: Path) -> None:
    done = run(tmp_path, "tail", "sim:BTCUSDT", shell=f"{STATUS} jq --no-such-option 2>/dev/null")
    assert (done.stderr, done.returncode) == ("status 0\n", 2)
