"""HTTP answers: each client asks as ever, and what it gets is the fuzzer's."""

from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

from mdterm.feeds.address import parse_address
from mdterm.feeds.alltick import facts
from mdterm.feeds.alltick.budget import Endpoint, Turns
from mdterm.feeds.alltick.feed import AllTick
from mdterm.feeds.alltick.feed import Options as AllTickOptions
from mdterm.feeds.alltick.http import AllTickHttp, Asked
from mdterm.feeds.contract import HistoryError
from mdterm.feeds.events import Candle
from mdterm.feeds.jayx.http import _symbols
from mdterm.feeds.jayx.lenient import loads
from mdterm.feeds.kiyotaka.http import KiyotakaHistory
from mdterm.feeds.text import clean
from tests.fuzz.soundness import check_event
from tests.kiyotaka.support import provider

_STATUSES: Final = (200, 200, 200, 200, 200, 200, 400, 401, 403, 429, 500, 599)

ALLTICK: Final = [
    b'{"ret":200,"msg":"ok","data":{"code":"700.HK","kline_type":1,"kline_list":[{"timestamp":"1720166340",'
    b'"open_price":"380.4","close_price":"380.4","high_price":"380.4","low_price":"380.0","volume":"99200",'
    b'"turnover":"37729070.0"},{"timestamp":"1720166400","open_price":"379.8","close_price":"379.8",'
    b'"high_price":"379.8","low_price":"379.8","volume":"1203200","turnover":"456975360.0"}]}}',
    b'{"ret":200,"msg":"ok","data":{"kline_list":[{"code":"700.HK","kline_type":1,"kline_data":[{"timestamp":'
    b'"1677829200","open_price":"136.421","close_price":"136.412","high_price":"136.422","low_price":"136.407",'
    b'"volume":"0","turnover":"0"}]}]}}',
    b'{"ret":200,"msg":"ok","trace":"t","data":{"tick_list":[{"code":"700.HK","seq":"27755950","tick_time":'
    b'"1751068801000","price":"201.18","volume":"174","turnover":"35006.0","trade_direction":1}]}}',
    b'{"ret":200,"msg":"ok","data":{"tick_list":[{"code":"700.HK","seq":"1836410","tick_time":"1720162800891",'
    b'"bids":[{"price":"37.7","volume":"460"}],"asks":[{"price":"37.71","volume":"32"}]}]}}',
    b'{"ret":200,"msg":"ok","data":{"static_info_list":[{"board":"HKEquity","currency":"HKD","exchange":"SEHK",'
    b'"lot_size":"100","name_cn":"x","name_en":"TENCENT","name_hk":"y","symbol":"700.HK"}]}}',
    b'{"msg":"token is required","ret":401}',
    b'{"ret":600,"msg":"code invalid"}',
    b'{"error_msg":"Too many requests"}',
]
KIYOTAKA: Final = [
    b'{"series":[{"id":{"type":"TRADE_SIDE_AGG","exchange":"BINANCE_FUTURES","rawSymbol":"BTCUSDT","side":"BUY"},'
    b'"points":[{"Point":{"open":90000.1,"high":90021.0,"low":89996.0,"close":90014.2,"volume":31.204,'
    b'"timestamp":{"s":1769058840},"firstTimestamp":{"s":1769058840,"ns":12000000},'
    b'"lastTimestamp":{"s":1769058899,"ns":880000000}}}]}]}',
    b'{"points":[{"series":{"symbol":"BTCUSDT","exchange":"BINANCE_FUTURES","side":"SELL"},"tradeAggregation":'
    b'{"open":1,"high":"2","low":1,"close":2,"volume":3,"timestamp":{"seconds":1769058840}}}]}',
    b'{"markets":[{"exchange":"BINANCE_FUTURES","rawSymbol":"BTCUSDT","normalizedSymbol":"BTC-USDT","coin":"BTC"},'
    b'{"exchange":"BYBIT","symbol":"ETHUSDT"}]}',
    b'{"blockSizes":[3,"5",25]}',
    b'{"error":"RATE_LIMITED","message":"slow down","retry_after":12}',
    b'{"error":"INVALID_SYMBOL","message":"Unknown symbol for the specified exchange."}',
    b'{"usage":{"weight":{"used":12,"limit":1000}},"plan":"free"}',
]
JAYX: Final = [
    b'{"symbols":[{"symbol":"BTCUSDT","tickDenom":100,"lotDenom":1000000}]}',
    b'{"data":{"BTCUSDT":{"tickDenom":100,"tickNumer":1,"lotDenom":"1000000"}}}',
    b'[{"market":"ETHUSDT","priceInc":"0.01","qtyInc":"0.0001"}]',
    b'{"symbols":[{"symbol":"X","filters":[{"tickSize":"0.10"},{"stepSize":"0.001"}]}]}',
]


