"""A recorder writes what it is given, in parts that can be read alone, and blocks nobody."""

import stat
import threading
from pathlib import Path

import pytest

from mdterm.feeds import recorder as recorder_module
from mdterm.feeds.journal import Record
from mdterm.feeds.journal_file import JournalReader
from mdterm.feeds.recorder import CARRIED, Recorder, RecorderError, part_path, parts_of


def frame(number: int, size: int = 10) -> Record:
    return Record("in", "x/book", number, number / 10, bytes(size))


def read(path: Path) -> list[Record]:
    reader = JournalReader(path)
    found = list(reader)
    reader.close()
    return found


def test_everything_given_is_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.mdj"
    recorder = Recorder(path)
    given = [frame(number) for number in range(1000)]
    for one in given:
        recorder.write(one)
    recorder.close("enough")
    assert read(path) == given
    assert recorder.records == len(given)
    assert recorder.bytes == path.stat().st_size
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_waits_is_written_without_being_asked(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "x.mdj")
    written = threading.Event()
    write = recorder._writer.write

    def note(records: list[Record]) -> None:
        write(records)
        written.set()

    recorder._writer.write = note  # type: ignore[method-assign, assignment]
    recorder.write(frame(1))
    assert written.wait(1.0)  # a second is all that a kill may cost
    assert read(tmp_path / "x.mdj") == [frame(1)]
    recorder.close()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "x.mdj"
    path.write_text("dear")
    with pytest.raises(RecorderError, match="File exists"):
        Recorder(path)
    assert path.read_text() == "dear"


def test_each_part_begins_with_what_it_takes_to_be_read_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.mdj"
    recorder = Recorder(path, largest=1)
    head = [
        Record("note", "x", 1, 0.1, b"{}", "provider"),
        Record("want", "x/book", 2, 0.2, b"\x90", "wss://x"),
        Record("open", "x/book", 3, 0.3),
        Record("want", "x/other", 3, 0.3, b"\x90", "wss://x"),
    ]
    for one in head:
        recorder.write(one)
    recorder._drain()  # what the thread does, at a moment of our own
    recorder.write(Record("want", "x/other", 4, 0.4, text="gone"))
    recorder.write(frame(5))
    recorder._drain()
    recorder.close()
    parts = parts_of(path)
    assert parts[:2] == [path, part_path(path, 2)] == [path, tmp_path / "x.2.mdj"]
    second = read(parts[1])
    assert second[0].text == CARRIED
    assert second[0].code == len(head)
    assert [(one.kind, one.link, one.at) for one in second[1:5]] == [(one.kind, one.link, 3) for one in head]
    third = read(parts[2])
    assert [one.link for one in third[1 : 1 + third[0].code]] == ["x", "x/book", "x/book"]
    assert parts_of(parts[1]) == parts[1:]


def test_only_so_many_parts_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "x.mdj"
    recorder = Recorder(path, largest=1, keep_parts=2)
    for number in range(5):
        recorder.write(frame(number))
        recorder._drain()
    recorder.close()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_disk_that_takes_nothing_more_is_told_once(tmp_path: Path) -> None:
    told: list[str] = []
    over = threading.Event()

    def fail(words: str) -> None:
        told.append(words)
        over.set()

    recorder = Recorder(tmp_path / "x.mdj", failed=fail)

    def full(records: list[Record]) -> None:
        raise OSError(28, "No space left on device")

    recorder._writer.write = full  # type: ignore[method-assign, assignment]
    recorder.write(frame(1))
    assert over.wait(2.0)
    recorder.write(frame(2))
    recorder.close()
    assert told == [f"{tmp_path / 'x.mdj'} cannot be written: No space left on device"]
    assert recorder.problem == told[0]
    assert recorder.lost == 1


def test_what_a_slow_disk_cannot_take_is_dropped_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "LARGEST_BACKLOG", 1000)
    recorder = Recorder(tmp_path / "x.mdj")
    for number in range(30):
        recorder.write(frame(number, 100))
    assert 0 < recorder.lost < 30
    recorder.close()
    found = read(tmp_path / "x.mdj")
    assert [one for one in found if one.kind == "in"] == [frame(n, 100) for n in range(30 - recorder.lost)]
    assert [one.data.decode() for one in found if one.text == "lost"] == [
        f"{recorder.lost} records were dropped: the disk was too slow"
    ]
