"""What a run keeps is for its user alone, and goes with it where it shall."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mdterm.app import locations
from mdterm.app.commands.context import Failed
from mdterm.app.keeping import keeping
from mdterm.feeds.journal import Record
from mdterm.feeds.journal_file import JournalReader


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locations, "history_file", lambda: tmp_path / "state" / "history.sqlite")
    monkeypatch.setattr(locations, "rewind_folder", lambda: tmp_path / "cache" / "rewind")


def test_the_last_hour_goes_with_the_run_and_a_recording_stays(tmp_path: Path) -> None:
    recording = tmp_path / "x.mdj"
    record = Record("note", "", 1, 0.1, b"{}", "session")
    with keeping(recording, False) as kept:
        assert kept.journal is not None
        assert kept.open_store is not None
        kept.open_store()
        assert kept.rewind is not None
        kept.journal.write(record)
        (folder,) = (tmp_path / "cache" / "rewind").iterdir()
        assert folder.name.startswith(f"{os.getpid()}-")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert kept.rewind.path.parent == folder
    assert list((tmp_path / "cache" / "rewind").iterdir()) == []
    reader = JournalReader(recording)
    assert list(reader) == [record]
    reader.close()
    assert (tmp_path / "state" / "history.sqlite").exists()


def test_nothing_is_kept_where_nothing_shall_be(tmp_path: Path) -> None:
    with keeping(None, True) as kept:
        assert kept == (None, None, None)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_taken_away(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    base = tmp_path / "cache" / "rewind"
    for name in (f"{gone.pid}-1", f"{os.getppid()}-1", "something"):
        (base / name).mkdir(parents=True)
    with keeping(None, False):
        assert {path.name for path in base.iterdir()} >= {f"{os.getppid()}-1", "something"}
        assert not (base / f"{gone.pid}-1").exists()


def test_a_cache_that_cannot_be_written_costs_only_the_way_back(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with keeping(None, False) as kept:
        assert kept.rewind is None
        assert kept.journal is None
        assert kept.open_store is not None


def test_a_recording_that_cannot_be_written_is_told_before_anything_opens(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"--record: .*No such file"), keeping(tmp_path / "nosuch" / "x", False):
        pass
