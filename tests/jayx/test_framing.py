"""Every framing is understood alike, and what goes out follows the chosen one."""

import json
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.contract import Codec, Want
from mdterm.feeds.events import encode_line
from mdterm.feeds.jayx import wire
from mdterm.feeds.jayx.codec import MarketCodec
from mdterm.feeds.jayx.framing import Dialect, Line, Packet, dial_url, encode, read_packet
from mdterm.feeds.jayx.private import PrivateCodec

EVENTS = ("kline", "orderbook", "positions", "openorders")
SEEN = 1_716_136_436_800_000_000


def wrapped(event: str, body: str) -> dict[str, str]:
    """Return one message under every form."""
    return {
        "bare": body,
        "event/data": f'{{"event":"{event}","data":{body}}}',
        "event/message": f'{{"event":"{event}","message":{body}}}',
        "socketio": f'42["{event}",{body}]',
        "socketio, namespace": f'42/ns,["{event}",{body}]',
        "socketio, acknowledged": f'4217["{event}",{body}]',
        "array": f'["{event}",{body}]',
        "flat": f'{{"event":"{event}",{body.strip()[1:]}',
        "encoded twice": json.dumps({"event": event, "data": body}),
        "envelope in socketio": f'42["message",{{"event":"{event}","data":{body}}}]',
        "with blanks": f"\n {body} ",
        "with a mark": f"\ufeff{body}",
    }


@pytest.mark.parametrize("event", EVENTS)
def test_the_documented_examples_are_the_same_under_every_framing(
    event: str,
    examples: dict[str, str],
    market: Callable[..., MarketCodec],
    private: Callable[..., PrivateCodec],
) -> None:
    lines: dict[str, list[bytes]] = {}
    for form, text in wrapped(event, examples[event]).items():
        codec: Codec = market() if event in ("kline", "orderbook") else private()
        codec.due(0.0)
        lines[form] = [encode_line(one) for one in codec.feed(text.encode(), SEEN)]
        assert (codec.bad_frames, codec.unknown, codec.verdicts) == (0, 0, []), form
    assert lines["bare"]
    for form, told in lines.items():
        assert told == lines["bare"], form


def test_custom_names_of_an_envelope_are_opened(
    examples: dict[str, str], market: Callable[..., MarketCodec]
) -> None:
    codec = market(dialect=Dialect("envelope", envelope=("type", "payload")))
    told = codec.feed(f'{{"type":"kline","payload":{examples["kline"]}}}'.encode(), SEEN)
    assert told == market().feed(examples["kline"].encode(), SEEN) != []


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (b'0{"sid":"x"}', "open"),
        (b"1", "close"),
        (b"2", "ping"),
        (b"2probe", "ping"),
        (b"3", "pong"),
        (b"6", "noop"),
        (b"40", "connect"),
        (b'40{"sid":"x"}', "connect"),
        (b"41", "disconnect"),
        (b"41/ns,", "disconnect"),
        (b'44{"message":"no"}', "refused"),
        (b"431[]", "unknown"),
        (b'451-["e",{"_placeholder":true,"num":0}]', "unknown"),
        (b"4", "unknown"),
        (b"hello", "unknown"),
        (b"", "unknown"),
        (b"  ", "unknown"),
        (b'["alone"]', "unknown"),
    ],
)
def test_what_is_no_message_is_told_apart(frame: bytes, kind: str) -> None:
    assert read_packet(frame).kind == kind


def test_a_namespace_is_read() -> None:
    assert read_packet(b'40/ns,{"sid":"x"}') == Packet("connect", None, b'{"sid":"x"}', "/ns")
    assert read_packet(b"40/ns?token=1").namespace == "/ns"
    assert read_packet(b'42/ns,["e",{}]').namespace == "/ns"


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode) | st.from_regex(rb"4[0-9]/?,?[\[{\"].*"))
def test_no_frame_whatever_breaks_the_reader(frame: bytes) -> None:
    try:
        packet = read_packet(frame)
        if packet.kind == "message":
            wire.understand(packet.name, packet.body, ("type", "payload"))
    except msgspec.DecodeError:
        pass  # the codec counts these


