"""`mdterm symbols`: what can be watched, one address a line."""

from typing import TYPE_CHECKING

import click

from mdterm.app import completing
from mdterm.app.commands.context import REFUSED, UNREACHABLE, USAGE, Context, Failed, common_options

if TYPE_CHECKING:
    from mdterm.feeds.contract import Provider

LONGEST = 200
"""Characters of an address that are printed; no provider's symbols come near."""


@click.command()
@click.argument("provider", shell_complete=completing.providers)
@click.argument("query", nargs=-1, metavar="[QUERY]…")
@common_options
@click.pass_obj
def symbols(context: Context, provider: str, query: tuple[str, ...]) -> int:
    """Print the addresses of PROVIDER that fit every word of QUERY, the best first.

    AllTick's come from a built-in table, JayX's from the configuration, the simulated market's from
    itself; none of these needs a key. Other providers are asked, and may answer with the first hundred.
    """
    from mdterm.app import search
    from mdterm.app.stdout import write_out
    from mdterm.feeds.text import clean

    settings, words = context.settings(), " ".join(query)
    listed = search.listed(settings, provider)
    if listed is None:
        found = _ask(context, provider, words)
    else:
        more = search.typed(settings, provider, words)
        found = [match.address for match in search.rank(words, search.merge(listed, more))]
    write_out("".join(f"{clean(address, LONGEST)}\n" for address in found))
    return 0


def _ask(context: Context, name: str, words: str) -> list[str]:
    """Return what the provider's own search finds. Raise Failed, or AddressError if there is none."""
    from mdterm.app.foreground import run
    from mdterm.app.providers import World

    world = World(context)
    try:
        provider = world.provider(name)
        context.start_log()
        return run(_search(provider, words))
    finally:
        world.close()


async def _search(provider: "Provider", words: str) -> list[str]:
    from mdterm.feeds.contract import HistoryError

    history = provider.history
    if history is None or not provider.capabilities.has_search:
        raise Failed(f"provider {provider.name!r} cannot be searched: write its addresses yourself", USAGE)
    try:
        return await history.search(words)
    except HistoryError as error:
        raise Failed(
            f"provider {provider.name!r}: {error}", REFUSED if error.refused else UNREACHABLE
        ) from None
    finally:
        await history.close()
