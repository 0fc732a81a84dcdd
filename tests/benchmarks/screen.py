"""The dashboard at work on a 120×40 terminal: processor, bytes, delay from the sending to the glass, keys."""

import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.glass import Glass, program
from tests.benchmarks.least import Pictures, compare, split
from tests.benchmarks.table import Row, at_most
from tests.benchmarks.venue import Load, Told, arguments, running

TOKEN = {"MDTERM_KIYOTAKA_TOKEN": "x" * 12}
COLUMNS, LINES = 120, 40
WARM_S = 5.0
ONE = ("BTCUSDT",)
_COUNT = re.compile(r"([\d ]+) trades? ")


@contextmanager
def watched(load: Load, *options: str) -> Iterator[tuple[Glass, Told]]:
    """Run the dashboard on a service, warm."""
    with (
        running(load) as (url, told),
        tempfile.TemporaryDirectory() as home,
        Glass(program("watch", *options, *arguments(url, load.symbols)), Path(home), env=TOKEN) as glass,
    ):
        glass.wait_for(b"TAPE")
        time.sleep(WARM_S)
        yield glass, told


def count_on(lines: list[str]) -> int | None:
    """Return the trades that the status line tells."""
    found = _COUNT.search(lines[-1])
    digits = "" if found is None else found[1].replace(" ", "")
    return int(digits) if digits else None


def delays(glass: Glass, told: Told, since: float) -> list[float]:
    """Return ms from each trade's sending until the terminal had the frame that counts it."""
    pictures, text, found, shown = Pictures(COLUMNS, LINES), b"", [], None
    for at, data in glass.chunks:
        text += data
        parts, text = split(text)
        for part in parts:
            pictures.draw(part)
            count = count_on(pictures.text())
            if count is None:
                continue
            if shown is not None and at >= since:
                found += [(at - told.times[number]) * 1000 for number in range(shown, count)]
            shown = count
    return [one for one in found if one >= 0]


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def _busy(seconds: float) -> Iterator[Row]:
    """200 books and 100 trades a second, all panels."""
    for name, *extra in (("",), (" --slow-link", "--slow-link")):
        with watched(Load(ONE, trades=100, books=200), *extra) as (glass, told):
            cpu, begun = glass.cpu_s(), time.monotonic()
            time.sleep(seconds)
            passed = time.monotonic() - begun
            share = (glass.cpu_s() - cpu) / passed * 100
            time.sleep(0.5)
            skip = glass.written(0, begun).count(b"\x1b[6n")
            written, least, frames = compare(glass.written(), COLUMNS, LINES, skip)
            rate = len(glass.written(begun, begun + passed)) / passed / 1000
            yield at_most(f"processor, 300 messages/s{name}", share, 10.0, "% of a core")
            beside = f"{rate:.1f} kB/s, {frames / passed:.1f} frames/s, {glass.rss_mb():.0f} MB resident"
            yield at_most(f"bytes, × a plain cell diff{name}", written / least, 1.3, "×", beside)
            if extra:
                yield at_most("bytes on a slow link", rate, 5.0, "kB/s")
            else:
                waited = delays(glass, told, begun)
                told_ms = f"p50 {percentile(waited, 0.5):.0f} ms of {len(waited)} trades"
                p99 = percentile(waited, 0.99)
                yield at_most("sending → pty, 100 trades and 200 books/s, p99", p99, 120.0, "ms", told_ms)


def _sparse(seconds: float) -> Iterator[Row]:
    """Two trades a second and nothing else: each is drawn at once."""
    with watched(Load(ONE, trades=2)) as (glass, told):
        begun = time.monotonic()
        time.sleep(seconds)
        waited = delays(glass, told, begun)
        beside = f"p99 {percentile(waited, 0.99):.0f} ms of {len(waited)} trades"
        yield at_most("sending → pty, 2 trades/s, p50", statistics.median(waited), 20.0, "ms", beside)


def _keys(seconds: float) -> Iterator[Row]:
    """A key's paint while 20,000 trades a second come, one a frame."""
    with watched(Load(ONE, trades=20_000)) as (glass, told):
        sent, begun, waited = told.total.value, time.monotonic(), []
        while time.monotonic() - begun < seconds:
            pressed = time.monotonic()
            glass.press(b"f")
            waited.append((glass.wait_for(b"FROZEN", since=pressed) - pressed) * 1000)
            glass.press(b"f")
            time.sleep(0.3)
        rate = (told.total.value - sent) / (time.monotonic() - begun)
        beside = f"p50 {statistics.median(waited):.0f} ms of {len(waited)} keys at {rate:.0f} messages/s"
        yield at_most("key → paint in a burst, p99", percentile(waited, 0.99), 100.0, "ms", beside)


def _lost(seconds: float) -> Iterator[Row]:
    """Every trade is counted, whatever the screen does."""
    with watched(Load(ONE, trades=3_000, until_s=WARM_S + seconds)) as (glass, told):
        glass.stall(seconds)
        time.sleep(3)
        pictures = Pictures(COLUMNS, LINES)
        for part in split(glass.written())[0]:
            pictures.draw(part)
        shown, sent = count_on(pictures.text()) or 0, told.sent.value
        beside = f"{sent} sent while the terminal took nothing, {shown} counted"
        yield Row("trades lost behind a stalled terminal", str(sent - shown), beside, "0", sent == shown)


def rows(short: bool) -> Iterator[Row]:
    """Measure the screen."""
    seconds = 8.0 if short else 20.0
    yield from _busy(seconds)
    yield from _sparse(seconds)
    yield from _keys(seconds)
    yield from _lost(seconds / 2)
