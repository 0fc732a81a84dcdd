"""A recording whose records make no sense stops in words, on the screen as in lines."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from mdterm.feeds.journal_file import JournalError
from mdterm.feeds.player import Player
from mdterm.feeds.recording import Recording
from mdterm.feeds.retell import retell, wants_of
from tests.fuzz.files import journal_records, write_journal

PATIENCE_S = 20.0


@pytest.fixture
def senseless(tmp_path: Path) -> Recording:
    """A recording whose status is none."""
    records = [
        msgspec.structs.replace(one, data=b"\x81\xa1a\x01") if one.kind == "told" else one
        for one in journal_records()
    ]
    path = tmp_path / "session.mdj"
    write_journal(path, records)
    return Recording(path)


async def test_a_replay_on_the_screen_says_why_it_ends(senseless: Recording) -> None:
    ended = asyncio.Event()
    player = Player(senseless, speed=100.0, ended=ended.set)
    try:
        async with asyncio.timeout(PATIENCE_S):
            await ended.wait()
        assert player.problem is not None
        assert "a record of the recording cannot be read" in player.problem
    finally:
        await player.feed.close()


@pytest.mark.parametrize("data", [b'"words"', b"[]", b'{"block_sizes": "none"}', b"\xff"], ids=repr)
async def test_what_was_learnt_and_makes_no_sense_ends_in_words(tmp_path: Path, data: bytes) -> None:
    records = [
        msgspec.structs.replace(one, data=data) if one.text == "learnt" else one for one in journal_records()
    ]
    path = tmp_path / "session.mdj"
    write_journal(path, records)
    recording = Recording(path)
    with pytest.raises(JournalError, match="a record of the recording cannot be read"):
        await retell(recording, lambda events: None, wants_of(recording.head, None), "1m")


async def test_lines_end_with_words(senseless: Recording) -> None:
    with pytest.raises(JournalError, match="a record of the recording cannot be read"):
        await retell(senseless, lambda events: None, wants_of(senseless.head, None), "1m")
