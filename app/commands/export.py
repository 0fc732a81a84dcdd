"""`mdterm export`: a recording as data."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from mdterm.app import completing
from mdterm.app.commands.context import USAGE, Context, Failed, PipeClosed, common_options
from mdterm.app.commands.replay import open_recording, read_interval, read_time
from mdterm.app.wanted import read_kinds

if TYPE_CHECKING:
    from mdterm.app.tables import Table
    from mdterm.feeds.events import Event


@click.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--kinds",
    shell_complete=completing.kinds,
    default="trade",
    show_default=True,
    help="Kinds of event, by comma; also status.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "ndjson", "parquet"]),
    default="csv",
    show_default=True,
    help="Comma-separated values, mdterm tail's lines, or Parquet (needs the extra parquet).",
)
@click.option(
    "-o",
    "--output",
    "out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="The file to write, - for standard output; of several kinds x.csv becomes x.trade.csv, …",
)
@click.option("--depth", default=10, show_default=True, type=click.IntRange(1, 10_000), help="Levels a side.")
@click.option(
    "--interval", shell_complete=completing.intervals, help="Interval of candles (default: the one recorded)."
)
@click.option("--since", metavar="TIME", help="Only what was received from this time on.")
@click.option("--until", metavar="TIME", help="Only what was received until this time.")
@common_options
@click.pass_obj
def export(
    context: Context,
    path: Path,
    kinds: str,
    form: str,
    out: Path,
    depth: int,
    interval: str | None,
    since: str | None,
    until: str | None,
) -> int:
    """Write the events of a recording as tables.

    The columns of each kind are documented in docs/recording.md. A file that exists is not written over.
    One JSON line tells the files and their rows.
    """
    from mdterm.app.stdout import write_out
    from mdterm.app.tables import Csv, Lines, Parquet, TableError, path_for
    from mdterm.feeds.journal_file import JournalError
    from mdterm.feeds.retell import only, retell, wants_of

    names = [name.strip() for name in kinds.split(",")]
    with_status = "status" in names
    streams = read_kinds(",".join(name for name in names if name != "status")) if names != ["status"] else []
    asked = [*streams, *(["status"] if with_status else [])]
    to_stdout = str(out) == "-"
    if to_stdout and form == "parquet":
        raise Failed("-o -: Parquet is written to a file", USAGE)
    if to_stdout and form == "csv" and len(asked) > 1:
        raise Failed("-o -: one kind at a time, since each has columns of its own", USAGE)
    recording = open_recording(path)
    start = None if since is None else read_time("--since", since, recording)
    end = None if until is None else read_time("--until", until, recording)
    context.start_log()
    tables: list[tuple[str, Table]] = []
    with contextlib.ExitStack() as files:
        try:
            if form == "ndjson":
                tables.append((str(out), Lines(_open(out, files), depth)))
            for kind in asked if form != "ndjson" else ():
                where = path_for(out, kind, len(asked) == 1)
                if form == "csv":
                    tables.append((str(where), Csv(_open(where, files), kind, depth)))
                else:
                    _refuse_existing(where)
                    tables.append((str(where), Parquet(where, kind, depth)))
        except TableError as error:
            raise Failed(str(error), USAGE) from error

        def take(events: "Sequence[Event]") -> None:
            found = events if with_status else [one for one in events if not _is_status(one)]
            for _, table in tables:
                table.take(found)

        wants = [want for want in wants_of(recording.head, streams or None) if want[1] in streams]
        if with_status:
            wants = recording.head.wants or wants
        try:
            listener = only(take, streams, start, end)
            asyncio.run(retell(recording, listener, wants, read_interval(interval, recording)))
            for _, table in tables:
                table.close()
        except JournalError as error:
            raise Failed(str(error), USAGE) from error
        except BrokenPipeError:
            raise PipeClosed from None
        except OSError as error:
            raise Failed(f"{out} cannot be written: {error.strerror}", USAGE) from error
    if not to_stdout:
        write_out(json.dumps({"files": {name: table.rows for name, table in tables}}) + "\n")
    words = recording.told_end()
    if words is not None:
        click.echo(f"mdterm: {words}", err=True)
    return 0


def _is_status(event: "Event") -> bool:
    from mdterm.feeds.events import FeedStatus

    return type(event) is FeedStatus


def _open(path: Path, files: contextlib.ExitStack) -> BinaryIO:
    if str(path) == "-":
        # A number of its own, so that closing it closes nothing else.
        return files.enter_context(os.fdopen(os.dup(sys.stdout.fileno()), "wb"))
    _refuse_existing(path)
    try:
        return files.enter_context(path.open("xb"))
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror}", USAGE) from error


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise Failed(f"{path} exists and is not written over", USAGE)
