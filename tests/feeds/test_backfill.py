"""The past is fetched once, what is shown goes first, gaps are closed, failures are told and tried again."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import msgspec
import pytest

from mdterm.feeds.address import Instrument
from mdterm.feeds.backfill import AGAIN_S, AUDIT_S, DEEP_BARS, FIRST_BARS, Backfill
from mdterm.feeds.contract import HistoryError
from mdterm.feeds.events import Candle, Trade
from mdterm.feeds.intervals import DAY, MINUTE, SECOND, Session, bucket_start
from mdterm.feeds.market import Market, Quote

NOON = 20_000 * DAY + DAY // 2


class Clock:
    """A clock that moves when told."""

    def __init__(self, wall: int = NOON) -> None:
        self.now = 1_000.0
        self.start = wall

    def wall(self) -> int:
        return self.start + int((self.now - 1_000.0) * 1e9)

    def mono(self) -> float:
        return self.now


class Past:
    """A history that answers what it is given, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: asyncio.Queue[tuple[str, str, int]] = asyncio.Queue()
        self.answers: dict[str, list[Candle] | HistoryError] = {}
        self.after_first: dict[str, HistoryError] = {}

    async def candles(self, instrument: Instrument, interval: str, count: int) -> Sequence[Candle]:
        answer = self.answers.get(instrument.symbol, [])
        if count > 4 and instrument.symbol in self.after_first:
            answer = self.after_first[instrument.symbol]
        self.asked.put_nowait((instrument.symbol, interval, count))
        if isinstance(answer, HistoryError):
            raise answer
        return answer

    async def search(self, query: str) -> list[str]:
        return []

    async def block_size(self, instrument: Instrument) -> float | None:
        return None

    async def close(self) -> None:
        pass


def instrument(symbol: str) -> Instrument:
    return Instrument(address=f"x:{symbol}", provider="x", kind="x", symbol=symbol)


def bar(symbol: str, minute: int, volume: float = 1.0, last_ts: int | None = None) -> Candle:
    open_ts = NOON // MINUTE * MINUTE + minute * MINUTE
    last = open_ts + 59 * SECOND if last_ts is None else last_ts
    return Candle(
        f"x:{symbol}", last, 0, "1m", open_ts, 10.0, 12.0, 9.0, 11.0, volume, minute < 0, last_ts=last
    )


class Rig:
    """A Backfill with its surroundings."""

    def __init__(self, wall: int = NOON, page: int = FIRST_BARS) -> None:
        self.clock = Clock(wall)
        self.past = Past()
        self.markets: dict[str, Market | Quote] = {f"x:{s}": Market(instrument(s)) for s in "ABC"}
        self.visible = ["x:A"]
        self.merged: asyncio.Queue[str] = asyncio.Queue()
        self.settled: list[bool] = []
        """Whether the past was settled, each time that bars came."""
        self.backfill = Backfill(
            self.past,
            self.markets,
            self.clock,
            visible=lambda: self.visible,
            merged=self.note,
            page=page,
        )
        self.task = asyncio.get_running_loop().create_task(self.backfill.run())

    def note(self, address: str) -> None:
        """Take the word that bars came, or could not be had."""
        self.settled.append(self.backfill.is_settled(address))
        self.merged.put_nowait(address)

    def market(self, symbol: str) -> Market:
        market = self.markets[f"x:{symbol}"]
        assert isinstance(market, Market)
        return market

    async def settle(self) -> None:
        """Let the task do all that is due."""
        for _ in range(20):
            await asyncio.sleep(0)

    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds
        self.backfill._wake.set()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    yield made
    made.task.cancel()
    await asyncio.gather(made.task, return_exceptions=True)


def gap_of(market: Market) -> int | None:
    return market.gap_since


async def test_each_instrument_is_asked_once_and_the_shown_one_first(rig: Rig) -> None:
    rig.visible = ["x:C"]
    for symbol in "ABC":
        rig.backfill.want(f"x:{symbol}")
        rig.backfill.want(f"x:{symbol}")
    asked = [await rig.past.asked.get() for _ in range(3)]
    assert [symbol for symbol, _, _ in asked] == ["C", "A", "B"]
    await rig.settle()
    assert rig.past.asked.empty()


