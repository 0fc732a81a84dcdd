"""AllTick's HTTP paths, simulated: /kline, /batch-kline, /trade-tick, /depth-tick, /static_info.

Answered by a listener of its own, since a batch is a POST with a body. The plan's limits are those of the
docs, the stricter where they contradict each other; throttling is told in all the forms it has been seen
in, one after the other.
"""

import asyncio
import contextlib
import itertools
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from mdterm.feeds.alltick import facts
from mdterm.feeds.alltick.codes import NAMES, family_of, kind_of, market_of
from mdterm.feeds.sim import alltick_wire as wire
from mdterm.feeds.sim.alltick_hours import Night
from mdterm.feeds.sim.alltick_market import Board, board_lot
from mdterm.feeds.sim.alltick_session import Rules
from mdterm.feeds.sim.history import DAY_NS, Bar, History, open_of
from mdterm.feeds.sim.market import MINUTE_NS, VenueBook, VenueEvent, VenueTrade
from mdterm.feeds.sim.pace import Floor

PREFIXES: dict[str, facts.Family] = {"/quote-stock-b-api": "stock", "/quote-b-api": "generic"}
TYPES: dict[int, int] = {
    1: MINUTE_NS,
    2: 5 * MINUTE_NS,
    3: 15 * MINUTE_NS,
    4: 30 * MINUTE_NS,
    5: 60 * MINUTE_NS,
    6: 120 * MINUTE_NS,
    7: 240 * MINUTE_NS,
    8: DAY_NS,
    9: 7 * DAY_NS,
    10: 30 * DAY_NS,
}
HISTORY_NS = 8 * DAY_NS
_NOT_FOR_STOCKS = (6, 7)
_THROTTLES: tuple[tuple[int, dict[str, Any]], ...] = (
    (200, {"ret": 429, "msg": "rate limit"}),
    (429, {"ret": 429, "msg": "Too Many Requests"}),
    (200, {"ret": 605, "msg": "too many requests"}),
    (429, {"error_msg": "Too many requests"}),
)
_LARGEST = 4 * 1024 * 1024
_PATIENCE_S = 30.0
_RECALLED = 200

Answer = tuple[int, bytes]


class Newest(Protocol):
    """How the last print or book of a code is asked for."""

    def __call__(self, code: str, kind: type[VenueEvent], *, by_hours: bool) -> VenueEvent | None: ...


class Problem(Exception):
    """An answer that is not 200."""

    def __init__(self, ret: int, msg: str) -> None:
        super().__init__(msg)
        self.ret = ret


class Meter:
    """One token's requests against its plan. Pure; seconds come in as an argument."""

    def __init__(self, plan: facts.Plan) -> None:
        self.requests = 0
        self.violations: list[str] = []
        is_free = plan.is_polled
        self._plan = plan
        self._spacing = {"free": 10.0, "basic": 1.0, "premium": 0.1}.get(plan.name, 0.05)
        self._batch = {"free": 10.0, "basic": 3.0, "premium": 2.0}.get(plan.name, 1.0)
        self._per_minute = 10 if is_free else round(60 / self._spacing)
        self._last: dict[str, float] = {}
        self._minute: deque[float] = deque()
        self._day = (0.0, 0)

    def admit(self, endpoint: str, now: float) -> bool:
        """Count a request; return whether the plan allows it."""
        self.requests += 1
        while self._minute and now - self._minute[0] >= 60:
            self._minute.popleft()
        began, count = self._day if now - self._day[0] < 86_400 else (now, 0)
        self._day = (began, count + 1)
        words = None
        previous = max(self._last.values(), default=None)
        if previous is not None and now - previous < self._spacing:
            words = f"{endpoint} {now - previous:.2f} s after another request"
        elif endpoint == "batch-kline" and now - self._last.get(endpoint, -1e9) < self._batch:
            words = f"batch-kline twice within {now - self._last[endpoint]:.2f} s"
        elif len(self._minute) >= self._per_minute:
            words = f"more than {self._per_minute} requests in a minute"
        elif count >= self._plan.per_day:
            words = f"more than {self._plan.per_day} requests in a day"
        self._last[endpoint] = now
        self._minute.append(now)
        if words is not None:
            self.violations.append(words)
        return words is None


