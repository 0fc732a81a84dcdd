"""The feed and the strict venue on loopback: two sockets, three instruments, edits and drops.

Both keep the same rules in a faster time, the client's further from the edge than in truth: the margins
themselves are proven in a held time, here a busy machine must not count.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec
import pytest

from mdterm.feeds.address import Instrument, parse_address
from mdterm.feeds.alltick import facts
from mdterm.feeds.alltick.feed import AllTick, Options
from mdterm.feeds.alltick.pace import Limits
from mdterm.feeds.contract import Backoff
from mdterm.feeds.events import Book, Candle, Event, FeedStatus, Trade
from mdterm.feeds.frames import FrameSet, LadderFrame, PanelFrame, TapeFrame
from mdterm.feeds.market import Market
from mdterm.feeds.runtime import Feed
from mdterm.feeds.sim import alltick_session
from mdterm.feeds.sim.alltick import AlltickVenue
from mdterm.feeds.sim.alltick_http import Meter
from mdterm.feeds.sim.alltick_session import Rules, Session
from mdterm.feeds.sim.market import VenueTrade
from mdterm.feeds.sim.pace import SystemClock
from mdterm.feeds.specs import ChartSpec, LadderSpec, TapeSpec

KEYS = "providers.alltick."
VENUE_S = 0.15
"""The venue's second."""
CLIENT = Limits(connect_s=1.0, request_s=0.4, token_s=1.0, settle_s=0.3)
WATCHED = ("700.HK", "GOLD", "BTCUSDT")


