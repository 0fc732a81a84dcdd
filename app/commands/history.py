"""`mdterm history`: bars from what was kept here and from the provider's past."""

import sys
import time
from typing import TYPE_CHECKING

import click

from mdterm.app import completing
from mdterm.app.commands.context import REFUSED, UNREACHABLE, USAGE, Context, Failed, common_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mdterm.feeds.address import Instrument
    from mdterm.feeds.contract import History
    from mdterm.feeds.events import Candle

DEFAULT_BARS = 500
MOST_BARS = 50_000


@click.command()
@click.argument("address", metavar="ADDRESS", shell_complete=completing.addresses)
@click.option(
    "--interval",
    shell_complete=completing.intervals,
    default="1m",
    show_default=True,
    help="Interval of the bars.",
)
@click.option(
    "--since",
    metavar="TIME",
    help="From when on: 2026-11-20T14:05:00, 14:05 or 2h, UTC (default: 500 bars ago).",
)
@click.option("--until", metavar="TIME", help="Until when (default: now).")
@click.option(
    "--format", "form", type=click.Choice(["csv", "ndjson"]), default="csv", show_default=True, help="How."
)
@click.option("--offline", is_flag=True, help="Only what was kept on this machine; no provider is asked.")
@common_options
@click.pass_obj
def history(
    context: Context,
    address: str,
    interval: str,
    since: str | None,
    until: str | None,
    form: str,
    offline: bool,
) -> int:
    """Print bars, oldest first: what this machine has seen, and what the provider tells of it.

    Where both know a bar, the provider's is printed. The columns are those of mdterm export; the lines
    those of mdterm tail. A bar that is not over is marked closed: false.
    """
    from mdterm.app.foreground import run
    from mdterm.app.providers import World
    from mdterm.app.times import TimeError, parse_time
    from mdterm.feeds.intervals import LENGTHS, IntervalError, parse_interval

    try:
        interval = parse_interval(interval)
    except IntervalError as error:
        raise Failed(f"--interval: {error}", USAGE) from error
    now = time.time_ns()
    length = LENGTHS[interval]
    try:
        end = now if until is None else parse_time(until, now)
        start = end - DEFAULT_BARS * length if since is None else parse_time(since, now)
    except TimeError as error:
        raise Failed(f"--since, --until: {error}", USAGE) from error
    if (now - start) // length > MOST_BARS:
        raise Failed(f"--since: that is more than {MOST_BARS} bars of {interval}", USAGE)
    world = World(context)
    try:
        (instrument,) = world.instruments([address])
        context.start_log()
        bars = _kept(instrument, interval, start)
        words, refused = None, False
        provider = world.provider(instrument.provider)
        source = None if offline else provider.history
        if source is not None:
            told, words, refused = run(_ask(source, instrument, interval, (now - start) // length + 1))
            bars |= {bar.open_ts: bar for bar in told}
        elif not offline:
            words = f"{provider.kind} tells no past"
    finally:
        world.close()
    found = [bars[key] for key in sorted(bars) if start - length < key <= end]
    if words is not None and (source is not None or not found):
        click.echo(f"mdterm: {instrument.address}: {words}", err=True)
    if not found:
        return REFUSED if refused else UNREACHABLE
    _write(found, form)
    return 0


def _kept(instrument: "Instrument", interval: str, start: int) -> "dict[int, Candle]":
    """Return what this machine has of an interval, folded from minutes. A file that is broken is told."""
    from msgspec.structs import replace

    from mdterm.app import locations
    from mdterm.feeds.candles import CandleStore
    from mdterm.feeds.intervals import LENGTHS, MINUTE
    from mdterm.feeds.store import StoreError, read_candles

    if LENGTHS[interval] < MINUTE:
        raise Failed(f"--interval: bars of {interval} are not kept: 1m is the shortest", USAGE)
    try:
        minutes = read_candles(
            locations.history_file(), instrument.address, "1m", since=start - LENGTHS[interval]
        )
    except StoreError as error:
        click.echo(f"mdterm: what was kept cannot be read: {error}", err=True)
        return {}
    if not minutes:
        return {}
    store = CandleStore(instrument.address)
    store.merge(minutes)
    seen, until = max(bar.seen for bar in minutes), minutes[-1].open_ts + MINUTE
    return {
        bar.open_ts: replace(bar, seen=seen, closed=bar.open_ts + LENGTHS[interval] <= until)
        for bar in store.candles(interval, MOST_BARS)
    }


async def _ask(
    source: "History", instrument: "Instrument", interval: str, count: int
) -> "tuple[Sequence[Candle], str | None, bool]":
    """Return the provider's bars, and in words why there are none."""
    from mdterm.feeds.contract import HistoryError

    try:
        return await source.candles(instrument, interval, count), None, False
    except HistoryError as error:
        return (), f"the provider's past cannot be had: {error}", error.refused
    finally:
        await source.close()


def _write(bars: "Sequence[Candle]", form: str) -> None:
    from mdterm.app.commands.context import PipeClosed
    from mdterm.app.tables import Csv, Lines

    out = sys.stdout.buffer
    table = Lines(out, 10) if form == "ndjson" else Csv(out, "candle", 10)
    try:
        table.take(bars)
        table.close()
    except BrokenPipeError:
        raise PipeClosed from None
    except OSError as error:
        raise PipeClosed(f"standard output cannot be written: {error.strerror}") from None
