"""One process a credential: refused with words, released by every kind of end, and nothing given away."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mdterm.app import locations
from mdterm.app.commands.context import Failed
from mdterm.app.lock import file_name, hold

KEY = "tok3n-that-nobody-may-see"
HOLDER = """
import sys
from pathlib import Path
from mdterm.app.lock import hold
with hold(sys.argv[1], sys.argv[2], command=sys.argv[4], folder=Path(sys.argv[3])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(
    folder: Path, kind: str = "alltick", key: str = KEY, doing: str = "tail"
) -> Iterator[subprocess.Popen[str]]:
    """Hold the lock in another process until the end of the block."""
    command = [sys.executable, "-c", HOLDER, kind, key, str(folder), doing]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.communicate()


def refusal(folder: Path, **options: str) -> Failed:
    with pytest.raises(Failed) as caught, hold("alltick", KEY, folder=folder, **options):
        pytest.fail("held twice")
    assert caught.value.status == 2
    assert KEY not in caught.value.words
    return caught.value


def test_a_second_process_is_told_who_holds_it_and_what_to_do(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        words = refusal(tmp_path, advice="attach to a shared feed").words
        assert f"in use by pid {process.pid} (mdterm tail)" in words
        assert words.endswith(f"end that one (kill {process.pid}), or attach to a shared feed")
    with hold("alltick", KEY, folder=tmp_path):
        pass


def test_where_the_shared_feed_holds_it_the_words_lead_there(tmp_path: Path) -> None:
    with holder(tmp_path, doing="feed") as process:
        words = refusal(tmp_path, advice="something else").words
    assert f"in use by the shared feed (pid {process.pid})" in words
    assert "attaches to it" in words
    assert "mdterm feed stop" in words
    assert "kill" not in words


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_died_holds_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with holder(tmp_path) as process:
        process.send_signal(number)
        process.wait()
        assert json.loads((tmp_path / file_name("alltick", KEY)).read_bytes())["pid"] == process.pid
        with hold("alltick", KEY, command="once", folder=tmp_path):
            told = json.loads((tmp_path / file_name("alltick", KEY)).read_bytes())
            assert told == {"pid": os.getpid(), "command": "once"}


def test_another_key_and_another_kind_are_free(tmp_path: Path) -> None:
    with holder(tmp_path), hold("alltick", "another", folder=tmp_path), hold("jayx", KEY, folder=tmp_path):
        assert len(list(tmp_path.iterdir())) == 3


def test_two_providers_of_one_process_with_one_key_are_a_mistake(tmp_path: Path) -> None:
    with hold("alltick", KEY, folder=tmp_path):
        assert "have the same key" in refusal(tmp_path).words


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"pid": "x"}',
        b'{"pid": 0, "command": ""}',
        b'{"pid": 4194305, "command": "x"}',
        b"\xff",
    ],
)
def test_what_the_file_says_is_not_believed_blindly(tmp_path: Path, content: bytes) -> None:
    with holder(tmp_path):
        (tmp_path / file_name("alltick", KEY)).write_bytes(content)
        assert "in use by another process" in refusal(tmp_path).words


def test_words_of_the_file_reach_no_terminal_raw(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        told = {"pid": process.pid, "command": "\x1b[2J" + "x" * 1000}
        (tmp_path / file_name("alltick", KEY)).write_text(json.dumps(told)[:499].ljust(499))
        words = refusal(tmp_path).words
    assert "\x1b" not in words
    assert len(words) < 300


def test_folder_and_file_are_the_users_own_and_tell_no_secret(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "state"
    folder.mkdir(parents=True, mode=0o755)
    with hold("alltick", KEY, command="watch", folder=folder):
        (path,) = folder.iterdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert not any(part in path.name + path.read_text() for part in (KEY, KEY[:5], "alltick"))


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("kept")
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / file_name("alltick", KEY)).symlink_to(target)
    with hold("alltick", KEY, folder=folder):
        pass
    assert target.read_text() == "kept"


def test_without_a_writable_folder_work_goes_on_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("a file where the folder should be")
    with hold("alltick", KEY, folder=tmp_path / "file"):
        assert "no lock for alltick" in caplog.text
    assert KEY not in caplog.text


def test_it_lies_in_the_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(locations, "state_folder", lambda: tmp_path / "state")
    with hold("alltick", KEY):
        assert (tmp_path / "state" / file_name("alltick", KEY)).exists()
