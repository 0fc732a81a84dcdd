"""HTTP: every form of an answer, bars in any order, budgets. Time and the server are the test's."""

import asyncio
import itertools
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdterm.feeds.address import Instrument, parse_address
from mdterm.feeds.alltick import facts
from mdterm.feeds.alltick.budget import Budget, Endpoint, Turns
from mdterm.feeds.alltick.feed import AllTick
from mdterm.feeds.alltick.http import AllTickHttp, Asked, CodeError
from mdterm.feeds.contract import HistoryError

Make = Callable[..., AllTick]
Reply = tuple[int, bytes]
URLS: dict[facts.Family, str] = {"stock": "http://h/quote-stock-b-api/", "generic": "http://h/quote-b-api"}
TOKEN = "tok en/1"

CHINA = (
    '{"ret":200,"msg":"ok","trace":"edd5df80","data":{"code":"000055.SZ","kline_type":1,"kline_list":['
    '{"timestamp":"1720162560","open_price":"3.480000","close_price":"3.480000","high_price":"3.480000",'
    '"low_price":"3.470000","volume":"147","turnover":"51110.000000"},'
    '{"timestamp":"1720162800","open_price":"3.480000","close_price":"3.480000","high_price":"3.480000",'
    '"low_price":"3.480000","volume":"141","turnover":"49068.000000"}]}}'
)
TENCENT = (
    '{"ret":200,"msg":"ok","trace":"edd5df80","data":{"code":"700.HK","kline_type":1,"kline_list":['
    '{"timestamp":"1720166340","open_price":"380.400000","close_price":"380.400000","high_price":"380.400000",'
    '"low_price":"380.000000","volume":"99200","turnover":"37729070.000000"},'
    '{"timestamp":"1720166400","open_price":"379.800000","close_price":"379.800000","high_price":"379.800000",'
    '"low_price":"379.800000","volume":"1203200","turnover":"456975360.000000"}]}}'
)
GOLD_TWICE = (
    '{"ret":200,"msg":"ok","trace":"t3","data":{"code":"GOLD","kline_type":10,"kline_list":['
    '{"timestamp":"1743465600","open_price":"3123.5","close_price":"3288.1","high_price":"3500.0",'
    '"low_price":"2956.6","volume":"","turnover":""},'
    '{"timestamp":"1740787200","open_price":"2857.7","close_price":"3123.5","high_price":"3149.0",'
    '"low_price":"2832.6","volume":"120","turnover":"360000"},'
    '{"timestamp":"1743465600","open_price":"3123.5","close_price":"3288.1","high_price":"3500.0",'
    '"low_price":"2956.6","volume":"99","turnover":"310000"}]}}'
)
BATCH = (
    '{"ret":200,"msg":"ok","trace":"asdfsdfa","data":{"kline_list":[{"code":"700.HK","kline_type":1,'
    '"kline_data":[{"timestamp":"1677829200","open_price":"136.421","close_price":"136.412",'
    '"high_price":"136.422","low_price":"136.407","volume":"0","turnover":"0"}]},'
    '{"code":"GOOGL.US","kline_type":1,"kline_data":[{"timestamp":"1677829200","open_price":"136.421",'
    '"close_price":"136.412","high_price":"136.422","low_price":"136.407","volume":"0","turnover":"0"}]}]}}'
)
TICK = (
    '{"ret":200,"msg":"ok","trace":"test-1751083094773-wpzqk0z66","data":{"tick_list":[{"code":"AAPL.US",'
    '"seq":"27755950","tick_time":"1751068801000","price":"201.187000","volume":"174",'
    '"turnover":"35006.099000","trade_direction":1}]}}'
)
TICK_WITHOUT_TRACE = (
    '{"ret":200,"msg":"ok","data":{"tick_list":[{"code":"GOLD","seq":"24618487","tick_time":"1781166146694",'
    '"price":"4101.91","volume":"8.00","turnover":"32815.28","trade_direction":1}]}}'
)
DEPTH = (
    '{"ret":200,"msg":"ok","trace":"12d5df80","data":{"tick_list":[{"code":"000651.SZ","seq":"1836410",'
    '"tick_time":"1720162800891","bids":[{"price":"37.700000","volume":"460"}],'
    '"asks":[{"price":"37.710000","volume":"32"}]}]}}'
)
STATIC = (
    '{"ret":200,"msg":"ok","trace":"edd5df80","data":{"static_info_list":[{"board":"HKEquity",'
    '"bps":"101.7577888985738336","circulating_shares":"9267359712","currency":"HKD",'
    '"dividend_yield":"3.4558141358352833","eps":"13.7190213011686429","eps_ttm":"18.0567016900844671",'
    '"exchange":"SEHK","hk_shares":"9267359712","lot_size":"100","name_cn":"腾讯控股","name_en":"TENCENT",'
    '"name_hk":"騰訊控股","symbol":"700.HK","total_shares":"9267359712"}]}}'
)
NO_TOKEN = '{"msg":"token is required","ret":401}'
BAD_CODE = '{"ret":600,"msg":"code invalid"}'
GATEWAY = '{"error_msg":"Too many requests"}'