class House:
    """A venue, the provider that is configured for it, and what the venue sent."""

    def __init__(self, venue: AlltickVenue, endpoints: dict[str, str], plan: Any, token: str) -> None:
        self.venue = venue
        urls = {key.removeprefix(KEYS): url for key, url in endpoints.items()}
        options = Options(token=token, plan=plan, simulated=True, **urls)
        self.provider = AllTick("alltick", options, limits=CLIENT)
        self.provider.backoff = Backoff(first=0.5, cap=1.0, floor=0.8, throttled=1.0)
        self.feed = Feed({"alltick": self.provider})
        self.events: list[Event] = []
        self.sent: Counter[tuple[str, str]] = Counter()

    @property
    def sessions(self) -> dict[str, Session]:
        """Return the open sockets by family."""
        return {line.session.family: line.session for line in self.venue.server.lines}

    def listen(self, *wants: tuple[str, Any]) -> None:
        """Listen to streams of codes."""
        self.feed.listen([(f"alltick:{code}", stream) for code, stream in wants], self._take)

    def _take(self, events: Sequence[Event]) -> None:
        self.events += events

    def instruments(self, *codes: str) -> list[Instrument]:
        """Return the instruments of codes."""
        return [self.provider.resolve(parse_address(f"alltick:{code}")) for code in codes]

    def trades(self) -> Counter[tuple[str, str | None]]:
        """Return how often each print came, by code and id."""
        return Counter(
            (one.address.partition(":")[2], one.id) for one in self.events if isinstance(one, Trade)
        )

    def states(self) -> set[tuple[str, str]]:
        """Return every state that was told, with its address."""
        return {(one.address, one.state) for one in self.events if isinstance(one, FeedStatus)}

    async def until(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Return when a condition holds."""
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.02)


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., Any]]:
    """Give a way to open a venue and a feed; both are closed at the end."""
    houses: list[House] = []
    monkeypatch.setattr(alltick_session, "MESSAGE_S", VENUE_S)
    monkeypatch.setattr(alltick_session, "TOKEN_S", 3 * VENUE_S)
    hasty = msgspec.structs.replace(facts.PLANS["basic"], reconnect_s=3 * VENUE_S)
    monkeypatch.setitem(facts.PLANS, "basic", hasty)

    async def start(*, plan: str = "basic", token: str = "key", **rules: Any) -> House:
        venue = AlltickVenue(SystemClock(), Rules(plan=plan, **rules), seed=7)  # type: ignore[arg-type]
        endpoints = await venue.start("127.0.0.1", 0)
        houses.append(House(venue, endpoints, plan, token))
        return houses[-1]

    yield start
    for one in houses:
        await one.feed.close()
        await one.venue.stop()


async def test_three_instruments_over_two_sockets_through_edits_and_a_drop(
    house: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await house()
    delivered: Counter[tuple[str, str | None]] = Counter()
    record = Session.call

    def call(self: Session, code: str, event: Any) -> list[str]:
        frames = record(self, code, event)
        if isinstance(event, VenueTrade) and frames:
            delivered[code, str(int(event.id) % 10**16)] += 1
        return frames

    monkeypatch.setattr(Session, "call", call)
    feed = one.feed
    one.listen(*((code, stream) for code in WATCHED for stream in ("trade", "book")))
    feed.watch(one.instruments(*WATCHED))
    await one.until(
        lambda: (
            len(one.sessions) == 2
            and one.sessions["stock"].trades == {"700.HK"}
            and set(one.sessions["stock"].books) == {"700.HK"}
            and one.sessions["generic"].trades == {"GOLD", "BTCUSDT"}
            and set(one.sessions["generic"].books) == {"GOLD", "BTCUSDT"}
        )
    )
    # Edits of the watchlist, one upon the other.
    for codes in (("AAPL.US",), ("AAPL.US", "EURUSD"), ("EURUSD", "600519.SH")):
        feed.watch(one.instruments(*WATCHED, *codes))
        await asyncio.sleep(0.1)
    await one.until(
        lambda: (
            one.sessions["stock"].trades == {"700.HK", "600519.SH"}
            and one.sessions["generic"].trades == {"GOLD", "BTCUSDT", "EURUSD"}
        )
    )
    await one.until(lambda: len(delivered) > 60)
    listened = {key for key in delivered if key[0] in WATCHED}
    await one.until(lambda: one.trades().keys() >= listened)  # none lost while connected
    assert max(one.trades().values()) == 1
    # Everything breaks at once, and comes back by itself.
    gone = dict(one.sessions)
    one.venue.server.cut()
    await one.until(
        lambda: (
            set(one.sessions) == {"stock", "generic"}
            and all(one.sessions[family] is not session for family, session in gone.items())
            and bool(one.sessions["stock"].trades)
            and bool(one.sessions["generic"].trades)
            and any(one.events[-1].seen < event.seen + 10**9 for event in one.events[-1:])
        )
    )
    count = len(one.events)
    await one.until(lambda: len(one.events) > count + 30)
    assert max(one.trades().values()) == 1  # none doubled: the venue repeats the last print of each code
    assert one.provider.prints.duplicates > 0
    states = [event.state for event in one.events if isinstance(event, FeedStatus)]
    assert "reconnecting" in states
    assert "gap" in states
    books = [event for event in one.events if isinstance(event, Book)]
    assert {book.address for book in books} >= {f"alltick:{code}" for code in WATCHED}
    assert all(book.step is None for book in books)
    assert one.venue.server.violations == []


async def test_bars_come_from_the_past_and_the_prints(house: Callable[..., Any]) -> None:
    one = await house(plan="professional")
    one.listen(("BTCUSDT", "candle"))
    await one.until(lambda: any(isinstance(event, Candle) and not event.closed for event in one.events))
    await one.until(lambda: sum(isinstance(event, Candle) for event in one.events) > 400)
    bars = [event for event in one.events if isinstance(event, Candle)]
    times = [bar.open_ts for bar in bars[:400]]
    assert times == sorted(times)
    assert one.venue.server.violations == []


async def test_a_bad_token_and_a_bad_code_are_refused_in_words(house: Callable[..., Any]) -> None:
    one = await house(token="bad")
    one.listen(("BTCUSDT", "trade"))
    await one.until(lambda: ("alltick:BTCUSDT", "refused") in one.states())
    assert any("401" in (event.detail or "") for event in one.events if isinstance(event, FeedStatus))
    other = await house()
    other.listen(("nosuch", "trade"), ("BTCUSDT", "trade"))
    await other.until(lambda: ("alltick:nosuch", "refused") in other.states() and bool(other.trades()))
    assert ("alltick:BTCUSDT", "refused") not in other.states()
    details = [event.detail or "" for event in other.events if isinstance(event, FeedStatus)]
    assert any("does not know the code" in detail for detail in details)
    assert other.venue.server.violations == []


async def test_on_the_free_plan_http_stands_in_for_silent_sockets_and_the_panels_say_so(
    house: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    hasty = msgspec.structs.replace(
        facts.PLANS["free"], reconnect_s=3 * VENUE_S, http_spacing_s=0.02, batch_spacing_s=0.05
    )
    monkeypatch.setitem(facts.PLANS, "free", hasty)
    monkeypatch.setattr(facts, "FALLBACK_AFTER_S", 0.5)
    monkeypatch.setattr(facts, "TICKS_EVERY_S", 0.3)
    monkeypatch.setattr(Meter, "admit", lambda self, endpoint, now: True)  # the pace is proven elsewhere
    one = await house(plan="free", silent=True)
    panels: dict[str, PanelFrame] = {}

    def take(made: FrameSet) -> None:
        panels.update(made.panels)
        one.feed.ack(made.number)

    one.feed.connect(take)
    one.feed.watch(one.instruments("BTCUSDT"))
    one.feed.bind("ladder", "alltick:BTCUSDT", LadderSpec(rows=20))
    one.feed.bind("tape", "alltick:BTCUSDT", TapeSpec(rows=20))
    await one.until(
        lambda: all(name in panels and panels[name].shown.word == "PARTIAL" for name in ("ladder", "tape"))
    )
    assert "HTTP" in (panels["tape"].shown.detail or "")
    tape, ladder = panels["tape"].frame, panels["ladder"].frame
    assert isinstance(tape, TapeFrame)
    assert isinstance(ladder, LadderFrame)
    assert tape.rows
    assert ladder.best_bid is not None
    assert all(line.session.trade_count == 0 for line in one.venue.server.lines)


async def test_a_market_on_the_screen_is_kept_true_by_polled_bars_that_no_listener_hears_of(
    house: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    hasty = msgspec.structs.replace(facts.PLANS["professional"], bars_every_s=0.2)
    monkeypatch.setitem(facts.PLANS, "professional", hasty)
    one = await house(plan="professional")
    one.listen(("EURUSD", "trade"))
    polled: list[Candle] = []
    merge = Market.merge

    def note(self: Market, candles: Sequence[Candle]) -> None:
        if len(candles) <= 2:
            polled.extend(candles)
        merge(self, candles)

    monkeypatch.setattr(Market, "merge", note)
    one.feed.watch(one.instruments("BTCUSDT"))
    one.feed.bind("chart", "alltick:BTCUSDT", ChartSpec("1m", 50))
    await one.until(lambda: len(polled) >= 4)
    assert {bar.address for bar in polled} == {"alltick:BTCUSDT"}
    assert not any(isinstance(event, Candle) for event in one.events)
    assert one.venue.server.violations == []
