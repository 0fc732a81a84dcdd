"""Polling: bars that stay true, yesterday's close, ticks for silent sockets; within every plan's budget."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from mdterm.feeds.address import Instrument, parse_address
from mdterm.feeds.alltick import facts
from mdterm.feeds.alltick.feed import AllTick, Options
from mdterm.feeds.alltick.http import AllTickHttp
from mdterm.feeds.alltick.poller import AllTickPoller
from mdterm.feeds.contract import Want
from mdterm.feeds.events import Book, Candle, Event, Stream, Trade
from mdterm.feeds.sim.alltick_http import Meter

NS = 1_000_000_000
TOKEN = "secret-token"
URLS: dict[facts.Family, str] = {"stock": "http://h/quote-stock-b-api", "generic": "http://h/quote-b-api"}


class Service:
    """The HTTP service: one minute a bar, whatever the code; it counts what it is asked."""

    def __init__(self, clock: Any, plan: facts.Plan) -> None:
        self.meter = Meter(plan)
        self.asked: list[tuple[str, list[str]]] = []
        self.bad: set[str] = set()
        self.fails: str | None = None
        self.corrections: dict[tuple[str, int], str] = {}
        """Closes by code and minute, in place of the usual."""
        self._clock = clock

    def count(self) -> Counter[str]:
        """Return requests by endpoint."""
        return Counter(endpoint for endpoint, _ in self.asked)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        endpoint = request.url.path.rpartition("/")[2]
        if not self.meter.admit(endpoint, self._clock.now):
            return httpx.Response(429, content=b'{"error_msg":"Too many requests"}')
        if self.fails is not None:
            return httpx.Response(200, content=self.fails.encode())
        text = request.content or parse_qs(request.url.query.decode())["query"][0].encode()
        data = json.loads(text)["data"]
        entries = data.get("data_list") or data.get("symbol_list") or [data]
        codes = [one["code"] for one in entries]
        self.asked.append((endpoint, codes))
        if self.bad & set(codes):
            return httpx.Response(200, content=b'{"ret":600,"msg":"code invalid"}')
        told = {"ret": 200, "msg": "ok", "data": self._data(endpoint, entries)}
        return httpx.Response(200, content=json.dumps(told).encode())

    def _data(self, endpoint: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
        if endpoint == "kline":
            return {"kline_list": self._bars(entries[0])}
        if endpoint == "batch-kline":
            head = ("code", "kline_type")
            return {
                "kline_list": [
                    {key: one[key] for key in head} | {"kline_data": self._bars(one)} for one in entries
                ]
            }
        if endpoint == "static_info":
            return {"static_info_list": [{"symbol": one["code"], "name_en": "NAME"} for one in entries]}
        second = self._clock.wall() // NS
        tick = {"seq": str(second), "tick_time": str(second // 7 * 7 * 1000)}
        if endpoint == "trade-tick":
            shown = {"price": "5", "volume": "1"}
        else:
            shown = {"bids": [{"price": "4", "volume": "1"}], "asks": []}  # type: ignore[dict-item]
        return {"tick_list": [tick | shown | {"code": one["code"]} for one in entries]}

    def _bars(self, entry: dict[str, Any]) -> list[dict[str, str]]:
        step = 60 if entry["kline_type"] == 1 else 86_400
        newest = self._clock.wall() // NS // step * step
        return [self._bar(entry["code"], newest - at * step) for at in range(entry["query_kline_num"])]

    def _bar(self, code: str, start: int) -> dict[str, str]:
        close = self.corrections.get((code, start), "5")
        prices = {"open_price": "5", "high_price": "9", "low_price": "1", "close_price": close}
        return prices | {"timestamp": str(start), "volume": "7", "turnover": ""}


class Desk:
    """A provider's poller at work on a held clock."""

    def __init__(self, clock: Any, plan: facts.PlanName) -> None:
        self.clock = clock
        self.service = Service(clock, facts.PLANS[plan])
        self.provider = AllTick("alltick", Options(token=TOKEN, plan=plan), clock=clock)
        transport = httpx.MockTransport(self.service)
        self.http = AllTickHttp(
            "alltick", URLS, TOKEN, facts.PLANS[plan], clock, transport=transport, sleep=clock.sleep
        )
        self.poller = AllTickPoller(
            self.http,
            facts.PLANS[plan],
            pulse=self.provider.pulse,
            prints=self.provider.prints,
            resolve=self.provider._instrument,
            is_closed=lambda instrument, now: instrument.symbol in self.closed,
            clock=clock,
            sleep=clock.sleep,
        )
        self.provider.polling = self.poller
        self.http.rank_of = self.poller.rank_of
        self.closed: set[str] = set()
        self.events: list[Event] = []
        self._task = asyncio.create_task(self.poller.run(self.events.extend))

    def want(self, *wished: tuple[int, str, Stream]) -> None:
        """Set what is wanted."""
        self.poller.want([Want(rank, f"alltick:{code}", stream) for rank, code, stream in wished])

    def look_up(self, *codes: str) -> list[Instrument]:
        """Look at what is known of codes, as a header does."""
        instruments = [self.provider.resolve(parse_address(f"alltick:{code}")) for code in codes]
        for instrument in instruments:
            self.provider.previous_close(instrument, self.clock.wall())
            self.provider.about(instrument)
        return instruments

    def of(self, kind: type[Event], code: str | None = None) -> list[Any]:
        """Return the events of a kind, of one code if it is given."""
        return [
            one
            for one in self.events
            if type(one) is kind and (code is None or one.address == f"alltick:{code}")
        ]

    async def close(self) -> None:
        """End."""
        assert not self._task.done()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.http.close()