class LeapingClock:
    """A minute passes whenever somebody looks: no budget stands in the way."""

    def __init__(self) -> None:
        self._now = 1_000.0

    def mono(self) -> float:
        """Return seconds."""
        self._now += 120.0
        return self._now

    def wall(self) -> int:
        """Return ns since the epoch: always the same moment."""
        return 1_769_058_877_000_000_000


async def _at_once(seconds: float) -> None:
    """Do not wait."""


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run what never waits, without a loop. Raise HistoryError."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    finally:
        work.close()
    raise AssertionError("a client waited for something")


class _Turns(Turns):
    """Lets everybody out at once: what is fuzzed is not the pace."""

    @asynccontextmanager
    async def take(self, endpoint: Endpoint, rank: int) -> AsyncIterator[None]:
        yield


class _AllTick(AllTickHttp):
    status, body = 200, b""

    async def _request(self, endpoint: Endpoint, family: facts.Family, body: bytes) -> tuple[int, bytes]:
        return self.status, self.body


class AllTickBodies:
    """Each answer goes to every endpoint in turn."""

    def __init__(self) -> None:
        self._turn = 0
        self._fresh()

    def _fresh(self) -> None:
        urls: dict[facts.Family, str] = {"stock": "http://h/s", "generic": "http://h/g"}
        plan = facts.PLANS["professional"]
        clock = LeapingClock()
        self._http = _AllTick("alltick", urls, "t", plan, clock)
        self._http.turns = _Turns(self._http.turns.budget, clock.mono)
        named = AllTick("alltick", AllTickOptions(token="t"))
        self._instrument = named.resolve(parse_address("alltick:700.HK"))

    def take(self, body: bytes) -> None:
        """Let an answer come in."""
        self._turn += 1
        if self._turn % 20_000 == 0:
            self._fresh()
        http = self._http
        http.body, http.status = body, _STATUSES[self._turn // 5 % len(_STATUSES)]
        try:
            self._ask(http, self._turn % 5)
        except HistoryError as error:
            _check_words(str(error))

    def _ask(self, http: AllTickHttp, what: int) -> None:
        instrument = self._instrument
        if what == 0:
            _check_bars(_run(http.candles(instrument, "1m", 100)), instrument.address)
        elif what == 1:
            asked, addresses = [Asked("700.HK", "1m")], {"700.HK": instrument.address}
            for bars in _run(http.batch_kline("stock", asked, addresses, 0)).values():
                _check_bars(bars, instrument.address)
        elif what == 2:
            for one in _run(http.ticks("trade-tick", "stock", ["700.HK"], 0)):
                assert one.code == "700.HK"
        elif what == 3:
            for one in _run(http.ticks("depth-tick", "stock", ["700.HK"], 0)):
                assert one.code == "700.HK"
        else:
            for about in _run(http.static_info(["700.HK"])):
                for text in (about.name, about.local_name, about.exchange, about.board, about.currency):
                    assert text is None or (text == clean(text) and len(text) <= 60)


class _Kiyotaka(KiyotakaHistory):
    status, body = 200, b""

    async def _request(self, path: str, pairs: Any) -> tuple[int, dict[str, str], bytes]:
        return self.status, {"retry-after": "1"} if self.status == 429 else {}, self.body


class KiyotakaBodies:
    """Each answer goes to every request in turn."""

    def __init__(self) -> None:
        self._turn = 0
        self._fresh()

    def _fresh(self) -> None:
        self._http = _Kiyotaka(
            "https://h", "k", clock=LeapingClock(), sleep=_at_once, weight_per_minute=100_000
        )
        self._instrument = provider().resolve(parse_address("kiyotaka:BINANCE_FUTURES:BTCUSDT"))

    def take(self, body: bytes) -> None:
        """Let an answer come in."""
        self._turn += 1
        if self._turn % 20_000 == 0:
            self._fresh()
        http, what = self._http, self._turn % 4
        http.body, http.status = body, _STATUSES[self._turn // 4 % len(_STATUSES)]
        try:
            if what == 0:
                _check_bars(_run(http.candles(self._instrument, "1m", 10)), self._instrument.address)
            elif what == 1:
                for address in _run(http.search("btc")):
                    parse_address(address)
            elif what == 2:
                size = _run(http.block_size(self._instrument))
                assert size is None or size > 0
            else:
                for name, text in _run(http.usage()).items():
                    assert name.isprintable()
                    assert text.isprintable()
        except HistoryError as error:
            _check_words(str(error))


class JayXBodies:
    """What tells ticks and lots."""

    def take(self, body: bytes) -> None:
        """Let an answer come in."""
        try:
            found = dict(_symbols(loads(body)))
        except ValueError:
            return
        for name, steps in found.items():
            assert isinstance(name, str)
            assert all(step is None or 0 < step < 10**19 for step in steps)


def _check_bars(bars: list[Candle], address: str) -> None:
    assert [bar.open_ts for bar in bars] == sorted({bar.open_ts for bar in bars})
    for bar in bars:
        check_event(bar, (address,))


def _check_words(words: str) -> None:
    assert words.isprintable(), words
    assert len(words) < 500
