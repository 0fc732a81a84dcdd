"""AllTick over HTTP: bars, last prints and books, and what is known of a stock; all within the plan's budget.

An answer is judged by its ``ret``, whatever the HTTP status [DOC]. httpx is imported with the first request,
so that commands without history start without it.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec

from mdterm.feeds.address import Instrument
from mdterm.feeds.alltick import codes, facts, klines, lenient, rulings, wire
from mdterm.feeds.alltick.budget import Budget, Endpoint, Turns
from mdterm.feeds.clock import Clock
from mdterm.feeds.contract import HistoryError
from mdterm.feeds.events import Candle
from mdterm.feeds.intervals import SECOND
from mdterm.feeds.journal import strike
from mdterm.feeds.text import clean, mask

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 15.0
MAX_BODY = 8 * 1024 * 1024
ATTEMPTS = 3
MAX_WAIT_S = 60.0
"""Longer than this nobody who asked is kept waiting for the budget."""
_LARGEST_LOT = 10**9
_ANSWERED = frozenset({401, 403, 429})
"""HTTP statuses that say something even where no ``ret`` does."""


class About(msgspec.Struct, frozen=True):
    """What is known of a stock; texts are cleaned, None is not told."""

    code: str
    name: str | None
    local_name: str | None
    exchange: str | None
    board: str | None
    currency: str | None
    lot_size: float | None


class Asked(NamedTuple):
    """One entry of ``/batch-kline``."""

    code: str
    interval: str


class CodeError(HistoryError):
    """A code among those asked for is unknown or not in the plan; which one is not told."""


class AllTickHttp:
    """All requests of one token; also the provider's ``History``. Not for several loops."""

    def __init__(
        self,
        name: str,
        urls: Mapping[facts.Family, str],
        token: str,
        plan: facts.Plan,
        clock: Clock,
        *,
        transport: "httpx.AsyncBaseTransport | None" = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.turns = Turns(Budget(plan), clock.mono, sleep)
        self.requests = 0
        self.throttled = 0
        self.rank_of: Callable[[str], int] = lambda address: 0
        """The rank of an address: the past of what is on the screen goes before that of the watchlist."""
        self.bad_entries = 0
        """Bars and ticks that could not be read."""
        self._name = name
        self._urls = {family: url.rstrip("/") for family, url in urls.items()}
        self._token = token
        self._plan = plan
        self._clock = clock
        self._transport = transport
        self._numbers = itertools.count(1)
        self._client: httpx.AsyncClient | None = None
        self._take_body: Callable[[str, int, bytes], None] | None = None

    def hear_bodies(self, take: Callable[[str, int, bytes], None]) -> None:
        """Hand every answer on: URL, status and body, without the token."""
        self._take_body = take

    # The provider's history.

    async def candles(self, instrument: Instrument, interval: str, count: int) -> list[Candle]:
        """Return up to ``count`` bars, oldest first, the running one last. Raise HistoryError.

        Stocks have no more than the newest 500 bars of an interval. [DOC]
        """
        code, unit = instrument.symbol, interval
        if unit not in facts.KLINE_TYPES or (
            codes.family_of(code) == "stock" and unit in facts.NOT_FOR_STOCKS
        ):
            unit = facts.FOLDED_FROM.get(interval, interval)
        if unit not in facts.KLINE_TYPES:
            raise HistoryError(f"there is no history in bars of {interval}", refused=True)
        factor = 1
        if unit != interval:
            factor = int(interval[:-1]) // int(unit[:-1])
        wanted = max(1, count) * factor
        bars: dict[int, Candle] = {}
        end_s = 0
        for _ in range(facts.MAX_PAGES):
            asked = min(wanted - len(bars), facts.MAX_BARS)
            rank = self.rank_of(instrument.address)
            page = await self.kline(instrument, unit, asked, end_s=end_s, rank=rank)
            # Whether the end is part of the page is not documented: what comes twice counts once.
            bars = {bar.open_ts: bar for bar in page} | bars
            before, end_s = end_s, min(bars, default=0) // SECOND
            is_last = len(page) < asked or len(bars) >= wanted or end_s in (0, before)
            if is_last or codes.family_of(code) == "stock":
                break
        found = [bars[open_ts] for open_ts in sorted(bars)]
        found = [msgspec.structs.replace(bar, closed=bar is not found[-1]) for bar in found]
        return (found if unit == interval else klines.fold(found, interval))[-count:]

    async def search(self, query: str) -> list[str]:
        """Return addresses from the built-in table that match, best first; aliases find their code."""
        words = query.replace(":", " ").split()
        if words and words[0].casefold() == self._name.casefold():
            words = words[1:]
        return [f"{self._name}:{code}" for code in codes.search(" ".join(words))]

    async def block_size(self, instrument: Instrument) -> float | None:
        """Return None: the books have true levels."""
        return None

    async def close(self) -> None:
        """Close the connections."""
        await self.turns.close()
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    # Endpoints.

    async def kline(
        self, instrument: Instrument, interval: str, count: int, *, end_s: int = 0, rank: int = 0
    ) -> list[Candle]:
        """Return at most 500 bars up to ``end_s`` (seconds; 0: now), oldest first. Raise HistoryError."""
        code = instrument.symbol
        data = {
            "code": code,
            "kline_type": facts.KLINE_TYPES[interval],
            "kline_timestamp_end": end_s,
            "query_kline_num": max(1, min(count, facts.MAX_BARS)),
            "adjust_type": 0,
        }
        answer = await self._ask("kline", codes.family_of(code), data, rank)
        seen = self._clock.wall()
        raw = klines.kline_list(answer)
        bars, bad = klines.bars_of(raw, instrument.address, code, interval, seen)
        self.bad_entries += bad
        return bars

    async def batch_kline(
        self, family: facts.Family, asked: Sequence[Asked], addresses: Mapping[str, str], rank: int
    ) -> dict[Asked, list[Candle]]:
        """Return the newest two bars of each entry that was answered. Raise HistoryError."""
        entries = [
            {
                "code": one.code,
                "kline_type": facts.KLINE_TYPES[one.interval],
                "kline_timestamp_end": 0,
                "query_kline_num": facts.BATCH_BARS,
                "adjust_type": 0,
            }
            for one in asked
        ]
        answer = await self._ask("batch-kline", family, {"data_list": entries}, rank)
        seen = self._clock.wall()
        intervals = {number: interval for interval, number in facts.KLINE_TYPES.items()}
        found: dict[Asked, list[Candle]] = {}
        for code, kline_type, raw in klines.batch_list(answer):
            one = Asked(code, intervals.get(kline_type, ""))
            if one in asked and code in addresses:
                found[one], bad = klines.bars_of(raw, addresses[code], code, one.interval, seen)
                self.bad_entries += bad
        return found

    async def ticks(
        self, endpoint: Endpoint, family: facts.Family, wanted: Sequence[str], rank: int
    ) -> list[wire.Data]:
        """Return the last prints (``trade-tick``) or the books (``depth-tick``). Raise HistoryError."""
        data = {"symbol_list": [{"code": code} for code in wanted]}
        answer = await self._ask(endpoint, family, data, rank)
        listed = answer.get("tick_list")
        found = [lenient.data_of(one) for one in listed or [] if isinstance(one, dict)]
        return [one for one in found if one.code in wanted]

    async def static_info(self, wanted: Sequence[str], rank: int = 1) -> list[About]:
        """Return what is known of stocks. Raise HistoryError."""
        data = {"symbol_list": [{"code": code} for code in wanted]}
        answer = await self._ask("static_info", "stock", data, rank)
        listed = answer.get("static_info_list")
        found = [_about(one) for one in listed or [] if isinstance(one, dict)]
        return [one for one in found if one is not None and one.code in wanted]

    # Asking.

    async def _ask(
        self, endpoint: Endpoint, family: facts.Family, data: Mapping[str, object], rank: int
    ) -> dict[str, Any]:
        """Return the ``data`` of a good answer, in the plan's pace. Raise HistoryError."""
        body = {"trace": f"mdterm-{next(self._numbers)}", "data": data}
        words = ""
        for _ in range(ATTEMPTS):
            now = self._clock.mono()
            wait = self.turns.budget.ready_at(endpoint, now, rank) - now
            if wait > MAX_WAIT_S:
                raise HistoryError(f"the plan's HTTP budget is used up: next request in {wait:.0f} s")
            async with self.turns.take(endpoint, rank):
                self.requests += 1
                status, content = await self._request(endpoint, family, msgspec.json.encode(body))
            ruling, answer = read_reply(status, content)
            words = self._clean(ruling.words)
            if ruling.action == "ok":
                self.turns.budget.went_well()
                return answer
            if ruling.action in ("throttle", "close"):
                self.throttled += 1
                self.turns.budget.throttled(self._clock.mono())
            elif ruling.action in ("code", "plan"):
                raise CodeError(words, refused=True)
            else:
                raise HistoryError(words, refused=ruling.action != "later")
        raise HistoryError(words)

    async def _request(self, endpoint: Endpoint, family: facts.Family, body: bytes) -> tuple[int, bytes]:
        """Return status and body. Raise HistoryError, without the token in it or behind it."""
        if self._client is None and self._transport is not None:
            self._client = _open_client(self._transport)
        elif self._client is None:
            # Importing httpx and reading the certificates takes long enough to delay a heartbeat.
            self._client = await asyncio.to_thread(_open_client, None)
        import httpx

        content, words = bytearray(), None
        try:
            url = f"{self._urls[family]}/{endpoint}"
            query = {"token": self._token}
            if endpoint == "batch-kline":
                kind = {"Content-Type": "application/json"}
                request = self._client.build_request("POST", url, params=query, content=body, headers=kind)
            else:
                request = self._client.build_request("GET", url, params={**query, "query": body.decode()})
            async with asyncio.timeout(TIMEOUT_S):
                response = await self._client.send(request, stream=True)
                try:
                    async for part in response.aiter_bytes():
                        content += part
                        if len(content) > MAX_BODY:
                            raise HistoryError(f"the answer is larger than {MAX_BODY >> 20} MiB")
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.TimeoutException):
            words = f"no answer over HTTP within {TIMEOUT_S:.0f} s"
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            words = f"the HTTP service cannot be reached: {self._clean(str(error)) or type(error).__name__}"
        if words is not None:
            # Raised outside of the handler: what the library raised holds the URL, token and all.
            raise HistoryError(words)
        if self._take_body is not None:
            secrets = (self._token, quote(self._token, safe=""))
            parts = urlsplit(url)
            where = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
            asked = mask(f"{where}?query={quote(body, safe='')}", secrets)
            self._take_body(asked, response.status_code, strike(bytes(content), secrets))
        return response.status_code, bytes(content)

    def _clean(self, text: str) -> str:
        return clean(mask(text, (self._token, quote(self._token, safe=""))), 200)