def test_what_goes_out_follows_the_dialect() -> None:
    fields = {"category": "spot", "symbol": "BTCUSDT", "interval": "60"}
    body = '{"category":"spot","symbol":"BTCUSDT","interval":"60"}'
    assert encode(Dialect("socketio"), "/", "kline", fields) == f'42["kline",{body}]'
    assert encode(Dialect("socketio"), "/ns", "kline", fields) == f'42/ns,["kline",{body}]'
    assert encode(Dialect("envelope"), "/", "kline", fields) == f'{{"event":"kline","data":{body}}}'
    message = Dialect("envelope", envelope=("event", "message"))
    assert encode(message, "/", "kline", fields) == f'{{"event":"kline","message":{body}}}'
    assert encode(Dialect("flat"), "/", "kline", fields) == f'{{"event":"kline",{body[1:]}'


@pytest.mark.parametrize(
    ("base", "dialect", "url"),
    [
        ("wss://h:8443", Dialect("socketio"), "wss://h:8443/socket.io/?EIO=4&transport=websocket"),
        ("https://h", Dialect("socketio", eio=3), "wss://h/socket.io/?EIO=3&transport=websocket"),
        ("ws://h/", Dialect("socketio"), "ws://h/socket.io/?EIO=4&transport=websocket"),
        ("ws://h/live", Dialect("socketio"), "ws://h/live/socket.io/?EIO=4&transport=websocket"),
        ("ws://h/socket.io", Dialect("socketio"), "ws://h/socket.io?EIO=4&transport=websocket"),
        ("ws://h?x=1", Dialect("socketio"), "ws://h/socket.io/?x=1&EIO=4&transport=websocket"),
        ("http://h/live", Dialect("envelope"), "ws://h/live"),
        ("ws://h", Dialect("flat"), "ws://h/"),
    ],
)
def test_path_and_query_are_added_to_the_base(base: str, dialect: Dialect, url: str) -> None:
    assert dial_url(base, dialect, "/socket.io/") == url


# The talk beneath the messages, in time that is given.

OPEN = b'0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'


def line(dialect: Dialect, namespace: str = "/") -> Line:
    made = Line(dialect, namespace)
    made.opened(100.0)
    return made


def test_engine_4_connects_after_waiting_for_an_older_server() -> None:
    one = line(Dialect("socketio"))
    assert one.due(100.0) == ([], 110.0)
    one.take(read_packet(OPEN))
    messages, again = one.due(100.1)
    assert messages == []
    assert again == pytest.approx(100.25)
    assert one.due(100.25).messages == ["40"]
    assert (one.ready, one.rules) == (False, 4)
    one.take(read_packet(b'40{"sid":"y"}'))
    assert (one.ready, one.rules) == (True, 4)


def test_engine_4_that_is_known_is_not_waited_for() -> None:
    one = line(Dialect("socketio", rules=4))
    one.take(read_packet(OPEN))
    assert one.due(100.0).messages == ["40"]
    assert one.due(100.0).messages == []


def test_engine_4_pings_are_answered_and_missed() -> None:
    one = line(Dialect("socketio", rules=4))
    one.take(read_packet(OPEN))
    one.due(100.0)
    one.take(read_packet(b'40{"sid":"y"}'))
    assert one.due(101.0) == ([], 146.0)
    one.take(read_packet(b"2"))
    assert one.due(125.0) == (["3"], 170.0)
    assert one.due(169.0).messages == []
    assert one.broken is None
    assert one.due(170.0).messages == []
    assert one.broken == "the server's heartbeat stopped"


def test_any_message_keeps_a_connection_alive() -> None:
    one = line(Dialect("socketio", rules=4))
    one.take(read_packet(OPEN))
    one.due(100.0)
    one.heard()
    assert one.due(145.5).next_due == pytest.approx(190.5)
    assert one.broken is None


def test_engine_3_is_connected_unprompted_and_pings_itself() -> None:
    one = line(Dialect("socketio"))
    one.take(read_packet(OPEN))
    one.due(100.0)
    one.take(read_packet(b"40"))
    assert one.ready
    assert one.rules == 3
    assert one.due(100.05).messages == []
    assert one.due(125.0).messages == []
    assert one.due(125.05).messages == ["2"]
    one.take(read_packet(b"3"))
    assert one.due(126.0).next_due == pytest.approx(150.05)
    assert one.due(150.05).messages == ["2"]
    one.due(171.0)
    assert one.broken == "the server's heartbeat stopped"


