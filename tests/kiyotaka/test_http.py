"""The REST client against answers as documented, as doubted, and as hostile as they come."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdterm.feeds.address import Instrument
from mdterm.feeds.contract import HistoryError
from mdterm.feeds.kiyotaka import http
from mdterm.feeds.kiyotaka import http_wire as wire
from mdterm.feeds.kiyotaka.http import KiyotakaHistory, WeightBudget, retry_after, weight_of

KEY = "secret-key-0123456789"
BTC = Instrument(
    "kiyotaka:BINANCE_FUTURES:BTCUSDT", "kiyotaka", "kiyotaka", "BTCUSDT", exchange="BINANCE_FUTURES"
)
MINUTE = 60
T0 = 1_769_058_840  # 2026-01-22 05:14:00 UTC
NAMES = [
    "Point",
    "series",
    "points",
    "id",
    "open",
    "high",
    "timestamp",
    "s",
    "ns",
    "volume",
    "blockSizes",
    "rawSymbol",
]
Handler = Callable[[httpx.Request], httpx.Response]


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self, wall_s: float = T0 + 30) -> None:
        self.now = wall_s
        self.slept: list[float] = []

    def wall(self) -> int:
        """Return the wall clock in ns."""
        return round(self.now * 1e9)

    def mono(self) -> float:
        """Return seconds."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let time go by."""
        self.slept.append(seconds)
        self.now += seconds


class Service:
    """Answers in turn, the last one for ever, and what was asked."""

    def __init__(self, *answers: httpx.Response | Handler) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, httpx.Response):
            # A response can be read once.
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return answer(request)

    def queries(self, name: str) -> list[str]:
        """Return a parameter of every request."""
        return [parse_qs(urlsplit(str(one.url)).query).get(name, ["-"])[0] for one in self.asked]


def history(service: Handler, clock: Clock | None = None, **options: Any) -> KiyotakaHistory:
    """Return a client of the service."""
    clock = clock or Clock()
    return KiyotakaHistory(
        options.pop("base_url", "https://api.kiyotaka.test"),
        options.pop("key", KEY),
        clock=clock,
        transport=httpx.MockTransport(service),
        sleep=clock.sleep,
        **options,
    )


def ok(body: Any) -> httpx.Response:
    """Return a good answer."""
    return httpx.Response(200, content=body if isinstance(body, bytes) else json.dumps(body).encode())


def refused(status: int, code: str = "FORBIDDEN", **more: Any) -> httpx.Response:
    """Return a documented error."""
    return httpx.Response(status, json={"error": code, "message": f"no: {code.lower()}", **more})


def series(points: list[Any], side: str | None = None, **identity: Any) -> dict[str, Any]:
    """Return one series of an answer."""
    whole = {"type": "TRADE_AGG", "exchange": "BINANCE_FUTURES", "rawSymbol": "BTCUSDT", **identity}
    if side is not None:
        whole["side"] = side
    return {"id": whole, "points": points}


def point(at: int, ohlcv: tuple[float, float, float, float, float], **times: Any) -> dict[str, Any]:
    """Return a point as REST wraps it."""
    names = ("open", "high", "low", "close", "volume")
    return {"Point": {**dict(zip(names, ohlcv, strict=True)), "timestamp": {"s": at}, **times}}


SIDES = {
    "series": [
        series(
            [
                point(
                    T0,
                    (90000.1, 90021.0, 89996.0, 90014.2, 31.204),
                    firstTimestamp={"s": T0, "ns": 12_000_000},
                    lastTimestamp={"s": T0 + 59, "ns": 880_000_000},
                )
            ],
            "BUY",
        ),
        series(
            [
                point(
                    T0,
                    (90000.0, 90020.9, 89995.5, 90014.1, 28.77),
                    firstTimestamp={"s": T0, "ns": 30_000_000},
                    lastTimestamp={"s": T0 + 59, "ns": 990_000_000},
                )
            ],
            "SELL",
        ),
    ]
}


