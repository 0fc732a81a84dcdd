"""Every form in which frames may arrive compressed, since none is documented."""

import json
import tracemalloc
from collections.abc import Callable, Iterator

import brotli
import pytest

from mdterm.feeds.kiyotaka.codec import KiyotakaCodec
from mdterm.feeds.kiyotaka.inflate import InflateError, Inflater
from tests.kiyotaka import frames
from tests.kiyotaka.support import SEEN, codec_of, frame, trade


def plain(count: int) -> Iterator[bytes]:
    """Yield frames of one trade each."""
    for number in range(count):
        yield frame(trade(str(number)))


def finished(frames_: Iterator[bytes]) -> Iterator[bytes]:
    """One whole stream a message."""
    for data in frames_:
        yield brotli.compress(data)


def flushed(frames_: Iterator[bytes]) -> Iterator[bytes]:
    """One stream a message, flushed but never finished: ``brotli.decompress`` refuses these."""
    for data in frames_:
        stream = brotli.Compressor()
        yield stream.process(data) + stream.flush()


def shared(frames_: Iterator[bytes]) -> Iterator[bytes]:
    """One window over the whole connection."""
    stream = brotli.Compressor()
    for data in frames_:
        yield stream.process(data) + stream.flush()


Form = Callable[[Iterator[bytes]], Iterator[bytes]]
FORMS: list[Form] = [finished, flushed, shared]


def received(codec: KiyotakaCodec, wire: Iterator[bytes] | list[bytes]) -> int:
    """Feed frames and return the number of events."""
    return sum(len(codec.feed(one, SEEN)) for one in wire)


@pytest.mark.parametrize("form", FORMS)
def test_every_frame_of_every_form_is_read(form: Form) -> None:
    codec = codec_of()
    assert received(codec, form(plain(50))) == 50
    assert (codec.bad_frames, codec.needs_reset) == (0, False)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "sample", [frames.TRADE, frames.TRADE_AGG, frames.BOOK, frames.HOSTILE, frames.VOLUME_PROFILE]
)
def test_samples_decode_to_the_same_compressed(form: Form, sample: bytes) -> None:
    bare = codec_of().feed(sample, SEEN)
    (wire,) = form(iter([sample]))
    assert codec_of().feed(wire, SEEN) == bare
    assert bare


@pytest.mark.parametrize("form", FORMS)
def test_text_and_plain_json_may_come_in_between(form: Form) -> None:
    codec = codec_of()
    wire = list(form(plain(40)))
    mixed: list[bytes] = [frames.REPLY]
    for number, one in enumerate(wire):
        mixed += [one, frame(trade(f"text {number}")), frames.NO_POINTS]
    assert received(codec, mixed) == 80
    assert codec.bad_frames == 0


@pytest.mark.parametrize("form", FORMS)
def test_each_connection_begins_undecided(form: Form) -> None:
    codec = codec_of()
    for turn in range(3):
        codec.opened(float(turn))
        codec.want(())
        codec = codec_of()
        assert received(codec, form(plain(5))) == 5


@pytest.mark.parametrize("form", [finished, flushed])
@pytest.mark.parametrize("at", [0, 1, 2, 10])
def test_junk_costs_itself_only(form: Form, at: int) -> None:
    codec = codec_of()
    wire = list(form(plain(20)))
    wire.insert(at, b"\xff\xff\xff no brotli")
    assert received(codec, wire) == 20
    assert codec.bad_frames == 1
    assert not codec.needs_reset


def test_a_greeting_does_not_spoil_the_window() -> None:
    codec = codec_of()
    assert received(codec, [b"welcome", *shared(plain(20))]) == 20
    assert (codec.bad_frames, codec.needs_reset) == (1, False)


@pytest.mark.parametrize("form", [finished, flushed])
@pytest.mark.parametrize("at", [0, 1, 5])
def test_a_truncated_frame_costs_itself_only(form: Form, at: int) -> None:
    codec = codec_of()
    wire = list(form(plain(20)))
    wire[at] = wire[at][:-20]
    assert received(codec, wire) == 19
    assert codec.bad_frames == 1
    assert not codec.needs_reset


@pytest.mark.parametrize("lost", ["end", "junk"])
def test_a_broken_window_asks_for_a_new_connection(lost: str) -> None:
    codec = codec_of()
    wire = list(shared(plain(12)))
    assert received(codec, wire[:5]) == 5
    for one in [wire[5][:-9], *wire[6:]] if lost == "end" else [b"\xff\xff junk", *wire[5:]]:
        codec.feed(one, SEEN)
        if codec.needs_reset:
            break
    else:
        pytest.fail("nothing asked for a new connection")
    assert codec.bad_frames > 0
    codec.opened(9.0)
    again = shared(frame(trade(f"again {number}")) for number in range(5))
    assert received(codec, again) == 5
    assert codec.needs_reset is False


def test_a_long_run_of_junk_asks_for_a_new_connection() -> None:
    codec = codec_of()
    assert received(codec, finished(plain(3))) == 3
    for _ in range(8):
        assert not codec.needs_reset
        codec.feed(b"\xff\xff junk", SEEN)
    assert codec.needs_reset
    assert codec.bad_frames == 8


def test_junk_between_frames_that_are_not_compressed_is_no_broken_stream() -> None:
    codec = codec_of()
    for number in range(40):
        assert len(codec.feed(frame(trade(str(number))), SEEN)) == 1
        assert codec.feed(b"junk", SEEN) == []
    assert (codec.bad_frames, codec.needs_reset) == (40, False)


@pytest.mark.parametrize("form", [finished, flushed, shared])
def test_a_bomb_is_refused_in_bounded_memory(form: Form) -> None:
    limit = 100_000
    (bomb,) = form(iter([b'{"points":[' + b" " * 20_000_000 + b"]}"]))
    assert len(bomb) < 10_000
    inflater = Inflater(limit)
    tracemalloc.start()
    try:
        with pytest.raises(InflateError):
            inflater.inflate(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * limit


@pytest.mark.parametrize("form", [finished, flushed])
def test_a_bomb_costs_itself_only(form: Form) -> None:
    codec = codec_of()
    (bomb,) = form(iter([b'{"points":[' + b" " * 17_000_000 + b"]}"]))
    wire = list(form(plain(6)))
    assert received(codec, [*wire[:3], bomb, *wire[3:]]) == 6
    assert codec.bad_frames == 1


def test_a_compressed_frame_may_begin_like_an_array() -> None:
    """Large brotli streams can start with the byte of ``[``: only ``{`` tells JSON."""
    wire = list(finished(plain(1)))
    big = frame(*(trade(str(number), price=90000 + number % 97 / 10) for number in range(3000)))
    windows, qualities = range(10, 25), (1, 5, 9)
    wire += [brotli.compress(big, quality=q, lgwin=window) for window in windows for q in qualities]
    assert {one[:1] for one in wire} & {b"["}, "no such frame was made"
    for one in wire:
        assert one[:1] != b"{"
        assert len(codec_of().feed(one, SEEN)) in (1, 3000)


def test_errors_are_told_from_compressed_frames_too() -> None:
    codec = codec_of()
    codec.due(0.0)
    codec.feed(brotli.compress(frames.AUTH_ERROR), SEEN)
    (verdict,) = codec.verdicts
    assert "invalid token" in verdict.detail


def test_what_is_inflated_is_bytes_of_json() -> None:
    inflater = Inflater()
    for number, one in enumerate(shared(plain(4))):
        assert json.loads(inflater.inflate(one))["points"][0]["trade"]["id"] == str(number)
    assert inflater.form == "shared"
