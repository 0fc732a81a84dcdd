"""Whatever comes over Kiyotaka's sockets: nothing raises, nothing grows, and what comes out is sound.

The suite tries a few hundred sequences of frames. A long run:
``MDTERM_FUZZ_EXAMPLES=200000 pytest tests/fuzz``.
"""

import json
import math
import os
import tracemalloc
from random import Random
from typing import Any

import brotli
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mdterm.feeds.events import Book, Event, Liquidation, Trade, VolumeProfile, encode_line
from mdterm.feeds.kiyotaka.codec import KiyotakaCodec
from tests.kiyotaka import frames
from tests.kiyotaka.support import SEEN, codec_of

EXAMPLES = int(os.environ.get("MDTERM_FUZZ_EXAMPLES", "250"))
patiently = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

SAMPLES: list[bytes] = [
    frames.TRADE,
    frames.TRADE_AGG,
    frames.BOOK,
    frames.GROUPED_BOOK,
    frames.LIQUIDATION,
    frames.FUNDING_RATE,
    frames.OPEN_INTEREST,
    frames.VOLUME_PROFILE,
    frames.REPLY,
    frames.AUTH_ERROR,
    frames.REST_ERROR,
    frames.NO_POINTS,
    frames.HOSTILE,
]
WANTED = ("kiyotaka:BINANCE_FUTURES:BTCUSDT", "kiyotaka:BYBIT:BTCUSDT", "kiyotaka:BINANCE_FUTURES:coin=BTC")

# Values that have broken decoders before: wrong kinds, ends of ranges, spellings of no number.
ODD: list[Any] = [
    None,
    True,
    False,
    0,
    -0.0,
    -1,
    1,
    2,
    1.5,
    1e308,
    -1e308,
    5e-324,
    2**31,
    2**63,
    2**64,
    -(2**63) - 1,
    10**30,
    float("nan"),
    float("inf"),
    float("-inf"),
    "",
    "0",
    "NaN",
    "-Infinity",
    "1e400",
    "9" * 400,
    "BUY",
    "TRADE",
    "\ud800",
    "\x00\x1b[2J\u202e",
    "x" * 5000,
    [],
    {},
    [[]],
    [1, 2, 3],
    {"seconds": 1},
    {"type": "TRADE"},
    {"code": 401, "message": "x"},
]


def nodes(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of all nodes of a JSON value."""
    found = [path]
    if isinstance(value, dict):
        for key, inner in value.items():
            found += nodes(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            found += nodes(inner, (*path, at))
    return found


def replaced(value: Any, path: tuple[Any, ...], new: Any, remove: bool) -> Any:
    """Return the value with one node replaced or, inside an object or array, removed."""
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1 and remove:
        del copy[path[0]]
    else:
        copy[path[0]] = replaced(copy[path[0]], path[1:], new, remove)
    return copy


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """Draw a sample with a few of its values changed or missing."""
    value = json.loads(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from(nodes(value)))
        value = replaced(value, path, draw(st.sampled_from(ODD)), draw(st.booleans()))
    return json.dumps(value).encode()


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw a sample, plain or compressed, with bytes changed, cut out or put in."""
    data = bytearray(draw(st.sampled_from(SAMPLES)))
    if draw(st.booleans()):
        data = bytearray(brotli.compress(bytes(data), quality=1))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        what = draw(st.integers(0, 3))
        if what == 0:
            data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
        elif what == 1:
            del data[at : at + draw(st.integers(1, 40))]
        elif what == 2:
            data[at:at] = draw(st.binary(max_size=20))
        else:
            other = draw(st.sampled_from(SAMPLES))
            data[at:] = other[draw(st.integers(0, len(other))) :]
    return bytes(data)


FRAMES = st.one_of(st.binary(max_size=200), changed(), mutated(), st.sampled_from(SAMPLES))


def check(event: Event) -> None:
    """Hold an event to what is promised of every line."""

    def refuse(word: str) -> Any:
        raise AssertionError(word)

    line = json.loads(encode_line(event, depth=1000), parse_constant=refuse)
    assert event.address in WANTED
    assert event.ts is None or 0 < event.ts < 2**63
    if isinstance(event, Trade | Liquidation):
        assert event.price > 0
        assert event.size is None or event.size >= 0
        assert line["price"] == event.price
        assert event.id is None or 0 < len(event.id) <= 128
    if isinstance(event, Book):
        for prices, sizes, sign in (
            (event.bid_prices, event.bid_sizes, -1),
            (event.ask_prices, event.ask_sizes, 1),
        ):
            assert prices == sorted(prices, key=lambda price: sign * price)
            assert len(prices) == len(sizes)
            assert all(0 < price < math.inf for price in prices)
            assert all(size is not None and 0 < size < math.inf for size in sizes)
        assert event.step is None or event.step > 0
    if isinstance(event, VolumeProfile):
        assert event.rows == sorted(event.rows)
        assert all(price > 0 and buy >= 0 and sell >= 0 for price, buy, sell in event.rows)


def run(codec: KiyotakaCodec, sequence: list[bytes], now: float) -> int:
    """Feed frames as a connection does; return how many were counted in some way."""
    before = codec.bad_frames + codec.unknown + codec.duplicates
    for data in sequence:
        now += 0.5
        for event in codec.feed(data, SEEN):
            check(event)
        for verdict in codec.verdicts:
            assert len(verdict.detail) < 300
            assert set(verdict.addresses) <= set(WANTED)
        codec.verdicts.clear()
        if codec.needs_reset:
            codec.opened(now)
        for message in codec.due(now).messages:
            assert json.loads(message)["method"].startswith("public/")
    return codec.bad_frames + codec.unknown + codec.duplicates - before


@patiently
@given(st.lists(FRAMES, max_size=12))
def test_any_sequence_of_frames_is_borne(sequence: list[bytes]) -> None:
    run(codec_of(*WANTED), sequence, 0.0)


@patiently
@given(st.lists(FRAMES, max_size=6))
def test_good_data_is_understood_after_any_frames(sequence: list[bytes]) -> None:
    codec = codec_of(*WANTED)
    run(codec, sequence, 0.0)
    good = frames.TRADE.replace(b"7126482260", b"not seen before")
    assert len(codec.feed(good, SEEN)) == 1


@patiently
@given(st.binary(min_size=1, max_size=400).filter(lambda data: not data.isspace()))
def test_junk_is_counted(junk: bytes) -> None:
    codec = codec_of(*WANTED)
    try:
        known = isinstance(json.loads(junk), dict)
    except ValueError:
        known = False
    assert codec.feed(junk, SEEN) == []
    assert known or codec.bad_frames == 1


def test_nothing_grows_with_what_is_not_understood() -> None:
    random = Random(7)
    codec = codec_of(*WANTED)

    def turn() -> None:
        sequence = []
        for number in range(400):
            data = bytearray(random.choice(SAMPLES).replace(b"7126482260", b"%d" % number))
            for _ in range(random.randrange(4)):
                data[random.randrange(len(data))] = random.randrange(256)
            sequence.append(bytes(data))
        run(codec, sequence, float(random.randrange(10**6)))

    turn()
    turn()
    tracemalloc.start()
    try:
        turn()
        held, _ = tracemalloc.get_traced_memory()
        for _ in range(4):
            turn()
        grown = tracemalloc.get_traced_memory()[0] - held
    finally:
        tracemalloc.stop()
    assert grown < 300_000, "ids are remembered, a few dozen bytes each; nothing else is"
