"""What was recorded is read back, whatever was cut off, and nothing else is taken for a journal."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.journal import LARGEST_RECORD, MemoryJournal, NullJournal, Record, pack, unpack

RECORDS = st.builds(
    Record,
    kind=st.sampled_from(["in", "out", "open", "close", "http", "note"]),
    link=st.text(max_size=20),
    at=st.integers(0, 2**62),
    mono=st.floats(0, 1e9),
    data=st.binary(max_size=200),
    text=st.text(max_size=50),
    code=st.integers(-(2**31), 2**31),
)


def read_all(data: bytes) -> list[Record]:
    stream = io.BytesIO(data)
    return list(iter(lambda: unpack(stream), None))


@given(st.lists(RECORDS, max_size=10))
def test_what_is_packed_is_unpacked(records: list[Record]) -> None:
    assert read_all(b"".join(map(pack, records))) == records


@given(st.lists(RECORDS, min_size=1, max_size=5), st.data())
def test_a_cut_off_tail_costs_the_last_record_only(records: list[Record], data: st.DataObject) -> None:
    whole = b"".join(map(pack, records))
    last = len(pack(records[-1]))
    cut = data.draw(st.integers(1, last))
    assert read_all(whole[:-cut]) == records[:-1]


@given(st.binary(max_size=300))
def test_any_bytes_are_records_or_no_journal(data: bytes) -> None:
    try:
        found = read_all(data)
    except ValueError as error:
        assert str(error).startswith("not a journal")  # noqa: PT017 - both ends are right
    else:
        assert all(isinstance(record, Record) for record in found)


@pytest.mark.parametrize(
    "data",
    [
        b'{"kind":"trade"}\n' * 10,
        b"\x1f\x8b\x08\x00" + b"\x00" * 100,
        b"\x00\x00\x00\x02\xc1\xc1",
        b"\x00\x00\x00\x01\x90",
        pack(Record("in", "x", 1, 1.0))[:4] + b"\xff" * 100,
        (LARGEST_RECORD + 1).to_bytes(4, "big"),
        (6).to_bytes(4, "big") + b"\x91\xa4\xff\xff\xff\xff",
    ],
)
def test_other_files_are_no_journal(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a journal"):
        read_all(data)


def test_memory_keeps_the_newest_in_bounds() -> None:
    journal = MemoryJournal(keep=10)
    for number in range(1000):
        journal.write(Record("note", "x", number, 0.0))
        assert len(journal.records) <= 20
    assert [record.at for record in journal.records[-10:]] == list(range(990, 1000))


def test_nothing_is_kept_where_nothing_is_wanted() -> None:
    journal = NullJournal()
    journal.write(Record("note", "x", 1, 0.0))
    assert not vars(journal)
