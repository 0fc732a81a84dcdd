"""The provider: addresses, sockets, what can be had where, and what must be known first."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.address import AddressError, Instrument, parse_address
from mdterm.feeds.contract import HistoryError, Unready, Want
from mdterm.feeds.events import Candle, Stream
from mdterm.feeds.kiyotaka import facts
from mdterm.feeds.kiyotaka.feed import (
    ChannelOptions,
    Kiyotaka,
    Options,
    duration_s,
    guess_block_size,
    number_text,
)
from tests.kiyotaka.support import ADDRESS, STREAMS, TOKEN, channels, provider


def resolved(text: str, of: Kiyotaka | None = None) -> Instrument:
    return (of or provider()).resolve(parse_address(text))


# --- addresses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "address", "exchange", "symbol", "grouped"),
    [
        ("kiyotaka:BINANCE_FUTURES:BTCUSDT", ADDRESS, "BINANCE_FUTURES", "BTCUSDT", False),
        ("kiyotaka:BTCUSDT", ADDRESS, "BINANCE_FUTURES", "BTCUSDT", False),
        ("kiyotaka:binance:BTCUSDT", ADDRESS, "BINANCE_FUTURES", "BTCUSDT", False),
        (
            "kiyotaka:okx:BTC-USDT-SWAP",
            "kiyotaka:OKEX_SWAP:BTC-USDT-SWAP",
            "OKEX_SWAP",
            "BTC-USDT-SWAP",
            False,
        ),
        (
            "kiyotaka:OKX:BTC-USDT-SWAP",
            "kiyotaka:OKEX_SWAP:BTC-USDT-SWAP",
            "OKEX_SWAP",
            "BTC-USDT-SWAP",
            False,
        ),
        ("kiyotaka:hyperliquid:BTC", "kiyotaka:HYPERLIQUID_FUTURES:BTC", "HYPERLIQUID_FUTURES", "BTC", False),
        ("kiyotaka:HYPERLIQUID:BTC", "kiyotaka:HYPERLIQUID:BTC", "HYPERLIQUID", "BTC", False),
        ("kiyotaka:bybit:BTCUSDT", "kiyotaka:BYBIT:BTCUSDT", "BYBIT", "BTCUSDT", False),
        (
            "kiyotaka:BINANCE_FUTURES:coin=BTC",
            "kiyotaka:BINANCE_FUTURES:coin=BTC",
            "BINANCE_FUTURES",
            "BTC",
            True,
        ),
    ],
)
def test_an_address_becomes_one_instrument(
    written: str, address: str, exchange: str, symbol: str, grouped: bool
) -> None:
    found = resolved(written)
    assert (found.address, found.exchange, found.symbol, found.grouped) == (
        address,
        exchange,
        symbol,
        grouped,
    )
    assert resolved(found.address) == found, "a resolved address resolves to itself"


def test_a_coin_needs_a_name() -> None:
    with pytest.raises(AddressError, match="names no coin"):
        resolved("kiyotaka:BINANCE_FUTURES:coin=")


def test_the_simulated_market_keeps_its_short_addresses() -> None:
    of = Kiyotaka("sim", Options(token="x", simulated=True))
    found = resolved("sim:BTCUSDT", of)
    assert (found.address, found.exchange, found.simulated) == ("sim:BTCUSDT", "BINANCE_FUTURES", True)


# --- sockets ------------------------------------------------------------------------------------------


def wants(*streams: Stream, address: str = ADDRESS) -> list[Want]:
    return [Want(0, address, stream) for stream in streams]


def test_there_is_a_socket_a_family_and_none_for_nothing() -> None:
    of = provider()
    assert of.plan([]) == []
    assert [link.key for link in of.plan(wants("trade", "funding"))] == ["kiyotaka/nonbook"]
    assert [link.key for link in of.plan(wants("book"))] == ["kiyotaka/book"]
    both = of.plan(wants(*STREAMS) + wants(*STREAMS, address="kiyotaka:BYBIT:BTCUSDT"))
    assert [link.key for link in both] == ["kiyotaka/book", "kiyotaka/nonbook"]
    assert [len(link.wants) for link in both] == [2, 12]
    assert all(link.secrets == (TOKEN,) for link in both)
    assert not any(TOKEN in link.url for link in both)


def test_a_plan_is_the_same_whatever_the_order() -> None:
    of = provider()
    assert of.plan(wants(*STREAMS)) == of.plan(wants(*reversed(STREAMS)))


@pytest.mark.parametrize(
    ("options", "book", "nonbook"),
    [
        (
            {},
            "wss://ap-sin3.ws.api.kiyotaka.ai/ws?encoding=json",
            "wss://ap-sin3.ws.api.kiyotaka.ai/nonbook/ws?encoding=json",
        ),
        (
            {"region": "europe"},
            "wss://eu-de3.ws.api.kiyotaka.ai/ws?encoding=json",
            "wss://eu-de3.ws.api.kiyotaka.ai/nonbook/ws?encoding=json",
        ),
        (
            {"book_url": "ws://h:1", "nonbook_url": "ws://h:2/"},
            "ws://h:1/ws?encoding=json",
            "ws://h:2/nonbook/ws?encoding=json",
        ),
        (
            {"book_url": "ws://h/ws?encoding=json", "nonbook_url": "ws://h/own/path?x=1"},
            "ws://h/ws?encoding=json",
            "ws://h/own/path?x=1&encoding=json",
        ),
    ],
)
def test_urls_are_bases_that_get_path_and_encoding(options: dict[str, str], book: str, nonbook: str) -> None:
    links = provider(**options).plan(wants("book", "trade"))
    assert [link.url for link in links] == [book, nonbook]


def test_a_base_that_is_no_url_is_left_for_the_connection_to_refuse() -> None:
    (link,) = provider(nonbook_url="ws://[::1").plan(wants("trade"))
    assert link.url == "ws://[::1"


# --- what can be had ----------------------------------------------------------------------------------


@pytest.mark.parametrize("exchange", sorted(facts.SPOT_EXCHANGES))
def test_spot_has_neither_funding_nor_interest_nor_liquidations(exchange: str) -> None:
    of = provider()
    spot = resolved(f"kiyotaka:{exchange}:BTCUSDT", of)
    carried = {stream for stream in STREAMS if of.carries(spot, stream) is None}
    assert carried == {"book", "trade", "trade_agg", "volume_profile"}


def test_a_coin_has_what_can_be_grouped() -> None:
    of = provider()
    coin = resolved("kiyotaka:BINANCE_FUTURES:coin=BTC", of)
    assert {stream for stream in STREAMS if of.carries(coin, stream) is None} == {"book", "volume_profile"}
    (link,) = of.plan(wants("book", "trade", address=coin.address))
    assert [want.stream for want in link.wants] == ["book"]


@pytest.mark.parametrize("stream", ["balance", "order"])
def test_there_is_no_account(stream: Stream) -> None:
    assert provider().carries(resolved(ADDRESS), stream) is not None


@pytest.mark.parametrize(
    ("stream", "options", "seconds"),
    [
        ("book", ChannelOptions(), 5.0),
        ("book", ChannelOptions(update_frequency="500ms"), 5.0),
        ("book", ChannelOptions(update_frequency="5s"), 15.0),
        ("book", ChannelOptions(update_frequency="often"), 5.0),
        ("trade", ChannelOptions(), 10.0),
        ("trade_agg", ChannelOptions(batch_interval="200ms"), 10.0),
        ("trade_agg", ChannelOptions(batch_interval="1m"), 180.0),
        ("liquidation", ChannelOptions(), None),
        ("funding", ChannelOptions(), None),
        ("open_interest", ChannelOptions(), None),
        ("volume_profile", ChannelOptions(update_frequency="1s"), None),
    ],
)
def test_silence_is_believed_as_long_as_the_channel_may_be_silent(
    stream: Stream, options: ChannelOptions, seconds: float | None
) -> None:
    of = provider(channels={facts.CHANNELS[stream][0]: options})
    assert of.silence(stream).stale_after_s == seconds


# --- block sizes --------------------------------------------------------------------------------------


class Told:
    """A history that tells a block size, or fails to."""

    def __init__(self, answer: float | HistoryError | None) -> None:
        self.answer = answer
        self.asked = 0

    async def block_size(self, instrument: Instrument) -> float | None:
        self.asked += 1
        if isinstance(self.answer, HistoryError):
            raise self.answer
        return self.answer

    async def candles(self, instrument: Instrument, interval: str, count: int) -> list[Candle]:
        raise AssertionError("not asked for")

    async def search(self, query: str) -> list[str]:
        raise AssertionError("not asked for")

    async def close(self) -> None:
        pass


def auto(answer: float | HistoryError | None) -> tuple[Kiyotaka, Instrument, Told]:
    told = Told(answer)
    of = Kiyotaka("kiyotaka", Options(token=TOKEN), told)
    return of, resolved(ADDRESS, of), told


def asked_with(of: Kiyotaka, instrument: Instrument) -> str | None:
    """Return the block size that the book's subscription would carry."""
    channel = of._channel(instrument, "book")
    return None if channel is None else dict(channel.parameters)["blockSize"]


