"""Asking the providers' own search for instruments."""

import asyncio
from collections.abc import Callable, Iterable

from mdterm.feeds.contract import HistoryError, Provider

Answer = Callable[[list[str], str | None], None]
"""Takes the addresses that one provider found, best first, and in words why there may be none."""


async def ask(providers: Iterable[Provider], query: str, answer: Answer) -> None:
    """Ask every provider that can be searched, all at once; hand each answer on as it comes."""

    async def one(provider: Provider) -> None:
        if provider.history is None or not provider.capabilities.has_search:
            return
        try:
            found = await provider.history.search(query)
        except HistoryError as error:
            answer([], f"{provider.name}: {error}")
        else:
            answer(found, None)

    await asyncio.gather(*(one(provider) for provider in providers))
