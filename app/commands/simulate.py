"""`mdterm simulate`: the simulated venue in the foreground."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import click

from mdterm.app.commands.context import INTERRUPTED, TERMINATED, USAGE, Context, Failed, common_options


@click.command()
@click.option("--providers", default="kiyotaka", show_default=True, help="Protocols to speak, by comma.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="First port; 0 takes any free ones.")
@click.option("--seed", default=1, show_default=True, help="Seed of the made-up market.")
@click.option("--rate", default=1.0, type=click.FloatRange(0.01, 1000), help="How busy the market is (×).")
@click.option(
    "--play",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Play this recording (NDJSON, gzipped or not) instead of a made-up market.",
)
@click.option("--speed", default=1.0, type=click.FloatRange(0.01, 10_000), help="How fast to play (×).")
@click.option("--keep-time", is_flag=True, help="Keep the recorded times instead of starting now.")
@click.option(
    "--fault", "faults", multiple=True, metavar="SPEC", help="What shall go wrong, such as drop@30."
)
@click.option(
    "--jayx-framing",
    type=click.Choice(["any", "socketio", "socketio3", "envelope", "envelope-message", "flat"]),
    default="any",
    show_default=True,
    help="How the JayX protocol frames its messages; any answers as it is spoken to.",
)
@common_options
@click.pass_obj
def simulate(
    context: Context,
    providers: str,
    host: str,
    port: int,
    seed: int,
    rate: float,
    play: Path | None,
    speed: float,
    keep_time: bool,
    faults: tuple[str, ...],
    jayx_framing: str,
) -> int:
    """Run the simulated venue until interrupted.

    One JSON line tells where it listens, as soon as it does: each endpoint by its dotted configuration key
    (ready for --set) and once more as a nested table.
    """
    from mdterm.app.stdout import write_out
    from mdterm.feeds.sim.faults import FaultError, parse_faults
    from mdterm.feeds.sim.venue import Venue, VenueConfig, VenueError
    from mdterm.feeds.thread import new_loop

    context.start_log()
    try:
        config = VenueConfig(
            providers=tuple(name.strip() for name in providers.split(",") if name.strip()),
            host=host,
            port=port,
            seed=seed,
            rate=rate,
            play=play,
            speed=speed,
            keep_time=keep_time,
            faults=tuple(fault for text in faults for fault in parse_faults(text)),
            jayx_framing=jayx_framing,
        )
    except FaultError as error:
        raise Failed(f"--fault: {error}", USAGE) from error

    async def serve() -> bool:
        """Serve until a signal comes; return whether it was one to terminate."""
        stopped: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def stop(terminate: bool) -> None:
            if not stopped.done():
                stopped.set_result(terminate)

        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop, number is not signal.SIGINT)
        venue = Venue(config)
        endpoints = await venue.start()
        try:
            write_out(json.dumps({**endpoints, **_nested(endpoints)}) + "\n")
            return await stopped
        finally:
            await venue.stop()

    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return TERMINATED if runner.run(serve()) else INTERRUPTED
    except VenueError as error:
        raise Failed(str(error), USAGE) from error


def _nested(endpoints: dict[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for dotted, value in endpoints.items():
        *path, last = dotted.split(".")
        branch = tree
        for name in path:
            branch = branch.setdefault(name, {})
        branch[last] = value
    return tree
