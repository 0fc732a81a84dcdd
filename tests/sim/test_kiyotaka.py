"""Kiyotaka's sockets, spoken to over loopback while the clock is held."""

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from mdterm.feeds.sim.venue import Venue

Open = Callable[..., Awaitable[Venue]]
Dial = Callable[..., Awaitable[Any]]
Record = Callable[..., Path]

TS = 1_700_000_000_000_000_000
MS = 1_000_000


def trade(at_ms: float, symbol: str = "BTCUSDT", price: float = 61800.3, side: str = "buy") -> dict[str, Any]:
    ts = TS + round(at_ms * MS)
    return {"ts": ts, "symbol": symbol, "type": "trade", "price": price, "size": 0.5, "side": side}


def book(at_ms: float, symbol: str = "BTCUSDT", size: float = 1.0) -> dict[str, Any]:
    ts = TS + round(at_ms * MS)
    return {"ts": ts, "symbol": symbol, "type": "book", "bids": [[61800.2, size]], "asks": [[61800.3, 1]]}


def channel(kind: str = "TRADE", symbol: str = "BTCUSDT", **params: Any) -> dict[str, Any]:
    needed = {"blockSize": "0.1"} if kind == "BLOCK_BOOK_SNAPSHOT" else {}
    common = {"type": kind, "category": "*", "exchange": "BINANCE_FUTURES", "symbol": symbol}
    return common | needed | params


async def closed(line: Any) -> tuple[int, str]:
    """Return code and reason of the close that follows."""
    with pytest.raises(ConnectionClosed) as caught:
        await line.frame()
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


# --- who may speak ------------------------------------------------------------------------------------


async def test_without_encoding_the_socket_is_closed_with_the_reason(open_venue: Open) -> None:
    venue = await open_venue()
    async with connect(venue.endpoints["providers.kiyotaka.book_url"]) as socket:
        with pytest.raises(ConnectionClosed, match="encoding=json is required"):
            await socket.recv()


async def test_no_socket_elsewhere(open_venue: Open) -> None:
    venue = await open_venue()
    with pytest.raises(InvalidStatus) as caught:
        await connect(venue.endpoints["providers.kiyotaka.book_url"] + "/elsewhere")
    assert caught.value.response.status_code == 401  # REST, which asks for a key before it looks


async def test_nothing_before_authenticate(open_venue: Open) -> None:
    venue = await open_venue()
    async with connect(venue.endpoints["providers.kiyotaka.book_url"] + "?encoding=json") as socket:
        await socket.send(json.dumps({"id": 1, "method": "public/subscribe", "params": {"channels": []}}))
        assert json.loads(await socket.recv())["error"]["message"] == "authenticate first"
        with pytest.raises(ConnectionClosed):
            await socket.recv()


@pytest.mark.parametrize("token", ["bad-key", "wrong", "invalid", "refused-1", "", "  "])
async def test_a_bad_key_is_told_so_and_closed(open_venue: Open, dial: Dial, token: str) -> None:
    line = await dial(await open_venue(), token="key")
    await line.say("public/authenticate", {"token": token}, 7)
    error = {"code": -32001, "message": "invalid token"}
    assert await line.frame() == {"jsonrpc": "2.0", "id": 7, "error": error}
    assert await closed(line) == (1008, "invalid token")


async def test_only_what_has_an_id_is_acknowledged(open_venue: Open, dial: Dial) -> None:
    line = await dial(await open_venue())
    await line.say("public/subscribe", {"channels": [channel("OPEN_INTEREST")]})
    await line.say("public/authenticate", {"token": "again"}, 3)
    assert await line.frame() == {"jsonrpc": "2.0", "id": 3, "result": "ok"}


async def test_too_many_messages_are_an_error_and_a_close(open_venue: Open, dial: Dial, clock: Any) -> None:
    line = await dial(await open_venue(message_budget=3))
    await line.subscribe(channel("LIQUIDATION"))
    await line.subscribe(channel("LIQUIDATION"))
    await clock.advance(59)
    await line.say("public/subscribe", {"channels": []}, 9)
    while (frame := await line.frame()).get("id") != 9:
        assert "points" in frame
    assert frame["error"] == {"code": -32005, "message": "too many messages"}
    assert (await closed(line))[0] == 1008


