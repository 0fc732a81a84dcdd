"""`mdterm record`: everything that comes and goes, to a file."""

import contextlib
import json
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mdterm.app import completing
from mdterm.app.commands.context import REFUSED, UNREACHABLE, USAGE, Context, Failed, common_options
from mdterm.app.lines import Output
from mdterm.app.wanted import check_kinds, own_wants, read_interval, read_kinds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from mdterm.feeds.attached import AttachedPort
    from mdterm.feeds.events import Event, Stream

LOOK_S = 0.5
"""How often the shared feed is asked whether its recording goes on."""


@click.command()
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS…", shell_complete=completing.addresses)
@click.option(
    "-o",
    "--output",
    "path",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write; it must not exist.",
)
@click.option(
    "--kinds",
    shell_complete=completing.kinds,
    help="Kinds of event, by comma (default: all that a screen shows).",
)
@click.option(
    "--interval",
    shell_complete=completing.intervals,
    default="1m",
    show_default=True,
    help="Interval of candles.",
)
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="End after so many seconds.")
@click.option(
    "--rotate-size",
    type=click.FloatRange(0, min_open=True),
    metavar="MB",
    help="Begin the next file (x.2.mdj, …) after so many megabytes.",
)
@click.option(
    "--rotate-every",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Begin the next file after so many seconds.",
)
@click.option("--tail", "with_lines", is_flag=True, help="Print the events as mdterm tail does, too.")
@click.option("--depth", default=10, show_default=True, type=click.IntRange(1, 10_000), help="Levels a side.")
@common_options
@click.pass_obj
def record(
    context: Context,
    addresses: tuple[str, ...],
    path: Path,
    kinds: str | None,
    interval: str,
    seconds: float | None,
    rotate_size: float | None,
    rotate_every: float | None,
    with_lines: bool,
    depth: int,
) -> int:
    """Record what the addresses' providers send and are sent, raw, until interrupted.

    At the end one JSON line tells files, records and bytes (not with --tail). Keys and tokens are struck
    out. `mdterm replay` shows the recording, `mdterm export` makes tables of it.
    """
    from mdterm.app.attach import port_or_none

    streams = None if kinds is None else read_kinds(kinds)
    interval = read_interval(interval)
    largest = None if rotate_size is None else round(rotate_size * 1_000_000)
    context.settings()
    context.start_log()
    port = port_or_none(context, "record")
    if port is not None:
        try:
            asked = {"kinds": streams, "interval": interval, "largest": largest, "longest_s": rotate_every}
            return _attached(port, addresses, path, asked, seconds, depth if with_lines else None)
        finally:
            port.stop()
    return _own(
        context, addresses, path, streams, interval, seconds, largest, rotate_every, with_lines, depth
    )


def _own(
    context: Context,
    addresses: tuple[str, ...],
    path: Path,
    streams: "list[Stream] | None",
    interval: str,
    seconds: float | None,
    largest: int | None,
    longest_s: float | None,
    with_lines: bool,
    depth: int,
) -> int:
    """Record connections of this process."""
    from mdterm.app.providers import World
    from mdterm.app.stdout import write_out
    from mdterm.feeds.recorder import Recorder, RecorderError
    from mdterm.feeds.runtime import Feed
    from mdterm.feeds.thread import FeedThread

    world = World(context)
    try:
        asked = own_wants(world, addresses, streams, interval, is_recorded=True)
        check_kinds(asked)  # sizes that are mere counts are recorded as such
        ending = _Ending([one.address for one in asked.instruments], depth, with_lines)
        try:
            recorder = Recorder(path, largest=largest, longest_s=longest_s, failed=ending.fail)
        except RecorderError as error:
            raise Failed(str(error), USAGE) from error

        def build() -> Feed:
            feed = Feed(world.providers, journal=recorder, accounts=world.accounts())
            feed.listen(asked.wants, ending.take, interval=interval)
            return feed

        feed = FeedThread(build)
        feed.start()
        try:
            ending.wait(seconds)
        finally:
            # First the feed, so that its last words are both on the lines and in the file.
            feed.stop()
            recorder.close()
            ending.finish()
    finally:
        world.close()
    if recorder.problem is not None:
        raise Failed(recorder.problem, USAGE)
    if not with_lines:
        told = {"files": [str(one) for one in recorder.parts], "records": recorder.records}
        write_out(json.dumps({**told, "bytes": recorder.bytes, "dropped": recorder.lost}) + "\n")
    if ending.output.all_refused:
        return REFUSED
    return UNREACHABLE if seconds is not None and not ending.output.data_lines else 0


