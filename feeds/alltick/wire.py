"""AllTick's messages as they are on the wire, with its own names.

One document a text frame [DOC]; a push has only ``cmd_id`` and ``data``::

    {"cmd_id":22998,"data":{"code":"1288.HK","seq":1782180168224,"tick_time":1782180164000,
    "price":"651.12","volume":"300","turnover":"12345.6","trade_direction":1}}

and an answer is ``{"ret":200,"msg":"ok","cmd_id":22005,"seq_id":2,"trace":"…","data":{}}``. Numbers have
been strings, integers, empty and missing: all are accepted here, and read in ``ticks``.
"""

import msgspec

Num = str | int | float | None


class Level(msgspec.Struct, gc=False):
    """One price of a book; forex and CFDs may leave the volume out."""

    price: Num = None
    volume: Num = None
    volumn: Num = None  # a spelling of old docs


Levels = list[Level | list[Num]] | str | None
"""Objects as documented; pairs, or a text that holds the JSON, are accepted too."""


class Data(msgspec.Struct, gc=False):
    """A print (22998) or a book (22999), and a tick of HTTP; empty in an answer."""

    code: str | None = None
    seq: Num = None
    tick_time: Num = None
    timestamp: Num = None  # a white label's tick_time
    price: Num = None
    volume: Num = None
    volumn: Num = None
    turnover: Num = None
    quoteVolume: Num = None  # a white label's turnover
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
