"""A journal's file is read up to where its writing ended, says how it ended, and survives damage."""

import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.journal import Record
from mdterm.feeds.journal_file import (
    FRESH_BYTES,
    MAGIC,
    JournalError,
    JournalReader,
    JournalWriter,
    is_journal,
)


def records(count: int, start: int = 0) -> list[Record]:
    return [
        Record("in", "x/book", 1_000_000 * number, number / 10, b'{"n":%d}' % number)
        for number in range(start, start + count)
    ]


def write(path: Path, batches: list[list[Record]], *, close: bool = True) -> None:
    with path.open("wb") as file:
        writer = JournalWriter(file)
        for batch in batches:
            writer.write(batch)
        if close:
            writer.end("closed", 7)


def read(path: Path) -> tuple[list[Record], JournalReader]:
    reader = JournalReader(path)
    found = list(reader)
    reader.close()
    return found, reader


def read_bytes(data: bytes) -> tuple[list[Record], JournalReader]:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return read(Path(file.name))


def test_what_was_written_is_read_with_how_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "x.mdj"
    write(path, [records(3), [], records(2, 3)])
    found, reader = read(path)
    assert found == records(5)
    assert reader.ending is not None
    assert (reader.ending.how, reader.ending.words, reader.ending.lost_bytes) == ("closed", "closed", 0)
    assert is_journal(path)


@given(st.data())
def test_a_file_cut_off_anywhere_gives_whole_frames_and_says_so(data: st.DataObject) -> None:
    stream = io.BytesIO()
    writer = JournalWriter(stream)
    sizes = []
    stream.fileno = lambda: 0  # type: ignore[method-assign]
    for at in range(4):
        writer.write(records(5, 5 * at))
        sizes.append(writer.written)
    whole = stream.getvalue()
    cut = data.draw(st.integers(len(MAGIC), len(whole)))
    found, reader = read_bytes(whole[:cut])
    frames = sum(size <= cut for size in sizes)
    assert found == records(5 * frames)
    assert reader.ending is not None
    whole_end = cut in (len(MAGIC), *sizes)
    assert reader.ending.how == ("open" if whole_end else "cut")
    assert reader.ending.lost_bytes == cut - (sizes[frames - 1] if frames else len(MAGIC))


def test_damage_costs_what_lies_up_to_the_next_stream(tmp_path: Path) -> None:
    path = tmp_path / "x.mdj"
    large = [Record("in", "x", 1, 1.0, bytes(FRESH_BYTES))]
    write(path, [records(5), large, records(5, 10), large, records(5, 20)])
    reader = JournalReader(path)
    places = reader.places()
    reader.close()
    assert [place.is_fresh for place in places] == [True, False, True, False, True]
    data = bytearray(path.read_bytes())
    data[places[1].offset + 60] ^= 0xFF
    path.write_bytes(data)
    found, reader = read(path)
    assert [one.mono for one in found if one.link == "x/book"] == [
        one.mono for one in (*records(5), *records(5, 10), *records(5, 20))
    ]
    assert reader.damaged == places[2].offset - places[1].offset
    assert reader.ending is not None
    assert reader.ending.lost_bytes == reader.damaged


def test_reading_may_begin_at_a_fresh_frame(tmp_path: Path) -> None:
    path = tmp_path / "x.mdj"
    large = [Record("in", "x", 5, 1.0, bytes(FRESH_BYTES))]
    write(path, [large, records(5)])
    reader = JournalReader(path)
    fresh = [place for place in reader.places() if place.is_fresh]
    found = [record for frame in reader.frames(fresh[-1].offset) for record in frame]
    reader.close()
    assert found == records(5)


@pytest.mark.parametrize("data", [b"", b"\x1f\x8b\x08\x00", b'{"kind":"trade"}\n', MAGIC[:-1]])
def test_other_files_are_no_journal(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(JournalError, match=r"is empty|no recording"):
        JournalReader(path)
    assert not is_journal(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="No such file"):
        JournalReader(tmp_path / "nosuch")


@given(st.binary(max_size=400))
def test_any_bytes_behind_the_beginning_are_records_or_damage(data: bytes) -> None:
    found, reader = read_bytes(MAGIC + data)
    assert found == []
    assert reader.ending is not None
    assert reader.ending.lost_bytes == len(data)
