"""What passes while nobody looks is summed as it comes, and told to who comes back."""

import random
from collections.abc import Sequence

import msgspec
import pytest

from mdterm.feeds import view_away
from mdterm.feeds.alerts import Alarm, Rule
from mdterm.feeds.away import BIGGEST, NOTED, Away, Span
from mdterm.feeds.batch import Batch
from mdterm.feeds.events import Candle, Side, Trade
from mdterm.feeds.frames_away import AwayFrame, AwayRow, AwaySpec
from mdterm.feeds.intervals import MINUTE
from mdterm.feeds.market import Market, Quote
from mdterm.feeds.status import Shown
from mdterm.feeds.view_away import away_view
from tests.feeds.support import ADDRESS, NOW_NS, instrument, trade

START = NOW_NS - NOW_NS % MINUTE
LIVE = Shown("LIVE", age=0.1)
MS = 1_000_000


class Desk:
    """One market, and somebody who comes and goes."""

    def __init__(self, market: Market | Quote | None = None) -> None:
        self.market = market or Market(instrument(tick=0.1))
        self.markets = {ADDRESS: self.market}
        self.away = Away(self.markets)
        self.lost: dict[str, int] = {}
        self.now = 1000.0

    def look(self, **spec: object) -> AwayFrame | None:
        return away_view(
            self.away,
            [(market, LIVE) for market in self.markets.values()],
            msgspec.convert(spec, AwaySpec),
            self.lost,
            self.now,
        )

    def row(self, **spec: object) -> AwayRow:
        frame = self.look(**spec)
        assert frame is not None
        return frame.rows[0]


def at(ms: float, price: float, size: float | None = 1.0, side: Side | None = "buy") -> Trade:
    ts = START + round(ms * MS)
    return trade(price, size, side, ts=ts, seen=ts + 5)


def bar(minute: int, low: float, high: float, buy: float | None, sell: float | None) -> Candle:
    volume = (buy or 0.0) + (sell or 0.0)
    opened = START + minute * MINUTE
    return Candle(ADDRESS, None, opened, "1m", opened, low, high, low, high, volume, True, buy, sell)


@pytest.fixture(params=["market", "quote"])
def desk(request: pytest.FixtureRequest) -> Desk:
    return Desk(Quote(instrument(tick=0.1)) if request.param == "quote" else None)


def test_nothing_is_told_before_anybody_has_left(desk: Desk) -> None:
    desk.market.apply([at(0, 100.0)])
    assert desk.look() is None
    desk.away.returned(START)
    assert desk.look() is None
    assert desk.market.spans == []


def test_the_figures_are_those_of_what_came_since(desk: Desk) -> None:
    desk.market.apply([at(0, 100.0, 50.0)])
    desk.away.left(START + 1000 * MS)
    assert desk.row().trades == 0
    assert (desk.row().first, desk.row().last) == (100.0, 100.0)
    assert (desk.row().high, desk.row().volume, desk.row().delta) == (None, None, None)
    desk.market.apply([at(2000, 101.0, 2.0), at(3000, 99.0, 0.5, "sell"), at(4000, 100.5, 4.0, "sell")])
    frame = desk.look()
    assert frame is not None
    assert (frame.since, frame.until, frame.is_past) == (START + 1000 * MS, None, False)
    desk.away.returned(START + 5000 * MS)
    desk.market.apply([at(6000, 200.0, 80.0)])  # somebody looks again
    frame, row = desk.look(), desk.row(biggest=2)
    assert frame is not None
    assert (frame.since, frame.until, frame.is_past) == (START + 1000 * MS, START + 5000 * MS, True)
    assert (row.first, row.last, row.high, row.low) == (100.0, 100.5, 101.0, 99.0)
    assert (row.trades, row.volume, row.delta) == (3, 6.5, -2.5)
    assert [(one.price, one.size, one.side) for one in row.biggest] == [
        (100.5, 4.0, "sell"),
        (101.0, 2.0, "buy"),
    ]
    assert not row.is_estimated
    running = desk.row(is_running=True)
    assert (running.first, running.last, running.trades) == (100.5, 200.0, 1)


def test_somebody_who_was_here_begins_it_anew(desk: Desk) -> None:
    desk.away.left(START)
    desk.market.apply([at(1, 100.0)])
    desk.away.left(START + 2 * MS)
    desk.market.apply([at(3, 101.0)])
    assert (desk.row().first, desk.row().high, desk.row().trades) == (100.0, 101.0, 1)
    assert len(desk.market.spans) == 1


