"""`mdterm feed`: the shared feed as a process of its own, that screens and commands attach to."""

import contextlib
import json
import os
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from mdterm.app.commands.context import UNREACHABLE, USAGE, Context, Failed, common_options

if TYPE_CHECKING:
    from mdterm.app.feed_place import Found

STOP_S: Final = 12.0
ASK_S: Final = 5.0
LINES: Final = 40
_FOLLOW_S: Final = 0.2

stays = click.option("--stay", is_flag=True, help="Go on without clients, for as long as the machine runs.")
without_history = click.option(
    "--no-history", is_flag=True, help="Keep nothing for the next start, and no hour to go back in."
)


@click.group("feed", invoke_without_command=True)
@click.option("--stdio", is_flag=True, help="Speak the port over standard input and output (mdterm ssh).")
@click.option("--join", is_flag=True, hidden=True, help="With --stdio: start no feed.")
@common_options
@click.pass_context
def feed(ctx: click.Context, stdio: bool, join: bool) -> int:
    """The shared feed: one process that holds connections and markets, for all screens and commands."""
    if ctx.invoked_subcommand is None:
        if not stdio:
            click.echo(ctx.get_help())
            return 0
        from mdterm.app.relay import relay

        return relay(ctx.ensure_object(Context), starts=not join)
    if stdio:
        raise click.UsageError("--stdio goes without a command", ctx)
    return 0


@feed.command("start")
@stays
@without_history
@common_options
@click.pass_obj
def start_feed(context: Context, stay: bool, no_history: bool) -> int:
    """Start the feed in the background; return when it listens. One that runs already is left alone."""
    from mdterm.app import lasting
    from mdterm.app.feed_place import CONNECT_S, find
    from mdterm.app.feed_start import start
    from mdterm.app.fingerprint import fingerprint

    print_ = fingerprint(context.settings())
    found = find(CONNECT_S)
    had = found is not None
    if found is None:
        options = [*(["--stay"] if stay else []), *(["--no-history"] if no_history else [])]
        found = start(context, options)
    found.connection.close()
    if found.note is not None and found.note.fingerprint != print_:
        raise Failed(
            f"a feed with other provider settings runs already (pid {found.note.pid}): "
            "mdterm feed stop ends it",
            USAGE,
        )
    click.echo(f"{'runs already' if had else 'started'}: pid {found.pid}, {found.place.socket}")
    words = lasting.warning()
    if words is not None and not had:
        click.echo(f"mdterm: {words}", err=True)
    return 0


@feed.command("run", hidden=True)
@stays
@without_history
@click.option("--lazy", is_flag=True, help="Watch nothing before somebody asks for it.")
@click.option("--detached", is_flag=True, help="Tell where it listens, and let go of the standard streams.")
@common_options
@click.pass_obj
def run_feed(context: Context, stay: bool, no_history: bool, lazy: bool, detached: bool) -> int:
    """Run the feed in the foreground, as a service manager wants it."""
    from mdterm.app.feed_place import Busy
    from mdterm.app.feed_process import run
    from mdterm.app.feed_start import BUSY

    if context.log_file is not None:
        with contextlib.suppress(OSError):
            context.log_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    context.settings()
    context.start_log(is_bounded=True, to_stderr=True)
    try:
        return run(context, stays=stay, is_lazy=lazy, keeps_history=not no_history, is_detached=detached)
    except Busy:
        raise Failed(
            "a feed of this user runs already: mdterm feed status", BUSY if detached else USAGE
        ) from None


@feed.command("status")
@click.option("--json", "as_json", is_flag=True, help="All that is known, as one JSON object.")
@common_options
@click.pass_obj
def status(context: Context, as_json: bool) -> int:
    """Tell whether the feed runs (exit status 0, else 4), who is attached, and what it does."""
    found = _found()
    if found is None:
        if as_json:
            click.echo("null")
        else:
            click.echo("no feed runs")
        return UNREACHABLE
    found.connection.close()
    told = _ask(found)
    click.echo(json.dumps(told) if as_json else "\n".join(_lines(told)))
    return 0


@feed.command("stop")
@common_options
@click.pass_obj
def stop(context: Context) -> int:
    """End the feed; screens that are attached say so. Return when it has ended."""
    found = _found()
    if found is None:
        click.echo("no feed runs")
        return 0
    found.connection.close()
    pid = found.pid or (found.note.pid if found.note is not None else None)
    if pid is None:
        raise Failed("the system does not tell which process the feed is", USAGE)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    _wait_for_end(found, pid)
    click.echo(f"stopped: pid {pid}")
    return 0