async def test_both_sides_make_one_bar() -> None:
    service = Service(ok(SIDES))
    client = history(service)
    (bar,) = await client.candles(BTC, "1m", 1)
    assert (bar.open, bar.high, bar.low, bar.close) == (90000.1, 90021.0, 89995.5, 90014.1)
    assert (bar.volume, bar.buy, bar.sell) == (31.204 + 28.77, 31.204, 28.77)
    assert (bar.open_ts, bar.closed, bar.interval) == (T0 * 10**9, False, "1m")
    assert bar.first_ts == T0 * 10**9 + 12_000_000
    assert bar.last_ts == bar.ts == (T0 + 59) * 10**9 + 990_000_000
    assert bar.seen == (T0 + 30) * 10**9
    assert service.asked[0].headers["X-Kiyotaka-Key"] == KEY
    assert str(service.asked[0].url) == (
        "https://api.kiyotaka.test/v1/points?type=TRADE_AGG&exchange=BINANCE_FUTURES&rawSymbol=BTCUSDT"
        f"&interval=MINUTE&from={T0}&period=60"
    )
    await client.close()


@pytest.mark.parametrize(
    "body",
    [
        {"series": [series([point(T0, (1, 1, 1, 1, 5)), point(T0 + 60, (1, 1, 1, 1, 6))], "BUY")]},
        # newest first, told twice, with text for numbers, in the sockets' spelling, one of them wrapped bare
        {
            "series": [
                series(
                    [
                        {
                            "tradeAggregation": {
                                **dict.fromkeys(("open", "high", "low", "close"), "1"),
                                "volume": "6",
                                "timestamp": {"seconds": str(T0 + 60), "nanoseconds": 0},
                            }
                        },
                        point(T0, (1, 1, 1, 1, 5)),
                        point(T0, (1, 1, 1, 1, 5))["Point"],
                    ],
                    "BUY",
                )
            ]
        },
        # bad siblings
        {
            "series": [
                series(
                    [
                        point(T0, (1, 1, 1, 1, 5)),
                        {"Point": 7},
                        None,
                        {"Point": {"open": "NaN", "high": 1, "low": 1, "close": 1, "timestamp": {"s": T0}}},
                        point(T0 + 120, (-1, -1, -1, -1, 5)),
                        point(T0 + 120, (2, 1, 1, 1, 5)),
                        point(T0 + 120, (1, 1, 1, 1, -5)),
                        {"Point": {"open": 1, "high": 1, "low": 1, "close": 1, "timestamp": {"s": "x"}}},
                        {"Point": {"open": 1, "high": 1, "low": 1, "close": 1, "timestamp": {"s": 10**30}}},
                        {"Point": {"volume": 3, "timestamp": {"s": T0 + 120}}},
                        point(T0 + 60, (1, 1, 1, 1, 6)),
                        [1],
                    ],
                    "BUY",
                ),
                None,
                {"id": None},
                {"id": 7, "points": []},
                {"points": 8},
                series([point(T0 + 60, (9, 9, 9, 9, 9))], "BUY", rawSymbol="ETHUSDT"),
                series([point(T0 + 60, (9, 9, 9, 9, 9))], "BUY", exchange="BYBIT"),
            ],
            "new": {"field": [1]},
        },
        # as the sockets tell it
        {
            "points": [
                {
                    "series": {"type": "TRADE_AGG", "symbol": "BTCUSDT", "side": "BUY"},
                    "tradeAggregation": {
                        "open": 1, "high": 1, "low": 1, "close": 1, "volume": volume,
                        "timestamp": {"seconds": at},
                    },
                }
                for at, volume in ((T0, 5), (T0 + 60, 6))
            ]
        },
    ],
    ids=["plain", "odd", "hostile", "sockets"],
)  # fmt: skip
async def test_every_spelling_is_read(body: dict[str, Any]) -> None:
    bars = await history(Service(ok(body))).candles(BTC, "1m", 5)
    assert [(bar.open_ts // 10**9, bar.volume, bar.buy, bar.sell, bar.closed) for bar in bars] == [
        (T0, 5.0, 5.0, 0.0, True),
        (T0 + 60, 6.0, 6.0, 0.0, False),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"series":null}',
        b'{"series":[]}',
        b'{"series":[{}]}',
        b'{"series":[{"id":null,"points":null}]}',
    ],
)
async def test_nothing_is_no_error(body: bytes) -> None:
    assert await history(Service(ok(body))).candles(BTC, "1m", 5) == []


