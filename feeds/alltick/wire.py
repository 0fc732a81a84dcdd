"""AllTick's messages as they are on the wire, with its own names.

One document a text frame [DOC]; a push has only ``cmd_id`` and ``data``::

    {"cmd_id":22998,"data":{"code":"1288.HK","seq":1782180168224,"tick_time":1782180164000,
    "price":"651.12","volume":"300","turnover":"12345.6","trade_direction":1}}

and an answer is ``{"ret":200,"msg":"ok","cmd_id":22005,"seq_id":2,"trace":"…","data":{}}``. Numbers have
been strings, integers, empty and missing. The pushes as they are documented, numbers or strings, are decoded
in one pass (``decode_push``); all other variants are accepted by ``decode`` or by ``lenient``, and read in
``ticks``.
"""

import msgspec

Num = str | int | float | None


class Rung(msgspec.Struct, gc=False):
    """One price of a book, as documented."""

    price: float
    volume: float | None = None
    volumn: float | None = None  # a spelling of old docs


class Print(msgspec.Struct, gc=False):
    """A print, as documented."""

    code: str
    price: float
    tick_time: int = 0
    seq: int | None = None
    volume: float | None = None
    turnover: float | None = None
    trade_direction: int = 0
    timestamp: int = 0  # a white label's tick_time
    volumn: float | None = None
    quoteVolume: float | None = None  # a white label's turnover


class Depth(msgspec.Struct, gc=False):
    """A book, as documented."""

    code: str
    bids: list[Rung]
    asks: list[Rung]
    tick_time: int = 0
    timestamp: int = 0


class PrintPush(msgspec.Struct, gc=False, tag_field="cmd_id", tag=22998):
    """[DOC] a push has nothing but these two."""

    data: Print


class DepthPush(msgspec.Struct, gc=False, tag_field="cmd_id", tag=22999):
    """[DOC] a whole book, not a difference."""

    data: Depth


# Not strict: a number in a string is a number.
decode_push = msgspec.json.Decoder(PrintPush | DepthPush, strict=False).decode


class Level(msgspec.Struct, gc=False):
    """One price of a book; forex and CFDs may leave the volume out."""

    price: Num = None
    volume: Num = None
    volumn: Num = None


Levels = list[Level | list[Num]] | str | None
"""Objects as documented; pairs, or a text that holds the JSON, are accepted too."""


class Data(msgspec.Struct, gc=False):
    """A print (22998) or a book (22999), and a tick of HTTP; empty in an answer."""

    code: str | None = None
    seq: Num = None
    tick_time: Num = None
    timestamp: Num = None
    price: Num = None
    volume: Num = None
    volumn: Num = None
    turnover: Num = None
    quoteVolume: Num = None
    trade_direction: Num = None
    bids: Levels = None
    asks: Levels = None
    bid_list: Levels = None
    ask_list: Levels = None


class Message(msgspec.Struct, gc=False):
    """Any frame from the server."""

    cmd_id: int = -1
    ret: int | None = None
    msg: str | None = None
    seq_id: int | None = None
    trace: str | None = None
    data: Data | None = None


decode = msgspec.json.Decoder(Message).decode


def request(cmd_id: int, seq_id: int, trace: str, data: dict[str, object]) -> str:
    """Return a request frame; all four fields are required, and ``data`` is an object. [DOC]"""
    body = {"cmd_id": cmd_id, "seq_id": seq_id, "trace": trace, "data": data}
    return msgspec.json.encode(body).decode()
