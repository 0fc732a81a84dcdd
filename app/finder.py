"""The symbol search: type a name, get addresses of all providers, show the one that is chosen."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from textual.message import Message

from mdterm.app.keymap import Keymap
from mdterm.app.overlay import Prompt, PromptLine
from mdterm.app.search import Candidate, Match, Source, answered, as_written, merge, rank
from mdterm.feeds.address import Instrument
from mdterm.feeds.text import clean
from mdterm.widgets.figures import fit
from mdterm.widgets.palette import Palette
from mdterm.widgets.rows import Part, Row, spread
from mdterm.widgets.rows import merge as join

if TYPE_CHECKING:
    from mdterm.app.providers import World
    from mdterm.feeds.thread import FeedThread

UNKNOWN_HERE: Final = (
    "an address finds what no list has: provider:symbol",
    "mdterm config init writes where a provider's key goes; mdterm doctor looks",
)
PAUSE_S: Final = 0.3
"""Providers are asked when nobody has typed for so long: their requests are counted."""
LEAST: Final = 2
"""Characters from which on they are asked."""
_SOURCES: Final = {Source.WATCHLIST: "watched", Source.LOCAL: "", Source.PROVIDER: ""}


class Finder(Protocol):
    """What can be searched, and how what was found is opened."""

    def known(self) -> list[Candidate]:
        """Return what can be searched at once."""

    def typed(self, query: str) -> list[Candidate]:
        """Return what there may be under exactly the name that was typed."""

    def ask(self, query: str, answer: Callable[[list[str], str | None], None]) -> None:
        """Ask the providers; ``answer`` gets addresses and problems, on any thread, once for each."""

    async def open(self, address: str) -> Instrument:
        """Make an instrument watchable. Raise AddressError, or Failed where its provider cannot be had."""


class WorldFinder:
    """Searches all providers that are configured, and opens those that are needed."""

    def __init__(self, world: "World", feed: "FeedThread") -> None:
        self._world = world
        self._feed = feed

    def known(self) -> list[Candidate]:
        """Return the watchlist of the configuration, and the providers' tables."""
        from mdterm.app.search import known

        return known(self._world.settings, self._world.names)

    def typed(self, query: str) -> list[Candidate]:
        """Return what there may be under exactly the name that was typed."""
        from mdterm.app.search import typed

        return [one for name in self._world.names for one in typed(self._world.settings, name, query)]

    def ask(self, query: str, answer: Callable[[list[str], str | None], None]) -> None:
        """Ask the providers that are open."""
        self._feed.search(query, answer)

    async def open(self, address: str) -> Instrument:
        """Make an instrument watchable; opening its provider may run the command that reveals its key."""
        return await asyncio.to_thread(self._open, address)

    def _open(self, address: str) -> Instrument:
        (instrument,) = self._world.instruments([address])
        self._feed.provide(self._world.providers[instrument.provider])
        return instrument


class FinderScreen(Prompt[str], inherit_bindings=False):
    """A line to type in and the addresses that fit; dismissed with the one that was chosen."""

    OPENED_BY = "search"

    class Answered(Message):
        """A provider answered."""

        def __init__(self, addresses: list[str], problem: str | None) -> None:
            super().__init__()
            self.addresses = addresses
            self.problem = problem

    def __init__(self, watched: Sequence[str], finder: Finder | None, keymap: Keymap) -> None:
        candidates = [Candidate(address, Source.WATCHLIST) for address in watched]
        if finder is not None:
            candidates = merge(candidates, finder.known())
        self.found = FoundSymbols(candidates, finder)
        super().__init__(self.found, keymap)
        self.finder = finder

    def on_mount(self) -> None:
        """Begin to wait for a pause in the typing."""
        self._asking = self.set_timer(PAUSE_S, self._ask, pause=True)

    def _ask(self) -> None:
        query = self.found.typed.strip()
        if self.finder is not None and len(query) >= LEAST:
            self.finder.ask(query, self._answered)

    def _answered(self, addresses: list[str], problem: str | None) -> None:
        """Take an answer on the thread that has it."""
        if self.is_running:
            self.post_message(self.Answered(addresses, problem))

    def on_finder_screen_answered(self, message: Answered) -> None:
        """Take in what a provider found."""
        self.found.add(message.addresses, message.problem)

    def entered(self) -> None:
        """Show what is under the cursor."""
        chosen = self.found.chosen()
        if chosen is not None:
            self.dismiss(chosen)

    def clicked(self) -> None:
        """Show what was clicked."""
        self.entered()

    def type(self, text: str) -> None:
        """Find what is typed, and wait for a pause to ask the providers."""
        super().type(text)
        self._asking.stop()
        self._asking = self.set_timer(PAUSE_S, self._ask)


