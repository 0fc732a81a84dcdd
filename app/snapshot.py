"""One look at an instrument: open what it needs, wait until it is there, close."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import msgspec

from mdterm.feeds.address import Instrument
from mdterm.feeds.contract import Provider
from mdterm.feeds.events import Book, Candle, Event, FeedStatus, Stream, Trade
from mdterm.feeds.frames import ChartFrame, HeaderFrame, LadderFrame, TapeFrame
from mdterm.feeds.market import Market
from mdterm.feeds.runtime import Feed
from mdterm.feeds.specs import ChartSpec, LadderSpec, TapeSpec
from mdterm.feeds.status import Shown
from mdterm.feeds.view_chart import chart_view
from mdterm.feeds.view_header import header_view
from mdterm.feeds.view_ladder import ladder_view, settle
from mdterm.feeds.view_tape import tape_view

LOOK_S = 0.1
"""How often to see whether a stream was refused: that is told as a state, not as an event."""


NO_PAST: Final = "the past could not be had, or not in time"
_SAMPLE: Final = 8
"""Bars that are enough to learn how many decimals prices have."""
_EVERY: Final = 1_000_000


@dataclass(frozen=True)
class Snapshot:
    """What was known at ``wall`` (ns; ``now``: s, monotonic). Nothing in it changes any more.

    ``shown`` is the state of each stream asked for, ``had`` the streams that data came from; ``trades``
    are the newest, oldest first.
    """

    instrument: Instrument
    market: Market
    trades: Sequence[Trade]
    had: frozenset[Stream]
    shown: Mapping[Stream, Shown]
    status: FeedStatus
    wall: int
    now: float

    @property
    def book(self) -> Book | None:
        """The newest book."""
        return self.market.book

    @property
    def refused(self) -> frozenset[Stream]:
        """The streams that were refused."""
        return frozenset(stream for stream, shown in self.shown.items() if shown.word == "REFUSED")

    def candles(self, interval: str = "1m") -> list[Candle]:
        """Return every bar known, oldest first, the running one last."""
        return all_bars(self.market, interval, self.wall)

    @property
    def digits(self) -> int:
        """The decimals of prices."""
        return self.market.price_digits

    def header(self) -> HeaderFrame:
        """Return the line about the instrument."""
        return header_view(self.market)

    def ladder(self, spec: LadderSpec) -> LadderFrame | None:
        """Return the ladder, None where there is nothing to show."""
        return ladder_view(self.market, settle(self.market, spec))

    def tape(self, spec: TapeSpec) -> TapeFrame:
        """Return the tape."""
        return tape_view(self.market, spec, self.now)

    def chart(self, spec: ChartSpec) -> ChartFrame:
        """Return bars."""
        return chart_view(self.market, spec)

    def bbo(self) -> tuple[float | None, float | None]:
        """Return best bid and best ask."""
        return self.market.bbo()


def all_bars(market: Market, interval: str, seen: int) -> list[Candle]:
    """Return every bar known, oldest first, as of ``seen`` (ns)."""
    return [msgspec.structs.replace(bar, seen=seen) for bar in market.candles.candles(interval, _EVERY)]


def has_past(market: Market) -> bool:
    """Whether bars reach back to before the first trade that came."""
    start, joined = market.candles.covered_from("1m"), market.candles.joined_at
    return start is not None and (joined is None or start < joined)


async def snapshot(
    providers: Mapping[str, Provider],
    instrument: Instrument,
    streams: Sequence[Stream],
    wait_s: float,
    *,
    keep: int,
) -> Snapshot:
    """Return what came within ``wait_s``, as soon as every stream has something or was refused.

    At most ``keep`` trades are kept.
    """
    feed = Feed(providers)
    try:
        look = _Look(feed, instrument, streams, keep)
        await look.wait(wait_s)
        return look.take_in()
    finally:
        await feed.close()


class _Look:
    """Gathers the streams of one instrument and knows which still lack."""

    def __init__(self, feed: Feed, instrument: Instrument, streams: Sequence[Stream], keep: int) -> None:
        self.streams = tuple(streams)
        self.trades: deque[Trade] = deque(maxlen=keep)
        self.had: set[Stream] = set()
        self._feed = feed
        self._instrument = instrument
        self._address = instrument.address
        self._news = asyncio.Event()
        provider = feed.providers[instrument.provider]
        self._has_history = provider.history is not None
        self._cuts = "candle" in streams and "candle" not in provider.capabilities.served
        reasons = {stream: provider.carries(instrument, self._source(stream)) for stream in streams}
        self._never = {stream: reason for stream, reason in reasons.items() if reason is not None}
        carried = [stream for stream in streams if stream not in self._never]
        # The feed keeps the market where bars are wanted. Else it must not: it would ask for the past.
        self._applies = "candle" not in carried
        if not self._applies:
            feed.markets[self._address] = Market(instrument)
        feed.listen([(self._address, stream) for stream in carried], self._take)
        kept = feed.markets.get(self._address)
        self.market = kept if isinstance(kept, Market) else Market(instrument)

    def _source(self, stream: Stream) -> Stream:
        """Return what a stream is made of: bars that nobody serves are cut from trades."""
        return "trade" if stream == "candle" and self._cuts else stream

    def shown(self, stream: Stream) -> Shown:
        """Return the state of a stream; bars are as well as what they are made of."""
        if stream in self._never:
            return Shown("REFUSED", detail=self._never[stream])
        shown = self._feed.shown(self._address, self._source(stream))
        if stream == "candle" and shown.word == "LIVE" and self._has_history and not has_past(self.market):
            return Shown("PARTIAL", age=shown.age, detail=NO_PAST)
        return shown

    async def wait(self, wait_s: float) -> None:
        """Return when every stream has data or was refused, or when the time is up."""
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        while not all(one in self.had or self.shown(one).word == "REFUSED" for one in self.streams):
            left = until - loop.time()
            if left <= 0:
                return
            self._news.clear()
            # Not wait_for: in Python 3.11 it swallows a cancellation that comes with the news.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, LOOK_S)):
                    await self._news.wait()

    def take_in(self) -> Snapshot:
        """Return what has come."""
        market, feed = self.market, self._feed
        market.fold()
        # Decimals are learnt from trades and books; where only bars came, these must tell them.
        for bar in market.candles.candles("1m", _SAMPLE):
            for price in (bar.open, bar.high, bar.low, bar.close):
                market.prices.observe(price)
        wall = feed.clock.wall()
        return Snapshot(
            instrument=self._instrument,
            market=market,
            trades=tuple(self.trades),
            had=frozenset(self.had),
            shown={stream: self.shown(stream) for stream in self.streams},
            status=FeedStatus(self._address, None, wall, *feed.state(self._address)),
            wall=wall,
            now=feed.clock.mono(),
        )

    def _take(self, events: Sequence[Event]) -> None:
        for kind, run in groupby(events, type):
            found = list(run)
            if kind is Trade:
                self.had.add("trade")
                self.trades.extend(found)  # type: ignore[arg-type]  # a run is of one kind
            elif kind is Book:
                self.had.add("book")
            elif kind is Candle:
                self.had.add("candle")
            if self._applies and kind is not FeedStatus:
                self.market.apply(found)
        self._news.set()
