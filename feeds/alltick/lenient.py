"""Frames that the strict decoder does not accept, read field by field: one bad entry costs only itself."""

from typing import Any

import msgspec

from mdterm.feeds.alltick import wire

_READ_ERRORS = (msgspec.MsgspecError, ValueError, RecursionError)
_NUMBERS = (
    "seq",
    "tick_time",
    "timestamp",
    "price",
    "volume",
    "volumn",
    "turnover",
    "quoteVolume",
    "trade_direction",
)
_SIDES = ("bids", "asks", "bid_list", "ask_list")


def read(frame: bytes) -> tuple[list[wire.Message], int]:
    """Return the messages of a frame, and how many documents could not be read.

    Several documents may stand in one frame, a line each.
    """
    body = frame.removeprefix(b"\xef\xbb\xbf").strip()
    document = _json(body)
    if document is not None:
        documents = [document]
    else:
        lines = [line for line in body.split(b"\n") if line.strip()]
        if len(lines) < 2:
            return [], 1
        documents = [_json(line) for line in lines]
    messages = [message_of(one) for one in documents]
    found = [one for one in messages if one is not None]
    return found, len(messages) - len(found)


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except _READ_ERRORS:
        return None


def message_of(document: Any) -> wire.Message | None:
    """Return a message made of what can be read of a document, None if it is none."""
    if not isinstance(document, dict):
        return None
    cmd_id, ret, seq_id = (integer(document.get(key)) for key in ("cmd_id", "ret", "seq_id"))
    msg, trace, data = document.get("msg"), document.get("trace"), document.get("data")
    return wire.Message(
        cmd_id=-1 if cmd_id is None else cmd_id,
        ret=ret,
        msg=msg if isinstance(msg, str) else None,
        seq_id=seq_id,
        trace=trace if isinstance(trace, str) else None,
        data=data_of(data) if isinstance(data, dict) else None,
    )


def data_of(document: dict[str, Any]) -> wire.Data:
    """Return a print or a book made of what can be read of an object."""
    code = document.get("code")
    data = wire.Data(code=code if isinstance(code, str) else None)
    for name in _NUMBERS:
        setattr(data, name, number(document.get(name)))
    for name in _SIDES:
        setattr(data, name, _levels(document.get(name)))
    return data


def number(value: Any) -> wire.Num:
    """Return what may be a number, else None."""
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def integer(value: Any) -> int | None:
    """Return an integer that may be written as text, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(value)
    except (ValueError, OverflowError):
        return None


def levels_of(text: str) -> list[wire.Level | list[wire.Num]] | None:
    """Return a side of a book that came as a text of JSON, None if it cannot be read."""
    if not text.strip():
        return []
    found = _levels(_json(text.encode(errors="replace")))
    return found if isinstance(found, list) else None


def _levels(value: Any) -> wire.Levels:
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return None
    levels: list[wire.Level | list[wire.Num]] = []
    for one in value:
        if isinstance(one, dict):
            levels.append(
                wire.Level(number(one.get("price")), number(one.get("volume")), number(one.get("volumn")))
            )
        elif isinstance(one, list):
            levels.append([number(part) for part in one])
        elif isinstance(one, str) and (inner := _json(one.encode(errors="replace"))) is not None:
            # A side may be an array of strings, each an object of JSON.
            found = _levels([inner])
            levels += found if isinstance(found, list) else []
        else:
            levels.append(wire.Level())
    return levels
