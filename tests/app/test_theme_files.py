"""Themes of one's own: what a file may say, and what is told of its faults while the program runs."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mdterm.app.choices import choose
from mdterm.app.commands.context import Context
from mdterm.app.commands.themes import themes
from mdterm.app.dashboard import Dashboard
from mdterm.app.settings import load_settings
from mdterm.app.theme_files import ThemeFiles, Watched, folders_of, read_themes, template
from mdterm.themes.palettes import DARK, LIGHT, THEMES
from mdterm.themes.roles import ROLES, STYLE_SUFFIX

Write = Callable[..., ThemeFiles]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "themes"
    made.mkdir()
    return made


@pytest.fixture
def write(folder: Path) -> Write:
    """Write a theme file and read the folder."""

    def make(text: str | bytes, name: str = "mine.toml") -> ThemeFiles:
        (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return read_themes([folder])

    return make


def test_a_file_says_what_differs_and_all_else_is_the_base(write: Write) -> None:
    files = write('based_on = "light"\nbid = "#005f5f"\nbig_1 = "navy"\n[styles]\nown = "underline"\n')
    assert (files.problems, files.broken) == ((), frozenset())
    (theme,) = files.themes
    assert (theme.name, theme.dark, theme.background) == ("mine", False, LIGHT.background)
    assert theme.variables["bid"] == "#005f5f"
    assert theme.variables["big-1"] == "navy"
    assert theme.variables["own-style"] == "underline"
    others = {*ROLES, *(f"{role}{STYLE_SUFFIX}" for role in ROLES)} - {"bid", "big-1", "own-style"}
    assert {name: theme.variables[name] for name in others} == {
        name: LIGHT.variables[name] for name in others
    }


def test_an_empty_file_is_the_default_theme_by_another_name(write: Write) -> None:
    (theme,) = write("").themes
    assert theme.variables == DARK.variables
    assert theme.background == DARK.background


def test_a_light_ground_makes_a_light_theme_and_overlays_follow(write: Write) -> None:
    (theme,) = write('background = "#ffffff"\n').themes
    assert (theme.dark, theme.surface) == (False, "#ffffff")


@pytest.mark.parametrize("base", THEMES, ids=lambda one: one.name)
def test_the_template_makes_the_theme_that_it_was_made_of(write: Write, base: Any) -> None:
    files = write(template(base))
    assert files.problems == ()
    (theme,) = files.themes
    assert theme.variables == base.variables
    assert (theme.background, theme.surface, theme.ansi) == (base.background, base.surface, base.ansi)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('bidd = "#ffffff"', ":1: bidd: unknown role; did you mean bid?"),
        ('\n"liq-lon" = "red"', ":2: liq-lon: unknown role; did you mean liq-long?"),
        ('based_on = "drak"', ":1: based_on: mdterm brings no such theme; did you mean dark?"),
        ("based_on = 3", ":1: based_on: expected the name of a theme, got a whole number"),
        ('ask = "#ff"', ":1: ask: '#ff' is no colour; write a colour such as"),
        ('ask = "redd"', ":1: ask: 'redd' is no colour; did you mean red?"),
        ('ask = "#11223344"', ":1: ask: '#11223344' is transparent"),
        ("ask = 7", ":1: ask: expected a colour such as"),
        ('ask = "\\u001b]0;x"', ":1: ask: '\\x1b]0;x' is no colour"),
        ('[styles]\nbid = "bald"', ":2: styles.bid: unknown attribute bald; did you mean bold?"),
        ('[styles]\nbdi = "bold"', ":2: styles.bdi: unknown role; did you mean bid?"),
        ("[styles]\nbid = 1", ":2: styles.bid: expected words such as"),
        ("styles = 1", ":1: styles: expected a table, got a whole number"),
    ],
)
def test_a_fault_is_told_with_its_place_and_the_rest_of_the_theme_is_there(
    write: Write, folder: Path, text: str, words: str
) -> None:
    files = write(f"{text}\n")
    (problem,) = files.problems
    assert str(problem).startswith(f"{folder / 'mine.toml'}{words}")
    assert [theme.name for theme in files.themes] == ["mine"]
    assert "\x1b" not in str(problem)


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        (b"bid = \n", "mine.toml", ":1: is not TOML"),
        (b"bid = '\xff'\n", "mine.toml", ":1: is not UTF-8 text"),
        (b"", "dark.toml", ": mdterm brings a theme dark"),
        (b"", "my theme.toml", ": a theme is named like its file"),
        (b"#" * 70_000, "mine.toml", ": is too long"),
        (b"a = " + b"[" * 5_000, "mine.toml", ": holds nesting"),
    ],
)
def test_a_file_of_which_nothing_can_be_had_costs_no_other(
    write: Write, folder: Path, text: bytes, name: str, words: str
) -> None:
    (folder / "other.toml").write_text("")
    files = write(text, name)
    assert [theme.name for theme in files.themes] == ["other"]
    assert files.broken == {name.removesuffix(".toml")}
    assert str(files.problems[0]).startswith(f"{folder / name}{words}")
    assert files.words() == str(files.problems[0])


def test_what_is_hard_to_read_is_a_warning_with_its_figures(write: Write, folder: Path) -> None:
    files = write('background = "#ffffff"\nsurface = "#ffffff"\n\nbid = "#dddddd"\n')
    assert files.problems == ()
    told = {problem.key: str(problem) for problem in files.warnings if "background" in problem.message}
    assert told["bid"] == (
        f"{folder / 'mine.toml'}:4: bid: is hard to read on background: contrast 1.4, 4.5 is legible"
    )
    assert ":1: text:" in told["text"], "the ground is what was changed"
    (doubt,) = files.doubts()
    assert doubt.startswith(f"{folder / 'mine.toml'}: hard to read: text, muted, key, bid, ")


def test_a_folder_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_themes([tmp_path / "nowhere"]) == ThemeFiles()


# In the program


def settings_of(folder: Path, text: str = "") -> Any:
    (folder / "config.toml").write_text(text)
    return load_settings(folder / "config.toml", [], {})


def test_they_are_looked_for_beside_the_configuration_or_where_it_says(tmp_path: Path) -> None:
    assert folders_of(settings_of(tmp_path))[0] == tmp_path / "themes"
    assert folders_of(settings_of(tmp_path, 'theme_dir = "looks"\n')) == (tmp_path / "looks",)
    (home,) = folders_of(settings_of(tmp_path, 'theme_dir = "~/looks"\n'))
    assert home == Path.home() / "looks"


def test_a_theme_of_ones_own_is_chosen_by_its_name(tmp_path: Path, write: Write) -> None:
    write('bid = "#00ff00"\n')
    choices = choose(settings_of(tmp_path, 'theme = "mine"\n'), None)
    assert choices.theme == "mine"
    assert [theme.name for theme in choices.own_themes.read.themes] == ["mine"]


def test_a_broken_one_that_is_chosen_costs_its_colours_and_not_the_screen(
    tmp_path: Path, write: Write
) -> None:
    write("bid = \n")
    choices = choose(settings_of(tmp_path, 'theme = "mine"\n'), None)
    assert choices.theme == "dark"
    assert choices.own_themes.read.problems


def command(folder: Path, *arguments: str, text: str = "") -> Result:
    (folder / "config.toml").write_text(text)
    context = Context({})
    context.config_path = folder / "config.toml"
    return CliRunner().invoke(themes, arguments, obj=context, standalone_mode=False)


def test_the_command_lists_and_checks_them(tmp_path: Path, write: Write) -> None:
    write('bid = "#00ff00"\n', "fine.toml")
    write('background = "#ffffff"\n', "pale.toml")
    done = command(tmp_path, text='theme = "fine"\n')
    assert done.stdout.splitlines()[-2:] == ["fine *", "pale"]
    assert (done.return_value, done.stderr) == (0, "")
    checked = command(tmp_path, "--check")
    assert checked.return_value == 0, "what is hard to read is no fault"
    lines = checked.stdout.splitlines()
    assert lines[-1] == "fine: no mistakes"
    assert all("pale.toml:1:" in line and line.endswith("(a warning)") for line in lines[:-1])
    write("bid = \n", "broken.toml")
    assert command(tmp_path, "--check").return_value == 2
    assert "broken.toml:1: is not TOML" in command(tmp_path).stderr
    assert command(tmp_path, text='theme = "broken"\n').stdout.splitlines()[0] == "dark *"


def test_the_command_without_any_says_where_they_belong(tmp_path: Path) -> None:
    done = command(tmp_path, "--check")
    assert done.return_value == 0
    assert str(tmp_path / "themes") in done.stdout


def test_the_command_gives_a_file_to_begin_with(tmp_path: Path) -> None:
    done = command(tmp_path, "--template", "blue-orange")
    assert done.return_value == 0
    assert 'based_on = "blue-orange"' in done.stdout
    assert "did you mean light?" in str(command(tmp_path, "--template", "lihgt").exception)


class Files:
    """A folder whose every change is one, however fast they follow each other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.times = 1_000

    def write(self, text: str, name: str = "mine.toml") -> None:
        path = self.folder / name
        path.write_text(text)
        self.times += 1
        os.utime(path, (self.times, self.times))


