"""JayX as a provider: addresses, sockets, units, and what it lacks, in words."""

import json
from decimal import Decimal

import httpx
import pytest

from mdterm.feeds.address import AddressError, Instrument, parse_address
from mdterm.feeds.contract import Link, Provider, Want
from mdterm.feeds.events import Stream
from mdterm.feeds.jayx import facts
from mdterm.feeds.jayx.codec import MarketCodec
from mdterm.feeds.jayx.feed import JayX, Options, SymbolOptions, make
from mdterm.feeds.jayx.http import fetch_units
from mdterm.feeds.jayx.private import PrivateCodec

KEY = "clmsionk21ru"


def jayx(name: str = "jayx", **options: object) -> JayX:
    return make(name, Options(**{"framing": "envelope", "url": "wss://h:8443", **options}))  # type: ignore[arg-type]


def instrument(provider: JayX, symbol: str = "BTCUSDT") -> Instrument:
    return provider.resolve(parse_address(f"{provider.name}:{symbol}"))


def want(symbol: str, stream: Stream = "book", rank: int = 0) -> Want:
    return Want(rank, f"jayx:{symbol}", stream)


def test_it_is_a_provider() -> None:
    provider: Provider = jayx()
    assert provider.kind == "jayx"
    assert provider.capabilities.served == {"book", "trade", "candle", "balance", "order"}


def test_one_socket_a_symbol_and_one_for_the_account() -> None:
    provider = jayx(api_key=KEY)
    wants = [
        want("ETHUSDT", "trade"),
        want("BTCUSDT", "order"),
        want("BTCUSDT"),
        want("BTCUSDT", "candle"),
        want("BTCUSDT", "balance"),
    ]
    links = provider.plan(wants)
    assert {link.key: [one.stream for one in link.wants] for link in links} == {
        "jayx/BTCUSDT": ["book", "candle"],
        "jayx/ETHUSDT": ["trade"],
        "jayx/account": ["balance", "order"],
    }
    assert all(KEY not in link.url and KEY in link.secrets for link in links)
    codecs = [type(provider.codec(link)) for link in links]
    assert codecs == [MarketCodec, MarketCodec, PrivateCodec]


def test_at_most_eight_symbols_what_is_on_the_screen_first() -> None:
    provider = jayx()
    watched = [want(f"S{at}", "trade", 1) for at in range(12)]
    wants = [*watched, want("Z")]
    kept = {link.key for link in provider.plan(wants)}
    assert kept == {"jayx/Z", *(f"jayx/S{at}" for at in (0, 1, 10, 11, 2, 3, 4))}
    left = provider.unserved(wants)
    assert set(left) == {f"jayx:S{at}" for at in range(5, 10)}
    assert set(left.values()) == {"not subscribed: at most 8 symbols of JayX at a time"}
    assert provider.unserved(watched[: facts.MAX_MARKET_SOCKETS]) == {}


def test_without_a_key_the_market_works_and_the_rest_says_what_is_missing() -> None:
    provider = jayx()
    one = instrument(provider)
    assert provider.carries(one, "book") is None
    assert provider.carries(one, "balance") == (
        "no API key: set providers.jayx.api_key or the environment variable MDTERM_JAYX_API_KEY"
    )
    other = jayx("second")
    assert other.carries(instrument(other), "order") == "no API key: set providers.second.api_key"
    assert [link.key for link in provider.plan([want("BTCUSDT"), want("BTCUSDT", "order")])] == [
        "jayx/BTCUSDT"
    ]
    assert provider.carries(one, "funding") == "jayx has no stream of this kind"
    assert jayx(api_key=KEY).carries(one, "order") is None


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("wss://h", True),
        ("https://h", True),
        ("ws://127.0.0.1:1", True),
        ("ws://[::1]:1", True),
        ("http://localhost", True),
        ("ws://h", False),
        ("http://127.0.0.1.evil.example", False),
    ],
)
def test_a_key_never_travels_in_the_open(url: str, is_safe: bool) -> None:
    provider = jayx(api_key=KEY, url=url)
    words = provider.carries(instrument(provider), "balance")
    assert (words is None) == is_safe
    assert words is None or KEY not in words
    assert bool(provider.plan([want("BTCUSDT", "balance")])) == is_safe


def test_an_address_is_a_symbol_alone() -> None:
    provider = jayx()
    assert instrument(provider) == Instrument(
        "jayx:BTCUSDT", "jayx", "jayx", "BTCUSDT", None, 0.01, 0.000001, has_account=True
    )
    with pytest.raises(AddressError, match="write jayx:SYMBOL"):
        provider.resolve(parse_address("jayx:SPOT:BTCUSDT"))


def test_units_that_nobody_told_are_named() -> None:
    provider = jayx("mine", symbols={"XRPUSDT": SymbolOptions(tick=Decimal("0.0001"))})
    assert provider.untold(instrument(provider)) == []
    ether = instrument(provider, "ETHUSDT")
    assert (ether.tick, ether.lot) == (None, None)
    assert provider.untold(ether) == [
        "providers.mine.symbols.ETHUSDT.tick",
        "providers.mine.symbols.ETHUSDT.lot",
    ]
    assert provider.untold(instrument(provider, "XRPUSDT")) == ["providers.mine.symbols.XRPUSDT.lot"]