async def test_a_missing_volume_is_zero_and_moves_nothing() -> None:
    silent = {"open": 9, "high": 9, "low": 9, "close": 9, "timestamp": {"s": T0}}
    body = {"series": [series([{"Point": silent}], "BUY"), series([point(T0, (1, 2, 1, 2, 4))], "SELL")]}
    (bar,) = await history(Service(ok(body))).candles(BTC, "1m", 1)
    assert (bar.open, bar.high, bar.volume, bar.buy, bar.sell) == (1.0, 2.0, 4.0, 0.0, 4.0)


async def test_the_fuller_of_two_tellings_counts() -> None:
    points = [
        point(T0, (1, 1, 1, 1, 5), lastTimestamp={"s": T0 + 9}),
        point(T0, (1, 3, 1, 3, 8), lastTimestamp={"s": T0 + 20}),
        point(T0, (1, 2, 1, 2, 7), lastTimestamp={"s": T0 + 15}),
    ]
    (bar,) = await history(Service(ok({"series": [series(points, "BUY")]}))).candles(BTC, "1m", 1)
    assert (bar.close, bar.volume) == (3.0, 8.0)


scraps = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=3),
        st.sampled_from([T0, 10**400]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@given(scraps, st.binary(max_size=4))
@settings(max_examples=200, deadline=None, database=None)
def test_no_answer_breaks_the_reader(scrap: Any, junk: bytes) -> None:
    whole = {"series": [series([scrap, point(T0, (1, 1, 1, 1, 5))], "BUY"), scrap], "points": [scrap]}
    for body in (json.dumps(whole).encode(), json.dumps(scrap).encode(), junk):
        read_all(body)
    kept = wire.legs(wire.read_answer(json.dumps({"series": whole["series"][:1]}).encode()), BTC)
    assert any(leg.volume == 5.0 for leg in kept)


@pytest.mark.parametrize(
    "body",
    [
        b'{"series":[{"points":[{"Point":{"volume":' + b"9" * 5000 + b"}}]}]}",
        b"9" * 5000,
        b'{"retry_after":' + b"9" * 5000 + b',"blockSizes":[' + b"9" * 400 + b"]}",
        b"[" * 100_000,
        b'{"series":' * 50_000,
        b"[" * 600 + b"]" * 600,
    ],
    ids=["figure", "number", "wait", "deep", "deeper", "closed"],
)
def test_no_number_and_no_depth_breaks_the_reader(body: bytes) -> None:
    read_all(body)


def read_all(body: bytes) -> None:
    """Give a body to every reader: it is read, or told to be unreadable."""
    with contextlib.suppress(wire.WireError):
        wire.candles_of(wire.legs(wire.read_answer(body), BTC), BTC.address, "1m", 0)
    with contextlib.suppress(wire.WireError):
        wire.read_markets(body, "kiyotaka")
    with contextlib.suppress(wire.WireError):
        wire.read_block_size(body)
    with contextlib.suppress(wire.WireError):
        list(wire.flatten(wire.read_object(body)))
    wire.read_failure(body)


@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b"[1]", b'{"series":', b'{"series":7}', b"\xff"])
async def test_what_is_no_answer_is_told(body: bytes) -> None:
    with pytest.raises(HistoryError, match="answer is not") as caught:
        await history(Service(ok(body))).candles(BTC, "1m", 5)
    assert not caught.value.refused