def test_engine_3_joins_a_namespace() -> None:
    one = line(Dialect("socketio", eio=3, rules=3), "/ns")
    one.take(read_packet(OPEN))
    one.take(read_packet(b"40"))
    assert not one.ready
    assert one.due(100.0).messages == ["40/ns"]
    one.take(read_packet(b"40/ns"))
    assert one.ready


def test_engine_4_joins_a_namespace() -> None:
    one = line(Dialect("socketio", rules=4), "/ns")
    one.take(read_packet(OPEN))
    assert one.due(100.0).messages == ["40/ns,"]
    one.take(read_packet(b'40/ns,{"sid":"y"}'))
    assert one.ready


def test_a_server_that_never_opens_is_given_up() -> None:
    one = line(Dialect("socketio"))
    one.due(110.0)
    assert one.broken == "no Socket.IO session was opened in time"


@pytest.mark.parametrize("frame", [b"1", b"41"])
def test_a_session_that_is_ended_is_broken(frame: bytes) -> None:
    one = line(Dialect("socketio"))
    one.take(read_packet(frame))
    assert one.broken == "the server ended the session"


def test_a_fresh_socket_begins_anew() -> None:
    one = line(Dialect("socketio"))
    one.take(read_packet(OPEN))
    one.take(read_packet(b"40"))
    one.take(read_packet(b"1"))
    one.opened(200.0)
    assert (one.ready, one.broken, one.rules) == (False, None, None)
    assert one.due(200.0) == ([], 210.0)


@pytest.mark.parametrize("dialect", [Dialect("envelope"), Dialect("flat")])
def test_a_bare_socket_has_no_talk_of_its_own(dialect: Dialect) -> None:
    one = line(dialect)
    assert one.ready
    assert one.due(100.0) == ([], None)


def test_subscriptions_wait_for_the_namespace(market: Callable[..., MarketCodec]) -> None:
    codec = market(dialect=Dialect("socketio"))
    assert codec.due(0.0).messages == []
    assert codec.feed(OPEN, SEEN) == []
    assert codec.due(0.01).messages == []
    assert codec.due(0.2).messages == ["40"]
    codec.feed(b'40{"sid":"y"}', SEEN)
    assert codec.due(0.21).messages == [
        '42["kline",{"category":"spot","symbol":"BTCUSDT","interval":"60"}]',
        '42["orderbook",{"category":"spot","symbol":"BTCUSDT","precise":"1"}]',
    ]
    assert codec.due(0.3).messages == []
    codec.feed(b"2", SEEN)
    assert codec.due(25.0).messages == ["3"]


def test_a_heartbeat_that_stops_asks_for_a_new_connection(market: Callable[..., MarketCodec]) -> None:
    codec = market(dialect=Dialect("socketio", rules=4))
    codec.feed(OPEN, SEEN)
    resets = []
    for step in (lambda: codec.due(0.0), lambda: codec.due(46.0), lambda: codec.opened(47.0)):
        step()
        resets.append(codec.needs_reset)
    assert resets == [False, True, False]


def test_a_refused_namespace_is_a_refusal_of_the_link(market: Callable[..., MarketCodec]) -> None:
    codec = market(dialect=Dialect("socketio"))
    codec.feed(OPEN, SEEN)
    codec.feed(b'44{"message":"Invalid namespace"}', SEEN)
    (verdict,) = codec.verdicts
    assert verdict.addresses == ()
    assert verdict.detail == "the server refused to connect: Invalid namespace"


@pytest.mark.parametrize(
    ("dialect", "words"),
    [
        (Dialect("socketio", rules=3), "socketio (EIO 3)"),
        (Dialect("socketio"), "socketio (EIO 4)"),
        (Dialect("envelope"), "envelope (event/data)"),
        (Dialect("flat"), "flat"),
    ],
)
def test_a_dialect_is_said_in_words(dialect: Dialect, words: str) -> None:
    assert dialect.words() == words


def test_an_unwanted_stream_is_not_subscribed(market: Callable[..., MarketCodec]) -> None:
    codec = market(streams=("candle",))
    assert [json.loads(one)["event"] for one in codec.due(0.0).messages] == ["kline"]
    codec.want([Want(0, "jayx:BTCUSDT", "candle"), Want(0, "jayx:BTCUSDT", "trade")])
    assert [json.loads(one)["event"] for one in codec.due(1.0).messages] == ["orderbook"]
