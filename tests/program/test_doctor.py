"""The doctor: what it finds in a terminal, a configuration and at venues of every health, and how it ends."""

import threading
from pathlib import Path

import pytest

from mdterm.app.doctor_keys import Capture, names_of, show
from mdterm.app.doctor_network import skew_of
from mdterm.app.keymap import DEFAULT_KEYMAP
from tests.program.launch import TOKEN, run
from tests.program.market import Market
from tests.program.terminal import Terminal
from tests.program.venue import Venue

KEY = {"MDTERM_KIYOTAKA_TOKEN": TOKEN}


def test_a_good_terminal_is_found_to_be_one(tmp_path: Path) -> None:
    with Terminal(tmp_path, "doctor", "--offline", columns=100, lines=40) as terminal:
        assert terminal.wait() == 0
        text = "\n".join(terminal.lines())
        assert terminal.words() == ""
        assert terminal.attributes_after == terminal.attributes_before
    for words in ("size 100×40", "take the cells they must", "synchronised output: yes", "text is UTF-8"):
        assert words in text


def test_a_terminal_that_never_answers_is_told_and_waited_for_no_longer(tmp_path: Path) -> None:
    with Terminal(tmp_path, "doctor", "--offline", answers=False, columns=100, lines=40) as terminal:
        assert terminal.wait() == 0
        assert any("size 100×40" in line for line in terminal.lines())


def test_without_a_terminal_it_says_so(tmp_path: Path) -> None:
    done = run(tmp_path, "doctor", "--offline")
    assert (done.returncode, done.stderr) == (0, "")
    assert "this is no terminal" in done.stdout
    assert "the simulated market" in done.stdout


def test_a_wrong_configuration_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text('theem = "dark"\n')
    done = run(tmp_path, "doctor", "--offline", "--config", "wrong.toml")
    assert done.returncode == 2
    assert "wrong.toml:1" in done.stdout
    assert "theme" in done.stdout


def test_what_only_the_screen_would_stumble_over_is_told_too(tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text('layout = "trade"\nalerts = ["sim:BTCUSDT corss 1"]\n')
    done = run(tmp_path, "doctor", "--offline", "--config", "wrong.toml")
    assert done.returncode == 2
    assert "wrong.toml:1: layout: unknown layout; did you mean trader?" in done.stdout
    assert "wrong.toml:2: alerts: " in done.stdout


def test_single_providers_can_be_looked_at(tmp_path: Path) -> None:
    done = run(tmp_path, "doctor", "--offline", "kiyotaka")
    assert done.returncode == 2
    assert "kiyotaka: it has no key" in done.stdout
    done = run(tmp_path, "doctor", "--offline", "kiyotkaa")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no provider kiyotkaa; did you mean kiyotaka?" in done.stderr


def test_a_venue_that_works_is_reached_and_takes_the_key(tmp_path: Path) -> None:
    market = Market("BTCUSDT", 0.1, 60_000.0, seed=1)
    with Venue(block_sizes={"BTCUSDT": 0.1}) as venue:
        stopped = threading.Event()

        def move() -> None:
            while not stopped.wait(0.05):
                venue.publish(market.trade(1) + market.book())

        mover = threading.Thread(target=move)
        mover.start()
        try:
            done = run(tmp_path, "doctor", *venue.options(), env=KEY)
        finally:
            stopped.set()
            mover.join()
        assert venue.tokens[0] == TOKEN
    assert done.returncode == 0, done.stdout
    assert "the key is accepted; " in done.stdout
    assert done.stdout.count(f"127.0.0.1:{venue.port}: ") == 3
    assert "what the plan allows" in done.stdout
    assert TOKEN not in done.stdout + done.stderr


def test_a_refused_key_is_3(tmp_path: Path) -> None:
    with Venue(block_sizes={"BTCUSDT": 0.1}, refuses="INVALID_API_KEY") as venue:
        done = run(tmp_path, "doctor", *venue.options(), env=KEY)
    assert done.returncode == 3, done.stdout
    assert "refused" in done.stdout
    assert "check the key" in done.stdout
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("host", "words"), [("127.0.0.1:1", "refused"), ("nosuch.invalid", "the name is not known")]
)
def test_what_cannot_be_reached_is_4(tmp_path: Path, host: str, words: str) -> None:
    urls = [f"--set=providers.kiyotaka.{name}_url=ws://{host}/ws" for name in ("book", "nonbook")]
    urls.append(f"--set=providers.kiyotaka.rest_url=http://{host}")
    done = run(tmp_path, "doctor", "--seconds", "1", *urls, env=KEY)
    assert done.returncode == 4, done.stdout
    assert words in done.stdout.lower()
    assert "Traceback" not in done.stdout + done.stderr


def test_keys_are_shown_as_they_are_sent(tmp_path: Path) -> None:
    with Terminal(tmp_path, "doctor", "--keys") as terminal:
        terminal.wait_for(lambda rows: any("Ctrl+C ends" in row for row in rows))
        terminal.press("l")
        terminal.wait_for(lambda rows: any("next-layout" in row for row in rows))
        terminal.press("\x1b[A")
        terminal.wait_for(lambda rows: any(row.startswith("^[[A") and "up" in row for row in rows))
        terminal.press("\x1b[24~")
        terminal.wait_for(lambda rows: any("f12" in row and "nothing" in row for row in rows))
        terminal.press("\x03")
        assert terminal.wait() == 0
        rows = terminal.lines()
        at = next(at for at, row in enumerate(rows) if row.startswith("What to do"))
        assert rows[at + 1].strip() == "f12 does nothing here."
        assert 'next-layout = ["f12"]' in "\n".join(rows[at:])
        assert terminal.is_left()
        assert terminal.attributes_after == terminal.attributes_before


def test_a_key_that_does_nothing_and_bytes_that_are_no_key() -> None:
    assert show(b"\x1b[A\x7f") == "^[[A^?"
    assert names_of(b"\x1b[B") == ["down"]
    seen = Capture(DEFAULT_KEYMAP)
    assert [next(seen.lines(data)).split() for data in (b"\x1b[24~", b"#", "€".encode())] == [
        ["^[[24~", "f12", "nothing"],
        ["#", "number_sign", "nothing"],
        ["€", "euro_sign", "nothing"],
    ]
    assert next(seen.lines(b"\x1b[O")).endswith("no key"), "that the focus has gone is none"
    assert not seen.has_ended
    text = "\n".join(seen.todo())
    assert "f12, #, € do nothing here" in text
    assert 'next-layout = ["f12", "#", "€"]' in text, "as the configuration has it"
    assert "^[[O: no key" in text


@pytest.mark.parametrize("data", [b"\x03", b"\x04", b"\x1b[99;5u"])
def test_the_capture_ends_in_every_way_of_saying_so(data: bytes) -> None:
    seen = Capture(DEFAULT_KEYMAP)
    list(seen.lines(data))
    assert seen.has_ended
    assert seen.todo()[0] == "Nothing: each key does what stands beside it."


@pytest.mark.parametrize(
    ("head", "skew"),
    [
        ("HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:01:40 GMT\r\n\r\n", -0.5),
        ("HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 1970 00:00:40 GMT\r\n\r\n", 59.5),
        ("HTTP/1.1 200 OK\r\nDate: yesterday\r\n\r\n", None),
        ("HTTP/1.1 200 OK\r\n\r\n", None),
    ],
)
def test_the_skew_of_clocks_is_read_from_the_date(head: str, skew: float | None) -> None:
    assert skew_of(head, 100.0) == skew
