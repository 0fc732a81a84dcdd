"""`mdterm ssh HOST`: the screen here, the feed there."""

import gc
from typing import TYPE_CHECKING, Any, Final

import click

from mdterm.app.commands.context import Context, Failed, common_options

if TYPE_CHECKING:
    from mdterm.app.state import State

_REST: Final = "mdterm.ssh.options"


class _WithRest(click.Command):
    """Keeps what stands after ``--`` for ssh."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Cut the arguments at ``--``."""
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[_REST] = tuple(args[at + 1 :])
        return super().parse_args(ctx, args[:at])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Tell of them in the usage."""
        return [*super().collect_usage_pieces(ctx), "[-- SSH_OPTIONS…]"]


@click.command(cls=_WithRest)
@click.argument("host", metavar="HOST")
@click.argument("addresses", nargs=-1, metavar="[ADDRESS…]")
@click.option("--fps", type=click.FloatRange(0.1, 60), help="Frames drawn a second, at most (default: 10).")
@click.option("--slow-link", is_flag=True, help="Draw less: 16 colours, 2 frames a second.")
@click.option(
    "--remote-command",
    "program",
    metavar="COMMAND",
    help="How mdterm is called on HOST (default: mdterm, which may be in ~/.local/bin).",
)
@common_options
@click.pass_context
def ssh(ctx: click.Context, /, **asked: Any) -> int:
    """Open the dashboard here on the feed of HOST, over ssh.

    Providers, keys and the default watchlist are those of HOST; theme, keys and layout are those of here.
    Options of ssh stand at the end: mdterm ssh HOST kiyotaka:BTCUSDT -- -p 2222
    """
    return _ssh(ctx.ensure_object(Context), ctx.meta[_REST], **asked)


def _ssh(
    context: Context,
    options: tuple[str, ...],
    host: str,
    addresses: tuple[str, ...],
    fps: float | None,
    slow_link: bool,
    program: str | None,
) -> int:
    from mdterm.app.commands.watch import check_terminal
    from mdterm.app.far import FarWorld
    from mdterm.app.sitting import Pace, attached, sit
    from mdterm.app.ssh_way import SshWay, check
    from mdterm.feeds.address import parse_address
    from mdterm.feeds.attachment import AttachError

    settings = context.settings()
    for address in addresses:
        parse_address(address)
    check(host)
    check_terminal(context)
    context.start_log()
    gc.disable()  # as for any screen: the dashboard switches it on again
    way = SshWay(host, options, program)
    port = way.port()
    try:
        port.start(None)
        world = FarWorld(settings, port, is_far=True)
        pace = Pace(fps, slow_link or settings.slow_link)
        sitting = attached(world, is_far=True)
        way.draw()
        return sit(context, sitting, _state(host), addresses, pace)
    except AttachError as error:
        raise Failed(str(error), error.status) from None
    finally:
        port.stop()
        way.close()


def _state(host: str) -> "State":
    """Return what is kept of this host's screens; the first one looks like the last one here."""
    from mdterm.app import locations
    from mdterm.app.state import State

    path = locations.far_state_file(host)
    state = State(path)
    if not path.exists():
        here = State()
        for key in ("theme", "time_zone", "layout"):
            chosen = here.text("screen", key)
            if chosen:
                state.put(chosen, "screen", key)
    return state