def test_what_is_configured_wins() -> None:
    provider = jayx(symbols={"BTCUSDT": SymbolOptions(Decimal("0.5"), Decimal("0.1"))})
    assert (instrument(provider).tick, instrument(provider).lot) == (0.5, 0.1)


def test_another_interval_is_another_connection() -> None:
    provider = jayx()
    wants = [want("BTCUSDT", "candle")]
    provider.set_interval("jayx:BTCUSDT", "4h")
    (link,) = provider.plan(wants)
    assert link.key == "jayx/BTCUSDT@4h"
    codec = provider.codec(link)
    codec.want(link.wants)
    codec.opened(0.0)
    assert json.loads(codec.due(0.0).messages[0])["data"]["interval"] == "14400"
    with pytest.raises(ValueError, match="jayx has no candles of 3m: there are 1m, 5m"):
        provider.set_interval("jayx:BTCUSDT", "3m")


def test_two_connections_of_a_symbol_know_of_each_other() -> None:
    provider = jayx()
    (first,) = provider.plan([want("BTCUSDT", "trade")])
    old = provider.codec(first)
    provider.set_interval("jayx:BTCUSDT", "5m")
    (second,) = provider.plan([want("BTCUSDT", "trade")])
    new = provider.codec(second)
    for codec in (old, new):
        codec.want(first.wants)
        codec.opened(0.0)
    frame = b'{"trades":[{"lots":1,"ticks":2,"side":"BUY","created":1716136436758}]}'
    assert len(old.feed(frame, 1)) == 1
    assert new.feed(frame, 2) == []
    assert old.feed(frame.replace(b'"lots":1', b'"lots":9'), 3) == []


def test_silences() -> None:
    provider = jayx()
    assert provider.silence("book").stale_after_s == 5.0
    assert provider.silence("order").stale_after_s is None
    assert provider.closed_since(instrument(provider), 0) is None


def test_a_doubt_about_the_units_is_kept() -> None:
    provider = jayx(api_key=KEY)
    (link,) = provider.plan([want("BTCUSDT", "order")])
    codec = provider.codec(link)
    codec.want(link.wants)
    codec.opened(0.0)
    order = {"id": 1, "symbol": "BTCUSDT", "resd": 5, "price": "7", "quantity": "11"}
    codec.feed(json.dumps({"cancel": [], "modify": [order]}).encode(), 1)
    assert list(provider.doubts) == ["BTCUSDT"]
    assert "lot of BTCUSDT" in provider.doubts["BTCUSDT"]


def test_certificates_are_checked_unless_told_otherwise() -> None:
    def link(tls_verify: bool) -> Link:
        return jayx(tls_verify=tls_verify).plan([want("BTCUSDT")])[0]

    assert link(True).tls_verify
    assert not link(False).tls_verify
    assert Options().tls_verify


# Units over HTTP.


def answering(content: object, status: int = 200) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        assert str(request.url) == "https://rest/base/api/v1/public/exchangeInfo"
        assert "JAYX-ACCESS-KEY" not in request.headers
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return httpx.Response(status, content=body)

    return httpx.MockTransport(answer)


HUNDREDTH, MILLIONTH = Decimal("0.01"), Decimal("0.000001")


@pytest.mark.parametrize(
    "content",
    [
        {"data": [{"symbol": "A", "tickDenom": 100, "lotDenom": 1_000_000}], "code": 0},
        {"data": {"symbols": [{"market": "A", "tickNumer": 1, "tickDenom": "100", "lotDenom": 1e6}]}},
        {"A": {"tickDenom": 100, "lotDenom": 1_000_000}},
        [{"name": "A", "priceInc": "0.01", "qtyInc": 0.000001}],
        {"symbols": [{"symbol": "A", "tickSize": "0.01000000", "stepSize": "0.00000100"}]},
        {
            "symbols": [
                {
                    "symbol": "A",
                    "filters": [
                        {"filterType": "PRICE_FILTER", "tickSize": "0.01"},
                        {"filterType": "LOT_SIZE", "stepSize": "0.000001"},
                    ],
                }
            ]
        },
    ],
)
async def test_units_are_found_in_any_schema(content: object) -> None:
    found = await fetch_units("https://rest/base/", transport=answering(content))
    assert found == {"A": (HUNDREDTH, MILLIONTH)}


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        5,
        b"no json",
        b"[" * 100_000,
        {"symbol": "A", "tickDenom": 0},
        {"symbol": "A", "tickDenom": -5, "lotDenom": "x"},
        {"symbol": "A", "tickDenom": True},
        {"symbol": "A", "tickSize": "NaN"},
        b'{"symbol":"A","tickSize":1e999999}',
        {"symbol": 5, "tickDenom": 100},
        {"symbol": "A", "tickDenom": 3},
        {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"symbol": "A", "tickDenom": 100}}}}}}}},
    ],
)
async def test_what_is_no_unit_is_none(content: object) -> None:
    assert await fetch_units("https://rest/base", transport=answering(content)) == {}


async def test_a_service_that_fails_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert await fetch_units("https://rest/base", transport=answering({}, 500)) == {}
    assert "HTTPStatusError" in caplog.text

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no")

    assert await fetch_units("https://rest/base", transport=httpx.MockTransport(refuse)) == {}
