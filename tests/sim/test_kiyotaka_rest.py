"""Kiyotaka's REST API, asked over loopback while the clock is held."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from mdterm.feeds.sim.faults import parse_faults
from mdterm.feeds.sim.kiyotaka_rest import weigh
from mdterm.feeds.sim.market import MINUTE_NS
from mdterm.feeds.sim.synthetic import EPOCH_NS
from mdterm.feeds.sim.venue import Venue

Open = Callable[..., Awaitable[Venue]]
Dial = Callable[..., Awaitable[Any]]
Record = Callable[..., Path]

MINUTE = 60
NOON_S = 1_700_049_600  # 2023-11-15 12:00 UTC, a Wednesday
KEY = {"X-Kiyotaka-Key": "key"}


def trade(at_s: float, price: float, size: float = 1.0, side: str = "buy") -> dict[str, Any]:
    ts = NOON_S * 10**9 + round(at_s * 1e9)
    return {"ts": ts, "symbol": "BTCUSDT", "type": "trade", "price": price, "size": size, "side": side}


def candle(at_s: int, close: float, interval: str = "1m", volume: float = 8.0) -> dict[str, Any]:
    open_ts = (NOON_S + at_s) * 10**9
    row = {"ts": open_ts + MINUTE_NS, "symbol": "BTCUSDT", "type": "candle", "interval": interval}
    prices = {"open": close - 1, "high": close + 2, "low": close - 2, "close": close}
    return row | prices | {"volume": volume, "open_ts": open_ts}


TRADES = [
    trade(5, 100.0),
    trade(10.25, 104.0, 2.0, "sell"),
    trade(20, 98.0, 3.0),
    trade(59.999, 101.0, 4.0, "sell"),
    trade(61, 102.0, 0.5),
    trade(60 * 60, 110.0),
]


@asynccontextmanager
async def client(venue: Venue, headers: dict[str, str] = KEY) -> AsyncIterator[httpx.AsyncClient]:
    base = venue.endpoints["providers.kiyotaka.rest_url"]
    async with httpx.AsyncClient(base_url=base, headers=headers, trust_env=False) as http:
        yield http


async def points(venue: Venue, kind: str, **params: Any) -> Any:
    """Ask for minutes around noon, unless told otherwise; return the series."""
    given = {"type": kind, "exchange": "BINANCE_FUTURES", "rawSymbol": "BTCUSDT", "interval": "MINUTE"}
    given |= {"from": str(NOON_S), "period": str(2 * 3600)} | params
    async with client(venue) as http:
        answer = await http.get("/v1/points", params=given)
    assert answer.status_code == 200, answer.text
    return answer.json()["series"]


async def played(open_venue: Open, dial: Dial, clock: Any, path: Path, **config: Any) -> Venue:
    """Return a venue that has played a whole recording."""
    venue = await open_venue(play=path, keep_time=True, speed=1000, **config)
    await (await dial(venue)).subscribe(
        {"type": "OPEN_INTEREST", "exchange": "BINANCE_FUTURES", "symbol": "BTCUSDT"}
    )
    await clock.advance(8)
    return venue


# --- candles ------------------------------------------------------------------------------------------


async def test_candles_are_what_was_played(open_venue: Open, dial: Dial, clock: Any, record: Record) -> None:
    venue = await played(open_venue, dial, clock, record(*TRADES))
    (series,) = await points(venue, "TRADE_SIDE_AGNOSTIC_AGG")
    assert series["id"] == {
        "type": "TRADE_SIDE_AGNOSTIC_AGG",
        "exchange": "BINANCE_FUTURES",
        "rawSymbol": "BTCUSDT",
        "normalizedSymbol": "BTC-USDT",
        "category": "PERPETUAL",
        "interval": "MINUTE",
        "coin": "BTC",
    }
    assert series["points"][0] == {
        "Point": {
            "open": 100,
            "high": 104,
            "low": 98,
            "close": 101,
            "volume": 10,
            "timestamp": {"s": NOON_S},
            "firstTimestamp": {"s": NOON_S + 5},
            "lastTimestamp": {"s": NOON_S + 59, "ns": 999_000_000},
        }
    }
    assert [p["Point"]["timestamp"]["s"] - NOON_S for p in series["points"]] == [0, 60, 3600]


async def test_each_side_has_a_series_of_its_own(
    open_venue: Open, dial: Dial, clock: Any, record: Record
) -> None:
    venue = await played(open_venue, dial, clock, record(*TRADES))
    buys, sells = await points(venue, "TRADE_AGG", period="60")
    assert (buys["id"]["side"], sells["id"]["side"]) == ("BUY", "SELL")
    (bought,), (sold,) = buys["points"], sells["points"]
    assert bought["Point"] | {"open": 100, "close": 98, "volume": 4} == bought["Point"]
    assert sold["Point"] | {"open": 104, "close": 101, "volume": 6} == sold["Point"]
    (only,) = await points(venue, "TRADE_AGG", period="60", side="SELL")
    assert only == sells


async def test_longer_intervals_add_minutes_up(
    open_venue: Open, dial: Dial, clock: Any, record: Record
) -> None:
    venue = await played(open_venue, dial, clock, record(*TRADES))
    (hours,) = await points(venue, "TRADE_SIDE_AGNOSTIC_AGG", interval="HOUR")
    assert [p["Point"]["volume"] for p in hours["points"]] == [10.5, 1]
    monday = NOON_S - 2 * 86400 - 12 * 3600
    day = {"interval": "WEEK", "period": "86400"}
    (weeks,) = await points(venue, "TRADE_SIDE_AGNOSTIC_AGG", **day, **{"from": str(monday)})
    assert [p["Point"]["timestamp"]["s"] for p in weeks["points"]] == [monday]
    assert await points(venue, "TRADE_SIDE_AGNOSTIC_AGG", **day, **{"from": str(monday + 86400)}) == []


async def test_the_range_is_half_open_and_may_be_turned_round(
    open_venue: Open, dial: Dial, clock: Any, record: Record
) -> None:
    venue = await played(open_venue, dial, clock, record(*TRADES))
    (minutes,) = await points(venue, "TRADE_SIDE_AGNOSTIC_AGG", period="60")
    assert len(minutes["points"]) == 1
    (minutes,) = await points(venue, "TRADE_SIDE_AGNOSTIC_AGG", period="61")
    assert len(minutes["points"]) == 2
    (turned,) = await points(
        venue, "TRADE_SIDE_AGNOSTIC_AGG", period="61", sortDirection="SORT_DIRECTION_DESC"
    )
    assert turned["points"] == minutes["points"][::-1]
    assert await points(venue, "TRADE_SIDE_AGNOSTIC_AGG", period="0") == []


async def test_gaps_are_filled_with_the_last_close_when_asked(
    open_venue: Open, dial: Dial, clock: Any, record: Record
) -> None:
    venue = await played(open_venue, dial, clock, record(*TRADES))
    (minutes,) = await points(venue, "TRADE_SIDE_AGNOSTIC_AGG", gapfill="true")
    assert len(minutes["points"]) == 61
    filled = {"open": 102, "high": 102, "low": 102, "close": 102, "timestamp": {"s": NOON_S + 120}}
    assert minutes["points"][2] == {"Point": filled}


async def test_volumes_in_dollars(open_venue: Open, dial: Dial, clock: Any, record: Record) -> None:
    venue = await played(open_venue, dial, clock, record(*TRADES))
    params = {"period": "60", "transform.normalize.quote": "USD"}
    (minutes,) = await points(venue, "TRADE_SIDE_AGNOSTIC_AGG", **params)
    assert minutes["points"][0]["Point"]["volume"] == 100 + 208 + 294 + 404


async def test_the_current_bar_is_exactly_the_trades_sent(open_venue: Open, dial: Dial, clock: Any) -> None:
    venue = await open_venue(seed=3, rate=5)
    line = await dial(venue)
    await line.subscribe(
        {"type": "TRADE", "exchange": "BINANCE_FUTURES", "symbol": "BTCUSDT", "category": "*"}
    )
    await clock.advance(7.3)
    sent = await line.rest()
    start = clock.time_ns() // MINUTE_NS * MINUTE_NS // 10**9
    series = await points(venue, "TRADE_AGG", period="60", **{"from": str(start)})
    for one in series:
        (bar,) = one["points"]
        own = [p["trade"] for p in sent if p["series"]["side"] == one["id"]["side"]]
        stamps = [p["timestamp"] for p in own]
        assert bar["Point"]["volume"] == pytest.approx(sum(trade["amount"] for trade in own))
        assert bar["Point"]["open"] == own[0]["price"]
        assert bar["Point"]["close"] == own[-1]["price"]
        assert bar["Point"]["high"] == max(trade["price"] for trade in own)
        for name, stamp in (("firstTimestamp", stamps[0]), ("lastTimestamp", stamps[-1])):
            told = bar["Point"][name]
            assert (told["s"], told.get("ns", 0)) == (stamp["seconds"], stamp["nanoseconds"])
    assert {one["id"]["side"] for one in series} == {"BUY", "SELL"}


async def test_played_bars_are_history_with_half_the_volume_a_side(
    open_venue: Open, dial: Dial, clock: Any, record: Record
) -> None:
    path = record(candle(0, 100.0), candle(60, 103.0, volume=0.0), candle(120, 101.0, interval="1h"))
    venue = await played(open_venue, dial, clock, path)
    (whole,) = await points(venue, "TRADE_SIDE_AGNOSTIC_AGG", interval="MINUTE")
    assert [p["Point"]["close"] for p in whole["points"]] == [100, 103]
    assert "volume" not in whole["points"][1]["Point"]
    buys, sells = await points(venue, "TRADE_AGG")
    for series in (buys, sells):
        assert series["points"][0]["Point"]["volume"] == 4
        assert series["points"][0]["Point"]["open"] == 99
    (hours,) = await points(venue, "TRADE_SIDE_AGNOSTIC_AGG", interval="HOUR")
    assert hours["points"][0]["Point"]["close"] == 101


async def test_bars_moved_off_the_minute_do_not_hide_trades(
    open_venue: Open, dial: Dial, clock: Any, record: Record
) -> None:
    venue = await open_venue(play=record(trade(30, 100.0), candle(0, 70.0)), speed=1000)
    await (await dial(venue)).subscribe(
        {"type": "OPEN_INTEREST", "exchange": "BINANCE_FUTURES", "symbol": "BTCUSDT"}
    )
    await clock.advance(1)
    start = str(clock.time_ns() // 10**9 - 600)
    (minutes,) = await points(venue, "TRADE_SIDE_AGNOSTIC_AGG", period="1200", **{"from": start})
    assert 100 in [p["Point"]["close"] for p in minutes["points"]]


# --- the made-up past -----------------------------------------------------------------------------------


async def test_seven_days_lead_up_to_the_first_trade(open_venue: Open, clock: Any) -> None:
    venue = await open_venue(keep_time=True)
    await clock.advance(1)
    begin = EPOCH_NS // 10**9
    week = {"from": str(begin - 7 * 86400), "period": str(7 * 86400)}
    (series,) = await points(venue, "TRADE_SIDE_AGNOSTIC_AGG", **week)
    assert len(series["points"]) == 7 * 1440
    assert series["points"][-1]["Point"]["close"] == 61800.2
    buys, sells = await points(venue, "TRADE_AGG", interval="DAY", **week)
    assert len(buys["points"]) == len(sells["points"]) == 7
    (days,) = await points(venue, "TRADE_SIDE_AGNOSTIC_AGG", interval="DAY", **week)
    for day, bought, sold in zip(days["points"], buys["points"], sells["points"], strict=True):
        assert day["Point"]["volume"] == pytest.approx(bought["Point"]["volume"] + sold["Point"]["volume"])


async def test_the_other_types_have_their_documented_fields(open_venue: Open, clock: Any) -> None:
    venue = await open_venue(keep_time=True, rate=10)
    await clock.advance(5)
    past = {"from": str(EPOCH_NS // 10**9 - 3600), "period": "3660"}
    (interest,) = await points(venue, "OPEN_INTEREST_AGG", **past)
    assert set(interest["points"][0]["Point"]) == {"open", "high", "low", "close", "timestamp"}
    (funding,) = await points(venue, "FUNDING_RATE_AGG", **past)
    rates = {f"{kind}{which}" for kind in ("rate", "predicted") for which in ("Open", "High", "Low", "Close")}
    assert set(funding["points"][-1]["Point"]) == rates | {"timestamp"}
    liquidations = await points(venue, "LIQUIDATION_AGG", **past)
    for series in liquidations:
        assert series["id"]["side"] in ("BUY", "SELL")
        assert set(series["points"][0]["Point"]) == {"liquidations", "timestamp"}
    (profile,) = await points(venue, "VOLUME_PROFILE_AGG", interval="HOUR", **past)
    assert profile["id"]["blockSize"] == 20
    rows = profile["points"][0]["Point"]["profile"]
    assert len(rows) % 3 == 0
    assert rows[::3] == sorted(rows[::3])
    (hour,) = await points(venue, "TRADE_SIDE_AGNOSTIC_AGG", interval="HOUR", **past | {"period": "3600"})
    assert sum(rows[1::3]) + sum(rows[2::3]) == pytest.approx(hour["points"][0]["Point"]["volume"])


# --- who may ask for what ---------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"X-Kiyotaka-Key": "bad"}])
async def test_a_key_is_needed(open_venue: Open, headers: dict[str, str]) -> None:
    venue = await open_venue()
    async with client(venue, headers) as http:
        for path in ("/v1/points", "/v1/symbols", "/elsewhere"):
            answer = await http.get(path)
            assert (answer.status_code, answer.json()["error"]) == (401, "INVALID_API_KEY")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"type": "NONSENSE"}, 400, "INVALID_PARAMS"),
        ({"type": "TPO_AGG"}, 403, "FORBIDDEN"),
        ({"interval": "THIRTY_MINUTES"}, 400, "INVALID_TIMEFRAME"),
        ({"exchange": "OKX"}, 400, "INVALID_EXCHANGE"),
        ({"exchange": ["BYBIT", "BITGET"]}, 403, "FORBIDDEN"),
        ({"transform.groupBy.type": "GROUP_BY_TYPE_SUM"}, 403, "FORBIDDEN"),
        ({"rawSymbol": "NOPE"}, 400, "INVALID_SYMBOL"),
        ({"side": "LONG"}, 400, "INVALID_PARAMS"),
        ({"period": "soon"}, 400, "INVALID_PARAMS"),
        ({"from": "-5"}, 400, "INVALID_PARAMS"),
        ({"from": str(EPOCH_NS // 10**9 - 8 * 86400)}, 403, "FORBIDDEN"),
        ({"from": str(EPOCH_NS // 10**9), "period": str(60 * 100_001)}, 403, "FORBIDDEN"),
    ],
)
async def test_what_the_service_refuses_is_refused(
    open_venue: Open, clock: Any, change: dict[str, Any], status: int, code: str
) -> None:
    venue = await open_venue(keep_time=True)
    given: dict[str, Any] = {"type": "TRADE_AGG", "exchange": "BINANCE_FUTURES", "rawSymbol": "BTCUSDT"}
    given |= {"interval": "MINUTE", "period": "60", **change}
    async with client(venue) as http:
        answer = await http.get("/v1/points", params=given)
    assert (answer.status_code, answer.json()["error"]) == (status, code)


async def test_a_spent_budget_says_when_there_is_more(open_venue: Open, clock: Any) -> None:
    venue = await open_venue(keep_time=True, weight_per_minute=3)
    async with client(venue) as http:

        async def ask() -> httpx.Response:
            given = {"type": "VOLUME_PROFILE_AGG", "exchange": "BYBIT", "rawSymbol": "BTCUSDT"}
            return await http.get("/v1/points", params=given | {"interval": "MINUTE", "period": "60"})

        assert (await ask()).status_code == 200
        await clock.advance(20)
        refused = await ask()
        assert refused.status_code == 429
        assert refused.headers["Retry-After"] == "40"
        assert refused.json() == {
            "error": "RATE_LIMITED",
            "message": "Rate limit exceeded",
            "retry_after": 40,
        }
        assert (await http.get("/v1/usage")).json()["used"] == 2
        await clock.advance(40)
        assert (await ask()).status_code == 200


@pytest.mark.parametrize(
    ("kind", "period_s", "weight"),
    [
        ("TRADE_AGG", 60_000, 1),
        ("TRADE_AGG", 60_001, 2),
        ("TRADE_AGG", 0, 1),
        ("VOLUME_PROFILE_AGG", 120_000, 4),
    ],
)
def test_weights_follow_the_formula(kind: str, period_s: int, weight: int) -> None:
    assert weigh(kind, period_s, MINUTE_NS) == weight


async def test_what_can_be_asked_for_is_told(open_venue: Open, clock: Any) -> None:
    venue = await open_venue()
    await clock.advance(1)
    async with client(venue) as http:

        async def ask(path: str) -> Any:
            return (await http.get(path)).json()

        sizes = "/v1/block-sizes?exchange=BINANCE_FUTURES&type=BLOCK_BOOK_SNAPSHOT_AGG&rawSymbol="
        assert await ask(sizes + "ETHUSDT") == {"blockSizes": [0.01]}
        assert (await ask(sizes + "NOPE"))["error"] == "INVALID_SYMBOL"
        assert (await ask("/v1/symbols"))["rawSymbols"] == venue.symbols()
        assert await ask("/v1/exchanges") == {"exchanges": ["BINANCE_FUTURES"]}
        assert "TRADE_AGG" in (await ask("/v1/types"))["types"]
        assert (await ask("/v1/coins"))["coins"][0] == "BTC"
        first, second = (await ask("/v1/markets?pageSize=2&pageOffset=1"))["markets"]
        assert (first["rawSymbol"], second["rawSymbol"]) == ("ETHUSDT", "SOLUSDT")
        assert first["lastPrice"] > 0
        (doge,) = (await ask("/v1/markets?coin=DOGE&exchange=BYBIT"))["markets"]
        assert (doge["exchange"], doge["normalizedSymbol"]) == ("BYBIT", "DOGE-USDT")


async def test_rest_can_be_refused_garbled_and_late(open_venue: Open, clock: Any) -> None:
    venue = await open_venue(faults=parse_faults("refuse:rest=500"))
    async with client(venue) as http:
        assert (await http.get("/v1/symbols")).status_code == 500
    venue = await open_venue(faults=parse_faults("garbage:rest"))
    async with client(venue) as http:
        answer = await http.get("/v1/symbols")
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()
