"""`mdterm feed`: one process a user, started once, found, asked and ended by any program of that user."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mdterm.feeds.port_wire import VERSION, Bind, Call, Hello, Watch, encode
from mdterm.feeds.specs import LadderSpec
from tests.program import feeding
from tests.program.launch import TOKEN, Running, command, environment, run

IDLE = "--set=feed_idle_s=1"
NOBODY = 65534

# Another user's program, which needs no file of ours but the socket.
CONNECT = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
way = socket.socket(socket.AF_UNIX)
way.settimeout(10)
try:
    way.connect(sys.argv[1])
except OSError as error:
    print(type(error).__name__)
else:
    print("heard", way.recv(100))
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with feeding.at(tmp_path) as found:
        yield found


def test_it_is_started_once_found_and_ended(home: Path) -> None:
    assert feeding.status(home) is None
    assert run(home, "feed", "status").stdout == "no feed runs\n"
    pid = feeding.start(home)
    again = run(home, "feed", "start")
    assert again.returncode == 0
    assert again.stdout == f"runs already: pid {pid}, {home}/run/mdterm/feed.sock\n"
    told = feeding.status(home)
    assert told is not None
    assert told["pid"] == pid
    assert told["clients"] == []
    assert told["idle_left_s"] == pytest.approx(600, abs=60)
    lines = run(home, "feed", "status").stdout.splitlines()
    assert lines[0].startswith(f"running: pid {pid}, mdterm ")
    assert lines[-1].startswith("ends: in ")
    done = run(home, "feed", "stop")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"stopped: pid {pid}\n", "")
    feeding.wait_gone(pid)
    assert feeding.status(home) is None
    done = run(home, "feed", "stop")
    assert (done.returncode, done.stdout) == (0, "no feed runs\n")
    assert not (home / "run" / "mdterm" / "feed.sock").exists()


def test_it_belongs_to_nobody_else_and_to_no_terminal(home: Path) -> None:
    pid = feeding.start(home)
    folder = home / "run" / "mdterm"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "feed.sock").stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "state" / "mdterm" / "feed.log").stat().st_mode) == 0o600
    assert os.getsid(pid) == pid
    assert {os.readlink(f"/proc/{pid}/fd/{number}") for number in range(3)} == {os.devnull}
    sockets = subprocess.run(
        ["cat", f"/proc/{pid}/net/tcp", f"/proc/{pid}/net/tcp6"], capture_output=True, text=True, check=False
    ).stdout
    inodes = {
        os.readlink(f"/proc/{pid}/fd/{each}").removeprefix("socket:[").rstrip("]")
        for each in os.listdir(f"/proc/{pid}/fd")
    }
    listening = [line.split()[9] for line in sockets.splitlines() if line.split()[3:4] == ["0A"]]
    assert not inodes & set(listening), "it listens on a TCP port"


def test_of_two_that_start_at_once_one_feed_comes(home: Path) -> None:
    starts = [
        subprocess.Popen(
            command(["feed", "start"]),
            env=environment(home),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    told = [(*one.communicate(timeout=60), one.returncode) for one in starts]
    assert [(errors, status) for _, errors, status in told] == [("", 0)] * 4
    pids = {words.split("pid ")[1].split(",")[0] for words, _, _ in told}
    assert len(pids) == 1
    now = feeding.status(home)
    assert now is not None
    assert str(now["pid"]) in pids


def test_what_a_killed_one_left_is_replaced(home: Path) -> None:
    first = feeding.start(home)
    feeding.kill(first)
    assert (home / "run" / "mdterm" / "feed.sock").exists()
    assert feeding.status(home) is None
    assert run(home, "feed", "stop").stdout == "no feed runs\n"
    second = feeding.start(home)
    assert second != first
    now = feeding.status(home)
    assert now is not None
    assert now["pid"] == second


def test_one_that_stands_still_is_told_and_not_taken_for_gone(home: Path) -> None:
    pid = feeding.start(home)
    os.kill(pid, signal.SIGSTOP)
    try:
        done = run(home, "feed", "status")
        assert done.returncode == 4
        assert f"the feed (pid {pid}) cannot be asked" in done.stderr
        assert "did not answer" in done.stderr
    finally:
        os.kill(pid, signal.SIGCONT)


def test_it_ends_when_nobody_was_there_for_long(home: Path) -> None:
    pid = feeding.start(home, IDLE)
    feeding.wait_gone(pid)
    assert "nobody was attached for 1 s" in run(home, "feed", "log").stdout


def test_one_that_stays_does_not_end(home: Path) -> None:
    done = run(home, IDLE, "feed", "start", "--stay")
    assert done.returncode == 0
    time.sleep(3)  # longer than what would have ended it
    told = feeding.status(home)
    assert told is not None
    assert told["stays"]
    assert told["idle_left_s"] is None


def test_other_provider_settings_are_told(home: Path) -> None:
    pid = feeding.start(home)
    done = run(home, "--set=providers.kiyotaka.region=europe", "feed", "start")
    assert done.returncode == 2
    assert f"other provider settings runs already (pid {pid})" in done.stderr
    assert run(home, "--set=theme=light", "feed", "start").returncode == 0


def test_what_is_wrong_is_said_where_it_was_started(home: Path) -> None:
    done = run(home, "--set=providers.kiyotaka.region=mars", "feed", "start")
    assert done.returncode == 2
    assert "providers.kiyotaka.region" in done.stderr
    (home / "run").rmdir()
    (home / "state").mkdir(exist_ok=True)
    (home / "state" / "mdterm").write_text("no folder")
    done = run(home, "feed", "start")
    assert done.returncode == 2
    assert "feed.log" in done.stderr or "no feed can listen" in done.stderr


def test_the_log_tells_what_it_did(home: Path) -> None:
    done = run(home, "feed", "log")
    assert done.returncode == 4
    pid = feeding.start(home)
    with Running(home, "feed", "log", "--follow") as log:
        log.wait_for(lambda lines: any(f"pid {pid}" in line for line in lines))
        assert run(home, "feed", "stop").returncode == 0
        log.wait_for(lambda lines: any("the feed has ended: the feed was stopped" in line for line in lines))
        log.signal(signal.SIGINT)
        assert log.wait() == 130
    last = run(home, "feed", "log", "--lines", "1").stdout
    assert last.count("\n") == 1
    assert "has ended" in last


def test_in_the_foreground_it_serves_a_service_manager(home: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(home / "notify"))
        manager.settimeout(20)
        told = {"NOTIFY_SOCKET": str(home / "notify"), "INVOCATION_ID": "f00"}
        with Running(home, "feed", "run", "--stay", env=told) as feed:
            assert manager.recv(100) == b"READY=1"
            now = feeding.status(home)
            assert now is not None
            assert now["pid"] == feed.process.pid
            assert "journalctl" in run(home, "feed", "log").stderr
            assert run(home, "feed", "run").returncode == 2
            feed.signal(signal.SIGTERM)
            assert manager.recv(100) == b"STOPPING=1"
            assert feed.wait() == 0
            assert "the feed listens at" in feed.words()
            assert feed.lines() == []


def test_it_moves_when_the_runtime_directory_goes_with_the_last_session(home: Path) -> None:
    pid = feeding.start(home)
    folder = home / "run" / "mdterm"
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    (home / "run").rmdir()
    until = time.monotonic() + 20
    while (now := feeding.status(home)) is None:
        assert time.monotonic() < until
    assert now["pid"] == pid
    assert now["socket"] == f"{home}/state/mdterm/run/feed.sock"
    (home / "run").mkdir(mode=0o700)  # somebody logs in again
    assert run(home, "feed", "start").stdout.startswith(f"runs already: pid {pid}")
    assert run(home, "feed", "stop").returncode == 0
    feeding.wait_gone(pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="to become another user takes root")
def test_another_users_program_cannot_come_in() -> None:
    with tempfile.TemporaryDirectory() as folder, feeding.at(Path(folder)) as home:
        home.chmod(0o755)
        (home / "run").chmod(0o755)
        feeding.start(home)
        way = home / "run" / "mdterm" / "feed.sock"

        def connect() -> str:
            done = subprocess.run(
                [sys.executable, "-ISc", CONNECT, str(way)], capture_output=True, text=True, check=True
            )
            return done.stdout.strip()

        assert connect() == "PermissionError"
        # Even where somebody opened the folder, the kernel says who it is.
        way.parent.chmod(0o755)
        way.chmod(0o666)
        assert connect() == "heard b''"
        log = run(home, "feed", "log").stdout
        assert f"a process of another user (uid {NOBODY}" in log
        assert feeding.status(home) is not None


def test_no_key_crosses_the_socket(home: Path) -> None:
    """Everything that the feed says to a client, and its log, while a provider is opened and refused."""
    feeding.start(home, "--log-level=debug", env={"MDTERM_KIYOTAKA_TOKEN": TOKEN})
    heard = bytearray()
    with socket.socket(socket.AF_UNIX) as way:
        way.settimeout(20)
        way.connect(str(home / "run" / "mdterm" / "feed.sock"))
        address = "kiyotaka:BINANCE_FUTURES:BTCUSDT"
        for message in (
            Hello(VERSION, "1", "screen", 1, None),
            Call(1, "open", {"addresses": [address]}),
            Call(2, "open_all", {}),
            Call(3, "status", {}),
            Call(4, "candidates", {}),
            Call(5, "nonsense", {}),
            Call(6, "wanted", {"addresses": [address]}),
            Call(7, "rewind", {}),
            Watch([address]),
            Bind("ladder", address, LadderSpec(rows=20)),
        ):
            way.sendall(encode(message))
        reader = threading.Thread(target=lambda: heard.extend(_all(way)), daemon=True)
        reader.start()
        reader.join(4)
        way.shutdown(socket.SHUT_RDWR)
        reader.join(20)
    assert address.encode() in heard
    assert b"nonsense" in heard
    assert TOKEN.encode() not in heard
    for file in (home / "state" / "mdterm").rglob("*"):
        if file.is_file():
            assert TOKEN.encode() not in file.read_bytes(), file
    lock = json.loads((home / "run" / "mdterm" / "feed.lock").read_text())
    assert TOKEN not in str(lock)


def _all(way: socket.socket) -> bytes:
    found = bytearray()
    try:
        while data := way.recv(65_536):
            found += data
    except OSError:
        pass
    return bytes(found)