class AlltickHttp:
    """Answers requests from the market's memory."""

    def __init__(
        self,
        floor: Floor,
        history: History,
        board: Board,
        *,
        rules_of: Callable[[str], Rules],
        is_token_good: Callable[[str], bool],
        newest: Newest,
        night: Night,
    ) -> None:
        self.meters: dict[str, Meter] = {}
        self._floor = floor
        self._history = history
        self._board = board
        self._rules_of = rules_of
        self._night = night
        self._is_token_good = is_token_good
        self._newest = newest
        self._throttles = itertools.cycle(_THROTTLES)
        self._days: dict[tuple[str, int], list[Bar]] = {}

    async def answer(self, method: str, target: str, body: bytes) -> Answer:
        """Return status and body for a request."""
        url = urlsplit(target)
        prefix, _, endpoint = url.path.rpartition("/")
        family = PREFIXES.get(prefix)
        if family is None:
            return 404, b'{"error_msg":"no such path"}'
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        token = query.get("token", "")
        if not token:
            return 401, b'{"msg":"token is required","ret":401}'
        if not self._is_token_good(token):
            return 401, b'{"ret":401,"msg":"token invalid"}'
        rules = self._rules_of(token)
        meter = self.meters.setdefault(token, Meter(facts.PLANS[rules.plan]))
        if not meter.admit(endpoint, self._floor.clock.monotonic()):
            status, told = next(self._throttles)
            return status, json.dumps(told).encode()
        trace = ""
        try:
            trace, asked = _question(method, endpoint, query, body)
            # History from before begins with the first who asks for it.
            self._floor.begin()
            data = await self._data(endpoint, family, rules, asked)
        except Problem as problem:
            told = {"ret": problem.ret, "msg": str(problem)}
            return 200, json.dumps(told | ({"trace": trace} if trace else {})).encode()
        answer = {"ret": 200, "msg": "ok", "trace": trace, "data": data}
        return 200, json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()

    async def _data(
        self, endpoint: str, family: facts.Family, rules: Rules, asked: Mapping[str, Any]
    ) -> dict[str, Any]:
        plan, by_hours = facts.PLANS[rules.plan], rules.by_hours
        if endpoint == "kline":
            code = self._known(asked.get("code"), family, plan)
            count = min(_integer(asked, "query_kline_num", 1), facts.MAX_BARS)
            bars = await self._bars(code, asked, count, by_hours)
            return {"code": code, "kline_type": asked["kline_type"], "kline_list": bars}
        if endpoint == "batch-kline":
            entries = asked.get("data_list")
            if not isinstance(entries, list) or not entries:
                raise Problem(400, "request data param invalid")
            if len(entries) > plan.batch_groups:
                raise Problem(603, "token level not enough")
            listed = []
            for one in entries:
                if not isinstance(one, dict):
                    raise Problem(400, "request data param invalid")
                code = self._known(one.get("code"), family, plan)
                count = min(_integer(one, "query_kline_num", 1), facts.BATCH_BARS)
                bars = await self._bars(code, one, count, by_hours)
                listed.append({"code": code, "kline_type": one["kline_type"], "kline_data": bars})
            return {"kline_list": listed}
        codes = self._codes(asked, family, plan)
        if endpoint == "static_info" and family == "stock":
            return {"static_info_list": [_static(code) for code in codes if kind_of(code) != "index"]}
        kinds: dict[str, type[VenueEvent]] = {"trade-tick": VenueTrade, "depth-tick": VenueBook}
        if endpoint not in kinds:
            raise Problem(400, "request data param invalid")
        ticks = []
        for code in codes:
            event = self._newest(code, kinds[endpoint], by_hours=by_hours)
            if isinstance(event, VenueTrade):
                ticks.append(wire.trade_data(code, event, "legacy", http=True))
            elif isinstance(event, VenueBook):
                ticks.append(wire.book_data(code, event, 10, "legacy", http=True))
        return {"tick_list": ticks}

    def _codes(self, asked: Mapping[str, Any], family: facts.Family, plan: facts.Plan) -> list[str]:
        entries = asked.get("symbol_list")
        if not isinstance(entries, list) or not entries:
            raise Problem(400, "request data param invalid")
        if len(entries) > plan.tick_codes:
            raise Problem(603, "token level not enough")
        return [
            self._known(one.get("code") if isinstance(one, dict) else None, family, plan) for one in entries
        ]

    def _known(self, code: object, family: facts.Family, plan: facts.Plan) -> str:
        if not isinstance(code, str):
            raise Problem(400, "request data param invalid")
        if not self._board.knows(code, family):
            raise Problem(600, "code invalid")
        if plan.is_polled and code not in facts.FREE_CODES:
            raise Problem(604, "code unauthorized")
        return code

    async def _bars(
        self, code: str, asked: Mapping[str, Any], count: int, by_hours: bool
    ) -> list[dict[str, str]]:
        kline_type, end_s = asked.get("kline_type"), _integer(asked, "kline_timestamp_end", 0)
        is_stock = family_of(code) == "stock"
        if kline_type not in TYPES or (is_stock and (kline_type in _NOT_FOR_STOCKS or end_s)):
            raise Problem(400, "request data param invalid")
        interval, symbol = TYPES[kline_type], self._board.symbols[code]
        end = (end_s + 1) * 1_000_000_000 if end_s else self._floor.until + 1
        if interval == DAY_NS:
            first = max(open_of(end - 1, DAY_NS) - (count - 1) * DAY_NS, self._floor.origin - HISTORY_NS)
            found = [bar for at in range(first, end, DAY_NS) for bar in await self._day(symbol, at)]
        else:
            # Enough for the bars asked for even where quiet minutes leave holes.
            since = self._night.closed_since(code, end) if by_hours else None
            start = max((since or end) - 3 * count * interval, self._floor.origin - HISTORY_NS)
            await self._recall(symbol, start)
            found = self._history.bars(symbol, interval, start, end)
            if by_hours:
                found = [bar for bar in found if not self._night.is_closed(code, bar.open_ts)]
        bars = [told for bar in found if (told := wire.bar_data(code, bar)) is not None]
        return bars[-count:]

    async def _recall(self, symbol: str, start: int) -> None:
        """Have the source make its past up bit by bit: no socket may wait for all of it."""
        minutes = (self._floor.origin - start) // MINUTE_NS + 1
        for some in range(_RECALLED, minutes, _RECALLED):
            self._floor.source.past(symbol, some)
            await asyncio.sleep(0)

    async def _day(self, symbol: str, at: int) -> list[Bar]:
        """Return the bar of a day; one that is over is added up once, since its minutes are many."""
        known = self._days.get((symbol, at))
        if known is None:
            await self._recall(symbol, at)
            known = self._history.bars(symbol, DAY_NS, at, at + DAY_NS)
            if at + DAY_NS <= self._floor.until:
                self._days[symbol, at] = known
        return known