async def test_on_the_screen_they_follow_the_others_and_changed_files_are_taken_up(
    port: Any, instruments: Any, clock: Any, folder: Path
) -> None:
    files = Files(folder)
    files.write('bid = "#00ff00"\nnope = 1\n')
    own = Watched((folder,), read_themes([folder]))
    app = Dashboard(port, instruments, clock=clock, theme="mono", own_themes=own)

    def looked() -> None:
        for _ in range(2):
            app.tick()

    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert "unknown role" in app.notices.kept[-1].words
        await pilot.press("t")
        assert app.theme == "mine"
        await pilot.pause()
        assert bid(app) == "#00ff00"
        files.write('bid = "#0000ff"\n')
        looked()
        await pilot.pause()
        assert bid(app) == "#0000ff"
        files.write("bid = \n")
        looked()
        await pilot.pause()
        assert (app.theme, bid(app)) == ("mine", "#0000ff"), "the last good one stays"
        assert "is not TOML" in app.notices.kept[-1].words
        files.write("", "other.toml")
        (folder / "mine.toml").unlink()
        looked()
        await pilot.pause()
        assert app.theme == "dark", "its file has gone"
        assert app.shelf.after("mono") == "other"
        await pilot.press("t")
        assert app.theme == "light"


def bid(app: Dashboard) -> str:
    palette = app.board.ladder.palette
    assert palette is not None
    assert palette.bid.color is not None
    return palette.bid.color.name
