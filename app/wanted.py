"""What a command wants of instruments: the streams to subscribe, and what stands in the way."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from mdterm.app.commands.context import USAGE, Failed
from mdterm.feeds.address import Instrument
from mdterm.feeds.contract import Provider
from mdterm.feeds.events import KINDS, Stream

if TYPE_CHECKING:
    from mdterm.app.providers import World


LEFT_OUT: Final = frozenset({"trade_agg"})
"""Recorded only when asked for: it is made of the trades."""


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
    world: "World",
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
    had = {stream for one in instruments for stream in world.provider(one.provider).capabilities.streams}
    missing: list[str] = [kind for kind in kinds or () if kind not in had]
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


def wants_of(
    world: "World", instruments: Sequence[Instrument], streams: Sequence[Stream] | None
) -> list[tuple[str, Stream]]:
    """Return what to subscribe: what each provider can give of these kinds, or all that a screen shows."""
    from mdterm.feeds.accounts import EVERYTHING

    wants: dict[tuple[str, Stream], None] = {}
    for one in instruments:
        provider = world.provider(one.provider)
        for stream in sorted(provider.capabilities.streams):
            if stream not in streams if streams is not None else stream in LEFT_OUT:
                continue
            source: Stream = (
                "trade" if stream == "candle" and stream not in provider.capabilities.served else stream
            )
            if streams is None and provider.carries(one, source) is not None:
                continue
            address = f"{one.provider}:{EVERYTHING}" if stream == "balance" else one.address
            wants[address, stream] = None
    return list(wants)


def own_wants(
    world: "World",
    addresses: Sequence[str],
    kinds: Sequence[Stream] | None,
    interval: str,
    *,
    is_recorded: bool = False,
) -> Wants:
    """Return what is wanted of addresses, for a feed of this process. Raise AddressError, Failed."""
    return asyncio.run(wanted(world, world.instruments(addresses), kinds, interval, is_recorded=is_recorded))


def check_kinds(asked: Wants) -> None:
    """Raise Failed for kinds that no provider asked has."""
    if asked.missing:
        raise Failed(f"--kinds: no provider asked has {', '.join(asked.missing)}", USAGE)


def check_told(asked: Wants) -> None:
    """Raise Failed for kinds that no provider asked has, and for sizes that would be mere counts."""
    check_kinds(asked)
    if asked.untold:
        raise Failed(f"prices and sizes are not known in units: set {' and '.join(asked.untold)}", USAGE)


def read_kinds(text: str) -> list[Stream]:
    """Return the kinds named in a comma list. Raise Failed."""
    kinds: list[Stream] = []
    for name in text.split(","):
        kind = name.strip()
        if kind not in KINDS:
            raise Failed(f"--kinds: there is no kind {kind!r}; there are {', '.join(KINDS)}", USAGE)
        if kind not in kinds:
            kinds.append(kind)  # type: ignore[arg-type]  # KINDS are the streams
    return kinds


def read_interval(text: str) -> str:
    """Return the interval that is meant. Raise Failed."""
    from mdterm.feeds.intervals import IntervalError, parse_interval

    try:
        return parse_interval(text)
    except IntervalError as error:
        raise Failed(f"--interval: {error}", USAGE) from error
