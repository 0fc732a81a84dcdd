"""Kiyotaka's REST API, served: history by `GET /v1/points`, and what can be asked for.

As in the docs: key in `X-Kiyotaka-Key` (the same keys as on the sockets, else 401), times in seconds, range
`[from, from + period)` (without `from` the last `period` seconds), `{"Point": {…}}` around every point,
`{"s", "ns"}` for times, zeros left out, one series a side for TRADE_AGG and LIQUIDATION_AGG, weights by the
formula within `weight_per_minute` (429 with Retry-After), 403 beyond `history_days`, beyond the points a
type may give, and for what only other tiers have. Where the docs are silent:

- an empty answer is {"series": []}; GET /v1/markets answers {"markets": […]} and is served for one exchange;
- history is kept by the minute, bars of the same symbol on different exchanges are the same bars;
- a played bar that has no sides is told by TRADE_AGG as two sides with its prices and half its volume each.
"""

import math
from collections import deque
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import msgspec

from mdterm.feeds.sim.history import DAY_NS, WEEK_NS, Bar, History
from mdterm.feeds.sim.kiyotaka_bars import (
    Identity,
    Series,
    candle,
    fill_gaps,
    funding,
    liquidated,
    on_side,
    open_interest,
    profile,
)
from mdterm.feeds.sim.kiyotaka_exchanges import EXCHANGES
from mdterm.feeds.sim.market import MINUTE_NS, Instrument
from mdterm.feeds.sim.pace import Clock, Floor

INTERVALS = {
    "MINUTE": MINUTE_NS,
    "FIVE_MINUTES": 5 * MINUTE_NS,
    "FIFTEEN_MINUTES": 15 * MINUTE_NS,
    "HOUR": 60 * MINUTE_NS,
    "FOUR_HOURS": 240 * MINUTE_NS,
    "DAY": DAY_NS,
    "WEEK": WEEK_NS,
}
COSTS = {
    "TRADE_SIDE_AGNOSTIC_AGG": (1, 100_000),
    "TRADE_AGG": (1, 100_000),
    "OPEN_INTEREST_AGG": (1, 100_000),
    "FUNDING_RATE_AGG": (1, 100_000),
    "LIQUIDATION_AGG": (1, 100_000),
    "VOLUME_PROFILE_AGG": (2, 20_000),
}
"""Weight and most points of every type that is served."""

OTHER_TIERS = frozenset({"TPO_AGG", "BLOCK_BOOK_SNAPSHOT_AGG", "HYPERLIQUID_LIQUIDATION_AGG", "TRADE"})
HOME = "BINANCE_FUTURES"
KEY_HEADER = "X-Kiyotaka-Key"


class RestError(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: int, code: str, why: str, retry_after: int | None = None) -> None:
        super().__init__(why)
        self.status = status
        self.code = code
        self.retry_after = retry_after


class Query:
    """A request's parameters."""

    def __init__(self, text: str) -> None:
        self._values = parse_qs(text, keep_blank_values=True)

    def all(self, name: str) -> list[str]:
        """Return every value of a repeated parameter."""
        return self._values.get(name, [])

    def one(self, name: str) -> str | None:
        """Return the only value."""
        values = self.all(name)
        return values[0] if values else None

    def seconds(self, name: str) -> int | None:
        """Return a whole number of seconds."""
        text = self.one(name)
        if text is None:
            return None
        if not text.isdecimal() or len(text) > 12:
            raise RestError(400, "INVALID_PARAMS", f"{name} must be a number of seconds.")
        return int(text)


class Budget:
    """Weight spent by each key within the last minute."""

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._spent: dict[str, deque[tuple[float, int]]] = {}

    def used(self, key: str) -> int:
        """Return the weight a key has spent in the last minute."""
        spent = self._spent.setdefault(key, deque())
        now = self._clock.monotonic()
        while spent and now - spent[0][0] >= 60:
            spent.popleft()
        return sum(weight for _, weight in spent)

    def spend(self, key: str, weight: int) -> None:
        """Spend, or raise the error that says when there will be enough again."""
        missing = self.used(key) + weight - self._per_minute
        spent, now = self._spent[key], self._clock.monotonic()
        if missing <= 0:
            spent.append((now, weight))
            return
        retry_after = 60
        for at, freed in spent:
            missing -= freed
            if missing <= 0:
                retry_after = max(1, math.ceil(60 - (now - at)))
                break
        raise RestError(429, "RATE_LIMITED", "Rate limit exceeded", retry_after)


def weigh(kind: str, period_s: int, interval_ns: int) -> int:
    """Return what a request costs."""
    return max(1, math.ceil(period_s * 1_000_000_000 / interval_ns / 1000) * COSTS[kind][0])


