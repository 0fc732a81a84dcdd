"""Kiyotaka's REST API: the past in bars, block sizes, symbols; within the plan's weight a minute.

httpx is imported with the first request, so that commands without history start without it.
"""

import asyncio
import math
import re
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby, islice
from types import ModuleType
from typing import TYPE_CHECKING, cast
from urllib.parse import urlencode, urlsplit, urlunsplit

from mdterm.feeds.address import Instrument
from mdterm.feeds.bars import GIVEN, bar_of
from mdterm.feeds.clock import Clock
from mdterm.feeds.contract import HistoryError
from mdterm.feeds.events import Candle
from mdterm.feeds.folded import sum_bars
from mdterm.feeds.intervals import DAY, LENGTHS, SECOND, bucket_end, bucket_start
from mdterm.feeds.journal import strike
from mdterm.feeds.kiyotaka import http_wire as wire
from mdterm.feeds.text import clean, mask

if TYPE_CHECKING:
    import httpx

# [SDK] intervals by name; the others are folded from a finer one. Weeks are folded from days, since
# nobody says on which day the service begins them.
WIRE_INTERVALS: dict[str, str] = {
    "1m": "MINUTE",
    "5m": "FIVE_MINUTES",
    "15m": "FIFTEEN_MINUTES",
    "1h": "HOUR",
    "4h": "FOUR_HOURS",
    "1d": "DAY",
}
FOLDED_FROM: dict[str, str] = {
    "3m": "1m",
    "30m": "15m",
    "2h": "1h",
    "6h": "1h",
    "12h": "4h",
    "1w": "1d",
}
SIDED, SIDELESS = "TRADE_AGG", "TRADE_SIDE_AGNOSTIC_AGG"
POINTS_PER_WEIGHT = 1_000  # [DOC]
MAX_POINTS = 20_000  # ours: what one request asks for; 100,000 are allowed [DOC]
SHORTEST_HISTORY = 7 * DAY  # [DOC] the Free plan's; a range beyond a plan's history is answered 403
MAX_BODY = 32 * 1024 * 1024
TIMEOUT_S = 30.0  # [DOC] the service's own
MAX_WAIT_S = 60.0  # ours: longer than this nobody waits for a chart
ATTEMPTS = 3
LISTING_S = 600.0
FOUND = 100

_UNKNOWN_MARKET = frozenset({"INVALID_SYMBOL", "INVALID_EXCHANGE"})  # [DOC]
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")

Pairs = list[tuple[str, str]]


def weight_of(period_s: int, interval_s: int, cost: int = 1) -> int:
    """Return what a request for one market costs, as documented."""
    return max(1, math.ceil(period_s / interval_s / POINTS_PER_WEIGHT) * cost)


class WeightBudget:
    """Weight that flows in by the minute up to ``burst``; places are reserved, so askers queue up."""

    def __init__(self, per_minute: int, burst: int) -> None:
        self.burst = burst
        self._per_s = per_minute / 60
        self._held = float(burst)
        self._at: float | None = None
        self._blocked_until = -math.inf

    def reserve(self, weight: int, now: float, longest: float) -> float:
        """Return the seconds to wait before ``weight`` may be spent, and reserve it unless too long."""
        if self._at is not None:
            self._held = min(float(self.burst), self._held + (now - self._at) * self._per_s)
        self._at = now
        left = self._held - weight
        lacking = -left / self._per_s if weight else 0.0
        wait = max(0.0, lacking, self._blocked_until - now)
        if wait <= longest:
            self._held = left
        return wait

    def block(self, until: float) -> None:
        """Spend nothing before ``until``: the service said so."""
        self._blocked_until = max(self._blocked_until, until)


