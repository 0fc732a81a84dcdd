"""The symbol search on the board: what fits is found, opened, watched and shown; faults are told in words."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from mdterm.app.dashboard import Dashboard
from mdterm.app.finder import FinderScreen
from mdterm.app.search import Candidate, Source
from mdterm.feeds.address import AddressError, Instrument
from tests.workers import finished


class FakeFinder:
    """Knows two symbols, and answers what a test tells it to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: Callable[[list[str], str | None], None] | None = None

    def known(self) -> list[Candidate]:
        return [
            Candidate("alltick:GOLD", Source.LOCAL, ("XAUUSD",), "Gold, ounce"),
            Candidate("sim:XRPUSDT", Source.LOCAL),
        ]

    def typed(self, query: str) -> list[Candidate]:
        return [Candidate(f"alltick:{query.upper()}", Source.LOCAL)] if query.endswith(".hk") else []

    def ask(self, query: str, answer: Callable[[list[str], str | None], None]) -> None:
        self.asked.append(query)
        self.answer = answer

    async def open(self, address: str) -> Instrument:
        if address.startswith("jayx"):
            raise AddressError("jayx knows no tick for it\x1b[2J")
        return Instrument(address, "alltick", "alltick", address.rpartition(":")[2], tick=0.1)


@pytest.fixture
def finder() -> FakeFinder:
    return FakeFinder()


@pytest.fixture
def make_app(port: Any, instruments: Any, clock: Any, finder: FakeFinder) -> Callable[..., Dashboard]:
    return lambda **options: Dashboard(port, instruments, clock=clock, finder=finder, **options)


async def settle(pilot: Pilot[int]) -> list[str]:
    await finished(pilot.app)
    for _ in range(3):
        await pilot.pause()
    return [strip.text for strip in pilot.app.screen._compositor.render_strips()]


def hits(app: Dashboard) -> list[str]:
    assert isinstance(app.screen, FinderScreen)
    return [hit.address for hit in app.screen.found.hits]


async def test_without_a_word_all_that_is_known_is_there_the_watched_first(make_app: Any) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await pilot.press("slash")
        text = "\n".join(await settle(pilot))
        assert hits(pilot.app) == [
            *("sim:BTCUSDT", "sim:ETHUSDT", "sim:SOLUSDT", "sim:DOGEUSDT"),
            *("alltick:GOLD", "sim:XRPUSDT"),
        ]
        assert "alltick:GOLD  Gold, ounce" in text


async def test_what_is_chosen_comes_to_the_watchlist_and_is_shown(make_app: Any, port: Any) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("slash", *"xau", "enter")
        lines = await settle(pilot)
        assert lines[0].startswith(" GOLD")
        assert [one.address for one in port.watched][-1] == "alltick:GOLD"
        assert {address for address, _ in port.bound.values()} == {"alltick:GOLD"}
        assert "5 GOLD" in lines[-2]


async def test_what_is_watched_already_is_only_shown(make_app: Any, port: Any) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("slash", *"doge", "enter")
        assert (await settle(pilot))[0].startswith(" DOGEUSDT")
        assert not hasattr(port, "watched")


async def test_providers_are_asked_when_the_typing_pauses(make_app: Any, finder: FakeFinder) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"sol")
        screen = pilot.app.screen
        screen._ask()
        assert finder.asked[-1] == "sol"
        assert finder.answer is not None
        finder.answer(["kiyotaka:BINANCE:SOLUSDC", "no address"], None)
        await settle(pilot)
        assert hits(pilot.app) == ["sim:SOLUSDT", "kiyotaka:BINANCE:SOLUSDC"]
        finder.answer([], "kiyotaka: the key is not valid")
        assert "kiyotaka: the key is not valid" in "\n".join(await settle(pilot))


@pytest.mark.parametrize("size", [(60, 20), (80, 24)])
async def test_what_is_not_found_leads_on(make_app: Any, size: tuple[int, int]) -> None:
    async with make_app().run_test(size=size) as pilot:
        await pilot.press("slash", *"qqqq")
        text = "\n".join(await settle(pilot))
        assert "nothing is called so" in text
        assert "provider:symbol" in text
        assert "mdterm config init" in text


async def test_one_character_asks_nobody(make_app: Any, finder: FakeFinder) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", "s")
        pilot.app.screen._ask()
        assert finder.asked == []


async def test_an_answer_that_comes_too_late_harms_nobody(make_app: Any, finder: FakeFinder) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *"so")
        pilot.app.screen._ask()
        await pilot.press("escape")
        await settle(pilot)
        assert finder.answer is not None
        finder.answer(["sim:SOLUSDT"], None)
        await settle(pilot)
        assert pilot.app.screen is pilot.app.board


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("kiyotaka:X:New", ["kiyotaka:X:New"]),
        ("700.hk", ["alltick:700.HK"]),
        ("sim:sol", ["sim:SOLUSDT", "sim:sol"]),
        ("nothing so", []),
    ],
)
async def test_what_nobody_knows_can_be_typed(make_app: Any, typed: str, found: list[str]) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await pilot.press("slash", *(key if key != " " else "space" for key in typed))
        await settle(pilot)
        assert hits(pilot.app) == found


async def test_what_cannot_be_watched_is_told_and_kept_in_the_log(make_app: Any) -> None:
    async with make_app().run_test(size=(80, 24), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("slash", *"jayx:ZZZ", "enter")
        lines = await settle(pilot)
        assert lines[0].startswith(" BTCUSDT")
        assert [one.words for one in pilot.app.notices.kept] == [
            "jayx:ZZZ cannot be watched: jayx knows no tick for it·[2J"
        ]
        await pilot.press("L")
        assert "✗ jayx:ZZZ cannot be watched" in "\n".join(await settle(pilot))


@pytest.mark.parametrize("key", ["escape", "slash"])
async def test_the_search_is_closed_by_the_keys_that_open_it(make_app: Any, key: str) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("slash")
        await pilot.press(key)
        await settle(pilot)
        assert pilot.app.screen is pilot.app.board


async def test_a_symbol_can_be_taken_off_the_watchlist_but_never_the_last(make_app: Any, port: Any) -> None:
    async with make_app().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("2", "delete")
        lines = await settle(pilot)
        assert lines[0].startswith(" SOLUSDT")
        assert [one.symbol for one in port.watched] == ["BTCUSDT", "SOLUSDT", "DOGEUSDT"]
        await pilot.press("delete", "delete", "delete", "delete")
        assert (await settle(pilot))[0].startswith(" BTCUSDT")
        assert [one.symbol for one in port.watched] == ["BTCUSDT"]
