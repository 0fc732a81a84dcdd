"""`mdterm panel`: one panel alone, for a pane of tmux."""

import gc
from typing import TYPE_CHECKING

import click

from mdterm.app import completing
from mdterm.app.commands.context import USAGE, Context, Failed, common_options

if TYPE_CHECKING:
    from mdterm.feeds.attached import AttachedPort

NAMES = ("ladder", "tape", "chart", "watch", "account", "derivatives", "compare", "connections", "header")
OWN_LINK = (
    '--link needs the shared feed, and feed = "own" has each panel open connections of its own: leave --link '
    'out, or set feed = "auto"'
)


@click.command()
@click.argument("name", type=click.Choice(NAMES), metavar="NAME")
@click.argument("addresses", nargs=-1, metavar="[ADDRESS…]", shell_complete=completing.addresses)
@click.option("--link", default="", metavar="NAME", help="Switch symbols together with all panels of a link.")
@click.option("--fps", type=click.FloatRange(0.1, 60), help="Frames drawn a second, at most (default: 10).")
@click.option("--slow-link", is_flag=True, help="Draw less, for a thin link: 16 colours, 2 frames a second.")
@common_options
@click.pass_obj
def panel(
    context: Context, name: str, addresses: tuple[str, ...], link: str, fps: float | None, slow_link: bool
) -> int:
    """Open one panel alone, of the shared feed; one is started where none runs.

    NAME is ladder, tape, chart, watch, account, derivatives, compare, connections or header. Keys are those
    of the panel, [ and ] and digits show other symbols, q leaves.
    """
    from mdterm.app.attach import port_or_none
    from mdterm.app.commands.watch import check_terminal
    from mdterm.feeds.address import parse_address

    settings = context.settings()
    for address in addresses:
        parse_address(address)
    if link and settings.feed == "own":
        raise Failed(OWN_LINK, USAGE)
    check_terminal(context)
    context.start_log()
    gc.disable()  # as the dashboard does, until it is painted
    port = port_or_none(context, "panel", starts=True)
    if port is not None:
        return _attached(context, port, name, addresses, link, fps, slow_link)
    if link:
        raise Failed(f"--link needs the shared feed; {'; '.join(context.remarks)}", USAGE)
    return _own(context, name, addresses, fps, slow_link)


def _attached(
    context: Context,
    port: "AttachedPort",
    name: str,
    addresses: tuple[str, ...],
    link: str,
    fps: float | None,
    slow_link: bool,
) -> int:
    from mdterm.app.alone import sit_alone
    from mdterm.app.far import FarWorld
    from mdterm.app.sitting import Pace, attached

    settings = context.settings()
    try:
        sitting = attached(FarWorld(settings, port))
        return sit_alone(context, sitting, name, addresses, link, Pace(fps, slow_link or settings.slow_link))
    finally:
        port.stop()


def _own(context: Context, name: str, addresses: tuple[str, ...], fps: float | None, slow_link: bool) -> int:
    from mdterm.app.alone import sit_alone
    from mdterm.app.keeping import keeping
    from mdterm.app.providers import World
    from mdterm.app.sitting import Pace, own
    from mdterm.app.state import State

    world = World(context)
    world.state = State()
    pace = Pace(fps, slow_link or world.settings.slow_link)
    try:
        with keeping(None, True) as kept:
            sitting = own(world, kept, pace.period_s(world.settings.fps))
            try:
                return sit_alone(context, sitting, name, addresses, "", pace)
            finally:
                sitting.feed.stop()
    finally:
        world.close()
