"""The state file: two programs keep what each changed, a broken file costs nothing but what it held."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mdterm.app import locations
from mdterm.app.state import VERSION, State


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "state.json"


def written(path: Path) -> Any:
    return json.loads(path.read_text())


def test_what_was_saved_is_there_at_the_next_start(path: Path) -> None:
    state = State(path)
    state.put("chart", "screen", "layout")
    state.put(10, "instruments", "sim:BTCUSDT", "group")
    state.put(["sim:B", "sim:A"], "watchlist", "order")
    assert state.has_changes()
    state.save()
    assert not state.has_changes()
    again = State(path)
    assert again.text("screen", "layout") == "chart"
    assert again.table("instruments") == {"sim:BTCUSDT": {"group": 10}}
    assert again.texts("watchlist", "order") == ["sim:B", "sim:A"]
    assert again.take_news() == []
    assert written(path)["version"] == VERSION


def test_nothing_is_written_while_nothing_is_changed(path: Path) -> None:
    State(path).save()
    assert not path.parent.exists()


def test_it_is_for_its_user_alone(path: Path) -> None:
    state = State(path)
    state.put("a", "screen", "layout")
    state.save()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert sorted(one.name for one in path.parent.iterdir()) == ["state.json", "state.json.lock"]


def test_a_leaf_is_taken_away(path: Path) -> None:
    state = State(path)
    state.put("a", "screen", "layout")
    state.save()
    state.put(None, "screen", "layout")
    state.save()
    assert State(path).text("screen", "layout") is None


def test_two_programs_keep_what_each_of_them_changed(path: Path) -> None:
    one, other = State(path), State(path)
    one.put("chart", "screen", "layout")
    one.put("added", "watchlist", "edits", "sim:A")
    other.put("light", "screen", "theme")
    other.put("added", "watchlist", "edits", "sim:B")
    one.save()
    other.save()
    one.put(10, "instruments", "sim:A", "group")
    one.save()
    kept = State(path)
    assert kept.table("screen") == {"layout": "chart", "theme": "light"}
    assert kept.table("watchlist", "edits") == {"sim:A": "added", "sim:B": "added"}
    assert kept.table("instruments") == {"sim:A": {"group": 10}}
    assert one.text("screen", "theme") == "light", "what the other one saved is known from then on"


def test_many_programs_at_once_lose_nothing(path: Path) -> None:
    states = [State(path) for _ in range(8)]
    start = threading.Barrier(len(states))

    def work(number: int) -> None:
        start.wait()
        for turn in range(10):
            states[number].put(turn, "panels", f"p{number}", f"k{turn}")
            states[number].save()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(states))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for state in states:
        state.save()
    kept = State(path).table("panels")
    assert kept == {f"p{number}": {f"k{turn}": turn for turn in range(10)} for number in range(len(states))}


def test_what_changes_during_a_save_is_still_to_be_saved(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mdterm.app import state as module

    state = State(path)
    real = module._write

    def write(*arguments: Any) -> None:
        real(*arguments)
        if state.text("screen", "layout") == "first":
            state.put("second", "screen", "layout")

    monkeypatch.setattr(module, "_write", write)
    state.put("first", "screen", "layout")
    state.save()
    assert state.has_changes()
    assert state.text("screen", "layout") == "second"
    state.save()
    assert State(path).text("screen", "layout") == "second"


# Files that are broken


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"version": "1"}', b'{"version": 0}', b"{}", b"\xff\xfe", b"[" * 100_000],
    ids=["empty", "cut", "list", "null", "word", "zero", "none", "bytes", "deep"],
)
def test_a_broken_file_is_put_aside_and_told_once(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    state = State(path)
    (told,) = state.take_news()
    assert "put aside as state.json.broken" in told
    assert state.take_news() == []
    assert not path.exists()
    assert path.with_name("state.json.broken").read_bytes() == content
    state.put("chart", "screen", "layout")
    state.save()
    assert State(path).text("screen", "layout") == "chart"


def test_a_file_that_breaks_while_the_program_runs_is_put_aside_too(path: Path) -> None:
    state = State(path)
    state.put("chart", "screen", "layout")
    state.save()
    path.write_text("{")
    state.put("light", "screen", "theme")
    state.save()
    assert "put aside" in state.take_news()[0]
    assert State(path).table("screen") == {"layout": "chart", "theme": "light"}


def test_a_file_of_a_later_version_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"version": 99, "screen": {"layout": "moon"}}')
    state = State(path)
    assert "later version" in state.take_news()[0]
    assert state.text("screen", "layout") is None
    state.put("chart", "screen", "layout")
    state.save()
    assert written(path) == {"version": 99, "screen": {"layout": "moon"}}


@pytest.mark.parametrize("value", [None, [1, {"a": 1}], {"x": None}], ids=str)
def test_odd_values_are_passed_over(path: Path, value: object) -> None:
    path.parent.mkdir()
    path.write_text(json.dumps({"version": 1, "screen": {"layout": value, "theme": "light"}}))
    state = State(path)
    assert state.text("screen", "layout") is None
    assert state.texts("screen", "layout") == []
    assert state.text("screen", "theme") == "light"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
ANY_PATH = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)


@ANY_PATH
@given(st.dictionaries(st.sampled_from(["version", "screen", "watchlist", "x"]), JSON | st.just(1)))
def test_whatever_json_the_file_holds_the_program_starts(path: Path, tree: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(tree))
    state = State(path)
    state.put("chart", "screen", "layout")
    assert state.text("screen", "layout") == "chart"
    state.texts("watchlist", "order")
    state.table("watchlist", "edits")


def test_wherever_the_file_is_cut_the_program_starts(path: Path) -> None:
    whole = State(path)
    whole.put("chart", "screen", "layout")
    whole.put(["sim:Ä", "sim:B"], "watchlist", "order")
    whole.put(1.5, "panels", "chart", "zoom")
    whole.save()
    content = path.read_bytes()
    for end in range(len(content)):
        path.write_bytes(content[:end])
        state = State(path)
        if end < len(content) - 1:
            assert len(state.take_news()) == 1, content[:end]
            assert not path.exists()
        else:  # only the last line's end is missing
            assert state.text("screen", "layout") == "chart"


SOUND = {
    "version": 1,
    "screen": {"layout": "chart", "theme": "light"},
    "watchlist": {"order": ["sim:Ä", "sim:B"], "edits": {"sim:C": "added"}},
    "panels": {"chart": {"zoom": 1.5, "bars": 100, "log": True}},
}
WHOLE = json.dumps(SOUND).encode()


@st.composite
def hurt(draw: st.DrawFn) -> bytes:
    """Draw a sound file after an accident: cut, overwritten, doubled, or with zeros where a block was."""
    content = bytearray(WHOLE)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        end = draw(st.integers(at, len(content)))
        kind = draw(st.sampled_from(("cut", "lose", "zero", "flip", "put", "double")))
        if kind == "cut":
            del content[at:]
        elif kind == "lose":
            del content[at:end]
        elif kind == "zero":
            content[at:end] = bytes(end - at)
        elif kind == "flip" and at < len(content):
            content[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "put":
            content[at:at] = draw(
                st.binary(max_size=20) | st.sampled_from((b"null", b"[" * 3_000, b"9" * 5_000))
            )
        elif kind == "double":
            content += content[:4_000]
    return bytes(content)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=400,
    deadline=None,
    database=None,
)
@given(
    st.binary(max_size=200)
    | hurt()
    | st.builds(lambda tree: json.dumps(tree).encode(), JSON)
    | st.builds(
        lambda tree: json.dumps({"version": 1, **tree}).encode(), st.dictionaries(st.text(max_size=5), JSON)
    )
)
def test_whatever_the_file_holds_nothing_of_it_is_lost_without_a_word(tmp_path: Path, content: bytes) -> None:
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    path = folder / "state.json"
    path.write_bytes(content)
    state = State(path)
    state.put("tape", "screen", "layout")
    state.put("kept", "memory", "venue", "words")
    state.save()
    words, kept = state.take_news(), [one.read_bytes() for one in folder.glob("state.json*")]
    if content in kept:
        assert words, "what was put aside, or left alone, is told"
    else:
        # All that it held is in the new file, but for what was changed here.
        expected = json.loads(content)
        expected.setdefault("screen", {})["layout"] = "tape"
        expected.setdefault("memory", {}).setdefault("venue", {})["words"] = "kept"
        assert written(path) == expected
        assert words == []
    again = State(path)
    if "later version" not in " ".join(words):
        assert again.text("screen", "layout") == "tape"
        assert again.take_news() == []


def test_every_broken_file_is_kept_and_the_first_longest(path: Path) -> None:
    path.parent.mkdir()
    for number in range(12):
        path.write_bytes(b"broken %d" % number)
        (told,) = State(path).take_news()
        assert "put aside as state.json.broken" in told
    kept = {one.name: one.read_bytes() for one in path.parent.glob("*.broken*")}
    assert len(kept) == 9
    assert kept["state.json.broken"] == b"broken 0"
    assert kept["state.json.broken.8"] == b"broken 7"
    assert kept["state.json.broken.9"] == b"broken 11"


def test_a_file_that_is_far_too_large_is_put_aside_whole(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"version": 1, "screen": {"layout": "' + b"x" * 5_000_000 + b'"}}')
    size = path.stat().st_size
    assert "far too large" in State(path).take_news()[0]
    assert path.with_name("state.json.broken").stat().st_size == size


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_folder(path: Path) -> None:
    (path / "inside").mkdir(parents=True)


def make_link_to_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_link_to_itself(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize("make", [make_pipe, make_folder, make_link_to_device, make_link_to_itself])
def test_what_is_no_file_is_left_alone_and_told(path: Path, make: Callable[[Path], None]) -> None:
    path.parent.mkdir()
    make(path)
    mode = path.lstat().st_mode
    state = State(path)
    state.put("chart", "screen", "layout")
    state.save()
    (told,) = state.take_news()
    assert told.startswith("choices are not kept: ")
    assert path.lstat().st_mode == mode
    assert state.text("screen", "layout") == "chart"


SAVING = """
import itertools, sys
from pathlib import Path
from mdterm.app.state import State
state = State(Path(sys.argv[1]))
for turn in itertools.count():
    state.put("x" * 20_000, "panels", f"p{turn % 50}", "k")
    state.put(turn, "screen", "turn")
    state.save()
    if turn == 3:
        print("saving", flush=True)