class KiyotakaRest:
    """Answer requests over one market's history."""

    def __init__(
        self,
        floor: Floor,
        history: History,
        *,
        is_key_good: Callable[[str], bool],
        weight_per_minute: int,
        history_days: int,
        longs_are_buys: bool,
    ) -> None:
        self._floor = floor
        self._history = history
        self._is_key_good = is_key_good
        self._weight_per_minute = weight_per_minute
        self._budget = Budget(weight_per_minute, floor.clock)
        self._history_ns = history_days * DAY_NS
        self._longs_are_buys = longs_are_buys

    def answer(self, target: str, key: str | None) -> tuple[int, bytes, dict[str, str]]:
        """Return status, body and extra headers for a GET of `target`."""
        try:
            return 200, self._answer(target, key), {}
        except RestError as error:
            body: dict[str, object] = {"error": error.code, "message": str(error)}
            headers = {}
            if error.retry_after is not None:
                body["retry_after"] = error.retry_after
                headers["Retry-After"] = str(error.retry_after)
            return error.status, msgspec.json.encode(body), headers

    def _answer(self, target: str, key: str | None) -> bytes:
        if key is None or not self._is_key_good(key):
            raise RestError(401, "INVALID_API_KEY", "The key is missing or not valid.")
        url = urlsplit(target)
        query = Query(url.query)
        if self._floor.source.has_past:
            self._floor.begin()  # the past leads up to the market's first moment
        if url.path == "/v1/points":
            return self._points(query, key)
        if url.path == "/v1/usage":
            usage = {"used": self._budget.used(key), "limit": self._weight_per_minute, "window": 60}
            return msgspec.json.encode(usage)
        listed = self._listing(url.path, query)
        if listed is None:
            raise RestError(404, "NOT_FOUND", "There is nothing here.")
        return msgspec.json.encode(listed)

    def _points(self, query: Query, key: str) -> bytes:
        kind = query.one("type")
        if kind in OTHER_TIERS:
            raise RestError(403, "FORBIDDEN", f"{kind} is not in your tier.")
        if kind not in COSTS:
            raise RestError(400, "INVALID_PARAMS", f"Unknown type {kind!r}.")
        interval = query.one("interval")
        if interval not in INTERVALS:
            raise RestError(400, "INVALID_TIMEFRAME", f"Unknown interval {interval!r}.")
        exchanges = query.all("exchange")
        if len(exchanges) > 1 or query.one("transform.groupBy.type") is not None:
            raise RestError(403, "FORBIDDEN", "Aggregation over exchanges is not in your tier.")
        exchange = _known(exchanges[0] if exchanges else None)
        instruments = self._instruments(query)
        side = query.one("side")
        if side not in (None, "BUY", "SELL"):
            raise RestError(400, "INVALID_PARAMS", f"side is BUY or SELL, not {side!r}.")
        period_s = query.seconds("period") or 0
        now = self._floor.now_ns()
        from_s = query.seconds("from")
        start = now - period_s * 10**9 if from_s is None else from_s * 10**9
        # A minute's grace: the asker's clock and the way here are no reason to refuse.
        if period_s and start < now - self._history_ns - MINUTE_NS:
            raise RestError(403, "FORBIDDEN", "The range begins before the history of your tier.")
        interval_ns = INTERVALS[interval]
        if period_s * 10**9 // interval_ns > COSTS[kind][1]:
            raise RestError(403, "FORBIDDEN", "Too many points.")
        self._budget.spend(key, weigh(kind, period_s, interval_ns))
        if not period_s:
            return b'{"series":[]}'
        series: list[Series] = []
        for instrument in instruments:
            bars = self._history.bars(
                instrument.symbol,
                interval_ns,
                start,
                start + period_s * 10**9,
                profiles=kind == "VOLUME_PROFILE_AGG",
            )
            identity = Identity(
                type=kind,
                exchange=exchange,
                rawSymbol=instrument.symbol,
                normalizedSymbol=instrument.normalized,
                category=EXCHANGES[exchange],
                interval=interval,
                coin=instrument.coin,
            )
            in_usd = query.one("transform.normalize.quote") == "USD"
            lines = self._lines(identity, bars, in_usd, query.one("gapfill") == "true", interval_ns)
            series += [line for line in lines if line.points and side in (None, line.id.side)]
        if query.one("sortDirection") == "SORT_DIRECTION_DESC":
            for line in series:
                line.points.reverse()
        body = msgspec.json.encode({"series": series})
        return body.replace(b".0,", b",").replace(b".0}", b"}").replace(b".0]", b"]")

    def _lines(
        self, identity: Identity, bars: list[Bar], in_usd: bool, gapfill: bool, interval_ns: int
    ) -> list[Series]:
        kind = identity.type
        if kind == "TRADE_SIDE_AGNOSTIC_AGG":
            points = [candle(bar.open_ts, bar.whole, in_usd) for bar in bars if bar.whole]
            return [Series(identity, fill_gaps(points, interval_ns) if gapfill else points)]
        if kind == "TRADE_AGG":
            buys = [candle(bar.open_ts, bar.buys, in_usd) for bar in bars if bar.buys]
            sells = [candle(bar.open_ts, bar.sells, in_usd) for bar in bars if bar.sells]
            return [on_side(identity, "BUY", buys), on_side(identity, "SELL", sells)]
        if kind == "LIQUIDATION_AGG":
            longs = [liquidated(b, b.longs_turnover if in_usd else b.longs) for b in bars if b.longs]
            shorts = [liquidated(b, b.shorts_turnover if in_usd else b.shorts) for b in bars if b.shorts]
            sides = ("BUY", "SELL") if self._longs_are_buys else ("SELL", "BUY")
            return [on_side(identity, sides[0], longs), on_side(identity, sides[1], shorts)]
        if kind == "OPEN_INTEREST_AGG":
            return [
                Series(identity, [open_interest(bar, bar.interest, in_usd) for bar in bars if bar.interest])
            ]
        if kind == "FUNDING_RATE_AGG":
            return [Series(identity, [funding(bar, bar.funding) for bar in bars if bar.funding])]
        identity.blockSize = self._history.block(identity.rawSymbol)
        return [Series(identity, [profile(bar, identity.blockSize) for bar in bars if bar.profile])]

    def _instruments(self, query: Query) -> list[Instrument]:
        every = self._floor.instruments.values()
        symbol, coin = query.one("rawSymbol"), query.one("coin")
        normalized = query.one("normalizedSymbol")
        if symbol is not None:
            found = [i for i in every if i.symbol == symbol]
        elif normalized is not None:
            found = [i for i in every if i.normalized == normalized]
        elif coin is not None:
            found = [i for i in every if i.coin == coin]
        else:
            raise RestError(400, "INVALID_PARAMS", "One of rawSymbol, normalizedSymbol and coin is required.")
        if not found:
            raise RestError(400, "INVALID_SYMBOL", "Unknown symbol for the specified exchange.")
        return found

    def _listing(self, path: str, query: Query) -> dict[str, object] | None:
        coin = query.one("coin")
        exchange = _known(query.one("exchange") or HOME)
        listed = [i for i in self._floor.instruments.values() if coin in (None, i.coin)]
        if path == "/v1/block-sizes":
            return {"blockSizes": [i.tick for i in self._instruments(query)]}
        if path == "/v1/markets":
            size, offset = query.seconds("pageSize") or 10, query.seconds("pageOffset") or 0
            return {"markets": [self._market(i, exchange) for i in listed[offset : offset + size]]}
        simple: dict[str, tuple[str, list[str]]] = {
            "/v1/types": ("types", list(COSTS)),
            "/v1/exchanges": ("exchanges", [HOME]),
            "/v1/categories": ("categories", [EXCHANGES[exchange]]),
            "/v1/coins": ("coins", list(dict.fromkeys(i.coin for i in listed))),
            "/v1/symbols": ("rawSymbols", [i.symbol for i in listed]),
            "/v1/normalized-symbols": ("normalizedSymbols", [i.normalized for i in listed]),
        }
        return dict([simple[path]]) if path in simple else None

    def _market(self, instrument: Instrument, exchange: str) -> dict[str, object]:
        now = self._floor.until
        bars = self._history.bars(instrument.symbol, 60 * MINUTE_NS, now - DAY_NS, now + 1)
        hours = [bar.whole for bar in bars if bar.whole]
        first, last = (hours[0].open, hours[-1].close) if hours else (0.0, 0.0)
        high = max((leg.high for leg in hours), default=0.0)
        return {
            "rawSymbol": instrument.symbol,
            "normalizedSymbol": instrument.normalized,
            "coin": instrument.coin,
            "exchange": exchange,
            "category": EXCHANGES[exchange],
            "lastPrice": last,
            "priceChange24h": round((last / first - 1) * 100, 4) if first else 0.0,
            "volume24h": round(sum(leg.volume for leg in hours), 8),
            "pctFromATH": round((last / high - 1) * 100, 4) if high else 0.0,
            "prices": [leg.close for leg in hours],
        }


def _known(exchange: str | None) -> str:
    if exchange not in EXCHANGES:
        raise RestError(400, "INVALID_EXCHANGE", f"Unknown exchange {exchange!r}.")
    return exchange
