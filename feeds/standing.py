"""What stands already when somebody begins to listen: the newest snapshots, which may not come again soon.

A connection of one's own would begin with them; one that is shared has had them.
"""

from collections.abc import Iterable, Mapping

from mdterm.feeds.account import Account
from mdterm.feeds.events import Balance, Event, Stream
from mdterm.feeds.market import Market, Quote


def standing(
    wants: Iterable[tuple[str, Stream]],
    markets: Mapping[str, Market | Quote],
    accounts: Mapping[str, Account],
    seen: int,
) -> list[Event]:
    """Return the newest book, funding, open interest, profile, balances and open orders of these streams.

    Each as it came, but for balances, which are told as of now (``seen``, ns).
    """
    found: list[Event | None] = []
    for address, stream in wants:
        market = markets.get(address)
        account = accounts.get(address.partition(":")[0])
        if isinstance(market, Market) and stream == "book":
            found.append(market.book)
        elif isinstance(market, Market) and stream == "funding":
            found.append(market.derivatives.funding)
        elif isinstance(market, Market) and stream == "open_interest":
            found.append(market.derivatives.open_interest)
        elif isinstance(market, Market) and stream == "volume_profile":
            found.append(market.profile)
        elif account is not None and stream == "balance":
            found += [
                Balance(account.name, None, seen, one.asset, f"{one.total:f}", f"{one.available:f}")
                for one in account.holdings.values()
            ]
        elif account is not None and stream == "order":
            found += [one.order for (of, _), one in account.orders.items() if of == address]
    return [one for one in found if one is not None]