class FoundSymbols(PromptLine):
    """The query and the addresses that fit it."""

    LONGEST = 60

    def __init__(self, candidates: list[Candidate], finder: Finder | None) -> None:
        super().__init__()
        self.candidates = candidates
        self.problem: str | None = None
        self.hits: list[Match] = rank("", candidates)
        self.at = 0
        self._finder = finder
        self._first, self._heads = 0, 1

    def retyped(self) -> None:
        """Find what is typed."""
        self.at = 0
        self._find()

    def add(self, addresses: list[str], problem: str | None) -> None:
        """Take in what a provider found; the cursor stays on what it is on."""
        self.candidates = merge(self.candidates, answered(addresses))
        self.problem = problem or self.problem
        on = self.chosen()
        self._find()
        self.at = next((at for at, hit in enumerate(self.hits) if hit.address == on), 0) if self.at else 0
        self.repaint()

    def _find(self) -> None:
        query = self.typed.strip()
        candidates = self.candidates
        if query and self._finder is not None:
            candidates = merge(candidates, self._finder.typed(query))
        self.hits = rank(query, candidates)
        # An address need not be known to anybody, but what is known comes first.
        found = {hit.address for hit in self.hits}
        self.hits += [Match(one, None) for one in as_written(query, found)]
        self.repaint()

    def move(self, by: int) -> None:
        """Move the cursor; the ends do not wrap."""
        self.at = max(0, min(len(self.hits) - 1, self.at + by))
        self.repaint()

    def point(self, y: int, x: int = 0) -> bool:
        """Put the cursor on what stands at row ``y``; return whether anything does."""
        at = self._first + y - self._heads
        if y < self._heads or at >= len(self.hits):
            return False
        self.at = at
        self.repaint()
        return True

    def chosen(self) -> str | None:
        """Return the address under the cursor."""
        return self.hits[self.at].address if self.hits else None

    def paint_rows(self, palette: Palette, width: int, height: int) -> list[Row]:
        """Return query and hits; the cursor is always in view."""
        title: list[Part] = [("─ ", palette.grid), (f"/ {clean(self.typed)}▏ ", palette.key)]
        if not self.typed:
            title.append(("a symbol or its name ", palette.muted))
        closes: list[Part] = [(" enter shows or adds, esc closes", palette.muted), (" ─", palette.grid)]
        rows = [spread(title, closes, width, "─", palette.grid)]
        if self.problem is not None:
            rows.append(((fit(f"  {self.problem}", width), palette.warn),))
        if not self.hits:
            lines = ("nothing is called so", *UNKNOWN_HERE)
            return [*rows, *(((fit(f"  {line}", width), palette.muted),) for line in lines)][:height]
        room = height - len(rows)
        first = self._first = max(0, min(self.at - room // 2, len(self.hits) - room))
        self._heads = len(rows)
        for at, hit in enumerate(self.hits[first : first + room], first):
            right: list[Part] = [(f"  {_SOURCES[hit.candidate.source]} ", palette.key)]
            left: list[Part] = [(f"  {clean(hit.address, 80)}", palette.text)]
            told = hit.alias or hit.candidate.name
            left += [(f"  {clean(told, 60)}", palette.muted)] if told else []
            row = spread(left, right, width, " ", palette.base)
            if at == self.at:
                row = join((text, style + palette.cursor) for text, style in row)
            rows.append(row)
        return rows
