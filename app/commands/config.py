"""`mdterm config`: where the configuration is, a commented one, what is in force, what is wrong with it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mdterm.app import locations
from mdterm.app.commands.context import USAGE, Context, Failed, common_options

if TYPE_CHECKING:
    from mdterm.app.settings import Problem, Settings


@click.group("config")
@common_options
def config() -> None:
    """The configuration file: where it is, a commented one, what is in force, what is wrong with it."""


@config.command("path")
@common_options
@click.pass_obj
def show_path(context: Context) -> None:
    """Print where the configuration file is, or would be."""
    click.echo(_file(context))


@config.command("init")
@common_options
@click.pass_obj
def init(context: Context) -> None:
    """Write a commented file with every key and its default. A file that exists is left alone."""
    from mdterm.app.settings_text import template

    path = _file(context)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Private from its first byte: a key will stand in it.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(template())
    except FileExistsError:
        raise Failed(f"{path} is there already and is not overwritten", USAGE) from None
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror}", USAGE) from None
    click.echo(path)


@config.command("show")
@common_options
@click.pass_obj
def show(context: Context) -> None:
    """Print the settings in force as TOML, each with its source; of a secret at most 4 characters."""
    from mdterm.app.settings_text import effective

    click.echo(effective(context.settings()), nl=False)


@config.command("check")
@common_options
@click.pass_obj
def check(context: Context) -> None:
    """Name everything that is wrong, with file, line and key; the exit status is 2 then, else 0."""
    from mdterm.app.settings import SettingsError

    settings = context.settings()
    if problems := screen_problems(settings):
        raise SettingsError.of(problems)
    click.echo(f"{settings.path}: " + ("no mistakes" if settings.path.exists() else "absent, defaults hold"))


def screen_problems(settings: "Settings") -> "list[Problem]":
    """Judge what only the screen knows: the names of themes, and keys and their commands."""
    from mdterm.app.choices import theme_names
    from mdterm.app.keymap import bind_keys
    from mdterm.app.layout_keys import LAYOUTS
    from mdterm.app.settings_problems import nearest
    from mdterm.app.settings_sources import dotted
    from mdterm.app.theme_files import folders_of, read_themes
    from mdterm.feeds.alerts import parse_alert

    files = read_themes(folders_of(settings))
    problems = [*files.problems]
    names = [*theme_names(files), *files.broken]
    if settings.theme is not None and settings.theme not in names:
        problems += settings.error("theme", f"unknown theme{nearest(settings.theme, names)}").problems
    if settings.layout is not None and settings.layout not in LAYOUTS:
        problems += settings.error("layout", f"unknown layout{nearest(settings.layout, LAYOUTS)}").problems
    for alert in settings.alerts:
        try:
            parse_alert(alert)
        except ValueError as error:
            problems += settings.error("alerts", str(error)).problems
    for problem in bind_keys(settings.keys)[1]:
        problems += settings.error(dotted(("keys", problem.id)), problem.words).problems
    return problems


def _file(context: Context) -> Path:
    return context.config_path or locations.config_file()
