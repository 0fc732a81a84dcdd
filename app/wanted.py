"""What a command wants of instruments: the streams to subscribe, and what stands in the way."""

from collections.abc import Sequence

import msgspec

from mdterm.app.commands.context import USAGE, Failed
from mdterm.app.providers import World, missing_kinds
from mdterm.feeds.address import Instrument
from mdterm.feeds.contract import Provider
from mdterm.feeds.events import Stream


class Wants(msgspec.Struct, frozen=True):
    """The instruments, and each stream of them that is to be subscribed.

    ``missing`` are kinds that no provider asked has, ``untold`` configuration keys without which prices and
    sizes would be mere counts.
    """

    instruments: list[Instrument]
    wants: list[tuple[str, Stream]]
    missing: list[str]
    untold: list[str]


async def wanted(
    world: World,
    instruments: Sequence[Instrument],
    kinds: Sequence[Stream] | None,
    interval: str,
    *,
    is_recorded: bool = False,
) -> Wants:
    """Return what is wanted of kinds (None: all that a screen shows), with bars of an interval.

    A recording holds accounts as wholes. Raise Failed where a provider has no bars of that interval.
    """
    untold: list[str] = []
    for one in instruments:
        untold += await _untold(world.provider(one.provider), one)
    if kinds is None or is_recorded:
        from mdterm.app.commands.record import wants_of

        wants = wants_of(world, instruments, kinds)
    else:
        wants = [
            (one.address, stream)
            for one in instruments
            for stream in kinds
            if stream in world.provider(one.provider).capabilities.streams
        ]
    candles = {address for address, stream in wants if stream == "candle"}
    for one in instruments:
        if one.address in candles:
            _set_interval(world.provider(one.provider), one, interval)
    missing = [] if kinds is None else missing_kinds(world, instruments, kinds)
    return Wants(list(instruments), wants, missing, untold)


async def _untold(provider: Provider, instrument: Instrument) -> list[str]:
    if provider.kind != "jayx":
        return []
    from mdterm.feeds.jayx.feed import JayX

    assert isinstance(provider, JayX)
    await provider.learn()
    return provider.untold(instrument)


def _set_interval(provider: Provider, instrument: Instrument, interval: str) -> None:
    """Have bars of an interval served where a provider's socket carries only one."""
    if provider.kind == "jayx":
        from mdterm.feeds.jayx.feed import JayX

        assert isinstance(provider, JayX)
        try:
            provider.set_interval(instrument.address, interval)
        except ValueError as error:
            raise Failed(f"--interval: {error}", USAGE) from error
