"""Every decoder bears what a fuzzer makes of good frames, what once broke one, and what is meant to.

A long run: ``python -m tests.fuzz --frames 1000000``.
"""

import gc
import time
import tracemalloc
from pathlib import Path

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import sockets
from tests.fuzz.decoders import DECODERS
from tests.fuzz.mutations import Mutations

SECONDS = 1.5
"""For each decoder; the frames are the same ones in every run."""
MOST = 4_000
FOUND = Path(__file__).with_name("found")
SOCKETS = [
    name for name in DECODERS if "http" not in name and name not in ("config", "state", "journal", "records")
]
HTTP = [name for name in DECODERS if "http" in name]
DEEP = b"[" * 1200
LARGE = 100_000_000

# What once was raised, or came out, by decoder; each found by this fuzzer.
BROKE: list[tuple[str, bytes]] = [
    ("jayx-socketio", b'42["orderbook\xff",{}]'),
    ("jayx-socketio", b'42["kline",' + DEEP),
    ("jayx-socketio", b'0{"a":' + b'{"a":' * 1200),
    ("jayx-socketio", b'0{"sid":"a","pingInterval":0,"pingTimeout":-5}'),
    ("jayx-socketio", b'44{"message":"\xff"}'),
    ("jayx-envelope", b'{"event":"orderbook","data":{"x":"\xa6"}}'),
    ("jayx-envelope", b'{"event":"kline","data":{"add":null,"modify":' + DEEP),
    (
        "jayx-flat",
        b'{"add":null,"modify":{"created":17126131580,"o":1,"h":1,"l":1,"c":1,"v":1,"m":17126131619}}',
    ),
    (
        "jayx-account-flat",
        b'{"cancel":[],"modify":[{"id":"","resd":1,"symbol":"BTCUSDT","state":"NEW","side":"BUY"}]}',
    ),
    (
        "alltick",
        b'{"cmd_id":22998,"data":{"code":"700.HK","seq":"' + b"9" * 400 + b'","price":"1","volume":"1"}}',
    ),
    ("alltick", b'{"ret":' + b"9" * 400 + b',"msg":"no"}'),
    ("kiyotaka-http", b'{"series":[{"id":{"rawSymbol":"\xff"}}]}'),
    ("kiyotaka-http", b'{"error":"\xed\xa0\x80"}'),
    (
        "alltick-http",
        b'{"ret":200,"data":{"static_info_list":[{"symbol":"700.HK","lot_size":"' + b"9" * 400 + b'"}]}}',
    ),
    ("config", b"x = " + DEEP),
]


@pytest.mark.parametrize("name", DECODERS)
def test_mutations_are_borne(name: str) -> None:
    decoder = DECODERS[name]
    taker, mutations = decoder.make(), Mutations(decoder.corpus, seed=5)
    until = time.monotonic() + SECONDS
    tried = 0
    while tried < MOST and time.monotonic() < until:
        taker.take(mutations.frame())
        tried += 1
    assert tried > 20


@pytest.mark.parametrize("name", DECODERS)
@settings(max_examples=40, deadline=None)
@given(frame=st.binary(max_size=300))
def test_noise_is_borne(name: str, frame: bytes) -> None:
    DECODERS[name].make().take(frame)


@pytest.mark.parametrize(("name", "frame"), BROKE, ids=lambda one: one if isinstance(one, str) else "")
def test_what_once_broke_a_decoder_is_borne(name: str, frame: bytes) -> None:
    taker = DECODERS[name].make()
    for _ in range(20):  # each answer goes to another endpoint, and what is due is asked for
        taker.take(frame)


def test_what_a_long_run_wrote_down_is_borne() -> None:
    for path in sorted(FOUND.glob("*/*")):
        taker = DECODERS[path.parent.name].make()
        for _ in range(20):
            taker.take(path.read_bytes())


@pytest.mark.parametrize("name", SOCKETS)
def test_a_hundred_megabytes_cost_no_more_than_a_few_copies(name: str) -> None:
    taker = DECODERS[name].make()
    frame = b'{"points":[' + b'{"a":1},' * (LARGE // 8) + b"{}]}"
    tracemalloc.start()
    try:
        taker.take(frame)
        _, peak = tracemalloc.get_traced_memory()
        del frame
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * LARGE
    assert held < 5_000_000, "nothing of it is kept"


def test_a_bomb_does_not_go_off() -> None:
    bomb = brotli.compress(b'{"points":[' + b" " * LARGE + b"]}", quality=5)
    assert len(bomb) < 10_000
    taker = sockets.KiyotakaSocket(seed=3)
    codec = taker.fresh()
    tracemalloc.start()
    try:
        assert codec.feed(bomb, sockets.SEEN) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert codec.bad_frames == 1
    assert peak < LARGE


@pytest.mark.parametrize("name", [*SOCKETS, *HTTP])
@pytest.mark.parametrize("depth", [100, 5_000, 300_000])
def test_nesting_without_end_is_borne(name: str, depth: int) -> None:
    taker = DECODERS[name].make()
    for frame in (
        b"[" * depth,
        b'{"data":' * depth,
        b"[" * depth + b"]" * depth,
        b'{"points":' + b"[" * depth,
    ):
        taker.take(frame)