async def test_the_block_size_is_asked_for_once() -> None:
    of, instrument, told = auto(3.0)
    assert asked_with(of, instrument) is None
    for _ in range(3):
        await of.prepare(instrument, "book", None)
    assert told.asked == 1
    assert asked_with(of, instrument) == "3"


@pytest.mark.parametrize("stream", [stream for stream in STREAMS if stream != "book"])
async def test_only_books_need_one(stream: Stream) -> None:
    of, instrument, told = auto(3.0)
    await of.prepare(instrument, stream, None)
    assert told.asked == 0


@pytest.mark.parametrize("answer", [0.0, None, HistoryError("the key was rejected", refused=True)])
async def test_no_book_on_this_plan_is_final(answer: float | HistoryError | None) -> None:
    of, instrument, _ = auto(answer)
    with pytest.raises(Unready) as caught:
        await of.prepare(instrument, "book", 90_000.0)
    assert caught.value.final
    assert asked_with(of, instrument) is None
    assert of.carries(instrument, "book") == str(caught.value)
    assert of.plan(wants("book")) == [], "no socket for what cannot be had"


async def test_where_nobody_tells_it_is_guessed_from_the_first_price() -> None:
    of, instrument, _ = auto(HistoryError("no answer in time"))
    with pytest.raises(Unready, match=r"no answer in time; set providers\.kiyotaka\.block_size") as caught:
        await of.prepare(instrument, "book", None)
    assert not caught.value.final
    await of.prepare(instrument, "book", 90_000.0)
    assert asked_with(of, instrument) == "2"


