"""What a journal holds beside frames, so that the same events come out of it again.

| kind | link | text | data |
|---|---|---|---|
| note | "" | session | JSON: what recorded, with which accounts |
| note | provider | provider | JSON: the effective settings of a provider, without anything secret |
| note | provider | learnt | JSON: what it found out before it could subscribe (framing, units, block sizes) |
| note | "" | watch, listen, show | JSON: what was watched, listened to, shown |
| note | connection | link | words: how it talks, where a person may want to know |
| note | "" | lost | words: records that could not be kept |
| want | connection | URL, "same" or "gone" | msgpack: the wants it was to carry |
| phase | connection | phase | msgpack: the connection's health |
| told | poll, status | | msgpack: events that came from no socket |
| bars | address | interval | msgpack: a provider's bars as they were merged, or why there were none |
| merged | address | | msgpack: what became of them |
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import msgspec

from mdterm.feeds.address import Instrument
from mdterm.feeds.clock import Clock
from mdterm.feeds.contract import History, HistoryError, Want
from mdterm.feeds.events import (
    Balance,
    Book,
    Candle,
    Event,
    FeedStatus,
    Funding,
    Liquidation,
    OpenInterest,
    Order,
    Stream,
    Trade,
    TradeAgg,
    VolumeProfile,
)
from mdterm.feeds.journal import Journal, Record, RecordKind
from mdterm.feeds.status import LinkHealth

AnyEvent = (
    Trade
    | TradeAgg
    | Book
    | Candle
    | Liquidation
    | Funding
    | OpenInterest
    | VolumeProfile
    | Balance
    | Order
    | FeedStatus
)
TakeBody = Callable[[str, int, bytes], None]
"""Takes the URL, the status and the body of an HTTP answer, nothing secret in them."""


@runtime_checkable
class Audible(Protocol):
    """What asks over HTTP and hands each answer on to whoever wants to hear it."""

    def hear_bodies(self, take: TakeBody) -> None:
        """Hand every HTTP answer on."""


@runtime_checkable
class Compressing(Protocol):
    """A codec whose frames may be compressed, so that a secret in one is not seen from outside."""

    def bare(self, frame: bytes) -> bytes | None:
        """Return what a frame holds, None where it is not compressed or cannot be read by itself."""


@runtime_checkable
class Replayable(Protocol):
    """What a provider offers beyond the contract, so that its sessions can be recorded and told again."""

    def effective(self) -> dict[str, Any]:
        """Return the settings in force as JSON values, without anything secret."""

    def learnt(self) -> dict[str, Any]:
        """Return what was found out before a subscription, as JSON values."""

    def relearn(self, told: Mapping[str, Any]) -> None:
        """Take over what ``learnt`` returned."""

    def hear_bodies(self, take: TakeBody) -> None:
        """Hand every HTTP answer on."""


class Session(msgspec.Struct, frozen=True):
    """What recorded, and which provider tells the account of which."""

    program: str
    accounts: dict[str, str] = {}


class ProviderNote(msgspec.Struct, frozen=True):
    """A provider: enough to make one like it, except its credential."""

    name: str
    kind: str
    settings: dict[str, Any] = {}
    has_history: bool = False


class ListenNote(msgspec.Struct, frozen=True):
    """What was listened to, and the interval of its candles."""

    wants: list[tuple[str, Stream]]
    interval: str


class BarsNote(msgspec.Struct, frozen=True):
    """A provider's bars; ``failed`` says in words why there are none."""

    candles: list[Candle] = []
    failed: str | None = None


class MergedNote(msgspec.Struct, frozen=True):
    """What became of bars: whether every first request is answered, and what is wrong, in words."""

    is_settled: bool
    failed: str | None = None
    short: str | None = None


pack_wants = msgspec.msgpack.Encoder().encode
read_wants = msgspec.msgpack.Decoder(list[Want]).decode
pack_health = msgspec.msgpack.Encoder().encode
read_health = msgspec.msgpack.Decoder(LinkHealth).decode
pack_events = msgspec.msgpack.Encoder().encode
read_events = msgspec.msgpack.Decoder(list[AnyEvent]).decode
read_bars = msgspec.msgpack.Decoder(BarsNote).decode
read_merged = msgspec.msgpack.Decoder(MergedNote).decode


