"""Messages of the port: cut anywhere they come whole, and nothing else than a message gets in."""

from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.frames import FrameSet, PanelFrame
from mdterm.feeds.port_wire import (
    HEAD,
    Ack,
    Frames,
    Ping,
    Unpacker,
    Watch,
    WireError,
    encode,
    frame_set,
    read_asked,
    read_told,
    wire_frames,
)
from mdterm.feeds.status import Shown

MESSAGES = st.one_of(
    st.builds(Ack, st.integers(0, 2**40)),
    st.builds(Ping, st.floats(allow_nan=False)),
    st.builds(Watch, st.lists(st.text(max_size=30), max_size=20)),
)


@given(st.lists(MESSAGES, max_size=8), st.lists(st.integers(0, 400), max_size=20))
def test_a_stream_cut_anywhere_gives_the_same_messages(
    messages: Sequence[Ack | Ping | Watch], cuts: Sequence[int]
) -> None:
    stream = b"".join(encode(one) for one in messages)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    unpacker, found = Unpacker(1_000_000), []
    for start, end in pairwise(edges):
        found += [read_asked(body) for body in unpacker.feed(stream[start:end])]
    assert found == list(messages)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_refused_with_words(data: bytes) -> None:
    for read in (read_asked, read_told):
        with suppress(WireError):
            read(data)


def test_a_length_is_believed_up_to_a_point() -> None:
    assert list(Unpacker(10).feed(HEAD.pack(10))) == []
    with pytest.raises(WireError, match="too long"):
        list(Unpacker(10).feed(HEAD.pack(11)))


def test_when_it_was_made_is_put_on_the_clock_of_this_end() -> None:
    panel = PanelFrame(Shown("LIVE", age=0.2), None, True, "a:X")
    sent = FrameSet(7, 100.0, 5_000_000_000, {"tape": panel}, [], 3.0)
    told = read_told(encode(wire_frames(sent))[HEAD.size :])
    assert isinstance(told, Frames)
    assert frame_set(told) == sent
    here = frame_set(told, mono_ahead_s=40.0)
    assert (here.made, here.wall) == (60.0, 5_000_000_000)
