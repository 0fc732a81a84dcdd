"""Alerts: the grammar, each kind at the right event and once, over made-up and over recorded trades."""

import gzip
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdterm.feeds.address import AddressError
from mdterm.feeds.alerts import EXAMPLES, PAUSE_S, Alarm, Alerts, Rule, parse_alert, parse_rule
from mdterm.feeds.events import Event, Trade
from tests.feeds.support import ADDRESS, NOW_NS, book, trade
from tests.feeds.test_recorded_market import FILE

SECOND = 1_000_000_000


class Desk:
    """Alerts and what they raised."""

    def __init__(self, *words: str, repeats: bool = False) -> None:
        self.alerts = Alerts()
        self.raised: list[Alarm] = []
        self.alerts.raised = self.raised.append
        self.rules = [parse_rule(ADDRESS, one, repeats=repeats) for one in words]
        self.alerts.set_rules(self.rules, 0.0)

    def take(self, *events: Event, now: float = 1.0) -> list[str]:
        """Return the words raised by events, each in a run of its own."""
        before = len(self.raised)
        for one in events:
            self.alerts.take(ADDRESS, [one], now, NOW_NS)
        return [alarm.words for alarm in self.raised[before:]]


@pytest.mark.parametrize("words", EXAMPLES)
def test_every_example_is_understood_and_told_as_it_is_written(words: str) -> None:
    assert parse_rule(ADDRESS, words).words == words


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("Cross 64_000.5", Rule(ADDRESS, "cross", 64000.5)),
        ("cross 64 000", Rule(ADDRESS, "cross", 64000)),
        ("move 0.5 % in 90s", Rule(ADDRESS, "move", 0.5, 90)),
        ("spread 5", Rule(ADDRESS, "spread", 5)),
        ("silence 2m", Rule(ADDRESS, "silence", 120)),
    ],
)
def test_what_people_write(words: str, rule: Rule) -> None:
    assert parse_rule(ADDRESS, words) == rule


@pytest.mark.parametrize(
    "words", ["", "cross", "cross -1", "cross 0", "move 1%", "move 1% 9999h", "big ten", "silence 5", "buy 1"]
)
def test_what_is_no_alert_is_refused_with_words(words: str) -> None:
    with pytest.raises(ValueError, match=r"write for example|must be"):
        parse_rule(ADDRESS, words)


def test_an_address_and_an_alert_in_one_line() -> None:
    assert parse_alert("sim:BTCUSDT cross 64000") == Rule("sim:BTCUSDT", "cross", 64000)
    assert parse_alert("sim:BTCUSDT big 10 again") == Rule("sim:BTCUSDT", "big", 10, repeats=True)
    with pytest.raises(AddressError):
        parse_alert("BTCUSDT cross 64000")


@given(st.text(max_size=30))
def test_whatever_is_typed_is_an_alert_or_refused(words: str) -> None:
    try:
        rule = parse_rule(ADDRESS, words)
    except ValueError:
        return
    assert parse_rule(ADDRESS, rule.words) == rule


def test_a_price_is_crossed_by_the_trade_that_reaches_it() -> None:
    desk = Desk("cross 100")
    assert desk.take(trade(99), trade(99.9)) == []
    assert desk.take(trade(100)) == [f"{ADDRESS} crossed 100 upward: 100"]
    assert desk.take(trade(90), trade(110)) == []  # spent


def test_a_price_is_crossed_downward_by_the_trade_below_it() -> None:
    desk = Desk("cross 100")
    assert desk.take(trade(100), trade(101), trade(100)) == []
    assert desk.take(trade(99)) == [f"{ADDRESS} crossed 100 downward: 99"]


def test_the_first_trade_crosses_nothing() -> None:
    assert Desk("cross 100").take(trade(150)) == []


def test_one_that_repeats_pauses_and_is_armed_again() -> None:
    desk = Desk("cross 100", repeats=True)
    assert len(desk.take(trade(99), trade(101), trade(102), trade(99), now=1.0)) == 1
    assert len(desk.take(trade(98), trade(101), now=1.0 + PAUSE_S)) == 1


def test_a_move_is_against_the_extremes_of_its_window() -> None:
    desk = Desk("move 1% 10s")
    at = [NOW_NS + second * SECOND for second in (0, 4, 30, 33)]
    assert desk.take(trade(100, ts=at[0]), trade(100.9, ts=at[1]), trade(101.5, ts=at[2])) == []
    assert desk.take(trade(100.4, ts=at[3])) == [f"{ADDRESS} moved -1.08 % within 10s: 100.4"]


def test_the_parts_of_a_sweep_are_one_big_trade() -> None:
    desk = Desk("big 10")
    later = NOW_NS + 1_000_000
    assert desk.take(trade(1, 6, "buy"), trade(1, 6, "sell"), trade(1, 6, "buy", ts=later)) == []
    assert desk.take(trade(1, 4, "buy", ts=later)) == [f"{ADDRESS} 10 bought at 1"]


def test_a_spread_is_of_true_levels_only() -> None:
    desk = Desk("spread 10")
    assert desk.take(book([(99.0, 1)], [(101.0, 1)], step=1.0), book([], [(101.0, 1)])) == []
    assert desk.take(book([(99.99, 1)], [(100.01, 1)])) == []
    assert desk.take(book([(99.0, 1)], [(101.0, 1)])) == [f"{ADDRESS} spread 200.00 bps: 99 / 101"]