class Server:
    """Answers in turn; the last answer stays."""

    def __init__(self, clock: Any) -> None:
        self.replies: list[Reply] = []
        self.asked: list[tuple[float, httpx.Request]] = []
        self._clock = clock

    def say(self, *replies: str | tuple[int, str] | Reply) -> None:
        """Set what is answered."""
        for one in replies:
            status, body = (200, one) if isinstance(one, str) else one
            self.replies.append((status, body.encode() if isinstance(body, str) else body))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((self._clock.now, request))
        status, body = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return httpx.Response(status, content=body)

    def questions(self) -> list[dict[str, Any]]:
        """Return the data of what was asked."""
        found = []
        for _, request in self.asked:
            text = request.content or parse_qs(request.url.query.decode())["query"][0].encode()
            found.append(json.loads(text)["data"])
        return found


@pytest.fixture
def server(held_clock: Any) -> Server:
    return Server(held_clock)


@pytest.fixture
def web(held_clock: Any, server: Server) -> Callable[..., AllTickHttp]:
    """Give a way to clients whose time runs as fast as they wait."""

    async def sleep(seconds: float) -> None:
        held_clock.now += max(0.0, seconds)

    def make(plan: facts.PlanName = "professional") -> AllTickHttp:
        return AllTickHttp(
            "alltick",
            URLS,
            TOKEN,
            facts.PLANS[plan],
            held_clock,
            transport=httpx.MockTransport(server),
            sleep=sleep,
        )

    return make


@pytest.fixture
def instrument(make_provider: Make) -> Callable[[str], Instrument]:
    return lambda code: make_provider().resolve(parse_address(f"alltick:{code}"))


Web = Callable[..., AllTickHttp]
Name = Callable[[str], Instrument]
NS = 1_000_000_000


async def test_bars_of_a_stock(web: Web, server: Server, instrument: Name) -> None:
    server.say(TENCENT)
    http = web()
    first, second = await http.candles(instrument("700.HK"), "1m", 500)
    assert (first.open_ts, second.open_ts) == (1720166340 * NS, 1720166400 * NS)
    assert (first.open, first.high, first.low, first.close) == (380.4, 380.4, 380.0, 380.4)
    assert (first.volume, second.volume, first.closed, second.closed) == (99200.0, 1203200.0, True, False)
    ((_, request),) = server.asked
    assert request.url.path == "/quote-stock-b-api/kline"
    assert parse_qs(request.url.query.decode())["token"] == [TOKEN]
    assert server.questions() == [
        {
            "code": "700.HK",
            "kline_type": 1,
            "kline_timestamp_end": 0,
            "query_kline_num": 500,
            "adjust_type": 0,
        }
    ]
    await http.close()


async def test_bars_of_the_mainland_are_told_in_lots(web: Web, server: Server, instrument: Name) -> None:
    server.say(CHINA)
    http = web()
    bars = await http.candles(instrument("000055.SZ"), "1m", 2)
    assert [bar.volume for bar in bars] == [147.0, 141.0]
    await http.close()


