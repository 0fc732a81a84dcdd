"""The provider: addresses, links, what it knows beside the contract."""

from collections.abc import Callable
from typing import Any

import pytest

from mdterm.feeds.address import Address, AddressError, parse_address
from mdterm.feeds.alltick.feed import AllTick, Options, make
from mdterm.feeds.contract import Listing, Want
from mdterm.feeds.events import Candle, Stream
from mdterm.feeds.journal import strike

Make = Callable[..., AllTick]
HOUR = 3_600_000_000_000
DAY = 24 * HOUR
WEDNESDAY = 1_783_468_800_000_000_000  # 2026-07-08, midnight UTC


def wants(*wished: tuple[int, str, Stream]) -> list[Want]:
    return [Want(rank, f"alltick:{code}", stream) for rank, code, stream in wished]


def test_an_address_keeps_its_code_as_it_is_written(make_provider: Make) -> None:
    for code in ("700.HK", "Silver", "silver", ".DJI.US", "XAUUSD", "00700.HK"):
        instrument = make_provider().resolve(parse_address(f"alltick:{code}"))
        assert (instrument.address, instrument.symbol, instrument.kind) == (
            f"alltick:{code}",
            code,
            "alltick",
        )


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (Address("alltick", "700", "HK"), "names no exchanges"),
        (Address("alltick", "HK-1288"), "1288.HK"),
    ],
)
def test_an_address_of_another_form_is_explained(make_provider: Make, address: Address, words: str) -> None:
    with pytest.raises(AddressError, match=words):
        make_provider().resolve(address)


def test_one_socket_a_family_the_visible_one_first(make_provider: Make) -> None:
    provider = make_provider()
    for visible, order in (("700.HK", ["stock", "generic"]), ("GOLD", ["generic", "stock"])):
        links = provider.plan(wants(*((int(one != visible), one, "trade") for one in ("700.HK", "GOLD"))))
        assert [link.key for link in links] == [f"alltick/{family}" for family in order]
    (link,) = provider.plan(wants((0, "BTCUSDT", "book"), (0, "GOLD", "candle")))
    assert link.key == "alltick/generic"
    assert [want.stream for want in link.wants] == ["book", "candle"]
    assert provider.plan(wants((0, "GOLD", "candle"))) == []
    assert provider.plan([]) == []


def test_the_token_stands_in_the_query_and_is_struck_out(make_provider: Make) -> None:
    token = "a b/c+d&e=é"
    provider = make("mine", Options(token=token, stock_url="ws://127.0.0.1:9/quote-stock-b-ws-api"))
    stock, generic = provider.plan([Want(0, "mine:700.HK", "trade"), Want(1, "mine:GOLD", "trade")])
    quoted = "a%20b%2Fc%2Bd%26e%3D%C3%A9"
    assert stock.url == f"ws://127.0.0.1:9/quote-stock-b-ws-api?token={quoted}"
    assert generic.url == f"wss://quote.alltick.co/quote-b-ws-api?token={quoted}"
    assert set(stock.secrets) == {token, quoted}
    assert quoted.encode() not in strike(stock.url.encode(), stock.secrets)


def test_a_bare_host_gets_the_documented_path() -> None:
    provider = make("alltick", Options(token="t", generic_url="ws://127.0.0.1:9"))
    (link,) = provider.plan(wants((0, "GOLD", "trade")))
    assert link.url == "ws://127.0.0.1:9/quote-b-ws-api?token=t"


@pytest.mark.parametrize(("plan", "floor", "spacing"), [("free", 10.0, 10.0), ("basic", 3.0, 3.0)])
def test_connections_are_spaced_over_both_families(
    make_provider: Make, plan: str, floor: float, spacing: float
) -> None:
    provider = make_provider(plan)
    assert provider.backoff.floor == floor
    assert provider.backoff.throttled >= 30
    gate = provider.token_gate
    assert gate.connect_in(100.0) == 0
    wait = gate.connect_in(100.0)
    assert wait >= spacing
    assert gate.connect_in(101.0) == pytest.approx(wait - 1.0)  # asking takes no place
    assert gate.connect_in(100.0 + wait) == 0
    assert gate.connect_in(100.0 + wait) >= spacing
    # A connection that took long to open counts from when it was there.
    assert gate.connect_in(1000.0) == 0
    gate.opened(1000.0 + spacing)
    assert gate.connect_in(1000.0 + wait) >= spacing - 1.0
    assert gate.connect_in(1000.0 + 2 * spacing + 0.2) == 0