async def test_a_minute_later_there_is_a_new_budget(
    open_venue: Open, dial: Dial, record: Record, clock: Any
) -> None:
    line = await dial(await open_venue(play=record(trade(0)), message_budget=2))
    await line.subscribe(channel("LIQUIDATION"))
    await clock.advance(60)
    assert "result" in await line.subscribe(channel("LIQUIDATION"))


async def test_what_is_no_request_is_an_error(open_venue: Open, dial: Dial) -> None:
    line = await dial(await open_venue())
    await line.socket.send("{nonsense")
    assert (await line.frame())["error"]["code"] == -32700
    await line.socket.send("[1]")
    assert (await line.frame())["error"]["code"] == -32600
    assert (await line.ask("public/dance", {}))["error"]["code"] == -32601
    assert (await line.ask("public/subscribe", {}))["error"]["code"] == -32602


# --- what may be subscribed -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "wanted", "words"),
    [
        ("book", channel("TRADE"), "INVALID_PARAMS: TRADE is not served here but on the nonbook endpoint"),
        ("nonbook", channel("BLOCK_BOOK_SNAPSHOT"), "INVALID_PARAMS: .* on the book endpoint"),
        ("nonbook", channel("TICKER"), "INVALID_PARAMS: Unknown channel 'TICKER'"),
        ("nonbook", channel(symbol="NOPEUSDT"), "INVALID_SYMBOL: Unknown symbol 'NOPEUSDT'"),
        ("nonbook", channel(exchange="OKX"), "INVALID_EXCHANGE: Unknown exchange 'OKX'"),
        ("nonbook", channel(category="SPOT"), "INVALID_SYMBOL: BINANCE_FUTURES lists no SPOT"),
        ("nonbook", channel(category="FUN"), "INVALID_PARAMS: Unknown category"),
        ("nonbook", channel("TRADE_AGG", batchInterval="soon"), "INVALID_PARAMS: batchInterval 'soon'"),
        ("nonbook", channel("TRADE_AGG", batchInterval="0s"), "INVALID_PARAMS: batchInterval"),
        ("nonbook", channel("VOLUME_PROFILE_AGG", groupByType="2"), "INVALID_PARAMS: groupByType"),
        ("nonbook", "TRADE", "INVALID_PARAMS: a channel is an object"),
        ("book", channel("BLOCK_BOOK_SNAPSHOT", blockSize=0.1), "INVALID_PARAMS: blockSize must be a string"),
        ("book", channel("BLOCK_BOOK_SNAPSHOT", maxDepth=5), "INVALID_PARAMS: maxDepth must be a string"),
        ("book", channel("BLOCK_BOOK_SNAPSHOT", blockSize="-1"), "INVALID_PARAMS: blockSize '-1'"),
        ("book", channel("BLOCK_BOOK_SNAPSHOT", blockSize="wide"), "INVALID_PARAMS: blockSize 'wide'"),
        ("book", channel("BLOCK_BOOK_SNAPSHOT", maxDepth="0"), "INVALID_PARAMS: maxDepth '0'"),
        ("book", channel("BLOCK_BOOK_SNAPSHOT", quote="EUR"), "INVALID_PARAMS: quote"),
        ("book", channel("BLOCK_BOOK_SNAPSHOT", updateFrequency="1"), "INVALID_PARAMS: updateFrequency '1'"),
        (
            "book",
            {k: v for k, v in channel("BLOCK_BOOK_SNAPSHOT").items() if k != "blockSize"},
            "INVALID_PARAMS: blockSize is required",
        ),
    ],
)
async def test_what_the_service_refuses_is_refused(
    open_venue: Open, dial: Dial, family: str, wanted: Any, words: str
) -> None:
    line = await dial(await open_venue(), family)
    answer = await line.subscribe(wanted)
    assert answer["error"]["code"] == -32602
    assert re.match(words, answer["error"]["message"])


async def test_a_refusal_does_not_cost_the_other_channels(
    open_venue: Open, dial: Dial, record: Record, clock: Any
) -> None:
    line = await dial(await open_venue(play=record(trade(0))))
    assert "error" in await line.subscribe(channel(symbol="NOPE"), channel())
    await clock.advance(0.01)
    assert len(await line.points(1)) == 1


