"""What a provider must be: the contract between the feed and a provider's folder.

A provider turns wishes into links (which sockets, which subscriptions), and gives each link a codec:
a pure machine, bytes in and events out, with time as an argument. Sockets, clocks, reconnecting and
threads are the feed's own and the same for all.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import msgspec

from mdterm.feeds.address import Address, Instrument
from mdterm.feeds.events import Candle, Event, Stream
from mdterm.feeds.intervals import Session
from mdterm.feeds.status import Caution


class Want(msgspec.Struct, frozen=True, order=True):
    """One stream of one instrument. Rank 0 stands on the screen, 1 in the watchlist."""

    rank: int
    address: str
    stream: Stream


class Link(msgspec.Struct, frozen=True):
    """One socket and what it shall carry. ``key`` is the identity that survives a change of wants.

    ``secrets`` are struck out of every journal, log line and error that concerns the link. ``note`` is what
    a person may want to know of how it talks, where that is not a matter of course.
    """

    key: str
    provider: str
    url: str
    wants: tuple[Want, ...]
    secrets: tuple[str, ...] = ()
    tls_verify: bool = True
    note: str = ""


class Capabilities(msgspec.Struct, frozen=True):
    """What can be expected of a provider."""

    streams: frozenset[Stream]
    has_side: bool
    has_true_levels: bool
    has_history: bool = False
    has_search: bool = False
    history_page: int = 1_000
    """Bars that one request for the past brings; more of them are more requests, each in its turn."""
    derived: frozenset[Stream] = frozenset()
    """Streams that are not served but made here from others, such as candles from trades."""

    @property
    def served(self) -> frozenset[Stream]:
        """Streams that come from the provider itself."""
        return self.streams - self.derived


class Silence(msgspec.Struct, frozen=True):
    """How long a stream may believably be silent. ``stale_after_s`` None: it may be silent for ever.

    ``beside`` is a stream of the same instrument that comes with it: while that one flows, there is nothing
    new to tell in this one.
    """

    stale_after_s: float | None
    beside: Stream | None = None


class Refusal(msgspec.Struct, frozen=True):
    """The provider said no. Without addresses it concerns the whole link; ``final`` forbids a retry.

    ``streams`` are the streams of the addresses that it concerns; none means all of them.
    """

    detail: str
    addresses: tuple[str, ...] = ()
    final: bool = True
    streams: tuple[Stream, ...] = ()


class Due(NamedTuple):
    """What to send now, and when to ask again (seconds on the clock given; None: when something changes)."""

    messages: list[str]
    next_due: float | None


class Codec(Protocol):
    """One link's protocol, without any input or output. Kept across reconnects, so it knows duplicates."""

    verdicts: list[Refusal]
    """Refusals since they were last taken; the connection empties it."""
    bad_frames: int
    """Frames that could not be read since the start."""
    unknown: int
    """Well-formed messages of a kind that is not known."""
    needs_reset: bool
    """True when the stream itself broke and only a new connection can mend it."""

    def want(self, wants: Sequence[Want]) -> None:
        """Set the whole wanted set; ``due`` will send the difference."""

    def opened(self, now: float) -> None:
        """Begin anew: a socket has just opened and nothing is subscribed on it."""

    def feed(self, frame: bytes, seen: int) -> Sequence[Event]:
        """Turn one frame into events. Never raise; count what is not understood."""

    def due(self, now: float) -> Due:
        """Say what is to be sent at ``now``: authentication, subscriptions, heartbeats, in their pace."""


class History(Protocol):
    """Where a provider has the past: an asynchronous source of bars."""

    async def candles(self, instrument: Instrument, interval: str, count: int) -> Sequence[Candle]:
        """Return up to ``count`` bars, oldest first, the running one last. Raise HistoryError."""

    async def search(self, query: str) -> list[str]:
        """Return addresses that match, best first. Raise HistoryError."""

    async def block_size(self, instrument: Instrument) -> float | None:
        """Return the finest recommended bucket of a book, None or 0 where there is none."""

    async def close(self) -> None:
        """Give back what is held."""


class Unready(Exception):
    """A stream cannot be subscribed yet, in words; ``final`` says that waiting does not help.

    ``is_lost`` says that the server did not answer: tried again in the pace of a lost connection.
    """

    def __init__(self, words: str, final: bool = False, *, is_lost: bool = False) -> None:
        super().__init__(words)
        self.final = final
        self.is_lost = is_lost


