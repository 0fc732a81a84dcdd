"""Find an instrument by what a person types, over everything that is known of all providers.

Nothing here waits: the watchlist and the tables that need no network are candidates at once, and what a
provider's own search answers is merged in when it comes.
"""

from collections.abc import Collection, Iterable, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from mdterm.app.settings import AlltickSettings, JayxSettings, KiyotakaSettings, Settings
from mdterm.feeds.address import Address, AddressError, parse_address
from mdterm.feeds.kiyotaka.facts import DEFAULT_EXCHANGE, EXCHANGE_ALIASES

SIMULATED: Final = "sim"
ALLTICK: Final = "alltick"


class Source(IntEnum):
    """Where a candidate comes from; among equals the smaller one stands first."""

    WATCHLIST = 0
    LOCAL = 1
    PROVIDER = 2


class Candidate(NamedTuple):
    """An address that may be meant. ``aliases`` are symbols that people type for it, ``name`` words."""

    address: str
    source: Source = Source.PROVIDER
    aliases: tuple[str, ...] = ()
    name: str = ""


class Match(NamedTuple):
    """A candidate that fits; ``alias`` is the other name that made it fit, to be shown beside it."""

    candidate: Candidate
    alias: str | None

    @property
    def address(self) -> str:
        """Return the address."""
        return self.candidate.address


class Tier(IntEnum):
    """How a word fits a name; smaller is better."""

    EXACT = 0
    """The word is the symbol, or the whole address."""
    EXACT_ALIAS = 1
    PREFIX = 2
    """The symbol begins so."""
    PREFIX_ALIAS = 3
    WORD = 4
    """A part of the symbol after a separator, the exchange, the provider or a word of the name begins so."""
    INSIDE = 5
    """The word stands anywhere in the symbol, an alias or the name."""
    SUBSEQUENCE = 6
    """The word's characters stand in the symbol in their order, others between."""


class Fit(NamedTuple):
    """How one word fits a candidate: the tier, then how much of the name it leaves over."""

    tier: Tier
    rest: int
    alias: str | None = None


_SEPARATORS: Final = ":/-_. "
_BARE: Final = str.maketrans("", "", _SEPARATORS)
_SPACED: Final = str.maketrans(dict.fromkeys(_SEPARATORS, " "))


def rank(query: str, candidates: Iterable[Candidate]) -> list[Match]:
    """Return the candidates that fit every word of ``query``, best first; all, as given, for no word.

    Case and separators (``:/-_.``) do not count: ``btc/usdt`` is BTCUSDT. Each word takes the best tier it
    reaches; the order is by the sum of the tiers, then by the characters of the names left over, then by
    source, then as given. So what comes later never changes the order of what was there before, and
    whatever is exactly what was typed comes first.
    """
    words = query.casefold().split()
    ranked: list[tuple[int, int, int, int, Match]] = []
    for at, candidate in enumerate(candidates):
        fits = _fits(words, candidate)
        if fits is None:
            continue
        alias = next((fit.alias for fit in fits if fit.alias is not None), None)
        tiers, rest = sum(fit.tier for fit in fits), sum(fit.rest for fit in fits)
        source = candidate.source if words else 0
        ranked.append((tiers, rest, source, at, Match(candidate, alias)))
    return [match for *_, match in sorted(ranked, key=lambda one: one[:4])]


def _fits(words: Sequence[str], candidate: Candidate) -> list[Fit] | None:
    names = _Names(candidate)
    found: list[Fit] = []
    for word in words:
        fit = names.fit(word)
        if fit is None:
            return None
        found.append(fit)
    return found


class _Names:
    """What a candidate is called, ready to be compared."""

    def __init__(self, candidate: Candidate) -> None:
        folded = candidate.address.casefold()
        self._address = folded.translate(_BARE)
        *where, symbol = folded.split(":", 2)
        self._symbol = symbol.translate(_BARE)
        self._aliases = [(alias, alias.casefold().translate(_BARE)) for alias in candidate.aliases]
        self._parts = " ".join([symbol, *where]).translate(_SPACED).split() + [
            part.translate(_BARE) for part in where
        ]
        self._name = candidate.name
        self._name_folded = candidate.name.casefold()

    def fit(self, word: str) -> Fit | None:
        """Return the best fit of one word, None if it fits nothing."""
        bare = word.translate(_BARE)
        if not bare:
            return Fit(Tier.INSIDE, 0)  # a lone separator tells nothing
        symbol = self._symbol
        if bare in (symbol, self._address):
            return Fit(Tier.EXACT, 0)
        for alias, folded in self._aliases:
            if bare == folded:
                return Fit(Tier.EXACT_ALIAS, 0, alias)
        if symbol.startswith(bare):
            return Fit(Tier.PREFIX, len(symbol) - len(bare))
        if self._address.startswith(bare) and ":" in word:
            return Fit(Tier.PREFIX, len(self._address) - len(bare))
        for alias, folded in self._aliases:
            if folded.startswith(bare):
                return Fit(Tier.PREFIX_ALIAS, len(folded) - len(bare), alias)
        return self._loosely(bare)

    def _loosely(self, bare: str) -> Fit | None:
        symbol = self._symbol
        for part in self._parts:
            if part.startswith(bare):
                return Fit(Tier.WORD, len(part) - len(bare))
        for part in self._name_folded.translate(_SPACED).replace("(", " ").split():
            if part.startswith(bare):
                return Fit(Tier.WORD, len(part) - len(bare), self._name)
        if bare in symbol or bare in self._address:
            return Fit(Tier.INSIDE, len(symbol))
        for alias, folded in self._aliases:
            if bare in folded:
                return Fit(Tier.INSIDE, len(folded), alias)
        if bare in self._name_folded.translate(_BARE):
            return Fit(Tier.INSIDE, len(self._name_folded), self._name)
        span = _span(bare, symbol)
        return None if span is None else Fit(Tier.SUBSEQUENCE, span)