@pytest.mark.parametrize(
    ("interval", "name", "unit", "points"),
    [
        ("5m", "FIVE_MINUTES", 300, 3),
        ("15m", "FIFTEEN_MINUTES", 900, 3),
        ("1h", "HOUR", 3600, 3),
        ("4h", "FOUR_HOURS", 4 * 3600, 3),
        ("1d", "DAY", 86400, 3),
        ("3m", "MINUTE", 60, 9),
        ("30m", "FIFTEEN_MINUTES", 900, 5),  # the running half hour has only begun
        ("2h", "HOUR", 3600, 6),
        ("6h", "HOUR", 3600, 18),
        ("12h", "FOUR_HOURS", 4 * 3600, 8),
        ("1w", "DAY", 86400, 18),
    ],
)
async def test_intervals_are_asked_for_or_folded(interval: str, name: str, unit: int, points: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        at, period = int(request.url.params["from"]), int(request.url.params["period"])
        assert at % unit == 0
        bars = [point(second, (1, 2, 1, 2, 1)) for second in range(at, at + period, unit)]
        return ok({"series": [series(bars, "SELL")]})

    service = Service(answer)
    bars = await history(service).candles(BTC, interval, 3)
    assert service.queries("interval") == [name]
    assert int(service.queries("period")[0]) // unit == points
    assert len(bars) == 3
    assert [bar.closed for bar in bars] == [True, True, False]
    assert {bar.interval for bar in bars} == {interval}
    assert sum(bar.sell or 0.0 for bar in bars) == points
    assert bars[-1].open_ts <= (T0 + 30) * 10**9


async def test_below_a_minute_and_over_all_markets_there_is_no_history() -> None:
    service = Service(ok(b"{}"))
    with pytest.raises(HistoryError, match="5s") as caught:
        await history(service).candles(BTC, "5s", 10)
    assert caught.value.refused
    coin = Instrument("kiyotaka:X:coin=BTC", "kiyotaka", "kiyotaka", "BTC", exchange="X", grouped=True)
    with pytest.raises(HistoryError, match="coin"):
        await history(service).candles(coin, "1m", 10)
    assert service.asked == []


@pytest.mark.parametrize("status", [400, 403])
async def test_without_sides_plain_bars_stand_in(status: int) -> None:
    plain = {"series": [series([point(T0, (1, 2, 1, 2, 4))], type="TRADE_SIDE_AGNOSTIC_AGG")]}
    service = Service(refused(status), ok(plain))
    client = history(service)
    (bar,) = await client.candles(BTC, "1m", 1)
    assert (bar.volume, bar.buy, bar.sell) == (4.0, None, None)
    assert service.queries("type") == ["TRADE_AGG", "TRADE_SIDE_AGNOSTIC_AGG"]
    await client.candles(BTC, "1m", 1)
    assert service.queries("type")[2:] == ["TRADE_SIDE_AGNOSTIC_AGG"]  # it is known now


async def test_a_range_beyond_the_plan_is_cut_to_seven_days() -> None:
    service = Service(refused(403), ok(SIDES))
    assert await history(service).candles(BTC, "1h", 24 * 30)
    starts = [int(one) for one in service.queries("from")]
    assert starts[1] - starts[0] == (23 * 24) * 3600 - 0
    assert T0 + 30 - starts[1] <= 7 * 86400
    assert starts[1] % 3600 == 0
    assert service.queries("type") == ["TRADE_AGG", "TRADE_AGG"]


async def test_seven_days_are_tried_once_for_either_kind() -> None:
    service = Service(refused(403))
    with pytest.raises(HistoryError, match="forbidden") as caught:
        await history(service).candles(BTC, "1h", 24 * 30)
    assert caught.value.refused
    assert len(service.asked) == 4


async def test_an_unknown_symbol_is_not_asked_for_twice() -> None:
    service = Service(refused(400, "INVALID_SYMBOL"))
    with pytest.raises(HistoryError, match="invalid_symbol") as caught:
        await history(service).candles(BTC, "1m", 1)
    assert caught.value.refused
    assert len(service.asked) == 1


async def test_a_bad_key_is_a_refusal_in_words() -> None:
    with pytest.raises(
        HistoryError, match=r"key is not accepted: no: invalid_api_key \(HTTP 401\)"
    ) as caught:
        await history(Service(refused(401, "INVALID_API_KEY"))).candles(BTC, "1m", 1)
    assert caught.value.refused


@pytest.mark.parametrize("status", [500, 502, 504])
async def test_a_failing_service_is_no_refusal(status: int) -> None:
    with pytest.raises(HistoryError, match=f"HTTP {status}") as caught:
        await history(Service(httpx.Response(status, content=b"<html>"))).candles(BTC, "1m", 1)
    assert not caught.value.refused


@pytest.mark.parametrize("status", [204, 301, 404])
async def test_another_service_is_told_apart(status: int) -> None:
    with pytest.raises(HistoryError, match=f"api.kiyotaka.test does not answer .*HTTP {status}"):
        await history(Service(httpx.Response(status))).candles(BTC, "1m", 1)


async def test_too_many_requests_are_asked_again_when_the_service_says() -> None:
    clock = Clock()
    busy = httpx.Response(429, headers={"Retry-After": "12"}, json={"error": "RATE_LIMITED"})
    service = Service(busy, ok(SIDES))
    assert len(await history(service, clock).candles(BTC, "1m", 1)) == 1
    assert clock.slept == [12.0]


async def test_a_wait_told_in_the_body_counts_too_and_ends() -> None:
    clock = Clock()
    service = Service(refused(429, "RATE_LIMITED", retry_after=7))
    with pytest.raises(HistoryError, match="try again in 7 s") as caught:
        await history(service, clock).candles(BTC, "1m", 1)
    assert not caught.value.refused
    assert len(service.asked) == http.ATTEMPTS
    assert clock.slept == [7.0, 7.0]


async def test_nobody_waits_for_an_hour() -> None:
    clock = Clock()
    service = Service(refused(429, "RATE_LIMITED", retry_after=3600))
    client = history(service, clock)
    with pytest.raises(HistoryError, match="try again in 3600 s"):
        await client.candles(BTC, "1m", 1)
    with pytest.raises(HistoryError, match="try again in 3600 s"):
        await client.search("btc")  # what costs nothing waits as well
    assert clock.slept == []
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    ("header", "told", "wait"),
    [
        ("12", None, 12.0),
        ("12", 5.0, 12.0),
        (None, 5.0, 5.0),
        (None, None, 20.0),
        ("soon", None, 20.0),
        ("nan", None, 20.0),
        ("-3", None, 1.0),
        ("Thu, 22 Jan 2026 05:14:45 GMT", None, 15.0),
    ],
)
def test_waits_are_read_in_every_form(header: str | None, told: float | None, wait: float) -> None:
    assert retry_after(header, told, (T0 + 30) * 10**9) == wait


