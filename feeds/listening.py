"""Somebody who hears every event of some streams as it comes, statuses included."""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet

import msgspec

from mdterm.feeds.burst import Burst
from mdterm.feeds.events import STREAM_OF, Balance, Candle, Event, FeedStatus, State, Stream
from mdterm.feeds.market import Market
from mdterm.feeds.wishes import Wishes

Listener = Callable[[Sequence[Event]], None]


class Listening:
    """One listener, what it hears, and what it was told last.

    It hears all that comes, but for what is subscribed only because something is made of it; one that
    ``hears_only_its_own`` hears what it wants of all that others want as well.
    """

    def __init__(self, listener: Listener, *, hears_only_its_own: bool) -> None:
        self.listener = listener
        self._hears_only_its_own = hears_only_its_own
        self.wishes = Wishes()
        self.heard: set[tuple[str, Stream]] = set()
        """Streams whose events it hears."""
        self.sources: set[tuple[str, Stream]] = set()
        """Streams wanted only to cut candles from."""
        self.interval: str | None = None
        """The interval of the bars that it hears as the provider sends them."""
        self._tellers: set[str] = set()
        """Providers whose balances it hears: these bear no symbol."""
        self._candles: dict[str, tuple[str, int]] = {}
        """Candles by address: interval, and the version told last."""
        self._states: dict[str, tuple[State, str | None]] = {}

    def hear(self, wants: Iterable[tuple[str, Stream]], interval: str | None = None) -> None:
        """Hear the events of streams, bars of this interval alone: others may have chosen another one."""
        self.heard.update(wants)
        self.interval = interval or self.interval
        self._tellers = {address.partition(":")[0] for address, stream in self.heard if stream == "balance"}
        self.wishes.listen(self.heard)

    def cut(self, address: str, source: Stream, interval: str) -> None:
        """Hear bars of an interval, cut from a source."""
        self.sources.add((address, source))
        self.wishes.listen(self.sources)
        self._candles[address] = (interval, 0)

    def cuts(self, address: str) -> bool:
        """Whether bars of an address are cut for it."""
        return address in self._candles

    def take(
        self, events: Sequence[Event], unheard: AbstractSet[tuple[str, Stream]], *, is_polled: bool
    ) -> None:
        """Hand on what it hears of these events; ``unheard`` are streams that nobody hears."""
        if is_polled:
            # Polled bars keep the market's own true; who listens hears of those.
            events = [
                one for one in events if type(one) is not Candle or (one.address, "candle") in self.heard
            ]
        if self._hears_only_its_own:
            heard = self.heard
            events = [
                one
                for one in events
                if (
                    (one.address, STREAM_OF[type(one)]) in heard
                    and (type(one) is not Candle or one.interval == self.interval)
                )
                or (type(one) is Balance and one.address in self._tellers)
            ]
        elif unheard:
            events = [one for one in events if (one.address, STREAM_OF[type(one)]) not in unheard]
        if events:
            self.listener(events)

    def changed(self, address: str, changed: Callable[[str, int], tuple[int, list[Candle]]]) -> list[Candle]:
        """Return the bars that changed since it was told some, oldest first."""
        interval, version = self._candles[address]
        version, bars = changed(interval, version)
        if bars:
            self._candles[address] = (interval, version)
        return bars

    def tell_states(
        self, state: Callable[[str, AbstractSet[Stream]], tuple[State, str | None]], seen: int
    ) -> list[FeedStatus]:
        """Hand on the states that changed; return them."""
        told = []
        wanted = self.heard | self.sources
        for address in sorted({address for address, _ in self.heard}):
            now = state(address, {stream for of, stream in wanted if of == address})
            before = self._states.get(address)
            if before is None or now[0] != before[0]:
                self._states[address] = now
                told.append(FeedStatus(address, None, seen, *now))
        for status in told:
            self.listener([status])
        return told

    def tell_gap(self, status: FeedStatus) -> None:
        """Hand on that events may be missing, where it hears some of that instrument."""
        if any(address == status.address for address, _ in self.heard | self.sources):
            self._states[status.address] = (status.state, status.detail)
            self.listener([status])


class Listenings:
    """All who listen to a feed."""

    def __init__(self, *, hear_only_their_own: bool) -> None:
        self.all: list[Listening] = []
        self._hear_only_their_own = hear_only_their_own
        self._priced: set[tuple[str, Stream]] = set()
        """Streams that are subscribed until a price is known."""
        self._unheard: set[tuple[str, Stream]] = set()
        """Streams that are subscribed for what is made of them alone."""

    def new(self, listener: Listener) -> Listening:
        """Return a listening that hears nothing yet."""
        return Listening(listener, hears_only_its_own=self._hear_only_their_own)

    def add(self, one: Listening) -> None:
        """Take in a listening, with all that it wants."""
        self.all.append(one)
        self._unhear()

    def remove(self, one: Listening) -> None:
        """Hand nothing more on to it."""
        self.all.remove(one)
        self._unhear()

    def price(self, stream: tuple[str, Stream]) -> None:
        """Take note of a stream that is subscribed for its price."""
        self._priced.add(stream)
        self._unhear()

    def _unhear(self) -> None:
        heard = {key for one in self.all for key in one.heard}
        sources = {key for one in self.all for key in one.sources}
        self._unheard = (sources | self._priced) - heard

    def take(self, events: Sequence[Event], *, is_polled: bool) -> None:
        """Hand events on."""
        if self.all and type(events) is Burst:
            events = list(events)  # made once for all, who may go over them several times
        for one in self.all:
            one.take(events, self._unheard, is_polled=is_polled)

    def tell(self, events: Sequence[Event]) -> None:
        """Hand events on to everybody, whatever they want."""
        for one in self.all:
            one.listener(events)

    def interval_of(self, address: str) -> str | None:
        """Return the interval of the bars of an address that somebody hears from its socket."""
        return next((one.interval for one in self.all if (address, "candle") in one.heard), None)

    def cut_candles_of(self, address: str) -> bool:
        """Return whether bars of an address are cut for anybody."""
        for one in self.all:  # noqa: SIM110  # asked at every message: a generator costs more than the answer
            if one.cuts(address):
                return True
        return False

    def tell_candles(self, market: Market, seen: int) -> None:
        """Hand on the bars that changed."""
        address = market.instrument.address
        cutting = [one for one in self.all if one.cuts(address)]
        if cutting:
            market.fold()
        for one in cutting:
            bars = one.changed(address, market.candles.changed)
            if bars:
                one.listener([msgspec.structs.replace(bar, seen=seen) for bar in bars])

    def tell_states(
        self, state: Callable[[str, AbstractSet[Stream]], tuple[State, str | None]], seen: int
    ) -> list[FeedStatus]:
        """Hand on the states that changed; return each once."""
        told = [status for one in self.all for status in one.tell_states(state, seen)]
        return list(dict.fromkeys(told))

    def tell_gap(self, status: FeedStatus) -> None:
        """Hand on that events may be missing."""
        for one in self.all:
            one.tell_gap(status)