async def test_bars_that_come_twice_and_backwards(web: Web, server: Server, instrument: Name) -> None:
    server.say(GOLD_TWICE)
    http = web()
    bars = await http.kline(instrument("GOLD"), "1h", 3)
    assert [(bar.open_ts // NS, bar.volume, bar.closed) for bar in bars] == [
        (1740787200, 120.0, True),
        (1743465600, 99.0, False),
    ]
    await http.close()


async def test_bars_of_several_codes_in_one_request(web: Web, server: Server) -> None:
    server.say(BATCH)
    http = web()
    asked = [Asked("700.HK", "1m"), Asked("GOOGL.US", "1m"), Asked("TSLA.US", "1m")]
    addresses = {one.code: f"alltick:{one.code}" for one in asked}
    found = await http.batch_kline("stock", asked, addresses, 0)
    assert set(found) == set(asked[:2])
    (bar,) = found[asked[0]]
    assert (bar.open_ts, bar.open, bar.close, bar.volume) == (1677829200 * NS, 136.421, 136.412, 0.0)
    ((_, request),) = server.asked
    assert (request.method, request.headers["content-type"]) == ("POST", "application/json")
    (question,) = server.questions()
    assert question["data_list"][0] == {
        "code": "700.HK",
        "kline_type": 1,
        "kline_timestamp_end": 0,
        "query_kline_num": 2,
        "adjust_type": 0,
    }
    await http.close()


async def test_ticks_books_and_what_is_known_of_a_stock(web: Web, server: Server) -> None:
    http = web()
    server.say(TICK, TICK_WITHOUT_TRACE, DEPTH, STATIC)
    (tick,) = await http.ticks("trade-tick", "stock", ["AAPL.US", "TSLA.US"], 0)
    assert (tick.code, tick.seq, tick.price) == ("AAPL.US", "27755950", "201.187000")
    (gold,) = await http.ticks("trade-tick", "generic", ["GOLD"], 0)
    assert gold.tick_time == "1781166146694"
    (book,) = await http.ticks("depth-tick", "stock", ["000651.SZ"], 0)
    assert book.bids is not None
    (about,) = await http.static_info(["700.HK"])
    assert (about.name, about.local_name, about.currency) == ("TENCENT", "騰訊控股", "HKD")
    assert about.lot_size == 100.0
    await http.close()


@pytest.mark.parametrize("broken", ['{"ret":200,"data":{"kline_list":{}}}', '{"ret":200,"data":{}}', "{"])
async def test_an_empty_or_torn_answer_is_no_bars(
    web: Web, server: Server, instrument: Name, broken: str
) -> None:
    server.say(broken)
    http = web()
    if broken == "{":
        with pytest.raises(HistoryError, match="status 200"):
            await http.candles(instrument("GOLD"), "1m", 5)
    else:
        assert await http.candles(instrument("GOLD"), "1m", 5) == []
    await http.close()


async def test_a_bad_bar_costs_only_itself(web: Web, server: Server, instrument: Name) -> None:
    good = {"timestamp": 60, "open_price": "1", "close_price": 2, "high_price": "2", "low_price": "1"}
    bad: list[Any] = [
        None,
        7,
        {},
        good | {"open_price": ""},
        good | {"low_price": "NaN"},
        good | {"timestamp": 0},
    ]
    bad += [good | {"high_price": "-1"}, good | {"close_price": "1e99"}]
    server.say(json.dumps({"ret": 200, "data": {"kline_list": [*bad, good]}}))
    http = web()
    (bar,) = await http.candles(instrument("BTCUSDT"), "1m", 50)
    assert (bar.open_ts, bar.volume) == (60 * NS, None)
    assert http.bad_entries == len(bad)
    await http.close()


async def test_days_begin_with_the_exchanges(web: Web, server: Server, instrument: Name) -> None:
    def bars(*stamps: int) -> str:
        bar = {"open_price": "1", "close_price": "1", "high_price": "1", "low_price": "1", "volume": "1"}
        listed = [bar | {"timestamp": str(stamp)} for stamp in stamps]
        return json.dumps({"ret": 200, "data": {"kline_list": listed}})

    http = web()
    tuesday = 1783382400  # 2026-07-07, midnight UTC
    midnight, opening = tuesday + 4 * 3600, tuesday + 13 * 3600 + 1800  # in New York
    server.say(bars(tuesday, tuesday + 86_400), bars(midnight), bars(opening), bars(tuesday - 8 * 3600))
    first, second = await http.candles(instrument("AAPL.US"), "1d", 2)
    assert first.open_ts == opening * NS  # whichever of them the provider tells
    assert second.open_ts == first.open_ts + 86_400 * NS
    for _ in range(2):
        (same,) = await http.candles(instrument("AAPL.US"), "1d", 2)
        assert same.open_ts == first.open_ts
    (hong_kong,) = await http.candles(instrument("700.HK"), "1d", 2)  # its midnight
    assert hong_kong.open_ts == (tuesday + 3600) * NS
    await http.close()


def page(end: int, count: int, step: int = 60) -> str:
    """Return bars up to ``end`` (seconds), the end included."""
    bar = {"open_price": "1", "close_price": "1", "high_price": "1", "low_price": "1", "volume": "1"}
    listed = [bar | {"timestamp": str(end - step * at)} for at in range(count)]
    return json.dumps({"ret": 200, "data": {"kline_list": listed}})


async def test_a_long_past_is_walked_backwards_and_the_seams_count_once(
    web: Web, server: Server, instrument: Name
) -> None:
    http = web()
    newest = 6_000_000
    server.say(page(newest, 500), page(newest - 499 * 60, 500), page(newest - 998 * 60, 3))
    bars = await http.candles(instrument("GOLD"), "1m", 1440)
    assert [bar.open_ts for bar in bars] == [(newest - at * 60) * NS for at in reversed(range(1001))]
    assert [bar.closed for bar in bars[-2:]] == [True, False]
    questions = [(one["kline_timestamp_end"], one["query_kline_num"]) for one in server.questions()]
    assert questions == [(0, 500), (newest - 499 * 60, 500), (newest - 998 * 60, 441)]
    await http.close()


async def test_a_past_that_repeats_itself_ends(web: Web, server: Server, instrument: Name) -> None:
    http = web()
    server.say(page(6_000_000, 500))
    assert len(await http.candles(instrument("GOLD"), "1m", 1440)) == 500
    assert len(server.asked) == 2
    await http.close()


async def test_stocks_have_one_page_and_no_bars_of_two_and_four_hours(
    web: Web, server: Server, instrument: Name
) -> None:
    http = web()
    server.say(page(36_000, 10, 3600))
    bars = await http.candles(instrument("700.HK"), "4h", 1000)
    assert [bar.open_ts // NS // 3600 for bar in bars] == [0, 4, 8]
    assert sum(bar.volume or 0 for bar in bars) == 10
    (question,) = server.questions()
    assert (question["kline_type"], question["query_kline_num"]) == (5, 500)
    with pytest.raises(HistoryError, match="5s"):
        await http.candles(instrument("700.HK"), "5s", 10)
    await http.close()


THROTTLES: list[tuple[int, str]] = [
    (200, '{"ret":429,"msg":"rate limit"}'),
    (429, '{"ret":429,"msg":"Too Many Requests"}'),
    (200, '{"ret":605,"msg":"too many requests"}'),
    (429, GATEWAY),
    (429, "<html>busy</html>"),
    (200, '{"ret":606,"msg":"too many requests and connection will be closed"}'),
]


@pytest.mark.parametrize("reply", THROTTLES)
async def test_every_form_of_being_throttled_is_waited_out(
    web: Web, server: Server, instrument: Name, reply: tuple[int, str]
) -> None:
    http = web()
    server.say(reply, TENCENT)
    assert len(await http.candles(instrument("700.HK"), "1m", 2)) == 2
    (first, _), (second, _) = server.asked
    assert second - first >= 10
    assert http.throttled == 1
    server.replies[:] = []
    server.say(reply)
    with pytest.raises(HistoryError):
        await http.candles(instrument("700.HK"), "1m", 2)
    waits = [
        later - earlier for (earlier, _), (later, _) in zip(server.asked[2:], server.asked[3:], strict=False)
    ]
    assert waits[1] > waits[0] >= 10
    await http.close()


@pytest.mark.parametrize(
    ("reply", "words", "refused"),
    [
        ((401, NO_TOKEN), "token was rejected", True),
        ((200, '{"ret":401,"msg":"token invalid"}'), "token was rejected", True),
        ((403, "no"), "token was rejected", True),
        ((200, BAD_CODE), "does not know the code", True),
        ((400, BAD_CODE), "does not know the code", True),
        ((200, '{"ret":604,"msg":"code unauthorized"}'), "plan does not include", True),
        ((200, '{"ret":603,"msg":"token level not enough"}'), "plan allows less", True),
        ((200, '{"ret":402,"msg":"query invalid"}'), "malformed", True),
        ((200, '{"ret":601,"msg":"body empty"}'), "malformed", True),
        ((500, '{"success":false,"error":"x"}'), "status 500", False),
        ((502, "<html>"), "status 502", False),
        ((200, '{"ret":999,"msg":"\\u001b]0;x\\u0007"}'), "999", False),
    ],
)
async def test_refusals_and_failures_are_told_apart_in_words(
    web: Web, server: Server, instrument: Name, reply: tuple[int, str], words: str, refused: bool
) -> None:
    http = web()
    server.say(reply)
    with pytest.raises(HistoryError, match=words) as caught:
        await http.candles(instrument("700.HK"), "1m", 2)
    assert caught.value.refused is refused
    assert str(caught.value).isprintable()
    assert isinstance(caught.value, CodeError) is (
        words in ("does not know the code", "plan does not include")
    )
    await http.close()


async def test_the_token_is_in_no_error(held_clock: Any, instrument: Name) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"cannot reach {request.url} with {TOKEN}")

    http = AllTickHttp(
        "alltick", URLS, TOKEN, facts.PLANS["basic"], held_clock, transport=httpx.MockTransport(fail)
    )
    with pytest.raises(HistoryError) as caught:
        await http.candles(instrument("700.HK"), "1m", 2)
    assert "tok" not in str(caught.value).replace("token", "")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    await http.close()


async def test_nobody_is_kept_waiting_for_a_budget_that_is_used_up(
    web: Web, server: Server, instrument: Name, held_clock: Any
) -> None:
    http = web("free")
    server.say(TENCENT)

    async def use_up() -> None:
        for _ in range(200):
            await http.candles(instrument("700.HK"), "1m", 2)

    with pytest.raises(HistoryError, match="budget is used up"):
        await use_up()
    assert 100 <= len(server.asked) <= 120
    held_clock.now += 200.0
    assert await http.candles(instrument("700.HK"), "1m", 2)
    await http.close()


# Budgets.

PACES = {"free": (10.0, 10.0, 10, 1_000), "basic": (1.0, 3.0, 60, 86_400)}
PACES |= {"premium": (0.1, 2.0, 600, 864_000), "professional": (0.05, 1.0, 1200, 1_728_000)}
ENDPOINTS: tuple[Endpoint, ...] = ("kline", "batch-kline", "trade-tick", "depth-tick", "static_info")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    plan=st.sampled_from(sorted(PACES)),
    asked=st.lists(st.tuples(st.floats(0, 30), st.sampled_from(ENDPOINTS), st.integers(0, 9)), max_size=60),
)
def test_no_sequence_of_requests_exceeds_a_plan(plan: facts.PlanName, asked: Any) -> None:
    budget = Budget(facts.PLANS[plan])
    now, times, batches = 0.0, [], []
    for pause, endpoint, throttled in asked:
        now = budget.ready_at(endpoint, now + pause)
        budget.spend(endpoint, now)
        times.append(now)
        if endpoint == "batch-kline":
            batches.append(now)
        if throttled == 0:
            budget.throttled(now)
            assert budget.ready_at("kline", now) - now > 9.999
    spacing, batch_spacing, per_minute, _ = PACES[plan]
    assert all(b - a >= spacing for a, b in itertools.pairwise(times))
    assert all(b - a >= batch_spacing for a, b in itertools.pairwise(batches))
    assert all(sum(at <= one < at + 60 for one in times) <= per_minute for at in times)


