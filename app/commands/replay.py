"""`mdterm replay`: a recording through the same screens, or as lines."""

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mdterm.app import completing
from mdterm.app.commands.context import USAGE, Context, Failed, common_options
from mdterm.app.lines import Output
from mdterm.app.wanted import read_kinds

if TYPE_CHECKING:
    from mdterm.feeds.events import Stream
    from mdterm.feeds.recording import Recording


@click.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--speed", type=click.FloatRange(0.1, 100), help="How fast, ×0.1 to ×100 (default: 1).")
@click.option("--at", metavar="TIME", help="Begin at this time: 2026-11-20T14:05:00, 14:05 (UTC).")
@click.option("--paused", is_flag=True, help="Stand still at the beginning.")
@click.option("--fps", type=click.FloatRange(0.1, 60), help="Frames drawn a second, at most (default: 10).")
@click.option("--tail", "with_lines", is_flag=True, help="Print the events as lines, as mdterm tail does.")
@click.option(
    "--kinds",
    shell_complete=completing.kinds,
    help="With --tail: kinds of event, by comma (default: those recorded).",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["ndjson", "text"]),
    default="ndjson",
    show_default=True,
    help="With --tail: JSON or words.",
)
@click.option("--depth", default=10, show_default=True, type=click.IntRange(1, 10_000), help="Levels a side.")
@click.option(
    "--interval",
    shell_complete=completing.intervals,
    help="With --tail: interval of candles (default: the one recorded).",
)
@click.option("--count", type=click.IntRange(1), help="With --tail: end after so many events.")
@common_options
@click.pass_obj
def replay(
    context: Context,
    path: Path,
    speed: float | None,
    at: str | None,
    paused: bool,
    fps: float | None,
    with_lines: bool,
    kinds: str | None,
    form: str,
    depth: int,
    interval: str | None,
    count: int | None,
) -> int:
    """Show a recording of mdterm record as it was seen, with its own clock.

    Keys: x stops and goes on, ; one message on, ( and ) slower and faster, < and > ten seconds back and on,
    J to a time, n to the next big trade. With --tail it is printed instead, as fast as it can be read unless
    --speed says otherwise.
    """
    recording = open_recording(path)
    start_at = None if at is None else read_time("--at", at, recording)
    if not with_lines:
        from mdterm.app.commands.watch import check_terminal

        context.settings()
        check_terminal(context)
        from mdterm.app.replaying import show

        return show(context, recording, speed or 1.0, start_at, paused, fps)
    streams = None if kinds is None else read_kinds(kinds)
    output = Output(recording.head.addresses, count, depth, form == "text")
    context.start_log()
    _print(recording, output, streams, read_interval(interval, recording), speed, start_at)
    words = recording.told_end()
    if words is not None and count is None:
        click.echo(f"mdterm: {words}", err=True)
    return 0


def open_recording(path: Path) -> "Recording":
    """Return a recording. Raise Failed."""
    from mdterm.feeds.journal_file import JournalError
    from mdterm.feeds.recording import Recording

    try:
        return Recording(path)
    except JournalError as error:
        raise Failed(str(error), USAGE) from error


def read_time(option: str, text: str, recording: "Recording") -> int:
    """Return the time (ns) that an option names within a recording. Raise Failed."""
    from mdterm.app.times import TimeError, parse_time

    first, last = recording.span()
    try:
        found = parse_time(text, first)
    except TimeError as error:
        raise Failed(f"{option}: {error}", USAGE) from error
    if found < first and ":" in text and "-" not in text:
        found += 86_400_000_000_000  # a time of day after midnight
    return min(found, last)


def read_interval(text: str | None, recording: "Recording") -> str:
    """Return the interval that is asked for, or the one that was recorded. Raise Failed."""
    from mdterm.feeds.intervals import IntervalError, parse_interval

    if text is None:
        return recording.head.interval
    try:
        return parse_interval(text)
    except IntervalError as error:
        raise Failed(f"--interval: {error}", USAGE) from error


def _print(
    recording: "Recording",
    output: Output,
    streams: "list[Stream] | None",
    interval: str,
    speed: float | None,
    start_at: int | None,
) -> None:
    from mdterm.feeds.retell import only, wants_of

    wants = wants_of(recording.head, streams)
    listener = only(output.take, streams, start_at)
    if speed is not None:
        from mdterm.feeds.player import Player, ReplayThread

        def make() -> Player:
            player = Player(recording, speed=speed, start_at=start_at, ended=output.end)
            player.feed.listen(wants, listener, interval=interval)
            return player

        thread = ReplayThread(make)
        thread.start()
        try:
            output.write(None)
        finally:
            output.end()
            thread.stop()
        return
    from mdterm.feeds.journal_file import JournalError

    problems: list[Exception] = []

    def read() -> None:
        from mdterm.feeds.retell import retell

        try:
            asyncio.run(retell(recording, listener, wants, interval, lambda: not output.has_ended))
        except Exception as error:
            problems.append(error)
        output.end()

    reader = threading.Thread(target=read, name="reader", daemon=True)
    reader.start()
    try:
        output.write(None)
    finally:
        output.end()
        reader.join(3.0)
    for problem in problems:
        raise Failed(str(problem), USAGE) if isinstance(problem, JournalError) else problem