def test_a_sweep_is_one_print_even_when_it_comes_in_parts(desk: Desk) -> None:
    desk.away.left(START)
    desk.market.apply([at(1.0, 100.0, 1.0), at(1.2, 100.1, 2.0)])
    desk.row()
    desk.market.apply([at(1.4, 100.2, 3.0), at(1.5, 100.1, 9.0, "sell"), at(2.0, 100.2, 5.0)])
    told = [(one.ts - START, one.price, one.size, one.count, one.side) for one in desk.row().biggest]
    assert told == [
        (1_500_000, 100.1, 9.0, 1, "sell"),
        (1_000_000, 100.2, 6.0, 3, "buy"),
        (2_000_000, 100.2, 5.0, 1, "buy"),
    ]


def plain(prints: Sequence[Trade]) -> list[tuple[float, int]]:
    """Return the biggest sizes with their times, by the simplest way there is; every print is alone."""
    ranked = sorted(prints, key=lambda one: (-(one.size or 0.0), one.ts or 0))
    return [(one.size or 0.0, one.ts or 0) for one in ranked if one.size]


@pytest.mark.parametrize("seed", range(5))
def test_the_biggest_are_the_biggest_however_they_come(seed: int) -> None:
    dice = random.Random(seed)
    trades = [
        at(
            ms,
            round(100 + dice.random(), 2),
            dice.choice((None, 0.0, round(dice.paretovariate(1.1), 1)))
            if seed % 2
            else dice.randrange(1, 50),
            dice.choice(("buy", "sell", None)) if seed % 2 else dice.choice(("buy", "sell")),
        )
        for ms in range(600)
    ]
    span, begin = Span(None), 0
    while begin < len(trades):
        some = trades[begin : begin + dice.randrange(1, 90)]
        span.fold(some, Batch(some))
        begin += len(some)
    found = [(one.size, one.ts) for one in span.biggest(BIGGEST)]
    assert found == plain(trades)[:BIGGEST]
    span.close()
    assert [(one.size, one.ts) for one in span.biggest(BIGGEST)] == found
    sized = [one for one in trades if one.size is not None]
    assert span.volume == pytest.approx(sum(one.size or 0.0 for one in sized))
    assert span.buys == pytest.approx(sum(one.size or 0.0 for one in sized if one.side == "buy"))
    assert (span.high, span.low) == (max(t.price for t in trades), min(t.price for t in trades))
    assert (span.trades, span.sized) == (len(trades), len(sized))


def test_what_is_not_known_is_not_told(desk: Desk) -> None:
    desk.away.left(START)
    desk.market.apply([at(1, 100.0, None, None), at(2, 101.0, None, None)])
    row = desk.row()
    assert (row.trades, row.volume, row.delta, row.biggest) == (2, None, None, [])
    desk.market.apply([at(3, 102.0, 5.0, None)])
    assert (desk.row().volume, desk.row().delta) == (5.0, None)
    assert [one.side for one in desk.row().biggest] == [None]


def test_a_market_that_comes_later_is_summed_from_then_on(desk: Desk) -> None:
    del desk.markets[ADDRESS]
    desk.away.left(START)
    desk.markets[ADDRESS] = desk.market
    desk.away.begin(ADDRESS, desk.market)
    desk.market.apply([at(1, 100.0)])
    assert (desk.row().first, desk.row().trades) == (100.0, 1)


def test_a_quote_that_becomes_a_market_goes_on_where_it_was() -> None:
    desk = Desk(Quote(instrument(tick=0.1)))
    desk.away.left(START)
    desk.market.apply([at(1, 100.0)])
    market = desk.markets[ADDRESS] = Market(instrument(tick=0.1))
    desk.away.begin(ADDRESS, market)
    market.apply([at(2, 102.0)])
    assert (desk.row().trades, desk.row().high, desk.row().low) == (2, 102.0, 100.0)


def test_a_gap_that_bars_filled_is_in_the_figures() -> None:
    desk = Desk()
    desk.market.apply([at(0, 100.0, 3.0)])
    desk.away.left(START + MS)
    desk.market.apply([at(30_000, 101.0, 2.0)])
    assert isinstance(desk.market, Market)
    desk.market.interrupted()
    desk.lost = {ADDRESS: START + 30_000 * MS}
    (open_gap,) = desk.row().gaps
    assert (open_gap.until, open_gap.is_filled) == (None, False)
    desk.lost = {}
    desk.away.gap(ADDRESS, START + 30_000 * MS, START + 200_000 * MS)
    desk.market.apply([at(200_000, 104.0, 1.0, "sell")])
    row = desk.row()
    assert [(one.until, one.is_filled) for one in row.gaps] == [(START + 200_000 * MS, False)]
    assert (row.high, row.low, row.volume, row.is_estimated) == (104.0, 101.0, 3.0, False)
    told = [bar(minute, 90.0 + minute, 110.0 + minute, 10.0, 4.0) for minute in range(4)]
    desk.market.merge([*told, bar(4, 100.0, 101.0, 1.0, 1.0)])
    row = desk.row()
    assert [one.is_filled for one in row.gaps] == [True]
    # Minutes 1 and 2 lie wholly in the gap; of 0 and 3 a part was seen.
    assert (row.high, row.low, row.volume, row.is_estimated) == (112.0, 91.0, 31.0, True)
    assert row.delta == pytest.approx(2.0 - 1.0 + 12.0)
    desk.away.returned(START + 201_000 * MS)
    assert desk.row().volume == 31.0


