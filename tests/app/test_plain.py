"""Ladder, tape and chart as plain text, the line and the JSON: whole, honest, and within their bounds."""

import json
import re
import sys
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from rich.cells import cell_len

from mdterm.app.commands.once import json_text, line_text
from mdterm.app.plain import paint
from mdterm.app.plot import FALLING, FLAT, RISING, plot_bars
from mdterm.app.sight import PANELS
from mdterm.app.snapshot import Snapshot
from mdterm.feeds.address import Instrument
from mdterm.feeds.events import Book, Candle, FeedStatus, Stream, Trade, encode_line
from mdterm.feeds.frames import ChartBar, ChartFrame
from mdterm.feeds.market import Market
from mdterm.feeds.status import Shown

ADDRESS = "fake:BTCUSDT"
SECOND, MINUTE = 1_000_000_000, 60_000_000_000
T0 = 1_763_682_420 * SECOND
"""2025-11-20 23:47:00 UTC."""


def trade(at: int, price: float) -> Trade:
    return Trade(
        ADDRESS, T0 + at * SECOND, T0 + at * SECOND, str(at), price, 0.145, "sell" if at % 2 else "buy"
    )


def book() -> Book:
    bids = [round(61722.3 - 0.1 * at, 1) for at in range(15)]
    asks = [round(61722.4 + 0.1 * at, 1) for at in range(15)]
    sizes: list[float | None] = [1.25] * 15
    return Book(ADDRESS, T0, T0, bids, sizes, asks, sizes)


def bars(count: int = 90) -> list[Candle]:
    """Return minutes up to T0 that rise and fall in turn."""
    made = []
    for at in range(count):
        opens, closes = (61700.0, 61710.5) if at % 2 else (61710.5, 61700.0)
        open_ts = T0 - (count - 1 - at) * MINUTE
        done = at < count - 1
        made.append(
            Candle(ADDRESS, open_ts, T0, "1m", open_ts, opens, 61715.0, 61695.0, closes, 2.5, done, 1.0, 1.5)
        )
    return made


def made(
    *streams: Stream, simulated: bool = False, empty: Sequence[Stream] = (), symbol: str = "BTCUSDT"
) -> Snapshot:
    """Return a snapshot of a market that stands still; streams in ``empty`` were asked for in vain."""
    streams = streams or ("book", "trade", "candle")
    market = Market(instrument_of(simulated, symbol))
    trades = [trade(at, 61722.4) for at in range(1, 4)]
    had = frozenset(streams) - frozenset(empty)
    if "candle" in had:
        market.apply(bars())
    if "trade" in had:
        market.apply(trades)
    if "book" in had:
        market.apply([book()])
    market.fold()
    return Snapshot(
        instrument=market.instrument,
        market=market,
        trades=trades if "trade" in had else (),
        had=had,
        shown={
            one: Shown("WARMING", detail="nothing yet") if one in empty else Shown("LIVE", age=0.1)
            for one in streams
        },
        status=FeedStatus(ADDRESS, None, T0, "live", None),
        wall=T0 + 3 * SECOND,
        now=1000.0,
    )


def instrument_of(simulated: bool, symbol: str) -> Instrument:
    return Instrument(ADDRESS, "fake", "fake", symbol, tick=0.1, simulated=simulated)


def test_the_line_for_a_status_bar() -> None:
    assert line_text(made("book", "trade")) == "BTCUSDT 61722.4 — bid 61722.3 ask 61722.4 LIVE"
    assert line_text(made("book")) == "BTCUSDT — — bid 61722.3 ask 61722.4 LIVE"
    assert line_text(made("trade", simulated=True)) == "BTCUSDT 61722.4 — bid — ask — LIVE SIM"


def test_the_line_tells_the_change_of_the_day_where_its_open_is_known() -> None:
    found = made("book", "trade")
    found.market.apply(
        [
            Candle(
                ADDRESS,
                T0,
                T0,
                "1d",
                T0 - T0 % (1440 * MINUTE),
                61000.0,
                62000.0,
                60000.0,
                61722.4,
                5.0,
                False,
            )
        ]
    )
    assert re.fullmatch(r"BTCUSDT 61722\.4 \+1\.18% bid 61722\.3 ask 61722\.4 LIVE", line_text(found))


def test_json_is_an_array_of_tails_objects() -> None:
    found = made()
    told = json.loads(json_text(found, "all"))
    lines = [book(), *found.trades, *found.candles(), found.status]
    assert told == [json.loads(encode_line(one)) for one in lines]
    assert len(told[0]["bids"]) == 10
    assert [one["ts"] for one in told if one["kind"] == "trade"] == [T0 + at * SECOND for at in (1, 2, 3)]
    opened = [one["open_ts"] for one in told if one["kind"] == "candle"]
    assert opened == sorted(opened)
    assert len(opened) == 90
    assert [one["closed"] for one in told if one["kind"] == "candle"][-2:] == [True, False]


@pytest.mark.parametrize(
    ("panel", "kinds"), [("ladder", {"book"}), ("tape", {"trade"}), ("chart", {"candle"})]
)
def test_json_of_one_panel_holds_its_kind_alone(panel: str, kinds: set[str]) -> None:
    assert {one["kind"] for one in json.loads(json_text(made(*PANELS[panel]), panel))} == kinds


