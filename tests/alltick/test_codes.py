"""Codes: what kind of thing, which family, what is offered in a search."""

import pytest

from mdterm.feeds.alltick import facts
from mdterm.feeds.alltick.codes import (
    ALIASES,
    NAMES,
    TABLE,
    family_of,
    hong_kong_tick,
    kind_of,
    names_of,
    search,
    suggestion,
)


@pytest.mark.parametrize(
    ("code", "kind", "family"),
    [
        ("BTCUSDT", "crypto", "generic"),
        ("EURUSD", "forex", "generic"),
        ("USDCNH", "forex", "generic"),
        ("GOLD", "metal", "generic"),
        ("Silver", "metal", "generic"),
        ("XAUUSD", "metal", "generic"),
        ("NGAS", "energy", "generic"),
        ("HK50", "cfd", "generic"),
        ("700.HK", "hk", "stock"),
        ("AAPL.US", "us", "stock"),
        ("AACT.WS.US", "us", "stock"),
        ("600519.SH", "cn", "stock"),
        ("000651.SZ", "cn", "stock"),
        ("HSI.HK", "index", "stock"),
        (".DJI.US", "index", "stock"),
        ("000001.SH", "index", "stock"),
        ("000001.SZ", "cn", "stock"),
        ("399001.SZ", "index", "stock"),
        ("silver", "unknown", "generic"),
        ("USDT", "unknown", "generic"),
        ("GC", "unknown", "generic"),
    ],
)
def test_kind_and_family(code: str, kind: str, family: str) -> None:
    assert (kind_of(code), family_of(code)) == (kind, family)


def test_the_table_is_consistent() -> None:
    assert len(NAMES) == len(TABLE) > 150
    assert [code for code in NAMES if kind_of(code) == "unknown"] == []
    assert set(ALIASES.values()) <= NAMES.keys()
    assert set(facts.FREE_CODES) <= NAMES.keys()
    assert all(name and name.isprintable() for name in NAMES.values())


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("gold", "GOLD"),
        ("xauusd", "GOLD"),
        ("XAGUSD", "Silver"),
        ("silver", "Silver"),
        ("btcusd", "BTCUSDT"),
        ("brent", "UKOIL"),
        ("tencent", "700.HK"),
        ("700.hk", "700.HK"),
        ("00700.HK", "700.HK"),
        ("apple", "AAPL.US"),
        ("hang seng", "HSI.HK"),
        ("dow industrial", ".DJI.US"),
        ("eur/usd", "EURUSD"),
        ("MMM.US", "MMM.US"),
    ],
)
def test_search_offers_the_best_first(query: str, first: str) -> None:
    assert search(query)[0] == first


def test_search_without_a_word_tells_all_and_without_a_match_nothing() -> None:
    assert search("", limit=1000) == [code for code, _ in TABLE]
    assert len(search("")) == 100
    assert search("no such thing") == []


def test_suggestions() -> None:
    assert suggestion("HK-1288") == "1288.HK"
    assert suggestion("gold") == "GOLD"
    assert suggestion("nosuch") is None


@pytest.mark.parametrize(
    ("price", "tick"),
    [
        (0.012, 0.001),
        (0.25, 0.005),
        (9.995, 0.005),
        (10.0, 0.01),
        (19.99, 0.01),
        (20.0, 0.02),
        (50.0, 0.05),
        (100.0, 0.1),
        (380.4, 0.2),
        (500.0, 0.5),
        (6000.0, 5.0),
        (0.001, 0.001),
    ],
)
def test_hong_kong_ticks(price: float, tick: float) -> None:
    assert hong_kong_tick(price) == tick


@pytest.mark.parametrize("typed", ["700.hk", "0700.HK", "00700", "00700.hk", "tencent"])
def test_a_number_with_leading_zeros_finds_the_stock(typed: str) -> None:
    assert search(typed)[0] == "700.HK"


def test_what_else_a_code_is_called() -> None:
    assert names_of("700.HK") == ("0700.HK", "00700.HK")
    assert names_of("9988.HK") == ("09988.HK",)
    assert "XAUUSD" in names_of("GOLD")
    assert names_of("HSI.HK") == ("HSI",)
    assert names_of("AAPL.US") == ()
