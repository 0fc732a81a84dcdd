"""`mdterm once` opens what it needs and no more, waits for it, and says what is missing."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rich.cells import cell_len
from websockets.asyncio.server import ServerConnection, serve

from mdterm.app.main import main
from mdterm.app.sight import PANELS
from mdterm.app.snapshot import Snapshot, snapshot
from mdterm.feeds.address import Address, Instrument
from mdterm.feeds.contract import (
    Backoff,
    Capabilities,
    Due,
    Gate,
    History,
    HistoryError,
    Link,
    OpenGate,
    Poller,
    Refusal,
    Silence,
    Want,
)
from mdterm.feeds.events import Book, Candle, Event, Stream, Trade
from mdterm.feeds.sim.faults import parse_faults
from mdterm.feeds.sim.venue import VenueConfig, VenueThread

ADDRESS = "fake:BTCUSDT"
SECOND, MINUTE = 1_000_000_000, 60_000_000_000
T0 = 1_763_682_420 * SECOND
"""2025-11-20 23:47:00 UTC."""
INSTRUMENT = Instrument(ADDRESS, "fake", "fake", "BTCUSDT", tick=0.1)


TRADE = Trade(ADDRESS, T0 + 1, T0 + 1, "1", 61722.4, 0.145, "buy")
BOOK = Book(ADDRESS, T0, T0, [61722.3], [1.25], [61722.4], [2.5])
BARS = [
    Candle(ADDRESS, T0, T0, "1m", T0 - at * MINUTE, 61700.5, 61715.5, 61695.5, 61710.5, 2.5, at > 0)
    for at in (2, 1, 0)
]


# What is opened and how long it is waited for: a provider whose sockets send what a test says.


class FakeCodec:
    """Turns the name of a stream into an event of it."""

    def __init__(self) -> None:
        self.verdicts: list[Refusal] = []
        self.bad_frames = self.unknown = 0
        self.needs_reset = False

    def want(self, wants: Sequence[Want]) -> None:
        pass

    def opened(self, now: float) -> None:
        pass

    def feed(self, frame: bytes, seen: int) -> list[Event]:
        events: dict[bytes, Event] = {b"trade": TRADE, b"book": BOOK}
        return [events[frame]]

    def due(self, now: float) -> Due:
        return Due([], None)


class FakeHistory:
    def __init__(self, error: HistoryError | None = None) -> None:
        self.asked: list[str] = []
        self.error = error

    async def candles(self, instrument: Instrument, interval: str, count: int) -> Sequence[Candle]:
        self.asked.append(interval)
        if self.error is not None:
            raise self.error
        return BARS

    async def search(self, query: str) -> list[str]:
        raise AssertionError("nobody searches")

    async def block_size(self, instrument: Instrument) -> float | None:
        return None

    async def close(self) -> None:
        pass


class FakeProvider:
    backoff: Backoff = Backoff(first=0.01, cap=0.02)
    history_intervals: frozenset[str] = frozenset({"1m"})
    poller: Poller | None = None

    def __init__(self, url: str, history: FakeHistory | None, refused: dict[Stream, str]) -> None:
        self.name = self.kind = "fake"
        self.capabilities = Capabilities(
            frozenset({"trade", "book", "candle"}), True, True, derived=frozenset({"candle"})
        )
        self.gate: Gate = OpenGate()
        self.history: History | None = history
        self.refused = refused
        self.url = url

    def resolve(self, address: Address) -> Instrument:
        return INSTRUMENT

    def plan(self, wants: Sequence[Want]) -> list[Link]:
        return [
            Link(one.stream, self.name, f"{self.url}/{one.stream}", (one,))
            for one in wants
            if self.carries(INSTRUMENT, one.stream) is None
        ]

    def codec(self, link: Link) -> FakeCodec:
        return FakeCodec()

    def carries(self, instrument: Instrument, stream: Stream) -> str | None:
        return self.refused.get(stream)

    async def prepare(self, instrument: Instrument, stream: Stream, price: float | None) -> None:
        pass

    def silence(self, stream: Stream) -> Silence:
        return Silence(10.0)

    def unserved(self, wants: Sequence[Want]) -> Mapping[str, str]:
        return {}

    def closed_since(self, instrument: Instrument, now_ns: int) -> int | None:
        return None


class Server:
    """Sends each stream's name on its path, once, and remembers which were opened."""

    def __init__(self, says: Sequence[Stream]) -> None:
        self.says = says
        self.opened: list[str] = []

    async def speak(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        stream = connection.request.path.strip("/")
        self.opened.append(stream)
        if stream in self.says:
            await connection.send(stream.encode())
        await connection.wait_closed()


@asynccontextmanager
async def listening(*says: Stream) -> AsyncIterator[tuple[Server, str]]:
    server = Server(says)
    async with serve(server.speak, "127.0.0.1", 0) as listener:
        host, port = listener.sockets[0].getsockname()[:2]
        yield server, f"ws://{host}:{port}"


async def look(
    says: Sequence[Stream],
    streams: Sequence[Stream],
    *,
    history: FakeHistory | None = None,
    refused: dict[Stream, str] | None = None,
    wait: float = 20.0,
) -> tuple[Snapshot, Server]:
    async with listening(*says) as (server, url):
        provider = FakeProvider(url, history, refused or {})
        return await snapshot({"fake": provider}, INSTRUMENT, streams, wait, keep=5), server


@pytest.mark.parametrize(
    ("panel", "opened", "asked"),
    [
        ("ladder", ["book"], []),
        ("tape", ["trade"], []),
        ("chart", ["trade"], ["1m"]),
        ("all", ["book", "trade"], ["1m"]),
    ],
)
async def test_only_what_the_panel_needs_is_opened_and_asked(
    panel: str, opened: list[str], asked: list[str]
) -> None:
    history = FakeHistory()
    found, server = await look(["book", "trade"], PANELS[panel], history=history)
    assert set(server.opened) <= set(opened)  # the past may be there before the socket is
    assert history.asked == asked
    assert found.had == frozenset(PANELS[panel])
    assert not found.refused


async def test_bars_come_with_their_past_and_with_all_their_digits() -> None:
    found, _ = await look([], ["candle"], history=FakeHistory(), wait=20.0)
    assert [bar.open_ts for bar in found.candles()] == [bar.open_ts for bar in BARS]
    assert found.market.price_digits == 1


async def test_a_past_that_cannot_be_had_is_not_waited_for_and_is_told() -> None:
    history = FakeHistory(HistoryError("not on this plan", refused=True))
    found, _ = await look(["trade"], ["candle"], history=history)
    assert len(found.candles()) == 1
    assert found.shown["candle"].word == "PARTIAL"


async def test_when_the_time_is_up_it_has_what_came() -> None:
    found, _ = await look(["book"], ["book", "trade"], wait=2.0)
    assert found.had == {"book"}
    assert found.shown["book"].word == "LIVE"
    assert found.shown["trade"].word == "WARMING"


async def test_a_refused_stream_is_not_waited_for() -> None:
    found, server = await look(["book"], ["book", "trade"], refused={"trade": "not on this plan"}, wait=600)
    assert found.had == {"book"}
    assert found.refused == {"trade"}
    assert found.shown["trade"].detail == "not on this plan"
    assert server.opened == ["book"]


async def test_it_ends_at_once_where_everything_is_refused() -> None:
    refused: dict[Stream, str] = {"book": "no", "trade": "no"}
    found, server = await look([], ["book", "trade", "candle"], refused=refused, wait=600)
    assert found.refused == {"book", "trade", "candle"}
    assert server.opened == []


# The program.

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the program in this process, without a configuration; return status, output and words."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("MDTERM_KIYOTAKA_TOKEN", "t0p-s3cret")
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("LINES", raising=False)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def run_main(*arguments: str) -> tuple[int, str, str]:
        try:
            status = main(list(arguments))
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        out, err = capfd.readouterr()
        return status, out, err

    return run_main


def test_the_simulated_market_is_printed_and_nothing_else(run: Run) -> None:
    status, out, err = run("once", "sim:BTCUSDT", "--width", "100", "--height", "30")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert len(lines) <= 30
    assert max(map(cell_len, lines)) <= 100
    assert "\x1b" not in out
    assert "sim · BINANCE_FUTURES" in lines[0]
    assert len(re.findall(r" SIM LIVE ", out)) == 3


def test_the_simulated_market_as_a_line_and_as_json(run: Run) -> None:
    status, out, err = run("once", "sim:ETHUSDT", "--format", "line")
    number = r"\d+\.\d+"
    assert (status, err) == (0, "")
    assert re.fullmatch(rf"ETHUSDT {number} [-+]{number}% bid {number} ask {number} LIVE SIM\n", out)
    status, out, err = run("once", "sim:ETHUSDT", "--format", "json")
    assert (status, err) == (0, "")
    kinds = [one["kind"] for one in json.loads(out)]
    assert kinds[0] == "book"
    assert kinds[-1] == "status"
    assert {"trade", "candle"} < set(kinds)
    assert kinds.count("candle") > 100


def at(endpoints: dict[str, str]) -> list[str]:
    return [part for key, url in endpoints.items() for part in ("--set", f"{key}={url}")]


@pytest.fixture
def venue(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Serve a market with the faults of the parameter; give the options that lead there."""
    thread = VenueThread(VenueConfig(faults=parse_faults(request.param)))
    try:
        yield at(thread.start())
    finally:
        thread.stop()


@pytest.mark.parametrize("venue", ["refuse=401"], indirect=True)
def test_a_refused_key_ends_with_3_before_the_wait_is_over(run: Run, venue: list[str]) -> None:
    status, out, err = run(*venue, "once", "kiyotaka:BTCUSDT", "--panel", "tape", "--wait", "60")
    assert (status, out) == (3, "")
    assert err.startswith("mdterm: kiyotaka:BINANCE_FUTURES:BTCUSDT: refused\n  trade: REFUSED: ")
    assert "t0p-s3cret" not in err


@pytest.mark.parametrize("venue", ["silence:nonbook"], indirect=True)
def test_silence_ends_with_4_and_says_what_is_missing(run: Run, venue: list[str]) -> None:
    status, out, err = run(*venue, "once", "kiyotaka:BTCUSDT", "--panel", "tape", "--wait", "0.5")
    assert (status, out) == (4, "")
    assert err.startswith("mdterm: kiyotaka:BINANCE_FUTURES:BTCUSDT: no data within 0.5 s\n  trade: ")


@pytest.mark.parametrize("venue", [""], indirect=True)
def test_a_part_that_is_refused_beside_data_ends_with_0(run: Run, venue: list[str]) -> None:
    status, out, err = run(*venue, "once", "kiyotaka:coin=BTC", "--wait", "60", "--width", "80")
    assert (status, err) == (0, "")
    assert re.search(r"LADDER .* LIVE .* TAPE ─+ REFUSED ─$", out, re.MULTILINE)
    assert "— a coin over all its markets" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], "names no provider"),
        (["nobody:X"], "there is no provider 'nobody'"),
        (["sim:X", "--panel", "heatmap"], "heatmap"),
        (["sim:X", "--wait", "0"], "--wait"),
        ([], "ADDRESS"),
    ],
)
def test_wrong_usage_ends_with_2(run: Run, arguments: list[str], words: str) -> None:
    status, out, err = run("once", *arguments)
    assert (status, out) == (2, "")
    assert words in err


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_waiting(number: signal.Signals, status: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        port = silent.getsockname()[1]
        urls = {"providers.kiyotaka.nonbook_url": f"ws://127.0.0.1:{port}"}
        command = [
            sys.executable,
            "-m",
            "mdterm.app.main",
            *at(urls),
            "once",
            "kiyotaka:X",
            "--panel",
            "tape",
        ]
        with subprocess.Popen(
            [*command, "--wait", "60"],
            env={"MDTERM_KIYOTAKA_TOKEN": "x"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            connection, _ = silent.accept()
            with connection:
                process.send_signal(number)
                assert process.communicate() == ("", "")
            assert process.returncode == status


def test_a_reader_that_has_gone_is_no_failure() -> None:
    code = (
        "import os, sys\nread, write = os.pipe()\nos.close(read)\nos.dup2(write, 1)\n"
        "from mdterm.app.main import main\nsys.exit(main(['once', 'sim:BTCUSDT', '--format', 'line']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_of_another_alphabet_gets_what_it_can_show() -> None:
    command = [sys.executable, "-m", "mdterm.app.main", "once", "sim:BTCUSDT", "--panel", "ladder"]
    done = subprocess.run(command, capture_output=True, env={"PYTHONIOENCODING": "latin-1"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"LADDER sim:BTCUSDT" in done.stdout