def test_what_came_late_of_a_gap_is_not_counted_twice() -> None:
    desk = Desk()
    desk.market.apply([at(0, 100.0, 3.0)])
    desk.away.left(START + MS)
    assert isinstance(desk.market, Market)
    desk.market.missed(START + 30_000 * MS, START + 200_000 * MS)
    desk.away.gap(ADDRESS, START + 30_000 * MS, START + 200_000 * MS)
    # The program stood still; part of what was sent meanwhile waited in the sockets.
    desk.market.apply([at(70_000, 101.0, 2.0), at(200_000, 102.0, 1.0)])
    told = [bar(minute, 90.0 + minute, 110.0 + minute, 10.0, 4.0) for minute in range(4)]
    assert desk.row().volume == 3.0
    desk.market.merge([*told, bar(4, 100.0, 101.0, 1.0, 1.0)])
    row = desk.row()
    assert (row.volume, row.delta) == (3.0 + 28.0 - 2.0, 3.0 + 12.0 - 2.0)
    assert (row.high, row.low) == (112.0, 91.0)


def test_the_night_is_gone_through_every_other_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    desk.away.left(START)
    desk.away.gap(ADDRESS, START, START + 480 * MINUTE)
    looks: list[object] = []
    monkeypatch.setattr(view_away, "_told_alone", lambda market, gaps: looks.append(gaps))
    for _ in range(10):
        desk.row()
        desk.now += 0.1
    assert len(looks) == 1
    desk.now += 2.0
    desk.row()
    desk.away.gap(ADDRESS, START + 500 * MINUTE, START + 501 * MINUTE)
    desk.row()
    assert len(looks) == 3


def test_a_gap_is_never_said_to_be_filled_where_no_bars_are_kept() -> None:
    desk = Desk(Quote(instrument(tick=0.1)))
    desk.away.left(START)
    desk.away.gap(ADDRESS, START - MINUTE, START + MINUTE)
    (gap,) = desk.row().gaps
    assert (gap.since, gap.until, gap.is_filled) == (START, START + MINUTE, False)


def test_alerts_are_told_by_their_instrument_and_counted(desk: Desk) -> None:
    rule = Rule(ADDRESS, "cross", 64_000.0)
    desk.away.alarm(Alarm(rule, START, f"{ADDRESS} too early"))
    desk.away.left(START)
    for number in range(NOTED + 8):
        desk.away.alarm(Alarm(rule, START + number, f"{ADDRESS} crossed 64 000 upward: 64 000.{number}"))
        desk.away.gap(ADDRESS, START + number, START + number + 1)
    desk.away.alarm(Alarm(Rule("x:Y", "big", 10.0), START, "x:Y 12 bought"))
    row = desk.row()
    assert (len(row.alarms), row.alarm_count, len(row.gaps)) == (NOTED, NOTED + 8, NOTED)
    assert row.alarms[-1].rule == "cross 64000"
    assert row.alarms[-1].words == f"crossed 64 000 upward: 64 000.{NOTED + 7}"


def test_time_that_begins_anew_lets_all_go(desk: Desk) -> None:
    desk.away.left(START)
    desk.away.returned(START + MS)
    desk.away.forget(START)
    frame = desk.look()
    assert frame is not None
    assert (frame.since, frame.is_past) == (START, False)
    desk.away.close()
    assert desk.look() is None
    assert desk.market.spans == []


def test_a_frame_crosses_a_wire_unchanged(desk: Desk) -> None:
    desk.away.left(START)
    desk.market.apply([at(1, 100.0)])
    desk.away.gap(ADDRESS, START, START + MS)
    desk.away.alarm(Alarm(Rule(ADDRESS, "cross", 64_000.0), START, f"{ADDRESS} crossed"))
    frame = desk.look()
    assert msgspec.json.decode(msgspec.json.encode(frame), type=AwayFrame) == frame