@pytest.mark.parametrize(
    ("period", "interval", "cost", "weight"),
    [(60_000, 60, 1, 1), (60_060, 60, 1, 2), (60, 60, 1, 1), (3600, 60, 10, 10), (864_000, 60, 1, 15)],
)
def test_weights_are_those_of_the_docs(period: int, interval: int, cost: int, weight: int) -> None:
    assert weight_of(period, interval, cost) == weight


def test_the_budget_flows_in_by_the_minute() -> None:
    budget = WeightBudget(10, 20)
    assert budget.reserve(20, 0.0, 60.0) == 0.0
    assert budget.reserve(0, 0.0, 60.0) == 0.0
    assert budget.reserve(5, 0.0, 60.0) == pytest.approx(30.0)
    assert budget.reserve(5, 0.0, 60.0) == pytest.approx(60.0)  # queued behind
    assert budget.reserve(1, 0.0, 60.0) == pytest.approx(66.0)  # too long: not reserved
    assert budget.reserve(1, 6.0, 60.0) == pytest.approx(60.0)
    assert budget.reserve(20, 1000.0, 60.0) == 0.0  # never more than the burst
    budget.block(1090.0)
    assert budget.reserve(0, 1030.0, 60.0) == 60.0


async def test_requests_wait_for_their_weight() -> None:
    clock = Clock()
    service = Service(ok(b"{}"))
    client = history(service, clock)
    await client.candles(BTC, "1m", 20_000)
    assert clock.slept == []
    await client.candles(BTC, "1m", 10_000)
    assert clock.slept == [pytest.approx(60.0)]
    with pytest.raises(HistoryError, match=r"weight .* used up, try again in \d+ s"):
        await client.candles(BTC, "1m", 20_000)
    assert await client.search("x") == []