@feed.command("log")
@click.option(
    "-n", "--lines", default=LINES, show_default=True, type=click.IntRange(0), help="Lines to print."
)
@click.option("-f", "--follow", is_flag=True, help="Go on as the log grows.")
@common_options
@click.pass_obj
def log(context: Context, lines: int, follow: bool) -> int:
    """Print the end of the feed's log."""
    from mdterm.app import locations
    from mdterm.app.stdout import write_out

    path = locations.feed_log_file()
    found = _found()
    if found is not None:
        found.connection.close()
        if found.note is not None and found.note.log:
            path = Path(found.note.log)
        elif found.note is not None:
            raise Failed("this feed logs to its service manager: journalctl --user -u mdterm-feed", USAGE)
    try:
        file = path.open("rb")
    except OSError as error:
        raise Failed(f"{path}: {error.strerror}", UNREACHABLE) from None
    with file:
        write_out("".join(_last(file, lines)))
        while follow:
            more = file.read()
            if more:
                write_out(more.decode(errors="replace"))
            time.sleep(_FOLLOW_S)
    return 0


def _found() -> "Found | None":
    from mdterm.app.feed_place import CONNECT_S, find

    return find(CONNECT_S)


def _ask(found: "Found") -> dict[str, Any]:
    """Return what the feed tells of itself. Raise Failed."""
    from mdterm.app import __version__
    from mdterm.app.attach import dial
    from mdterm.feeds.attached import AttachedPort
    from mdterm.feeds.attachment import AttachError, CallError
    from mdterm.feeds.port_wire import VERSION, Hello

    who = f"the feed (pid {found.pid})"
    port = AttachedPort(dial, Hello(VERSION, __version__, "control", os.getpid(), None))
    try:
        port.start(ASK_S)
        told: dict[str, Any] = port.call("status", wait_s=ASK_S)
    except (AttachError, CallError) as error:
        raise Failed(f"{who} cannot be asked: {error}", UNREACHABLE) from None
    finally:
        port.stop()
    told["clients"] = [one for one in told["clients"] if one["role"] != "control"]
    return told


def _lines(told: dict[str, Any]) -> list[str]:
    """Return the status as a person reads it."""
    now = time.time_ns()
    since = datetime.fromtimestamp(told["since"] / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    rss = told["rss_kb"] or told["largest_rss_kb"]
    found = [
        f"running: pid {told['pid']}, mdterm {told['program']}, since {since} ({_age(now - told['since'])})",
        f"socket: {told['socket']}",
        f"markets: {told['markets']['full']} full, {told['markets']['quotes']} last prices",
        f"memory: {rss / 1024:.0f} MB",
    ]
    found += [
        f"connection: {one['key']} {one['state']}" + (f" ({one['detail']})" if one["detail"] else "")
        for one in told["connections"]
    ]
    found += [
        f"client: {one['role']} pid {one['pid']}, for {_age(now - one['since'])}, {one['sent']} bytes"
        for one in told["clients"]
    ]
    if told["stays"]:
        found.append("ends: when it is told to")
    elif told["clients"]:
        found.append("ends: some time after the last client has left")
    else:
        found.append(f"ends: in {max(0, round(told['idle_left_s']))} s without a client")
    return found


def _age(ns: int) -> str:
    seconds = max(0, ns) // 1_000_000_000
    days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
    if days:
        return f"{days}d{hours:02}h"
    return (
        f"{hours}h{minutes:02}m" if hours else f"{minutes}m{seconds % 60:02}s" if minutes else f"{seconds}s"
    )


def _wait_for_end(found: "Found", pid: int) -> None:
    """Return when the feed has let go of its place. Raise Failed if it does not."""
    from mdterm.app.feed_place import is_held

    until = time.monotonic() + STOP_S
    while is_held(found.place):
        if time.monotonic() > until:
            raise Failed(f"the feed does not end; kill -9 {pid} ends it for certain", UNREACHABLE)
        time.sleep(0.02)


def _last(file: Any, lines: int) -> list[str]:
    """Return the last lines of a file that is bounded; what is read next is what comes after them."""
    found = file.read().decode(errors="replace").splitlines(keepends=True)
    return found[-lines:] if lines else []
