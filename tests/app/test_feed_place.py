"""Where a shared feed listens: one at a time, for one user, found again whatever became of the last one."""

import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mdterm.app.commands.context import Failed
from mdterm.app.feed_place import (
    LONGEST_PATH,
    Berth,
    Busy,
    Note,
    Place,
    berth,
    find,
    peer_of,
    places,
    read_note,
)

NOTE = Note(os.getpid(), "1.0", "f" * 64, 1)
HOLDER = """
import sys
from pathlib import Path
from mdterm.app.feed_place import Note, berth
held = berth(Note(7, "1.0", "f", 1))
print(held.place.folder, flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_the_place_is_for_its_user_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        held = berth(NOTE)
    finally:
        os.umask(before)
    try:
        assert held.place.folder == tmp_path / "run" / "mdterm"
        assert stat.S_IMODE(held.place.folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(held.place.socket.stat().st_mode) == 0o600
        assert stat.S_IMODE(held.place.lock.stat().st_mode) == 0o600
        assert read_note(held.place) == NOTE
    finally:
        held.close()
    assert not held.place.socket.exists()


def test_it_is_found_and_its_process_is_the_kernels_word() -> None:
    assert find(1.0) is None
    held = berth(NOTE)
    try:
        found = find(1.0)
        assert found is not None
        with found.connection:
            assert found.note == NOTE
            assert found.pid == (os.getpid() if hasattr(socket, "SO_PEERCRED") else None)
            assert peer_of(found.connection) == (os.getpid(), os.geteuid())
    finally:
        held.close()
    assert find(1.0) is None


def test_there_is_only_one() -> None:
    held = berth(NOTE)
    try:
        with pytest.raises(Busy):
            berth(NOTE)
        with pytest.raises(Busy):
            Berth(held.place, NOTE)
    finally:
        held.close()
    berth(NOTE).close()


def test_what_a_killed_one_left_is_replaced() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        place = Place(Path(process.stdout.readline().strip()))
        with pytest.raises(Busy):
            berth(NOTE)
        process.send_signal(signal.SIGKILL)
    assert place.socket.exists()
    assert find(1.0) is None
    held = berth(NOTE)
    try:
        assert held.place == place
        found = find(1.0)
        assert found is not None
        found.connection.close()
    finally:
        held.close()


def test_without_a_runtime_directory_it_stands_beside_the_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "absent"))
    held = berth(NOTE)
    try:
        assert held.place.folder == tmp_path / "state" / "mdterm" / "run"
        assert not (tmp_path / "absent").exists()
        # It is found by a program of a session that has a runtime directory again.
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
        found = find(1.0)
        assert found is not None
        found.connection.close()
        with pytest.raises(Busy):
            berth(NOTE)
    finally:
        held.close()
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert len(places()) == 1


def test_a_path_too_long_is_told_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    held = berth(NOTE)  # the other place is short enough
    held.close()
    assert held.place.folder.is_relative_to(tmp_path / "state")
    monkeypatch.setenv("XDG_STATE_HOME", str(deep))
    with pytest.raises(Failed, match=f"at most {LONGEST_PATH}") as caught:
        berth(NOTE)
    assert "XDG_RUNTIME_DIR" in caught.value.words
    assert caught.value.status == 2


def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (tmp_path / "state" / "mdterm").mkdir(parents=True)
    (tmp_path / "state" / "mdterm" / "run").symlink_to(theirs)
    with pytest.raises(Failed, match="not a folder of this user's own"):
        berth(NOTE)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    (tmp_path / "state" / "mdterm" / "run").unlink()
    with pytest.raises(Failed, match="not a folder of this user's own"):
        berth(NOTE)


def test_a_feed_of_another_user_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    held = berth(NOTE)
    try:
        monkeypatch.setattr(os, "geteuid", lambda: 4711)
        with pytest.raises(Failed, match="another user's"):
            find(1.0)
    finally:
        held.close()


def test_one_whose_runtime_directory_went_away_knows_it() -> None:
    held = berth(NOTE)
    try:
        assert held.is_there()
        held.place.socket.unlink()
        assert not held.is_there()
        held.place.socket.touch()  # somebody else's by now
        assert not held.is_there()
    finally:
        held.close()
    assert held.place.socket.exists()


def test_a_note_that_cannot_be_read_is_none() -> None:
    held = berth(NOTE)
    held.close()
    for content in (b"", b"{", b'{"pid":"x"}', b"\xff"):
        held.place.lock.write_bytes(content)
        assert read_note(held.place) is None
