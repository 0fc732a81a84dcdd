"""Events of the shared feed for a command that prints or counts them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from mdterm.app.commands.context import Failed
from mdterm.app.wanted import Wants
from mdterm.feeds.address import parse_address
from mdterm.feeds.attached import AttachedPort
from mdterm.feeds.attachment import CallError
from mdterm.feeds.events import Stream

OPEN_S: Final = 60.0
"""How long instruments may take to open: a command may have to reveal a key first."""


def ask(port: AttachedPort, name: str, args: Mapping[str, Any], wait_s: float = OPEN_S) -> Any:
    """Return what the feed answers. Raise Failed with its words."""
    try:
        return port.call(name, args, wait_s=wait_s)
    except CallError as error:
        raise Failed(str(error), error.status) from None


def ask_wants(
    port: AttachedPort,
    addresses: Sequence[str],
    kinds: Sequence[Stream] | None,
    interval: str,
    *,
    is_recorded: bool = False,
) -> Wants:
    """Have instruments opened, and return what is to be subscribed of them. Raise AddressError, Failed."""
    for address in addresses:
        parse_address(address)
    try:
        port.open(addresses)  # by the port: it opens them again at a feed that takes this one's place
    except CallError as error:
        raise Failed(str(error), error.status) from None
    args = {
        "addresses": list(addresses),
        "kinds": None if kinds is None else list(kinds),
        "interval": interval,
        "is_recorded": is_recorded,
    }
    return msgspec.convert(ask(port, "wanted", args), Wants)