"""


@pytest.mark.parametrize("later_by_bytes", [0, 3_000, 40_000])
def test_killed_in_the_middle_of_saving_it_leaves_a_file_that_is_whole(
    path: Path, later_by_bytes: int
) -> None:
    command = [sys.executable, "-c", SAVING, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "saving\n"
        made = path.with_name("state.json.new")
        while True:  # killed while a new file of at least so many bytes is being written
            try:
                if made.stat().st_size >= later_by_bytes:
                    break
            except FileNotFoundError:
                pass
        process.send_signal(signal.SIGKILL)
    state = State(path)
    assert state.take_news() == []
    turn = state.get("screen", "turn")
    assert isinstance(turn, int)
    assert turn >= 3
    state.put("light", "screen", "theme")
    state.save()
    assert State(path).text("screen", "theme") == "light", "what the dead one left is in nobody's way"


# Folders that cannot be written


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told_once(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o500)
    try:
        check_told_once(path)
    finally:
        path.parent.chmod(0o700)


def test_a_path_where_no_folder_can_be_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    check_told_once(tmp_path / "state" / "state.json")


def check_told_once(path: Path) -> None:
    state = State(path)
    for layout in ("chart", "tape"):
        state.put(layout, "screen", "layout")
        state.save()
    (told,) = state.take_news()
    assert told.startswith("choices are not kept: ")
    state.save()
    assert state.take_news() == []
    assert state.text("screen", "layout") == "tape", "it holds while the program runs"


def test_a_full_disk_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = State(path)
    state.put("chart", "screen", "layout")
    state.save()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    state.put("tape", "screen", "layout")
    state.save()
    assert "No space left on device" in state.take_news()[0]
    assert written(path)["screen"] == {"layout": "chart"}
    assert not path.with_name("state.json.new").exists()
    monkeypatch.undo()
    state.save()
    assert written(path)["screen"] == {"layout": "tape"}


def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    target = tmp_path / "elsewhere.json"
    target.write_text('{"version": 1}')
    path.symlink_to(target)
    state = State(path)
    state.put("chart", "screen", "layout")
    state.save()
    assert path.is_symlink()
    assert written(target)["screen"] == {"layout": "chart"}


# Bounds and the memory of providers


def test_a_table_forgets_its_oldest_entry(path: Path) -> None:
    state = State(path)
    for number in range(5_000):
        state.put(1, "instruments", f"sim:{number}", "group")
    state.put(2, "instruments", "sim:0", "group")
    state.put(1, "instruments", "sim:5000", "group")
    kept = list(state.table("instruments"))
    assert len(kept) == 5_000
    assert kept[0] == "sim:2"
    assert kept[-2:] == ["sim:0", "sim:5000"]


def test_a_provider_remembers_by_a_mapping(path: Path) -> None:
    state = State(path)
    memory = state.memory("jayx")
    assert dict(memory) == {}
    memory["wss://one"] = "socketio"
    memory["wss://two"] = "flat"
    del memory["wss://two"]
    with pytest.raises(KeyError):
        del memory["wss://two"]
    state.save()
    assert dict(State(path).memory("jayx")) == {"wss://one": "socketio"}
    assert dict(State(path).memory("desk2")) == {}


def test_it_lies_in_the_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert locations.state_file() == tmp_path / "mdterm" / "state.json"
    assert State().path == tmp_path / "mdterm" / "state.json"


def test_jayx_gets_the_memory_of_its_name(path: Path, tmp_path: Path) -> None:
    from mdterm.app.commands.context import Context
    from mdterm.app.providers import World
    from mdterm.feeds.jayx.feed import JayX

    context = Context({})
    context.config_path = tmp_path / "config.toml"
    context.config_path.write_text('[providers.desk]\nkind = "jayx"\n')
    world = World(context)
    world.state = state = State(path)
    desk = world.provider("desk")
    assert isinstance(desk, JayX)
    desk._memory["wss://one"] = "flat"
    assert state.text("memory", "desk", "wss://one") == "flat"