def test_silence_is_told_by_the_clock_and_ended_by_data() -> None:
    desk = Desk("silence 30s", repeats=True)
    desk.alerts.tick(29.9, NOW_NS)
    assert desk.raised == []
    desk.alerts.tick(30.0, NOW_NS)
    desk.alerts.tick(200.0, NOW_NS)
    assert [alarm.words for alarm in desk.raised] == [f"{ADDRESS} silent for 30s"]
    desk.take(trade(), now=201.0)
    desk.alerts.tick(202.0, NOW_NS)
    desk.alerts.tick(231.0, NOW_NS)
    assert len(desk.raised) == 2


def test_an_instrument_without_alerts_is_not_looked_at() -> None:
    desk = Desk("cross 100")
    assert set(desk.alerts.of) == {ADDRESS}


def test_setting_alerts_anew_keeps_what_the_others_remember() -> None:
    desk = Desk("cross 100", "big 5")
    desk.take(trade(99, 1.0))
    desk.alerts.set_rules([desk.rules[0]], 5.0)
    assert desk.take(trade(101, 9.0)) == [f"{ADDRESS} crossed 100 upward: 101"]


@pytest.fixture(scope="module")
def tape() -> list[Trade]:
    """Return every trade of a recorded market."""
    if not FILE.exists():
        pytest.skip("the recorded market is not here")
    with gzip.open(Path(FILE)) as lines:
        rows = [row for row in map(json.loads, lines) if row["type"] == "trade"]
    return [
        Trade(ADDRESS, row["ts"], row["ts"], None, row["price"], row["size"], row["side"]) for row in rows
    ]


def first_at(tape: Sequence[Trade], words: str, batch: int) -> tuple[int, int]:
    """Return how often an alert fired, and in which batch first (-1: in none)."""
    desk = Desk(words)
    first = -1
    for at in range(0, len(tape), batch):
        desk.alerts.take(ADDRESS, tape[at : at + batch], 1.0, NOW_NS)
        if desk.raised and first < 0:
            first = at // batch
    return len(desk.raised), first


@pytest.mark.parametrize("batch", [1, 64])
def test_over_a_recorded_market_each_fires_once_and_at_the_right_trade(tape: list[Trade], batch: int) -> None:
    prices = [one.price for one in tape]
    level = (min(prices) + prices[0]) / 2
    crossed = next(at for at in range(1, len(tape)) if (prices[at - 1] < level) != (prices[at] < level))
    assert first_at(tape, f"cross {level:.12g}", batch) == (1, crossed // batch)

    swept, big = 0.0, -1
    biggest = 20.0
    for at, one in enumerate(tape):
        joined = at > 0 and (tape[at - 1].ts, tape[at - 1].side) == (one.ts, one.side)
        swept = (swept if joined else 0.0) + (one.size or 0.0)
        if swept >= biggest:
            big = at
            break
    assert big >= 0
    assert first_at(tape, f"big {biggest}", batch) == (1, big // batch)


def test_over_a_recorded_market_a_move_fires_where_it_is_one(tape: list[Trade]) -> None:
    window, percent = 20 * SECOND, 0.05
    times = [one.ts or 0 for one in tape]
    start, plain = 0, -1
    for at, one in enumerate(tape):
        while times[start] < times[at] - window:
            start += 1
        inside = [each.price for each in tape[start : at + 1]]
        if max(one.price / min(inside) - 1, 1 - one.price / max(inside)) * 100 >= percent:
            plain = at
            break
    assert plain > 0
    count, first = first_at(tape, f"move {percent}% 20s", 1)
    assert count == 1
    # The window's edge is blurred by one slot: never late, and early by what a slot holds at most.
    assert first <= plain
    inside = [
        one.price for one, ts in zip(tape, times, strict=True) if times[first] - window * 257 // 256 <= ts
    ]
    inside = inside[: first + 1 - (len(tape) - len(inside))]
    price = tape[first].price
    assert max(price / min(inside) - 1, 1 - price / max(inside)) * 100 >= percent


@pytest.fixture(scope="module")
def books() -> list[tuple[int, float, float]]:
    """Return time, best bid and best ask of every book of a recorded market."""
    if not FILE.exists():
        pytest.skip("the recorded market is not here")
    with gzip.open(Path(FILE)) as lines:
        rows = [row for row in map(json.loads, lines) if row["type"] == "book"]
    return [(row["ts"], row["bids"][0][0], row["asks"][0][0]) for row in rows if row["bids"] and row["asks"]]


def test_over_a_recorded_market_a_spread_fires_once_at_the_first_book_that_wide(
    books: list[tuple[int, float, float]],
) -> None:
    spreads = [(ask - bid) / ((bid + ask) / 2) * 10_000 for _, bid, ask in books]
    wide = sorted(spreads)[-len(spreads) // 50]  # the widest fiftieth
    first = next(at for at, one in enumerate(spreads) if one >= wide)
    assert first > 0
    desk = Desk(f"spread {wide:.12f}bps")
    fired = [at for at, (_, bid, ask) in enumerate(books) if desk.take(book([(bid, 1.0)], [(ask, 1.0)]))]
    assert fired == [first]


def test_over_a_recorded_market_silence_fires_once_in_the_first_pause_that_long(tape: list[Trade]) -> None:
    times = [(one.ts or 0) / SECOND for one in tape]
    pauses = [after - before for before, after in pairwise(times)]
    least = max(1, int(sorted(pauses)[-3]))
    at = next(at for at, pause in enumerate(pauses) if pause >= least)
    desk = Desk(f"silence {least}s")
    desk.alerts.set_rules([], 0.0)
    desk.alerts.set_rules(desk.rules, times[0])
    raised = []
    for number, (one, now) in enumerate(zip(tape, times, strict=True)):
        desk.alerts.tick(now, NOW_NS)
        raised += [number] * len(desk.raised)
        desk.raised.clear()
        desk.alerts.take(ADDRESS, [one], now, NOW_NS)
    assert raised == [at + 1]