class Scribe:
    """Writes what only the feed as a whole knows into its journal."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._learnt: dict[str, dict[str, Any]] = {}

    def _write(
        self,
        kind: RecordKind,
        link: str,
        data: bytes,
        text: str = "",
        *,
        at: int | None = None,
        code: int = 0,
    ) -> int:
        """Write a record; return the wall time that it bears."""
        at = self._clock.wall() if at is None else at
        self._journal.write(Record(kind, link, at, self._clock.mono(), data, text, code))
        return at

    def session(self, accounts: Mapping[str, str]) -> None:
        """Note what records."""
        self._write("note", "", msgspec.json.encode(Session("mdterm", dict(accounts))), "session")

    def provider(self, provider: Any) -> None:
        """Note a provider's settings; hear its HTTP answers."""
        settings = provider.effective() if isinstance(provider, Replayable) else {}
        note = ProviderNote(provider.name, provider.kind, settings, provider.history is not None)
        self._write("note", provider.name, msgspec.json.encode(note), "provider")
        if isinstance(provider, Replayable):
            name = provider.name  # type: ignore[attr-defined]  # it is a provider as well
            provider.hear_bodies(lambda url, status, body: self._body(name, url, status, body))

    def _body(self, name: str, url: str, status: int, body: bytes) -> None:
        self._write("http", name, body, url, code=status)

    def watch(self, instruments: Sequence[Instrument]) -> None:
        """Note the watchlist."""
        self._write("note", "", msgspec.json.encode([one.address for one in instruments]), "watch")

    def show(self, address: str) -> None:
        """Note what is shown."""
        self._write("note", "", msgspec.json.encode([address]), "show")

    def listen(self, wants: Iterable[tuple[str, Stream]], interval: str) -> None:
        """Note what is listened to."""
        self._write("note", "", msgspec.json.encode(ListenNote(list(wants), interval)), "listen")

    def status(self, events: Sequence[FeedStatus]) -> None:
        """Note statuses as they were told."""
        self._write("told", "status", pack_events(events), at=events[-1].seen)

    def polled(self, events: Sequence[Event]) -> None:
        """Note events that came from no socket."""
        self._write("told", "poll", pack_events(events), at=events[-1].seen)

    def learnt(self, name: str, provider: object) -> None:
        """Note what a provider has learnt meanwhile, where that differs from what was noted last."""
        if isinstance(provider, Replayable):
            learnt = provider.learnt()
            if learnt and learnt != self._learnt.get(name):
                self._learnt[name] = learnt
                self._write("note", name, msgspec.json.encode(learnt), "learnt")

    def bars(self, address: str, interval: str, note: BarsNote) -> None:
        """Note bars as they are merged."""
        self._write("bars", address, msgspec.msgpack.encode(note), interval)

    def merged(self, address: str, note: MergedNote) -> int:
        """Note what became of bars; return the wall time (ns) of it."""
        return self._write("merged", address, msgspec.msgpack.encode(note))


def note_learnt(journal: Journal, clock: Clock, provider: object, name: str) -> None:
    """Note what a provider knows before a connection asks with it."""
    if isinstance(provider, Replayable):
        learnt = provider.learnt()
        if learnt:
            data = msgspec.json.encode(learnt)
            journal.write(Record("note", name, clock.wall(), clock.mono(), data, "learnt"))


class RecordedHistory:
    """A provider's history whose bars are noted as they are handed on, failures as well."""

    def __init__(self, history: History, scribe: Scribe) -> None:
        self._history = history
        self._scribe = scribe

    async def candles(self, instrument: Instrument, interval: str, count: int) -> Sequence[Candle]:
        """Return bars as the history does, noted. Raise HistoryError."""
        try:
            found = await self._history.candles(instrument, interval, count)
        except HistoryError as error:
            self._scribe.bars(instrument.address, interval, BarsNote(failed=str(error)))
            raise
        self._scribe.bars(instrument.address, interval, BarsNote(list(found)))
        return found

    async def search(self, query: str) -> list[str]:
        """Return addresses that match. Raise HistoryError."""
        return await self._history.search(query)

    async def block_size(self, instrument: Instrument) -> float | None:
        """Return the finest recommended bucket of a book. Raise HistoryError."""
        return await self._history.block_size(instrument)

    async def close(self) -> None:
        """Give back what is held."""
        await self._history.close()