def _span(word: str, name: str) -> int | None:
    """Return how many characters of ``name`` a subsequence takes from its first to its last, or None."""
    at = first = -1
    for char in word:
        at = name.find(char, at + 1)
        if at < 0:
            return None
        first = at if first < 0 else first
    return at - first + 1


def merge(known: Iterable[Candidate], found: Iterable[Candidate]) -> list[Candidate]:
    """Return both, each market once in the order of its first appearance, with all its names."""
    merged: dict[str, Candidate] = {}
    for one in (*known, *found):
        key = one.address
        if key.startswith(f"{SIMULATED}:"):
            key = str(short(parse_address(key)))
        had = merged.get(key)
        if had is not None:
            aliases = tuple(dict.fromkeys((*had.aliases, *one.aliases)))
            one = Candidate(had.address, min(had.source, one.source), aliases, had.name or one.name)
        merged[key] = one
    return list(merged.values())


def answered(addresses: Iterable[str]) -> list[Candidate]:
    """Return what a provider's own search answered as candidates; what is no address is left out."""
    found = []
    for text in addresses:
        try:
            found.append(Candidate(str(short(parse_address(text)))))
        except AddressError:
            continue
    return found


def short(address: Address) -> Address:
    """Return the address of a market as it is listed: that of the simulated venue names no exchange."""
    if address.provider == SIMULATED and address.exchange == DEFAULT_EXCHANGE:
        return Address(SIMULATED, address.symbol)
    return address


def as_written(query: str, found: Collection[str]) -> list[Candidate]:
    """Return the query itself where it is an address: nobody need know it to watch it.

    None of what is ``found`` already, under this name or with the exchange that is meant where none is named.
    """
    try:
        address = short(parse_address(query))
    except AddressError:
        return []
    meant = Address(address.provider, address.symbol, address.exchange or DEFAULT_EXCHANGE)
    return [] if {str(address), str(meant)} & set(found) else [Candidate(str(address))]


def known(settings: Settings, providers: Iterable[str]) -> list[Candidate]:
    """Return what can be searched at once: the watchlist, then the tables of ``providers``."""
    found = [Candidate(_listed_as(settings, address), Source.WATCHLIST) for address in settings.watchlist]
    return merge(found, [one for name in providers for one in listed(settings, name) or ()])


def _listed_as(settings: Settings, text: str) -> str:
    """Return an address of the configuration as it stands in the watchlist of the screen."""
    address = short(parse_address(text))
    if isinstance(settings.providers.get(address.provider), KiyotakaSettings):
        exchange = address.exchange or DEFAULT_EXCHANGE
        return str(Address(address.provider, address.symbol, EXCHANGE_ALIASES.get(exchange, exchange)))
    return str(address)


def listed(settings: Settings, provider: str) -> list[Candidate] | None:
    """Return what a provider has without asking anybody, None where only its own search knows."""
    options = settings.providers.get(provider)
    if options is None:
        return _simulated() if provider == SIMULATED else None
    if isinstance(options, JayxSettings):
        return [_local(provider, symbol) for symbol in options.symbols]
    return _alltick(provider) if isinstance(options, AlltickSettings) else None


def typed(settings: Settings, provider: str, query: str) -> list[Candidate]:
    """Return what a provider may have under the name that was typed, though its table cannot hold it."""
    options = settings.providers.get(provider)
    return [] if options is None else named(options.kind, provider, query)


def named(kind: str, provider: str, query: str) -> list[Candidate]:
    """Return the same for a provider of a kind."""
    if kind != ALLTICK:
        return []
    from mdterm.feeds.alltick import codes

    return [
        Candidate(str(Address(provider, code)), Source.LOCAL, (query.strip(),))
        for code in codes.search(query)
        if code not in codes.NAMES
    ]


def _local(provider: str, symbol: str) -> Candidate:
    return Candidate(str(Address(provider, symbol)), Source.LOCAL)


def _simulated() -> list[Candidate]:
    from mdterm.feeds.sim.venue import Venue, VenueConfig

    return [_local(SIMULATED, symbol) for symbol in Venue(VenueConfig()).symbols()]


def _alltick(provider: str) -> list[Candidate]:
    from mdterm.feeds.alltick.codes import TABLE, names_of

    return [
        Candidate(str(Address(provider, code)), Source.LOCAL, names_of(code), name) for code, name in TABLE
    ]