async def test_a_refused_notification_is_told_as_in_rest(open_venue: Open, dial: Dial) -> None:
    line = await dial(await open_venue())
    await line.say("public/subscribe", {"channels": [channel(symbol="NOPE")]})
    assert await line.frame() == {
        "error": "INVALID_SYMBOL",
        "message": "Unknown symbol 'NOPE' for BINANCE_FUTURES.",
    }


async def test_unknown_symbols_can_be_silent(open_venue: Open, dial: Dial) -> None:
    line = await dial(await open_venue(unknown_symbols="silent"))
    assert (await line.subscribe(channel(symbol="NOPE")))["result"] == "ok"


async def test_unsubscribing_ends_a_channel(open_venue: Open, dial: Dial, record: Record, clock: Any) -> None:
    line = await dial(
        await open_venue(play=record(trade(0), trade(10, "ETHUSDT"), trade(20), trade(30, "ETHUSDT")))
    )
    await line.subscribe(channel(), channel(symbol="ETHUSDT"))
    await clock.advance(0.015)
    assert len(await line.rest()) == 2
    assert (await line.ask("public/unsubscribe", {"channels": [channel()]}))["result"] == "ok"
    await clock.advance(0.1)
    assert [point["series"]["symbol"] for point in await line.rest()] == ["ETHUSDT"]
    assert "error" in await line.ask("public/unsubscribe", {"channels": [channel("NONSENSE")]})


async def test_a_channel_subscribed_again_replaces_itself(
    open_venue: Open, dial: Dial, record: Record, clock: Any
) -> None:
    line = await dial(await open_venue(play=record(trade(0))))
    await line.subscribe(channel(), channel())
    await line.subscribe(channel())
    await clock.advance(0.01)
    assert len(await line.rest()) == 1


# --- what is sent -----------------------------------------------------------------------------------------


async def test_points_of_one_moment_share_a_frame_of_at_most_fifty(
    open_venue: Open, dial: Dial, record: Record, clock: Any
) -> None:
    rows = [trade(0) for _ in range(120)] + [trade(5)]
    line = await dial(await open_venue(play=record(*rows)))
    await line.subscribe(channel())
    await clock.advance(0.01)
    assert [len((await line.frame())["points"]) for _ in range(4)] == [50, 50, 20, 1]


async def test_both_sockets_get_everything_though_they_subscribe_moments_apart(
    open_venue: Open, dial: Dial, record: Record, clock: Any
) -> None:
    rows = [row for at in range(0, 400, 4) for row in (trade(at), book(at + 1), trade(at, "ETHUSDT"))]
    venue = await open_venue(play=record(*rows))
    nonbook = await dial(venue)
    await nonbook.subscribe(channel())
    await clock.advance(0.2)
    books = await dial(venue, "book")
    await books.subscribe(channel("BLOCK_BOOK_SNAPSHOT"))
    await nonbook.subscribe(channel(symbol="ETHUSDT"))
    late = await dial(venue)
    await late.subscribe(channel())
    await clock.advance(1)
    points = await nonbook.rest()
    for symbol in ("BTCUSDT", "ETHUSDT"):
        own = [point["trade"] for point in points if point["series"]["symbol"] == symbol]
        assert len(own) == 100
        assert [int(one["id"]) for one in own] == sorted({int(one["id"]) for one in own})
    sent = [point["blockBookSnapshot"]["timestamp"]["nanoseconds"] for point in await books.rest()]
    assert len(sent) == 100
    assert 40 < len(await late.rest()) < 60


async def test_play_begins_with_the_first_subscription_and_moves_its_times_there(
    open_venue: Open, dial: Dial, record: Record, clock: Any
) -> None:
    line = await dial(await open_venue(play=record(trade(0), trade(1.000001))))
    await clock.advance(3600)
    now = clock.time_ns()
    await line.subscribe(channel())
    await clock.advance(1)
    stamps = [point["trade"]["timestamp"] for point in await line.points(2)]
    assert [s["seconds"] * 10**9 + s["nanoseconds"] for s in stamps] == [now, now + 1_000_001]


async def test_when_the_recording_ends_the_venue_stays_up(
    open_venue: Open, dial: Dial, record: Record, clock: Any
) -> None:
    line = await dial(await open_venue(play=record(trade(0))))
    await line.subscribe(channel())
    await clock.advance(100)
    assert len(await line.rest()) == 1
    assert (await line.subscribe(channel("LIQUIDATION")))["result"] == "ok"