class _Refused(Exception):
    """The service said no to what was asked (400 or 403)."""

    def __init__(self, status: int, code: str | None, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.code = code


class KiyotakaHistory:
    """The past of Kiyotaka's markets. One for each credential; not for several loops."""

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        instance: str = "kiyotaka",
        auth_header: str = "X-Kiyotaka-Key",
        weight_per_minute: int = 10,
        burst: int = 20,
        clock: Clock,
        transport: "httpx.AsyncBaseTransport | None" = None,
        on_body: Callable[[str, int, bytes], None] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._key = key
        self._instance = instance
        self._header = auth_header
        self._clock = clock
        self._transport = transport
        self._on_body = on_body
        self._sleep = sleep
        self._budget = WeightBudget(max(1, weight_per_minute), max(1, burst))
        self._host = "the REST service"
        with suppress(ValueError):
            self._host = self._words(urlsplit(base_url).hostname or "") or self._host
        self._client: httpx.AsyncClient | None = None
        self._has_sides = True
        self._listing: list[wire.Listing] | None = None
        self._listed_at = -math.inf

    def hear_bodies(self, take: Callable[[str, int, bytes], None]) -> None:
        """Hand every answer on: URL, status and body, without the key."""
        self._on_body = take

    async def candles(self, instrument: Instrument, interval: str, count: int) -> list[Candle]:
        """Return up to ``count`` bars, oldest first, the running one last. Raise HistoryError.

        Buys and sells are told where the plan has them. A range that the plan does not reach back to is
        cut to the last seven days.
        """
        if instrument.grouped:
            raise HistoryError("a coin over all its markets has no candles", refused=True)
        unit = FOLDED_FROM.get(interval, interval)
        if unit not in WIRE_INTERVALS:
            raise HistoryError(f"there is no history in bars of {interval}", refused=True)
        now = self._clock.wall()
        start = bucket_start(now, interval) - (max(1, count) - 1) * LENGTHS[interval]
        end = bucket_end(bucket_start(now, unit), unit)
        found = await self._bars(instrument, interval, unit, start, end, now)
        bars = wire.candles_of(found, instrument.address, unit, self._clock.wall())
        return (bars if unit == interval else fold(bars, interval))[-count:]

    async def search(self, query: str) -> list[str]:
        """Return at most 100 addresses whose names hold every word of ``query``, best first."""
        words = query.lower().replace(":", " ").split()
        if words and words[0] == self._instance.lower():
            words = words[1:]
        found = _match(await self._markets(), words)
        if not found and words:
            # The listing may be only a first page: ask for the coin itself.
            body = await self._get("/v1/markets", [("coin", words[-1].upper()), ("pageSize", "100")], 0)
            with _readable():
                found = _match(wire.read_markets(body, self._instance), words)
        return found[:FOUND]

    async def block_size(self, instrument: Instrument) -> float | None:
        """Return the finest book bucket of a market; None where none is available. Raise HistoryError."""
        name = "coin" if instrument.grouped else "rawSymbol"
        pairs = [(name, instrument.symbol), ("type", "BLOCK_BOOK_SNAPSHOT_AGG")]
        if instrument.exchange is not None:
            pairs.insert(0, ("exchange", instrument.exchange))
        body = await self._get("/v1/block-sizes", pairs, 0)
        with _readable():
            return wire.read_block_size(body)

    async def usage(self) -> dict[str, str]:
        """Return what the service tells of the key's quota, by its own names. Raise HistoryError."""
        body = await self._get("/v1/usage", [], 0)
        with _readable():
            told = wire.flatten(wire.read_object(body))
            return {clean(name, 60): self._words(text) for name, text in islice(told, FOUND)}

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _bars(
        self, instrument: Instrument, interval: str, unit: str, start: int, end: int, now: int
    ) -> list[wire.Leg]:
        """Return the bars of a range, with sides if they can be had, over a shorter range if need be."""
        kind, shorter = (SIDED if self._has_sides else SIDELESS), now - SHORTEST_HISTORY
        at = start
        while True:
            try:
                found = await self._range(kind, instrument, unit, at, end)
            except _Refused as refusal:
                if refusal.code in _UNKNOWN_MARKET:
                    raise HistoryError(str(refusal), refused=True) from None
                if refusal.status == 403 and at < shorter:
                    # Up to the next whole bar: a cut one would tell a wrong open and volume.
                    at = bucket_end(bucket_start(shorter, interval), interval)
                elif kind == SIDED:
                    kind, at = SIDELESS, start
                else:
                    raise HistoryError(str(refusal), refused=True) from None
            else:
                self._has_sides = kind == SIDED
                return found

    async def _range(
        self, kind: str, instrument: Instrument, unit: str, start: int, end: int
    ) -> list[wire.Leg]:
        """Return the bars of ``[start, end)``, in as many requests as the burst makes needful."""
        step = LENGTHS[unit] * min(MAX_POINTS, self._budget.burst * POINTS_PER_WEIGHT)
        found: list[wire.Leg] = []
        for at in range(start, end, step):
            period_s = (min(at + step, end) - at) // SECOND
            pairs = [
                ("type", kind),
                ("exchange", instrument.exchange or ""),
                ("rawSymbol", instrument.symbol),
                ("interval", WIRE_INTERVALS[unit]),
                ("from", str(at // SECOND)),
                ("period", str(period_s)),
            ]
            body = await self._get("/v1/points", pairs, weight_of(period_s, LENGTHS[unit] // SECOND))
            with _readable():
                found += wire.legs(wire.read_answer(body), instrument)
        return found

    async def _markets(self) -> list[wire.Listing]:
        """Return the listing, asked for at most every ten minutes."""
        now = self._clock.mono()
        if self._listing is None or now - self._listed_at > LISTING_S:
            body = await self._get("/v1/markets", [("pageSize", "1000")], 0)
            with _readable():
                self._listing = wire.read_markets(body, self._instance)
            self._listed_at = now
        return self._listing

    async def _get(self, path: str, pairs: Pairs, weight: int) -> bytes:
        """Return the body of a good answer, in the plan's pace. Raise HistoryError or _Refused."""
        for attempt in range(ATTEMPTS):
            await self._pace(weight)
            status, headers, body = await self._request(path, pairs)
            if status == 200:
                return body
            failure = wire.read_failure(body)
            said = self._words(failure.message or failure.error or "")
            words = f"{said} (HTTP {status})" if said else f"HTTP {status}"
            if status == 429:
                wait = retry_after(headers.get("retry-after"), failure.retry_after, self._clock.wall())
                self._budget.block(self._clock.mono() + wait)
                if attempt + 1 == ATTEMPTS or wait > MAX_WAIT_S:
                    raise HistoryError(f"the plan's limit is used up, try again in {wait:.0f} s: {words}")
            elif status == 401:
                raise HistoryError(f"the key is not accepted: {words}", refused=True)
            elif status in (400, 403):
                if path == "/v1/points":
                    raise _Refused(status, failure.error, words)
                raise HistoryError(words, refused=True)
            elif status >= 500:
                raise HistoryError(f"the service failed: {words}")
            else:
                raise HistoryError(f"{self._host} does not answer as Kiyotaka's REST does: {words}")
        raise AssertionError("the last attempt returns or raises")

    async def _pace(self, weight: int) -> None:
        wait = self._budget.reserve(weight, self._clock.mono(), MAX_WAIT_S)
        if wait > MAX_WAIT_S:
            raise HistoryError(f"the plan's weight for this minute is used up, try again in {wait:.0f} s")
        if wait > 0:
            await self._sleep(wait)

    async def _request(self, path: str, pairs: Pairs) -> tuple[int, Mapping[str, str], bytes]:
        """Return status, headers and body. Raise HistoryError, without the key in it or behind it."""
        # With its own command line, which nobody here uses, httpx would load a formatter of terminal text,
        # lexers and progress bars: 2 MB. It does without where that module cannot be had.
        sys.modules.setdefault("httpx._main", cast(ModuleType, None))
        import httpx

        # A header that cannot be sent would be quoted in the error of the library.
        if not _PRINTABLE.fullmatch(self._key) or not _TOKEN.fullmatch(self._header):
            raise HistoryError("the key or the name of its header cannot be sent in a request", refused=True)
        body, words = bytearray(), None
        try:
            if self._client is None:
                # Proxies come from the environment, but none leads to this machine's simulated venue.
                is_local = self._host in _LOOPBACK
                self._client = httpx.AsyncClient(
                    transport=self._transport,
                    timeout=TIMEOUT_S,
                    trust_env=not is_local,
                    # Without TLS and without a proxy certificates would be read for nothing.
                    verify=not (is_local and self._base.startswith("http:")),
                )
            request = self._client.build_request(
                "GET", self._base + path, params=tuple(pairs), headers={self._header: self._key}
            )
            async with asyncio.timeout(TIMEOUT_S):
                response = await self._client.send(request, stream=True)
                try:
                    async for part in response.aiter_bytes():
                        body += part
                        if len(body) > MAX_BODY:
                            raise HistoryError(f"the answer is larger than {MAX_BODY >> 20} MiB")
                finally:
                    await response.aclose()
        except TimeoutError:
            words = f"no answer within {TIMEOUT_S:.0f} s"
        except httpx.TimeoutException:
            words = f"no answer within {TIMEOUT_S:.0f} s"
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            words = self._words(str(error)) or type(error).__name__
        if words is not None:
            # Raised outside of the handler: what the library raised holds the request, key and all.
            raise HistoryError(f"{self._host}: {words}")
        whole = bytes(body)
        if self._on_body is not None:
            self._on_body(self._public(path, pairs), response.status_code, strike(whole, (self._key,)))
        return response.status_code, response.headers, whole

    def _public(self, path: str, pairs: Pairs) -> str:
        """Return the URL without anything secret."""
        parts = urlsplit(self._base + path)
        netloc = parts.netloc.rpartition("@")[2]
        return mask(urlunsplit((parts.scheme, netloc, parts.path, urlencode(pairs), "")), (self._key,))

    def _words(self, text: str) -> str:
        """Return text from outside, fit to be shown."""
        return clean(mask(text, (self._key,)), 200)


def fold(bars: Sequence[Candle], interval: str) -> list[Candle]:
    """Return the bars of a longer interval; bars are given oldest first."""
    out = []
    for open_ts, group in groupby(bars, lambda bar: bucket_start(bar.open_ts, interval)):
        inside = list(group)
        total = sum_bars((bar_of(bar, bar.open_ts, GIVEN) for bar in inside), open_ts)
        if total is not None:
            is_newest = inside[-1] is bars[-1]
            out.append(total.candle(inside[0].address, interval, not is_newest))
    return out


def retry_after(header: str | None, told: float | None, wall: int) -> float:
    """Return the seconds to wait after a 429; 20 where nobody says. Others back off 20 to 60 s [LIVE-3P]."""
    wait = told
    if header is not None:
        try:
            wait = float(header)
        except ValueError:
            with suppress(ValueError):
                from email.utils import parsedate_to_datetime

                wait = parsedate_to_datetime(header).timestamp() - wall / 1e9
    if wait is None or not math.isfinite(wait):
        wait = 20.0
    return max(1.0, wait)


def _match(listing: Sequence[wire.Listing], words: Sequence[str]) -> list[str]:
    """Return addresses that hold every word: the symbol itself, then its beginning, then any place."""
    found = [one for one in listing if all(word in one.words for word in words)]
    sought = words[-1] if words else ""
    found.sort(key=lambda one: (one.symbol != sought, not one.symbol.startswith(sought)))
    return list(dict.fromkeys(one.address for one in found))


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except wire.WireError as error:
        raise HistoryError(str(error)) from None
