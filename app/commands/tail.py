"""`mdterm tail`: events to standard output, one a line, none left out."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from mdterm.app import completing
from mdterm.app.commands.context import (
    REFUSED,
    UNREACHABLE,
    Context,
    common_options,
)
from mdterm.app.lines import Output
from mdterm.app.wanted import check_told, own_wants, read_interval, read_kinds
from mdterm.feeds.events import Stream

if TYPE_CHECKING:
    from mdterm.feeds.address import Instrument
    from mdterm.feeds.attached import AttachedPort


@click.command()
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS…", shell_complete=completing.addresses)
@click.option(
    "--kinds",
    shell_complete=completing.kinds,
    default="trade,book",
    show_default=True,
    help="Kinds of event, by comma.",
)
@click.option("--format", "form", type=click.Choice(["ndjson", "text"]), default="ndjson", show_default=True)
@click.option("--depth", default=10, show_default=True, type=click.IntRange(1, 10_000), help="Levels a side.")
@click.option(
    "--interval",
    shell_complete=completing.intervals,
    default="1m",
    show_default=True,
    help="Interval of candles.",
)
@click.option("--count", type=click.IntRange(1), help="End after so many events in all.")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="End after so many seconds.")
@common_options
@click.pass_obj
def tail(
    context: Context,
    addresses: tuple[str, ...],
    kinds: str,
    form: str,
    depth: int,
    interval: str,
    count: int | None,
    seconds: float | None,
) -> int:
    """Print events of the addresses as they come, one a line; nothing is conflated."""
    from mdterm.app.attach import port_or_none

    streams = read_kinds(kinds)
    interval = read_interval(interval)
    context.settings()
    context.start_log()
    port = port_or_none(context, "tail")

    def open_output(instruments: "Sequence[Instrument]") -> Output:
        return Output([one.address for one in instruments], count, depth, form == "text")

    if port is not None:
        output = _attached(port, addresses, streams, interval, seconds, open_output)
    else:
        output = _own(context, addresses, streams, interval, seconds, open_output)
    if output.all_refused:
        return REFUSED
    if seconds is not None and not output.data_lines:
        return UNREACHABLE
    return 0


def _own(
    context: Context,
    addresses: Sequence[str],
    streams: Sequence[Stream],
    interval: str,
    seconds: float | None,
    open_output: "Callable[[Sequence[Instrument]], Output]",
) -> Output:
    """Print what comes over connections of this process."""
    from mdterm.app.providers import World
    from mdterm.feeds.runtime import Feed
    from mdterm.feeds.thread import FeedThread

    world = World(context)
    try:
        asked = own_wants(world, addresses, streams, interval)
        check_told(asked)
        output = open_output(asked.instruments)

        def build() -> Feed:
            feed = Feed(world.providers)
            feed.listen(asked.wants, output.take, interval=interval)
            return feed

        feed = FeedThread(build)
        feed.start()
        try:
            output.write(seconds)
        finally:
            output.end()
            feed.stop()
    finally:
        world.close()
    return output


def _attached(
    port: "AttachedPort",
    addresses: Sequence[str],
    streams: Sequence[Stream],
    interval: str,
    seconds: float | None,
    open_output: "Callable[[Sequence[Instrument]], Output]",
) -> Output:
    """Print what comes to the shared feed."""
    from mdterm.app.hearing import ask_wants

    try:
        asked = ask_wants(port, addresses, streams, interval)
        check_told(asked)
        output = open_output(asked.instruments)
        port.listen(asked.wants, output.take, interval=interval)
        try:
            output.write(seconds)
        finally:
            output.end()
    finally:
        port.stop()
    return output
