"""One look at an instrument through the shared feed: from what is there already, else from what comes first.

What was looked at stays subscribed for a while: a status bar looks again every few seconds, and must not
have the provider asked anew each time.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from mdterm.app.providers import World, missing_kinds
from mdterm.app.sight import BarsOf, Look, Looked, ViewOf
from mdterm.app.snapshot import LOOK_S, NO_PAST, all_bars, has_past
from mdterm.feeds.address import Instrument
from mdterm.feeds.events import Candle, Stream
from mdterm.feeds.frames import Frame
from mdterm.feeds.host import DeskError
from mdterm.feeds.listening import Listening
from mdterm.feeds.market import Market
from mdterm.feeds.port_wire import check_spec
from mdterm.feeds.runtime import Feed
from mdterm.feeds.specs import LadderSpec, TapeSpec
from mdterm.feeds.status import Shown
from mdterm.feeds.view_chart import chart_view
from mdterm.feeds.view_header import header_view
from mdterm.feeds.view_ladder import ladder_view, settle
from mdterm.feeds.view_tape import tape_view

LINGER_S: Final = 120.0
"""How long streams stay subscribed after the last look at them."""
MOST: Final = 32
"""Looks whose streams stay subscribed; beyond that the oldest one's do not."""
LONGEST_S: Final = 86_400.0
MOST_KEPT: Final = 10_000

Key = tuple[tuple[str, Stream], ...]


class _Lingering(NamedTuple):
    listening: Listening
    news: asyncio.Event
    timer: asyncio.TimerHandle


class Looks:
    """Looks through a feed, on its loop."""

    def __init__(self, world: World, feed: Feed) -> None:
        self._world = world
        self._feed = feed
        self._lingering: dict[Key, _Lingering] = {}

    async def look(self, instrument: Instrument, asked: Look) -> Looked:
        """Return what is there as soon as every stream has something or was refused. Raise DeskError."""
        if not asked.wait_s > 0 or not 0 < asked.keep <= MOST_KEPT:
            raise DeskError(f"a look of {asked.wait_s} s, {asked.keep} trades")
        missing = missing_kinds(self._world, [instrument], asked.streams)
        streams = [stream for stream in asked.streams if stream not in missing]
        look = _Look(self._feed, instrument, streams)
        await look.wait(self._stay(look), min(asked.wait_s, LONGEST_S))
        return look.told([stream for stream in asked.streams if stream in missing], asked.keep)

    def _stay(self, look: "_Look") -> asyncio.Event:
        """Have the streams subscribed from now on, and return what tells that something came."""
        key = tuple(look.wants)
        known = self._lingering.pop(key, None)
        if known is None:
            news = asyncio.Event()
            listening = self._feed.listen(look.wants, lambda events: news.set())
        else:
            listening, news = known.listening, known.news
            known.timer.cancel()
        timer = asyncio.get_running_loop().call_later(LINGER_S, self._end, key)
        self._lingering[key] = _Lingering(listening, news, timer)
        if len(self._lingering) > MOST:
            self._end(next(iter(self._lingering)))
        return news

    def _end(self, key: Key) -> None:
        ended = self._lingering.pop(key)
        ended.timer.cancel()
        self._feed.unlisten(ended.listening)

    def view(self, asked: ViewOf) -> Frame | None:
        """Return a frame of what was looked at. Raise WireError, DeskError."""
        check_spec(asked.spec)
        market, spec = self._market(asked.address), asked.spec
        if isinstance(spec, LadderSpec):
            return ladder_view(market, settle(market, spec))
        if isinstance(spec, TapeSpec):
            return tape_view(market, spec, self._feed.clock.mono())
        return chart_view(market, spec)

    def bars(self, asked: BarsOf) -> list[Candle]:
        """Return every bar of what was looked at. Raise DeskError."""
        return all_bars(self._market(asked.address), asked.interval, self._feed.clock.wall())

    def _market(self, address: str) -> Market:
        market = self._feed.markets.get(address)
        if not isinstance(market, Market):
            raise DeskError(f"{address} was not looked at")
        return market


class _Look:
    """The streams of one instrument, and which still lack."""

    def __init__(self, feed: Feed, instrument: Instrument, streams: Sequence[Stream]) -> None:
        self.address = instrument.address
        self._feed = feed
        self._instrument = instrument
        self._streams = streams
        provider = feed.providers[instrument.provider]
        self._has_history = provider.history is not None
        self._cuts = "candle" not in provider.capabilities.served
        reasons = {stream: provider.carries(instrument, self._source(stream)) for stream in streams}
        self._never = {stream: reason for stream, reason in reasons.items() if reason is not None}
        carried = (self._source(stream) for stream in streams if stream not in self._never)
        self.wants: list[tuple[str, Stream]] = [(self.address, stream) for stream in dict.fromkeys(carried)]
        # Before anything is subscribed: the market of a feed that is shared is kept for whoever looks next.
        market = feed.market(self.address, full=True)
        assert isinstance(market, Market)
        self._market = market

    def _source(self, stream: Stream) -> Stream:
        return "trade" if stream == "candle" and self._cuts else stream

    def _has(self, stream: Stream) -> bool:
        if stream in self._never:
            return False
        health = self._feed.links.streams.get((self.address, self._source(stream)))
        if stream == "candle":
            # Bars come with their past; live ones alone would be taken for all there is.
            is_settled = self._feed.pasts.is_settled(self.address)
            return health is not None and is_settled and bool(self._market.candles.candles("1m", 1))
        # Where somebody only listened, there is a market since this look, and it may be empty.
        is_there = self._market.book is not None if stream == "book" else self._market.trade_count > 0
        return is_there and health is not None and health.last_at is not None

    def _shown(self, stream: Stream) -> Shown:
        if stream in self._never:
            return Shown("REFUSED", detail=self._never[stream])
        shown = self._feed.shown(self.address, self._source(stream))
        if stream == "candle" and shown.word == "LIVE" and self._has_history and not has_past(self._market):
            return Shown("PARTIAL", age=shown.age, detail=NO_PAST)
        return shown

    async def wait(self, news: asyncio.Event, wait_s: float) -> None:
        """Return when every stream has data or was refused, or when the time is up."""
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        while not all(self._is_done(one) for one in self._streams):
            left = until - loop.time()
            if left <= 0:
                return
            news.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, LOOK_S)):
                    await news.wait()

    def _is_done(self, stream: Stream) -> bool:
        self._market.fold()
        return self._has(stream) or self._shown(stream).word == "REFUSED"

    def told(self, missing: list[Stream], keep: int) -> Looked:
        """Return what is there now."""
        market, feed = self._market, self._feed
        market.fold()
        had: list[Stream] = [stream for stream in self._streams if self._has(stream)]
        return Looked(
            instrument=self._instrument,
            missing=missing,
            had=had,
            shown={stream: self._shown(stream) for stream in self._streams},
            state=feed.state(self.address, {stream for _, stream in self.wants}),
            wall=feed.clock.wall(),
            book=market.book if "book" in had else None,
            trades=market.tape.newest(keep) if "trade" in had else [],
            digits=market.price_digits,
            header=header_view(market),
            bbo=market.bbo() if "book" in had else (None, None),
        )
