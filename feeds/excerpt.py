"""A part of a running feed's journal in a recording of its own: some instruments, from some moment on.

Frames come as they are, with all that their link carries; what was wanted is cut down to what is recorded, so
that a replay reads that of them and nothing else.
"""

from collections.abc import Iterable, Sequence

import msgspec

from mdterm.feeds.accounts import EVERYTHING
from mdterm.feeds.carried import Carried
from mdterm.feeds.contract import Want
from mdterm.feeds.events import Event, FeedStatus, Stream
from mdterm.feeds.journal import Journal, Record
from mdterm.feeds.journal_notes import pack_events, pack_wants, read_events, read_wants

_OF_LINKS = frozenset({"in", "out", "open", "close", "phase"})
_OF_OTHERS = frozenset({"watch", "show", "listen"})
"""Notes of what other screens and listeners look at."""


class Fan:
    """A journal of several, to which more may come while it is written. For the feed's loop alone."""

    def __init__(self, journals: Iterable[Journal]) -> None:
        self._journals = tuple(journals)
        self._excerpts: tuple[Excerpt, ...] = ()
        self._carried = Carried()

    def write(self, record: Record) -> None:
        """Hand one record to each."""
        self._carried.take(record)
        for journal in self._journals:
            journal.write(record)
        for excerpt in self._excerpts:
            excerpt.write(record)

    def join(self, excerpt: "Excerpt", at: int, mono: float) -> None:
        """Have an excerpt written from now on: wall clock (ns), monotonic clock (s)."""
        for record in self._carried.records(at, mono):
            excerpt.write(record)
            if record.kind == "open" and excerpt.is_of(record.link):
                # Whoever replays it must have asked for what the link has been asked for already.
                excerpt.write(Record("out", record.link, at, mono))
        self._excerpts = (*self._excerpts, excerpt)

    def leave(self, excerpt: "Excerpt") -> None:
        """Write no more of an excerpt."""
        self._excerpts = tuple(one for one in self._excerpts if one is not excerpt)


class Excerpt:
    """Hands on to ``journal`` what of a feed's records is of some streams."""

    def __init__(self, journal: Journal, wants: Sequence[tuple[str, Stream]]) -> None:
        self._journal = journal
        self._addresses = {address for address, _ in wants}
        self._providers = {address.partition(":")[0] for address in self._addresses}
        self._wants = set(wants)
        for address, stream in wants:
            if stream == "candle":
                self._wants |= {(address, "trade"), (address, "trade_agg")}
        self._links: set[str] = set()
        """Links that carry some of the streams."""
        self._notes: dict[str, Record] = {}
        """How links talk that carry none of them yet."""

    def is_of(self, link: str) -> bool:
        """Whether a link carries some of the streams."""
        return link in self._links

    def heard(self, events: Sequence[Event], at: int, mono: float) -> None:
        """Take events that were told to whoever has it recorded, apart from any link: statuses as well."""
        told = [one for one in events if type(one) is FeedStatus]
        others = [one for one in events if type(one) is not FeedStatus]
        if told:
            self._journal.write(Record("told", "status", at, mono, pack_events(told)))
        if others:
            self._journal.write(Record("told", "poll", at, mono, pack_events(others)))

    def write(self, record: Record) -> None:
        """Hand a record on as far as it is of these streams."""
        kind = record.kind
        if kind in _OF_LINKS:
            if record.link in self._links:
                self._journal.write(record)
        elif kind == "want":
            self._want(record)
        elif kind == "note":
            self._note(record)
        elif kind in ("bars", "merged"):
            if record.link in self._addresses:
                self._journal.write(record)
        elif kind == "told":
            self._told(record)
        elif record.link in self._providers:
            self._journal.write(record)

    def _want(self, record: Record) -> None:
        link = record.link
        if record.text == "gone":
            if link in self._links:
                self._journal.write(record)
                self._links.discard(link)
            return
        if record.text == "same":
            if link in self._links:
                self._journal.write(record)
            return
        wants = [want for want in read_wants(record.data) if self._is_wanted(want)]
        if not wants and link not in self._links:
            return
        if link not in self._links and link in self._notes:
            self._journal.write(self._notes.pop(link))
        self._links.add(link)
        self._journal.write(msgspec.structs.replace(record, data=pack_wants(wants)))

    def _is_wanted(self, want: Want) -> bool:
        provider = want.address.partition(":")[0]
        is_all = (f"{provider}:{EVERYTHING}", want.stream) in self._wants
        return is_all or (want.address, want.stream) in self._wants

    def _note(self, record: Record) -> None:
        if record.text in _OF_OTHERS:
            return
        provider = record.link.partition("/")[0]
        if record.text == "link" and record.link not in self._links:
            self._notes[record.link] = record
        elif not record.link or provider in self._providers:
            self._journal.write(record)

    def _told(self, record: Record) -> None:
        """Hand on what came from no socket; statuses are heard by whoever has it recorded."""
        if record.link != "poll":
            return
        events = [one for one in read_events(record.data) if one.address in self._addresses]
        if events:
            self._journal.write(msgspec.structs.replace(record, data=pack_events(events)))
