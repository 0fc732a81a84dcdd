"""The search loses nothing that fits, puts what was typed first, and keeps its order when more comes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from mdterm.app.search import (
    Candidate,
    Match,
    Source,
    answered,
    as_written,
    known,
    listed,
    merge,
    rank,
    typed,
)
from mdterm.app.settings import Settings, load_settings

symbols = st.text("ABCDTUS/-.:1", min_size=1, max_size=8).filter(lambda text: any(map(str.isalnum, text)))
candidates = st.lists(
    st.builds(
        lambda symbol, source, aliases: Candidate(f"p:{symbol}", source, tuple(aliases)),
        symbols,
        st.sampled_from(Source),
        st.lists(symbols, max_size=2),
    ),
    max_size=20,
)
queries = st.text("abcdtusABCDTUS/- ", max_size=6)


def of(*addresses: str) -> list[Candidate]:
    return [Candidate(address) for address in addresses]


def found(query: str, *addresses: str) -> list[str]:
    return [match.address for match in rank(query, of(*addresses))]


def test_the_better_a_name_begins_the_earlier_it_stands() -> None:
    names = ["p:XXBTXC", "p:WBTC", "p:X-BTC", "p:BTCUSDTM", "p:BTCUSDT", "p:BTC"]
    assert found("btc", *names) == ["p:BTC", "p:BTCUSDT", "p:BTCUSDTM", "p:X-BTC", "p:WBTC", "p:XXBTXC"]


@pytest.mark.parametrize("query", ["btc/usdt", "BTC-USDT", "BtcUsdt", "p:btcusdt", "btcusdt"])
def test_case_and_separators_do_not_count(query: str) -> None:
    assert found(query, "p:BTCUSDTX", "p:BTC-USDT")[0] == "p:BTC-USDT"


def test_every_word_must_fit_and_may_fit_the_exchange() -> None:
    names = ["k:BINANCE_FUTURES:BTCUSDT", "k:BYBIT:BTCUSDT", "k:BYBIT:ETHUSDT"]
    assert found("btc bybit", *names) == ["k:BYBIT:BTCUSDT"]
    assert found("bybit", *names) == ["k:BYBIT:BTCUSDT", "k:BYBIT:ETHUSDT"]
    assert found("futures btc", *names) == ["k:BINANCE_FUTURES:BTCUSDT"]
    assert found("k:bybit:b", *names) == ["k:BYBIT:BTCUSDT"]


def test_an_alias_is_shown_and_stands_behind_a_symbol_of_that_name() -> None:
    gold = Candidate("alltick:GOLD", Source.LOCAL, ("XAUUSD", "XAU"), "Gold")
    other = Candidate("k:X:XAUUSD")
    assert rank("xauusd", [gold, other]) == [Match(other, None), Match(gold, "XAUUSD")]
    assert rank("gol", [gold]) == [Match(gold, None)]
    assert rank("xauu", [gold]) == [Match(gold, "XAUUSD")]


def test_a_name_in_words_finds_a_number() -> None:
    tencent = Candidate("alltick:700.HK", Source.LOCAL, (), "Tencent")
    assert rank("tenc", [*of("p:TXEXNXC"), tencent])[0] == Match(tencent, "Tencent")


def test_among_equals_the_watchlist_stands_first() -> None:
    held = Candidate("b:ETHUSDT", Source.WATCHLIST)
    assert [match.address for match in rank("eth", [*of("a:ETHUSDT"), held])] == ["b:ETHUSDT", "a:ETHUSDT"]


def test_what_comes_later_adds_names_and_no_second_line() -> None:
    held = Candidate("a:GOLD", Source.WATCHLIST)
    merged = merge([held], [Candidate("a:GOLD", Source.LOCAL, ("XAU",), "Gold"), Candidate("a:B")])
    assert merged == [Candidate("a:GOLD", Source.WATCHLIST, ("XAU",), "Gold"), Candidate("a:B")]


def test_an_answer_that_is_no_address_is_left_out() -> None:
    assert answered(["k:X:BTC", "", "nonsense", "k:a\x1b[2J", "k: "]) == [Candidate("k:X:BTC")]


def test_a_market_stands_once_however_its_address_is_written() -> None:
    known_before = of("sim:DOGEUSDT", "kiyotaka:BINANCE_FUTURES:BTCUSDT")
    every = merge(known_before, answered(["sim:BINANCE_FUTURES:DOGEUSDT", "sim:BYBIT:DOGEUSDT"]))
    assert [one.address for one in every] == [
        "sim:DOGEUSDT",
        "kiyotaka:BINANCE_FUTURES:BTCUSDT",
        "sim:BYBIT:DOGEUSDT",
    ]
    watched = of("sim:BINANCE_FUTURES:XRPUSDT")
    assert merge(watched, of("sim:XRPUSDT")) == watched, "under the name that it was given first"
    addresses = {one.address for one in every}
    for query in ("sim:DOGEUSDT", "sim:BINANCE_FUTURES:DOGEUSDT", "kiyotaka:BTCUSDT", "no address"):
        assert as_written(query, addresses) == []
    assert as_written("kiyotaka:BYBIT:BTCUSDT", addresses) == of("kiyotaka:BYBIT:BTCUSDT")
    assert as_written("sim:BINANCE_FUTURES:XRPUSDT", addresses) == of("sim:XRPUSDT")


def test_the_watchlist_of_the_configuration_stands_as_it_does_on_the_screen(tmp_path: Path) -> None:
    watchlist = (
        '["kiyotaka:BTCUSDT", "kiyotaka:bybit:BTCUSDT", "sim:BINANCE_FUTURES:BTCUSDT", "jayx:BTCUSDT"]'
    )
    settings = settings_of(tmp_path, f"watchlist = {watchlist}\n")
    assert [one.address for one in known(settings, [])] == [
        "kiyotaka:BINANCE_FUTURES:BTCUSDT",
        "kiyotaka:BYBIT:BTCUSDT",
        "sim:BTCUSDT",
        "jayx:BTCUSDT",
    ]


def is_subsequence(query: str, name: str) -> bool:
    rest = iter(name.casefold())
    return all(char in rest for char in query.casefold() if char.isalnum())


@profile(deadline=None)  # a busy machine is not a fault
@given(queries, candidates)
def test_nothing_is_lost_and_nothing_is_invented(query: str, among: list[Candidate]) -> None:
    matched = [match.candidate for match in rank(query, among)]
    left = list(among)
    for one in matched:
        left.remove(one)
    for one in left:
        symbol = one.address.split(":", 2)[-1]
        assert not all(is_subsequence(word, symbol) for word in query.split())


@profile(deadline=None)  # a busy machine is not a fault
@given(candidates)
def test_no_word_finds_all_as_given(among: list[Candidate]) -> None:
    assert rank(" ", among) == [Match(one, None) for one in among]


@profile(deadline=None)  # a busy machine is not a fault
@given(st.data(), candidates.filter(bool))
def test_what_was_typed_stands_first(data: st.DataObject, among: list[Candidate]) -> None:
    wanted = data.draw(st.sampled_from(among))
    first = rank(wanted.address.swapcase(), among)[0]
    bare = str.maketrans("", "", ":/-. ")
    symbol = first.address.partition(":")[2]
    typed_text = wanted.address.translate(bare).casefold()
    assert typed_text in (first.address.translate(bare).casefold(), symbol.translate(bare).casefold())


@profile(deadline=None)  # a busy machine is not a fault
@given(queries, candidates, candidates)
def test_what_comes_later_leaves_the_order_of_what_was_there(
    query: str, before: list[Candidate], later: list[Candidate]
) -> None:
    had = rank(query, before)
    both = rank(query, [*before, *later])
    ids = {id(one) for one in before}
    assert [match for match in both if id(match.candidate) in ids] == had


def settings_of(folder: Path, text: str) -> Settings:
    path = folder / "config.toml"
    path.write_text(text)
    path.chmod(0o600)
    return load_settings(path, [], {})


def test_tables_are_known_without_a_key_or_a_network(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path,
        'watchlist = ["kiyotaka:BYBIT:ETHUSDT", "alltick:GOLD"]\n'
        '[providers.jayx.symbols.BTCUSDT]\ntick = 0.1\nlot = 1\n[providers.desk]\nkind = "alltick"\n',
    )
    assert next(one.address for one in listed(settings, "sim") or ()) == "sim:BTCUSDT"
    assert [one.address for one in listed(settings, "jayx") or ()] == ["jayx:BTCUSDT"]
    assert "desk:700.HK" in [one.address for one in listed(settings, "desk") or ()]
    assert listed(settings, "kiyotaka") is None
    assert listed(settings, "nobody") is None
    every = known(settings, ["kiyotaka", "alltick", "jayx", "sim"])
    assert [one.address for one in every[:2]] == ["kiyotaka:BYBIT:ETHUSDT", "alltick:GOLD"]
    assert rank("xauusd", every)[0] == Match(every[1], "XAUUSD")
    assert every[1].source is Source.WATCHLIST


def test_a_code_that_no_table_holds_is_taken_as_typed(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "")
    assert [one.address for one in typed(settings, "alltick", "1234.hk")] == ["alltick:1234.HK"]
    assert typed(settings, "alltick", "gold") == []
    assert typed(settings, "kiyotaka", "1234.hk") == []
