"""What the shell offers for what is typed: addresses, providers, themes, and the dashboard's own options.

Nothing here asks anybody or reveals a key: candidates are what this machine knows.
"""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

MOST = 200
"""Candidates at most: more is no help, and a shell would ask whether to show them."""

BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' line="${COMP_LINE:0:$COMP_POINT}" before="" completion type value
    local -a words
    IFS=' ' read -ra words <<< "$line"
    [[ $line == *' ' ]] && words+=("")
    # What bash has put into words is parted at colons, of which every address has one or two.
    local last="${words[-1]}"
    [[ $COMP_WORDBREAKS == *:* ]] && before="${last%%"${last##*:}"}"
    for completion in $(env COMP_WORDS="${words[*]}" COMP_CWORD=$((${#words[@]} - 1)) \\
%(complete_var)s=bash_complete "$1"); do
        IFS=',' read -r type value <<< "$completion"
        if [[ $type == 'file' || $type == 'dir' ]]; then
            COMPREPLY=()
            compopt -o default
        else
            COMPREPLY+=("${value#"$before"}")
        fi
    done
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""
"""Click's own script hands addresses over in pieces."""


def addresses(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Return addresses that begin so: the watchlist, what the tables hold; else the names of providers."""
    from mdterm.app.search import SIMULATED, listed, short
    from mdterm.app.settings import SettingsError, load_settings
    from mdterm.feeds.address import parse_address

    try:
        settings = load_settings(None, [], os.environ)
    except SettingsError:
        return _items([f"{SIMULATED}:"], incomplete)
    watched = [str(short(parse_address(one))) for one in settings.watchlist]
    provider = incomplete.partition(":")[0]
    if ":" in incomplete:
        return _items([*watched, *(one.address for one in listed(settings, provider) or ())], incomplete)
    names = [SIMULATED, *settings.with_credential]
    return _items([*watched, *(f"{name}:" for name in names)], incomplete)


def providers(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Return the names of providers that begin so."""
    from mdterm.app.search import SIMULATED
    from mdterm.app.settings import SettingsError, load_settings
    from mdterm.app.settings_schema import BUILT_IN

    try:
        names: Iterable[str] = load_settings(None, [], os.environ).providers
    except SettingsError:
        names = BUILT_IN
    return _items([*names, SIMULATED], incomplete)


def intervals(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Return the intervals that begin so."""
    from mdterm.feeds.intervals import LENGTHS

    return _items(LENGTHS, incomplete)


def kinds(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Return kinds of event; of a list by comma the last is completed."""
    from typing import get_args

    from mdterm.feeds.events import Stream

    had, comma, _ = incomplete.rpartition(",")
    return _items((f"{had}{comma}{kind}" for kind in get_args(Stream)), incomplete)


def brought_themes(ctx: click.Context, param: click.Parameter, incomplete: str) -> "list[CompletionItem]":
    """Return the themes that mdterm brings."""
    from mdterm.themes.palettes import THEMES

    return _items((theme.name for theme in THEMES), incomplete)


def of_the_dashboard(ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
    """Return what may follow `mdterm` where no command is named: the dashboard's options, and addresses."""
    from mdterm.app.commands.watch import watch

    if incomplete.startswith("-"):
        return watch.shell_complete(click.Context(watch, parent=ctx, info_name="watch"), incomplete)
    return addresses(ctx, watch.params[0], incomplete)


def _items(candidates: Iterable[str], incomplete: str) -> "list[CompletionItem]":
    from click.shell_completion import CompletionItem  # only a shell that asks needs it

    fitting = [one for one in dict.fromkeys(candidates) if one.startswith(incomplete)]
    return [CompletionItem(one) for one in fitting[:MOST]]
