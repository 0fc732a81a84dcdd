"""What can be counted is held here, on any machine: work, memory and imports, not seconds."""

import gc
import subprocess
import sys
import tracemalloc
from typing import Any

import pytest

from mdterm.feeds import burst
from mdterm.feeds.address import parse_address
from mdterm.feeds.contract import Want
from mdterm.feeds.events import Trade
from mdterm.feeds.kiyotaka import wire
from mdterm.feeds.kiyotaka.feed import Kiyotaka, Options
from mdterm.feeds.market import Market
from tests.benchmarks.least import Pictures, compare, least
from tests.benchmarks.receive import ADDRESS, frames

SEEN = 1_769_058_876 * 10**9


def make_codec() -> Any:
    provider = Kiyotaka("kiyotaka", Options(token="none"))
    (link,) = provider.plan([Want(0, ADDRESS, "trade")])
    codec = provider.codec(link)
    codec.want(link.wants)
    codec.opened(0.0)
    return codec


def test_a_series_is_read_once_however_many_trades_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    decode = wire.read_series

    def count(raw: bytes) -> wire.Series:
        read.append(raw)
        return decode(raw)

    monkeypatch.setattr(wire, "read_series", count)
    codec = make_codec()
    found = sum(len(codec.feed(frame, SEEN)) for frame in frames(200, 20, False))
    assert found == 4_000
    assert len(read) == 2, "one for buys, one for sells"


def test_trades_become_events_only_where_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    codec = make_codec()
    market = Market(Kiyotaka("kiyotaka", Options(token="none")).resolve(parse_address(ADDRESS)))
    first, *later = frames(200, 20, False)
    market.apply(codec.feed(first, SEEN))  # nothing is known of its series yet
    market.fold()
    made = [0]

    def count(*fields: Any) -> Trade:
        made[0] += 1
        return Trade(*fields)

    monkeypatch.setattr(burst, "Trade", count)
    folds = 0
    for frame in later:
        waiting = market.trade_count - market.tape.trades
        market.apply(codec.feed(frame, SEEN))
        folds += market.trade_count - market.tape.trades < waiting
    market.fold()
    assert market.trade_count == 4_000
    assert folds
    # Of each fold the newest, and a few that tell how many decimals there are.
    assert made[0] <= 10 * (folds + 1)
    assert len(market.tape.prints(1).closed) > 0
    assert made[0] >= 3_900


def test_series_that_never_repeat_do_not_fill_the_memory() -> None:
    codec = make_codec()
    tracemalloc.start()
    try:
        for number in range(9_000):
            series = f'{{"type":"TRADE","symbol":"S{number}","exchange":"X","coin":"{"c" * 500}"}}'
            trade = '{"id":"1","price":1,"amount":1,"timestamp":{"seconds":1769058875}}'
            codec.feed(f'{{"points":[{{"series":{series},"trade":{trade}}}]}}'.encode(), SEEN)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 10_000_000


def test_what_is_kept_of_trades_stops_growing() -> None:
    codec = make_codec()
    market = Market(Kiyotaka("kiyotaka", Options(token="none")).resolve(parse_address(ADDRESS)))
    sent, held = frames(6_000, 20, False), []
    for at, frame in enumerate(sent):
        market.apply(codec.feed(frame, SEEN + at * 1_000_000))
        if at % 2_000 == 1_999:
            market.fold()
            gc.collect()
            held.append(sys.getallocatedblocks())
    assert market.trade_count == 120_000
    assert held[2] < held[1] + 20_000, "blocks of memory grew with the trades"


def test_the_dashboard_imports_no_plots_and_no_http_before_it_is_drawn() -> None:
    code = (
        "import sys, mdterm.app.commands.watch, mdterm.app.dashboard, mdterm.app.providers\n"
        "import mdterm.feeds.runtime, mdterm.feeds.thread\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = set(done.stdout.split())
    assert "textual" in imported
    assert imported & {"plotext", "httpx", "ccxt", "numpy", "pandas", "brotli", "pyte"} == set()


def test_the_yardstick_counts_what_a_plain_difference_writes() -> None:
    pictures = Pictures(20, 3)
    before = pictures.draw(b"\x1b[1;1Habc")
    after = pictures.draw(b"\x1b[1;2HX\x1b[3;5H\x1b[1mY")
    # A move, the colours of an unknown start, and the letter; then a move, a weight and the letter.
    assert least(before, after) == len("\x1b[1;2H") + len("\x1b[39;49m") + 1 + len("\x1b[3;5H\x1b[1m") + 1
    assert least(after, after) == 0
    recording = b"\x1b[1;1Habc\x1b[6n\x1b[1;2HX\x1b[6n"
    written, plain, found = compare(recording, 20, 3, 1)
    assert (written, found) == (len(b"\x1b[1;2HX\x1b[6n"), 1)
    assert plain == len("\x1b[1;2H") + len("\x1b[39;49m") + 1
