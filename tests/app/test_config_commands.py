"""`mdterm config`: the file it writes is right, and what it shows hides what must be hidden."""

import re
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import get_type_hints

import pytest
from click.testing import CliRunner, Result

from mdterm.app import locations
from mdterm.app.commands.config import config
from mdterm.app.commands.context import Context, Failed
from mdterm.app.settings import Settings, SettingsError, load_settings
from mdterm.app.settings_schema import BUILT_IN, ChannelSettings, GeneralSettings, SymbolSettings
from mdterm.app.settings_text import effective, template
from mdterm.feeds.kiyotaka import facts as kiyotaka_facts

SECRET = "5ecretValueThatNobodySees"

Run = Callable[..., Result]


def context_of(
    path: Path | None, overrides: tuple[str, ...] = (), environ: dict[str, str] | None = None
) -> Context:
    context = Context(environ or {})
    context.config_path = path
    context.overrides = overrides
    return context


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "config.toml"


@pytest.fixture
def run(path: Path) -> Run:
    def run_config(
        *arguments: str, overrides: tuple[str, ...] = (), environ: dict[str, str] | None = None
    ) -> Result:
        return CliRunner().invoke(config, arguments, obj=context_of(path, overrides, environ))

    return run_config


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)


def uncommented(text: str) -> str:
    """Take the # from every line that is a commented key."""
    return re.sub(r'^# (?=([\w-]+|"[^"]+") = )', "", text, flags=re.MULTILINE)


def test_path_prints_only_the_path(run: Run, path: Path) -> None:
    assert run("path").stdout == f"{path}\n"


def test_path_is_the_platforms_own_unless_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(locations, "config_file", lambda: tmp_path / "own.toml")
    assert CliRunner().invoke(config, ["path"], obj=context_of(None)).stdout == f"{tmp_path / 'own.toml'}\n"


@pytest.mark.skipif(sys.platform != "linux", reason="the place of another platform")
def test_path_follows_the_desktop_standard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    done = CliRunner().invoke(config, ["path"], obj=context_of(None))
    assert done.stdout == f"{tmp_path}/mdterm/config.toml\n"


def test_init_writes_a_private_file_that_changes_nothing(run: Run, path: Path) -> None:
    done = run("init")
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"{path}\n", "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    settings = load_settings(path, [], {})
    assert settings.origins == {}
    assert run("check").exit_code == 0


def failure(result: Result) -> Failed:
    assert isinstance(result.exception, Failed)
    assert result.stdout == ""
    return result.exception


def test_init_never_overwrites(run: Run, path: Path) -> None:
    write(path, "fps = 3\n")
    failed = failure(run("init"))
    assert (failed.status, failed.words) == (2, f"{path} is there already and is not overwritten")
    assert path.read_text() == "fps = 3\n"


