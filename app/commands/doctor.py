"""`mdterm doctor`: the terminal, the configuration, the keys and the way to the providers."""

import asyncio
import platform
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from mdterm.app import __version__, completing
from mdterm.app.commands.context import USAGE, Context, Failed, common_options

if TYPE_CHECKING:
    from mdterm.app.doctor_terminal import Finding
    from mdterm.app.settings import Settings


@click.command()
@click.argument("names", nargs=-1, metavar="[PROVIDER…]", shell_complete=completing.providers)
@click.option("--offline", is_flag=True, help="Do not use the network.")
@click.option("--keys", "keys", is_flag=True, help="Show what the terminal sends for each key pressed.")
@click.option(
    "--seconds", type=click.FloatRange(1, 120), default=8.0, help="How long to wait for data (default: 8)."
)
@common_options
@click.pass_obj
def doctor(context: Context, names: tuple[str, ...], offline: bool, keys: bool, seconds: float) -> int:
    """Look at the terminal, the configuration, the keys and the connections, and say what to do.

    Of the connections all that have a key, or those of PROVIDER.
    """
    if keys:
        return _capture(context)
    _check_names(context, names)
    from mdterm.app.charset import as_started, is_ascii, to_ascii

    in_ascii = is_ascii("auto", as_started())

    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0

    def say(words: str, indent: int = 0) -> None:
        words = to_ascii(words) if in_ascii else words
        lines = [words]
        if room > 2 * indent and "\n" not in words:
            lines = textwrap.wrap(words, room, subsequent_indent=" " * indent, break_on_hyphens=False)
        click.echo("\n".join(lines))

    worst, todos = 0, list[str]()
    for heading, findings in _sections(context, names, offline=offline, seconds=seconds):
        say(heading)
        for one in findings:
            say(f"  {one.mark:2}  {one.words}", 6)
            worst = worst or one.status
            if one.todo and one.todo not in todos:
                todos.append(one.todo)
    say("What to do" if todos else "Nothing to do")
    for number, todo in enumerate(todos, 1):
        say(f"  {number}.  {todo}", 6)
    return worst


def _sections(
    context: Context, names: Sequence[str], *, offline: bool, seconds: float
) -> Iterator[tuple[str, Iterator["Finding"]]]:
    from mdterm.app.doctor_terminal import look

    yield "Program", _program()
    yield "Terminal", iter(look(context.environ))
    yield "Configuration", _configuration(context)
    yield "Providers", _providers(context, names, offline=offline, seconds=seconds)


def _program() -> Iterator["Finding"]:
    from mdterm.app.doctor_terminal import Finding

    yield Finding("ok", f"mdterm {__version__}, Python {platform.python_version()}, {platform.platform()}")
    for name, without in (
        ("uvloop", "the feed takes more of the processor"),
        ("plotext", "the plots of the chart panel (p) are not there"),
        ("brotli", "compressed frames cannot be read"),
    ):
        try:
            __import__(name)
        except ImportError:
            yield Finding("!", f"{name} is not installed: {without}")


def _configuration(context: Context) -> Iterator["Finding"]:
    from mdterm.app import locations
    from mdterm.app.commands.config import screen_problems
    from mdterm.app.doctor_terminal import Finding
    from mdterm.app.settings import SettingsError

    path = context.config_path or locations.config_file()
    try:
        settings = context.settings()
    except SettingsError as error:
        yield Finding(
            "✗", str(error).replace("\n", "\n      "), "mend the configuration; mdterm config check", USAGE
        )
        return
    words = f"{path}: read" if path.exists() else f"{path}: not there, so everything is as by default"
    yield Finding("ok", words)
    for problem in screen_problems(settings):
        yield Finding("✗", str(problem), "mend the configuration; mdterm config check", USAGE)
    if not settings.with_credential:
        yield Finding(
            "ok",
            "no provider has a key: mdterm shows the simulated market",
            "for a real market: mdterm config init, then give a provider its key in that file",
        )


def _providers(
    context: Context, names: Sequence[str], *, offline: bool, seconds: float
) -> Iterator["Finding"]:
    from mdterm.app.doctor_terminal import Finding
    from mdterm.app.settings import SettingsError

    try:
        settings = context.settings()
    except SettingsError:
        return
    for name in names:
        if name not in settings.with_credential and settings.providers[name].kind != "jayx":
            words = f"{name}: it has no key"
            yield Finding("!", words, f"give {name} its key in the configuration: mdterm config init", USAGE)
    if offline:
        yield Finding("ok", "not looked at: --offline")
        return
    from mdterm.app.doctor_network import ask, endpoints, probe_of, proxies, reach
    from mdterm.app.providers import World

    yield from proxies(context.environ)
    world = World(context)
    try:
        for name in [one for one in settings.providers if _is_looked_at(settings, one, names)]:
            provider = settings.providers[name]
            try:
                made = world.provider(name)
            except Failed as failed:
                yield Finding(
                    "✗", f"{name}: {failed.words}", f"give {name} a key that can be had", failed.status
                )
                continue
            has_key = name in settings.with_credential
            yield Finding(
                "ok", f"{name}: {'its key is there' if has_key else 'no key; the market needs none'}"
            )
            for url in endpoints(provider).values():
                yield asyncio.run(reach(url))
            address = probe_of(settings, name)
            if address is not None:
                (instrument,) = world.instruments([address])
                yield from asyncio.run(ask(provider, made, instrument.address, seconds))
    finally:
        world.close()


def _check_names(context: Context, names: Sequence[str]) -> None:
    """Raise Failed where there is no such provider."""
    from mdterm.app.settings import SettingsError
    from mdterm.app.settings_problems import nearest

    try:
        known = context.settings().providers
    except SettingsError:
        return  # what is wrong is told among what is found
    for name in names:
        if name not in known:
            raise Failed(f"there is no provider {name}{nearest(name, known)}", USAGE)


def _is_looked_at(settings: "Settings", name: str, names: Sequence[str]) -> bool:
    """Return whether a provider's connections are tried: it has its key, or needs none and is named."""
    has_key = name in settings.with_credential
    if not names:
        return has_key
    return name in names and (has_key or settings.providers[name].kind == "jayx")


def _capture(context: Context) -> int:
    from mdterm.app.doctor_keys import capture
    from mdterm.app.keymap import bind_keys

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Failed("keys can only be looked at in a terminal", USAGE)
    keymap, _ = bind_keys(context.settings().keys)
    capture(keymap)
    return 0
