"""Frame sets told by their changes: a far screen shows what a near one would."""

import msgspec
import pytest

from mdterm.feeds.far_frames import FrameReader, FrameTeller
from mdterm.feeds.frames import FrameSet, LinkLine, PanelFrame, TapeFrame, TapeRow
from mdterm.feeds.port_wire import Changes, WireError, encode, frame_set, read_told
from mdterm.feeds.status import Shown

MS = 1_000_000


def tape(*sizes: float, age: float = 0.25) -> PanelFrame:
    rows = [TapeRow(at * MS, 100.5, size, "buy", 1) for at, size in enumerate(sizes, 1)][::-1]
    count = len(sizes)
    frame = TapeFrame("a:X", rows, 1, 3, count, count, 0, 1.5, 0.5, 7, None, None)
    return PanelFrame(Shown("LIVE", age=age), frame, address="a:X")


def link(age: float) -> LinkLine:
    return LinkLine("a/trade", "a", Shown("LIVE", age=age), 12.5, 3.0)


def test_a_far_screen_gets_what_was_sent() -> None:
    teller, reader = FrameTeller(), FrameReader()
    sent = [
        FrameSet(1, 100.0, 1_000 * MS, {"tape": tape(0.5), "other": tape(1.0)}, [link(0.1)], 12.5),
        FrameSet(2, 100.25, 1_250 * MS, {"tape": tape(0.5, 0.7)}, [link(0.35)], 13.0),
        FrameSet(3, 100.5, 1_500 * MS, {"tape": tape(0.5, 0.7, 0.1)}, [], None),
        FrameSet(4, 100.75, 1_750 * MS, {"other": tape(1.0, age=1.0)}, [link(0.0)], 13.0),
    ]
    for one in sent:
        body = encode(teller.tell(one))[4:]
        changes = read_told(body)
        assert isinstance(changes, Changes)
        assert frame_set(reader.read(changes)) == one


def test_what_has_not_changed_costs_a_few_bytes() -> None:
    teller = FrameTeller()
    sizes = [at / 7 for at in range(40)]
    first = encode(teller.tell(FrameSet(1, 100.0, 0, {"tape": tape(*sizes)}, [link(0.1)], 12.5)))
    # Time passed, and nothing came: the ages are the same moments as before.
    again = encode(
        teller.tell(FrameSet(2, 101.0, 1_000 * MS, {"tape": tape(*sizes, age=1.25)}, [link(1.1)], 12.5))
    )
    assert len(first) > 1_000
    assert len(again) < 60


def test_panels_that_come_and_go_are_not_kept_for_ever() -> None:
    teller, reader = FrameTeller(), FrameReader()
    for number in range(1, 1_000):
        sent = FrameSet(number, 1.0, 0, {f"panel {number}": tape(1.0)}, [], None)
        assert frame_set(reader.read(teller.tell(sent))) == sent
    assert len(teller._panels) <= 200
    assert len(reader._panels) <= 200


@pytest.mark.parametrize(
    "wrong",
    [
        Changes(False, {}, {}),
        Changes(False, {0: 1}, {0: {}}),
        Changes(True, [{"made": 1.0}], {"tape": [5]}),
        Changes(True, [5], {}),
        Changes(True, None, {}),
    ],
)
def test_what_does_not_follow_is_an_error(wrong: Changes) -> None:
    with pytest.raises(WireError, match="do not follow"):
        FrameReader().read(wrong)


def test_a_reader_begins_anew_with_a_new_teller() -> None:
    reader = FrameReader()
    for _ in range(2):
        sent = FrameSet(1, 1.0, 0, {"tape": tape(1.0)}, [], None)
        assert frame_set(reader.read(FrameTeller().tell(sent))) == sent


def test_an_older_frame_set_stays_as_it_was() -> None:
    teller, reader = FrameTeller(), FrameReader()
    first = frame_set(reader.read(teller.tell(FrameSet(1, 1.0, 0, {"tape": tape(0.5)}, [], None))))
    kept = msgspec.msgpack.encode(first.panels["tape"].shown)
    reader.read(teller.tell(FrameSet(2, 2.0, 0, {"tape": tape(0.5, 0.6, age=0.0)}, [], None)))
    assert msgspec.msgpack.encode(first.panels["tape"].shown) == kept