async def listen(
    answer: Callable[[str, str, bytes], Awaitable[Answer]], host: str, port: int
) -> asyncio.Server:
    """Open the listener; ``answer(method, target, body)`` is awaited for each request, one a connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError, ValueError):
            async with asyncio.timeout(_PATIENCE_S):
                method, target, length = _head(await reader.readuntil(b"\r\n\r\n"))
                body = await reader.readexactly(length) if 0 < length <= _LARGEST else b""
            status, content = await answer(method, target, body)
            head = f"HTTP/1.1 {status} {'OK' if status == 200 else 'Refused'}\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
            writer.write(f"{head}Connection: close\r\n\r\n".encode() + content)
            await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    return await asyncio.start_server(serve, host, port)


def _head(head: bytes) -> tuple[str, str, int]:
    """Return method, target and the length of the body. Raise ValueError for what is no HTTP."""
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    length = 0
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-length":
            length = int(value)
    return method, target, length


def _question(
    method: str, endpoint: str, query: Mapping[str, str], body: bytes
) -> tuple[str, dict[str, Any]]:
    """Return trace and data of a question: a GET has them in ``query``, a batch in its body."""
    if endpoint == "batch-kline":
        if method != "POST" or not body:
            raise Problem(601, "body empty")
        text: str | bytes = body
    else:
        text = query.get("query", "")
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError):
        raise Problem(402, "query invalid") from None
    trace = asked.get("trace") if isinstance(asked, dict) else None
    if not isinstance(trace, str) or not trace or not isinstance(asked.get("data"), dict):
        raise Problem(400, "request header param invalid")
    return trace, asked["data"]


def _integer(asked: Mapping[str, Any], key: str, least: int) -> int:
    value = asked.get(key)
    if type(value) is not int or value < least:
        raise Problem(400, "request data param invalid")
    return value


def _static(code: str) -> dict[str, str]:
    market = market_of(code)
    currency = {"HK": "HKD", "US": "USD"}.get(market or "", "CNY")
    exchange = {"HK": "SEHK", "US": "NASD", "SH": "SSE", "SZ": "SZSE"}.get(market or "", "")
    name = NAMES.get(code, code)
    return {
        "symbol": code,
        "name_cn": name,
        "name_en": name.upper(),
        "name_hk": name,
        "exchange": exchange,
        "board": "HKEquity" if market == "HK" else "",
        "currency": currency,
        "lot_size": str(board_lot(code)),
        "total_shares": "1000000000",
    }