async def test_a_late_subscriber_gets_the_newest_book_at_once(
    open_venue: Open, dial: Dial, record: Record, clock: Any
) -> None:
    venue = await open_venue(play=record(book(0, size=1), book(10, size=2)))
    first = await dial(venue, "book")
    await first.subscribe(channel("BLOCK_BOOK_SNAPSHOT"))
    await clock.advance(30)
    second = await dial(venue, "book")
    await second.subscribe(channel("BLOCK_BOOK_SNAPSHOT", blockSize="0.01"))
    (point,) = await second.points(1)
    assert point["blockBookSnapshot"]["bids"] == [61800.2, 2]


async def test_snapshots_keep_their_distance_and_the_latest_wins(
    open_venue: Open, dial: Dial, record: Record, clock: Any
) -> None:
    rows = [book(at, size=at + 1) for at in range(0, 1000, 50)]
    line = await dial(await open_venue(play=record(*rows)), "book")
    await line.subscribe(channel("BLOCK_BOOK_SNAPSHOT", updateFrequency="250ms"))
    await clock.advance(2)
    sizes = [point["blockBookSnapshot"]["bids"][1] for point in await line.rest()]
    assert sizes == [1, 251, 501, 751, 951]


async def test_any_known_exchange_is_echoed(open_venue: Open, dial: Dial, record: Record, clock: Any) -> None:
    line = await dial(await open_venue(play=record(trade(0))))
    await line.subscribe(channel(exchange="OKEX_SWAP"), channel(exchange="BINANCE", category="SPOT"))
    await clock.advance(0.01)
    seen = {(p["series"]["exchange"], p["series"]["category"]) for p in await line.points(2)}
    assert seen == {("OKEX_SWAP", "PERPETUAL"), ("BINANCE", "SPOT")}


async def test_batches_are_disjoint_and_one_a_side(
    open_venue: Open, dial: Dial, record: Record, clock: Any
) -> None:
    rows = [
        trade(0, price=10),
        trade(50, price=12),
        trade(60, price=9, side="sell"),
        trade(150, price=11),
        trade(450, price=13, side="sell"),
    ]
    line = await dial(await open_venue(play=record(*rows), keep_time=True))
    await line.subscribe(channel("TRADE_AGG", batchInterval="200ms"))
    await clock.advance(1)
    points = await line.rest()
    assert [(p["series"]["side"], p["series"]["session"]) for p in points] == [
        ("BUY", "0"),
        ("SELL", "0"),
        ("SELL", "0"),
    ]
    assert points[0]["tradeAggregation"] == {
        "open": 10,
        "high": 12,
        "low": 10,
        "close": 11,
        "volume": 1.5,
        "timestamp": {"seconds": 1_700_000_000, "nanoseconds": 0},
        "firstTimestamp": {"seconds": 1_700_000_000, "nanoseconds": 0},
        "lastTimestamp": {"seconds": 1_700_000_000, "nanoseconds": 150_000_000},
    }
    assert points[2]["tradeAggregation"]["timestamp"]["nanoseconds"] == 400_000_000


async def test_the_other_channels_have_their_documented_shapes(
    open_venue: Open, dial: Dial, clock: Any
) -> None:
    line = await dial(await open_venue(rate=20))
    kinds = ["LIQUIDATION", "FUNDING_RATE", "OPEN_INTEREST"]
    await line.subscribe(*(channel(kind) for kind in kinds), channel("FUNDING_RATE", "DOGEUSDT"))
    await clock.advance(6)
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for point in await line.rest():
        by_kind.setdefault(point["series"]["type"], []).append(point)
    for kind, payload in (("FUNDING_RATE", "fundingRate"), ("OPEN_INTEREST", "openInterest")):
        for point in by_kind[kind]:
            assert set(point) == {"series", payload}
            assert "side" not in point["series"]
            assert isinstance(point[payload][payload], float | int)
    predicted = {
        ("predictedFundingRate" in point["fundingRate"])
        for point in by_kind["FUNDING_RATE"]
        if point["series"]["symbol"] == "DOGEUSDT"
    }
    assert predicted == {False}
    for point in by_kind["LIQUIDATION"]:
        assert set(point["liquidation"]) == {"id", "price", "amount", "timestamp"}
        assert isinstance(point["liquidation"]["id"], str)
        assert point["series"]["side"] in ("BUY", "SELL")


