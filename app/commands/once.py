"""`mdterm once`: an instrument as text, one line or JSON, once."""

import contextlib
import shutil
from typing import TYPE_CHECKING

import click

from mdterm.app import completing
from mdterm.app.commands.context import REFUSED, UNREACHABLE, USAGE, Context, Failed, common_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from mdterm.app.sight import Sight
    from mdterm.feeds.attached import AttachedPort

DEPTH = 10
"""Levels a side in JSON, as in `mdterm tail`."""
UNKNOWN = "—"


@click.command()
@click.argument("address", metavar="ADDRESS", shell_complete=completing.addresses)
@click.option(
    "--panel",
    type=click.Choice(["ladder", "tape", "chart", "all"]),
    default="all",
    show_default=True,
    help="What to show; only the connections it needs are opened.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "line", "json"]),
    default="text",
    show_default=True,
    help="Rows as on the screen, one line for a status bar, or an array of tail's objects.",
)
@click.option(
    "--width", type=click.IntRange(1, 10_000), help="Columns at most (default: the terminal's, or 80)."
)
@click.option(
    "--height", type=click.IntRange(1, 10_000), help="Rows at most (default: the terminal's, or 24)."
)
@click.option(
    "--wait",
    default=10.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Seconds to wait for data at most.",
)
@common_options
@click.pass_obj
def once(
    context: Context, address: str, panel: str, form: str, width: int | None, height: int | None, wait: float
) -> int:
    """Print an instrument once and exit.

    As soon as everything asked for has come, or what has come when --wait is over; what is missing says
    so in its place. The exit status is 4 where nothing came, 3 where all of it was refused.
    """
    from mdterm.app.attach import port_or_none
    from mdterm.app.stdout import write_out

    columns, rows = shutil.get_terminal_size((80, 24))
    width, height = width or columns, height or rows
    context.settings()
    context.start_log()
    with contextlib.ExitStack() as stack:
        port = port_or_none(context, "once")
        found: Sight
        if port is None:
            found = _own(context, address, panel, wait, height)
        else:
            stack.callback(port.stop)
            found = _attached(port, address, panel, wait, height)
        _write(found, panel, form, width, height, wait, write_out)
    return 0


def _own(context: Context, address: str, panel: str, wait: float, keep: int) -> "Sight":
    """Look over connections of this process."""
    from mdterm.app.foreground import run
    from mdterm.app.providers import World, missing_kinds
    from mdterm.app.sight import PANELS
    from mdterm.app.snapshot import snapshot

    world = World(context)
    try:
        (instrument,) = world.instruments([address])
        missing = missing_kinds(world, [instrument], PANELS[panel])
        streams = [stream for stream in PANELS[panel] if stream not in missing]
        if not streams:
            raise Failed(f"--panel {panel}: {instrument.provider} has no {', '.join(missing)}", USAGE)
        return run(snapshot(world.providers, instrument, streams, wait, keep=keep))
    finally:
        world.close()


def _attached(port: "AttachedPort", address: str, panel: str, wait: float, keep: int) -> "Sight":
    """Look through the shared feed."""
    import msgspec

    from mdterm.app.hearing import OPEN_S, ask
    from mdterm.app.sight import PANELS, FarSight, Looked
    from mdterm.feeds.address import parse_address

    parse_address(address)
    args = {"address": address, "streams": list(PANELS[panel]), "wait_s": wait, "keep": keep}
    looked = msgspec.convert(ask(port, "look", args, wait + OPEN_S), Looked)
    if not looked.shown:
        missing = ", ".join(looked.missing)
        raise Failed(f"--panel {panel}: {looked.instrument.provider} has no {missing}", USAGE)
    return FarSight(looked, lambda name, args: ask(port, name, args))


def _write(
    found: "Sight",
    panel: str,
    form: str,
    width: int,
    height: int,
    wait: float,
    write_out: "Callable[[str], None]",
) -> None:
    if not found.had:
        raise Failed(_words(found, wait), REFUSED if found.refused else UNREACHABLE)
    if form == "json":
        write_out(json_text(found, panel) + "\n")
    elif form == "line":
        write_out(line_text(found) + "\n")
    else:
        from mdterm.app.plain import paint

        write_out("".join(f"{line}\n" for line in paint(found, panel, width, height)))


def _words(found: "Sight", wait: float) -> str:
    """Say why there is nothing to print: each stream's state, and its reason where one is known."""
    words = "refused" if len(found.refused) == len(found.shown) else f"no data within {wait:g} s"
    lines = [f"{found.instrument.address}: {words}"]
    for stream, shown in found.shown.items():
        reason = f": {shown.detail}" if shown.detail else ""
        lines.append(f"{stream}: {shown.word}{reason}")
    return "\n".join(lines)


def line_text(found: "Sight") -> str:
    """Return symbol, last, change of the day, best bid and ask, and the state, for a status bar."""
    from mdterm.feeds.text import clean

    header, digits = found.header(), found.digits

    def price(value: float | None) -> str:
        return UNKNOWN if value is None else f"{value:.{digits}f}"

    bid, ask = found.bbo()
    change = UNKNOWN if header.change is None else f"{header.change * 100:+.2f}%"
    state = found.status.state.upper() + (" SIM" if found.instrument.simulated else "")
    symbol = clean(found.instrument.symbol, 60)
    return f"{symbol} {price(header.last)} {change} bid {price(bid)} ask {price(ask)} {state}"


def json_text(found: "Sight", panel: str) -> str:
    """Return an array of tail's objects: book, trades and candles oldest first, and for all the state."""
    from mdterm.feeds.events import Event, encode_line

    events: list[Event] = []
    if "book" in found.had and found.book is not None:
        events.append(found.book)
    events += found.trades
    if "candle" in found.shown:
        events += found.candles()
    if panel == "all":
        events.append(found.status)
    return "[" + ",\n ".join(encode_line(event, DEPTH).decode() for event in events) + "]"