def _open_client(transport: "httpx.AsyncBaseTransport | None") -> "httpx.AsyncClient":
    import httpx

    return httpx.AsyncClient(transport=transport, timeout=TIMEOUT_S)


def read_reply(status: int, content: bytes) -> tuple[rulings.Ruling, dict[str, Any]]:
    """Return the decision and the data of an answer, in every form that one has been seen in.

    By ``ret`` where there is one; else by the status, since a gateway answers
    ``{"error_msg":"Too many requests"}`` with HTTP 429 alone [CAP].
    """
    try:
        body = msgspec.json.decode(content)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        body = None
    body = body if isinstance(body, dict) else {}
    data = body.get("data")
    ret = lenient.integer(body.get("ret"))
    said = next((one for key in ("msg", "error_msg", "error") if isinstance(one := body.get(key), str)), None)
    if ret is None:
        if status in _ANSWERED or not isinstance(data, dict):
            ruling = rulings.rule(status if status in _ANSWERED else None, said)
            if ruling.action == "later":
                ruling = rulings.Ruling("later", f"the HTTP service answered with status {status}")
            return ruling, {}
        return rulings.Ruling("ok", "ok"), data
    ruling = rulings.rule(ret, said, has_data=isinstance(data, dict))
    return ruling, data if isinstance(data, dict) else {}


def _about(raw: Mapping[str, Any]) -> About | None:
    def text(key: str) -> str | None:
        value = raw.get(key)
        return clean(value, 60) if isinstance(value, str) and value else None

    code = raw.get("symbol", raw.get("code"))
    if not isinstance(code, str):
        return None
    lot = lenient.integer(raw.get("lot_size"))
    return About(
        code=code,
        name=text("name_en"),
        local_name=text("name_hk") or text("name_cn"),
        exchange=text("exchange"),
        board=text("board"),
        currency=text("currency"),
        lot_size=float(lot) if lot is not None and 0 < lot < _LARGEST_LOT else None,
    )
