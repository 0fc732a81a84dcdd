"""The table of keys: complete, without clashes, and rebound with every fault told."""

from collections import Counter

import pytest

from mdterm.app.board import BoardScreen
from mdterm.app.dashboard import Dashboard
from mdterm.app.help import help_lines
from mdterm.app.keymap import COMMANDS, DEFAULT_KEYMAP, GROUPS, bind_keys, is_key, textual_key
from mdterm.app.palette import find, make_entries
from mdterm.feeds.address import Instrument


def test_no_key_and_no_id_stands_twice() -> None:
    assert max(Counter(key for one in COMMANDS for key in one.keys).values()) == 1
    assert max(Counter(one.id for one in COMMANDS).values()) == 1


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.id)
def test_every_command_has_an_action_a_help_line_a_group_and_real_keys(command: object) -> None:
    assert command in COMMANDS
    one = next(each for each in COMMANDS if each is command)
    owner = Dashboard if one.owner == "app" else BoardScreen
    name = one.action.partition(".")[2].partition("(")[0]
    assert callable(getattr(owner, f"action_{name}"))
    assert one.help
    assert one.group in GROUPS
    assert all(is_key(key) for key in one.keys)


def test_no_default_key_is_one_that_terminals_and_multiplexers_eat() -> None:
    keys = {key for one in COMMANDS for key in one.keys}
    assert keys.isdisjoint({"ctrl+a", "ctrl+b", "ctrl+s", "ctrl+q"})
    assert not any(key.startswith("shift+") for key in keys)


@pytest.mark.parametrize(
    ("key", "name"),
    [("[", "left_square_bracket"), ("`", "grave_accent"), ("+", "plus"), ("ctrl+l", "ctrl+l"), ("t", "t")],
)
def test_keys_have_textuals_names(key: str, name: str) -> None:
    assert textual_key(key) == name


@pytest.mark.parametrize("key", ["q", "?", "é", "space", "f5", "ctrl+o", "alt+x", "ctrl+space"])
def test_what_a_key_is(key: str) -> None:
    assert is_key(key)


@pytest.mark.parametrize("key", ["", " ", "\t", "spaec", "f25", "hyper+x", "ctrl+", "ctrl+?"])
def test_what_no_key_is(key: str) -> None:
    assert not is_key(key)


def test_a_rebound_key_leaves_its_former_command() -> None:
    keymap, problems = bind_keys({"freeze": ["c"]})
    assert problems == []
    assert keymap.keys_of("freeze") == ("c",)
    assert keymap.keys_of("centre") == ()


def test_no_keys_unbind_a_command() -> None:
    keymap, problems = bind_keys({"quit": []})
    assert problems == []
    assert keymap.keys_of("quit") == ()
    assert all(word != "quit" for _, word in keymap.hints())


@pytest.mark.parametrize(
    ("rebound", "words"),
    [
        ({"freez": ["x"]}, "no command is called 'freez'; did you mean freeze?"),
        ({"freeze": ["spaec"]}, "'spaec' is not a key"),
        ({"freeze": ["x"], "centre": ["x"]}, "'x' is already freeze"),
        ({"quit": ["ctrl+c"]}, "'ctrl+c' is already interrupt"),
        ({"interrupt": ["x"]}, "interrupt cannot be rebound"),
    ],
)
def test_faults_are_values_with_words(rebound: dict[str, list[str]], words: str) -> None:
    keymap, problems = bind_keys(rebound)
    assert [one.words for one in problems] == [words]
    assert keymap.keys_of("interrupt") == ("ctrl+c",)


def test_the_status_line_begins_with_the_way_to_all_other_keys() -> None:
    assert DEFAULT_KEYMAP.hints()[:2] == [("?", "help"), ("1-9", "symbol")]


def test_help_tells_the_digits_once() -> None:
    lines = help_lines(DEFAULT_KEYMAP)
    assert ("Symbols", "1 … 9", "show a symbol of the watchlist") in lines
    alone = sum(one.parameter is None and not one.together for one in COMMANDS)
    other = 2  # how any of them becomes another, and where that is written
    assert len(lines) == 1 + alone + other + len({one.together for one in COMMANDS if one.together})


def test_help_tells_neighbours_in_one_line() -> None:
    assert ("", "[ ]", "show the previous or the next symbol") in help_lines(DEFAULT_KEYMAP)


def test_the_palette_finds_by_every_word_and_beginnings_first() -> None:
    instruments = [Instrument("sim:BTCUSDT", "sim", "kiyotaka", "BTCUSDT")]
    entries = make_entries(instruments, DEFAULT_KEYMAP)
    assert len(find(entries, "")) == len(COMMANDS) - 9 - 1 + 1
    assert [one.action for one in find(entries, "BTC sim")] == ["screen.show_instrument(0)"]
    assert find(entries, "no such words") == []
    # "let" begins a word of two commands; it is inside none that come before them in the table.
    assert {one.action for one in find(entries, "let")[:3]} == {
        "screen.centre",
        "screen.freeze",
        "screen.hold_tape",
    }


@pytest.mark.parametrize(
    ("query", "command"),
    [
        ("add symbol", "search"),
        ("timeframe", "next-interval"),
        ("filter trades", "larger-prints"),
        ("price group", "finer"),
        ("theme", "next-theme"),
        ("quit", "quit"),
        ("exit", "quit"),
        ("alarm", "alerts"),
        ("screenshot", "save-screen"),
        ("candles", "next-interval"),
        ("size", "next-units"),
    ],
)
def test_the_palette_finds_what_people_call_otherwise(query: str, command: str) -> None:
    found = find(make_entries([], DEFAULT_KEYMAP), query)
    assert found[0].action == next(one.action for one in COMMANDS if one.id == command)
