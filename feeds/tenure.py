"""Which markets are kept that nobody wants: in days a feed sees more of them than it can hold. Pure."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from mdterm.feeds.market import Market, Quote

MOST_FULL: Final = 64
"""Full markets, wanted or not; of those that nobody wants the longest unwanted go first."""
MOST_QUOTES: Final = 2_000
"""Markets of the quote tier that nobody wants."""
_SLACK: Final = 32
"""So many more may come before it is looked again: looking costs a walk over all that is wanted."""


class Tenure:
    """Since when nobody has wanted a market."""

    def __init__(self, markets: Mapping[str, Market | Quote]) -> None:
        self.full = 0
        """Full markets now."""
        self._markets = markets
        self._unwanted: dict[str, float] = {}
        self._look_at = (MOST_FULL, MOST_QUOTES)

    def count(self) -> None:
        """Count the full markets."""
        self.full = sum(isinstance(one, Market) for one in self._markets.values())

    @property
    def is_due(self) -> bool:
        """Whether so many markets have come that some may have to go."""
        full, quotes = self._look_at
        return self.full > full or len(self._markets) - self.full > quotes

    def surplus(self, wanted: AbstractSet[str], now: float, *, room: int = 0) -> list[str]:
        """Return the markets to let go; ``room`` for so many full ones is wanted besides."""
        markets = self._markets
        since = self._unwanted
        self._unwanted = unwanted = {
            address: since.get(address, now) for address in markets if address not in wanted
        }
        self.count()
        full = _longest(unwanted, (one for one in unwanted if isinstance(markets[one], Market)))
        quotes = _longest(unwanted, (one for one in unwanted if not isinstance(markets[one], Market)))
        going = full[: max(0, self.full + room - MOST_FULL)]
        going += quotes[: max(0, len(quotes) - MOST_QUOTES)]
        full_left = self.full - sum(isinstance(markets[one], Market) for one in going)
        quotes_left = len(markets) - len(going) - full_left
        self._look_at = (max(MOST_FULL, full_left + _SLACK), max(MOST_QUOTES, 2 * quotes_left))
        return going


def _longest(unwanted: Mapping[str, float], addresses: Iterable[str]) -> list[str]:
    return sorted(addresses, key=lambda one: unwanted[one])