@pytest.mark.parametrize("plan", sorted(PACES))
def test_no_day_exceeds_a_plan(plan: facts.PlanName) -> None:
    budget = Budget(facts.PLANS[plan])
    per_day = PACES[plan][3]
    now, count, times = 0.0, 0, []
    while True:
        now = budget.ready_at("kline", now)
        if now >= 2 * 86_400 or count > 2.2 * per_day or count > 200_000:
            break
        budget.spend("kline", now)
        times.append(now)
        count += 1
    first = sum(at < 86_400 for at in times)
    assert first <= per_day
    assert sum(20_000 <= at < 106_400 for at in times) <= per_day
    if plan == "free":
        assert first > 0.95 * per_day
        assert sum(at < 1060 for at in times) >= 100  # at first as fast as the pace allows


async def test_turns_go_by_importance(held_clock: Any) -> None:
    turns = Turns(Budget(facts.PLANS["free"]), held_clock.mono, held_clock.sleep)
    order: list[str] = []

    async def ask(name: str, rank: int) -> None:
        async with turns.take("kline", rank):
            order.append(f"{name} {held_clock.now:.1f}")
            await held_clock.sleep(2.0)

    tasks = [asyncio.create_task(ask("first", 1))]
    await held_clock.advance(1.0)
    tasks += [asyncio.create_task(ask(name, rank)) for name, rank in (("list", 1), ("list2", 1), ("seen", 0))]
    await held_clock.advance(5.0)
    tasks[1].cancel()
    await held_clock.advance(40.0)
    assert order == ["first 0.0", "seen 12.5", "list2 25.0"]
    await turns.close()
    await asyncio.gather(*tasks, return_exceptions=True)