def test_json_leaves_out_what_did_not_come() -> None:
    told = json.loads(json_text(made(empty=["trade", "candle"]), "all"))
    assert [one["kind"] for one in told] == ["book", "status"]


def test_all_panels_stand_beside_each_other_with_name_state_and_figures() -> None:
    lines = paint(made(), "all", 80, 24)
    text = "\n".join(lines)
    assert lines[0].startswith(" BTCUSDT  fake  61 722.4")
    assert lines[0].endswith("23:47:03 UTC")
    assert re.match(r"─ LADDER 0\.1 ─+ LIVE 0\.1s ─ ─ TAPE ─+ LIVE 0\.1s ─$", lines[1])
    assert re.search(r"^─ CHART 1m .*─ LIVE 0\.1s ─$", text, re.MULTILINE)
    assert re.search(r" 1\.250  61 722\.3$", text, re.MULTILINE)
    assert re.search(r"23:47:03\.000  ▼ 61 722\.4 +0\.145$", text, re.MULTILINE)
    assert "spread 0.1" in text
    assert 22 <= len(lines) <= 24


def test_a_panel_alone_names_its_instrument() -> None:
    for panel, streams in PANELS.items():
        if panel != "all":
            assert paint(made(*streams), panel, 80, 24)[0].startswith(f"─ {panel.upper()} {ADDRESS} ")


def test_simulated_data_says_so_in_every_title() -> None:
    titles = [line for line in paint(made(simulated=True), "all", 80, 30) if line.startswith("─")]
    assert len(titles) == 2
    assert titles[0].count(" SIM LIVE ") == 2
    assert titles[1].count(" SIM LIVE ") == 1


@pytest.mark.parametrize("empty", [["book"], ["trade"], ["trade", "candle"]])
def test_what_is_missing_says_so_in_its_place(empty: list[Stream]) -> None:
    text = "\n".join(paint(made(empty=empty), "all", 80, 24))
    assert text.count("— nothing yet") == len(empty)
    assert text.count("LIVE") == 3 - len(empty)
    assert text.count("WARMING") == len(empty)


def test_what_the_provider_does_not_have_says_so() -> None:
    text = "\n".join(paint(made("book", "trade"), "all", 80, 24))
    assert "— the provider has none" in text
    assert re.search(r"^─ CHART ─+ — ─$", text, re.MULTILINE)


@profile(deadline=None, max_examples=60)
@given(
    st.integers(1, 130),
    st.integers(1, 60),
    st.sampled_from(["all", "ladder", "tape", "chart"]),
    st.sets(st.sampled_from(["book", "trade", "candle"])),
    st.sampled_from(["BTCUSDT", "龙头股份龙头股份龙头股份", "é" * 50]),
)
def test_it_fits_whatever_the_size(
    width: int, height: int, panel: str, empty: set[Stream], symbol: str
) -> None:
    lines = paint(made(empty=sorted(empty), symbol=symbol), panel, width, height)
    assert len(lines) <= height
    assert max(map(cell_len, lines), default=0) <= width
    assert not any(char in "\x1b\r\n\t" for line in lines for char in line)


def test_a_larger_chart_than_the_terminal_is_whole(capfd: pytest.CaptureFixture[str]) -> None:
    lines = paint(made("candle"), "chart", 160, 50)
    assert len(lines) == 50
    assert max(map(cell_len, lines)) > 100
    assert capfd.readouterr() == ("", "")


def chart(*closes: float) -> ChartFrame:
    rows, before = [], closes[0]
    for at, close in enumerate(closes):
        high, low = max(before, close) + 1, min(before, close) - 1
        rows.append(ChartBar(T0 + at * MINUTE, before, high, low, close, 1.0, None))
        before = close
    return ChartFrame(ADDRESS, "1m", rows, 0, 1, 3, closes[-1], 0, None, 1)


def test_a_bars_direction_is_legible_without_colour() -> None:
    lines = plot_bars(chart(10, 20, 10, 20), 40, 12)
    columns = ["".join(line[at] for line in lines[:-1]) for at in range(5)]
    assert [[body for body in (RISING, FALLING, FLAT) if body in column] for column in columns] == [
        [FLAT],
        [RISING],
        [FALLING],
        [RISING],
        [],
    ]
    assert lines[0].endswith(" 21.0")
    assert lines[-1].startswith("23:47")


def test_a_market_that_stands_still_is_drawn() -> None:
    frame = chart(10, 10, 10)
    still = [ChartBar(bar.open_ts, 10, 10, 10, 10, None, None) for bar in frame.bars]
    lines = plot_bars(ChartFrame(ADDRESS, "1m", still, 0, 1, 3, 10, 0, None, 1), 40, 9)
    assert [line[:4] for line in lines[:-1] if line[:3].strip()] == [FLAT * 3 + " "]


def test_without_plotext_closes_are_drawn_and_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plotext", None)
    lines = paint(made("candle"), "chart", 80, 12)
    assert "plotext cannot be imported" in lines[-2]
    assert lines[0].startswith(f"─ CHART {ADDRESS} ")
    assert any("█" in line for line in lines[1:-2])
    assert len(lines) == 12