async def test_a_long_range_comes_in_parts_that_the_burst_allows() -> None:
    clock = Clock()
    service = Service(ok(b"{}"))
    await history(service, clock, weight_per_minute=100, burst=5).candles(BTC, "1m", 12_000)
    assert [int(one) // MINUTE for one in service.queries("period")] == [5000, 5000, 2000]
    starts = [int(one) for one in service.queries("from")]
    assert starts[1] - starts[0] == 5000 * MINUTE
    assert sum(clock.slept) == pytest.approx(7 / 100 * 60)


async def test_an_endless_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_BODY", 1 << 20)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65536

    with pytest.raises(HistoryError, match="larger than 1 MiB"):
        await history(lambda _: httpx.Response(200, content=endless())).candles(BTC, "1m", 1)


async def test_a_silent_service_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT_S", 0.01)

    async def silence() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    with pytest.raises(HistoryError, match="no answer within"):
        await history(lambda _: httpx.Response(200, content=silence())).candles(BTC, "1m", 1)


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError(f"cannot reach {KEY}\x1b[2J"),
        httpx.ReadTimeout(""),
        httpx.RemoteProtocolError("odd"),
    ],
)
async def test_a_broken_line_is_told_without_the_key(error: httpx.HTTPError) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(HistoryError, match=r"api\.kiyotaka\.test") as caught:
        await history(fail).candles(BTC, "1m", 1)
    words = str(caught.value)
    assert KEY not in words
    assert words.isprintable()
    assert caught.value.__context__ is None
    assert not caught.value.refused


@pytest.mark.parametrize("key", [f"{KEY}\n", f"{KEY} two", "schlüssel", ""])
async def test_a_key_that_cannot_be_sent_is_told_without_quoting_it(key: str) -> None:
    service = Service(ok(b"{}"))
    with pytest.raises(HistoryError, match="cannot be sent") as caught:
        await history(service, key=key).candles(BTC, "1m", 1)
    assert caught.value.refused
    assert not key.strip() or key.strip() not in str(caught.value)
    assert service.asked == []


async def test_an_address_that_is_none_is_told() -> None:
    with pytest.raises(HistoryError):
        await history(Service(ok(b"{}")), base_url="https://[::1").candles(BTC, "1m", 1)


async def test_bodies_are_journalled_without_the_key() -> None:
    kept: list[tuple[str, int, bytes]] = []
    service = Service(ok({"series": [], "you": KEY}), refused(404, f"x{KEY}"))
    client = history(
        service,
        base_url="https://user:pass@api.kiyotaka.test/",
        auth_header="X-OpenMarket-Key",
        on_body=lambda url, status, body: kept.append((url, status, body)),
    )
    await client.candles(BTC, "1m", 1)
    with pytest.raises(HistoryError) as caught:
        await client.usage()
    assert [(status, urlsplit(url).path) for url, status, _ in kept] == [
        (200, "/v1/points"),
        (404, "/v1/usage"),
    ]
    assert service.asked[0].headers["X-OpenMarket-Key"] == KEY
    assert KEY not in str(kept) + str(caught.value) + repr(client)
    assert "pass" not in str(kept)
    assert json.loads(kept[0][2])["series"] == []


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (b'{"blockSizes":[3]}', 3.0),
        (b'{"blockSizes":[25,5]}', 5.0),
        (b'{"blockSizes":["0.5"]}', 0.5),
        (b'{"blockSizes":[0]}', None),
        (b'{"blockSizes":[null,{},"x",true,-1]}', None),
        (b"{}", None),
        (b"[]", None),
    ],
)
async def test_block_sizes(body: bytes, size: float | None) -> None:
    service = Service(ok(body))
    assert await history(service).block_size(BTC) == size
    query = parse_qs(urlsplit(str(service.asked[0].url)).query)
    assert query == {
        "exchange": ["BINANCE_FUTURES"],
        "rawSymbol": ["BTCUSDT"],
        "type": ["BLOCK_BOOK_SNAPSHOT_AGG"],
    }