def test_what_is_carried(make_provider: Make) -> None:
    provider = make_provider()
    instrument = provider.resolve(parse_address("alltick:GOLD"))
    assert [provider.carries(instrument, stream) for stream in ("trade", "book", "candle")] == [None] * 3
    assert provider.carries(instrument, "funding") is not None
    assert provider.capabilities.served == {"trade", "book"}


def push(provider: AllTick, code: str, ts: int, seen: int) -> None:
    provider.pulse.spoke(f"alltick:{code}", "trade", ts, seen)


def test_closed_outside_of_trading_hours_unless_it_speaks(make_provider: Make) -> None:
    provider = make_provider()
    hong_kong = provider.resolve(parse_address("alltick:700.HK"))
    night = WEDNESDAY + 12 * HOUR
    closed = WEDNESDAY + 8 * HOUR + HOUR // 6
    assert provider.closed_since(hong_kong, night) == closed
    push(provider, "700.HK", closed - HOUR, night)  # only the last print again
    assert provider.closed_since(hong_kong, night) == closed
    push(provider, "700.HK", night - 1, night)
    assert provider.closed_since(hong_kong, night) is None
    assert provider.closed_since(hong_kong, night + HOUR) == closed
    bitcoin = provider.resolve(parse_address("alltick:BTCUSDT"))
    assert provider.closed_since(bitcoin, night) is None


def daily(provider: AllTick, code: str, *bars: tuple[int, float]) -> None:
    provider.polling.dailies[f"alltick:{code}"] = [
        Candle(f"alltick:{code}", None, 0, "1d", open_ts, 1, 1, 1, close, None, closed=False)
        for open_ts, close in bars
    ]


def test_the_previous_close_is_that_of_the_day_before_the_last_print(make_provider: Make) -> None:
    provider = make_provider()
    instrument = provider.resolve(parse_address("alltick:700.HK"))
    assert provider.previous_close(instrument, WEDNESDAY) is None
    tuesday, wednesday = WEDNESDAY - 32 * HOUR, WEDNESDAY - 8 * HOUR  # midnights in Hong Kong
    daily(provider, "700.HK", (tuesday, 10.0), (wednesday, 11.0))
    assert provider.previous_close(instrument, WEDNESDAY + 2 * HOUR) == 10.0
    # Thursday's first print is compared with Wednesday's bar, which may still be the newest.
    assert provider.previous_close(instrument, WEDNESDAY + 26 * HOUR) == 11.0


def test_ticks_sessions_and_names(make_provider: Make) -> None:
    provider = make_provider()

    def instrument(code: str) -> Any:
        return provider.resolve(parse_address(f"alltick:{code}"))

    assert provider.tick(instrument("700.HK"), 380.4) == 0.2
    assert provider.tick(instrument("AAPL.US"), 200.0) is None
    assert provider.session(instrument("BTCUSDT")) is None
    session = provider.session(instrument("AAPL.US"))
    assert session is not None
    assert session.zone == "America/New_York"
    assert provider.listing(instrument("GOLD")).name == "Gold (XAUUSD)"
    assert provider.listing(instrument("NOSUCH")) == Listing()
    assert provider.about(instrument("700.HK")) is None


async def test_the_built_in_table_is_searched_without_a_key() -> None:
    provider = make("mine", Options(token=""))
    assert provider.history is not None
    assert await provider.history.search("mine:tencent") == ["mine:700.HK"]
    assert await provider.history.search("silver") == [
        "mine:Silver",
        *[f"mine:{code}" for code in ("XAGEUR", "XAGSGD")],
    ]
    await provider.history.close()