async def test_the_first_request_reaches_back_to_midnight() -> None:
    for hours, count in ((1, FIRST_BARS), (16, FIRST_BARS), (23, DEEP_BARS)):
        rig = Rig(wall=NOON // DAY * DAY + hours * 60 * MINUTE)
        rig.backfill.want("x:A")
        assert await rig.past.asked.get() == ("A", "1m", count)
        rig.task.cancel()
        await asyncio.gather(rig.task, return_exceptions=True)


async def paged() -> Rig:
    """Return surroundings of a provider whose pages hold four bars, with a market that opens at 09:30."""
    rig = Rig(page=4)  # noon UTC, in summer: an hour and a half before New York opens
    opening = Session("America/New_York", -300, 9 * 60 + 30)
    rig.clock.start = bucket_start(NOON, "1d", opening) + 9 * MINUTE
    for symbol in "ABC":
        rig.markets[f"x:{symbol}"] = Market(instrument(symbol), session=opening)
    return rig


def newest(rig: Rig, symbol: str, count: int) -> list[Candle]:
    """Return the newest bars at the rig's time, without holes."""
    now = (rig.clock.wall() - NOON // MINUTE * MINUTE) // MINUTE
    return [bar(symbol, now - back) for back in range(count - 1, -1, -1)]


async def test_where_pages_are_small_everybody_gets_one_before_the_rest_of_a_day() -> None:
    rig = await paged()
    rig.visible = ["x:C"]
    for symbol in "ABC":
        rig.past.answers[symbol] = newest(rig, symbol, 4)
        rig.backfill.want(f"x:{symbol}")
    asked = [await rig.past.asked.get() for _ in range(6)]
    assert asked[:3] == [("C", "1m", 4), ("A", "1m", 4), ("B", "1m", 4)]
    assert asked[3:] == [("C", "1m", 11), ("A", "1m", 11), ("B", "1m", 11)]  # since the opening
    await rig.settle()
    assert rig.past.asked.empty()
    assert rig.backfill.is_settled("x:A")
    rig.task.cancel()


async def test_whoever_waits_for_the_past_waits_for_all_of_the_day() -> None:
    rig = await paged()
    rig.past.answers["A"] = newest(rig, "A", 4)
    rig.past.after_first["A"] = HistoryError("the budget is used up")
    rig.backfill.want("x:A")
    await rig.merged.get()
    await rig.merged.get()
    assert rig.settled == [False, True]
    assert rig.backfill.failed == {}  # a page is there
    del rig.past.after_first["A"]
    rig.past.answers["A"] = newest(rig, "A", 9)
    rig.pass_time(AGAIN_S + 1)
    await rig.merged.get()
    assert len(rig.market("A").candles.candles("1m", 99)) >= 9
    rig.task.cancel()


@pytest.mark.parametrize("have", [0, 3])
async def test_a_page_that_is_not_full_is_all_there_is(have: int) -> None:
    rig = await paged()
    rig.past.answers["A"] = newest(rig, "A", have)
    rig.backfill.want("x:A")
    assert await rig.past.asked.get() == ("A", "1m", 4)
    await rig.settle()
    assert rig.past.asked.empty()
    assert rig.backfill.is_settled("x:A")
    rig.task.cancel()


async def test_bars_reach_the_market_and_whoever_waits_is_told(rig: Rig) -> None:
    rig.past.answers["A"] = [bar("A", -2), bar("A", -1)]
    rig.backfill.want("x:A")
    assert not rig.backfill.is_settled("x:A")
    assert await rig.merged.get() == "x:A"
    assert rig.backfill.is_settled("x:A")
    assert [one.close for one in rig.market("A").candles.candles("1m", 9)] == [11.0, 11.0]


async def test_a_failure_is_told_in_words_and_tried_again_later(rig: Rig) -> None:
    rig.past.answers["A"] = HistoryError("the service is away")
    rig.backfill.want("x:A")
    await rig.merged.get()
    assert rig.backfill.failed == {"x:A": "the service is away"}
    assert rig.backfill.is_settled("x:A")
    await rig.past.asked.get()
    rig.pass_time(AGAIN_S - 1)
    await rig.settle()
    assert rig.past.asked.empty()
    rig.past.answers["A"] = [bar("A", -1)]
    rig.pass_time(2)
    await rig.merged.get()
    assert rig.backfill.failed == {}


async def test_a_refusal_is_not_asked_again(rig: Rig) -> None:
    rig.past.answers["A"] = HistoryError("the key is not valid", refused=True)
    rig.backfill.want("x:A")
    await rig.merged.get()
    await rig.past.asked.get()
    rig.pass_time(10_000)
    await rig.settle()
    assert rig.past.asked.empty()
    assert rig.backfill.failed == {"x:A": "the key is not valid"}


async def test_a_gap_is_asked_for_and_closed(rig: Rig) -> None:
    rig.backfill.want("x:A")
    await rig.merged.get()
    await rig.past.asked.get()
    market = rig.market("A")
    before, after = NOON + SECOND, NOON + 90 * SECOND
    market.apply([Trade("x:A", before, before, "1", 10.0, 1.0, "buy")])
    market.interrupted()
    market.apply([Trade("x:A", after, after, "2", 11.0, 1.0, "buy")])
    assert gap_of(market) == before
    rig.past.answers["A"] = [bar("A", 0, 7.0), bar("A", 1, 2.0, after + SECOND)]
    rig.clock.now += 95
    rig.backfill.gap("x:A")
    rig.pass_time(3)
    await rig.merged.get()
    assert gap_of(market) is None
    assert [one.volume for one in market.candles.candles("1m", 2)] == [7.0, 2.0]


async def test_without_a_gap_nothing_is_asked(rig: Rig) -> None:
    rig.backfill.want("x:A")
    await rig.merged.get()
    await rig.past.asked.get()
    rig.backfill.gap("x:A")
    rig.pass_time(5)
    await rig.settle()
    assert rig.past.asked.empty()


async def test_what_the_provider_counted_and_we_did_not_receive_is_told(rig: Rig) -> None:
    market = rig.market("A")
    start = NOON // MINUTE * MINUTE
    rig.backfill.want("x:A")
    await rig.merged.get()
    rig.backfill.subscribed("x:A", start - SECOND)
    for number, second in enumerate((0, 30, 61, 130)):
        ts = start + second * SECOND
        market.apply([Trade("x:A", ts, ts, str(number), 10.0, 1.0, "buy")])
    told = [
        msgspec.structs.replace(bar("A", minute, volume, start + last * SECOND), closed=closed)
        for minute, volume, last, closed in ((0, 4.0, 59, True), (1, 1.0, 61, True), (2, 1.0, 130, False))
    ]
    rig.past.answers["A"] = list(told)
    rig.pass_time(AUDIT_S + 1)
    await rig.merged.get()
    assert "60.0 %" in rig.backfill.short["x:A"]


async def test_only_what_is_shown_is_checked_again(rig: Rig) -> None:
    for symbol in "AB":
        rig.backfill.want(f"x:{symbol}")
        await rig.merged.get()
        await rig.past.asked.get()
    rig.pass_time(AUDIT_S + 1)
    assert (await rig.past.asked.get())[0] == "A"
    await rig.settle()
    assert rig.past.asked.empty()