def test_init_does_not_follow_a_dangling_link(run: Run, path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(tmp_path / "elsewhere")
    assert failure(run("init")).status == 2
    assert not (tmp_path / "elsewhere").exists()


def test_init_says_why_it_cannot_write(run: Run, path: Path) -> None:
    path.parent.write_text("a file where a folder should be")
    failed = failure(run("init"))
    assert failed.status == 2
    assert str(path) in failed.words


def test_the_written_file_names_every_key_and_each_is_accepted(path: Path) -> None:
    write(path, text := uncommented(template()))
    settings = load_settings(path, [], {})
    document = tomllib.loads(text)
    assert set(document) == {*get_type_hints(GeneralSettings), "providers"}
    for kind, struct in BUILT_IN.items():
        assert set(document["providers"][kind]) == set(get_type_hints(struct)) - {"name", "kind"}
    channels = document["providers"]["kiyotaka"]["channels"].values()
    assert {key for channel in channels for key in channel} == set(get_type_hints(ChannelSettings))
    assert set(document["providers"]["jayx"]["symbols"]["BTCUSDT"]) == set(get_type_hints(SymbolSettings))
    assert len(settings.watchlist) == 2


def test_the_written_defaults_are_the_defaults(path: Path) -> None:
    write(path, uncommented(template()))
    written, absent = load_settings(path, [], {}), load_settings_of_nothing(path.parent)
    for key in ("fps", "slow_link", "red_up", "time_zone", "feed"):
        assert getattr(written, key) == getattr(absent, key)
    for kind, struct in BUILT_IN.items():
        for key in get_type_hints(struct):
            default = getattr(absent.providers[kind], key)
            if default is not None and not isinstance(default, dict):
                assert getattr(written.providers[kind], key) == default, key


def load_settings_of_nothing(folder: Path) -> Settings:
    write(folder / "empty.toml", "")
    return load_settings(folder / "empty.toml", [], {})


def test_the_written_addresses_are_the_ones_in_use() -> None:
    document = tomllib.loads(uncommented(template()))["providers"]["kiyotaka"]
    host = kiyotaka_facts.WS_HOSTS["singapore"]
    assert document["book_url"] == host + kiyotaka_facts.WS_PATHS["book"]
    assert document["nonbook_url"] == host + kiyotaka_facts.WS_PATHS["nonbook"]
    assert document["rest_url"] == kiyotaka_facts.REST_BASE
    assert document["auth_header"] == kiyotaka_facts.AUTH_HEADER


EVERY_SECRET = f"""
[providers.alltick]
token = "{SECRET}"
[providers.kiyotaka]
token = {{ command = ["sh", "-c", "echo {SECRET}"] }}
rest_url = "https://user:{SECRET}@rest.example/"
[providers.jayx]
api_key = {{ env = "JAYX_KEY" }}
[providers.second]
kind = "jayx"
api_key = "{SECRET}"
"""


def test_show_tells_value_and_source_and_hides_secrets(run: Run, path: Path) -> None:
    write(path, f"fps = 3\n{EVERY_SECRET}")
    done = run(
        "show", overrides=("theme=light",), environ={"JAYX_KEY": SECRET, "MDTERM_ALLTICK_TOKEN": SECRET}
    )
    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert f"fps = 3.0  # {path}:1" in lines
    assert 'theme = "light"  # --set' in lines
    assert "red_up = false  # default" in lines
    assert 'token = "…Sees"  # MDTERM_ALLTICK_TOKEN' in lines
    assert f'token = {{ command = ["sh", "…"] }}  # {path}:6' in lines
    assert f'api_key = {{ env = "JAYX_KEY" }}  # {path}:9' in lines
    assert f'api_key = "…Sees"  # {path}:12' in lines
    for start in range(len(SECRET) - 4):
        assert SECRET[start : start + 5] not in done.stdout
    tomllib.loads(done.stdout)


def test_what_show_prints_reads_back_as_what_is_in_force(path: Path) -> None:
    text = """
watchlist = ["sim:BTCUSDT"]
keys."a.b" = ["x", "\\""]
[providers.kiyotaka]
block_size = 2.5
block_sizes."kiyotaka:BYBIT:X" = 0.1
channels.TRADE_AGG.batch_interval = "1s"
[providers.jayx]
envelope = ["e", "m"]
[providers.desk2]
kind = "jayx"
symbols."A/B" = { tick = 0.0000001, lot = 1 }
"""
    write(path, text)
    settings = load_settings(path, ["layout=wide", "time_zone=UTC"], {})
    shown = path.with_name("shown.toml")
    write(shown, effective(settings))
    again = load_settings(shown, [], {})
    assert again.providers == settings.providers
    assert [getattr(again, key) for key in get_type_hints(GeneralSettings)] == [
        getattr(settings, key) for key in get_type_hints(GeneralSettings)
    ]


def test_check_and_show_name_every_mistake(run: Run, path: Path) -> None:
    write(path, f"fsp = 3\n[providers.kiyotaka]\ntoken = '{SECRET}'\nregion = 'mars'\n")
    path.chmod(0o644)
    for command in ("check", "show"):
        error = refusal(run(command))
        first, second, third = str(error).splitlines()
        assert first == f"{path}:1: fsp: unknown key; did you mean fps?"
        assert second.startswith(f"{path}:3: providers.kiyotaka.token: ")
        assert "chmod 600" in second
        assert third == f"{path}:4: providers.kiyotaka.region: expected one of singapore or europe"
        assert SECRET not in str(error)


def test_check_knows_themes_commands_and_keys(run: Run, path: Path) -> None:
    write(path, "theme = 'drak'\n[keys]\nqiut = 'x'\nquit = 'hyper+x'\nhelp = 'f1'\n")
    lines = str(refusal(run("check"))).splitlines()
    assert [line.partition(" ")[0] for line in lines] == [f"{path}:1:", f"{path}:3:", f"{path}:4:"]
    assert "did you mean dark?" in lines[0]
    assert "did you mean quit?" in lines[1]
    assert "hyper+x" in lines[2]
    assert refusal(run("check", overrides=("theme=lihgt",))).problems[0].where == "--set"


def test_check_is_content_with_a_good_file(run: Run, path: Path) -> None:
    write(path, "theme = 'light'\nkeys.quit = 'x'\n")
    done = run("check")
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"{path}: no mistakes\n", "")


def test_check_is_content_with_every_example_of_init(run: Run, path: Path) -> None:
    write(path, uncommented(template()))
    done = run("check")
    assert (done.exit_code, done.stdout) == (0, f"{path}: no mistakes\n")


def test_a_named_file_that_is_absent_is_a_mistake(run: Run, path: Path) -> None:
    assert str(refusal(run("check"))) == f"{path}: no such configuration file"


def test_check_without_a_file_says_that_defaults_hold(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(locations, "config_file", lambda: tmp_path / "own.toml")
    done = CliRunner().invoke(config, ["check"], obj=context_of(None))
    assert (done.exit_code, done.stdout) == (0, f"{tmp_path / 'own.toml'}: absent, defaults hold\n")


def refusal(result: Result) -> SettingsError:
    assert isinstance(result.exception, SettingsError)
    assert result.stdout == ""
    return result.exception


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["path"], 0), (["check"], 0), (["show"], 0), (["init"], 2), (["nonsense"], 2)],
)
def test_the_program_itself_ends_with_these_statuses(path: Path, arguments: list[str], status: int) -> None:
    write(path, "fps = 3\n")
    command = [sys.executable, "-m", "mdterm.app.main", "config", *arguments, "--config", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == status
    assert bool(done.stderr) == (status != 0)
    assert "Traceback" not in done.stderr
