"""A configuration that changes under way: taken up where it can be, told where it cannot."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mdterm.app.dashboard import Dashboard
from mdterm.app.reload import Change, Reload
from mdterm.app.settings import load_settings
from mdterm.widgets.figures import WESTERN, format_size, use_units

SECRET = "sekret-4711"


class File:
    """A configuration file whose every change is one, however fast they follow each other."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.times = 1_000

    def write(self, text: str) -> None:
        self.path.write_text(text)
        self.path.chmod(0o600)
        self.times += 1
        os.utime(self.path, (self.times, self.times))


@pytest.fixture
def file(tmp_path: Path) -> File:
    made = File(tmp_path / "config.toml")
    made.write('theme = "dark"\n')
    return made


@pytest.fixture
def make_reload(file: File) -> Callable[..., Reload]:
    def make(*fixed: str) -> Reload:
        return Reload(load_settings(file.path, [], {}), lambda: load_settings(file.path, [], {}), fixed)

    return make


def settle(reload: Reload) -> Change | None:
    """Look until a file that has just changed has stood still for a look."""
    assert reload.look() is None, "it may still be being written"
    return reload.look()


def test_nothing_is_told_while_nothing_changes(make_reload: Callable[..., Reload], file: File) -> None:
    reload = make_reload()
    assert settle(reload) is None
    file.write('theme = "dark"  # the same\n')
    assert settle(reload) is None


def test_what_can_be_is_taken_up_and_the_rest_waits(make_reload: Callable[..., Reload], file: File) -> None:
    reload = make_reload()
    file.write(f'theme = "light"\nlayout = "chart"\n[providers.kiyotaka]\ntoken = "{SECRET}"\n')
    change = settle(reload)
    assert change is not None
    assert change.taken_up == {"theme"}
    assert change.words == (
        "the configuration was changed; taken up: theme; at the next start: layout, providers.kiyotaka"
    )
    assert change.settings is not None
    assert change.settings.theme == "light"
    assert settle(reload) is None, "told once"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("theme = \n", ":1: is not TOML"),
        ('theme = "moon"\n', "there is no theme 'moon'"),
        ("fps = 99\n", ":1: fps: expected a number from 0.1 to 60"),
        ('[keys]\nquit = ["nope nope"]\n', "is not a key"),
        ("layuot = 1\nfsp = 2\n", "(and 1 more)"),
        (f'[providers.kiyotaka]\ntoken = ["{SECRET}"]\n', "providers.kiyotaka.token: expected"),
    ],
)
def test_a_wrong_one_is_told_and_changes_nothing(
    make_reload: Callable[..., Reload], file: File, text: str, words: str
) -> None:
    reload = make_reload()
    before = reload.settings
    file.write(text)
    change = settle(reload)
    assert change is not None
    assert change.settings is None
    assert change.words.startswith("the configuration is wrong, the one before still holds: ")
    assert words in change.words
    assert SECRET not in change.words
    assert reload.settings is before
    file.write('theme = "light"\n')
    mended = settle(reload)
    assert mended is not None
    assert mended.taken_up == {"theme"}


def test_what_the_command_line_says_stays(make_reload: Callable[..., Reload], file: File) -> None:
    reload = make_reload("fps", "theme")
    file.write('theme = "light"\nfps = 3\n')
    assert settle(reload) is None


def test_a_file_that_goes_and_comes_is_no_trouble(make_reload: Callable[..., Reload], file: File) -> None:
    reload = make_reload()
    file.path.unlink()
    change = settle(reload)
    assert change is not None
    assert "no such configuration file" in change.words
    file.write('theme = "light"\n')
    change = settle(reload)
    assert change is not None
    assert change.taken_up == {"theme"}


async def test_on_the_screen_theme_colours_keys_and_pace_follow(
    port: Any, instruments: Any, clock: Any, make_reload: Callable[..., Reload], file: File
) -> None:
    app = Dashboard(port, instruments, clock=clock, reload=make_reload())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        palette = app.board.watchlist.palette
        assert palette is not None
        file.write('theme = "dark"\nred_up = true\nfps = 4\n[keys]\nnext-symbol = "n"\n')
        for _ in range(2):
            app.tick()
            await pilot.pause()
        swapped = app.board.watchlist.palette
        assert swapped is not None
        assert (swapped.up, swapped.down) == (palette.down, palette.up)
        assert app.period_s == 0.25
        await pilot.press("]")
        assert app.board.instrument.symbol == "BTCUSDT", "its key is another one now"
        await pilot.press("n")
        assert app.board.instrument.symbol == "ETHUSDT"
        file.write('theme = "light"\n[keys]\nnext-symbol = "nonsense key"\n')
        for _ in range(2):
            app.tick()
            await pilot.pause()
        assert app.theme == "dark", "nothing of a wrong one is taken"
        assert "still holds" in app.notices.kept[-1].words
        file.write('theme = "light"\n')
        for _ in range(2):
            app.tick()
            await pilot.pause()
        assert app.theme == "light"
        await pilot.press("]")
        assert app.board.instrument.symbol == "SOLUSDT"


async def test_on_the_screen_amounts_are_counted_otherwise_at_once(
    port: Any, instruments: Any, clock: Any, make_reload: Callable[..., Reload], file: File
) -> None:
    app = Dashboard(port, instruments, clock=clock, reload=make_reload())
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause()
            assert format_size(123_456.0, 0) == "123.5K"
            file.write('theme = "dark"\nnumber_format = "east-asian"\n')
            for _ in range(2):
                app.tick()
                await pilot.pause()
            assert format_size(123_456.0, 0) == "12.3万"
    finally:
        use_units(WESTERN)
