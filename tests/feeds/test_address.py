"""Addresses: what is written is what is meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.address import Address, AddressError, parse_address

WORD = st.text(
    st.characters(categories=["L", "M", "N", "P", "S"], exclude_characters=":"), min_size=1, max_size=30
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sim:BTCUSDT", Address("sim", "BTCUSDT")),
        ("kiyotaka:BINANCE_FUTURES:BTCUSDT", Address("kiyotaka", "BTCUSDT", "BINANCE_FUTURES")),
        ("kiyotaka:BINANCE_FUTURES:coin=BTC", Address("kiyotaka", "coin=BTC", "BINANCE_FUTURES")),
        ("alltick:700.HK", Address("alltick", "700.HK")),
        ("x:Y:a:b", Address("x", "a:b", "Y")),
        ("X:y", Address("X", "y")),
    ],
)
def test_an_address_is_split_at_most_twice_and_keeps_its_case(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("BTCUSDT", "names no provider"),
        ("", "names no provider"),
        (":BTCUSDT", "empty part"),
        ("sim:", "empty part"),
        ("a::b", "empty part"),
        ("sim:BTC USDT", "blanks or control"),
        ("sim:BTC\x1b[2J", "blanks or control"),
        ("sim:\u202eBTC", "blanks or control"),
        ("sim:BTC\n", "blanks or control"),
        ("sim:\u3000", "blanks or control"),
    ],
)
def test_what_is_no_address_is_refused_in_words_that_can_be_shown(text: str, words: str) -> None:
    with pytest.raises(AddressError, match=words) as caught:
        parse_address(text)
    assert str(caught.value).isprintable()


@given(WORD, WORD, st.none() | WORD)
def test_every_address_can_be_written_and_read(provider: str, symbol: str, exchange: str | None) -> None:
    address = Address(provider, symbol, exchange)
    if str(address).isprintable():
        assert parse_address(str(address)) == address


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        told = str(parse_address(text))
        assert told == text
    except AddressError as error:
        told = str(error)
    assert told.isprintable()
