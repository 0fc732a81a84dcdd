"""What a venue calls things is shown as words: cleaned, cut, and never out of its column."""

from pathlib import Path
from unicodedata import combining, east_asian_width

import msgspec
import pytest

from mdterm.feeds.contract import Want
from mdterm.feeds.jayx.feed import JayX, Options
from mdterm.feeds.journal import Record
from mdterm.feeds.journal_file import JournalWriter
from mdterm.feeds.journal_notes import ProviderNote, Session, pack_health, pack_wants
from mdterm.feeds.status import LinkHealth
from tests.program import screen
from tests.program.terminal import Terminal

NOW = 1_769_058_877_000_000_000
ADDRESS = "jayx:BTCUSDT"
NAMES = [
    "\x1b]0;owned\x07\x1b[2J",
    "\u202edesrever\u2066",
    "[red]markup[/red]",
    "漢字テスト漢字テスト漢字",
    "e\u0301\u0301\u0301\u0301\u0301\u0301",
    "\U0001f600\U0001f469\u200d\U0001f680",
    "x" * 400,
    "\ud7ff\ue000\u2028\x9b31m",
]
"""Controls, directions, markup, wide, combining and joined characters, no end, private ones."""
WIDE = NAMES[3:6]


def frame(event: str, body: object) -> bytes:
    return msgspec.json.encode({"event": event, "data": body})


def hostile_frames() -> tuple[list[bytes], list[bytes]]:
    """Return what the market's and the account's socket say."""
    level = {"lots": 1_000_000, "count": 1}
    book = {
        "orderBook": {
            "bids": [{"ticks": 6_180_000 - step, **level} for step in range(10)],
            "asks": [{"ticks": 6_180_010 + step, **level} for step in range(10)],
        },
        "trades": [
            {"lots": 1000 + one, "ticks": 6_180_000 + one, "side": "BUY", "created": NOW // 1_000_000 - one}
            for one in range(8)
        ],
    }
    spot = [{"asset": name, "balance": "1234.5", "available": "234.5"} for name in WIDE]
    orders = [
        {
            "id": f"{at}{name}",
            "type": name,
            "state": name,
            "side": "BUY",
            "resd": 1_000_000,
            "exec": 0,
            "created": 1_716_135_452_487,
            "modified": 1_716_135_452_487 + at,
            "symbol": "BTCUSDT",
            "price": "61000",
        }
        for at, name in enumerate(NAMES)
    ]
    account = [frame("positions", {"spot": spot}), frame("openorders", {"cancel": [], "modify": orders})]
    return [frame("orderbook", book)], account


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A recording of a venue that names things as it likes."""
    provider = JayX("jayx", Options(api_key="key-of-a-test", framing="envelope"))
    note = ProviderNote("jayx", "jayx", provider.effective(), has_history=False)
    json = msgspec.json.encode
    records = [
        Record("note", "", NOW, 1.0, json(Session("mdterm", {"jayx": "jayx"})), "session"),
        Record("note", "jayx", NOW, 1.0, json(note), "provider"),
        Record("note", "jayx", NOW, 1.0, json(provider.learnt()), "learnt"),
        Record("note", "", NOW, 1.0, json([ADDRESS]), "watch"),
        Record("note", "", NOW, 1.0, json([ADDRESS]), "show"),
    ]
    market, account = hostile_frames()
    links = {
        "jayx/BTCUSDT": (market, (Want(0, ADDRESS, "book"), Want(0, ADDRESS, "trade"))),
        "jayx/account": (account, (Want(0, ADDRESS, "balance"), Want(0, ADDRESS, "order"))),
    }
    health = LinkHealth(phase="open", since=1.0, opened_once=True, opened_at=1.0)
    for link, (frames, wants) in links.items():
        records += [
            Record("want", link, NOW, 1.0, pack_wants(wants), "wss://host/"),
            Record("open", link, NOW, 1.0, b"", "wss://host/"),
            Record("phase", link, NOW, 1.0, pack_health(health), "open"),
            *(Record("in", link, NOW + 1_000_000, 1.001, one) for one in frames),
        ]
    # Time for a person to look.
    records.append(Record("note", "", NOW + 600_000_000_000, 600.0, json([ADDRESS]), "watch"))
    path = tmp_path / "hostile.mdj"
    with path.open("wb") as file:
        writer = JournalWriter(file)
        writer.write(records)
        writer.end("closed", NOW + 600_000_000_000)
    return path


@pytest.mark.parametrize("size", [(120, 40), (200, 60)], ids=lambda one: f"{one[0]}x{one[1]}")
def test_hostile_names_stand_cleaned_in_their_columns(
    tmp_path: Path, recording: Path, size: tuple[int, int]
) -> None:
    columns, rows = size
    with Terminal(tmp_path, "replay", str(recording), columns=columns, lines=rows) as terminal:
        terminal.wait_for(lambda lines: screen.has_panel(lines, "LADDER"))
        terminal.wait_for(lambda lines: screen.has_panel(lines, "ACCOUNT") and shows_balances(lines))
        for forbidden in (
            b"\x1b]0",
            b"owned\x07",
            b"\x1b[2J",
            "\u202e".encode(),
            "\u2066".encode(),
            b"\xc2\x9b",
        ):
            assert forbidden not in terminal.received
        heads, figures = totals(terminal)
        assert len(heads) == 1, "one head"
        assert len(figures) >= 3
        assert {end for end, _ in figures} == heads, "every figure ends under its head"
        terminal.press("q")
        assert terminal.wait() == 0
        assert terminal.words() == ""


def shows_balances(lines: list[str]) -> bool:
    return sum("1 234.5" in line for line in lines) >= 3


def cells(character: str) -> int:
    return 0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1


def totals(terminal: Terminal) -> tuple[set[int], list[tuple[int, str]]]:
    """Return the cells in which TOTAL and the totals end. Wide characters take two cells each."""
    heads: set[int] = set()
    figures: list[tuple[int, str]] = []
    for line in terminal.lines():
        for word, found in (("TOTAL ", heads), ("1 234.5", figures)):
            at = line.find(word)
            if at >= 0:
                before = line[: at + len(word.rstrip())]
                end = sum(map(cells, before))
                if word == "TOTAL ":
                    heads.add(end)
                else:
                    figures.append((end, line))
                assert found
    return heads, figures
