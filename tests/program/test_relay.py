"""`mdterm feed --stdio`: the port over a pair of pipes, from the shared feed or from one of its own."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mdterm.feeds.port_wire import (
    LARGEST_TOLD,
    PREAMBLE,
    VERSION,
    Call,
    Hello,
    Reply,
    Told,
    Unpacker,
    Welcome,
    encode,
    read_told,
)
from tests.program import feeding
from tests.program.launch import TOKEN, command, environment, run

KEY = {"MDTERM_KIYOTAKA_TOKEN": TOKEN}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with feeding.at(tmp_path) as found:
        yield found


class Line:
    """A program at the other end of two pipes."""

    def __init__(self, home: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            command([*options, "feed", "--stdio"]),
            env=environment(home, KEY),
            cwd=home,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._unpacker = Unpacker(LARGEST_TOLD)
        self._bodies: list[bytes] = []
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == PREAMBLE  # before it may stand what a shell says at login
        self.heard = b""

    def say(self, *messages: Hello | Call) -> None:
        assert self.process.stdin is not None
        for message in messages:
            self.process.stdin.write(encode(message))
        self.process.stdin.flush()

    def hear(self, kind: type[Told]) -> Told:
        """Return the next message of a kind."""
        assert self.process.stdout is not None
        while True:
            while not self._bodies:
                data = os.read(self.process.stdout.fileno(), 65_536)
                assert data, self.process.communicate()
                self.heard += data
                self._bodies += self._unpacker.feed(data)
            told = read_told(self._bodies.pop(0))
            if isinstance(told, kind):
                return told

    def hang_up(self) -> int:
        """Return how it ends when nobody is there any more."""
        _, errors = self.process.communicate(timeout=20)
        assert errors == b""
        return self.process.returncode


HELLO = Hello(VERSION, "1", "screen", 1, None)


def test_it_leads_to_the_shared_feed_which_outlives_it(home: Path) -> None:
    line = Line(home)
    line.say(HELLO, Call(1, "open", {"addresses": ["kiyotaka:BTCUSDT"]}))
    welcome = line.hear(Welcome)
    assert isinstance(line.hear(Reply), Reply)
    told = feeding.status(home)
    assert told is not None
    assert isinstance(welcome, Welcome)
    assert told["pid"] == welcome.pid != line.process.pid
    assert line.hang_up() == 0
    assert TOKEN.encode() not in line.heard
    again = Line(home)
    again.say(HELLO)
    second = again.hear(Welcome)
    assert isinstance(second, Welcome)
    assert second.instance == welcome.instance
    told = feeding.status(home)
    assert told is not None
    assert told["pid"] == welcome.pid
    again.process.kill()
    again.process.communicate()
    assert run(home, "feed", "stop").returncode == 0


def test_with_connections_of_its_own_it_serves_one(home: Path) -> None:
    line = Line(home, "--set=feed=own")
    line.say(HELLO, Call(1, "status", {}))
    welcome = line.hear(Welcome)
    assert isinstance(welcome, Welcome)
    assert welcome.pid == line.process.pid
    reply = line.hear(Reply)
    assert isinstance(reply, Reply)
    assert reply.value["socket"] is None
    assert feeding.status(home) is None
    assert line.hang_up() == 0


def test_where_the_feed_that_runs_does_not_fit_it_has_its_own_or_says_why(home: Path) -> None:
    pid = feeding.start(home, "--set=providers.kiyotaka.region=europe", env=KEY)
    line = Line(home)
    line.say(HELLO)
    welcome = line.hear(Welcome)
    assert isinstance(welcome, Welcome)
    assert welcome.pid == line.process.pid
    assert line.hang_up() == 0
    done = run(home, "--set=feed=shared", "feed", "--stdio", env=KEY)
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"the feed (pid {pid}) runs with other provider settings" in done.stderr


def test_when_the_feed_dies_it_ends(home: Path) -> None:
    pid = feeding.start(home, env=KEY)
    line = Line(home)
    line.say(HELLO)
    line.hear(Welcome)
    feeding.kill(pid)
    assert line.process.wait(20) == 0
    line.process.communicate()