def _attached(
    port: "AttachedPort",
    addresses: tuple[str, ...],
    path: Path,
    options: "dict[str, Any]",
    seconds: float | None,
    depth: int | None,
) -> int:
    """Have the shared feed record its connections; print lines of so many levels, None for none."""
    from mdterm.app.hearing import ask, ask_wants
    from mdterm.app.stdout import write_out

    asked = ask_wants(port, addresses, options["kinds"], options["interval"], is_recorded=True)
    check_kinds(asked)
    ending = _Ending([one.address for one in asked.instruments], depth or 1, depth is not None)
    # The recording is that feed's: with it, it ends.
    port.lost = ending.fail
    ask(port, "record", {**options, "path": str(path.absolute()), "addresses": list(addresses)})
    if depth is not None:
        port.listen(asked.wants, ending.take, interval=options["interval"])
    told: dict[str, Any] = {}

    def look() -> bool:
        """Return whether there is a reason to end."""
        told.update(ask(port, "recorded", {}))
        return bool(told["is_refused"] or told["problem"])

    try:
        ending.wait(seconds, look)
        if ending.words is not None:
            raise Failed(f"{ending.words}: the recording {path} ends there", UNREACHABLE)
    finally:
        if ending.words is None:
            told.update(ask(port, "record_end", {}))
        ending.finish()
    if told["problem"] is not None:
        raise Failed(told["problem"], USAGE)
    if depth is None:
        files = [str(path.with_name(Path(one).name)) for one in told["files"]]
        counts = {name: told[name] for name in ("records", "bytes", "dropped")}
        write_out(json.dumps({"files": files, **counts}) + "\n")
    if told["is_refused"]:
        return REFUSED
    return UNREACHABLE if seconds is not None and not told["events"] else 0


class _Ending:
    """Waits for what ends a recording, and hands events to the lines where they are asked for."""

    def __init__(self, addresses: list[str], depth: int, with_lines: bool) -> None:
        self.output = Output(addresses, None, depth, text=False)
        self._with_lines = with_lines
        self._over = threading.Event()
        self.words: str | None = None
        """Why it ended where nobody wished it."""

    def take(self, events: "Sequence[Event]") -> None:
        """Take events; runs on the feed's thread."""
        if self._with_lines:
            self.output.take(events)
        else:
            self.output.count(events)
        if self.output.all_refused:
            self._over.set()

    def fail(self, words: str) -> None:
        """End because nothing can be written any more."""
        self.words = words
        self._over.set()
        self.output.end()

    def wait(self, seconds: float | None, look: "Callable[[], bool] | None" = None) -> None:
        """Return when the time is over or something went wrong; ``look`` is asked now and then if it did."""
        if self._with_lines:
            self.output.write(seconds)
        elif look is None:
            self._over.wait(seconds)
        else:
            until = None if seconds is None else time.monotonic() + seconds
            while not self._over.is_set():
                left = LOOK_S if until is None else min(LOOK_S, until - time.monotonic())
                if left <= 0 or self._over.wait(left) or look():
                    return

    def finish(self) -> None:
        """Write the lines that are left."""
        self.output.end()
        if self._with_lines:
            with contextlib.suppress(BrokenPipeError):
                self.output.write(None)
