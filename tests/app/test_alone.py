"""One panel alone: the keys that it has, and the windows of tmux that are made of such."""

import shlex
import subprocess

import pytest

from mdterm.app.alone import PANELS, keymap_of
from mdterm.app.commands.panel import NAMES
from mdterm.app.commands.tmux import LAYOUTS, Window
from mdterm.app.keymap import DEFAULT_KEYMAP


def test_the_command_knows_every_panel() -> None:
    assert tuple(PANELS) == NAMES
    assert {pane.panel for panes in LAYOUTS.values() for pane in panes} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_panel_has_its_keys_and_those_that_are_for_all(name: str) -> None:
    has = {one.id for one in keymap_of(name, DEFAULT_KEYMAP).commands}
    assert {"next-symbol", "show-symbol-1", "help", "quit", "interrupt"} <= has
    assert has.isdisjoint({"next-layout", "maximise", "next-panel", "unwatch", "alerts"})
    assert ("centre" in has) == (name == "ladder")
    assert ("hold-tape" in has) == (name == "tape")
    assert ("next-interval" in has) == (name == "chart")
    assert ("next-sort" in has) == (name == "watch")


@pytest.mark.parametrize("session", [None, "a session"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_printed_window_is_what_a_shell_makes_of_it(layout: str, session: str | None) -> None:
    options = ["--link", "it's", "--", "sim:$(date)", "sim:A B"]
    window = Window(layout, session, LAYOUTS[layout], ["mdterm"], options)
    # A tmux that prints what it is told, a pane's name each time it opens one.
    stub = 'n=0; tmux() { n=$((n + 1)); printf "%s\\0" "$@" "" >&2; echo "%$n"; }\n'
    done = subprocess.run(["sh"], input=stub + window.script(), capture_output=True, text=True, check=True)
    calls = [call.split("\0") for call in done.stderr.split("\0\0") if call]
    panes = [call for call in calls if call[0] in ("new-window", "new-session", "split-window")]
    assert [call[-1] for call in panes] == [
        shlex.join(["mdterm", "panel", pane.panel, *options]) for pane in LAYOUTS[layout]
    ]
    assert panes[0][0] == ("new-window" if session is None else "new-session")
    assert all(call[call.index("-t") + 1].startswith("%") for call in panes[1:])
    assert (calls[-1] == ["attach-session", "-t", session]) == (session is not None)