class HistoryError(Exception):
    """The past could not be had, in words; ``refused`` tells a refusal from a failure."""

    def __init__(self, words: str, refused: bool = False) -> None:
        super().__init__(words)
        self.refused = refused


class Poller(Protocol):
    """What a provider does beside its sockets, such as polling bars over HTTP in the pace of its plan."""

    def want(self, wants: Sequence[Want]) -> None:
        """Set the whole wanted set; rank 0 is looked at first."""

    async def run(self, emit: Callable[[list[Event]], None]) -> None:
        """Work until cancelled, handing events on as they come. Never raise for what the network does."""


class Gate(Protocol):
    """Limits per credential, above the connections that share it. Time comes in as an argument."""

    def connect_in(self, now: float) -> float:
        """Return the seconds to wait before asking again; 0: a connection may be opened, and counts."""


class OpenGate:
    """A gate for providers that do not limit connection attempts."""

    def connect_in(self, now: float) -> float:
        """Return 0."""
        return 0.0


class Backoff(msgspec.Struct, frozen=True):
    """Bounds of the pause before a reconnect, in seconds (full jitter above ``floor``, up to the bound)."""

    first: float = 1.0
    cap: float = 30.0
    floor: float = 0.0
    throttled: float = 30.0


@runtime_checkable
class Cautious(Protocol):
    """A provider that may have to warn of its own figures."""

    def caution(self, instrument: Instrument) -> Caution | None:
        """Return what must be known to read an instrument's figures, None where they are what they seem."""


class Listing(msgspec.Struct, frozen=True):
    """What an instrument's header tells of it; None is not told. ``lot`` is in the unit of sizes."""

    name: str | None = None
    lot: float | None = None
    currency: str | None = None


@runtime_checkable
class Listed(Protocol):
    """A provider that knows more of its instruments than their addresses tell."""

    def session(self, instrument: Instrument) -> Session | None:
        """Return when the sums and bars of a day begin; None for days of UTC."""

    def tick(self, instrument: Instrument, price: float) -> float | None:
        """Return the smallest price step at a price, None where no rule tells it."""

    def listing(self, instrument: Instrument) -> Listing | None:
        """Return what a header tells, None while nothing is known; asking may have it fetched."""

    def previous_close(self, instrument: Instrument, ts: int) -> float | None:
        """Return what the price at ``ts`` (ns) is compared with, None while it is not known."""

    def stands_in(self, instrument: Instrument, stream: Stream) -> str | None:
        """Return what stands in for the socket of a stream, in words; None where the socket speaks."""


@runtime_checkable
class Bridging(Protocol):
    """A codec that may know whether trades were missed while its socket was away."""

    def is_bridged(self) -> bool:
        """Return whether what came since the socket opened reaches back to what was known before."""


@runtime_checkable
class OneInterval(Protocol):
    """A provider whose socket carries the bars of one interval of an instrument, which it does not name."""

    def set_interval(self, address: str, interval: str) -> None:
        """Choose the interval of an instrument's bars. Raise ValueError where there are none such."""


class Provider(Protocol):
    """One instance of a provider: a table of the configuration with its credential."""

    name: str
    kind: str
    capabilities: Capabilities
    backoff: Backoff
    gate: Gate
    history: History | None
    poller: Poller | None
    history_intervals: frozenset[str]
    """Intervals whose bars the history has ready-made."""

    def resolve(self, address: Address) -> Instrument:
        """Return the instrument an address names. Raise AddressError."""

    def plan(self, wants: Sequence[Want]) -> list[Link]:
        """Say which sockets and subscriptions serve the wants. Pure; keys are stable."""

    def codec(self, link: Link) -> Codec:
        """Return a new codec for a link of ``plan``."""

    def unserved(self, wants: Sequence[Want]) -> Mapping[str, str]:
        """Return the addresses that the provider's limits leave out, each with the reason in words."""

    def carries(self, instrument: Instrument, stream: Stream) -> str | None:
        """Return None if the instrument can have the stream, else the reason why not."""

    async def prepare(self, instrument: Instrument, stream: Stream, price: float | None) -> None:
        """Learn what a subscription needs first (``price``: the last one, if any). Raise Unready."""

    def silence(self, stream: Stream) -> Silence:
        """Return the longest believable silence of a stream."""

    def closed_since(self, instrument: Instrument, now_ns: int) -> int | None:
        """Return when (ns) the instrument's market closed, None while it is open or nobody knows."""