@pytest.mark.parametrize(
    ("sizes", "size", "expected"),
    [
        ({}, 25.0, "25"),
        ({"BTCUSDT": 5.0}, 25.0, "5"),
        ({"BTCUSDT": 5.0, "BINANCE_FUTURES:BTCUSDT": 1.0}, 25.0, "1"),
        ({ADDRESS: 7.0}, None, "7"),
        ({"ETHUSDT": 5.0}, 25.0, "25"),
    ],
)
async def test_the_configuration_wins(sizes: dict[str, float], size: float | None, expected: str) -> None:
    told = Told(3.0)
    of = Kiyotaka("kiyotaka", Options(token=TOKEN, block_size=size, block_sizes=sizes), told)
    instrument = resolved(ADDRESS, of)
    await of.prepare(instrument, "book", None)
    assert told.asked == 0
    assert asked_with(of, instrument) == expected


@given(st.floats(1e-12, 1e12))
def test_a_guess_is_about_half_a_basis_point_and_round(price: float) -> None:
    guess = Decimal(repr(guess_block_size(price)))
    assert guess.as_tuple().digits in ((1,), (2,), (5,), (1, 0), (2, 0), (5, 0)) or guess >= 10
    assert guess.normalize().as_tuple().digits in ((1,), (2,), (5,))
    if price > 4e-6:
        assert Decimal("1.9e-5") <= guess / Decimal(repr(price)) <= Decimal("5.1e-5")
    assert guess >= Decimal("1e-10")


@given(st.floats(1e-12, 1e15))
def test_a_number_is_written_plainly_and_reads_back(value: float) -> None:
    text = number_text(value)
    assert set(text) <= set("0123456789.")
    assert float(text) == value
    assert not text.endswith(".")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("1s", 1.0),
        ("2m", 120.0),
        ("1h", 3600.0),
        ("", 0.0),
        ("soon", 0.0),
        ("xs", 0.0),
        ("5", 0.0),
    ],
)
def test_durations_are_read_or_unknown(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


def test_options_of_channels_are_those_of_their_kind() -> None:
    of = provider(channels=channels(kind="TRADE_AGG", batch_interval="1s"))
    instrument = resolved(ADDRESS, of)
    found = {stream: of._channel(instrument, stream) for stream in STREAMS}
    told = {stream: dict(channel.parameters) for stream, channel in found.items() if channel is not None}
    assert told["trade_agg"] == {"batchInterval": "1s"}
    assert told["book"] == {"blockSize": "25"}
    assert told["trade"] == told["volume_profile"] == {}
