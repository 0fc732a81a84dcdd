"""What lies on the disk: configuration, state, recordings."""

import asyncio
import json
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec

from mdterm.app.choices import choose
from mdterm.app.roster import Roster
from mdterm.app.settings import Settings, SettingsError, load_settings
from mdterm.app.state import State
from mdterm.feeds.contract import Want
from mdterm.feeds.events import Candle, Event, FeedStatus, Trade, encode_line
from mdterm.feeds.journal import Record
from mdterm.feeds.journal_file import JournalError, JournalReader, JournalWriter
from mdterm.feeds.journal_notes import (
    BarsNote,
    ListenNote,
    MergedNote,
    ProviderNote,
    Session,
    pack_events,
    pack_health,
    pack_wants,
)
from mdterm.feeds.recording import Recording
from mdterm.feeds.retell import retell, wants_of
from mdterm.feeds.status import LinkHealth
from tests.fuzz.mutations import TOKENS
from tests.kiyotaka import frames
from tests.kiyotaka.support import provider

ADDRESS: Final = "kiyotaka:BINANCE_FUTURES:BTCUSDT"
NOW: Final = 1_769_058_877_000_000_000

CONFIG: Final = [
    b"""fps = 10
theme = "dark"
layout = "trader"
time_zone = "UTC"
watchlist = ["kiyotaka:BINANCE_FUTURES:BTCUSDT", "sim:BTCUSDT"]
alerts = ["sim:BTCUSDT price > 60000"]
pairs = [["sim:BTCUSDT", "kiyotaka:BINANCE_FUTURES:BTCUSDT"]]

[groups]
majors = ["sim:BTCUSDT", "sim:ETHUSDT"]

[keys]
quit = ["q", "x"]

[providers.kiyotaka]
token = { env = "NAME" }
region = "europe"
block_size = 25

[providers.kiyotaka.block_sizes]
"BINANCE_FUTURES:BTCUSDT" = 5

[providers.kiyotaka.channels.TRADE]
batch_interval = "100ms"
""",
    b"""red_up = true
[providers.alltick]
token = { command = ["pass", "show", "alltick"] }
plan = "free"
stock_url = "ws://127.0.0.1:9"

[providers.jayx]
framing = "auto"
envelope = ["event", "data"]
precise = "1"
tls_verify = false

[providers.jayx.symbols.BTCUSDT]
tick = 0.01
lot = "0.000001"

[providers.desk2]
kind = "kiyotaka"
token = { env = "DESK2" }
""",
]
STATE: Final = [
    b'{"version":1,"screen":{"layout":"chart","theme":"light","time_zone":"UTC"},"panels":{"chart":{"interval":"5m"}},'
    b'"watchlist":{"edits":{"sim:X":"added","sim:Y":"removed"},"order":["sim:X","sim:BTCUSDT"],'
    b'"groups":{"mine":{"sim:X":true}}},"memory":{"jayx":{"ws://h/":"{\\"form\\":\\"flat\\"}"}},"number":1.5}',
    b'{"version":1}',
]


def journal_records() -> list[Record]:
    """Return the records of a short session, one of each kind and then some frames."""
    note = ProviderNote("kiyotaka", "kiyotaka", provider().effective(), has_history=True)
    wants = (Want(0, ADDRESS, "trade"), Want(0, ADDRESS, "book"))
    bar = Candle(
        ADDRESS, NOW, NOW, "1m", NOW // 60_000_000_000 * 60_000_000_000, 1.0, 2.0, 1.0, 2.0, 3.0, False
    )
    told: list[Event] = [FeedStatus(ADDRESS, None, NOW, "live", None)]
    polled: list[Event] = [Trade(ADDRESS, NOW, NOW, "p1", 90_000.0, 1.0, "buy")]
    encode = msgspec.json.encode
    notes = [
        Record("note", "", NOW, 1.0, encode(Session("mdterm", {})), "session"),
        Record("note", "kiyotaka", NOW, 1.0, encode(note), "provider"),
        Record(
            "note", "kiyotaka", NOW, 1.0, encode({"block_sizes": {ADDRESS: 25.0}, "bookless": {}}), "learnt"
        ),
        Record("note", "", NOW, 1.0, encode([ADDRESS]), "watch"),
        Record("note", "", NOW, 1.0, encode([ADDRESS]), "show"),
        Record(
            "note", "", NOW, 1.0, encode(ListenNote([(ADDRESS, "trade"), (ADDRESS, "book")], "1m")), "listen"
        ),
        Record("want", "kiyotaka/nonbook", NOW, 1.0, pack_wants(wants), "wss://h/nonbook/ws"),
        Record("phase", "kiyotaka/nonbook", NOW, 1.0, pack_health(LinkHealth()), "connecting"),
        Record("open", "kiyotaka/nonbook", NOW, 1.1, b"", "wss://h/nonbook/ws"),
        Record("out", "kiyotaka/nonbook", NOW, 1.1, b'{"method":"public/subscribe"}'),
        Record("told", "status", NOW, 1.2, pack_events(told)),
        Record("told", "poll", NOW, 1.2, pack_events(polled)),
        Record("bars", ADDRESS, NOW, 1.3, msgspec.msgpack.encode(BarsNote([bar])), "1m"),
        Record("merged", ADDRESS, NOW, 1.3, msgspec.msgpack.encode(MergedNote(True))),
        Record("http", "kiyotaka", NOW, 1.3, b"{}", "https://h/v1/points", 200),
    ]
    told_frames = [
        frames.TRADE,
        frames.BOOK,
        frames.LIQUIDATION,
        frames.TRADE.replace(b"7126482260", b"712648226x"),
    ]
    return [
        *notes,
        *(Record("in", "kiyotaka/nonbook", NOW + at, 2.0, data) for at, data in enumerate(told_frames)),
        Record("close", "kiyotaka/nonbook", NOW, 3.0, b"", "", 1006),
        Record("want", "kiyotaka/nonbook", NOW, 3.0, b"", "gone"),
    ]