async def test_the_liquidation_side_follows_the_convention(open_venue: Open, dial: Dial, clock: Any) -> None:
    sides = []
    for convention in ("position", "order"):
        line = await dial(await open_venue(rate=20, liquidation_side=convention))
        await line.subscribe(channel("LIQUIDATION"))
        await clock.advance(4)
        sides.append([point["series"]["side"] for point in await line.rest()])
    assert sides[0]
    turned = {"BUY": "SELL", "SELL": "BUY"}
    shared = min(len(own) for own in sides)
    assert [turned[side] for side in sides[0][:shared]] == sides[1][:shared]


async def test_the_profile_adds_up_the_day_and_is_replaced(
    open_venue: Open, dial: Dial, record: Record, clock: Any
) -> None:
    rows = [
        trade(0, price=61800),
        trade(500, price=61812.5, side="sell"),
        trade(1500, price=61800),
        trade(9000),
    ]
    line = await dial(await open_venue(play=record(*rows)))
    await line.subscribe(channel("VOLUME_PROFILE_AGG"))
    await clock.advance(3)
    first, second, third = await line.rest()
    assert first["series"] == {
        "type": "VOLUME_PROFILE_AGG",
        "symbol": "BTCUSDT",
        "exchange": "BINANCE_FUTURES",
        "category": "PERPETUAL",
        "coin": "BTC",
        "blockSize": 20,
    }
    profiles = [point["volumeProfileAggregation"]["profile"] for point in (first, second, third)]
    assert profiles[0] == [61800, 0.5, 0]
    assert profiles[1] == [61800, 0.5, 0.5]
    assert profiles[2] == [61800, 1, 0.5]


async def test_the_profile_starts_anew_at_midnight(
    open_venue: Open, dial: Dial, record: Record, clock: Any
) -> None:
    midnight = (TS // (86400 * 10**9) + 1) * 86400 * 10**9
    to_midnight_ms = (midnight - TS) / MS
    rows = [trade(to_midnight_ms - 2000), trade(to_midnight_ms + 2000)]
    line = await dial(await open_venue(play=record(*rows), keep_time=True))
    await line.subscribe(channel("VOLUME_PROFILE_AGG"))
    await clock.advance(8)
    totals = [sum(p["volumeProfileAggregation"]["profile"][1::3]) for p in await line.rest()]
    assert totals == [0.5, 0.5]


async def test_a_coin_is_all_its_symbols(open_venue: Open, dial: Dial, record: Record, clock: Any) -> None:
    venue = await open_venue(play=record(book(0), book(1, "BTCUSDC", size=3), trade(2), trade(3, "BTCUSDC")))
    books, line = await dial(venue, "book"), await dial(venue)
    await books.subscribe(channel("BLOCK_BOOK_SNAPSHOT", "BTC", groupByType="1"))
    await line.subscribe(
        channel("VOLUME_PROFILE_AGG", "BTC", groupByType="1", updateFrequency="100ms", quote="USD")
    )
    await clock.advance(1)
    *_, last = await books.rest()
    assert "symbol" not in last["series"]
    assert last["series"]["coin"] == "BTC"
    assert last["blockBookSnapshot"]["bids"] == [61800.2, 4]
    *_, profile = await line.rest()
    assert "symbol" not in profile["series"]
    assert profile["volumeProfileAggregation"]["profile"] == [61800, 61800, 0]


async def test_a_synthetic_market_that_keeps_its_time_sends_the_same_bytes(
    open_venue: Open, dial: Dial, clock: Any
) -> None:
    wires: list[list[object]] = []
    for _ in range(2):
        venue = await open_venue(seed=9, keep_time=True)
        wire: list[object] = []
        lines = [await dial(venue, "nonbook"), await dial(venue, "book")]
        await lines[0].subscribe(channel(), channel("TRADE_AGG"), channel("VOLUME_PROFILE_AGG"))
        await lines[1].subscribe(channel("BLOCK_BOOK_SNAPSHOT", blockSize="5"))
        await clock.advance(3)
        for line in lines:
            await line.say("public/nothing", {}, 1)
            while "error" not in (frame := await line.socket.recv()):
                wire.append(frame)
        wires.append(wire)
        await venue.stop()
    assert len(wires[0]) > 30
    assert wires[0] == wires[1]