@pytest.fixture
async def desk(held_clock: Any) -> AsyncIterator[Callable[..., Desk]]:
    """Give a way to a poller at work; it is ended after the test."""
    desks: list[Desk] = []

    def make(plan: facts.PlanName = "basic") -> Desk:
        desks.append(Desk(held_clock, plan))
        return desks[-1]

    yield make
    for one in desks:
        await one.close()


Open = Callable[..., Desk]


async def test_bars_are_told_as_they_change_and_once_more_when_they_close(desk: Open) -> None:
    one = desk()
    start = one.clock.wall() // NS // 60 * 60
    one.want((0, "GOLD", "candle"))
    await one.clock.advance(14.0)
    assert one.of(Candle) == []  # the past, fetched meanwhile, ends with these
    await one.clock.advance(3.0)
    assert [(bar.open_ts // NS, bar.closed) for bar in one.of(Candle)] == [(start - 60, True), (start, False)]
    assert {bar.interval for bar in one.of(Candle)} == {"1m"}
    await one.clock.advance(40.0)
    assert len(one.of(Candle)) == 2  # nothing has changed
    await one.clock.advance(23.0)
    assert [(bar.open_ts // NS, bar.closed) for bar in one.of(Candle)[2:]] == [
        (start, True),
        (start + 60, False),
    ]
    one.service.corrections["GOLD", start] = "6"
    one.service.corrections["GOLD", start + 60] = "7"
    await one.clock.advance(20.0)
    assert [(bar.open_ts // NS, bar.close) for bar in one.of(Candle)[4:]] == [(start, 6.0), (start + 60, 7.0)]
    assert one.service.meter.violations == []


async def test_what_nobody_asks_for_costs_no_request(desk: Open) -> None:
    one = desk()
    one.want((0, "GOLD", "trade"), (0, "GOLD", "book"), (1, "700.HK", "trade"))
    await one.clock.advance(120.0)
    assert one.events == []
    assert one.service.asked == []


async def test_yesterdays_close_and_names_are_fetched_once_somebody_looks(desk: Open) -> None:
    one = desk()
    one.want((0, "GOLD", "trade"), (1, "700.HK", "trade"))
    gold, tencent = one.look_up("GOLD", "700.HK")
    assert one.provider.listing(tencent).name == "Tencent"
    await one.clock.advance(20.0)
    assert one.provider.previous_close(gold, one.clock.wall()) == 5.0
    assert one.provider.listing(tencent).name == "NAME"
    assert one.events == []  # nobody listens to bars
    await one.clock.advance(500.0)
    assert one.service.count() == {"batch-kline": 2, "static_info": 1}
    await one.clock.advance(200.0)
    assert one.service.count()["batch-kline"] == 4


async def test_a_hole_between_two_polls_is_mended(desk: Open) -> None:
    one = desk()
    one.want((0, "GOLD", "candle"))
    await one.clock.advance(20.0)
    one.service.fails = '{"ret":500,"msg":"down"}'
    await one.clock.advance(700.0)
    one.service.fails = None
    await one.clock.advance(700.0)
    closed = sorted(bar.open_ts // NS for bar in one.of(Candle) if bar.closed)
    assert closed == list(range(closed[0], closed[-1] + 60, 60))
    assert len(closed) > 20
    assert one.service.count()["kline"] == 1


async def test_the_screen_comes_before_the_watchlist(desk: Open) -> None:
    one = desk("free")
    watched = [f"{number}.HK" for number in range(1, 9)]
    one.want((0, "GOLD", "candle"), *((1, code, "candle") for code in watched))
    await one.clock.advance(6 * 3600.0)
    polls = Counter(
        code for endpoint, codes in one.service.asked if endpoint == "batch-kline" for code in codes
    )
    assert polls["GOLD"] > 150
    assert all(polls[code] < polls["GOLD"] for code in watched)
    assert one.service.meter.violations == []


async def test_the_watchlist_shares_a_request(desk: Open) -> None:
    one = desk()
    codes = [f"{number}.HK" for number in range(1, 31)]
    one.want((0, "700.HK", "candle"), *((1, code, "candle") for code in codes))
    await one.clock.advance(60.0)
    batches = [codes for endpoint, codes in one.service.asked if endpoint == "batch-kline"]
    assert max(map(len, batches)) == 31
    assert all(codes[0] == "700.HK" for codes in batches)
    assert len(batches) < 12
    assert len(one.of(Candle, "30.HK")) >= 2
    assert one.service.meter.violations == []


@pytest.mark.parametrize("plan", ["free", "basic", "premium", "professional"])
async def test_hours_of_polling_break_no_budget(desk: Open, plan: str) -> None:
    one = desk(plan)
    codes = ["GOLD", "BTCUSDT", "700.HK", "AAPL.US"]
    wished: list[tuple[int, str, Stream]] = [
        (int(code != "GOLD"), code, stream) for code in codes for stream in ("candle", "trade", "book")
    ]
    one.want(*wished)
    one.look_up(*codes)
    await one.clock.advance(1200.0)
    one.want(*((0, code, stream) for _, code, stream in wished))
    await one.clock.advance(600.0)
    assert one.service.meter.violations == []
    assert one.http.throttled == 0
    limit = facts.PLANS[plan].per_day  # type: ignore[index]
    assert one.service.meter.requests <= limit * 0.1 + 1800 * limit * 0.9 / 86_400 + 1


async def test_a_bad_code_is_found_and_costs_nobody_else(desk: Open) -> None:
    one = desk()
    codes = [f"{number}.HK" for number in range(1, 9)]
    one.service.bad = {"3.HK"}
    one.want(*((1, code, "candle") for code in codes))
    await one.clock.advance(200.0)
    assert {bar.address for bar in one.of(Candle)} == {f"alltick:{code}" for code in codes} - {"alltick:3.HK"}
    refused = {track.code for track in one.poller.tracks.values() if track.refused}
    assert refused == {"3.HK"}
    asked = len(one.service.asked)
    await one.clock.advance(60.0)
    assert not any("3.HK" in codes for _, codes in one.service.asked[asked:])


async def test_a_rejected_token_is_asked_about_seldom(desk: Open) -> None:
    one = desk()
    one.service.fails = '{"ret":401,"msg":"token invalid"}'
    one.want((0, "GOLD", "candle"))
    await one.clock.advance(590.0)
    assert one.service.meter.requests <= 2
    assert one.poller.stopped is not None
    assert "token was rejected" in one.poller.stopped
    one.service.fails = None
    await one.clock.advance(60.0)
    assert one.of(Candle)
    assert one.poller.stopped is None


async def test_a_closed_market_is_hardly_polled(desk: Open) -> None:
    one = desk()
    one.closed = {"700.HK"}
    one.want((0, "700.HK", "candle"))
    await one.clock.advance(3600.0)
    assert one.service.count()["batch-kline"] <= 14
    assert one.of(Candle)


# Ticks over HTTP: the free plan alone.


async def test_the_past_of_the_watchlist_waits_for_what_is_on_the_screen(desk: Open) -> None:
    one = desk("free")
    one.want((0, "GOLD", "trade"), (1, "BTCUSDT", "trade"))
    instruments = [
        one.provider.resolve(parse_address(f"alltick:{code}")) for code in ("BTCUSDT", "GOLD", "EURUSD")
    ]
    pasts = [asyncio.create_task(one.http.candles(instrument, "1m", 2)) for instrument in instruments]
    await one.clock.advance(60.0)
    asked = [codes for endpoint, codes in one.service.asked if endpoint == "kline"]
    assert asked == [["GOLD"], ["EURUSD"], ["BTCUSDT"]]
    await asyncio.gather(*pasts)


async def test_the_first_price_of_a_silent_socket_goes_before_bars(desk: Open) -> None:
    one = desk("free")
    one.want(*((0, "GOLD", stream) for stream in ("trade", "book", "candle")), (1, "BTCUSDT", "candle"))
    await one.clock.advance(130.0)
    asked = [endpoint for endpoint, _ in one.service.asked]
    assert asked[:2] == ["trade-tick", "depth-tick"]
    assert "batch-kline" in asked


async def test_ticks_stand_in_for_a_silent_socket_on_the_free_plan(desk: Open) -> None:
    one = desk("free")
    (instrument,) = one.look_up("GOLD")
    one.want((0, "GOLD", "trade"), (0, "GOLD", "book"))
    await one.clock.advance(15.0)
    assert one.events == []
    assert one.provider.stands_in(instrument, "trade") is None
    await one.clock.advance(400.0)
    trades = one.of(Trade)
    assert len(trades) >= 5
    assert len({trade.ts for trade in trades}) == len(trades)  # one print once
    assert len(one.of(Book)) >= 1
    words = one.provider.stands_in(instrument, "trade")
    assert words is not None
    assert "HTTP" in words
    # The socket speaks: no more polling, and its repetition of a polled print is none.
    asked = one.service.count()["trade-tick"]
    newest = trades[-1]
    one.provider.pulse.spoke("alltick:GOLD", "trade", newest.ts, one.clock.wall())
    assert one.provider.stands_in(instrument, "trade") is None
    push = Trade("alltick:GOLD", newest.ts, one.clock.wall(), "7", 5.0, 1.0, None)
    assert not one.provider.prints.is_new(push, 0.0)
    await one.clock.advance(15.0)
    assert one.service.count()["trade-tick"] == asked
    assert one.service.meter.violations == []


async def test_ticks_do_not_stand_in_on_a_paid_plan_or_at_night(desk: Open) -> None:
    for plan, closed in (("basic", set()), ("free", {"GOLD"})):
        one = desk(plan)
        one.closed = closed
        one.want((0, "GOLD", "trade"))
        await one.clock.advance(300.0)
        assert one.service.count()["trade-tick"] == (plan == "free")  # the last price of the day, once


async def test_prints_that_were_pushed_are_not_polled_again(desk: Open) -> None:
    one = desk("free")
    one.want((0, "GOLD", "trade"))
    one.provider.pulse.traded["alltick:GOLD"] = one.clock.wall() + 10_000 * NS
    await one.clock.advance(200.0)
    assert one.service.count()["trade-tick"] > 3
    assert one.of(Trade) == []


async def test_time_that_passes_while_it_is_read_holds_nothing_up(desk: Open, held_clock: Any) -> None:
    def mono() -> float:
        held_clock.now += 1e-6
        return float(held_clock.now)

    held_clock.mono = mono
    one = desk()
    one.want((0, "GOLD", "candle"))
    one.look_up("GOLD")
    await one.clock.advance(20.0)
    assert one.of(Candle)
    assert "alltick:GOLD" in one.poller.dailies