ROWS = [
    {"rawSymbol": "BTCUSDT_260327", "exchange": "BINANCE_FUTURES", "coin": "BTC"},
    {"rawSymbol": "BTCUSDT", "exchange": "BINANCE_FUTURES", "coin": "BTC", "normalizedSymbol": "BTC-USDT"},
    {"rawSymbol": "BTCUSDT", "exchange": "BYBIT", "coin": "BTC", "prices": [1, 2]},
    {"rawSymbol": "ETHUSDT", "exchange": "BYBIT", "coin": "ETH"},
    {"rawSymbol": "a b\x1b", "exchange": "BYBIT", "coin": "BTC"},
    {"rawSymbol": None, "exchange": "BYBIT"},
    {"exchange": "BYBIT"},
]


@pytest.mark.parametrize(
    "body", [ROWS, {"markets": ROWS}, {"data": {"total": 3, "names": ["a"], "rows": ROWS}}, [*ROWS, 7, None]]
)
async def test_symbols_are_found_whatever_stands_around_them(body: Any) -> None:
    service = Service(ok(body))
    client = history(service, instance="kiyo2")
    assert await client.search("btcusdt") == [
        "kiyo2:BINANCE_FUTURES:BTCUSDT",
        "kiyo2:BYBIT:BTCUSDT",
        "kiyo2:BINANCE_FUTURES:BTCUSDT_260327",
    ]
    assert await client.search("kiyo2:BYBIT:BTC") == ["kiyo2:BYBIT:BTCUSDT"]
    assert await client.search("BTC-USDT") == ["kiyo2:BINANCE_FUTURES:BTCUSDT"]
    assert len(await client.search("")) == 4
    assert len(service.asked) == 1  # the listing is kept


async def test_a_coin_that_the_first_page_lacks_is_asked_for() -> None:
    clock = Clock()
    doge = [{"rawSymbol": "DOGEUSDT", "exchange": "BYBIT", "coin": "DOGE"}]
    service = Service(ok(ROWS), ok(doge))
    client = history(service, clock)
    assert await client.search("doge") == ["kiyotaka:BYBIT:DOGEUSDT"]
    assert service.queries("coin") == ["-", "DOGE"]
    clock.now += http.LISTING_S + 1
    await client.search("doge")
    assert service.queries("pageSize") == ["1000", "100", "1000"]


async def test_usage_of_any_shape_is_told_as_text() -> None:
    service = Service(ok({"plan": "free", "used": {"weight": 3, "list": [1, {"deep": 2}]}, "none": None}))
    assert await history(service).usage() == {
        "plan": "free",
        "used.weight": "3",
        "used.list.0": "1",
    }


async def test_a_refusal_of_what_costs_nothing_is_told() -> None:
    with pytest.raises(HistoryError, match="forbidden") as caught:
        await history(Service(refused(403))).block_size(BTC)
    assert caught.value.refused


async def test_closing_twice_and_asking_after() -> None:
    client = history(Service(ok(b"{}")))
    await client.close()
    assert await client.candles(BTC, "1m", 1) == []
    await client.close()
    await client.close()


async def test_no_proxy_stands_before_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: 18\r\nConnection: close\r\n\r\n" + b'{"blockSizes":[5]}'
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = KiyotakaHistory(f"http://127.0.0.1:{port}", KEY, clock=Clock())
    assert await client.block_size(BTC) == 5.0
    await client.close()
    server.close()
    await server.wait_closed()


def test_httpx_comes_with_the_first_request_only() -> None:
    code = (
        "import sys; from mdterm.feeds.clock import SystemClock; from mdterm.feeds.kiyotaka.http import"
        " KiyotakaHistory as H; H('https://x', 'k', clock=SystemClock()); print('httpx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