def write_journal(path: Path, records: list[Record]) -> None:
    """Write a journal of records, in two frames, closed well."""
    with path.open("wb") as file:
        writer = JournalWriter(file)
        writer.write(records[:8])
        writer.write(records[8:])
        writer.end("closed", NOW)


def journal_bytes() -> bytes:
    """Return a whole journal."""
    folder = _Folder()
    path = folder.path / "session.mdj"
    write_journal(path, journal_records())
    return path.read_bytes()


class _Folder:
    """A folder of its own in memory, where there is such a place; gone when nobody holds this any more."""

    def __init__(self) -> None:
        shm = Path("/dev/shm")
        self.path = Path(tempfile.mkdtemp(prefix="mdterm-fuzz-", dir=shm if shm.is_dir() else None))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


class ConfigFile:
    """The configuration: settings, or words that name the fault."""

    def __init__(self) -> None:
        self._folder = _Folder()
        self._path = self._folder.path / "config.toml"

    def take(self, content: bytes) -> None:
        """Read a configuration."""
        self._path.write_bytes(content)
        self._path.chmod(0o600)
        try:
            settings = load_settings(self._path, (), {})
        except SettingsError as error:
            words = str(error)
            assert all(line.isprintable() for line in words.splitlines()), words
        else:
            assert 0 < settings.fps <= 60


class StateFile:
    """The state file: nothing raises, and what makes no sense is as if it were not there."""

    def __init__(self) -> None:
        self._folder = _Folder()
        self._path = self._folder.path / "state.json"
        self._settings: Settings = _defaults()

    def take(self, content: bytes) -> None:
        """Read a state, start with it, change it, write it."""
        self._path.write_bytes(content)
        state = State(self._path)
        choose(self._settings, state)
        roster = Roster(state)
        roster.arrange(["sim:BTCUSDT", "sim:X"])
        roster.groups()
        dict(state.memory("jayx"))
        state.table("panels", "chart")
        for words in state.take_news():
            assert words.isprintable()


def _defaults() -> Settings:
    folder = _Folder()
    path = folder.path / "config.toml"
    path.write_text("")
    path.chmod(0o600)
    return load_settings(path, (), {})


class JournalFile:
    """A recording whose bytes are damaged: what can be read is, the rest is counted or told in words."""

    def __init__(self) -> None:
        self._folder = _Folder()
        self._path = self._folder.path / "session.mdj"

    def take(self, content: bytes) -> None:
        """Read a journal, by itself and as a recording."""
        self._path.write_bytes(content)
        try:
            reader = JournalReader(self._path)
            try:
                found = sum(1 for _ in reader)
                assert found >= 0
                assert reader.ending is not None
                reader.places()
            finally:
                reader.close()
            Recording(self._path).span()
        except JournalError:
            pass  # in words; what else is raised is a fault


class JournalRecords:
    """A recording that is whole, of records that make no sense: told again, or refused in words."""

    def __init__(self, seed: int = 0) -> None:
        self._folder = _Folder()
        self._path = self._folder.path / "session.mdj"
        self._records = journal_records()
        self._dice = Random(seed)

    def take(self, content: bytes) -> None:
        """Put what is given in the place of a record's data or text, and tell the recording again."""
        dice, records = self._dice, list(self._records)
        at = dice.randrange(len(records))
        one = records[at]
        roll = dice.randrange(4)
        if roll == 0:
            data = bytearray(one.data or b"x")
            data[dice.randrange(len(data))] = dice.randrange(256)
            records[at] = msgspec.structs.replace(one, data=bytes(data))
        elif roll == 1:
            token = dice.choice(TOKENS).strip(b'"').decode("utf-8", "replace")
            records[at] = msgspec.structs.replace(one, text=token, link=dice.choice((one.link, token)))
        elif roll == 2:
            records[at] = msgspec.structs.replace(
                one, at=dice.choice((0, -1, 2**62)), mono=dice.choice((0.0, -1e9, 1e300))
            )
        else:
            records[at] = msgspec.structs.replace(one, data=content)
        if dice.random() < 0.3:
            records.insert(dice.randrange(len(records)), records.pop(at))
        write_journal(self._path, records)
        try:
            recording = Recording(self._path)
            asyncio.run(retell(recording, _check, wants_of(recording.head, None), recording.head.interval))
        except JournalError:
            pass  # in words; what else is raised is a fault


def _check(events: Sequence[Event]) -> None:
    """Hold the lines to strict JSON. What was recorded of polls is told as it stands."""
    for event in events:
        json.loads(encode_line(event), parse_constant=_refuse)


def _refuse(word: str) -> Any:
    raise AssertionError(f"{word} is no JSON")
