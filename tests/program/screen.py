"""Reading the dashboard as a person does: titles, columns of figures, the count in the last line."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_WORDS = "CONNECTING|WARMING|LIVE|QUIET|STALE|RECONNECTING|GAP|PARTIAL|CLOSED|REFUSED"
_TITLE = re.compile(rf"(?<!─)─ (?!(?:SIM|{_WORDS})\b)(?P<name>[A-Z]+) ")
_STATE = re.compile(
    rf"(?P<word>{_WORDS})"
    r"(?: (?P<age>(?:\d+\.\d|\d+)[smhd]\w*|since \S+))?(?: \(try (?P<attempt>\d+)\))?(?: ─)?$"
)
_AGE = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$")
_COUNT = re.compile(r"(?:^|\s)(?P<count>\d{1,3}(?: \d{3})*|—) trades?\b")
_FIGURE = r"\d{1,3}(?: \d{3})*(?:\.\d+)?"
_PRINT = re.compile(
    rf"(?P<time>\d\d:\d\d:\d\d\.\d\d\d) [ ◆](?P<side>[▲▼·]) +(?P<price>{_FIGURE})"
    rf"  +(?P<size><?{_FIGURE}[KMBT]?)"
    rf"(?: {{1,2}}×(?P<count>\d+)(?: +{_FIGURE})?)?$"
)
_SIDES = {"▲": "BUY", "▼": "SELL", "·": None}


class State(NamedTuple):
    """What a panel's title says of its data; ``age`` in seconds."""

    word: str
    age: float | None
    attempt: int | None


class PrintRow(NamedTuple):
    """A row of the tape."""

    time: str
    side: str | None
    price: float
    size: str
    joined: int


class LevelRow(NamedTuple):
    """A row of the ladder; sizes as they are written, empty where the cell is blank."""

    bid: str
    price: float
    ask: str


def _area(lines: Sequence[str], name: str) -> tuple[str, list[str]]:
    """Return a panel's title and the rows under it, cut to its columns. Raise LookupError."""
    for y, line in enumerate(lines):
        titles = list(_TITLE.finditer(line))
        for at, title in enumerate(titles):
            if title["name"] != name:
                continue
            left = title.start()
            right = titles[at + 1].start() if at + 1 < len(titles) else len(line)
            body = []
            for row in lines[y + 1 :]:
                if _TITLE.match(row, left):
                    break
                body.append(row[left:right])
            return line[left:right].rstrip(), body
    raise LookupError(f"no panel {name}")


def has_panel(lines: Sequence[str], name: str) -> bool:
    """Return whether a panel of this name is on the screen."""
    return any(title["name"] == name for line in lines for title in _TITLE.finditer(line))


def title(lines: Sequence[str], name: str) -> str:
    """Return a panel's title."""
    return _area(lines, name)[0]


def rows(lines: Sequence[str], name: str) -> list[str]:
    """Return the rows under a panel's title."""
    return _area(lines, name)[1]


def state(lines: Sequence[str], name: str) -> State:
    """Return what a panel says of its data."""
    text = title(lines, name)
    found = _STATE.search(text)
    assert found is not None, f"no state in {text!r}"
    age = found["age"]
    seconds = None if age is None or age.startswith("since") else age_s(age)
    return State(found["word"], seconds, None if found["attempt"] is None else int(found["attempt"]))


def age_s(text: str) -> float:
    """Return an age such as ``1m12s`` in seconds."""
    found = _AGE.match(text)
    assert found is not None, text
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def tape(lines: Sequence[str]) -> list[PrintRow]:
    """Return the tape's rows, newest first."""
    rows = []
    for row in _area(lines, "TAPE")[1]:
        found = _PRINT.match(row.rstrip())
        if found is not None:
            side, joined = _SIDES[found["side"]], int(found["count"] or 1)
            rows.append(PrintRow(found["time"], side, number(found["price"]), found["size"], joined))
    return rows


def ladder(lines: Sequence[str]) -> list[LevelRow]:
    """Return the ladder's rows, highest price first. Each column ends where its head ends."""
    heads: list[tuple[str, int, int]] = []
    rows = []
    for row in _area(lines, "LADDER")[1]:
        if not heads:
            words = [(word.group(), word.end()) for word in re.finditer(r"\S+", row)]
            if {"BID", "PRICE", "ASK"} <= {name for name, _ in words}:
                starts = [0, *(end for _, end in words)]
                heads = [(name, start, end) for (name, end), start in zip(words, starts, strict=False)]
            continue
        cells = {name: row[start:end].strip(" ▲▼▴▾▸·━•") for name, start, end in heads}
        if not re.fullmatch(_FIGURE, cells["PRICE"]):
            break
        rows.append(LevelRow(cells["BID"], number(cells["PRICE"]), cells["ASK"]))
    return rows


def best(rows: Sequence[LevelRow]) -> tuple[LevelRow | None, LevelRow | None]:
    """Return the rows of the best bid and the best ask of a ladder."""
    bid = next((row for row in rows if row.bid), None)
    ask = next((row for row in reversed(rows) if row.ask), None)
    return bid, ask


def trade_count(lines: Sequence[str]) -> int | None:
    """Return the number of trades in the last line; None where it is unknown or not there."""
    found = _COUNT.search(lines[-1])
    return None if found is None or found["count"] == "—" else int(found["count"].replace(" ", ""))


def header(lines: Sequence[str]) -> tuple[str, float | None]:
    """Return symbol and last price of the first line."""
    parts = re.split(r"\s{2,}", lines[0].strip())
    last = next((part for part in parts[1:] if re.fullmatch(rf"{_FIGURE}(?: [▲▼])?", part)), None)
    return parts[0], None if last is None else number(last.rstrip(" ▲▼"))


def number(text: str) -> float:
    """Return a figure whose thousands are parted by blanks."""
    return float(text.replace(" ", ""))


def tells(text: str, size: float) -> bool:
    """Return whether a size cell tells ``size``, as exactly as its decimals and its unit allow."""
    found = re.fullmatch(rf"(?P<below><?)(?P<figure>{_FIGURE})(?P<unit>[KMBT]?)", text)
    if found is None:
        return False
    if found["below"]:
        return 0 < size < number(found["figure"])
    scale = {"": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}[found["unit"]]
    decimals = len(found["figure"].partition(".")[2])
    return abs(number(found["figure"]) * scale - size) <= 0.5001 * scale * 10.0**-decimals
